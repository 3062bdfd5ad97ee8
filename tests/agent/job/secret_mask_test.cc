#include "agent/job/secret_mask.h"

#include "gtest/gtest.h"

namespace grange::job {
namespace {

JobSecrets Secrets() {
  JobSecrets secrets;
  secrets.variables.push_back({"TOKEN", Secret("hunter2hunter2"), false, false, /*masked=*/true});
  secrets.variables.push_back({"PLAIN", Secret("well-known"), false, false, /*masked=*/false});
  secrets.masks.emplace_back("another-secret");
  return secrets;
}

TEST(SecretMaskTest, J7_MasksWhatTheAgentItselfSays) {
  const SecretMask mask(Secrets());
  EXPECT_EQ(mask.Apply("fatal: no 'hunter2hunter2' in another-secret, well-known"),
            "fatal: no '[MASKED]' in [MASKED], well-known");
  EXPECT_EQ(mask.Apply("base64 aHVudGVyMmh1bnRlcjI="), "base64 [MASKED]");
  EXPECT_EQ(mask.Apply(""), "");
}

TEST(SecretMaskTest, WithoutSecretsNothingChanges) {
  EXPECT_EQ(SecretMask(JobSecrets{}).Apply("[x]\n\xff"), "[x]\n\xff");
}

}  // namespace
}  // namespace grange::job
