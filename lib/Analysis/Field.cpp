// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Field.h"

#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/STLExtras.h"

using namespace noether;

FieldPool::FieldPool() {
  intern({});
  // Not a list of components, and never looked up by them.
  fields.push_back({});
}

FieldId FieldPool::intern(Field field) {
  llvm::sort(field, [](const Component &a, const Component &b) { return a.key < b.key; });
  llvm::hash_code hash = field.size();
  for (const Component &component : field)
    hash = llvm::hash_combine(hash, component.key, component.form);
  auto &bucket = byHash[static_cast<uint64_t>(hash) >> 2];
  for (FieldId id : bucket)
    if (fields[id] == field)
      return id;
  FieldId id = fields.size();
  fields.push_back(std::move(field));
  bucket.push_back(id);
  return id;
}
