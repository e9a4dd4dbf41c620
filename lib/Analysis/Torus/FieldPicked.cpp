// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rows that data picks. What is picked from a table, `y[p, j] = w[index[p], j]`, scales by
// s(index[p], j), where s is the table's field: a function of the row, read at a row that the data
// names. So y gets the row as a further axis, on which its index p depends. Each operation keeps
// such an axis as long as it keeps the index along the dimensions that the row depends on; where it
// does not (a sum over p, a shift along p), nothing may vary along it. Two such axes are one if
// they have the same index values, placed alike. A scatter by the same index values puts the rows
// back.

#include "noether/Analysis/Torus/FieldEngine.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Picked axes of one value; more are not followed.
static constexpr size_t kMaxPicked = 3;
/// Components of a value with picked axes that are numbered.
static constexpr uint64_t kMaxComponents = uint64_t(1) << 56;

const ResolvedSpace &FieldEngine::spaceOf(ValueId value) const {
  auto it = picked.find(value);
  return it == picked.end() ? structure.resolve(structure.spaceOf(value)) : it->second->space;
}

bool FieldEngine::involvesPicked(size_t index) const {
  const Program::Step &step = program.getSteps()[index];
  if (!picked.empty())
    for (ValueId operand : program.operands(step))
      if (picked.contains(operand))
        return true;
  // Without anything that varies there is nothing to follow.
  return step.numOperands > 0 && step.rule->frozen.any() &&
         fields[program.operands(step)[0]] > FieldPool::any && !program.picksOf(index).empty();
}

FieldId FieldEngine::dropPicked(ValueId value, size_t step) {
  auto it = picked.find(value);
  if (it == picked.end())
    return fields[value];
  const ResolvedSpace &space = it->second->space;
  llvm::BitVector lost(space.axes.size());
  lost.set(space.axes.size() - it->second->axes.size(), space.axes.size());
  FieldId field = constantAlong(fields[value], space, lost, step);
  // A cut axis has several constants, now all the same: the first stands for them.
  const ResolvedSpace &own = structure.resolve(structure.spaceOf(value));
  Field result;
  for (const Component &component : pool[field])
    if (component.key < own.size)
      result.push_back(component);
  return field == FieldPool::any ? field : pool.intern(std::move(result));
}

namespace {

using Factor = CompiledRule::Factor;

/// A picked axis in terms of the factors of a rule.
struct JointAxis {
  const ResolvedAxis *axis;
  uint32_t tag;
  SmallVector<Factor, 2> positions;
  Factor factor;
};

int64_t product(ArrayRef<Factor> factors, ArrayRef<int64_t> sizes) {
  int64_t result = 1;
  for (Factor factor : factors)
    result *= sizes[factor];
  return result;
}

} // namespace

/// The factors that make up the part of a dimension that a place says; nothing if none do.
static std::optional<ArrayRef<Factor>> factorsAt(const CompiledRule::Dim &dim, int64_t inner,
                                                 int64_t size, ArrayRef<int64_t> sizes) {
  if (dim.isSegmented() || dim.segments.empty())
    return std::nullopt;
  ArrayRef<Factor> factors = dim.segments.front();
  size_t end = factors.size();
  while (end > 0 && inner > 1 && inner % sizes[factors[end - 1]] == 0)
    inner /= sizes[factors[--end]];
  size_t begin = end;
  while (begin > 0 && size > 1 && size % sizes[factors[begin - 1]] == 0)
    size /= sizes[factors[--begin]];
  if (inner != 1 || size != 1)
    return std::nullopt;
  return factors.slice(begin, end - begin);
}

void FieldEngine::runPicked(size_t index) {
  const Program::Step &step = program.getSteps()[index];
  const Structure::Binding *binding = structure.bindingOf(index);
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  for (ValueId result : results)
    picked.erase(result);
  CompiledRule rule = *step.rule;
  Application application = makeApplication(index, rule, binding);
  auto shapeOf = [&](unsigned tensor) {
    return program
        .getValues()[rule.isResult(tensor) ? results[tensor - rule.numOperands] : operands[tensor]]
        .shape();
  };

  SmallVector<int64_t, 8> sizes(rule.factorSizes.begin(), rule.factorSizes.end());
  for (auto [t, tensor] : llvm::enumerate(rule.tensors))
    for (auto [d, dim] : llvm::enumerate(tensor))
      if (dim.isSingle())
        sizes[dim.segments[0][0]] = shapeOf(t)[d];

  // What the step picks: rows of its first operand that become an axis, or, where the result has
  // the rows too (a scatter), an axis that becomes rows.
  SmallVector<JointAxis, 4> joint;
  auto isIn = [&](unsigned tensor, Factor factor) {
    return llvm::any_of(rule.tensors[tensor], [&](const CompiledRule::Dim &dim) {
      return llvm::any_of(dim.segments,
                          [&](auto &segment) { return llvm::is_contained(segment, factor); });
    });
  };
  for (const Program::Pick &pick : program.picksOf(index)) {
    if (!binding || pick.row >= rule.numFactors())
      continue;
    const ResolvedAxis *rows = binding->axisOf(pick.row);
    if (!rows || rows->size != sizes[pick.row])
      continue;
    // The rule freezes the rows, as it does not know of an axis that names them.
    application.axes[pick.row] = rows;
    joint.push_back({rows, pick.tag, pick.positions, pick.row});
  }
  size_t numOwn = joint.size();

  // The operands' picked axes, as further dimensions.
  for (unsigned o = 0; o < rule.numOperands; ++o) {
    auto it = picked.find(operands[o]);
    if (it == picked.end())
      continue;
    CompiledRule::Tensor &tensor = rule.tensors[o];
    for (const PickedAxis &axis : it->second->axes) {
      JointAxis own = {axis.axis, axis.tag, {}, 0};
      bool isKept = tensor.size() >= shapeOf(o).size();
      for (const PickedAxis::Place &place : axis.places) {
        auto factors =
            isKept ? factorsAt(tensor[place.dim], place.inner, place.size, sizes) : std::nullopt;
        isKept = factors && llvm::none_of(*factors, [&](Factor factor) {
                   return step.rule->frozen.test(factor) || !application.axes[factor];
                 });
        if (!isKept)
          break;
        llvm::append_range(own.positions, *factors);
      }
      auto same = llvm::find_if(joint, [&](const JointAxis &other) {
        return isKept && other.axis == own.axis && other.tag == own.tag &&
               other.positions == own.positions && !isIn(o, other.factor);
      });
      if (same != joint.end()) {
        own.factor = same->factor;
      } else {
        own.factor = rule.factorSizes.size();
        rule.factorSizes.push_back(axis.axis->size);
        rule.sum.resize(rule.factorSizes.size());
        rule.frozen.resize(rule.factorSizes.size());
        sizes.push_back(axis.axis->size);
        application.axes.push_back(isKept ? axis.axis : nullptr);
        if (isKept)
          joint.push_back(own);
      }
      CompiledRule::Dim &dim = tensor.emplace_back();
      dim.segments.push_back({own.factor});
    }
  }

  // The results have those whose places they have.
  for (auto [r, result] : llvm::enumerate(results)) {
    if (!program.getValues()[result].isFloat)
      continue;
    CompiledRule::Tensor &tensor = rule.tensors[rule.numOperands + r];
    const ResolvedSpace &own = structure.resolve(structure.spaceOf(result));
    auto value = std::make_unique<Picked>();
    value->space = own;
    size_t rank = tensor.size();
    for (auto [j, axis] : llvm::enumerate(joint)) {
      // An axis that a scatter turns into rows is a dimension already.
      if ((j < numOwn && isIn(rule.numOperands + r, axis.factor)) || own.isOpaque ||
          value->axes.size() == kMaxPicked || value->space.size > kMaxComponents / axis.axis->radix)
        continue;
      PickedAxis kept = {axis.axis, axis.tag, {}};
      for (Factor factor : axis.positions)
        for (size_t d = 0; d < rank; ++d) {
          if (tensor[d].isSegmented() || tensor[d].segments.empty())
            continue;
          ArrayRef<Factor> factors = tensor[d].segments.front();
          auto at = llvm::find(factors, factor);
          if (at == factors.end())
            continue;
          int64_t inner = product(factors.drop_front(at - factors.begin() + 1), sizes);
          PickedAxis::Place place = {static_cast<unsigned>(d), inner, sizes[factor]};
          // Neighbours that make up one stretch are one place.
          if (!kept.places.empty() && kept.places.back().dim == place.dim &&
              kept.places.back().inner == place.inner * place.size)
            kept.places.back() = {place.dim, place.inner, kept.places.back().size * place.size};
          else
            kept.places.push_back(place);
          break;
        }
      int64_t found = 1;
      for (const PickedAxis::Place &place : kept.places)
        found *= place.size;
      if (found != product(axis.positions, sizes))
        continue;
      value->space.axes.push_back(axis.axis);
      value->space.strides.push_back(value->space.size);
      value->space.size *= axis.axis->radix;
      value->space.hasPieces |= axis.axis->hasPieces;
      value->axes.push_back(std::move(kept));
      CompiledRule::Dim &dim = tensor.emplace_back();
      dim.segments.push_back({axis.factor});
    }
    if (value->axes.empty())
      continue;
    application.spaces[rule.numOperands + r] = &value->space;
    picked[result] = std::move(value);
  }

  if (binding && rule.isSegmented)
    runSegmented(application);
  else
    runGeneral(application);

  // Most networks mix the rows at once. (Of rows in pieces, those of one piece may be of any scale.)
  for (ValueId result : results) {
    auto it = picked.find(result);
    if (it == picked.end())
      continue;
    uint64_t own = structure.resolve(structure.spaceOf(result)).size;
    bool inPieces = fields[result] != FieldPool::zero &&
                    llvm::any_of(it->second->axes,
                                 [](const PickedAxis &axis) { return axis.axis->hasPieces; });
    if (!inPieces &&
        llvm::all_of(pool[fields[result]], [&](const Component &c) { return c.key < own; }))
      picked.erase(it);
  }
}
