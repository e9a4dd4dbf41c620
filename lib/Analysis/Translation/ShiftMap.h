// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What becomes of a shift of a parameter on its way through the step.
//
// A component of a parameter's shift is a function with zero mean along some atoms. Each linear
// operation applies a linear map to it, which may depend on the data: x W with W shifted by a is
// shifted by the contraction of a with x. Such a map is a *shift map*, hash-consed, so that two
// values have the same shift if they have the same maps. Its *legs* are the indices of its result.
// Two maps that are built differently are taken to be independent: this can only lose symmetries.

#ifndef NOETHER_LIB_ANALYSIS_TRANSLATION_SHIFTMAP_H
#define NOETHER_LIB_ANALYSIS_TRANSLATION_SHIFTMAP_H

#include "noether/Analysis/Program/Program.h"

#include <deque>

namespace noether {

using ShiftMapId = uint32_t;
using Legs = llvm::SmallVector<uint8_t, 8>;

class ShiftMaps {
public:
  static constexpr unsigned kMaxLegs = 32;
  /// Kinds of maps in descriptions.
  enum Kind : uint64_t { Identity, ProductOf, ScaledBy, SummedOver, MappedBy, Bundle };

  /// How a map runs along one axis of an operation: the component and the legs it has there.
  struct Part {
    uint64_t digit = 0;
    Legs legs;
  };
  /// How a dimension of a value takes part in a product.
  struct Dim {
    unsigned dimension;
    bool isSummed;
    /// What the map had along the dimension's axes; nothing for a sum of the value alone.
    llvm::SmallVector<Part, 1> parts;
    /// Legs along a dimension that is not summed.
    unsigned numLegs = 0;
  };
  /// The product of another map with a value (or its reciprocal), summed over some dimensions. The
  /// legs are those of the other map that are in no part, in order, then those of each dimension.
  struct Product {
    ShiftMapId inner;
    ValueId value;
    int power;
    llvm::SmallVector<Dim, 2> dims;
  };

  /// Functions of `numLegs` indices, with zero mean along each.
  ShiftMapId identity(unsigned numLegs);
  ShiftMapId product(Product product);
  /// A map that is told by a list of numbers, the first of which says what kind it is. `numKept` legs
  /// are those of `inner` that are left when `consumed` are gone; further ones follow.
  ShiftMapId other(llvm::ArrayRef<uint64_t> description, ShiftMapId inner,
                   llvm::ArrayRef<uint8_t> consumed, unsigned numNew);

  /// A sum of terms that is followed as one; `description` tells the terms.
  ShiftMapId bundle(llvm::ArrayRef<uint64_t> description, unsigned numLegs, uint64_t zeroMean);

  unsigned numLegs(ShiftMapId map) const { return maps[map].numLegs; }
  bool hasZeroMean(ShiftMapId map, uint8_t leg) const { return maps[map].zeroMean >> leg & 1; }
  /// One bit per leg.
  uint64_t getZeroMean(ShiftMapId map) const { return maps[map].zeroMean; }
  bool isIdentity(ShiftMapId map) const { return maps[map].isIdentity; }
  /// A map of another one: a number times it, or its sum over legs.
  struct Unary {
    Kind kind;
    ShiftMapId inner;
    double number = 1; // of ScaledBy, with its power
    llvm::ArrayRef<uint64_t> consumed;
  };
  /// Nothing if the map is of another kind.
  std::optional<Unary> getUnary(ShiftMapId map) const;
  /// Null if the map is no product.
  const Product *getProduct(ShiftMapId map) const {
    return maps[map].product;
  }
  /// The number of a leg after others were consumed.
  static uint8_t renumbered(uint8_t leg, llvm::ArrayRef<uint8_t> consumed);

private:
  using Description = llvm::SmallVector<uint64_t, 48>;
  struct Map {
    unsigned numLegs;
    uint64_t zeroMean;
    const Product *product = nullptr;
    bool isIdentity = false;
  };
  /// The map of a description, and whether it is new: it is then as `map` says.
  std::pair<ShiftMapId, bool> intern(llvm::ArrayRef<uint64_t> description, Map map);
  uint64_t keptZeroMean(ShiftMapId inner, llvm::ArrayRef<uint8_t> consumed) const;
  llvm::ArrayRef<uint64_t> descriptionOf(ShiftMapId map) const {
    return llvm::ArrayRef<uint64_t>(descriptions).slice(starts[map], starts[map + 1] - starts[map]);
  }

  std::vector<Map> maps;
  std::deque<Product> products;
  std::vector<uint64_t> descriptions; // one after the other
  std::vector<size_t> starts = {0};
  /// Maps by the hash of their description; those of equal hashes in a list.
  llvm::DenseMap<uint64_t, ShiftMapId> byHash;
  std::vector<ShiftMapId> nextOfHash;
};

} // namespace noether

#endif // NOETHER_LIB_ANALYSIS_TRANSLATION_SHIFTMAP_H
