// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The math dialect, on scalars, vectors and tensors alike.

#include "Elementwise.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

void rules::addMathRules(Registry &registry) {
  constexpr StringLiteral constantExponent = "an exponent that is a constant p with a small "
                                             "denominator gives r0 = p o0; any other power has no "
                                             "scale";
  registry.rule("math.absf", pass);
  registry.rule("math.absi", pass);
  registry.rule("math.acos", dimensionless);
  registry.rule("math.acosh", dimensionless);
  registry.rule("math.asin", dimensionless);
  registry.rule("math.asinh", dimensionless);
  registry.rule("math.atan", dimensionless);
  registry.rule("math.atan2", ofRatio);
  registry.rule("math.atanh", dimensionless);
  registry.rule("math.cbrt", fixedPower<1, 3>);
  registry.rule("math.ceil", dimensionless);
  registry.rule("math.clampf", ordered);
  registry.rule("math.copysign", pass, ReadsTypes, "the sign has no scale");
  registry.rule("math.cos", dimensionless);
  registry.rule("math.cosh", dimensionless);
  registry.rule("math.ctlz", dimensionless);
  registry.rule("math.ctpop", dimensionless);
  registry.rule("math.cttz", dimensionless);
  registry.rule("math.erf", dimensionless);
  registry.rule("math.erfc", dimensionless);
  registry.rule("math.exp", dimensionless);
  registry.rule("math.exp2", dimensionless);
  registry.rule("math.expm1", dimensionless);
  registry.rule("math.floor", dimensionless);
  registry.rule("math.fma", fusedMultiplyAdd);
  registry.rule("math.fpowi", power, ReadsConstants, constantExponent);
  registry.rule("math.ipowi", dimensionless);
  registry.rule("math.isfinite", scaleFree);
  registry.rule("math.isinf", scaleFree);
  registry.rule("math.isnan", scaleFree);
  registry.rule("math.isnormal", dimensionless);
  registry.rule("math.log", dimensionless);
  registry.rule("math.log10", dimensionless);
  registry.rule("math.log1p", dimensionless);
  registry.rule("math.log2", dimensionless);
  registry.rule("math.powf", power, ReadsConstants, constantExponent);
  registry.rule("math.round", dimensionless);
  registry.rule("math.roundeven", dimensionless);
  registry.rule("math.rsqrt", fixedPower<-1, 2>);
  registry.rule("math.sin", dimensionless);
  registry.rule("math.sincos", dimensionless);
  registry.rule("math.sinh", dimensionless);
  registry.rule("math.sqrt", fixedPower<1, 2>);
  registry.rule("math.tan", dimensionless);
  registry.rule("math.tanh", dimensionless);
  registry.rule("math.trunc", dimensionless);
}
