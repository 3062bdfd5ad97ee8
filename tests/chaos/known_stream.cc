#include "tests/chaos/known_stream.h"

#include "absl/strings/str_cat.h"
#include "tests/chaos/dice.h"

namespace grange::chaos {
namespace {

struct Shape {
  int64_t pieces_min, pieces_max;
  int64_t bytes_min, bytes_max;  // of a piece
  absl::Duration pause_min, pause_max;
};

Shape ShapeOf(StreamKind kind) {
  switch (kind) {
    case StreamKind::kLines:
      return {40, 120, 20, 600, absl::Milliseconds(5), absl::Milliseconds(30)};
    case StreamKind::kNoNewline:
      return {10, 60, 1, 2000, absl::Milliseconds(10), absl::Milliseconds(60)};
    case StreamKind::kBinary:
      return {10, 40, 1, 3000, absl::Milliseconds(20), absl::Milliseconds(80)};
    case StreamKind::kBursts:
      return {2, 5, 8000, 40'000, absl::Milliseconds(200), absl::Milliseconds(700)};
    case StreamKind::kDrip:
      return {30, 90, 1, 12, absl::Milliseconds(20), absl::Milliseconds(50)};
  }
  return {};
}

char PrintableByte(Dice& dice) { return static_cast<char>(' ' + dice.Below('~' - ' ' + 1)); }

std::string BytesOf(StreamKind kind, int64_t number, size_t size, Dice& dice) {
  std::string bytes;
  bytes.reserve(size + 16);
  switch (kind) {
    case StreamKind::kLines:
    case StreamKind::kBursts:
      absl::StrAppend(&bytes, number, " ");
      while (bytes.size() + 1 < size) {
        bytes += dice.Below(80) == 0 ? '\n' : PrintableByte(dice);
      }
      bytes += '\n';
      return bytes;
    case StreamKind::kNoNewline:
    case StreamKind::kDrip:
      while (bytes.size() < size) bytes += dice.Below(50) == 0 ? '\r' : PrintableByte(dice);
      return bytes;
    case StreamKind::kBinary:
      while (bytes.size() < size) bytes += static_cast<char>(dice.Below(256));
      return bytes;
  }
  return bytes;
}

}  // namespace

absl::string_view StreamKindName(StreamKind kind) {
  switch (kind) {
    case StreamKind::kLines:
      return "lines";
    case StreamKind::kNoNewline:
      return "no-newline";
    case StreamKind::kBinary:
      return "binary";
    case StreamKind::kBursts:
      return "bursts";
    case StreamKind::kDrip:
      return "drip";
  }
  return "";
}

std::optional<StreamKind> ParseStreamKind(absl::string_view name) {
  for (const StreamKind kind : kStreamKinds) {
    if (StreamKindName(kind) == name) return kind;
  }
  return std::nullopt;
}

std::vector<Piece> KnownStream(StreamKind kind, uint64_t seed) {
  Dice dice(seed, static_cast<uint64_t>(kind), 0);
  const Shape shape = ShapeOf(kind);
  std::vector<Piece> pieces;
  const int64_t count = dice.Between(shape.pieces_min, shape.pieces_max);
  for (int64_t i = 0; i < count; ++i) {
    const absl::Duration pause = dice.Between(shape.pause_min, shape.pause_max);
    const auto size = static_cast<size_t>(dice.Between(shape.bytes_min, shape.bytes_max));
    pieces.push_back({pause, BytesOf(kind, i, size, dice)});
  }
  return pieces;
}

std::string StreamBytes(StreamKind kind, uint64_t seed) {
  std::string all;
  for (const Piece& piece : KnownStream(kind, seed)) all += piece.bytes;
  return all;
}

}  // namespace grange::chaos
