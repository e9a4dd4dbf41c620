// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "BlockCoupling.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace noether;

namespace {
/// How a value scales with the blocks.
struct BlockField {
  enum Kind {
    /// Zeros and states not known yet: whatever is wanted.
    Any,
    /// A number of its own for each block, which goes with whatever it is multiplied by.
    Number,
    /// The sum of the entries.
    Known,
  };
  /// `coefficient` times the block's log-scale, at the index that `dims` have. Where it is 0 they
  /// still tell which block an entry belongs to.
  struct Entry {
    SmallVector<unsigned, 2> dims;
    Fraction coefficient;
  };
  Kind kind = Known;
  SmallVector<Entry, 1> entries;

  void add(ArrayRef<unsigned> dims, const Fraction &coefficient) {
    auto it = llvm::find_if(entries, [&](const Entry &e) { return ArrayRef(e.dims) == dims; });
    if (it == entries.end())
      entries.push_back({SmallVector<unsigned, 2>(dims), coefficient});
    else
      it->coefficient = it->coefficient + coefficient;
  }
  bool isZero() const {
    return llvm::all_of(entries, [](const Entry &e) { return e.coefficient == Fraction(0); });
  }
  bool scalesAs(const BlockField &other) const {
    BlockField difference = *this;
    for (const Entry &entry : other.entries)
      difference.add(entry.dims, -entry.coefficient);
    return difference.isZero();
  }
};

class BlockTracker {
public:
  BlockTracker(const UpdateGraph &graph, unsigned parameter, const KineticSystem::Result &update,
               ArrayRef<int64_t> axes)
      : graph(graph), program(graph.program), update(update), parameter(parameter),
        blockDims(axes.begin(), axes.end()) {}

  Operation *run();

private:
  Fraction degreeOf(ValueId value) const {
    if (program.getValues()[value].constant) {
      auto use = update.constantDegrees.find({value, current});
      return use == update.constantDegrees.end() ? Fraction(0) : use->second;
    }
    auto it = update.degrees.find(value);
    return it == update.degrees.end() ? Fraction(0) : it->second;
  }
  BlockField inPlace(const Fraction &degree) const {
    BlockField field;
    field.add(blockDims, degree);
    return field;
  }
  BlockField fieldOf(ValueId value);
  /// The operand's field over the factors of the rule; nothing if it cannot be told.
  std::optional<BlockField> overFactors(const Program::Step &step, unsigned operand);
  bool runStep(const Program::Step &step);
  bool runPass();
  std::optional<BlockField> product(const Program::Step &step,
                                    const CompiledRule::Equation &equation);
  /// Two fields that must be one; false if they are not.
  static bool unify(BlockField &a, const BlockField &b, const Fraction &degree);
  bool finish(const Program::Step &step, unsigned result, const BlockField &field);

  const UpdateGraph &graph;
  const Program &program;
  const KineticSystem::Result &update;
  unsigned parameter;
  SmallVector<unsigned, 2> blockDims;
  llvm::DenseMap<ValueId, BlockField> fields;
  llvm::DenseMap<unsigned, BlockField> stateFields;
  size_t current = 0; // the step at hand
  Operation *coupling = nullptr;
};
} // namespace

BlockField BlockTracker::fieldOf(ValueId value) {
  auto it = fields.find(value);
  if (it != fields.end())
    return it->second;
  const Program::Value &info = program.getValues()[value];
  BlockField field;
  if (info.isAnyScale)
    field.kind = BlockField::Any;
  else if (info.isFloat && degreeOf(value) != Fraction(0))
    field.kind = BlockField::Number;
  return field;
}

std::optional<BlockField> BlockTracker::overFactors(const Program::Step &step, unsigned operand) {
  BlockField field = fieldOf(program.operands(step)[operand]), result;
  result.kind = field.kind;
  const CompiledRule::Tensor &dims = step.rule->tensors[operand];
  for (const BlockField::Entry &entry : field.entries) {
    SmallVector<unsigned, 2> factors;
    bool isFollowed = true;
    for (unsigned dim : entry.dims) {
      isFollowed &= dim < dims.size() && dims[dim].isSingle();
      if (isFollowed)
        factors.push_back(dims[dim].segments[0][0]);
    }
    if (isFollowed)
      result.add(factors, entry.coefficient);
    else if (entry.coefficient != Fraction(0))
      return std::nullopt;
  }
  return result;
}

bool BlockTracker::unify(BlockField &a, const BlockField &b, const Fraction &degree) {
  if (b.kind == BlockField::Any)
    return true;
  if (a.kind == BlockField::Any) {
    a = b;
    return true;
  }
  if (a.kind == BlockField::Number || b.kind == BlockField::Number) {
    const BlockField &other = a.kind == BlockField::Number ? b : a;
    if (other.kind == BlockField::Known) {
      // A number that varies along with the one place where the block's index is.
      auto scales = [](const BlockField::Entry &e) { return e.coefficient != Fraction(0); };
      if (llvm::count_if(other.entries, scales) != 1 ||
          llvm::find_if(other.entries, scales)->coefficient != degree)
        return false;
    }
    BlockField known = other;
    a = known;
    return true;
  }
  if (!a.scalesAs(b))
    return false;
  for (const BlockField::Entry &entry : b.entries)
    a.add(entry.dims, Fraction(0));
  return true;
}

std::optional<BlockField> BlockTracker::product(const Program::Step &step,
                                                const CompiledRule::Equation &equation) {
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  BlockField field;
  Fraction number(0);
  bool hasNumber = false, isOneNumber = true;
  for (auto &[tensor, coefficient] : equation.terms) {
    BlockField term;
    if (step.rule->isResult(tensor)) {
      // Results have indices of their own.
      term = fieldOf(results[tensor - operands.size()]);
      if (term.kind == BlockField::Known && !term.isZero())
        return std::nullopt;
      term.entries.clear();
    } else {
      std::optional<BlockField> own = overFactors(step, tensor);
      if (!own)
        return std::nullopt;
      term = *own;
      isOneNumber &= term.kind == BlockField::Number || graph.isUniform.test(operands[tensor]) ||
                     graph.owner[operands[tensor]] == UpdateGraph::kShared;
    }
    if (term.kind == BlockField::Any)
      return term;
    if (term.kind == BlockField::Number) {
      hasNumber = true;
      ValueId value =
          step.rule->isResult(tensor) ? results[tensor - operands.size()] : operands[tensor];
      number = number + coefficient * degreeOf(value);
      continue;
    }
    for (const BlockField::Entry &entry : term.entries)
      field.add(entry.dims, coefficient * entry.coefficient);
  }
  if (!hasNumber || number == Fraction(0))
    return field;
  if (field.entries.size() == 1) {
    field.entries.front().coefficient = field.entries.front().coefficient + number;
    return field;
  }
  if (!field.entries.empty() || !isOneNumber)
    return std::nullopt;
  field.kind = BlockField::Number;
  return field;
}

/// The field of a result, given over the factors of the rule.
bool BlockTracker::finish(const Program::Step &step, unsigned number, const BlockField &field) {
  const CompiledRule &rule = *step.rule;
  const CompiledRule::Tensor &dims = rule.tensors[rule.numOperands + number];
  BlockField result;
  result.kind = field.kind;
  for (const BlockField::Entry &entry : field.entries) {
    SmallVector<unsigned, 2> places;
    for (unsigned factor : entry.dims) {
      auto it = llvm::find_if(dims, [&](const CompiledRule::Dim &dim) {
        return dim.isSingle() && dim.segments[0][0] == factor;
      });
      if (it != dims.end() && !rule.sum.test(factor) && !rule.frozen.test(factor))
        places.push_back(it - dims.begin());
    }
    if (places.size() == entry.dims.size())
      result.add(places, entry.coefficient);
    else if (entry.coefficient != Fraction(0))
      return false;
  }
  ValueId value = program.results(step)[number];
  auto [it, inserted] = fields.try_emplace(value, result);
  return inserted || unify(it->second, result, degreeOf(value));
}

bool BlockTracker::runStep(const Program::Step &step) {
  ArrayRef<ValueId> operands = program.operands(step), results = program.results(step);
  const CompiledRule &rule = *step.rule;
  auto isZero = [&](ValueId value) {
    BlockField field = fieldOf(value);
    return field.kind == BlockField::Any || (field.kind == BlockField::Known && field.isZero());
  };
  // What belongs to no parameter is a number of its own for each block.
  if (llvm::all_of(results, [&](ValueId id) { return graph.owner[id] == UpdateGraph::kShared; }))
    return true;
  if (step.kind == Program::StepKind::Carry) {
    fields[results[0]] = fieldOf(operands[0]);
    return true;
  }
  if (step.kind == Program::StepKind::LoopTie) {
    for (unsigned i = 0; i < step.numTied; ++i) {
      BlockField before = fieldOf(operands[i]);
      if (!unify(before, fieldOf(operands[i + step.numTied]), degreeOf(operands[i])))
        return false;
    }
    return llvm::all_of(operands.drop_front(2 * step.numTied), isZero);
  }
  if (rule.isBarrier) {
    for (ValueId result : results)
      fields[result] = BlockField();
    return llvm::all_of(operands, isZero);
  }
  for (ValueId result : results)
    fields.erase(result);
  if (std::optional<unsigned> choice = graph.genericChoice(step)) {
    std::optional<BlockField> field = overFactors(step, *choice);
    return field && finish(step, 0, *field);
  }
  for (const CompiledRule::Equation &equation : rule.equations) {
    std::optional<BlockField> right = product(step, equation);
    if (!right)
      return false;
    if (rule.isResult(equation.lhs)) {
      if (!finish(step, equation.lhs - rule.numOperands, *right))
        return false;
      continue;
    }
    std::optional<BlockField> left = overFactors(step, equation.lhs);
    if (!left || !unify(*left, *right, degreeOf(operands[equation.lhs])))
      return false;
  }
  for (ValueId result : results)
    fields.try_emplace(result);
  return true;
}

bool BlockTracker::runPass() {
  fields.clear();
  fields[program.getArguments()[parameter]] = inPlace(Fraction(1));
  if (auto it = graph.gradients.find(parameter); it != graph.gradients.end())
    fields[it->second] = inPlace(Fraction(-1));
  for (auto &[argument, field] : stateFields)
    fields[program.getArguments()[argument]] = field;
  for (size_t index : update.steps) {
    const Program::Step &step = program.getSteps()[index];
    // The gradient is what it is.
    if (auto it = graph.gradients.find(parameter);
        it != graph.gradients.end() && llvm::is_contained(program.results(step), it->second))
      continue;
    current = index;
    if (!runStep(step)) {
      coupling = step.op;
      return false;
    }
  }
  return true;
}

Operation *BlockTracker::run() {
  auto next = [&](unsigned argument) {
    return program.getResults()[*graph.roles.arguments[argument].carriedTo];
  };
  ArrayRef<int64_t> shape = program.getValues()[program.getArguments()[parameter]].shape();
  for (const StateDegree &state : update.states) {
    ValueId value = program.getArguments()[state.argument];
    BlockField &field = stateFields[state.argument];
    if (program.getValues()[value].shape() == shape && !shape.empty())
      field = inPlace(state.degree);
    else
      field.kind = BlockField::Any;
  }
  // States of other shapes are what their next values are.
  if (!runPass())
    return coupling;
  for (const StateDegree &state : update.states)
    if (BlockField &field = stateFields[state.argument]; field.kind == BlockField::Any)
      field = fieldOf(next(state.argument));
  if (!runPass())
    return coupling;
  auto isKept = [&](unsigned argument, const Fraction &degree) {
    BlockField before = fieldOf(program.getArguments()[argument]);
    return unify(before, fieldOf(next(argument)), degree);
  };
  bool kept =
      isKept(parameter, Fraction(1)) && llvm::all_of(update.states, [&](const StateDegree &state) {
        return isKept(state.argument, state.degree);
      });
  if (kept || update.steps.empty())
    return nullptr;
  return program.getSteps()[update.steps.back()].op;
}

Operation *noether::findBlockCoupling(const UpdateGraph &graph, unsigned parameter,
                                      const KineticSystem::Result &update, ArrayRef<int64_t> axes) {
  return BlockTracker(graph, parameter, update, axes).run();
}
