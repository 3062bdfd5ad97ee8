// Any bytes as a glob and as a path; and globs that the bytes choose piece by piece, whose meaning
// is known without reading them: GlobMatches() must say the same as the obvious matcher.

#include <algorithm>
#include <bitset>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/check.h"
#include "common/text/glob.h"
#include "tests/fuzz/byte_reader.h"

namespace {

using grange::fuzz::ByteReader;
using grange::text::GlobMatches;

constexpr int kPiecesMax = 12;  // of a list
constexpr int kDepthMax = 3;
constexpr size_t kPathMax = 40;
const std::vector<std::string> kCharacters = {"a", "b", "/", ".", "ä", "\xff", ",", "-",
                                              "*", "?", "[", "]", "{", "}",    "!", "\\"};

using Places = std::bitset<kPathMax + 1>;  // between the characters of a path

struct Piece {
  enum class Kind { kCharacter, kOne, kStar, kDeep, kFolders, kClass, kBraces };
  Kind kind;
  std::string character = {};
  bool negated = false;
  std::set<std::string> members = {};
  std::vector<std::vector<Piece>> branches = {};
};

std::string Written(const std::vector<Piece>& pieces) {
  std::string text;
  for (const Piece& piece : pieces) {
    switch (piece.kind) {
      case Piece::Kind::kCharacter:
        if (std::string(",*?[]{}!\\-").find(piece.character) != std::string::npos) text += '\\';
        text += piece.character;
        break;
      case Piece::Kind::kOne:
        text += '?';
        break;
      case Piece::Kind::kStar:
        text += '*';
        break;
      case Piece::Kind::kDeep:
        text += "**";
        break;
      case Piece::Kind::kFolders:
        text += "**/";
        break;
      case Piece::Kind::kClass:
        text += piece.negated ? "[!" : "[";
        for (const std::string& member : piece.members) text += "\\" + member;
        text += ']';
        break;
      case Piece::Kind::kBraces:
        for (size_t i = 0; i < piece.branches.size(); ++i) {
          text += (i == 0 ? "{" : ",") + Written(piece.branches[i]);
        }
        text += '}';
        break;
    }
  }
  return text;
}

// Where `piece` can end that begins at `at`.
Places EndsOf(const Piece& piece, const std::vector<std::string>& path, size_t at) {
  Places ends;
  const bool more = at < path.size();
  const bool in_folder = more && path[at] != "/";
  switch (piece.kind) {
    case Piece::Kind::kCharacter:
      if (more && path[at] == piece.character) ends.set(at + 1);
      break;
    case Piece::Kind::kOne:
      if (in_folder) ends.set(at + 1);
      break;
    case Piece::Kind::kClass:
      if (in_folder && piece.members.contains(path[at]) != piece.negated) ends.set(at + 1);
      break;
    case Piece::Kind::kStar:
      ends.set(at);
      for (size_t i = at; i < path.size() && path[i] != "/"; ++i) ends.set(i + 1);
      break;
    case Piece::Kind::kDeep:
      for (size_t i = at; i <= path.size(); ++i) ends.set(i);
      break;
    case Piece::Kind::kFolders:
      ends.set(at);
      for (size_t i = at; i < path.size(); ++i) {
        if (path[i] == "/") ends.set(i + 1);
      }
      break;
    case Piece::Kind::kBraces:
      break;  // below
  }
  return ends;
}

Places EndsOf(const std::vector<Piece>& pieces, const std::vector<std::string>& path, Places at) {
  for (const Piece& piece : pieces) {
    Places ends;
    for (const std::vector<Piece>& branch : piece.branches) {
      ends |= EndsOf(branch, path, at);  // from all places at once: braces nest
    }
    for (size_t place = 0; place <= path.size(); ++place) {
      if (at.test(place)) ends |= EndsOf(piece, path, place);
    }
    at = ends;
  }
  return at;
}

const std::string& Character(ByteReader& input) {
  return kCharacters[input.Byte() % kCharacters.size()];
}

// Chooses the pieces so that what Written() makes of them can be read in one way only: no star
// beside another, `**/` only where a name starts, and no `/` behind a `**`.
std::vector<Piece> Choose(ByteReader& input, int depth) {
  using Kind = Piece::Kind;
  std::vector<Piece> pieces;
  for (int count = input.Byte() % (kPiecesMax + 1); count > 0; --count) {
    const bool start =
        pieces.empty() || pieces.back().character == "/" || pieces.back().kind == Kind::kFolders;
    const bool star =
        !pieces.empty() && (pieces.back().kind == Kind::kStar || pieces.back().kind == Kind::kDeep);
    Piece piece{.kind = static_cast<Kind>(input.Byte() % 7)};
    switch (piece.kind) {
      case Kind::kCharacter:
        piece.character = Character(input);
        if (star && piece.character == "/") continue;
        break;
      case Kind::kOne:
        break;
      case Kind::kStar:
      case Kind::kDeep:
        if (star) continue;
        break;
      case Kind::kFolders:
        if (!start) continue;
        break;
      case Kind::kClass:
        piece.negated = input.Byte() % 2 == 1;
        for (int members = 1 + input.Byte() % 4; members > 0; --members) {
          piece.members.insert(Character(input));
        }
        break;
      case Kind::kBraces:
        if (depth == kDepthMax) continue;
        for (int branches = 1 + input.Byte() % 3; branches > 0; --branches) {
          piece.branches.push_back(Choose(input, depth + 1));
        }
        break;
    }
    pieces.push_back(std::move(piece));
  }
  return pieces;
}

void CompareWithTheObviousMatcher(ByteReader input) {
  const std::vector<Piece> pieces = Choose(input, 0);
  std::vector<std::string> path;
  std::string text;
  while (!input.empty() && path.size() < kPathMax) {
    path.push_back(Character(input));
    text += path.back();
  }
  const bool expected = EndsOf(pieces, path, Places(1)).test(path.size());
  GRANGE_CHECK(GlobMatches(Written(pieces), text) == expected);
}

// What holds for every pattern and every path. The pattern is the first line.
void CheckAnyBytes(ByteReader input) {
  const std::string pattern = input.Line();
  const std::string path = input.Rest();
  const bool matches = GlobMatches(pattern, path);
  if (!grange::text::IsGlob(pattern)) GRANGE_CHECK(matches == (pattern == path));
  GRANGE_CHECK(GlobMatches("**", path));
  if (matches) GRANGE_CHECK(GlobMatches("{" + std::string("x,") + "**}", path));
  std::string escaped;
  for (const char c : path) {
    if (std::string("*?[]{}\\").find(c) != std::string::npos) escaped += '\\';
    escaped += c;
  }
  GRANGE_CHECK(GlobMatches(escaped, path));
  GRANGE_CHECK(!GlobMatches(escaped, path + "x"));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  CheckAnyBytes(ByteReader(data, size));
  CompareWithTheObviousMatcher(ByteReader(data, size));
  return 0;
}
