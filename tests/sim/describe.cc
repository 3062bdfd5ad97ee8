#include "tests/sim/describe.h"

#include <type_traits>

#include "absl/strings/str_cat.h"

namespace grange::sim {
namespace {

template <typename... Alternatives>
size_t Kind(const std::variant<Alternatives...>& value) {
  return value.index();
}

// What every message about an assignment has.
template <typename Message>
std::string OfAssignment(const Message& message) {
  std::string text;
  if constexpr (requires { message.agent; }) text = message.agent.ToString();
  if constexpr (requires { message.session; })
    absl::StrAppend(&text, " ", message.session.ToString());
  if constexpr (requires { message.assignment; }) {
    absl::StrAppend(&text, " ", message.assignment.ToString());
  }
  if constexpr (requires { message.job.value(); }) absl::StrAppend(&text, message.job.ToString());
  if constexpr (requires { message.pipeline.value(); }) {
    absl::StrAppend(&text, " of ", message.pipeline.ToString());
  }
  return text;
}

std::string OfReports(const std::vector<schedule::JobReport>& reports) {
  constexpr const char* kPhases[] = {"accepted", "starting", "running", "finished"};
  std::string text = " {";
  for (const schedule::JobReport& report : reports) {
    absl::StrAppend(&text, " ", report.assignment.ToString(), " ",
                    kPhases[static_cast<int>(report.phase)]);
  }
  return text + " }";
}

std::string OfResult(lifecycle::FailureReason reason, int exit_code) {
  return absl::StrCat(" '", lifecycle::FailureReasonName(reason), "' ", exit_code);
}

}  // namespace

std::string Describe(const ToHub& message) {
  constexpr const char* kNames[] = {"Hello", "Accept", "Decline", "Started", "Result", "Chunk"};
  std::string text = absl::StrCat(
      kNames[Kind(message)], std::visit([](const auto& m) { return OfAssignment(m); }, message));
  if (const auto* hello = std::get_if<Hello>(&message)) {
    absl::StrAppend(&text, " counter ", hello->counter, OfReports(hello->jobs));
  } else if (const auto* result = std::get_if<Result>(&message)) {
    absl::StrAppend(&text, OfResult(result->ending.reason, result->ending.exit_code), " trace ",
                    result->ending.trace_bytes);
  } else if (const auto* chunk = std::get_if<Chunk>(&message)) {
    absl::StrAppend(&text, " [", chunk->offset, ", ", chunk->offset + chunk->bytes.size(), ")");
  }
  return text;
}

std::string Describe(const ToAgent& message) {
  constexpr const char* kNames[] = {"Welcome", "Offer",  "Start", "Cancel",
                                    "Forget",  "Revoke", "Drain", "Resume"};
  std::string text =
      absl::StrCat(kNames[Kind(message)], " ",
                   std::visit([](const auto& m) { return OfAssignment(m); }, message));
  if (const auto* welcome = std::get_if<schedule::SendWelcome>(&message)) {
    constexpr const char* kVerdicts[] = {"go on", "start", "forget", "revoke"};
    for (const schedule::SendWelcome::JobVerdict& v : welcome->verdicts) {
      absl::StrAppend(&text, " ", v.assignment.ToString(), " ",
                      kVerdicts[static_cast<int>(v.verdict)]);
    }
  } else if (const auto* resume = std::get_if<Resume>(&message)) {
    absl::StrAppend(&text, " from ", resume->offset);
  }
  return text;
}

std::string Describe(const schedule::Event& event) {
  constexpr const char* kNames[] = {"PipelineAdded",
                                    "AgentAdded",
                                    "AgentRemoved",
                                    "AgentConnected",
                                    "AgentDisconnected",
                                    "DrainChanged",
                                    "JobAccepted",
                                    "JobDeclined",
                                    "JobUnofferable",
                                    "JobStarted",
                                    "JobFinished",
                                    "CancelPipeline",
                                    "CancelJob",
                                    "RetryPipeline",
                                    "RetryJob",
                                    "PlayJob",
                                    "Tick"};
  std::string text = absl::StrCat(kNames[Kind(event)], " ",
                                  std::visit([](const auto& e) { return OfAssignment(e); }, event));
  if (const auto* added = std::get_if<schedule::PipelineAdded>(&event)) {
    absl::StrAppend(&text, added->id.ToString());
    for (const schedule::JobNode& job : added->jobs) {
      absl::StrAppend(&text, " ", job.id.ToString(), " stage ", job.stage, " ",
                      lifecycle::WhenName(job.when), job.has_needs ? " needs" : "");
      for (const auto& need : job.needs) absl::StrAppend(&text, " ", need.job.value());
      absl::StrAppend(&text, " ", lifecycle::JobStateName(job.state), ";");
    }
  } else if (const auto* connected = std::get_if<schedule::AgentConnected>(&event)) {
    absl::StrAppend(&text, OfReports(connected->jobs));
  } else if (const auto* finished = std::get_if<schedule::JobFinished>(&event)) {
    absl::StrAppend(&text, OfResult(finished->reason, finished->exit_code));
  }
  return text;
}

std::string Describe(const schedule::Decision& decision) {
  if (const auto* job = std::get_if<schedule::StoreJob>(&decision)) {
    constexpr const char* kPhases[] = {"nobody", "offered", "granted", "running"};
    return absl::StrCat("store ", job->id.ToString(), "/", job->attempt, "@",
                        FenceValue(job->fence), " ", lifecycle::JobStateName(job->state), " ",
                        kPhases[static_cast<int>(job->phase)], " ", job->agent.ToString(),
                        job->cancel_wanted ? " cancel wanted" : "",
                        job->cancel_by_force ? " by force" : "",
                        OfResult(job->reason, job->exit_code), " ", job->detail);
  }
  if (const auto* pipeline = std::get_if<schedule::StorePipeline>(&decision)) {
    return absl::StrCat("store ", pipeline->id.ToString(), " ",
                        lifecycle::PipelineStateName(pipeline->state));
  }
  if (const auto* fence = std::get_if<schedule::StoreFence>(&decision)) {
    return absl::StrCat("store fence ", FenceValue(fence->highest));
  }
  return absl::StrCat("send ", std::visit([](const auto& d) { return OfAssignment(d); }, decision));
}

}  // namespace grange::sim
