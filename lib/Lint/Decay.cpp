// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weight decay against the symmetries: N101 to N103, N106, N112, N113, N116.

#include "Linter.h"

#include "noether/Analysis/Solver/Form.h"
#include "noether/Analysis/Motion/Prediction.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/Support/Format.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace noether;
using Decay = ParameterMotion::Decay;

/// For people: four digits of what is more than 1. The report has the number.
static std::string describeGrowth(const Prediction &prediction) {
  for (const PredictedQuantity &quantity : prediction.quantities)
    if (quantity.name == "learning_rate_growth" && quantity.value && *quantity.value != 1) {
      int digits = 3 - static_cast<int>(std::floor(std::log10(std::abs(*quantity.value - 1))));
      std::string text;
      llvm::raw_string_ostream(text)
          << " (" << llvm::format("%.*f", std::clamp(digits, 0, 15), *quantity.value) << " per step)";
      return text;
    }
  return "";
}

/// Decay where the loss does not see the norm.
void Linter::checkInvariantDecay(const Symmetry &symmetry) {
  // Of a part of a parameter, or of parts that scale by unequal powers, decay is no move along the symmetry.
  if (!llvm::all_of(symmetry.members, [&](const SymmetryMember &member) {
        return member.isWholeParameter() && member.exponent == symmetry.members.front().exponent;
      }))
    return;
  SmallVector<unsigned> members = membersOf(symmetry), decayed, certain, free;
  for (unsigned argument : members) {
    const ParameterMotion *motion = motionOf(argument);
    if (!motion || motion->drive == ParameterMotion::Drive::Unknown ||
        motion->decay == Decay::Unknown)
      return;
    (motion->isDecayed() ? decayed : free).push_back(argument);
    if (motion->decayIsCertain)
      certain.push_back(argument);
  }
  std::string names = namesOf(members);
  StringRef proviso = symmetry.isExact() ? "" : ", but for an epsilon";
  bool isCommon = llvm::all_of(members, [&](unsigned argument) {
    return argument == members.front() ||
           motionOf(argument)->decaysLike(*motionOf(members.front()));
  });
  if (free.empty() && isCommon) {
    Operation *op = motionOf(members.front())->decayOp;
    // What the decay becomes after a division by the size of the gradient depends on that size.
    if (motionOf(members.front())->decay == Decay::Normalized &&
        certain.size() == members.size()) {
      add("N106", Severity::Warning, members.front(),
          "the decay of " + llvm::Twine(names) +
              " is divided by the size of the gradient like the gradient: the loss does not see the norm" +
              proviso + ", and how fast the direction turns now depends on how large gradients are",
          "take the decay out of the gradient: apply it to the parameter (decoupled decay)", op);
      return;
    }
    std::string condition =
        certain.size() == members.size() ? "" : " (where it is not 0)";
    add("N101", Severity::Note, members.front(),
        "the decay of " + llvm::Twine(names) + condition +
            " only sets a learning rate: the loss does not see the norm" + proviso,
        "the same run without decay has a learning rate that grows by a constant factor" +
            describeGrowth(predict(analysis, symmetry)),
        op);
    return;
  }
  if (!decayed.empty()) {
    if (certain.empty())
      return;
    add("N116", Severity::Note, members.front(),
        llvm::Twine(names) + " are scale-invariant together, and " +
            (free.empty() ? "decay by different rules"
                          : "only " + namesOf(decayed) +
                                (decayed.size() == 1 ? " decays" : " decay")) +
            ": their common norm follows no closed law",
        "decay all of them alike or none", motionOf(decayed.front())->decayOp);
    return;
  }
  // No decay: the law says what the growing norm does.
  for (const SymmetryKinetics &kinetics : analysis.kinetics)
    if (kinetics.symmetry == symmetry.id)
      for (const Law &law : kinetics.laws)
        if (law.isKinetic && law.degree > Fraction(0) && StringRef(law.text).starts_with("eta")) {
          add("N102", Severity::Note, members.front(),
              llvm::Twine(names) + (members.size() == 1 ? " is" : " are") + " scale-invariant" +
                  proviso + " and not decayed: the norm grows, and the effective learning rate, " +
                  law.text + ", falls",
              "decay it, or give it a schedule that knows of the growth");
          return;
        }
}

void Linter::checkScaleSymmetries() {
  for (const Symmetry &symmetry : analysis.symmetries) {
    if (symmetry.family != Family::Scale || symmetry.traceless || symmetry.undescribed)
      continue;
    checkInvariantDecay(symmetry);
    checkEpsilon(symmetry);
  }
}

void Linter::checkGainDecay() {
  llvm::SmallDenseSet<unsigned> invariant;
  for (const Symmetry &symmetry : analysis.symmetries)
    if (symmetry.family == Family::Scale)
      invariant.insert_range(membersOf(symmetry));
  for (auto &[argument, product] : analysis.normGains) {
    const ParameterMotion *motion = motionOf(argument);
    if (invariant.contains(argument) || !motion->isDecayed() || !motion->decayIsCertain ||
        motion->drive == ParameterMotion::Drive::Unknown)
      continue;
    // Recipes that decay everything are published, and work.
    add("N103", Severity::Note, argument,
        nameOf(argument) + " multiplies a normalised value and is decayed: its steps do not balance "
                           "the decay, as those of a normalised weight do",
        "leave it out of the decay", motion->decayOp);
  }
}

void Linter::checkRescaleDecay() {
  for (const Symmetry &symmetry : analysis.symmetries) {
    if (symmetry.family != Family::Rescale || symmetry.undescribed || !symmetry.isExact())
      continue;
    SmallVector<unsigned> members = membersOf(symmetry);
    bool known = true, all = true;
    SmallVector<unsigned> up, down, decayedUp, decayedDown;
    for (const SymmetryMember &member : symmetry.members) {
      const ParameterMotion *motion = motionOf(member.argument);
      known &= motion && motion->drive != ParameterMotion::Drive::Unknown &&
               (motion->decay == Decay::None || motion->decayIsCertain);
      if (!known)
        break;
      bool isUp = member.exponent > Fraction(0);
      (isUp ? up : down).push_back(member.argument);
      all &= motion->isDecayed();
      if (motion->isDecayed())
        (isUp ? decayedUp : decayedDown).push_back(member.argument);
    }
    if (!known || up.empty() || down.empty())
      continue;
    if (all) {
      add("N113", Severity::Note, members.front(),
          "where " + llvm::Twine(namesOf(members)) +
              " are 0 the loss has no gradient in them, and decay draws them there: units whose "
              "gradients are small end in it",
          "a small fixed bias in the parameters removes the trap; or decay less");
    } else if (decayedUp.empty() != decayedDown.empty()) {
      ArrayRef<unsigned> side = decayedUp.empty() ? decayedDown : decayedUp;
      add("N112", Severity::Note, members.front(),
          "only " + llvm::Twine(namesOf(side)) + " of " + namesOf(members) +
              (side.size() == 1 ? " decays" : " decay") +
              ": the loss sees their products alone, so that the others grow in its place",
          "decay both sides, or neither", motionOf(side.front())->decayOp);
    }
  }
}
