#include "coordinator/trace/compressor.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
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

// The size of the new file; 0 if the old one stays as it is, or is gone.
uint64_t Compress(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0 || info.st_size < kWorthItBytes) return 0;
  const std::string packed = path + ".zst";
  const absl::Status status = CompressSeekable(path, packed);
  if (!status.ok()) {
    log::Warning("trace_not_compressed", {{"path", path}, {"error", status}});
    return 0;
  }
  if (::unlink(path.c_str()) != 0) {  // readers that have it open go on; others find the new one
    if (errno == ENOENT) ::unlink(packed.c_str());  // it was removed meanwhile: both go
    return 0;
  }
  return ::stat(packed.c_str(), &info) == 0 ? static_cast<uint64_t>(info.st_size) : 0;
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

void Compressor::Add(std::string path, Done done) {
  base::MutexLock lock(mu_);
  if (waiting_.size() >= kQueueMax) return;
  waiting_.push_back({.path = std::move(path), .done = std::move(done)});
  changed_.Signal();
}

void Compressor::Run() {
  YieldToAll();
  while (true) {
    Work work;
    {
      base::MutexLock lock(mu_);
      while (!stop_ && waiting_.empty()) changed_.Wait(mu_);
      if (stop_) return;
      work = std::move(waiting_.front());
      waiting_.pop_front();
    }
    if (const uint64_t bytes = Compress(work.path); bytes > 0) work.done(bytes);
  }
}

}  // namespace grange::trace
