// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Rules/RuleTable.h"
#include "noether/Dialect/Host/HostDialects.h"
#include "noether/Rules/RuleBuilder.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

using namespace mlir;
using namespace noether;

namespace {

/// Another compiler's view of an operation: its rule is three times the first operand.
struct TripleModel : NoetherRuleOpInterface::ExternalModel<TripleModel, arith::AddFOp> {
  RuleAttr getNoetherRule(Operation *op) const {
    RuleBuilder rule(op->getContext(), 2, 1);
    rule.equate(result(0), Coefficient{3, 1} * operand(0));
    return rule.build();
  }
};

/// An operation that knows it has no rule.
struct NoRuleModel : NoetherRuleOpInterface::ExternalModel<NoRuleModel, arith::MulFOp> {
  RuleAttr getNoetherRule(Operation *op) const { return {}; }
};

class RuleTableTest : public testing::Test {
protected:
  RuleTableTest() {
    DialectRegistry registry;
    registerHostDialects(registry);
    registry.insert<arith::ArithDialect, func::FuncDialect, NoetherDialect>();
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  /// The operations of a body, but for its return.
  SmallVector<Operation *> parse(StringRef body) {
    std::string text =
        ("func.func @f(%x: tensor<4xf32>, %y: tensor<4xf32>, %s: f32) {\n" + body + "\nreturn\n}")
            .str();
    module = parseSourceString<ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    SmallVector<Operation *> ops;
    for (Operation &op :
         (*module->getOps<func::FuncOp>().begin()).getBody().front().without_terminator())
      ops.push_back(&op);
    return ops;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

TEST_F(RuleTableTest, InterfacesComeBeforeTheTable) {
  arith::AddFOp::attachInterface<TripleModel>(context);
  arith::MulFOp::attachInterface<NoRuleModel>(context);
  auto ops = parse(R"(
    %0 = arith.addf %s, %s : f32
    %1 = arith.mulf %s, %s : f32
    %2 = arith.subf %s, %s : f32
    %3 = arith.addf %s, %s {noether.rule = #noether.rule<barrier>} : f32)");
  RuleTable table(&context);
  RuleOutcome triple = table.find(ops[0]);
  ASSERT_EQ(triple.kind, RuleOutcome::Kind::Rule);
  EXPECT_EQ(triple.rule.getEquations()[0].getNumerators()[0], 3);
  EXPECT_EQ(table.find(ops[1]).kind, RuleOutcome::Kind::Barrier);
  EXPECT_EQ(table.find(ops[2]).kind, RuleOutcome::Kind::Rule);
  // An attribute on the operation comes before the interface.
  EXPECT_TRUE(table.lookup(ops[3]).isBarrier());
}

TEST_F(RuleTableTest, CachedRulesDependOnAllTheyRead) {
  auto ops = parse(R"(
    %two = "stablehlo.constant"() <{value = dense<2.0> : tensor<4xf32>}> : () -> tensor<4xf32>
    %three = "stablehlo.constant"() <{value = dense<3.0> : tensor<4xf32>}> : () -> tensor<4xf32>
    %0 = "stablehlo.power"(%x, %two) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %1 = "stablehlo.power"(%x, %three) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %2 = "stablehlo.power"(%x, %y) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %3 = "stablehlo.power"(%y, %two) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>)");
  RuleTable table(&context);
  RuleAttr two = table.lookup(ops[2]), three = table.lookup(ops[3]), any = table.lookup(ops[4]);
  EXPECT_NE(two, three);
  EXPECT_NE(two, any);
  EXPECT_NE(three, any);
  EXPECT_EQ(table.lookup(ops[5]), two);
  // Once more, from the cache.
  EXPECT_EQ(table.lookup(ops[2]), two);
  EXPECT_EQ(table.lookup(ops[4]), any);
}

TEST_F(RuleTableTest, BodiesArePartOfTheKey) {
  auto reduce = [](StringRef name, StringRef body) {
    return (name + R"( = "stablehlo.reduce"(%x, %z) <{dimensions = array<i64: 0>}> ({
    ^bb0(%l: tensor<f32>, %r: tensor<f32>):
      %c = "stablehlo.)" +
            body + R"("(%l, %r) : (tensor<f32>, tensor<f32>) -> tensor<f32>
      "stablehlo.return"(%c) : (tensor<f32>) -> ()
    }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
    )")
        .str();
  };
  auto ops =
      parse(R"(%z = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
    )" + reduce("%0", "add") +
            reduce("%1", "multiply") + reduce("%2", "maximum"));
  RuleTable table(&context);
  RuleAttr sum = table.lookup(ops[1]), product = table.lookup(ops[2]), max = table.lookup(ops[3]);
  EXPECT_NE(sum, product);
  // One scale, but a sum adds and a maximum does not.
  EXPECT_EQ(sum.getEquations(), max.getEquations());
  EXPECT_NE(sum, max);
  EXPECT_EQ(table.lookup(ops[2]), product);
}

TEST_F(RuleTableTest, OutcomesSayWhatTheyAre) {
  auto ops = parse(R"(
    %0 = "mhlo.nobody_knows"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = "stablehlo.custom_call"(%x) <{call_target_name = "kernel"}> : (tensor<4xf32>) -> tensor<4xf32>
    %2 = "stablehlo.negate"() : () -> tensor<4xf32>
    %3 = func.call @g(%x) : (tensor<4xf32>) -> tensor<4xf32>)"
                   "\nreturn\n}\nfunc.func private @g(%x: tensor<4xf32>) -> tensor<4xf32>\n"
                   "func.func @h() {");
  RuleTable table(&context);
  EXPECT_TRUE(table.find(ops[0]).isUnknown());
  EXPECT_EQ(table.lookup(ops[0]), RuleAttr());
  EXPECT_EQ(table.find(ops[1]).kind, RuleOutcome::Kind::Barrier);
  EXPECT_FALSE(table.find(ops[1]).message.empty());
  EXPECT_TRUE(table.find(ops[2]).isMalformed());
  EXPECT_TRUE(table.find(ops[3]).isStructural());
}

TEST_F(RuleTableTest, EntriesAreInOrderAndExplainThemselves) {
  std::string last;
  unsigned count = 0;
  RuleTable::forEachEntry([&](StringRef name, RuleOutcome::Kind kind, StringRef note) {
    EXPECT_LT(last, name.str());
    last = name.str();
    ++count;
    if (kind != RuleOutcome::Kind::Rule)
      EXPECT_FALSE(note.empty()) << name.str();
  });
  EXPECT_GT(count, 300u);
}

TEST(RuleBuilderTest, BuildsWhatItsTextSays) {
  MLIRContext context;
  context.loadDialect<NoetherDialect>();
  RuleBuilder rule(&context, 2, 1);
  int64_t unused = rule.factor();
  int64_t i = rule.factor(), k = rule.factor(4), j = rule.factor(3);
  rule.operand(0, {i, Dim::concatenation({k, j})}).operand(1, {k}).result(0, {i, Dim()});
  rule.sum(k).frozen(unused);
  rule.equate(result(0), Coefficient{2, 4} * operand(0) - operand(1));
  rule.equate(result(0), Coefficient{0, 1} * operand(0));
  std::string text;
  llvm::raw_string_ostream(text) << rule.build();
  EXPECT_EQ(text, "#noether.rule<([i,{j|k}],[j])->([i,_]) sizes {j=4, k=3} sum {j} : "
                  "r0 = 1/2 o0 - o1, r0 = 0>");
}

} // namespace
