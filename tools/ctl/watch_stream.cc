#include "tools/ctl/watch_stream.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "common/base/check.h"

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
  while (true) {
    grpc::Status status;
    if (ReadOnce(status, reconnect)) return absl::OkStatus();
    // A stream that ends well without the last event was cut short by a coordinator that stops.
    if (status.ok()) status = grpc::Status(grpc::StatusCode::UNAVAILABLE, "the stream ended");
    bool again = false;
    while (!again && reconnect.ShouldRetry(status) && !Stopped()) again = WaitOut(reconnect);
    if (!again) return client_.Describe(status);
  }
}

bool WatchStream::ReadOnce(grpc::Status& status, Reconnect& reconnect) {
  grpc::ClientContext context;
  client_.Prepare(context);
  if (!SetCurrent(&context)) {
    status = grpc::Status::CANCELLED;
    return false;
  }
  v1::WatchRequest request;
  request.set_pipeline_id(pipeline_);
  request.set_log_tail(log_tail_);
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
  status = reader->Finish();
  SetCurrent(nullptr);
  return ended;
}

bool WatchStream::WaitOut(Reconnect& reconnect) {
  Put({.broken = true});
  const os::Deadline until(reconnect.Delay());
  {
    base::MutexLock lock(mu_);
    while (!stop_ && !until.IsOver()) stopped_.WaitWithTimeout(mu_, until.Left());
  }
  grpc::ClientContext context;
  const bool answered = SetCurrent(&context) && reconnect.WaitForAnswer(context);
  SetCurrent(nullptr);
  return answered;
}

bool WatchStream::Stopped() {
  base::MutexLock lock(mu_);
  return stop_;
}

bool WatchStream::SetCurrent(grpc::ClientContext* context) {
  base::MutexLock lock(mu_);
  current_ = stop_ ? nullptr : context;
  return !stop_;
}

}  // namespace grange::ctl
