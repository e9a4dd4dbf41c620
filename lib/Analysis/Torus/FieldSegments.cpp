// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fields through rules that cut axes: slices, concatenations and padding.

#include "noether/Analysis/Torus/FieldEngine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

void FieldEngine::collectReadCells(size_t index, unsigned operand, ArrayRef<uint64_t> cells,
                                   llvm::DenseSet<uint64_t> &read) {
  const Program::Step &step = program.getSteps()[index];
  const Structure::Binding *binding = structure.bindingOf(index);
  const ResolvedSpace &space =
      structure.resolve(structure.spaceOf(program.operands(step)[operand]));
  auto readAll = [&] { read.insert(cells.begin(), cells.end()); };
  if (!binding || step.kind != Program::StepKind::Rule || !step.rule->isSegmented || space.isOpaque)
    return readAll();
  const CompiledRule &rule = *step.rule;
  llvm::SmallDenseSet<CompiledRule::Factor, 8> inResult;
  for (const CompiledRule::Tensor &tensor :
       ArrayRef<CompiledRule::Tensor>(rule.tensors).drop_front(rule.numOperands))
    for (const CompiledRule::Dim &dim : tensor)
      for (auto &segment : dim.segments)
        inResult.insert(segment.begin(), segment.end());

  // The digits of the segments that are left out, by axis.
  SmallVector<std::pair<unsigned, llvm::BitVector>> unread;
  for (auto [d, dim] : llvm::enumerate(rule.tensors[operand])) {
    if (!dim.isSegmented())
      continue;
    Segments segments = structure.segmentsOf(*binding, dim, space.axes[d]);
    if (!segments)
      return readAll();
    llvm::BitVector &digits =
        unread.emplace_back(d, llvm::BitVector(segments->toSegment.size())).second;
    for (auto [digit, place] : llvm::enumerate(segments->toSegment)) {
      // A piece of one index has no factor to look for.
      auto &factors = dim.segments[place.first];
      if (!factors.empty() &&
          llvm::none_of(factors, [&](auto factor) { return inResult.contains(factor); }))
        digits.set(digit);
    }
  }
  for (uint64_t cell : cells)
    if (llvm::none_of(unread,
                      [&](auto &axis) { return axis.second.test(space.digit(cell, axis.first)); }))
      read.insert(cell);
}

/// Slices, concatenations and padding: equalities that hold piece by piece.
void FieldEngine::runSegmented(const Application &application) {
  size_t index = application.step;
  const Program::Step &step = program.getSteps()[index];
  const CompiledRule &rule = application.rule;
  const Structure::Binding &binding = *application.binding;
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);

  bool understood = llvm::all_of(rule.equations, [&](const Equation &equation) {
    return rule.isResult(equation.lhs) && (equation.isEquality() || equation.terms.empty());
  });
  for (const ResolvedSpace *space : application.spaces)
    understood &= !space->isOpaque;
  if (!understood)
    return runBarrier(index);

  for (auto [r, result] : llvm::enumerate(results)) {
    if (!program.getValues()[result].isFloat)
      continue;
    const ResolvedSpace &own = *application.spaces[rule.numOperands + r];
    const CompiledRule::Tensor &tensor = rule.tensors[rule.numOperands + r];
    SmallVector<Segments> resultSegments;
    for (auto [d, dim] : llvm::enumerate(tensor))
      resultSegments.push_back(dim.isSegmented() ? structure.segmentsOf(binding, dim, own.axes[d])
                                                 : std::nullopt);

    // What is known so far: a field, and the constant components where it is.
    Field known;
    llvm::SmallDenseSet<uint64_t, 8> knownCells;
    SmallVector<uint64_t> allCells = own.cells();

    for (const Equation &equation : rule.equations) {
      if (equation.lhs != rule.numOperands + r)
        continue;
      if (equation.terms.empty()) {
        knownCells.insert(allCells.begin(), allCells.end());
        continue;
      }
      unsigned o = equation.terms[0].first;
      const CompiledRule::Tensor &source = rule.tensors[o];
      FieldId field = operandField(operands[o]);
      const ResolvedSpace &from = *application.spaces[o];

      // Where each factor's digit is found among the operand's axes.
      struct Place {
        unsigned axis, segment;
      };
      llvm::SmallDenseMap<CompiledRule::Factor, Place, 8> places;
      SmallVector<Segments> sourceSegments;
      llvm::BitVector lost(from.axes.size());
      for (auto [d, dim] : llvm::enumerate(source)) {
        sourceSegments.push_back(dim.isSegmented() ? structure.segmentsOf(binding, dim, from.axes[d])
                                                   : std::nullopt);
        if (dim.isSegmented() && !sourceSegments.back()) {
          lost.set(d);
          continue;
        }
        for (auto [s, segment] : llvm::enumerate(dim.segments)) {
          // A product inside a cut is only followed where it is one factor.
          if (segment.size() != 1 || !application.axes[segment.front()]) {
            if (!dim.isSegmented() && from.axes[d]->radix != 1)
              lost.set(d);
            continue;
          }
          places[segment.front()] = {static_cast<unsigned>(d), static_cast<unsigned>(s)};
        }
      }
      // Axes whose factors the result does not have.
      llvm::SmallDenseSet<CompiledRule::Factor, 8> inResult;
      for (auto [d, dim] : llvm::enumerate(tensor))
        for (auto &segment : dim.segments)
          inResult.insert(segment.begin(), segment.end());
      for (auto [d, dim] : llvm::enumerate(source))
        if (!dim.isSegmented() && dim.isSingle() && !inResult.contains(dim.segments[0][0]))
          lost.set(d);
      field = keepOrder(constantAlong(field, from, lost, index), from, source, index);

      // The cells of the result this operand fills.
      auto coversSegment = [&](const CompiledRule::Dim &dim, unsigned segment) {
        bool mentionsAny = llvm::any_of(dim.segments, [&](auto &other) {
          return llvm::any_of(other, [&](auto factor) { return places.contains(factor); });
        });
        return !mentionsAny || llvm::any_of(dim.segments[segment],
                                            [&](auto factor) { return places.contains(factor); });
      };
      auto covers = [&](uint64_t cell) {
        for (auto [d, dim] : llvm::enumerate(tensor))
          if (resultSegments[d] &&
              !coversSegment(dim, resultSegments[d]->toSegment[own.digit(cell, d)].first))
            return false;
        return true;
      };

      Field part;
      if (field == FieldPool::any) {
        for (uint64_t cell : allCells)
          if (covers(cell))
            part.push_back({cell, kAnyForm});
      } else {
        for (const Component &component : pool[field]) {
          bool dropped = false;
          // A factor of the source where this component lies in its segment, or elsewhere.
          enum class Found { Nowhere, Here, InAnotherSegment };
          auto find = [&](CompiledRule::Factor factor, uint64_t &digit) {
            auto it = places.find(factor);
            if (it == places.end() || lost.test(it->second.axis))
              return Found::Nowhere;
            digit = from.digit(component.key, it->second.axis);
            if (!sourceSegments[it->second.axis])
              return Found::Here;
            auto [segment, inside] = sourceSegments[it->second.axis]->toSegment[digit];
            digit = inside;
            return segment == it->second.segment ? Found::Here : Found::InAnotherSegment;
          };
          SmallVector<uint64_t> keys = {0};
          auto extend = [&](unsigned d, ArrayRef<uint64_t> digits) {
            SmallVector<uint64_t> next;
            for (uint64_t key : keys)
              for (uint64_t digit : digits)
                next.push_back(key + own.strides[d] * digit);
            keys = std::move(next);
          };
          for (auto [d, dim] : llvm::enumerate(tensor)) {
            std::optional<uint64_t> digit;
            unsigned at = 0;
            bool isElsewhere = false;
            for (auto [s, segment] : llvm::enumerate(dim.segments)) {
              uint64_t inside;
              Found found =
                  segment.size() == 1 && !digit ? find(segment.front(), inside) : Found::Nowhere;
              isElsewhere |= found == Found::InAnotherSegment;
              if (found == Found::Here) {
                digit = inside;
                at = s;
              }
            }
            if (!digit && isElsewhere) {
              dropped = true;
            } else if (!digit) {
              extend(d, own.axes[d]->constants);
            } else if (!dim.isSegmented()) {
              extend(d, {*digit});
            } else if (resultSegments[d]) {
              extend(d, {resultSegments[d]->toWhole[at][*digit]});
            } else {
              extend(d, {0});
            }
          }
          if (!dropped)
            for (uint64_t key : keys)
              part.push_back({key, component.form});
        }
      }

      // Where both are known they agree; elsewhere this one says what is.
      auto formAt = [](ArrayRef<Component> field, uint64_t key) {
        auto it = llvm::find_if(field, [&](const Component &c) { return c.key == key; });
        return it == field.end() ? FormPool::zero : it->form;
      };
      llvm::SmallSetVector<uint64_t, 8> keys;
      for (const Component &component : llvm::concat<const Component>(known, part))
        keys.insert(component.key);
      Field merged;
      for (uint64_t key : keys) {
        uint64_t cell = own.cellOf(key);
        bool inKnown = knownCells.contains(cell), inPart = covers(cell);
        bool anyKnown = inKnown && formAt(known, cell) == kAnyForm;
        bool anyPart = inPart && formAt(part, cell) == kAnyForm;
        FormId a = formAt(known, key), b = formAt(part, key);
        FormId form;
        if (!inKnown || (anyKnown && inPart && !anyPart))
          form = b;
        else if (!inPart || anyPart)
          form = a;
        else {
          if (a != b && a != kAnyForm && b != kAnyForm)
            sink->equate(a, b, index);
          form = a;
        }
        if (form != FormPool::zero)
          merged.push_back({key, form});
      }
      known = std::move(merged);
      for (uint64_t cell : allCells)
        if (covers(cell))
          knownCells.insert(cell);
    }
    bool allAny = llvm::all_of(allCells, [&](uint64_t cell) {
      return llvm::any_of(known,
                          [&](const Component &c) { return c.key == cell && c.form == kAnyForm; });
    });
    fields[result] = allAny ? FieldPool::any
                            : keepOrder(pool.intern(std::move(known)), own, tensor, index);
  }
}
