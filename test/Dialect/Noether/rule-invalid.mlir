// RUN: noether-opt --split-input-file --verify-diagnostics %s

// expected-error @+1 {{expected '<'}}
"builtin.module"() ({}) {noether.rule = #noether.rule} : () -> ()

// -----

// expected-error @+1 {{expected '('}}
func.func private @f() attributes {noether.rule = #noether.rule<hello>}

// -----

// expected-error @+1 {{expected '->'}}
func.func private @f() attributes {noether.rule = #noether.rule<([i]) : o0 = 0>}

// -----

// expected-error @+1 {{expected ']'}}
func.func private @f() attributes {noether.rule = #noether.rule<([i j])->([i]) : r0 = o0>}

// -----

// expected-error @+1 {{expected valid keyword}}
func.func private @f() attributes {noether.rule = #noether.rule<([3])->([i]) : r0 = o0>}

// -----

// expected-error @+1 {{expected valid keyword}}
func.func private @f() attributes {noether.rule = #noether.rule<([()])->([i]) : r0 = o0>}

// -----

// A single piece is not written in braces.
// expected-error @+1 {{expected '|'}}
func.func private @f() attributes {noether.rule = #noether.rule<([{i} ])->([i]) : r0 = o0>}

// -----

// expected-error @+1 {{a factor is used twice in one tensor}}
func.func private @f() attributes {noether.rule = #noether.rule<([i,i])->([i]) : r0 = o0>}

// -----

// expected-error @+1 {{factor 'q' is in no tensor}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) sizes {q=3} : r0 = o0>}

// -----

// expected-error @+1 {{the size of a factor must be positive}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) sizes {i=0} : r0 = o0>}

// -----

// expected-error @+1 {{the size of a factor must be positive}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) sizes {i=-7} : r0 = o0>}

// -----

// expected-error @+1 {{factor 'i' has two sizes}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) sizes {i=3, i=3} : r0 = o0>}

// -----

// expected-error @+1 {{a factor inside a product or a piece needs a size}}
func.func private @f() attributes {noether.rule = #noether.rule<([(i j)])->([i]) : r0 = o0>}

// -----

// expected-error @+1 {{factor 'q' is in no tensor}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) sum {q} : r0 = o0>}

// -----

// expected-error @+1 {{a factor that is summed over is in a result}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) sum {i} : r0 = o0>}

// -----

// expected-error @+1 {{a factor is listed twice}}
func.func private @f() attributes {noether.rule = #noether.rule<([i,j])->([i]) sum {j,j} : r0 = o0>}

// -----

// expected-error @+1 {{factor 'q' is in no tensor}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) frozen {q} : r0 = o0>}

// -----

// expected-error @+1 {{result r1 has no equation}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i],[i]) : r0 = o0>}

// -----

// expected-error @+1 {{result r0 has no equation}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i])>}

// -----

// expected-error @+1 {{the rule has no operand 1}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = o1>}

// -----

// expected-error @+1 {{the rule has no result 4294967295}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r4294967295 = o0>}

// -----

// expected-error @+1 {{expected an operand such as o0 or a result such as r0, but got 'x'}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = x>}

// -----

// expected-error @+1 {{the left-hand side of an equation occurs in its right-hand side}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = o0 + r0>}

// -----

// expected-error @+1 {{a tensor occurs twice in the right-hand side of an equation}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = o0 + o0>}

// -----

// expected-error @+1 {{a coefficient is zero: leave the term out}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = 0 o0>}

// -----

// expected-error @+1 {{the denominator of a coefficient must be positive}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = 1/0 o0>}

// -----

// expected-error @+1 {{the denominator of a coefficient must be positive}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = 1/-2 o0>}

// -----

// expected-error @+1 {{expected the name of a tensor}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = 5>}

// -----

// expected-error @+1 {{expected the name of a tensor}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = o0 + 0>}

// -----

// expected-error @+1 {{expected a coefficient or a tensor after the sign}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = --1 o0>}

// -----

// expected-error @+1 {{integer value too large}}
func.func private @f() attributes {noether.rule = #noether.rule<([i])->([i]) : r0 = 99999999999999999999 o0>}

// -----

// expected-error @+1 {{expected '>'}}
func.func private @f() attributes {noether.rule = #noether.rule<barrier : r0 = 0>}

// -----

// expected-error @+1 {{'q_1' is not the standard name of a factor}}
func.func private @f() attributes {x = #noether.tensor_map<[q_1]>}

// -----

// expected-error @+1 {{expected a tensor such as t0, but got 'o0'}}
func.func private @f() attributes {x = #noether.equation<o0 = 0>}

// -----

// expected-error @+1 {{unknown attribute `rules` in dialect `noether`}}
func.func private @f() attributes {x = #noether.rules<>}

// -----

// expected-error @+1 {{has a 'noether.rule' that is not a rule: "relu"}}
func.func private @f() attributes {noether.rule = "relu"}
