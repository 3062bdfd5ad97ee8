// grange-bench: measures this build beside its floors. `make bench` runs it.
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "common/os/child.h"
#include "common/os/files.h"
#include "common/os/signals.h"
#include "tools/bench/measure/machine.h"
#include "tools/bench/measure/measurement.h"
#include "tools/bench/measure/process_table.h"
#include "tools/bench/measure/report.h"
#include "tools/bench/rows.h"
#include "tools/bench/stream_floor.h"
#include "tools/bench/swarm/bare_hub.h"

namespace grange::bench {
namespace {

constexpr char kNotes[] = "\n## Notes\n";

struct Options {
  int rounds = 5;
  std::vector<std::string> rows;
  std::string output;
  std::string stream_server, stream_server_dir;
};

struct NamedRow {
  std::string id;
  std::function<std::unique_ptr<Row>(const std::string& dir)> make;
};

const std::vector<NamedRow>& AllRows() {
  static const std::vector<NamedRow>* const rows =
      new std::vector<NamedRow>{{"B1", NewNoopRow},
                                {"B1", NewNoopCommandRow},
                                {"B2", NewThroughputRow},
                                {"B3", NewTraceRow},
                                {"B4", NewIdleRow},
                                {"B4", NewStartRow},
                                {"B5", [](const std::string&) { return NewCompileRow(); }},
                                {"B5", [](const std::string&) { return NewCompileEventsRow(); }},
                                {"B6", NewCrowdRow},
                                {"B7", NewCancelRow},
                                {"B8", NewFollowRow},
                                {"B8", NewFollowBesideFloodRow},
                                {"B9", NewComebackRow},
                                {"B10", NewRestartRow},
                                {"B11", NewDeadLinkRow},
                                {"B12", NewDurabilityRow},
                                {"B13", [](const std::string&) { return NewMaskingRow(); }},
                                {"B14", NewWatchersRow},
                                {"B15", NewFloodRow},
                                {"B15", NewLogFloodRow},
                                {"B16", NewMemoryRow}};
  return *rows;
}

// The programs that are measured see no settings of the user's.
void CleanEnvironment() {
  for (const std::string& entry : os::CurrentEnvironment()) {
    const std::string name = entry.substr(0, entry.find('='));
    if (absl::StartsWith(name, "GIT_") || absl::StartsWith(name, "GRANGE_")) {
      unsetenv(name.c_str());
    }
  }
  for (const auto& [name, value] : std::vector<std::pair<const char*, const char*>>{
           {"GIT_AUTHOR_NAME", "Bench"},
           {"GIT_AUTHOR_EMAIL", "bench@example.org"},
           {"GIT_COMMITTER_NAME", "Bench"},
           {"GIT_COMMITTER_EMAIL", "bench@example.org"},
           {"GIT_CONFIG_GLOBAL", "/dev/null"},
           {"GIT_CONFIG_NOSYSTEM", "1"}}) {
    setenv(name, value, 1);
  }
}

// On Ctrl-C: nothing stays behind. Runs until the program ends.
void CleanUpOnSignal(int signals, const std::string& dir) {
  pollfd wait{signals, POLLIN, 0};
  while (poll(&wait, 1, -1) < 1) continue;
  KillAllChildren();
  os::RemoveTree(dir).IgnoreError();  // nothing more can be done
  _exit(130);
}

absl::StatusOr<std::vector<RowResult>> MeasureAll(const Options& options, const std::string& dir) {
  std::vector<RowResult> results;
  for (size_t i = 0; i < AllRows().size(); ++i) {
    const NamedRow& named = AllRows()[i];
    const bool wanted = options.rows.empty() || std::find(options.rows.begin(), options.rows.end(),
                                                          named.id) != options.rows.end();
    if (!wanted) continue;
    const std::unique_ptr<Row> row = named.make(absl::StrCat(dir, "/", i));
    absl::StatusOr<RowResult> result = MeasureRow(*row, options.rounds);
    if (!result.ok()) return Annotate(result.status(), named.id);
    results.push_back(*std::move(result));
  }
  return results;
}

// What people have written below the tables stays when they are made anew.
std::string NotesOf(const std::string& file) {
  const std::string text = os::ReadFile(file).value_or("");
  const size_t notes = text.find(kNotes);
  return notes == std::string::npos ? "" : text.substr(notes);
}

absl::Status Run(const Options& options) {
  GRANGE_ASSIGN_OR_RETURN(const os::UniqueFd signals, os::TakeSignals({SIGINT, SIGTERM}));
  CleanEnvironment();
  BecomeSubreaper();
  GRANGE_ASSIGN_OR_RETURN(const std::string dir, os::MakeTempDir("grange-bench"));
  std::thread(CleanUpOnSignal, signals.get(), dir).detach();
  const absl::StatusOr<std::vector<RowResult>> results = MeasureAll(options, dir);
  const auto machine = DescribeMachine(dir);
  os::RemoveTree(dir).IgnoreError();  // the figures are what counts
  GRANGE_RETURN_IF_ERROR(results.status());
  const std::string text = ToMarkdown(machine, *results);
  std::fputs(text.c_str(), stdout);
  if (options.output.empty()) return absl::OkStatus();
  if (!options.rows.empty()) {
    std::fprintf(stderr, "grange-bench: '%s' is left as it is: it holds all rows, or none\n",
                 options.output.c_str());
    return absl::OkStatus();
  }
  return os::WriteFile(options.output, text + NotesOf(options.output), 0644);
}

// The server's side of a floor, which a row starts as a process of its own.
absl::Status RunServer(const Options& options) {
  if (options.stream_server == "bare") return RunBareHub(options.stream_server_dir);
  return RunStreamServer(options.stream_server_dir, options.stream_server == "callback"
                                                        ? ServerApi::kCallback
                                                        : ServerApi::kSynchronous);
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app(
      "grange-bench measures the programs beside it, each row in turns with its floor, and prints "
      "tables as Markdown.",
      "grange-bench");
  std::vector<std::string> ids;
  for (const NamedRow& row : AllRows()) {
    if (ids.empty() || ids.back() != row.id) ids.push_back(row.id);
  }
  app.add_option("--rounds", options.rounds, "how often each row is measured after its warm-up")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.footer(
      "B1, B2 no-op jobs · B3 a large log · B4 idle, start · B5 compiling · B6 1,000 agents · "
      "B7 cancel · B8 following a log · B9 500 agents come back · B10 start with 10,000 jobs · "
      "B11 a dead peer (3 minutes) · B12 cost of durability · B13 masking · B14 stopped watchers · "
      "B15 a flooding agent · B16 memory under hellos and watchers");
  app.add_option("--only,rows", options.rows, "measure these rows only, such as B1,B3")
      ->delimiter(',')
      ->check(CLI::IsMember(ids));
  app.add_option(
         "--write", options.output,
         "write the tables here too, if all rows are measured; what stands from '## Notes' on "
         "is kept")
      ->type_name("FILE");
  app.add_option("--stream-server", options.stream_server)->group("");
  app.add_option("--stream-server-dir", options.stream_server_dir)->group("");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  const absl::Status status = options.stream_server.empty() ? Run(options) : RunServer(options);
  if (status.ok()) return 0;
  std::fprintf(stderr, "grange-bench: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace
}  // namespace grange::bench

int main(int argc, char** argv) { return grange::bench::Main(argc, argv); }
