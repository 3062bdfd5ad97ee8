#include "coordinator/artifact/file_upload.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "common/os/unique_fd.h"

namespace grange::artifact {
namespace {

constexpr size_t kReadBytes = 256 << 10;

class FileUpload final : public ArtifactStore::Upload {
 public:
  // `claims` is shared with the store, which an upload may outlive.
  FileUpload(Places places, os::UniqueFd fd, uint64_t have, uint64_t size, std::string sha256,
             std::shared_ptr<Claims> claims)
      : places_(std::move(places)),
        fd_(std::move(fd)),
        have_(have),
        size_(size),
        sha256_(std::move(sha256)),
        claims_(std::move(claims)) {}

  ~FileUpload() override {
    if (!places_.keep && !finished_) ::unlink(places_.incoming.c_str());
    claims_->Release(places_.incoming);
  }

  uint64_t have() const override { return have_; }

  absl::Status Append(uint64_t offset, absl::string_view bytes) override {
    if (offset > have_) {
      return absl::InvalidArgumentError(
          absl::StrCat("a part at offset ", offset, ", but only ", have_, " bytes came before it"));
    }
    if (bytes.size() > size_ - offset) {
      return absl::InvalidArgumentError(
          absl::StrCat("more bytes than the ", size_, " that were announced"));
    }
    const uint64_t known = have_ - offset;
    if (bytes.size() <= known) return absl::OkStatus();
    GRANGE_RETURN_IF_ERROR(CatchUp());
    bytes.remove_prefix(static_cast<size_t>(known));
    size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done,
                                   static_cast<off_t>(have_ + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return os::ErrnoStatus(errno, "cannot write", places_.incoming);
      done += static_cast<size_t>(got);
    }
    hash_.Update(bytes);
    have_ += bytes.size();
    hashed_ = have_;
    return absl::OkStatus();
  }

  absl::Status Finish() override {
    if (have_ != size_) {
      return absl::InvalidArgumentError(
          absl::StrCat("the upload ended after ", have_, " of ", size_, " bytes"));
    }
    GRANGE_RETURN_IF_ERROR(CatchUp());
    if (hash_.Digest() != sha256_) {
      ::unlink(places_.incoming.c_str());
      finished_ = true;
      return absl::DataLossError(absl::StrCat("what came has not the SHA-256 that was announced (",
                                              absl::BytesToHexString(sha256_), "); send it again"));
    }
    if (::fdatasync(fd_.get()) != 0) {
      return os::ErrnoStatus(errno, "cannot sync", places_.incoming);
    }
    const std::string folder = places_.final.substr(0, places_.final.rfind('/'));
    GRANGE_RETURN_IF_ERROR(os::MakeDirs(folder));
    if (::rename(places_.incoming.c_str(), places_.final.c_str()) != 0) {
      return os::ErrnoStatus(errno, "cannot rename to", places_.final);
    }
    finished_ = true;
    GRANGE_RETURN_IF_ERROR(os::SyncDir(folder));
    return os::SyncDir(folder.substr(0, folder.rfind('/')));  // the folder may be new
  }

 private:
  // The hash of what an earlier upload left.
  absl::Status CatchUp() {
    if (hashed_ == have_) return absl::OkStatus();
    std::string buffer(kReadBytes, '\0');
    while (hashed_ < have_) {
      const size_t want = static_cast<size_t>(std::min<uint64_t>(kReadBytes, have_ - hashed_));
      const ssize_t got = ::pread(fd_.get(), buffer.data(), want, static_cast<off_t>(hashed_));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return os::ErrnoStatus(errno, "cannot read", places_.incoming);
      if (got == 0) {
        return absl::DataLossError(
            absl::StrCat("'", places_.incoming, "' became shorter by itself; send it again"));
      }
      hash_.Update(absl::string_view(buffer.data(), static_cast<size_t>(got)));
      hashed_ += static_cast<uint64_t>(got);
    }
    return absl::OkStatus();
  }

  const Places places_;
  const os::UniqueFd fd_;
  uint64_t have_;
  const uint64_t size_;
  const std::string sha256_;
  const std::shared_ptr<Claims> claims_;
  os::Sha256 hash_;
  uint64_t hashed_ = 0;
  bool finished_ = false;
};

}  // namespace

bool Claims::Take(const std::string& path) {
  base::MutexLock lock(mu_);
  return taken_.insert(path).second;
}

void Claims::Release(const std::string& path) {
  base::MutexLock lock(mu_);
  taken_.erase(path);
}

absl::StatusOr<std::unique_ptr<ArtifactStore::Upload>> OpenFileUpload(
    Places places, std::string sha256, uint64_t size, std::shared_ptr<Claims> claims) {
  os::UniqueFd fd(::open(places.incoming.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  const int error = errno;
  struct stat info {};
  if (!fd.is_open() || ::fstat(fd.get(), &info) != 0) {
    claims->Release(places.incoming);
    return os::ErrnoStatus(error, "cannot open", places.incoming);
  }
  uint64_t have = static_cast<uint64_t>(info.st_size);
  // More than announced: not what this upload is about to send.
  if (have > size && ::ftruncate(fd.get(), 0) == 0) have = 0;
  return std::unique_ptr<ArtifactStore::Upload>(std::make_unique<FileUpload>(
      std::move(places), std::move(fd), have, size, std::move(sha256), std::move(claims)));
}

}  // namespace grange::artifact
