// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Torus/Field.h"

#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"

using namespace noether;

static constexpr FieldId kNoField = ~0u;

FieldPool::FieldPool() {
  intern({});
  // Not a list of components, and never looked up by them.
  fields.push_back({});
  previousOfHash.push_back(kNoField);
}

FieldId FieldPool::intern(Field field) {
  llvm::sort(field, [](const Component &a, const Component &b) { return a.key < b.key; });
  llvm::hash_code hash = field.size();
  for (const Component &component : field)
    hash = llvm::hash_combine(hash, component.key, component.form);
  FieldId id = fields.size();
  auto [last, isFirst] = lastOfHash.try_emplace(static_cast<uint64_t>(hash) >> 2, id);
  if (!isFirst)
    for (FieldId other = last->second; other != kNoField; other = previousOfHash[other])
      if (fields[other] == llvm::ArrayRef<Component>(field))
        return other;
  previousOfHash.push_back(isFirst ? kNoField : last->second);
  last->second = id;
  fields.push_back(llvm::ArrayRef<Component>(field).copy(storage));
  return id;
}
