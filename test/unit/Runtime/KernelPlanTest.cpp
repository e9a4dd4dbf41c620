// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Runtime/KernelPlan.h"

#include <cmath>
#include <gtest/gtest.h>

using namespace noether;

namespace {

/// y = 2 x; sums of x over everything, over rows and over columns.
void twice(void *const *buffers, const int64_t *sizes, double *const *sums, int64_t firstRow,
           int64_t lastRow, int64_t firstColumn, int64_t lastColumn) {
  auto *x = static_cast<const float *>(buffers[0]);
  auto *y = static_cast<float *>(buffers[1]);
  for (int64_t row = firstRow; row < lastRow; ++row)
    for (int64_t column = firstColumn; column < lastColumn; ++column) {
      int64_t i = row * sizes[1] + column;
      y[i] = 2 * x[i];
      sums[0][0] += x[i];
      sums[1][column] += x[i];
      sums[2][row] += x[i];
    }
}

/// The same for one dimension.
void twiceFlat(void *const *buffers, const int64_t *, double *const *sums, int64_t, int64_t,
               int64_t first, int64_t last) {
  auto *x = static_cast<const float *>(buffers[0]);
  auto *y = static_cast<float *>(buffers[1]);
  for (int64_t i = first; i < last; ++i) {
    y[i] = 2 * x[i];
    sums[0][0] += x[i];
  }
}

TEST(KernelPlanTest, CoversEverythingOnce) {
  constexpr KernelFunction kernels[] = {twice, twiceFlat};
  for (auto [rows, columns] : std::initializer_list<std::pair<int64_t, int64_t>>{
           {1, 1}, {3, 5}, {1000, 130}, {2, 200'000}, {70'000, 3}}) {
    size_t n = rows * columns;
    std::vector<float> x(n), y(n), flat(n), byColumn(columns), previous;
    std::vector<double> byRow(rows), total(1), flatTotal(1);
    for (size_t i = 0; i < n; ++i)
      x[i] = std::sin(float(i));
    KernelTable table;
    table.numOperands = 1;
    table.numResults = 6;
    table.runs.push_back(
        {0, {rows, columns}, {0, -1}, {{1, 0, true}, {2, 2, false}, {3, 1, true}}});
    table.runs.push_back({1, {int64_t(n)}, {0, -5}, {{5, 0, true}}});
    KernelPlan plan(table);
    void *operands[] = {x.data()};
    void *results[] = {y.data(),     total.data(), byColumn.data(),
                       byRow.data(), flat.data(),  flatTotal.data()};
    for (unsigned threads : {1, 4}) {
      ThreadPool pool(threads);
      plan.run(kernels, operands, results, pool);
      std::vector<double> columnSums(columns), rowSums(rows);
      double sum = 0;
      for (size_t i = 0; i < n; ++i) {
        ASSERT_EQ(y[i], 2 * x[i]);
        ASSERT_EQ(flat[i], 2 * x[i]);
        sum += x[i];
        columnSums[i % columns] += x[i];
        rowSums[i / columns] += x[i];
      }
      EXPECT_NEAR(total[0], sum, 1e-9 * n);
      EXPECT_NEAR(flatTotal[0], sum, 1e-9 * n);
      for (int64_t i = 0; i < columns; ++i)
        ASSERT_NEAR(byColumn[i], columnSums[i], 1e-6 * rows);
      for (int64_t i = 0; i < rows; ++i)
        ASSERT_NEAR(byRow[i], rowSums[i], 1e-12 * columns);
      // Whoever runs what, the sums are the same bit for bit.
      std::vector<float> now = byColumn;
      now.push_back(total[0]);
      if (!previous.empty())
        EXPECT_EQ(now, previous);
      previous = now;
    }
  }
}

} // namespace
