#include "agent/session/completion_loop.h"

#include <memory>
#include <utility>

namespace grange::session {
namespace {

using OnDone = std::function<void(bool)>;

}  // namespace

CompletionLoop::CompletionLoop(os::EventLoop& loop) : loop_(loop) {
  thread_ = std::thread([this] {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      loop_.Post(
          [on_done = std::unique_ptr<OnDone>(static_cast<OnDone*>(tag)), ok] { (*on_done)(ok); });
    }
  });
}

CompletionLoop::~CompletionLoop() {
  queue_.Shutdown();
  thread_.join();
}

void* CompletionLoop::Tag(OnDone on_done) {
  return std::make_unique<OnDone>(std::move(on_done)).release();
}

}  // namespace grange::session
