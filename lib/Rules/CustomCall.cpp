// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Custom calls, by their targets: annotations of shardings, and those calls of LAPACK whose results
// are each of one degree in the matrix. Factorisations that pack two factors into one result (LU,
// QR, Cholesky beside what is left of the matrix) are not among them.

#include "Elementwise.h"

using namespace mlir;
using namespace noether;
using namespace noether::rules;

namespace {
/// What a call makes of a matrix A.
enum class Made {
  /// Scales as A does: eigenvalues, singular values.
  Like,
  /// Does not change when A is scaled: eigenvectors, singular vectors.
  Invariant,
  /// A number of iterations, whether it failed.
  Integer,
  /// Left in a state that nobody promises.
  Unspecified,
};
using Results = SmallVector<Made, 6>;

/// Attributes of the call itself, which XLA keeps in a dictionary.
class CallSettings {
public:
  explicit CallSettings(Operation *op) {
    for (StringRef name : {"mhlo.backend_config", "backend_config"})
      if (auto found = dyn_cast_or_null<DictionaryAttr>(op->getAttr(name)))
        settings = found;
  }
  /// Whether LAPACK's option of this name has this letter.
  bool is(StringRef name, char letter) const {
    auto value = settings ? dyn_cast_or_null<IntegerAttr>(settings.get(name)) : IntegerAttr();
    return value && value.getValue() == static_cast<unsigned char>(letter);
  }

private:
  DictionaryAttr settings;
};
} // namespace

/// What the calls `lapack_<type><routine>_ffi` return, as JAX declares them.
static std::optional<Results> resultsOf(StringRef routine, bool isComplex,
                                        const CallSettings &call) {
  auto madeIf = [&](StringRef name, char letter) {
    return call.is(name, letter) ? Made::Invariant : Made::Unspecified;
  };
  if (routine == (isComplex ? "heevd" : "syevd"))
    return Results{madeIf("mode", 'V'), Made::Like, Made::Integer};
  if (routine == "gesdd") {
    Made vectors =
        call.is("mode", 'A') || call.is("mode", 'S') ? Made::Invariant : Made::Unspecified;
    return Results{Made::Unspecified, Made::Like, vectors, vectors, Made::Integer};
  }
  if (routine == "geev") {
    Results results(isComplex ? 1 : 2, Made::Like);
    results.append({madeIf("compute_left", 'V'), madeIf("compute_right", 'V'), Made::Integer});
    return results;
  }
  return std::nullopt;
}

/// One matrix, or a batch of them, and what is made of each.
static Answer factorisation(const Context &context, ArrayRef<Made> results) {
  if (context.numOperands() != 1 || context.numResults() != results.size() ||
      context.operandRank(0) < 2)
    return Answer::barrier("operands or results are not those of the target");
  RuleBuilder rule = context.builder();
  int64_t numBatch = context.operandRank(0) - 2;
  Dims batch = rule.factors(numBatch);
  auto withFrozen = [&](int64_t rank) {
    Dims dims = batch;
    for (int64_t d = numBatch; d < rank; ++d) {
      int64_t factor = rule.factor();
      rule.frozen(factor);
      dims.push_back(factor);
    }
    return dims;
  };
  rule.operand(0, withFrozen(context.operandRank(0)));
  for (auto [index, made] : llvm::enumerate(results)) {
    if (context.resultRank(index) < numBatch || context.resultShape(index).take_front(numBatch) !=
                                                    context.operandShape(0).take_front(numBatch))
      return Answer::barrier("operands or results are not those of the target");
    if (made == Made::Unspecified && !context.op->getResult(index).use_empty())
      return Answer::barrier("a result that the target leaves unspecified is used");
    rule.result(index, withFrozen(context.resultRank(index)));
    if (made == Made::Like)
      context.define(rule, index, operand(0));
    else
      rule.vanish(result(index));
  }
  return withUses(rule, context, {OperandUse::Opaque});
}

static Answer customCall(const Context &context) {
  FailureOr<std::string> target = context.attributes.string("call_target_name");
  if (failed(target))
    return Answer::malformed("attribute 'call_target_name' is missing or is not a string");
  bool isAnnotation = llvm::is_contained(
      {"Sharding", "SPMDFullToShardShape", "SPMDShardToFullShape", "annotate_device_placement"},
      StringRef(*target));
  if (isAnnotation && context.numOperands() == 1 && context.numResults() == 1 &&
      context.operandShape(0) == context.resultShape(0))
    return copied(context);
  StringRef routine = *target;
  if (routine.consume_front("lapack_") && routine.consume_back("_ffi") && !routine.empty() &&
      StringRef("sdcz").contains(routine.front())) {
    bool isComplex = StringRef("cz").contains(routine.front());
    if (std::optional<Results> results =
            resultsOf(routine.drop_front(), isComplex, CallSettings(context.op)))
      return factorisation(context, *results);
  }
  return Answer::barrier("the target '" + *target + "' is not known");
}

void rules::addCustomCallRules(Registry &registry) {
  registry.rule("stablehlo.custom_call", customCall, ReadsAttributes | ReadsUsers,
                "eigenvalues, singular values and their vectors by LAPACK; sharding annotations; "
                "any other is a "
                "barrier unless the attribute 'noether.rule' says more");
}
