// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What stands between an editor and MLIR's language server: messages pass through as they are, and what the
// server says where the mouse rests is followed by what the analysis knows of the place.

#ifndef NOETHER_TOOLS_NOETHER_LSP_SERVER_HOVERRELAY_H
#define NOETHER_TOOLS_NOETHER_LSP_SERVER_HOVERRELAY_H

#include "StepFacts.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/JSON.h"

#include <cstdio>
#include <mutex>

namespace noether {

class HoverRelay {
public:
  explicit HoverRelay(const mlir::DialectRegistry &registry) : registry(registry) {}

  /// Passes on what the editor says, until it says nothing more. Notes what the documents are and what is asked.
  void relayRequests(std::FILE *editor, std::FILE *server);
  /// Passes on what the server says, until it ends.
  void relayAnswers(std::FILE *server, std::FILE *editor);

private:
  /// A document as it was when something was asked about it. Its parts (between lines `// -----`) are analysed
  /// when first needed.
  struct Document {
    explicit Document(std::string text) : text(std::move(text)) {}
    std::string describe(llvm::lsp::Position position, const mlir::DialectRegistry &registry);

    std::string text;
    llvm::StringMap<std::unique_ptr<StepFacts>> facts;
  };
  struct Question {
    std::shared_ptr<Document> document;
    llvm::lsp::Position position;
  };

  void note(const llvm::json::Value &message);
  /// The answer with what is known added; nothing if there is nothing to add.
  std::optional<llvm::json::Value> extended(const llvm::json::Value &message);

  const mlir::DialectRegistry &registry;
  /// Guards what follows: requests and answers are relayed at the same time.
  std::mutex mutex;
  llvm::StringMap<std::shared_ptr<Document>> documents; // by URI
  llvm::StringMap<Question> questions;                  // by the request's id
};

} // namespace noether

#endif // NOETHER_TOOLS_NOETHER_LSP_SERVER_HOVERRELAY_H
