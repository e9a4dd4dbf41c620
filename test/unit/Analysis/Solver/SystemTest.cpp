// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Solver/System.h"

#include "gtest/gtest.h"

using namespace noether;

namespace {
System parse(llvm::StringRef text) {
  std::string error;
  std::optional<System> system = System::parse(text, error);
  EXPECT_TRUE(system) << error;
  return system ? std::move(*system) : System();
}

std::string errorOf(llvm::StringRef text) {
  std::string error;
  EXPECT_FALSE(System::parse(text, error)) << text.str();
  return error;
}

std::string print(const System &system) {
  std::string text;
  llvm::raw_string_ostream os(text);
  system.print(os);
  return text;
}
} // namespace

TEST(SystemTest, RoundTrip) {
  constexpr llvm::StringLiteral text = "unknown w dim 8\n"
                                       "unknown v dim 1\n"
                                       "unknown empty dim 0\n"
                                       "spurion eps\n"
                                       "w - 2 v = 0\n"
                                       "-1/2 w + 3/4 v = eps\n"
                                       "0 = 0\n";
  EXPECT_EQ(print(parse(text)), text);
}

TEST(SystemTest, AnySpacing) {
  System system = parse("\n# a comment\r\n\tunknown\tw   dim 2 # after a statement\r\n"
                        "unknown v\nspurion eps\n  2 w  -  v\t=\teps");
  EXPECT_EQ(print(system), "unknown w dim 2\nunknown v dim 1\nspurion eps\n2 w - v = eps\n");
}

TEST(SystemTest, TermsAreSortedSummedAndDropped) {
  System system = parse("unknown a\nunknown b\n"
                        "b + a + b = 0\na - a = 0\n- -2 a + 0 b + 0 = 0\n-a = 0");
  EXPECT_EQ(print(system),
            "unknown a dim 1\nunknown b dim 1\na + 2 b = 0\n0 = 0\n2 a = 0\n-a = 0\n");
}

TEST(SystemTest, ProvenanceIsTheLine) {
  System system = parse("unknown a\n\n# comment\na = 0\n\na = 0");
  ASSERT_EQ(system.getEquations().size(), 2u);
  EXPECT_EQ(system.getEquations()[0].provenance, 4u);
  EXPECT_EQ(system.getEquations()[1].provenance, 6u);
}

TEST(SystemTest, CommentsOnEquations) {
  System system = parse("unknown a\nspurion e\na = 0\na = e");
  std::string text;
  llvm::raw_string_ostream os(text);
  system.print(os, [](llvm::raw_ostream &os, const Equation &equation) {
    os << "from " << equation.provenance;
  });
  EXPECT_EQ(text, "unknown a dim 1\nspurion e\na = 0 # from 3\na = e # from 4\n");
  EXPECT_EQ(print(parse(text)), print(system));
}

TEST(SystemTest, Errors) {
  EXPECT_EQ(errorOf("unknown"), "line 1: expected 'unknown NAME [dim N]'");
  EXPECT_EQ(errorOf("unknown w dim"), "line 1: expected a dimension");
  EXPECT_EQ(errorOf("unknown w dim -1"), "line 1: expected a dimension");
  EXPECT_EQ(errorOf("unknown w dim 99999999999999999999"), "line 1: expected a dimension");
  EXPECT_EQ(errorOf("unknown w 3"), "line 1: expected 'unknown NAME [dim N]'");
  EXPECT_EQ(errorOf("\nunknown 3"), "line 2: '3' is not a name");
  EXPECT_EQ(errorOf("unknown 1/2"), "line 1: '1/2' is not a name");
  EXPECT_EQ(errorOf("unknown -w"), "line 1: '-w' is not a name");
  EXPECT_EQ(errorOf("unknown +"), "line 1: '+' is not a name");
  EXPECT_EQ(errorOf("unknown w\nunknown w"), "line 2: unknown 'w' is declared twice");
  EXPECT_EQ(errorOf("spurion"), "line 1: expected 'spurion NAME'");
  EXPECT_EQ(errorOf("spurion 0"), "line 1: '0' is not a name");
  EXPECT_EQ(errorOf("spurion e\nspurion e"), "line 2: spurion 'e' is declared twice");
  const std::string w = "unknown w\n";
  EXPECT_EQ(errorOf(w + "v = 0"), "line 2: unknown 'v' is not declared");
  EXPECT_EQ(errorOf(w + "w = e"), "line 2: spurion 'e' is not declared");
  EXPECT_EQ(errorOf(w + "w"), "line 2: expected '= 0' or '= SPURION'");
  EXPECT_EQ(errorOf(w + "= 0"), "line 2: expected '= 0' or '= SPURION'");
  EXPECT_EQ(errorOf(w + "w - = 0"), "line 2: expected '= 0' or '= SPURION'");
  EXPECT_EQ(errorOf(w + "w ="), "line 2: expected '= 0' or '= SPURION'");
  EXPECT_EQ(errorOf(w + "w w = 0"), "line 2: expected '+', '-' or '=' before 'w'");
  EXPECT_EQ(errorOf(w + "w = 0 w"), "line 2: unexpected 'w'");
  EXPECT_EQ(errorOf(w + "w + 1 = 0"),
            "line 2: the system is homogeneous: a constant other than 0 is not allowed");
  EXPECT_EQ(errorOf(w + "1/0 w = 0"), "line 2: unknown '1/0' is not declared");
}
