// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_TRANSFORMS_PASSES_TD
#define NOETHER_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

// No pass here declares statistics: their layout depends on NDEBUG, so that a pass built one way
// would not fit a libMLIR built the other. Passes count with remarks.

def MarkRoles : Pass<"noether-mark-roles", "::mlir::ModuleOp"> {
  let summary = "Say what each argument and result of the training step is.";
  let description = [{
    Writes `noether.role` and `noether.name` on the arguments and results of the entry function,
    and on arguments also `noether.role_decided_by` (what settled the role: `caller`, `name`,
    `data flow` or `attribute`) and `noether.carried_to` (the result with the next value). The entry
    is the function marked `noether.entry`, else the public `@main`, else the only public function.

    An argument is *carried* if a result has its type and its path: argument names are those of
    their locations (or `noether.name`), result names `jax.result_info` (or `noether.name`), and the
    roots differ. Where names are equal or missing, the result that updates the argument is taken. A
    *param* is a carried float argument on which the loss depends; any other carried argument is
    *state*. An argument that is not carried is *rng* (a key), *hyper* (a scalar) or *batch*. Roles
    that are there already win.

    Fails with one diagnostic if the module is not a training step: no entry, no loss, no parameters,
    dynamic shapes, recursion, calls of what is not defined, elided constants.

    Example:

    ```mlir
    func.func @main(%w: tensor<4xf32> loc("params['w']"), ...) -> (tensor<4xf32> {jax.result_info = "result[0]['w']"}, ...)
    ==>
    func.func @main(%w: tensor<4xf32> {noether.carried_to = 0 : i64, noether.name = "params['w']",
                                       noether.role = "param", noether.role_decided_by = "data flow"}, ...)
    ```

    Remarks: `RoleDecided` (category `noether-roles`), one per argument.
  }];
}

def LowerCharges : Pass<"noether-lower-charges", "::mlir::ModuleOp"> {
  let summary = "Turn charges into operations of the dialect the step is in.";
  let description = [{
    Replaces every `noether.charge` by what it computes: StableHLO operations in a module that has
    any, else `linalg.generic` (one per member, which makes all sums in one pass over its tensors).
    Sums are taken in the element type of the results.

    Example:

    ```mlir
    %charge = noether.charge "S1" members [#noether.member<1 view [4,8] axes [1]>] weights (%w : tensor<4x8xf32>) -> tensor<8xf32>
    ==>
    %0 = "stablehlo.multiply"(%w, %w) : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
    %charge = "stablehlo.reduce"(%0, %zero) <{dimensions = array<i64: 0>}> ({ ... }) : (tensor<4x8xf32>, tensor<f32>) -> tensor<8xf32>
    ```
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::linalg::LinalgDialect",
    "::mlir::tensor::TensorDialect"
  ];
}

def InferSymmetries : Pass<"noether-infer-symmetries", "::mlir::ModuleOp"> {
  let summary = "Prove which scalings of the parameters leave the loss unchanged.";
  let description = [{
    Gives every component of every parameter's log-scale an unknown, states the equations of all
    operations the loss depends on, and solves them over the rationals: the null space is the Lie
    algebra of the scale and rescale symmetries. The solution is substituted into every equation by
    code that shares nothing with the solver.

    Constants up to `spurion-threshold` that stand in a sum, a maximum or a comparison (the epsilons
    of normalisations) are *promoted*: a symmetry may need them to scale along, and is then said to be
    broken by them, with their degree.

    The result is written as builtin attributes: `noether.symmetries` on the entry function (one
    dictionary each: id, family, members, dimension, broken_by) and on each parameter (the ids), and
    `noether.dimension`. Roles are written as by `noether-mark-roles`.

    Example:

    ```mlir
    // x = data * w, loss = mean(x / sqrt(mean(x^2) + 1e-5)): w is scale-invariant but for 1e-5.
    noether.symmetries = [
      {id = "S1", family = "scale", dimension = 1 : i64,
       members = [ {argument = 0 : i64, axes = array<i64>, exponent = "1", view = array<i64: 4>} ],
       broken_by = [ {constant = 1.0e-05 : f64, degree = "2"} ]}
    ]
    ```

    Remarks (category `noether-symmetries`): `SymmetryFound`, `NoSymmetry`, `UnknownOperation`.
  }];
  let dependentDialects = ["::noether::NoetherDialect"]; // rules are its attributes
  let options = [
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">
  ];
}

def Report : Pass<"noether-report", "::mlir::ModuleOp"> {
  let summary = "Analyse a training step and write what was found as JSON.";
  let description = [{
    Runs the analysis (roles, symmetries, kinetics) and writes one JSON object; the module is left as
    it is. The file is written under a temporary name and renamed.

    Example: `noether-opt --noether-report="json=step.json" step.mlir -o /dev/null`.
  }];
  let dependentDialects = ["::noether::NoetherDialect"]; // rules are its attributes
  let options = [
    Option<"json", "json", "std::string", /*default=*/"\"-\"", "File to write ('-': standard output)">,
    Option<"source", "source", "std::string", /*default=*/"\"\"",
           "Name of what is analysed, for the report">,
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">
  ];
}

def PopulateRules : Pass<"noether-populate-rules", "::mlir::ModuleOp"> {
  let summary = "Write the rule of every operation.";
  let description = [{
    Writes the attribute `noether.rule` on every operation whose rule is known: how it relates the
    log-scales of its operands and results. Attributes that are there already stay, as a rule set by
    the user wins. Regions of operations with a rule (the body of a reduction) are part of the rule
    and are left alone. An operation nothing is known about is warned of, once per name.

    Fails if an operation contradicts itself: dimension numbers out of range, attributes that cannot
    be read, a rule that does not fit.

    Example:

    ```mlir
    %0 = "stablehlo.rsqrt"(%x) : (tensor<4xf32>) -> tensor<4xf32>
    ==>
    %0 = "stablehlo.rsqrt"(%x) {noether.rule = #noether.rule<([i])->([i]) : r0 = -1/2 o0>} : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let dependentDialects = ["::noether::NoetherDialect"];
}

#endif // NOETHER_TRANSFORMS_PASSES_TD
