#include "coordinator/session/message_size.h"

#include <string>

#include "common/rpc/channel.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grange::session {
namespace {

using testing::HasSubstr;

TEST(MessageSizeTest, AnOfferUpToTheLimitFitsIntoAControlMessage) {
  v1::HubMsg message;
  v1::JobOffer& offer = *message.mutable_offer();
  offer.mutable_spec()->add_script(std::string(rpc::kControlMessageMax - 100, 'x'));
  EXPECT_TRUE(CheckSize(offer).ok());
  EXPECT_LE(message.ByteSizeLong(), rpc::kControlMessageMax);
}

TEST(MessageSizeTest, NamesTheSizesOfAnOfferThatIsTooLarge) {
  v1::JobOffer offer;
  offer.mutable_spec()->add_script(std::string(1'000'000, 'x'));
  offer.mutable_spec()->add_after_script(std::string(500'000, 'y'));
  v1::Variable& variable = *offer.mutable_spec()->add_variables();
  variable.set_name("NAME");
  variable.set_value(std::string(96, 'z'));
  const absl::Status status = CheckSize(offer);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("at most 1048512 are possible"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("scripts 1500000, variables 100, the rest"));
}

TEST(MessageSizeTest, SaysThatTheMaskedVariablesAreTooMany) {
  v1::JobStart start;
  for (int i = 0; i < 110; ++i) start.add_secrets()->set_value(std::string(10'000, 's'));
  const absl::Status status = CheckSize(start);
  EXPECT_TRUE(absl::IsInvalidArgument(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("110 masked and file variables"));
  EXPECT_THAT(std::string(status.message()), testing::Not(HasSubstr("sss")));
}

}  // namespace
}  // namespace grange::session
