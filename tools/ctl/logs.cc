#include "tools/ctl/logs.h"

#include <unistd.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/base/status_macros.h"
#include "common/os/files.h"
#include "common/os/random.h"
#include "tools/ctl/line_times.h"
#include "tools/ctl/reconnect.h"

namespace grange::ctl {
namespace {

// Enough for LastLines(): lines are rarely longer.
constexpr uint64_t kTailBytes = 16 << 10;

// Where a log has been read to.
class LogReader {
 public:
  // `on_paused` hears when the coordinator has no space for more, and when it has some again;
  // `on_mark` of what is known beside the bytes, if that is wanted.
  LogReader(
      Client& client, const LogWanted& wanted, uint64_t offset,
      std::function<void(bool)> on_paused = [](bool) {},
      std::function<void(const v1::LogMark&)> on_mark = [](const v1::LogMark&) {})
      : client_(client),
        wanted_(wanted),
        on_paused_(std::move(on_paused)),
        on_mark_(std::move(on_mark)),
        attempt_(wanted.attempt),
        offset_(offset) {}

  // Reads until the end or until the connection breaks; gives each new piece to `take`.
  absl::StatusOr<grpc::Status> Read(const std::function<absl::Status(absl::string_view)>& take,
                                    Reconnect& reconnect) {
    grpc::ClientContext context;
    client_.Prepare(context);
    v1::LogsRequest request;
    request.set_job_id(wanted_.job);
    request.set_attempt(attempt_);
    request.set_offset(offset_);
    request.set_follow(wanted_.follow);
    request.set_marks(wanted_.timestamps);
    const std::unique_ptr<grpc::ClientReader<v1::LogsPart>> reader =
        client_.stub().Logs(&context, request);
    v1::LogsPart part;
    absl::Status failed;
    while (failed.ok() && reader->Read(&part)) {
      client_.NoteReached();
      reconnect.NoteProgress();
      failed = Take(part, take);
      if (!failed.ok()) context.TryCancel();
    }
    const grpc::Status status = reader->Finish();
    if (!failed.ok()) return failed;
    return status;
  }

  bool ended() const { return ended_; }
  uint64_t offset() const { return offset_; }
  uint64_t dropped() const { return dropped_; }

 private:
  absl::Status Take(const v1::LogsPart& part,
                    const std::function<absl::Status(absl::string_view)>& take) {
    if (attempt_ == 0) attempt_ = part.attempt();
    if (attempt_ != part.attempt() && part.attempt() != 0) {
      return absl::DataLossError("the coordinator sent the log of another attempt; try again");
    }
    dropped_ = part.dropped_bytes();
    if (part.paused() != std::exchange(paused_, part.paused())) on_paused_(part.paused());
    ended_ = part.ended();
    if (part.offset() > offset_) {
      return absl::DataLossError(absl::StrCat("bytes ", offset_, " to ", part.offset(),
                                              " of the log are missing; try again"));
    }
    for (const v1::LogMark& mark : part.marks()) on_mark_(mark);
    absl::string_view data = part.data();
    const uint64_t known = offset_ - part.offset();
    if (known >= data.size()) return absl::OkStatus();
    data.remove_prefix(known);
    offset_ += data.size();
    return take(data);
  }

  Client& client_;
  const LogWanted wanted_;
  const std::function<void(bool)> on_paused_;
  const std::function<void(const v1::LogMark&)> on_mark_;
  bool paused_ = false;
  int attempt_;
  uint64_t offset_;
  uint64_t dropped_ = 0;
  bool ended_ = false;
};

// Without escape sequences: "\x1b[31m", "\x1b[0K", "\x1b]…\a".
std::string WithoutEscapes(absl::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\x1b') {
      out += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '[') {
      i += 2;
      while (i < text.size() && (text[i] < '@' || text[i] > '~')) ++i;
    } else if (i + 1 < text.size() && text[i + 1] == ']') {
      while (i < text.size() && text[i] != '\a') ++i;
    }
  }
  return out;
}

bool IsSectionMark(absl::string_view line) {
  return absl::StartsWith(line, "section_start:") || absl::StartsWith(line, "section_end:");
}

}  // namespace

absl::StatusOr<ExitCode> WriteLog(Context& context, Client& client, const LogWanted& wanted) {
  LineTimes times;
  const auto on_paused = [&context](bool paused) {
    context.Note(paused ? "paused: the coordinator has no space for this log; nothing is lost, it "
                          "goes on when there is some"
                        : "the coordinator has space again, the log goes on");
  };
  const auto write = [&](absl::string_view data) {
    return Annotate(wanted.timestamps ? os::WriteAll(STDOUT_FILENO, times.Stamp(data))
                                      : os::WriteAll(STDOUT_FILENO, data),
                    "can't write to stdout");
  };
  LogReader reader(client, wanted, 0, on_paused,
                   [&times](const v1::LogMark& mark) { times.Add(mark); });
  Reconnect reconnect(client);
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const grpc::Status status, reader.Read(write, reconnect));
    if (status.ok()) break;
    if (!reconnect.Wait(status)) return client.Describe(status);
  }
  // Scripts too should know that this is not all.
  if (reader.dropped() > 0) {
    context.Note(absl::StrCat(reader.dropped(), " more bytes were dropped at the log's limit"));
  }
  if (!context.err().is_terminal) return kExitDone;
  if (reader.offset() == 0 && !reader.ended()) {
    context.Note(absl::StrCat("job ", wanted.job, " has printed nothing yet; 'grangectl why ",
                              wanted.job, "' says what it waits for"));
  }
  return kExitDone;
}

absl::StatusOr<std::vector<std::string>> LastLines(Client& client, int64_t job, size_t lines) {
  v1::JobRef ref;
  ref.set_job_id(job);
  GRANGE_ASSIGN_OR_RETURN(const v1::Job facts, client.Call(&v1::Control::Stub::GetJob, ref));
  const uint64_t size = facts.trace_bytes();
  const uint64_t from = size > kTailBytes ? size - kTailBytes : 0;
  std::string bytes;
  LogReader reader(client, {.job = job, .attempt = facts.attempt()}, from);
  Reconnect reconnect(client);
  while (true) {
    GRANGE_ASSIGN_OR_RETURN(const grpc::Status status, reader.Read(
                                                           [&bytes](absl::string_view data) {
                                                             absl::StrAppend(&bytes, data);
                                                             return absl::OkStatus();
                                                           },
                                                           reconnect));
    if (status.ok()) break;
    if (!reconnect.Wait(status)) return client.Describe(status);
  }
  std::vector<std::string> all = CleanLines(bytes);
  if (from > 0 && !all.empty()) all.erase(all.begin());  // cut in the middle
  if (all.size() > lines) all.erase(all.begin(), all.end() - static_cast<ptrdiff_t>(lines));
  return all;
}

std::vector<std::string> CleanLines(absl::string_view bytes) {
  std::vector<std::string> lines;
  for (absl::string_view raw : absl::StrSplit(bytes, '\n')) {
    raw = absl::StripSuffix(raw, "\r");
    // A section mark is followed by "\r\x1b[0K" and the text that people see.
    const std::vector<absl::string_view> states = absl::StrSplit(raw, '\r');
    std::string line = WithoutEscapes(states.back());
    if (line.empty() && states.size() > 1) line = WithoutEscapes(states[states.size() - 2]);
    if (IsSectionMark(line)) continue;
    if (line.empty() && states.size() > 1) continue;
    lines.push_back(Printable(absl::StripTrailingAsciiWhitespace(line)));
  }
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

}  // namespace grange::ctl
