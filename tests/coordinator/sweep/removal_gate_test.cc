#include "coordinator/sweep/removal_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

namespace grange::sweep {
namespace {

TEST(RemovalGateTest, WhatIsUsedIsNotRemoved) {
  RemovalGate gate;
  auto use = std::make_unique<RemovalGate::Use>(gate, PipelineId(1));
  {
    const RemovalGate::Closed closed(gate, {PipelineId(1), PipelineId(2)});
    EXPECT_FALSE(closed.Has(PipelineId(1)));
    EXPECT_TRUE(closed.Has(PipelineId(2)));
    const RemovalGate::Use other(gate, PipelineId(3));  // doesn't wait
  }
  use.reset();
  const RemovalGate::Closed closed(gate, {PipelineId(1)});
  EXPECT_TRUE(closed.Has(PipelineId(1)));
}

TEST(RemovalGateTest, AUseWaitsUntilTheRemovalIsOver) {
  RemovalGate gate;
  std::atomic<bool> removed = false;
  auto closed = std::make_unique<RemovalGate::Closed>(
      gate, std::vector<PipelineId>{PipelineId(1)});
  std::thread person([&] {
    const RemovalGate::Use use(gate, PipelineId(1));
    EXPECT_TRUE(removed);
  });
  removed = true;
  closed.reset();
  person.join();
}

}  // namespace
}  // namespace grange::sweep
