#ifndef GRANGE_COMMON_BASE_ID_H_
#define GRANGE_COMMON_BASE_ID_H_

#include <compare>
#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"

namespace grange {

// A number that names one thing of one kind; kinds cannot be mixed up. Ids are positive integers
// below 2^53 given by the store; 0 means "none".
template <typename Tag>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(int64_t value) : value_(value) {}

  constexpr int64_t value() const { return value_; }
  constexpr bool is_set() const { return value_ != 0; }

  friend constexpr auto operator<=>(const Id&, const Id&) = default;

  // "job#812": for logs and error messages, never parsed.
  std::string ToString() const { return absl::StrCat(Tag::kName, "#", value_); }
  friend std::ostream& operator<<(std::ostream& out, const Id& id) { return out << id.ToString(); }

  template <typename H>
  friend H AbslHashValue(H h, const Id& id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  int64_t value_ = 0;
};

struct ProjectTag {
  static constexpr char kName[] = "project";
};
struct PipelineTag {
  static constexpr char kName[] = "pipeline";
};
struct JobTag {
  static constexpr char kName[] = "job";
};
struct AgentTag {
  static constexpr char kName[] = "agent";
};
struct TokenTag {
  static constexpr char kName[] = "token";
};

using ProjectId = Id<ProjectTag>;
using PipelineId = Id<PipelineTag>;
using JobId = Id<JobTag>;
using AgentId = Id<AgentTag>;
using TokenId = Id<TokenTag>;

// One try of a job: 1, 2, … within the job.
using AttemptNumber = int32_t;

// Grows whenever the right to run a job changes; a message with an older one is refused.
enum class Fence : uint64_t {};
inline uint64_t FenceValue(Fence fence) { return static_cast<uint64_t>(fence); }

// What every message about a running job carries.
struct Assignment {
  JobId job;
  AttemptNumber attempt = 0;
  Fence fence{};

  friend auto operator<=>(const Assignment&, const Assignment&) = default;
  std::string ToString() const {
    return absl::StrCat(job.ToString(), "/", attempt, "@", FenceValue(fence));
  }
  template <typename H>
  friend H AbslHashValue(H h, const Assignment& a) {
    return H::combine(std::move(h), a.job, a.attempt, FenceValue(a.fence));
  }
};

}  // namespace grange

#endif  // GRANGE_COMMON_BASE_ID_H_
