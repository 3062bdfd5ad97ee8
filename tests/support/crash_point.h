#ifndef GRANGE_TESTS_SUPPORT_CRASH_POINT_H_
#define GRANGE_TESTS_SUPPORT_CRASH_POINT_H_

#include <string>
#include <vector>

namespace grange::test {

// Put before a command line, lets the program `program` kill itself (SIGKILL) just before its n-th
// call of one kind since its start, counted over all threads: "pwrite", "fdatasync", "fsync",
// "rename", "unlink" (of files and folders), "write" (to files; pipes and sockets don't count),
// "spawn" (before and after each start of another program). What the program starts is left alone.
// strace can do the like, but counts for each thread by itself, so that the first calls of most
// threads are never reached.
std::vector<std::string> CrashPointPrefix(const std::string& program, const std::string& call,
                                          int n);

}  // namespace grange::test

#endif  // GRANGE_TESTS_SUPPORT_CRASH_POINT_H_
