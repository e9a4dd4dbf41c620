// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DerivationJson.h"

#include "noether/Analysis/Solver/Form.h"
#include "noether/Report/Json.h"

using namespace noether;

static void printSizes(llvm::json::OStream &json, llvm::StringRef key,
                       llvm::ArrayRef<int64_t> sizes) {
  json.attributeArray(key, [&] {
    for (int64_t size : sizes)
      json.value(size);
  });
}

static void printTerm(const DegreeTerm &term, llvm::json::OStream &json) {
  json.object([&] {
    json.attribute("coefficient", toString(term.coefficient));
    json.attributeArray("axes", [&] {
      for (int64_t axis : term.axes)
        if (axis == DegreeTerm::kMean)
          json.value(nullptr);
        else
          json.value(axis);
    });
    // Where it matters which shape the axes speak of.
    bool isPart = term.sizes != term.view;
    if (!term.axes.empty() || isPart)
      printSizes(json, "view", term.view);
    if (isPart) {
      printSizes(json, "offsets", term.offsets);
      printSizes(json, "sizes", term.sizes);
    }
  });
}

static void printAction(const AxisAction &action, llvm::json::OStream &json) {
  json.object([&] {
    json.attribute("axis", action.axis);
    json.attribute("side", action.isPaired  ? "paired"
                           : action.inverse ? "inverse_transpose"
                                            : "direct");
    printSizes(json, "block_axes", action.blockAxes);
    printSizes(json, "view", action.view);
    if (action.sizes != action.view) {
      printSizes(json, "offsets", action.offsets);
      printSizes(json, "sizes", action.sizes);
    }
  });
}

static void printMotion(const AxisMotion &motion, llvm::json::OStream &json) {
  if (!motion.isExact)
    return json.attribute("actions", "?");
  json.attributeArray("actions", [&] {
    for (const AxisAction &action : motion.actions)
      printAction(action, json);
  });
}

static void printValues(llvm::StringRef key, llvm::ArrayRef<DerivationValue> values,
                        llvm::json::OStream &json) {
  json.attributeArray(key, [&] {
    for (const DerivationValue &value : values)
      json.object([&] {
        json.attribute("value", value.value);
        if (value.shift)
          json.attribute("shift", *value.shift);
        else if (value.motion)
          printMotion(*value.motion, json);
        else if (value.degree.isAny || !value.degree.isExact)
          json.attribute("degree", value.degree.toString());
        else
          json.attributeArray("degree", [&] {
            for (const DegreeTerm &term : value.degree.terms)
              printTerm(term, json);
          });
      });
  });
}

static void printStep(const DerivationStep &step, llvm::json::OStream &json) {
  json.object([&] {
    json.attribute("op", llvm::json::fixUTF8(step.op->getName().getStringRef()));
    json.attribute("location", llvm::json::fixUTF8(sourcePosition(step.op->getLoc())));
    json.attribute("equation", step.equation);
    if (!step.note.empty())
      json.attribute("note", step.note);
    json.attribute("path", step.path);
    if (step.operands.empty() && step.results.empty())
      return;
    json.attribute("part", step.part);
    json.attribute("kind", step.kind);
    json.attribute("rule", step.rule);
    if (!step.holds.empty())
      json.attribute("holds", step.holds);
    printValues("operands", step.operands, json);
    printValues("results", step.results, json);
    if (!step.spurions.empty())
      json.attributeArray("spurions", [&] {
        for (const DerivationSpurion &spurion : step.spurions)
          json.object([&] {
            json.attributeBegin("constant");
            json.rawValue(printDecimal(spurion.constant));
            json.attributeEnd();
            json.attribute("degree", toString(spurion.degree));
          });
      });
  });
}

void noether::printDerivation(llvm::ArrayRef<DerivationStep> derivation,
                              llvm::json::OStream &json) {
  if (derivation.empty())
    return;
  json.attributeArray("derivation", [&] {
    for (const DerivationStep &step : derivation)
      printStep(step, json);
  });
}
