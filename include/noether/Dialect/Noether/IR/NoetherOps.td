// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#ifndef NOETHER_DIALECT_NOETHER_IR_NOETHEROPS_TD
#define NOETHER_DIALECT_NOETHER_IR_NOETHEROPS_TD

include "noether/Dialect/Noether/IR/NoetherAttributes.td"
include "noether/Dialect/Noether/IR/NoetherDialect.td"
include "noether/Dialect/Noether/IR/NoetherInterfaces.td"

include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Noether_Op<string mnemonic, list<Trait> traits = []>
    : Op<Noether_Dialect, mnemonic, traits>;

def Noether_MemberArrayAttr
    : TypedArrayAttrBase<Noether_MemberAttr, "members of a symmetry">;

def Noether_ChargeOp : Noether_Op<"charge", [
    Pure, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmResultNames"]>,
    DeclareOpInterfaceMethods<Noether_RuleOpInterface>]> {
  let summary = "The Noether charge of a symmetry, and what it needs to be checked.";
  let description = [{
    A symmetry multiplies the m-th parameter by `exp(e_m * s)`, where `s` may be a function of the
    block index (`#noether.member`). With `w_m` the m-th weight, seen in its view and cut to the part
    that moves, and the sums over all axes of the view that are not block axes, the results are

    ```
    charge        = sum_m e_m * sum w_m * w_m
    identity      = sum_m e_m * sum w_m * g_m      (with `gradients`)
    gradient_norm = sum_m e_m * sum g_m * g_m      (with `gradients`)
    next_charge   = sum_m e_m * sum w'_m * w'_m    (with `next`)
    ```

    in this order, each a tensor of the shape of the block index. The identity is zero up to rounding
    if the loss has the symmetry and `g` is its gradient: computing it checks the proof on the data.

    With `traceless`, only functions `s` whose mean along every block axis is zero are a symmetry:
    from each result, its mean along every block axis is taken away.

    The sums are taken in the element type of the results, which may be wider than the weights'.

    Example: hidden units of a ReLU network, each rescaled against its outgoing weights.

    ```mlir
    %charge, %identity, %gradient_norm, %next_charge = noether.charge "S1"
        members [#noether.member<1 view [4,8] axes [1]>, #noether.member<-1 view [8,2] axes [0]>]
        weights (%w1, %w2 : tensor<4x8xf32>, tensor<8x2xf32>)
        gradients (%g1, %g2 : tensor<4x8xf32>, tensor<8x2xf32>)
        next (%n1, %n2 : tensor<4x8xf32>, tensor<8x2xf32>)
        -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
    ```
  }];

  let arguments = (ins
    StrAttr:$symmetry,
    Noether_MemberArrayAttr:$members,
    UnitAttr:$traceless,
    Variadic<AnyRankedTensor>:$weights,
    Variadic<AnyRankedTensor>:$gradients,
    Variadic<AnyRankedTensor>:$next_weights
  );
  let results = (outs Variadic<AnyRankedTensor>:$charges);

  let assemblyFormat = [{
    $symmetry `members` $members (`traceless` $traceless^)?
    `weights` `(` $weights `:` type($weights) `)`
    (`gradients` `(` $gradients^ `:` type($gradients) `)`)?
    (`next` `(` $next_weights^ `:` type($next_weights) `)`)?
    attr-dict `->` type($charges)
  }];

  let builders = [
    /// As many results of the given type as the operands ask for.
    OpBuilder<(ins "::mlir::RankedTensorType":$type, "::llvm::StringRef":$symmetry,
                   "::llvm::ArrayRef<::noether::MemberAttr>":$members,
                   "::mlir::ValueRange":$weights, "::mlir::ValueRange":$gradients,
                   "::mlir::ValueRange":$nextWeights, CArg<"bool", "false">:$traceless)>
  ];

  let extraClassDeclaration = [{
    unsigned getNumMembers() { return getMembers().size(); }
    MemberAttr getMember(unsigned index) { return ::mlir::cast<MemberAttr>(getMembers()[index]); }

    ::mlir::Value getCharge() { return getCharges().front(); }
    /// The other results, null where the op does not have them.
    ::mlir::Value getIdentity() { return getGradients().empty() ? nullptr : getCharges()[1]; }
    ::mlir::Value getGradientNorm() { return getGradients().empty() ? nullptr : getCharges()[2]; }
    ::mlir::Value getNextCharge() {
      return getNextWeights().empty() ? nullptr : getCharges().back();
    }
    /// The type of every result.
    ::mlir::RankedTensorType getChargeType() {
      return ::mlir::cast<::mlir::RankedTensorType>(getCharge().getType());
    }
  }];
  let hasVerifier = 1;
}

#endif // NOETHER_DIALECT_NOETHER_IR_NOETHEROPS_TD
