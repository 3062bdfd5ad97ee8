#include "agent/shim/masker.h"

#include <algorithm>

namespace grange::shim {

void Masker::Feed(std::string_view bytes, std::string* out) {
  if (automaton_.empty()) {
    out->append(bytes);
    return;
  }
  const size_t held = held_.size();
  size_t at = 0;
  while (at < bytes.size()) {
    if (state_ == ValueAutomaton::kRoot) {
      at += automaton_.Skip(bytes.substr(at));
      if (at == bytes.size()) break;
    }
    const ValueAutomaton::State next =
        automaton_.Step(state_, static_cast<unsigned char>(bytes[at]));
    ++at;
    const size_t length = automaton_.MatchLength(next);
    if (length != 0) AddMatch(held + at - length, held + at);
    state_ = automaton_.Resume(next);
  }
  // Every match to come begins within the prefix that `state_` stands for.
  Emit(bytes, held + bytes.size() - automaton_.Depth(state_), out);
}

void Masker::Finish(std::string* out) {
  Emit({}, held_.size(), out);
  state_ = ValueAutomaton::kRoot;
  regions_.clear();
}

void Masker::AddMatch(size_t begin, size_t end) {
  Region merged{begin, end, false};
  while (!regions_.empty() && regions_.back().end > begin) {
    merged.begin = std::min(merged.begin, regions_.back().begin);
    merged.announced = merged.announced || regions_.back().announced;
    regions_.pop_back();
  }
  regions_.push_back(merged);
}

// Passes on everything before `end`. A region that goes on beyond it is announced now, so that the
// bytes already known to be secret need not be held.
void Masker::Emit(std::string_view bytes, size_t end, std::string* out) {
  size_t at = 0;
  size_t kept = 0;
  for (Region region : regions_) {
    if (region.begin < end) {
      AppendPlain(bytes, at, region.begin, out);
      if (!region.announced) out->append(kMaskMarker);
      at = std::min(region.end, end);
      if (region.end <= end) continue;
      region.announced = true;
      region.begin = end;
    }
    regions_[kept++] = Region{region.begin - end, region.end - end, region.announced};
  }
  regions_.resize(kept);
  AppendPlain(bytes, at, end, out);
  if (end >= held_.size()) {
    held_.assign(bytes.substr(end - held_.size()));
  } else {
    held_.erase(0, end);
    held_.append(bytes);
  }
}

void Masker::AppendPlain(std::string_view bytes, size_t begin, size_t end, std::string* out) const {
  const size_t held = held_.size();
  if (begin < held) out->append(held_, begin, std::min(end, held) - begin);
  if (end > held)
    out->append(bytes.substr(std::max(begin, held) - held, end - std::max(begin, held)));
}

}  // namespace grange::shim
