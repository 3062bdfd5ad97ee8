#ifndef GRANGE_COORDINATOR_PIPELINE_COMPAT_PAGE_H_
#define GRANGE_COORDINATOR_PIPELINE_COMPAT_PAGE_H_

#include <string>

namespace grange::pipeline {

// The text of docs/gitlab-compat.md, made from the table of keywords so that the two can't differ.
std::string CompatPage();

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_COMPAT_PAGE_H_
