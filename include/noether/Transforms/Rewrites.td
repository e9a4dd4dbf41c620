// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that use the symmetries of a step to give it another form, besides the adaptive one.
// docs/rewrites.md says what each claims, and why.

#ifndef NOETHER_TRANSFORMS_REWRITES_TD
#define NOETHER_TRANSFORMS_REWRITES_TD

include "mlir/Pass/PassBase.td"

class StepRewrite<string argument> : Pass<argument, "::mlir::ModuleOp"> {
  let dependentDialects = ["::mlir::func::FuncDialect", "::noether::NoetherDialect"];
}

def EliminateDeadParameters : StepRewrite<"noether-eliminate-dead-parameters"> {
  let summary = "Take parameters that the loss does not depend on out of the step.";
  let description = [{
    A parameter is dead if the loss does not depend on it at all. (One that nobody has called a parameter is a tensor
    that is carried, is reached by no data and by no parameter that the loss depends on, and reaches neither
    anything else.) It leaves the step with the states that
    serve it alone (its momenta, its averages): the arguments and the results that carry them, and the
    operations that nothing else needs. What another result depends on stays (a dead parameter that is
    decayed takes part in a global norm, say), and a remark names the operation.

    * `shifts`: also parameters that the loss reads and that may be anything, as it is unchanged by every shift of
      them (the bias in front of a normalisation, the bias of keys in attention). The network then has zeros
      in their place. Exact to rounding if the gradients are those of this loss: no derivative that somebody wrote
      by hand says otherwise. What else reads them (a running mean) keeps them in the step.

    Exact: everything that is left is computed by the operations it was computed by. What is taken out
    stays as it is; an optimizer that decays dead parameters would have gone on doing so.

    The attribute `noether.dropped` of the entry lists the arguments and results that are gone, by the
    numbers they had. `@noether_adapt` goes from the original arguments to those that are kept, then the
    dropped ones; `@noether_restore` is its inverse. The module stays as it is if nothing is dead. Steps in
    any dialect are accepted (with `shifts`, StableHLO).

    Remarks (category `noether-dead-parameters`): `Eliminated`, `NotEliminated` with the reason.

    Example:

    ```mlir
    func.func @main(%w: tensor<4xf32>, %dead: tensor<8xf32>, %x: ...) -> (tensor<4xf32>, tensor<8xf32>, tensor<f32>)
    ==>
    func.func @main(%w: tensor<4xf32>, %x: ...) -> (tensor<4xf32>, tensor<f32>)
        attributes {noether.dropped = {arguments = array<i64: 1>, results = array<i64: 1>}}
    ```
  }];
  let options = [
    Option<"shifts", "shifts", "bool", /*default=*/"false",
           "Also parameters whose shifts leave the loss unchanged">
  ];
}

def EliminateDecay : StepRewrite<"noether-eliminate-decay"> {
  let summary = "Turn the decay of scale-invariant parameters into a learning-rate schedule.";
  let description = [{
    The update of a parameter w and its buffers that is linear in them and in the gradient, with numbers
    that are constants of the program (gradient descent, heavy ball, Nesterov's, with coupled or decoupled
    decay, or anything else of that kind), has a state (1, k) that without a gradient only shrinks, by a
    factor a in each step. In the units u = a^-t w and y = a^t (s - k w), t the number of steps, the
    parameter does not decay, the buffers know nothing of it, and the learning rate is a^(-2t-1) times what
    it was: scale invariance makes the gradient at w the one at u over a^t. The network is computed from u.

    Exact for every linear update (theory: Li and Arora 2020, in discrete time): where the loss is not
    invariant after all (an epsilon), powers of a are put in, as by `noether-rewrite-adaptive`. Every 2^16
    fold of the scale the units are set back, so that nothing overflows.

    Parameters keep their places and hold u, buffers hold y. For each group of parameters with the same
    numbers an argument and a result are appended that count the steps (`decay.<n>.steps`, 32 bits).
    `@noether_adapt` and `@noether_restore` convert all arguments there and back.

    Parameters are taken as by `noether-rewrite-adaptive`: all members of a scale symmetry, whole. Refused,
    with a remark: updates that are not linear (Adam's), numbers that are not constants (a schedule, an
    argument), clipping that couples parameters, decay too strong for the momentum to have real modes.

    Remarks (category `noether-eliminate-decay`): `DecayEliminated` with the factor, `DecayKept` with the
    reason; `Adapted` and `NotAdapted` say which symmetries were looked at.

    Example:

    ```mlir
    // w' = w - eta (g + lambda w)
    %decay = "stablehlo.multiply"(%lambda, %w) ...
    ==>
    // u' = u - eta a^(-2t-1) g, where a = 1 - eta lambda and t = %steps
    %exponent = "stablehlo.add"(%steps_times_log, %log) ...
    %rate = "stablehlo.exponential"(%exponent) ...
    ```
  }];
  let options = [
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">,
    ListOption<"symmetries", "symmetries", "std::string", "Symmetries to take (default: all)">
  ];
}

def RestoreSymmetry : StepRewrite<"noether-restore-symmetry"> {
  let summary = "Drop the radial part of the updates of scale-invariant parameters.";
  let description = [{
    For every scale symmetry whose members are whole parameters with exponent 1, the step w' - w of each
    block loses its component along w: the update no longer breaks the symmetry by what decay, momentum or
    a normalisation do along the radius.

    * `form=sphere`: the result is scaled back to the norm of w, which then never changes: the effective
      learning rate is the learning rate over a constant.
    * `form=projected`: it is not, and norms grow by the Pythagorean theorem.

    This changes the training (Tanaka and Kunin 2021: the radius is what makes it adaptive), in the way that
    AdamP, rotational optimizers and Hyperball do, but at the blocks where invariance is proved. All other
    uses of the new weights (averages of them) see the new ones. Blocks that are zero move as they did.

    Remarks (category `noether-restore-symmetry`): `Adapted`, `NotAdapted` with the reason.

    Example:

    ```mlir
    return %next, ...
    ==>
    // radial = <w, next - w> / |w|^2, z = next - radial w
    // (form=sphere) next' = z |w| / |z|
    return %projected, ...
    ```
  }];
  let options = [
    Option<"form", "form", "std::string", /*default=*/"\"sphere\"", "sphere or projected">,
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">,
    ListOption<"symmetries", "symmetries", "std::string", "Symmetries to take (default: all)">
  ];
}

def BreakSymmetry : StepRewrite<"noether-break-symmetry"> {
  let summary = "Let symmetric parameters decay to a small random point instead of zero.";
  let description = [{
    Where symmetric parameters decay, the points that a symmetry leaves fixed (equal units, units that are
    zero) attract, and training is caught there (Ziyin 2024). For every parameter that is a member of a rescale
    symmetry, of a group on axes or of a permutation, and whose update decays it, a fixed random tensor b is
    put under it: what the optimizer moves is w - b, what the network sees is w. That is the method `syre`:
    the loss and the decay together have no such symmetry any more (with probability one).

    The bias is uniform, of mean 0 and the standard deviation `deviation`, and depends on `seed`, the number of the
    argument and the index alone: it is computed where it is used, and nothing is stored. Arguments and results
    are what they were.

    Refused, with a remark: parameters without decay (a bias would change nothing), and updates that are not
    known to be made of the gradient, decay, and states that are averages of these (slow weights would have to be
    shifted too).

    Remarks (category `noether-break-symmetry`): `Shifted`, `NotShifted` with the reason.

    Example:

    ```mlir
    %next = update(%w, %gradient)
    ==>
    %own = "stablehlo.subtract"(%w, %bias)
    %moved = update(%own, %gradient)
    %next = "stablehlo.add"(%moved, %bias)
    ```
  }];
  let options = [
    Option<"deviation", "deviation", "double", /*default=*/"0.01", "Standard deviation of the bias">,
    Option<"seed", "seed", "unsigned", /*default=*/"0", "Chooses the bias">,
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">
  ];
}

def Balance : StepRewrite<"noether-balance"> {
  let summary = "Move parameters along rescale symmetries to where their norms balance.";
  let description = [{
    Adds a public function `@noether_balance` that takes the step's arguments and returns them with
    parameters rescaled: the loss is the same for all data, and the sum of squares of the parameters, which
    is convex in the logarithms of the scales, is nearer to its minimum. States go along with the degree they
    have. One sweep multiplies by (Q / P)^(1 / (2 k (p + q))) for each unit, where P and Q are the squares of
    what is on its two sides, each times its exponent, p and q are the largest exponents, and k is the number
    of symmetries that share a parameter; it never raises the sum of squares (Saul 2023 has it for p = q = 1).

    * `sweeps`: how often.
    * `every-step`: one sweep also on what each step returns. The loss of the next step is not changed by it.

    Members must be whole parameters. Refused, with a remark: scale symmetries, parts of parameters (layers
    of a stacked one), scales that must average to one.

    Remarks (category `noether-balance`): `Moved`, `NotMoved` with the reason.

    Example: for `relu(x a) b`, column i of a and row i of b become `c a_i` and `b_i / c` with
    `c = (|b_i|^2 / |a_i|^2)^(1/4)`.
  }];
  let options = [
    Option<"sweeps", "sweeps", "unsigned", /*default=*/"30", "Sweeps of @noether_balance">,
    Option<"everyStep", "every-step", "bool", /*default=*/"false",
           "Also one sweep at the end of each step">,
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">,
    ListOption<"symmetries", "symmetries", "std::string", "Symmetries to take (default: all)">
  ];
}

def Teleport : StepRewrite<"noether-teleport"> {
  let summary = "Move parameters along rescale symmetries to where the gradient is larger.";
  let description = [{
    Adds a public function `@noether_teleport` that takes the step's arguments (the batch too) and returns
    them with parameters rescaled: the loss is the same, and the sum of squares of the gradients of all that is
    moved is not smaller. Under a rescaling by e^s the gradient of a member with exponent e becomes e^(-e s)
    times what it was, so that the sum of squares is convex in s and known in closed form: the move goes along
    its gradient, by at most `distance` in the logarithm of each scale. States go along with the degree
    they have. The step itself stays as it is.

    Members must be whole parameters. Refused, with a remark: what `noether-balance` refuses, and gradients
    that are not known.

    Remarks (category `noether-teleport`): `Moved`, `NotMoved` with the reason.

    Source: Zhao et al., Symmetry teleportation for accelerated optimization (2022).

    Example: `noether-opt --noether-teleport="distance=0.2" step.mlir`.
  }];
  let options = [
    Option<"distance", "distance", "double", /*default=*/"0.5",
           "Largest change of the logarithm of a scale">,
    Option<"spurionThreshold", "spurion-threshold", "double", /*default=*/"2e-3",
           "Largest constant that is promoted to a spurion">,
    ListOption<"symmetries", "symmetries", "std::string", "Symmetries to take (default: all)">
  ];
}

#endif // NOETHER_TRANSFORMS_REWRITES_TD
