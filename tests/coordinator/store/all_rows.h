#ifndef GRANGE_TESTS_COORDINATOR_STORE_ALL_ROWS_H_
#define GRANGE_TESTS_COORDINATOR_STORE_ALL_ROWS_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "coordinator/store/store.h"

namespace grange::store {

// Fills a store with rows of each table: `count` pipelines with two jobs each. `project` exists.
void FillStore(Store& store, ProjectId project, int count);

// Everything that a store that FillStore() has filled says of its rows, by question: what was
// answered, in words, or the error.
using AllRows = std::map<std::string, absl::StatusOr<std::string>>;
AllRows ReadAllRows(Store& store, ProjectId project, int count);

}  // namespace grange::store

#endif  // GRANGE_TESTS_COORDINATOR_STORE_ALL_ROWS_H_
