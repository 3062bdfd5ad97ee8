#include "coordinator/pipeline/parallel.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/pipeline/limits.h"
#include "coordinator/pipeline/matrix_expressions.h"

namespace grange::pipeline {
namespace {

// One instance of a job.
struct Instance {
  std::string name;
  std::map<std::string, std::string> row;  // of the matrix
};
using Instances = absl::flat_hash_map<std::string, std::vector<Instance>>;  // by the job's name

std::map<std::string, std::string> ToMap(const MatrixRow& row) {
  std::map<std::string, std::string> map;
  for (const Variable& variable : row) map[variable.name] = variable.value;
  return map;
}

std::string ValuesOf(const MatrixRow& row) {
  return absl::StrJoin(row, ", ", [](std::string* out, const Variable& variable) {
    absl::StrAppend(out, variable.value);
  });
}

std::string InstanceName(const JobDraft& job, int index) {
  const Parallel& parallel = *job.parallel;
  if (parallel.matrix.empty()) {
    return absl::StrCat(job.name, " ", index + 1, "/", parallel.count);
  }
  return absl::StrCat(job.name, ": [", ValuesOf(parallel.matrix[static_cast<size_t>(index)]), "]");
}

// Later ones win: what the job itself says of them goes.
void Put(std::vector<Variable>& variables, Variable variable) {
  std::erase_if(variables, [&](const Variable& one) { return one.name == variable.name; });
  variables.push_back(std::move(variable));
}

JobDraft MakeInstance(const JobDraft& job, int index, Problems& problems) {
  JobDraft instance = job;
  instance.name = InstanceName(job, index);
  instance.parallel.reset();
  if (!job.parallel->matrix.empty()) {
    for (const Variable& variable : job.parallel->matrix[static_cast<size_t>(index)]) {
      Put(instance.variables, variable);
    }
  }
  if (instance.needs.has_value()) {
    const std::vector<MatrixRow>& matrix = job.parallel->matrix;
    const MatrixRow* row = matrix.empty() ? nullptr : &matrix[static_cast<size_t>(index)];
    ResolveMatrixExpressions(job.name, row, *instance.needs, problems);
  }
  Put(instance.variables, {.name = "CI_JOB_GROUP_NAME", .value = job.name, .expand = false});
  Put(instance.variables, {.name = "CI_NODE_INDEX", .value = absl::StrCat(index + 1)});
  Put(instance.variables, {.name = "CI_NODE_TOTAL", .value = absl::StrCat(job.parallel->count)});
  return instance;
}

void CheckInstanceName(const JobDraft& instance, Problems& problems) {
  const size_t limit = instance.needs.has_value() ? kJobNameWithNeedsMax : kJobNameMax;
  if (instance.name.size() <= limit) return;
  problems.Error(instance.place,
                 absl::StrCat("the instance '", instance.name.substr(0, 60), "…' of a job with ",
                              "'parallel' has a name of ", instance.name.size(),
                              " bytes; the limit is ", limit));
}

// The instances that the need means; empty, reported, if one of its rows is of none.
std::vector<const Instance*> Meant(const JobDraft& job, const NeedDraft& need,
                                   const std::vector<Instance>& instances, Problems& problems) {
  std::vector<const Instance*> meant;
  if (need.matrix.empty()) {
    for (const Instance& instance : instances) meant.push_back(&instance);
    return meant;
  }
  for (const MatrixRow& row : need.matrix) {
    const auto found =
        std::find_if(instances.begin(), instances.end(),
                     [wanted = ToMap(row)](const Instance& one) { return one.row == wanted; });
    if (found == instances.end()) {
      problems.Error(need.place, absl::StrCat("job '", job.name, "' needs '", need.need.job, ": [",
                                              ValuesOf(row), "]', which is not in the matrix of '",
                                              need.need.job, "'"));
      return {};
    }
    meant.push_back(&*found);
  }
  return meant;
}

// Names of jobs without instances.
using Singles = absl::flat_hash_set<std::string>;

void ExpandNeeds(const JobDraft& job, const Instances& instances, const Singles& singles,
                 std::vector<NeedDraft>& needs, Problems& problems) {
  std::vector<NeedDraft> expanded;
  for (NeedDraft& need : needs) {
    const auto found = instances.find(need.need.job);
    if (found == instances.end()) {
      if (!need.matrix.empty() && singles.contains(need.need.job)) {
        problems.Error(need.place,
                       absl::StrCat("job '", job.name, "' needs instances of '", need.need.job,
                                    "', which has no 'parallel:matrix'; remove 'parallel' here"));
      }
      expanded.push_back(std::move(need));
      continue;
    }
    for (const Instance* instance : Meant(job, need, found->second, problems)) {
      expanded.push_back(need);
      expanded.back().need.job = instance->name;
    }
  }
  needs = std::move(expanded);
}

void ExpandDependencies(JobDraft& job, const Instances& instances) {
  if (!job.dependencies.has_value()) return;
  std::vector<Named> names;
  for (Named& name : *job.dependencies) {
    const auto found = instances.find(name.name);
    if (found == instances.end()) {
      names.push_back(std::move(name));
      continue;
    }
    for (const Instance& instance : found->second) names.push_back({instance.name, name.place});
  }
  job.dependencies = std::move(names);
}

}  // namespace

void ExpandParallel(std::vector<JobDraft>& jobs, Problems& problems) {
  Instances instances;
  Singles singles;
  size_t count = 0;
  for (const JobDraft& job : jobs) {
    count += job.parallel.has_value() ? static_cast<size_t>(job.parallel->count) : 1;
  }
  std::vector<JobDraft> expanded;
  expanded.reserve(std::min(count, kJobsMax));
  for (JobDraft& job : jobs) {
    if (!job.parallel.has_value()) {
      if (job.needs.has_value()) ResolveMatrixExpressions(job.name, nullptr, *job.needs, problems);
      if (!job.broken) singles.insert(job.name);
      expanded.push_back(std::move(job));
      continue;
    }
    if (expanded.size() + static_cast<size_t>(job.parallel->count) > kJobsMax) {
      problems.Error(job.parallel->place,
                     absl::StrCat("with the instances of job '", job.name, "' there are more than ",
                                  kJobsMax, " jobs; make fewer"));
      return;
    }
    std::vector<Instance>& of_job = instances[job.name];
    absl::flat_hash_set<std::string> names;
    for (int i = 0; i < job.parallel->count; ++i) {
      expanded.push_back(MakeInstance(job, i, problems));
      CheckInstanceName(expanded.back(), problems);
      if (!names.insert(expanded.back().name).second) {
        problems.Error(job.parallel->place,
                       absl::StrCat("job '", job.name, "': two of its instances are '",
                                    expanded.back().name, "'; each needs other values"));
      }
      of_job.push_back({expanded.back().name, {}});
      if (!job.parallel->matrix.empty()) {
        of_job.back().row = ToMap(job.parallel->matrix[static_cast<size_t>(i)]);
      }
    }
  }
  for (JobDraft& job : expanded) {
    if (job.needs.has_value()) ExpandNeeds(job, instances, singles, *job.needs, problems);
    if (job.rules.has_value()) {
      for (Rule& rule : *job.rules) {
        if (rule.needs.has_value()) ExpandNeeds(job, instances, singles, *rule.needs, problems);
      }
    }
    ExpandDependencies(job, instances);
  }
  jobs = std::move(expanded);
}

}  // namespace grange::pipeline
