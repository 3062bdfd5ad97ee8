#include "agent/shim/masker.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "tests/agent/shim/slow_masker.h"

namespace grange::shim {
namespace {

using std::string_literals::operator""s;
using Values = std::vector<std::string>;

// Feeds `text` cut at the given places, each time looking that not too much is held back.
std::string MaskInPieces(const Values& values, const std::string& text,
                         const std::vector<size_t>& cuts) {
  size_t longest = 1;
  for (const std::string& value : values) longest = std::max(longest, value.size());
  Masker masker(values);
  std::string out;
  size_t from = 0;
  for (const size_t cut : cuts) {
    masker.Feed(std::string_view(text).substr(from, cut - from), &out);
    EXPECT_LE(masker.held_back(), longest - 1);
    from = cut;
  }
  masker.Feed(std::string_view(text).substr(from), &out);
  masker.Finish(&out);
  EXPECT_EQ(masker.held_back(), 0U);
  return out;
}

std::string RandomText(std::mt19937_64& random, size_t length, int alphabet) {
  std::string text;
  for (size_t i = 0; i < length; ++i) text += static_cast<char>('a' + random() % alphabet);
  return text;
}

TEST(MaskerTest, MasksEveryOccurrence) {
  EXPECT_EQ(MaskInPieces({"secret"}, "a secret, secretsecret.", {}),
            "a [MASKED], [MASKED][MASKED].");
}

TEST(MaskerTest, J7_MasksAValueThatOverlapsItsOwnBeginningOverTwoPieces) {
  EXPECT_EQ(MaskInPieces({"aab"}, "aaab", {}), "a[MASKED]");
  for (size_t cut = 0; cut <= 4; ++cut) {
    EXPECT_EQ(MaskInPieces({"aab"}, "aaab", {cut}), "a[MASKED]") << cut;
  }
}

// A masker that begins anew at the byte that doesn't fit loses the `a` that it has seen.
TEST(MaskerTest, J7_MasksAabInTheTwoPiecesAaAndAb) {
  EXPECT_EQ(MaskInPieces({"aab"}, "aaab", {2}), "a[MASKED]");
}

TEST(MaskerTest, J7_MasksASecretInsideAnotherAsOne) {
  EXPECT_EQ(MaskInPieces({"pass", "mypassword"}, "mypassword pass mypasswor", {}),
            "[MASKED] [MASKED] my[MASKED]wor");
}

TEST(MaskerTest, J7_MasksOverlappingOccurrencesAsOne) {
  EXPECT_EQ(MaskInPieces({"abcd", "cdef"}, "xabcdefx", {}), "x[MASKED]x");
}

TEST(MaskerTest, HoldsBackNoMoreOfALongOverlapThanOfAShortOne) {
  Masker masker({"aaaaaaaaaa"});
  std::string out;
  for (int i = 0; i < 1000; ++i) {
    masker.Feed("aaaaaaa", &out);
    ASSERT_LE(masker.held_back(), 9U);
  }
  masker.Finish(&out);
  EXPECT_EQ(out, "[MASKED]");
}

TEST(MaskerTest, J7_MasksAValueOfManyLinesAndOfAnyBytes) {
  const std::string key = "-----BEGIN\nab\r\ncd\0\xff\n-----END"s;
  EXPECT_EQ(MaskInPieces({key}, "x" + key + "y", {5, 9, 20}), "x[MASKED]y");
}

TEST(MaskerTest, J7_ReleasesAnUnfinishedValueAtTheEnd) {
  Masker masker({"secret"});
  std::string out;
  masker.Feed("my secre", &out);
  EXPECT_EQ(out, "my ");
  masker.Finish(&out);
  EXPECT_EQ(out, "my secre");
}

TEST(MaskerTest, PassesEverythingWithoutValues) {
  const std::string text("\0\xff\r\n[MASKED]", 12);
  EXPECT_EQ(MaskInPieces({}, text, {3}), text);
  EXPECT_EQ(MaskInPieces({""}, text, {3}), text);
}

TEST(MaskerTest, MasksAValueOfOneByte) {
  EXPECT_EQ(MaskInPieces({"a", "abcdefgh"}, "banana abcdefg", {4}),
            "b[MASKED]n[MASKED]n[MASKED] [MASKED]bcdefg");
}

TEST(MaskerTest, MasksValuesLongerThanTheSkippingWindow) {
  std::mt19937_64 random(7);
  const std::string value = RandomText(random, 5000, 4);
  const std::string text = RandomText(random, 3000, 4) + value + RandomText(random, 3000, 4);
  for (size_t cut = 2990; cut < 8010; cut += 37) {
    EXPECT_EQ(MaskInPieces({value}, text, {cut}), MaskSlowly({value}, text)) << cut;
  }
}

TEST(MaskerTest, J7_MasksTwoHundredSecretsAtEverySplitPoint) {
  std::mt19937_64 random(11);
  Values values = {"aab", "aaab", "abab", "password", "word", "wordpass"};
  while (values.size() < 200) values.push_back(RandomText(random, 2 + random() % 20, 3));
  for (const std::string& value : values) {
    const std::string text = "ab" + value + value.substr(0, value.size() / 2) + value + "ba";
    const std::string expected = MaskSlowly({value}, text);
    for (size_t cut = 0; cut <= text.size(); ++cut) {
      ASSERT_EQ(MaskInPieces({value}, text, {cut}), expected) << value << " cut at " << cut;
    }
  }
  const std::string text = "ab" + values[100] + "word" + values[7] + "passwordpass" + values[60];
  const std::string expected = MaskSlowly(values, text);
  for (size_t a = 0; a <= text.size(); ++a) {
    ASSERT_EQ(MaskInPieces(values, text, {a}), expected) << a;
  }
}

TEST(MaskerTest, J7_DoesAsTheObviousMaskerInAMillionSplits) {
  const uint64_t seed = std::random_device{}();
  std::mt19937_64 random(seed);
  constexpr size_t kSplits = 1'000'000;
  size_t splits = 0;
  for (int round = 0; splits < kSplits; ++round) {
    const int alphabet = 2 + static_cast<int>(random() % 4);
    Values values;
    for (size_t i = 1 + random() % 5; i > 0; --i) {
      values.push_back(RandomText(random, 1 + random() % 9, alphabet));
    }
    const std::string text = RandomText(random, random() % 60, alphabet);
    const std::string expected = MaskSlowly(values, text);
    for (int i = 0; i < 20; ++i) {
      std::vector<size_t> cuts;
      for (size_t cut = random() % 8; cut < text.size(); cut += random() % 12) cuts.push_back(cut);
      splits += cuts.size();
      ASSERT_EQ(MaskInPieces(values, text, cuts), expected)
          << "seed " << seed << " round " << round << " text " << text << " first value "
          << values[0];
    }
  }
}

}  // namespace
}  // namespace grange::shim
