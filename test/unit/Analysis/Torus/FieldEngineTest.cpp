// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Torus/FieldEngine.h"
#include "noether/Dialect/Host/HostDialects.h"
#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Parser/Parser.h"

#include "llvm/ADT/StringExtras.h"

#include "gtest/gtest.h"

using namespace mlir;
using namespace noether;

namespace {
/// Writes down what it is told: "v0.0 - v1.0", "2 v0.0 ~ 1e-05".
class Recorder final : public EquationSink {
public:
  explicit Recorder(FormPool &forms) : forms(forms) {}

  void equate(FormId a, FormId b, size_t) override {
    if (a != b)
      log.push_back(print(forms.subtract(a, b)));
  }
  void relateConstant(double constant, FormId form, size_t) override {
    log.push_back(print(form) + " ~ " + std::to_string(constant));
  }
  bool mayPromote(double constant) const override { return constant < 0.01; }
  FormId addUnknown(ValueId value, uint64_t key, int64_t) override {
    names.push_back("v" + std::to_string(value) + "." + std::to_string(key));
    return forms.unknown(names.size() - 1);
  }

  std::string print(FormId form) const {
    std::string text;
    llvm::raw_string_ostream os(text);
    printForm(os, forms[form], [&](llvm::raw_ostream &os, UnknownId u) { os << names[u]; });
    return text;
  }

  std::vector<std::string> log;

private:
  FormPool &forms;
  std::vector<std::string> names;
};

class FieldEngineTest : public testing::Test {
protected:
  FieldEngineTest() {
    DialectRegistry registry;
    registry.insert<arith::ArithDialect, func::FuncDialect, linalg::LinalgDialect, NoetherDialect,
                    tensor::TensorDialect>();
    registerHostDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// Runs a function's body with one unknown for each component of each argument.
  void run(llvm::StringRef signature, llvm::StringRef body) {
    std::string text = ("func.func public @main(" + signature + " {\n" + body + "\n}").str();
    module = parseSourceString<ModuleOp>(text, &context);
    ASSERT_TRUE(module);
    FailureOr<Program> built = Program::build(*module->getOps<func::FuncOp>().begin());
    ASSERT_TRUE(succeeded(built));
    program = std::make_unique<Program>(std::move(*built));
    llvm::BitVector all(program->getSteps().size(), true);
    structure = std::make_unique<Structure>(*program, all);
    engine = std::make_unique<FieldEngine>(*program, *structure, forms, sink);
    for (ValueId argument : program->getArguments())
      engine->makeUnknown(argument);
    for (size_t step = 0; step < program->getSteps().size(); ++step)
      engine->run(step);
  }

  /// "0: v0.0, 1: 1/2 v0.1", "any" or "" of the function's result.
  std::string result(unsigned number = 0) {
    ValueId value = program->getResults()[number];
    if (engine->isAnyScale(value))
      return "any";
    std::string text;
    for (const Component &component : engine->componentsOf(value))
      text += (text.empty() ? "" : ", ") + std::to_string(component.key) + ": " +
              (component.form == kAnyForm ? "any" : sink.print(component.form));
    return text;
  }
  std::string equations() { return llvm::join(sink.log, "; "); }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  FormPool forms;
  Recorder sink{forms};
  std::unique_ptr<Program> program;
  std::unique_ptr<Structure> structure;
  std::unique_ptr<FieldEngine> engine;
};
} // namespace

TEST_F(FieldEngineTest, AProductAddsLogScales) {
  run("%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32>", R"(
    %0 = "stablehlo.multiply"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %1 = "stablehlo.rsqrt"(%0) : (tensor<4xf32>) -> tensor<4xf32>
    return %1 : tensor<4xf32>)");
  EXPECT_EQ(result(), "0: -1/2 v0.0 - 1/2 v1.0, 1: -1/2 v0.1 - 1/2 v1.1");
  EXPECT_EQ(equations(), "");
}

TEST_F(FieldEngineTest, ASumNeedsThemEqual) {
  run("%a: tensor<4xf32>, %b: tensor<4xf32>) -> tensor<4xf32>", R"(
    %0 = "stablehlo.add"(%a, %b) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>)");
  EXPECT_EQ(equations(), "v0.0 - v1.0; v0.1 - v1.1");
}

TEST_F(FieldEngineTest, AContractionAllowsNothingThatVariesAlongIt) {
  run("%a: tensor<2x3xf32>, %b: tensor<3x4xf32>) -> tensor<2x4xf32>", R"(
    %0 = "stablehlo.dot_general"(%a, %b) <{dot_dimension_numbers = #stablehlo.dot<
        lhs_contracting_dimensions = [1], rhs_contracting_dimensions = [0]>}>
        : (tensor<2x3xf32>, tensor<3x4xf32>) -> tensor<2x4xf32>
    return %0 : tensor<2x4xf32>)");
  // Along the contracted axis they must cancel; in one operand alone nothing may vary with it.
  EXPECT_EQ(equations(), "v0.1 + v1.2; v1.3; v0.3");
  EXPECT_EQ(result(), "0: v0.0 + v1.0, 1: v1.1, 2: v0.2");
}

TEST_F(FieldEngineTest, AConstantThatStandsAloneIsASpurion) {
  run("%a: tensor<f32>) -> tensor<f32>", R"(
    %eps = "stablehlo.constant"() <{value = dense<0.001> : tensor<f32>}> : () -> tensor<f32>
    %0 = "stablehlo.add"(%a, %eps) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    return %0 : tensor<f32>)");
  EXPECT_EQ(equations(), "v0.0 ~ 0.001000");
  EXPECT_EQ(result(), "0: v0.0");
}

TEST_F(FieldEngineTest, ALargeConstantIsNot) {
  run("%a: tensor<f32>) -> tensor<f32>", R"(
    %one = "stablehlo.constant"() <{value = dense<1.0> : tensor<f32>}> : () -> tensor<f32>
    %0 = "stablehlo.add"(%a, %one) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    return %0 : tensor<f32>)");
  EXPECT_EQ(equations(), "v0.0");
}

TEST_F(FieldEngineTest, ZeroHasAnyScale) {
  run("%a: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)", R"(
    %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<4xf32>}> : () -> tensor<4xf32>
    %0 = "stablehlo.maximum"(%a, %zero) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %1 = "stablehlo.multiply"(%a, %zero) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    return %0, %1 : tensor<4xf32>, tensor<4xf32>)");
  EXPECT_EQ(equations(), "");
  EXPECT_EQ(result(0), "0: v0.0, 1: v0.1");
  EXPECT_EQ(result(1), "any");
}

TEST_F(FieldEngineTest, PiecesKeepScalesOfTheirOwn) {
  run("%a: tensor<4xf32>, %b: tensor<3xf32>) -> tensor<3xf32>", R"(
    %0 = "stablehlo.concatenate"(%a, %b) <{dimension = 0 : i64}>
        : (tensor<4xf32>, tensor<3xf32>) -> tensor<7xf32>
    %1 = "stablehlo.slice"(%0) <{start_indices = array<i64: 4>, limit_indices = array<i64: 7>,
        strides = array<i64: 1>}> : (tensor<7xf32>) -> tensor<3xf32>
    return %1 : tensor<3xf32>)");
  EXPECT_EQ(equations(), "");
  EXPECT_EQ(result(), "0: v1.0, 1: v1.1");
}

TEST_F(FieldEngineTest, AnUnknownOperationIsABarrier) {
  run("%a: tensor<4xf32>) -> tensor<4xf32>", R"(
    %0 = "stablehlo.from_another_time"(%a) : (tensor<4xf32>) -> tensor<4xf32>
    return %0 : tensor<4xf32>)");
  EXPECT_EQ(equations(), "v0.0; v0.1");
  EXPECT_EQ(result(), "");
  EXPECT_EQ(program->getUnknownOperations().size(), 1u);
}

TEST_F(FieldEngineTest, ANumberInABodyStandsAlone) {
  // A row and a matrix, read through their maps and written transposed.
  run("%a: tensor<3xf32>, %b: tensor<2x3xf32>) -> tensor<3x2xf32>", R"(
    %eps = arith.constant 0.001 : f32
    %init = tensor.empty() : tensor<3x2xf32>
    %0 = linalg.generic {indexing_maps = [affine_map<(i, j) -> (j)>, affine_map<(i, j) -> (i, j)>,
                                          affine_map<(i, j) -> (j, i)>],
                         iterator_types = ["parallel", "parallel"]}
        ins(%a, %b : tensor<3xf32>, tensor<2x3xf32>) outs(%init : tensor<3x2xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %s = arith.addf %x, %eps : f32
      %p = arith.mulf %s, %y : f32
      linalg.yield %p : f32
    } -> tensor<3x2xf32>
    return %0 : tensor<3x2xf32>)");
  EXPECT_EQ(equations(), "v0.0 ~ 0.001000; v0.1 ~ 0.001000");
  EXPECT_EQ(result(), "0: v0.0 + v1.0, 1: v1.2, 2: v0.1 + v1.1, 3: v1.3");
}

TEST_F(FieldEngineTest, ABodyWithoutNumbersIsItsRule) {
  run("%a: tensor<4xf32>) -> tensor<4xf32>", R"(
    %zero = arith.constant 0.0 : f32
    %init = tensor.empty() : tensor<4xf32>
    %0 = linalg.generic {indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
                         iterator_types = ["parallel"]}
        ins(%a : tensor<4xf32>) outs(%init : tensor<4xf32>) {
    ^bb0(%x: f32, %z: f32):
      %m = arith.maximumf %x, %zero : f32
      linalg.yield %m : f32
    } -> tensor<4xf32>
    return %0 : tensor<4xf32>)");
  EXPECT_EQ(equations(), "");
  EXPECT_EQ(result(), "0: v0.0, 1: v0.1");
}
