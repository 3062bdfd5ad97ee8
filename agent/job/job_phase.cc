#include "agent/job/job_phase.h"

#include <optional>

#include "absl/strings/str_cat.h"

namespace grange::job {
namespace {

using P = JobPhase;
using E = JobEvent;

std::optional<P> Next(P from, E event) {
  switch (event) {
    case E::kAcceptDurable:
      if (from == P::kAccepting) return P::kAccepted;
      return std::nullopt;
    case E::kStart:
      if (from == P::kAccepted) return P::kPreparing;
      return std::nullopt;
    case E::kPrepared:
      if (from == P::kPreparing) return P::kStarting;
      return std::nullopt;
    case E::kLaunched:
      if (from == P::kStarting) return P::kRunning;
      return std::nullopt;
    case E::kShimEnded:
      if (from == P::kRunning) return P::kUploading;
      return std::nullopt;
    case E::kResult:
      if (from == P::kAccepted || from == P::kPreparing || from == P::kStarting ||
          from == P::kRunning || from == P::kUploading) {
        return P::kFinished;
      }
      return std::nullopt;
    case E::kForget:
      if (from == P::kStarting || from == P::kRunning || from == P::kGone) return std::nullopt;
      return P::kGone;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<JobPhase> NextPhase(JobPhase from, JobEvent event) {
  const std::optional<P> next = Next(from, event);
  if (next.has_value()) return *next;
  return absl::FailedPreconditionError(absl::StrCat(
      "'", JobEventName(event), "' can't happen to a job that is ", JobPhaseName(from)));
}

absl::string_view JobPhaseName(JobPhase phase) {
  switch (phase) {
    case P::kAccepting:
      return "accepting";
    case P::kAccepted:
      return "accepted";
    case P::kPreparing:
      return "preparing";
    case P::kStarting:
      return "starting";
    case P::kRunning:
      return "running";
    case P::kUploading:
      return "uploading";
    case P::kFinished:
      return "finished";
    case P::kGone:
      return "gone";
  }
  return "unknown";
}

absl::string_view JobEventName(JobEvent event) {
  switch (event) {
    case E::kAcceptDurable:
      return "accept durable";
    case E::kStart:
      return "start";
    case E::kPrepared:
      return "prepared";
    case E::kLaunched:
      return "launched";
    case E::kShimEnded:
      return "shim ended";
    case E::kResult:
      return "result";
    case E::kForget:
      return "forget";
  }
  return "unknown";
}

}  // namespace grange::job
