#include "coordinator/artifact/artifact_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "common/os/files.h"
#include "common/os/sha256.h"

namespace grange::artifact {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ArtifactStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = *os::MakeTempDir("grange-artifact-test");
    Open();
  }
  void TearDown() override { ASSERT_TRUE(os::RemoveTree(dir_).ok()); }

  void Open() {
    store_ = *ArtifactStore::Open({.dir = dir_ + "/artifacts", .file_bytes_max = 1000});
  }
  std::unique_ptr<ArtifactStore::Upload> Begin(const std::string& content) {
    auto upload = store_->Begin(os::Sha256Of(content), content.size());
    EXPECT_TRUE(upload.ok()) << upload.status();
    return *std::move(upload);
  }
  std::string IncomingPath(const std::string& content) const {
    return absl::StrCat(dir_, "/artifacts/incoming/",
                        absl::BytesToHexString(os::Sha256Of(content)));
  }

  std::string dir_;
  std::unique_ptr<ArtifactStore> store_;
};

TEST_F(ArtifactStoreTest, WhatWasUploadedCanBeReadByItsHash) {
  auto upload = Begin("hello world");
  EXPECT_TRUE(upload->Append(0, "hello ").ok());
  EXPECT_TRUE(upload->Append(6, "world").ok());
  EXPECT_FALSE(store_->Has(os::Sha256Of("hello world")));
  ASSERT_TRUE(upload->Finish().ok());
  EXPECT_TRUE(store_->Has(os::Sha256Of("hello world")));
  EXPECT_EQ(*store_->Read(os::Sha256Of("hello world"), 6, 100), "world");
  EXPECT_EQ(*store_->Read(os::Sha256Of("hello world"), 11, 100), "");
}

TEST_F(ArtifactStoreTest, F5ACutUploadGoesOnWhereItStopped) {
  const std::string content = "0123456789";
  for (size_t cut = 0; cut <= content.size(); ++cut) {
    const std::string whole = absl::StrCat(content, "-", cut);
    ASSERT_TRUE(Begin(whole)->Append(0, whole.substr(0, cut)).ok());
    if (cut == 5) Open();  // the coordinator was started again
    auto again = Begin(whole);
    EXPECT_EQ(again->have(), cut);
    ASSERT_TRUE(again->Append(cut, whole.substr(cut)).ok());
    ASSERT_TRUE(again->Finish().ok());
    EXPECT_EQ(*store_->Read(os::Sha256Of(whole), 0, 100), whole);
  }
}

TEST_F(ArtifactStoreTest, F5BytesThatCameBeforeAreTakenOnceAndGapsRefused) {
  auto upload = Begin("abcdef");
  EXPECT_TRUE(upload->Append(0, "abc").ok());
  EXPECT_TRUE(upload->Append(0, "abc").ok());
  EXPECT_TRUE(upload->Append(2, "cde").ok());
  EXPECT_TRUE(absl::IsInvalidArgument(upload->Append(6, "x")));
  EXPECT_TRUE(absl::IsInvalidArgument(upload->Append(5, "fg")));
  EXPECT_TRUE(absl::IsInvalidArgument(upload->Append(uint64_t{1} << 63, "x")));
  EXPECT_TRUE(absl::IsInvalidArgument(upload->Finish()));
  EXPECT_TRUE(upload->Append(5, "f").ok());
  EXPECT_TRUE(upload->Finish().ok());
}

TEST_F(ArtifactStoreTest, F5AWrongHashIsRefusedAndNothingStays) {
  auto upload = Begin("right");
  ASSERT_TRUE(upload->Append(0, "wrong").ok());
  EXPECT_EQ(upload->Finish().code(), absl::StatusCode::kDataLoss);
  upload.reset();
  EXPECT_FALSE(store_->Has(os::Sha256Of("right")));
  EXPECT_FALSE(os::Exists(IncomingPath("right")));
  EXPECT_EQ(Begin("right")->have(), 0u);
}

TEST_F(ArtifactStoreTest, F5TwoUploadsOfTheSameContentDoNotDisturbEachOther) {
  auto good = Begin("content");
  auto bad = Begin("content");
  ASSERT_TRUE(bad->Append(0, "CONTENT").ok());
  ASSERT_TRUE(good->Append(0, "content").ok());
  EXPECT_FALSE(bad->Finish().ok());
  EXPECT_TRUE(good->Finish().ok());
  EXPECT_EQ(*store_->Read(os::Sha256Of("content"), 0, 100), "content");
}

TEST_F(ArtifactStoreTest, ContentThatIsThereNeedsNoUpload) {
  auto first = Begin("same");
  ASSERT_TRUE(first->Append(0, "same").ok() && first->Finish().ok());
  auto second = Begin("same");
  EXPECT_EQ(second->have(), 4u);
  EXPECT_TRUE(second->Finish().ok());
}

TEST_F(ArtifactStoreTest, AnArtifactOverTheLimitIsRefusedNamingBothSizes) {
  const absl::Status status = store_->Begin(os::Sha256Of("x"), 1001).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(status.message()), AllOf(HasSubstr("1001"), HasSubstr("1000")));
}

TEST_F(ArtifactStoreTest, AHashOfTheWrongLengthIsRefused) {
  EXPECT_TRUE(absl::IsInvalidArgument(store_->Begin("../../etc/passwd", 1).status()));
  EXPECT_TRUE(absl::IsNotFound(store_->Read("../../etc/passwd", 0, 10).status()));
}

TEST_F(ArtifactStoreTest, AnEmptyFileIsAnArtifactToo) {
  ASSERT_TRUE(Begin("")->Finish().ok());
  EXPECT_TRUE(store_->Has(os::Sha256Of("")));
  EXPECT_EQ(*store_->Read(os::Sha256Of(""), 0, 10), "");
}

}  // namespace
}  // namespace grange::artifact
