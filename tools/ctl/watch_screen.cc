#include "tools/ctl/watch_screen.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "common/text/duration_text.h"
#include "tools/ctl/job_text.h"
#include "tools/ctl/logs.h"
#include "tools/ctl/time_text.h"

namespace grange::ctl {
namespace {

constexpr size_t kTailLinesMax = 10;
constexpr size_t kTailLinesMin = 3;
constexpr absl::string_view kIndent = "  ";

// Clips before it paints: escape sequences have no width.
class Row {
 public:
  explicit Row(const Terminal& terminal)
      : terminal_(terminal), room_(static_cast<size_t>(std::max(terminal.columns - 1, 1))) {}

  Row& Add(absl::string_view text, Colour colour = Colour::kNone, size_t pad_to = 0) {
    std::string shown = Clip(Printable(text), room_);
    const size_t width = Width(shown);
    room_ -= width;
    absl::StrAppend(&line_, Paint(shown, colour, terminal_));
    const size_t blanks = std::min(pad_to > width ? pad_to - width : 0, room_);
    line_.append(blanks, ' ');
    room_ -= blanks;
    return *this;
  }
  std::string Take() { return std::move(line_); }

 private:
  const Terminal& terminal_;
  size_t room_;
  std::string line_;
};

// What must be seen first: 0 runs or failed, 1 waits, 2 is over or far away.
int Rank(const v1::Job& job) {
  if (job.status() == "running" || job.status() == "failed") return 0;
  if (job.status() == "pending" || job.status() == "manual" || job.status() == "scheduled")
    return 1;
  return 2;
}

std::set<int64_t> ChooseJobs(const std::vector<const v1::Job*>& jobs, size_t room) {
  std::vector<const v1::Job*> by_rank = jobs;
  std::stable_sort(by_rank.begin(), by_rank.end(),
                   [](const v1::Job* a, const v1::Job* b) { return Rank(*a) < Rank(*b); });
  by_rank.resize(std::min(by_rank.size(), room));
  std::set<int64_t> chosen;
  for (const v1::Job* job : by_rank) chosen.insert(job->id());
  return chosen;
}

std::string Head(const WatchState& state, const Terminal& terminal, absl::Time now) {
  const v1::Pipeline& p = state.pipeline();
  Row row(terminal);
  row.Add(absl::StrCat("pipeline ", p.id(), "  "));
  row.Add(p.status(), StatusColour(p.status()));
  if (p.started_ms() != 0) {
    row.Add(
        absl::StrCat("  ", text::FormatDuration(Elapsed(p.started_ms(), p.finished_ms(), now))));
  }
  row.Add(absl::StrCat("  ", p.project(), "  ", p.ref_name(), "  ", p.sha().substr(0, 8), "  ",
                       p.title()),
          Colour::kGrey);
  return row.Take();
}

std::string JobRow(const v1::Job& job, size_t name_width, const Terminal& terminal,
                   absl::Time now) {
  Row row(terminal);
  row.Add(absl::StrCat(kIndent, job.name()), Colour::kNone, name_width + 4);
  row.Add(StatusText(job), StatusColour(job.status()), 12);
  if (job.started_ms() != 0) {
    row.Add(text::FormatDuration(Elapsed(job.started_ms(), job.finished_ms(), now)), Colour::kNone,
            14);
  }
  if (job.has_coverage()) row.Add(absl::StrCat(CoverageText(job.coverage()), "  "));
  if (job.status() == "running") row.Add(job.agent(), Colour::kGrey);
  if (const std::string note = NoteText(job); !note.empty()) {
    row.Add(absl::StrCat(job.status() == "running" ? "  " : "", note), Colour::kYellow);
  }
  if (job.status() == "failed") row.Add(FailureText(job), Colour::kRed);
  if (job.status() == "manual") {
    row.Add(absl::StrCat("grangectl play ", job.id()), Colour::kYellow);
  }
  return row.Take();
}

std::string NameOf(const WatchState& state, int64_t id) {
  for (const v1::Job* job : state.Jobs()) {
    if (job->id() == id) return job->name();
  }
  return "";
}

void AddTail(const WatchState& state, const Terminal& terminal, size_t room,
             std::vector<std::string>& lines) {
  if (state.TailJob() == 0 || room < 2) return;
  std::vector<std::string> tail = CleanLines(state.Tail());
  const size_t count = std::min({tail.size(), kTailLinesMax, room - 1});
  if (count == 0) return;
  lines.push_back(Row(terminal)
                      .Add(absl::StrCat("── ", NameOf(state, state.TailJob()), " "), Colour::kGrey)
                      .Take());
  for (size_t i = tail.size() - count; i < tail.size(); ++i) {
    lines.push_back(Row(terminal).Add(tail[i]).Take());
  }
}

}  // namespace

std::vector<std::string> RenderWatch(const WatchState& state, const Terminal& terminal,
                                     absl::Time now) {
  const auto rows = static_cast<size_t>(std::max(terminal.rows - 1, 4));
  std::vector<std::string> lines = {Head(state, terminal, now)};
  const std::vector<const v1::Job*> jobs = state.Jobs();
  std::set<std::string> stages;
  size_t name_width = 0;
  for (const v1::Job* job : jobs) {
    stages.insert(job->stage());
    name_width = std::max(name_width, Width(Printable(job->name())));
  }
  name_width = std::min(name_width, static_cast<size_t>(terminal.columns) / 2);
  const size_t tail_room = state.TailJob() == 0 ? 0 : kTailLinesMin + 1;
  const size_t around = 2 + stages.size() + tail_room;
  const size_t job_room = rows > around ? rows - around : 1;
  const std::set<int64_t> chosen = ChooseJobs(jobs, job_room);

  std::string stage;
  for (const v1::Job* job : jobs) {
    if (chosen.count(job->id()) == 0) continue;
    if (job->stage() != stage && lines.size() + 2 <= rows) {
      stage = job->stage();
      lines.push_back(Row(terminal).Add(stage, Colour::kGrey).Take());
    }
    if (lines.size() < rows) lines.push_back(JobRow(*job, name_width, terminal, now));
  }
  if (chosen.size() < jobs.size() && lines.size() < rows) {
    lines.push_back(
        Row(terminal)
            .Add(absl::StrCat(kIndent, "and ", jobs.size() - chosen.size(), " more"), Colour::kGrey)
            .Take());
  }
  AddTail(state, terminal, rows > lines.size() ? rows - lines.size() : 0, lines);
  return lines;
}

std::string RedrawnLines::Draw(const std::vector<std::string>& lines) {
  std::string out;
  if (drawn_ > 0) absl::StrAppend(&out, "\x1b[", drawn_, "F");
  for (const std::string& line : lines) absl::StrAppend(&out, line, "\x1b[K\n");
  absl::StrAppend(&out, "\x1b[J");
  drawn_ = lines.size();
  return out;
}

}  // namespace grange::ctl
