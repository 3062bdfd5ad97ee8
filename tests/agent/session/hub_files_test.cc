// Files on their way to a coordinator that is away.
#include "agent/session/hub_files.h"

#include <thread>

#include "agent/workspace/cancellation.h"
#include "common/os/deadline.h"
#include "common/os/files.h"
#include "common/os/sha256.h"
#include "common/rpc/channel.h"
#include "gtest/gtest.h"

namespace grange::session {
namespace {

class HubFilesTest : public ::testing::Test {
 protected:
  HubFilesTest() : dir_(os::MakeTempDir("grange-hub-files").value()) {
    EXPECT_TRUE(os::WriteFile(dir_ + "/file", "content").ok());
    upload_.assignment = {JobId(1), 1, Fence{1}};
    upload_.path = dir_ + "/file";
    upload_.name = "file";
    upload_.size = 7;
    upload_.sha256 = os::Sha256Of("content");
  }
  ~HubFilesTest() override { os::RemoveTree(dir_).IgnoreError(); }

  const std::string dir_;
  // Nobody listens at the port of echo.
  HubFiles files_{
      rpc::MakeChannel({.address = "127.0.0.1:7", .ca_pem = "", .insecure = true}).value(),
      Secret("credential")};
  workspace::FileDoor::Upload upload_;
  workspace::Cancellation cancellation_;
};

TEST_F(HubFilesTest, AnUploadGivesUpAfterItsTime) {
  upload_.try_for = absl::Milliseconds(700);
  const absl::Duration started = os::SinceBoot();
  EXPECT_TRUE(absl::IsUnavailable(files_.Put(upload_, cancellation_).status()));
  EXPECT_GE(os::SinceBoot() - started, absl::Milliseconds(700));
}

TEST_F(HubFilesTest, AnUploadWithoutALimitGoesOnUntilItIsCanceled) {
  upload_.try_for = absl::InfiniteDuration();
  absl::Status ended;
  std::thread worker([&] { ended = files_.Put(upload_, cancellation_).status(); });
  cancellation_.Cancel();
  worker.join();
  EXPECT_TRUE(absl::IsCancelled(ended)) << ended;
}

}  // namespace
}  // namespace grange::session
