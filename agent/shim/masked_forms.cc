#include "agent/shim/masked_forms.h"

#include <algorithm>
#include <cstdint>

namespace grange::shim {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlSafe =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// The characters whose six bits all come from `value` when `shift` bytes stand before it in the
// encoded bytes.
std::string Base64Core(std::string_view value, size_t shift, std::string_view alphabet) {
  const size_t first = (shift * 8 + 5) / 6;            // character in which no bit is foreign
  const size_t last = (shift + value.size()) * 8 / 6;  // the one after the last such
  std::string core;
  for (size_t i = first; i < last; ++i) {
    uint32_t six = 0;
    for (size_t bit = i * 6; bit < i * 6 + 6; ++bit) {
      const unsigned char byte = static_cast<unsigned char>(value[bit / 8 - shift]);
      six = six << 1 | (byte >> (7 - bit % 8) & 1);
    }
    core.push_back(alphabet[six]);
  }
  return core;
}

// The whole of what `base64` prints for `value`.
std::string Base64(std::string_view value) {
  std::string padded(value);
  padded.append((3 - value.size() % 3) % 3, '\0');
  std::string encoded = Base64Core(padded, 0, kStandard);
  const size_t padding = padded.size() - value.size();
  encoded.replace(encoded.size() - padding, padding, padding, '=');
  return encoded;
}

std::string PercentEncoded(std::string_view value, std::string_view digits) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : value) {
    if (kPlain.find(c) != std::string_view::npos) {
      encoded.push_back(c);
      continue;
    }
    const unsigned char byte = static_cast<unsigned char>(c);
    encoded.push_back('%');
    encoded.push_back(digits[byte >> 4]);
    encoded.push_back(digits[byte & 15]);
  }
  return encoded;
}

}  // namespace

std::vector<std::string> MaskedForms(const std::vector<std::string>& values) {
  std::vector<std::string> forms;
  for (const std::string& value : values) {
    if (value.empty()) continue;
    forms.push_back(value);
    for (size_t shift = 0; shift < 3; ++shift) {
      for (const std::string_view alphabet : {kStandard, kUrlSafe}) {
        std::string core = Base64Core(value, shift, alphabet);
        if (core.size() >= kBase64Min) forms.push_back(std::move(core));
      }
    }
    for (const std::string& alone : {Base64(value), Base64(value + "\n")}) {
      if (alone.size() >= kBase64Min) forms.push_back(alone);
    }
    forms.push_back(PercentEncoded(value, "0123456789ABCDEF"));
    forms.push_back(PercentEncoded(value, "0123456789abcdef"));
  }
  std::sort(forms.begin(), forms.end());
  forms.erase(std::unique(forms.begin(), forms.end()), forms.end());
  return forms;
}

}  // namespace grange::shim
