// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AxisClasses.h"

#include <algorithm>

using namespace noether;

AxisClasses::AxisClasses() { entries.push_back({0, false, NoLinear | Trivial, 0, {}}); }

AxisClasses::Node AxisClasses::add(int64_t size) {
  Node node = entries.size();
  entries.push_back({node, false, 0, size, {}});
  return node;
}

AxisClasses::Place AxisClasses::find(Node node) const {
  Node root = node;
  bool inverse = false;
  while (entries[root].parent != root) {
    inverse ^= entries[root].inverse;
    root = entries[root].parent;
  }
  // Everything on the way now points to the root.
  bool rest = inverse;
  while (entries[node].parent != root && node != root) {
    Node next = entries[node].parent;
    bool step = entries[node].inverse;
    entries[node].parent = root;
    entries[node].inverse = rest;
    rest ^= step;
    node = next;
  }
  return {root, inverse};
}

/// Seen from the inverse transpose: M 1 = 1 if and only if 1^T M^-T = 1^T.
static uint8_t invert(uint8_t demands) {
  uint8_t result = demands & ~(AxisClasses::FixesConstant | AxisClasses::FixesSum);
  if (demands & AxisClasses::FixesConstant)
    result |= AxisClasses::FixesSum;
  if (demands & AxisClasses::FixesSum)
    result |= AxisClasses::FixesConstant;
  return result;
}

void AxisClasses::unify(Node a, Node b, bool inverse) {
  Place left = find(a), right = find(b);
  bool relative = left.inverse ^ right.inverse ^ inverse;
  if (left.root == right.root) {
    // M = M^-T.
    if (relative)
      demand(left.root, false, Orthogonal);
    return;
  }
  // The older node is the root: names are stable, and the trivial class stays at 0.
  if (left.root > right.root)
    std::swap(left, right);
  Entry &root = entries[left.root], &child = entries[right.root];
  uint8_t own = relative ? invert(child.demands) : child.demands, demands = own;
  if (left.root != trivial && root.size != child.size)
    demands |= NoLinear | Trivial;
  child.parent = left.root;
  child.inverse = relative;
  demand(left.root, false, static_cast<Demand>(demands));
  if (root.demands != own)
    report(right.root);
  // The shorter list joins the longer.
  std::vector<uint32_t> joining = std::exchange(child.watchers, {});
  if (root.watchers.size() < joining.size())
    std::swap(root.watchers, joining);
  root.watchers.insert(root.watchers.end(), joining.begin(), joining.end());
}

void AxisClasses::demand(Node node, bool inverse, Demand demand) {
  Place place = find(node);
  uint8_t &demands = entries[place.root].demands;
  uint8_t before = demands;
  demands |= place.inverse ^ inverse ? invert(demand) : demand;
  if (demands & Orthogonal && demands & (FixesConstant | FixesSum))
    demands |= FixesConstant | FixesSum;
  if (demands != before)
    report(place.root);
}

uint8_t AxisClasses::demandsOn(Node node) const {
  Place place = find(node);
  return place.inverse ? invert(demandsOf(place.root)) : demandsOf(place.root);
}

void AxisClasses::watch(Node node, uint32_t watcher) {
  entries[find(node).root].watchers.push_back(watcher);
}

void AxisClasses::report(Node root) {
  const std::vector<uint32_t> &watchers = entries[root].watchers;
  changed.insert(changed.end(), watchers.begin(), watchers.end());
}
