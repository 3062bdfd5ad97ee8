// B13: what passes through the shim's masker.
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "agent/shim/masked_forms.h"
#include "agent/shim/masker.h"
#include "tools/bench/rows.h"

namespace grange::bench {
namespace {

constexpr size_t kMiB = 1 << 20;
constexpr size_t kTextBytes = 64 * kMiB;
constexpr size_t kPieceBytes = 64 << 10;  // as the shim reads them from the job's pipe
constexpr size_t kLineBytes = 100;

uint64_t Scattered(uint64_t number) { return (number + 1) * 0x9E3779B97F4A7C15; }

// Numbered lines of a build, with paths and numbers in them.
std::string Text() {
  std::string text;
  text.reserve(kTextBytes + kLineBytes);
  for (uint64_t number = 0; text.size() < kTextBytes; ++number) {
    std::string line = absl::StrCat("[", number, "/81234] g++ -O2 -Isrc/include -c src/part_",
                                    absl::Hex(Scattered(number)), ".cc -o build/obj/");
    line.resize(kLineBytes - 1, 'o');
    absl::StrAppend(&text, line, "\n");
  }
  text.resize(kTextBytes);
  return text;
}

// Tokens of 20 to 40 characters, as users mask them.
std::vector<std::string> Secrets(size_t count) {
  std::vector<std::string> secrets;
  for (size_t i = 0; i < count; ++i) {
    std::string secret = absl::StrCat("tok-", absl::Hex(Scattered(1'000'000 + i), absl::kZeroPad16),
                                      absl::Hex(Scattered(2'000'000 + i), absl::kZeroPad16));
    secret.resize(20 + i % 21, 'Q');
    secrets.push_back(std::move(secret));
  }
  return secrets;
}

double Rate(absl::Duration time) {
  return static_cast<double>(kTextBytes) / 1e6 / absl::ToDoubleSeconds(time);
}

class MaskingRow : public Row {
 public:
  const Description& description() const override { return description_; }

  absl::Status Prepare() override {
    text_ = Text();
    out_.resize(kTextBytes);  // so that neither side pays for new pages
    return absl::OkStatus();
  }

  absl::StatusOr<Sample> MeasureGrange() override {
    Sample sample;
    sample.work = kSecretCounts.size() * static_cast<double>(kTextBytes / kMiB);
    for (const size_t count : kSecretCounts) {
      shim::Masker masker(shim::MaskedForms(Secrets(count)));
      out_.clear();
      const absl::Time start = absl::Now();
      for (size_t at = 0; at < text_.size(); at += kPieceBytes) {
        masker.Feed(std::string_view(text_).substr(at, kPieceBytes), &out_);
      }
      masker.Finish(&out_);
      sample.values.push_back(Rate(absl::Now() - start));
      if (out_ != text_) return absl::InternalError("the masker changed a text without secrets");
    }
    return sample;
  }

  absl::StatusOr<Sample> MeasureFloor() override {
    out_.clear();
    const absl::Time start = absl::Now();
    for (size_t at = 0; at < text_.size(); at += kPieceBytes) {
      out_.append(std::string_view(text_).substr(at, kPieceBytes));
    }
    const double rate = Rate(absl::Now() - start);
    return Sample{.values = std::vector<double>(kSecretCounts.size(), rate),
                  .work = static_cast<double>(kTextBytes / kMiB)};
  }

 private:
  const std::vector<size_t> kSecretCounts = {0, 1, 10, 200};
  const Description description_ = {
      .id = "B13",
      .title = "masking a job's output, pieces of 64 KiB, each secret with its encoded forms",
      .floor = "a plain copy of the same pieces",
      .figures = {{"no secret", "MB/s", {Goal::Kind::kRatioAtLeast, 0.5}},
                  {"1 secret", "MB/s", {Goal::Kind::kAtLeast, 500}},
                  {"10 secrets", "MB/s", {Goal::Kind::kAtLeast, 500}},
                  {"200 secrets", "MB/s", {Goal::Kind::kAtLeast, 500}}},
      .work_unit = "MiB",
      .note = "The goal is 500 MB/s or half of the copy, whichever is less."};
  std::string text_, out_;
};

}  // namespace

std::unique_ptr<Row> NewMaskingRow() { return std::make_unique<MaskingRow>(); }

}  // namespace grange::bench
