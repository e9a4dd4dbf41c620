// RUN: noether-opt --noether-report=derivations %S/../Translation/translation-softmax.mlir -o /dev/null | FileCheck %s

// The proof of a translation says of each operation what is added to what it reads and makes: the mean of t and the rest
// of it, mapped by what the weights are multiplied with. A maximum passes what all its operands have; the difference
// has nothing of it.

// CHECK: "family": "translation"
// CHECK: "derivation": [
// CHECK: "op": "stablehlo.dot_general",
// CHECK: "note": "0, t + t(0) -> A[[MEAN:[0-9]+]] t(0) + A[[REST:[0-9]+]] t(0)",
// CHECK: "shift": "t + t(0)"
// CHECK: "op": "stablehlo.maximum",
// CHECK: "note": "0, A[[MEAN]] t(0) + A[[REST]] t(0) -> A[[MEAN]] t(0) + A[[REST]] t(0)",
// CHECK: "op": "stablehlo.subtract",
// CHECK: "note": "A[[MEAN]] t(0) + A[[REST]] t(0), A[[MEAN]] t(0) + A[[REST]] t(0) -> 0",
