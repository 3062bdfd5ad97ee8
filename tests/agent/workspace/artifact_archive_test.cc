#include "agent/workspace/artifact_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "gtest/gtest.h"

namespace grange::workspace {
namespace {

class ArtifactArchiveTest : public testing::Test {
 protected:
  ArtifactArchiveTest() : dir_(os::MakeTempDir("grange-archive").value()) {
    EXPECT_TRUE(os::MakeDirs(Path("in")).ok());
    EXPECT_TRUE(os::MakeDirs(Path("out"), 0755).ok());
  }
  ~ArtifactArchiveTest() override { os::RemoveTree(dir_).IgnoreError(); }

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  void Put(const std::string& name, const std::string& content, mode_t mode = 0644) {
    const std::string path = Path("in/" + name);
    ASSERT_TRUE(os::MakeDirs(path.substr(0, path.rfind('/')), 0755).ok());
    ASSERT_TRUE(os::WriteFile(path, content, mode).ok());
  }
  absl::StatusOr<ArchiveInfo> Pack(const std::vector<std::string>& paths,
                                   const std::vector<std::string>& exclude = {}) {
    return WriteArchive(Path("in"), paths, exclude, Path("archive"), {}, cancellation_);
  }
  absl::Status Unpack(const ArchiveLimits& limits = {}) {
    return ExtractArchive(Path("archive"), Path("out"), limits, cancellation_);
  }
  // Packs and unpacks, then lists all below out/.
  std::vector<std::string> Through(const std::vector<std::string>& paths,
                                   const std::vector<std::string>& exclude = {}) {
    const absl::StatusOr<ArchiveInfo> info = Pack(paths, exclude);
    EXPECT_TRUE(info.ok()) << info.status();
    if (info.ok() && info->entries == 0) return {};
    const absl::Status status = Unpack();
    EXPECT_TRUE(status.ok()) << status;
    return List("");
  }
  std::vector<std::string> List(const std::string& below) {
    std::vector<std::string> names;
    const std::vector<std::string> here = os::ListDir(Path("out/" + below)).value();
    for (const std::string& name : here) {
      const std::string path = below.empty() ? name : below + "/" + name;
      struct stat info {};
      EXPECT_EQ(::lstat(Path("out/" + path).c_str(), &info), 0);
      if (!S_ISDIR(info.st_mode)) {
        names.push_back(path);
        continue;
      }
      for (const std::string& child : List(path)) names.push_back(child);
    }
    return names;
  }

  const std::string dir_;
  Cancellation cancellation_;
};

using Names = std::vector<std::string>;

TEST_F(ArtifactArchiveTest, CarriesFilesWithContentAndRights) {
  Put("run.sh", "#!/bin/sh\n", 0755);
  Put("deep/er/data", std::string(300'000, 'x'));
  EXPECT_EQ(Through({"run.sh", "deep"}), (Names{"deep/er/data", "run.sh"}));
  EXPECT_EQ(os::ReadFile(Path("out/deep/er/data")).value(), std::string(300'000, 'x'));
  struct stat info {};
  ASSERT_EQ(::stat(Path("out/run.sh").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0755u);
}

TEST_F(ArtifactArchiveTest, TellsSizeAndHashOfTheArchive) {
  Put("a", "x");
  const absl::StatusOr<ArchiveInfo> info = Pack({"a"});
  ASSERT_TRUE(info.ok()) << info.status();
  const std::string bytes = os::ReadFile(Path("archive")).value();
  EXPECT_EQ(info->size, bytes.size());
  EXPECT_EQ(info->sha256, os::Sha256Of(bytes));
  EXPECT_EQ(info->entries, 1u);
}

TEST_F(ArtifactArchiveTest, TakesWhatTheGlobsMatchAndLeavesOutWhatIsExcluded) {
  for (const char* name : {"a.xml", "b.txt", "sub/c.xml", "sub/deep/d.xml", "build/e", "build/f.o"}) {
    Put(name, "x");
  }
  EXPECT_EQ(Through({"*.xml"}), (Names{"a.xml"}));
  EXPECT_EQ(Through({"**/*.xml"}), (Names{"a.xml", "sub/c.xml", "sub/deep/d.xml"}));
  ASSERT_TRUE(os::RemoveTree(Path("out/sub")).ok());
  ASSERT_TRUE(os::RemoveTree(Path("out/a.xml")).ok());
  EXPECT_EQ(Through({"./build/", Path("in") + "/b.txt"}, {"build/*.o"}), (Names{"b.txt", "build/e"}));
}

TEST_F(ArtifactArchiveTest, SaysThatNothingMatched) {
  Put("a", "x");
  const absl::StatusOr<ArchiveInfo> info = Pack({"nothing/**", "b"});
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->entries, 0u);
  EXPECT_FALSE(os::Exists(Path("archive")));
}

TEST_F(ArtifactArchiveTest, CarriesOddNames) {
  const Names odd = {"-dash", " blank ", "new\nline", "quo'te\"", "\xff\xfe", "\xc3\xa9",
                     std::string(200, 'n')};
  for (const std::string& name : odd) Put(name, name);
  EXPECT_EQ(Through({"."}).size(), odd.size());
  for (const std::string& name : odd) {
    EXPECT_EQ(os::ReadFile(Path("out/" + name)).value_or("(none)"), name);
  }
}

TEST_F(ArtifactArchiveTest, StoresLinksAsLinksAndNeverFollowsThem) {
  ASSERT_TRUE(os::MakeDirs(Path("outside")).ok());
  ASSERT_TRUE(os::WriteFile(Path("outside/secret"), "secret").ok());
  Put("d/file", "x");
  ASSERT_EQ(::symlink("file", Path("in/d/link").c_str()), 0);
  ASSERT_EQ(::symlink("../d", Path("in/d/up").c_str()), 0);
  EXPECT_EQ(Through({"d"}), (Names{"d/file", "d/link", "d/up"}));
  char target[100] = {};
  ASSERT_GT(::readlink(Path("out/d/link").c_str(), target, sizeof target - 1), 0);
  EXPECT_STREQ(target, "file");
  // A folder that is a link is stored as one: what it leads to stays out.
  ASSERT_EQ(::symlink(Path("outside").c_str(), Path("in/away").c_str()), 0);
  const absl::StatusOr<ArchiveInfo> info = Pack({"away", "away/secret"});
  ASSERT_TRUE(info.ok()) << info.status();
  EXPECT_EQ(info->entries, 1u);
}

TEST_F(ArtifactArchiveTest, LeavesOutPipesAndGitsOwnFolder) {
  Put(".git/config", "x");
  Put("a", "x");
  ASSERT_EQ(::mkfifo(Path("in/pipe").c_str(), 0600), 0);
  EXPECT_EQ(Through({"."}), (Names{"a"}));
}

TEST_F(ArtifactArchiveTest, ReplacesOlderFilesButNotThroughALink) {
  Put("a", "new");
  ASSERT_TRUE(os::WriteFile(Path("victim"), "old").ok());
  ASSERT_EQ(::symlink(Path("victim").c_str(), Path("out/a").c_str()), 0);
  EXPECT_EQ(Through({"a"}), (Names{"a"}));
  EXPECT_EQ(os::ReadFile(Path("out/a")).value(), "new");
  EXPECT_EQ(os::ReadFile(Path("victim")).value(), "old");
}

// One entry of an archive that no honest agent would write.
struct Entry {
  std::string name;
  mode_t type = AE_IFREG;
  std::string target = "";    // of a link
  std::string hardlink = "";
  std::string content = "x";
};

void WriteHostile(const std::string& path, const std::vector<Entry>& entries) {
  struct archive* out = archive_write_new();
  ASSERT_EQ(archive_write_set_format_gnutar(out), ARCHIVE_OK);
  ASSERT_EQ(archive_write_add_filter_zstd(out), ARCHIVE_OK);
  ASSERT_EQ(archive_write_set_bytes_in_last_block(out, 1), ARCHIVE_OK);
  ASSERT_EQ(archive_write_open_filename(out, path.c_str()), ARCHIVE_OK);
  for (const Entry& e : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, e.name.c_str());
    archive_entry_set_filetype(entry, e.type);
    archive_entry_set_perm(entry, 06755);
    if (!e.target.empty()) archive_entry_set_symlink(entry, e.target.c_str());
    if (!e.hardlink.empty()) archive_entry_set_hardlink(entry, e.hardlink.c_str());
    const bool has_content = e.type == AE_IFREG && e.hardlink.empty();
    archive_entry_set_size(entry, has_content ? static_cast<la_int64_t>(e.content.size()) : 0);
    ASSERT_EQ(archive_write_header(out, entry), ARCHIVE_OK) << archive_error_string(out);
    if (has_content) archive_write_data(out, e.content.data(), e.content.size());
    archive_entry_free(entry);
  }
  archive_write_close(out);
  archive_write_free(out);
}

TEST_F(ArtifactArchiveTest, RefusesArchivesThatReachOutOfTheTree) {
  struct Case {
    const char* name;
    std::vector<Entry> entries;
  };
  const Case cases[] = {
      {"absolute name", {{dir_ + "/evil"}}},
      {"climbing name", {{"../evil"}}},
      {"climbing in the middle", {{"a/../../evil"}}},
      {"link with absolute target", {{"l", AE_IFLNK, "/etc/passwd"}}},
      {"link that climbs out", {{"a/l", AE_IFLNK, "../../evil"}}},
      {"link that climbs after going down", {{"l", AE_IFLNK, "d/../../evil"}}},
      {"hard link", {{"h", AE_IFREG, "", "../evil"}}},
      {"device", {{"dev", AE_IFCHR}}},
      {"pipe", {{"pipe", AE_IFIFO}}},
      {"git's folder", {{".git/hooks/post-checkout"}}},
  };
  for (const Case& c : cases) {
    WriteHostile(Path("archive"), c.entries);
    const absl::Status status = Unpack();
    EXPECT_TRUE(absl::IsInvalidArgument(status)) << c.name << ": " << status;
    EXPECT_FALSE(os::Exists(Path("evil"))) << c.name;
  }
}

TEST_F(ArtifactArchiveTest, NeverWritesThroughALinkOfTheArchiveOrOfTheTree) {
  ASSERT_TRUE(os::MakeDirs(Path("outside")).ok());
  ASSERT_EQ(::symlink(Path("outside").c_str(), Path("out/old").c_str()), 0);
  WriteHostile(Path("archive"), {{"old/evil"}});
  EXPECT_TRUE(absl::IsInvalidArgument(Unpack()));
  WriteHostile(Path("archive"), {{"d", AE_IFLNK, "."}, {"d/x"}});
  EXPECT_FALSE(Unpack().ok());  // a folder and a link of one name
  EXPECT_TRUE(os::ListDir(Path("outside")).value().empty());
}

TEST_F(ArtifactArchiveTest, DropsSetIdBits) {
  WriteHostile(Path("archive"), {{"tool"}});
  ASSERT_TRUE(Unpack().ok());
  struct stat info {};
  ASSERT_EQ(::stat(Path("out/tool").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777, 0755u);
}

TEST_F(ArtifactArchiveTest, StopsAtItsLimits) {
  WriteHostile(Path("archive"), {{"a"}, {"b"}, {"c"}});
  EXPECT_TRUE(absl::IsResourceExhausted(Unpack({.entries = 2})));
  WriteHostile(Path("archive"), {{"zeros", AE_IFREG, "", "", std::string(4 << 20, '\0')}});
  EXPECT_TRUE(absl::IsResourceExhausted(Unpack({.bytes = 1 << 20})));
  EXPECT_TRUE(absl::IsResourceExhausted(Unpack({.ratio = 200, .ratio_from = 1 << 20})));
  EXPECT_TRUE(Unpack({.ratio = 1 << 20}).ok());
}

TEST_F(ArtifactArchiveTest, RefusesWhatIsNoArchive) {
  Put("a", std::string(100'000, 'q'));
  ASSERT_TRUE(Pack({"a"}).ok());
  const std::string whole = os::ReadFile(Path("archive")).value();
  for (const std::string& bytes :
       {std::string("nonsense"), whole.substr(0, whole.size() / 2), std::string(2000, 'x')}) {
    ASSERT_TRUE(os::WriteFile(Path("archive"), bytes).ok());
    EXPECT_FALSE(Unpack().ok()) << bytes.size();
  }
}

}  // namespace
}  // namespace grange::workspace
