// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shifts through rules that cut axes: slices, concatenations and padding.

#include "TranslationEngine.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

namespace {

using Segments = std::optional<AxisResolver::SegmentMap>;

/// A component of one factor's axis, with its legs.
struct FactorPart {
  uint64_t digit;
  Legs legs;
};

} // namespace

/// How the segments of each dimension of a tensor lie in its axis: nothing where that is not followed, or
/// not cut.
static SmallVector<Segments, 4> segmentsOf(const Structure &structure,
                                           const Structure::Binding &binding,
                                           const CompiledRule::Tensor &tensor,
                                           const ResolvedSpace &space) {
  SmallVector<Segments, 4> result;
  for (auto [d, dim] : llvm::enumerate(tensor))
    result.push_back(dim.isSegmented() ? structure.segmentsOf(binding, dim, space.axes[d])
                                       : std::nullopt);
  return result;
}

void TranslationEngine::runSegmented(size_t index, const Structure::Binding &binding) {
  const Program::Step &step = program.getSteps()[index];
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  bool understood = results.size() == 1;
  for (ValueId id : llvm::concat<const ValueId>(operands, results))
    understood &= !structure.resolve(structure.spaceOf(id)).isOpaque;
  for (unsigned o = 0; o < rule.numOperands && understood; ++o)
    understood &= !shifts[operands[o]] ||
                  ((rule.use(o) == OperandUse::Plus || rule.use(o) == OperandUse::Minus) &&
                   isTied(rule, o, 0));
  if (!understood) {
    for (unsigned o = 0; o < rule.numOperands; ++o)
      pinOperand(index, o);
    return;
  }

  const ResolvedSpace &own = structure.resolve(structure.spaceOf(results[0]));
  const CompiledRule::Tensor &tensor = rule.tensors[rule.numOperands];
  SmallVector<Segments, 4> ownSegments = segmentsOf(structure, binding, tensor, own);
  Shift shift;
  for (unsigned o = 0; o < rule.numOperands; ++o) {
    if (!shifts[operands[o]])
      continue;
    const ResolvedSpace &from = structure.resolve(structure.spaceOf(operands[o]));
    SmallVector<Segments, 4> fromSegments =
        segmentsOf(structure, binding, rule.tensors[o], from);
    for (const ShiftTerm &term : Shift(shiftOf(operands[o]))) {
      // Each factor's part of the term; a piece that the result does not have takes the term along.
      llvm::SmallDenseMap<CompiledRule::Factor, FactorPart, 8> parts;
      bool isDropped = false, isFollowed = true;
      ArrayRef<uint8_t> legs(term.legs);
      for (auto [d, dim] : llvm::enumerate(rule.tensors[o])) {
        uint64_t digit = from.digit(term.key, d);
        unsigned order = from.axes[d]->order(digit);
        Legs here(legs.take_front(order));
        legs = legs.drop_front(order);
        bool isConstant = order == 0 && !from.axes[d]->hasPieces;
        if (!dim.isSegmented()) {
          if (dim.isSingle() && !binding.isBroken(dim.segments[0][0]))
            parts[dim.segments[0][0]] = {digit, std::move(here)};
          else
            isFollowed &= isConstant;
          continue;
        }
        const Segments &segments = fromSegments[d];
        if (!segments) {
          isFollowed &= isConstant;
          continue;
        }
        auto [segment, inside] = segments->toSegment[digit];
        auto &factors = dim.segments[segment];
        // Pieces of one index have no factor; products inside a cut are not followed.
        if (factors.size() != 1) {
          isFollowed = false;
          continue;
        }
        parts[factors.front()] = {inside, std::move(here)};
        isDropped |= llvm::none_of(tensor, [&](const CompiledRule::Dim &other) {
          return llvm::any_of(other.segments, [&](auto &factors2) {
            return llvm::is_contained(factors2, factors.front());
          });
        });
      }
      if (isDropped)
        continue;
      noteTaken(term);

      SmallVector<uint64_t, 1> keys = {0};
      Legs placed;
      for (auto [d, dim] : llvm::enumerate(tensor)) {
        const ResolvedAxis &axis = *own.axes[d];
        SmallVector<uint64_t, 2> digits;
        std::optional<unsigned> at;
        for (auto [s, segment] : llvm::enumerate(dim.segments))
          if (segment.size() == 1 && parts.contains(segment.front()))
            at = s;
        if (at) {
          FactorPart &part = parts[dim.segments[*at].front()];
          if (!dim.isSegmented()) {
            digits = {part.digit};
          } else if (const Segments &segments = ownSegments[d]) {
            digits = {segments->toWhole[*at][part.digit]};
          } else {
            isFollowed = false;
          }
          placed.append(part.legs.begin(), part.legs.end());
        } else if (dim.isSegmented()) {
          // Which of the pieces it is in is not known.
          isFollowed = false;
        } else {
          digits.append(axis.constants.begin(), axis.constants.end());
        }
        SmallVector<uint64_t, 1> next;
        for (uint64_t key : keys)
          for (uint64_t digit : digits)
            next.push_back(key + own.strides[d] * digit);
        keys = std::move(next);
      }
      if (!isFollowed || placed.size() != term.legs.size()) {
        pinForm(term.form, index);
        continue;
      }
      FormId form = rule.use(o) == OperandUse::Minus ? forms.scale(Fraction(-1), term.form)
                                                     : term.form;
      for (uint64_t key : keys)
        add(shift, {term.map, key, placed, form});
    }
  }
  setShift(results[0], std::move(shift), index);
}
