// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "UpdateNumber.h"

#include <cmath>

using namespace noether;

/// Longer sums become symbols.
static constexpr size_t kMaxTerms = 12;

std::optional<double> UpdateNumber::getConstant() const {
  if (terms.empty())
    return 0.0;
  if (terms.size() == 1 && terms.front().powers.empty())
    return terms.front().factor;
  return std::nullopt;
}

void UpdateNumber::add(const Term &term) {
  auto it = llvm::find_if(terms, [&](const Term &other) { return other.powers == term.powers; });
  if (it == terms.end()) {
    terms.push_back(term);
    return;
  }
  it->factor += term.factor;
  if (it->factor == 0)
    terms.erase(it);
}

bool UpdateNumber::operator==(const UpdateNumber &other) const {
  return (*this + -other).isZero();
}

UpdateNumber UpdateNumber::operator+(const UpdateNumber &other) const {
  UpdateNumber result = *this;
  for (const Term &term : other.terms)
    result.add(term);
  return result;
}

UpdateNumber UpdateNumber::operator-() const {
  UpdateNumber result = *this;
  for (Term &term : result.terms)
    term.factor = -term.factor;
  return result;
}

std::optional<UpdateNumber> UpdateNumber::times(const UpdateNumber &other) const {
  if (terms.size() * other.terms.size() > kMaxTerms)
    return std::nullopt;
  UpdateNumber result;
  for (const Term &a : terms)
    for (const Term &b : other.terms) {
      Term product{a.factor * b.factor, {}};
      const auto *i = a.powers.begin(), *j = b.powers.begin();
      while (i != a.powers.end() || j != b.powers.end()) {
        if (j == b.powers.end() || (i != a.powers.end() && i->first < j->first)) {
          product.powers.push_back(*i++);
        } else if (i == a.powers.end() || j->first < i->first) {
          product.powers.push_back(*j++);
        } else {
          // Powers stay small: nothing of use multiplies a number by itself many times.
          if (std::abs(i->second + j->second) > 16)
            return std::nullopt;
          if (int power = i->second + j->second)
            product.powers.push_back({i->first, power});
          ++i, ++j;
        }
      }
      if (product.factor != 0)
        result.add(product);
    }
  return result;
}

std::optional<UpdateNumber> UpdateNumber::inverse() const {
  if (terms.size() != 1)
    return std::nullopt;
  UpdateNumber result = *this;
  Term &term = result.terms.front();
  term.factor = 1 / term.factor;
  for (auto &[symbol, power] : term.powers)
    power = -power;
  return result;
}

SymbolId SymbolTable::get(ValueId value, unsigned part) {
  auto [it, isNew] = ids.try_emplace({value, part}, symbols.size());
  if (isNew)
    symbols.push_back({value, part, std::nullopt, 0, {}});
  return it->second;
}

std::optional<double> SymbolTable::evaluate(const UpdateNumber &number) const {
  double result = 0;
  for (const UpdateNumber::Term &term : number.getTerms()) {
    double product = term.factor;
    for (auto [symbol, power] : term.powers) {
      if (!symbols[symbol].limit)
        return std::nullopt;
      product *= std::pow(*symbols[symbol].limit, power);
    }
    result += product;
  }
  if (!std::isfinite(result))
    return std::nullopt;
  return result;
}
