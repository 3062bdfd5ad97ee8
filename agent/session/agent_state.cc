#include "agent/session/agent_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "nlohmann/json.hpp"

namespace grange::session {
namespace {

constexpr uint64_t kFileBytesMax = 1 << 20;
constexpr off_t kBallastBytes = 16 << 20;

}  // namespace

std::string AgentState::Path(absl::string_view name) const { return os::JoinPath(dir_, name); }

bool AgentState::IsRegistered() const { return os::Exists(Path("agent.id")); }

absl::Status AgentState::SaveRegistration(const AgentIdentity& identity, const Secret& credential,
                                          const std::string& ca_pem) const {
  const nlohmann::json json = {{"id", identity.id.value()},
                               {"name", identity.name},
                               {"coordinator", identity.coordinator},
                               {"tags", identity.tags},
                               {"run_untagged", identity.run_untagged},
                               {"slots", identity.slots},
                               {"insecure", identity.insecure}};
  GRANGE_RETURN_IF_ERROR(os::WriteFileAtomic(Path("credential"), credential.Open(), 0600));
  if (!identity.insecure) {
    GRANGE_RETURN_IF_ERROR(os::WriteFileAtomic(Path("ca.pem"), ca_pem, 0644));
  }
  return os::WriteFileAtomic(
      Path("agent.id"), json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n",
      0644);
}

absl::StatusOr<AgentIdentity> AgentState::LoadIdentity() const {
  const absl::StatusOr<std::string> text = os::ReadFile(Path("agent.id"), kFileBytesMax);
  if (absl::IsNotFound(text.status())) {
    return absl::FailedPreconditionError(absl::StrCat("no agent is registered in '", dir_,
                                                      "'; run 'grange-agent register --state ",
                                                      dir_, "' first"));
  }
  if (!text.ok()) return text.status();
  try {
    const nlohmann::json json = nlohmann::json::parse(*text);
    AgentIdentity identity;
    identity.id = AgentId(json.at("id").get<int64_t>());
    identity.name = json.at("name");
    identity.coordinator = json.at("coordinator");
    identity.tags = json.at("tags").get<std::vector<std::string>>();
    identity.run_untagged = json.at("run_untagged");
    identity.slots = json.at("slots");
    identity.insecure = json.value("insecure", false);
    return identity;
  } catch (const nlohmann::json::exception& e) {
    return absl::DataLossError(absl::StrCat("'", Path("agent.id"), "' is damaged (", e.what(),
                                            "); register the agent anew in another directory"));
  }
}

absl::StatusOr<Secret> AgentState::LoadCredential() const {
  GRANGE_ASSIGN_OR_RETURN(std::string text, os::ReadFile(Path("credential"), kFileBytesMax));
  absl::StripAsciiWhitespace(&text);
  return Secret(std::move(text));
}

absl::StatusOr<std::string> AgentState::LoadCa() const {
  return os::ReadFile(Path("ca.pem"), kFileBytesMax);
}

absl::StatusOr<uint64_t> AgentState::NextSessionCounter() const {
  const std::string path = Path("session_counter");
  uint64_t counter = 0;
  const absl::StatusOr<std::string> text = os::ReadFile(path, kFileBytesMax);
  if (text.ok() && !absl::SimpleAtoi(*text, &counter)) {
    return absl::DataLossError(
        absl::StrCat("'", path, "' is damaged; ask for 'grangectl agent reset', then remove it"));
  }
  if (!text.ok() && !absl::IsNotFound(text.status())) return text.status();
  const std::string next = absl::StrCat(counter + 1, "\n");
  absl::Status written = os::WriteFileAtomic(path, next);
  if (absl::IsResourceExhausted(written) && GiveUpBallast()) {
    written = os::WriteFileAtomic(path, next);
  }
  GRANGE_RETURN_IF_ERROR(written);
  return counter + 1;
}

absl::Status AgentState::MakeBallast() const {
  const std::string path = Path("ballast");
  const os::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot make", path);
  const int error = ::posix_fallocate(fd.get(), 0, kBallastBytes);
  if (error == 0) return absl::OkStatus();
  ::unlink(path.c_str());
  return os::ErrnoStatus(error, "cannot make", path);
}

bool AgentState::GiveUpBallast() const {
  if (::unlink(Path("ballast").c_str()) != 0) return false;
  log::Warning("ballast_given_up", {{"path", Path("ballast")}});
  return true;
}

}  // namespace grange::session
