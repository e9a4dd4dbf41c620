// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AffineShifts.h"

#include "../Structure/ResolvedPlace.h"
#include "ParameterView.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

//===----------------------------------------------------------------------===//
// A shift map in indices
//===----------------------------------------------------------------------===//

namespace {
/// Reads a map as a product of parameters with an index for each axis: the legs have the indices they
/// began with, or new ones.
class MapReader {
public:
  MapReader(const Program &program, const Structure &structure, const TranslationEngine &engine,
            ArrayRef<int64_t> indices, int64_t firstNew)
      : program(program), structure(structure), engine(engine), maps(engine.getMaps()),
        nextNew(firstNew), legs(indices) {}

  bool read(ShiftMapId map);

  double number = 1;
  SmallVector<std::pair<ValueId, IndexedPart>, 1> factors;
  /// The index of each leg.
  SmallVector<int64_t, 8> getLegs() const { return legs; }

private:
  bool readProduct(const ShiftMaps::Product &product);
  /// The axes that a dimension of the product's value consists of, with their indices.
  bool readDim(const ResolvedAxis &axis, const ShiftMaps::Dim &dim, IndexedPart &part);
  void consume(ArrayRef<uint8_t> consumed);

  const Program &program;
  const Structure &structure;
  const TranslationEngine &engine;
  const ShiftMaps &maps;
  int64_t nextNew;
  SmallVector<int64_t, 8> legs;
};
} // namespace

void MapReader::consume(ArrayRef<uint8_t> consumed) {
  SmallVector<int64_t, 8> rest;
  for (auto [leg, index] : llvm::enumerate(legs))
    if (!llvm::is_contained(consumed, leg))
      rest.push_back(index);
  legs = std::move(rest);
}

bool MapReader::read(ShiftMapId map) {
  SmallVector<ShiftMapId> chain;
  while (!maps.isIdentity(map)) {
    chain.push_back(map);
    if (const ShiftMaps::Product *product = maps.getProduct(map))
      map = product->inner;
    else if (std::optional<ShiftMaps::Unary> unary = maps.getUnary(map))
      map = unary->inner;
    else
      return false;
  }
  if (maps.numLegs(map) != legs.size())
    return false;
  for (ShiftMapId outer : llvm::reverse(chain)) {
    if (const ShiftMaps::Product *product = maps.getProduct(outer)) {
      if (product->power != 1 || !readProduct(*product))
        return false;
      continue;
    }
    ShiftMaps::Unary unary = *maps.getUnary(outer);
    number *= unary.number;
    consume(Legs(unary.consumed.begin(), unary.consumed.end()));
  }
  return true;
}

bool MapReader::readDim(const ResolvedAxis &axis, const ShiftMaps::Dim &dim, IndexedPart &part) {
  SmallVector<uint8_t> tied;
  uint64_t digit = 0;
  if (dim.parts.empty()) {
    // All of it, summed.
    if (!dim.isSummed)
      return false;
    SmallVector<int64_t, 2> sizes;
    for (const ResolvedAxis::Node &node : axis.nodes)
      sizes.push_back(node.size);
    for (int64_t size : axis.hasPieces ? SmallVector<int64_t, 2>{axis.size} : sizes) {
      part.view.push_back(size);
      part.offsets.push_back(0);
      part.sizes.push_back(size);
      part.indices.push_back(nextNew++);
    }
    return true;
  }
  if (dim.parts.size() == 1) {
    if (dim.parts[0].digit >= axis.radix)
      return false;
    digit = dim.parts[0].digit;
    tied.assign(dim.parts[0].legs.begin(), dim.parts[0].legs.end());
  } else {
    // One axis of the operation for each atom.
    if (axis.hasPieces || axis.nodes.size() != dim.parts.size())
      return false;
    for (const ShiftMaps::Part &own : dim.parts) {
      if (own.digit > 1 || own.legs.size() != own.digit)
        return false;
      digit = 2 * digit + own.digit;
      tied.append(own.legs.begin(), own.legs.end());
    }
  }
  ResolvedAxis::Place place = axis.place(digit);
  if (!place.isExact || static_cast<size_t>(llvm::count(place.varies, true)) != tied.size())
    return false;
  // A piece of one index has no leg.
  SmallVector<bool, 2> canVary =
      axis.place(axis.varyingAlong(digit, SmallVector<bool>(place.view.size(), true))).varies;
  if (canVary.size() != place.view.size())
    return false;
  auto next = tied.begin();
  for (size_t atom = 0; atom < place.view.size(); ++atom) {
    part.view.push_back(place.view[atom]);
    part.offsets.push_back(place.offsets[atom]);
    part.sizes.push_back(place.sizes[atom]);
    if (!canVary[atom] && place.sizes[atom] != 1)
      return false;
    part.indices.push_back(place.varies[atom] ? legs[*next++]
                           : canVary[atom]    ? nextNew++
                                              : IndexedPart::kNone);
  }
  return dim.isSummed ||
         dim.numLegs == static_cast<size_t>(llvm::count(canVary, true));
}

bool MapReader::readProduct(const ShiftMaps::Product &product) {
  std::optional<ParameterView> view =
      viewOfParameter(program, engine.getRoots(), engine.getMoved(), product.value);
  const ResolvedSpace &space = structure.resolve(structure.spaceOf(product.value));
  if (!view || space.isOpaque)
    return false;
  // By dimension of the value.
  SmallVector<IndexedPart, 4> parts(space.axes.size());
  Legs consumed;
  SmallVector<int64_t, 4> made;
  for (const ShiftMaps::Dim &dim : product.dims) {
    if (dim.dimension >= parts.size() || !parts[dim.dimension].view.empty() ||
        !readDim(*space.axes[dim.dimension], dim, parts[dim.dimension]))
      return false;
    for (const ShiftMaps::Part &own : dim.parts)
      consumed.append(own.legs.begin(), own.legs.end());
    if (!dim.isSummed)
      llvm::copy_if(parts[dim.dimension].indices, std::back_inserter(made),
                    [](int64_t index) { return index != IndexedPart::kNone; });
  }
  IndexedPart factor;
  for (size_t axis = 0; axis < view->view.size(); ++axis) {
    auto dimension = llvm::find(view->axes, static_cast<int>(axis));
    bool isIndexed = dimension != view->axes.end() && !parts[dimension - view->axes.begin()].view.empty();
    if (!isIndexed) {
      if (view->sizes[axis] != 1)
        return false;
      factor.view.push_back(view->view[axis]);
      factor.offsets.push_back(view->offsets[axis]);
      factor.sizes.push_back(1);
      factor.indices.push_back(IndexedPart::kNone);
      continue;
    }
    const IndexedPart &part = parts[dimension - view->axes.begin()];
    if (part.view.size() == 1) {
      factor.view.push_back(view->view[axis]);
      factor.offsets.push_back(view->offsets[axis] + part.offsets[0]);
      factor.sizes.push_back(part.sizes[0]);
      factor.indices.push_back(part.indices[0]);
      continue;
    }
    if (view->sizes[axis] != view->view[axis])
      return false;
    llvm::append_range(factor.view, part.view);
    llvm::append_range(factor.offsets, part.offsets);
    llvm::append_range(factor.sizes, part.sizes);
    llvm::append_range(factor.indices, part.indices);
  }
  consume(consumed);
  llvm::append_range(legs, made);
  factors.push_back({view->parameter, std::move(factor)});
  return true;
}

//===----------------------------------------------------------------------===//
// Absorbers
//===----------------------------------------------------------------------===//

/// Numbers indices that are none of the block's in the order in which they come.
static void renumber(Absorber &absorber, int64_t numBlockAxes) {
  llvm::SmallDenseMap<int64_t, int64_t, 4> numbers;
  auto give = [&](SmallVector<int64_t, 4> &indices) {
    for (int64_t &index : indices)
      if (index >= numBlockAxes)
        index = numbers.try_emplace(index, numBlockAxes + numbers.size()).first->second;
  };
  give(absorber.indices);
  for (IndexedPart &factor : absorber.factors)
    give(factor.indices);
}

static bool isSame(const IndexedPart &a, const IndexedPart &b) {
  return std::tie(a.argument, a.view, a.offsets, a.sizes, a.indices) ==
         std::tie(b.argument, b.view, b.offsets, b.sizes, b.indices);
}

static bool isSame(const Absorber &a, const Absorber &b) {
  return isSame(static_cast<const IndexedPart &>(a), b) && a.exponent == b.exponent &&
         a.number == b.number && a.factors.size() == b.factors.size() &&
         llvm::all_of(llvm::zip_equal(a.factors, b.factors), [](auto pair) {
           return isSame(std::get<0>(pair), std::get<1>(pair));
         });
}

AffineShifts::AffineShifts(const Program &program, SystemMapping &mapping,
                           const TranslationEngine &engine, const FormPool &forms,
                           const Solution &solution, UnknownId firstAbsorption)
    : program(program), mapping(mapping), engine(engine), forms(forms), solution(solution),
      firstAbsorption(firstAbsorption) {
  for (unsigned number = 0; number < engine.getAbsorptions().size(); ++number)
    for (const Term &term : solution[firstAbsorption + number])
      movedBy[term.unknown].push_back(number);
  for (auto [argument, value] : llvm::enumerate(program.getArguments()))
    argumentOf[value] = argument;
}

Fraction AffineShifts::valueOf(UnknownId unknown,
                               const std::map<UnknownId, Fraction> &coordinates) const {
  Fraction value(0);
  for (const Term &term : solution[unknown])
    if (auto it = coordinates.find(term.unknown); it != coordinates.end())
      value += term.coefficient * it->second;
  return value;
}

static ResolvedAxis::Place placeOf(const SystemMapping &mapping, const Structure &structure,
                                   UnknownId unknown) {
  auto [value, key] = mapping.originOf(unknown);
  return noether::placeOf(structure.resolve(structure.spaceOf(value)), key);
}

std::optional<SmallVector<int64_t, 4>>
AffineShifts::indicesOf(FormId form, const TorusDirection &direction, unsigned axes,
                        const std::map<UnknownId, Fraction> &coordinates) const {
  for (const Term &term : forms[form]) {
    if (term.unknown >= firstAbsorption || valueOf(term.unknown, coordinates) == Fraction(0))
      continue;
    ResolvedAxis::Place place = ::placeOf(mapping, mapping.getStructure(), term.unknown);
    SmallVector<int64_t, 4> indices;
    for (auto [atom, varies] : llvm::zip_equal(place.atoms, place.varies)) {
      if (!varies)
        continue;
      auto it = llvm::find(direction.blockAtoms, atom);
      int64_t index = it - direction.blockAtoms.begin();
      if (it == direction.blockAtoms.end() || !(axes >> index & 1))
        return std::nullopt;
      indices.push_back(index);
    }
    return indices;
  }
  return std::nullopt;
}

std::optional<Absorber> AffineShifts::describe(const Absorption &absorption,
                                               const TorusDirection &direction,
                                               ArrayRef<int64_t> indices) const {
  const Structure &structure = mapping.getStructure();
  int64_t numBlockAxes = direction.blockAtoms.size();
  MapReader reader(program, structure, engine, indices, numBlockAxes);
  if (!reader.read(absorption.map))
    return std::nullopt;
  ResolvedAxis::Place place = ::placeOf(mapping, structure, absorption.target);
  SmallVector<int64_t, 8> legs = reader.getLegs();
  if (!place.isExact || legs.size() != absorption.legs.size() ||
      static_cast<size_t>(llvm::count(place.varies, true)) != legs.size())
    return std::nullopt;
  Absorber absorber;
  absorber.argument = argumentOf.lookup(mapping.originOf(absorption.target).value);
  absorber.number = reader.number;
  absorber.view.assign(place.view.begin(), place.view.end());
  absorber.offsets.assign(place.offsets.begin(), place.offsets.end());
  absorber.sizes.assign(place.sizes.begin(), place.sizes.end());
  auto leg = absorption.legs.begin();
  for (bool varies : place.varies)
    absorber.indices.push_back(varies ? legs[*leg++] : IndexedPart::kNone);
  for (auto &[parameter, factor] : reader.factors) {
    factor.argument = argumentOf.lookup(parameter);
    absorber.factors.push_back(std::move(factor));
  }
  return absorber;
}

std::optional<SmallVector<Absorber, 0>>
AffineShifts::absorbersOf(const TorusDirection &direction, unsigned axes,
                          const std::map<UnknownId, Fraction> &coordinates) const {
  SmallVector<unsigned> moved;
  for (auto &[free, coordinate] : coordinates)
    if (auto it = movedBy.find(free); it != movedBy.end())
      llvm::append_range(moved, it->second);
  llvm::sort(moved);
  moved.erase(llvm::unique(moved), moved.end());
  SmallVector<Absorber, 0> absorbers;
  for (unsigned number : moved) {
    const Absorption &absorption = engine.getAbsorptions()[number];
    Fraction value = valueOf(firstAbsorption + number, coordinates);
    if (value == Fraction(0))
      continue;
    auto indices = indicesOf(absorption.form, direction, axes, coordinates);
    std::optional<Absorber> absorber =
        indices ? describe(absorption, direction, *indices) : std::nullopt;
    if (!absorber)
      return std::nullopt;
    absorber->exponent = value * direction.factor;
    absorbers.push_back(std::move(*absorber));
  }
  return absorbers;
}

void AffineShifts::addAbsorbers(const TorusDirection &direction) const {
  Symmetry &symmetry = *direction.symmetry;
  int64_t numBlockAxes = direction.blockAtoms.size();
  auto giveUp = [&] { symmetry.undescribed = true; };
  llvm::SmallDenseSet<AtomId> atoms(direction.blockAtoms.begin(), direction.blockAtoms.end());
  if (!direction.isExact || symmetry.undescribed || atoms.size() != direction.blockAtoms.size())
    return giveUp();
  for (auto &[axes, coordinates] : direction.components) {
    auto absorbers = absorbersOf(direction, axes, coordinates);
    if (!absorbers)
      return giveUp();
    for (Absorber &absorber : *absorbers)
      renumber(absorber, numBlockAxes);
    // The first has all axes. What it says of a function that is constant along some must be what these
    // functions do.
    if (&coordinates == &direction.components.front().second) {
      symmetry.absorbers = std::move(*absorbers);
      continue;
    }
    SmallVector<bool> isSeen(absorbers->size());
    if (absorbers->size() != symmetry.absorbers.size())
      return giveUp();
    for (Absorber expected : symmetry.absorbers) {
      // Apart from all other indices.
      auto forget = [&](SmallVector<int64_t, 4> &indices) {
        for (int64_t &index : indices)
          if (index >= 0 && index < numBlockAxes && !(axes >> index & 1))
            index += int64_t(1) << 32;
      };
      forget(expected.indices);
      for (IndexedPart &factor : expected.factors)
        forget(factor.indices);
      renumber(expected, numBlockAxes);
      bool isFound = false;
      for (auto [number, own] : llvm::enumerate(*absorbers))
        if (!isSeen[number] && isSame(expected, own)) {
          isFound = isSeen[number] = true;
          break;
        }
      if (!isFound)
        return giveUp();
    }
  }
  // Where it moves what it is multiplied with, it is no straight line.
  auto moves = [&](unsigned argument) {
    return llvm::any_of(symmetry.members, [&](auto &own) { return own.argument == argument; }) ||
           llvm::any_of(symmetry.absorbers, [&](auto &own) { return own.argument == argument; });
  };
  for (const Absorber &absorber : symmetry.absorbers)
    for (const IndexedPart &factor : absorber.factors)
      if (moves(factor.argument))
        return giveUp();
}
