// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Report/Json.h"

#include "AxisGroupsJson.h"
#include "DerivationJson.h"
#include "LintsJson.h"

#include "noether/Analysis/Solver/Form.h"
#include "noether/Version.h"

#include "mlir/IR/Threading.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

#include <array>

using namespace mlir;
using namespace noether;
using llvm::StringRef;

std::string noether::sourcePosition(Location location) {
  std::string result;
  auto visit = [&](Location part) {
    auto position = dyn_cast<FileLineColLoc>(part);
    if (!position || position.getFilename().empty() || position.getFilename() == "-")
      return WalkResult::advance();
    result = (position.getFilename().getValue() + ":" + Twine(position.getLine())).str();
    return WalkResult::interrupt();
  };
  // Most are nothing but a position: a walk costs more than all the rest.
  if (isa<FileLineColLoc>(location))
    (void)visit(location);
  else
    location->walk(visit);
  return result;
}

namespace {
class JsonPrinter {
public:
  JsonPrinter(const StepAnalysis &analysis, llvm::raw_ostream &os)
      : analysis(analysis), entry(analysis.roles.entry), json(os, /*IndentSize=*/2) {
    for (const Symmetry &symmetry : analysis.symmetries)
      symmetries[symmetry.id] = &symmetry;
    for (const Symmetry &symmetry : analysis.translations)
      translations[symmetry.id] = &symmetry;
    for (const AxisGroup &group : analysis.axisGroups)
      groups[group.id] = &group;
  }

  /// Parts of the report, each an object.
  void printSymmetries(StringRef source);
  void printKinetics();
  void printFindings();

private:
  void printOperation(Operation *op);
  void printParameter(const ParameterFacts &facts);
  void printSymmetry(const Symmetry &symmetry);
  void printMember(const SymmetryMember &member);
  template <typename Part>
  void printPart(const Part &part);
  void printIndexed(const IndexedPart &part);
  void printAbsorber(const Absorber &absorber);
  void printKinetics(const SymmetryKinetics &kinetics);
  void printSizes(StringRef key, ArrayRef<int64_t> sizes);
  std::optional<Prediction> predictionOf(StringRef id) const;
  StringRef nameOf(unsigned argument) { return analysis.roles.arguments[argument].name; }
  RankedTensorType typeOf(unsigned argument) {
    return dyn_cast<RankedTensorType>(entry.getArgumentTypes()[argument]);
  }

  const StepAnalysis &analysis;
  func::FuncOp entry;
  llvm::json::OStream json;
  llvm::StringMap<const Symmetry *> symmetries, translations;
  llvm::StringMap<const AxisGroup *> groups;
};
} // namespace

/// Names come from the input and may be any bytes.
static std::string text(StringRef bytes) {
  return llvm::json::isUTF8(bytes) ? bytes.str() : llvm::json::fixUTF8(bytes);
}

void JsonPrinter::printSizes(StringRef key, ArrayRef<int64_t> sizes) {
  json.attributeArray(key, [&] {
    for (int64_t size : sizes)
      json.value(size);
  });
}

/// The keys `op` and `location` of an object.
void JsonPrinter::printOperation(Operation *op) {
  json.attribute("op", op ? text(op->getName().getStringRef()) : "");
  json.attribute("location", op ? text(sourcePosition(op->getLoc())) : "");
}

void JsonPrinter::printParameter(const ParameterFacts &facts) {
  const StepRoles::Argument &argument = analysis.roles.arguments[facts.argument];
  json.object([&] {
    json.attribute("name", text(argument.name));
    json.attribute("argument", facts.argument);
    RankedTensorType type = typeOf(facts.argument);
    printSizes("shape", type ? type.getShape() : ArrayRef<int64_t>());
    std::string dtype;
    llvm::raw_string_ostream(dtype)
        << (type ? type.getElementType() : entry.getArgumentTypes()[facts.argument]);
    json.attribute("dtype", dtype);
    json.attribute("role", stringifyRole(argument.role));
    json.attribute("role_decided_by", argument.decidedBy);
    json.attributeArray("symmetries", [&] {
      for (const std::string &id : facts.symmetries)
        json.value(id);
    });
    json.attribute("dead", argument.dead);
    json.attribute("invariant_unit", facts.invariantUnit);
    json.attributeArray("no_symmetry_because", [&] {
      for (const Obstruction &obstruction : facts.noSymmetryBecause)
        json.object([&] {
          printOperation(obstruction.op);
          json.attribute("says", obstruction.says);
        });
    });
  });
}

void JsonPrinter::printMember(const SymmetryMember &member) {
  json.object([&] {
    json.attribute("parameter", text(nameOf(member.argument)));
    json.attribute("exponent", toString(member.exponent));
    printSizes("axes", member.axes);
    json.attribute("side", nullptr);
    printPart(member);
  });
}

/// Where the parameter has to be split or cut to say it.
template <typename Part>
void JsonPrinter::printPart(const Part &part) {
  RankedTensorType type = typeOf(part.argument);
  if (!type || (ArrayRef<int64_t>(part.view) == type.getShape() && part.sizes == part.view))
    return;
  printSizes("view", part.view);
  printSizes("offsets", part.offsets);
  printSizes("sizes", part.sizes);
}

void JsonPrinter::printIndexed(const IndexedPart &part) {
  json.attribute("parameter", text(nameOf(part.argument)));
  json.attributeArray("indices", [&] {
    for (int64_t index : part.indices)
      if (index == IndexedPart::kNone)
        json.value(nullptr);
      else
        json.value(index);
  });
  printPart(part);
}

void JsonPrinter::printAbsorber(const Absorber &absorber) {
  json.object([&] {
    printIndexed(absorber);
    json.attribute("exponent", toString(absorber.exponent));
    if (absorber.number != 1)
      json.attribute("number", absorber.number);
    json.attributeArray("factors", [&] {
      for (const IndexedPart &factor : absorber.factors)
        json.object([&] { printIndexed(factor); });
    });
  });
}

/// "sum over axis 0 of w^2" for one member, signed terms for several; of a translation the part of
/// the parameters in its direction, "sum over axis 0 of w".
static std::string describeCharge(const Symmetry &symmetry,
                                  llvm::function_ref<StringRef(unsigned)> nameOf) {
  std::string result;
  llvm::raw_string_ostream os(result);
  for (auto [index, member] : llvm::enumerate(symmetry.members)) {
    bool negative = member.exponent < Fraction(0);
    if (index || negative)
      os << (index ? (negative ? " - " : " + ") : "-");
    if (abs(member.exponent) != Fraction(1))
      os << toString(abs(member.exponent)) << " ";
    SmallVector<int64_t> summed;
    for (int64_t axis = 0, rank = member.view.size(); axis < rank; ++axis)
      if (!llvm::is_contained(member.axes, axis))
        summed.push_back(axis);
    bool alone = symmetry.members.size() == 1;
    if (!member.axes.empty() && !summed.empty()) {
      os << "sum over " << (summed.size() > 1 ? "axes " : "axis ");
      llvm::interleaveComma(summed, os);
      os << " of ";
    } else if (member.axes.empty()) {
      os << "sum of ";
    }
    os << (alone ? StringRef("w") : nameOf(member.argument))
       << (symmetry.family == Family::Translation ? "" : "^2");
  }
  return result;
}

void JsonPrinter::printSymmetry(const Symmetry &symmetry) {
  json.object([&] {
    json.attribute("id", symmetry.id);
    json.attribute("family", stringifyFamily(symmetry.family));
    json.attributeArray("members", [&] {
      for (const SymmetryMember &member : symmetry.members)
        printMember(member);
    });
    if (!symmetry.absorbers.empty())
      json.attributeArray("absorbers", [&] {
        for (const Absorber &absorber : symmetry.absorbers)
          printAbsorber(absorber);
      });
    printSizes("block_shape", symmetry.blockShape);
    json.attribute("dimension", symmetry.dimension);
    if (symmetry.traceless)
      json.attribute("traceless", true);
    if (symmetry.undescribed)
      json.attribute("undescribed", true);
    json.attribute("exact", symmetry.isExact());
    json.attributeArray("broken_by", [&] {
      // One entry per source position: a function called in every layer is one epsilon to a reader.
      llvm::StringSet<> seen;
      for (const BrokenBy &broken : symmetry.brokenBy)
        if (seen.insert(llvm::formatv("{0:e9}/{1}/{2}", broken.constant, toString(broken.degree),
                                      sourcePosition(broken.op->getLoc()))
                            .str())
                .second)
          json.object([&] {
            json.attribute("constant", shortestDecimal(broken.constant));
            json.attribute("degree", toString(broken.degree));
            printOperation(broken.op);
          });
    });
    printDerivation(symmetry.derivation, json);
    // (What an affine shift conserves depends on how the parameters between move.)
    json.attribute("charge",
                   symmetry.undescribed || symmetry.family == Family::Affine
                       ? std::string()
                       : text(describeCharge(symmetry, [&](unsigned a) { return nameOf(a); })));
  });
}

std::optional<Prediction> JsonPrinter::predictionOf(StringRef id) const {
  if (const Symmetry *symmetry = symmetries.lookup(id))
    return predict(analysis, *symmetry);
  if (const Symmetry *symmetry = translations.lookup(id))
    return predictTranslation(analysis, *symmetry);
  const AxisGroup *group = groups.lookup(id);
  return group ? predict(analysis, *group) : std::nullopt;
}

void JsonPrinter::printKinetics(const SymmetryKinetics &kinetics) {
  json.object([&] {
    json.attribute("symmetry", kinetics.symmetry);
    json.attribute("equivariant", kinetics.equivariant);
    json.attribute("ksb", kinetics.ksb);
    json.attributeArray("laws", [&] {
      for (const Law &law : kinetics.laws)
        json.object([&] {
          json.attribute("parameter", text(nameOf(law.parameter)));
          json.attribute("hyperparameter", text(law.hyperparameter));
          if (law.value)
            json.attribute("value", shortestDecimal(*law.value));
          else
            json.attribute("value", nullptr);
          json.attribute("degree", toString(law.degree));
          json.attribute("text", text(law.text));
          printOperation(law.op);
        });
    });
    json.attributeArray("states", [&] {
      for (const StateDegree &state : kinetics.states)
        json.object([&] {
          json.attribute("name", text(nameOf(state.argument)));
          json.attribute("argument", state.argument);
          json.attribute("degree", toString(state.degree));
        });
    });
    json.attributeArray("breaks", [&] {
      for (const KineticBreak &broken : kinetics.breaks)
        json.object([&] {
          printOperation(broken.op);
          json.attribute("why", broken.why);
          json.attribute("known", broken.isKnown);
        });
    });
    if (!kinetics.keeps.empty())
      json.attribute("keeps", kinetics.keeps);
    if (!kinetics.factor.empty())
      json.attribute("factor", text(kinetics.factor));
    json.attributeBegin("prediction");
    if (std::optional<Prediction> prediction = predictionOf(kinetics.symmetry))
      printPrediction(json, analysis, *prediction);
    else
      json.value(nullptr);
    json.attributeEnd();
  });
}

void JsonPrinter::printSymmetries(StringRef source) {
  json.object([&] {
    json.attribute("schema_version", 1);
    json.attribute("tool_version", getVersion());
    json.attribute("entry", text(entry.getName()));
    json.attribute("source", text(source));
    json.attributeObject("loss", [&] { json.attribute("result", analysis.roles.loss); });
    json.attributeArray("parameters", [&] {
      for (const ParameterFacts &facts : analysis.parameters)
        printParameter(facts);
    });
    json.attributeArray("symmetries", [&] {
      for (const Symmetry &symmetry : llvm::concat<const Symmetry>(
               analysis.symmetries, analysis.translations, analysis.affineShifts))
        printSymmetry(symmetry);
      printAxisGroups(json, analysis);
    });
    json.attributeBegin("permutations");
    printPermutationSpec(json, analysis);
    json.attributeEnd();
    json.attributeObject("dimension", [&] {
      json.attribute("torus", analysis.torusDimension);
      json.attribute("torus_exact", analysis.exactTorusDimension);
      json.attribute("translation", analysis.translationDimension);
      json.attribute("affine", analysis.affineDimension);
      json.attribute("linear", analysis.linearDimension());
    });
  });
}

void JsonPrinter::printKinetics() {
  json.object([&] {
    json.attributeArray("kinetics", [&] {
      for (const SymmetryKinetics &kinetics : analysis.kinetics)
        printKinetics(kinetics);
    });
  });
}

void JsonPrinter::printFindings() {
  json.object([&] {
    json.attributeArray("gradient_mismatches", [&] {
      for (const KineticBreak &mismatch : analysis.gradientMismatches)
        json.object([&] {
          printOperation(mismatch.op);
          json.attribute("why", text(mismatch.why));
        });
    });
    json.attributeArray("lints", [&] { printLints(json, analysis, lintStep(analysis)); });
    json.attributeArray("unknown_operations", [&] {
      for (Operation *op : analysis.unknownOperations)
        json.object([&] { printOperation(op); });
    });
  });
}

void noether::printJson(const StepAnalysis &analysis, StringRef source, llvm::raw_ostream &os) {
  // Parts of one object, printed side by side as objects of their own: writing takes as long as
  // analysing.
  std::array<std::string, 3> parts;
  auto print = [&](size_t part) {
    llvm::raw_string_ostream os(parts[part]);
    os.SetBufferSize(1 << 16); // a string stream has none of its own
    JsonPrinter printer(analysis, os);
    if (part == 0)
      printer.printSymmetries(source);
    else if (part == 1)
      printer.printKinetics();
    else
      printer.printFindings();
    os.flush();
  };
  mlir::parallelFor(analysis.roles.entry->getContext(), 0, parts.size(), print);
  os << "{";
  llvm::interleave(
      parts, os, [&](StringRef part) { os << "\n"
                                          << part.drop_front().drop_back().trim('\n'); },
      ",");
  os << "\n}\n";
}
