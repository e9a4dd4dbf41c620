// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Runtime/KernelTable.h"

#include <limits>

using namespace noether;

static constexpr int64_t kVersion = 1;
static constexpr int64_t kMaxDimensions = 8;

std::vector<int64_t> KernelTable::encode() const {
  std::vector<int64_t> numbers{kVersion, numOperands, numResults, int64_t(runs.size())};
  auto append = [&](const std::vector<int64_t> &list) {
    numbers.push_back(list.size());
    numbers.insert(numbers.end(), list.begin(), list.end());
  };
  for (const KernelRun &run : runs) {
    numbers.push_back(run.kernel);
    append(run.sizes);
    append(run.buffers);
    numbers.push_back(run.sums.size());
    for (const KernelRun::Sum &sum : run.sums)
      numbers.insert(numbers.end(), {sum.result, int64_t(sum.kept), int64_t(sum.isDouble)});
  }
  return numbers;
}

namespace {

/// Takes numbers from the front; false once they have run out or are out of range.
class Reader {
public:
  explicit Reader(std::span<const int64_t> numbers) : rest(numbers) {}

  bool take(int64_t &number, int64_t least, int64_t most) {
    if (rest.empty() || rest.front() < least || rest.front() > most)
      return false;
    number = rest.front();
    rest = rest.subspan(1);
    return true;
  }
  bool takeList(std::vector<int64_t> &list, int64_t least, int64_t most) {
    int64_t count;
    if (!takeCount(count))
      return false;
    list.resize(count);
    for (int64_t &number : list)
      if (!take(number, least, most))
        return false;
    return true;
  }
  /// A number of things of which each takes a number at least.
  bool takeCount(int64_t &count) { return take(count, 0, rest.size()); }
  bool atEnd() const { return rest.empty(); }

private:
  std::span<const int64_t> rest;
};

} // namespace

static bool readRun(Reader &reader, const KernelTable &table, KernelRun &run) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t numSums;
  if (!reader.take(run.kernel, 0, kMax) || !reader.takeList(run.sizes, 1, kMax) ||
      run.sizes.empty() || int64_t(run.sizes.size()) > kMaxDimensions ||
      !reader.takeList(run.buffers, -table.numResults, table.numOperands - 1) ||
      !reader.takeCount(numSums))
    return false;
  int64_t elements = 1;
  for (int64_t size : run.sizes)
    if (__builtin_mul_overflow(elements, size, &elements))
      return false;
  for (int64_t i = 0; i < numSums; ++i) {
    KernelRun::Sum sum;
    int64_t kept, isDouble;
    if (!reader.take(sum.result, 0, table.numResults - 1) ||
        !reader.take(kept, 0, (int64_t(1) << run.sizes.size()) - 1) || !reader.take(isDouble, 0, 1))
      return false;
    sum.kept = kept;
    sum.isDouble = isDouble;
    run.sums.push_back(sum);
  }
  return true;
}

std::optional<KernelTable> KernelTable::decode(std::span<const int64_t> numbers) {
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  Reader reader(numbers);
  KernelTable table;
  int64_t version, numRuns;
  if (!reader.take(version, kVersion, kVersion) || !reader.take(table.numOperands, 0, kMax) ||
      !reader.take(table.numResults, 0, kMax) || !reader.takeCount(numRuns))
    return std::nullopt;
  table.runs.resize(numRuns);
  for (KernelRun &run : table.runs)
    if (!readRun(reader, table, run))
      return std::nullopt;
  if (!reader.atEnd())
    return std::nullopt;
  return table;
}
