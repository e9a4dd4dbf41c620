// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "ShiftMap.h"

#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/bit.h"

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

static constexpr ShiftMapId kNone = ~0u;

std::pair<ShiftMapId, bool> ShiftMaps::intern(ArrayRef<uint64_t> description, Map map) {
  // Leave DenseMap's two reserved keys free.
  uint64_t hash = static_cast<uint64_t>(llvm::hash_value(description)) >> 2;
  auto [it, isNew] = byHash.try_emplace(hash, kNone);
  for (ShiftMapId id = it->second; id != kNone; id = nextOfHash[id])
    if (descriptionOf(id) == description)
      return {id, false};
  ShiftMapId id = maps.size();
  nextOfHash.push_back(it->second);
  it->second = id;
  maps.push_back(map);
  descriptions.insert(descriptions.end(), description.begin(), description.end());
  starts.push_back(descriptions.size());
  return {id, true};
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
  return intern({Identity, numLegs}, {numLegs, (uint64_t(1) << numLegs) - 1, nullptr, true}).first;
}

ShiftMapId ShiftMaps::product(Product product) {
  Description description = {ProductOf, product.inner, product.value,
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
             keptZeroMean(product.inner, consumed)};
  auto [id, isNew] = intern(description, map);
  if (isNew)
    maps[id].product = &products.emplace_back(std::move(product));
  return id;
}

ShiftMapId ShiftMaps::other(ArrayRef<uint64_t> description, ShiftMapId inner,
                            ArrayRef<uint8_t> consumed, unsigned numNew) {
  Description key(description);
  key.push_back(inner);
  key.push_back(consumed.size());
  key.append(consumed.begin(), consumed.end());
  return intern(key, {maps[inner].numLegs - static_cast<unsigned>(consumed.size()) + numNew,
                      keptZeroMean(inner, consumed)})
      .first;
}

std::optional<ShiftMaps::Unary> ShiftMaps::getUnary(ShiftMapId map) const {
  ArrayRef<uint64_t> text = descriptionOf(map);
  Unary unary = {static_cast<Kind>(text.consume_front()), 0, 1, {}};
  if (unary.kind == ScaledBy) {
    double number = llvm::bit_cast<double>(text[0]);
    unary.number = static_cast<int64_t>(text[1]) > 0 ? number : 1 / number;
    text = text.drop_front(2);
  } else if (unary.kind != SummedOver) {
    return std::nullopt;
  }
  unary.inner = text[0];
  unary.consumed = text.slice(2, text[1]);
  return unary;
}

ShiftMapId ShiftMaps::bundle(ArrayRef<uint64_t> description, unsigned numLegs, uint64_t zeroMean) {
  Description key = {Bundle};
  key.append(description.begin(), description.end());
  return intern(key, {numLegs, zeroMean}).first;
}
