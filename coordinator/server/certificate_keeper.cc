#include "coordinator/server/certificate_keeper.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/log/log.h"
#include "common/os/files.h"
#include "common/rpc/server_pair.h"

namespace grange::server {
namespace {

constexpr uint64_t kFileMax = 1 << 20;
constexpr absl::Duration kWarnBeforeEnd = absl::Hours(24 * 14);
// Made new, written, renamed, removed, or their rights changed: whatever makes a file another one.
constexpr uint32_t kChanges = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM |
                              IN_ATTRIB;

absl::StatusOr<std::string> ReadPem(const std::string& path) {
  GRANGE_ASSIGN_OR_RETURN(std::string text, os::ReadFile(path, kFileMax));
  if (text.empty()) return absl::FailedPreconditionError(absl::StrCat("'", path, "' is empty"));
  return text;
}

std::string FolderOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

absl::StatusOr<std::unique_ptr<CertificateKeeper>> CertificateKeeper::Start(Options options,
                                                                            const Clock& clock) {
  std::unique_ptr<CertificateKeeper> keeper(new CertificateKeeper(std::move(options), clock));
  // Before the files are read, so that no change falls between the two.
  if (!keeper->options_.files.empty()) keeper->WatchFolders();
  GRANGE_ASSIGN_OR_RETURN(rpc::KeyPair first, keeper->Make());
  keeper->pair_ = std::make_shared<rpc::ServedPair>(std::move(first));
  keeper->CheckAge();
  keeper->thread_ = std::thread([raw = keeper.get()] { raw->loop_.Run(); });
  return keeper;
}

CertificateKeeper::CertificateKeeper(Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

CertificateKeeper::~CertificateKeeper() {
  if (!thread_.joinable()) return;
  loop_.Stop();
  thread_.join();
}

absl::StatusOr<rpc::KeyPair> CertificateKeeper::Make() const {
  if (!options_.files.empty()) return ReadFiles();
  return rpc::IssueServerCertificate(options_.ca, options_.names, clock_.Now());
}

absl::StatusOr<rpc::KeyPair> CertificateKeeper::ReadFiles() const {
  const CertificateFiles& files = options_.files;
  rpc::KeyPair pair;
  GRANGE_ASSIGN_OR_RETURN(pair.certificate_pem, ReadPem(files.certificate));
  GRANGE_ASSIGN_OR_RETURN(pair.key_pem, ReadPem(files.key));
  const absl::Status good = rpc::CheckPair(pair, options_.ca.certificate_pem, clock_.Now());
  if (!good.ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("'", files.certificate, "' with the key '", files.key,
                     "' can't be used: ", good.message()));
  }
  pair.certificate_pem = rpc::WithCa(std::move(pair.certificate_pem), options_.ca.certificate_pem);
  return pair;
}

void CertificateKeeper::WatchFolders() {
  folders_ = os::UniqueFd(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  std::set<std::string> folders;
  for (const std::string& file : {options_.files.certificate, options_.files.key}) {
    folders.insert(FolderOf(file));
    // What renews certificates often keeps the files elsewhere and changes links.
    const absl::StatusOr<std::string> real = os::RealPath(file);
    if (real.ok()) folders.insert(FolderOf(*real));
  }
  for (const std::string& folder : folders) {
    if (inotify_add_watch(folders_.get(), folder.c_str(), kChanges) < 0) {
      log::Warning("certificate_folder_not_watched",
                   {{"folder", folder}, {"next", "a new certificate is seen within 12 hours"}});
    }
  }
  loop_.Watch(folders_.get(), EPOLLIN, [this](uint32_t) { OnFolderChanged(); });
}

void CertificateKeeper::OnFolderChanged() {
  std::array<char, 4096> events;
  while (read(folders_.get(), events.data(), events.size()) > 0) {
  }
  if (settling_) return;
  settling_ = true;
  loop_.After(options_.settle, [this] {
    settling_ = false;
    LookAtFiles();
  });
}

void CertificateKeeper::LookAtFiles() {
  absl::StatusOr<rpc::KeyPair> pair = ReadFiles();
  if (!pair.ok()) {
    std::string text(pair.status().message());
    if (text == last_warning_) return;
    log::Warning("certificate_not_taken",
                 {{"error", text}, {"next", "the one before is shown until a good one is there"}});
    last_warning_ = std::move(text);
    return;
  }
  last_warning_.clear();
  const rpc::KeyPair shown = pair_->Get();
  if (pair->certificate_pem == shown.certificate_pem && pair->key_pem == shown.key_pem) return;
  const absl::StatusOr<rpc::CertificateFacts> facts = rpc::ReadCertificate(pair->certificate_pem);
  pair_->Replace(*std::move(pair));
  log::Info("certificate_renewed",
            {{"file", options_.files.certificate},
             {"until", facts.ok() ? absl::FormatTime(facts->until) : std::string("?")}});
}

void CertificateKeeper::CheckAge() {
  loop_.After(options_.check_every, [this] { CheckAge(); });
  const absl::StatusOr<rpc::CertificateFacts> facts =
      rpc::ReadCertificate(pair_->Get().certificate_pem);
  if (!facts.ok()) return;
  const absl::Duration left = facts->until - clock_.Now();
  if (!options_.files.empty()) {
    LookAtFiles();
    if (left < kWarnBeforeEnd) {
      log::Warning("certificate_ends_soon", {{"file", options_.files.certificate},
                                             {"until", absl::FormatTime(facts->until)}});
    }
    return;
  }
  if (left > (facts->until - facts->from) / 3) return;
  absl::StatusOr<rpc::KeyPair> next = Make();
  if (!next.ok()) {
    log::Error("certificate_not_renewed", {{"error", next.status()}});
    return;
  }
  pair_->Replace(*std::move(next));
  log::Info("certificate_renewed", {{"by", "the coordinator's own CA"}});
}

}  // namespace grange::server
