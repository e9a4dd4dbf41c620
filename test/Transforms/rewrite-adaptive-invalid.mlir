// RUN: not noether-opt --noether-rewrite-adaptive=form=adam %s 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not noether-opt --noether-rewrite-adaptive=eps=none %s 2>&1 | FileCheck %s --check-prefix=EPS
// RUN: not noether-opt --noether-rewrite-adaptive=symmetries=S1,S7 %s 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not noether-opt --noether-rewrite-adaptive --noether-rewrite-adaptive %s 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: sed -e 's/"stablehlo.tanh"/"math.tanh"/' %s | not noether-opt --noether-rewrite-adaptive 2>&1 | FileCheck %s --check-prefix=DIALECT
// RUN: sed -e 's/@other/@noether_adapt/' %s | not noether-opt --noether-rewrite-adaptive 2>&1 | FileCheck %s --check-prefix=TAKEN
// RUN: sed -e 's/loc("params.*x: /{noether.role = "param"}, %x: /; s/tensor<4xf32> {jax.result_info = .*"}, t/t/; s/return %wn, %loss : tensor<4xf32>,/return %loss :/' %s | not noether-opt --noether-rewrite-adaptive 2>&1 | FileCheck %s --check-prefix=NEXT

// FORM: error: option 'form' of noether-rewrite-adaptive is 'adam': it can be 'exact' or 'rmsprop'
// EPS: error: option 'eps' of noether-rewrite-adaptive is 'none': it can be 'exact' or 'keep'
// NAME: error: 'func.func' op has no symmetry 'S7'
// TWICE: error: 'func.func' op is in adaptive form already
// DIALECT: error: 'math.tanh' op is not StableHLO: only steps in StableHLO can be rewritten
// NEXT: error: 'func.func' op returns no next value of arg0: it cannot be put in adaptive form
// TAKEN: error: 'func.func' op has the name of a function that the rewrite makes

func.func private @other()

func.func @main(%w: tensor<4xf32> loc("params['w']"), %x: tensor<4xf32> loc("x"))
    -> (tensor<4xf32> {jax.result_info = "result[0]['w']"}, tensor<f32> {jax.result_info = "result[1]"}) {
  %zero = "stablehlo.constant"() <{value = dense<0.0> : tensor<f32>}> : () -> tensor<f32>
  %h = "stablehlo.multiply"(%x, %w) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %h2 = "stablehlo.multiply"(%h, %h) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %v = "stablehlo.reduce"(%h2, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %s = "stablehlo.rsqrt"(%v) : (tensor<f32>) -> tensor<f32>
  %sb = "stablehlo.broadcast_in_dim"(%s) <{broadcast_dimensions = array<i64>}> : (tensor<f32>) -> tensor<4xf32>
  %y = "stablehlo.multiply"(%h, %sb) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %t = "stablehlo.tanh"(%y) : (tensor<4xf32>) -> tensor<4xf32>
  %loss = "stablehlo.reduce"(%t, %zero) <{dimensions = array<i64: 0>}> ({
  ^bb0(%a: tensor<f32>, %b: tensor<f32>):
    %c = "stablehlo.add"(%a, %b) : (tensor<f32>, tensor<f32>) -> tensor<f32>
    "stablehlo.return"(%c) : (tensor<f32>) -> ()
  }) : (tensor<4xf32>, tensor<f32>) -> tensor<f32>
  %g = "stablehlo.multiply"(%t, %sb) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %wn = "stablehlo.subtract"(%w, %g) : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %wn, %loss : tensor<4xf32>, tensor<f32>
}
