// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the loss does not depend on: N104, N105, N115.

#include "Linter.h"

#include "noether/Analysis/Solver/Form.h"

#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Format.h"

using namespace mlir;
using namespace noether;
using Drive = ParameterMotion::Drive;

/// Less than this share of the memory of parameters and states is not worth a warning.
static constexpr double kWorthwhileShare = 0.01;

static std::string describeBytes(double bytes) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (bytes < 1024)
    os << static_cast<int64_t>(bytes) << " bytes";
  else if (bytes < 1024 * 1024)
    os << llvm::format("%.1f KiB", bytes / 1024);
  else
    os << llvm::format("%.1f MiB", bytes / 1024 / 1024);
  return text;
}

/// A shift in any direction leaves the loss as it is: it does not depend on the parameter.
static bool isFreeToMove(const Symmetry &symmetry, RankedTensorType type) {
  return symmetry.family == Family::Translation && symmetry.members.size() == 1 &&
         symmetry.isExact() && !symmetry.traceless && !symmetry.undescribed &&
         symmetry.members.front().isWholeParameter() && type && type.hasStaticShape() &&
         symmetry.dimension == type.getNumElements();
}

void Linter::checkDeadParameters() {
  llvm::MapVector<unsigned, StringRef> dead; // with the reason
  for (const ParameterFacts &facts : analysis.parameters)
    if (analysis.roles.arguments[facts.argument].dead)
      dead[facts.argument] = "the loss does not read it";
  for (const Symmetry &symmetry : analysis.translations)
    if (isFreeToMove(symmetry, typeOf(symmetry.members.front().argument)))
      dead.insert({symmetry.members.front().argument,
                   "whatever it adds is taken away before it reaches the loss"});
  if (dead.empty())
    return;

  double total = 0, wasted = 0;
  for (const ParameterFacts &facts : analysis.parameters)
    total += bytesWithStates(facts.argument);
  for (auto &[argument, why] : dead)
    wasted += bytesWithStates(argument);
  for (auto &[argument, why] : dead) {
    bool isRead = !analysis.roles.arguments[argument].dead;
    const ParameterMotion *motion = motionOf(argument);
    bool wanders = isRead && motion && motion->drive == Drive::Normalized;
    add("N105", isRead && wasted < kWorthwhileShare * total ? Severity::Note : Severity::Warning,
        argument,
        nameOf(argument) + " is dead: " + why + "; it costs " +
            describeBytes(bytesWithStates(argument)) + " with its states" +
            (wanders ? ", and an update that is divided by the gradient's size moves it at random" : ""),
        "remove it");
    if (motion && motion->isDecayed() && motion->decayIsCertain)
      add("N104", Severity::Note, argument,
          "the decay of " + nameOf(argument) + " does nothing: the parameter is dead",
          "remove the parameter, or leave it out of the decay", motion->decayOp);
  }
}

/// Directions of live parameters along which the loss is constant.
void Linter::checkFrozenDirections() {
  for (const Symmetry &symmetry : analysis.translations) {
    if (!symmetry.isExact() || symmetry.undescribed ||
        isFreeToMove(symmetry, typeOf(symmetry.members.front().argument)))
      continue;
    SmallVector<unsigned> members = membersOf(symmetry);
    bool areFrozen = llvm::all_of(members, [&](unsigned argument) {
      const ParameterMotion *motion = motionOf(argument);
      return motion && motion->drive == Drive::Gradient &&
             motion->decay == ParameterMotion::Decay::None &&
             (argument == members.front() || motion->movesLike(*motionOf(members.front())));
    });
    if (areFrozen)
      add("N115", Severity::Note, members.front(),
          llvm::Twine(symmetry.dimension) + (symmetry.dimension == 1 ? " direction of " : " directions of ") +
              namesOf(members) + (symmetry.dimension == 1 ? " keeps" : " keep") +
              " the initial value for ever: the loss has no gradient there and nothing decays",
          "initialise the parameters with sum zero along it, or decay them");
  }
}
