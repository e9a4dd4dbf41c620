// RUN: noether-opt --allow-unregistered-dialect --noether-mark-roles --split-input-file --verify-diagnostics %s

// expected-error @+1 {{has no public function with a body: not a training step}}
module {}

// -----

// expected-error @+1 {{has 2 public functions and none is @main}}
module {
  func.func @a() { return }
  func.func @b() { return }
}

// -----

func.func @a() attributes {noether.entry} { return }
// expected-error @+1 {{is a second function marked 'noether.entry'}}
func.func @b() attributes {noether.entry} { return }

// -----

// expected-error @+1 {{has no loss: no result is a float scalar that is not carried}}
func.func @main(%w: tensor<4xf32>) -> tensor<4xf32> {
  return %w : tensor<4xf32>
}

// -----

// expected-error @+1 {{has no parameters: the loss depends on no argument of which some result is the next value}}
func.func @main(%x: tensor<4xf32> loc("x")) -> tensor<f32> {
  %loss = "test.sum"(%x) : (tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

// expected-error @+1 {{has a dynamic shape in argument 0: 'tensor<?xf32>'}}
func.func @main(%x: tensor<?xf32>) -> tensor<f32> {
  %loss = "test.sum"(%x) : (tensor<?xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

func.func @main(%w: tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>) {
  // expected-error @+1 {{has a dynamic shape: 'tensor<?xf32>'}}
  %y = "test.filter"(%w) : (tensor<4xf32>) -> tensor<?xf32>
  %loss = "test.sum"(%y) : (tensor<?xf32>) -> tensor<f32>
  return %w, %loss : tensor<4xf32>, tensor<f32>
}

// -----

func.func @main(%w: tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>) {
  %loss = call @f(%w) : (tensor<4xf32>) -> tensor<f32>
  return %w, %loss : tensor<4xf32>, tensor<f32>
}
// expected-note @+1 {{'f' is defined here}}
func.func private @f(%w: tensor<4xf32>) -> tensor<f32> {
  %loss = call @g(%w) : (tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}
func.func private @g(%w: tensor<4xf32>) -> tensor<f32> {
  // expected-error @+1 {{calls 'f' recursively}}
  %loss = call @f(%w) : (tensor<4xf32>) -> tensor<f32>
  return %loss : tensor<f32>
}

// -----

func.func @main(%w: tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>) {
  // expected-error @+1 {{calls 'f', which is not defined in this module}}
  %loss = call @f(%w) : (tensor<4xf32>) -> tensor<f32>
  return %w, %loss : tensor<4xf32>, tensor<f32>
}
func.func private @f(tensor<4xf32>) -> tensor<f32>

// -----

func.func @main(%w: tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>) {
  // expected-error @+1 {{has a constant whose elements were elided; print the module with all elements}}
  %c = "stablehlo.constant"() <{value = dense_resource<__elided__> : tensor<4xf32>}> : () -> tensor<4xf32>
  %loss = "test.loss"(%w, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %w, %loss : tensor<4xf32>, tensor<f32>
}

// -----

func.func @main(%w: tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>) {
  // expected-error @+1 {{has a constant whose elements were elided}}
  %loss = "test.loss"(%w) {tables = [{table = dense_resource<__elided__> : tensor<4xf32>}]} : (tensor<4xf32>) -> tensor<f32>
  return %w, %loss : tensor<4xf32>, tensor<f32>
}

// -----

func.func @main(%w: tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>) {
  // expected-error @+1 {{has a constant whose elements were elided}}
  %c = arith.constant dense_resource<__elided__> : tensor<4xf32>
  %loss = "test.loss"(%w, %c) : (tensor<4xf32>, tensor<4xf32>) -> tensor<f32>
  return %w, %loss : tensor<4xf32>, tensor<f32>
}

// -----

// expected-error @+1 {{argument 0 is said to be carried to result 1 : i64, which does not exist or has another type}}
func.func @main(%w: tensor<4xf32> {noether.carried_to = 1 : i64}) -> (tensor<4xf32>, tensor<f32>) {
  %loss = "test.loss"(%w) : (tensor<4xf32>) -> tensor<f32>
  return %w, %loss : tensor<4xf32>, tensor<f32>
}

// -----

// expected-error @+1 {{result 0 is the loss but not a float scalar}}
func.func @main(%w: tensor<4xf32>) -> (tensor<4xf32> {noether.role = "loss"}) {
  return %w : tensor<4xf32>
}

// -----

// expected-error @+1 {{has branches between blocks, which are not supported}}
func.func @main(%w: tensor<4xf32>) -> (tensor<4xf32>, tensor<f32>) {
  cf.br ^next
^next:
  %loss = "test.loss"(%w) : (tensor<4xf32>) -> tensor<f32>
  return %w, %loss : tensor<4xf32>, tensor<f32>
}
