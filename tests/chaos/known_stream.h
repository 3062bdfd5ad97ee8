#ifndef GRANGE_TESTS_CHAOS_KNOWN_STREAM_H_
#define GRANGE_TESTS_CHAOS_KNOWN_STREAM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace grange::chaos {

// What a job prints. The job's program and whoever checks its log both work it out from the kind
// and the seed, and so know each byte. Pure.
enum class StreamKind {
  kLines,      // text in lines
  kNoNewline,  // text without any
  kBinary,     // all 256 values, in no order
  kBursts,     // much at once, then nothing for a while
  kDrip,       // a few bytes now and then
};

inline constexpr StreamKind kStreamKinds[] = {StreamKind::kLines, StreamKind::kNoNewline,
                                              StreamKind::kBinary, StreamKind::kBursts,
                                              StreamKind::kDrip};

absl::string_view StreamKindName(StreamKind kind);  // "lines", "no-newline", …
std::optional<StreamKind> ParseStreamKind(absl::string_view name);

struct Piece {
  absl::Duration pause;  // before it
  std::string bytes;     // one write
};

// One to three seconds of output.
std::vector<Piece> KnownStream(StreamKind kind, uint64_t seed);
// All its bytes.
std::string StreamBytes(StreamKind kind, uint64_t seed);

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_KNOWN_STREAM_H_
