// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "InputChecks.h"

#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/Bytecode/BytecodeReader.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"

#include "llvm/Support/raw_ostream.h"

using namespace mlir;

/// Well inside what an 8 MiB stack takes; real modules nest a dozen levels.
static constexpr unsigned kMaxNesting = 1000;

llvm::LogicalResult noether::checkNesting(const llvm::MemoryBuffer &input) {
  if (isBytecode(input))
    return success();
  unsigned depth = 0, line = 1;
  const char *lineStart = input.getBufferStart();
  for (const char *c = input.getBufferStart(); c != input.getBufferEnd(); ++c) {
    switch (*c) {
    case '\n':
      ++line;
      lineStart = c + 1;
      break;
    case '"':
      // A string ends at the next quote that is not escaped, at the latest at the end of the line.
      while (c + 1 != input.getBufferEnd() && c[1] != '"' && c[1] != '\n')
        c += (c[1] == '\\' && c + 2 != input.getBufferEnd()) ? 2 : 1;
      if (c + 1 != input.getBufferEnd() && c[1] == '"')
        ++c;
      break;
    case '(':
    case '[':
    case '{':
    case '<':
      if (++depth <= kMaxNesting)
        break;
      llvm::errs() << input.getBufferIdentifier() << ":" << line << ":" << (c - lineStart + 1)
                   << ": error: brackets are nested more than " << kMaxNesting << " deep\n";
      return failure();
    case '>':
      // The arrow is no bracket.
      if (c != input.getBufferStart() && c[-1] == '-')
        break;
      [[fallthrough]];
    case ')':
    case ']':
    case '}':
      depth -= depth > 0;
      break;
    default:
      break;
    }
  }
  return success();
}

static bool hasPlace(Location location) {
  bool found = false;
  location->walk([&](Location part) {
    found |= isa<FileLineColRange, NameLoc>(part);
    return found ? WalkResult::interrupt() : WalkResult::advance();
  });
  return found;
}

static std::string inputName;

static void addHandler(MLIRContext *context) {
  context->getDiagEngine().registerHandler([context](Diagnostic &diagnostic) {
    if (hasPlace(diagnostic.getLocation()))
      return failure(); // the next handler's
    Diagnostic located(FileLineColLoc::get(context, inputName, 1, 1), diagnostic.getSeverity());
    located << diagnostic.str();
    for (Diagnostic &note : diagnostic.getNotes())
      located.attachNote(hasPlace(note.getLocation()) ? std::optional<Location>(note.getLocation())
                                                      : std::nullopt)
          << note.str();
    context->getDiagEngine().emit(std::move(located));
    return success();
  });
}

void noether::locateDiagnosticsIn(llvm::StringRef fileName, DialectRegistry &registry) {
  inputName = fileName.str();
  // Dialects are loaded while the input is read: later than the handlers of whoever opened it, and the
  // latest handler is asked first.
  registry.addExtension(+[](MLIRContext *context, func::FuncDialect *) { addHandler(context); });
  registry.addExtension(+[](MLIRContext *context, NoetherDialect *) { addHandler(context); });
}
