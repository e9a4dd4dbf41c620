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

#endif // NOETHER_TRANSFORMS_PASSES_TD
