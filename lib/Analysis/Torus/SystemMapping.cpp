// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Torus/SystemMapping.h"

#include <cmath>

using namespace noether;

SystemMapping::SystemMapping(const Program &program, const StepRoles &roles,
                             const AnalysisOptions &options)
    : program(program), options(options), slice(program.sliceOf(program.getResults()[roles.loss])),
      structure(program, slice), engine(program, structure, forms, *this) {
  ValueId loss = program.getResults()[roles.loss];
  // Where the loss reads each parameter.
  llvm::DenseMap<ValueId, llvm::SmallVector<std::pair<size_t, unsigned>, 2>> uses;
  for (auto [argument, info] : llvm::enumerate(roles.arguments))
    if (info.role == ArgumentRole::Param)
      uses[program.getArguments()[argument]] = {};
  for (unsigned step : slice.set_bits())
    for (auto [number, operand] : llvm::enumerate(program.operands(program.getSteps()[step])))
      if (auto it = uses.find(operand); it != uses.end())
        it->second.push_back({step, number});

  for (auto [argument, info] : llvm::enumerate(roles.arguments)) {
    ValueId value = program.getArguments()[argument];
    if (info.role != ArgumentRole::Param || !program.getValues()[value].isFloat ||
        (uses[value].empty() && value != loss))
      continue;
    liveParameters.push_back(argument);
    // What no step reads is dead: rows of a table beyond the longest sequence, say.
    const ResolvedSpace &space = structure.resolve(structure.spaceOf(value));
    if (value == loss || space.isOpaque) {
      engine.makeUnknown(value);
      continue;
    }
    llvm::SmallVector<uint64_t> cells = space.cells();
    llvm::DenseSet<uint64_t> read;
    for (auto &[step, operand] : uses[value])
      if (read.size() < cells.size())
        engine.collectReadCells(step, operand, cells, read);
    engine.makeUnknown(value, [&](uint64_t cell) { return read.contains(cell); });
  }
  for (unsigned step : slice.set_bits())
    engine.run(step);
  if (!engine.isAnyScale(loss))
    for (const Component &component : Field(engine.componentsOf(loss)))
      if (component.form != kAnyForm)
        equate(component.form, FormPool::zero, program.getSteps().size());
}

std::optional<UnknownId> SystemMapping::lookup(ValueId value, uint64_t key) const {
  auto it = byOrigin.find({value, key});
  if (it == byOrigin.end())
    return std::nullopt;
  return it->second;
}

mlir::Operation *SystemMapping::operationOf(const Equation &equation) const {
  if (equation.provenance >= program.getSteps().size())
    return nullptr;
  return program.getSteps()[equation.provenance].op;
}

void SystemMapping::equate(FormId a, FormId b, size_t step) {
  FormId difference = forms.subtract(a, b);
  if (difference == FormPool::zero)
    return;
  Equation equation;
  equation.form.assign(forms[difference].begin(), forms[difference].end());
  equation.provenance = step;
  system.addEquation(std::move(equation));
}

bool SystemMapping::mayPromote(double constant) const {
  return std::abs(constant) <= options.spurionThreshold;
}

void SystemMapping::relateConstant(double constant, FormId form, size_t step) {
  if (spurions.empty() || spurions.back().step != step || spurions.back().constant != constant) {
    system.addSpurion("c" + llvm::Twine(spurions.size()));
    spurions.push_back({constant, step});
  }
  Equation equation;
  equation.form.assign(forms[form].begin(), forms[form].end());
  equation.provenance = step;
  equation.spurion = spurions.size() - 1;
  system.addEquation(std::move(equation));
}

FormId SystemMapping::addUnknown(ValueId value, uint64_t key, int64_t dimension) {
  UnknownId unknown =
      system.addUnknown("v" + llvm::Twine(value) + "." + llvm::Twine(key), dimension);
  origins.push_back({value, key});
  byOrigin[{value, key}] = unknown;
  return forms.unknown(unknown);
}

/// Names a long form, so that forms stay short along long chains of products.
FormId SystemMapping::abbreviate(FormId form, size_t step) {
  auto [it, inserted] = abbreviations.try_emplace(form, FormPool::zero);
  if (!inserted)
    return it->second;
  int64_t dimension = system.getUnknowns()[forms[form].front().unknown].dimension;
  UnknownId unknown =
      system.addUnknown("f" + llvm::Twine(system.getUnknowns().size()), dimension);
  origins.push_back({kNoValue, 0});
  FormId name = forms.unknown(unknown);
  abbreviations[form] = name;
  equate(form, name, step);
  return name;
}
