// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Solver/Solver.h"

#include "llvm/ADT/Twine.h"

#include "gtest/gtest.h"

#include <random>

using namespace noether;

namespace {
System parse(llvm::StringRef text) {
  std::string error;
  std::optional<System> system = System::parse(text, error);
  EXPECT_TRUE(system) << error;
  return system ? std::move(*system) : System();
}

std::string print(const System &system, llvm::ArrayRef<Term> form) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printForm(os, form, [&](llvm::raw_ostream &os, UnknownId unknown) {
    os << system.getUnknowns()[unknown].name;
  });
  return text;
}

/// "8: a b 1/2 a": the dimension and every unknown's value.
std::string solve(const System &system, SpurionMode mode = SpurionMode::Promoted) {
  Solution solution = Solver(system, mode).solve();
  EXPECT_EQ(findViolatedEquation(system, solution, mode), std::nullopt);
  std::string text = std::to_string(solution.getDimension()) + ":";
  for (UnknownId unknown = 0; unknown < system.getUnknowns().size(); ++unknown)
    text += (unknown ? ", " : " ") + print(system, solution[unknown]);
  return text;
}
std::string solve(llvm::StringRef text, SpurionMode mode = SpurionMode::Promoted) {
  return solve(parse(text), mode);
}
} // namespace

//===----------------------------------------------------------------------===//
// Short equations
//===----------------------------------------------------------------------===//

TEST(SolverTest, NothingIsStated) {
  EXPECT_EQ(solve(""), "0:");
  EXPECT_EQ(solve("unknown a\nunknown b"), "2: a, b");
}

TEST(SolverTest, ChainsOfRatios) {
  EXPECT_EQ(solve("unknown a\nunknown b\nunknown c\nunknown d\n"
                  "d - 3 c = 0\nb + 1/2 a = 0\nc - 2/3 b = 0"),
            "1: a, -1/2 a, -1/3 a, -a");
}

TEST(SolverTest, FirstUnknownNamesTheClass) {
  EXPECT_EQ(solve("unknown a\nunknown b\nunknown c\nc - b = 0\nb - a = 0"), "1: a, a, a");
}

TEST(SolverTest, PinsReachTheWholeClass) {
  EXPECT_EQ(solve("unknown a\nunknown b\nunknown c\na - b = 0\nb - 2 c = 0\nc = 0"), "0: 0, 0, 0");
  EXPECT_EQ(solve("unknown a\nunknown b\nunknown c\nc = 0\na - b = 0\nb - 2 c = 0"), "0: 0, 0, 0");
}

TEST(SolverTest, TwoRatiosLeaveOnlyZero) {
  EXPECT_EQ(solve("unknown a\nunknown b\nunknown c\na - b = 0\nb - c = 0\na - 2 c = 0"),
            "0: 0, 0, 0");
  EXPECT_EQ(solve("unknown a\nunknown b\na - b = 0\n2 a - 2 b = 0"), "1: a, a");
}

TEST(SolverTest, DimensionsAreWeights) {
  EXPECT_EQ(solve("unknown a dim 7\nunknown b dim 3\nunknown c dim 0\nunknown d dim 5\nd = 0"),
            "10: a, b, c, 0");
}

//===----------------------------------------------------------------------===//
// Longer equations
//===----------------------------------------------------------------------===//

TEST(SolverTest, LongerEquations) {
  EXPECT_EQ(solve("unknown a\nunknown b\nunknown c\na + 2 b - 4 c = 0"),
            "2: a, b, 1/4 a + 1/2 b");
  // The second is short once the first is in.
  EXPECT_EQ(solve("unknown a\nunknown b\nunknown c\na + b + c = 0\na + b - c = 0"),
            "1: a, -a, 0");
}

TEST(SolverTest, RowsInAnyOrderEndExpanded) {
  EXPECT_EQ(solve("unknown a\nunknown b\nunknown c\nunknown d\nunknown e\n"
                  "e - d - c = 0\nd - c - b = 0\nc - b - a = 0"),
            "2: a, b, a + b, a + 2 b, 2 a + 3 b");
}

TEST(SolverTest, RowsThatLeadToOneAnother) {
  // Expanded term by term, the last unknown would take 2^100 steps.
  std::string text;
  for (int i = 0; i < 200; ++i)
    text += "unknown x" + std::to_string(i) + "\n";
  for (int i = 199; i >= 2; --i)
    text += "x" + std::to_string(i) + " - x" + std::to_string(i - 1) + " - x" +
            std::to_string(i - 2) + " = 0\n";
  System system = parse(text);
  Solution solution = Solver(system, SpurionMode::Promoted).solve();
  EXPECT_EQ(solution.getDimension(), 2);
  // Fibonacci numbers beyond 64 bits, exactly.
  EXPECT_EQ(print(system, solution[199]), "107168651819712326877926895128666735145224 x0 + "
                                          "173402521172797813159685037284371942044301 x1");
}

//===----------------------------------------------------------------------===//
// Spurions
//===----------------------------------------------------------------------===//

TEST(SolverTest, SpurionsPromotedAndKept) {
  constexpr llvm::StringLiteral text = "unknown w dim 8\nunknown v dim 2\nspurion eps\n"
                                       "2 w = eps\nv - w = eps";
  EXPECT_EQ(solve(text, SpurionMode::Promoted), "10: w, v");
  EXPECT_EQ(solve(text, SpurionMode::Kept), "0: 0, 0");
  System system = parse(text);
  Solution solution = Solver(system, SpurionMode::Promoted).solve();
  EXPECT_EQ(print(system, solution.evaluate(system.getEquations()[0].form)), "2 w");
}

//===----------------------------------------------------------------------===//
// What made an unknown 0
//===----------------------------------------------------------------------===//

TEST(SolverTest, PinnedBy) {
  System system = parse("unknown a\nunknown b\nunknown c\nunknown free\n"
                        "a - b = 0\na + b = 0\nc = 0");
  Solution solution = Solver(system, SpurionMode::Promoted).solve();
  EXPECT_EQ(solution.getPinnedBy(0), 1u);
  EXPECT_EQ(solution.getPinnedBy(1), 1u);
  EXPECT_EQ(solution.getPinnedBy(2), 2u);
  EXPECT_EQ(solution.getPinnedBy(3), std::nullopt);
}

TEST(SolverTest, PinnedByALongerEquation) {
  // Two rows over free unknowns that are pinned only afterwards.
  System system = parse("unknown a\nunknown b\nunknown c\nunknown d\n"
                        "a + b + c - d = 0\na + 2 b + c + d = 0\na - b + 3 c + d = 0\n"
                        "a + b + c + 5 d = 0");
  Solution solution = Solver(system, SpurionMode::Promoted).solve();
  EXPECT_EQ(solution.getDimension(), 0);
  for (UnknownId unknown = 0; unknown < 4; ++unknown) {
    EXPECT_TRUE(solution[unknown].empty());
    EXPECT_NE(solution.getPinnedBy(unknown), std::nullopt) << unknown;
  }
}

//===----------------------------------------------------------------------===//
// The independent check
//===----------------------------------------------------------------------===//

TEST(SolverTest, CheckFindsTheEquationThatDoesNotHold) {
  System system = parse("unknown a\nunknown b\nunknown c\na - b = 0\nb - 2 c = 0");
  System changed = parse("unknown a\nunknown b\nunknown c\na - b = 0\nb - 3 c = 0");
  System longer = parse("unknown a\nunknown b\nunknown c\nspurion e\n"
                        "a - b = 0\nb - 2 c = 0\nb + c = e");
  Solution solution = Solver(system, SpurionMode::Promoted).solve();
  EXPECT_EQ(findViolatedEquation(system, solution, SpurionMode::Promoted), std::nullopt);
  EXPECT_EQ(findViolatedEquation(changed, solution, SpurionMode::Promoted), 1u);
  EXPECT_EQ(findViolatedEquation(longer, solution, SpurionMode::Promoted), std::nullopt);
  EXPECT_EQ(findViolatedEquation(longer, solution, SpurionMode::Kept), 2u);
}

//===----------------------------------------------------------------------===//
// Against dense elimination
//===----------------------------------------------------------------------===//

namespace {
/// Rank by Gaussian elimination over the rationals, row by row, with nothing clever.
size_t denseRank(const System &system) {
  size_t columns = system.getUnknowns().size();
  std::vector<std::vector<Fraction>> rows;
  for (const Equation &equation : system.getEquations()) {
    std::vector<Fraction> row(columns, Fraction(0));
    for (const Term &term : equation.form)
      row[term.unknown] = term.coefficient;
    rows.push_back(std::move(row));
  }
  size_t rank = 0;
  for (size_t column = 0; column < columns; ++column) {
    auto pivot = std::find_if(rows.begin() + rank, rows.end(),
                              [&](auto &row) { return row[column] != Fraction(0); });
    if (pivot == rows.end())
      continue;
    std::swap(rows[rank], *pivot);
    for (size_t other = rank + 1; other < rows.size(); ++other) {
      Fraction factor = rows[other][column] / rows[rank][column];
      for (size_t k = column; k < columns; ++k)
        rows[other][k] -= factor * rows[rank][k];
    }
    ++rank;
  }
  return rank;
}

System randomSystem(unsigned seed) {
  std::mt19937 random(seed);
  auto upTo = [&](unsigned bound) { return random() % bound; };
  System system;
  unsigned unknowns = 1 + upTo(14), equations = upTo(2 * unknowns);
  for (unsigned i = 0; i < unknowns; ++i)
    system.addUnknown("x" + llvm::Twine(i));
  for (unsigned i = 0; i < equations; ++i) {
    // Mostly short ones, as in real steps.
    unsigned length = upTo(4) ? 1 + upTo(2) + (upTo(3) == 0) : 3 + upTo(4);
    Equation equation;
    equation.provenance = i;
    for (unsigned k = 0; k < length; ++k) {
      Form term = {{UnknownId(upTo(unknowns)), Fraction(int(upTo(7)) - 3) / Fraction(1 + upTo(3))}};
      if (term.front().coefficient != Fraction(0))
        equation.form = addScaled(equation.form, 1, term);
    }
    system.addEquation(std::move(equation));
  }
  return system;
}
} // namespace

TEST(SolverTest, AgreesWithDenseElimination) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    System system = randomSystem(seed);
    Solution solution = Solver(system, SpurionMode::Promoted).solve();
    ASSERT_EQ(findViolatedEquation(system, solution, SpurionMode::Promoted), std::nullopt) << seed;
    size_t nullity = system.getUnknowns().size() - denseRank(system);
    ASSERT_EQ(size_t(solution.getDimension()), nullity) << seed;
    ASSERT_EQ(solution.getFree().size(), nullity) << seed;
    // Free unknowns are themselves: so the solution spans a space of that dimension.
    for (UnknownId unknown : solution.getFree())
      ASSERT_EQ(solution[unknown], llvm::ArrayRef<Term>({unknown, Fraction(1)})) << seed;
    for (UnknownId unknown = 0; unknown < system.getUnknowns().size(); ++unknown)
      ASSERT_EQ(solution[unknown].empty(), solution.getPinnedBy(unknown).has_value())
          << seed << ", x" << unknown;
  }
}

TEST(SolverTest, Deterministic) {
  for (unsigned seed = 0; seed < 50; ++seed)
    ASSERT_EQ(solve(randomSystem(seed)), solve(randomSystem(seed)));
}
