#ifndef GRANGE_TOOLS_CTL_CLIENT_H_
#define GRANGE_TOOLS_CTL_CLIENT_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/os/deadline.h"
#include "grange/v1/control.grpc.pb.h"
#include "tools/ctl/client_config.h"

namespace grange::ctl {

// What is to be read through a client: as it comes, or much that is there and wanted at once.
enum class Amount { kLittle, kMuch };

// The coordinator as grangectl sees it. Unary calls have a deadline; where the connection breaks in
// the middle of one, it is repeated: each changing request carries a key, so that twice is once.
// Thread-safe.
class Client {
 public:
  // Doesn't connect yet.
  static absl::StatusOr<std::unique_ptr<Client>> Make(const ClientConfig& config,
                                                      Amount amount = Amount::kLittle);

  // One unary call: Call(&v1::Control::Stub::ListJobs, request). Errors say what to do next.
  template <typename Request, typename Reply>
  absl::StatusOr<Reply> Call(grpc::Status (v1::Control::Stub::*method)(grpc::ClientContext*,
                                                                       const Request&, Reply*),
                             const Request& request) {
    for (Attempts attempts(*this);;) {
      grpc::ClientContext context;
      Prepare(context);
      attempts.Prepare(context);
      Reply reply;
      const grpc::Status status = (stub_.get()->*method)(&context, request, &reply);
      if (status.ok()) {
        reached_ = true;
        TellNotice(context);
        return reply;
      }
      if (!attempts.WaitForNext(status)) return Describe(status);
    }
  }

  v1::Control::Stub& stub() { return *stub_; }

  // Puts the token on a call. For streams, which have no deadline.
  void Prepare(grpc::ClientContext& context) const;

  // The error for people: names the address where it can't be reached, and the next step.
  absl::Status Describe(const grpc::Status& status) const;

  // A stream ended with `status`: true if it may work again soon, and it makes sense to wait (a
  // coordinator that was never reached is not waited for).
  bool IsPassing(const grpc::Status& status);

  // Waits until the coordinator answers, at most `for_at_most`, or until `context` is canceled.
  // True if it did. Without a call that waits, nobody would drive gRPC's new connection: its
  // handshake would end in its timeout again and again.
  bool WaitForAnswer(grpc::ClientContext& context, absl::Duration for_at_most);

  // What the coordinator wants a person to know, once, on stderr. After the call's end.
  void TellNotice(const grpc::ClientContext& context);

  // Something arrived from the coordinator.
  void NoteReached() { reached_ = true; }

 private:
  // How often and how long a unary call is tried.
  class Attempts {
   public:
    explicit Attempts(Client& client) : client_(client) {}
    void Prepare(grpc::ClientContext& context) const;
    // Waits before the next try; false if there is none.
    bool WaitForNext(const grpc::Status& status);

   private:
    Client& client_;
    const os::Deadline give_up_{absl::Seconds(30)};
    int count_ = 0;
  };

  Client(std::string address, Secret token, std::unique_ptr<v1::Control::Stub> stub)
      : address_(std::move(address)), token_(std::move(token)), stub_(std::move(stub)) {}

  const std::string address_;
  const Secret token_;
  const std::unique_ptr<v1::Control::Stub> stub_;
  std::atomic<bool> reached_ = false;  // also set by the threads of streams
  std::atomic<bool> noticed_ = false;
};

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_CLIENT_H_
