// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_TRANSFORMS_PASSES_TD
#define NOETHER_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"
include "noether/Transforms/Rewrites.td"

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

def TrackCharges : Pass<"noether-track-charges", "::mlir::ModuleOp"> {
  let summary = "Compute the Noether charge of every symmetry beside the update.";
  let description = [{
    Finds the symmetries of the step, inserts one `noether.charge` for each at the end of the entry
    function, and returns what it computes: results are appended after those there are, with
    `noether.role = "charge"` and, for a symmetry S1, `noether.name` in

    * `S1.charge`: what the symmetry conserves under gradient flow, before the step;
    * `S1.identity`: zero if the loss has the symmetry, on the data of this step;
    * `S1.gradient_norm`: by which, times the squared learning rate, plain SGD moves the charge;
    * `S1.next_charge`: the charge after the step.

    The two in the middle need the gradients of all members, and the last their next values; where the
    update does not show them, they are left out. Sums are taken in the widest type of the members, in
    f32 at least. Roles are written as by `noether-mark-roles`. Calls that return the
    next values of parameters (a step that a front end wrapped) are inlined first.

    Example:

    ```mlir
    func.func @main(%w: tensor<4x8xf32>, ...) -> (tensor<4x8xf32>, tensor<f32>)
    ==>
    func.func @main(%w: tensor<4x8xf32>, ...) -> (tensor<4x8xf32>, tensor<f32>,
        tensor<8xf32> {noether.name = "S1.charge", noether.role = "charge"}, ...) {
      ...
      %charge, %identity, %gradient_norm, %next_charge = noether.charge "S1"
          members [#noether.member<1 view [4,8] axes [1]>]
          weights (%w : tensor<4x8xf32>) gradients (%g : tensor<4x8xf32>) next (%next : tensor<4x8xf32>)
          -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
      return %next, %loss, %charge, %identity, %gradient_norm, %next_charge : ...
    ```

    With `predict`, for each symmetry whose members all move by one rule, also what the recurrence of its charge
    needs to know of the step, so that a charge can be predicted beside the measurement; the attribute
    `noether.predictions` of the entry has the symmetries, each with the label of its recurrence. For an update
    `x' = A x + b g` of parameter and buffers `x = (w, x_1, ...)` these are

    * `S1.transition`: A with the column b, from the step's own numbers (a schedule, a factor of clipping);
    * `S1.gram_0_1` and the like: the inner products `<x_i, x_j>`, summed as the charge is;
    * `S1.overlap_1`: `<x_1, g>`;
    * of a translation `T1.charge`, `T1.identity`, `T1.next_charge` and `T1.sum_1`: the sums of parameter, gradient,
      next parameter and buffers along its direction.

    For `w' = a w + p` with p divided entry by entry by its size they are `S1.move_norm` and `S1.move_overlap`,
    `|p|^2` and `<w, p>`; `S1.keeps`, a; `S1.step`, what the gradient is multiplied by in p; and `S1.memory`, what of
    a direction is left in the next one. All calls are inlined.

    Remarks: `ChargeTracked`, `ChargeNotTracked`, `ChargeNotPredicted` and `GradientNotFound` (category
    `noether-charges`).
  }];
  let options = [
    Option<"spurionThreshold", "spurion-threshold", "double", "2e-3",
           "constants up to this size that stand alone in a sum may break a symmetry">,
    Option<"predict", "predict", "bool", "false",
           "also measure what the recurrences of the charges need">
  ];
  let dependentDialects = ["::noether::NoetherDialect"];
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

def ReturnGradients : Pass<"noether-return-gradients", "::mlir::ModuleOp"> {
  let summary = "Return the gradient of every parameter that the update shows.";
  let description = [{
    Appends to the entry function's results, for each parameter whose gradient can be told from the
    update, that gradient, with `noether.role = "metric"` and, for argument 3, `noether.name =
    "gradient[3]"`. Roles are written as by `noether-mark-roles`, and calls that return the next values
    of parameters are inlined, as by `noether-track-charges`.

    It is how claims are checked against what the optimizer really uses, which need not be the gradient
    of the loss.

    Example:

    ```mlir
    func.func @main(%w: tensor<4xf32>, ...) -> (tensor<4xf32>, tensor<f32>)
    ==>
    func.func @main(%w: tensor<4xf32>, ...) -> (tensor<4xf32>, tensor<f32>,
        tensor<4xf32> {noether.name = "gradient[0]", noether.role = "metric"})
    ```
  }];
  let dependentDialects = ["::noether::NoetherDialect"]; // rules are its attributes
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

    Remarks (category `noether-symmetries`): `SymmetryFound`, `SymmetryBroken`, `NoSymmetry`,
    `UnknownOperation`.
  }];
  let dependentDialects = ["::noether::NoetherDialect"]; // rules are its attributes
  let options = [
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">
  ];
}

def RewriteAdaptive : Pass<"noether-rewrite-adaptive", "::mlir::ModuleOp"> {
  let summary = "Put scale-invariant parameters in adaptive form: a direction and a radius.";
  let description = [{
    Rewrites the step by *gauge fixing*. For every scale symmetry whose members are whole parameters (or one
    layer each of stacked ones) with exponent 1, the parameters w are held as w = r u: u lies on the unit
    sphere (over all members and all axes that are not the block's), and r is one positive number for
    each index of the block. Every value v of the step is computed as v^ with v = r^d v^, where
    the degree d (the *gauge*) follows from the rules of the operations: operations stay as they
    are. Where gauges do not fit (an epsilon next to a variance, a weight decay next to a
    gradient, a global norm, an operation nothing is known about) an operand is multiplied by a
    power of r. Each of these corrections is an identity, so the rewritten step computes what the
    original does, whatever the analysis says; the analysis makes corrections rare.

    So `w - eta * g` becomes `u - (eta / r^2) * g^`, then `r' = r |z|, u' = z / |z|`: the implicit
    adaptive learning rate, written out. The optimizer is not looked at: a state that is carried from
    step to step is held in the gauge of what is added to it (a momentum as r m, a second moment as
    r^2 v, running statistics as mean / r), which is found from its degree.

    * `form=exact`: discrete-time exact, for any optimizer.
    * `form=rmsprop`: for updates that are linear in the gradient with numbers that are constants, the form
      of Tanaka and Kunin (2021), equations (2) and (3), an approximation: r^4 is a moving average of |g^|^2, as
      in RMSProp with one number per block, and the direction moves by `-eta / (1 - beta) g^ / r^2`. Momentum
      and decay are in the numbers of the average. What it forgets per step is `4 eta lambda / (1 - beta)`;
      what gradients add is `2 eta^2 (1 + beta) / (1 - beta)^3` for gradients that keep their direction
      (`gradients=coherent`) and `2 eta^2 / (1 - beta)^2` for such as are noise (`gradients=noise`). Other
      blocks are left as they are.
    * `eps=exact`: constants are corrected as everything else (eps / r^2 in a norm). `eps=keep`: constants
      up to `spurion-threshold` stay what they are where they are added to or compared with a value in
      another gauge, as if the norm had always been taken of the direction: an approximation.
    * `symmetries=S1,S3`: adapt these only. Of symmetries that share parameters, the one of the largest
      dimension is taken.

    Parameters keep their places and hold u; for each block an argument and a result for r are appended,
    with role `state` and name `radius.<symmetry>`, and the attribute `noether.adaptive` of the entry lists
    them with the parameters and states they belong to. Public functions `@noether_adapt` (from the
    original arguments to the new ones) and `@noether_restore` (its inverse) are added. A block that is
    zero has r = 1; what is not a number in one element of a block is so in all of it. Callees are inlined
    into the entry; what is within a region (a loop, a manual computation) and what is cut along a
    block's index computes in the original gauge.

    Fails if an entry to be rewritten has operations of other dialects than StableHLO's. If no symmetry is
    suitable, the module stays as it is.

    Remarks (category `noether-adaptive`): `Adapted`, `NotAdapted` with the reason, `Corrections` with
    their number.

    Example:

    ```mlir
    // x is data, and the loss has the same value for w and 2 w but for the epsilon.
    %variance = ... : tensor<8xf32>
    %0 = stablehlo.add %variance, %eps : tensor<8xf32>
    ==>
    // %variance is computed from u = w / r.
    %1 = stablehlo.multiply %r, %r : tensor<8xf32>
    %2 = stablehlo.divide %one, %1 : tensor<8xf32>
    %3 = stablehlo.multiply %eps, %2 : tensor<8xf32>
    %0 = stablehlo.add %variance, %3 : tensor<8xf32>
    ```
  }];
  let options = [
    Option<"form", "form", "std::string", /*default=*/"\"exact\"", "Kind of rewrite: exact or rmsprop">,
    Option<"gradients", "gradients", "std::string", /*default=*/"\"coherent\"",
           "For form=rmsprop, how gradients add up: coherent or noise">,
    Option<"eps", "eps", "std::string", /*default=*/"\"exact\"",
           "Small constants next to values of other degrees: exact or keep">,
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">,
    ListOption<"symmetries", "symmetries", "std::string", "Symmetries to adapt (default: all)">
  ];
  let dependentDialects = ["::mlir::func::FuncDialect", "::noether::NoetherDialect"];
}

def OutlineUpdate : Pass<"noether-outline-update", "::mlir::ModuleOp"> {
  let summary = "Cut the update out of the step, one function for each loop over elements.";
  let description = [{
    The update is what the next parameters and states and the charges are computed from and the loss and
    the gradients are not. Its operations on tensors that are connected element by element become one
    private function, marked `noether.kernel`, that can run as one loop over the elements: it returns
    next values and, of what is summed up in the same loop (charges, norms), the sums. Equal functions
    of several parameters are one. Scalar hyperparameters, and what is computed from them alone, are
    arguments; constants stay in the body.

    Where a number that a group of operations sums up is needed by the same group again (a norm of the
    whole gradient, a trust ratio), the group has a function for each *phase*, which its call bears as
    `noether.phase`: calls of one phase depend on nothing but earlier phases. An operation runs in the
    latest phase that its users allow, so that early phases only compute what later ones wait for, and sums
    that nobody waits for ride along with the last. A value that two phases need is computed twice if that
    reads no more than writing and reading it would.

    What is not elementwise (matrix products, transposes, slices) stays where it is, as do operations on
    single numbers. Metrics that sum up the same tensors (the norm of a gradient) ride along. The module computes what it did. Callees in the update are inlined. Roles are written
    as by `noether-mark-roles`; charges are to be lowered first.

    Example:

    ```mlir
    %0 = stablehlo.multiply %eta, %g : tensor<4x8xf32> // %eta: a broadcast scalar
    %next = stablehlo.subtract %w, %0 : tensor<4x8xf32>
    %1 = stablehlo.multiply %w, %w : tensor<4x8xf32>
    %charge = stablehlo.reduce(%1) dimensions = [0, 1] : tensor<f32>
    ==>
    %next, %charge = call @update(%lr, %g, %w) {noether.phase = 0 : i64} : ...
    ```

    Remarks: `UpdateOutlined` (category `noether-kernels`) with the numbers of functions, calls and phases.
  }];
  let dependentDialects = ["::mlir::func::FuncDialect", "::noether::NoetherDialect"];
}

def Report : Pass<"noether-report", "::mlir::ModuleOp"> {
  let summary = "Analyse a training step and write what was found as JSON.";
  let description = [{
    Runs the analysis (roles, symmetries, kinetics, predictions, lints) and writes one JSON object; the
    module is left as it is. The file is written under a temporary name and renamed.

    `numbers` names a JSON file with what the step does not say: an object with numbers for
    arguments, by name, in `arguments`, and the root mean square of |w| |g| for a scale-invariant block in
    `gradient_norm`. Predictions then need not leave these open.

    Example: `noether-opt --noether-report="json=step.json" step.mlir -o /dev/null`.
  }];
  let dependentDialects = ["::noether::NoetherDialect"]; // rules are its attributes
  let options = [
    Option<"json", "json", "std::string", /*default=*/"\"-\"", "File to write ('-': standard output)">,
    Option<"source", "source", "std::string", /*default=*/"\"\"",
           "Name of what is analysed, for the report">,
    Option<"numbers", "numbers", "std::string", /*default=*/"\"\"",
           "JSON file with numbers for arguments and the size of gradients">,
    Option<"derivations", "derivations", "bool", /*default=*/"false",
           "Also give the operations and equations that prove each symmetry">,
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">
  ];
}

def Lint : Pass<"noether-lint", "::mlir::ModuleOp"> {
  let summary = "Say what is wasted or wrong in a training step, as far as its symmetries prove it.";
  let description = [{
    Every lint has a code that stays the same, a page in `docs/lints`, and a severity. A *note* is a fact that
    well-made recipes have too (the decay of a scale-invariant weight only sets its learning rate); a
    *warning* is something that is wasted or does not do what it is there for. All of them are read
    from the solution of the analysis (degrees, laws, what the update adds up); what cannot be proved is not
    said.

    Warnings are diagnostics with the code at the end, notes are remarks named by the code (category
    `noether-lint`). Lints that `fail-on` names (`warning`: this and worse; or a code) are errors, and the
    pass fails. The module is left as it is.

    Example: `noether-opt --noether-lint="fail-on=warning" step.mlir -o /dev/null`.

    ```
    step.py:41: warning: the decay of params['w'] is divided by the size of the gradient like the gradient: ... [N106]
    ```
  }];
  let dependentDialects = ["::noether::NoetherDialect"]; // rules are its attributes
  let options = [
    Option<"failOn", "fail-on", "std::string", /*default=*/"\"never\"",
           "Lints that make the pass fail: never, warning, error, or a code">,
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">
  ];
}

def PrintSystem : Pass<"noether-print-system", "::mlir::ModuleOp"> {
  let summary = "Print the linear system of a training step.";
  let description = [{
    Writes the system that `noether-infer-symmetries` solves to standard output, in the form that the
    tool `noether-solve` reads: one unknown for each component of a parameter's log-scale (`v0.1` is
    component 1 of value 0; component 0 is the scale of the whole tensor), a *spurion* for each
    constant that may scale along, and one equation a line with the operation that states it. The module
    is left as it is.

    Example: `noether-opt --noether-print-system step.mlir -o /dev/null | noether-solve`.

    ```
    # v0: params['w'], tensor<4xf32>
    # c0: 1e-05 at stablehlo.add, step.mlir:7
    unknown v0.0 dim 1
    unknown v0.1 dim 3
    spurion c0
    v0.1 = 0 # stablehlo.dot_general, step.mlir:4
    2 v0.0 = c0 # stablehlo.add, step.mlir:7
    ```
  }];
  let dependentDialects = ["::noether::NoetherDialect"]; // rules are its attributes
  let options = [
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
