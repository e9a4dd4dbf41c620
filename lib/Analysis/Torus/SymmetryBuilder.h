// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the null space to symmetries a person can read: generators that are the same function on a
// product of axes become one symmetry with that many dimensions.

#ifndef NOETHER_LIB_ANALYSIS_TORUS_SYMMETRYBUILDER_H
#define NOETHER_LIB_ANALYSIS_TORUS_SYMMETRYBUILDER_H

#include "../Proof/DerivationBuilder.h"

#include "noether/Analysis/Solver/Solver.h"
#include "noether/Analysis/Torus/SystemMapping.h"

namespace noether {

class SymmetryBuilder {
public:
  /// Of the system of log-scales.
  SymmetryBuilder(const Program &program, SystemMapping &mapping, const Solution &solution);
  /// Of another system over the same unknowns of parameters, with constants of its own. It may have
  /// other unknowns from `numUnknowns` on.
  SymmetryBuilder(const Program &program, SystemMapping &mapping, const System &system,
                  llvm::ArrayRef<SystemMapping::Spurion> spurions, const Solution &solution,
                  UnknownId numUnknowns);

  /// The symmetries of the torus, or with a `family` all of that family.
  llvm::SmallVector<Symmetry, 0> build(bool derivations);
  /// `derive` adds their proofs.
  using DeriveFn = llvm::function_ref<void(llvm::ArrayRef<TorusDirection>)>;
  llvm::SmallVector<Symmetry, 0> build(Family family, DeriveFn derive = {});

private:
  /// A direction of the null space: values of the unknowns it moves.
  using Direction = std::map<UnknownId, Fraction>;
  /// The same by its coordinates over the free unknowns.
  using Coordinates = std::map<UnknownId, Fraction>;
  struct Candidate {
    Symmetry symmetry;
    /// Coordinates over the free unknowns, of the direction itself and of its faces.
    Coordinates coordinates;
    /// The same for each set of block axes (a bit mask) apart.
    llvm::SmallVector<std::pair<unsigned, Coordinates>, 2> components;
    llvm::SmallVector<AtomId> blockAtoms;
    /// What the exponents were multiplied by.
    Fraction factor = Fraction(1);
    /// Whether the symmetry is a function on its axes.
    bool isExact = true;
  };

  /// Whether an unknown is a component of a parameter.
  bool isOfParameter(UnknownId unknown) const {
    return unknown < numUnknowns && argumentOf.count(mapping.originOf(unknown).value);
  }
  ResolvedAxis::Place placeOf(UnknownId unknown) const;
  Direction directionOf(UnknownId free) const;
  /// Expands coordinates over the free unknowns to values of all unknowns.
  Direction expand(const Coordinates &coordinates) const;
  /// The same pattern of parameters and exponents along fewer axes; nothing if it is no symmetry.
  std::optional<Coordinates>
  faceOf(const Direction &direction,
         const std::map<UnknownId, llvm::SmallVector<int64_t, 2>> &blockAxes,
         llvm::ArrayRef<bool> kept) const;
  /// Adds to what is claimed; false if it was claimed already. The claim goes by the name of
  /// `pivot` where it has that coordinate.
  bool claim(Coordinates coordinates, std::optional<UnknownId> pivot = std::nullopt);
  /// `free`'s direction plus multiples of other ones that make it move fewer parameters.
  Coordinates sparsest(UnknownId free) const;
  std::optional<Candidate> buildFrom(UnknownId free);
  void addBrokenBy(llvm::MutableArrayRef<Candidate> candidates) const;
  /// By free unknown: the candidates that move it, with their coordinate.
  using Moved = std::map<UnknownId, llvm::SmallVector<std::pair<Candidate *, Fraction>, 1>>;
  static Moved indexByFree(llvm::MutableArrayRef<Candidate> candidates);
  static void addDerivations(llvm::MutableArrayRef<Candidate> candidates, DeriveFn derive);

  const Program &program;
  llvm::SmallVector<Symmetry, 0> build(std::optional<Family> family, DeriveFn derive);

  SystemMapping &mapping;
  const System &system;
  llvm::ArrayRef<SystemMapping::Spurion> spurions;
  const Solution &solution;
  UnknownId numUnknowns;
  llvm::DenseMap<ValueId, unsigned> argumentOf;
  /// By free unknown: the parameter components that move with it.
  llvm::DenseMap<UnknownId, Direction> directions;
  /// By unknown: the free unknowns whose directions move it.
  llvm::DenseMap<UnknownId, llvm::SmallVector<UnknownId, 2>> movedBy;
  /// Claimed directions by their pivot.
  std::map<UnknownId, Coordinates> claimed;
  /// By unknown: the pivots of the claimed directions that move it.
  llvm::DenseMap<UnknownId, llvm::SmallVector<UnknownId, 2>> claimedBy;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_TORUS_SYMMETRYBUILDER_H
