#include "coordinator/trace/seekable_zstd.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "common/os/child.h"
#include "common/os/files.h"

namespace grange::trace {
namespace {

class SeekableZstdTest : public ::testing::Test {
 protected:
  void SetUp() override { dir_ = *os::MakeTempDir("grange-zstd-test"); }
  void TearDown() override { ASSERT_TRUE(os::RemoveTree(dir_).ok()); }

  absl::StatusOr<SeekableReader> Packed(const std::string& bytes) {
    EXPECT_TRUE(os::WriteFile(dir_ + "/plain", bytes).ok());
    EXPECT_TRUE(CompressSeekable(dir_ + "/plain", packed_path()).ok());
    return SeekableReader::Open(packed_path());
  }
  std::string packed_path() const { return dir_ + "/packed.zst"; }

 private:
  std::string dir_;
};

std::string SomeText(size_t size) {
  std::mt19937 random(7);
  std::string text;
  while (text.size() < size) absl::StrAppend(&text, "line ", random() % 1000, "\n");
  text.resize(size);
  return text;
}

TEST_F(SeekableZstdTest, ReadsAnyRangeOfWhatWasCompressed) {
  const std::string text = SomeText((1 << 20) + 12345);
  const absl::StatusOr<SeekableReader> reader = Packed(text);
  ASSERT_TRUE(reader.ok()) << reader.status();
  ASSERT_EQ(reader->size(), text.size());
  std::mt19937 random(8);
  for (int i = 0; i < 200; ++i) {
    const uint64_t offset = random() % text.size();
    const size_t max = random() % (600 << 10);
    ASSERT_EQ(*reader->Read(offset, max), text.substr(offset, max)) << offset << " " << max;
  }
  EXPECT_EQ(*reader->Read(text.size(), 10), "");
  EXPECT_EQ(*reader->Read(text.size() + 99, 10), "");
}

TEST_F(SeekableZstdTest, AnEmptyFileHasNoFrames) {
  const absl::StatusOr<SeekableReader> reader = Packed("");
  ASSERT_TRUE(reader.ok()) << reader.status();
  EXPECT_EQ(reader->size(), 0u);
  EXPECT_EQ(*reader->Read(0, 10), "");
}

TEST_F(SeekableZstdTest, TheZstdProgramReadsItToo) {
  const std::string text = SomeText(700'000);
  ASSERT_TRUE(Packed(text).ok());
  os::ChildOptions options;
  options.argv = {"zstd", "-dc", packed_path()};
  const absl::StatusOr<os::RunResult> result = os::Run(options);
  if (!result.ok() || result->status.exit_code == 127) GTEST_SKIP() << "no zstd program here";
  EXPECT_EQ(result->out, text);
}

TEST_F(SeekableZstdTest, DamageIsFoundAndNeverRead) {
  ASSERT_TRUE(Packed(SomeText(600'000)).ok());
  const std::string good = *os::ReadFile(packed_path());
  for (const size_t cut : {size_t{0}, size_t{5}, good.size() / 2, good.size() - 1}) {
    ASSERT_TRUE(os::WriteFile(packed_path(), good.substr(0, cut)).ok());
    EXPECT_EQ(SeekableReader::Open(packed_path()).status().code(), absl::StatusCode::kDataLoss);
  }
  std::string bad = good;
  bad.replace(bad.size() - 9, 4, "\xff\xff\xff\xff");  // a huge count of frames
  ASSERT_TRUE(os::WriteFile(packed_path(), bad).ok());
  EXPECT_EQ(SeekableReader::Open(packed_path()).status().code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace grange::trace
