#include "agent/job/secret_mask.h"

#include "agent/shim/masked_forms.h"
#include "agent/shim/masker.h"

namespace grange::job {

SecretMask::SecretMask(const JobSecrets& secrets) : values_(secrets.masks) {
  for (const SecretVariable& variable : secrets.variables) {
    if (variable.masked) values_.push_back(variable.value);
  }
}

std::string SecretMask::Apply(absl::string_view text) const {
  if (values_.empty() || text.empty()) return std::string(text);
  std::vector<std::string> values;
  values.reserve(values_.size());
  for (const Secret& value : values_) values.emplace_back(value.Open());
  shim::Masker masker(shim::MaskedForms(values));
  std::string masked;
  masker.Feed({text.data(), text.size()}, &masked);
  masker.Finish(&masked);
  return masked;
}

}  // namespace grange::job
