#ifndef GRANGE_COMMON_BASE_SOURCE_SPAN_H_
#define GRANGE_COMMON_BASE_SOURCE_SPAN_H_

#include <compare>
#include <ostream>
#include <string>

namespace grange {

// A place in a text that a user wrote. Lines and columns count from 1; 0 means "the file as a
// whole". The file's name is that under which the user knows it (".gitlab-ci.yml").
struct SourceSpan {
  std::string file;
  int line = 0;
  int column = 0;

  friend auto operator<=>(const SourceSpan&, const SourceSpan&) = default;

  // "file:line:column", the form that editors jump to; just "file" where there is no line.
  std::string ToString() const;
  friend std::ostream& operator<<(std::ostream& out, const SourceSpan& span) {
    return out << span.ToString();
  }
};

}  // namespace grange

#endif  // GRANGE_COMMON_BASE_SOURCE_SPAN_H_
