// RUN: noether-opt %s | FileCheck %s
// RUN: noether-opt %s | noether-opt | FileCheck %s
// RUN: noether-opt --emit-bytecode %s | noether-opt | FileCheck %s
// RUN: noether-opt --verify-roundtrip %s -o /dev/null

// The names of factors are not stored: they are printed in the order of first use.
// CHECK-LABEL: func.func private @contraction
// CHECK-SAME: #noether.rule<([i,j,k],[i,k,l])->([i,j,l]) sum {k} : r0 = o0 + o1>
func.func private @contraction() attributes {
  noether.rule = #noether.rule<([b,i,k],[b,k,j])->([b,i,j]) sum {k} : r0 = o0 + o1>}

// CHECK-LABEL: func.func private @power
// CHECK-SAME: #noether.rule<([i])->([i]) : r0 = -1/2 o0>
func.func private @power() attributes {
  noether.rule = #noether.rule<([i])->([i]) : r0 = -2/4 o0>}

// Sizes are printed where they cannot be read from a type, and only there.
// CHECK-LABEL: func.func private @reshape
// CHECK-SAME: #noether.rule<([i,(j k l)])->([i,j,k,l]) : r0 = o0>
func.func private @reshape() attributes {
  noether.rule = #noether.rule<([n,(c h w)])->([n,c,h,w]) : r0 = o0>}

// CHECK-LABEL: func.func private @reshape_with_sizes
// CHECK-SAME: #noether.rule<([(i j)],[k])->([i,j]) sizes {i=8, j=4} : r0 = o0 - 3 o1>
func.func private @reshape_with_sizes() attributes {
  noether.rule = #noether.rule<([(c h)],[n])->([c,h]) sizes {h=4, c=8, n=2} : r0 = o0 - 3o1>}

// CHECK-LABEL: func.func private @convolution
// CHECK-SAME: #noether.rule<([i,j,k,l],[m,n,l,o])->([i,j,k,o]) sum {l,m,n} frozen {j,k} : r0 = o0 + o1>
func.func private @convolution() attributes {
  noether.rule = #noether.rule<([n,y,x,c],[p,q,c,o])->([n,y,x,o]) sum {c,p,q} frozen {y,x} : r0 = o0 + o1>}

// CHECK-LABEL: func.func private @concatenate
// CHECK-SAME: #noether.rule<([i],[j])->([{i|j}]) : r0 = o0, r0 = o1>
func.func private @concatenate() attributes {
  noether.rule = #noether.rule<([a],[b])->([{a|b}]) : r0 = o0, r0 = o1>}

// CHECK-LABEL: func.func private @pad
// CHECK-SAME: #noether.rule<([i],[])->([{j|i|_}]) sizes {j=2} : r0 = o0, r0 = o1>
func.func private @pad() attributes {
  noether.rule = #noether.rule<([i],[])->([{p|i|_}]) sizes {p=2} : r0 = o0, r0 = o1>}

// CHECK-LABEL: func.func private @slice_of_products
// CHECK-SAME: #noether.rule<([{(i j)|(k l)}])->([k,l]) sizes {i=2, j=3, k=4, l=5} : r0 = o0>
func.func private @slice_of_products() attributes {
  noether.rule = #noether.rule<([{(a b)|(c d)}])->([c,d]) sizes {a=2, b=3, c=4, d=5} : r0 = o0>}

// CHECK-LABEL: func.func private @broadcast
// CHECK-SAME: #noether.rule<([_])->([i]) : r0 = -o0>
func.func private @broadcast() attributes {
  noether.rule = #noether.rule<([_])->([i]) : r0 = - o0>}

// CHECK-LABEL: func.func private @scalars
// CHECK-SAME: #noether.rule<([],[])->([],[]) : r0 = 0, r1 = 2/3 o0 + o1, o0 = o1, o0 = 0>
func.func private @scalars() attributes {
  noether.rule = #noether.rule<([],[])->([],[]) : r0 = 0, r1 = 2/3 o0 + o1, o0 = o1, o0 = 0>}

// CHECK-LABEL: func.func private @unconstrained
// CHECK-SAME: #noether.rule<([i])->()>
func.func private @unconstrained() attributes {
  noether.rule = #noether.rule<([i])->()>}

// CHECK-LABEL: func.func private @barrier
// CHECK-SAME: #noether.rule<barrier>
func.func private @barrier() attributes {noether.rule = #noether.rule<barrier>}

// The parts may stand alone, with the names that a rule would print.
// CHECK-LABEL: func.func private @parts
// CHECK-SAME: a = #noether.dim_map<{(i j)|_|k}>
// CHECK-SAME: b = #noether.tensor_map<[i,(z_1 j)]>
// CHECK-SAME: c = #noether.tensor_map<[]>
// CHECK-SAME: d = #noether.equation<t2 = -3/2 t0 - t1>
// CHECK-SAME: e = #noether.equation<t0 = 0>
func.func private @parts() attributes {
  a = #noether.dim_map<{(i j)|_|k}>, b = #noether.tensor_map<[i, (z_1 j)]>,
  c = #noether.tensor_map<[]>, d = #noether.equation<t2 = -3/2 t0 - t1>,
  e = #noether.equation<t0 = 0>}
