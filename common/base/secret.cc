#include "common/base/secret.h"

#include <string.h>

#include <utility>

namespace grange {
namespace {

void Wipe(std::string& value) {
  if (!value.empty()) explicit_bzero(value.data(), value.size());
  value.clear();
}

}  // namespace

// A short string is copied even when it is moved: the source must be wiped.
Secret::Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { Wipe(other.value_); }

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this == &other) return *this;
  Wipe(value_);
  value_ = std::move(other.value_);
  Wipe(other.value_);
  return *this;
}

Secret::~Secret() { Wipe(value_); }

}  // namespace grange
