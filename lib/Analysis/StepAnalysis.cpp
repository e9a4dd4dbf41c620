// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/StepAnalysis.h"

#include "Kinetics/GroupKinetics.h"
#include "Kinetics/KineticAnalysis.h"
#include "Motion/MotionBuilder.h"
#include "Motion/NormGains.h"
#include "Torus/Obstructions.h"
#include "Torus/SymmetryBuilder.h"
#include "Kinetics/TranslationKinetics.h"
#include "Translation/Translations.h"

#include "noether/Analysis/Step/Gradient.h"

#include "mlir/IR/Threading.h"

#include "llvm/Support/Threading.h"

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

/// Settles the roles and expands the program at once. Where both fail, the roles' diagnostic is the one.
static LogicalResult readStep(StepFlow &flow, std::optional<StepRoles> &roles,
                              std::optional<Program> &program) {
  func::FuncOp entry = flow.calls.getPostOrder().back();
  MLIRContext *context = entry.getContext();
  auto build = [&] {
    if (FailureOr<Program> built = Program::build(entry, flow.calls.getNumOperations());
        succeeded(built))
      program.emplace(std::move(*built));
    return success(program.has_value());
  };
  runSideBySide(context,
                {[&] {
                   ScopedDiagnosticHandler quiet(context, [own = llvm::get_threadid()](Diagnostic &) {
                     return success(llvm::get_threadid() == own);
                   });
                   (void)build();
                 },
                 [&] {
                   if (FailureOr<StepRoles> inferred = inferRoles(flow); succeeded(inferred))
                     roles.emplace(std::move(*inferred));
                 }});
  if (!roles)
    return failure();
  // What was kept quiet is said now.
  return success(program || succeeded(build()));
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

/// How the parameters move, and which of those that decay are gains.
static void findMotionFacts(StepAnalysis &analysis, const UpdateGraph &update,
                            const SystemMapping &mapping, const AnalysisOptions &options) {
  analysis.motions = findMotions(update, options.numbers);
  analysis.gradientNorm = options.gradientNorm;
  SmallVector<unsigned> candidates;
  for (auto &[argument, motion] : analysis.motions)
    if (motion.isDecayed() && motion.decayIsCertain)
      candidates.push_back(argument);
  analysis.normGains = findNormGains(update.program, mapping.getLossSlice(), candidates);
}

FailureOr<StepAnalysis> noether::analyzeStep(ModuleOp module, const AnalysisOptions &options) {
  FailureOr<CallGraph> calls = checkStep(module);
  if (failed(calls))
    return failure();
  StepFlow flow = {std::move(*calls), {}};
  std::optional<StepRoles> roles;
  std::optional<Program> program;
  if (failed(readStep(flow, roles, program)))
    return failure();

  StepAnalysis analysis;
  MLIRContext *context = module.getContext();
  std::optional<SolvedSystem> solved;
  LogicalResult hasTorus = failure();
  GradientValues gradients;
  std::optional<UpdateGraph> update;
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
                   update.emplace(*program, *roles, gradients);
                 }});
  if (failed(hasTorus))
    return failure();

  SystemMapping &mapping = solved->mapping;
  FailureOr<Translations> translations = failure();
  SmallVector<SymmetryKinetics, 0> ofGroups, ofTranslations;
  // The longest first.
  runSideBySide(
      context,
      {[&] {
         analysis.axisGroups = inferAxisGroups(*program, *roles, mapping, options.derivations);
         ofGroups = analyzeGroupKinetics(*update, mapping.getStructure(), analysis.axisGroups);
       },
       [&] { analysis.kinetics = analyzeKinetics(*update, analysis.symmetries); },
       [&] {
         if (options.motions)
           findMotionFacts(analysis, *update, mapping, options);
       },
       [&] {
         analysis.gradientMismatches =
             checkGradientDegrees(*program, *roles, mapping, solved->promoted, gradients);
       },
       [&] {
         translations = inferTranslations(*program, *roles, mapping, options.derivations);
         if (succeeded(translations))
           ofTranslations = analyzeTranslationKinetics(*update, translations->symmetries);
       }});
  if (failed(translations))
    return failure();
  llvm::append_range(analysis.kinetics, std::move(ofGroups));
  llvm::append_range(analysis.kinetics, std::move(ofTranslations));
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
