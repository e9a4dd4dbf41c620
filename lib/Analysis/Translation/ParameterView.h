// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values that are a parameter seen in another way: transposed, reshaped, converted, or a part of it.

#ifndef NOETHER_LIB_ANALYSIS_TRANSLATION_PARAMETERVIEW_H
#define NOETHER_LIB_ANALYSIS_TRANSLATION_PARAMETERVIEW_H

#include "ValueRoots.h"

namespace noether {

struct ParameterView {
  ValueId parameter;
  /// The parameter seen row-major in the shape `view`, and the part of it that the value is.
  llvm::SmallVector<int64_t, 4> view, offsets, sizes;
  /// For each dimension of the value its axis of the view; -1 for one of size 1 that is none.
  llvm::SmallVector<int, 4> axes;

  bool isWhole() const { return sizes == view; }
};

/// Nothing if a value is no such view of one of the `parameters`.
std::optional<ParameterView> viewOfParameter(const Program &program, const ValueRoots &roots,
                                             const llvm::DenseSet<ValueId> &parameters,
                                             ValueId value);

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_TRANSLATION_PARAMETERVIEW_H
