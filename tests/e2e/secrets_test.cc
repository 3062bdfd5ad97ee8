// Values that were given in confidence are in no file, log, command line or foreign environment, while a
// job uses them and afterwards.
#include <fcntl.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/os/files.h"
#include "common/os/unique_fd.h"
#include "gtest/gtest.h"
#include "tests/support/farm.h"
#include "tests/support/planted.h"

namespace grange::test {
namespace {

// The soft limit of the size of a core file, as /proc has it.
std::string CoreLimitOf(pid_t pid) {
  const std::string line = "Max core file size";
  const std::string limits = os::ReadFile(absl::StrCat("/proc/", pid, "/limits")).value_or("");
  const size_t at = limits.find(line);
  if (at == std::string::npos) return "gone";
  const std::vector<std::string> words =
      absl::StrSplit(limits.substr(at + line.size()), ' ', absl::SkipEmpty());
  return words[0];
}

constexpr char kMasked[] = "planted-masked-9c1f7a";
constexpr char kFile[] = "planted-file-5b20de";
constexpr char kGiven[] = "planted-given-77a3c4";

TEST(SecretsTest, T6_NoPlantedValueIsWhereItMustNotBe) {
  Farm farm;
  farm.AddAgent();
  TempDir elsewhere;  // of the person who sets them
  const auto set = [&](const std::string& name, const std::string& value,
                       const std::string& how) {
    const std::string path = elsewhere.path() + "/" + name;
    ASSERT_TRUE(os::WriteFile(path, value).ok());
    const CtlResult done =
        farm.Ctl({"var", "set", "--project", "app", name, "--value-file", path, how});
    ASSERT_EQ(done.exit_code, 0) << done.err;
  };
  const std::string gate = farm.dir() + "/gate";
  ASSERT_EQ(mkfifo(gate.c_str(), 0600), 0);
  const std::string repository = farm.MakeRepository(
      "app", absl::StrCat("job:\n  script:\n    - echo \"have $MASKED\"\n    - test $(wc -c < \"$KEY\") = 19\n"
                          "    - test -n \"$GIVEN\"\n    - cat ",
                          gate, "\n  artifacts: {paths: [none], when: always}\n"));
  ASSERT_EQ(farm.Ctl({"project", "set", "app", "default-branch", "main"}).exit_code, 0);
  set("MASKED", kMasked, "--masked");
  set("KEY", kFile, "--file");
  farm.Plant({.name = "a masked variable", .value = kMasked});
  farm.Plant({.name = "its base64 form", .value = absl::Base64Escape(kMasked)});
  farm.Plant({.name = "a file variable", .value = kFile});
  // The value that a submit gave is no secret of the job's agent, which has to keep the job.
  farm.Plant({.name = "a variable of a submit", .value = kGiven, .may_be_in = {"journal"}});

  const int64_t pipeline = farm.Submit(repository, {"--var", absl::StrCat("GIVEN=", kGiven)});
  ASSERT_TRUE(farm.WaitForJob(pipeline, "job", "running"));
  const int64_t job = farm.Job(pipeline, "job")["id"];
  // The last line that is printed before the job waits.
  ASSERT_TRUE(Eventually([&] { return absl::StrContains(farm.Trace(job), "$ cat "); }));
  EXPECT_EQ(FindInProcesses(farm.Secrets(), farm.dir()), "");
  EXPECT_TRUE(absl::StrContains(farm.Trace(job), "have [MASKED]"));
  const std::vector<pid_t> processes = ProcessesWithMark(farm.dir());
  EXPECT_GE(processes.size(), 4u);  // coordinator, agent, shim, the job's shell
  for (const pid_t pid : processes) EXPECT_EQ(CoreLimitOf(pid), "0");
  os::UniqueFd(open(gate.c_str(), O_WRONLY | O_CLOEXEC));  // the job ends
  EXPECT_EQ(farm.WaitForPipeline(pipeline), "success") << farm.Trace(job);

  EXPECT_EQ(farm.StopAndFindLeftovers(), "");
}  // and the farm looks into all of its files

TEST(SecretsTest, ARegistrationTokenCanComeFromTheInput) {
  Farm farm;
  const nlohmann::json token = farm.Ctl({"token", "create", "--registration", "-o", "json"}).json();
  const std::string path = farm.dir() + "/token";
  ASSERT_TRUE(os::WriteFileAtomic(path, token.value("token", "") + "\n", 0600).ok());
  const CtlResult registered = farm.RunProgram(
      "/bin/sh", {"-c", absl::StrCat(Farm::Bin("grange-agent"), " register --state ",
                                     farm.AgentState("a"), " --coordinator ", farm.address(),
                                     " --name a --token - < ", path)});
  EXPECT_EQ(registered.exit_code, 0) << registered.err;
}

}  // namespace
}  // namespace grange::test
