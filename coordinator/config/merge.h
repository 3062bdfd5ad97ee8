#ifndef GRANGE_COORDINATOR_CONFIG_MERGE_H_
#define GRANGE_COORDINATOR_CONFIG_MERGE_H_

#include "coordinator/config/value.h"

namespace grange::config {

// `over` laid on `base`, the one rule of `include` and `extends`: maps merge key by key at any
// depth, anything else is replaced; a key that is null in `over` removes that of `base`. Each
// value keeps its place. nullptr once more than kVisitsMax values were made by merging.
const Value* MergeDeep(const Value* base, const Value* over, ValueArena& arena);

}  // namespace grange::config

#endif  // GRANGE_COORDINATOR_CONFIG_MERGE_H_
