# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`python -m noether_mlir` is the command `noether`."""

from noether_mlir.cli import main

main()
