// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operations that have no rule of their own: either the mapping follows their structure (functions,
// calls, loops, branches), or nothing better than a barrier is known on purpose.

#include "Elementwise.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

void rules::addStructuralRules(Registry &registry) {
  constexpr StringLiteral branch = "ties its branches", loop = "ties what it carries",
                          terminator = "terminator", symbol = "module or symbol";
  registry.structural("builtin.module", symbol);
  registry.structural("func.call", "the callee is mapped at each call");
  registry.structural("func.func", symbol);
  registry.structural("func.return", terminator);
  registry.structural("linalg.yield", terminator);
  registry.structural("scf.condition", terminator);
  registry.structural("scf.execute_region", "its region is mapped in place");
  registry.structural("scf.for", loop);
  registry.structural("scf.if", branch);
  registry.structural("scf.index_switch", branch);
  registry.structural("scf.reduce.return", terminator);
  registry.structural("scf.while", loop);
  registry.structural("scf.yield", terminator);
  registry.structural("sdy.manual_computation", "its region is mapped in place");
  registry.structural("sdy.mesh", symbol);
  registry.structural("sdy.named_computation", "its region is mapped in place");
  registry.structural("sdy.return", terminator);
  registry.structural("stablehlo.case", branch);
  registry.structural("stablehlo.composite", "its decomposition is mapped as a callee");
  registry.structural("stablehlo.if", branch);
  registry.structural("stablehlo.return", terminator);
  registry.structural("stablehlo.while", loop);
  registry.structural("tensor.yield", terminator);
}

/// rng: bounds are ordinary numbers, and the drawn numbers do not scale with them one by one.
static Answer random(const Context &context) {
  RuleBuilder rule = context.builder();
  for (unsigned i = 0; i < context.numOperands(); ++i) {
    rule.operand(i, rule.factors(context.operandRank(i)));
    if (context.isOperandScaled(i))
      rule.vanish(operand(i));
  }
  for (unsigned i = 0; i < context.numResults(); ++i)
    rule.result(i, rule.factors(context.resultRank(i))).vanish(result(i));
  return rule;
}

/// Bit patterns of integers are integers; those of floats are not homogeneous.
static Answer bitcastConvert(const Context &context) {
  if (context.numOperands() != 1 || context.numResults() != 1)
    return context.wrongNumberOf("operands or results");
  if (context.op->getOperand(0).getType() == context.op->getResult(0).getType())
    return copied(context);
  return random(context);
}

void rules::addOpaqueRules(Registry &registry) {
  constexpr StringLiteral token = "orders effects", io = "leaves the program",
                          tuple = "tuples are not followed";
  registry.barrier("stablehlo.after_all", token);
  registry.rule("stablehlo.bitcast_convert", bitcastConvert, ReadsTypes,
                "bit patterns have no scale");
  registry.barrier("stablehlo.create_token", token);
  registry.rule("stablehlo.get_dimension_size", independent);
  registry.barrier("stablehlo.get_tuple_element", tuple);
  registry.barrier("stablehlo.infeed", io);
  registry.barrier("stablehlo.outfeed", io);
  registry.barrier("stablehlo.recv", io);
  registry.rule("stablehlo.rng", random);
  registry.rule("stablehlo.rng_bit_generator", independent);
  registry.barrier("stablehlo.send", io);
  registry.barrier("stablehlo.set_dimension_size", "dynamic shapes");
  registry.barrier("stablehlo.trace", io);
  registry.barrier("stablehlo.tuple", tuple);
  registry.barrier("stablehlo.uniform_dequantize", "quantized types");
  registry.barrier("stablehlo.uniform_quantize", "quantized types");
}
