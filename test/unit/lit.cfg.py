# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import lit.formats

config.name = "Noether-Unit"
config.suffixes = []
config.test_source_root = config.noether_build_root + "/test/unit"
config.test_exec_root = config.test_source_root
config.test_format = lit.formats.GoogleTest("", "Tests")
