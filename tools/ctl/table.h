#ifndef GRANGE_TOOLS_CTL_TABLE_H_
#define GRANGE_TOOLS_CTL_TABLE_H_

#include <string>
#include <vector>

#include "tools/ctl/terminal.h"

namespace grange::ctl {

// Rows with aligned columns under a heading, two blanks between them and none at a line's end.
// Cells are made printable; on a terminal the widest text column is clipped so that a row fits.
class Table {
 public:
  struct Cell {
    Cell(std::string text_in,
         Colour colour_in = Colour::kNone)  // NOLINT(google-explicit-constructor): cells are
                                            // written as plain strings
        : text(std::move(text_in)), colour(colour_in) {}
    Cell(const char* text_in) : text(text_in) {}  // NOLINT(google-explicit-constructor): as above
    std::string text;
    Colour colour = Colour::kNone;
  };
  enum class Align { kLeft, kRight };
  struct Column {
    std::string heading;
    Align align = Align::kLeft;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns.
  void AddRow(std::vector<Cell> cells);
  bool empty() const { return rows_.empty(); }

  // Ends with a line feed. Without rows only the heading.
  std::string ToString(const Terminal& terminal) const;

 private:
  std::vector<size_t> ColumnWidths(const Terminal& terminal) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace grange::ctl

#endif  // GRANGE_TOOLS_CTL_TABLE_H_
