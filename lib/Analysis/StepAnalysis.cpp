// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/StepAnalysis.h"

#include "Kinetics/GroupKinetics.h"
#include "Kinetics/KineticAnalysis.h"
#include "Kinetics/TranslationKinetics.h"
#include "Motion/MotionBuilder.h"
#include "Motion/NormGains.h"
#include "Torus/Obstructions.h"
#include "Torus/SymmetryBuilder.h"
#include "Translation/Translations.h"

#include "noether/Analysis/Step/Gradient.h"
#include "noether/Analysis/TaskGraph.h"

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
  case Family::Affine:
    return "affine";
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

namespace {
/// The stages of the analysis and what they hand on. Each writes to members of its own, so that all
/// that do not wait for one another run side by side.
class StepAnalyzer {
public:
  StepAnalyzer(func::FuncOp entry, StepFlow &flow, const AnalysisOptions &options)
      : entry(entry), flow(flow), options(options) {}
  FailureOr<StepAnalysis> run();

private:
  LogicalResult inferRoles();
  LogicalResult buildProgram();
  LogicalResult mapScales();
  LogicalResult findGradientValues();
  LogicalResult buildUpdateGraph();
  LogicalResult solve(std::optional<Solution> &solution, SpurionMode mode);
  LogicalResult findTorus();
  LogicalResult findMotionFacts();
  LogicalResult findGroups();
  LogicalResult findTranslations();
  LogicalResult findMismatches();
  void describeParameters();

  func::FuncOp entry;
  StepFlow &flow;
  const AnalysisOptions &options;

  std::optional<StepRoles> roles;
  std::optional<Program> program;
  std::optional<SystemMapping> mapping;
  GradientValues gradients;
  std::optional<UpdateGraph> update;
  /// Of the system of degrees: constants that may be promoted taken for spurions, or kept.
  std::optional<Solution> promoted, kept;
  SmallVector<SymmetryKinetics, 0> ofGroups, ofTranslations;
  StepAnalysis analysis;
};
} // namespace

LogicalResult StepAnalyzer::inferRoles() {
  FailureOr<StepRoles> inferred = noether::inferRoles(flow);
  if (succeeded(inferred))
    roles.emplace(std::move(*inferred));
  return inferred;
}

LogicalResult StepAnalyzer::buildProgram() {
  FailureOr<Program> built = Program::build(entry, flow.calls.getNumOperations());
  if (succeeded(built))
    program.emplace(std::move(*built));
  return built;
}

LogicalResult StepAnalyzer::mapScales() {
  mapping.emplace(*program, *roles, options);
  return success();
}

LogicalResult StepAnalyzer::findGradientValues() {
  analysis.gradients = findGradients(*roles, flow);
  return success();
}

LogicalResult StepAnalyzer::buildUpdateGraph() {
  for (auto &[argument, value] : analysis.gradients)
    if (std::optional<ValueId> id = program->lookup(value))
      gradients[argument] = *id;
  update.emplace(*program, *roles, gradients);
  return success();
}

LogicalResult StepAnalyzer::solve(std::optional<Solution> &solution, SpurionMode mode) {
  const System &system = mapping->getSystem();
  solution.emplace(Solver(system, mode).solve());
  std::optional<size_t> violated = findViolatedEquation(system, *solution, mode);
  if (!violated)
    return success();
  Operation *op = mapping->operationOf(system.getEquations()[*violated]);
  return (op ? op : entry.getOperation())
      ->emitError("internal error: the solution violates this operation's equation");
}

/// Scales and rescales.
LogicalResult StepAnalyzer::findTorus() {
  analysis.symmetries = SymmetryBuilder(*program, *mapping, *promoted).build(options.derivations);
  for (const Symmetry &symmetry : analysis.symmetries)
    analysis.torusDimension += symmetry.dimension;
  if (analysis.torusDimension != promoted->getDimension())
    return entry.emitError("internal error: the symmetries do not span the null space");
  return success();
}

/// Which of the parameters that decay are gains.
LogicalResult StepAnalyzer::findMotionFacts() {
  SmallVector<unsigned> candidates;
  for (auto &[argument, motion] : analysis.motions)
    if (motion.isDecayed() && motion.decayIsCertain)
      candidates.push_back(argument);
  analysis.normGains = findNormGains(*program, mapping->getLossSlice(), candidates);
  return success();
}

LogicalResult StepAnalyzer::findGroups() {
  analysis.axisGroups = inferAxisGroups(*program, *roles, *mapping, options.derivations);
  ofGroups = analyzeGroupKinetics(*update, mapping->getStructure(), analysis.axisGroups);
  return success();
}

LogicalResult StepAnalyzer::findTranslations() {
  FailureOr<Translations> found =
      inferTranslations(*program, *roles, *mapping, options.derivations);
  if (failed(found))
    return failure();
  ofTranslations = analyzeTranslationKinetics(*update, found->symmetries);
  analysis.translations = std::move(found->symmetries);
  analysis.translationDimension = found->dimension;
  analysis.affineShifts = std::move(found->affine);
  analysis.affineDimension = found->affineDimension;
  return success();
}

LogicalResult StepAnalyzer::findMismatches() {
  analysis.gradientMismatches =
      checkGradientDegrees(*program, *roles, *mapping, *promoted, gradients);
  return success();
}

void StepAnalyzer::describeParameters() {
  llvm::DenseMap<unsigned, SmallVector<const Symmetry *, 2>> moving;
  for (const Symmetry &symmetry :
       llvm::concat<const Symmetry>(analysis.symmetries, analysis.translations,
                                    analysis.affineShifts)) {
    auto add = [&](unsigned argument) {
      if (auto &list = moving[argument]; !llvm::is_contained(list, &symmetry))
        list.push_back(&symmetry);
    };
    for (const SymmetryMember &member : symmetry.members)
      add(member.argument);
    for (const Absorber &absorber : symmetry.absorbers)
      add(absorber.argument);
  }
  llvm::DenseMap<unsigned, SmallVector<const AxisGroup *, 2>> acting;
  for (const AxisGroup &group : analysis.axisGroups)
    for (const AxisMember &member : group.members)
      if (auto &list = acting[member.argument]; list.empty() || list.back() != &group)
        list.push_back(&group);
  llvm::DenseSet<unsigned> live(llvm::from_range, mapping->getLiveParameters());
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
      facts.noSymmetryBecause = obstructionsOf(argument, *program, *roles, *mapping, *promoted);
    for (const AxisGroup *group : acting[argument])
      facts.symmetries.push_back(group->id);
    analysis.parameters.push_back(std::move(facts));
  }
}

FailureOr<StepAnalysis> StepAnalyzer::run() {
  MLIRContext *context = entry.getContext();
  TaskGraph tasks;
  using TaskId = TaskGraph::TaskId;
  auto add = [&](LogicalResult (StepAnalyzer::*stage)(), ArrayRef<TaskId> after = {}) {
    return tasks.add([this, stage] { return (this->*stage)(); }, after);
  };
  TaskId hasRoles = add(&StepAnalyzer::inferRoles);
  // Where the roles fail too, theirs is the diagnostic: this one is said after all have run.
  TaskId hasProgram = tasks.add([&] {
    ScopedDiagnosticHandler quiet(context, [own = llvm::get_threadid()](Diagnostic &) {
      return success(llvm::get_threadid() == own);
    });
    return buildProgram();
  });
  TaskId hasGradients = add(&StepAnalyzer::findGradientValues, {hasRoles});
  TaskId isMapped = add(&StepAnalyzer::mapScales, {hasRoles, hasProgram});
  TaskId hasUpdate = add(&StepAnalyzer::buildUpdateGraph, {hasGradients, hasProgram});
  TaskId isSolved = tasks.add([&] { return solve(promoted, SpurionMode::Promoted); }, {isMapped});
  tasks.add([&] { return solve(kept, SpurionMode::Kept); }, {isMapped});
  TaskId hasTorus = add(&StepAnalyzer::findTorus, {isSolved});
  if (options.motions) {
    TaskId hasMotions = tasks.add(
        [&] {
          EntryValues values;
          if (options.motionValues)
            values = findEntryValues(*program, entry);
          analysis.motions = findMotions(*update, options.numbers, values);
          return success();
        },
        {hasUpdate});
    add(&StepAnalyzer::findMotionFacts, {hasMotions, isMapped});
  }
  add(&StepAnalyzer::findGroups, {isMapped, hasUpdate});
  add(&StepAnalyzer::findTranslations, {isMapped, hasUpdate});
  tasks.add(
      [&] {
        analysis.kinetics = analyzeKinetics(*update, analysis.symmetries);
        return success();
      },
      {hasTorus, hasUpdate});
  // It adds to the forms that derivations read.
  add(&StepAnalyzer::findMismatches, {hasTorus, hasUpdate});

  if (failed(tasks.run(context))) {
    if (roles && !program)
      (void)buildProgram();
    return failure();
  }

  analysis.exactTorusDimension = kept->getDimension();
  analysis.gradientNorm = options.gradientNorm;
  llvm::append_range(analysis.kinetics, std::move(ofGroups));
  llvm::append_range(analysis.kinetics, std::move(ofTranslations));
  analysis.unknownOperations.assign(program->getUnknownOperations().begin(),
                                    program->getUnknownOperations().end());
  describeParameters();
  analysis.roles = std::move(*roles);
  return std::move(analysis);
}

FailureOr<StepAnalysis> noether::analyzeStep(ModuleOp module, const AnalysisOptions &options) {
  FailureOr<CallGraph> calls = checkStep(module);
  if (failed(calls))
    return failure();
  func::FuncOp entry = calls->getPostOrder().back();
  StepFlow flow = {std::move(*calls), {}};
  return StepAnalyzer(entry, flow, options).run();
}
