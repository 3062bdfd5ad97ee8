#include <gmock/gmock.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "grange/v1/agent.pb.h"
#include "grange/v1/artifact.pb.h"
#include "grange/v1/control.pb.h"
#include "grange/v1/job.pb.h"
#include "grange/v1/model.pb.h"
#include "wire_text.h"

// Agents, coordinators and grangectl of different versions talk to each other: what is on the wire
// once keeps its meaning. frozen.txt has all that is there; it only grows.
namespace grange {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

std::vector<const FileDescriptor*> OurFiles() {
  return {v1::Assignment::descriptor()->file(), v1::JobSpec::descriptor()->file(),
          v1::FilePart::descriptor()->file(), v1::AgentMsg::descriptor()->file(),
          v1::SubmitRequest::descriptor()->file()};
}

WireText Compiled() {
  WireText text;
  for (const FileDescriptor* file : OurFiles()) AddFile(*file, text);
  return text;
}

WireText Frozen() {
  std::ifstream file(GRANGE_FROZEN_FILE);
  std::stringstream content;
  content << file.rdbuf();
  return ParseWireText(content.str());
}

TEST(FrozenWireTest, NothingThatIsOnTheWireChangesItsMeaning) {
  const WireText now = Compiled();
  WireText frozen = Frozen();
  const WireDifference difference = Compare(frozen, now);
  EXPECT_THAT(difference.broken, IsEmpty())
      << "give the new meaning a new name and a new number; keep the old ones";
  const char* update = getenv("GRANGE_UPDATE_FROZEN");  // NOLINT(concurrency-mt-unsafe): one thread
  if (update == nullptr || std::string(update) != "1") {
    EXPECT_THAT(difference.added, IsEmpty())
        << "new; run this test with GRANGE_UPDATE_FROZEN=1 to freeze it too";
    return;
  }
  frozen.insert(now.begin(), now.end());  // never replaces a line
  std::ofstream(GRANGE_FROZEN_FILE) << Print(frozen);
}

TEST(FrozenWireTest, EveryEnumStartsWithUnspecified) {
  for (const auto& [name, number] : Compiled()) {
    if (absl::StartsWith(name, "value ") && number == "0") {
      EXPECT_TRUE(absl::EndsWith(name, "UNSPECIFIED")) << name;
    }
  }
}

// model.proto, changed by `change` and compiled again.
template <typename Change>
WireText CompiledWith(const Change& change) {
  DescriptorPool pool;
  WireText text;
  for (const FileDescriptor* file : OurFiles()) {
    FileDescriptorProto proto;
    file->CopyTo(&proto);
    if (absl::EndsWith(proto.name(), "/model.proto")) change(proto);
    const FileDescriptor* const built = pool.BuildFile(proto);
    EXPECT_NE(built, nullptr) << proto.name();
    if (built != nullptr) AddFile(*built, text);
  }
  return text;
}

TEST(FrozenWireTest, ARenumberedFieldIsFound) {
  const WireText changed = CompiledWith([](FileDescriptorProto& file) {
    file.mutable_message_type(0)->mutable_field(2)->set_number(4);
  });
  EXPECT_THAT(Compare(Frozen(), changed).broken,
              ElementsAre("field grange.v1.Assignment.fence was 3 uint64 and is 4 uint64 now"));
}

TEST(FrozenWireTest, ARetypedFieldIsFound) {
  const WireText changed = CompiledWith([](FileDescriptorProto& file) {
    file.mutable_message_type(0)->mutable_field(1)->set_type(
        google::protobuf::FieldDescriptorProto::TYPE_SINT32);
  });
  EXPECT_THAT(Compare(Frozen(), changed).broken,
              ElementsAre("field grange.v1.Assignment.attempt was 2 int32 and is 2 sint32 now"));
}

TEST(FrozenWireTest, ARemovedFieldIsFound) {
  const WireText changed = CompiledWith([](FileDescriptorProto& file) {
    file.mutable_message_type(0)->mutable_field()->RemoveLast();
  });
  EXPECT_THAT(Compare(Frozen(), changed).broken,
              ElementsAre("field grange.v1.Assignment.fence was removed; it was 3 uint64"));
}

TEST(FrozenWireTest, ARenumberedEnumValueIsFound) {
  const WireText changed = CompiledWith([](FileDescriptorProto& file) {
    file.mutable_enum_type(0)->mutable_value(1)->set_number(99);
  });
  EXPECT_THAT(Compare(Frozen(), changed).broken,
              ElementsAre("value grange.v1.FailureReason.FAILURE_REASON_NONE was 1 and is 99 now"));
}

TEST(FrozenWireTest, AnAddedFieldIsNew) {
  const WireText changed = CompiledWith([](FileDescriptorProto& file) {
    auto* const field = file.mutable_message_type(0)->add_field();
    field->set_name("more");
    field->set_number(4);
    field->set_type(google::protobuf::FieldDescriptorProto::TYPE_BOOL);
    field->set_label(google::protobuf::FieldDescriptorProto::LABEL_OPTIONAL);
  });
  const WireDifference difference = Compare(Frozen(), changed);
  EXPECT_THAT(difference.broken, IsEmpty());
  EXPECT_THAT(difference.added, ElementsAre("field grange.v1.Assignment.more = 4 bool"));
}

TEST(FrozenWireTest, WhatIsPrintedIsReadAgain) {
  const WireText text = Compiled();
  EXPECT_THAT(text, Not(IsEmpty()));
  EXPECT_EQ(ParseWireText(Print(text)), text);
}

}  // namespace
}  // namespace grange
