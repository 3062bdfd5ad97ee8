#include "tools/ctl/watch.h"

#include <errno.h>
#include <poll.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "common/base/status_macros.h"
#include "tools/ctl/interrupt.h"
#include "tools/ctl/json_shape.h"
#include "tools/ctl/logs.h"
#include "tools/ctl/watch_screen.h"
#include "tools/ctl/watch_state.h"
#include "tools/ctl/watch_stream.h"

namespace grange::ctl {
namespace {

constexpr size_t kFailedLogLines = 20;
constexpr int kTickMs = 1000;  // elapsed times grow by the second

// Where the changes of a pipeline are shown.
class View {
 public:
  virtual ~View() = default;
  virtual absl::Status Show(const WatchState& state,
                            const std::vector<WatchState::Line>& lines) = 0;
  virtual void Broken() = 0;
  virtual void Resize() {}
  virtual bool NeedsTicks(const WatchState&) const { return false; }
  virtual void Finish(const WatchState& state) = 0;
};

class LineView : public View {
 public:
  LineView(Context& context, Client& client) : context_(context), client_(client) {}

  absl::Status Show(const WatchState&, const std::vector<WatchState::Line>& lines) override {
    if (!lines.empty()) broken_ = false;
    for (const WatchState::Line& line : lines) {
      context_.Print(absl::StrCat(line.text, "\n"));
      if (line.failed_job == 0) continue;
      GRANGE_ASSIGN_OR_RETURN(const std::vector<std::string> log,
                              LastLines(client_, line.failed_job, kFailedLogLines));
      for (const std::string& text : log) context_.Print(absl::StrCat("          | ", text, "\n"));
    }
    return absl::OkStatus();
  }
  void Broken() override {
    if (!broken_) context_.Note("the connection to the coordinator broke; trying again");
    broken_ = true;
  }
  void Finish(const WatchState& state) override {
    context_.Print(absl::StrCat(state.Result(absl::Now()), "\n"));
  }

 private:
  Context& context_;
  Client& client_;
  bool broken_ = false;  // was said since the last line
};

class ScreenView : public View {
 public:
  explicit ScreenView(Context& context) : context_(context) {}

  absl::Status Show(const WatchState& state, const std::vector<WatchState::Line>& lines) override {
    if (!lines.empty()) broken_ = false;
    Draw(state);
    return absl::OkStatus();
  }
  void Broken() override { broken_ = true; }
  void Resize() override { context_.MeasureTerminal(); }
  bool NeedsTicks(const WatchState& state) const override { return state.AnythingRuns(); }
  void Finish(const WatchState& state) override {
    broken_ = false;
    Draw(state);
    const Colour colour = state.exit_code() == kExitDone ? Colour::kGreen : Colour::kRed;
    context_.Print(absl::StrCat(Paint(state.Result(absl::Now()), colour, context_.out()), "\n"));
  }

 private:
  void Draw(const WatchState& state) {
    if (!state.known()) return;
    std::vector<std::string> lines = RenderWatch(state, context_.out(), absl::Now());
    if (broken_) lines.front() = "the connection to the coordinator broke; trying again";
    context_.Print(screen_.Draw(lines));
  }

  Context& context_;
  RedrawnLines screen_;
  bool broken_ = false;
};

// One value at the end; nothing before.
class JsonView : public View {
 public:
  explicit JsonView(Context& context) : context_(context) {}

  absl::Status Show(const WatchState&, const std::vector<WatchState::Line>&) override {
    return absl::OkStatus();
  }
  void Broken() override {}
  void Finish(const WatchState& state) override {
    Json json = PipelineJson(state.pipeline());
    json["result"] = state.Result(absl::Now());
    Json jobs = Json::array();
    for (const v1::Job* job : state.Jobs()) jobs.push_back(JobJson(*job));
    json["jobs"] = std::move(jobs);
    context_.PrintJson(json);
  }

 private:
  Context& context_;
};

std::unique_ptr<View> MakeView(Context& context, Client& client) {
  if (context.json()) return std::make_unique<JsonView>(context);
  if (context.out().is_terminal) return std::make_unique<ScreenView>(context);
  return std::make_unique<LineView>(context, client);
}

// Takes what has arrived. True when the stream is over.
absl::StatusOr<bool> Drain(WatchStream& stream, WatchState& state, View& view) {
  while (std::optional<WatchStream::Item> item = stream.Next()) {
    if (item->event) {
      GRANGE_RETURN_IF_ERROR(view.Show(state, state.Apply(*item->event, absl::Now())));
    }
    if (item->broken) view.Broken();
    if (item->finished) {
      GRANGE_RETURN_IF_ERROR(*item->finished);
      return true;
    }
  }
  return false;
}

}  // namespace

absl::StatusOr<ExitCode> WatchPipeline(Context& context, int64_t pipeline) {
  GRANGE_ASSIGN_OR_RETURN(Client* const client, context.client());
  const int interrupt_fd = TakeInterrupts(
      absl::StrCat("pipeline ", pipeline, " goes on; cancel it with 'grangectl cancel ", pipeline,
                   "', see it again with 'grangectl watch ", pipeline, "'\n"));
  const std::unique_ptr<View> view = MakeView(context, *client);
  WatchState state;
  WatchStream stream(*client, pipeline, context.out().is_terminal && !context.json());
  while (true) {
    pollfd fds[2] = {{stream.ready_fd(), POLLIN, 0}, {interrupt_fd, POLLIN, 0}};
    const int ready = ::poll(fds, 2, view->NeedsTicks(state) ? kTickMs : -1);
    if (ready < 0 && errno != EINTR) {
      return absl::InternalError("waiting for the coordinator failed; try again");
    }
    if (ready > 0 && fds[1].revents != 0) {
      if (Interrupted()) return kExitInterrupted;
      view->Resize();
    }
    GRANGE_ASSIGN_OR_RETURN(const bool over, Drain(stream, state, *view));
    if (over) break;
    if (ready == 0 || fds[1].revents != 0) GRANGE_RETURN_IF_ERROR(view->Show(state, {}));
  }
  view->Finish(state);
  return state.exit_code();
}

}  // namespace grange::ctl
