// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Structure/IndexSpace.h"

#include "gtest/gtest.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {
class IndexSpaceTest : public testing::Test {
protected:
  SmallVector<int64_t> sizes(ArrayRef<AtomId> axis) const {
    SmallVector<int64_t> result;
    for (AtomId atom : atoms.expand(axis))
      result.push_back(atoms.sizeOf({atom}));
    return result;
  }
  const ResolvedAxis &resolve(ArrayRef<AtomId> axis) {
    const ResolvedAxis *resolved = resolver.resolve(axis);
    EXPECT_NE(resolved, nullptr);
    return *resolved;
  }

  AtomTable atoms;
  AxisResolver resolver{atoms};
};

using Sizes = SmallVector<int64_t>;
using Bools = SmallVector<bool, 2>;
} // namespace

//===----------------------------------------------------------------------===//
// Identifying axes
//===----------------------------------------------------------------------===//

TEST_F(IndexSpaceTest, LeavesBecomeOne) {
  Axis a = atoms.newAxis(6), b = atoms.newAxis(6), c = atoms.newAxis(6);
  EXPECT_NE(atoms.find(a[0]), atoms.find(b[0]));
  EXPECT_TRUE(atoms.unify(c, b));
  EXPECT_TRUE(atoms.unify(b, a));
  // The oldest names the class.
  EXPECT_EQ(atoms.find(c[0]), a[0]);
  EXPECT_EQ(&resolve(a), &resolve(c));
}

TEST_F(IndexSpaceTest, AxesOfSizeOneHaveNoAtom) {
  EXPECT_TRUE(atoms.newAxis(1).empty());
  EXPECT_EQ(atoms.sizeOf({}), 1);
  EXPECT_TRUE(atoms.unify(Axis{}, Axis{}));
  EXPECT_FALSE(atoms.unify(Axis{}, atoms.newAxis(2)));
}

TEST_F(IndexSpaceTest, ReshapeSplits) {
  Axis flat = atoms.newAxis(24), h = atoms.newAxis(4), d = atoms.newAxis(6);
  Axis product = {h[0], d[0]};
  EXPECT_TRUE(atoms.unify(flat, product));
  EXPECT_EQ(sizes(flat), Sizes({4, 6}));
  EXPECT_EQ(atoms.expand(flat), atoms.expand(product));
  // A second reshape of the same axis refines both.
  Axis finer = {atoms.newAxis(2)[0], atoms.newAxis(2)[0], atoms.newAxis(6)[0]};
  EXPECT_TRUE(atoms.unify(finer, flat));
  EXPECT_EQ(sizes(h), Sizes({2, 2}));
  EXPECT_EQ(sizes(flat), Sizes({2, 2, 6}));
}

TEST_F(IndexSpaceTest, IncompatibleStructures) {
  Axis a = atoms.newAxis(6);
  EXPECT_FALSE(atoms.unify(a, atoms.newAxis(4)));
  // 2 x 3 and 3 x 2 have no common refinement.
  Axis two = {atoms.newAxis(2)[0], atoms.newAxis(3)[0]};
  Axis three = {atoms.newAxis(3)[0], atoms.newAxis(2)[0]};
  EXPECT_FALSE(atoms.unify(two, three));
  // A long axis is not split across its pieces.
  Axis cut = atoms.newAxis(130);
  ASSERT_TRUE(atoms.cut(cut, {1, 129}));
  EXPECT_FALSE(atoms.unify(cut, Axis{atoms.newAxis(2)[0], atoms.newAxis(65)[0]}));
}

TEST_F(IndexSpaceTest, PiecesEndWithinAnIndexOfAProduct) {
  // An axis of 6 cut in 1 and 5, and one that is 2 x 3: the first 3 are cut in 1 and 2.
  Axis cut = atoms.newAxis(6);
  ASSERT_TRUE(atoms.cut(cut, {1, 5}));
  Axis product = {atoms.newAxis(2)[0], atoms.newAxis(3)[0]};
  EXPECT_TRUE(atoms.unify(cut, product));
  EXPECT_EQ(sizes(cut), sizes(product));
}

//===----------------------------------------------------------------------===//
// Cutting axes
//===----------------------------------------------------------------------===//

TEST_F(IndexSpaceTest, EqualPiecesShareWhatIsInside) {
  // A fused projection of 3 * h * d = 24 columns, cut into queries, keys and values.
  Axis fused = atoms.newAxis(24);
  auto pieces = atoms.cut(fused, {8, 8, 8});
  ASSERT_TRUE(pieces);
  ASSERT_EQ(pieces->size(), 3u);
  EXPECT_EQ(sizes(fused), Sizes({3, 8}));
  for (const Axis &piece : *pieces)
    EXPECT_EQ(sizes(piece), Sizes({8}));
  // Heads of one piece are heads of all.
  Axis heads = {atoms.newAxis(2)[0], atoms.newAxis(4)[0]};
  EXPECT_TRUE(atoms.unify((*pieces)[1], heads));
  EXPECT_EQ(sizes(fused), Sizes({3, 2, 4}));
  EXPECT_EQ(sizes((*pieces)[2]), Sizes({2, 4}));
}

TEST_F(IndexSpaceTest, CutAtTheGreatestCommonDivisor) {
  Axis axis = atoms.newAxis(24);
  auto pieces = atoms.cut(axis, {16, 8});
  ASSERT_TRUE(pieces);
  EXPECT_EQ(sizes(axis), Sizes({3, 8}));
  EXPECT_EQ(sizes((*pieces)[0]), Sizes({2, 8}));
  EXPECT_EQ(sizes((*pieces)[1]), Sizes({8}));
}

TEST_F(IndexSpaceTest, PiecesWithoutACommonDivisor) {
  Axis axis = atoms.newAxis(7);
  auto pieces = atoms.cut(axis, {2, 4, 1});
  ASSERT_TRUE(pieces);
  EXPECT_EQ(sizes((*pieces)[0]), Sizes({2}));
  EXPECT_EQ(sizes((*pieces)[1]), Sizes({4}));
  EXPECT_EQ(sizes((*pieces)[2]), Sizes());
}

TEST_F(IndexSpaceTest, ConcatenationMeetsACut) {
  Axis q = atoms.newAxis(4), k = atoms.newAxis(3);
  Axis whole = atoms.newAxis(7);
  ASSERT_TRUE(atoms.unify(whole, atoms.concatenate({q, k})));
  // Slicing what was concatenated gives back the pieces.
  auto pieces = atoms.cut(whole, {4, 3});
  ASSERT_TRUE(pieces);
  EXPECT_EQ(atoms.expand((*pieces)[0]), atoms.expand(q));
  EXPECT_EQ(atoms.expand((*pieces)[1]), atoms.expand(k));
  // A finer cut cuts the piece.
  ASSERT_TRUE(atoms.cut(whole, {4, 1, 2}));
  EXPECT_EQ(atoms.flatPieces(atoms.find(whole[0])).size(), 3u);
  EXPECT_EQ(atoms.kind(atoms.find(k[0])), AtomTable::Kind::Pieces);
}

TEST_F(IndexSpaceTest, TwoCutsOfOneAxis) {
  Axis a = atoms.newAxis(7), b = atoms.newAxis(7);
  ASSERT_TRUE(atoms.cut(a, {2, 5}));
  ASSERT_TRUE(atoms.cut(b, {4, 3}));
  EXPECT_TRUE(atoms.unify(a, b));
  Sizes found;
  for (const Axis &piece : atoms.flatPieces(atoms.find(a[0])))
    found.push_back(atoms.sizeOf(piece));
  EXPECT_EQ(found, Sizes({2, 2, 3}));
}

TEST_F(IndexSpaceTest, ConcatenationOfOnePartIsThePart) {
  Axis a = atoms.newAxis(4);
  EXPECT_EQ(atoms.concatenate({a}), a);
}

//===----------------------------------------------------------------------===//
// Components
//===----------------------------------------------------------------------===//

TEST_F(IndexSpaceTest, ComponentsOfALeaf) {
  const ResolvedAxis &axis = resolve(atoms.newAxis(6));
  EXPECT_EQ(axis.radix, 2u);
  EXPECT_EQ(axis.dimension(0), 1);
  EXPECT_EQ(axis.dimension(1), 5);
  EXPECT_TRUE(axis.isConstant(0));
  EXPECT_FALSE(axis.isConstant(1));
}

TEST_F(IndexSpaceTest, ComponentsOfAProduct) {
  Axis axis = {atoms.newAxis(3)[0], atoms.newAxis(5)[0]};
  const ResolvedAxis &resolved = resolve(axis);
  EXPECT_EQ(resolved.radix, 4u);
  // Constant, along the trailing atom, along the leading one, along both: 1 + 4 + 2 + 8 = 15.
  int64_t total = 0;
  for (uint64_t digit = 0; digit < 4; ++digit)
    total += resolved.dimension(digit);
  EXPECT_EQ(total, 15);
  EXPECT_EQ(resolved.dimension(1), 4);
  EXPECT_EQ(resolved.dimension(2), 2);
  EXPECT_EQ(resolved.order(3), 2u);
}

TEST_F(IndexSpaceTest, DimensionsAddUpToTheSize) {
  Axis axis = atoms.newAxis(24);
  ASSERT_TRUE(atoms.cut(axis, {4, 12, 8}));
  Axis other = atoms.newAxis(30);
  ASSERT_TRUE(atoms.cut(other, {7, 1, 22}));
  for (const Axis &a : {axis, other}) {
    const ResolvedAxis &resolved = resolve(a);
    int64_t total = 0;
    for (uint64_t digit = 0; digit < resolved.radix; ++digit)
      total += resolved.dimension(digit);
    EXPECT_EQ(total, atoms.sizeOf(a));
  }
}

TEST_F(IndexSpaceTest, PiecesHaveConstantsOfTheirOwn) {
  Axis axis = atoms.newAxis(7);
  ASSERT_TRUE(atoms.cut(axis, {4, 3}));
  const ResolvedAxis &resolved = resolve(axis);
  EXPECT_EQ(resolved.radix, 4u);
  EXPECT_EQ(resolved.constants, (SmallVector<uint64_t, 1>({0, 2})));
  EXPECT_EQ(resolved.cellOf(3), 2u);
  EXPECT_EQ(resolved.dimension(1), 3);
  EXPECT_EQ(resolved.dimension(3), 2);
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

TEST_F(IndexSpaceTest, PlaceInAPiece) {
  Axis axis = atoms.newAxis(24);
  auto pieces = atoms.cut(axis, {8, 8, 8});
  ASSERT_TRUE(pieces);
  const ResolvedAxis &resolved = resolve(axis);
  // [3][8]: the third piece, varying along what is inside.
  uint64_t digit = 2 * 2 + 1;
  ResolvedAxis::Place place = resolved.place(digit);
  EXPECT_TRUE(place.isExact);
  EXPECT_EQ(ArrayRef<int64_t>(place.view), ArrayRef<int64_t>({3, 8}));
  EXPECT_EQ(ArrayRef<int64_t>(place.offsets), ArrayRef<int64_t>({2, 0}));
  EXPECT_EQ(ArrayRef<int64_t>(place.sizes), ArrayRef<int64_t>({1, 8}));
  EXPECT_EQ(place.varies, Bools({false, true}));
}

TEST_F(IndexSpaceTest, PlaceOfPiecesOfALeaf) {
  Axis axis = atoms.newAxis(7);
  ASSERT_TRUE(atoms.cut(axis, {4, 3}));
  ResolvedAxis::Place place = resolve(axis).place(3);
  EXPECT_TRUE(place.isExact);
  EXPECT_EQ(ArrayRef<int64_t>(place.view), ArrayRef<int64_t>({7}));
  EXPECT_EQ(ArrayRef<int64_t>(place.offsets), ArrayRef<int64_t>({4}));
  EXPECT_EQ(ArrayRef<int64_t>(place.sizes), ArrayRef<int64_t>({3}));
  EXPECT_EQ(place.varies, Bools({true}));
}

TEST_F(IndexSpaceTest, VaryingAlongInvertsPlace) {
  Axis product = {atoms.newAxis(3)[0], atoms.newAxis(5)[0]};
  Axis fused = atoms.newAxis(24);
  auto pieces = atoms.cut(fused, {8, 8, 8});
  ASSERT_TRUE(pieces && atoms.unify((*pieces)[0], {atoms.newAxis(2)[0], atoms.newAxis(4)[0]}));
  Axis uneven = atoms.newAxis(30);
  ASSERT_TRUE(atoms.cut(uneven, {7, 1, 22}));
  // A piece that is a product: [12] of 20, seen as 3 x 4 of 5 x 4.
  Axis nested = atoms.newAxis(20);
  auto parts = atoms.cut(nested, {12, 8});
  ASSERT_TRUE(parts);
  for (const Axis &axis : {product, fused, uneven, nested}) {
    const ResolvedAxis &resolved = resolve(axis);
    for (uint64_t digit = 0; digit < resolved.radix; ++digit) {
      ResolvedAxis::Place place = resolved.place(digit);
      ASSERT_TRUE(place.isExact) << digit;
      EXPECT_EQ(resolved.varyingAlong(digit, place.varies), digit);
      // With nothing varying: the constant component of the same pieces.
      Bools none(place.view.size(), false);
      EXPECT_EQ(resolved.varyingAlong(digit, none), resolved.cellOf(digit));
    }
  }
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

TEST_F(IndexSpaceTest, SegmentsMapBothWays) {
  Axis axis = atoms.newAxis(24);
  auto pieces = atoms.cut(axis, {4, 12, 8});
  ASSERT_TRUE(pieces);
  const ResolvedAxis &whole = resolve(axis);
  SmallVector<const ResolvedAxis *> segments;
  for (const Axis &piece : *pieces)
    segments.push_back(&resolve(piece));
  auto map = resolver.mapSegments(whole, segments);
  ASSERT_TRUE(map);
  ASSERT_EQ(map->toSegment.size(), whole.radix);
  size_t mapped = 0;
  for (uint32_t segment = 0; segment < 3; ++segment)
    for (uint64_t digit = 0; digit < segments[segment]->radix; ++digit, ++mapped) {
      uint64_t there = map->toWhole[segment][digit];
      EXPECT_EQ(map->toSegment[there], std::make_pair(segment, digit));
      EXPECT_EQ(whole.dimension(there), segments[segment]->dimension(digit));
    }
  EXPECT_EQ(mapped, whole.radix);
}

TEST_F(IndexSpaceTest, SegmentsThatDoNotCorrespond) {
  Axis axis = atoms.newAxis(24), other = atoms.newAxis(24);
  auto pieces = atoms.cut(axis, {8, 16});
  ASSERT_TRUE(pieces);
  const ResolvedAxis &first = resolve((*pieces)[0]);
  EXPECT_FALSE(resolver.mapSegments(resolve(axis), {&first}));
  EXPECT_FALSE(resolver.mapSegments(resolve(other), {&first, &resolve((*pieces)[1])}));
}

TEST_F(IndexSpaceTest, TooManyComponentsAreNotNumbered) {
  Axis axis;
  for (int i = 0; i < 16; ++i)
    axis.push_back(atoms.newAxis(2)[0]);
  EXPECT_EQ(resolver.resolve(axis), nullptr);
}
