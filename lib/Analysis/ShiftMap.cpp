// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ShiftMap.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

ShiftMapId ShiftMaps::intern(SmallVector<uint64_t, 16> description, Map map) {
  auto [it, isNew] = byDescription.try_emplace(std::move(description), maps.size());
  if (isNew)
    maps.push_back(std::move(map));
  return it->second;
}

uint8_t ShiftMaps::renumbered(uint8_t leg, ArrayRef<uint8_t> consumed) {
  return leg - llvm::count_if(consumed, [&](uint8_t other) { return other < leg; });
}

uint64_t ShiftMaps::keptZeroMean(ShiftMapId inner, ArrayRef<uint8_t> consumed) const {
  uint64_t zeroMean = 0;
  for (unsigned leg = 0; leg < maps[inner].numLegs; ++leg)
    if (!llvm::is_contained(consumed, leg) && hasZeroMean(inner, leg))
      zeroMean |= uint64_t(1) << renumbered(leg, consumed);
  return zeroMean;
}

ShiftMapId ShiftMaps::identity(unsigned numLegs) {
  return intern({Identity, numLegs}, {numLegs, (uint64_t(1) << numLegs) - 1, std::nullopt, true});
}

ShiftMapId ShiftMaps::product(Product product) {
  SmallVector<uint64_t, 16> description = {ProductOf, product.inner, product.value,
                                           static_cast<uint64_t>(product.power)};
  Legs consumed;
  unsigned numNew = 0;
  llvm::sort(product.dims,
             [](const Dim &a, const Dim &b) { return a.dimension < b.dimension; });
  for (const Dim &dim : product.dims) {
    description.append({dim.dimension, dim.isSummed, dim.parts.size()});
    for (const Part &part : dim.parts) {
      description.append({part.digit, part.legs.size()});
      description.append(part.legs.begin(), part.legs.end());
      consumed.append(part.legs.begin(), part.legs.end());
    }
    numNew += dim.isSummed ? 0 : dim.numLegs;
  }
  Map map = {maps[product.inner].numLegs - static_cast<unsigned>(consumed.size()) + numNew,
             keptZeroMean(product.inner, consumed), std::nullopt, false};
  map.product = std::move(product);
  return intern(std::move(description), std::move(map));
}

ShiftMapId ShiftMaps::other(ArrayRef<uint64_t> description, ShiftMapId inner,
                            ArrayRef<uint8_t> consumed, unsigned numNew) {
  SmallVector<uint64_t, 16> key(description);
  key.push_back(inner);
  key.push_back(consumed.size());
  key.append(consumed.begin(), consumed.end());
  return intern(std::move(key), {maps[inner].numLegs - static_cast<unsigned>(consumed.size()) + numNew,
                                 keptZeroMean(inner, consumed), std::nullopt, false});
}
