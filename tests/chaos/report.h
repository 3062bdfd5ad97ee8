#ifndef GRANGE_TESTS_CHAOS_REPORT_H_
#define GRANGE_TESTS_CHAOS_REPORT_H_

#include <string>

#include "absl/time/time.h"
#include "tests/chaos/ledger.h"

namespace grange::chaos {

// The table at the end of a run. Pure.
std::string ReportOf(const Tally& tally, uint64_t seed, absl::Duration took);

}  // namespace grange::chaos

#endif  // GRANGE_TESTS_CHAOS_REPORT_H_
