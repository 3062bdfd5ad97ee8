#ifndef GRANGE_TOOLS_CTL_JOB_TEXT_H_
#define GRANGE_TOOLS_CTL_JOB_TEXT_H_

#include <string>

#include "grange/v1/control.pb.h"

// What is said about jobs in tables, lines and the live view.
namespace grange::ctl {

// True for success, failed, canceled and skipped.
bool HasEnded(const std::string& status);

// "exit status 1 (script_failure)"; for a job that failed.
std::string FailureText(const v1::Job& job);

// What the farm knows of a job beside its state: "agent unreachable since 12:04:10, job goes on",
// "lost: no contact for 5 min, attempt 2 of 3 queued"; "" as a rule.
std::string NoteText(const v1::Job& job);

// "running"; with the attempt from the second on: "running (attempt 2)"; "failed (allowed)".
std::string StatusText(const v1::Job& job);

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_JOB_TEXT_H_
