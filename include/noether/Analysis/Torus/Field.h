// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The log-scale of a tensor as a function of the index: its nonzero components, each a form.

#ifndef NOETHER_ANALYSIS_TORUS_FIELD_H
#define NOETHER_ANALYSIS_TORUS_FIELD_H

#include "noether/Analysis/Solver/Form.h"

namespace noether {

/// In the place of a form, at the constant component of a choice of pieces: any scale will do there.
constexpr FormId kAnyForm = ~0u;

struct Component {
  uint64_t key;
  FormId form;
  bool operator==(const Component &other) const { return key == other.key && form == other.form; }
};
/// Components sorted by key, without zero forms.
using Field = llvm::SmallVector<Component, 2>;

using FieldId = uint32_t;

/// Fields stored once.
class FieldPool {
public:
  FieldPool();
  static constexpr FieldId zero = 0;
  /// Any scale everywhere.
  static constexpr FieldId any = 1;

  /// Sorts and interns. Fields stay where they are while the pool grows.
  FieldId intern(Field field);
  llvm::ArrayRef<Component> operator[](FieldId id) const { return fields[id]; }

private:
  llvm::BumpPtrAllocator storage;
  std::vector<llvm::ArrayRef<Component>> fields;
  /// The last field of each hash, and the one of the same hash before it, by field.
  llvm::DenseMap<uint64_t, FieldId> lastOfHash;
  std::vector<FieldId> previousOfHash;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_TORUS_FIELD_H
