// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Structure/IndexSpace.h"

#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Components of one axis that are numbered.
static constexpr uint64_t kMaxRadix = 1 << 14;

//===----------------------------------------------------------------------===//
// ResolvedAxis
//===----------------------------------------------------------------------===//

bool ResolvedAxis::hasSameStructure(const ResolvedAxis &other) const {
  if (this == &other)
    return true;
  return llvm::equal(nodes, other.nodes,
                     [](const Node &a, const Node &b) { return a.atom == b.atom; });
}

ResolvedAxis::Place ResolvedAxis::place(uint64_t digit) const {
  SmallVector<uint64_t> digits(nodes.size());
  for (size_t n = nodes.size(); n-- > 0;) {
    digits[n] = digit % nodes[n].radix;
    digit /= nodes[n].radix;
  }
  Place result;
  for (auto [node, d] : llvm::zip(nodes, digits)) {
    if (node.isLeaf()) {
      result.view.push_back(node.size);
      result.offsets.push_back(0);
      result.sizes.push_back(node.size);
      result.atoms.push_back(node.atom);
      result.varies.push_back(d != 0);
      continue;
    }
    size_t piece = llvm::upper_bound(node.starts, d) - node.starts.begin() - 1;
    int64_t start = 0;
    for (size_t p = 0; p < piece; ++p)
      start += node.pieces[p]->size;
    const ResolvedAxis &content = *node.pieces[piece];
    Place inner = content.place(d - node.starts[piece]);
    // A piece that is itself a product can be seen only if its trailing part divides the whole.
    int64_t trailing = 1;
    for (size_t k = 1; k < inner.view.size(); ++k)
      trailing *= inner.view[k];
    bool aligned = inner.view.empty() || (node.size % trailing == 0 && start % trailing == 0);
    if (inner.view.size() != 1 &&
        (inner.view.empty() || !aligned || !content.nodes.front().isLeaf())) {
      // Seen as one stretch of the axis, which says nothing of how it varies inside, or of which
      // part.
      bool isWhole = inner.sizes == inner.view;
      result.isExact &= inner.isExact && isWhole && !llvm::is_contained(inner.varies, true);
      result.view.push_back(node.size);
      result.offsets.push_back(start);
      result.sizes.push_back(content.size);
      result.atoms.push_back(content.nodes.empty() ? node.atom : content.nodes.front().atom);
      result.varies.push_back(false);
      continue;
    }
    result.isExact &= inner.isExact;
    result.view.push_back(node.size / trailing);
    result.offsets.push_back(start / trailing + inner.offsets.front());
    result.sizes.push_back(inner.sizes.front());
    result.atoms.push_back(inner.atoms.front());
    result.varies.push_back(inner.varies.front());
    for (size_t k = 1; k < inner.view.size(); ++k) {
      result.view.push_back(inner.view[k]);
      result.offsets.push_back(inner.offsets[k]);
      result.sizes.push_back(inner.sizes[k]);
      result.atoms.push_back(inner.atoms[k]);
      result.varies.push_back(inner.varies[k]);
    }
  }
  return result;
}

uint64_t ResolvedAxis::varyingAlong(uint64_t digit, ArrayRef<bool> varies) const {
  uint64_t result = 0, weight = radix;
  for (const Node &node : nodes) {
    weight /= node.radix;
    uint64_t d = digit / weight % node.radix;
    if (node.isLeaf()) {
      result += weight * (varies.front() ? 1 : 0);
      varies = varies.drop_front();
      continue;
    }
    size_t piece = llvm::upper_bound(node.starts, d) - node.starts.begin() - 1;
    const ResolvedAxis &content = *node.pieces[piece];
    uint64_t inside = d - node.starts[piece];
    // As many view axes as `place` gives this piece: one where it is seen as one stretch.
    ResolvedAxis::Place inner = content.place(inside);
    if (inner.view.size() == 1 && content.nodes.size() == 1) {
      result += weight * (node.starts[piece] + content.varyingAlong(inside, varies.take_front(1)));
      varies = varies.drop_front();
    } else if (varies.size() >= inner.view.size() && inner.isExact && !inner.view.empty()) {
      result += weight * (node.starts[piece] +
                          content.varyingAlong(inside, varies.take_front(inner.view.size())));
      varies = varies.drop_front(inner.view.size());
    } else {
      result += weight * (node.starts[piece] + content.cellOf(inside));
      varies = varies.drop_front();
    }
  }
  return result;
}

template <typename LeafFn>
static void forEachVaryingLeaf(const ResolvedAxis &axis, uint64_t digit, LeafFn fn) {
  for (size_t n = axis.nodes.size(); n-- > 0;) {
    const ResolvedAxis::Node &node = axis.nodes[n];
    uint64_t d = digit % node.radix;
    digit /= node.radix;
    if (node.isLeaf()) {
      if (d)
        fn(node);
      continue;
    }
    size_t piece = llvm::upper_bound(node.starts, d) - node.starts.begin() - 1;
    forEachVaryingLeaf(*node.pieces[piece], d - node.starts[piece], fn);
  }
}

int64_t ResolvedAxis::dimension(uint64_t digit) const {
  int64_t result = 1;
  forEachVaryingLeaf(*this, digit, [&](const Node &node) {
    result = llvm::SaturatingMultiply<uint64_t>(result, node.size - 1);
  });
  return result;
}

unsigned ResolvedAxis::order(uint64_t digit) const {
  unsigned result = 0;
  forEachVaryingLeaf(*this, digit, [&](const Node &) { ++result; });
  return result;
}

//===----------------------------------------------------------------------===//
// AxisResolver
//===----------------------------------------------------------------------===//

std::unique_ptr<ResolvedAxis> AxisResolver::build(ArrayRef<AtomId> axis, unsigned depth) {
  if (depth > AtomTable::kMaxDepth)
    return nullptr;
  auto result = std::make_unique<ResolvedAxis>();
  for (AtomId atom : atoms.expand(axis)) {
    ResolvedAxis::Node node;
    node.atom = atom;
    node.size = atoms.sizeOf({atom});
    node.radix = 2;
    if (atoms.kind(atom) == AtomTable::Kind::Pieces) {
      node.radix = 0;
      for (const Axis &piece : atoms.flatPieces(atom)) {
        std::unique_ptr<ResolvedAxis> content = build(piece, depth + 1);
        if (!content)
          return nullptr;
        node.starts.push_back(node.radix);
        node.radix += content->radix;
        node.pieces.push_back(std::move(content));
      }
      result->hasPieces = true;
    }
    result->size *= node.size;
    result->radix *= node.radix;
    if (result->radix > kMaxRadix)
      return nullptr;
    result->nodes.push_back(std::move(node));
  }
  if (!result->hasPieces)
    return result;

  result->constants.clear();
  result->cells.resize(result->radix);
  for (uint64_t digit = 0; digit < result->radix; ++digit) {
    uint64_t rest = digit, cell = 0, weight = 1;
    for (const ResolvedAxis::Node &node : llvm::reverse(result->nodes)) {
      uint64_t d = rest % node.radix;
      rest /= node.radix;
      if (!node.isLeaf()) {
        size_t piece = llvm::upper_bound(node.starts, d) - node.starts.begin() - 1;
        cell += weight * (node.starts[piece] + node.pieces[piece]->cellOf(d - node.starts[piece]));
      }
      weight *= node.radix;
    }
    result->cells[digit] = cell;
    if (cell == digit)
      result->constants.push_back(digit);
  }
  return result;
}

const ResolvedAxis *AxisResolver::resolve(ArrayRef<AtomId> axis) {
  if (axis.size() == 1) {
    AtomId root = atoms.find(axis.front());
    auto it = single.find(root);
    if (it == single.end())
      it = single.try_emplace(root, build(axis, 0)).first;
    return it->second.get();
  }
  auto &bucket = products[llvm::hash_combine_range(axis.begin(), axis.end())];
  for (auto &[key, resolved] : bucket)
    if (ArrayRef<AtomId>(key) == axis)
      return resolved.get();
  bucket.emplace_back(Axis(axis.begin(), axis.end()), build(axis, 0));
  return bucket.back().second.get();
}

/// The atoms a component varies along.
static SmallVector<AtomId, 4> varyingAtoms(const ResolvedAxis &axis, uint64_t digit) {
  SmallVector<AtomId, 4> result;
  forEachVaryingLeaf(axis, digit,
                     [&](const ResolvedAxis::Node &node) { result.push_back(node.atom); });
  return result;
}

int64_t ResolvedAxis::cellSize(uint64_t cell) const {
  int64_t result = 1;
  for (const Node &node : llvm::reverse(nodes)) {
    uint64_t d = cell % node.radix;
    cell /= node.radix;
    if (node.isLeaf()) {
      result *= node.size;
      continue;
    }
    size_t piece = llvm::upper_bound(node.starts, d) - node.starts.begin() - 1;
    result *= node.pieces[piece]->cellSize(d - node.starts[piece]);
  }
  return result;
}

std::optional<AxisResolver::SegmentMap>
AxisResolver::mapSegments(const ResolvedAxis &whole,
                          ArrayRef<const ResolvedAxis *> segments) const {
  if (whole.nodes.empty() || whole.nodes.front().isLeaf())
    return std::nullopt;
  // Pieces that follow each other have components that do: a segment is a range of them.
  SegmentMap map;
  map.toSegment.resize(whole.radix);
  uint64_t start = 0;
  for (auto [index, segment] : llvm::enumerate(segments)) {
    if (segment->radix > whole.radix - start)
      return std::nullopt;
    int64_t extent = 0;
    auto &digits = map.toWhole.emplace_back();
    for (uint64_t digit = 0; digit < segment->radix; ++digit) {
      uint64_t wholeDigit = start + digit;
      if (whole.isConstant(wholeDigit) != segment->isConstant(digit) ||
          varyingAtoms(whole, wholeDigit) != varyingAtoms(*segment, digit))
        return std::nullopt;
      if (whole.isConstant(wholeDigit))
        extent += whole.cellSize(wholeDigit);
      digits.push_back(wholeDigit);
      map.toSegment[wholeDigit] = {static_cast<uint32_t>(index), digit};
    }
    if (extent != segment->size)
      return std::nullopt;
    start += segment->radix;
  }
  if (start != whole.radix)
    return std::nullopt;
  return map;
}
