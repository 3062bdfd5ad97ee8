#include "common/base/secret.h"

#include <gtest/gtest.h>
#include <string.h>

#include <cstddef>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

namespace grange {
namespace {

template <typename T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <typename T>
concept Comparable = requires(const T& value) {
  value == value;
};

static_assert(!Printable<Secret>);
static_assert(!Comparable<Secret>);
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<std::string, Secret>);

// Short enough to live inside the object itself, where a test may look after its end.
constexpr char kShort[] = "hunter2";

// A place for one Secret, whose bytes can be searched.
struct Room {
  alignas(Secret) unsigned char bytes[sizeof(Secret)] = {};
  bool Holds(const std::string& text) const {
    return memmem(bytes, sizeof bytes, text.data(), text.size()) != nullptr;
  }
};

TEST(SecretTest, IsOpenedOnlyOnPurpose) {
  const Secret secret{std::string(kShort)};
  EXPECT_EQ(secret.Open(), kShort);
  EXPECT_FALSE(secret.empty());
  EXPECT_TRUE(Secret().empty());
}

TEST(SecretTest, LeavesNothingBehindWhenItGoes) {
  Room room;
  Secret* const secret = new (room.bytes) Secret{std::string(kShort)};
  ASSERT_TRUE(room.Holds(kShort));

  secret->~Secret();

  EXPECT_FALSE(room.Holds(kShort));
}

TEST(SecretTest, LeavesNothingBehindWhereItWasMovedFrom) {
  Room room;
  Secret* const from = new (room.bytes) Secret{std::string(kShort)};

  const Secret to = std::move(*from);

  EXPECT_EQ(to.Open(), kShort);
  EXPECT_TRUE(from->empty());
  EXPECT_FALSE(room.Holds(kShort));
  from->~Secret();
}

TEST(SecretTest, ASecretThatIsReplacedIsWiped) {
  Room room;
  Secret* const kept = new (room.bytes) Secret{std::string(kShort)};

  *kept = Secret(std::string("x"));

  EXPECT_EQ(kept->Open(), "x");
  EXPECT_FALSE(room.Holds(std::string(kShort).substr(2)));
  kept->~Secret();
}

TEST(SecretTest, SurvivesBeingMovedToItself) {
  Secret secret{std::string(kShort)};
  Secret& same = secret;
  secret = std::move(same);
  EXPECT_EQ(secret.Open(), kShort);
}

}  // namespace
}  // namespace grange
