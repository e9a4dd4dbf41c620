// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "DerivationJson.h"

#include "noether/Analysis/Form.h"
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

static void printValues(llvm::StringRef key, llvm::ArrayRef<DerivationValue> values,
                        llvm::json::OStream &json) {
  json.attributeArray(key, [&] {
    for (const DerivationValue &value : values)
      json.object([&] {
        json.attribute("value", value.value);
        if (value.degree.isAny || !value.degree.isExact)
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

void noether::printDerivation(const Symmetry &symmetry, llvm::json::OStream &json) {
  json.attributeArray("derivation", [&] {
    for (const DerivationStep &step : symmetry.derivation)
      printStep(step, json);
  });
}
