// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "LintsJson.h"

#include "noether/Report/Json.h"

using namespace noether;
using llvm::StringRef;

static void printNumber(llvm::json::OStream &json, StringRef key,
                        const std::optional<double> &value) {
  if (value)
    json.attribute(key, *value);
  else
    json.attribute(key, nullptr);
}

/// The numbers of x' = A x + b g.
static void printMotion(llvm::json::OStream &json, const StepAnalysis &analysis,
                        const ParameterMotion &motion) {
  json.attribute("driven_by", motion.describeDrive());
  if (!motion.linear)
    return;
  const LinearMotion &linear = *motion.linear;
  json.attributeArray("buffers", [&] {
    for (unsigned state : motion.buffers)
      json.value(llvm::json::fixUTF8(analysis.roles.arguments[state].name));
  });
  json.attributeArray("transition", [&] {
    for (size_t row = 0; row < linear.size(); ++row)
      json.array([&] {
        for (size_t column = 0; column < linear.size(); ++column)
          json.value(linear.at(row, column));
      });
  });
  json.attributeArray("drive", [&] {
    for (size_t row = 0; row < linear.size(); ++row)
      json.value(linear.driveOf(row));
  });
}

void noether::printPrediction(llvm::json::OStream &json, const StepAnalysis &analysis,
                              const Prediction &prediction) {
  json.object([&] {
    printNumber(json, "equilibrium_norm", prediction.equilibriumNorm);
    printNumber(json, "time_constant_steps", prediction.timeConstant);
    printNumber(json, "rotation_per_step", prediction.rotation);
    json.attribute("label", stringifyLabel(prediction.label));
    if (prediction.motion)
      json.attributeObject("motion",
                           [&] { printMotion(json, analysis, *prediction.motion); });
    if (prediction.quantities.empty())
      return;
    json.attributeArray("quantities", [&] {
      for (const PredictedQuantity &quantity : prediction.quantities)
        json.object([&] {
          json.attribute("name", quantity.name);
          printNumber(json, "value", quantity.value);
          json.attribute("text", quantity.text);
          json.attribute("label", stringifyLabel(quantity.label));
        });
    });
  });
}

void noether::printLints(llvm::json::OStream &json, const StepAnalysis &analysis,
                         llvm::ArrayRef<Lint> lints) {
  for (const Lint &lint : lints)
    json.object([&] {
      json.attribute("code", lint.code);
      json.attribute("severity", stringifySeverity(lint.severity));
      if (lint.parameter)
        json.attribute("parameter",
                       llvm::json::fixUTF8(analysis.roles.arguments[*lint.parameter].name));
      else
        json.attribute("parameter", nullptr);
      json.attribute("message", llvm::json::fixUTF8(lint.message));
      json.attribute("location",
                     llvm::json::fixUTF8(sourcePosition(lint.getLocation(analysis))));
      json.attribute("help", llvm::json::fixUTF8(lint.help));
    });
}
