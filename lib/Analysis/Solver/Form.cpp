// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Solver/Form.h"

#include "llvm/ADT/Hashing.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdio>
#include <cstdlib>

using namespace noether;
using llvm::ArrayRef;

/// a + factor * b. Nearly all coefficients are integers, which need no greatest common divisor.
static Fraction plusScaled(const Fraction &a, const Fraction &factor, const Fraction &b) {
  if (a.den == 1 && factor.den == 1 && b.den == 1)
    return Fraction(a.num + factor.num * b.num);
  return a + factor * b;
}

static void addScaledInto(Form &result, ArrayRef<Term> a, const Fraction &factor,
                          ArrayRef<Term> b) {
  result.clear();
  if (factor.num == 0)
    b = {};
  result.reserve(a.size() + b.size());
  const Term *x = a.begin(), *y = b.begin();
  while (x != a.end() || y != b.end()) {
    if (y == b.end() || (x != a.end() && x->unknown < y->unknown)) {
      result.push_back(*x++);
    } else if (x == a.end() || y->unknown < x->unknown) {
      result.push_back({y->unknown, plusScaled(Fraction(0), factor, y->coefficient)});
      ++y;
    } else {
      Fraction sum = plusScaled(x->coefficient, factor, y->coefficient);
      if (sum.num != 0)
        result.push_back({x->unknown, std::move(sum)});
      ++x, ++y;
    }
  }
}

Form noether::addScaled(ArrayRef<Term> a, const Fraction &factor, ArrayRef<Term> b) {
  Form result;
  addScaledInto(result, a, factor, b);
  return result;
}

std::string noether::toString(const Fraction &fraction) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << fraction.num;
  if (fraction.den != 1)
    os << "/" << fraction.den;
  return text;
}

double noether::shortestDecimal(double value) {
  if (static_cast<double>(static_cast<float>(value)) != value)
    return value;
  for (int digits = 1; digits < 9; ++digits) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.*g", digits, value);
    double rounded = std::strtod(text, nullptr);
    if (static_cast<float>(rounded) == static_cast<float>(value))
      return rounded;
  }
  return value;
}

std::string noether::printDecimal(double value) {
  double shortest = shortestDecimal(value);
  char text[32];
  for (int digits = 1; digits <= 17; ++digits) {
    std::snprintf(text, sizeof(text), "%.*g", digits, shortest);
    if (std::strtod(text, nullptr) == shortest)
      break;
  }
  return text;
}

void noether::printForm(llvm::raw_ostream &os, ArrayRef<Term> form,
                        llvm::function_ref<void(llvm::raw_ostream &, UnknownId)> printUnknown) {
  if (form.empty())
    os << "0";
  for (auto [index, term] : llvm::enumerate(form)) {
    bool negative = term.coefficient < Fraction(0);
    if (index)
      os << (negative ? " - " : " + ");
    else if (negative)
      os << "-";
    Fraction magnitude = abs(term.coefficient);
    if (magnitude != Fraction(1))
      os << toString(magnitude) << " ";
    printUnknown(os, term.unknown);
  }
}

static uint64_t hashForm(ArrayRef<Term> form) {
  llvm::hash_code hash = form.size();
  for (const Term &term : form)
    hash = llvm::hash_combine(hash, term.unknown, hash_value(term.coefficient.num),
                              hash_value(term.coefficient.den));
  // Leave DenseMap's two reserved keys free.
  return static_cast<uint64_t>(hash) >> 2;
}

FormPool::FormPool() { intern({}); }

// Terms own numbers that may not fit into a word.
FormPool::~FormPool() {
  for (ArrayRef<Term> form : forms)
    std::destroy(const_cast<Term *>(form.begin()), const_cast<Term *>(form.end()));
}

static constexpr FormId kNoForm = ~0u;

FormId FormPool::intern(ArrayRef<Term> form) {
  FormId id = forms.size();
  auto [last, isFirst] = lastOfHash.try_emplace(hashForm(form), id);
  if (!isFirst)
    for (FormId other = last->second; other != kNoForm; other = previousOfHash[other])
      if (forms[other] == form)
        return other;
  previousOfHash.push_back(isFirst ? kNoForm : last->second);
  last->second = id;
  Term *terms = storage.Allocate<Term>(form.size());
  std::uninitialized_copy(form.begin(), form.end(), terms);
  forms.push_back({terms, form.size()});
  return id;
}

FormId FormPool::unknown(UnknownId unknown) { return intern({Term{unknown, Fraction(1)}}); }

/// a + factor * b, computed once: layers of one kind combine the same forms over and over.
FormId FormPool::remember(FormId a, FormId b, const Fraction &factor) {
  auto [it, isNew] = sums.try_emplace({uint64_t(a) << 32 | b, numberOf(factor)}, zero);
  if (isNew) {
    addScaledInto(scratch, forms[a], factor, forms[b]);
    it->second = intern(scratch);
  }
  return it->second;
}

FormId FormPool::add(FormId a, FormId b) {
  if (a == zero)
    return b;
  if (b == zero)
    return a;
  return remember(a, b, Fraction(1));
}

FormId FormPool::subtract(FormId a, FormId b) {
  if (b == zero)
    return a;
  if (a == b)
    return zero;
  return remember(a, b, Fraction(-1));
}

FormId FormPool::scale(const Fraction &factor, FormId a) {
  if (a == zero || factor == Fraction(1))
    return a;
  return remember(zero, a, factor);
}

uint32_t FormPool::numberOf(const Fraction &coefficient) {
  // There are hardly ever more than half a dozen.
  auto it = llvm::find(coefficients, coefficient);
  if (it == coefficients.end())
    it = coefficients.insert(it, coefficient);
  return it - coefficients.begin();
}
