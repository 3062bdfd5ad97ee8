#ifndef GRANGE_TESTS_TOOLS_CTL_FAKE_CONTROL_H_
#define GRANGE_TESTS_TOOLS_CTL_FAKE_CONTROL_H_

#include <grpcpp/server.h>

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/base/mutex.h"
#include "grange/v1/control.grpc.pb.h"
#include "test_repository.h"

namespace grange::ctl {

// A coordinator's grangectl door that really works as far as tests need it: on loopback, in plain
// text, with a bare git repository behind Git() and streams that break where a test says so.
class FakeControl : public v1::Control::Service {
 public:
  FakeControl();
  ~FakeControl() override;

  // The environment that leads grangectl here.
  std::string ConfigVariable() const;

  // One connection of a stream: what it sends, and how it ends.
  struct WatchScript {
    std::vector<v1::WatchEvent> events;
    grpc::Status end;
  };
  void AddWatch(WatchScript script);
  // The log of every job; each connection sends at most `bytes_per_connection` and then breaks.
  void SetLog(std::string log, size_t bytes_per_connection, size_t part_bytes);
  // What is known of that log beside its bytes, by offset.
  void SetMarks(std::vector<v1::LogMark> marks);
  // The outcome of each submit whose commit is there.
  void SetOutcome(v1::SubmitReply reply) ABSL_LOCKS_EXCLUDED(mu_) {
    base::MutexLock lock(mu_);
    outcome_ = std::move(reply);
  }
  // The next `count` submits are executed, and then their connection breaks.
  void CutSubmits(int count) ABSL_LOCKS_EXCLUDED(mu_) {
    base::MutexLock lock(mu_);
    cut_submits_ = count;
  }

  std::vector<v1::SubmitRequest> submits() const;
  std::vector<uint64_t> log_offsets() const;
  std::vector<v1::SetVariableRequest> variables() const;
  bool HasCommit(const std::string& sha) const;

  grpc::Status Submit(grpc::ServerContext* context, const v1::SubmitRequest* request,
                      v1::SubmitReply* reply) override;
  grpc::Status Git(grpc::ServerContext* context,
                   grpc::ServerReaderWriter<v1::GitBytes, v1::GitBytes>* stream) override;
  grpc::Status Watch(grpc::ServerContext* context, const v1::WatchRequest* request,
                     grpc::ServerWriter<v1::WatchEvent>* writer) override;
  grpc::Status Logs(grpc::ServerContext* context, const v1::LogsRequest* request,
                    grpc::ServerWriter<v1::LogsPart>* writer) override;
  grpc::Status GetJob(grpc::ServerContext* context, const v1::JobRef* request,
                      v1::Job* reply) override;
  grpc::Status SetVariable(grpc::ServerContext* context, const v1::SetVariableRequest* request,
                           v1::ActionReply* reply) override;
  grpc::Status ListTokens(grpc::ServerContext* context, const v1::ListTokensRequest* request,
                          v1::ListTokensReply* reply) override;

 private:
  void AddMarks(bool first, v1::LogsPart& part) ABSL_LOCKS_EXCLUDED(mu_);
  TempDir dir_;
  std::string mirror_;
  std::unique_ptr<grpc::Server> server_;
  v1::SubmitReply outcome_;

  mutable base::Mutex mu_;
  int cut_submits_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<v1::SubmitRequest> submits_ ABSL_GUARDED_BY(mu_);
  std::deque<WatchScript> watches_ ABSL_GUARDED_BY(mu_);
  std::string log_ ABSL_GUARDED_BY(mu_);
  size_t log_bytes_per_connection_ ABSL_GUARDED_BY(mu_) = 0;
  size_t log_part_bytes_ ABSL_GUARDED_BY(mu_) = 1;
  std::vector<v1::LogMark> marks_ ABSL_GUARDED_BY(mu_);
  std::vector<uint64_t> log_offsets_ ABSL_GUARDED_BY(mu_);
  std::vector<v1::SetVariableRequest> variables_ ABSL_GUARDED_BY(mu_);
};

}  // namespace grange::ctl

#endif  // GRANGE_TESTS_TOOLS_CTL_FAKE_CONTROL_H_
