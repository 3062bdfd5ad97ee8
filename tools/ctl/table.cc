#include "tools/ctl/table.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "common/base/check.h"

namespace grange::ctl {
namespace {

constexpr size_t kGap = 2;
constexpr size_t kNarrowest = 12;  // no column is clipped below this

void AppendCell(std::string& line, const std::string& text, size_t width, Table::Align align,
                Colour colour, const Terminal& terminal) {
  const size_t own = Width(text);
  const std::string blanks(width > own ? width - own : 0, ' ');
  const std::string painted = Paint(text, colour, terminal);
  if (align == Table::Align::kRight) {
    absl::StrAppend(&line, blanks, painted);
  } else {
    absl::StrAppend(&line, painted, blanks);
  }
}

void EndLine(std::string& line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
  line += '\n';
}

}  // namespace

void Table::AddRow(std::vector<Cell> cells) {
  GRANGE_CHECK(cells.size() == columns_.size());
  for (Cell& cell : cells) cell.text = Printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::vector<size_t> Table::ColumnWidths(const Terminal& terminal) const {
  std::vector<size_t> widths;
  for (const Column& column : columns_) widths.push_back(Width(column.heading));
  for (const std::vector<Cell>& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i].text));
  }
  if (!terminal.is_terminal) return widths;
  const size_t gaps = kGap * (widths.empty() ? 0 : widths.size() - 1);
  const auto room = static_cast<size_t>(terminal.columns);
  size_t total = std::accumulate(widths.begin(), widths.end(), gaps);
  while (total > room) {
    const auto widest = std::max_element(widths.begin(), widths.end());
    if (*widest <= kNarrowest) break;
    --*widest;
    --total;
  }
  return widths;
}

std::string Table::ToString(const Terminal& terminal) const {
  const std::vector<size_t> widths = ColumnWidths(terminal);
  std::string out;
  std::string line;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (i > 0) line.append(kGap, ' ');
    AppendCell(line, columns_[i].heading, widths[i], columns_[i].align, Colour::kGrey, terminal);
  }
  EndLine(line);
  out += line;
  for (const std::vector<Cell>& row : rows_) {
    line.clear();
    for (size_t i = 0; i < row.size(); ++i) {
      if (i > 0) line.append(kGap, ' ');
      AppendCell(line, Clip(row[i].text, widths[i]), widths[i], columns_[i].align, row[i].colour,
                 terminal);
    }
    EndLine(line);
    out += line;
  }
  return out;
}

}  // namespace grange::ctl
