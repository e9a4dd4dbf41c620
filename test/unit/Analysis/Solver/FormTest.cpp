// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Torus/Field.h"
#include "noether/Analysis/Solver/Form.h"

#include "gtest/gtest.h"

using namespace noether;

namespace {
Form form(std::initializer_list<std::pair<UnknownId, Fraction>> terms) {
  Form result;
  for (auto &[unknown, coefficient] : terms)
    result.push_back({unknown, coefficient});
  return result;
}

std::string print(llvm::ArrayRef<Term> terms) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printForm(os, terms, [](llvm::raw_ostream &os, UnknownId unknown) { os << "x" << unknown; });
  return text;
}
} // namespace

TEST(FormTest, AddScaledMergesSortsAndCancels) {
  Form a = form({{0, 1}, {2, 2}, {5, -1}});
  Form b = form({{1, 3}, {2, 1}, {5, Fraction(-1, 2)}});
  EXPECT_EQ(addScaled(a, -2, b), form({{0, 1}, {1, -6}}));
  EXPECT_EQ(addScaled({}, Fraction(1, 2), a),
            form({{0, Fraction(1, 2)}, {2, 1}, {5, Fraction(-1, 2)}}));
  EXPECT_EQ(addScaled(a, 0, b), a);
  EXPECT_TRUE(addScaled(a, -1, a).empty());
}

TEST(FormTest, Prints) {
  EXPECT_EQ(print({}), "0");
  EXPECT_EQ(print(form({{0, 1}})), "x0");
  EXPECT_EQ(print(form({{0, -1}, {1, 2}, {3, Fraction(-1, 2)}})), "-x0 + 2 x1 - 1/2 x3");
  EXPECT_EQ(toString(Fraction(-3, 2) / 3), "-1/2");
  EXPECT_EQ(toString(Fraction(4, 1)), "4");
}

TEST(FormPoolTest, EqualFormsHaveEqualNumbers) {
  FormPool pool;
  FormId x = pool.unknown(7), y = pool.unknown(3);
  EXPECT_EQ(pool.intern({}), FormPool::zero);
  EXPECT_EQ(pool.unknown(7), x);
  EXPECT_EQ(pool.add(x, y), pool.add(y, x));
  EXPECT_EQ(pool.subtract(pool.add(x, y), y), x);
  EXPECT_EQ(pool.subtract(x, x), FormPool::zero);
  EXPECT_EQ(pool.add(x, x), pool.scale(2, x));
  EXPECT_EQ(pool.scale(0, x), FormPool::zero);
  // 2/4 and 1/2 are one number.
  EXPECT_EQ(pool.scale(Fraction(2, 4), x), pool.scale(Fraction(1, 2), x));
  EXPECT_EQ(pool.scale(2, pool.scale(Fraction(1, 2), x)), x);
}

TEST(FieldPoolTest, InternsWhateverTheOrder) {
  FieldPool pool;
  EXPECT_EQ(pool.intern({}), FieldPool::zero);
  FieldId field = pool.intern({{4, 1}, {0, 2}});
  EXPECT_EQ(field, pool.intern({{0, 2}, {4, 1}}));
  EXPECT_EQ(pool[field].front().key, 0u);
  EXPECT_NE(field, pool.intern({{0, 1}, {4, 2}}));
  // "Any scale" has no components either, but is not 0.
  EXPECT_NE(FieldPool::any, FieldPool::zero);
  EXPECT_TRUE(pool[FieldPool::any].empty());
}
