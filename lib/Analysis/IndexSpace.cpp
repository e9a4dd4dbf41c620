// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/IndexSpace.h"

#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <numeric>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Structures nested deeper than this are left apart: real steps need three or four levels.
static constexpr unsigned kMaxDepth = 48;
/// Rounds of splitting in one identification.
static constexpr unsigned kMaxRounds = 256;
/// Axes that are split across the pieces they had: how long they may be, how many pieces they may then
/// have, and how often that is tried. (A long axis that is cut in several ways at once, as by the
/// group norms of a U-Net, keeps more if its pieces are not cut further.)
static constexpr int64_t kMaxSplitAcross = 64;
static constexpr size_t kMaxParts = 16;
static constexpr unsigned kMaxSplitsAcross = 1 << 14;
/// Components of one axis that are numbered.
static constexpr uint64_t kMaxRadix = 1 << 14;

//===----------------------------------------------------------------------===//
// AtomTable
//===----------------------------------------------------------------------===//

AtomId AtomTable::newAtom(int64_t size) {
  AtomId id = atoms.size();
  atoms.push_back({size, id, Kind::Leaf, {}});
  return id;
}

Axis AtomTable::newAxis(int64_t size) {
  if (size == 1)
    return {};
  return {newAtom(size)};
}

Axis AtomTable::concatenate(ArrayRef<Axis> parts) {
  if (parts.size() == 1)
    return parts.front();
  int64_t size = 0;
  for (const Axis &part : parts)
    size += sizeOf(part);
  AtomId atom = newAtom(size);
  atoms[atom].kind = Kind::Pieces;
  atoms[atom].children.assign(parts.begin(), parts.end());
  return {atom};
}

AtomId AtomTable::find(AtomId atom) const {
  while (true) {
    AtomId parent = atoms[atom].parent;
    AtomId above = atoms[parent].parent;
    if (parent == above)
      return parent;
    atoms[atom].parent = above;
    atom = above;
  }
}

void AtomTable::compress() {
  for (AtomId atom = 0; atom < atoms.size(); ++atom)
    atoms[atom].parent = find(atom);
}

int64_t AtomTable::sizeOf(ArrayRef<AtomId> axis) const {
  int64_t size = 1;
  for (AtomId atom : axis)
    size *= atoms[find(atom)].size;
  return size;
}

void AtomTable::expandInto(ArrayRef<AtomId> axis, Axis &result) const {
  for (AtomId atom : axis) {
    AtomId root = find(atom);
    if (atoms[root].kind == Kind::Product)
      expandInto(atoms[root].children.front(), result);
    else if (atoms[root].size != 1)
      result.push_back(root);
  }
}

Axis AtomTable::expand(ArrayRef<AtomId> axis) const {
  Axis result;
  expandInto(axis, result);
  return result;
}

SmallVector<Axis> AtomTable::flatPieces(AtomId root) const {
  SmallVector<Axis> result;
  for (const Axis &child : atoms[root].children) {
    Axis expanded = expand(child);
    if (expanded.empty() || atoms[expanded.front()].kind != Kind::Pieces) {
      result.push_back(std::move(expanded));
      continue;
    }
    // A product whose leading atom is cut is cut there itself.
    ArrayRef<AtomId> trailing = ArrayRef<AtomId>(expanded).drop_front();
    for (Axis &piece : flatPieces(expanded.front())) {
      piece.append(trailing.begin(), trailing.end());
      result.push_back(std::move(piece));
    }
  }
  return result;
}

/// Makes `atom` a product of a leading atom of the given size and the rest.
bool AtomTable::split(AtomId atom, int64_t leading, unsigned depth) {
  if (depth > kMaxDepth)
    return false;
  int64_t trailing = atoms[atom].size / leading;
  if (atoms[atom].kind == Kind::Leaf) {
    Axis factors = {newAtom(leading), newAtom(trailing)};
    atoms[atom].kind = Kind::Product;
    atoms[atom].children.assign(1, factors);
    return true;
  }
  // A cut atom: every piece must be a product with the same trailing atom, so that only the leading
  // atom stays cut.
  SmallVector<Axis> pieces = flatPieces(atom);
  if (llvm::any_of(pieces, [&](const Axis &p) { return sizeOf(p) % trailing != 0; }))
    return splitAcross(atom, leading, pieces, depth);
  AtomId rest = newAtom(trailing);
  SmallVector<Axis> leadingPieces;
  for (const Axis &piece : pieces) {
    Axis lead = newAxis(sizeOf(piece) / trailing);
    Axis product = lead;
    product.push_back(rest);
    if (!unify(piece, product, depth + 1))
      return false;
    leadingPieces.push_back(std::move(lead));
  }
  AtomId cutLead = newAtom(leading);
  atoms[cutLead].kind = Kind::Pieces;
  atoms[cutLead].children.assign(leadingPieces.begin(), leadingPieces.end());
  atoms[atom].kind = Kind::Product;
  atoms[atom].children.assign(1, Axis{cutLead, rest});
  return true;
}

/// The same where a piece ends within an index of the leading atom: that index is a piece of its own,
/// and the trailing atom is cut there.
bool AtomTable::splitAcross(AtomId atom, int64_t leading, ArrayRef<Axis> pieces, unsigned depth) {
  if (atoms[atom].size > kMaxSplitAcross || numSplitsAcross++ >= kMaxSplitsAcross)
    return false;
  Axis product = {newAtom(leading), newAtom(atoms[atom].size / leading)};
  int64_t offset = 0;
  for (const Axis &piece : pieces) {
    offset += sizeOf(piece);
    if (!cutAt(product, offset, depth + 1))
      return false;
  }
  SmallVector<Axis> parts = flatten(product);
  if (parts.size() > kMaxParts)
    return false;
  size_t next = 0;
  for (const Axis &piece : pieces) {
    std::optional<Axis> selected = take(parts, next, sizeOf(piece));
    if (!selected || !unify(piece, *selected, depth + 1))
      return false;
  }
  atoms[atom].kind = Kind::Product;
  atoms[atom].children.assign(1, product);
  return true;
}

bool AtomTable::unify(ArrayRef<AtomId> a, ArrayRef<AtomId> b) {
  if (a == b)
    return true;
  return unify(a, b, 0);
}

bool AtomTable::unify(ArrayRef<AtomId> a, ArrayRef<AtomId> b, unsigned depth) {
  if (depth > kMaxDepth)
    return false;
  for (unsigned round = 0; round < kMaxRounds; ++round) {
    Axis left = expand(a), right = expand(b);
    size_t i = 0;
    while (i < left.size() && i < right.size() && left[i] == right[i])
      ++i;
    if (i == left.size() && i == right.size())
      return true;
    if (i == left.size() || i == right.size())
      return false;
    int64_t x = atoms[left[i]].size, y = atoms[right[i]].size;
    if (x == y) {
      if (!merge(left[i], right[i], depth + 1))
        return false;
    } else if (x > y) {
      if (x % y != 0 || !split(left[i], y, depth + 1))
        return false;
    } else {
      if (y % x != 0 || !split(right[i], x, depth + 1))
        return false;
    }
  }
  return false;
}

/// Makes two atoms of equal size one, the structured one representing both.
bool AtomTable::merge(AtomId a, AtomId b, unsigned depth) {
  if (atoms[a].kind == Kind::Leaf && atoms[b].kind == Kind::Leaf) {
    // The older atom represents both, so that names are stable.
    atoms[std::max(a, b)].parent = std::min(a, b);
    return true;
  }
  if (atoms[a].kind == Kind::Leaf) {
    atoms[a].parent = b;
    return true;
  }
  if (atoms[b].kind == Kind::Leaf) {
    atoms[b].parent = a;
    return true;
  }
  if (depth > kMaxDepth)
    return false;
  for (unsigned round = 0; round < kMaxRounds; ++round) {
    SmallVector<Axis> left = flatPieces(a), right = flatPieces(b);
    auto differing = llvm::find_if(llvm::zip(left, right), [&](auto pair) {
      return sizeOf(std::get<0>(pair)) != sizeOf(std::get<1>(pair));
    });
    size_t k = std::distance(llvm::zip(left, right).begin(), differing);
    if (k == std::min(left.size(), right.size())) {
      if (left.size() != right.size())
        return false;
      for (auto [x, y] : llvm::zip(left, right))
        if (!unify(x, y, depth + 1))
          return false;
      atoms[a].parent = b;
      return true;
    }
    int64_t x = sizeOf(left[k]), y = sizeOf(right[k]);
    if (!cutAt(x > y ? left[k] : right[k], std::min(x, y), depth + 1))
      return false;
    // A piece that is not a single atom cannot be cut in place.
    if (flatPieces(a).size() == left.size() && flatPieces(b).size() == right.size())
      return false;
  }
  return false;
}

SmallVector<Axis> AtomTable::flatten(ArrayRef<AtomId> axis) const {
  Axis expanded = expand(axis);
  if (expanded.empty() || atoms[expanded.front()].kind != Kind::Pieces)
    return {expanded};
  SmallVector<Axis> result;
  ArrayRef<AtomId> rest = ArrayRef<AtomId>(expanded).drop_front();
  for (Axis &piece : flatPieces(expanded.front())) {
    bool isOne = piece.empty();
    piece.append(rest.begin(), rest.end());
    // Where the leading piece is one index, what follows leads.
    if (isOne)
      llvm::append_range(result, flatten(piece));
    else
      result.push_back(std::move(piece));
  }
  return result;
}

/// Ensures a boundary between pieces at `offset` of the axis.
bool AtomTable::cutAt(ArrayRef<AtomId> axis, int64_t offset, unsigned depth) {
  if (depth > kMaxDepth)
    return false;
  SmallVector<Axis> pieces = flatten(axis);
  if (pieces.size() > 1) {
    int64_t start = 0;
    for (const Axis &piece : pieces) {
      int64_t extent = sizeOf(piece);
      if (start < offset && offset < start + extent)
        return cutAt(piece, offset - start, depth + 1);
      start += extent;
    }
    return true;
  }
  Axis expanded = pieces.front();
  if (offset == 0 || offset == sizeOf(expanded))
    return true;
  if (expanded.empty())
    return false;
  int64_t trailing = sizeOf(ArrayRef<AtomId>(expanded).drop_front());
  if (trailing <= 0)
    return false;
  AtomId atom = expanded.front();
  int64_t at = offset / trailing;
  if (offset % trailing != 0)
    // Within one index of the leading atom: that index apart, and the boundary in what follows it.
    return cutAt(Axis{atom}, at, depth + 1) && cutAt(Axis{atom}, at + 1, depth + 1) &&
           cutAt(axis, offset, depth + 1);
  // Cut at the gcd first: [3*h*d] cut at h*d is [3][h*d] cut at 1.
  int64_t unit = std::gcd(at, atoms[atom].size);
  if (unit > 1 && unit < atoms[atom].size) {
    if (!split(atom, atoms[atom].size / unit, depth + 1))
      return false;
    return cutAt(Axis{atom}, at, depth + 1);
  }
  Axis head = newAxis(at), tail = newAxis(atoms[atom].size - at);
  atoms[atom].kind = Kind::Pieces;
  atoms[atom].children.assign({head, tail});
  return true;
}

std::optional<SmallVector<Axis>> AtomTable::cut(ArrayRef<AtomId> axis,
                                                ArrayRef<int64_t> segmentSizes) {
  // All boundaries at once: they have one unit.
  Axis expanded = expand(axis);
  if (!expanded.empty() && atoms[expanded.front()].kind == Kind::Leaf) {
    int64_t trailing = sizeOf(ArrayRef<AtomId>(expanded).drop_front());
    int64_t size = atoms[expanded.front()].size, unit = size * trailing;
    if (unit <= 0)
      return std::nullopt;
    for (int64_t segment : segmentSizes)
      unit = std::gcd(unit, segment);
    if (unit % trailing == 0 && unit > trailing && unit / trailing < size &&
        !split(expanded.front(), size / (unit / trailing), 0))
      return std::nullopt;
  }
  int64_t offset = 0;
  for (int64_t size : segmentSizes) {
    offset += size;
    if (!cutAt(axis, offset, 0))
      return std::nullopt;
  }
  SmallVector<Axis> pieces = flatten(axis);
  if (pieces.size() < 2)
    return std::nullopt;
  SmallVector<Axis> segments;
  size_t next = 0;
  for (int64_t size : segmentSizes) {
    std::optional<Axis> segment = take(pieces, next, size);
    if (!segment)
      return std::nullopt;
    segments.push_back(std::move(*segment));
  }
  return segments;
}

/// The next of some consecutive pieces as one axis of the given size.
std::optional<Axis> AtomTable::take(ArrayRef<Axis> pieces, size_t &next, int64_t size) {
  int64_t extent = 0;
  SmallVector<Axis> selected;
  while (extent < size && next < pieces.size()) {
    extent += sizeOf(pieces[next]);
    selected.push_back(pieces[next++]);
  }
  if (extent != size)
    return std::nullopt;
  return selected.empty() ? Axis{} : concatenate(selected);
}

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
  if (depth > kMaxDepth)
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
