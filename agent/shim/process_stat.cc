#include "agent/shim/process_stat.h"

#include <dirent.h>
#include <fcntl.h>

#include <array>
#include <charconv>
#include <memory>

#include "agent/shim/owned_fd.h"

namespace grange::shim {
namespace {

// Cuts the next field off; false if it is not a number.
template <typename Number>
bool NextNumber(std::string_view* text, Number* number) {
  const size_t begin = text->find_first_not_of(' ');
  if (begin == std::string_view::npos) return false;
  text->remove_prefix(begin);
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), *number);
  if (error != std::errc()) return false;
  text->remove_prefix(static_cast<size_t>(end - text->data()));
  return true;
}

struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};

}  // namespace

std::optional<ProcessStat> ParseProcessStat(std::string_view text) {
  constexpr int kFieldsBeforeStartTime = 21 - 6;  // after pid, name, state and three ids
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open ||
      text.size() < close + 4) {
    return std::nullopt;
  }
  ProcessStat stat;
  std::string_view front = text.substr(0, open);
  if (!NextNumber(&front, &stat.pid)) return std::nullopt;
  stat.name = text.substr(open + 1, close - open - 1);
  stat.state = text[close + 2];
  text.remove_prefix(close + 3);
  if (!NextNumber(&text, &stat.parent) || !NextNumber(&text, &stat.group) ||
      !NextNumber(&text, &stat.session)) {
    return std::nullopt;
  }
  for (int i = 0; i < kFieldsBeforeStartTime; ++i) {
    int64_t unused = 0;
    uint64_t unused_large = 0;
    if (!NextNumber(&text, &unused) && !NextNumber(&text, &unused_large)) return std::nullopt;
  }
  if (!NextNumber(&text, &stat.start_time)) return std::nullopt;
  return stat;
}

std::optional<ProcessStat> ReadProcessStat(pid_t pid) {
  const std::string path = "/proc/" + std::to_string(pid) + "/stat";
  const OwnedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_open()) return std::nullopt;
  std::array<char, 1024> text;
  const ssize_t got = read(fd.get(), text.data(), text.size());
  if (got <= 0) return std::nullopt;
  return ParseProcessStat({text.data(), static_cast<size_t>(got)});
}

std::vector<ProcessStat> ListProcesses() {
  std::vector<ProcessStat> all;
  const std::unique_ptr<DIR, CloseDir> dir(opendir("/proc"));
  if (dir == nullptr) return all;
  while (const dirent* const entry = readdir(dir.get())) {
    std::string_view name = entry->d_name;
    pid_t pid = 0;
    if (!NextNumber(&name, &pid) || !name.empty()) continue;
    if (std::optional<ProcessStat> stat = ReadProcessStat(pid)) all.push_back(std::move(*stat));
  }
  return all;
}

}  // namespace grange::shim
