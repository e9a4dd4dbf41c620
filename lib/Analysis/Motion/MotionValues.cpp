// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The numbers of a motion as the values of the step that they are computed in: a schedule's rate, a factor of
// clipping.

#include "MotionBuilder.h"

using namespace mlir;
using namespace noether;

EntryValues noether::findEntryValues(const Program &program, func::FuncOp entry) {
  EntryValues values;
  auto add = [&](Value value) {
    if (std::optional<ValueId> id = program.lookup(value))
      values.try_emplace(*id, value);
  };
  Block &body = entry.getBody().front();
  llvm::for_each(body.getArguments(), add);
  for (Operation &op : body)
    llvm::for_each(op.getResults(), add);
  return values;
}

std::optional<MotionNumber> MotionBuilder::valueOf(const UpdateNumber &number,
                                                   const EntryValues &values,
                                                   unsigned depth) const {
  constexpr unsigned kMaxDepth = 4;
  MotionNumber result;
  for (const UpdateNumber::Term &term : number.getTerms()) {
    MotionNumber::Term &product = result.terms.emplace_back();
    product.number = term.factor;
    for (auto [id, power] : term.powers) {
      const SymbolTable::Symbol &symbol = forms.getSymbols()[id];
      bool isChoice = !symbol.choice.empty();
      auto it = values.find(isChoice ? symbol.chosenBy : symbol.value);
      if (it == values.end() || depth == kMaxDepth || (symbol.part > 1 && !isChoice))
        return std::nullopt;
      MotionNumber::Factor &factor = product.factors.emplace_back();
      factor.value = it->second;
      factor.power = symbol.part == 1 ? -power : power;
      for (const UpdateNumber &each : symbol.choice) {
        std::optional<MotionNumber> inner = valueOf(each, values, depth + 1);
        if (!inner)
          return std::nullopt;
        factor.choice.push_back(std::move(*inner));
      }
    }
  }
  return result;
}

void MotionBuilder::findValues(const EntryValues &values) {
  if (direction) {
    motion.keepsValue = valueOf((*next)[self], values);
    if (step)
      motion.stepValue = valueOf(*step, values);
    return;
  }
  if (motion.drive != ParameterMotion::Drive::Gradient)
    return;
  SmallVector<const UpdateForm *> rows = {next};
  SmallVector<AtomId> columns = {self};
  for (unsigned state : motion.buffers) {
    rows.push_back(forms.nextState(state));
    columns.push_back(graph.program.getArguments()[state]);
  }
  columns.push_back(*forms.gradientAtom());
  for (const UpdateForm *row : rows) {
    bool isLinear = row && llvm::all_of(row->terms, [&](auto &term) {
      return llvm::is_contained(columns, term.first);
    });
    for (AtomId column : columns) {
      std::optional<MotionNumber> number =
          isLinear ? valueOf((*row)[column], values) : std::nullopt;
      if (!number)
        return motion.values.clear();
      motion.values.push_back(std::move(*number));
    }
  }
}
