// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "AxisGroupsJson.h"

#include "DerivationJson.h"

#include "noether/Analysis/Motion/Prediction.h"

#include "llvm/ADT/MapVector.h"

#include <map>

using namespace mlir;
using namespace noether;

/// Names come from the input and may be any bytes.
static std::string nameOf(const StepAnalysis &analysis, unsigned argument) {
  return llvm::json::fixUTF8(analysis.roles.arguments[argument].name);
}

static ArrayRef<int64_t> shapeOf(const StepAnalysis &analysis, unsigned argument) {
  func::FuncOp entry = analysis.roles.entry;
  auto type = dyn_cast<RankedTensorType>(entry.getArgumentTypes()[argument]);
  return type ? type.getShape() : ArrayRef<int64_t>();
}

static void printSizes(llvm::json::OStream &json, StringRef key, ArrayRef<int64_t> sizes) {
  json.attributeArray(key, [&] {
    for (int64_t size : sizes)
      json.value(size);
  });
}

static bool isWhole(const AxisMember &member, ArrayRef<int64_t> shape) {
  return ArrayRef(member.view) == shape && member.sizes == member.view;
}

/// What gradient flow conserves: the symmetric matrices of inner products, one for each block.
static std::string describeCharge(const StepAnalysis &analysis, const AxisGroup &group) {
  std::string text;
  llvm::raw_string_ostream os(text);
  switch (group.family) {
  case AxisFamily::Permutation: // discrete
    return "";
  case AxisFamily::Orthogonal:
    return "none under gradient flow; with momentum, sum of m w^T - w m^T along the axis";
  case AxisFamily::GeneralLinear:
  case AxisFamily::ComplexLinear:
    for (auto [index, member] : llvm::enumerate(group.members)) {
      if (index || member.inverse)
        os << (member.inverse ? " - " : " + ");
      os << "gram(" << nameOf(analysis, member.argument) << ", axis " << member.axis << ")";
    }
    return text;
  }
  llvm_unreachable("unhandled family");
}

static void printMember(llvm::json::OStream &json, const StepAnalysis &analysis,
                        const AxisMember &member) {
  json.object([&] {
    json.attribute("parameter", nameOf(analysis, member.argument));
    json.attribute("exponent", member.inverse ? "-1" : "1");
    printSizes(json, "axes", {member.axis});
    json.attribute("side", member.inverse ? "inverse_transpose" : "direct");
    printSizes(json, "block_axes", member.blockAxes);
    if (!isWhole(member, shapeOf(analysis, member.argument))) {
      printSizes(json, "view", member.view);
      printSizes(json, "offsets", member.offsets);
      printSizes(json, "sizes", member.sizes);
    }
  });
}

void noether::printAxisGroups(llvm::json::OStream &json, const StepAnalysis &analysis) {
  for (const AxisGroup &group : analysis.axisGroups)
    json.object([&] {
      json.attribute("id", group.id);
      json.attribute("family", stringifyAxisFamily(group.family));
      json.attributeArray("members", [&] {
        for (const AxisMember &member : group.members)
          printMember(json, analysis, member);
      });
      printSizes(json, "block_shape", group.blockShape);
      json.attribute("size", group.size);
      json.attribute("dimension", group.dimension);
      if (group.family == AxisFamily::Permutation) {
        json.attribute("order", group.order());
      } else {
        json.attribute("dimension_in_torus", group.dimensionInTorus);
        json.attribute("fixes_constant", group.fixesConstant);
        json.attribute("fixes_sum", group.fixesSum);
      }
      json.attribute("exact", true);
      json.attributeArray("broken_by", [] {});
      printDerivation(group.derivation, json);
      if (group.family == AxisFamily::Permutation)
        json.attribute("charge", nullptr);
      else
        json.attribute("charge", describeCharge(analysis, group));
      if (std::optional<ConservedCounts> counts = countConserved(group))
        json.attributeObject("conserved", [&] {
          json.attribute("gradient_flow", counts->gradientFlow);
          json.attribute("momentum_flow", counts->momentumFlow);
        });
    });
}

void noether::printPermutationSpec(llvm::json::OStream &json, const StepAnalysis &analysis) {
  /// A part of a parameter, as a view, with the permutation on each of its axes.
  struct Part {
    const AxisMember *place;
    std::vector<const AxisGroup *> axes;
  };
  llvm::MapVector<unsigned, std::vector<Part>> parameters;
  for (const ParameterFacts &facts : analysis.parameters)
    parameters[facts.argument] = {};
  json.object([&] {
    json.attributeObject("permutations", [&] {
      for (const AxisGroup &group : analysis.axisGroups) {
        if (group.family != AxisFamily::Permutation)
          continue;
        json.attributeObject(group.id, [&] {
          json.attribute("size", group.size);
          // A permutation of its own for each index of the blocks.
          printSizes(json, "block_shape", group.blockShape);
        });
        for (const AxisMember &member : group.members) {
          std::vector<Part> &parts = parameters[member.argument];
          auto part = llvm::find_if(parts, [&](const Part &other) {
            return other.place->view == member.view && other.place->offsets == member.offsets &&
                   other.place->sizes == member.sizes;
          });
          if (part == parts.end())
            part = parts.insert(part, {&member, std::vector<const AxisGroup *>(
                                                    member.view.size(), nullptr)});
          part->axes[member.axis] = &group;
        }
      }
    });
    auto printAxes = [&](ArrayRef<const AxisGroup *> axes) {
      for (const AxisGroup *group : axes)
        group ? json.value(group->id) : json.value(nullptr);
    };
    // Parameters that have to be split or cut to say it have a list of parts.
    auto isPlain = [&](unsigned argument, ArrayRef<Part> parts) {
      return parts.empty() ||
             (parts.size() == 1 && isWhole(*parts.front().place, shapeOf(analysis, argument)));
    };
    json.attributeObject("axes", [&] {
      for (auto &[argument, parts] : parameters)
        if (isPlain(argument, parts))
          json.attributeArray(nameOf(analysis, argument), [&, &parts = parts, argument = argument] {
            std::vector<const AxisGroup *> none(shapeOf(analysis, argument).size(), nullptr);
            printAxes(parts.empty() ? none : parts.front().axes);
          });
    });
    json.attributeObject("parts", [&] {
      for (auto &[argument, parts] : parameters) {
        if (isPlain(argument, parts))
          continue;
        json.attributeArray(nameOf(analysis, argument), [&, &parts = parts] {
          for (const Part &part : parts)
            json.object([&] {
              printSizes(json, "view", part.place->view);
              printSizes(json, "offsets", part.place->offsets);
              printSizes(json, "sizes", part.place->sizes);
              json.attributeArray("axes", [&] { printAxes(part.axes); });
            });
        });
      }
    });
  });
}
