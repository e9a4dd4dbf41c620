// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "noether/Analysis/Solver/System.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace noether;
using llvm::StringRef;

UnknownId System::addUnknown(llvm::Twine name, int64_t dimension) {
  unknowns.push_back({name.str(), dimension});
  return unknowns.size() - 1;
}

uint32_t System::addSpurion(llvm::Twine name) {
  spurions.push_back(name.str());
  return spurions.size() - 1;
}

void System::print(
    llvm::raw_ostream &os,
    llvm::function_ref<void(llvm::raw_ostream &, const Equation &)> comment) const {
  for (const Unknown &unknown : unknowns)
    os << "unknown " << unknown.name << " dim " << unknown.dimension << "\n";
  for (const std::string &spurion : spurions)
    os << "spurion " << spurion << "\n";
  for (const Equation &equation : equations) {
    printForm(os, equation.form,
              [&](llvm::raw_ostream &os, UnknownId u) { os << unknowns[u].name; });
    os << " = " << (equation.spurion ? StringRef(spurions[*equation.spurion]) : StringRef("0"));
    if (comment)
      comment(os << " # ", equation);
    os << "\n";
  }
}

namespace {
/// One line of the textual form, split at blanks.
struct LineParser {
  llvm::SmallVector<StringRef> words;
  size_t next = 0;

  bool atEnd() const { return next == words.size(); }
  StringRef peek() const { return atEnd() ? StringRef() : words[next]; }
  StringRef take() { return atEnd() ? StringRef() : words[next++]; }
};
} // namespace

static std::optional<Fraction> parseFraction(StringRef text) {
  auto [numerator, denominator] = text.split('/');
  int64_t num, den = 1;
  if (numerator.getAsInteger(10, num) || num < 0)
    return std::nullopt;
  if (text.contains('/') && (denominator.getAsInteger(10, den) || den <= 0))
    return std::nullopt;
  return Fraction(num, den);
}

/// What cannot be taken for a coefficient or a sign.
static bool isName(StringRef word) {
  return !parseFraction(word) && !word.starts_with("-") && word != "+";
}

std::optional<System> System::parse(StringRef text, std::string &error) {
  System system;
  llvm::StringMap<UnknownId> unknownByName;
  llvm::StringMap<uint32_t> spurionByName;
  unsigned number = 0;
  auto fail = [&](const llvm::Twine &what) {
    error = ("line " + llvm::Twine(number) + ": " + what).str();
    return std::nullopt;
  };

  while (!text.empty()) {
    StringRef line;
    std::tie(line, text) = text.split('\n');
    ++number;
    LineParser parser;
    llvm::SplitString(line.split('#').first, parser.words, " \t\r");
    if (parser.atEnd())
      continue;

    if (parser.peek() == "unknown" && !line.contains('=')) {
      parser.take();
      StringRef name = parser.take();
      int64_t dimension = 1;
      if (parser.peek() == "dim") {
        parser.take();
        if (parser.take().getAsInteger(10, dimension) || dimension < 0)
          return fail("expected a dimension");
      }
      if (name.empty() || !parser.atEnd())
        return fail("expected 'unknown NAME [dim N]'");
      if (!isName(name))
        return fail("'" + name + "' is not a name");
      if (!unknownByName.try_emplace(name, system.unknowns.size()).second)
        return fail("unknown '" + name + "' is declared twice");
      system.addUnknown(name, dimension);
      continue;
    }
    if (parser.peek() == "spurion" && !line.contains('=')) {
      parser.take();
      StringRef name = parser.take();
      if (name.empty() || !parser.atEnd())
        return fail("expected 'spurion NAME'");
      if (!isName(name))
        return fail("'" + name + "' is not a name");
      if (!spurionByName.try_emplace(name, system.spurions.size()).second)
        return fail("spurion '" + name + "' is declared twice");
      system.addSpurion(name);
      continue;
    }

    Equation equation;
    equation.provenance = number;
    std::map<UnknownId, Fraction> terms;
    bool negative = false, expectTerm = true;
    while (!parser.atEnd() && parser.peek() != "=") {
      StringRef word = parser.take();
      if (word == "+" || word == "-") {
        negative = word == "-";
        expectTerm = true;
        continue;
      }
      if (!expectTerm)
        return fail("expected '+', '-' or '=' before '" + word + "'");
      if (word.consume_front("-"))
        negative = !negative;
      Fraction coefficient(1);
      if (std::optional<Fraction> number = parseFraction(word)) {
        coefficient = *number;
        if (parser.atEnd() || parser.peek() == "=") {
          if (coefficient != Fraction(0))
            return fail("the system is homogeneous: a constant other than 0 is not allowed");
          expectTerm = false;
          continue;
        }
        word = parser.take();
      }
      auto it = unknownByName.find(word);
      if (it == unknownByName.end())
        return fail("unknown '" + word + "' is not declared");
      terms[it->second] += negative ? -coefficient : coefficient;
      negative = false;
      expectTerm = false;
    }
    if (expectTerm || parser.take() != "=")
      return fail("expected '= 0' or '= SPURION'");
    StringRef right = parser.take();
    if (right.empty())
      return fail("expected '= 0' or '= SPURION'");
    if (right != "0") {
      auto it = spurionByName.find(right);
      if (it == spurionByName.end())
        return fail("spurion '" + right + "' is not declared");
      equation.spurion = it->second;
    }
    if (!parser.atEnd())
      return fail("unexpected '" + parser.peek() + "'");
    for (auto &[unknown, coefficient] : terms)
      if (coefficient != Fraction(0))
        equation.form.push_back({unknown, coefficient});
    system.addEquation(std::move(equation));
  }
  return system;
}
