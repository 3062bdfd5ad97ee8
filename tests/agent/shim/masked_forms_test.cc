#include "agent/shim/masked_forms.h"

#include <algorithm>
#include <string>
#include <vector>

#include "agent/shim/masker.h"
#include "gtest/gtest.h"

namespace grange::shim {
namespace {

std::string Mask(const std::string& value, const std::string& text) {
  Masker masker(MaskedForms({value}));
  std::string out;
  masker.Feed(text, &out);
  masker.Finish(&out);
  return out;
}

TEST(MaskedFormsTest, CoverTheValueItself) {
  EXPECT_EQ(Mask("hunter2hunter2", "x hunter2hunter2 y"), "x [MASKED] y");
}

TEST(MaskedFormsTest, J7_CoverBase64AtEveryPlaceInTheEncodedBytes) {
  EXPECT_EQ(Mask("hunter2hunter2", "aHVudGVyMmh1bnRlcjI="), "[MASKED]");    // alone
  EXPECT_EQ(Mask("hunter2hunter2", "aHVudGVyMmh1bnRlcjIK"), "[MASKED]");    // with a newline
  EXPECT_EQ(Mask("hunter2hunter2", "Omh1bnRlcjJodW50ZXIy"), "Om[MASKED]");  // after ":"
  EXPECT_EQ(Mask("hunter2hunter2", "YTpodW50ZXIyaHVudGVyMg=="), "YTp[MASKED]g==");  // after "a:"
}

TEST(MaskedFormsTest, J7_CoverThePercentEncodedValue) {
  EXPECT_EQ(Mask("p&ss w/rd", "?q=p%26ss%20w%2Frd&"), "?q=[MASKED]&");
  EXPECT_EQ(Mask("p&ss w/rd", "?q=p%26ss%20w%2frd&"), "?q=[MASKED]&");
}

TEST(MaskedFormsTest, LeaveOutBase64OfAValueThatIsTooShortForIt) {
  EXPECT_EQ(MaskedForms({"ab"}), std::vector<std::string>{"ab"});
}

}  // namespace
}  // namespace grange::shim
