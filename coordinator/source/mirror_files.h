#ifndef GRANGE_COORDINATOR_SOURCE_MIRROR_FILES_H_
#define GRANGE_COORDINATOR_SOURCE_MIRROR_FILES_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

// What GitMirrors does to a mirror's files without git (docs/formats/mirrors.md).
namespace grange::source {

// Disk space of the files below `folder`; what goes meanwhile counts nothing.
uint64_t FolderBytes(const std::string& folder);

// Names of the mirror's packs, without their suffixes. Those that git is still writing don't count.
std::vector<std::string> PacksOf(const std::string& mirror);
// Of objects that are not in packs. We make none; a mirror that was brought from elsewhere may.
bool HasLooseObjects(const std::string& mirror);

// Removes these packs, whose objects are all elsewhere or unwanted, so that after a crash nobody
// sees a half: FinishRemoval() goes on. None is there any more counts as removed.
absl::Status RemovePacks(const std::string& mirror, const std::vector<std::string>& packs);
absl::Status FinishRemoval(const std::string& mirror);

// Removes locks, temporary files and halves of packs of gits that were killed. None may run.
absl::Status ClearMirror(const std::string& mirror);

// Since when the mirror's refs are not wanted, by "<sha> <ref>". Missing or damaged: empty, ages
// begin anew.
using UnwantedRefs = std::map<std::string, absl::Time>;
UnwantedRefs ReadUnwanted(const std::string& mirror);
absl::Status WriteUnwanted(const std::string& mirror, const UnwantedRefs& unwanted);

// About how many bytes of the mirror are objects that no ref needs; 0: none that we know of.
uint64_t ReadGarbage(const std::string& mirror);
absl::Status WriteGarbage(const std::string& mirror, uint64_t bytes);

}  // namespace grange::source

#endif  // GRANGE_COORDINATOR_SOURCE_MIRROR_FILES_H_
