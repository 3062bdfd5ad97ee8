#include "common/os/sha256.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/escaping.h"

namespace grange::os {
namespace {

// Of FIPS 180-4's examples.
TEST(Sha256Test, GivesTheKnownDigests) {
  EXPECT_EQ(absl::BytesToHexString(Sha256Of("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(absl::BytesToHexString(Sha256Of("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256Test, TakesItsBytesInPieces) {
  Sha256 hash;
  hash.Update("a");
  hash.Update("");
  hash.Update("bc");
  EXPECT_EQ(hash.Digest(), Sha256Of("abc"));
}

TEST(Sha256Test, GoesOnAfterADigest) {
  Sha256 hash;
  hash.Update("ab");
  EXPECT_EQ(hash.Digest(), Sha256Of("ab"));
  hash.Update("c");
  EXPECT_EQ(hash.Digest(), Sha256Of("abc"));
}

}  // namespace
}  // namespace grange::os
