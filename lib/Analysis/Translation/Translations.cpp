// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "Translations.h"

#include "../Torus/SymmetryBuilder.h"
#include "../Proof/TranslationDerivations.h"

using namespace noether;

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

  System system;
  std::vector<SystemMapping::Spurion> spurions;

private:
  void add(FormId form, size_t step, std::optional<uint32_t> spurion) {
    Equation equation;
    equation.form.assign(forms[form].begin(), forms[form].end());
    equation.provenance = step;
    equation.spurion = spurion;
    system.addEquation(std::move(equation));
  }

  const FormPool &forms;
};

} // namespace

mlir::FailureOr<Translations> noether::inferTranslations(const Program &program,
                                                         const StepRoles &roles,
                                                         SystemMapping &mapping,
                                                         bool derivations) {
  FormPool forms;
  TranslationSystem sink(forms);
  mlir::func::FuncOp entry = roles.entry;

  // The unknowns of parameters come first.
  llvm::SmallVector<ValueId, 0> live;
  for (unsigned argument : mapping.getLiveParameters())
    live.push_back(program.getArguments()[argument]);
  llvm::DenseSet<ValueId> parameters(llvm::from_range, live);
  TranslationEngine engine(program, mapping.getStructure(), forms, sink, mapping.getLossSlice(),
                           live);
  size_t numSteps = program.getSteps().size();
  llvm::ArrayRef<System::Unknown> unknowns = mapping.getSystem().getUnknowns();
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

  Solution solution = Solver(sink.system, SpurionMode::Promoted).solve();
  if (auto violated = findViolatedEquation(sink.system, solution, SpurionMode::Promoted)) {
    mlir::Operation *op = mapping.operationOf(sink.system.getEquations()[*violated]);
    return (op ? op : entry.getOperation())
        ->emitError("internal error: the translations violate this operation's equation");
  }
  Translations result;
  auto derive = [&](llvm::ArrayRef<TorusDirection> directions) {
    addTranslationDerivations(program, mapping, engine, forms, solution, directions);
  };
  using DeriveFn = SymmetryBuilder::DeriveFn;
  result.symmetries = SymmetryBuilder(program, mapping, sink.system, sink.spurions, solution)
                          .build(Family::Translation, derivations ? DeriveFn(derive) : DeriveFn());
  for (const Symmetry &symmetry : result.symmetries)
    result.dimension += symmetry.dimension;
  if (result.dimension != solution.getDimension())
    return entry.emitError("internal error: the translations do not span the null space");
  return std::move(result);
}
