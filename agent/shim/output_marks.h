#ifndef GRANGE_AGENT_SHIM_OUTPUT_MARKS_H_
#define GRANGE_AGENT_SHIM_OUTPUT_MARKS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "agent/shim/output_mark.h"
#include "agent/shim/owned_fd.h"

namespace grange::shim {

// Writes down when a job's output was read, and to which step of the job it belongs: the file
// `marks` beside `log`. Times are Unix milliseconds; they are for people and decide nothing.
//
// What is printed before kDistanceMs have passed has the time of the job's start, which others
// know: so a job that is over by then has no file, and costs nothing.
//
// What can't be written is left out: it is the job's output that counts. Nothing is synced.
class OutputMarks {
 public:
  // Marks are this far apart at first, and twice as far after each kMarksPerDistance of them: a
  // job that prints for days has no more than some 100,000.
  static constexpr int64_t kDistanceMs = 100;
  static constexpr uint64_t kMarksPerDistance = 10'000;

  // `now`: of the job's start.
  OutputMarks(std::string path, int64_t now) : path_(std::move(path)), last_ms_(now) {}

  // What is printed from now on belongs to `section`. One without output leaves no mark.
  void BeginSection(OutputMark::Section section) { begun_ = section; }
  // All of it has been noted; `offset`: where the next byte will be.
  void EndSection(uint64_t offset, int64_t now);
  // Bytes that were read `now` are about to be written at `offset`: before that, so that whoever
  // finds the bytes finds their mark.
  void Note(uint64_t offset, int64_t now);

 private:
  bool IsDue(int64_t now) const;
  // At once, or together with the first one that is due. False: the disk did not take it.
  bool WriteSection(const OutputMark& mark);
  bool Write(const OutputMark& mark);

  const std::string path_;
  OwnedFd file_;
  std::vector<OutputMark> early_;  // those of sections before the file is there
  uint64_t marks_ = 0;
  int64_t last_ms_;                                       // of the newest mark, or the start
  OutputMark::Section begun_ = OutputMark::kNoSection;    // and nothing was printed since
  OutputMark::Section section_ = OutputMark::kNoSection;  // that the newest bytes belong to
};

// The time that people's clocks show.
int64_t UnixMillis();

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_OUTPUT_MARKS_H_
