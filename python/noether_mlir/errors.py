# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What can go wrong, as exceptions whose message is one line that a user can act on."""


class NoetherError(Exception):
    """Anything that Noether refuses or cannot do. `str(error)` is one line.

    Attributes:
        diagnostic: everything the compiler printed, with notes and source excerpts; empty if it did not run.
    """

    def __init__(self, message: str, diagnostic: str = ""):
        super().__init__(message)
        self.diagnostic = diagnostic


class NotATrainingStep(NoetherError):
    """The input is malformed, or is no training step: no parameters, no loss, or nothing to be read."""


class UnsupportedStep(NoetherError):
    """The step is a training step, but something in it cannot be kept by the way it would be run."""


class ToolNotFound(NoetherError):
    """`noether-opt` is not there or does not start."""


class MissingDependency(NoetherError):
    """An optional dependency is needed; the message says which and how to install it."""
