#include "agent/shim/value_automaton.h"

#include <algorithm>

namespace grange::shim {

ValueAutomaton::ValueAutomaton(const std::vector<std::string>& values) {
  size_t total = 1;
  for (const std::string& value : values) total += value.size();
  nodes_.reserve(total);
  nodes_.emplace_back();
  for (const std::string& value : values) Insert(value);
  LinkFailures();
  FillSkips(values);
}

void ValueAutomaton::Insert(std::string_view value) {
  if (value.empty()) return;
  State at = kRoot;
  for (const char c : value) {
    const unsigned char byte = static_cast<unsigned char>(c);
    State next = nodes_[at].first_child;
    while (next != kRoot && nodes_[next].byte != byte) next = nodes_[next].next_sibling;
    if (next == kRoot) {
      next = static_cast<State>(nodes_.size());
      nodes_.push_back(Node{
          .next_sibling = nodes_[at].first_child, .depth = nodes_[at].depth + 1, .byte = byte});
      nodes_[at].first_child = next;
      if (at == kRoot) from_root_[byte] = next;
    }
    at = next;
  }
  nodes_[at].match_length = nodes_[at].depth;
}

void ValueAutomaton::LinkFailures() {
  // Breadth first, so that the shorter prefix to which a node falls back is complete before it.
  std::vector<State> order = {kRoot};
  order.reserve(nodes_.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const State parent = order[i];
    for (State child = nodes_[parent].first_child; child != kRoot;
         child = nodes_[child].next_sibling) {
      Node& node = nodes_[child];
      node.fail = parent == kRoot ? kRoot : Step(nodes_[parent].fail, node.byte);
      node.match_length = std::max(node.match_length, nodes_[node.fail].match_length);
      // A node without children behaves as the one to which it falls back, with less held back.
      node.resume = node.first_child != kRoot ? child : nodes_[node.fail].resume;
      order.push_back(child);
    }
  }
}

void ValueAutomaton::FillSkips(const std::vector<std::string>& values) {
  window_ = 256;
  for (const std::string& value : values) {
    if (!value.empty()) window_ = std::min(window_, value.size());
  }
  if (window_ < 2) return;
  skip_.fill(static_cast<uint8_t>(window_ - 1));
  for (const std::string& value : values) {
    if (value.empty()) continue;
    for (size_t end = 1; end < window_; ++end) {
      uint8_t& skip = skip_[PairIndex(value[end - 1], value[end])];
      skip = std::min(skip, static_cast<uint8_t>(window_ - 1 - end));
    }
  }
}

size_t ValueAutomaton::Skip(std::string_view bytes) const {
  size_t at = 0;
  if (window_ >= 2) {
    const char* const pair = bytes.data() + window_ - 2;
    while (at + window_ <= bytes.size()) {
      const size_t skip = skip_[PairIndex(pair[at], pair[at + 1])];
      if (skip == 0 && from_root_[static_cast<unsigned char>(bytes[at])] != kRoot) return at;
      at += std::max<size_t>(skip, 1);
    }
  }
  while (at < bytes.size() && from_root_[static_cast<unsigned char>(bytes[at])] == kRoot) ++at;
  return at;
}

}  // namespace grange::shim
