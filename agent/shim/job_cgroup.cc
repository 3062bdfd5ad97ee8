#include "agent/shim/job_cgroup.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <string_view>

namespace grange::shim {
namespace {

constexpr size_t kFileBytesMax = 1 << 20;  // of cgroup.procs: more than 100,000 processes

bool Has(const std::string& path) { return access(path.c_str(), F_OK) == 0; }

// True if it was written as a whole; else errno says why.
bool Write(const std::string& path, std::string_view text) {
  const OwnedFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.is_open() &&
         write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::string Read(const std::string& path) {
  const OwnedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  std::array<char, 4096> buffer;
  while (fd.is_open() && text.size() < kFileBytesMax) {
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<size_t>(got));
  }
  return text;
}

// Calls `take` with each line, without its line feed.
template <typename Take>
void ForEachLine(std::string_view text, const Take& take) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    take(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

// Of a file with lines "name number"; 0 if there is no such file or line.
uint64_t Count(const std::string& path, std::string_view name) {
  uint64_t count = 0;
  ForEachLine(Read(path), [&](std::string_view line) {
    if (line.size() <= name.size() || line.substr(0, name.size()) != name) return;
    if (line[name.size()] != ' ') return;
    line.remove_prefix(name.size() + 1);
    std::from_chars(line.data(), line.data() + line.size(), count);
  });
  return count;
}

std::string MemoryText(uint64_t bytes) {
  if (bytes % (uint64_t{1} << 20) == 0) return std::to_string(bytes >> 20) + " MiB";
  return std::to_string(bytes) + " bytes";
}

}  // namespace

std::string JobCgroup::SetLimits() const {
  const std::string bytes = std::to_string(memory_bytes_);
  const std::string pids = pids_ == 0 ? "max" : std::to_string(pids_);
  for (const std::string& folder : folders_) {
    const bool v1_memory = Has(folder + "/memory.limit_in_bytes");
    if (memory_bytes_ > 0 && v1_memory) {
      // The sum of memory and swap can't be below memory alone: so one of these two comes first,
      // the other after it, whichever way the limit moves.
      Write(folder + "/memory.memsw.limit_in_bytes", bytes);
      if (!Write(folder + "/memory.limit_in_bytes", bytes))
        return folder + "/memory.limit_in_bytes";
      Write(folder + "/memory.memsw.limit_in_bytes", bytes);  // kernels without it: no swap limit
    } else if (memory_bytes_ > 0 && Has(folder + "/memory.max")) {
      if (!Write(folder + "/memory.max", bytes)) return folder + "/memory.max";
      Write(folder + "/memory.swap.max", "0");   // not there without swap
      Write(folder + "/memory.oom.group", "1");  // half a job is of no use
    }
    if (Has(folder + "/pids.max") && !Write(folder + "/pids.max", pids)) {
      return folder + "/pids.max";
    }
  }
  return "";
}

std::vector<OwnedFd> JobCgroup::OpenDoors() const {
  std::vector<OwnedFd> doors;
  for (const std::string& folder : folders_) {
    OwnedFd door(open((folder + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
    if (!door.is_open()) break;
    doors.push_back(std::move(door));
  }
  return doors;
}

OwnedFd JobCgroup::OpenFolder() const {
  struct statfs info {};
  if (folders_.size() != 1) return OwnedFd();
  OwnedFd folder(open(folders_[0].c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const bool v2 = folder.is_open() && fstatfs(folder.get(), &info) == 0 &&
                  static_cast<uint64_t>(info.f_type) == CGROUP2_SUPER_MAGIC;
  return v2 ? std::move(folder) : OwnedFd();
}

uint64_t JobCgroup::OomKills() const {
  uint64_t kills = 0;
  for (const std::string& folder : folders_) {
    kills += Count(folder + "/memory.events", "oom_kill");       // v2
    kills += Count(folder + "/memory.oom_control", "oom_kill");  // v1
  }
  return kills;
}

uint64_t JobCgroup::ForksRefused() const {
  uint64_t refused = 0;
  for (const std::string& folder : folders_) refused += Count(folder + "/pids.events", "max");
  return refused;
}

void JobCgroup::NoteEvents() {
  oom_kills_before_ = OomKills();
  forks_refused_before_ = ForksRefused();
}

JobCgroup::Limit JobCgroup::Exceeded() const {
  if (memory_bytes_ > 0 && OomKills() > oom_kills_before_) return Limit::kMemory;
  if (pids_ > 0 && ForksRefused() > forks_refused_before_) return Limit::kPids;
  return Limit::kNone;
}

std::string JobCgroup::Describe(Limit limit) const {
  switch (limit) {
    case Limit::kMemory:
      return "killed: memory limit " + MemoryText(memory_bytes_);
    case Limit::kPids:
      return "killed: limit of " + std::to_string(pids_) + " processes and threads";
    case Limit::kNone:
      break;
  }
  return "";
}

void JobCgroup::HoldForks() const {
  for (const std::string& folder : folders_) Write(folder + "/pids.max", "0");
}

void JobCgroup::AllowForks() const {
  const std::string pids = pids_ == 0 ? "max" : std::to_string(pids_);
  for (const std::string& folder : folders_) Write(folder + "/pids.max", pids);
}

size_t JobCgroup::KillAll() const {
  size_t found = 0;
  for (const std::string& folder : folders_) {
    const std::string procs = Read(folder + "/cgroup.procs");
    const bool killed = !procs.empty() && Write(folder + "/cgroup.kill", "1");
    ForEachLine(procs, [&](std::string_view line) {
      pid_t pid = 0;
      std::from_chars(line.data(), line.data() + line.size(), pid);
      if (pid <= 1 || pid == getpid()) return;  // 0: of another namespace
      ++found;
      if (!killed) kill(pid, SIGKILL);
    });
  }
  return found;
}

bool JobCgroup::Remove() const {
  bool gone = true;
  for (const std::string& folder : folders_) {
    if (rmdir(folder.c_str()) != 0 && errno != ENOENT) gone = false;
  }
  return gone;
}

}  // namespace grange::shim
