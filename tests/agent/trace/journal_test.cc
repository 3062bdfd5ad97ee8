#include "agent/trace/journal.h"

#include <string>
#include <vector>

#include "common/os/files.h"
#include "gtest/gtest.h"

namespace grange::trace {
namespace {

using Kind = Record::Kind;

constexpr Assignment kOne{JobId(1), 1, Fence{10}};
constexpr Assignment kTwo{JobId(2), 3, Fence{11}};

class JournalTest : public testing::Test {
 protected:
  JournalTest() : dir_(os::MakeTempDir("grange-journal").value()), path_(dir_ + "/journal") {}
  ~JournalTest() override { os::RemoveTree(dir_).IgnoreError(); }

  std::unique_ptr<Journal> Open(uint64_t rewrite_bytes = 4 << 20) {
    absl::StatusOr<std::unique_ptr<Journal>> journal =
        Journal::Open({.path = path_, .rewrite_bytes = rewrite_bytes, .make_room = nullptr}, loop_);
    EXPECT_TRUE(journal.ok()) << journal.status();
    return *std::move(journal);
  }
  std::string Content() { return os::ReadFile(path_).value_or(""); }

  os::EventLoop loop_;
  const std::string dir_, path_;
};

TEST_F(JournalTest, GivesBackEachAttemptsRecordsInOrder) {
  {
    const auto journal = Open();
    ASSERT_TRUE(journal->AppendLazily({Kind::kAccepted, kOne, "spec"}).ok());
    ASSERT_TRUE(journal->AppendLazily({Kind::kAccepted, kTwo, std::string("\0\xff", 2)}).ok());
    ASSERT_TRUE(journal->AppendLazily({Kind::kStarting, kOne, ""}).ok());
  }
  const auto journal = Open();
  ASSERT_EQ(journal->attempts().size(), 2u);
  const std::vector<Record>& one = journal->attempts().at(kOne);
  ASSERT_EQ(one.size(), 2u);
  EXPECT_EQ(one[0].kind, Kind::kAccepted);
  EXPECT_EQ(one[0].payload, "spec");
  EXPECT_EQ(one[1].kind, Kind::kStarting);
  EXPECT_EQ(journal->attempts().at(kTwo)[0].payload, std::string("\0\xff", 2));
}

TEST_F(JournalTest, SaysThatRecordsAreDurableAfterOneSyncForAllOfATurn) {
  const auto journal = Open();
  int durable = 0;
  const auto count = [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    if (++durable == 2) loop_.Stop();
  };
  journal->Append({Kind::kAccepted, kOne, "a"}, count);
  journal->Append({Kind::kAccepted, kTwo, "b"}, count);
  EXPECT_EQ(durable, 0) << "never from within Append()";
  loop_.Run();
  EXPECT_EQ(durable, 2);
}

TEST_F(JournalTest, DropsForgottenAttemptsWhenItIsOpened) {
  {
    const auto journal = Open();
    ASSERT_TRUE(journal->AppendLazily({Kind::kAccepted, kOne, std::string(10'000, 'x')}).ok());
    ASSERT_TRUE(journal->AppendLazily({Kind::kForgotten, kOne, ""}).ok());
    ASSERT_TRUE(journal->AppendLazily({Kind::kAccepted, kTwo, "y"}).ok());
  }
  EXPECT_GT(Content().size(), 10'000u);
  const auto journal = Open();
  EXPECT_EQ(journal->attempts().count(kOne), 0u);
  EXPECT_EQ(journal->attempts().count(kTwo), 1u);
  EXPECT_LT(Content().size(), 100u);
}

TEST_F(JournalTest, RewritesItselfWhenMostOfItIsForgotten) {
  const auto journal = Open(/*rewrite_bytes=*/100'000);
  for (int i = 1; i <= 50; ++i) {
    const Assignment assignment{JobId(i), 1, Fence{1}};
    ASSERT_TRUE(journal->AppendLazily({Kind::kAccepted, assignment, std::string(5'000, 'x')}).ok());
    ASSERT_TRUE(journal->AppendLazily({Kind::kForgotten, assignment, ""}).ok());
  }
  journal->Append({Kind::kAccepted, kTwo, "kept"}, [&](const absl::Status& status) {
    EXPECT_TRUE(status.ok()) << status;
    loop_.Stop();
  });
  loop_.Run();
  EXPECT_LT(Content().size(), 1'000u);
  EXPECT_EQ(Open()->attempts().at(kTwo)[0].payload, "kept");
}

TEST_F(JournalTest, KeepsAllWholeRecordsWhereverTheFileIsCutOff) {
  uint64_t after_first = 0;
  {
    const auto journal = Open();
    ASSERT_TRUE(journal->AppendLazily({Kind::kAccepted, kOne, "first"}).ok());
    after_first = Content().size();
    ASSERT_TRUE(journal->AppendLazily({Kind::kAccepted, kTwo, "second"}).ok());
  }
  const std::string whole = Content();
  for (uint64_t size = after_first; size < whole.size(); ++size) {
    ASSERT_TRUE(os::WriteFile(path_, whole.substr(0, size)).ok());
    const auto journal = Open();
    EXPECT_EQ(journal->attempts().count(kOne), 1u) << size;
    EXPECT_EQ(journal->attempts().count(kTwo), 0u) << size;
    ASSERT_TRUE(journal->AppendLazily({Kind::kAccepted, kTwo, "again"}).ok());
    EXPECT_EQ(Open()->attempts().at(kTwo)[0].payload, "again") << size;
  }
}

TEST_F(JournalTest, NeverTakesADamagedRecordForATrueOne) {
  uint64_t after_first = 0;
  {
    const auto journal = Open();
    ASSERT_TRUE(journal->AppendLazily({Kind::kAccepted, kOne, "first"}).ok());
    after_first = Content().size();
    ASSERT_TRUE(journal->AppendLazily({Kind::kAccepted, kTwo, "second"}).ok());
  }
  const std::string whole = Content();
  for (uint64_t at = after_first; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
    ASSERT_TRUE(os::WriteFile(path_, damaged).ok());
    const auto journal = Open();
    EXPECT_EQ(journal->attempts().count(kOne), 1u) << at;
    EXPECT_EQ(journal->attempts().size(), 1u) << at;
    EXPECT_EQ(os::ReadFile(path_ + ".cut").value_or(""), damaged.substr(after_first)) << at;
  }
}

TEST_F(JournalTest, RefusesAFileThatIsNoJournal) {
  ASSERT_TRUE(os::WriteFile(path_, "something else entirely").ok());
  const auto journal = Journal::Open({.path = path_, .make_room = nullptr}, loop_);
  EXPECT_TRUE(absl::IsFailedPrecondition(journal.status())) << journal.status();
  EXPECT_EQ(Content(), "something else entirely");
}

}  // namespace
}  // namespace grange::trace
