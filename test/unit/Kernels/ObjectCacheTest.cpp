// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Kernels/ObjectCache.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <csignal>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace noether;

namespace {

class ObjectCacheTest : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createUniqueDirectory("noether-cache", root));
    llvm::sys::path::append(root, "kernels");
  }
  void TearDown() override {
    llvm::sys::path::remove_filename(root);
    llvm::sys::fs::remove_directories(root);
  }
  ObjectCache open() const { return ObjectCache(root); }
  /// The paths of all files.
  std::vector<std::string> getFiles() const {
    std::vector<std::string> files;
    std::error_code error;
    for (llvm::sys::fs::directory_iterator it(root, error), end; it != end && !error;
         it.increment(error))
      files.push_back(it->path());
    return files;
  }

  llvm::SmallString<128> root;
};

TEST_F(ObjectCacheTest, FindsWhatWasStored) {
  EXPECT_EQ(open().find("key"), std::nullopt);
  std::string object("code\0with zero", 14);
  EXPECT_TRUE(open().store("key", object));
  EXPECT_EQ(open().find("key"), object);
  EXPECT_EQ(open().find("other"), std::nullopt);
  EXPECT_TRUE(open().store("key", "new"));
  EXPECT_EQ(open().find("key"), "new");
  EXPECT_EQ(getFiles().size(), 1u);
}

TEST_F(ObjectCacheTest, DoesNotReadWhatWasChanged) {
  open().store("key", "the code of a kernel");
  std::string path = getFiles().front();
  std::string data;
  {
    std::ifstream file(path, std::ios::binary);
    data.assign(std::istreambuf_iterator<char>(file), {});
  }
  for (size_t i = 0; i < data.size(); ++i) {
    std::string other = data;
    other[i] ^= 1;
    std::ofstream(path, std::ios::binary) << other;
    EXPECT_EQ(open().find("key"), std::nullopt) << "byte " << i;
    std::ofstream(path, std::ios::binary) << data.substr(0, i); // as a stopped machine leaves it
    EXPECT_EQ(open().find("key"), std::nullopt) << "length " << i;
  }
  std::ofstream(path, std::ios::binary) << data;
  EXPECT_EQ(open().find("key"), "the code of a kernel");
}

TEST_F(ObjectCacheTest, DoesNotReadTheEntryOfAnotherKey) {
  open().store("key", "code");
  std::string mine = getFiles().front();
  open().store("other", "other code");
  for (const std::string &path : getFiles())
    if (path != mine)
      ASSERT_FALSE(llvm::sys::fs::rename(path, mine));
  EXPECT_EQ(open().find("key"), std::nullopt);
}

TEST_F(ObjectCacheTest, DoesNotTrustWhatOthersMayWrite) {
  open().store("key", "code");
  std::string path = getFiles().front();
  chmod(path.c_str(), 0666);
  EXPECT_EQ(open().find("key"), std::nullopt);
  chmod(path.c_str(), 0600);
  EXPECT_EQ(open().find("key"), "code");
  chmod(root.c_str(), 0777);
  EXPECT_FALSE(open().isUsable());
  EXPECT_EQ(open().find("key"), std::nullopt);
  EXPECT_FALSE(open().store("key", "code"));
  chmod(root.c_str(), 0700);
  EXPECT_EQ(open().find("key"), "code");
}

TEST_F(ObjectCacheTest, DoesNotFollowLinks) {
  open().store("key", "code");
  std::string path = getFiles().front();
  std::string elsewhere = path + ".elsewhere";
  ASSERT_FALSE(llvm::sys::fs::rename(path, elsewhere));
  ASSERT_EQ(symlink(elsewhere.c_str(), path.c_str()), 0);
  EXPECT_EQ(open().find("key"), std::nullopt);
  // Nor is a pipe waited for.
  unlink(path.c_str());
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(open().find("key"), std::nullopt);
}

TEST_F(ObjectCacheTest, IsNotUsableWhereItCannotBe) {
  EXPECT_FALSE(ObjectCache("").isUsable());
  EXPECT_FALSE(ObjectCache("/proc/noether").isUsable());
  EXPECT_FALSE(ObjectCache("").store("key", "code"));
}

/// What a child does must not return.
template <typename Child>
pid_t spawn(Child child) {
  pid_t pid = fork();
  if (pid == 0) {
    child();
    _exit(0);
  }
  return pid;
}

TEST_F(ObjectCacheTest, AFullDiskLeavesNothing) {
  open().store("key", "code");
  pid_t pid = spawn([&] {
    // Writes beyond this many bytes fail, as on a full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {100, 100};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(open().store("key", std::string(1000, 'x')) ? 1 : 0);
  });
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(getFiles().size(), 1u);
  EXPECT_EQ(open().find("key"), "code");
}

TEST_F(ObjectCacheTest, WritersMayBeKilled) {
  std::string object(1 << 20, 'x');
  for (int round = 0; round < 8; ++round) {
    pid_t children[3];
    for (pid_t &child : children)
      child = spawn([&] {
        while (true)
          open().store("key", object);
      });
    for (int i = 0; i < 20; ++i)
      if (std::optional<std::string> found = open().find("key"))
        EXPECT_EQ(*found, object); // whole, whoever is writing
    for (pid_t child : children) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
    if (std::optional<std::string> found = open().find("key"))
      EXPECT_EQ(*found, object);
  }
  EXPECT_TRUE(open().store("key", "new"));
  EXPECT_EQ(open().find("key"), "new");
}

} // namespace
