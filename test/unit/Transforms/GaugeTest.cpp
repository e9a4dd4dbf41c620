// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/GaugeRule.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace noether;

namespace {

using Shape = SmallVector<int64_t>;

Gauge gauge(int64_t exponent, Slots slots = {}, unsigned block = 0) {
  return Gauge(GaugeTerm{block, std::move(slots), Fraction(exponent)});
}

GaugeOperand operand(Gauge gauge, uint64_t cost = 100) {
  GaugeOperand operand;
  operand.gauge = std::move(gauge);
  operand.cost = cost;
  return operand;
}

std::string print(const Gauge &gauge) {
  std::string text;
  llvm::raw_string_ostream os(text);
  gauge.print(os);
  return text;
}

class GaugeRuleTest : public testing::Test {
protected:
  GaugeRuleTest() { context.loadDialect<NoetherDialect>(); }

  GaugePlan plan(StringRef rule, ArrayRef<Shape> shapes, ArrayRef<GaugeOperand> operands) {
    auto attribute =
        dyn_cast_or_null<RuleAttr>(parseAttribute(("#noether.rule<" + rule + ">").str(), &context));
    EXPECT_TRUE(attribute);
    SmallVector<ArrayRef<int64_t>> views(shapes.begin(), shapes.end());
    return planGauges(CompiledRule::get(attribute), views, operands);
  }

  MLIRContext context;
};

TEST(GaugeTest, PowersAtOnePlaceAdd) {
  Gauge sum = gauge(2, {{1, 1, 4}});
  sum.add(gauge(-1, {{1, 1, 4}}));
  EXPECT_EQ(sum, gauge(1, {{1, 1, 4}}));
  sum.add(gauge(1, {{0, 1, 4}}));
  EXPECT_EQ(print(sum), "r0[0:1x4]^1 r0[1:1x4]^1");
  EXPECT_TRUE((sum - sum).isTrivial());
}

TEST(GaugeTest, AxesOfAViewArePartsOfDimensions) {
  EXPECT_EQ(*slotsOfAxes({4, 2, 3}, {1}, {4, 6}), (Slots{{1, 3, 2}}));
  EXPECT_EQ(*slotsOfAxes({4, 2, 3}, {1, 2}, {4, 6}), (Slots{{1, 1, 6}}));
  EXPECT_EQ(*slotsOfAxes({4, 2, 3}, {2, 0}, {4, 6}), (Slots{{1, 1, 3}, {0, 1, 4}}));
  EXPECT_EQ(*slotsOfAxes({1, 6}, {0}, {6}), Slots());
  EXPECT_FALSE(slotsOfAxes({12}, {0}, {4, 3}));
}

TEST_F(GaugeRuleTest, AReshapeMovesAnIndexToPartsOfDimensions) {
  Slots group{{1, 3, 2}}; // the channel axis seen as [2, 3]
  GaugePlan split = plan("([i,(j k)])->([i,j,k]) sizes {j=2, k=3} : r0 = o0", {{4, 6}, {4, 2, 3}},
                         {operand(gauge(1, group))});
  EXPECT_EQ(split.operands[0], gauge(1, group));
  EXPECT_EQ(split.results[0], gauge(1, {{1, 1, 2}}));
  GaugePlan channels = plan("([i,(j k)])->([i,j,k]) sizes {j=2, k=3} : r0 = o0",
                            {{4, 6}, {4, 2, 3}}, {operand(gauge(1, {{1, 1, 6}}))});
  EXPECT_EQ(channels.results[0], gauge(1, {{1, 1, 2}, {2, 1, 3}}));
  GaugePlan joined = plan("([i,j,k])->([i,(j k)]) sizes {j=2, k=3} : r0 = o0", {{4, 2, 3}, {4, 6}},
                          {operand(gauge(1, {{1, 1, 2}, {2, 1, 3}}))});
  EXPECT_EQ(joined.results[0], gauge(1, {{1, 1, 6}}));
}

TEST_F(GaugeRuleTest, AContractionCancelsWhatItSums) {
  StringRef dot = "([i,k],[j,k])->([i,j]) sum {k} : r0 = o0 + o1";
  Slots column{{1, 1, 6}};
  SmallVector<Shape> shapes = {{4, 6}, {3, 6}, {4, 3}};
  GaugePlan cancelled = plan(dot, shapes, {operand(gauge(-1, column)), operand(gauge(1, column))});
  EXPECT_EQ(cancelled.operands[0], gauge(-1, column));
  EXPECT_TRUE(cancelled.results[0].isTrivial());
  // Of the two the smaller one is corrected.
  GaugePlan squared =
      plan(dot, shapes, {operand(gauge(1, column), 24), operand(gauge(1, column), 18)});
  EXPECT_EQ(squared.operands[0], gauge(1, column));
  EXPECT_EQ(squared.operands[1], gauge(-1, column));
  EXPECT_TRUE(squared.results[0].isTrivial());
}

TEST_F(GaugeRuleTest, ASumOverABlockSeesTheOriginalGauge) {
  GaugePlan scalar = plan("([i,j],[])->([i]) sum {j} : r0 = o0, r0 = o1", {{4, 6}, {}, {4}},
                          {operand(gauge(-2)), {{}, true}});
  EXPECT_EQ(scalar.results[0], gauge(-2));
  GaugePlan rows = plan("([i,j],[])->([i]) sum {j} : r0 = o0, r0 = o1", {{4, 6}, {}, {4}},
                        {operand(gauge(-2, {{0, 1, 4}})), {{}, true}});
  EXPECT_EQ(rows.results[0], gauge(-2, {{0, 1, 4}}));
  GaugePlan summed = plan("([i,j],[])->([i]) sum {j} : r0 = o0, r0 = o1", {{4, 6}, {}, {4}},
                          {operand(gauge(-2, {{1, 1, 6}})), {{}, true}});
  EXPECT_TRUE(summed.operands[0].isTrivial());
  EXPECT_TRUE(summed.results[0].isTrivial());
  // A start value that is a number cannot have a gauge for each row.
  GaugePlan started = plan("([i,j],[])->([i]) sum {j} : r0 = o0, r0 = o1", {{4, 6}, {}, {4}},
                           {operand(gauge(-2, {{0, 1, 4}})), operand({}, 0)});
  EXPECT_TRUE(started.operands[0].isTrivial());
}

TEST_F(GaugeRuleTest, TheCheaperTermOfASumIsCorrected) {
  StringRef add = "([i],[i])->([i]) : r0 = o0, r0 = o1";
  SmallVector<Shape> shapes = {{4}, {4}, {4}};
  GaugePlan epsilon = plan(add, shapes, {operand({}, 0), operand(gauge(2))});
  EXPECT_EQ(epsilon.operands[0], gauge(2));
  EXPECT_EQ(epsilon.results[0], gauge(2));
  GaugePlan equal = plan(add, shapes, {operand(gauge(1)), operand(gauge(-1))});
  EXPECT_EQ(equal.results[0], gauge(1));
  GaugePlan zero = plan(add, shapes, {{{}, true}, operand(gauge(2))});
  EXPECT_TRUE(zero.operands[0].isTrivial());
  EXPECT_EQ(zero.results[0], gauge(2));
  GaugeOperand kept = operand({}, 0);
  kept.isKept = true;
  GaugePlan left = plan(add, shapes, {kept, operand(gauge(2))});
  EXPECT_TRUE(left.operands[0].isTrivial());
  EXPECT_EQ(left.results[0], gauge(2));
  EXPECT_FALSE(left.isAny.any());
}

TEST_F(GaugeRuleTest, WhatHasNoDegreeSeesTheOriginalGauge) {
  GaugePlan exponential = plan("([i])->([i]) : o0 = 0, r0 = 0", {{4}, {4}}, {operand(gauge(1))});
  EXPECT_TRUE(exponential.operands[0].isTrivial());
  GaugePlan sign = plan("([i])->([i]) : r0 = 0", {{4}, {4}}, {operand(gauge(1))});
  EXPECT_EQ(sign.operands[0], gauge(1));
  EXPECT_TRUE(sign.results[0].isTrivial());
  GaugePlan frozen =
      plan("([i])->([j]) frozen {i, j} : r0 = o0", {{4}, {4}}, {operand(gauge(1, {{0, 1, 4}}))});
  EXPECT_TRUE(frozen.operands[0].isTrivial());
  GaugePlan piece = plan("([{i|j}])->([i]) sizes {i=2, j=2} : r0 = o0", {{4}, {2}},
                         {operand(gauge(1, {{0, 1, 4}}))});
  EXPECT_TRUE(piece.operands[0].isTrivial());
  GaugePlan barrier = plan("barrier", {{4}, {4}}, {operand(gauge(1))});
  EXPECT_TRUE(barrier.operands[0].isTrivial());
}

TEST_F(GaugeRuleTest, ARootHalvesAndAFractionSubtracts) {
  GaugePlan root = plan("([i])->([i]) : r0 = -1/2 o0", {{4}, {4}}, {operand(gauge(3))});
  EXPECT_EQ(print(root.results[0]), "r0^-3/2");
  GaugePlan quotient = plan("([i],[i])->([i]) : r0 = o0 - o1", {{4}, {4}, {4}},
                            {operand(gauge(1)), operand(gauge(1, {}, 1))});
  EXPECT_EQ(print(quotient.results[0]), "r0^1 r1^-1");
}

} // namespace
