// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "SymmetryBuilder.h"

#include "../Proof/DerivationBuilder.h"
#include "../Structure/ResolvedPlace.h"

#include "llvm/ADT/STLExtras.h"

#include <numeric>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;
using llvm::StringRef;

SymmetryBuilder::SymmetryBuilder(const Program &program, SystemMapping &mapping,
                                 const Solution &solution)
    : SymmetryBuilder(program, mapping, mapping.getSystem(), mapping.getSpurions(), solution,
                      mapping.getSystem().getUnknowns().size()) {}

SymmetryBuilder::SymmetryBuilder(const Program &program, SystemMapping &mapping,
                                 const System &system,
                                 ArrayRef<SystemMapping::Spurion> spurions,
                                 const Solution &solution, UnknownId numUnknowns)
    : program(program), mapping(mapping), system(system), spurions(spurions), solution(solution),
      numUnknowns(numUnknowns) {
  for (auto [argument, value] : llvm::enumerate(program.getArguments()))
    argumentOf[value] = argument;
  for (UnknownId unknown = 0; unknown < numUnknowns; ++unknown) {
    // Only parameters: names of forms and values carried by loops follow from them.
    if (!isOfParameter(unknown))
      continue;
    for (const Term &term : solution[unknown]) {
      directions[term.unknown][unknown] = term.coefficient;
      movedBy[unknown].push_back(term.unknown);
    }
  }
}

ResolvedAxis::Place SymmetryBuilder::placeOf(UnknownId unknown) const {
  auto [value, key] = mapping.originOf(unknown);
  const Structure &structure = mapping.getStructure();
  return noether::placeOf(structure.resolve(structure.spaceOf(value)), key);
}

SymmetryBuilder::Direction SymmetryBuilder::directionOf(UnknownId free) const {
  auto it = directions.find(free);
  return it == directions.end() ? Direction() : it->second;
}

SymmetryBuilder::Direction
SymmetryBuilder::expand(const Coordinates &coordinates) const {
  Direction result;
  for (auto &[free, coordinate] : coordinates)
    for (auto &[unknown, coefficient] : directionOf(free))
      result[unknown] += coordinate * coefficient;
  std::erase_if(result, [](auto &entry) { return entry.second == Fraction(0); });
  return result;
}

/// The unknown at the same place of the parameter that varies along some of the axes only.
static std::optional<UnknownId> faceUnknown(SystemMapping &mapping, UnknownId unknown,
                                            const ResolvedAxis::Place &place,
                                            ArrayRef<int64_t> keptAxes) {
  auto [value, key] = mapping.originOf(unknown);
  const Structure &structure = mapping.getStructure();
  const ResolvedSpace &space = structure.resolve(structure.spaceOf(value));
  SmallVector<bool> varies(place.view.size(), false);
  for (int64_t axis : keptAxes)
    varies[axis] = true;
  uint64_t faceKey = 0;
  ArrayRef<bool> rest(varies);
  for (unsigned axis = 0; axis < space.axes.size(); ++axis) {
    uint64_t digit = space.digit(key, axis);
    size_t count = std::max<size_t>(1, space.axes[axis]->place(digit).view.size());
    if (!space.axes[axis]->nodes.empty())
      faceKey += space.strides[axis] *
                 space.axes[axis]->varyingAlong(digit, rest.take_front(count));
    rest = rest.drop_front(count);
  }
  return mapping.lookup(value, faceKey);
}

std::optional<SymmetryBuilder::Coordinates>
SymmetryBuilder::faceOf(const Direction &direction,
                        const std::map<UnknownId, SmallVector<int64_t, 2>> &blockAxes,
                        ArrayRef<bool> kept) const {
  Direction face;
  for (auto &[unknown, coefficient] : direction) {
    SmallVector<int64_t, 2> axes;
    for (auto [position, axis] : llvm::enumerate(blockAxes.at(unknown)))
      if (kept[position])
        axes.push_back(axis);
    std::optional<UnknownId> moved =
        faceUnknown(mapping, unknown, placeOf(unknown), axes);
    if (!moved)
      return std::nullopt;
    face[*moved] += coefficient;
  }
  Coordinates coordinates;
  for (auto &[unknown, coefficient] : face)
    if (solution[unknown].size() == 1 && solution[unknown].front().unknown == unknown)
      coordinates[unknown] = coefficient;
  if (expand(coordinates) != face)
    return std::nullopt;
  return coordinates;
}

bool SymmetryBuilder::claim(Coordinates coordinates, std::optional<UnknownId> preferred) {
  // A row has no pivots of earlier rows, so that each elimination only leads to later ones.
  for (bool changed = true; changed;) {
    changed = false;
    for (auto &[unknown, coordinate] : coordinates) {
      auto row = claimed.find(unknown);
      if (row == claimed.end())
        continue;
      Fraction factor = coordinate / row->second.at(unknown);
      Coordinates reduced = coordinates;
      for (auto &[other, coefficient] : row->second)
        reduced[other] -= factor * coefficient;
      std::erase_if(reduced, [](auto &entry) { return entry.second == Fraction(0); });
      coordinates = std::move(reduced);
      changed = true;
      break;
    }
  }
  if (coordinates.empty())
    return false;
  UnknownId pivot = preferred && coordinates.count(*preferred) ? *preferred
                                                               : coordinates.begin()->first;
  for (auto &[unknown, coefficient] : expand(coordinates))
    claimedBy[unknown].push_back(pivot);
  claimed.emplace(pivot, std::move(coordinates));
  return true;
}

/// Fewer parameters first, then parameters that all grow together.
static std::pair<size_t, bool> complexity(const std::map<UnknownId, Fraction> &direction) {
  bool sameSign = llvm::all_of(direction, [&](auto &entry) {
    return (entry.second > Fraction(0)) == (direction.begin()->second > Fraction(0));
  });
  return {direction.size(), !sameSign};
}

SymmetryBuilder::Coordinates SymmetryBuilder::sparsest(UnknownId free) const {
  Coordinates coordinates = {{free, Fraction(1)}};
  Direction direction = expand(coordinates);
  for (bool improved = true; improved;) {
    improved = false;
    for (auto &[unknown, coefficient] : direction) {
      // Directions that move the same unknown: claimed ones, and those of other free unknowns.
      SmallVector<Coordinates> others;
      if (auto it = claimedBy.find(unknown); it != claimedBy.end())
        for (UnknownId pivot : it->second)
          others.push_back(claimed.at(pivot));
      if (auto it = movedBy.find(unknown); it != movedBy.end())
        for (UnknownId other : it->second)
          if (other != free && !claimed.count(other))
            others.push_back({{other, Fraction(1)}});
      for (const Coordinates &other : others) {
        Direction step = expand(other);
        auto at = step.find(unknown);
        if (at == step.end())
          continue;
        Fraction factor = coefficient / at->second;
        Coordinates next = coordinates;
        for (auto &[name, value] : other)
          next[name] -= factor * value;
        std::erase_if(next, [](auto &entry) { return entry.second == Fraction(0); });
        Direction candidate = expand(next);
        if (candidate.empty() || complexity(candidate) >= complexity(direction))
          continue;
        coordinates = std::move(next);
        direction = std::move(candidate);
        improved = true;
        break;
      }
      if (improved)
        break;
    }
  }
  return coordinates;
}

std::optional<SymmetryBuilder::Candidate> SymmetryBuilder::buildFrom(UnknownId free) {
  Candidate candidate;
  candidate.coordinates = sparsest(free);
  Direction direction = expand(candidate.coordinates);
  if (direction.empty())
    return std::nullopt;

  // The block's axes: the atoms the first member varies along.
  ResolvedAxis::Place first = placeOf(direction.begin()->first);
  SmallVector<AtomId> blockAtoms;
  Symmetry &symmetry = candidate.symmetry;
  for (auto [axis, varies] : llvm::enumerate(first.varies))
    if (varies) {
      blockAtoms.push_back(first.atoms[axis]);
      symmetry.blockShape.push_back(first.sizes[axis]);
    }
  bool exact = true;
  std::map<UnknownId, SmallVector<int64_t, 2>> blockAxes;
  for (auto &[unknown, coefficient] : direction) {
    ResolvedAxis::Place place = placeOf(unknown);
    exact &= place.isExact;
    SymmetryMember member;
    member.argument = argumentOf.lookup(mapping.originOf(unknown).value);
    member.exponent = coefficient;
    member.view.assign(place.view.begin(), place.view.end());
    member.offsets.assign(place.offsets.begin(), place.offsets.end());
    member.sizes.assign(place.sizes.begin(), place.sizes.end());
    SmallVector<bool> taken(place.view.size());
    for (AtomId atom : blockAtoms) {
      size_t axis = 0;
      while (axis < place.view.size() &&
             (taken[axis] || !place.varies[axis] || place.atoms[axis] != atom))
        ++axis;
      if (axis == place.view.size()) {
        exact = false;
        break;
      }
      taken[axis] = true;
      member.axes.push_back(axis);
    }
    blockAxes[unknown] = member.axes;
    symmetry.members.push_back(std::move(member));
  }
  int64_t dimension = system.getUnknowns()[free].dimension;
  if (!claim(candidate.coordinates, free))
    return std::nullopt;
  unsigned order = blockAtoms.size();
  candidate.blockAtoms = blockAtoms;
  candidate.components = {{(1u << order) - 1, candidate.coordinates}};
  candidate.isExact = exact;
  if (!exact) {
    // True, but not to be told as a function on axes.
    symmetry.dimension = dimension;
    symmetry.undescribed = true;
    symmetry.blockShape.clear();
    for (SymmetryMember &member : symmetry.members)
      member.axes.clear();
    return candidate;
  }

  // All faces must be symmetries for every function on the axes to be one.
  SmallVector<Coordinates> faces;
  SmallVector<int64_t> faceDimensions;
  for (unsigned mask = 0; order && mask + 1 < (1u << order); ++mask) {
    SmallVector<bool> kept(order);
    int64_t faceDimension = 1;
    for (unsigned position = 0; position < order; ++position)
      if ((kept[position] = mask >> position & 1))
        faceDimension *= symmetry.blockShape[position] - 1;
    auto face = faceOf(direction, blockAxes, kept);
    if (!face) {
      symmetry.traceless = true;
      symmetry.dimension = dimension;
      return candidate;
    }
    faces.push_back(std::move(*face));
    faceDimensions.push_back(faceDimension);
  }
  for (auto [mask, face] : llvm::enumerate(faces)) {
    if (claim(face))
      dimension += faceDimensions[mask];
    candidate.components.push_back({static_cast<unsigned>(mask), face});
    candidate.coordinates.insert(face.begin(), face.end());
  }
  symmetry.dimension = dimension;
  return candidate;
}

SymmetryBuilder::Moved SymmetryBuilder::indexByFree(llvm::MutableArrayRef<Candidate> candidates) {
  Moved byFree;
  for (Candidate &candidate : candidates)
    for (auto &[free, coordinate] : candidate.coordinates)
      byFree[free].push_back({&candidate, coordinate});
  return byFree;
}

/// Which constants a symmetry moves, and with what degree.
void SymmetryBuilder::addBrokenBy(llvm::MutableArrayRef<Candidate> candidates) const {
  Moved byFree = indexByFree(candidates);
  llvm::DenseMap<std::pair<const Candidate *, uint32_t>, bool> seen;
  for (const Equation &equation : system.getEquations()) {
    if (!equation.spurion)
      continue;
    llvm::MapVector<Candidate *, Fraction> degrees;
    for (const Term &term : solution.evaluate(equation.form))
      for (auto &[candidate, coordinate] : byFree[term.unknown])
        degrees[candidate] += term.coefficient * coordinate;
    const SystemMapping::Spurion &spurion = spurions[*equation.spurion];
    for (auto &[candidate, degree] : degrees) {
      if (degree == Fraction(0) || !seen.try_emplace({candidate, *equation.spurion}, true).second)
        continue;
      candidate->symmetry.brokenBy.push_back(
          {spurion.constant, degree, program.getSteps()[spurion.step].op, spurion.step});
    }
  }
}

/// Integer exponents without a common factor, the first member's positive.
static Fraction normalization(const Symmetry &symmetry) {
  int64_t denominators = 1, numerators = 0;
  for (const SymmetryMember &member : symmetry.members)
    denominators = std::lcm(denominators, int64_t(member.exponent.den));
  for (const SymmetryMember &member : symmetry.members)
    numerators =
        std::gcd(numerators, int64_t(member.exponent.num) * (denominators / int64_t(member.exponent.den)));
  Fraction factor(denominators, numerators ? numerators : 1);
  bool negative = symmetry.members.front().exponent < Fraction(0);
  return negative ? -factor : factor;
}

/// Joins two parts of a parameter that lie side by side along one view axis and move alike.
static bool joinParts(SymmetryMember &member, const SymmetryMember &other) {
  if (member.argument != other.argument || member.exponent != other.exponent ||
      member.view != other.view || member.axes != other.axes)
    return false;
  std::optional<size_t> joined;
  for (size_t axis = 0; axis < member.view.size(); ++axis) {
    if (member.offsets[axis] == other.offsets[axis] && member.sizes[axis] == other.sizes[axis])
      continue;
    if (joined || llvm::is_contained(member.axes, static_cast<int64_t>(axis)) ||
        member.offsets[axis] + member.sizes[axis] != other.offsets[axis])
      return false;
    joined = axis;
  }
  if (!joined)
    return false;
  member.sizes[*joined] += other.sizes[*joined];
  return true;
}

/// Joins parts until none lie side by side: along one axis, then what has become of them along others.
static SmallVector<SymmetryMember, 0> joinAll(SmallVector<SymmetryMember, 0> parts) {
  while (true) {
    SmallVector<SymmetryMember, 0> joined;
    for (SymmetryMember &part : parts)
      if (llvm::none_of(joined, [&](SymmetryMember &other) { return joinParts(other, part); }))
        joined.push_back(std::move(part));
    if (joined.size() == parts.size())
      return joined;
    parts = std::move(joined);
  }
}

/// Undoes the splitting of axes where the member does not need it.
static void simplifyView(SymmetryMember &member, ArrayRef<int64_t> shape) {
  SymmetryMember simple = member;
  simple.view.clear();
  simple.offsets.clear();
  simple.sizes.clear();
  simple.axes.assign(member.axes.size(), 0);
  size_t axis = 0;
  for (int64_t size : shape) {
    size_t first = axis;
    int64_t product = 1;
    while (axis < member.view.size() && (axis == first || product < size))
      product *= member.view[axis++];
    if (product != size)
      return;
    bool plain = true;
    for (size_t a = first; a < axis; ++a)
      plain &= member.sizes[a] == member.view[a] &&
               (axis == first + 1 || !llvm::is_contained(member.axes, static_cast<int64_t>(a)));
    for (size_t a = first; a < axis; ++a) {
      for (auto [k, blockAxis] : llvm::enumerate(member.axes))
        if (blockAxis == static_cast<int64_t>(a))
          simple.axes[k] = simple.view.size();
      if (plain && a > first)
        continue;
      simple.view.push_back(plain ? size : member.view[a]);
      simple.offsets.push_back(plain ? 0 : member.offsets[a]);
      simple.sizes.push_back(plain ? size : member.sizes[a]);
    }
  }
  if (axis == member.view.size())
    member = std::move(simple);
}

void SymmetryBuilder::addDerivations(llvm::MutableArrayRef<Candidate> candidates, DeriveFn derive) {
  SmallVector<TorusDirection, 0> directions;
  for (Candidate &candidate : candidates)
    directions.push_back({&candidate.symmetry, candidate.factor, std::move(candidate.blockAtoms),
                          std::move(candidate.components), candidate.isExact});
  derive(directions);
}

SmallVector<Symmetry, 0> SymmetryBuilder::build(bool derivations) {
  auto derive = [&](ArrayRef<TorusDirection> directions) {
    DerivationBuilder(program, mapping, solution, directions).run();
  };
  return build(std::nullopt, derivations ? DeriveFn(derive) : DeriveFn());
}

SmallVector<Symmetry, 0> SymmetryBuilder::build(Family family, DeriveFn derive) {
  return build(std::optional(family), derive);
}

SmallVector<Symmetry, 0> SymmetryBuilder::build(std::optional<Family> family, DeriveFn derive) {
  // Widest blocks first: they claim the narrower ones they contain.
  SmallVector<std::pair<unsigned, UnknownId>> order;
  for (UnknownId free : solution.getFree()) {
    if (!isOfParameter(free))
      continue;
    order.push_back({llvm::count(placeOf(free).varies, true), free});
  }
  llvm::stable_sort(order, [](auto &a, auto &b) { return a.first > b.first; });

  std::vector<Candidate> candidates;
  for (auto [width, free] : order)
    if (!claimed.count(free))
      if (std::optional<Candidate> candidate = buildFrom(free))
        candidates.push_back(std::move(*candidate));
  addBrokenBy(candidates);

  for (Candidate &candidate : candidates) {
    Symmetry &symmetry = candidate.symmetry;
    SmallVector<SymmetryMember, 0> members = joinAll(std::move(symmetry.members));
    for (SymmetryMember &member : members)
      simplifyView(member,
                   program.getValues()[program.getArguments()[member.argument]].shape());
    symmetry.members = std::move(members);
    candidate.factor = normalization(symmetry);
    bool allPositive = true;
    for (SymmetryMember &member : symmetry.members) {
      member.exponent = member.exponent * candidate.factor;
      allPositive &= member.exponent > Fraction(0);
    }
    for (BrokenBy &broken : symmetry.brokenBy)
      broken.degree = broken.degree * candidate.factor;
    symmetry.family = family.value_or(allPositive ? Family::Scale : Family::Rescale);
  }
  if (derive)
    addDerivations(candidates, derive);

  SmallVector<Symmetry, 0> result;
  for (Candidate &candidate : candidates)
    result.push_back(std::move(candidate.symmetry));
  // In the order of the parameters, blocks before their parts.
  llvm::stable_sort(result, [](const Symmetry &a, const Symmetry &b) {
    return std::make_pair(a.members.front().argument, a.members.size()) <
           std::make_pair(b.members.front().argument, b.members.size());
  });
  StringRef letter = !family ? "S" : *family == Family::Affine ? "A" : "T";
  for (auto [number, symmetry] : llvm::enumerate(result))
    symmetry.id = (letter + llvm::Twine(number + 1)).str();
  return result;
}
