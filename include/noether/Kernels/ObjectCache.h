// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compiled kernels on disk.

#ifndef NOETHER_KERNELS_OBJECTCACHE_H
#define NOETHER_KERNELS_OBJECTCACHE_H

#include "llvm/ADT/StringRef.h"

#include <optional>
#include <string>

namespace noether {

/// Entries are files named by the hash of what they were compiled from, with the hash of their
/// contents inside. They are written under a temporary name and renamed, so that any number of
/// processes may share a cache and any of them may be killed: an entry is there as a whole or not
/// at all. What was not written by this user, may be written by others, or does not match its hash
/// is not read: code is run from here. Nothing here fails: a cache that cannot be used is one that
/// never has anything.
class ObjectCache {
public:
  /// `directory` is made where it is missing, for this user only.
  explicit ObjectCache(llvm::StringRef directory);

  /// $NOETHER_CACHE_DIR, else `noether/kernels` in $XDG_CACHE_HOME or ~/.cache; empty if there is
  /// none.
  static std::string getDefaultDirectory();

  /// Whether the directory can be trusted; else nothing is read or written.
  bool isUsable() const { return usable; }
  /// `key`: all that the object depends on.
  std::optional<std::string> find(llvm::StringRef key) const;
  /// Whether the entry is on disk now.
  bool store(llvm::StringRef key, llvm::StringRef object) const;

private:
  std::string getPath(llvm::StringRef key) const;

  std::string directory;
  bool usable = false;
};

} // namespace noether

#endif // NOETHER_KERNELS_OBJECTCACHE_H
