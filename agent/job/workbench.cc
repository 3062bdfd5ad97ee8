#include "agent/job/workbench.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "agent/workspace/artifact_archive.h"
#include "agent/workspace/owned_work_tree.h"
#include "agent/workspace/work_tree.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"

namespace grange::job {

using workspace::Sources;

namespace {

constexpr absl::Duration kTryToStopFor = absl::Minutes(10);

}  // namespace

bool Workbench::IsQuick(const JobSpec& spec) {
  return spec.sources.strategy == Sources::Strategy::kNone && spec.artifacts_in.empty();
}

absl::Duration Workbench::TryFor(const JobSpec& spec) {
  return spec.stop_on_disconnect ? kTryToStopFor : absl::InfiniteDuration();
}

Workbench::Prepared Workbench::Prepare(const Assignment& assignment, const JobSpec& spec,
                                       const Folders& folders,
                                       workspace::Cancellation& cancellation) {
  Prepared out;
  const Sources& sources = spec.sources;
  std::string mirror;
  if (sources.strategy != Sources::Strategy::kNone) {
    absl::StrAppend(&out.text, "Fetching sources of ", spec.project, "\n");
    const absl::StatusOr<std::string> fetched =
        mirrors_.Ensure(sources, packs_, spec.timeout, cancellation);
    if (!fetched.ok()) {
      absl::StrAppend(&out.text, "ERROR: ", fetched.status().message(), "\n");
      out.status = Annotate(fetched.status(), "the sources could not be fetched");
      out.reason = EndReason::kSourcesFailed;
      return out;
    }
    mirror = *fetched;
    absl::StrAppend(&out.text, "Checking out ", sources.sha.substr(0, 8), " as ",
                    sources.ref_name.empty() ? "a detached commit" : sources.ref_name, "\n");
  }
  const absl::Status checked_out =
      folders.owner
          ? workspace::PrepareOwnedWorkTree(folders.work_tree, mirror, sources, *folders.owner,
                                            git_, spec.timeout, cancellation)
          : workspace::PrepareWorkTree(folders.work_tree, mirror, sources, git_, spec.timeout,
                                       cancellation);
  if (!checked_out.ok()) {
    absl::StrAppend(&out.text, "ERROR: ", checked_out.message(), "\n");
    out.status = Annotate(checked_out, "the work tree could not be made");
    out.reason = EndReason::kSourcesFailed;
    return out;
  }
  for (const ArtifactInput& input : spec.artifacts_in) {
    absl::StrAppend(&out.text, "Downloading artifacts of ", input.job_name, "\n");
    const absl::Status fetched =
        FetchArtifact(assignment, input, folders, TryFor(spec), cancellation);
    if (!fetched.ok()) {
      absl::StrAppend(&out.text, "ERROR: ", fetched.message(), "\n");
      out.status = Annotate(
          fetched, absl::StrCat("artifacts of job '", input.job_name, "' could not be laid down"));
      out.reason = EndReason::kArtifactsFailed;
      return out;
    }
  }
  return out;
}

absl::Status Workbench::FetchArtifact(const Assignment& assignment, const ArtifactInput& input,
                                      const Folders& folders, absl::Duration try_for,
                                      workspace::Cancellation& cancellation) {
  const std::string path = os::JoinPath(folders.job, "artifacts.in");
  absl::Status status = files_.Get({.assignment = assignment,
                                    .artifact_id = input.artifact_id,
                                    .path = path,
                                    .size = input.size,
                                    .sha256 = input.sha256,
                                    .try_for = try_for},
                                   cancellation);
  if (status.ok()) {
    status = workspace::ExtractArchive(path, folders.work_tree, {}, cancellation, folders.owner);
  }
  os::RemoveTree(path).IgnoreError();  // it goes with the job's folder at the latest
  return status;
}

Workbench::Stored Workbench::Store(const Assignment& assignment, const ArtifactOutput& output,
                                   const Folders& folders, absl::Duration try_for,
                                   workspace::Cancellation& cancellation) {
  const std::string path = os::JoinPath(folders.job, "artifacts.out");
  const absl::StatusOr<workspace::ArchiveInfo> archive = workspace::WriteArchive(
      folders.work_tree, output.paths, output.exclude, path, {}, cancellation, folders.owner);
  if (!archive.ok()) {
    return {.artifact_id = "",
            .error = absl::StrCat("artifacts could not be packed: ", archive.status().message()),
            .failed = true};
  }
  if (archive->entries == 0) {
    return {.artifact_id = "",
            .error = absl::StrCat("no files match artifacts:paths (",
                                  absl::StrJoin(output.paths, ", "), ")"),
            .failed = false};
  }
  const std::string name =
      absl::StrCat(output.name.empty() ? "artifacts" : output.name, ".tar.zst");
  const absl::StatusOr<std::string> id = files_.Put({.assignment = assignment,
                                                     .path = path,
                                                     .name = name,
                                                     .size = archive->size,
                                                     .sha256 = archive->sha256,
                                                     .try_for = try_for},
                                                    cancellation);
  os::RemoveTree(path).IgnoreError();  // it goes with the job's folder at the latest
  if (!id.ok()) {
    return {.artifact_id = "",
            .error = absl::StrCat("artifacts could not be stored: ", id.status().message()),
            .failed = true};
  }
  return {.artifact_id = *id, .error = "", .failed = false};
}

}  // namespace grange::job
