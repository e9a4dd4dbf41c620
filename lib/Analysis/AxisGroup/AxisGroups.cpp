// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/AxisGroup/AxisGroups.h"

#include "AxisGroupBuilder.h"

#include "noether/Analysis/Torus/SystemMapping.h"

#include "llvm/Support/MathExtras.h"

using namespace noether;

llvm::StringRef noether::stringifyAxisFamily(AxisFamily family) {
  switch (family) {
  case AxisFamily::GeneralLinear:
    return "general_linear";
  case AxisFamily::Orthogonal:
    return "orthogonal";
  case AxisFamily::ComplexLinear:
    return "complex_linear";
  case AxisFamily::Permutation:
    return "permutation";
  }
  llvm_unreachable("unhandled family");
}

int64_t AxisGroup::numBlocks() const {
  int64_t result = 1;
  for (int64_t blocks : blockShape)
    result = llvm::SaturatingMultiply<uint64_t>(result, blocks);
  return result;
}

std::string AxisGroup::order() const {
  std::string one = std::to_string(size) + "!";
  return numBlocks() == 1 ? one : "(" + one + ")^" + std::to_string(numBlocks());
}

llvm::SmallVector<AxisGroup, 0> noether::inferAxisGroups(const Program &program,
                                                         const StepRoles &roles,
                                                         SystemMapping &mapping,
                                                         bool derivations) {
  AxisGroupEngine engine(program, mapping.getStructure(), mapping.getLossSlice(),
                         program.getResults()[roles.loss]);
  for (unsigned argument : mapping.getLiveParameters()) {
    ValueId value = program.getArguments()[argument];
    engine.addParameter(
        value, [&](uint64_t cell) { return mapping.lookup(value, cell).has_value(); });
  }
  for (unsigned step : mapping.getLossSlice().set_bits())
    engine.run(step);
  engine.finish(program.getResults()[roles.loss]);
  return AxisGroupBuilder(program, mapping, engine).build(derivations);
}
