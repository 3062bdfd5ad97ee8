// Every call and every role: who may do what, in one table. A call that is not in it fails the test.
#include <google/protobuf/descriptor.h>
#include <gmock/gmock.h>
#include <grpcpp/generic/generic_stub.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/coordinator/control/control_fixture.h"

namespace grange::control {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What a call needs at least.
const std::map<std::string, Role>& CallTable() {
  static const std::map<std::string, Role> table = {
      {"Submit", Role::kDeveloper},         {"Git", Role::kDeveloper},
      {"Watch", Role::kViewer},             {"Logs", Role::kViewer},
      {"ListPipelines", Role::kViewer},     {"ListCommits", Role::kViewer},
      {"ListJobs", Role::kViewer},          {"GetJob", Role::kViewer},
      {"Why", Role::kViewer},               {"ListAgents", Role::kViewer},
      {"CancelPipeline", Role::kDeveloper}, {"RetryPipeline", Role::kDeveloper},
      {"CancelJob", Role::kDeveloper},      {"RetryJob", Role::kDeveloper},
      {"PlayJob", Role::kDeveloper},        {"ChangeAgent", Role::kAdmin},
      {"CreateToken", Role::kAdmin},        {"ListTokens", Role::kAdmin},
      {"RevokeToken", Role::kAdmin},        {"SetProject", Role::kAdmin},
      {"GetProject", Role::kViewer},        {"SetVariable", Role::kAdmin},
      {"ListVariables", Role::kAdmin},      {"RemoveVariable", Role::kAdmin},
      {"ListAudit", Role::kAdmin},          {"CreateBackup", Role::kAdmin},
      {"ServerInfo", Role::kViewer},        {"PinPipeline", Role::kDeveloper},
      {"Usage", Role::kViewer},             {"Sweep", Role::kAdmin},
  };
  return table;
}

class CallTableTest : public ControlFixture {
 protected:
  CallTableTest() : ControlFixture(/*wrong_tokens=*/1 << 20) {}  // each call is tried with one

  // One empty message and the end; what the call answers. Works for each kind of stream.
  grpc::Status Call(const std::string& method, const std::string& token) {
    grpc::GenericStub stub(channel_);
    grpc::CompletionQueue queue;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(30));
    if (!token.empty()) rpc::AddBearer(context, token);
    const auto call =
        stub.PrepareCall(&context, absl::StrCat("/grange.v1.Control/", method), &queue);
    const auto wait = [&queue] {
      void* tag = nullptr;
      bool ok = false;
      return queue.Next(&tag, &ok) && ok;
    };
    call->StartCall(nullptr);
    if (wait()) {
      const grpc::ByteBuffer empty(nullptr, 0);
      call->Write(empty, grpc::WriteOptions().set_last_message(), nullptr);
      wait();
    }
    bool more = true;
    while (more) {
      grpc::ByteBuffer answer;
      call->Read(&answer, nullptr);
      more = wait();
    }
    grpc::Status status;
    call->Finish(&status, nullptr);
    wait();
    queue.Shutdown();
    while (wait()) {
    }
    return status;
  }
};

TEST_F(CallTableTest, HasEachCallOfTheService) {
  const google::protobuf::ServiceDescriptor* service =
      v1::SubmitRequest::descriptor()->file()->FindServiceByName("Control");
  ASSERT_NE(service, nullptr);
  for (int i = 0; i < service->method_count(); ++i) {
    EXPECT_TRUE(CallTable().contains(service->method(i)->name())) << service->method(i)->name();
  }
  EXPECT_EQ(static_cast<int>(CallTable().size()), service->method_count());
}

TEST_F(CallTableTest, LetsEachRoleDoWhatItMayAndNothingElse) {
  for (const auto& [method, needed] : CallTable()) {
    EXPECT_EQ(Call(method, "").error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
    EXPECT_EQ(Call(method, "grange-u-unknown").error_code(), grpc::StatusCode::UNAUTHENTICATED)
        << method;
  }
  for (const Role role : {Role::kViewer, Role::kDeveloper, Role::kAdmin}) {
    for (const auto& [method, needed] : CallTable()) {
      const std::string token = MakeToken(std::string(RoleName(role)));
      const grpc::Status status = Call(method, token);
      const bool denied = status.error_code() == grpc::StatusCode::PERMISSION_DENIED;
      EXPECT_EQ(denied, role < needed) << method << " by " << RoleName(role) << ": "
                                       << status.error_message();
      EXPECT_NE(status.error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
    }
  }
}

TEST_F(CallTableTest, ARevokedTokenMayNothing) {
  const std::string token = MakeToken("admin");
  const store::TokenRow row = *store().FindToken(rpc::TokenHash(token));
  ASSERT_TRUE(store().RevokeToken(row.id).ok());
  for (const auto& [method, needed] : CallTable()) {
    EXPECT_EQ(Call(method, token).error_code(), grpc::StatusCode::UNAUTHENTICATED) << method;
  }
}

class AuditTest : public ControlFixture {
 protected:
  std::vector<std::string> Texts(const std::string& user = "") {
    std::vector<std::string> texts;
    const auto rows = store().ListAudit(100, 0, user);
    EXPECT_TRUE(rows.ok()) << rows.status();
    for (const store::AuditRow& row : *rows) texts.push_back(row.text);
    return texts;
  }
};

TEST_F(AuditTest, SaysWhoDidWhatWhenAndFromWhere) {
  v1::SetVariableRequest request;
  request.set_project("portal");
  request.set_name("KEY");
  request.set_value("hush-hush");
  request.set_request_key("key-1");
  EXPECT_THAT(Do(&v1::Control::Stub::SetVariable, request, admin_), HasSubstr("OK"));
  const auto rows = store().ListAudit(10, 0, "");
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->size(), 1u);
  const store::AuditRow& row = rows->front();
  EXPECT_EQ(row.actor.user, "admin");
  EXPECT_EQ(row.actor.call, "set-variable");
  EXPECT_THAT(row.actor.peer, HasSubstr("127.0.0.1:"));
  EXPECT_EQ(row.at, clock().Now());
  EXPECT_EQ(row.text, "project portal: variable KEY is set");
}

TEST_F(AuditTest, HasARepeatedCallOnceAndARefusedOneNot) {
  v1::SetVariableRequest request;
  request.set_project("portal");
  request.set_name("KEY");
  request.set_request_key("key-1");
  Do(&v1::Control::Stub::SetVariable, request, admin_);
  Do(&v1::Control::Stub::SetVariable, request, admin_);
  request.set_name("not a name");
  request.set_request_key("key-2");
  Do(&v1::Control::Stub::SetVariable, request, admin_);
  request.set_name("OTHER");
  request.set_request_key("key-3");
  Do(&v1::Control::Stub::SetVariable, request, MakeToken("viewer"));
  EXPECT_THAT(Texts(), ElementsAre("project portal: variable KEY is set"));
}

TEST_F(AuditTest, HasChangesWithoutARequestKeyAndThoseOfTheCore) {
  v1::JobAction retry;
  retry.set_job_id(5);
  Do(&v1::Control::Stub::RetryJob, retry, admin_);
  v1::SetProjectRequest set;
  set.set_project("portal");
  set.set_key("timeout");
  set.set_value("1h");
  Do(&v1::Control::Stub::SetProject, set, admin_);
  EXPECT_THAT(Texts(), ElementsAre("project portal: timeout is set", "job 5 runs again"));
  EXPECT_THAT(Texts("somebody else"), ElementsAre());
}

class DrainTest : public ControlFixture {
 protected:
  void SetUp() override {
    ControlFixture::SetUp();
    if (IsSkipped()) return;
    store::TokenRow token;
    token.hash = rpc::TokenHash("registration");
    token.uses_left = 1;
    ASSERT_TRUE(store().CreateToken(token, "").ok());
    agent_.name = "oak";
    agent_.credential_hash = rpc::TokenHash("credential");
    agent_.version = "0.1.0";
    ASSERT_TRUE(store().RegisterAgent(token.hash, "", clock().Now(), agent_).ok());
    backend_->agents = {
        {.id = agent_.id, .connected = true, .jobs = {}, .features = {"drain_deadline"}}};
  }
  std::string Drain(absl::Duration deadline) {
    v1::AgentAction request;
    request.set_agent("oak");
    request.set_kind(v1::AgentAction::KIND_DRAIN);
    request.set_deadline_ms(absl::ToInt64Milliseconds(deadline));
    return Do(&v1::Control::Stub::ChangeAgent, request, admin_);
  }
  v1::Agent Listed() {
    grpc::ClientContext context;
    rpc::AddBearer(context, admin_);
    v1::ListAgentsReply reply;
    EXPECT_TRUE(stub_->ListAgents(&context, v1::ListAgentsRequest(), &reply).ok());
    return reply.agents_size() == 1 ? reply.agents(0) : v1::Agent();
  }
  store::AgentRow agent_;
};

TEST_F(DrainTest, SaysUntilWhenAndShowsItUntilTheNextOne) {
  const absl::Time until = clock().Now() + absl::Minutes(30);
  EXPECT_THAT(
      Drain(absl::Minutes(30)),
      HasSubstr(absl::StrCat("OK: agent oak gets no new jobs; what still runs on it at ",
                             absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", until, absl::UTCTimeZone()))));
  EXPECT_EQ(Listed().drain_until_ms(), absl::ToUnixMillis(until));
  EXPECT_THAT(Drain(absl::ZeroDuration()), HasSubstr("go on to their end"));
  EXPECT_EQ(Listed().drain_until_ms(), 0);
}

TEST_F(DrainTest, RefusesADeadlineThatAnOlderAgentWouldPassOver) {
  backend_->agents[0].features = {"job_limits"};
  EXPECT_THAT(Drain(absl::Minutes(30)),
              HasSubstr("agent 'oak' is of version 0.1.0 and lacks 'drain_deadline': upgrade it"));
  EXPECT_FALSE(store().GetAgent(agent_.id)->draining);
  EXPECT_THAT(Drain(absl::ZeroDuration()), HasSubstr("OK"));
  backend_->agents[0].connected = false;  // it may come back as a newer one
  EXPECT_THAT(Drain(absl::Minutes(30)), HasSubstr("OK"));
}

TEST_F(DrainTest, RefusesADeadlineThatIsNone) {
  EXPECT_THAT(Drain(absl::Hours(-1)), HasSubstr("at most 30 days"));
  EXPECT_THAT(Drain(absl::Hours(24 * 31)), HasSubstr("at most 30 days"));
  EXPECT_FALSE(store().GetAgent(agent_.id)->draining);
}

class TokenTest : public ControlFixture {
 protected:
  grpc::Status Create(const v1::CreateTokenRequest& request) {
    grpc::ClientContext context;
    rpc::AddBearer(context, admin_);
    v1::CreateTokenReply reply;
    return stub_->CreateToken(&context, request, &reply);
  }
};

TEST_F(TokenTest, T1ABadRangeOfAddressesIsRefusedWhenItIsSetNamingIt) {
  v1::CreateTokenRequest request;
  request.set_registration(true);
  request.add_from("10.1.0.0/16");
  request.add_from("10.1.2.3/16");
  const grpc::Status refused = Create(request);
  EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("'10.1.2.3/16' is no range of addresses"));
  request.clear_from();
  for (int i = 0; i < 33; ++i) request.add_from("10.1.0.0/16");
  EXPECT_THAT(Create(request).error_message(), HasSubstr("at most 32 ranges"));

  v1::CreateTokenRequest user;
  user.set_user("ada");
  user.set_role("viewer");
  user.add_from("10.1.0.0/16");
  EXPECT_THAT(Create(user).error_message(), HasSubstr("--from goes with --registration"));
  EXPECT_THAT(*store().ListTokens(), ::testing::SizeIs(1));  // the caller's
}

TEST_F(TokenTest, T1TheRangesOfATokenAreListedAndAudited) {
  v1::CreateTokenRequest request;
  request.set_registration(true);
  request.add_from("10.1.0.0/16");
  request.add_from("2001:0db8::/32");
  ASSERT_TRUE(Create(request).ok());

  grpc::ClientContext context;
  rpc::AddBearer(context, admin_);
  v1::ListTokensReply reply;
  ASSERT_TRUE(stub_->ListTokens(&context, v1::ListTokensRequest(), &reply).ok());
  ASSERT_EQ(reply.tokens_size(), 2);
  EXPECT_THAT(reply.tokens(1).from(), ElementsAre("10.1.0.0/16", "2001:db8::/32"));
  EXPECT_EQ(reply.tokens(1).uses_left(), 1);  // by default one use
  EXPECT_EQ(absl::FromUnixMillis(reply.tokens(1).expires_ms()), clock().Now() + absl::Hours(1));
  EXPECT_THAT(store().ListAudit(1, 0, "")->front().text,
              HasSubstr("for 1 agent from 10.1.0.0/16, 2001:db8::/32, is made"));
}

}  // namespace
}  // namespace grange::control
