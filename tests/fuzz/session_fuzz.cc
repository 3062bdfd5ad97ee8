// Whole sessions of up to three agents that say whatever they like in any order, beside people and
// the time: the hub, its decoding and the scheduler behind it. What must hold after each step is
// in whole_hub.cc; at the end of each input every job must still come to its end.

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "common/base/crc32c.h"
#include "common/os/sha256.h"
#include "tests/fuzz/byte_reader.h"
#include "tests/fuzz/whole_hub.h"

namespace {

namespace schedule = grange::schedule;
namespace v1 = grange::v1;
using grange::AgentId;
using grange::JobId;
using grange::fuzz::ByteReader;
using grange::fuzz::WholeHub;

constexpr size_t kStreamsMax = 40;

uint64_t Number(ByteReader& input) {
  switch (const uint8_t kind = input.Byte(); kind % 16) {
    case 0:
      return ~uint64_t{0} - input.Byte();
    case 1:
      return (uint64_t{1} << 63) + input.Byte();
    case 2:
      return (uint64_t{1} << 62) + input.Byte();
    case 3:
      return (uint64_t{1} << 53) + input.Byte();
    case 4:
      return (uint64_t{1} << 32) - 1 + input.Byte();
    default:
      return kind / 16;
  }
}

class Player {
 public:
  explicit Player(ByteReader& input) : input_(input) {}

  void Play() {
    while (!input_.empty()) Step();
    hub_.Heal();
  }

 private:
  void Step() {
    const uint8_t step = input_.Byte();
    if (step % 16 == 0) return SayHello();
    if (step % 16 == 1) return SayAnyHello();
    if (step % 16 == 2) return PassTime();
    if (step % 16 == 3) return AskSomething();
    if (hub_.streams() == 0) return;
    const size_t stream = input_.Byte() % hub_.streams();
    switch (step % 16) {
      case 4:
        return hub_.EndStream(stream);
      case 5:
        return SayAnything(stream);
      case 6:
      case 7:
        return SendChunk(stream);
      case 8:
      case 9:
        return Obey(stream);
      default:
        return hub_.Message(stream, AboutAJob(step % 16));
    }
  }

  // One that was seen, or something near it, or anything.
  v1::Assignment TakeAssignment() {
    v1::Assignment message;
    const uint8_t which = input_.Byte();
    const std::vector<grange::Assignment>& seen = hub_.seen();
    if (!seen.empty()) {
      const grange::Assignment& one = seen[seen.size() - 1 - which % 64 % seen.size()];
      message.set_job_id(one.job.value());
      message.set_attempt(one.attempt);
      message.set_fence(grange::FenceValue(one.fence));
    }
    if (which < 0xC0) return message;
    if ((which & 1) != 0) message.set_job_id(static_cast<int64_t>(Number(input_)));
    if ((which & 2) != 0) message.set_attempt(static_cast<int32_t>(Number(input_)));
    if ((which & 4) != 0) message.set_fence(Number(input_));
    return message;
  }

  void SayHello() {
    if (hub_.streams() == kStreamsMax) return;
    const uint8_t who = input_.Byte();
    const int agent = who % WholeHub::kAgents;
    v1::Hello hello;
    hello.set_agent_id(agent + 1);
    hello.set_instance_id(std::string(16, static_cast<char>('a' + who / 64)));
    const uint8_t counter = input_.Byte();
    hello.set_session_counter(counter < 0xE0 ? hub_.LastCounter(agent) + 1 : Number(input_));
    hello.set_protocol_min(1);
    hello.set_protocol_max(1);
    const uint8_t jobs = input_.Byte();
    hello.mutable_capacity()->set_slots(1 + jobs / 64);
    for (int i = 0; i < jobs % 8; ++i) {
      v1::JobReport& report = *hello.add_jobs();
      *report.mutable_assignment() = TakeAssignment();
      report.set_phase(static_cast<v1::JobReport::Phase>(input_.Byte() % 7));
      report.set_trace_bytes(Number(input_));
    }
    const int credential = counter % 32 == 31 ? agent + 1 : agent;
    hub_.Open(WholeHub::CredentialOf(credential), std::move(hello));
  }

  void SayAnyHello() {
    if (hub_.streams() == kStreamsMax) return;
    const std::string credential = WholeHub::CredentialOf(input_.Byte() % WholeHub::kAgents);
    v1::Hello hello;
    if (hello.ParseFromString(input_.LongText())) hub_.Open(credential, std::move(hello));
  }

  void SayAnything(size_t stream) {
    v1::AgentMsg message;
    if (message.ParseFromString(input_.LongText())) hub_.Message(stream, std::move(message));
  }

  v1::AgentMsg AboutAJob(int kind) {
    v1::AgentMsg message;
    message.set_seq(input_.Byte());
    switch (kind) {
      case 10:
        *message.mutable_accept()->mutable_assignment() = TakeAssignment();
        break;
      case 11:
        *message.mutable_decline()->mutable_assignment() = TakeAssignment();
        message.mutable_decline()->set_reason(input_.Byte() % 2 == 0 ? "draining" : input_.Text());
        break;
      case 12:
        *message.mutable_started()->mutable_assignment() = TakeAssignment();
        break;
      case 13:
        message.mutable_hello()->set_agent_id(1);
        break;
      default:
        TakeResult(*message.mutable_result());
    }
    return message;
  }

  void TakeResult(v1::JobResult& result) {
    *result.mutable_assignment() = TakeAssignment();
    result.set_reason(static_cast<v1::FailureReason>(input_.Byte() % 24));
    result.set_exit_code(static_cast<int32_t>(Number(input_)));
    const uint8_t text = input_.Byte();
    const std::string trace(text % 32, 'x');
    result.set_trace_bytes(text < 0xC0 ? trace.size() : Number(input_));
    result.set_trace_sha256(text % 8 == 7 ? input_.Text() : grange::os::Sha256Of(trace));
    if (text % 16 == 3) result.set_detail(input_.Text());
    result.set_cpu_ms(static_cast<int64_t>(Number(input_)));
    result.set_dropped_bytes(Number(input_));
  }

  void SendChunk(size_t stream) {
    v1::TraceChunk chunk;
    *chunk.mutable_assignment() = TakeAssignment();
    chunk.set_offset(Number(input_));
    const uint8_t kind = input_.Byte();
    chunk.set_data(std::string(kind % 32, 'x'));
    chunk.set_crc32c(grange::Crc32c(chunk.data()) + (kind >= 0xF0 ? 1 : 0));
    hub_.Chunk(stream, std::move(chunk));
  }

  // The agent does with the first of its messages what it should.
  void Obey(size_t stream) {
    const uint8_t how = input_.Byte();
    for (const v1::HubMsg& said : hub_.stream(stream).TakeSent()) {
      v1::AgentMsg answer;
      if (said.has_offer()) {
        *answer.mutable_accept()->mutable_assignment() = said.offer().assignment();
      } else if (said.has_start() && how % 2 == 0) {
        *answer.mutable_started()->mutable_assignment() = said.start().assignment();
      } else if (said.has_start() || said.has_cancel()) {
        v1::JobResult& result = *answer.mutable_result();
        *result.mutable_assignment() =
            said.has_start() ? said.start().assignment() : said.cancel().assignment();
        result.set_reason(static_cast<v1::FailureReason>(1 + how / 2 % 17));
        result.set_exit_code(how / 64);
        result.set_trace_sha256(grange::os::Sha256Of(""));
      } else {
        continue;
      }
      hub_.Message(stream, std::move(answer));
    }
  }

  void PassTime() {
    switch (input_.Byte() % 4) {
      case 0:
        return hub_.PassTime(absl::Seconds(1));
      case 1:
        return hub_.PassTime(absl::Seconds(31));
      case 2:
        return hub_.PassTime(absl::Minutes(6));
      default:
        return hub_.PassTime(absl::Milliseconds(input_.Byte()));
    }
  }

  void AskSomething() {
    const uint8_t what = input_.Byte();
    const JobId job(1 + what / 8 % WholeHub::kJobs);
    switch (what % 8) {
      case 0:
        return hub_.Request(schedule::CancelJob{job});
      case 1:
        return hub_.Request(schedule::RetryJob{job});
      case 2:
        return hub_.Request(schedule::PlayJob{job});
      case 3:
        return hub_.Request(schedule::CancelPipeline{grange::PipelineId(1)});
      case 4:
        return hub_.Request(schedule::OffersPaused{what >= 0x80 ? "the disk is full" : ""});
      case 5:
        return hub_.Request(schedule::JobUnofferable{
            hub_.seen().empty() ? grange::Assignment{} : hub_.seen().back(), "too large"});
      default:
        return hub_.Request(
            schedule::AgentDrainChanged{AgentId(1 + what / 8 % WholeHub::kAgents), what % 8 == 6});
    }
  }

  ByteReader& input_;
  WholeHub hub_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ByteReader input(data, size);
  Player(input).Play();
  return 0;
}
