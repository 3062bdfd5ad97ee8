#ifndef GRANGE_AGENT_SHIM_MASKED_FORMS_H_
#define GRANGE_AGENT_SHIM_MASKED_FORMS_H_

#include <string>
#include <string_view>
#include <vector>

namespace grange::shim {

// The forms in which a secret value shows up in a log: as it is; in base64, alone, with a newline,
// and wherever it stands in the encoded bytes (the characters that it alone decides, in both
// alphabets; from kBase64Min of them on); and percent-encoded. Without repeats. Pure.
std::vector<std::string> MaskedForms(const std::vector<std::string>& values);

inline constexpr size_t kBase64Min = 8;

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_MASKED_FORMS_H_
