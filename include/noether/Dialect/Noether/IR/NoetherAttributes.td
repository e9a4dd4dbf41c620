// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The rule of an operation and its parts.

#ifndef NOETHER_DIALECT_NOETHER_IR_NOETHERATTRIBUTES_TD
#define NOETHER_DIALECT_NOETHER_IR_NOETHERATTRIBUTES_TD

include "noether/Dialect/Noether/IR/NoetherDialect.td"
include "mlir/IR/AttrTypeBase.td"

class Noether_Attr<string name, string attrMnemonic> : AttrDef<Noether_Dialect, name> {
  let mnemonic = attrMnemonic;
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Noether_DimMapAttr : Noether_Attr<"DimMap", "dim_map"> {
  let summary = "The factors of one dimension of a tensor.";
  let description = [{
    A dimension is one of

    * `i`: one factor;
    * `(c h w)`: a product of factors, row-major (the last varies fastest);
    * `_`: no factor, for a dimension of size one (or one that is broadcast);
    * `{a|b|c}`: pieces that lie side by side, each a factor, a product or `_`.

    `factors` are the numbers of the factors in the order they are written, and `segments` how many
    of them belong to each piece. A dimension that is not cut has exactly one piece.

    Alone (outside a rule) factors are written with the names a rule gives them: `i` is factor 0.

    Example: `#noether.dim_map<{(i j)|k}>` has `factors = [0, 1, 2]`, `segments = [2, 1]`.
  }];
  let parameters = (ins
    ArrayRefParameter<"int64_t">:$factors,
    ArrayRefParameter<"int64_t">:$segments
  );
  let extraClassDeclaration = [{
    /// Whether the dimension is one single factor.
    bool isSingleFactor() const { return getSegments().size() == 1 && getFactors().size() == 1; }
    /// Whether the dimension is cut into pieces.
    bool isSegmented() const { return getSegments().size() > 1; }
    /// The factors of one piece.
    ::llvm::ArrayRef<int64_t> getSegmentFactors(unsigned segment) const;
  }];
}

def Noether_TensorMapAttr : Noether_Attr<"TensorMap", "tensor_map"> {
  let summary = "The factors of every dimension of a tensor.";
  let description = [{
    One dimension map per dimension of an operand or result.

    Example: `#noether.tensor_map<[i, (j k)]>`.
  }];
  let parameters = (ins ArrayRefParameter<"::noether::DimMapAttr">:$dims);
  let extraClassDeclaration = [{
    /// Whether a factor occurs in some dimension.
    bool contains(int64_t factor) const;
  }];
}

def Noether_EquationAttr : Noether_Attr<"Equation", "equation"> {
  let summary = "One linear equation between log-scales.";
  let description = [{
    `lhs = sum over n of (numerators[n] / denominators[n]) * tensors[n]`, where tensors are numbered
    operands first, then results. Coefficients are kept in lowest terms with positive denominators.

    Alone (outside a rule) tensors are written `t0`, `t1`, and so on.

    Example: `#noether.equation<t2 = t0 - 1/2 t1>`.
  }];
  let parameters = (ins
    "int64_t":$lhs,
    ArrayRefParameter<"int64_t">:$tensors,
    ArrayRefParameter<"int64_t">:$numerators,
    ArrayRefParameter<"int64_t">:$denominators
  );
  let skipDefaultBuilders = 1;
  let builders = [
    // Brings the coefficients into lowest terms.
    AttrBuilder<(ins "int64_t":$lhs, "::llvm::ArrayRef<int64_t>":$tensors,
                     "::llvm::ArrayRef<int64_t>":$numerators,
                     "::llvm::ArrayRef<int64_t>":$denominators), [{
      ::llvm::SmallVector<int64_t> nums(numerators), dens(denominators);
      for (auto [num, den] : ::llvm::zip(nums, dens))
        ::noether::detail::reduceToLowestTerms(num, den);
      return $_get($_ctxt, lhs, tensors, nums, dens);
    }]>
  ];
}

def Noether_RuleAttr : Noether_Attr<"Rule", "rule"> {
  let summary = "How an operation relates the log-scales of its operands and results.";
  let description = [{
    A rule names the *factors* of every dimension of every operand and result, as in einsum, and
    states linear equations between the log-scales of the tensors (`oN` operands, `rN` results).
    Fields over equal factors are the same function of the index.

    ```
    rule     ::= `barrier` | tensors `->` tensors sizes? sum? frozen? uses? equations?
    tensors  ::= `(` (tensor (`,` tensor)*)? `)`
    tensor   ::= `[` (dim (`,` dim)*)? `]`
    dim      ::= piece | `{` piece (`|` piece)+ `}`
    piece    ::= `_` | factor | `(` factor+ `)`
    sizes    ::= `sizes` `{` factor `=` integer (`,` factor `=` integer)* `}`
    sum      ::= `sum` `{` factor (`,` factor)* `}`
    frozen   ::= `frozen` `{` factor (`,` factor)* `}`
    uses     ::= `uses` `(` use (`,` use)* `)`
    use      ::= `_` | `+` | `-` | `*` | `?` | `|`
    equations::= `:` equation (`,` equation)*
    equation ::= value `=` (`0` | `-`? term ((`+` | `-`) term)*)
    term     ::= (integer (`/` integer)?)? value
    ```

    * `sizes` gives the sizes of the factors inside products and pieces; a factor that is a dimension
      of its own somewhere has its size from there.
    * `sum` lists the factors that are summed over: the summed terms must not depend on them.
    * `frozen` lists the factors whose index is mixed in a way the rule does not follow (the space
      of a convolution, a sorted axis): all fields are constant along them.
    * The first equation of a result defines it, and further ones equate; `o0 = o1` equates two
      operands. An operand in no equation is not constrained.
    * `uses` says how each operand enters the results that an equation ties it to, which is more than
      a log-scale can tell: translations and rotations are proved from it. `+` and `-`: the result is
      the sum of these operands with these signs. `*`: the result is linear in the operand while the
      others stay, but for such sums. `?`: increasing maps of all these operands at once map the result alike (maxima,
      comparisons). `|`: the result is an entry of one of these operands, the others decide which.
      `_`: nothing is known, as for all operands of a rule that does not say.
    * A `barrier` pins all operands and results to 0.

    The names of factors are not stored: they are printed `i`, `j`, ... in the order of their first
    use.

    Examples:

    ```mlir
    // A batched matrix product.
    #noether.rule<([i,j,k],[i,k,l])->([i,j,l]) sum {k} uses (*,*) : r0 = o0 + o1>
    // A difference.
    #noether.rule<([i],[i])->([i]) uses (+,-) : r0 = o0, r0 = o1>
    // rsqrt.
    #noether.rule<([i])->([i]) : r0 = -1/2 o0>
    // A reshape that splits an axis.
    #noether.rule<([i,(j k l)])->([i,j,k,l]) : r0 = o0>
    // A slice: the middle piece of an axis.
    #noether.rule<([{i|j|k},l])->([j,l]) sizes {i=2, j=6, k=2} : r0 = o0>
    ```
  }];
  let parameters = (ins
    ArrayRefParameter<"::noether::TensorMapAttr">:$operands,
    ArrayRefParameter<"::noether::TensorMapAttr">:$results,
    ArrayRefParameter<"int64_t">:$factorSizes,
    ArrayRefParameter<"int64_t">:$sumFactors,
    ArrayRefParameter<"int64_t">:$frozenFactors,
    ArrayRefParameter<"::noether::EquationAttr">:$equations,
    ArrayRefParameter<"::noether::OperandUse">:$uses,
    "bool":$barrier
  );
  let skipDefaultBuilders = 1;
  let builders = [
    // Renumbers the factors in the order of their first use, sorts the lists of factors, and drops the
    // sizes of factors that are never inside a product or a piece and uses that say nothing: equal
    // rules are one attribute.
    AttrBuilder<(ins "::llvm::ArrayRef<::noether::TensorMapAttr>":$operands,
                     "::llvm::ArrayRef<::noether::TensorMapAttr>":$results,
                     "::llvm::ArrayRef<int64_t>":$factorSizes,
                     "::llvm::ArrayRef<int64_t>":$sumFactors,
                     "::llvm::ArrayRef<int64_t>":$frozenFactors,
                     "::llvm::ArrayRef<::noether::EquationAttr>":$equations,
                     CArg<"::llvm::ArrayRef<::noether::OperandUse>", "{}">:$uses,
                     CArg<"bool", "false">:$barrier), [{
      ::noether::detail::CanonicalFactors canonical($_ctxt, operands, results, factorSizes,
                                                    sumFactors, frozenFactors);
      if (::llvm::all_of(uses, [](OperandUse use) { return use == OperandUse::Opaque; }))
        uses = {};
      return $_get($_ctxt, canonical.operands, canonical.results, canonical.sizes,
                   canonical.sumFactors, canonical.frozenFactors, equations, uses, barrier);
    }]>
  ];
  let extraClassDeclaration = [{
    /// The rule that pins everything to 0.
    static RuleAttr getBarrierRule(::mlir::MLIRContext *context);

    unsigned getNumFactors() const { return getFactorSizes().size(); }
    unsigned getNumOperands() const { return getOperands().size(); }
    unsigned getNumResults() const { return getResults().size(); }
    bool isBarrier() const { return getBarrier(); }
    /// How an operand is used; Opaque where the rule does not say.
    OperandUse getUse(unsigned operand) const {
      return getUses().empty() ? OperandUse::Opaque : getUses()[operand];
    }
    /// The same rule with these uses.
    RuleAttr withUses(::llvm::ArrayRef<OperandUse> uses) const;
    /// The map of a tensor, numbered as in equations: operands first, then results.
    TensorMapAttr getTensor(unsigned tensor) const;
  }];
}

def Noether_MemberAttr : Noether_Attr<"Member", "member"> {
  let summary = "How one parameter moves under a symmetry.";
  let description = [{
    The parameter, seen in the shape `view` (its own, or the one after splitting axes row-major), is
    multiplied by `exp(exponent * s)`, where `s` is a function of the index along `axes`. Only the part
    of the view at `offsets` with `sizes` moves; for all of it they are left out.

    Examples:

    ```mlir
    // Each column of a matrix may be scaled on its own.
    #noether.member<1 view [16,32] axes [1]>
    // The second third of a fused projection moves against its partner, with one scale per head.
    #noether.member<-1 view [3,8,64] axes [1] offsets [1,0,0] sizes [1,8,64]>
    ```
  }];
  let parameters = (ins
    "int64_t":$numerator,
    "int64_t":$denominator,
    ArrayRefParameter<"int64_t">:$view,
    ArrayRefParameter<"int64_t">:$axes,
    ArrayRefParameter<"int64_t">:$offsets,
    ArrayRefParameter<"int64_t">:$sizes
  );
  let skipDefaultBuilders = 1;
  let builders = [
    // Brings the exponent into lowest terms.
    AttrBuilder<(ins "int64_t":$numerator, "int64_t":$denominator,
                     "::llvm::ArrayRef<int64_t>":$view, "::llvm::ArrayRef<int64_t>":$axes,
                     "::llvm::ArrayRef<int64_t>":$offsets, "::llvm::ArrayRef<int64_t>":$sizes), [{
      ::noether::detail::reduceToLowestTerms(numerator, denominator);
      return $_get($_ctxt, numerator, denominator, view, axes, offsets, sizes);
    }]>
  ];
  let extraClassDeclaration = [{
    /// Whether all of the view moves.
    bool isWhole() const;
    /// The number of values in the view.
    int64_t getNumElements() const;
    /// The sizes of the block index: one scale for each.
    ::llvm::SmallVector<int64_t> getBlockShape() const;
  }];
}

#endif // NOETHER_DIALECT_NOETHER_IR_NOETHERATTRIBUTES_TD
