#include "coordinator/session/message_size.h"

#include "absl/strings/str_cat.h"
#include "common/rpc/channel.h"

namespace grange::session {
namespace {

// For the envelope around the offer or the start.
constexpr size_t kBodyMax = rpc::kControlMessageMax - 64;

template <typename Texts>
size_t BytesOf(const Texts& texts) {
  size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  return bytes;
}

template <typename Variables>
size_t BytesOfVariables(const Variables& variables) {
  size_t bytes = 0;
  for (const v1::Variable& variable : variables) {
    bytes += variable.name().size() + variable.value().size();
  }
  return bytes;
}

}  // namespace

absl::Status CheckSize(const v1::JobOffer& offer) {
  const size_t bytes = offer.ByteSizeLong();
  if (bytes <= kBodyMax) return absl::OkStatus();
  const v1::JobSpec& spec = offer.spec();
  return absl::InvalidArgumentError(absl::StrCat(
      "the job is too large to be handed to an agent: ", bytes, " bytes, at most ", kBodyMax,
      " are possible (scripts ", BytesOf(spec.script()) + BytesOf(spec.after_script()),
      ", variables ", BytesOfVariables(spec.variables()), ", the rest ",
      bytes - BytesOf(spec.script()) - BytesOf(spec.after_script()) -
          BytesOfVariables(spec.variables()),
      "); put long scripts and values into files of the repository"));
}

absl::Status CheckSize(const v1::JobStart& start) {
  const size_t bytes = start.ByteSizeLong();
  if (bytes <= kBodyMax) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("the project's ", start.secrets_size(), " masked and file variables have ", bytes,
                   " bytes together, at most ", kBodyMax,
                   " can be handed to an agent; remove some with 'grangectl var remove'"));
}

}  // namespace grange::session
