#include "tests/chaos/excuses.h"

namespace grange::chaos {
namespace {

constexpr char kKilled[] = "killed";
constexpr char kDisk[] = "disk";
constexpr char kAbsent[] = "absent";

}  // namespace

void Excuses::NoteShimKilled(const std::string& folder) {
  base::MutexLock lock(mu_);
  shims_.insert(folder);
}

void Excuses::NoteAgentKilled(const std::string& agent) {
  base::MutexLock lock(mu_);
  done_.insert({kKilled, agent});
}

void Excuses::NoteAgentDisk(const std::string& agent) {
  base::MutexLock lock(mu_);
  done_.insert({kDisk, agent});
}

void Excuses::NoteCoordinatorDisk() {
  base::MutexLock lock(mu_);
  done_.insert({kDisk, ""});
}

void Excuses::NoteAbsence(const std::string& agent) {
  base::MutexLock lock(mu_);
  done_.insert({kAbsent, agent});
}

bool Excuses::Was(const std::string& what, const std::string& agent) const {
  return done_.count({what, agent}) > 0;
}

bool Excuses::Explain(const std::string& folder, const std::string& agent,
                      const std::string& reason, bool started) const {
  base::MutexLock lock(mu_);
  if (reason == "supervisor_died") return shims_.count(folder) > 0;
  // The agent died when it had written down that it would start the job. If it had started it, the
  // job would have gone on.
  if (reason == "agent_crash") return !started && Was(kKilled, agent);
  if (reason == "agent_lost") return Was(kAbsent, agent);
  if (reason == "agent_disk_full" || reason == "prepare_failed") return Was(kDisk, agent);
  if (reason == "sources_failed" || reason == "artifacts_failed") {
    return Was(kDisk, agent) || Was(kDisk, "");
  }
  return false;
}

}  // namespace grange::chaos
