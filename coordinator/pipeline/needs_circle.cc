#include "coordinator/pipeline/needs_circle.h"

#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"

namespace grange::pipeline {
namespace {

void Report(const std::vector<JobDraft>& jobs, const std::vector<size_t>& circle,
            const NeedDraft& last, Problems& problems) {
  constexpr size_t kNamesMax = 10;
  std::string names;
  for (size_t i = 0; i < circle.size(); ++i) {
    if (i == kNamesMax) {
      names += "… -> ";
      break;
    }
    absl::StrAppend(&names, jobs[circle[i]].name, " -> ");
  }
  problems.Error(last.place, absl::StrCat("job '", jobs[circle.back()].name,
                                          "' needs itself through others: ", names, last.need.job));
}

}  // namespace

// Depth first, with a stack of its own: a chain may have as many jobs as the file.
void CheckNeedsCircles(const std::vector<JobDraft>& jobs,
                       const std::vector<const std::vector<NeedDraft>*>& needs,
                       Problems& problems) {
  enum class Mark : char { kNew, kOpen, kDone };
  struct Open {
    size_t job;
    size_t next;
  };
  absl::flat_hash_map<absl::string_view, size_t> index;
  for (size_t i = 0; i < jobs.size(); ++i) index.try_emplace(jobs[i].name, i);
  std::vector<Mark> marks(jobs.size(), Mark::kNew);
  for (size_t root = 0; root < jobs.size(); ++root) {
    if (marks[root] != Mark::kNew) continue;
    std::vector<Open> open = {{root, 0}};
    marks[root] = Mark::kOpen;
    while (!open.empty()) {
      Open& top = open.back();
      const std::vector<NeedDraft>* own = needs[top.job];
      if (own == nullptr || top.next == own->size()) {
        marks[top.job] = Mark::kDone;
        open.pop_back();
        continue;
      }
      const NeedDraft& need = (*own)[top.next++];
      const auto it = index.find(need.need.job);
      if (it == index.end() || it->second == top.job) continue;
      const size_t next = it->second;
      if (marks[next] == Mark::kNew) {
        marks[next] = Mark::kOpen;
        open.push_back({next, 0});
      } else if (marks[next] == Mark::kOpen) {
        std::vector<size_t> circle;
        for (const Open& one : open) {
          if (one.job == next || !circle.empty()) circle.push_back(one.job);
        }
        Report(jobs, circle, need, problems);
      }
    }
  }
}

}  // namespace grange::pipeline
