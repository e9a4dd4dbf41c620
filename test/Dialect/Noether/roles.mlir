// RUN: noether-opt --split-input-file --verify-diagnostics %s | FileCheck %s

// CHECK-LABEL: func.func private @roles
// CHECK-SAME: noether.carried_to = 1 : i64, noether.name = "params['w']", noether.role = "param"
// CHECK-SAME: noether.role = "loss"
func.func private @roles(
    tensor<f32> {noether.role = "param", noether.name = "params['w']", noether.carried_to = 1 : i64,
                 noether.role_decided_by = "data flow"})
    -> (tensor<f32> {noether.role = "loss"}, tensor<f32> {noether.role = "param"})

// -----

// expected-error @+1 {{has an unknown role 'weights' on argument 0}}
func.func private @f(tensor<f32> {noether.role = "weights"})

// -----

// The roles of results are not those of arguments.
// expected-error @+1 {{has an unknown role 'loss' on argument 0}}
func.func private @f(tensor<f32> {noether.role = "loss"})

// -----

// expected-error @+1 {{has an unknown role 'batch' on result 1}}
func.func private @f() -> (tensor<f32>, tensor<f32> {noether.role = "batch"})

// -----

// expected-error @+1 {{has a 'noether.role' on argument 0 that is not a string: 3 : i64}}
func.func private @f(tensor<f32> {noether.role = 3})

// -----

// expected-error @+1 {{has a 'noether.name' on argument 1 that is not a string}}
func.func private @f(tensor<f32>, tensor<f32> {noether.name})

// -----

// expected-error @+1 {{has a 'noether.carried_to' on argument 0 that is not an integer: "x"}}
func.func private @f(tensor<f32> {noether.carried_to = "x"})
