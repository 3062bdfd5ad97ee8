#include "tools/bench/swarm/stopped_watcher.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "tools/ctl/client.h"
#include "tools/ctl/client_config.h"

namespace grange::bench {

struct StoppedWatcher::Impl {
  std::unique_ptr<ctl::Client> client;
  grpc::ClientContext context;
  std::unique_ptr<grpc::ClientReader<v1::LogsPart>> parts;
  uint64_t seen = 0;
};

absl::StatusOr<std::unique_ptr<StoppedWatcher>> StoppedWatcher::Start(const std::string& config,
                                                                      int64_t job) {
  auto impl = std::make_unique<Impl>();
  GRANGE_ASSIGN_OR_RETURN(const ctl::ClientConfig read, ctl::LoadClientConfig(config, ""));
  GRANGE_ASSIGN_OR_RETURN(impl->client, ctl::Client::Make(read));
  impl->client->Prepare(impl->context);
  v1::LogsRequest request;
  request.set_job_id(job);
  request.set_follow(true);
  impl->parts = impl->client->stub().Logs(&impl->context, request);
  std::unique_ptr<StoppedWatcher> watcher(new StoppedWatcher(std::move(impl)));
  GRANGE_ASSIGN_OR_RETURN(const uint64_t seen, watcher->CatchUp(1));
  if (seen == 0) return absl::UnavailableError(absl::StrCat("job ", job, " printed nothing"));
  return watcher;
}

StoppedWatcher::StoppedWatcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

StoppedWatcher::~StoppedWatcher() {
  impl_->context.TryCancel();
  impl_->parts->Finish().IgnoreError();  // that it was canceled
}

absl::StatusOr<uint64_t> StoppedWatcher::CatchUp(uint64_t bytes) {
  v1::LogsPart part;
  while (impl_->seen < bytes && impl_->parts->Read(&part)) {
    if (part.data().empty()) continue;
    if (part.offset() != impl_->seen) {
      return absl::DataLossError(
          absl::StrCat("a watcher at byte ", impl_->seen, " was given byte ", part.offset()));
    }
    impl_->seen += part.data().size();
  }
  return impl_->seen;
}

}  // namespace grange::bench
