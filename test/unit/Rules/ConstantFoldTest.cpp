// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Rules/ConstantFold.h"
#include "noether/Dialect/Host/HostDialects.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace mlir;
using namespace noether;

namespace {

class ConstantFoldTest : public testing::Test {
protected:
  ConstantFoldTest() {
    DialectRegistry registry;
    registerHostDialects(registry);
    registry.insert<arith::ArithDialect, func::FuncDialect>();
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  std::optional<double> value(StringRef attribute) {
    return splatValue(parseAttribute(attribute, &context));
  }
  bool isFree(StringRef attribute) {
    return isAllZeroOrNonFinite(dyn_cast<ElementsAttr>(parseAttribute(attribute, &context)));
  }
  /// What the last operation of a body before its return holds.
  std::optional<double> trace(StringRef body) {
    std::string text = ("func.func @f(%x: tensor<f32>) {\n" + body + "\nreturn\n}").str();
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    auto function = *module->getOps<func::FuncOp>().begin();
    Operation *last = function.getBody().front().getTerminator()->getPrevNode();
    return traceSplat(last->getResult(0));
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(ConstantFoldTest, SplatsOfAllTypes) {
  EXPECT_EQ(value("dense<2.5> : tensor<4x4xf32>"), 2.5);
  EXPECT_EQ(value("dense<2.5> : tensor<bf16>"), 2.5);
  EXPECT_EQ(value("dense<-1.0> : tensor<2xf8E4M3FN>"), -1.0);
  EXPECT_EQ(value("dense<0x7FC0> : tensor<bf16>").has_value(), true);
  EXPECT_EQ(value("dense<-3> : tensor<2xi32>"), -3.0);
  EXPECT_EQ(value("dense<255> : tensor<2xui8>"), 255.0);
  EXPECT_EQ(value("dense<true> : tensor<2xi1>"), 1.0);
  EXPECT_EQ(value("1.5 : f64"), 1.5);
  EXPECT_EQ(value("7 : index"), 7.0);
  EXPECT_EQ(value("dense<[1.0, 2.0]> : tensor<2xf32>"), std::nullopt);
  EXPECT_EQ(value("dense<(1.0, 0.0)> : tensor<2xcomplex<f32>>"), std::nullopt);
  EXPECT_EQ(value("\"text\""), std::nullopt);
  EXPECT_EQ(splatValue(Attribute()), std::nullopt);
}

TEST_F(ConstantFoldTest, ZerosAndInfinitiesHaveAnyScale) {
  EXPECT_TRUE(isFree("dense<0.0> : tensor<4xf32>"));
  EXPECT_TRUE(isFree("dense<-0.0> : tensor<4xf32>"));
  EXPECT_TRUE(isFree("dense<0xFF800000> : tensor<4xf32>")); // -inf
  EXPECT_TRUE(isFree("dense<0x7FC00000> : tensor<4xf32>")); // nan
  EXPECT_TRUE(isFree("dense<[0.0, 0x7F800000]> : tensor<2xf32>"));
  EXPECT_TRUE(isFree("dense<0> : tensor<4xi32>"));
  EXPECT_TRUE(isFree("dense<(0.0, 0.0)> : tensor<2xcomplex<f32>>"));
  EXPECT_FALSE(isFree("dense<[0.0, 1.0]> : tensor<2xf32>"));
  EXPECT_FALSE(isFree("dense<(0.0, 1.0)> : tensor<2xcomplex<f32>>"));
  EXPECT_FALSE(isFree("dense<> : tensor<0xf32>"));
  EXPECT_FALSE(isAllZeroOrNonFinite(ElementsAttr()));
}

TEST_F(ConstantFoldTest, RoundsToTheType) {
  Builder builder(&context);
  EXPECT_EQ(roundToType(0.1, builder.getF32Type()), static_cast<double>(0.1f));
  EXPECT_EQ(roundToType(3.0, builder.getI32Type()), 3.0);
  EXPECT_EQ(roundToType(3.5, builder.getI32Type()), std::nullopt);
  EXPECT_EQ(roundToType(300.0, builder.getIntegerType(8)), std::nullopt);
  EXPECT_EQ(roundToType(2.0, builder.getI1Type()), 1.0);
  EXPECT_EQ(roundToType(NAN, builder.getI32Type()), std::nullopt);
  EXPECT_EQ(roundToType(INFINITY, builder.getI64Type()), std::nullopt);
}

TEST_F(ConstantFoldTest, TracesThroughOperations) {
  EXPECT_EQ(trace(R"(
    %0 = "stablehlo.constant"() <{value = dense<2.0> : tensor<f32>}> : () -> tensor<f32>
    %1 = "stablehlo.broadcast_in_dim"(%0) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<3xf32>
    %2 = "stablehlo.add"(%1, %1) : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
    %3 = "stablehlo.sqrt"(%2) : (tensor<3xf32>) -> tensor<3xf32>)"),
            2.0);
  // The predicate of a variance: a constant that decides a branch.
  EXPECT_EQ(trace(R"(
    %0 = "stablehlo.constant"() <{value = dense<4> : tensor<i32>}> : () -> tensor<i32>
    %1 = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
    %2 = "stablehlo.convert"(%0) : (tensor<i32>) -> tensor<f32>
    %3 = "stablehlo.compare"(%2, %1) <{comparison_direction = #stablehlo<comparison_direction GT>}> : (tensor<f32>, tensor<f32>) -> tensor<i1>)"),
            1.0);
  EXPECT_EQ(trace(R"(
    %0 = arith.constant 3 : i32
    %1 = arith.sitofp %0 : i32 to f32
    %2 = arith.constant 0.5 : f32
    %3 = arith.mulf %1, %2 : f32)"),
            1.5);
  EXPECT_EQ(trace(R"(
    %0 = arith.constant 1.0 : f32
    %1 = arith.constant 2.0 : f32
    %2 = arith.cmpf olt, %0, %1 : f32
    %3 = arith.select %2, %0, %1 : f32)"),
            1.0);
}

TEST_F(ConstantFoldTest, KnowsItsLimits) {
  // An argument; a remainder of no interest; booleans that add; a division of integers by zero.
  EXPECT_EQ(trace(R"(%0 = "stablehlo.negate"(%x) : (tensor<f32>) -> tensor<f32>)"), std::nullopt);
  EXPECT_EQ(trace(R"(
    %0 = "stablehlo.constant"() <{value = dense<2.0> : tensor<f32>}> : () -> tensor<f32>
    %1 = "stablehlo.remainder"(%0, %0) : (tensor<f32>, tensor<f32>) -> tensor<f32>)"),
            std::nullopt);
  EXPECT_EQ(trace(R"(
    %0 = arith.constant true
    %1 = arith.addi %0, %0 : i1)"),
            std::nullopt);
  EXPECT_EQ(trace(R"(
    %0 = "stablehlo.constant"() <{value = dense<0> : tensor<i32>}> : () -> tensor<i32>
    %1 = "stablehlo.divide"(%0, %0) : (tensor<i32>, tensor<i32>) -> tensor<i32>)"),
            std::nullopt);
  // Fewer operands than the name promises.
  EXPECT_EQ(trace(R"(
    %0 = "stablehlo.constant"() <{value = dense<0> : tensor<i32>}> : () -> tensor<i32>
    %1 = "stablehlo.select"(%0) : (tensor<i32>) -> tensor<i32>)"),
            std::nullopt);
}

} // namespace
