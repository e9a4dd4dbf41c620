// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Motion/LinearMotion.h"

#include <cmath>
#include <limits>

using namespace noether;
using llvm::ArrayRef;
using llvm::SmallVector;

/// Solves `matrix x = right` (row-major) by elimination with pivots.
static std::optional<SmallVector<double>> solve(SmallVector<double> matrix,
                                                SmallVector<double> right) {
  size_t n = right.size();
  for (size_t column = 0; column < n; ++column) {
    size_t pivot = column;
    for (size_t row = column + 1; row < n; ++row)
      if (std::abs(matrix[row * n + column]) > std::abs(matrix[pivot * n + column]))
        pivot = row;
    if (std::abs(matrix[pivot * n + column]) < 1e-300)
      return std::nullopt;
    if (pivot != column) {
      for (size_t k = 0; k < n; ++k)
        std::swap(matrix[pivot * n + k], matrix[column * n + k]);
      std::swap(right[pivot], right[column]);
    }
    for (size_t row = column + 1; row < n; ++row) {
      double factor = matrix[row * n + column] / matrix[column * n + column];
      for (size_t k = column; k < n; ++k)
        matrix[row * n + k] -= factor * matrix[column * n + k];
      right[row] -= factor * right[column];
    }
  }
  for (size_t row = n; row-- > 0;) {
    for (size_t k = row + 1; k < n; ++k)
      right[row] -= matrix[row * n + k] * right[k];
    right[row] /= matrix[row * n + row];
    if (!std::isfinite(right[row]))
      return std::nullopt;
  }
  return right;
}

std::optional<SmallVector<double>> LinearMotion::resolve(ArrayRef<double> right,
                                                         bool transposed) const {
  size_t n = size() - 1;
  SmallVector<double> matrix(n * n);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j)
      matrix[i * n + j] = (i == j) - (transposed ? at(j + 1, i + 1) : at(i + 1, j + 1));
  return solve(std::move(matrix), SmallVector<double>(right));
}

std::optional<SmallVector<double>> LinearMotion::bufferWeights() const {
  SmallVector<double> into;
  for (size_t i = 1; i < size(); ++i)
    into.push_back(at(0, i));
  return resolve(into, /*transposed=*/true);
}

std::optional<double> LinearMotion::decayRate() const {
  auto weights = bufferWeights();
  if (!weights)
    return std::nullopt;
  double change = at(0, 0) - 1;
  for (size_t i = 1; i < size(); ++i)
    change += (*weights)[i - 1] * at(i, 0);
  return -change;
}

std::optional<double> LinearMotion::displacement() const {
  auto weights = bufferWeights();
  if (!weights)
    return std::nullopt;
  double result = driveOf(0);
  for (size_t i = 1; i < size(); ++i)
    result += (*weights)[i - 1] * driveOf(i);
  return result;
}

std::optional<SmallVector<double>> LinearMotion::decayMode(double factor) const {
  size_t n = size() - 1;
  SmallVector<double> matrix(n * n), right(n);
  for (size_t i = 0; i < n; ++i) {
    right[i] = at(i + 1, 0);
    for (size_t j = 0; j < n; ++j)
      matrix[i * n + j] = (i == j ? factor : 0) - at(i + 1, j + 1);
  }
  return solve(std::move(matrix), std::move(right));
}

std::optional<double> LinearMotion::decayFactor() const {
  if (size() == 1)
    return at(0, 0);
  if (size() == 2) {
    double trace = at(0, 0) + at(1, 1);
    double determinant = at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0);
    double discriminant = trace * trace - 4 * determinant;
    if (discriminant < 0)
      return std::nullopt;
    return (trace + std::sqrt(discriminant)) / 2;
  }
  // Newton's method on det(A - x), from what holds to first order.
  std::optional<double> rate = decayRate();
  if (!rate)
    return std::nullopt;
  size_t n = size();
  auto determinant = [&](double x) {
    SmallVector<double> matrix(n * n);
    for (size_t i = 0; i < n * n; ++i)
      matrix[i] = transition[i] - (i % (n + 1) == 0 ? x : 0);
    double result = 1;
    for (size_t column = 0; column < n; ++column) {
      size_t pivot = column;
      for (size_t row = column + 1; row < n; ++row)
        if (std::abs(matrix[row * n + column]) > std::abs(matrix[pivot * n + column]))
          pivot = row;
      if (matrix[pivot * n + column] == 0)
        return 0.0;
      if (pivot != column) {
        for (size_t k = 0; k < n; ++k)
          std::swap(matrix[pivot * n + k], matrix[column * n + k]);
        result = -result;
      }
      result *= matrix[column * n + column];
      for (size_t row = column + 1; row < n; ++row) {
        double factor = matrix[row * n + column] / matrix[column * n + column];
        for (size_t k = column; k < n; ++k)
          matrix[row * n + k] -= factor * matrix[column * n + k];
      }
    }
    return result;
  };
  double x = 1 - *rate;
  for (unsigned iteration = 0; iteration < 60; ++iteration) {
    double h = 1e-7, slope = (determinant(x + h) - determinant(x - h)) / (2 * h);
    if (slope == 0)
      return std::nullopt;
    double step = determinant(x) / slope;
    x -= step;
    if (std::abs(step) < 1e-15)
      break;
  }
  if (!std::isfinite(x) || std::abs(x - (1 - *rate)) > 10 * std::abs(*rate) + 1e-12)
    return std::nullopt;
  return x;
}

std::optional<double> LinearMotion::coherentGrowth() const {
  SmallVector<double> driven;
  for (size_t i = 1; i < size(); ++i)
    driven.push_back(driveOf(i));
  auto level = resolve(driven, /*transposed=*/false);
  std::optional<double> whole = displacement();
  if (!level || !whole)
    return std::nullopt;
  // <w, s> while w moves on by `whole` g at each step: the gradient turns with it.
  SmallVector<double> moved;
  for (double each : *level)
    moved.push_back(*whole * each);
  auto overlap = resolve(moved, /*transposed=*/false);
  if (!overlap)
    return std::nullopt;
  double result = *whole * *whole;
  for (size_t i = 1; i < size(); ++i)
    result += 2 * at(0, i) * (*overlap)[i - 1];
  return result;
}

std::optional<SmallVector<double>> LinearMotion::stationary(ArrayRef<double> m,
                                                            ArrayRef<double> d) {
  // Unknowns: the entries of the symmetric matrix, both triangles (they are few).
  size_t n = d.size(), size = n * n;
  if (n > 5)
    return std::nullopt;
  SmallVector<double> matrix(size * size, 0.0), right(size);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j) {
      size_t row = i * n + j;
      right[row] = d[i] * d[j];
      matrix[row * size + row] += 1;
      for (size_t k = 0; k < n; ++k)
        for (size_t l = 0; l < n; ++l)
          matrix[row * size + k * n + l] -= m[i * n + k] * m[j * n + l];
    }
  auto gram = solve(std::move(matrix), std::move(right));
  if (!gram)
    return std::nullopt;
  for (size_t i = 0; i < n; ++i)
    if ((*gram)[i * n + i] < 0) // it does not settle
      return std::nullopt;
  return gram;
}

std::optional<LinearMotion::Equilibrium> LinearMotion::equilibrium() const {
  std::optional<double> rate = decayRate();
  if (!rate || *rate <= 0)
    return std::nullopt;
  auto gram = stationary(transition, drive);
  if (!gram || (*gram)[0] <= 0)
    return std::nullopt;
  double overlap = 0; // <w, w'>
  for (size_t i = 0; i < size(); ++i)
    overlap += at(0, i) * (*gram)[i];
  double turn = 2 * (1 - overlap / (*gram)[0]);
  if (!(turn >= 0) || !std::isfinite(turn))
    return std::nullopt;
  return Equilibrium{(*gram)[0], std::sqrt(turn)};
}

std::optional<double> LinearMotion::bufferVariance(ArrayRef<double> weights, double own) const {
  size_t n = size() - 1;
  if (n == 0)
    return own * own;
  SmallVector<double> matrix, driven;
  for (size_t i = 0; i < n; ++i) {
    driven.push_back(driveOf(i + 1));
    for (size_t j = 0; j < n; ++j)
      matrix.push_back(at(i + 1, j + 1));
  }
  auto gram = stationary(matrix, driven);
  if (!gram)
    return std::nullopt;
  double result = own * own;
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j)
      result += weights[i] * weights[j] * (*gram)[i * n + j];
  return result;
}

std::optional<double> noether::momentRatioBound(llvm::function_ref<double(unsigned)> response,
                                                double weight, double rate) {
  // Cauchy and Schwarz: the square of the bound is sum_k n_k^2 / q_k, and it is attained.
  constexpr unsigned kMaxTerms = 50000;
  double sum = 0, power = weight, early = 0, term = 0;
  for (unsigned k = 0; k < kMaxTerms && power > 1e-280; ++k, power *= rate) {
    double n = response(k);
    term = n * n / power;
    sum += term;
    if (!std::isfinite(sum))
      return std::numeric_limits<double>::infinity();
    if (k == 64)
      early = term;
    if (k > 64 && term <= 1e-17 * sum)
      return std::sqrt(sum);
  }
  // Terms that do not fall have no sum; of those that fall too slowly nothing is said.
  if (early > 0 && term >= early * (1 - 1e-9))
    return std::numeric_limits<double>::infinity();
  return std::nullopt;
}

int64_t noether::gradientFlowCharges(int64_t rank, int64_t rows) {
  // Entries of U^T U - V V^T: those of a symmetric matrix, as far as `rows` vectors determine them.
  return rank <= rows ? rank * (rank + 1) / 2 : rows * rank - rows * (rows - 1) / 2;
}

int64_t noether::momentumFlowCharges(int64_t rank, int64_t rows) {
  // Entries of W^T W' - W'^T W: antisymmetric, of the 2 `rows` vectors of place and velocity.
  return rank <= 2 * rows ? rank * (rank - 1) / 2 : 2 * rows * rank - rows * (2 * rows + 1);
}
