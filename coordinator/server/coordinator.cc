#include "coordinator/server/coordinator.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"
#include "common/os/real_clock.h"
#include "common/rpc/channel.h"
#include "common/rpc/credentials.h"
#include "common/rpc/keepalive.h"
#include "common/rpc/server_credentials.h"
#include "coordinator/artifact/artifact_store.h"
#include "coordinator/backup/backup_keeper.h"
#include "coordinator/backup/restore_backup.h"
#include "coordinator/control/control_service.h"
#include "coordinator/server/core_loop.h"
#include "coordinator/server/first_start.h"
#include "coordinator/server/performer.h"
#include "coordinator/server/pipeline_book.h"
#include "coordinator/server/protocol_times.h"
#include "coordinator/server/recovery.h"
#include "coordinator/server/removed_artifacts.h"
#include "coordinator/server/submit.h"
#include "coordinator/server/usage_report.h"
#include "coordinator/session/agent_service.h"
#include "coordinator/source/git_mirror.h"
#include "coordinator/store/sqlite_store.h"
#include "coordinator/sweep/removal_gate.h"
#include "coordinator/trace/coverage.h"
#include "coordinator/trace/trace_coverage.h"

namespace grange::server {
namespace {

constexpr absl::Duration kShutdownGrace = absl::Seconds(2);
constexpr uint64_t kPemMax = 1 << 20;
constexpr int kCallsOfAConnectionMax = 1000;
constexpr int kCallThreadsMax = 2000;

struct HostPort {
  std::string host, port;
};

absl::StatusOr<HostPort> SplitAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "'", address, "' is no address to listen on; write 'host:port', such as 0.0.0.0:7420"));
  }
  return HostPort{.host = address.substr(0, colon), .port = address.substr(colon + 1)};
}

std::vector<std::string> CertificateNames(const std::string& host,
                                          const std::vector<std::string>& further) {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
  char own[256] = "";
  if (gethostname(own, sizeof own - 1) == 0 && *own != '\0') names.emplace_back(own);
  std::string plain = host;
  if (plain.size() > 2 && plain.front() == '[') plain = plain.substr(1, plain.size() - 2);
  if (plain != "0.0.0.0" && plain != "::" && !plain.empty()) names.push_back(plain);
  names.insert(names.end(), further.begin(), further.end());
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

class CoordinatorImpl : public Coordinator,
                        public session::SessionListener,
                        public control::Backend {
 public:
  explicit CoordinatorImpl(CoordinatorOptions options)
      : options_(std::move(options)), started_at_(clock_.Now()) {}
  ~CoordinatorImpl() override { Stop(); }

  absl::Status Open();
  const std::string& address() const override { return address_; }

  // session::SessionListener
  void OnEvent(schedule::Event event) override { core_->Post(std::move(event)); }
  void OnResult(session::JobResult result) override;
  void OnNote(JobId job) override;

  // control::Backend
  absl::StatusOr<control::SubmitAnswer> Submit(const control::SubmitOrder& order) override;
  absl::Status Request(const schedule::Event& request, const store::Answer& answer) override;
  void Tell(schedule::Event event) override { core_->Post(std::move(event)); }
  absl::StatusOr<schedule::Explanation> Why(JobId job) override;
  std::vector<schedule::Scheduler::AgentView> Agents() override;
  absl::Time LastContact(AgentId agent) const override { return hub_->LastContact(agent); }
  absl::Time AwaySince(AgentId agent) const override { return hub_->AwaySince(agent); }
  std::string NoteOf(JobId job) const override { return hub_->gate().NoteOf(job); }
  bool StopsOnDisconnect(JobId job) override;
  void EndSessionsOf(AgentId agent, const absl::Status& why) override {
    hub_->EndSessionsOf(agent, why);
  }
  absl::StatusOr<control::BackupMade> CreateBackup(
      const std::string& name, bool whole, const std::function<void(uint64_t)>& progress) override;
  absl::StatusOr<control::UsageReport> Usage() override {
    GRANGE_ASSIGN_OR_RETURN(control::UsageReport report,
                            MakeUsageReport(options_.state_dir, *store_, *mirrors_, *sweeper_));
    GRANGE_RETURN_IF_ERROR(AddAgents(*store_, *hub_, report));
    return report;
  }
  absl::StatusOr<std::vector<sweep::Swept>> Sweep(bool dry_run) override {
    return sweeper_->Sweep(dry_run);
  }
  std::string ReadOnlyReason() const override { return performer_->read_only_reason(); }

 private:
  std::string ServerUrl() const {
    return absl::StrCat(options_.insecure ? "http://" : "https://", host_, ":", port_.load());
  }
  std::string Path(absl::string_view name) const { return os::JoinPath(options_.state_dir, name); }
  absl::Status OpenParts();
  std::string BackupFolder() const {
    return options_.backup_folder.empty() ? Path("backups") : options_.backup_folder;
  }
  absl::Status WithNewestBackup(const absl::Status& damage) const;
  absl::Status Recover();
  absl::Status Listen();
  void Stop();
  void Finish(session::JobResult result);
  std::optional<double> CoverageOf(const session::JobResult& result);
  void TellSweeper(const store::PutTraceEnd& end);
  // For a sweep, which holds the pipeline meanwhile: cancels one that still waits for a person.
  absl::Status EndWaiting(PipelineId pipeline);
  // The pipeline that it is about; not set: an agent.
  absl::StatusOr<PipelineId> PipelineOf(const schedule::Event& request);

  const CoordinatorOptions options_;
  const os::RealClock clock_;
  const absl::Time started_at_;
  std::string address_;
  std::string host_;          // before any thread is started
  std::atomic<int> port_{0};  // known once it is bound
  rpc::KeyPair ca_;
  std::unique_ptr<CertificateKeeper> certificate_;
  std::optional<os::LockFile> lock_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<DiskReserve> reserve_;
  std::unique_ptr<trace::TraceStore> traces_;
  std::unique_ptr<artifact::ArtifactStore> artifacts_;
  std::unique_ptr<source::GitMirrors> mirrors_;
  std::unique_ptr<backup::BackupKeeper> backups_;
  sweep::RemovalGate removals_;
  std::unique_ptr<sweep::Sweeper> sweeper_;
  control::ChangeFeed feed_;
  std::unique_ptr<session::SessionHub> hub_;
  std::unique_ptr<PipelineBook> book_;
  std::unique_ptr<Performer> performer_;
  std::unique_ptr<CoreLoop> core_;
  std::unique_ptr<Submitter> submitter_;
  os::EventLoop results_;  // looks for coverage, so that no stream waits for it
  std::thread results_thread_;
  std::unique_ptr<session::AgentService> agent_service_;
  std::unique_ptr<control::ControlService> control_service_;
  std::unique_ptr<session::StreamThreads> stream_threads_;
  std::shared_ptr<grpc::ServerCredentials> credentials_;  // gRPC asks them at each handshake
  std::unique_ptr<grpc::Server> server_;
};

absl::Status CoordinatorImpl::Open() {
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(options_.state_dir));
  absl::StatusOr<os::LockFile> lock = os::LockFile::Acquire(Path("lock"));
  GRANGE_RETURN_IF_ERROR(lock.status());
  lock_.emplace(*std::move(lock));
  GRANGE_RETURN_IF_ERROR(backup::CheckNoRestoreWasCut(options_.state_dir));
  if (options_.insecure) {
    if (!rpc::IsLoopback(options_.listen)) {
      return absl::InvalidArgumentError(
          "--insecure is allowed on loopback only; leave it out to use TLS");
    }
  } else if (options_.certificate.empty()) {
    GRANGE_ASSIGN_OR_RETURN(ca_, rpc::LoadOrMakeCa(Path("keys"), clock_.Now()));
  } else {
    GRANGE_ASSIGN_OR_RETURN(ca_.certificate_pem, os::ReadFile(options_.certificate.ca, kPemMax));
  }
  GRANGE_RETURN_IF_ERROR(OpenParts());
  return Listen();
}

absl::Status CoordinatorImpl::OpenParts() {
  const bool synced = options_.commits != CoordinatorOptions::Commits::kUnsynced;
  absl::StatusOr<std::unique_ptr<store::Store>> store =
      store::OpenSqliteStore(Path("grange.db"), Path("keys/store.key"), clock_, synced);
  if (absl::IsDataLoss(store.status())) return WithNewestBackup(store.status());
  GRANGE_RETURN_IF_ERROR(store.status());
  store_ = *std::move(store);
  trace::TraceStore::Options trace_options;
  trace_options.dir = Path("traces");
  // What the reserve leaves free is not for logs.
  reserve_ = std::make_unique<DiskReserve>(options_.state_dir);
  trace_options.free_bytes_wanted += reserve_->bytes();
  trace_options.may_write = [reserve = reserve_.get()] { return reserve->whole(); };
  trace_options.on_full = [reserve = reserve_.get()](const absl::Status& status) {
    reserve->ReportFull(status);
  };
  trace_options.sync = synced;
  GRANGE_ASSIGN_OR_RETURN(traces_, trace::TraceStore::Open(trace_options, *store_, clock_));
  GRANGE_RETURN_IF_ERROR(traces_->Recover());
  artifact::ArtifactStore::Options artifact_options;
  artifact_options.dir = Path("artifacts");
  GRANGE_ASSIGN_OR_RETURN(artifacts_, artifact::ArtifactStore::Open(artifact_options));
  mirrors_ = std::make_unique<source::GitMirrors>(Path("mirrors"));
  GRANGE_RETURN_IF_ERROR(mirrors_->ClearLeftovers());
  book_ = std::make_unique<PipelineBook>(*store_);
  sweep::Sweeper::Options sweeps = options_.sweeps;
  sweeps.traces_dir = Path("traces");
  const sweep::SweepRun::Parts removed_from{
      .store = *store_, .traces = *traces_, .artifacts = *artifacts_, .gate = removals_};
  GRANGE_RETURN_IF_ERROR(sweep::FinishRemovals(removed_from, clock_.Now()));
  sweeper_ = std::make_unique<sweep::Sweeper>(
      std::move(sweeps),
      sweep::Sweeper::Parts{.store = *store_,
                            .traces = *traces_,
                            .artifacts = *artifacts_,
                            .mirrors = *mirrors_,
                            .gate = removals_,
                            .clock = clock_,
                            .end_waiting = [this](PipelineId id) { return EndWaiting(id); }});
  backups_ = std::make_unique<backup::BackupKeeper>(
      backup::BackupKeeper::Options{.state = options_.state_dir,
                                    .folder = BackupFolder(),
                                    .every = options_.backup_every,
                                    .kept = options_.backups_kept},
      clock_);
  return absl::OkStatus();
}

// What is damaged, which backup is the newest, and the command that brings it back.
absl::Status CoordinatorImpl::WithNewestBackup(const absl::Status& damage) const {
  const absl::StatusOr<backup::BackupKeeper::Made> newest = backup::NewestBackup(BackupFolder());
  const std::string help =
      newest.ok() ? absl::StrCat("the newest backup is of ",
                                 absl::FormatTime(absl::RFC3339_sec, newest->manifest.created_at,
                                                  absl::UTCTimeZone()),
                                 ": grangectl backup restore ", newest->folder, " --state ",
                                 options_.state_dir)
                  : absl::StrCat("there is no backup in ", BackupFolder(),
                                 "; if you have one elsewhere: grangectl backup restore FOLDER ",
                                 "--state ", options_.state_dir);
  return absl::DataLossError(absl::StrCat(damage.message(), "\n", help));
}

absl::Status CoordinatorImpl::Recover() {
  hub_ = std::make_unique<session::SessionHub>(options_.sessions, *store_, *traces_, clock_, *this);
  performer_ = std::make_unique<Performer>(
      Performer::Parts{.store = *store_,
                       .traces = *traces_,
                       .hub = *hub_,
                       .book = *book_,
                       .feed = feed_,
                       .clock = clock_,
                       .reserve = *reserve_,
                       .server_url = [this] { return ServerUrl(); },
                       .group_commits = options_.commits != CoordinatorOptions::Commits::kEach});
  schedule::SchedulerOptions scheduler = options_.scheduler;
  GRANGE_ASSIGN_OR_RETURN(scheduler.highest_fence, store_->HighestFence());
  core_ = std::make_unique<CoreLoop>(scheduler, clock_, *performer_);
  // A job whose variables make no sense, or that is too large, can't be handed out: it fails
  // instead of waiting for ever.
  performer_->SetOnUnofferable([this](const Assignment& assignment, const absl::Status& why) {
    core_->Post(schedule::JobUnofferable{assignment, std::string(why.message())});
  });
  const auto pause_offers = [this](const std::string& why) {
    core_->Post(schedule::OffersPaused{
        why.empty() ? "" : "the coordinator's disk is full; free space in its state directory"});
  };
  performer_->SetOnReadOnly(pause_offers);
  if (const std::string why = performer_->read_only_reason(); !why.empty()) pause_offers(why);
  GRANGE_ASSIGN_OR_RETURN(std::vector<schedule::Event> events, RecoverEvents(*store_));
  for (schedule::Event& event : events) core_->Post(std::move(event));
  IncludeOptions includes = options_.includes;
  includes.component_hosts.insert(includes.component_hosts.end(), options_.names.begin(),
                                  options_.names.end());
  submitter_ = std::make_unique<Submitter>(
      *store_, *mirrors_, *book_, clock_, [this] { return ServerUrl(); }, std::move(includes));
  results_thread_ = std::thread([this] { results_.Run(); });
  return absl::OkStatus();
}

absl::Status CoordinatorImpl::Listen() {
  GRANGE_ASSIGN_OR_RETURN(const HostPort where, SplitAddress(options_.listen));
  credentials_ = grpc::InsecureServerCredentials();
  std::string fingerprint;
  if (!options_.insecure) {
    CertificateKeeper::Options certificate;
    certificate.files = options_.certificate;
    certificate.ca = ca_;
    certificate.names = CertificateNames(where.host, options_.names);
    GRANGE_ASSIGN_OR_RETURN(certificate_, CertificateKeeper::Start(std::move(certificate), clock_));
    GRANGE_ASSIGN_OR_RETURN(fingerprint, rpc::Fingerprint(ca_.certificate_pem));
    credentials_ = rpc::ReloadingServerCredentials(certificate_->pair());
  }
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(options_.listen, credentials_, &port);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  rpc::Apply(rpc::ServerKeepalive(), builder);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kCallsOfAConnectionMax);
  grpc::ResourceQuota quota("calls");
  quota.SetMaxThreads(kCallThreadsMax);  // a call that lasts has a thread
  builder.SetResourceQuota(quota);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::NUM_CQS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MIN_POLLERS, 1);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::MAX_POLLERS, 2);
  builder.SetSyncServerOption(grpc::ServerBuilder::SyncServerOption::CQ_TIMEOUT_MSEC, 60'000);

  host_ = where.host;
  GRANGE_RETURN_IF_ERROR(Recover());
  agent_service_ = std::make_unique<session::AgentService>(*hub_, *artifacts_, *mirrors_);
  control_service_ = std::make_unique<control::ControlService>(
      control::ControlService::Parts{.backend = *this,
                                     .store = *store_,
                                     .traces = *traces_,
                                     .mirrors = *mirrors_,
                                     .feed = feed_,
                                     .clock = clock_,
                                     .guesses = hub_->guesses(),
                                     .calls = hub_->calls(),
                                     .ca_fingerprint = fingerprint,
                                     .started_at = started_at_});
  builder.RegisterService(agent_service_.get());
  builder.RegisterService(control_service_.get());
  std::unique_ptr<grpc::ServerCompletionQueue> streams = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  if (server_ == nullptr || port == 0) {
    streams->Shutdown();
    return absl::AlreadyExistsError(absl::StrCat(
        "cannot listen on ", options_.listen,
        ": the port is in use or the address is not this machine's; choose another --listen"));
  }
  port_ = port;
  sweeper_->Start();
  stream_threads_ = std::make_unique<session::StreamThreads>(std::move(streams));
  agent_service_->AcceptStreams(*stream_threads_);
  control_service_->AcceptStreams(*stream_threads_);
  address_ = absl::StrCat(where.host, ":", port);
  const std::string reached =
      where.host == "0.0.0.0" || where.host == "[::]" ? absl::StrCat("127.0.0.1:", port) : address_;
  return WriteCtlConfig(options_.state_dir, reached, ca_.certificate_pem, *store_, clock_.Now());
}

void CoordinatorImpl::Stop() {
  feed_.Close();
  if (hub_ != nullptr) hub_->GoingDown();
  if (server_ != nullptr) {
    server_->Shutdown(absl::ToChronoTime(absl::Now() + kShutdownGrace));
    server_->Wait();
  }
  stream_threads_.reset();  // runs the streams to their end
  // The services before what they use. Who calls another one stops before it: the hub, which still
  // hears of the streams' ends, before the results and the core; the results before the core; the
  // core before the performer, which may have a last word for it.
  server_.reset();
  control_service_.reset();
  agent_service_.reset();
  backups_.reset();
  sweeper_.reset();
  if (hub_ != nullptr) hub_->Stop();
  if (results_thread_.joinable()) {
    results_.Stop();
    results_thread_.join();
  }
  if (core_ != nullptr) core_->Stop();
  performer_.reset();
  core_.reset();
  hub_.reset();
  traces_.reset();
}

void CoordinatorImpl::OnResult(session::JobResult result) {
  results_.Post([this, result = std::move(result)]() mutable { Finish(std::move(result)); });
}

void CoordinatorImpl::OnNote(JobId job) {
  results_.Post([this, job] {
    const absl::StatusOr<std::shared_ptr<const PipelineFacts>> facts = book_->GetByJob(job);
    if (facts.ok()) feed_.Publish((*facts)->row.id, {.jobs = {job}});
  });
}

void CoordinatorImpl::Finish(session::JobResult result) {
  const schedule::JobFinished event{.agent = result.agent,
                                    .session = result.session,
                                    .assignment = result.assignment,
                                    .reason = result.reason,
                                    .exit_code = result.exit_code};
  if (!result.trace.has_value()) return core_->PostResult(event, std::nullopt);
  store::PutTraceEnd end;
  end.job = result.assignment.job;
  end.attempt = result.assignment.attempt;
  end.trace_bytes = result.trace->trace_bytes;
  end.dropped_bytes = result.dropped_bytes;
  end.sha256 = result.trace->sha256;
  end.damaged = result.trace->damaged;
  end.marks_bytes = result.trace->marks_bytes;
  end.coverage = CoverageOf(result);
  end.detail = result.detail;
  end.artifact_id = result.artifact_id;
  end.cpu = result.cpu;
  end.max_rss_bytes = result.max_rss_bytes;
  TellSweeper(end);
  core_->PostResult(event, std::move(end));
}

// What the attempt leaves on the disk may pass a limit, or be due before the next sweep.
void CoordinatorImpl::TellSweeper(const store::PutTraceEnd& end) {
  sweeper_->Grew(retention::Kind::kPipelines, 0);
  sweeper_->Grew(retention::Kind::kTraces, end.trace_bytes + end.marks_bytes);
  if (end.artifact_id.empty()) return;
  const absl::StatusOr<store::ArtifactRow> artifact = store_->GetArtifact(end.artifact_id);
  if (!artifact.ok()) return;
  sweeper_->Grew(retention::Kind::kArtifacts, artifact->size, artifact->expires_at);
}

std::optional<double> CoordinatorImpl::CoverageOf(const session::JobResult& result) {
  const absl::StatusOr<std::shared_ptr<const PipelineFacts>> facts =
      book_->GetByJob(result.assignment.job);
  if (!facts.ok()) return std::nullopt;
  const auto plan = (*facts)->plans.find(result.assignment.job);
  std::string regex = plan == (*facts)->plans.end() ? "" : plan->second.coverage;
  if (regex.empty()) {
    const auto setting = (*facts)->project.settings.find("coverage-regex");
    if (setting == (*facts)->project.settings.end()) return std::nullopt;
    regex = setting->second;
  }
  const absl::StatusOr<trace::CoveragePattern> pattern = trace::CoveragePattern::Compile(regex);
  if (!pattern.ok()) return std::nullopt;  // refused when it was set; rows of before stay harmless
  const absl::StatusOr<std::optional<double>> found =
      trace::FindCoverage(*traces_, result.assignment.job, result.assignment.attempt, *pattern);
  if (!found.ok()) {
    log::Warning("coverage_not_read", {{"job", result.assignment}, {"error", found.status()}});
    return std::nullopt;
  }
  return *found;
}

absl::StatusOr<control::SubmitAnswer> CoordinatorImpl::Submit(const control::SubmitOrder& order) {
  GRANGE_ASSIGN_OR_RETURN(Submitted submitted, submitter_->Submit(order));
  if (submitted.event.has_value()) core_->Post(*std::move(submitted.event));
  return submitted.answer;
}

absl::Status CoordinatorImpl::Request(const schedule::Event& request, const store::Answer& answer) {
  GRANGE_ASSIGN_OR_RETURN(const PipelineId pipeline, PipelineOf(request));
  if (!pipeline.is_set()) return core_->Request(request, answer);  // it is about an agent
  const sweep::RemovalGate::Use use(removals_, pipeline);
  GRANGE_ASSIGN_OR_RETURN(const store::PipelineRow row, store_->GetPipeline(pipeline));
  GRANGE_RETURN_IF_ERROR(CheckArtifactsOf(*store_, request, row));
  const absl::Status done = core_->Request(request, answer);
  if (!absl::IsNotFound(done)) return done;
  // A pipeline that is final is no longer in memory: bring it back and ask again.
  if (!row.errors.empty()) {
    return absl::FailedPreconditionError(
        absl::StrCat("pipeline ", pipeline.value(),
                     " has no jobs: its configuration has errors; mend it and "
                     "submit again"));
  }
  GRANGE_ASSIGN_OR_RETURN(schedule::PipelineAdded added, RecoverPipeline(*store_, pipeline));
  core_->Post(std::move(added));
  return core_->Request(request, answer);
}

absl::Status CoordinatorImpl::EndWaiting(PipelineId pipeline) {
  GRANGE_ASSIGN_OR_RETURN(const store::PipelineRow row, store_->GetPipeline(pipeline));
  if (row.state != lifecycle::PipelineState::kManual) {
    return absl::FailedPreconditionError("it no longer waits for a person");
  }
  return core_->Request(schedule::CancelPipeline{pipeline}, store::Answer());
}

absl::StatusOr<PipelineId> CoordinatorImpl::PipelineOf(const schedule::Event& request) {
  JobId job;
  if (const auto* of = std::get_if<schedule::RetryPipeline>(&request)) return of->pipeline;
  if (const auto* of = std::get_if<schedule::CancelPipeline>(&request)) return of->pipeline;
  if (const auto* of = std::get_if<schedule::RetryJob>(&request)) job = of->job;
  if (const auto* of = std::get_if<schedule::CancelJob>(&request)) job = of->job;
  if (const auto* of = std::get_if<schedule::PlayJob>(&request)) job = of->job;
  if (!job.is_set()) return PipelineId();
  GRANGE_ASSIGN_OR_RETURN(const store::JobRow row, store_->GetJob(job));
  return row.pipeline;
}

absl::StatusOr<control::BackupMade> CoordinatorImpl::CreateBackup(
    const std::string& name, bool whole, const std::function<void(uint64_t)>& progress) {
  absl::StatusOr<backup::BackupKeeper::Made> made;
  if (whole) {
    // Of a mirror first the refs are copied, then their objects: nothing may go in between.
    const source::MirrorGate::Use hold = mirrors_->HoldAll();
    made = backups_->Create(name, whole, progress);
  } else {
    made = backups_->Create(name, whole, progress);
  }
  GRANGE_RETURN_IF_ERROR(made.status());
  return control::BackupMade{.folder = made->folder,
                             .bytes = made->manifest.Bytes(),
                             .files = made->manifest.files.size()};
}

bool CoordinatorImpl::StopsOnDisconnect(JobId job) {
  const absl::StatusOr<std::shared_ptr<const PipelineFacts>> facts = book_->GetByJob(job);
  if (!facts.ok()) return false;
  const auto plan = (*facts)->plans.find(job);
  return plan != (*facts)->plans.end() &&
         server::StopsOnDisconnect(plan->second, (*facts)->project.settings);
}

absl::StatusOr<schedule::Explanation> CoordinatorImpl::Why(JobId job) {
  absl::StatusOr<schedule::Explanation> answer;
  core_->Ask(
      [&](const schedule::Scheduler& scheduler) { answer = scheduler.Why(job, clock_.Now()); });
  if (!absl::IsNotFound(answer.status())) return answer;
  GRANGE_ASSIGN_OR_RETURN(const store::JobRow row, store_->GetJob(job));
  schedule::Explanation ended;
  ended.state = row.progress.state;
  if (!row.progress.detail.empty()) ended.reasons.push_back(row.progress.detail);
  if (row.progress.state == lifecycle::JobState::kFailed) {
    ended.reasons.emplace_back(lifecycle::FailureReasonText(row.progress.reason));
    ended.next_step = absl::StrCat("grangectl logs ", job.value());
  } else if (ended.reasons.empty()) {
    ended.reasons.push_back(
        absl::StrCat("it has ended: ", lifecycle::JobStateName(row.progress.state)));
  }
  return ended;
}

std::vector<schedule::Scheduler::AgentView> CoordinatorImpl::Agents() {
  std::vector<schedule::Scheduler::AgentView> agents;
  core_->Ask([&](const schedule::Scheduler& scheduler) { agents = scheduler.Agents(); });
  return agents;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Coordinator>> Coordinator::Start(CoordinatorOptions options) {
  GRANGE_RETURN_IF_ERROR(CheckTimes(options.scheduler, options.sessions, options.lease_grace));
  for (const std::string& host : options.includes.remote.hosts) {
    const absl::Status good = source::CheckRemoteHost(host);
    if (!good.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--include-host: ", good.message()));
    }
  }
  if (!options.includes.templates.empty()) {
    absl::StatusOr<std::string> folder = os::RealPath(options.includes.templates);
    if (!folder.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("--templates: ", folder.status().message()));
    }
    options.includes.templates = *std::move(folder);
  }
  // git runs in folders of its own: a relative path would mean something else there.
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(options.state_dir));
  GRANGE_ASSIGN_OR_RETURN(options.state_dir, os::RealPath(options.state_dir));
  auto coordinator = std::make_unique<CoordinatorImpl>(std::move(options));
  GRANGE_RETURN_IF_ERROR(coordinator->Open());
  return coordinator;
}

}  // namespace grange::server
