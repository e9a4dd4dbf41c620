# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import os

import lit.formats
from lit.llvm import llvm_config

config.name = "Noether"
config.test_format = lit.formats.ShTest(execute_external=True)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "python", "unit"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.noether_build_root, "test")

config.substitutions.append(("%dumps", os.path.join(config.test_source_root, "Inputs", "dumps")))
config.substitutions.append(("%python", config.python))
config.substitutions.append(("%cmake", config.cmake))
config.substitutions.append(("%c_compiler", config.c_compiler))
config.substitutions.append(("%cxx_compiler", config.cxx_compiler))
config.substitutions.append(("%mlir_dir", config.mlir_dir))
config.substitutions.append(("%noether_build", config.noether_build_root))
config.substitutions.append(("%noether_source", config.noether_source_root))
config.substitutions.append(
    ("%noether_plugin",
     os.path.join(config.noether_build_root, "lib", "NoetherPlugin" + config.plugin_suffix)))

llvm_config.use_default_substitutions()
llvm_config.with_environment("FILECHECK_OPTS", "-enable-var-scope --allow-unused-prefixes=false")

tools_dir = os.path.join(config.noether_build_root, "bin")
llvm_config.with_environment("PATH", [tools_dir, config.llvm_tools_dir], append_path=True)
llvm_config.add_tool_substitutions(
    ["noether-opt", "noether-lsp-server", "noether-capi-test", "noether-solve",
     "mlir-opt", "split-file"],
    [tools_dir, config.llvm_tools_dir])
