// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arith dialect, on scalars, vectors and tensors alike.

#include "Elementwise.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

void rules::addArithRules(Registry &registry) {
  registry.rule("arith.addf", added);
  registry.rule("arith.addi", equal);
  registry.rule("arith.addui_extended", scaleFree);
  registry.rule("arith.andi", equal);
  registry.rule("arith.bitcast", dimensionless, ReadsTypes, "bit patterns have no scale");
  registry.rule("arith.ceildivsi", equal);
  registry.rule("arith.ceildivui", equal);
  registry.rule("arith.cmpf", compared);
  registry.rule("arith.cmpi", compared);
  registry.rule(
      "arith.constant", scaleFree, ReadsTypes,
      "the analysis gives zeros and infinities any scale, and may promote small constants");
  registry.rule("arith.divf", quotient);
  registry.rule("arith.divsi", equal);
  registry.rule("arith.divui", equal);
  registry.rule("arith.extf", copied);
  registry.rule("arith.extsi", pass);
  registry.rule("arith.extui", pass);
  registry.rule("arith.floordivsi", equal);
  registry.rule("arith.fptosi", dimensionless);
  registry.rule("arith.fptoui", dimensionless);
  registry.rule("arith.index_cast", pass);
  registry.rule("arith.index_castui", pass);
  registry.rule("arith.maximumf", ordered);
  registry.rule("arith.maxnumf", ordered);
  registry.rule("arith.maxsi", equal);
  registry.rule("arith.maxui", equal);
  registry.rule("arith.minimumf", ordered);
  registry.rule("arith.minnumf", ordered);
  registry.rule("arith.minsi", equal);
  registry.rule("arith.minui", equal);
  registry.rule("arith.mulf", product);
  registry.rule("arith.muli", product);
  registry.rule("arith.mulsi_extended", scaleFree);
  registry.rule("arith.mului_extended", scaleFree);
  registry.rule("arith.negf", negated);
  registry.rule("arith.ori", equal);
  registry.rule("arith.remf", equal);
  registry.rule("arith.remsi", equal);
  registry.rule("arith.remui", equal);
  registry.barrier("arith.scaling_extf", "block scales");
  registry.barrier("arith.scaling_truncf", "block scales");
  registry.rule("arith.select", select);
  registry.rule("arith.shli", equal);
  registry.rule("arith.shrsi", equal);
  registry.rule("arith.shrui", equal);
  registry.rule("arith.sitofp", scaleFree);
  registry.rule("arith.subf", subtracted);
  registry.rule("arith.subi", equal);
  registry.rule("arith.truncf", copied);
  registry.rule("arith.trunci", pass);
  registry.rule("arith.uitofp", scaleFree);
  registry.rule("arith.xori", equal);
}
