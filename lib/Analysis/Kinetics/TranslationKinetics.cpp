// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "TranslationKinetics.h"

#include "UpdateGraph.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SetVector.h"

#include <cmath>
#include <map>

using namespace mlir;
using namespace noether;

static constexpr uint32_t kNoStep = ~0u;
/// Larger expressions are not followed.
static constexpr size_t kMaxTerms = 64;
static constexpr unsigned kMaxDepth = 16;
static constexpr size_t kMaxStates = 16;
/// Of what is computed from short decimals in double precision.
static constexpr double kTolerance = 1e-12;

namespace {
/// A polynomial in numbers of the step: coefficient by powers of values.
using Monomial = std::map<ValueId, int>;
using Polynomial = std::map<Monomial, double>;
/// By what is shifted: 0 is the parameter, the others are states.
using Shift = std::map<unsigned, Polynomial>;

void add(Polynomial &into, const Polynomial &from, double factor) {
  for (auto &[monomial, coefficient] : from) {
    double &sum = into[monomial];
    sum += factor * coefficient;
    if (std::abs(sum) < kTolerance)
      into.erase(monomial);
  }
}

Polynomial multiply(const Polynomial &a, const Polynomial &b) {
  Polynomial result;
  for (auto &[m, x] : a)
    for (auto &[n, y] : b) {
      Monomial product = m;
      for (auto &[value, power] : n)
        if ((product[value] += power) == 0)
          product.erase(value);
      add(result, {{product, x * y}}, 1);
    }
  return result;
}

class ShiftTracker {
public:
  ShiftTracker(const UpdateGraph &graph, unsigned parameter)
      : graph(graph), program(graph.program) {
    this->parameter = parameter;
  }

  struct Result {
    bool isKept = false;
    /// What the shift is multiplied by at each step, where it is that simple.
    std::string factor;
    Operation *culprit = nullptr;
    std::string why;
  };
  Result run();

private:
  void collect();
  Polynomial numberOf(ValueId value, unsigned depth = 0);
  bool runStep(const Program::Step &step);
  bool scale(const Program::Step &step, unsigned shifted, Shift &shift);
  const Shift *shiftOf(ValueId value) const {
    auto it = shifts.find(value);
    return it == shifts.end() || it->second.empty() ? nullptr : &it->second;
  }
  ValueId nextOf(unsigned argument) const {
    return program.getResults()[*graph.roles.arguments[argument].carriedTo];
  }
  /// Whether states can be shifted such that all of them stay.
  bool hasFixedPoint() const;
  std::string print(const Polynomial &polynomial) const;

  const UpdateGraph &graph;
  const Program &program;
  unsigned parameter;
  llvm::SetVector<size_t> steps;
  llvm::SetVector<unsigned> states; // of the parameter's shape
  llvm::SetVector<unsigned> others;
  std::map<ValueId, Shift> shifts;
  Operation *multiplied = nullptr; // the first operation that scales a shift
};
} // namespace

void ShiftTracker::collect() {
  SmallVector<ValueId> pending;
  llvm::DenseSet<ValueId> seen;
  SmallVector<size_t> found;
  ArrayRef<int64_t> shape = program.getValues()[program.getArguments()[parameter]].shape();
  auto visit = [&](ValueId value) {
    if (seen.insert(value).second)
      pending.push_back(value);
  };
  // No gradient takes notice of a shift that the loss takes none of.
  for (auto &[argument, gradient] : graph.gradients)
    seen.insert(gradient);
  seen.insert(graph.loss);
  visit(nextOf(parameter));
  while (!pending.empty()) {
    ValueId value = pending.pop_back_val();
    if (auto it = graph.argumentOf.find(value); it != graph.argumentOf.end()) {
      const StepRoles::Argument &argument = graph.roles.arguments[it->second];
      if (argument.role != ArgumentRole::State || !argument.carriedTo)
        continue;
      bool isLike =
          program.getValues()[value].isFloat && program.getValues()[value].shape() == shape;
      (isLike ? states : others).insert(it->second);
      visit(nextOf(it->second));
      continue;
    }
    uint32_t index = graph.definedBy[value];
    // What other parameters have a part in is the same if no parameter's shift shows in it.
    if (index == kNoStep)
      continue;
    found.push_back(index);
    for (ValueId operand : program.operands(program.getSteps()[index]))
      visit(operand);
  }
  llvm::sort(found);
  steps.insert(found.begin(), found.end());
}

/// A number that no shift shows in, in terms of simpler ones.
Polynomial ShiftTracker::numberOf(ValueId value, unsigned depth) {
  const Program::Value &info = program.getValues()[value];
  if (info.constant)
    return *info.constant == 0 ? Polynomial()
                               : Polynomial{{Monomial(), shortestDecimal(*info.constant)}};
  Polynomial atom = {{Monomial{{value, 1}}, 1.0}};
  uint32_t definition = graph.definedBy[value];
  if (definition == kNoStep || depth == kMaxDepth || !info.isFloat)
    return atom;
  const Program::Step &step = program.getSteps()[definition];
  const CompiledRule &rule = *step.rule;
  ArrayRef<ValueId> operands = program.operands(step);
  if (step.kind != Program::StepKind::Rule || rule.isBarrier || rule.sum.any() ||
      operands.empty() || step.numResults != 1 || !llvm::all_of(operands, [&](ValueId id) {
        return program.getValues()[id].isFloat && graph.isUniform.test(id);
      }))
    return atom;
  auto allUsed = [&](auto isUsed) {
    return llvm::all_of(llvm::seq<unsigned>(0, operands.size()),
                        [&](unsigned i) { return isUsed(rule.use(i)); });
  };
  Polynomial result;
  if (allUsed([](OperandUse use) { return use == OperandUse::Plus || use == OperandUse::Minus; })) {
    for (auto [i, operand] : llvm::enumerate(operands))
      add(result, numberOf(operand, depth + 1), rule.use(i) == OperandUse::Plus ? 1 : -1);
    return result.size() <= kMaxTerms ? result : atom;
  }
  bool isProduct = operands.size() == 2 && rule.equations.size() == 1 &&
                   rule.equations[0].terms.size() == 2 &&
                   llvm::all_of(rule.equations[0].terms,
                                [](auto &term) { return term.second == Fraction(1); }) &&
                   allUsed([](OperandUse use) { return use == OperandUse::Factor; });
  if (!isProduct)
    return atom;
  result = multiply(numberOf(operands[0], depth + 1), numberOf(operands[1], depth + 1));
  return result.size() <= kMaxTerms ? result : atom;
}

/// The shift of a product with numbers.
bool ShiftTracker::scale(const Program::Step &step, unsigned shifted, Shift &shift) {
  const CompiledRule &rule = *step.rule;
  if (rule.equations.size() != 1)
    return false;
  Polynomial factor = {{Monomial(), 1.0}};
  for (auto &[operand, coefficient] : rule.equations[0].terms) {
    if (operand == shifted) {
      if (coefficient != Fraction(1))
        return false;
      continue;
    }
    if (operand >= step.numOperands)
      return false;
    ValueId value = program.operands(step)[operand];
    if (!graph.isUniform.test(value) || shiftOf(value))
      return false;
    Polynomial number = numberOf(value);
    if (coefficient == Fraction(-1)) {
      bool isConstant = number.size() == 1 && number.begin()->first.empty();
      number = isConstant ? Polynomial{{Monomial(), 1 / number.begin()->second}}
                          : Polynomial{{Monomial{{value, -1}}, 1.0}};
    } else if (coefficient != Fraction(1)) {
      return false;
    }
    factor = multiply(factor, number);
  }
  for (auto &[unknown, polynomial] : shift)
    polynomial = multiply(polynomial, factor);
  if (!multiplied)
    multiplied = step.op;
  return true;
}

bool ShiftTracker::runStep(const Program::Step &step) {
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  if (llvm::none_of(operands, [&](ValueId id) { return shiftOf(id); }))
    return true;
  const CompiledRule &rule = *step.rule;
  ArrayRef<int64_t> shape = program.getValues()[program.getArguments()[parameter]].shape();
  if (step.kind != Program::StepKind::Rule || rule.isBarrier || results.size() != 1 ||
      !program.getValues()[results[0]].isFloat ||
      program.getValues()[results[0]].shape() != shape || !rule.isPointwise)
    return false;
  if (std::optional<unsigned> choice = graph.genericChoice(step)) {
    if (const Shift *shift = shiftOf(operands[*choice]))
      shifts[results[0]] = Shift(*shift);
    return true;
  }
  Shift result;
  std::optional<Shift> chosen;
  for (auto [i, operand] : llvm::enumerate(operands)) {
    const Shift *own = shiftOf(operand);
    OperandUse use = rule.use(i);
    if (use == OperandUse::Choice) {
      Shift shift = own ? *own : Shift();
      if (chosen && *chosen != shift)
        return false;
      chosen = std::move(shift);
      continue;
    }
    if (!own)
      continue;
    Shift shift = *own;
    if (use == OperandUse::Factor ? !scale(step, i, shift)
                                  : use != OperandUse::Plus && use != OperandUse::Minus)
      return false;
    for (auto &[unknown, polynomial] : shift)
      add(result[unknown], polynomial, use == OperandUse::Minus ? -1 : 1);
  }
  if (chosen)
    result = std::move(*chosen);
  for (auto it = result.begin(); it != result.end();)
    it = it->second.empty() ? result.erase(it) : std::next(it);
  for (auto &[unknown, polynomial] : result)
    if (polynomial.size() > kMaxTerms)
      return false;
  shifts[results[0]] = std::move(result);
  return true;
}

bool ShiftTracker::hasFixedPoint() const {
  // Rows over the states' shifts, with the parameter's, which is one, at the end.
  size_t n = states.size();
  std::vector<std::vector<double>> rows;
  auto demand = [&](unsigned argument, unsigned unknown) {
    std::map<Monomial, std::vector<double>> byMonomial;
    auto rowOf = [&](const Monomial &monomial) -> std::vector<double> & {
      std::vector<double> &row = byMonomial[monomial];
      row.resize(n + 1);
      return row;
    };
    if (const Shift *shift = shiftOf(nextOf(argument)))
      for (auto &[from, polynomial] : *shift)
        for (auto &[monomial, coefficient] : polynomial)
          rowOf(monomial)[from == 0 ? n : from - 1] += coefficient;
    rowOf(Monomial())[unknown == 0 ? n : unknown - 1] -= 1;
    for (auto &[monomial, row] : byMonomial)
      rows.push_back(row);
  };
  demand(parameter, 0);
  for (auto [index, state] : llvm::enumerate(states))
    demand(state, index + 1);
  // Elimination; what is left of the last column must be 0.
  size_t rank = 0;
  for (size_t column = 0; column < n; ++column) {
    auto pivot = std::max_element(rows.begin() + rank, rows.end(), [&](auto &a, auto &b) {
      return std::abs(a[column]) < std::abs(b[column]);
    });
    if (pivot == rows.end() || std::abs((*pivot)[column]) < kTolerance)
      continue;
    std::swap(*pivot, rows[rank]);
    for (size_t row = 0; row < rows.size(); ++row) {
      if (row == rank)
        continue;
      double ratio = rows[row][column] / rows[rank][column];
      for (size_t i = 0; ratio != 0 && i <= n; ++i)
        rows[row][i] -= ratio * rows[rank][i];
    }
    ++rank;
  }
  return llvm::all_of(llvm::drop_begin(rows, rank),
                      [&](auto &row) { return std::abs(row[n]) < 100 * kTolerance; });
}

/// "1 - hyper['learning_rate'] * hyper['weight_decay']"; empty if a number has no name.
std::string ShiftTracker::print(const Polynomial &polynomial) const {
  std::string text;
  for (auto &[monomial, coefficient] : polynomial) {
    text += text.empty() ? (coefficient < 0 ? "-" : "") : coefficient < 0 ? " - " : " + ";
    std::string product;
    if (std::abs(coefficient) != 1 || monomial.empty())
      product = printDecimal(std::abs(coefficient));
    for (auto &[value, power] : monomial) {
      auto it = graph.argumentOf.find(value);
      if (it == graph.argumentOf.end() || power < 0)
        return "";
      for (int i = 0; i < power; ++i)
        product += (product.empty() ? "" : " * ") + graph.roles.arguments[it->second].name;
    }
    text += product;
  }
  return text.empty() ? "0" : text;
}

ShiftTracker::Result ShiftTracker::run() {
  Result result;
  collect();
  if (states.size() > kMaxStates) {
    result.why = "has more states than are followed";
    return result;
  }
  // States that meet what does not pass a shift are not shifted.
  bool isDone = false;
  while (!isDone) {
    shifts.clear();
    multiplied = nullptr;
    shifts[program.getArguments()[parameter]][0] = {{Monomial(), 1.0}};
    for (auto [index, state] : llvm::enumerate(states))
      shifts[program.getArguments()[state]][index + 1] = {{Monomial(), 1.0}};
    isDone = true;
    for (size_t index : steps) {
      const Program::Step &step = program.getSteps()[index];
      if (runStep(step))
        continue;
      llvm::SmallSetVector<unsigned, 4> unshifted;
      for (ValueId operand : program.operands(step))
        if (const Shift *shift = shiftOf(operand))
          for (auto &[unknown, polynomial] : *shift)
            if (unknown != 0)
              unshifted.insert(states[unknown - 1]);
      if (unshifted.empty()) {
        result.culprit = step.op;
        result.why = "does not pass a shift";
        return result;
      }
      for (unsigned state : unshifted) {
        states.remove(state);
        others.insert(state);
      }
      isDone = false;
      break;
    }
  }
  // States that are not shifted must not see it.
  if (llvm::any_of(others, [&](unsigned argument) { return shiftOf(nextOf(argument)); })) {
    result.culprit = multiplied;
    result.why = "keeps a state that is shifted";
    return result;
  }
  result.isKept = hasFixedPoint();
  if (result.isKept)
    return result;
  result.culprit = multiplied;
  result.why = "does not keep the shift";
  const Shift *next = shiftOf(nextOf(parameter));
  bool statesSeeIt = llvm::any_of(states, [&](unsigned state) {
    const Shift *shift = shiftOf(nextOf(state));
    return shift && shift->count(0);
  });
  if (statesSeeIt) {
    result.why = "multiplies the shift, and so do states that keep it";
    return result;
  }
  auto own = next ? next->find(0) : Shift::const_iterator();
  result.factor = next && own != next->end() ? print(own->second) : next ? "" : "0";
  if (!result.factor.empty())
    result.why = "multiplies the shift by " + result.factor + " at each step";
  return result;
}

SmallVector<SymmetryKinetics, 0>
noether::analyzeTranslationKinetics(const UpdateGraph &graph, ArrayRef<Symmetry> translations) {
  SmallVector<SymmetryKinetics, 0> result;
  if (translations.empty())
    return result;
  const StepRoles &roles = graph.roles;
  const GradientValues &gradients = graph.gradients;
  std::map<unsigned, ShiftTracker::Result> solved;
  llvm::DenseMap<unsigned, unsigned> readers = graph.findReaders(UpdateGraph::Read::Value);
  for (const Symmetry &symmetry : translations) {
    SymmetryKinetics &kinetics = result.emplace_back();
    kinetics.symmetry = symmetry.id;
    kinetics.equivariant = true;
    std::optional<std::string> factor;
    bool hasFactor = true;
    llvm::SmallDenseSet<unsigned, 4> seen;
    for (const SymmetryMember &member : symmetry.members) {
      if (!seen.insert(member.argument).second)
        continue;
      if (auto reader = readers.find(member.argument); reader != readers.end()) {
        kinetics.equivariant = hasFactor = false;
        kinetics.breaks.push_back({nullptr, "the update of " +
                                                roles.arguments[reader->second].name + " reads " +
                                                roles.arguments[member.argument].name});
        continue;
      }
      if (!gradients.contains(member.argument) || !roles.arguments[member.argument].carriedTo) {
        kinetics.equivariant = hasFactor = false;
        kinetics.breaks.push_back({nullptr,
                                   "the gradient of " + roles.arguments[member.argument].name +
                                       " cannot be told from its update",
                                   /*isKnown=*/false});
        continue;
      }
      auto it = solved.find(member.argument);
      if (it == solved.end())
        it = solved.try_emplace(member.argument, ShiftTracker(graph, member.argument).run()).first;
      const ShiftTracker::Result &update = it->second;
      hasFactor &= !update.isKept && !update.factor.empty() &&
                   factor.value_or(update.factor) == update.factor;
      factor = update.factor;
      if (update.isKept)
        continue;
      kinetics.equivariant = false;
      if (llvm::none_of(kinetics.breaks, [&](const KineticBreak &other) {
            return other.op == update.culprit && other.why == update.why;
          }))
        kinetics.breaks.push_back({update.culprit, update.why});
    }
    if (kinetics.equivariant)
      kinetics.keeps = stringifyFamily(Family::Translation);
    else if (hasFactor && factor)
      kinetics.factor = *factor;
    kinetics.ksb = !kinetics.equivariant && kinetics.factor.empty();
  }
  return result;
}
