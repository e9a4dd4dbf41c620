// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/raw_ostream.h"

#include <gtest/gtest.h>

#include <limits>

using namespace mlir;
using namespace noether;

namespace {

class RuleAttrTest : public testing::Test {
protected:
  RuleAttrTest() { context.loadDialect<NoetherDialect>(); }

  DimMapAttr factor(int64_t number) { return DimMapAttr::get(&context, {number}, {1}); }
  TensorMapAttr tensor(ArrayRef<DimMapAttr> dims) { return TensorMapAttr::get(&context, dims); }
  EquationAttr equation(int64_t lhs, ArrayRef<int64_t> tensors, ArrayRef<int64_t> numerators,
                        ArrayRef<int64_t> denominators) {
    return EquationAttr::get(&context, lhs, tensors, numerators, denominators);
  }
  std::string print(Attribute attr) {
    std::string text;
    llvm::raw_string_ostream(text) << attr;
    return text;
  }

  MLIRContext context;
};

TEST_F(RuleAttrTest, FactorsAreNumberedInTheOrderOfTheirFirstUse) {
  auto contract = [&](int64_t row, int64_t inner, int64_t column, int64_t numFactors) {
    SmallVector<int64_t> sizes(numFactors, 0);
    return RuleAttr::get(
        &context,
        {tensor({factor(row), factor(inner)}), tensor({factor(inner), factor(column)})},
        {tensor({factor(row), factor(column)})}, sizes, {inner}, {},
        {equation(2, {0, 1}, {1, 1}, {1, 1})});
  };
  RuleAttr rule = contract(0, 1, 2, 3);
  EXPECT_EQ(rule, contract(7, 2, 5, 9));
  EXPECT_EQ(print(rule), "#noether.rule<([i,j],[j,k])->([i,k]) sum {j} : r0 = o0 + o1>");
  EXPECT_EQ(rule.getNumFactors(), 3u);
  EXPECT_EQ(parseAttribute(print(rule), &context), rule);
}

TEST_F(RuleAttrTest, SizesAreKeptOnlyInsideProductsAndPieces) {
  DimMapAttr product = DimMapAttr::get(&context, {1, 2}, {2});
  RuleAttr rule =
      RuleAttr::get(&context, {tensor({factor(0), product})},
                    {tensor({factor(0), factor(1), factor(2)})}, {5, 2, 3}, {}, {},
                    {equation(1, {0}, {1}, {1})});
  EXPECT_EQ(rule.getFactorSizes(), ArrayRef<int64_t>({0, 2, 3}));
  EXPECT_EQ(print(rule), "#noether.rule<([i,(j k)])->([i,j,k]) sizes {j=2, k=3} : r0 = o0>");
}

TEST_F(RuleAttrTest, CoefficientsAreInLowestTerms) {
  EXPECT_EQ(equation(1, {0}, {-4}, {8}), equation(1, {0}, {-1}, {2}));
  EXPECT_EQ(print(equation(1, {0}, {-4}, {8})), "#noether.equation<t1 = -1/2 t0>");
}

TEST_F(RuleAttrTest, ManyFactorsKeepTheirNames) {
  SmallVector<DimMapAttr> dims;
  for (int64_t number = 0; number < 60; ++number)
    dims.push_back(factor(number));
  TensorMapAttr map = tensor(dims);
  RuleAttr rule = RuleAttr::get(&context, {map}, {map}, SmallVector<int64_t>(60, 0), {}, {},
                                {equation(1, {0}, {1}, {1})});
  EXPECT_EQ(parseAttribute(print(rule), &context), rule);
  EXPECT_EQ(parseAttribute(print(map), &context), map);
}

TEST_F(RuleAttrTest, PartsOfADimension) {
  DimMapAttr dim = DimMapAttr::get(&context, {4, 5, 6}, {2, 0, 1});
  EXPECT_TRUE(dim.isSegmented());
  EXPECT_EQ(dim.getSegmentFactors(0), ArrayRef<int64_t>({4, 5}));
  EXPECT_TRUE(dim.getSegmentFactors(1).empty());
  EXPECT_EQ(dim.getSegmentFactors(2), ArrayRef<int64_t>({6}));
  EXPECT_TRUE(tensor({dim}).contains(5));
  EXPECT_FALSE(tensor({dim}).contains(3));
}

/// What no text can spell must still be refused, since other compilers build rules by hand.
TEST_F(RuleAttrTest, MalformedPartsAreRefused) {
  SmallVector<std::string> messages;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    messages.push_back(diagnostic.str());
    return success();
  });
  auto emitError = [&] { return mlir::emitError(UnknownLoc::get(&context)); };
  ArrayRef<int64_t> none;
  SmallVector<int64_t> zero = {0}, one = {1}, two = {2}, minusOne = {-1};
  int64_t lowest = std::numeric_limits<int64_t>::min();

  EXPECT_FALSE(DimMapAttr::getChecked(emitError, &context, none, none));
  EXPECT_FALSE(DimMapAttr::getChecked(emitError, &context, ArrayRef(zero), ArrayRef(two)));
  EXPECT_FALSE(DimMapAttr::getChecked(emitError, &context, ArrayRef(zero), ArrayRef(minusOne)));
  EXPECT_FALSE(DimMapAttr::getChecked(emitError, &context, ArrayRef(minusOne), ArrayRef(one)));
  EXPECT_FALSE(EquationAttr::getChecked(emitError, &context, int64_t(1), ArrayRef(zero),
                                        ArrayRef(one), ArrayRef(zero)));
  EXPECT_FALSE(EquationAttr::getChecked(emitError, &context, int64_t(1), ArrayRef(zero),
                                        ArrayRef<int64_t>(lowest), ArrayRef(two)));
  EXPECT_FALSE(EquationAttr::getChecked(emitError, &context, int64_t(1), ArrayRef(zero), none,
                                        ArrayRef(one)));

  // A factor and a tensor that the rule does not have.
  ArrayRef<OperandUse> noUses;
  SmallVector<TensorMapAttr> tensors = {tensor({factor(3)})};
  SmallVector<EquationAttr> equations = {equation(1, {0}, {1}, {1})};
  SmallVector<EquationAttr> wrongEquations = {equation(1, {9}, {1}, {1})};
  EXPECT_FALSE(RuleAttr::getChecked(emitError, &context, ArrayRef(tensors), ArrayRef(tensors),
                                    ArrayRef(zero), none, none, ArrayRef(equations), noUses, false));
  tensors = {tensor({factor(0)})};
  EXPECT_FALSE(RuleAttr::getChecked(emitError, &context, ArrayRef(tensors), ArrayRef(tensors),
                                    ArrayRef(zero), none, none, ArrayRef(wrongEquations), noUses,
                                    false));
  EXPECT_TRUE(RuleAttr::getChecked(emitError, &context, ArrayRef(tensors), ArrayRef(tensors),
                                   ArrayRef(zero), none, none, ArrayRef(equations), noUses, false));
  EXPECT_EQ(messages.size(), 9u);
}

} // namespace
