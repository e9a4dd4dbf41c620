// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "KineticAnalysis.h"

#include "BlockCoupling.h"

#include "llvm/ADT/STLExtras.h"

using namespace noether;
using llvm::SmallVector;

//===----------------------------------------------------------------------===//
// Laws
//===----------------------------------------------------------------------===//

/// Members with equal laws say them once.
static void addLaws(SymmetryKinetics &kinetics, llvm::ArrayRef<Law> laws) {
  for (const Law &law : laws)
    if (llvm::none_of(kinetics.laws, [&](const Law &other) {
          return other.hyperparameter == law.hyperparameter && other.value == law.value &&
                 other.degree == law.degree && other.text == law.text;
        }))
      kinetics.laws.push_back(law);
}

/// What brings blocks together which the symmetry scales apart: laws are those of a parameter that
/// is scaled as a whole.
static mlir::Operation *findCoupling(const UpdateGraph &graph, const KineticSystem::Result &update,
                                     const SymmetryMember &member) {
  if (!update.mixing || update.isTrivial || (member.axes.empty() && member.isWholeParameter()))
    return nullptr;
  const Program &program = graph.program;
  // Blocks that are no indices of the parameter's own axes are not followed.
  ValueId parameter = program.getArguments()[member.argument];
  if (!member.isWholeParameter() ||
      llvm::ArrayRef<int64_t>(member.view) != program.getValues()[parameter].shape())
    return program.getSteps()[*update.mixing].op;
  return findBlockCoupling(graph, member.argument, update, member.axes);
}

SmallVector<SymmetryKinetics, 0> noether::analyzeKinetics(const UpdateGraph &graph,
                                                          llvm::ArrayRef<Symmetry> symmetries) {
  const Program &program = graph.program;
  const StepRoles &roles = graph.roles;
  const GradientValues &gradients = graph.gradients;
  KineticSystem::SolutionCache cache;
  llvm::DenseMap<unsigned, unsigned> readers = graph.findReaders(UpdateGraph::Read::Gradient);
  llvm::DenseMap<unsigned, KineticSystem::Result> solved;

  SmallVector<SymmetryKinetics, 0> result;
  for (const Symmetry &symmetry : symmetries) {
    SymmetryKinetics &kinetics = result.emplace_back();
    kinetics.symmetry = symmetry.id;
    kinetics.equivariant = true;
    llvm::SmallDenseSet<unsigned, 4> seen;
    for (const SymmetryMember &member : symmetry.members) {
      unsigned argument = member.argument;
      if (!seen.insert(argument).second)
        continue;
      // An update in which the data has no part needs no gradient.
      std::optional<unsigned> next = roles.arguments[argument].carriedTo;
      bool isKnown = next && (gradients.contains(argument) ||
                              graph.owner[program.getResults()[*next]] == argument);
      if (!isKnown) {
        kinetics.equivariant = false;
        kinetics.breaks.push_back({graph.findJoin(argument),
                                   "the gradient of " + roles.arguments[argument].name +
                                       " cannot be told from its update",
                                   /*isKnown=*/false});
        continue;
      }
      auto it = solved.find(argument);
      if (it == solved.end())
        it = solved.try_emplace(argument, KineticSystem(graph, argument).solve(cache)).first;
      const KineticSystem::Result &update = it->second;
      kinetics.equivariant &= !update.isTrivial && update.laws.empty() && update.breaks.empty();
      addLaws(kinetics, update.laws);
      llvm::append_range(kinetics.states, update.states);
      for (const KineticBreak &broken : update.breaks)
        if (llvm::none_of(kinetics.breaks, [&](const KineticBreak &other) {
              return other.op == broken.op && other.why == broken.why;
            }))
          kinetics.breaks.push_back(broken);
      // Where its own update is not coupled, another's may be: by a norm that it does not use
      // itself.
      if (auto reader = readers.find(argument); reader != readers.end() && update.breaks.empty()) {
        kinetics.equivariant = false;
        kinetics.breaks.push_back(
            {nullptr, "the update of " + roles.arguments[reader->second].name + " depends on " +
                          roles.arguments[argument].name + ", which it couples"});
      }
      if (mlir::Operation *op = findCoupling(graph, update, member)) {
        kinetics.equivariant = false;
        kinetics.breaks.push_back(
            {op, "couples the blocks of the symmetry; the laws hold where they scale alike"});
      }
      kinetics.ksb |= update.isTrivial ||
                      llvm::any_of(update.laws, [](const Law &law) { return law.isKinetic; });
    }
  }
  return result;
}

//===----------------------------------------------------------------------===//
// The degree of the gradients
//===----------------------------------------------------------------------===//

namespace {
/// Compares instead of demanding: what does not hold is remembered as the first conflict of a step.
class CheckingSink final : public EquationSink {
public:
  CheckingSink(FormPool &forms, const Solution &solution) : forms(forms), solution(solution) {}

  /// The form on the null space.
  FormId reduce(FormId form) {
    auto it = reduced.find(form);
    if (it != reduced.end())
      return it->second;
    llvm::ArrayRef<Term> terms = forms[form];
    FormId result = forms.intern(solution.evaluate(Form(terms.begin(), terms.end())));
    return reduced[form] = result;
  }
  bool isEqual(FormId a, FormId b) { return a == b || reduce(a) == reduce(b); }

  void equate(FormId a, FormId b, size_t step) override {
    if (!isEqual(a, b))
      conflicts.insert(step);
  }
  void relateConstant(double, FormId, size_t) override {}
  bool mayPromote(double) const override { return true; }
  FormId addUnknown(ValueId, uint64_t, int64_t) override { return FormPool::zero; }
  /// On the null space most forms are short; what follows from one that is not says nothing.
  FormId abbreviate(FormId form, size_t step) override {
    FormId result = reduce(form);
    if (forms[result].size() <= kMaxTerms)
      return result;
    conflicts.insert(step);
    return FormPool::zero;
  }

  llvm::DenseSet<size_t> conflicts;

private:
  static constexpr size_t kMaxTerms = 24;

  FormPool &forms;
  const Solution &solution;
  llvm::DenseMap<FormId, FormId> reduced;
};
} // namespace

/// The components of a field on the null space, those of any scale left out.
static std::map<uint64_t, FormId> reduceField(FieldEngine &engine, ValueId value,
                                              CheckingSink &sink) {
  std::map<uint64_t, FormId> result;
  for (const Component &component : Field(engine.componentsOf(value)))
    if (component.form != kAnyForm)
      if (FormId form = sink.reduce(component.form); form != FormPool::zero)
        result[component.key] = form;
  return result;
}

SmallVector<KineticBreak, 0> noether::checkGradientDegrees(const Program &program,
                                                           const StepRoles &roles,
                                                           SystemMapping &mapping,
                                                           const Solution &solution,
                                                           const GradientValues &gradients) {
  SmallVector<KineticBreak, 0> mismatches;
  SmallVector<std::pair<unsigned, ValueId>> live;
  SmallVector<ValueId> roots;
  for (unsigned argument : mapping.getLiveParameters())
    if (auto it = gradients.find(argument); it != gradients.end()) {
      live.push_back(*it);
      roots.push_back(it->second);
    }
  if (roots.empty())
    return mismatches;

  FormPool &forms = mapping.getForms();
  CheckingSink sink(forms, solution);
  FieldEngine &engine = mapping.getEngine();
  FieldEngine::SinkScope scope(engine, sink);
  llvm::BitVector backward = program.sliceOf(roots);
  backward.reset(mapping.getLossSlice());
  // Values that follow from one that broke an equation say nothing.
  llvm::BitVector doubtful(program.getValues().size());
  for (unsigned index : backward.set_bits()) {
    engine.run(index);
    const Program::Step &step = program.getSteps()[index];
    bool isDoubtful =
        sink.conflicts.contains(index) || step.kind != Program::StepKind::Rule ||
        llvm::any_of(program.operands(step), [&](ValueId id) { return doubtful.test(id); });
    if (isDoubtful)
      for (ValueId result : program.results(step))
        doubtful.set(result);
  }

  for (auto &[argument, value] : live) {
    ValueId parameter = program.getArguments()[argument];
    if (engine.isAnyScale(value) || doubtful.test(value))
      continue;
    const Structure &structure = mapping.getStructure();
    const ResolvedSpace &space = structure.resolve(structure.spaceOf(parameter));
    const ResolvedSpace &other = structure.resolve(structure.spaceOf(value));
    if (!llvm::equal(space.axes, other.axes, [](const ResolvedAxis *a, const ResolvedAxis *b) {
          return a->hasSameStructure(*b);
        }))
      continue;
    std::map<uint64_t, FormId> expected;
    for (auto &[key, form] : reduceField(engine, parameter, sink))
      expected[key] = forms.scale(Fraction(-1), form);
    std::map<uint64_t, FormId> found = reduceField(engine, value, sink);
    if (found == expected)
      continue;
    uint32_t definition = 0;
    for (auto [index, step] : llvm::enumerate(program.getSteps()))
      if (llvm::is_contained(program.results(step), value))
        definition = index;
    mismatches.push_back({program.getSteps()[definition].op,
                          "the gradient of " + roles.arguments[argument].name +
                              " does not have minus the degree of its parameter: it is not the "
                              "gradient of this loss"});
  }
  return mismatches;
}
