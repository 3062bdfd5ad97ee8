#include "tools/bench/machine.h"

#include <linux/magic.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "common/os/files.h"

namespace grange::bench {
namespace {

// The value of the first line "<key> <separator> <value>" of a file; quotes are taken off.
std::string ValueIn(const std::string& file, absl::string_view key, char separator) {
  const std::string text = os::ReadFile(file).value_or("");
  for (const absl::string_view line : absl::StrSplit(text, '\n')) {
    const std::pair<absl::string_view, absl::string_view> parts =
        absl::StrSplit(line, absl::MaxSplits(separator, 1));
    if (absl::StripAsciiWhitespace(parts.first) != key) continue;
    absl::string_view value = absl::StripAsciiWhitespace(parts.second);
    if (absl::ConsumePrefix(&value, "\"")) absl::ConsumeSuffix(&value, "\"");
    return std::string(value);
  }
  return "unknown";
}

std::string FileSystemOf(const std::string& dir) {
  struct statfs found {};
  if (statfs(dir.c_str(), &found) != 0) return "unknown";
  switch (static_cast<unsigned long>(found.f_type)) {
    case EXT4_SUPER_MAGIC:
      return "ext4";
    case XFS_SUPER_MAGIC:
      return "xfs";
    case BTRFS_SUPER_MAGIC:
      return "btrfs";
    case OVERLAYFS_SUPER_MAGIC:
      return "overlayfs";
    case TMPFS_MAGIC:
      return "tmpfs (in memory: syncing costs nothing here)";
    default:
      return absl::StrCat("type 0x", absl::Hex(found.f_type));
  }
}

std::string Memory() {
  const double bytes =
      static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return absl::StrCat(static_cast<int64_t>(bytes / (1 << 20)), " MiB");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> DescribeMachine(const std::string& dir) {
  utsname kernel{};
  uname(&kernel);
  const bool is_virtual =
      absl::StrContains(os::ReadFile("/proc/cpuinfo").value_or(""), " hypervisor");
  return {
      {"processor", absl::StrCat(ValueIn("/proc/cpuinfo", "model name", ':'), ", ",
                                 sysconf(_SC_NPROCESSORS_ONLN), " cores",
                                 is_virtual ? ", virtual machine" : "")},
      {"memory", Memory()},
      {"system", absl::StrCat(ValueIn("/etc/os-release", "PRETTY_NAME", '='), ", kernel ",
                              kernel.release, " ", kernel.machine)},
      {"file system", FileSystemOf(dir)},
      {"compiler",
#ifdef __clang__
       absl::StrCat("clang ", __clang_version__)
#else
       absl::StrCat("g++ ", __VERSION__)
#endif
      },
      {"grange", GRANGE_VERSION},
      {"date", absl::FormatTime("%Y-%m-%d", absl::Now(), absl::UTCTimeZone())},
  };
}

}  // namespace grange::bench
