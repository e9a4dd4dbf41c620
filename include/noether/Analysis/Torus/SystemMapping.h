// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a training step to the linear system of its scale symmetries: one unknown per component of a
// parameter's log-scale, the loss and the data pinned to 0, the equations of every operation the
// loss depends on.

#ifndef NOETHER_ANALYSIS_TORUS_SYSTEMMAPPING_H
#define NOETHER_ANALYSIS_TORUS_SYSTEMMAPPING_H

#include "noether/Analysis/Torus/FieldEngine.h"
#include "noether/Analysis/Step/Roles.h"
#include "noether/Analysis/StepAnalysis.h"
#include "noether/Analysis/Solver/System.h"

namespace noether {

class SystemMapping final : private EquationSink {
public:
  SystemMapping(const Program &program, const StepRoles &roles, const AnalysisOptions &options);

  /// The origin of an unknown that names a form. (Not a key that DenseMap reserves.)
  static constexpr ValueId kNoValue = ~0u >> 1;
  /// What an unknown stands for.
  struct UnknownOrigin {
    ValueId value;
    uint64_t key;
  };
  struct Spurion {
    double constant;
    size_t step;
  };

  const System &getSystem() const { return system; }
  const UnknownOrigin &originOf(UnknownId unknown) const { return origins[unknown]; }
  std::optional<UnknownId> lookup(ValueId value, uint64_t key) const;
  const Spurion &getSpurion(uint32_t spurion) const { return spurions[spurion]; }
  llvm::ArrayRef<Spurion> getSpurions() const { return spurions; }
  /// The operation that stated an equation; null for the loss, which is pinned to 0.
  mlir::Operation *operationOf(const Equation &equation) const;

  const llvm::BitVector &getLossSlice() const { return slice; }
  Structure &getStructure() { return structure; }
  FieldEngine &getEngine() { return engine; }
  FormPool &getForms() { return forms; }
  /// Arguments of parameters the loss depends on.
  llvm::ArrayRef<unsigned> getLiveParameters() const { return liveParameters; }

private:
  void equate(FormId a, FormId b, size_t step) override;
  void relateConstant(double constant, FormId form, size_t step) override;
  bool mayPromote(double constant) const override;
  FormId addUnknown(ValueId value, uint64_t key, int64_t dimension) override;
  FormId abbreviate(FormId form, size_t step) override;

  const Program &program;
  AnalysisOptions options;
  System system;
  FormPool forms;
  llvm::BitVector slice;
  Structure structure;
  FieldEngine engine;
  std::vector<UnknownOrigin> origins;
  llvm::DenseMap<std::pair<ValueId, uint64_t>, UnknownId> byOrigin;
  std::vector<Spurion> spurions;
  llvm::SmallVector<unsigned> liveParameters;
  llvm::DenseMap<FormId, FormId> abbreviations;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_TORUS_SYSTEMMAPPING_H
