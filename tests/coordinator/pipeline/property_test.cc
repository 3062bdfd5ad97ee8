// What holds for any configuration and any expression, tried on random ones of a fixed seed.

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/config/source_tree.h"
#include "coordinator/pipeline/compile.h"
#include "coordinator/pipeline/expression.h"
#include "coordinator/pipeline/pattern.h"
#include "coordinator/pipeline/scope.h"
#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  // From 0 to `count` - 1.
  size_t Below(size_t count) { return engine_() % count; }
  bool Chance(size_t percent) { return Below(100) < percent; }
  template <typename T>
  const T& Of(const std::vector<T>& all) {
    return all[Below(all.size())];
  }

 private:
  std::mt19937_64 engine_;
};

// ---- graphs

// Jobs in random stages with random needs: most to earlier jobs, some against the rules.
std::string RandomConfig(Random& random) {
  const size_t stages = 1 + random.Below(5), jobs = 1 + random.Below(15);
  std::vector<std::string> names;
  std::string text = "stages: [";
  for (size_t i = 0; i < stages; ++i) absl::StrAppend(&text, i > 0 ? ", " : "", "s", i);
  text += "]\n";
  for (size_t j = 0; j < jobs; ++j) {
    absl::StrAppend(&text, "j", j, ": {script: x, stage: s", random.Below(stages));
    if (random.Chance(50)) {
      std::vector<std::string> needs;
      for (size_t n = random.Below(4); n > 0; --n) {
        const size_t target = random.Chance(85) && j > 0 ? random.Below(j) : random.Below(jobs);
        needs.push_back(absl::StrCat("{job: j", target, ", optional: ",
                                     random.Chance(30) ? "true" : "false", "}"));
      }
      absl::StrAppend(&text, ", needs: [", absl::StrJoin(needs, ", "), "]");
    }
    if (random.Chance(20)) absl::StrAppend(&text, ", rules: [{if: $NO}]");
    text += "}\n";
  }
  return text;
}

bool Reaches(const std::map<std::string, const JobPlan*>& jobs, const std::string& from,
             const std::string& to, int depth) {
  if (depth > 20) return true;
  for (const Need& need : jobs.at(from)->needs.value_or(std::vector<Need>())) {
    if (need.job == to || Reaches(jobs, need.job, to, depth + 1)) return true;
  }
  return false;
}

TEST(PropertyTest, NeedsOfAGraphAreAcyclicAndRespectTheStages) {
  Random random(20261);
  int graphs = 0;
  for (int round = 0; round < 3000; ++round) {
    const std::string text = RandomConfig(random);
    TriggerFacts facts;
    facts.branch = "main";
    const CompileResult result = Compile({"f.yml", text}, config::EmptyTree(), facts);
    if (!result.graph.has_value()) {
      ASSERT_FALSE(result.diagnostics.empty()) << text;
      continue;
    }
    ++graphs;
    std::map<std::string, const JobPlan*> jobs;
    int stage = 0;
    for (const JobPlan& job : result.graph->jobs) {
      jobs[job.name] = &job;
      ASSERT_GE(job.stage_index, stage) << text;  // by stage
      stage = job.stage_index;
    }
    for (const auto& [name, job] : jobs) {
      for (const Need& need : job->needs.value_or(std::vector<Need>())) {
        ASSERT_TRUE(jobs.contains(need.job)) << text;
        ASSERT_LE(jobs[need.job]->stage_index, job->stage_index) << text;
      }
      ASSERT_FALSE(Reaches(jobs, name, name, 0)) << text;
    }
  }
  EXPECT_GT(graphs, 500);  // the test would say nothing if all were refused
}

// ---- expressions

// A value as Ruby has it.
struct Ruby {
  enum class Kind { kNil, kText, kTrue, kFalse } kind = Kind::kNil;
  std::string text;

  bool Truthy() const { return kind == Kind::kText || kind == Kind::kTrue; }
  bool Present() const {
    if (kind != Kind::kText) return kind == Kind::kTrue;
    return !absl::StripAsciiWhitespace(text).empty();
  }
  friend bool operator==(const Ruby&, const Ruby&) = default;
};

Ruby FromBool(bool value) { return {value ? Ruby::Kind::kTrue : Ruby::Kind::kFalse, ""}; }

// An expression as a tree: its text, and its value by the plainest means.
struct Tree {
  std::string op;  // "" for a leaf
  std::string text;
  Ruby value;                // of a leaf
  std::string regex;         // of a leaf that is a pattern, without its slashes
  bool ignore_case = false;  // of the pattern
  std::unique_ptr<Tree> left, right;

  std::string Text() const {
    if (op.empty()) return text;
    return absl::StrCat("(", left->Text(), " ", op, " ", right->Text(), ")");
  }

  Ruby Value() const {
    if (op.empty()) return value;
    const Ruby a = left->Value();
    if (op == "&&") return a.Truthy() ? right->Value() : a;
    if (op == "||") return a.Truthy() ? a : right->Value();
    if (op == "==" || op == "!=") return FromBool((a == right->Value()) == (op == "=="));
    // The patterns are plain letters, so that matching is looking for them.
    std::string in = a.text, what = right->regex;
    if (right->ignore_case) in = absl::AsciiStrToLower(in), what = absl::AsciiStrToLower(what);
    return FromBool(absl::StrContains(in, what) == (op == "=~"));
  }
};

const std::vector<std::pair<std::string, std::string>>& Variables() {
  static const auto* const variables = new std::vector<std::pair<std::string, std::string>>{
      {"A", "abc"}, {"B", "ABC"}, {"EMPTY", ""}, {"BLANK", "  "}, {"N", "1"}, {"T", "true"}};
  return *variables;
}

std::unique_ptr<Tree> RandomLeaf(Random& random) {
  auto leaf = std::make_unique<Tree>();
  switch (random.Below(6)) {
    case 0:
    case 1: {
      const auto& [name, value] = random.Of(Variables());
      leaf->text = "$" + name;
      leaf->value = {Ruby::Kind::kText, value};
      break;
    }
    case 2:
      leaf->text = "$UNDEFINED";
      break;
    case 3:
      leaf->text = "null";
      break;
    default: {
      const std::string value = random.Of<std::string>({"abc", "", "b", "ABC", " ", "true", "1"});
      const char quote = random.Chance(50) ? '"' : '\'';
      leaf->text = absl::StrCat(std::string(1, quote), value, std::string(1, quote));
      leaf->value = {Ruby::Kind::kText, value};
    }
  }
  return leaf;
}

std::unique_ptr<Tree> RandomTree(Random& random, int depth) {
  if (depth == 0 || random.Chance(20)) return RandomLeaf(random);
  auto tree = std::make_unique<Tree>();
  tree->op = random.Of<std::string>({"&&", "||", "&&", "||", "==", "!=", "=~", "!~"});
  const bool logic = tree->op == "&&" || tree->op == "||";
  tree->left = logic ? RandomTree(random, depth - 1) : RandomLeaf(random);
  if (tree->op != "=~" && tree->op != "!~") {
    tree->right = logic ? RandomTree(random, depth - 1) : RandomLeaf(random);
    return tree;
  }
  tree->right = std::make_unique<Tree>();
  tree->right->regex = random.Of<std::string>({"abc", "bc", "ab", "zz"});
  tree->right->ignore_case = random.Chance(40);
  tree->right->text =
      absl::StrCat("/", tree->right->regex, "/", tree->right->ignore_case ? "i" : "");
  return tree;
}

TEST(PropertyTest, ExpressionsMeanWhatAPlainEvaluatorSays) {
  Random random(20262);
  const VariableLayer layer = LayerOf(Variables());
  const Scope scope({&layer});
  PatternCache patterns;
  int holding = 0;
  for (int round = 0; round < 20000; ++round) {
    const std::unique_ptr<Tree> tree = RandomTree(random, 4);
    const std::string text = tree->Text();
    const auto expression = Expression::Parse(text, patterns);
    if (!expression.ok()) {  // only one that is too long
      ASSERT_TRUE(absl::StrContains(expression.status().message(), "100")) << text;
      continue;
    }
    const bool expected = tree->Value().Present();
    ASSERT_EQ((*expression)->Evaluate(scope, patterns).holds, expected) << text;
    holding += expected ? 1 : 0;
  }
  EXPECT_GT(holding, 2000);
}

}  // namespace
}  // namespace grange::pipeline
