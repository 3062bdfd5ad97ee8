// Any secrets in any output, cut anywhere: no secret comes out, and the cuts change nothing.
//
//   secrets   a line each, up to an empty line; `\n` and `\\` stand for a newline and a backslash
//   cuts      a line: each byte is the length of a piece
//   output    the rest

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/shim/masked_forms.h"
#include "agent/shim/masker.h"
#include "common/base/check.h"
#include "tests/agent/shim/slow_masker.h"
#include "tests/fuzz/byte_reader.h"

namespace {

using grange::shim::Masker;

constexpr size_t kValuesMax = 20;

std::string Unescaped(const std::string& line) {
  std::string text;
  for (size_t i = 0; i < line.size(); ++i) {
    const bool escape = line[i] == '\\' && i + 1 < line.size();
    if (escape) ++i;
    text.push_back(escape && line[i] == 'n' ? '\n' : line[i]);
  }
  return text;
}

std::string MaskInPieces(const std::vector<std::string>& values, std::string_view text,
                         const std::string& cuts) {
  size_t longest = 1;
  for (const std::string& value : values) longest = std::max(longest, value.size());
  Masker masker(values);
  std::string out;
  for (size_t i = 0; !text.empty(); ++i) {
    const size_t length = i < cuts.size() ? static_cast<uint8_t>(cuts[i]) : text.size();
    masker.Feed(text.substr(0, length), &out);
    text.remove_prefix(std::min(length, text.size()));
    GRANGE_CHECK(masker.held_back() < longest);
  }
  masker.Finish(&out);
  GRANGE_CHECK(masker.held_back() == 0);
  return out;
}

// Whether a value found in an output could only be plain bytes: one that shares no character with
// the marker can't be made up by it.
bool IsPlain(const std::string& value) {
  return !value.empty() && value.find_first_of(grange::shim::kMaskMarker) == std::string::npos;
}

void Check(const std::vector<std::string>& values, const std::string& text,
           const std::string& cuts) {
  const std::string expected = grange::shim::MaskSlowly(values, text);
  for (const std::string& value : values) {
    GRANGE_CHECK(!IsPlain(value) || expected.find(value) == std::string::npos);
  }
  GRANGE_CHECK(MaskInPieces(values, text, "") == expected);
  GRANGE_CHECK(MaskInPieces(values, text, cuts) == expected);
  GRANGE_CHECK(MaskInPieces(values, text, std::string(text.size(), '\1')) == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  grange::fuzz::ByteReader input(data, size);
  std::vector<std::string> values;
  for (std::string line = input.Line(); !line.empty() && values.size() < kValuesMax;
       line = input.Line()) {
    values.push_back(Unescaped(line));
  }
  const std::string cuts = input.Line();
  const std::string text = input.Rest();
  Check(values, text, cuts);
  Check(grange::shim::MaskedForms(values), text, cuts);
  return 0;
}
