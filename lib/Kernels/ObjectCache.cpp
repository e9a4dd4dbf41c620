// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Kernels/ObjectCache.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SHA256.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llvm;
using namespace noether;

static constexpr StringRef kMagic = "noether kernels 1\n";
static constexpr size_t kHashLength = 64;
/// No object of ours is nearly as large.
static constexpr off_t kMaxSize = 64 << 20;

static std::string hashOf(StringRef data) {
  SHA256 hasher;
  hasher.update(data);
  return toHex(hasher.final(), /*LowerCase=*/true);
}

/// Whether only this user may write it.
static bool isOwn(const struct stat &status) {
  return status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

namespace {
/// A file descriptor that is closed at the end.
struct Descriptor {
  int number;
  explicit Descriptor(int number) : number(number) {}
  ~Descriptor() {
    if (number >= 0)
      close(number);
  }
  Descriptor(const Descriptor &) = delete;
};
} // namespace

std::string ObjectCache::getDefaultDirectory() {
  auto get = [](const char *name) -> StringRef {
    const char *value = std::getenv(name);
    return value ? value : "";
  };
  if (StringRef named = get("NOETHER_CACHE_DIR"); !named.empty())
    return named.str();
  SmallString<128> path(get("XDG_CACHE_HOME"));
  if (path.empty()) {
    if (get("HOME").empty())
      return "";
    path = get("HOME");
    sys::path::append(path, ".cache");
  }
  sys::path::append(path, "noether", "kernels");
  return path.str().str();
}

ObjectCache::ObjectCache(StringRef directory) : directory(directory) {
  if (directory.empty() ||
      sys::fs::create_directories(directory, /*IgnoreExisting=*/true, sys::fs::perms::owner_all))
    return;
  struct stat status;
  usable = stat(this->directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && isOwn(status);
}

std::string ObjectCache::getPath(StringRef key) const {
  SmallString<128> path(directory);
  sys::path::append(path, hashOf(key) + ".o");
  return path.str().str();
}

/// Reads to the end; nothing on errors.
static std::optional<std::string> readAll(int file, size_t size) {
  std::string data(size, '\0');
  for (size_t done = 0; done < size;) {
    ssize_t count = read(file, data.data() + done, size - done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return std::nullopt;
    done += count;
  }
  return data;
}

static bool writeAll(int file, StringRef data) {
  while (!data.empty()) {
    ssize_t count = write(file, data.data(), data.size());
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return false;
    data = data.drop_front(count);
  }
  return true;
}

std::optional<std::string> ObjectCache::find(StringRef key) const {
  if (!usable)
    return std::nullopt;
  // No links: they would lead to what somebody else can change.
  Descriptor file(open(getPath(key).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status;
  if (file.number < 0 || fstat(file.number, &status) != 0 || !S_ISREG(status.st_mode) ||
      !isOwn(status) || status.st_size > kMaxSize)
    return std::nullopt;
  std::optional<std::string> data = readAll(file.number, status.st_size);
  if (!data)
    return std::nullopt;
  StringRef rest = *data;
  if (!rest.consume_front(kMagic) || rest.size() < 2 * kHashLength)
    return std::nullopt;
  StringRef keyHash = rest.take_front(kHashLength);
  StringRef hash = rest.substr(kHashLength, kHashLength);
  StringRef object = rest.drop_front(2 * kHashLength);
  if (keyHash != hashOf(key) || hash != hashOf(object))
    return std::nullopt;
  return object.str();
}

bool ObjectCache::store(StringRef key, StringRef object) const {
  if (!usable)
    return false;
  std::string path = getPath(key);
  std::string temporary = path + ".XXXXXX";
  bool written = false;
  {
    Descriptor file(mkostemp(temporary.data(), O_CLOEXEC)); // for this user only
    if (file.number < 0)
      return false;
    // On disk before it has its name: a machine that stops must not leave half of it under the
    // name.
    written = writeAll(file.number, kMagic) && writeAll(file.number, hashOf(key)) &&
              writeAll(file.number, hashOf(object)) && writeAll(file.number, object) &&
              fsync(file.number) == 0;
  }
  if (written && rename(temporary.c_str(), path.c_str()) == 0)
    return true;
  unlink(temporary.c_str());
  return false;
}
