#include "coordinator/store/checkpointer.h"

#include <utility>

#include "common/base/status_macros.h"
#include "common/log/log.h"

namespace grange::store {
namespace {

constexpr int kPagesBetween = 1000;                // 4 MiB
constexpr int kTruncatePages = (64 << 20) / 4096;  // beyond: wait for the writer and cut the log

}  // namespace

absl::StatusOr<std::unique_ptr<Checkpointer>> Checkpointer::Start(const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection,
                          Connection::Open(path, Connection::Access::kReadWrite));
  return std::unique_ptr<Checkpointer>(new Checkpointer(std::move(connection)));
}

Checkpointer::Checkpointer(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)), thread_([this] { Run(); }) {}

Checkpointer::~Checkpointer() {
  {
    base::MutexLock lock(mu_);
    stop_ = true;
    changed_.Signal();
  }
  thread_.join();
}

void Checkpointer::LogHas(int pages) {
  base::MutexLock lock(mu_);
  if (pages < pages_) done_at_ = 0;  // the log was begun anew
  pages_ = pages;
  if (pages_ - done_at_ >= kPagesBetween) changed_.Signal();
}

void Checkpointer::Run() {
  while (true) {
    int mode = SQLITE_CHECKPOINT_PASSIVE;
    {
      base::MutexLock lock(mu_);
      while (!stop_ && pages_ - done_at_ < kPagesBetween) changed_.Wait(mu_);
      if (stop_) return;
      done_at_ = pages_;
      if (pages_ > kTruncatePages) mode = SQLITE_CHECKPOINT_TRUNCATE;
    }
    const int code = sqlite3_wal_checkpoint_v2(connection_->raw(), nullptr, mode, nullptr, nullptr);
    // Busy: a reader or the writer was in the way; the log's next growth tries again.
    if (code != SQLITE_OK && (code & 0xff) != SQLITE_BUSY) {
      log::Warning("checkpoint_failed", {{"error", connection_->ErrorOf(code)}});
    }
  }
}

}  // namespace grange::store
