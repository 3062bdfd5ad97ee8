// backup create (asks the coordinator), verify and restore (on its machine, without it).
#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "coordinator/backup/restore_backup.h"
#include "coordinator/backup/verify_backup.h"
#include "tools/ctl/client.h"
#include "tools/ctl/command.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/progress_line.h"

namespace grange::ctl {
namespace {

constexpr size_t kProblemsShown = 20;

struct CreateOptions {
  std::string name;
  bool database_only = false;
};

struct VerifyOptions {
  std::string folder;
};

struct RestoreOptions {
  std::string folder;
  std::string state;
};

std::string Count(size_t files, uint64_t bytes) {
  return absl::StrCat(files, files == 1 ? " file, " : " files, ", BytesText(bytes));
}

std::string CreatedAt(const backup::Manifest& manifest) {
  return absl::FormatTime(absl::RFC3339_sec, manifest.created_at, absl::LocalTimeZone());
}

absl::StatusOr<ExitCode> Create(Context& context, const CreateOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  v1::CreateBackupRequest request;
  request.set_name(options.name);
  request.set_database_only(options.database_only);
  grpc::ClientContext call;
  client->Prepare(call);
  const std::unique_ptr<grpc::ClientReader<v1::BackupProgress>> reader =
      client->stub().CreateBackup(&call, request);
  v1::BackupProgress progress;
  {
    ProgressLine line(context);
    while (reader->Read(&progress)) {
      line.Show(absl::StrCat("copying: ", BytesText(progress.bytes())));
    }
  }
  const grpc::Status status = reader->Finish();
  if (!status.ok()) return client->Describe(status);
  if (context.json()) {
    context.PrintJson({{"folder", progress.folder()},
                       {"files", progress.files()},
                       {"bytes", progress.bytes()}});
    return kExitDone;
  }
  context.Note(absl::StrCat("on the coordinator's machine, ",
                            Count(static_cast<size_t>(progress.files()), progress.bytes())));
  context.Print(absl::StrCat(Printable(progress.folder()), "\n"));
  return kExitDone;
}

absl::StatusOr<ExitCode> Verify(Context& context, const VerifyOptions& options) {
  GRANGE_ASSIGN_OR_RETURN(const backup::Verified verified, backup::VerifyBackup(options.folder));
  const backup::Manifest& manifest = verified.manifest;
  if (context.json()) {
    context.PrintJson({{"good", verified.problems.empty()},
                       {"created_at", CreatedAt(manifest)},
                       {"whole", manifest.whole},
                       {"files", manifest.files.size()},
                       {"bytes", manifest.Bytes()},
                       {"problems", verified.problems}});
    return verified.problems.empty() ? kExitDone : kExitFailed;
  }
  for (size_t i = 0; i < std::min(verified.problems.size(), kProblemsShown); ++i) {
    context.Note(Printable(verified.problems[i]));
  }
  if (verified.problems.size() > kProblemsShown) {
    context.Note(absl::StrCat("and ", verified.problems.size() - kProblemsShown, " more"));
  }
  context.Print(absl::StrCat(
      verified.problems.empty() ? "good" : "damaged", ": ",
      manifest.whole ? "everything" : "database and keys", " of ", CreatedAt(manifest), ", ",
      Count(manifest.files.size(), manifest.Bytes()), "\n"));
  return verified.problems.empty() ? kExitDone : kExitFailed;
}

absl::StatusOr<ExitCode> Restore(Context& context, const RestoreOptions& options) {
  absl::StatusOr<backup::Restored> restored;
  {
    ProgressLine line(context);
    line.Show("verifying");
    restored = backup::RestoreBackup(
        options.folder, options.state, absl::Now(),
        [&](uint64_t bytes) { line.Show(absl::StrCat("copying: ", BytesText(bytes))); });
  }
  GRANGE_RETURN_IF_ERROR(restored.status());
  const backup::Manifest& manifest = restored->manifest;
  if (context.json()) {
    context.PrintJson({{"created_at", CreatedAt(manifest)},
                       {"files", manifest.files.size()},
                       {"bytes", manifest.Bytes()},
                       {"set_aside", restored->set_aside}});
    return kExitDone;
  }
  if (!restored->set_aside.empty()) {
    context.Note(absl::StrCat("what was there is in ", Printable(restored->set_aside),
                              "; remove it when all is well"));
  }
  context.Print(absl::StrCat("restored the state of ", CreatedAt(manifest), " (",
                             Count(manifest.files.size(), manifest.Bytes()),
                             "); start the coordinator\n"));
  return kExitDone;
}

}  // namespace

void AddBackupCommands(const CommandTree& tree) {
  CLI::App* backup = tree.Add(
      tree.root, "backup", "make, check and bring back backups of the coordinator",
      "The coordinator makes one of its database each hour by itself and keeps 24. They lie on its "
      "machine, in 'backups' of its state directory or where its --backups says.\n\n"
      "A backup holds the keys that open its secrets: keep it as safe as the machine.\n\n"
      "Examples:\n  grangectl backup create");
  backup->require_subcommand(1);

  auto create_options = std::make_shared<CreateOptions>();
  CLI::App* create = tree.Add(
      *backup, "create", "make a backup while everything runs",
      "Copies the database as it is at one moment, then keys, logs, artifacts and sources. Jobs go "
      "on meanwhile. Prints its folder on the coordinator's machine.\n"
      "\nExamples:\n"
      "  grangectl backup create\n"
      "  grangectl backup create before-upgrade");
  create->add_option("name", create_options->name, "its name; else made from the time")
      ->type_name("NAME");
  create->add_flag("--database-only", create_options->database_only,
                   "database and keys only, as the hourly ones");
  tree.OnRun(create, create_options, Create);

  auto verify_options = std::make_shared<VerifyOptions>();
  CLI::App* verify = tree.Add(
      *backup, "verify", "read all of a backup and say whether it is good",
      "Run it where the backup is; no coordinator is needed. Exit code 1 if it is damaged.\n"
      "\nExamples:\n"
      "  grangectl backup verify /var/lib/grange/coordinator/backups/before-upgrade");
  verify->add_option("folder", verify_options->folder, "the backup")
      ->required()
      ->type_name("FOLDER");
  tree.OnRun(verify, verify_options, Verify);

  auto restore_options = std::make_shared<RestoreOptions>();
  CLI::App* restore = tree.Add(
      *backup, "restore", "put a backup in the place of the coordinator's state",
      "Run it on the coordinator's machine, as its user, with the coordinator stopped. The backup "
      "is verified first; what was there is set aside, never removed. Agents reconnect by "
      "themselves; jobs that the backup doesn't know are stopped by them.\n"
      "\nExamples:\n"
      "  grangectl backup restore /mnt/backups/before-upgrade --state "
      "/var/lib/grange/coordinator");
  restore->add_option("folder", restore_options->folder, "the backup")
      ->required()
      ->type_name("FOLDER");
  restore->add_option("--state", restore_options->state, "the coordinator's state directory")
      ->required()
      ->type_name("DIR");
  tree.OnRun(restore, restore_options, Restore);
}

}  // namespace grange::ctl
