#ifndef GRANGE_AGENT_SHIM_OUTPUT_MARK_H_
#define GRANGE_AGENT_SHIM_OUTPUT_MARK_H_

#include <cstdint>
#include <string_view>

namespace grange::shim {

// A record of the file `marks` in a job's folder: what is known of the job's output beside its
// bytes (docs/formats/job-folder.md). Written and read on one machine, as it lies in memory.
struct OutputMark {
  enum Kind : uint32_t { kTime = 1, kSectionStart = 2, kSectionEnd = 3 };
  enum Section : uint32_t { kNoSection = 0, kPrepare = 1, kScript = 2, kAfterScript = 3 };
  uint64_t offset = 0;  // of the byte in `log` that it stands before
  int64_t unix_ms = 0;  // for people
  uint32_t kind = 0;
  uint32_t section = 0;
};
static_assert(sizeof(OutputMark) == 24);

// "" for what is no section.
constexpr std::string_view SectionName(uint32_t section) {
  switch (section) {
    case OutputMark::kPrepare:
      return "prepare";
    case OutputMark::kScript:
      return "script";
    case OutputMark::kAfterScript:
      return "after_script";
  }
  return "";
}

// False for what a machine that went down may have left in the place of a record.
constexpr bool IsWhole(const OutputMark& mark) {
  switch (mark.kind) {
    case OutputMark::kTime:
      return mark.section == OutputMark::kNoSection;
    case OutputMark::kSectionStart:
    case OutputMark::kSectionEnd:
      return !SectionName(mark.section).empty();
  }
  return false;
}

}  // namespace grange::shim

#endif  // GRANGE_AGENT_SHIM_OUTPUT_MARK_H_
