#include "coordinator/artifact/artifact_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "coordinator/artifact/content_holds.h"
#include "coordinator/artifact/file_upload.h"

namespace grange::artifact {
namespace {

constexpr size_t kHashBytes = 32;
constexpr size_t kReadBytesMax = 8 << 20;

// For content that is here already.
class NothingToUpload final : public ArtifactStore::Upload {
 public:
  explicit NothingToUpload(uint64_t size) : size_(size) {}
  uint64_t have() const override { return size_; }
  absl::Status Append(uint64_t, absl::string_view) override { return absl::OkStatus(); }
  absl::Status Finish() override { return absl::OkStatus(); }

 private:
  const uint64_t size_;
};

// Holds its content as long as it is there. `holds` is shared with the store, which an upload may
// outlive.
class HeldUpload final : public ArtifactStore::Upload {
 public:
  HeldUpload(std::string sha256, std::shared_ptr<ContentHolds> holds)
      : sha256_(std::move(sha256)), holds_(std::move(holds)) {
    holds_->Hold(sha256_);
  }
  ~HeldUpload() override { holds_->Release(sha256_); }
  void Begin(std::unique_ptr<Upload> upload) { upload_ = std::move(upload); }

  uint64_t have() const override { return upload_->have(); }
  absl::Status Append(uint64_t offset, absl::string_view bytes) override {
    return upload_->Append(offset, bytes);
  }
  absl::Status Finish() override { return upload_->Finish(); }

 private:
  const std::string sha256_;
  const std::shared_ptr<ContentHolds> holds_;
  std::unique_ptr<Upload> upload_;
};

class FileArtifacts final : public ArtifactStore {
 public:
  explicit FileArtifacts(Options options) : options_(std::move(options)) {}

  absl::StatusOr<std::unique_ptr<Upload>> Begin(absl::string_view sha256, uint64_t size) override {
    if (sha256.size() != kHashBytes) {
      return absl::InvalidArgumentError(
          absl::StrCat("a SHA-256 of ", sha256.size(), " bytes, not ", kHashBytes));
    }
    if (size > options_.file_bytes_max) {
      return absl::ResourceExhaustedError(
          absl::StrCat("an artifact of ", size, " bytes; at most ", options_.file_bytes_max,
                       " are taken: upload less, or raise the limit"));
    }
    auto held = std::make_unique<HeldUpload>(std::string(sha256), holds_);
    struct stat info {};
    if (::stat(PathOf(sha256).c_str(), &info) == 0) {
      held->Begin(std::make_unique<NothingToUpload>(static_cast<uint64_t>(info.st_size)));
      return std::unique_ptr<Upload>(std::move(held));
    }
    GRANGE_ASSIGN_OR_RETURN(std::unique_ptr<Upload> upload,
                            OpenFileUpload(Claim(sha256), std::string(sha256), size, claims_));
    held->Begin(std::move(upload));
    return std::unique_ptr<Upload>(std::move(held));
  }

  absl::StatusOr<uint64_t> Remove(const std::string& sha256, InUse in_use) override {
    if (!holds_->BeginRemoval(sha256)) return 0;
    absl::StatusOr<uint64_t> removed = RemoveUnused(sha256, in_use);
    holds_->EndRemoval(sha256);
    return removed;
  }

  absl::StatusOr<std::vector<std::string>> List(int folder) const override {
    const std::string prefix = absl::StrFormat("%02x", folder);
    std::vector<std::string> contents;
    const absl::StatusOr<std::vector<std::string>> names =
        os::ListDir(absl::StrCat(options_.dir, "/", prefix));
    if (absl::IsNotFound(names.status())) return contents;
    GRANGE_RETURN_IF_ERROR(names.status());
    for (const std::string& name : *names) {
      const bool hex = name.size() == 2 * (kHashBytes - 1) &&
                       name.find_first_not_of("0123456789abcdef") == std::string::npos;
      if (hex) contents.push_back(absl::HexStringToBytes(prefix + name));
    }
    return contents;
  }

  absl::StatusOr<int> RemoveCutUploads(absl::Duration untouched_for, absl::Time now) override {
    const std::string incoming = options_.dir + "/incoming";
    GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> names, os::ListDir(incoming));
    int removed = 0;
    for (const std::string& name : names) {
      const std::string path = absl::StrCat(incoming, "/", name);
      if (!claims_->Take(path)) continue;  // it is being written
      struct stat info {};
      const bool old = ::stat(path.c_str(), &info) == 0 &&
                       absl::TimeFromTimespec(info.st_mtim) < now - untouched_for;
      if (old && ::unlink(path.c_str()) == 0) ++removed;
      claims_->Release(path);
    }
    return removed;
  }

  bool Has(absl::string_view sha256) const override { return os::Exists(PathOf(sha256)); }

  absl::StatusOr<std::string> Read(absl::string_view sha256, uint64_t offset,
                                   size_t max) const override {
    const std::string path = PathOf(sha256);
    const os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot open artifact", path);
    std::string bytes(std::min(max, kReadBytesMax), '\0');
    while (true) {
      const ssize_t got = ::pread(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return os::ErrnoStatus(errno, "cannot read artifact", path);
      bytes.resize(static_cast<size_t>(got));
      return bytes;
    }
  }

 private:
  std::string PathOf(absl::string_view sha256) const {
    const std::string hex = absl::BytesToHexString(sha256);
    if (hex.size() < 2) return options_.dir + "/none";
    return absl::StrCat(options_.dir, "/", hex.substr(0, 2), "/", hex.substr(2));
  }

  absl::StatusOr<uint64_t> RemoveUnused(const std::string& sha256, InUse in_use) const {
    GRANGE_ASSIGN_OR_RETURN(const bool wanted, in_use(sha256));
    if (wanted) return 0;
    const std::string path = PathOf(sha256);
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return 0;
    if (::unlink(path.c_str()) != 0) return os::ErrnoStatus(errno, "cannot remove", path);
    return static_cast<uint64_t>(info.st_size);
  }

  // The file that an upload of `sha256` writes, which nobody else writes now.
  Places Claim(absl::string_view sha256) {
    Places places{
        .incoming = absl::StrCat(options_.dir, "/incoming/", absl::BytesToHexString(sha256)),
        .final = PathOf(sha256),
        .keep = true};
    if (claims_->Take(places.incoming)) return places;
    places.incoming = absl::StrCat(places.incoming, ".", next_extra_++);
    places.keep = false;
    claims_->Take(places.incoming);
    return places;
  }

  const Options options_;
  const std::shared_ptr<Claims> claims_ = std::make_shared<Claims>();
  const std::shared_ptr<ContentHolds> holds_ = std::make_shared<ContentHolds>();
  std::atomic<uint64_t> next_extra_ = 1;
};

// Files of second uploads ("<sha256>.<n>") that a crash left behind.
absl::Status RemoveExtras(const std::string& incoming) {
  GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> names, os::ListDir(incoming));
  for (const std::string& name : names) {
    if (!absl::StrContains(name, '.')) continue;
    GRANGE_RETURN_IF_ERROR(os::RemoveTree(absl::StrCat(incoming, "/", name)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ArtifactStore>> ArtifactStore::Open(Options options) {
  const std::string incoming = options.dir + "/incoming";
  GRANGE_RETURN_IF_ERROR(os::MakeDirs(incoming));
  GRANGE_RETURN_IF_ERROR(RemoveExtras(incoming));
  return std::unique_ptr<ArtifactStore>(std::make_unique<FileArtifacts>(std::move(options)));
}

}  // namespace grange::artifact
