// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Runtime/KernelTable.h"

#include <gtest/gtest.h>
#include <random>

using namespace noether;

namespace {

KernelTable makeTable() {
  KernelTable table;
  table.numOperands = 3;
  table.numResults = 2;
  table.runs.push_back({0, {4, 8}, {0, 2, -1}, {{1, 2, false}}});
  table.runs.push_back({1, {32}, {1, 1}, {{1, 0, true}}});
  return table;
}

TEST(KernelTableTest, ReadsWhatWasWritten) {
  std::vector<int64_t> numbers = makeTable().encode();
  std::optional<KernelTable> table = KernelTable::decode(numbers);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->encode(), numbers);
  EXPECT_EQ(table->runs[0].buffers, (std::vector<int64_t>{0, 2, -1}));
  EXPECT_TRUE(table->runs[1].sums[0].isDouble);
}

TEST(KernelTableTest, RefusesWhatIsNoTable) {
  std::vector<int64_t> numbers = makeTable().encode();
  for (size_t length = 0; length < numbers.size(); ++length)
    EXPECT_FALSE(KernelTable::decode({numbers.data(), length})) << length;
  numbers.push_back(0);
  EXPECT_FALSE(KernelTable::decode(numbers));
  // Buffers and results that there are not, an empty index space, sizes without bound.
  for (auto change : std::initializer_list<void (*)(KernelTable &)>{
           [](KernelTable &t) { t.runs[0].buffers[0] = 3; },
           [](KernelTable &t) { t.runs[0].buffers[0] = -3; },
           [](KernelTable &t) { t.runs[0].sums[0].result = 2; },
           [](KernelTable &t) { t.runs[0].sums[0].result = -1; },
           [](KernelTable &t) { t.runs[0].sums[0].kept = 4; },
           [](KernelTable &t) { t.runs[0].sizes.clear(); },
           [](KernelTable &t) { t.runs[0].sizes[0] = 0; },
           [](KernelTable &t) { t.runs[0].sizes = {int64_t(1) << 40, int64_t(1) << 40}; },
           [](KernelTable &t) { t.runs[0].sizes.assign(9, 2); },
           [](KernelTable &t) { t.runs[0].kernel = -1; }}) {
    KernelTable table = makeTable();
    change(table);
    EXPECT_FALSE(KernelTable::decode(table.encode()));
  }
}

TEST(KernelTableTest, SurvivesAnyNumbers) {
  std::mt19937_64 random(1);
  std::vector<int64_t> numbers = makeTable().encode();
  for (int round = 0; round < 20000; ++round) {
    std::vector<int64_t> other = numbers;
    for (int i = 0; i < 2; ++i)
      other[random() % other.size()] =
          int64_t(random() >> (random() % 64)) * (random() % 2 ? 1 : -1);
    if (std::optional<KernelTable> table = KernelTable::decode(other))
      EXPECT_EQ(table->encode(), other);
  }
}

} // namespace
