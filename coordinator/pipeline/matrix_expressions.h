#ifndef GRANGE_COORDINATOR_PIPELINE_MATRIX_EXPRESSIONS_H_
#define GRANGE_COORDINATOR_PIPELINE_MATRIX_EXPRESSIONS_H_

#include <string>
#include <vector>

#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/problems.h"

namespace grange::pipeline {

// Replaces `$[[ matrix.NAME ]]` in `needs:parallel:matrix` of one job by what `row` of its own
// matrix has under the name. `row` is nullptr for a job without `parallel:matrix`, which can't use
// them; that, and a name that the row does not have, is reported of the job `name`, and the need
// goes.
void ResolveMatrixExpressions(const std::string& name, const MatrixRow* row,
                              std::vector<NeedDraft>& needs, Problems& problems);

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_MATRIX_EXPRESSIONS_H_
