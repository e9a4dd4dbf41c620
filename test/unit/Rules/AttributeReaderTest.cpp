// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Rules/AttributeReader.h"
#include "noether/Dialect/Host/HostDialects.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OperationSupport.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace noether;

namespace {

Indices indices(std::initializer_list<int64_t> list) { return Indices(list); }

TEST(DotDimensionsTest, ReadsAllFieldsInAnyOrder) {
  auto dims = parseDotDimensions("dot<rhs_contracting_dimensions = [1], lhs_batching_dimensions = "
                                 "[0, 2], lhs_contracting_dimensions = [3]>");
  ASSERT_TRUE(succeeded(dims));
  EXPECT_EQ(dims->lhsBatching, indices({0, 2}));
  EXPECT_TRUE(dims->rhsBatching.empty());
  EXPECT_EQ(dims->lhsContracting, indices({3}));
  EXPECT_EQ(dims->rhsContracting, indices({1}));
  EXPECT_TRUE(succeeded(parseDotDimensions("dot<>")));
}

TEST(DotDimensionsTest, RefusesWhatItDoesNotKnow) {
  for (StringRef text :
       {"", "dot", "dot<", "dot<lhs_batching_dimensions>", "dot<lhs_batching_dimensions = 1>",
        "dot<lhs_batching_dimensions = [1>", "dot<lhs_batching_dimensions = [1],>",
        "dot<lhs_batching_dimensions = [1]> x", "dot<batching = [1]>", "gather<>",
        "dot<lhs_batching_dimensions = [99999999999999999999]>",
        "dot<lhs_batching_dimensions = [0], lhs_batching_dimensions = [1]>"})
    EXPECT_TRUE(failed(parseDotDimensions(text))) << text.str();
}

TEST(ConvolutionDimensionsTest, ReadsPositions) {
  auto dims = parseConvolutionDimensions("conv<[b, 0, 1, f]x[i, 1, 0, o]->[0, b, f, 1]>");
  ASSERT_TRUE(succeeded(dims));
  EXPECT_EQ(dims->inputBatch, 0);
  EXPECT_EQ(dims->inputFeature, 3);
  EXPECT_EQ(dims->inputSpatial, indices({1, 2}));
  EXPECT_EQ(dims->kernelInput, 0);
  EXPECT_EQ(dims->kernelOutput, 3);
  EXPECT_EQ(dims->kernelSpatial, indices({2, 1}));
  EXPECT_EQ(dims->outputBatch, 1);
  EXPECT_EQ(dims->outputFeature, 2);
  EXPECT_EQ(dims->outputSpatial, indices({0, 3}));
  EXPECT_EQ(dims->inputRank, 4);
}

TEST(ConvolutionDimensionsTest, WithoutSpace) {
  auto dims = parseConvolutionDimensions("conv<[b, f]x[i, o]->[b, f]>");
  ASSERT_TRUE(succeeded(dims));
  EXPECT_TRUE(dims->inputSpatial.empty());
}

TEST(ConvolutionDimensionsTest, RefusesMissingAndRepeatedDimensions) {
  for (StringRef text :
       {"conv<[b, 0]x[i, 0, o]->[b, 0, f]>", "conv<[b, f, b]x[i, o, 0]->[b, f, 0]>",
        "conv<[b, f, 1]x[i, o, 0]->[b, f, 0]>", "conv<[b, f, 0, 0]x[i, o, 0]->[b, f, 0]>",
        "conv<[b, f]x[i, o]>", "conv<[b, f]x[i, o]->[b, f]", "conv<[]x[]->[]>",
        "conv<[i, o]x[b, f]->[b, f]>"})
    EXPECT_TRUE(failed(parseConvolutionDimensions(text))) << text.str();
}

TEST(GatherDimensionsTest, ReadsListsAndTheIndexVector) {
  auto dims = parseGatherDimensions(
      "gather<offset_dims = [2], collapsed_slice_dims = [0], operand_batching_dims = [1], "
      "start_indices_batching_dims = [3], start_index_map = [0], index_vector_dim = 2>");
  ASSERT_TRUE(succeeded(dims));
  EXPECT_EQ(dims->offset, indices({2}));
  EXPECT_EQ(dims->collapsed, indices({0}));
  EXPECT_EQ(dims->operandBatching, indices({1}));
  EXPECT_EQ(dims->indicesBatching, indices({3}));
  EXPECT_EQ(dims->startIndexMap, indices({0}));
  EXPECT_EQ(dims->indexVector, 2);
  EXPECT_TRUE(failed(parseGatherDimensions("gather<index_vector_dim = [2]>")));
}

TEST(ScatterDimensionsTest, ReadsListsAndTheIndexVector) {
  auto dims =
      parseScatterDimensions("scatter<update_window_dims = [0, 1], inserted_window_dims = [2], "
                             "scatter_dims_to_operand_dims = [2]>");
  ASSERT_TRUE(succeeded(dims));
  EXPECT_EQ(dims->updateWindow, indices({0, 1}));
  EXPECT_EQ(dims->insertedWindow, indices({2}));
  EXPECT_EQ(dims->scatterToOperand, indices({2}));
  EXPECT_EQ(dims->indexVector, 0);
}

class AttributeReaderTest : public testing::Test {
protected:
  AttributeReaderTest() {
    DialectRegistry registry;
    registerHostDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    context.allowUnregisteredDialects();
  }
  ~AttributeReaderTest() override {
    if (op)
      op->destroy();
  }

  AttributeReader read(StringRef attribute) {
    if (op)
      op->destroy();
    OperationState state(UnknownLoc::get(&context), "stablehlo.test");
    if (Attribute value = parseAttribute(attribute, &context))
      state.addAttribute("a", value);
    op = Operation::create(state);
    return AttributeReader(op);
  }

  MLIRContext context;
  Operation *op = nullptr;
};

TEST_F(AttributeReaderTest, IntegersComeInManyForms) {
  for (StringRef form : {"array<i64: 1, -2>", "array<i32: 1, -2>", "dense<[1, -2]> : tensor<2xi64>",
                         "dense<[[1], [-2]]> : tensor<2x1xi32>", "[1, -2]"}) {
    auto values = read(form).integers("a");
    ASSERT_TRUE(succeeded(values)) << form.str();
    EXPECT_EQ(*values, indices({1, -2})) << form.str();
  }
  EXPECT_EQ(*read("array<i1: true, false>").integers("a"), indices({1, 0}));
  EXPECT_EQ(*read("dense<true> : tensor<2xi1>").integers("a"), indices({1, 1}));
  EXPECT_EQ(*read("dense<3> : tensor<2xindex>").integers("a"), indices({3, 3}));
  EXPECT_TRUE(read("array<i64>").integers("a")->empty());
}

TEST_F(AttributeReaderTest, OtherFormsFail) {
  for (StringRef form : {"\"text\"", "1.0 : f32", "[1, 2.0]", "dense<1.0> : tensor<2xf32>",
                         "dense<1> : tensor<1000000000xi64>", "unit"}) {
    EXPECT_TRUE(failed(read(form).integers("a"))) << form.str();
    EXPECT_TRUE(failed(read(form).dot("a"))) << form.str();
    EXPECT_TRUE(failed(read(form).convolution("a"))) << form.str();
  }
  EXPECT_TRUE(failed(read("1 : i64").integers("b")));
  EXPECT_TRUE(failed(read("170141183460469231731687303715884105727 : i128").integer("a")));
}

TEST_F(AttributeReaderTest, AbsentAttributesHaveTheirDefault) {
  AttributeReader reader = read("array<i64: 1>");
  EXPECT_EQ(*reader.integersOr("b", {7}), indices({7}));
  EXPECT_EQ(*reader.integersOr("a", {7}), indices({1}));
  EXPECT_TRUE(failed(reader.integerOr("a", 7)));
  EXPECT_EQ(*reader.integerOr("b", 7), 7);
  EXPECT_TRUE(*reader.booleanOr("b", true));
}

TEST_F(AttributeReaderTest, KeywordsOfEnums) {
  EXPECT_EQ(*read("#stablehlo<comparison_direction GT>").keyword("a"), "GT");
  EXPECT_EQ(*read("#mhlo<comparison_direction LE>").keyword("a"), "LE");
  EXPECT_EQ(*read("\"EQ\"").keyword("a"), "EQ");
  EXPECT_TRUE(failed(read("[1]").keyword("a")));
}

TEST_F(AttributeReaderTest, OpaqueAttributesAreReadFromTheirText) {
  EXPECT_EQ(
      printedBody(parseAttribute("#stablehlo.dot<lhs_contracting_dimensions = [1]>", &context)),
      "dot<lhs_contracting_dimensions = [1]>");
  EXPECT_TRUE(succeeded(read("#stablehlo.dot<lhs_contracting_dimensions = [1]>").dot("a")));
  EXPECT_TRUE(succeeded(read("#stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>").convolution("a")));
  EXPECT_TRUE(succeeded(read("#stablehlo.gather<offset_dims = [1]>").gather("a")));
  EXPECT_TRUE(succeeded(read("#mhlo.scatter<update_window_dims = [1]>").scatter("a")));
}

TEST_F(AttributeReaderTest, Booleans) {
  EXPECT_TRUE(*read("true").boolean("a"));
  EXPECT_FALSE(*read("false").boolean("a"));
  EXPECT_TRUE(*read("unit").boolean("a"));
  EXPECT_TRUE(failed(read("1 : i64").boolean("a")));
}

} // namespace
