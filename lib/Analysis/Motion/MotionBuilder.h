// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From the forms of an update to how it moves its parameter.

#ifndef NOETHER_LIB_ANALYSIS_MOTION_MOTIONBUILDER_H
#define NOETHER_LIB_ANALYSIS_MOTION_MOTIONBUILDER_H

#include "UpdateForm.h"

#include "noether/Analysis/Motion/Motion.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringMap.h"

namespace noether {

/// Values of the entry's own body, by their numbers in the program.
using EntryValues = llvm::DenseMap<ValueId, mlir::Value>;
EntryValues findEntryValues(const Program &program, mlir::func::FuncOp entry);

class MotionBuilder {
public:
  MotionBuilder(const UpdateGraph &graph, UpdateForms &forms, unsigned parameter);
  ParameterMotion build(const EntryValues &values);

private:
  /// `scale` times something over the root of a moving average of squares.
  struct Quotient {
    UpdateForm numerator, square;
    UpdateNumber scale = 1.0;
    std::optional<double> epsilon;
  };

  bool collect(const UpdateForm &form, llvm::SmallVectorImpl<unsigned> &buffers);
  std::optional<Quotient> asQuotient(AtomId direction) const;
  bool isRootOf(AtomId atom, UpdateForm &square, bool inverse) const;
  std::optional<UpdateForm> asSigned(AtomId direction) const;
  std::optional<UpdateForm> asRunningMaximum(const UpdateForm &form) const;
  bool isSumOfSquares(const UpdateForm &form) const;
  std::optional<double> sizeOfSquare(const UpdateForm &square);
  std::optional<LinearMotion> numbers(const UpdateForm *direction, double scale, bool withDecay);
  bool isConstant() const;
  std::optional<double> entry(const UpdateForm &form, AtomId atom) const;
  std::optional<LinearMotion> innerBuffers() const;
  void findKeys();
  void findDecay();
  bool isCertain(const UpdateNumber &decay) const;
  bool isPositiveMultiple(const UpdateNumber &number, const UpdateNumber &of) const;
  bool areStatesOfGradients() const;
  void findNormalization();
  void findSign();
  void findBound(const UpdateForm &numerator, double size);
  void findDirectionMemory(const UpdateForm &numerator);
  void findCoupling();
  bool carriesShared(const UpdateNumber &number, int power) const;
  void findFrozenAverages();
  std::optional<MotionNumber> valueOf(const UpdateNumber &number, const EntryValues &values,
                                      unsigned depth = 0) const;
  void findValues(const EntryValues &values);

  const UpdateGraph &graph;
  UpdateForms &forms;
  AtomId self;
  ParameterMotion motion;
  const UpdateForm *next = nullptr;
  /// Atoms that are not the parameter, its gradient or its states.
  llvm::SmallSetVector<AtomId, 2> others;
  std::optional<AtomId> direction;
  /// What a direction has as a factor besides what it is found to be made of.
  UpdateNumber directionScale = 1.0;
  /// What the gradient is multiplied by in a normalized update, but for the division.
  std::optional<UpdateNumber> step;
  /// What is squared is a difference to a moving average.
  bool squaresDifference = false;
  /// What multiplies the gradient wherever it enters, made of several parameters' gradients.
  std::optional<UpdateForms::SharedFactor> shared;
  /// Buffers that the direction is made of come after those that it drives.
  llvm::SmallVector<unsigned, 2> outer, inner;
};

/// How each parameter moves, by entry argument. `given` are numbers that arguments are to be taken to have,
/// by their names; `values` may be empty.
llvm::MapVector<unsigned, ParameterMotion> findMotions(const UpdateGraph &graph,
                                                       const llvm::StringMap<double> &given,
                                                       const EntryValues &values);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_MOTION_MOTIONBUILDER_H
