// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fields through rules with a joint index: contractions, reductions, reshapes, transposes.

#include "noether/Analysis/Torus/FieldEngine.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::SmallVectorImpl;

/// Whether an axis has exactly the components of these factors.
static bool matches(const ResolvedSpace &joint, ArrayRef<int> jointAxis,
                    ArrayRef<CompiledRule::Factor> factors, const ResolvedAxis &axis) {
  uint64_t radix = 1;
  for (CompiledRule::Factor factor : factors) {
    if (jointAxis[factor] < 0)
      return false;
    radix *= joint.axes[jointAxis[factor]]->radix;
  }
  return radix == axis.radix;
}

static bool isAscending(const CompiledRule::Tensor &tensor) {
  int last = -1;
  for (const CompiledRule::Dim &dim : tensor)
    for (auto &segment : dim.segments)
      for (CompiledRule::Factor factor : segment) {
        if (int(factor) < last)
          return false;
        last = factor;
      }
  return true;
}

/// Adds the atoms that a component varies along; false if one is there already.
static bool addVarying(const ResolvedAxis &axis, uint64_t digit, SmallVectorImpl<AtomId> &along) {
  for (const ResolvedAxis::Node &node : llvm::reverse(axis.nodes)) {
    uint64_t own = digit % node.radix;
    digit /= node.radix;
    if (!node.isLeaf()) {
      size_t piece = llvm::upper_bound(node.starts, own) - node.starts.begin() - 1;
      if (!addVarying(*node.pieces[piece], own - node.starts[piece], along))
        return false;
    } else if (own != 0) {
      if (llvm::is_contained(along, node.atom))
        return false;
      along.push_back(node.atom);
    }
  }
  return true;
}

/// Whether a component varies along two axes that are one index.
static bool repeatsIndex(const ResolvedSpace &space, uint64_t key) {
  SmallVector<AtomId, 4> along;
  for (auto [number, axis] : llvm::enumerate(space.axes))
    if (!addVarying(*axis, space.digit(key, number), along))
      return true;
  return false;
}

FieldId FieldEngine::keepOrder(FieldId field, const ResolvedSpace &space,
                               const CompiledRule::Tensor &tensor, size_t step) {
  if (field == FieldPool::zero || field == FieldPool::any || isAscending(tensor))
    return field;
  Field components(pool[field]), result;
  for (const Component &component : components)
    if (component.form != kAnyForm && repeatsIndex(space, component.key))
      sink->equate(component.form, FormPool::zero, step);
    else
      result.push_back(component);
  return result.size() == components.size() ? field : pool.intern(std::move(result));
}

/// The field of an operand over the joint index of a rule.
FieldId FieldEngine::embed(const Application &application, unsigned operand,
                           const ResolvedSpace &joint, ArrayRef<int> jointAxis) {
  const CompiledRule &rule = application.rule;
  FieldId field = operandField(program.operands(program.getSteps()[application.step])[operand]);
  if (field == FieldPool::zero || field == FieldPool::any)
    return field;
  const ResolvedSpace &own = *application.spaces[operand];
  field = keepOrder(field, own, rule.tensors[operand], application.step);

  llvm::BitVector lost(own.axes.size()), present(joint.axes.size());
  for (auto [d, dim] : llvm::enumerate(rule.tensors[operand])) {
    auto &factors = dim.segments.front();
    if (factors.empty() || !matches(joint, jointAxis, factors, *own.axes[d])) {
      lost.set(d);
      continue;
    }
    for (CompiledRule::Factor factor : factors)
      present.set(jointAxis[factor]);
  }
  field = constantAlong(field, own, lost, application.step);

  // Along factors it does not have, the operand is constant, whatever the piece.
  SmallVector<uint64_t> elsewhere = {0};
  for (unsigned axis = 0; axis < joint.axes.size(); ++axis) {
    if (present.test(axis) || !joint.axes[axis]->hasPieces)
      continue;
    SmallVector<uint64_t> next;
    for (uint64_t key : elsewhere)
      for (uint64_t constant : joint.axes[axis]->constants)
        next.push_back(key + joint.strides[axis] * constant);
    elsewhere = std::move(next);
  }

  Field result;
  for (const Component &component : pool[field]) {
    uint64_t key = 0;
    for (auto [d, dim] : llvm::enumerate(rule.tensors[operand])) {
      if (lost.test(d))
        continue;
      uint64_t digit = own.digit(component.key, d);
      for (CompiledRule::Factor factor : llvm::reverse(dim.segments.front())) {
        unsigned axis = jointAxis[factor];
        key += joint.strides[axis] * (digit % joint.axes[axis]->radix);
        digit /= joint.axes[axis]->radix;
      }
    }
    for (uint64_t offset : elsewhere)
      result.push_back({key + offset, component.form});
  }
  return pool.intern(std::move(result));
}

FieldEngine::Application FieldEngine::makeApplication(size_t index, const CompiledRule &rule,
                                                      const Structure::Binding *binding) {
  const Program::Step &step = program.getSteps()[index];
  Application result = {index, rule, binding, {}, {}};
  const ResolvedSpace *common = nullptr; // of a pointwise rule
  for (ValueId id : llvm::concat<const ValueId>(program.operands(step), program.results(step))) {
    // Constants that follow any index have none of their own.
    bool hasSpace =
        binding || (program.getValues()[id].isFloat && !program.getValues()[id].constant);
    result.spaces.push_back(hasSpace ? &spaceOf(id) : nullptr);
    if (hasSpace && !binding)
      common = &structure.resolve(structure.spaceOf(id));
  }
  for (unsigned factor = 0; factor < step.rule->numFactors(); ++factor) {
    if (!binding)
      result.axes.push_back(common && factor < common->axes.size() ? common->axes[factor]
                                                                   : nullptr);
    else
      result.axes.push_back(binding->followedAxisOf(factor));
  }
  return result;
}

void FieldEngine::runGeneral(const Application &application) {
  size_t index = application.step;
  const CompiledRule &rule = application.rule;

  // An opaque space holds constants only.
  for (auto [operand, id] : llvm::enumerate(program.operands(program.getSteps()[index])))
    if (operandField(id) != FieldPool::zero && operandField(id) != FieldPool::any &&
        application.spaces[operand]->isOpaque)
      return runBarrier(index);

  ResolvedSpace joint;
  SmallVector<int, 8> jointAxis(rule.numFactors(), -1);
  for (unsigned factor = 0; factor < rule.numFactors(); ++factor) {
    if (!application.axes[factor])
      continue;
    jointAxis[factor] = joint.axes.size();
    joint.append(application.axes[factor]);
  }
  joint.finalize();
  if (joint.isOpaque)
    return runBarrier(index);

  SmallVector<FieldId, 4> embedded;
  for (unsigned operand = 0; operand < rule.numOperands; ++operand)
    embedded.push_back(embed(application, operand, joint, jointAxis));

  applyEquations(index, embedded, joint, [&](unsigned r, FieldId field) -> FieldId {
    if (field == FieldPool::zero || field == FieldPool::any)
      return field;
    const ResolvedSpace &own = *application.spaces[rule.numOperands + r];
    const CompiledRule::Tensor &tensor = rule.tensors[rule.numOperands + r];
    // What is summed over, or not followed, must not matter.
    llvm::BitVector lost(joint.axes.size(), true), followed(tensor.size());
    for (auto [d, dim] : llvm::enumerate(tensor)) {
      auto &factors = dim.segments.front();
      if (own.isOpaque || factors.empty() || !matches(joint, jointAxis, factors, *own.axes[d]))
        continue;
      followed.set(d);
      for (CompiledRule::Factor factor : factors)
        lost.reset(jointAxis[factor]);
    }
    field = constantAlong(field, joint, lost, index);
    if (own.isOpaque) {
      pinToZero(field, index);
      return FieldPool::zero;
    }
    Field result;
    for (const Component &component : pool[field]) {
      SmallVector<uint64_t> keys = {0};
      for (auto [d, dim] : llvm::enumerate(tensor)) {
        if (followed.test(d)) {
          uint64_t digit = 0;
          for (CompiledRule::Factor factor : dim.segments.front()) {
            unsigned axis = jointAxis[factor];
            digit = digit * joint.axes[axis]->radix + joint.digit(component.key, axis);
          }
          for (uint64_t &key : keys)
            key += own.strides[d] * digit;
          continue;
        }
        SmallVector<uint64_t> next;
        for (uint64_t key : keys)
          for (uint64_t constant : own.axes[d]->constants)
            next.push_back(key + own.strides[d] * constant);
        keys = std::move(next);
      }
      for (uint64_t key : keys)
        result.push_back({key, component.form});
    }
    return keepOrder(pool.intern(std::move(result)), own, tensor, index);
  });
}
