# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Settings of the tests of frameworks. (Keras reads its backend from the environment when it is imported.)"""

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax  # noqa: E402
import pytest  # noqa: E402


@pytest.fixture(autouse=True)
def single_precision():
    """What frameworks train in."""
    with jax.enable_x64(False):
        yield
