// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Translations.h"

#include "../Proof/TranslationDerivations.h"
#include "../Torus/SymmetryBuilder.h"
#include "AffineShifts.h"

using namespace noether;
using llvm::ArrayRef;

namespace {

/// Collects what the engine says as a system over the unknowns of the parameters' components, which
/// have the numbers they have for log-scales.
class TranslationSystem final : public ShiftSink {
public:
  explicit TranslationSystem(const FormPool &forms) : forms(forms) {}

  void vanish(FormId form, size_t step) override { add(form, step, std::nullopt); }
  void vanishUnlessMoves(double constant, FormId form, size_t step) override {
    if (spurions.empty() || spurions.back().step != step || spurions.back().constant != constant) {
      system.addSpurion("c" + llvm::Twine(spurions.size()));
      spurions.push_back({constant, step});
    }
    add(form, step, spurions.size() - 1);
  }

  /// A form with what is taken up numbered from `firstAbsorption` on.
  Form withAbsorptions(FormId form, ArrayRef<Absorption> absorptions) const;
  /// The same system with what parameters take up as unknowns that come after theirs, and with `fixed`
  /// unknowns at 0.
  System withAbsorptions(ArrayRef<Absorption> absorptions, ArrayRef<UnknownId> fixed) const;
  Form withoutAbsorptions(FormId form) const {
    Form result;
    for (const Term &term : forms[form])
      if (term.unknown < system.getUnknowns().size())
        result.push_back(term);
    return result;
  }

  /// Nothing is taken up in this one.
  System system;
  std::vector<SystemMapping::Spurion> spurions;

private:
  void add(FormId form, size_t step, std::optional<uint32_t> spurion) {
    Equation equation;
    equation.form = withoutAbsorptions(form);
    equation.provenance = step;
    equation.spurion = spurion;
    if (equation.form.size() != forms[form].size())
      absorbing.push_back({system.getEquations().size(), form});
    system.addEquation(std::move(equation));
  }

  const FormPool &forms;
  /// The equations that have more terms than `system` says.
  std::vector<std::pair<size_t, FormId>> absorbing;
};

Form TranslationSystem::withAbsorptions(FormId form, ArrayRef<Absorption> absorptions) const {
  Form result = withoutAbsorptions(form);
  // In the order of their numbers.
  for (const Term &term : ArrayRef<Term>(forms[form]).drop_front(result.size())) {
    auto it = llvm::lower_bound(absorptions, term.unknown, [](const Absorption &own, UnknownId id) {
      return own.unknown < id;
    });
    UnknownId number = system.getUnknowns().size() + (it - absorptions.begin());
    result.push_back({number, term.coefficient});
  }
  return result;
}

System TranslationSystem::withAbsorptions(ArrayRef<Absorption> absorptions,
                                          ArrayRef<UnknownId> fixed) const {
  System result;
  for (const System::Unknown &unknown : system.getUnknowns())
    result.addUnknown(unknown.name, unknown.dimension);
  for (const Absorption &absorption : absorptions)
    result.addUnknown("a" + llvm::Twine(absorption.unknown), 0);
  for (const std::string &spurion : system.getSpurions())
    result.addSpurion(spurion);
  auto next = absorbing.begin();
  for (auto [number, equation] : llvm::enumerate(system.getEquations())) {
    Equation own = equation;
    if (next != absorbing.end() && next->first == number)
      own.form = withAbsorptions((next++)->second, absorptions);
    result.addEquation(std::move(own));
  }
  for (UnknownId unknown : fixed)
    result.addEquation({{{unknown, Fraction(1)}}, ~0u, std::nullopt});
  return result;
}

class TranslationFinder {
public:
  TranslationFinder(const Program &program, const StepRoles &roles, SystemMapping &mapping,
                    bool derivations)
      : program(program), roles(roles), mapping(mapping), derivations(derivations), sink(forms) {}

  mlir::FailureOr<Translations> run();

private:
  /// Follows the shifts of all parameters through the step.
  void follow(TranslationEngine &engine, ArrayRef<ValueId> live);
  mlir::LogicalResult findTranslations(const TranslationEngine &engine, Translations &result,
                                       Solution &solution);
  mlir::LogicalResult findAffineShifts(const TranslationEngine &engine, ArrayRef<UnknownId> found,
                                       Translations &result);
  mlir::LogicalResult check(const System &system, const Solution &solution) const;

  const Program &program;
  const StepRoles &roles;
  SystemMapping &mapping;
  bool derivations;
  FormPool forms;
  TranslationSystem sink;
};
} // namespace

void TranslationFinder::follow(TranslationEngine &engine, ArrayRef<ValueId> live) {
  // The unknowns of parameters come first.
  llvm::DenseSet<ValueId> parameters(llvm::from_range, live);
  size_t numSteps = program.getSteps().size();
  ArrayRef<System::Unknown> unknowns = mapping.getSystem().getUnknowns();
  for (UnknownId unknown = 0; unknown < unknowns.size(); ++unknown) {
    auto [value, key] = mapping.originOf(unknown);
    if (!parameters.contains(value))
      break;
    sink.system.addUnknown("t" + llvm::Twine(value) + "." + llvm::Twine(key),
                           unknowns[unknown].dimension);
    FormId form = forms.unknown(unknown);
    if (!engine.addUnknown(value, key, form))
      sink.vanish(form, numSteps);
  }
  for (unsigned step : mapping.getLossSlice().set_bits())
    engine.run(step);
  engine.pin(program.getResults()[roles.loss], numSteps);
  engine.finishAbsorptions();
}

mlir::LogicalResult TranslationFinder::check(const System &system, const Solution &solution) const {
  auto violated = findViolatedEquation(system, solution, SpurionMode::Promoted);
  if (!violated)
    return mlir::success();
  uint32_t step = system.getEquations()[*violated].provenance;
  mlir::Operation *op = step < program.getSteps().size() ? program.getSteps()[step].op : nullptr;
  mlir::func::FuncOp entry = roles.entry;
  return (op ? op : entry.getOperation())
      ->emitError("internal error: the translations violate this operation's equation");
}

static mlir::LogicalResult checkDimension(mlir::func::FuncOp entry, ArrayRef<Symmetry> symmetries,
                                          const Solution &solution) {
  int64_t dimension = 0;
  for (const Symmetry &symmetry : symmetries)
    dimension += symmetry.dimension;
  if (dimension != solution.getDimension())
    return entry.emitError("internal error: the translations do not span the null space");
  return mlir::success();
}

mlir::LogicalResult TranslationFinder::findTranslations(const TranslationEngine &engine,
                                                        Translations &result, Solution &solution) {
  solution = Solver(sink.system, SpurionMode::Promoted).solve();
  if (failed(check(sink.system, solution)))
    return mlir::failure();
  auto derive = [&](ArrayRef<TorusDirection> directions) {
    auto evaluate = [&](FormId form) { return solution.evaluate(sink.withoutAbsorptions(form)); };
    addTranslationDerivations(program, mapping, engine, evaluate, directions);
  };
  using DeriveFn = SymmetryBuilder::DeriveFn;
  result.symmetries = SymmetryBuilder(program, mapping, sink.system, sink.spurions, solution,
                                      sink.system.getUnknowns().size())
                          .build(Family::Translation, derivations ? DeriveFn(derive) : DeriveFn());
  result.dimension = solution.getDimension();
  return checkDimension(roles.entry, result.symmetries, solution);
}

mlir::LogicalResult TranslationFinder::findAffineShifts(const TranslationEngine &engine,
                                                        ArrayRef<UnknownId> found,
                                                        Translations &result) {
  ArrayRef<Absorption> absorptions = engine.getAbsorptions();
  if (absorptions.empty())
    return mlir::success();
  // Directions apart from translations. The unknowns of absorptions are solved for: where they move by
  // themselves, by amounts that depend on parameters, it is along a direction that is found already.
  System system = sink.withAbsorptions(absorptions, found);
  Solution solution = Solver(system, SpurionMode::Promoted).solve();
  if (failed(check(system, solution)))
    return mlir::failure();
  if (solution.getDimension() == 0)
    return mlir::success();
  UnknownId numUnknowns = sink.system.getUnknowns().size();
  AffineShifts shifts(program, mapping, engine, forms, solution, numUnknowns);
  auto derive = [&](ArrayRef<TorusDirection> directions) {
    for (const TorusDirection &direction : directions)
      shifts.addAbsorbers(direction);
    auto evaluate = [&](FormId form) {
      return solution.evaluate(sink.withAbsorptions(form, absorptions));
    };
    if (derivations)
      addTranslationDerivations(program, mapping, engine, evaluate, directions);
  };
  result.affine =
      SymmetryBuilder(program, mapping, system, sink.spurions, solution, numUnknowns)
          .build(Family::Affine, derive);
  if (failed(checkDimension(roles.entry, result.affine, solution)))
    return mlir::failure();
  // Those that cannot be told are not claimed.
  llvm::erase_if(result.affine, [](const Symmetry &symmetry) { return symmetry.undescribed; });
  for (auto [number, symmetry] : llvm::enumerate(result.affine)) {
    symmetry.id = ("A" + llvm::Twine(number + 1)).str();
    result.affineDimension += symmetry.dimension;
  }
  return mlir::success();
}

mlir::FailureOr<Translations> TranslationFinder::run() {
  llvm::SmallVector<ValueId, 0> live;
  for (unsigned argument : mapping.getLiveParameters())
    live.push_back(program.getArguments()[argument]);
  TranslationEngine engine(program, mapping.getStructure(), forms, sink, mapping.getLossSlice(),
                           live);
  follow(engine, live);
  Translations result;
  Solution solution;
  if (failed(findTranslations(engine, result, solution)) ||
      failed(findAffineShifts(engine, solution.getFree(), result)))
    return mlir::failure();
  return std::move(result);
}

mlir::FailureOr<Translations> noether::inferTranslations(const Program &program,
                                                         const StepRoles &roles,
                                                         SystemMapping &mapping,
                                                         bool derivations) {
  return TranslationFinder(program, roles, mapping, derivations).run();
}
