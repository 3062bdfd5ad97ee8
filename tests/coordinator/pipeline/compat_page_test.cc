#include "coordinator/pipeline/compat_page.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "gtest/gtest.h"

namespace grange::pipeline {
namespace {

constexpr char kPath[] = GRANGE_SOURCE_DIR "/docs/gitlab-compat.md";

TEST(CompatPageTest, IsWhatStandsInTheDocs) {
  // Tests of this binary run on one thread.
  if (std::getenv("GRANGE_UPDATE") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    std::ofstream(kPath) << CompatPage();
  }
  std::ostringstream text;
  text << std::ifstream(kPath).rdbuf();
  EXPECT_EQ(text.str(), CompatPage())
      << "run this test with GRANGE_UPDATE=1 to write docs/gitlab-compat.md anew";
}

}  // namespace
}  // namespace grange::pipeline
