// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InlineStep.h"

#include "noether/Analysis/Solver/Form.h"
#include "noether/Analysis/StepAnalysis.h"
#include "noether/Dialect/Noether/IR/Noether.h"
#include "noether/Transforms/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"

#include "llvm/ADT/StringSet.h"

namespace noether {
#define GEN_PASS_DEF_INFERSYMMETRIES
#include "noether/Transforms/Passes.h.inc"
} // namespace noether

using namespace mlir;
using namespace noether;

/// Builtin attributes only, so that they survive every host.
static SmallVector<NamedAttribute> describe(const IndexedPart &part, Builder &b) {
  return {b.getNamedAttr("argument", b.getI64IntegerAttr(part.argument)),
          b.getNamedAttr("view", b.getDenseI64ArrayAttr(part.view)),
          b.getNamedAttr("offsets", b.getDenseI64ArrayAttr(part.offsets)),
          b.getNamedAttr("sizes", b.getDenseI64ArrayAttr(part.sizes)),
          b.getNamedAttr("indices", b.getDenseI64ArrayAttr(part.indices))};
}

static Attribute describe(const Absorber &absorber, Builder &b) {
  SmallVector<NamedAttribute> attributes = describe(static_cast<const IndexedPart &>(absorber), b);
  SmallVector<Attribute> factors;
  for (const IndexedPart &factor : absorber.factors)
    factors.push_back(b.getDictionaryAttr(describe(factor, b)));
  attributes.push_back(b.getNamedAttr("exponent", b.getStringAttr(toString(absorber.exponent))));
  attributes.push_back(b.getNamedAttr("number", b.getF64FloatAttr(absorber.number)));
  attributes.push_back(b.getNamedAttr("factors", b.getArrayAttr(factors)));
  return b.getDictionaryAttr(attributes);
}

static DictionaryAttr describe(const Symmetry &symmetry, Builder &b) {
  SmallVector<Attribute> members, brokenBy;
  for (const SymmetryMember &member : symmetry.members) {
    SmallVector<NamedAttribute> attributes = {
        b.getNamedAttr("argument", b.getI64IntegerAttr(member.argument)),
        b.getNamedAttr("exponent", b.getStringAttr(toString(member.exponent))),
        b.getNamedAttr("axes", b.getDenseI64ArrayAttr(member.axes)),
        b.getNamedAttr("view", b.getDenseI64ArrayAttr(member.view))};
    if (!member.isWholeParameter()) {
      attributes.push_back(b.getNamedAttr("offsets", b.getDenseI64ArrayAttr(member.offsets)));
      attributes.push_back(b.getNamedAttr("sizes", b.getDenseI64ArrayAttr(member.sizes)));
    }
    members.push_back(b.getDictionaryAttr(attributes));
  }
  for (const BrokenBy &broken : symmetry.brokenBy)
    brokenBy.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("constant", b.getF64FloatAttr(shortestDecimal(broken.constant))),
         b.getNamedAttr("degree", b.getStringAttr(toString(broken.degree)))}));
  SmallVector<NamedAttribute> attributes = {
      b.getNamedAttr("id", b.getStringAttr(symmetry.id)),
      b.getNamedAttr("family", b.getStringAttr(stringifyFamily(symmetry.family))),
      b.getNamedAttr("members", b.getArrayAttr(members)),
      b.getNamedAttr("dimension", b.getI64IntegerAttr(symmetry.dimension)),
      b.getNamedAttr("broken_by", b.getArrayAttr(brokenBy))};
  SmallVector<Attribute> absorbers;
  for (const Absorber &absorber : symmetry.absorbers)
    absorbers.push_back(describe(absorber, b));
  if (!absorbers.empty())
    attributes.push_back(b.getNamedAttr("absorbers", b.getArrayAttr(absorbers)));
  return b.getDictionaryAttr(attributes);
}

static DictionaryAttr describe(const AxisGroup &group, Builder &b) {
  SmallVector<Attribute> members;
  for (const AxisMember &member : group.members) {
    SmallVector<NamedAttribute> attributes = {
        b.getNamedAttr("argument", b.getI64IntegerAttr(member.argument)),
        b.getNamedAttr("side", b.getStringAttr(member.inverse ? "inverse_transpose" : "direct")),
        b.getNamedAttr("axis", b.getI64IntegerAttr(member.axis)),
        b.getNamedAttr("block_axes", b.getDenseI64ArrayAttr(member.blockAxes)),
        b.getNamedAttr("view", b.getDenseI64ArrayAttr(member.view))};
    if (member.sizes != member.view) {
      attributes.push_back(b.getNamedAttr("offsets", b.getDenseI64ArrayAttr(member.offsets)));
      attributes.push_back(b.getNamedAttr("sizes", b.getDenseI64ArrayAttr(member.sizes)));
    }
    members.push_back(b.getDictionaryAttr(attributes));
  }
  SmallVector<NamedAttribute> attributes = {
      b.getNamedAttr("id", b.getStringAttr(group.id)),
      b.getNamedAttr("family", b.getStringAttr(stringifyAxisFamily(group.family))),
      b.getNamedAttr("members", b.getArrayAttr(members)),
      b.getNamedAttr("size", b.getI64IntegerAttr(group.size)),
      b.getNamedAttr("block_shape", b.getDenseI64ArrayAttr(group.blockShape)),
      b.getNamedAttr("dimension", b.getI64IntegerAttr(group.dimension))};
  for (auto [name, holds] : {std::make_pair("fixes_constant", group.fixesConstant),
                             std::make_pair("fixes_sum", group.fixesSum)})
    if (holds)
      attributes.push_back(b.getNamedAttr(name, b.getUnitAttr()));
  return b.getDictionaryAttr(attributes);
}

static void annotate(const StepAnalysis &analysis) {
  func::FuncOp entry = analysis.roles.entry;
  Builder b(entry.getContext());
  SmallVector<Attribute> symmetries;
  for (const Symmetry &symmetry :
       llvm::concat<const Symmetry>(analysis.symmetries, analysis.translations,
                                    analysis.affineShifts))
    symmetries.push_back(describe(symmetry, b));
  for (const AxisGroup &group : analysis.axisGroups)
    symmetries.push_back(describe(group, b));
  entry->setDiscardableAttr("noether.symmetries", b.getArrayAttr(symmetries));
  SmallVector<NamedAttribute> dimension = {
      b.getNamedAttr("torus", b.getI64IntegerAttr(analysis.torusDimension)),
      b.getNamedAttr("torus_exact", b.getI64IntegerAttr(analysis.exactTorusDimension)),
      b.getNamedAttr("translation", b.getI64IntegerAttr(analysis.translationDimension))};
  if (analysis.affineDimension)
    dimension.push_back(b.getNamedAttr("affine", b.getI64IntegerAttr(analysis.affineDimension)));
  entry->setDiscardableAttr("noether.dimension", b.getDictionaryAttr(dimension));
  SmallVector<DictionaryAttr> arguments;
  for (unsigned i = 0; i < entry.getNumArguments(); ++i)
    arguments.push_back(NamedAttrList(entry.getArgAttrDict(i)).getDictionary(b.getContext()));
  for (const ParameterFacts &facts : analysis.parameters) {
    SmallVector<StringRef> ids(facts.symmetries.begin(), facts.symmetries.end());
    NamedAttrList attributes(arguments[facts.argument]);
    attributes.set("noether.symmetries", b.getStrArrayAttr(ids));
    arguments[facts.argument] = attributes.getDictionary(b.getContext());
  }
  entry.setAllArgAttrs(arguments);
}

/// "w", or "w[0:4, 1:2, 0:5 of 4x3x5]" where only a part of the parameter moves.
template <typename Member> static std::string describePlace(StringRef name, const Member &member) {
  std::string text = name.str();
  if (member.sizes == member.view)
    return text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(llvm::zip(member.offsets, member.sizes), os, [&](auto part) {
    os << std::get<0>(part) << ":" << std::get<0>(part) + std::get<1>(part);
  });
  os << " of ";
  llvm::interleave(member.view, os, "x");
  os << "]";
  return text;
}

static void emitRemarks(const StepAnalysis &analysis) {
  func::FuncOp entry = analysis.roles.entry;
  auto options = [&](StringRef name) {
    return remark::RemarkOpts::name(name).category("noether-symmetries").function(entry.getName());
  };
  auto nameOf = [&](unsigned argument) -> StringRef {
    return analysis.roles.arguments[argument].name;
  };
  for (const Symmetry &symmetry :
       llvm::concat<const Symmetry>(analysis.symmetries, analysis.translations,
                                    analysis.affineShifts)) {
    Location location = entry.getArgument(symmetry.members.front().argument).getLoc();
    auto remark = remark::passed(location, options("SymmetryFound"));
    if (!remark)
      return; // nobody listens
    remark << remark::metric("id", symmetry.id)
           << remark::metric("family", stringifyFamily(symmetry.family))
           << remark::metric("dimension", symmetry.dimension);
    for (const SymmetryMember &member : symmetry.members)
      remark << remark::metric(describePlace(nameOf(member.argument), member),
                               toString(member.exponent));
    for (const Absorber &absorber : symmetry.absorbers)
      remark << remark::metric(describePlace(nameOf(absorber.argument), absorber), [&] {
        std::string amount = toString(absorber.exponent);
        for (const IndexedPart &factor : absorber.factors)
          amount += " " + describePlace(nameOf(factor.argument), factor);
        return amount;
      }());
    remark << remark::metric("exact", symmetry.isExact() ? "yes" : "no");
  }
  for (const AxisGroup &group : analysis.axisGroups) {
    auto remark = remark::passed(entry.getArgument(group.members.front().argument).getLoc(),
                                 options("SymmetryFound"));
    if (!remark)
      return;
    remark << remark::metric("id", group.id)
           << remark::metric("family", stringifyAxisFamily(group.family))
           << remark::metric("dimension", group.dimension);
    for (const AxisMember &member : group.members)
      remark << remark::metric(describePlace(nameOf(member.argument), member),
                               "axis " + std::to_string(member.axis) +
                                   (member.inverse ? " inverse" : ""));
  }
  for (const Symmetry &symmetry : analysis.symmetries) {
    llvm::StringSet<> seen; // a function called in every layer is one epsilon to a reader
    for (const BrokenBy &broken : symmetry.brokenBy) {
      std::string constant = printDecimal(broken.constant), degree = toString(broken.degree);
      std::string key;
      llvm::raw_string_ostream(key) << constant << "/" << degree << "/" << broken.op->getLoc();
      if (seen.insert(key).second)
        remark::missed(broken.op->getLoc(), options("SymmetryBroken"))
            << remark::metric("id", symmetry.id) << remark::metric("constant", constant)
            << remark::metric("degree", degree);
    }
  }
  for (const ParameterFacts &facts : analysis.parameters)
    for (const Obstruction &obstruction : facts.noSymmetryBecause)
      remark::missed(obstruction.op ? obstruction.op->getLoc() : entry.getLoc(),
                     options("NoSymmetry"))
          << remark::metric("parameter", nameOf(facts.argument))
          << remark::reason("{0}", obstruction.says);
  for (Operation *op : analysis.unknownOperations)
    remark::missed(op->getLoc(), options("UnknownOperation"))
        << remark::metric("op", op->getName().getStringRef());
}

namespace {
struct InferSymmetries : noether::impl::InferSymmetriesBase<InferSymmetries> {
  using InferSymmetriesBase::InferSymmetriesBase;

  void runOnOperation() override {
    if (failed(inlineStep(getOperation())))
      return signalPassFailure();
    AnalysisOptions options;
    options.spurionThreshold = spurionThreshold;
    FailureOr<StepAnalysis> analysis = analyzeStep(getOperation(), options);
    if (failed(analysis))
      return signalPassFailure();
    annotateRoles(analysis->roles);
    annotate(*analysis);
    emitRemarks(*analysis);
  }
};
} // namespace
