#include "common/rpc/quiet_timers.h"

#include <grpc/event_engine/event_engine.h>
#include <grpc/grpc.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <thread>
#include <utility>

#include "absl/functional/any_invocable.h"
#include "absl/time/clock.h"
#include "common/base/mutex.h"
#include "common/os/deadline.h"

// gRPC's own names, from its src/core/lib/iomgr/timer_manager.h: it has no public way to say this.
// The packaged version is linked statically, so a version without them fails to link and does not
// misbehave.
void grpc_timer_manager_set_threading(bool enabled);
void grpc_timer_manager_tick();

namespace grange::rpc {

namespace ee = grpc_event_engine::experimental;

// What is due when, and the thread that does it.
class QuietTimers::Thread {
 public:
  using Task = absl::AnyInvocable<void()>;

  explicit Thread(absl::Duration period) : period_(period) {
    thread_ = std::thread([this] { Loop(); });
  }
  ~Thread() { Stop(); }

  void Stop() {
    {
      base::MutexLock lock(mu_);
      ending_ = true;
      changed_.SignalAll();
    }
    if (thread_.joinable()) thread_.join();
  }
  void SetPeriod(absl::Duration period) {
    base::MutexLock lock(mu_);
    period_ = period;
    changed_.SignalAll();
  }
  int64_t Add(absl::Duration after, Task task) {
    base::MutexLock lock(mu_);
    const int64_t id = next_id_++;
    tasks_[{os::SinceBoot() + after, id}] = std::move(task);
    changed_.SignalAll();
    return id;
  }
  bool Cancel(int64_t id) {
    base::MutexLock lock(mu_);
    const auto found = std::find_if(tasks_.begin(), tasks_.end(),
                                    [id](const auto& entry) { return entry.first.second == id; });
    if (found == tasks_.end()) return false;
    tasks_.erase(found);
    return true;
  }
  bool IsCurrent() const { return std::this_thread::get_id() == thread_.get_id(); }

 private:
  void Loop() {
    absl::Duration last_tick = os::SinceBoot();
    while (true) {
      Task due;
      {
        base::MutexLock lock(mu_);
        if (ending_) return;
        const absl::Duration now = os::SinceBoot();
        const absl::Duration tick = last_tick + period_;
        const bool task_is_due = !tasks_.empty() && tasks_.begin()->first.first <= now;
        if (task_is_due) {
          due = std::move(tasks_.begin()->second);
          tasks_.erase(tasks_.begin());
        } else if (tick > now) {
          const absl::Duration next =
              tasks_.empty() ? tick : std::min(tick, tasks_.begin()->first.first);
          changed_.WaitWithTimeout(mu_, next - now);
          continue;
        }
      }
      if (due) {
        due();
        continue;
      }
      last_tick = os::SinceBoot();
      grpc_timer_manager_tick();
    }
  }

  base::Mutex mu_;
  base::CondVar changed_;
  absl::Duration period_ ABSL_GUARDED_BY(mu_);
  bool ending_ ABSL_GUARDED_BY(mu_) = false;
  int64_t next_id_ ABSL_GUARDED_BY(mu_) = 1;
  std::map<std::pair<absl::Duration, int64_t>, Task> tasks_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

// In this version gRPC's core asks its engine only to run things; connections and names are still
// the business of its older parts.
class QuietTimers::Engine : public ee::EventEngine {
 public:
  explicit Engine(std::shared_ptr<Thread> thread) : thread_(std::move(thread)) {}

  void Run(Closure* closure) override {
    thread_->Add(absl::ZeroDuration(), [closure] { closure->Run(); });
  }
  void Run(absl::AnyInvocable<void()> closure) override {
    thread_->Add(absl::ZeroDuration(), std::move(closure));
  }
  TaskHandle RunAfter(Duration when, Closure* closure) override {
    return {{thread_->Add(absl::FromChrono(when), [closure] { closure->Run(); }), 0}};
  }
  TaskHandle RunAfter(Duration when, absl::AnyInvocable<void()> closure) override {
    return {{thread_->Add(absl::FromChrono(when), std::move(closure)), 0}};
  }
  bool Cancel(TaskHandle handle) override { return thread_->Cancel(handle.keys[0]); }
  bool IsWorkerThread() override { return thread_->IsCurrent(); }

  absl::StatusOr<std::unique_ptr<Listener>> CreateListener(
      Listener::AcceptCallback, absl::AnyInvocable<void(absl::Status)>, const ee::EndpointConfig&,
      std::unique_ptr<ee::MemoryAllocatorFactory>) override {
    return absl::UnimplementedError("no listeners here");
  }
  ConnectionHandle Connect(OnConnectCallback on_connect, const ResolvedAddress&,
                           const ee::EndpointConfig&, ee::MemoryAllocator, Duration) override {
    Run([on_connect = std::move(on_connect)]() mutable {
      on_connect(absl::UnimplementedError("no connections here"));
    });
    return {{0, 0}};
  }
  bool CancelConnect(ConnectionHandle) override { return false; }
  std::unique_ptr<DNSResolver> GetDNSResolver(const DNSResolver::ResolverOptions&) override {
    return nullptr;
  }

 private:
  const std::shared_ptr<Thread> thread_;
};

QuietTimers::QuietTimers(absl::Duration period) {
  thread_ = std::make_shared<Thread>(period);
  ee::SetEventEngineFactory([thread = thread_] { return std::make_unique<Engine>(thread); });
  grpc_init();
  grpc_timer_manager_set_threading(false);
}

QuietTimers::~QuietTimers() {
  thread_->Stop();
  grpc_timer_manager_set_threading(true);
  grpc_shutdown();
}

void QuietTimers::SetPeriod(absl::Duration period) { thread_->SetPeriod(period); }

}  // namespace grange::rpc
