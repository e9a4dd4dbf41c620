// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Registry.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"

#include <cassert>

using namespace mlir;
using namespace noether;
using namespace noether::rules;

ElementKind rules::elementKind(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (isa<FloatType>(element))
    return ElementKind::Scaled;
  if (auto complex = dyn_cast<ComplexType>(element))
    return isa<FloatType>(complex.getElementType()) ? ElementKind::Scaled : ElementKind::Other;
  return isa<IntegerType, IndexType>(element) ? ElementKind::Unscaled : ElementKind::Other;
}

static ArrayRef<int64_t> shapeOf(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped ? shaped.getShape() : ArrayRef<int64_t>();
}

ArrayRef<int64_t> Context::operandShape(unsigned index) const {
  return shapeOf(op->getOperand(index).getType());
}

ArrayRef<int64_t> Context::resultShape(unsigned index) const {
  return shapeOf(op->getResult(index).getType());
}

bool Context::isOperandScaled(unsigned index) const {
  return elementKind(op->getOperand(index).getType()) == ElementKind::Scaled;
}

bool Context::isResultScaled(unsigned index) const {
  return elementKind(op->getResult(index).getType()) == ElementKind::Scaled;
}

void Context::define(RuleBuilder &rule, unsigned index, const LogScale &value) const {
  rule.equate(result(index), isResultScaled(index) ? value : LogScale());
}

Answer Context::wrongNumberOf(const char *what) const {
  return Answer::malformed("wrong number of " + Twine(what));
}

Answer rules::withUses(Answer answer, const Context &context, ArrayRef<OperandUse> uses) {
  if (answer.kind != RuleOutcome::Kind::Rule)
    return answer;
  SmallVector<OperandUse, 4> own(uses);
  own.resize(context.numOperands(), OperandUse::Opaque);
  for (auto [index, use] : llvm::enumerate(own))
    if (!context.isOperandScaled(index))
      use = OperandUse::Opaque;
  answer.rule = answer.rule.withUses(own);
  return answer;
}

void Registry::rule(StringRef name, RuleFunction function, unsigned reads, StringLiteral note) {
  add(name, {RuleOutcome::Kind::Rule, function, reads, note});
}

void Registry::barrier(StringRef name, StringLiteral why) {
  add(name, {RuleOutcome::Kind::Barrier, nullptr, ReadsTypes, why});
}

void Registry::structural(StringRef name, StringLiteral note) {
  add(name, {RuleOutcome::Kind::Structural, nullptr, ReadsTypes, note});
}

const Entry *Registry::find(StringRef name) const {
  auto it = entries.find(name);
  return it == entries.end() ? nullptr : &it->second;
}

void Registry::add(StringRef name, Entry entry) {
  bool isNew = entries.try_emplace(name, entry).second;
  assert(isNew && "two rules for one operation");
  (void)isNew;
  if (name.consume_front("stablehlo."))
    entries.try_emplace(("mhlo." + name).str(), entry);
}

const Registry &rules::getRegistry() {
  static const Registry registry = [] {
    Registry registry;
    addElementwiseRules(registry);
    addContractionRules(registry);
    addConvolutionRules(registry);
    addReductionRules(registry);
    addWindowRules(registry);
    addDataMovementRules(registry);
    addSliceRules(registry);
    addIndexingRules(registry);
    addCollectiveRules(registry);
    addMatrixRules(registry);
    addNormalizationRules(registry);
    addChloRules(registry);
    addArithRules(registry);
    addMathRules(registry);
    addTensorRules(registry);
    addLinalgRules(registry);
    addStructuralRules(registry);
    addOpaqueRules(registry);
    addCustomCallRules(registry);
    return registry;
  }();
  return registry;
}
