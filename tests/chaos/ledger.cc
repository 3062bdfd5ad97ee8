#include "tests/chaos/ledger.h"

#include <cstdio>

#include "absl/strings/str_cat.h"

namespace grange::chaos {
namespace {

constexpr size_t kFindingsMax = 200;

// At once: a run may take hours.
void Say(const std::string& finding) { std::fprintf(stderr, "found: %s\n", finding.c_str()); }

}  // namespace

void Ledger::NoteInjected(FaultKind kind) {
  base::MutexLock lock(mu_);
  ++tally_.injected[kind];
}

void Ledger::NoteSkipped(FaultKind kind, const std::string& why) {
  base::MutexLock lock(mu_);
  auto& [count, reason] = tally_.skipped[kind];
  ++count;
  reason = why;
}

void Ledger::NoteSettled(FaultKind kind, absl::Duration after) {
  base::MutexLock lock(mu_);
  tally_.seconds[kind].push_back(absl::ToDoubleSeconds(after));
}

void Ledger::NoteReady(absl::Duration after) {
  base::MutexLock lock(mu_);
  tally_.ready_seconds.push_back(absl::ToDoubleSeconds(after));
}

void Ledger::NotePipeline() {
  base::MutexLock lock(mu_);
  ++tally_.pipelines;
}

void Ledger::NoteJob(int attempts, const Verdict& verdict) {
  for (const std::string& text : verdict.texts) Say(text);
  base::MutexLock lock(mu_);
  ++tally_.jobs;
  tally_.attempts += attempts;
  tally_.lost += verdict.lost;
  tally_.twice += verdict.twice;
  tally_.unequal += verdict.unequal;
  for (const std::string& text : verdict.texts) Find(text);
}

void Ledger::NoteFollowed(const std::string& difference) {
  if (!difference.empty()) Say(difference);
  base::MutexLock lock(mu_);
  ++tally_.followed;
  if (difference.empty()) return;
  ++tally_.unequal;
  Find(difference);
}

void Ledger::NoteLost(const std::string& text) {
  Say(text);
  base::MutexLock lock(mu_);
  ++tally_.lost;
  Find(text);
}

void Ledger::NoteOther(const std::string& text) {
  Say(text);
  base::MutexLock lock(mu_);
  ++tally_.other;
  Find(text);
}

void Ledger::NoteKept(const std::string& folder) {
  base::MutexLock lock(mu_);
  tally_.kept.push_back(folder);
}

Tally Ledger::tally() const {
  base::MutexLock lock(mu_);
  return tally_;
}

void Ledger::Find(const std::string& text) {
  if (tally_.findings.size() < kFindingsMax) tally_.findings.push_back(text);
}

}  // namespace grange::chaos
