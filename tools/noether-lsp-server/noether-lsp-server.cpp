// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The language server: mlir-lsp-server for files with our dialects, StableHLO dumps among them, which also
// says what the analysis knows. MLIR's server has no place for that, so it runs in a process of its own, and
// its answers are completed on their way.

#include "HoverRelay.h"

#include "noether/Dialect/Host/HostDialects.h"
#include "noether/Dialect/Noether/IR/Noether.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

/// Whether what is asked for is a word about the tool itself.
static bool isAboutTheTool(int argc, char **argv) {
  return llvm::any_of(llvm::ArrayRef(argv, argc).drop_front(), [](llvm::StringRef argument) {
    argument = argument.ltrim('-');
    return argument == "h" || argument.starts_with("help") || argument == "version";
  });
}

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  registry.insert<noether::NoetherDialect>();
  noether::registerHostDialects(registry);
  auto serve = [&] { return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry)); };

  int requests[2], answers[2];
  if (isAboutTheTool(argc, argv))
    return serve();
  if (pipe(requests) || pipe(answers))
    return EXIT_FAILURE;
  pid_t server = fork();
  if (server < 0)
    return EXIT_FAILURE;
  if (!server) {
    dup2(requests[0], STDIN_FILENO);
    dup2(answers[1], STDOUT_FILENO);
    for (int end : {requests[0], requests[1], answers[0], answers[1]})
      close(end);
    return serve();
  }
  close(requests[0]);
  close(answers[1]);
  // A server that has ended is noticed where its answers end.
  std::signal(SIGPIPE, SIG_IGN);

  noether::HoverRelay relay(registry);
  std::FILE *toServer = fdopen(requests[1], "w"), *fromServer = fdopen(answers[0], "r");
  std::thread([&] {
    relay.relayRequests(stdin, toServer);
    std::fclose(toServer);
  }).detach();
  relay.relayAnswers(fromServer, stdout);
  int status = 0;
  waitpid(server, &status, 0);
  std::fflush(stdout);
  // The editor may still be about to say something: nobody waits for it.
  _exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE);
}
