#include "common/span/byte_range.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace grange::span {
namespace {

constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();

struct Case {
  const char* name;
  uint64_t have, offset;
  const char* bytes;
  Fit fit;
  const char* fresh;
};

constexpr Case kCases[] = {
    {"the first piece", 0, 0, "abc", Fit::kAppend, "abc"},
    {"the next piece", 3, 3, "def", Fit::kAppend, "def"},
    {"an overlap brings its end", 3, 1, "bcde", Fit::kAppend, "de"},
    {"one fresh byte", 3, 0, "abcd", Fit::kAppend, "d"},
    {"the same again", 3, 0, "abc", Fit::kDuplicate, ""},
    {"inside of what is there", 9, 3, "def", Fit::kDuplicate, ""},
    {"nothing, at the end", 3, 3, "", Fit::kDuplicate, ""},
    {"nothing, before the end", 3, 1, "", Fit::kDuplicate, ""},
    {"one byte is missing", 3, 4, "e", Fit::kGap, ""},
    {"nothing, after a gap", 3, 4, "", Fit::kGap, ""},
    {"the largest offset", 3, kMax, "x", Fit::kGap, ""},
    {"an end beyond all numbers", kMax, kMax, "x", Fit::kGap, ""},
    {"the last byte of all", kMax, kMax - 1, "x", Fit::kDuplicate, ""},
};

TEST(PlaceTest, SaysWhereAPieceStands) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.name);
    const Placement placement = Place(c.have, c.offset, c.bytes);
    EXPECT_EQ(placement.fit, c.fit);
    EXPECT_EQ(placement.fresh, c.fresh);
  }
}

// The pieces of a stream, cut anywhere, repeated and late, give the stream.
TEST(PlaceTest, PiecesThatOverlapInAnyWayGiveTheWhole) {
  const std::string whole = "0123456789";
  for (size_t first_end = 1; first_end <= whole.size(); ++first_end) {
    for (size_t second_begin = 0; second_begin <= first_end; ++second_begin) {
      std::string got = whole.substr(0, first_end);
      const std::string second = whole.substr(second_begin);
      const Placement placement = Place(got.size(), second_begin, second);
      ASSERT_NE(placement.fit, Fit::kGap);
      got.append(placement.fresh.data(), placement.fresh.size());
      EXPECT_EQ(got, whole);
    }
  }
}

}  // namespace
}  // namespace grange::span
