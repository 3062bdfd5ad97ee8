#include "coordinator/trace/compressor.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <utility>

#include "absl/status/status.h"
#include "common/log/log.h"
#include "coordinator/trace/seekable_zstd.h"

namespace grange::trace {
namespace {

// Below it a file of its own costs more than it saves.
constexpr off_t kWorthItBytes = 64 << 10;
constexpr size_t kQueueMax = 100'000;  // beyond it files stay as they are

// Only when nobody else wants the processor or the disk.
void YieldToAll() {
  constexpr int kWhoProcess = 1;
  constexpr int kIdleClass = 3 << 13;
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 19);
  ::syscall(SYS_ioprio_set, kWhoProcess, 0, kIdleClass);
}

void Compress(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || info.st_size < kWorthItBytes) return;
  const absl::Status status = CompressSeekable(path, path + ".zst");
  if (status.ok()) {
    ::unlink(path.c_str());  // readers that have it open go on; others find the new one
  } else {
    log::Warning("trace_not_compressed", {{"path", path}, {"error", status}});
  }
}

}  // namespace

Compressor::Compressor() : thread_([this] { Run(); }) {}

Compressor::~Compressor() {
  {
    base::MutexLock lock(mu_);
    stop_ = true;
    changed_.Signal();
  }
  thread_.join();
}

void Compressor::Add(std::string path) {
  base::MutexLock lock(mu_);
  if (paths_.size() >= kQueueMax) return;
  paths_.push_back(std::move(path));
  changed_.Signal();
}

void Compressor::Run() {
  YieldToAll();
  while (true) {
    std::string path;
    {
      base::MutexLock lock(mu_);
      while (!stop_ && paths_.empty()) changed_.Wait(mu_);
      if (stop_) return;
      path = std::move(paths_.front());
      paths_.pop_front();
    }
    Compress(path);
  }
}

}  // namespace grange::trace
