#ifndef GRANGE_COORDINATOR_PIPELINE_PARSE_CONTEXT_H_
#define GRANGE_COORDINATOR_PIPELINE_PARSE_CONTEXT_H_

#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/config/value.h"
#include "coordinator/pipeline/draft.h"
#include "coordinator/pipeline/expression.h"
#include "coordinator/pipeline/keyword.h"
#include "coordinator/pipeline/pattern.h"
#include "coordinator/pipeline/problems.h"

namespace grange::pipeline {

// What the parsers of keywords share: where their results go, and how values of the common types
// are read. A reader that gives nullopt has reported why.
class ParseContext {
 public:
  ParseContext(FileDraft& file_draft, Problems& problem_list)
      : file(file_draft), problems(problem_list) {}

  FileDraft& file;
  Problems& problems;
  PatternCache patterns;
  ExpressionCache expressions;

  // The job that is being read (or the defaults); nullptr between jobs.
  JobDraft* job = nullptr;
  // The keyword of the job, or of the file, that is being read.
  std::string owner_keyword;
  // Every use of a keyword of which the farm has to say something, in all jobs.
  struct NotedUse {
    KeywordUse use;
    const Keyword* keyword;
  };
  std::vector<NotedUse> uses;

  // An error about the job that is being read: "job 'x': …".
  void Error(const config::Place& place, const std::string& message);
  void Warning(const config::Place& place, const std::string& message);

  // "'artifacts:paths' takes a list of texts, but this is a number"
  void WrongType(const config::Value& value, absl::string_view keyword, absl::string_view wanted);

  // Reports the keys of `map` that are unknown or not supported yet; false if there are any.
  // `owner` is the keyword whose map it is, where the section has several ("except").
  bool CheckKeys(const config::Value& map, Section section, absl::string_view owner = "");
  // The same for one key: nullptr if it was reported.
  const Keyword* CheckKey(const config::Entry& entry, Section section,
                          absl::string_view owner = "");

  // Notes that `keyword`, as it stands in the table, is used at `place`. CheckKey() does it.
  void NoteUse(const Keyword& keyword, const config::Place& place, absl::string_view owner);

  std::optional<std::string> Text(const config::Value& value, absl::string_view keyword);
  std::optional<bool> Bool(const config::Value& value, absl::string_view keyword);
  std::optional<int> Integer(const config::Value& value, absl::string_view keyword);
  std::optional<absl::Duration> Duration(const config::Value& value, absl::string_view keyword);
  // A list of texts, none of them empty.
  std::optional<std::vector<Named>> Names(const config::Value& value, absl::string_view keyword);
  std::optional<std::vector<std::string>> Texts(const config::Value& value,
                                                absl::string_view keyword);
  // One number or a list of different ones.
  std::optional<std::vector<int>> ExitCodes(const config::Value& value, absl::string_view keyword);
  // Text in the sense of YAML, no number and no boolean, and not empty.
  std::optional<std::string> PlainText(const config::Value& value, absl::string_view keyword);
  // One such text, or a list of them that is not empty.
  std::optional<std::vector<std::string>> PlainTexts(const config::Value& value,
                                                     absl::string_view keyword);
  // One of `words`.
  std::optional<std::string> Word(const config::Value& value, absl::string_view keyword,
                                  std::initializer_list<absl::string_view> words);
  // As it is written, up to kWrittenValuesMax values of kWrittenBytesMax together.
  std::optional<Written> AsWritten(const config::Value& value, absl::string_view keyword);
  std::shared_ptr<const Expression> Condition(const config::Value& value,
                                              absl::string_view keyword);
  // The values of nested lists in one; false, reported, if nested deeper than kListDepthMax.
  bool Flatten(const config::Value& list, absl::string_view keyword,
               std::vector<const config::Value*>& values);
};

}  // namespace grange::pipeline

#endif  // GRANGE_COORDINATOR_PIPELINE_PARSE_CONTEXT_H_
