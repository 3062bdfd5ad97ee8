#ifndef GRANGE_AGENT_SHIM_SPOOL_H_
#define GRANGE_AGENT_SHIM_SPOOL_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/shim/masker.h"
#include "agent/shim/output_marks.h"
#include "agent/shim/owned_fd.h"

namespace grange::shim {

// The way of a job's output: out of its pipe, through the masker, to the end of the file `log`;
// when it came stands in the file `marks`. What the masker holds back came when it lets go of it.
//
// The file never grows beyond its limit; what comes later is read and counted, so that the job is
// not slowed. What a full disk refuses is held, and nothing more is read meanwhile: the job waits
// at its pipe. After any other failed write nothing more is written.
class Spool {
 public:
  Spool(OwnedFd log, uint64_t limit_bytes, const std::vector<std::string>& masks);

  // Reads from `pipe` from now on (non-blocking).
  void SetPipe(OwnedFd pipe);
  // -1: no pipe, or it has come to its end.
  int pipe() const { return pipe_.get(); }
  // Whether output is taken from the pipe now.
  bool takes() const { return !paused_ && held_.empty(); }
  // While paused, output stays in the pipe. What DrainPipe() and Add() bring is written all the
  // same.
  void SetPaused(bool paused) { paused_ = paused; }
  // Whether bytes wait for space on the disk.
  bool holds() const { return !held_.empty(); }
  // Tries again to write what is held.
  void Retry();
  // Drops what is held, if anything, and all that comes. `error` becomes error().
  void GiveUp(int error);

  // Takes what the pipe has, at most about a megabyte. False if it has nothing now.
  bool Pump();
  // Takes all that the pipe has, and closes it.
  void DrainPipe();

  void Add(std::string_view bytes);
  // What comes between these two belongs to a step of the job.
  void BeginSection(OutputMark::Section section) { marks_.BeginSection(section); }
  void EndSection() { marks_.EndSection(log_bytes_ + held_.size(), UnixMillis()); }
  // The end of all output: writes what the masker held back.
  void Finish();
  int log_fd() const { return log_.get(); }

  uint64_t log_bytes() const { return log_bytes_; }
  uint64_t dropped_bytes() const { return dropped_bytes_; }
  int error() const { return error_; }  // errno of the write that failed; 0: none

 private:
  bool PumpOnce();
  bool DropOnce();
  void Append(std::string_view masked);
  // Returns what could not be written: all of it is lost (error()) or there was no space.
  std::string_view WriteOut(std::string_view bytes);

  OwnedFd log_;
  OwnedFd pipe_;
  OwnedFd null_;
  const uint64_t limit_bytes_;
  Masker masker_;
  OutputMarks marks_{"marks", UnixMillis()};
  std::vector<char> buffer_;
  std::string masked_;
  std::string held_;
  bool paused_ = false;
  uint64_t log_bytes_ = 0;
  uint64_t dropped_bytes_ = 0;
  int error_ = 0;
};

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_SPOOL_H_
