#include "agent/workspace/tree_size.h"

#include <fts.h>
#include <sys/stat.h>

#include <memory>

namespace grange::workspace {
namespace {

constexpr int kFilesMax = 1'000'000;

struct FtsClose {
  void operator()(FTS* walk) const { fts_close(walk); }
};

}  // namespace

uint64_t BytesChangedSince(const std::string& path, absl::Time since) {
  std::string root = path;
  char* const roots[] = {root.data(), nullptr};
  const std::unique_ptr<FTS, FtsClose> walk(
      fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, nullptr));
  if (walk == nullptr) return 0;
  uint64_t bytes = 0;
  for (int files = 0; files < kFilesMax; ++files) {
    const FTSENT* const entry = fts_read(walk.get());
    if (entry == nullptr) break;
    if (entry->fts_info != FTS_F) continue;
    const struct stat& info = *entry->fts_statp;
    if (absl::TimeFromTimespec(info.st_ctim) < since) continue;
    bytes += static_cast<uint64_t>(info.st_blocks) * 512;
  }
  return bytes;
}

}  // namespace grange::workspace
