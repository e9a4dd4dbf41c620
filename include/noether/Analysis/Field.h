// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The log-scale of a tensor as a function of the index: its nonzero components, each a form.

#ifndef NOETHER_ANALYSIS_FIELD_H
#define NOETHER_ANALYSIS_FIELD_H

#include "noether/Analysis/Form.h"

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

  /// Sorts and interns.
  FieldId intern(Field field);
  llvm::ArrayRef<Component> operator[](FieldId id) const { return fields[id]; }

private:
  std::vector<Field> fields;
  llvm::DenseMap<uint64_t, llvm::SmallVector<FieldId, 1>> byHash;
};

} // namespace noether

#endif // NOETHER_ANALYSIS_FIELD_H
