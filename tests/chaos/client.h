#ifndef GRANGE_TESTS_CHAOS_CLIENT_H_
#define GRANGE_TESTS_CHAOS_CLIENT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "nlohmann/json.hpp"
#include "tests/chaos/dice.h"
#include "tests/chaos/excuses.h"
#include "tests/chaos/ledger.h"
#include "tests/chaos/workload.h"
#include "tests/support/farm.h"

namespace grange::chaos {

// A person who submits one pipeline after the other while faults happen, follows some logs, and
// looks at the end at all that each pipeline has left. A thread of its own; uses of the farm only
// what other threads may.
class Client {
 public:
  struct Options {
    uint64_t seed = 0;
    int number = 0;          // tells this client from the others
    std::string starts;      // the folder of the marks
    std::string repository;  // with ChaosPipelineFile(), of this client alone
    std::string job_program;
  };

  Client(test::Farm& farm, const Excuses& excuses, Ledger& ledger, Options options);
  ~Client();  // Finish()
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Begins no further pipeline, and returns when the last one has ended and was looked at.
  void Finish();

 private:
  struct Follower;

  void Run();
  void RunPipeline(int round);
  // 0 if the coordinator never took it.
  int64_t Submit(uint64_t seed, int round);
  // Follows one of the jobs' logs from now on.
  std::unique_ptr<Follower> Follow(int64_t pipeline, Dice& dice);
  // The jobs when all have ended; null if they don't.
  nlohmann::json WaitForJobs(int64_t pipeline);
  void Check(const ChaosJob& job, uint64_t seed, int64_t id);
  void CheckFollowed(Follower& follower, uint64_t seed);
  // Answers of grangectl, asked again while the coordinator can't be reached.
  std::string Ask(const std::vector<std::string>& arguments);
  int TakeStarts(const std::string& folder);

  test::Farm& farm_;
  const Excuses& excuses_;
  Ledger& ledger_;
  const Options options_;
  std::atomic<bool> finishing_ = false;
  std::thread thread_;
};

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_CLIENT_H_
