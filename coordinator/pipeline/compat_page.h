#ifndef GRANGE_COORDINATOR_PIPELINE_COMPAT_PAGE_H_
#define GRANGE_COORDINATOR_PIPELINE_COMPAT_PAGE_H_

#include <span>
#include <string>
#include <vector>

namespace grange::pipeline {

// The text of docs/gitlab-compat.md, made from the table of keywords: for a test that compares it
// with the file, or writes the file anew.
std::string CompatPage();

// Where we knowingly differ from GitLab's test data for its schema: jobs of its negative files that
// are accepted, and of its positive ones that are refused. conformance_test.cc holds us to it.
struct SchemaDifference {
  std::string file;  // "negative/image.yml"
  std::vector<std::string> jobs;
  std::string reason;
};
std::span<const SchemaDifference> SchemaDifferences();

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_COMPAT_PAGE_H_
