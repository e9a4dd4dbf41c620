// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Classes of slots that one matrix acts on. A slot is acted on by M (direct) or by the inverse
// transpose of M; a class carries what all its operations leave of the general linear group.

#ifndef NOETHER_LIB_ANALYSIS_AXISGROUP_AXISCLASSES_H
#define NOETHER_LIB_ANALYSIS_AXISGROUP_AXISCLASSES_H

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace noether {

class AxisClasses {
public:
  using Node = uint32_t;

  /// What operations demand of the matrix of a class.
  enum Demand : uint8_t {
    /// No linear map but diagonal ones, which scales cover, and permutations.
    NoLinear = 1,
    Orthogonal = 2,
    /// M 1 = 1.
    FixesConstant = 4,
    /// 1^T M = 1^T.
    FixesSum = 8,
    /// Nothing but the identity.
    Trivial = 16,
    /// Of a pair: it commutes with all multiplications by complex numbers, so that it is one.
    Complex = 32,
  };

  /// A node within its class.
  struct Place {
    Node root;
    bool inverse; // acted on by the inverse transpose of what acts on the root
  };

  AxisClasses();
  /// The node of everything that no group element may touch.
  static constexpr Node trivial = 0;

  Node add(int64_t size);
  Place find(Node node) const;
  /// One matrix acts on both, or its inverse transpose on `b`.
  void unify(Node a, Node b, bool inverse);
  /// Adds a demand on the matrix that acts on `node`, seen through `inverse`.
  void demand(Node node, bool inverse, Demand demand);

  uint8_t demandsOf(Node root) const { return entries[root].demands; }
  /// The demands on the matrix that acts on a node, root or not.
  uint8_t demandsOn(Node node) const;
  bool isTrivial(Node node) const { return demandsOf(find(node).root) & Trivial; }
  int64_t sizeOf(Node root) const { return entries[root].size; }
  size_t size() const { return entries.size(); }

  /// Has `takeChanged` name the watcher whenever the demands on the node grow.
  void watch(Node node, uint32_t watcher);
  /// The watchers whose demands have grown since the last call, some more than once.
  std::vector<uint32_t> takeChanged() { return std::exchange(changed, {}); }

private:
  void report(Node root);

  struct Entry {
    mutable Node parent;
    mutable bool inverse; // relative to the parent
    uint8_t demands = 0;
    int64_t size;
    std::vector<uint32_t> watchers; // of the whole class, at its root
  };
  std::vector<Entry> entries;
  std::vector<uint32_t> changed;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_AXISGROUP_AXISCLASSES_H
