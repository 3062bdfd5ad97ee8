#include "tools/ctl/watch_stream.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "common/base/check.h"
#include "tools/ctl/reconnect.h"

namespace grange::ctl {

WatchStream::WatchStream(Client& client, int64_t pipeline, bool log_tail)
    : client_(client),
      pipeline_(pipeline),
      log_tail_(log_tail),
      ready_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  GRANGE_CHECK(ready_.is_open());
  thread_ = std::thread([this] { Run(); });
}

WatchStream::~WatchStream() {
  {
    base::MutexLock lock(mu_);
    stop_ = true;
    if (current_ != nullptr) current_->TryCancel();  // returns at once
    stopped_.SignalAll();
  }
  thread_.join();
}

std::optional<WatchStream::Item> WatchStream::Next() {
  base::MutexLock lock(mu_);
  if (items_.empty()) {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(ready_.get(), &count, sizeof count);
    return std::nullopt;
  }
  Item item = std::move(items_.front());
  items_.pop_front();
  return item;
}

void WatchStream::Put(Item item) {
  base::MutexLock lock(mu_);
  items_.push_back(std::move(item));
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t put = ::write(ready_.get(), &one, sizeof one);
}

void WatchStream::Run() { Put({.finished = ReadAll()}); }

absl::Status WatchStream::ReadAll() {
  Reconnect reconnect(client_);
  v1::WatchRequest request;
  request.set_pipeline_id(pipeline_);
  request.set_log_tail(log_tail_);
  while (true) {
    grpc::ClientContext context;
    client_.Prepare(context);
    {
      base::MutexLock lock(mu_);
      if (stop_) return absl::CancelledError("stopped");
      current_ = &context;
    }
    const std::unique_ptr<grpc::ClientReader<v1::WatchEvent>> reader =
        client_.stub().Watch(&context, request);
    v1::WatchEvent event;
    bool ended = false;
    while (reader->Read(&event)) {
      client_.NoteReached();
      reconnect.NoteProgress();
      ended = event.ended();
      Put({.event = std::move(event)});
      event.Clear();
    }
    const grpc::Status status = reader->Finish();
    base::MutexLock lock(mu_);
    current_ = nullptr;
    if (stop_) return absl::CancelledError("stopped");
    if (ended) return absl::OkStatus();
    if (!status.ok() && !reconnect.ShouldRetry(status)) return client_.Describe(status);
    items_.push_back({.broken = true});
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t put = ::write(ready_.get(), &one, sizeof one);
    const absl::Time until = absl::Now() + reconnect.Delay();
    while (!stop_ && absl::Now() < until) {
      stopped_.WaitWithTimeout(mu_, until - absl::Now());
    }
  }
}

}  // namespace grange::ctl
