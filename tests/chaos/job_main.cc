// The program of the jobs of a chaos run: leaves a mark for its start and prints a known stream.
//
//   grange-chaos-job KIND SEED STARTS
//
// The mark is a file in the folder STARTS, named like the job's folder ("12-1": job 12, attempt 1)
// and made with O_EXCL. If it is there already, the attempt was started twice: that leaves a file
// with "twice" in its name. Ends with 0, 96 if it could not do its work, 97 if started twice.
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/chaos/known_stream.h"

namespace grange::chaos {
namespace {

constexpr int kBroken = 96;
constexpr int kStartedTwice = 97;

bool MakeMark(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return false;
  close(fd);
  return true;
}

int LeaveMark(const std::string& starts) {
  const char* const folder = std::getenv("GRANGE_JOB_FOLDER");  // NOLINT(concurrency-mt-unsafe)
  if (folder == nullptr) return kBroken;
  const std::string path = folder;
  const std::string mark = absl::StrCat(starts, "/", path.substr(path.rfind('/') + 1));
  if (MakeMark(mark)) return 0;
  if (errno != EEXIST) return kBroken;
  MakeMark(absl::StrCat(mark, ".twice.", getpid()));
  return kStartedTwice;
}

bool Print(const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t put = write(STDOUT_FILENO, bytes.data() + done, bytes.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == ENOSPC) {
      // Its output goes into a file, and the full disk is the farm's fault, not the job's.
      poll(nullptr, 0, 50);
      continue;
    }
    if (put < 0) return false;
    done += static_cast<size_t>(put);
  }
  return true;
}

int Run(StreamKind kind, uint64_t seed, const std::string& starts) {
  const int marked = LeaveMark(starts);
  if (marked != 0) return marked;
  for (const Piece& piece : KnownStream(kind, seed)) {
    const timespec pause = absl::ToTimespec(piece.pause);
    nanosleep(&pause, nullptr);
    if (!Print(piece.bytes)) return kBroken;
  }
  return 0;
}

}  // namespace
}  // namespace grange::chaos

int main(int argc, char** argv) {
  uint64_t seed = 0;
  if (argc != 4 || !absl::SimpleAtoi(argv[2], &seed)) return grange::chaos::kBroken;
  const std::optional<grange::chaos::StreamKind> kind = grange::chaos::ParseStreamKind(argv[1]);
  if (!kind.has_value()) return grange::chaos::kBroken;
  return grange::chaos::Run(*kind, seed, argv[3]);
}
