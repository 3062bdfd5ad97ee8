// Headers, inputs and what `$[[ ]]` makes of them, through LoadConfig().
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/config/interpolation_block.h"
#include "coordinator/config/json_text.h"
#include "coordinator/config/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/coordinator/config/config_fixture.h"

namespace grange::config {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// The content of a file below a header with these inputs, as JSON, or its diagnostics.
std::string Compose(const std::string& inputs, const std::string& content,
                    const std::vector<InputText>& given = {}) {
  const MergedConfig config =
      Load({"f.yml", absl::StrCat("spec:\n  inputs: ", inputs, "\n---\n", content, "\n")}, Files{},
           given);
  std::string text;
  for (const std::string& line : Messages(config)) absl::StrAppend(&text, line, "\n");
  if (config.root != nullptr) absl::StrAppend(&text, ToJson(*config.root, 100000).value_or(""));
  return text;
}

TEST(InputsTest, KeepTheirTypeWhereTheyAreTheWholeScalar) {
  EXPECT_EQ(Compose("{s: {default: 'true'}, n: {type: number, default: 3},"
                    " b: {type: boolean, default: yes}, a: {type: array, default: [1, x]}}",
                    "j: {s: '$[[ inputs.s ]]', n: '$[[ inputs.n ]]', b: '$[[inputs.b]]',"
                    " a: '$[[ inputs.a ]]', l: [q, '$[[ inputs.a ]]']}"),
            R"({"j":{"s":"true","n":3,"b":true,"a":[1,"x"],"l":["q",[1,"x"]]}})");
}

TEST(InputsTest, AreTextInsideText) {
  EXPECT_EQ(Compose("{s: {default: x}, n: {type: number, default: 3},"
                    " a: {type: array, default: [1, {k: v}]}}",
                    "j: ['<$[[ inputs.s ]]-$[[ inputs.n ]]>', 'a $[[ inputs.a ]]']"),
            R"({"j":["<x-3>","a [1,{\"k\":\"v\"}]"]})");
}

TEST(InputsTest, StandInKeysToo) {
  EXPECT_EQ(Compose("{s: {default: x}}", "'job-$[[ inputs.s ]]': {'$[[ inputs.s ]]': 1}"),
            R"({"job-x":{"x":1}})");
}

TEST(InputsTest, KeepThePlaceOfTheScalar) {
  const MergedConfig config =
      Load({"f.yml", "spec:\n  inputs:\n    s: {default: x}\n---\nj:\n  k: a $[[ inputs.s ]]\n"},
           Files{});
  ASSERT_NE(config.root, nullptr);
  EXPECT_EQ(config.root->Find("j")->value->Find("k")->value->place.Span().ToString(), "f.yml:6:6");
}

TEST(InputsTest, LeaveMatrixExpressionsAsTheyAre) {
  EXPECT_EQ(Compose("{s: {default: x}}", "j: ['$[[ matrix.A ]]', '$[[ inputs.s ]]$[[matrix.B]]']"),
            R"({"j":["$[[ matrix.A ]]","x$[[matrix.B]]"]})");
}

TEST(InputsTest, LeaveAFileWithoutHeaderAsItIs) {
  const MergedConfig config = Load({"f.yml", "j: $[[ inputs.x ]]\n"}, Files{});
  EXPECT_THAT(Messages(config), ElementsAre("f.yml:1:4: warning: '$[[ ]]' stays as it is: the file "
                                            "has no header with 'spec:inputs'"));
  EXPECT_NE(config.root, nullptr);
}

TEST(InputsTest, TakeFunctions) {
  EXPECT_EQ(Compose("{s: {default: 'aé cd'}, h: {default: 'x-$HOST'}, e: {default: ''}}",
                    "j: ['$[[ inputs.s | truncate(1,2) ]]', '$[[ inputs.s | posix_escape ]]',"
                    " '$[[ inputs.h | expand_vars | truncate(0, 5) ]]',"
                    " '$[[ inputs.e | posix_escape ]]']"),
            "{\"j\":[\"é \",\"a\\\\é\\\\ cd\",\"x-exa\",\"''\"]}");
}

TEST(InputsTest, NameWhatIsWrongWithABlock) {
  const struct {
    const char* block;
    const char* message;
  } kCases[] = {
      {"inputs.nme", "the file has no input 'nme'; did you mean 'name'?"},
      {"input.name", "there is no 'input'; it takes 'inputs', 'component' or 'matrix'"},
      {"name", "names no value"},
      {"inputs.name | upcase", "there is no function 'upcase'"},
      {"inputs.name | truncate(1)", "'truncate' takes two numbers"},
      {"inputs.name | expand_vars(1)", "'expand_vars' takes no arguments"},
      {"inputs.n | posix_escape", "functions take text, but the input is a number"},
      {"component.sha", "the header does not ask for it; add 'spec:component: [sha]'"},
  };
  for (const auto& [block, message] : kCases) {
    EXPECT_THAT(Compose("{name: {default: x}, n: {type: number, default: 1}}",
                        absl::StrCat("j: '$[[ ", block, " ]]'")),
                HasSubstr(absl::StrCat("f.yml:4:4: '$[[ ", block, " ]]': ", message)));
  }
}

TEST(InputsTest, AreGivenAtTheStartOfThePipeline) {
  EXPECT_EQ(Compose("{s: , n: {type: number}, a: {type: array}}",
                    "j: ['$[[ inputs.s ]]', '$[[ inputs.n ]]', '$[[ inputs.a ]]']",
                    {{"s", "\"x\""}, {"n", "2"}, {"a", "[true,{\"k\":null}]"}}),
            R"({"j":["x",2,[true,{"k":null}]]})");
}

TEST(InputsTest, AreCheckedAllAtOnce) {
  const std::string text =
      Compose("\n    s:\n    n: {type: number}\n    o: {options: [aa, bb]}\n    r: {regex: ^v}",
              "j: {}", {{"n", "\"2\""}, {"o", "\"ab\""}, {"r", "\"x\""}, {"q", "1"}});
  EXPECT_EQ(text,
            "f.yml:1:1: 'f.yml' has no input 'q'\n"
            "f.yml:3:5: input 's' of 'f.yml' is required; start the pipeline with a value for it, "
            "or give it a 'default'\n"
            "f.yml:4:5: input 'n' of 'f.yml' must be a number, but it is text\n"
            "f.yml:5:5: input 'o' of 'f.yml' is \"ab\", which is none of its options aa, bb\n"
            "f.yml:6:5: input 'r' of 'f.yml' is \"x\", which does not match its regex '^v'\n");
}

TEST(InputsTest, ComeFromTheInclude) {
  const Files files{{"a.yml", "spec: {inputs: {env: }}\n---\n'd-$[[ inputs.env ]]': {}\n"}};
  const MergedConfig good = Load(
      {"root.yml",
       "include:\n  - {local: a.yml, inputs: {env: x}}\n  - {local: a.yml, inputs: {env: y}}\n"},
      files);
  EXPECT_THAT(Messages(good), IsEmpty());
  EXPECT_EQ(ToJson(*good.root, 1000), R"({"d-x":{},"d-y":{}})");
  const MergedConfig bad = Load(
      {"root.yml", "include:\n  - local: a.yml\n  - {local: a.yml, inputs: {evn: x, env: 1}}\n"},
      files);
  EXPECT_THAT(
      Messages(bad),
      ElementsAre("root.yml:2:5: input 'env' of 'a.yml' is required; give it in 'inputs'",
                  "root.yml:3:29: 'a.yml' has no input 'evn'; did you mean 'env'?",
                  "root.yml:3:37: input 'env' of 'a.yml' must be text, but it is a number; put it "
                  "in quotes"));
}

TEST(InputsTest, AreSeenInTheirOwnFileOnlyAndCanBePassedOn) {
  const Files files{{"a.yml",
                     "spec: {inputs: {x: }}\n---\n"
                     "include: {local: b.yml, inputs: {y: '$[[ inputs.x ]]2'}}\n"},
                    {"b.yml", "spec: {inputs: {y: }}\n---\nj: $[[ inputs.y ]]\n"}};
  const MergedConfig config =
      Load({"root.yml", "include: {local: a.yml, inputs: {x: q}}\n"}, files);
  EXPECT_THAT(Messages(config), IsEmpty());
  EXPECT_EQ(ToJson(*config.root, 1000), R"({"j":"q2"})");
}

TEST(InputsTest, HaveRulesThatLookAtOtherInputs) {
  const std::string inputs =
      "\n    env: {default: dev}"
      "\n    size: {rules: [{if: '$[[ inputs.env ]] == \"prod\"', options: [l, xl], default: l},"
      " {default: s}]}";
  EXPECT_EQ(Compose(inputs, "j: $[[ inputs.size ]]"), R"({"j":"s"})");
  EXPECT_EQ(Compose(inputs, "j: $[[ inputs.size ]]", {{"env", "\"prod\""}}), R"({"j":"l"})");
  EXPECT_THAT(Compose(inputs, "j: {}", {{"env", "\"prod\""}, {"size", "\"s\""}}),
              HasSubstr("input 'size' of 'f.yml' is \"s\", which is none of its options l, xl"));
}

TEST(InputsTest, RefuseRulesInACircle) {
  EXPECT_THAT(Compose("\n    a: {rules: [{if: '$[[ inputs.b ]] == \"x\"', default: x}]}"
                      "\n    b: {rules: [{if: '$[[ inputs.a ]] == \"x\"', default: x}]}",
                      "j: {}"),
              HasSubstr("the rules of inputs go in a circle: a -> b -> a"));
  std::string chain = "\n    i0: {default: x}";
  for (int i = 1; i < 5000; ++i) {
    absl::StrAppend(&chain, "\n    i", i, ": {rules: [{if: '$[[ inputs.i", i - 1,
                    " ]] == \"x\"', default: x}]}");
  }
  EXPECT_THAT(Compose(chain, "j: {}"), HasSubstr("j"));  // in order: each looks at a known one
  std::string backwards = "\n    i0: {default: x}";
  for (int i = 5000; i > 0; --i) {
    absl::StrAppend(&backwards, "\n    i", i, ": {rules: [{if: '$[[ inputs.i", i - 1,
                    " ]] == \"x\"', default: x}]}");
  }
  EXPECT_THAT(Compose(backwards, "j: {}"),
              HasSubstr("the rules of more than 100 inputs look at each other"));
}

TEST(HeaderTest, SaysWhatIsWrongInADeclaration) {
  const struct {
    const char* input;
    const char* message;
  } kCases[] = {
      {"{tpye: string}", "unknown keyword 'tpye' in 'spec:inputs'; did you mean 'type'?"},
      {"{type: integer}", "'type' is string, number, boolean, array, not \"integer\""},
      {"{type: number, default: '1'}", "the default of input 'x' must be a number, but it is text"},
      {"{default: 1}", "must be text, but it is a number; put it in quotes"},
      {"{default: }", "must be text, but it is empty"},
      {"{options: [a], default: b}", "which is none of its options a"},
      {"{options: [1]}", "an option must be text, but this is a number; put it in quotes"},
      {"{type: boolean, options: [true]}", "'options' are for inputs of type string or number"},
      {"{options: []}", "'options' takes a list of values"},
      {"{regex: '('}", "'regex' is no regular expression (RE2): missing )"},
      {"{type: number, regex: x}", "'regex' is for inputs of type string"},
      {"{regex: '^v', default: x}", "does not match its regex '^v'"},
      {"{rules: [{if: x}]}", "each rule needs a 'default'"},
      {"{rules: [{default: a}, {if: x, default: b}]}", "must be the last one"},
      {"{default: a, rules: [{default: a}]}", "'rules' can't stand beside 'default'"},
      {"[a]", "input 'x' takes a map such as {default: x}"},
      {"{type: array, default: !reference [a, b]}", "must be a list, but it is a list"},
  };
  for (const auto& [input, message] : kCases) {
    EXPECT_THAT(Compose(absl::StrCat("{x: ", input, "}"), "j: {}", {{"x", "\"a\""}}),
                HasSubstr(message))
        << input;
  }
}

TEST(HeaderTest, TakesDescriptionsAndComponentWords) {
  const MergedConfig config = Load(
      {"f.yml", absl::StrCat("spec:\n  description: ", std::string(257, 'x'),
                             "\n  component: [name, owner]\n  input: {}\nother: 1\n---\nj: {}\n")},
      Files{});
  EXPECT_THAT(
      Messages(config),
      ElementsAre("f.yml:2:16: 'spec:description' has 257 characters; the limit is 256",
                  "f.yml:3:21: 'spec:component' has 'name', 'sha', 'version' and 'reference', not "
                  "\"owner\"",
                  "f.yml:4:3: unknown keyword 'input' in 'spec'; did you mean 'inputs'?",
                  "f.yml:5:1: 'other' can't stand in the header, which has 'spec' only; put it "
                  "after the '---'"));
}

TEST(HeaderTest, GivesWhatIsKnownOfAComponent) {
  const std::string text =
      "spec: {component: [name, version]}\n---\n"
      "j: '$[[ component.name ]]:$[[ component.version ]]'\n";
  const Files files{{"h/g/name@~latest", text}, {"plain.yml", text}};
  const MergedConfig config = Load({"root.yml", "include: {component: h/g/name@~latest}\n"}, files);
  EXPECT_THAT(Messages(config), IsEmpty());
  EXPECT_EQ(ToJson(*config.root, 1000), R"({"j":"name:1.2.0"})");
  EXPECT_THAT(Messages(Load({"root.yml", "include: plain.yml\n"}, files))[0],
              HasSubstr("the file was not included as a component"));
}

TEST(HeaderTest, IncludesInputsOfOtherFiles) {
  const Files files{{"in.yml", "inputs: {a: {default: '1'}, b: {default: '1'}}\n"},
                    {"g/n@main:in.yml", "inputs: {c: {default: '3'}}\n"},
                    {"bad.yml", "inputs: {}\nother: 1\n"}};
  const MergedConfig config = Load({"root.yml",
                                    "spec:\n  include: [in.yml, {project: g/n, file: in.yml}]\n"
                                    "  inputs: {b: {default: '2'}}\n---\n"
                                    "j: $[[ inputs.a ]]$[[ inputs.b ]]$[[ inputs.c ]]\n"},
                                   files);
  EXPECT_THAT(Messages(config), IsEmpty());
  EXPECT_EQ(ToJson(*config.root, 1000), R"({"j":"123"})");
  EXPECT_THAT(Messages(Load({"root.yml",
                             "spec: {include: [bad.yml, {template: x.yml},"
                             " {local: in.yml, inputs: {}}]}\n---\nj: {}\n"},
                            files)),
              ElementsAre(HasSubstr("has one key, 'inputs', and nothing else"),
                          HasSubstr("'spec:include' takes 'local', 'project' or 'remote'"),
                          HasSubstr("'spec:include' takes no 'inputs'; remove it")));
}

TEST(HeaderTest, MustBeADocumentOfItsOwn) {
  EXPECT_THAT(Messages(Load({"f.yml", "spec: {inputs: {x: }}\nj: {}\n"}, Files{})),
              ElementsAre(HasSubstr("f.yml:1:1: 'spec' must stand in a header")));
  EXPECT_THAT(Messages(Load({"f.yml", "spec: {}\n---\nj: {}\n---\nk: {}\n"}, Files{})),
              ElementsAre(HasSubstr("f.yml:4:1: a third document starts here")));
  EXPECT_THAT(Messages(Load({"f.yml", "j: {}\n---\nk: {}\n"}, Files{})),
              ElementsAre(HasSubstr("a second document starts here")));
}

TEST(InterpolationLimitsTest, CountFunctionsAndBytesInsideTheBrackets) {
  EXPECT_THAT(Compose("{s: {default: x}}",
                      "j: '$[[ inputs.s | expand_vars | expand_vars | expand_vars ]]'"),
              HasSubstr("{\"j\":\"x\"}"));
  EXPECT_THAT(
      Compose("{s: {default: x}}",
              "j: '$[[ inputs.s | expand_vars | expand_vars | expand_vars | expand_vars ]]'"),
      HasSubstr("has 4 functions; the limit is 3"));
  EXPECT_THAT(
      Compose("{s: {default: x}}", absl::StrCat("j: '$[[ inputs.s", std::string(1024, ' '), "]]'")),
      HasSubstr("has 1033 bytes inside; the limit is 1024"));
}

TEST(InterpolationLimitsTest, BoundTheTexts) {
  const std::string half(600 << 10, 'x');
  const std::string inputs = absl::StrCat("{s: {default: ", half, "}}");
  EXPECT_THAT(Compose(inputs, "j: '$[[ inputs.s ]]$[[ inputs.s ]]'"),
              HasSubstr("a text with '$[[ ]]' has more than 1048576 bytes"));
  std::string many = "j:\n";
  for (int i = 0; i < 40; ++i) many += "  - a $[[ inputs.s ]]\n";
  EXPECT_THAT(Compose(inputs, many),
              HasSubstr("texts with '$[[ ]]' have more than 16777216 bytes together"));
}

TEST(InterpolationLimitsTest, BoundTheValuesAndTheirNesting) {
  std::string list = "[";
  for (int i = 0; i < 20000; ++i) list += "1,";
  std::string many = "j:\n";
  for (int i = 0; i < 200; ++i) many += "  - $[[ inputs.s ]]\n";
  EXPECT_THAT(Compose(absl::StrCat("{s: {type: array, default: ", list, "]}}"), many),
              HasSubstr("inputs repeat more than 2000000 values"));
  const std::string deep = std::string(90, '[') + std::string(90, ']');
  EXPECT_THAT(
      Compose("{s: {type: array}}",
              absl::StrCat("j: ", std::string(20, '['), "'$[[ inputs.s ]]'", std::string(20, ']')),
              {{"s", deep}}),
      HasSubstr("inputs nest lists and maps more than 100 deep"));
}

TEST(InterpolationLimitsTest, TakeFiftyOptionsAndNoMore) {
  std::string options = "a0";
  for (int i = 1; i < 50; ++i) absl::StrAppend(&options, ", a", i);
  EXPECT_EQ(Compose(absl::StrCat("{x: {default: a0, options: [", options, "]}}"), "j: {}"),
            R"({"j":{}})");
  EXPECT_THAT(Compose(absl::StrCat("{x: {default: a0, options: [", options, ", b]}}"), "j: {}"),
              HasSubstr("input 'x' has 51 options; the limit is 50"));
}

}  // namespace
}  // namespace grange::config
