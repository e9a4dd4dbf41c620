// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "HoverRelay.h"

#include "mlir/Support/ToolUtilities.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/LSP/Transport.h"

using namespace llvm;
using namespace noether;

/// Tests write messages that are ended by a line `// -----`; editors give the length of each first.
static lsp::JSONStreamStyle styleOf(std::FILE *stream) {
  int first = std::getc(stream);
  std::ungetc(first, stream);
  return first == '{' || first == '/' ? lsp::JSONStreamStyle::Delimited
                                      : lsp::JSONStreamStyle::Standard;
}

static void send(StringRef message, lsp::JSONStreamStyle style, std::FILE *stream) {
  std::string text = style == lsp::JSONStreamStyle::Delimited
                         ? (message + "\n// -----\n").str()
                         : ("Content-Length: " + Twine(message.size()) + "\r\n\r\n" + message).str();
  std::fwrite(text.data(), 1, text.size(), stream);
  std::fflush(stream);
}

/// Calls back for each message of a stream, until it ends.
static void forEachMessage(std::FILE *stream, lsp::JSONStreamStyle style,
                           function_ref<void(StringRef)> callback) {
  lsp::JSONTransportInputOverFile input(stream, style);
  std::string message;
  while (!input.isEndOfInput() && !input.hasError())
    if (succeeded(input.readMessage(message)))
      callback(message);
}

/// A part of a message, if it can be read.
template <typename T> static std::optional<T> read(const json::Value *value) {
  T result;
  json::Path::Root root;
  if (value && fromJSON(*value, result, root))
    return result;
  return std::nullopt;
}

static std::string nameOf(const json::Value &id) { return formatv("{0}", id).str(); }

void HoverRelay::relayRequests(std::FILE *editor, std::FILE *server) {
  lsp::JSONStreamStyle style = styleOf(editor);
  forEachMessage(editor, style, [&](StringRef message) {
    if (Expected<json::Value> parsed = json::parse(message))
      note(*parsed);
    else
      consumeError(parsed.takeError()); // the server says so
    send(message, style, server);
  });
}

void HoverRelay::relayAnswers(std::FILE *server, std::FILE *editor) {
  forEachMessage(server, lsp::JSONStreamStyle::Standard, [&](StringRef message) {
    std::optional<json::Value> answer;
    if (Expected<json::Value> parsed = json::parse(message))
      answer = extended(*parsed);
    else
      consumeError(parsed.takeError());
    std::string text = message.str();
    if (answer)
      text = message.contains('\n') ? formatv("{0:2}", *answer).str() : formatv("{0}", *answer).str();
    send(text, lsp::JSONStreamStyle::Standard, editor);
  });
}

void HoverRelay::note(const json::Value &message) {
  const json::Object *object = message.getAsObject();
  std::optional<StringRef> method = object ? object->getString("method") : std::nullopt;
  if (!method)
    return;
  const json::Value *given = object->get("params");
  std::lock_guard<std::mutex> lock(mutex);
  if (*method == "textDocument/didOpen") {
    if (auto params = read<lsp::DidOpenTextDocumentParams>(given))
      documents[params->textDocument.uri.uri()] = std::make_shared<Document>(params->textDocument.text);
  } else if (*method == "textDocument/didChange") {
    auto params = read<lsp::DidChangeTextDocumentParams>(given);
    auto known = params ? documents.find(params->textDocument.uri.uri()) : documents.end();
    if (known == documents.end())
      return;
    std::string text = known->second->text;
    if (failed(lsp::TextDocumentContentChangeEvent::applyTo(params->contentChanges, text)))
      documents.erase(known); // what is not known is not spoken of
    else
      known->second = std::make_shared<Document>(std::move(text));
  } else if (*method == "textDocument/didClose") {
    if (auto params = read<lsp::DidCloseTextDocumentParams>(given))
      documents.erase(params->textDocument.uri.uri());
  } else if (*method == "textDocument/hover") {
    auto params = read<lsp::TextDocumentPositionParams>(given);
    const json::Value *id = object->get("id");
    if (!params || !id)
      return;
    auto known = documents.find(params->textDocument.uri.uri());
    if (known != documents.end())
      questions[nameOf(*id)] = {known->second, params->position};
  }
}

std::optional<json::Value> HoverRelay::extended(const json::Value &message) {
  const json::Object *object = message.getAsObject();
  const json::Value *id = object ? object->get("id") : nullptr;
  const json::Value *result = object ? object->get("result") : nullptr;
  if (!id || object->get("method"))
    return std::nullopt;
  Question question;
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto asked = questions.find(nameOf(*id));
    if (asked == questions.end())
      return std::nullopt;
    question = std::move(asked->second);
    questions.erase(asked);
  }
  const json::Object *hover = result ? result->getAsObject() : nullptr;
  if (!result || (!hover && result->kind() != json::Value::Null))
    return std::nullopt;
  std::string known = question.document->describe(question.position, registry);
  if (known.empty())
    return std::nullopt;

  json::Object extended = hover ? *hover : json::Object();
  std::string text;
  if (const json::Object *contents = extended.getObject("contents"))
    text = contents->getString("value").value_or("").str() + "\n***\n";
  extended["contents"] = json::Object{{"kind", "markdown"}, {"value", text + known}};
  json::Object answer = *object;
  answer["result"] = std::move(extended);
  return json::Value(std::move(answer));
}

std::string HoverRelay::Document::describe(lsp::Position position,
                                           const mlir::DialectRegistry &registry) {
  // The part that the line is in, as MLIR's tools split files.
  SmallVector<StringRef, 4> chunks;
  StringRef(text).split(chunks, mlir::kDefaultSplitMarker);
  for (StringRef chunk : chunks) {
    int lines = chunk.count('\n');
    if (position.line > lines) {
      position.line -= lines;
      continue;
    }
    std::unique_ptr<StepFacts> &known = facts[chunk];
    if (!known)
      known = std::make_unique<StepFacts>(chunk, registry);
    return known->describe(position);
  }
  return "";
}
