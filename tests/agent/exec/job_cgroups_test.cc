#include "agent/exec/job_cgroups.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/os/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "job_run.h"

// Finding cgroups, and cgroup v2, which this machine may not have: with a tree of plain files.
namespace grange::exec {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A /proc, and what it says is mounted.
class FakeMachine {
 public:
  FakeMachine() : dir_(os::MakeTempDir("grange-cgroups-test-").value()) {}
  ~FakeMachine() { os::RemoveTree(dir_).IgnoreError(); }  // harms no other test

  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  void Put(const std::string& name, const std::string& text) const {
    const std::string path = Path(name);
    ASSERT_TRUE(os::MakeDirs(path.substr(0, path.rfind('/'))).ok());
    ASSERT_TRUE(os::WriteFile(path, text).ok());
  }
  std::string Get(const std::string& name) const { return os::ReadFile(Path(name)).value_or("?"); }
  void Mount(const std::string& line) {
    mounts_ += line + "\n";
    Put("proc/self/mountinfo", mounts_);
  }
  JobCgroups Find(const std::string& where = "") const {
    return JobCgroups::Find("/state", where, Path("proc"));
  }

 private:
  const std::string dir_;
  std::string mounts_;
};

// cgroup v2, with this process alone in /svc.
class V2Test : public testing::Test {
 protected:
  V2Test() {
    machine_.Mount("22 1 0:20 / / rw - ext4 /dev/root rw");
    machine_.Mount(absl::StrCat("30 22 0:26 / ", machine_.Path("cg"),
                                " rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"));
    machine_.Put("proc/self/cgroup", "0::/svc\n");
    machine_.Put("cg/cgroup.controllers", "cpu memory pids\n");
    machine_.Put("cg/cgroup.subtree_control", "cpu memory pids\n");
    for (const char* name : {"cgroup.controllers", "cgroup.subtree_control", "agent/cgroup.procs",
                             "cgroup.type", "cgroup.procs"}) {
      machine_.Put(absl::StrCat("cg/svc/", name), "");
    }
    machine_.Put("cg/svc/cgroup.controllers", "memory pids\n");
    machine_.Put("cg/svc/cgroup.procs", absl::StrCat(getpid(), "\n"));
    machine_.Put("jobs/7-1/shim", "");
  }

  // The files that the kernel would make with the group of job 7-1.
  std::string JobGroup(const JobCgroups& cgroups, const std::string& parent) {
    const absl::StatusOr<JobCgroup> first = cgroups.Make(machine_.Path("jobs/7-1"), {.pids = 1});
    EXPECT_TRUE(first.ok()) << first.status();
    EXPECT_EQ(first->folders().size(), 1U);
    const std::string folder = first->folders()[0].substr(machine_.Path("").size());
    EXPECT_THAT(folder, StartsWith(absl::StrCat("cg/", parent, "/grange-")));
    for (const char* name : {"memory.max", "memory.swap.max", "memory.oom.group", "pids.max"}) {
      machine_.Put(absl::StrCat(folder, "/", name), "");
    }
    return folder;
  }

  FakeMachine machine_;
};

TEST_F(V2Test, MakesTheGroupsOfJobsBesideOneForTheAgent) {
  const JobCgroups cgroups = machine_.Find();
  EXPECT_EQ(cgroups.ToString(), "cgroup v2 (memory, pids)");
  const std::string folder = JobGroup(cgroups, "svc");
  const auto made = cgroups.Make(machine_.Path("jobs/7-1"), {.memory_bytes = 64 << 20, .pids = 30});
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(machine_.Get("cg/svc/agent/cgroup.procs"), absl::StrCat(getpid()));
  EXPECT_EQ(machine_.Get("cg/svc/cgroup.subtree_control"), "+memory +pids");
  EXPECT_EQ(machine_.Get(folder + "/memory.max"), "67108864");
  EXPECT_EQ(machine_.Get(folder + "/memory.swap.max"), "0");
  EXPECT_EQ(machine_.Get(folder + "/memory.oom.group"), "1");
  EXPECT_EQ(machine_.Get(folder + "/pids.max"), "30");
}

TEST_F(V2Test, DoesNotMoveOtherProcesses) {
  machine_.Put("cg/svc/cgroup.procs", absl::StrCat("1\n", getpid(), "\n"));
  const JobCgroups cgroups = machine_.Find();
  EXPECT_EQ(cgroups.ToString(), "none");
  EXPECT_THAT(cgroups.WhyNoMemory(), HasSubstr("has other processes, such as 1; run it as a"));
  EXPECT_THAT(cgroups.WhyNoPids(), HasSubstr("--cgroup"));
}

TEST_F(V2Test, TakesTheGroupThatItIsToldAndMovesNobody) {
  const JobCgroups cgroups = machine_.Find("/farm");
  machine_.Put("cg/farm/cgroup.subtree_control", "");
  EXPECT_EQ(cgroups.ToString(), "cgroup v2 (memory, pids)");
  JobGroup(cgroups, "farm");
  EXPECT_EQ(machine_.Get("cg/farm/cgroup.subtree_control"), "+memory +pids");
  EXPECT_EQ(machine_.Get("cg/cgroup.subtree_control"), "cpu memory pids\n");
  EXPECT_EQ(machine_.Get("cg/svc/agent/cgroup.procs"), "");
}

TEST_F(V2Test, SaysWhichControllerIsMissing) {
  machine_.Put("cg/svc/cgroup.controllers", "pids\n");
  const JobCgroups cgroups = machine_.Find();
  EXPECT_EQ(cgroups.ToString(), "cgroup v2 (pids)");
  EXPECT_THAT(cgroups.WhyNoMemory(), HasSubstr("memory is not among the controllers"));
}

TEST(JobCgroupsTest, FindsControllersOfV1EachInItsOwnPlace) {
  FakeMachine machine;
  machine.Put("m/box/tasks", "");
  machine.Put("p/tasks", "");
  machine.Mount(absl::StrCat("31 1 0:27 / ", machine.Path("m"), " rw - cgroup cgroup rw,memory"));
  machine.Mount(absl::StrCat("32 1 0:28 / ", machine.Path("p"), " rw - cgroup c rw,cpu,pids"));
  machine.Put("proc/self/cgroup", "8:cpu,pids:/\n4:memory:/box\n0::/\n");
  const JobCgroups cgroups = machine.Find();
  EXPECT_EQ(cgroups.ToString(), "cgroup v1 (memory, pids)");
  machine.Put("jobs/7-1/shim", "");
  const auto made = cgroups.Make(machine.Path("jobs/7-1"), {.pids = 3});
  ASSERT_TRUE(made.ok()) << made.status();
  ASSERT_EQ(made->folders().size(), 2U);
  EXPECT_THAT(made->folders()[0], StartsWith(machine.Path("m/box/grange-")));
  EXPECT_THAT(made->folders()[1], StartsWith(machine.Path("p/grange-")));
}

TEST(JobCgroupsTest, InAContainerThePathBeginsAtWhatIsMounted) {
  FakeMachine machine;
  machine.Put("p/inner/tasks", "");
  machine.Mount(
      absl::StrCat("32 1 0:28 /docker/4711 ", machine.Path("p"), " rw - cgroup cgroup rw,pids"));
  machine.Put("proc/self/cgroup", "8:pids:/docker/4711/inner\n");
  const JobCgroups cgroups = machine.Find();
  EXPECT_EQ(cgroups.ToString(), "cgroup v1 (pids)");
  EXPECT_EQ(cgroups.WhyNoMemory(), "this machine has no cgroup controller 'memory'");
}

TEST(JobCgroupsTest, WithoutAnyItSaysWhy) {
  const FakeMachine machine;
  const JobCgroups cgroups = machine.Find();
  EXPECT_EQ(cgroups.ToString(), "none");
  EXPECT_EQ(cgroups.WhyNoPids(), "this machine has no cgroup controller 'pids'");
  EXPECT_EQ(cgroups.Sweep({}), 0U);
}

// The unified hierarchy of a machine with v1 has no controllers, but it kills.
TEST(JobCgroupsTest, J1_V2KillsAGroupInOneStep) {
  const std::string mount =
      os::Exists("/sys/fs/cgroup/cgroup.procs") ? "/sys/fs/cgroup" : "/sys/fs/cgroup/unified";
  const std::string folder = absl::StrCat(mount, "/grange-exec-test-", getpid());
  if (mkdir(folder.c_str(), 0755) != 0) GTEST_SKIP() << "cannot make '" << folder << "'";
  if (!os::Exists(folder + "/cgroup.kill")) {
    rmdir(folder.c_str());
    GTEST_SKIP() << "this kernel has no cgroup.kill";
  }
  {
    JobRun wrong;
    wrong.run().cgroup = JobCgroup({folder}, {});
    wrong.run().shell = "/nonexistent";
    EXPECT_THAT(wrong.Finish("true").detail, HasSubstr("cannot execute the shell '/nonexistent'"));
    ASSERT_EQ(mkdir(folder.c_str(), 0755), 0);
  }
  {
    JobRun job;
    ASSERT_TRUE(os::WriteFile(job.dir() + "/cgroup", "folder=" + folder + "\n").ok());
    job.run().cgroup = JobCgroup({folder}, {});
    ASSERT_TRUE(job.Launch("for i in 1 2 3; do env -i setsid sh -c 'echo $$; exec sleep 1000' & "
                           "done; sleep 1000")
                    .ok());
    job.UntilLines(3);
    ASSERT_EQ(kill(job.key().pid, SIGKILL), 0);
    EXPECT_FALSE(job.UntilEnd().has_value());
    for (const absl::string_view pid : absl::StrSplit(job.log(), '\n', absl::SkipEmpty())) {
      EXPECT_FALSE(IsAlive(std::string(pid))) << pid;
    }
  }
  EXPECT_FALSE(os::Exists(folder));
  rmdir(folder.c_str());
}

}  // namespace
}  // namespace grange::exec
