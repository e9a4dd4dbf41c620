// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The index spaces of tensors.
//
// Every axis of every tensor is a row-major product of *atoms*. Operations identify axes (an
// elementwise sum says that two axes have the same index), split them (a reshape makes a product
// of an atom) and cut them (a slice or a concatenation makes an atom a list of pieces). Once all
// operations have been read, each axis has a final structure, and the functions on it decompose
// into one component per choice of pieces and subset of the remaining atoms (the ANOVA
// decomposition). A component is numbered by a *digit*: mixed radix over the atoms, 0/1 for an
// atom ("the component varies along it"), and for a cut atom the piece's offset plus the digit
// within the piece. Reshapes leave digits alone, transposes permute them.

#ifndef NOETHER_ANALYSIS_STRUCTURE_INDEXSPACE_H
#define NOETHER_ANALYSIS_STRUCTURE_INDEXSPACE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace noether {

using AtomId = uint32_t;
/// A row-major product of atoms; empty for an axis of size one.
using Axis = llvm::SmallVector<AtomId, 1>;

/// The atoms of all axes: a union-find whose classes carry a structure.
class AtomTable {
public:
  /// Structures nested deeper than this are left apart: real steps need three or four levels.
  static constexpr unsigned kMaxDepth = 48;

  /// A new axis of `size` indices (no atom if it is 1).
  Axis newAxis(int64_t size);
  /// A new axis made of the given axes one after the other.
  Axis concatenate(llvm::ArrayRef<Axis> parts);

  /// Makes two axes one index. False if their structures do not fit; what has been identified until
  /// then stays so, which is harmless: atoms only name structure.
  bool unify(llvm::ArrayRef<AtomId> a, llvm::ArrayRef<AtomId> b);

  /// Cuts `axis` at the boundaries of consecutive segments and returns the segments' axes; nothing if
  /// the structure does not allow it.
  std::optional<llvm::SmallVector<Axis>> cut(llvm::ArrayRef<AtomId> axis,
                                             llvm::ArrayRef<int64_t> segmentSizes);

  AtomId find(AtomId atom) const;
  /// Makes every atom name its representative, so that `find` writes nothing: threads may share it.
  void compress();
  int64_t sizeOf(llvm::ArrayRef<AtomId> axis) const;

  enum class Kind : uint8_t { Leaf, Product, Pieces };
  Kind kind(AtomId root) const { return atoms[root].kind; }
  /// The atoms of `axis` with products expanded, as class representatives.
  Axis expand(llvm::ArrayRef<AtomId> axis) const;
  /// The pieces of a cut atom, nested ones flattened.
  llvm::SmallVector<Axis> flatPieces(AtomId root) const;
  /// The pieces of an axis, one after the other; itself where it is not cut.
  llvm::SmallVector<Axis> flatten(llvm::ArrayRef<AtomId> axis) const;

private:
  struct Atom {
    int64_t size;
    mutable AtomId parent;
    Kind kind = Kind::Leaf;
    llvm::SmallVector<Axis, 0> children; // the factors (one axis) or the pieces
  };

  AtomId newAtom(int64_t size);
  bool split(AtomId atom, int64_t leading, unsigned depth);
  bool splitAcross(AtomId atom, int64_t leading, llvm::ArrayRef<Axis> pieces, unsigned depth);
  std::optional<Axis> take(llvm::ArrayRef<Axis> pieces, size_t &next, int64_t size);
  bool unify(llvm::ArrayRef<AtomId> a, llvm::ArrayRef<AtomId> b, unsigned depth);
  bool merge(AtomId a, AtomId b, unsigned depth);
  bool cutAt(llvm::ArrayRef<AtomId> axis, int64_t offset, unsigned depth);
  void expandInto(llvm::ArrayRef<AtomId> axis, Axis &result) const;

  std::vector<Atom> atoms;
  unsigned numSplitsAcross = 0;
};

/// The final structure of an axis.
struct ResolvedAxis {
  struct Node {
    AtomId atom;
    int64_t size;
    /// Number of components.
    uint64_t radix;
    /// For a cut atom: its pieces and the digit each starts at.
    llvm::SmallVector<std::unique_ptr<ResolvedAxis>, 0> pieces;
    llvm::SmallVector<uint64_t, 0> starts;
    bool isLeaf() const { return pieces.empty(); }
  };

  llvm::SmallVector<Node, 1> nodes;
  int64_t size = 1;
  uint64_t radix = 1;
  bool hasPieces = false;
  /// For each digit, the constant component of the same choice of pieces; empty without pieces (0).
  llvm::SmallVector<uint32_t, 0> cells;
  /// The constant components, one per choice of pieces.
  llvm::SmallVector<uint64_t, 1> constants = {0};

  /// Whether the components of both axes are the same functions of the index.
  bool hasSameStructure(const ResolvedAxis &other) const;
  uint64_t cellOf(uint64_t digit) const { return hasPieces ? cells[digit] : 0; }
  bool isConstant(uint64_t digit) const { return cellOf(digit) == digit; }

  /// The position of a component: the axis seen as a row-major view, the part of each view axis
  /// that the choice of pieces covers, and which view axes the component varies along.
  struct Place {
    llvm::SmallVector<int64_t, 2> view, offsets, sizes;
    llvm::SmallVector<AtomId, 2> atoms;
    llvm::SmallVector<bool, 2> varies;
    /// False if the component cannot be told in this form.
    bool isExact = true;
  };
  Place place(uint64_t digit) const;
  /// The component at the same place as `digit` that varies along the marked view axes only.
  uint64_t varyingAlong(uint64_t digit, llvm::ArrayRef<bool> varies) const;
  /// The number of indices in a choice of pieces, by its constant component.
  int64_t cellSize(uint64_t cell) const;
  /// Product of (size - 1) over the atoms the component varies along.
  int64_t dimension(uint64_t digit) const;
  /// Number of atoms the component varies along.
  unsigned order(uint64_t digit) const;
};

/// Resolves axes once the structure is final, sharing equal ones.
class AxisResolver {
public:
  explicit AxisResolver(const AtomTable &atoms) : atoms(atoms) {}
  /// Null if the axis has too many components to number.
  const ResolvedAxis *resolve(llvm::ArrayRef<AtomId> axis);

  /// Where the segments of a cut axis lie among its components: `toWhole` maps (segment, digit in
  /// the segment) to a digit of the whole axis and `toSegment` back. Nothing if the structures do not
  /// correspond.
  struct SegmentMap {
    llvm::SmallVector<llvm::SmallVector<uint64_t>> toWhole;
    llvm::SmallVector<std::pair<uint32_t, uint64_t>> toSegment;
  };
  std::optional<SegmentMap> mapSegments(const ResolvedAxis &whole,
                                        llvm::ArrayRef<const ResolvedAxis *> segments) const;

private:
  std::unique_ptr<ResolvedAxis> build(llvm::ArrayRef<AtomId> axis, unsigned depth);

  const AtomTable &atoms;
  llvm::DenseMap<AtomId, std::unique_ptr<ResolvedAxis>> single; // axes of one atom, the usual case
  llvm::DenseMap<uint64_t, llvm::SmallVector<std::pair<Axis, std::unique_ptr<ResolvedAxis>>, 1>>
      products;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_STRUCTURE_INDEXSPACE_H
