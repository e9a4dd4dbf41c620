// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Terms of shifts over the joint index of a rule application: into it, through sums and products, and
// out of it.

#include "TranslationEngine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/bit.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

//===----------------------------------------------------------------------===//
// Into the joint index
//===----------------------------------------------------------------------===//

bool TranslationEngine::openJoint(size_t index, Joint &joint) {
  joint.index = index;
  joint.step = &program.getSteps()[index];
  joint.rule = joint.step->rule;
  joint.operands = program.operands(*joint.step);
  joint.results = program.results(*joint.step);
  const CompiledRule &rule = *joint.rule;
  for (ValueId operand : joint.operands)
    if (isMoved(operand) && structure.resolve(structure.spaceOf(operand)).isOpaque)
      return false;
  const Structure::Binding *binding = structure.bindingOf(index);
  joint.isPointwise = !binding;
  joint.axisOf.assign(rule.numFactors(), -1);
  if (!binding) {
    SpaceId space = 0;
    for (ValueId operand : joint.operands)
      if (isMoved(operand))
        space = structure.spaceOf(operand);
    joint.space = &structure.resolve(space);
    for (unsigned axis = 0; axis < joint.space->axes.size(); ++axis)
      joint.axisOf[axis] = axis;
  } else {
    for (unsigned factor = 0; factor < rule.numFactors(); ++factor) {
      const ResolvedAxis *axis = binding->followedAxisOf(factor);
      if (!axis)
        continue;
      joint.axisOf[factor] = joint.own.axes.size();
      joint.own.append(axis);
    }
    joint.own.finalize();
    joint.space = &joint.own;
    if (joint.own.isOpaque)
      return false;
  }
  joint.summed.resize(joint.space->axes.size());
  for (unsigned factor : rule.sum.set_bits())
    if (joint.axisOf[factor] >= 0)
      joint.summed.set(joint.axisOf[factor]);
  joint.relevant = joint.summed;
  for (unsigned t = rule.numOperands; t < rule.tensors.size(); ++t)
    for (const CompiledRule::Dim &dim : rule.tensors[t])
      for (CompiledRule::Factor factor : dim.segments.front())
        if (joint.axisOf[factor] >= 0)
          joint.relevant.set(joint.axisOf[factor]);
  return true;
}

/// Whether an axis has exactly the components of these factors.
static bool matches(const ResolvedSpace &joint, ArrayRef<int> axisOf,
                    ArrayRef<CompiledRule::Factor> factors, const ResolvedAxis &axis) {
  uint64_t radix = 1;
  for (CompiledRule::Factor factor : factors) {
    if (axisOf[factor] < 0)
      return false;
    radix *= joint.axes[axisOf[factor]]->radix;
  }
  return !factors.empty() && radix == axis.radix;
}

void TranslationEngine::embedTerm(const Joint &joint, unsigned operand, const ShiftTerm &term,
                                  LocalShift &local) {
  const ResolvedSpace &own = structure.resolve(structure.spaceOf(joint.operands[operand]));
  const CompiledRule::Tensor &tensor = joint.rule->tensors[operand];
  unsigned numAxes = joint.space->axes.size();
  LocalTerm result = {term.map, term.form, SmallVector<Part, 4>(numAxes), false, {}, {}};
  llvm::BitVector present(numAxes);
  ArrayRef<uint8_t> legs(term.legs);
  for (auto [d, dim] : llvm::enumerate(tensor)) {
    const ResolvedAxis &axis = *own.axes[d];
    uint64_t digit = own.digit(term.key, d);
    unsigned order = axis.order(digit);
    ArrayRef<uint8_t> here = legs.take_front(order);
    legs = legs.drop_front(order);
    ArrayRef<CompiledRule::Factor> factors(dim.segments.front());
    if (!matches(*joint.space, joint.axisOf, factors, axis)) {
      if (order == 0 && !axis.hasPieces)
        continue;
      result.isLost = true;
      result.lost.append({d, digit, order});
      result.lostLegs.append(here.begin(), here.end());
      continue;
    }
    SmallVector<uint64_t, 2> digits(factors.size());
    for (size_t f = factors.size(); f-- > 0;) {
      uint64_t radix = joint.space->axes[joint.axisOf[factors[f]]]->radix;
      digits[f] = digit % radix;
      digit /= radix;
    }
    for (auto [factor, own] : llvm::zip(factors, digits)) {
      unsigned a = joint.axisOf[factor];
      unsigned count = joint.space->axes[a]->order(own);
      result.parts[a].digit = own;
      result.parts[a].legs.assign(here.begin(), here.begin() + count);
      here = here.drop_front(count);
      present.set(a);
    }
  }
  // Along axes it does not have, the operand is constant, whatever the piece.
  size_t first = local.size();
  local.push_back(std::move(result));
  for (unsigned a = 0; a < numAxes; ++a) {
    if (present.test(a) || !joint.relevant.test(a) || !joint.space->axes[a]->hasPieces)
      continue;
    LocalShift next(std::make_move_iterator(local.begin() + first),
                    std::make_move_iterator(local.end()));
    local.truncate(first);
    for (const LocalTerm &one : next)
      for (uint64_t constant : joint.space->axes[a]->constants) {
        local.push_back(one);
        local.back().parts[a].digit = constant;
      }
  }
}

TranslationEngine::LocalShift TranslationEngine::embed(const Joint &joint, unsigned operand,
                                                       ArrayRef<ShiftTerm> terms) {
  LocalShift local;
  for (const ShiftTerm &term : terms)
    embedTerm(joint, operand, term, local);
  return local;
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// How many indices of an axis a component is constant along.
static Fraction constantSize(const ResolvedAxis &axis, uint64_t digit) {
  ResolvedAxis::Place place = axis.place(digit);
  Fraction size = Fraction(1);
  for (auto [extent, varies] : llvm::zip(place.sizes, place.varies))
    if (!varies)
      size = size * Fraction(extent, 1);
  return size;
}

static void renumberLegs(llvm::MutableArrayRef<ShiftMaps::Part> parts, ArrayRef<uint8_t> consumed) {
  for (ShiftMaps::Part &part : parts)
    for (uint8_t &leg : part.legs)
      leg = ShiftMaps::renumbered(leg, consumed);
}

bool TranslationEngine::sumOverAxis(const ResolvedAxis &axis, Part &part, LocalTerm &term) {
  term.form = forms.scale(constantSize(axis, part.digit), term.form);
  Legs legs = part.legs;
  part = Part();
  if (legs.empty())
    return true;
  // Functions with zero mean.
  if (llvm::any_of(legs, [&](uint8_t leg) { return maps.hasZeroMean(term.map, leg); }))
    return false;

  // A product with a value that is summed over the value's own dimensions.
  if (const ShiftMaps::Product *product = maps.getProduct(term.map);
      product && product->power == 1) {
    ShiftMaps::Product next = *product;
    unsigned first = maps.numLegs(term.map);
    for (const ShiftMaps::Dim &dim : next.dims)
      first -= dim.isSummed ? 0 : dim.numLegs;
    size_t covered = 0;
    bool fits = true;
    for (ShiftMaps::Dim &dim : next.dims) {
      if (dim.isSummed)
        continue;
      size_t count = llvm::count_if(
          legs, [&](uint8_t leg) { return leg >= first && leg < first + dim.numLegs; });
      fits &= count == 0 || count == dim.numLegs;
      covered += count;
      first += dim.numLegs;
      if (count && count == dim.numLegs) {
        dim.isSummed = true;
        // A dimension that nothing else ran along is a sum of the value alone.
        bool isAlone = llvm::all_of(
            dim.parts, [](const Part &own) { return own.legs.empty() && own.digit == 0; });
        isAlone &= !axis.hasPieces;
        if (isAlone)
          dim.parts.clear();
      }
    }
    if (fits && covered == legs.size()) {
      term.map = maps.product(std::move(next));
      renumberLegs(term.parts, legs);
      return true;
    }
  }
  term.map = maps.other({ShiftMaps::SummedOver}, term.map, legs, 0);
  renumberLegs(term.parts, legs);
  return true;
}

llvm::BitVector TranslationEngine::summedOutside(const Joint &joint, unsigned operand) const {
  llvm::BitVector outside = joint.summed;
  if (outside.any())
    for (const CompiledRule::Dim &dim : joint.rule->tensors[operand])
      for (auto &segment : dim.segments)
        for (CompiledRule::Factor factor : segment)
          if (joint.axisOf[factor] >= 0)
            outside.reset(joint.axisOf[factor]);
  return outside;
}

bool TranslationEngine::addOnce(const Joint &joint, const llvm::BitVector &outside,
                                LocalTerm &term) {
  for (unsigned axis : outside.set_bits()) {
    if (term.parts[axis].digit != joint.space->axes[axis]->constants.front())
      return false;
    term.parts[axis] = Part();
  }
  return true;
}

bool TranslationEngine::sumOver(const Joint &joint, const llvm::BitVector &axes, LocalTerm &term) {
  for (unsigned axis : axes.set_bits())
    if (!sumOverAxis(*joint.space->axes[axis], term.parts[axis], term))
      return false;
  return true;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

std::optional<bool> TranslationEngine::multiplyByConstant(double constant, int power,
                                                          LocalTerm &term) {
  if (constant == 0)
    return power > 0 ? std::optional<bool>(false) : std::nullopt;
  if (std::optional<Fraction> rational = ValueRoots::rationalOf(constant)) {
    term.form = forms.scale(power > 0 ? *rational : Fraction(1) / *rational, term.form);
    return true;
  }
  term.map = maps.other({ShiftMaps::ScaledBy, llvm::bit_cast<uint64_t>(constant),
                         static_cast<uint64_t>(power)},
                        term.map, {}, 0);
  return true;
}

/// The component that varies along all atoms of the piece a component lies in.
static uint64_t varyingEverywhere(const ResolvedAxis &axis, uint64_t digit) {
  return axis.varyingAlong(digit, SmallVector<bool>(axis.place(digit).view.size(), true));
}

std::optional<double> TranslationEngine::constantWhere(const Joint &joint, unsigned operand,
                                                       const LocalTerm &term) const {
  const CompiledRule::Tensor &tensor = joint.rule->tensors[operand];
  for (auto [d, dim] : llvm::enumerate(tensor)) {
    if (!dim.isSingle() || joint.axisOf[dim.segments[0][0]] < 0)
      continue;
    unsigned axis = joint.axisOf[dim.segments[0][0]];
    const ResolvedAxis &own = *joint.space->axes[axis];
    if (!own.hasPieces || !joint.relevant.test(axis))
      continue;
    ResolvedAxis::Place place = own.place(term.parts[axis].digit);
    if (place.view.size() != 1)
      continue;
    if (std::optional<double> constant = roots.constantOn(joint.operands[operand], d,
                                                          place.offsets[0], place.sizes[0]))
      return constant;
  }
  return std::nullopt;
}

std::optional<bool> TranslationEngine::multiply(const Joint &joint, unsigned partner, int power,
                                                LocalTerm &term) {
  ValueId value = joint.operands[partner];
  const CompiledRule::Tensor &tensor = joint.rule->tensors[partner];
  auto sumAll = [&]() { return sumOver(joint, joint.summed, term); };
  if (const std::optional<double> &constant = program.getValues()[value].constant) {
    std::optional<bool> remains = multiplyByConstant(*constant, power, term);
    return remains && *remains ? std::optional<bool>(sumAll()) : remains;
  }
  if (std::optional<double> constant = constantWhere(joint, partner, term)) {
    std::optional<bool> remains = multiplyByConstant(*constant, power, term);
    return remains && *remains ? std::optional<bool>(sumAll()) : remains;
  }
  ValueRoot root = roots.get(value);
  if (root.coefficient == Fraction(0))
    return std::nullopt;

  // The joint axes of each dimension of the root.
  unsigned numAxes = joint.space->axes.size();
  SmallVector<int, 4> rootOf(numAxes, -1);
  llvm::SmallMapVector<unsigned, SmallVector<unsigned, 2>, 4> axesOf;
  llvm::SmallDenseMap<unsigned, unsigned, 4> valueDimension;
  for (auto [d, dim] : llvm::enumerate(tensor)) {
    if (d >= root.dimensions.size() || root.dimensions[d] < 0)
      continue;
    unsigned dimension = root.dimensions[d];
    if (dim.segments.size() != 1 || dim.segments.front().empty())
      return std::nullopt;
    for (CompiledRule::Factor factor : dim.segments.front()) {
      if (joint.axisOf[factor] < 0)
        return std::nullopt;
      rootOf[joint.axisOf[factor]] = dimension;
      axesOf[dimension].push_back(joint.axisOf[factor]);
    }
    valueDimension[dimension] = d;
  }

  llvm::BitVector without = joint.summed;
  for (unsigned axis = 0; axis < numAxes; ++axis)
    if (rootOf[axis] >= 0)
      without.reset(axis);
  if (!sumOver(joint, without, term))
    return false;

  ShiftMaps::Product product = {term.map, root.value, power, {}};
  for (unsigned dimension : root.summed)
    product.dims.push_back({dimension, true, {}, 0});
  Legs consumed;
  unsigned numNew = 0;
  for (auto &[dimension, axes] : axesOf) {
    size_t numSummed = llvm::count_if(axes, [&](unsigned a) { return joint.summed.test(a); });
    if (numSummed != 0 && numSummed != axes.size())
      return std::nullopt;
    ShiftMaps::Dim &dim = product.dims.emplace_back();
    dim.dimension = dimension;
    dim.isSummed = numSummed != 0;
    bool isConstant = true, isWhole = true;
    for (unsigned axis : axes) {
      const Part &part = term.parts[axis];
      isConstant &= part.legs.empty();
      isWhole &= !joint.space->axes[axis]->hasPieces;
      dim.parts.push_back(part);
      consumed.append(part.legs.begin(), part.legs.end());
      if (!dim.isSummed)
        dim.numLegs += joint.space->axes[axis]->order(
            varyingEverywhere(*joint.space->axes[axis], part.digit));
    }
    // What adds up to one number takes a constant to a constant; zero does not see it.
    if (dim.isSummed && isConstant && isWhole && power > 0)
      if (std::optional<Fraction> sum = roots.sumAlong(value, valueDimension[dimension])) {
        if (*sum == Fraction(0))
          return false;
        bool isAlone = axesOf.size() == 1 + static_cast<size_t>(llvm::count_if(
                                                axesOf, [&](auto &other) {
                                                  return !joint.summed.test(other.second.front());
                                                }));
        if (isAlone) {
          term.form = forms.scale(*sum, term.form);
          for (unsigned axis : axes)
            term.parts[axis] = Part();
          return true;
        }
      }
    bool isAlone = isConstant && isWhole;
    if (dim.isSummed && isAlone)
      dim.parts.clear();
    numNew += dim.numLegs;
  }
  if (maps.numLegs(term.map) - consumed.size() + numNew > ShiftMaps::kMaxLegs)
    return std::nullopt;
  Fraction factor = power > 0 ? root.coefficient : Fraction(1) / root.coefficient;
  term.form = forms.scale(factor, term.form);

  // Legs of the product: those that are left, then one for each atom of the value's dimensions.
  unsigned next = maps.numLegs(term.map) - consumed.size();
  renumberLegs(term.parts, consumed);
  llvm::sort(product.dims, [](const ShiftMaps::Dim &a, const ShiftMaps::Dim &b) {
    return a.dimension < b.dimension;
  });
  for (const ShiftMaps::Dim &dim : product.dims) {
    auto it = axesOf.find(dim.dimension);
    if (it == axesOf.end())
      continue;
    for (unsigned axis : it->second) {
      Part &part = term.parts[axis];
      if (dim.isSummed) {
        part = Part();
        continue;
      }
      part.digit = varyingEverywhere(*joint.space->axes[axis], part.digit);
      part.legs.clear();
      for (unsigned k = joint.space->axes[axis]->order(part.digit); k > 0; --k)
        part.legs.push_back(next++);
    }
  }
  term.map = maps.product(std::move(product));
  return true;
}

//===----------------------------------------------------------------------===//
// Out of the joint index
//===----------------------------------------------------------------------===//

void TranslationEngine::finish(const Joint &joint, unsigned result, const LocalTerm &term,
                               Shift &shift) {
  const ResolvedSpace &own = structure.resolve(structure.spaceOf(joint.results[result]));
  const CompiledRule::Tensor &tensor = joint.rule->tensors[joint.rule->numOperands + result];
  if (own.isOpaque)
    return pinForm(term.form, joint.index);
  SmallVector<uint64_t, 1> keys = {0};
  Legs legs;
  size_t numLegs = 0;
  for (const Part &part : term.parts)
    numLegs += part.legs.size();
  for (auto [d, dim] : llvm::enumerate(tensor)) {
    ArrayRef<CompiledRule::Factor> factors(dim.segments.front());
    if (matches(*joint.space, joint.axisOf, factors, *own.axes[d])) {
      uint64_t digit = 0;
      for (CompiledRule::Factor factor : factors) {
        const Part &part = term.parts[joint.axisOf[factor]];
        digit = digit * joint.space->axes[joint.axisOf[factor]]->radix + part.digit;
        legs.append(part.legs.begin(), part.legs.end());
      }
      for (uint64_t &key : keys)
        key += own.strides[d] * digit;
      continue;
    }
    // Not followed: only what is constant along it gets here.
    for (CompiledRule::Factor factor : factors)
      if (joint.axisOf[factor] >= 0 && (!term.parts[joint.axisOf[factor]].legs.empty() ||
                                        joint.space->axes[joint.axisOf[factor]]->hasPieces))
        return pinForm(term.form, joint.index);
    SmallVector<uint64_t, 1> next;
    for (uint64_t key : keys)
      for (uint64_t constant : own.axes[d]->constants)
        next.push_back(key + own.strides[d] * constant);
    keys = std::move(next);
  }
  // What varies along an axis that the result does not have.
  if (legs.size() != numLegs)
    return pinForm(term.form, joint.index);
  for (uint64_t key : keys)
    add(shift, {term.map, key, legs, term.form});
}

void TranslationEngine::mapUnknown(const Joint &joint, unsigned operand, unsigned result,
                                   const LocalTerm &term, Shift &shift) {
  const CompiledRule &rule = *joint.rule;
  const ResolvedSpace &own = structure.resolve(structure.spaceOf(joint.results[result]));
  if (own.isOpaque)
    return pinForm(term.form, joint.index);
  bool isFactor = rule.use(operand) == OperandUse::Factor;
  // Axes that other operands run along, and those of the operand itself.
  llvm::BitVector touched(joint.space->axes.size()), present(joint.space->axes.size());
  for (unsigned o = 0; o < rule.numOperands; ++o) {
    // An index that picks an entry decides anew along all it varies with.
    bool picks = term.isLost && rule.use(o) == OperandUse::Opaque;
    if (o != operand && !picks &&
        (!isFactor || rule.use(o) == OperandUse::Plus || rule.use(o) == OperandUse::Minus))
      continue;
    for (const CompiledRule::Dim &dim : rule.tensors[o])
      for (CompiledRule::Factor factor : dim.segments.front())
        if (joint.axisOf[factor] >= 0)
          (o == operand ? present : touched).set(joint.axisOf[factor]);
  }
  auto isKept = [&](unsigned axis) {
    return !touched.test(axis) && (present.test(axis) || !(isFactor || term.isLost));
  };

  // What the result's dimensions keep, and which of them the map makes anew.
  const CompiledRule::Tensor &tensor = rule.tensors[rule.numOperands + result];
  SmallVector<bool, 4> keeps;
  Legs kept;
  for (auto [d, dim] : llvm::enumerate(tensor)) {
    ArrayRef<CompiledRule::Factor> factors(dim.segments.front());
    keeps.push_back(matches(*joint.space, joint.axisOf, factors, *own.axes[d]) &&
                    llvm::all_of(factors, [&](CompiledRule::Factor factor) {
                      return isKept(joint.axisOf[factor]);
                    }));
    if (keeps.back())
      for (CompiledRule::Factor factor : factors) {
        const Part &part = term.parts[joint.axisOf[factor]];
        kept.append(part.legs.begin(), part.legs.end());
      }
  }
  Legs consumed;
  for (unsigned leg = 0; leg < maps.numLegs(term.map); ++leg)
    if (!llvm::is_contained(kept, leg))
      consumed.push_back(leg);
  SmallVector<uint64_t, 48> description = {ShiftMaps::MappedBy, joint.index, operand, result};
  for (auto [axis, part] : llvm::enumerate(term.parts)) {
    bool isDescribed = !llvm::any_of(part.legs, [&](uint8_t leg) {
      return llvm::is_contained(kept, leg);
    });
    description.append({isDescribed ? part.digit : ~uint64_t(0), part.legs.size()});
    for (uint8_t leg : part.legs)
      description.push_back(isDescribed ? leg : ~uint64_t(0));
  }
  description.append(term.lost.begin(), term.lost.end());
  description.append(term.lostLegs.begin(), term.lostLegs.end());

  // One term for each choice of pieces.
  struct Partial {
    uint64_t key = 0;
    Legs legs;
    SmallVector<uint64_t, 4> cells;
    unsigned numNew = 0;
  };
  SmallVector<Partial, 1> partials = {{}};
  unsigned firstNew = kept.size();
  for (auto [d, dim] : llvm::enumerate(tensor)) {
    SmallVector<Partial, 1> next;
    for (const Partial &partial : partials) {
      if (keeps[d]) {
        Partial extended = partial;
        uint64_t digit = 0;
        for (CompiledRule::Factor factor : dim.segments.front()) {
          unsigned axis = joint.axisOf[factor];
          digit = digit * joint.space->axes[axis]->radix + term.parts[axis].digit;
          for (uint8_t leg : term.parts[axis].legs)
            extended.legs.push_back(ShiftMaps::renumbered(leg, consumed));
        }
        extended.key += own.strides[d] * digit;
        next.push_back(std::move(extended));
        continue;
      }
      for (uint64_t constant : own.axes[d]->constants) {
        Partial extended = partial;
        uint64_t digit = varyingEverywhere(*own.axes[d], constant);
        extended.key += own.strides[d] * digit;
        extended.cells.push_back(constant);
        for (unsigned k = own.axes[d]->order(digit); k > 0; --k)
          extended.legs.push_back(firstNew + extended.numNew++);
        next.push_back(std::move(extended));
      }
    }
    partials = std::move(next);
    if (partials.size() > 64)
      return pinForm(term.form, joint.index);
  }
  for (Partial &partial : partials) {
    if (kept.size() + partial.numNew > ShiftMaps::kMaxLegs) {
      pinForm(term.form, joint.index);
      continue;
    }
    SmallVector<uint64_t, 48> own = description;
    own.append(partial.cells.begin(), partial.cells.end());
    add(shift, {maps.other(own, term.map, consumed, partial.numNew), partial.key, partial.legs,
                term.form});
  }
}
