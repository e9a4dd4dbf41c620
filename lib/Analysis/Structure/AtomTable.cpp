// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The atoms of all axes: which are the same, which are products, which are cut.

#include "noether/Analysis/Structure/IndexSpace.h"

#include "llvm/ADT/STLExtras.h"

#include <numeric>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Rounds of splitting in one identification.
static constexpr unsigned kMaxRounds = 256;
/// Axes that are split across the pieces they had: how long they may be, how many pieces they may then
/// have, and how often that is tried. (A long axis that is cut in several ways at once, as by the
/// group norms of a U-Net, keeps more if its pieces are not cut further.)
static constexpr int64_t kMaxSplitAcross = 64;
static constexpr size_t kMaxParts = 16;
static constexpr unsigned kMaxSplitsAcross = 1 << 14;

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
