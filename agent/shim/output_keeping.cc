// What the supervisor does with the job's output: brings it to disk, waits where that is full, and
// ends the job where it must.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "agent/shim/boot_clock.h"
#include "agent/shim/supervisor.h"

namespace grange::shim {

void Supervisor::TakeOutput() {
  const uint64_t before = parts_.spool.log_bytes();
  const bool was_open = parts_.spool.pipe() >= 0;
  const bool has_read = parts_.spool.Pump();
  const bool closed = was_open && parts_.spool.pipe() < 0;
  if (ended_at_ms_ != kNever && (has_read || closed)) output_at_ms_ = BootMillis();
  if (ended_at_ms_ != kNever && closed) closed_at_ms_ = output_at_ms_;
  if (parts_.spool.log_bytes() != before) NoteGrown();
}

void Supervisor::NoteGrown() {
  parts_.door.TellOutput(parts_.spool.log_bytes());
  if (parts_.spec.sync_log) log_sync_.Grown(BootMillis());
}

void Supervisor::NoteDiskError() {
  if (parts_.spool.error() != 0 && result_.reason != EndReason::kDiskFull) {
    result_.reason = EndReason::kDiskFull;
    AddDetail(std::string("cannot write the job's output to its file 'log': ") +
              std::strerror(parts_.spool.error()) + "; look after the disk of the agent");
    forced_ = true;
    kill_at_ms_ = 0;
  }
}

void Supervisor::KeepDisk(uint64_t now) {
  if (const int error = log_sync_.Keep(parts_.spool.log_fd(), now); error != 0) {
    parts_.spool.GiveUp(error);
  }
  const uint64_t before = parts_.spool.log_bytes();
  const bool held = parts_.spool.holds();
  if (held && disk_wait_.IsTimeToRetry(now)) parts_.spool.Retry();
  if (parts_.spool.holds() && disk_wait_.IsOver(now)) parts_.spool.GiveUp(ENOSPC);
  const bool grown = parts_.spool.log_bytes() != before;
  // A little space has come: the wait is a new one.
  if (grown) disk_wait_.Note(false, paused_, now);
  disk_wait_.Note(parts_.spool.holds(), paused_, now);
  if (held && parts_.spool.takes()) RestartSettling(now);
  if (grown) NoteGrown();
}

void Supervisor::SetPaused(bool paused) {
  if (paused == paused_) return;
  paused_ = paused;
  parts_.spool.SetPaused(paused);
  if (parts_.spool.takes()) RestartSettling(BootMillis());
}

// Nobody listened until now.
void Supervisor::RestartSettling(uint64_t now) {
  if (ended_at_ms_ != kNever) ended_at_ms_ = output_at_ms_ = closed_at_ms_ = now;
}

void Supervisor::FinishLog(uint64_t started_ms) {
  stage_ = Stage::kEnded;
  parts_.spool.Finish();
  KeepDisk(BootMillis());
  while (parts_.spool.holds() && result_.reason != EndReason::kDiskFull) Wait();
  if (parts_.spool.holds()) parts_.spool.GiveUp(ENOSPC);
  if (parts_.spec.sync_log && parts_.spool.error() == 0) {
    const int error = log_sync_.Finish(parts_.spool.log_fd(), started_ms, BootMillis());
    if (error != 0) parts_.spool.GiveUp(error);
  }
  NoteDiskError();
  NoteTraceLimit();
}

void Supervisor::NoteTraceLimit() {
  if (!parts_.spec.fail_at_trace_limit || parts_.spool.dropped_bytes() == 0) return;
  if (result_.reason != EndReason::kExited) return;
  AddDetail("the job printed more than the " + std::to_string(parts_.spec.trace_limit_bytes) +
            " bytes of its log's limit; let it print less, or change the project's settings "
            "trace-limit or trace-limit-policy");
  result_.reason = EndReason::kTraceLimit;
  if (stage_ != Stage::kEnded) Stop(EndReason::kTraceLimit, parts_.spec.stop_grace_ms);
}

void Supervisor::FailAsLargest(const ShimMessage& message) {
  if (result_.reason == EndReason::kDiskFull) return;
  const uint64_t mib = message.value >> 20;
  AddDetail("the agent's disk was full and this job had written the most: " +
            (mib > 0 ? std::to_string(mib) + " MiB" : std::to_string(message.value) + " bytes") +
            (message.detail != 0 ? " into its work tree" : " into its log") +
            "; let it write less, or give the agent a larger disk");
  result_.reason = EndReason::kDiskFull;
  forced_ = true;
  kill_at_ms_ = 0;
}

}  // namespace grange::shim
