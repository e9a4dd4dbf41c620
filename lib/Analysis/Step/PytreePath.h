// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names such as `state.params['conv1']['kernel']`, as front ends give them to arguments and results.

#ifndef NOETHER_LIB_ANALYSIS_STEP_PYTREEPATH_H
#define NOETHER_LIB_ANALYSIS_STEP_PYTREEPATH_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

namespace noether {

class PytreePath {
public:
  struct Component {
    /// Without quotes, brackets and dots.
    llvm::StringRef key;
    /// The position in a tuple or list, which says little.
    bool isIndex;
    bool operator==(const Component &other) const {
      return key == other.key && isIndex == other.isIndex;
    }
  };

  /// Splits a name into its root and the accesses that follow. Text that is no path is all root.
  /// `name` must outlive the path.
  static PytreePath parse(llvm::StringRef name);

  bool empty() const { return components.empty(); }
  /// The root comes first.
  llvm::ArrayRef<Component> getComponents() const { return components; }
  /// How many accesses follow the root.
  size_t getNumAccesses() const { return components.empty() ? 0 : components.size() - 1; }
  /// How many of the first accesses are indices.
  size_t getNumLeadingIndices() const;
  /// Whether some component contains a word, in any case.
  bool mentions(llvm::StringRef word) const;

private:
  llvm::SmallVector<Component, 4> components;
};

/// What the ends of two paths have in common.
struct CommonSuffix {
  unsigned keys = 0;   // components that are not indices
  unsigned length = 0; // components
  static CommonSuffix of(const PytreePath &a, const PytreePath &b);
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_STEP_PYTREEPATH_H
