# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Settings of the tests of PyTorch: tensors are small, and threads that wait for each other only cost."""

import torch

torch.set_num_threads(1)
