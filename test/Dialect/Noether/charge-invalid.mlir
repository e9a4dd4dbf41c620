// RUN: noether-opt --split-input-file --verify-diagnostics %s

func.func @f() {
  // expected-error @+1 {{needs at least one weight}}
  %c = "noether.charge"() <{members = [], operandSegmentSizes = array<i32: 0, 0, 0>, symmetry = "S1"}> : () -> tensor<f32>
  return
}

// -----

func.func @f(%w: tensor<4xf32>) {
  // expected-error @+1 {{has 2 members, but 1 weights}}
  %c = noether.charge "S1" members [#noether.member<1 view [4]>, #noether.member<1 view [4]>]
      weights (%w : tensor<4xf32>) -> tensor<f32>
  return
}

// -----

func.func @f(%w: tensor<4xf32>) {
  // expected-error @+1 {{has 2 gradients, but 1 weights}}
  %c:3 = noether.charge "S1" members [#noether.member<1 view [4]>]
      weights (%w : tensor<4xf32>) gradients (%w, %w : tensor<4xf32>, tensor<4xf32>)
      -> tensor<f32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @f(%w: tensor<4xf32>) {
  // expected-error @+1 {{has 2 next values, but 1 weights}}
  %c:2 = noether.charge "S1" members [#noether.member<1 view [4]>]
      weights (%w : tensor<4xf32>) next (%w, %w : tensor<4xf32>, tensor<4xf32>)
      -> tensor<f32>, tensor<f32>
  return
}

// -----

func.func @f(%w: tensor<4xf32>) {
  // expected-error @+1 {{has 2 results, but its operands give 3}}
  %c:2 = noether.charge "S1" members [#noether.member<1 view [4]>]
      weights (%w : tensor<4xf32>) gradients (%w : tensor<4xf32>) -> tensor<f32>, tensor<f32>
  return
}

// -----

func.func @f(%w: tensor<4xf32>) {
  // expected-error @+1 {{has 0 results, but its operands give 1}}
  "noether.charge"(%w) <{members = [#noether.member<1 view [4]>], operandSegmentSizes = array<i32: 1, 0, 0>, symmetry = "S1"}> : (tensor<4xf32>) -> ()
  return
}

// -----

func.func @f(%w: tensor<4xf32>) {
  // expected-error @+1 {{needs results of one type}}
  %c:2 = noether.charge "S1" members [#noether.member<1 view [4]>]
      weights (%w : tensor<4xf32>) next (%w : tensor<4xf32>) -> tensor<f32>, tensor<f64>
  return
}

// -----

func.func @f(%w: tensor<4xf32>) {
  // expected-error @+1 {{needs results of static shape with a float element type, but has 'tensor<i32>'}}
  %c = noether.charge "S1" members [#noether.member<1 view [4]>]
      weights (%w : tensor<4xf32>) -> tensor<i32>
  return
}

// -----

func.func @f(%w: tensor<?xf32>) {
  // expected-error @+1 {{member 0 needs a weight of static shape with a float element type, but has 'tensor<?xf32>'}}
  %c = noether.charge "S1" members [#noether.member<1 view [4]>]
      weights (%w : tensor<?xf32>) -> tensor<f32>
  return
}

// -----

func.func @f(%w: tensor<4xi32>) {
  // expected-error @+1 {{member 0 needs a weight of static shape with a float element type, but has 'tensor<4xi32>'}}
  %c = noether.charge "S1" members [#noether.member<1 view [4]>]
      weights (%w : tensor<4xi32>) -> tensor<f32>
  return
}

// -----

func.func @f(%w: tensor<4xf32>) {
  // expected-error @+1 {{member 0 has a view of 5 values, but a weight of 4}}
  %c = noether.charge "S1" members [#noether.member<1 view [5]>]
      weights (%w : tensor<4xf32>) -> tensor<f32>
  return
}

// -----

func.func @f(%w: tensor<4xf32>, %g: tensor<2x2xf32>) {
  // expected-error @+1 {{member 0 has a weight of type 'tensor<4xf32>', but a gradient or next value of type 'tensor<2x2xf32>'}}
  %c:3 = noether.charge "S1" members [#noether.member<1 view [4]>]
      weights (%w : tensor<4xf32>) gradients (%g : tensor<2x2xf32>)
      -> tensor<f32>, tensor<f32>, tensor<f32>
  return
}

// -----

func.func @f(%w: tensor<4x3xf32>) {
  // expected-error @+1 {{member 0 has a block of shape [3], but the charge has type 'tensor<4xf32>'}}
  %c = noether.charge "S1" members [#noether.member<1 view [4,3] axes [1]>]
      weights (%w : tensor<4x3xf32>) -> tensor<4xf32>
  return
}

// -----

// expected-error @+1 {{expected an exponent}}
func.func private @f() attributes {x = #noether.member<view [4]>}

// -----

// expected-error @+1 {{an exponent is zero: leave the member out}}
func.func private @f() attributes {x = #noether.member<0 view [4]>}

// -----

// expected-error @+1 {{the denominator of a coefficient must be positive}}
func.func private @f() attributes {x = #noether.member<1/0 view [4]>}

// -----

// expected-error @+1 {{the sizes of a view must be positive, and their product must fit 64 bits}}
func.func private @f() attributes {x = #noether.member<1 view [4,0]>}

// -----

// expected-error @+1 {{the sizes of a view must be positive, and their product must fit 64 bits}}
func.func private @f() attributes {x = #noether.member<1 view [4294967296,4294967296]>}

// -----

// expected-error @+1 {{a member needs one offset and one size for each of the 2 axes of its view}}
func.func private @f() attributes {x = #noether.member<1 view [4,2] offsets [0] sizes [4,2]>}

// -----

// expected-error @+1 {{the part at 3 of size 2 is not inside an axis of size 4}}
func.func private @f() attributes {x = #noether.member<1 view [4] offsets [3] sizes [2]>}

// -----

// expected-error @+1 {{the part at -1 of size 2 is not inside an axis of size 4}}
func.func private @f() attributes {x = #noether.member<1 view [4] offsets [-1] sizes [2]>}

// -----

// expected-error @+1 {{the view has no axis 1}}
func.func private @f() attributes {x = #noether.member<1 view [4] axes [1]>}

// -----

// expected-error @+1 {{axis 0 is listed twice}}
func.func private @f() attributes {x = #noether.member<1 view [4] axes [0,0]>}
