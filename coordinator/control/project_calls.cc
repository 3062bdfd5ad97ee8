// Projects and their variables.
#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "common/base/status_macros.h"
#include "common/rpc/status.h"
#include "common/text/duration_text.h"
#include "common/text/edit_distance.h"
#include "common/text/size_text.h"
#include "coordinator/control/control_service.h"
#include "coordinator/retention/limits.h"
#include "coordinator/trace/coverage.h"

namespace grange::control {
namespace {

constexpr size_t kVariableNameMax = 255;
constexpr size_t kVariableValueMax = 10'000;
// A shorter value would mask every other word of a trace.
constexpr size_t kMaskedMin = 8;

const std::vector<std::string>& SettingNames() {
  static const auto* const names = new std::vector<std::string>{
      "coverage-regex",     "default-branch", "timeout",      "on-disconnect",  "trace-limit",
      "trace-limit-policy", "keep-pipelines", "keep-traces",  "keep-artifacts", "pipelines-size",
      "traces-size",        "artifacts-size", "keep-mirrors", "mirrors-size"};
  return *names;
}

absl::Status CheckSetting(const std::string& key, const std::string& value) {
  if (std::find(SettingNames().begin(), SettingNames().end(), key) == SettingNames().end()) {
    return absl::InvalidArgumentError(
        absl::StrCat("unknown setting '", key, "'", text::DidYouMean(key, SettingNames()),
                     " (there are ", absl::StrJoin(SettingNames(), ", "), ")"));
  }
  if (value.empty()) return absl::OkStatus();  // back to the default
  if (retention::IsSetting(key)) return retention::CheckSetting(key, value);
  if (key == "coverage-regex") {
    return Annotate(trace::CoveragePattern::Compile(value).status(), "coverage-regex");
  }
  if (key == "timeout") {
    GRANGE_ASSIGN_OR_RETURN(const absl::Duration timeout, text::ParseDuration(value));
    if (timeout < absl::Seconds(1) || timeout > absl::Hours(24 * 30)) {
      return absl::InvalidArgumentError("timeout must be between 1 second and 30 days");
    }
  }
  if (key == "on-disconnect" && value != "keep" && value != "stop") {
    return absl::InvalidArgumentError("on-disconnect is 'keep' or 'stop'");
  }
  if (key == "trace-limit") {
    GRANGE_ASSIGN_OR_RETURN(const uint64_t bytes, text::ParseSize(value));
    if (bytes < 1024 || bytes > (uint64_t{1} << 40)) {
      return absl::InvalidArgumentError(
          "trace-limit is a size from 1 KiB to 1 TiB, such as 100MiB");
    }
  }
  if (key == "trace-limit-policy" && value != "drop" && value != "fail") {
    return absl::InvalidArgumentError(
        "trace-limit-policy is 'drop' (what is printed beyond trace-limit is dropped and counted) "
        "or 'fail' (the job fails)");
  }
  if (key == "default-branch") return source::CheckRefName(value);
  return absl::OkStatus();
}

absl::Status CheckVariable(const v1::SetVariableRequest& request) {
  const std::string& name = request.name();
  const bool word = !name.empty() && name.size() <= kVariableNameMax &&
                    !absl::ascii_isdigit(name[0]) &&
                    std::all_of(name.begin(), name.end(),
                                [](char c) { return absl::ascii_isalnum(c) || c == '_'; });
  if (!word) {
    return absl::InvalidArgumentError(absl::StrCat(
        "a variable's name is made of letters, digits and '_' and does not start with a digit (at "
        "most ",
        kVariableNameMax, " characters)"));
  }
  if (request.value().size() > kVariableValueMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("the value of '", name, "' is longer than ", kVariableValueMax, " bytes"));
  }
  if (request.value().find('\0') != std::string::npos) {
    return absl::InvalidArgumentError(absl::StrCat("the value of '", name, "' has a NUL byte"));
  }
  if (request.masked() && request.value().size() < kMaskedMin) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the value of '", name, "' is too short to be masked safely; it needs at least ",
        kMaskedMin, " bytes"));
  }
  return absl::OkStatus();
}

}  // namespace

grpc::Status ControlService::SetProject(grpc::ServerContext* context,
                                        const v1::SetProjectRequest* request,
                                        v1::ActionReply* reply) {
  return Act(*context, "set-project", Role::kAdmin, request->request_key(), reply,
             [&](const store::Answer& draft) -> absl::StatusOr<std::string> {
               GRANGE_RETURN_IF_ERROR(CheckSetting(request->key(), request->value()));
               GRANGE_ASSIGN_OR_RETURN(const store::Project project,
                                       parts_.store.FindOrMakeProject(request->project(), {}));
               const store::Answer answer = draft.WithText(
                   absl::StrCat("project ", project.name, ": ", request->key(),
                                request->value().empty() ? " is the default again" : " is set"));
               GRANGE_RETURN_IF_ERROR(parts_.store.SetProjectSetting(project.id, request->key(),
                                                                     request->value(), answer));
               return answer.text;
             });
}

grpc::Status ControlService::GetProject(grpc::ServerContext* context,
                                        const v1::GetProjectRequest* request, v1::Project* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kViewer);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<store::Project> project = parts_.store.FindProject(request->project());
  if (!project.ok()) return rpc::ToGrpc(project.status());
  reply->set_id(project->id.value());
  reply->set_name(project->name);
  for (const auto& [key, value] : project->settings) (*reply->mutable_settings())[key] = value;
  return grpc::Status::OK;
}

grpc::Status ControlService::SetVariable(grpc::ServerContext* context,
                                         const v1::SetVariableRequest* request,
                                         v1::ActionReply* reply) {
  return Act(*context, "set-variable", Role::kAdmin, request->request_key(), reply,
             [&](const store::Answer& draft) -> absl::StatusOr<std::string> {
               GRANGE_RETURN_IF_ERROR(CheckVariable(*request));
               GRANGE_ASSIGN_OR_RETURN(const store::Project project,
                                       parts_.store.FindOrMakeProject(request->project(), {}));
               store::ProjectVariable variable;
               variable.name = request->name();
               variable.value = Secret(request->value());
               variable.masked = request->masked();
               variable.file = request->file();
               const store::Answer answer = draft.WithText(absl::StrCat(
                   "project ", project.name, ": variable ", request->name(), " is set"));
               GRANGE_RETURN_IF_ERROR(parts_.store.SetVariable(project.id, variable, answer));
               return answer.text;
             });
}

grpc::Status ControlService::ListVariables(grpc::ServerContext* context,
                                           const v1::ListVariablesRequest* request,
                                           v1::ListVariablesReply* reply) {
  const absl::StatusOr<User> caller = Caller(*context, Role::kAdmin);
  if (!caller.ok()) return rpc::ToGrpc(caller.status());
  const absl::StatusOr<store::Project> project = parts_.store.FindProject(request->project());
  if (!project.ok()) return rpc::ToGrpc(project.status());
  const absl::StatusOr<std::vector<store::ProjectVariable>> variables =
      parts_.store.ListVariables(project->id);
  if (!variables.ok()) return rpc::ToGrpc(variables.status());
  for (const store::ProjectVariable& variable : *variables) {
    v1::ProjectVariable* const added = reply->add_variables();
    added->set_name(variable.name);
    added->set_masked(variable.masked);
    added->set_file(variable.file);
    if (!variable.masked) added->set_value(std::string(variable.value.Open()));
  }
  return grpc::Status::OK;
}

grpc::Status ControlService::RemoveVariable(grpc::ServerContext* context,
                                            const v1::RemoveVariableRequest* request,
                                            v1::ActionReply* reply) {
  return Act(
      *context, "remove-variable", Role::kAdmin, request->request_key(), reply,
      [&](const store::Answer& draft) -> absl::StatusOr<std::string> {
        GRANGE_ASSIGN_OR_RETURN(const store::Project project,
                                parts_.store.FindProject(request->project()));
        const store::Answer answer = draft.WithText(
            absl::StrCat("project ", project.name, ": variable ", request->name(), " is removed"));
        GRANGE_RETURN_IF_ERROR(parts_.store.RemoveVariable(project.id, request->name(), answer));
        return answer.text;
      });
}

}  // namespace grange::control
