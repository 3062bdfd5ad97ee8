#ifndef GRANGE_TOOLS_BENCH_FIFO_H_
#define GRANGE_TOOLS_BENCH_FIFO_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/os/unique_fd.h"

namespace grange::bench {

// A named pipe between a job and the benchmark. Open for both directions on our side, so that
// neither end waits for the other to open it; a job that reads gets its end when this goes.
class Fifo {
 public:
  static absl::StatusOr<Fifo> Make(const std::string& path);
  Fifo(Fifo&&) = default;
  Fifo& operator=(Fifo&&) = default;
  ~Fifo();

  absl::Status WriteLine(absl::string_view line);
  // Without the line feed. kDeadlineExceeded.
  absl::StatusOr<std::string> ReadLine(absl::Duration timeout);
  const std::string& path() const { return path_; }

 private:
  Fifo(std::string path, os::UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

  std::string path_;
  os::UniqueFd fd_;
};

}  // namespace grange::bench

#endif  // GRANGE_TOOLS_BENCH_FIFO_H_
