// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/StepAnalysis.h"

#include "KineticAnalysis.h"
#include "Obstructions.h"
#include "SymmetryBuilder.h"
#include "Translations.h"

#include "noether/Analysis/Gradient.h"

#include "mlir/IR/Threading.h"

using namespace mlir;
using namespace noether;

llvm::StringRef noether::stringifyFamily(Family family) {
  switch (family) {
  case Family::Scale:
    return "scale";
  case Family::Rescale:
    return "rescale";
  case Family::Translation:
    return "translation";
  }
  llvm_unreachable("unknown family");
}

/// "tensor", "axes [3]" or "none": the finest block of the parameter that is scale-invariant on its
/// own, given the symmetries that move it.
static std::string invariantUnit(ArrayRef<const Symmetry *> symmetries) {
  std::string unit = "none";
  size_t finest = 0;
  for (const Symmetry *symmetry : symmetries) {
    if (symmetry->family != Family::Scale || symmetry->traceless || symmetry->undescribed ||
        symmetry->members.size() != 1)
      continue;
    const SymmetryMember &member = symmetry->members.front();
    if (!member.isWholeParameter() || (unit != "none" && member.axes.size() <= finest))
      continue;
    finest = member.axes.size();
    unit = "tensor";
    if (finest) {
      llvm::raw_string_ostream os(unit = "axes [");
      llvm::interleaveComma(member.axes, os);
      os << "]";
    }
  }
  return unit;
}

/// Runs tasks that write to nothing in common, on the context's threads where it has some.
static void runSideBySide(MLIRContext *context, ArrayRef<std::function<void()>> tasks) {
  parallelFor(context, 0, tasks.size(), [&](size_t task) { tasks[task](); });
}

namespace {
/// The system of degrees with its solutions: constants that may be promoted taken for spurions, or kept.
struct SolvedSystem {
  SolvedSystem(const Program &program, const StepRoles &roles, const AnalysisOptions &options)
      : mapping(program, roles, options),
        promoted(Solver(mapping.getSystem(), SpurionMode::Promoted).solve()),
        kept(Solver(mapping.getSystem(), SpurionMode::Kept).solve()) {}

  LogicalResult verify(func::FuncOp entry) const {
    const System &system = mapping.getSystem();
    for (auto [solution, mode] : {std::make_pair(&promoted, SpurionMode::Promoted),
                                  std::make_pair(&kept, SpurionMode::Kept)})
      if (auto violated = findViolatedEquation(system, *solution, mode)) {
        Operation *op = mapping.operationOf(system.getEquations()[*violated]);
        return (op ? op : entry.getOperation())
            ->emitError("internal error: the solution violates this operation's equation");
      }
    return success();
  }

  SystemMapping mapping;
  Solution promoted, kept;
};
} // namespace

/// Scales and rescales.
static LogicalResult findTorus(StepAnalysis &analysis, const Program &program, SolvedSystem &solved,
                               func::FuncOp entry, bool derivations) {
  if (failed(solved.verify(entry)))
    return failure();
  analysis.symmetries =
      SymmetryBuilder(program, solved.mapping, solved.promoted).build(derivations);
  for (const Symmetry &symmetry : analysis.symmetries)
    analysis.torusDimension += symmetry.dimension;
  if (analysis.torusDimension != solved.promoted.getDimension())
    return entry.emitError("internal error: the symmetries do not span the null space");
  analysis.exactTorusDimension = solved.kept.getDimension();
  return success();
}

FailureOr<StepAnalysis> noether::analyzeStep(ModuleOp module, const AnalysisOptions &options) {
  StepFlow flow;
  FailureOr<StepRoles> roles = inferRoles(module, &flow);
  if (failed(roles))
    return failure();
  FailureOr<Program> program = Program::build(roles->entry, flow.calls.getNumOperations());
  if (failed(program))
    return failure();

  StepAnalysis analysis;
  MLIRContext *context = module.getContext();
  std::optional<SolvedSystem> solved;
  LogicalResult hasTorus = failure();
  GradientValues gradients;
  runSideBySide(context,
                {[&] {
                   solved.emplace(*program, *roles, options);
                   hasTorus =
                       findTorus(analysis, *program, *solved, roles->entry, options.derivations);
                 },
                 [&] {
                   analysis.gradients = findGradients(*roles, flow);
                   for (auto &[argument, value] : analysis.gradients)
                     if (std::optional<ValueId> id = program->lookup(value))
                       gradients[argument] = *id;
                 }});
  if (failed(hasTorus))
    return failure();

  SystemMapping &mapping = solved->mapping;
  FailureOr<Translations> translations = failure();
  runSideBySide(
      context,
      {[&] { translations = inferTranslations(*program, *roles, mapping); },
       [&] {
         analysis.gradientMismatches =
             checkGradientDegrees(*program, *roles, mapping, solved->promoted, gradients);
       },
       [&] {
         analysis.kinetics = analyzeKinetics(*program, *roles, analysis.symmetries, gradients);
       },
       [&] {
         analysis.axisGroups = inferAxisGroups(*program, *roles, mapping, options.derivations);
       }});
  if (failed(translations))
    return failure();
  analysis.translations = std::move(translations->symmetries);
  analysis.translationDimension = translations->dimension;
  analysis.unknownOperations.assign(program->getUnknownOperations().begin(),
                                    program->getUnknownOperations().end());

  llvm::DenseMap<unsigned, SmallVector<const Symmetry *, 2>> moving;
  for (const Symmetry &symmetry :
       llvm::concat<const Symmetry>(analysis.symmetries, analysis.translations))
    for (const SymmetryMember &member : symmetry.members)
      if (auto &list = moving[member.argument]; !llvm::is_contained(list, &symmetry))
        list.push_back(&symmetry);
  llvm::DenseMap<unsigned, SmallVector<const AxisGroup *, 2>> acting;
  for (const AxisGroup &group : analysis.axisGroups)
    for (const AxisMember &member : group.members)
      if (auto &list = acting[member.argument]; list.empty() || list.back() != &group)
        list.push_back(&group);
  llvm::DenseSet<unsigned> live(llvm::from_range, mapping.getLiveParameters());
  for (auto [argument, info] : llvm::enumerate(roles->arguments)) {
    if (info.role != ArgumentRole::Param)
      continue;
    info.dead = !live.contains(argument);
    ParameterFacts facts;
    facts.argument = argument;
    for (const Symmetry *symmetry : moving[argument])
      facts.symmetries.push_back(symmetry->id);
    facts.invariantUnit = invariantUnit(moving[argument]);
    if (facts.symmetries.empty() && !info.dead)
      facts.noSymmetryBecause = obstructionsOf(argument, *program, *roles, mapping, solved->promoted);
    for (const AxisGroup *group : acting[argument])
      facts.symmetries.push_back(group->id);
    analysis.parameters.push_back(std::move(facts));
  }
  analysis.roles = std::move(*roles);
  return std::move(analysis);
}
