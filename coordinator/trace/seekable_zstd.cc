#include "coordinator/trace/seekable_zstd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::trace {
namespace {

constexpr size_t kFrameBytes = 256 << 10;
constexpr int kLevel = 3;
constexpr uint32_t kSkippableMagic = 0x184D2A5E;
constexpr uint32_t kSeekTableMagic = 0x8F92EAB1;
constexpr size_t kFooterBytes = 9;
constexpr size_t kEntryBytes = 8;
constexpr size_t kSkippableHeaderBytes = 8;
constexpr uint32_t kFramesMax = 1 << 24;

void AppendU32(std::string& out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>((value >> shift) & 0xff);
}

uint32_t ReadU32(const char* bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = (value << 8) | static_cast<unsigned char>(bytes[i]);
  return value;
}

absl::StatusOr<std::string> ReadAt(int fd, uint64_t offset, size_t count, const std::string& path) {
  std::string bytes(count, '\0');
  size_t have = 0;
  while (have < count) {
    const ssize_t got =
        ::pread(fd, bytes.data() + have, count - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return os::ErrnoStatus(errno, "cannot read", path);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// The frames of all that `from` has, then the index.
absl::Status WriteFrames(int from, const std::string& from_path, int to) {
  const std::unique_ptr<ZSTD_CCtx, FreeContext> context(ZSTD_createCCtx());
  if (context == nullptr) return absl::ResourceExhaustedError("no memory to compress a trace");
  std::string packed(ZSTD_compressBound(kFrameBytes), '\0');
  std::string table;
  uint32_t frames = 0;
  for (uint64_t offset = 0;; ++frames) {
    GRANGE_ASSIGN_OR_RETURN(const std::string plain, ReadAt(from, offset, kFrameBytes, from_path));
    if (plain.empty()) break;
    const size_t size = ZSTD_compressCCtx(context.get(), packed.data(), packed.size(), plain.data(),
                                          plain.size(), kLevel);
    if (ZSTD_isError(size)) {
      return absl::InternalError(absl::StrCat("zstd: ", ZSTD_getErrorName(size)));
    }
    GRANGE_RETURN_IF_ERROR(os::WriteAll(to, absl::string_view(packed.data(), size)));
    AppendU32(table, static_cast<uint32_t>(size));
    AppendU32(table, static_cast<uint32_t>(plain.size()));
    offset += plain.size();
  }
  std::string index;
  AppendU32(index, kSkippableMagic);
  AppendU32(index, static_cast<uint32_t>(table.size() + kFooterBytes));
  index += table;
  AppendU32(index, frames);
  index += '\0';  // no checksums in the table
  AppendU32(index, kSeekTableMagic);
  return os::WriteAll(to, index);
}

}  // namespace

absl::Status CompressSeekable(const std::string& from, const std::string& to) {
  const os::UniqueFd source(::open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source.is_open()) return os::ErrnoStatus(errno, "cannot open", from);
  const std::string temporary = to + ".part";
  absl::Cleanup remove = [&temporary] { ::unlink(temporary.c_str()); };
  os::UniqueFd target(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!target.is_open()) return os::ErrnoStatus(errno, "cannot make", temporary);
  GRANGE_RETURN_IF_ERROR(Annotate(WriteFrames(source.get(), from, target.get()), temporary));
  if (::fdatasync(target.get()) != 0) return os::ErrnoStatus(errno, "cannot sync", temporary);
  if (::rename(temporary.c_str(), to.c_str()) != 0) {
    return os::ErrnoStatus(errno, "cannot rename to", to);
  }
  std::move(remove).Cancel();
  return os::SyncDir(to.substr(0, to.rfind('/')));
}

absl::StatusOr<SeekableReader> SeekableReader::Open(const std::string& path) {
  os::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return os::ErrnoStatus(errno, "cannot open", path);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return os::ErrnoStatus(errno, "cannot read", path);
  const uint64_t size = static_cast<uint64_t>(info.st_size);
  const absl::Status damaged =
      absl::DataLossError(absl::StrCat("'", path, "' is no compressed trace, or damaged"));
  if (size < kSkippableHeaderBytes + kFooterBytes) return damaged;
  GRANGE_ASSIGN_OR_RETURN(const std::string footer,
                          ReadAt(fd.get(), size - kFooterBytes, kFooterBytes, path));
  if (footer.size() != kFooterBytes || ReadU32(footer.data() + 5) != kSeekTableMagic) {
    return damaged;
  }
  const uint32_t frames = ReadU32(footer.data());
  const uint64_t table_bytes = uint64_t{frames} * kEntryBytes;
  const uint64_t index_bytes = kSkippableHeaderBytes + table_bytes + kFooterBytes;
  if (frames > kFramesMax || size < index_bytes) return damaged;
  GRANGE_ASSIGN_OR_RETURN(const std::string table,
                          ReadAt(fd.get(), size - kFooterBytes - table_bytes, table_bytes, path));
  if (table.size() != table_bytes) return damaged;
  std::vector<Start> starts(1);
  starts.reserve(frames + size_t{1});
  for (uint32_t i = 0; i < frames; ++i) {
    const char* entry = table.data() + i * kEntryBytes;
    const uint32_t plain = ReadU32(entry + 4);
    if (plain == 0 || plain > kFrameBytes) return damaged;
    starts.push_back(
        {.packed = starts.back().packed + ReadU32(entry), .plain = starts.back().plain + plain});
  }
  if (starts.back().packed != size - index_bytes) return damaged;
  return SeekableReader(path, std::move(fd), std::move(starts));
}

absl::StatusOr<std::string> SeekableReader::Read(uint64_t offset, size_t max) const {
  std::string out;
  if (offset >= size()) return out;
  auto next = std::upper_bound(starts_.begin(), starts_.end(), offset,
                               [](uint64_t at, const Start& start) { return at < start.plain; });
  for (auto frame = next - 1; next != starts_.end() && out.size() < max; frame = next++) {
    const size_t packed_bytes = static_cast<size_t>(next->packed - frame->packed);
    GRANGE_ASSIGN_OR_RETURN(const std::string packed,
                            ReadAt(fd_.get(), frame->packed, packed_bytes, path_));
    std::string plain(static_cast<size_t>(next->plain - frame->plain), '\0');
    const size_t got = ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size());
    if (ZSTD_isError(got) || got != plain.size()) {
      return absl::DataLossError(
          absl::StrCat("'", path_, "' is damaged at offset ", frame->packed));
    }
    const size_t skip = offset > frame->plain ? static_cast<size_t>(offset - frame->plain) : 0;
    out.append(plain, skip, max - out.size());
  }
  return out;
}

}  // namespace grange::trace
