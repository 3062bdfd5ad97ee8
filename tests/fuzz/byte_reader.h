#ifndef GRANGE_TESTS_FUZZ_BYTE_READER_H_
#define GRANGE_TESTS_FUZZ_BYTE_READER_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace grange::fuzz {

// Takes an input of a fuzz target apart, from the front. What is asked for beyond the end is empty
// or zero, so that every input means something.
class ByteReader {
 public:
  ByteReader(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  bool empty() const { return rest_.empty(); }

  uint8_t Byte() {
    if (rest_.empty()) return 0;
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return byte;
  }

  std::string Bytes(size_t count) {
    count = std::min(count, rest_.size());
    std::string bytes(rest_.substr(0, count));
    rest_.remove_prefix(count);
    return bytes;
  }

  // A text that has its length, one byte, before it.
  std::string Text() { return Bytes(Byte()); }

  // The same with two bytes of length, the higher one first.
  std::string LongText() {
    const size_t high = Byte();
    return Bytes(high << 8 | Byte());
  }

  // Up to the next newline, which is left out.
  std::string Line() {
    const size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string line = Bytes(end);
    Bytes(1);
    return line;
  }

  std::string Rest() { return Bytes(rest_.size()); }

 private:
  std::string_view rest_;
};

}  // namespace grange::fuzz

#endif  // GRANGE_TESTS_FUZZ_BYTE_READER_H_
