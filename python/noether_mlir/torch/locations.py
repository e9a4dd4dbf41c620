# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The source lines that traced operations come from.

The line is that of the user's own program, or of the optimizer within `torch.optim`; an operation of the backward
pass has the line of the operation whose derivative it belongs to.
"""

import bisect
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
import torch.fx.traceback
from torch._subclasses.fake_tensor import FakeTensor
from torch.utils._python_dispatch import TorchDispatchMode

Place = tuple[str, int]

_TORCH = os.path.dirname(torch.__file__) + os.sep
_OPTIMIZERS = os.path.join(_TORCH, "optim") + os.sep
#: What wraps the steps of optimizers says nothing of the update.
_WRAPPERS = (os.path.join(_OPTIMIZERS, "optimizer.py"), os.path.join(_OPTIMIZERS, "lr_scheduler.py"))
_OWN = os.path.dirname(__file__) + os.sep
_SEPARATOR = "\0"


def is_optimizer(file: str) -> bool:
    """Whether a file is one of PyTorch's optimizers."""
    return file.startswith(_OPTIMIZERS) and file not in _WRAPPERS


@cache
def _is_shown(file: str) -> bool:
    if file.startswith(_TORCH):
        return is_optimizer(file)
    return not file.startswith((_OWN, "<"))


def calling_place() -> Place | None:
    """The innermost line that is worth showing of what runs now."""
    frame: Any = sys._getframe(1)
    while frame is not None:
        if _is_shown(frame.f_code.co_filename):
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def place_of(error: BaseException) -> Place | None:
    """The innermost line that is worth showing of where an exception was raised."""
    found, trace = None, error.__traceback__
    while trace is not None:
        if _is_shown(trace.tb_frame.f_code.co_filename):
            found = trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next
    return found


def portable(place: Place) -> Place:
    """A place without what is particular to this machine."""
    file, line = place
    if file.startswith(_TORCH):
        return os.path.join("torch", file[len(_TORCH) :]), line
    parts = file.split(os.sep + "site-packages" + os.sep)
    if len(parts) > 1:
        return parts[-1], line
    here = os.getcwd() + os.sep
    return (file[len(here) :] if file.startswith(here) else file), line


class ValueNeeded(Exception):
    """The step asks for the value of a tensor, which there is only when it runs."""


class SourceLines(TorchDispatchMode):
    """Notes for each operation that is traced where it comes from.

    Attributes:
        last: the place of the latest operation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last: Place | None = None
        # Of the operations of the forward pass: how many nodes the backward graph had, and the place.
        self._counts: list[int] = []
        self._places: list[Place | None] = []

    def _place(self) -> Place | None:
        node = torch._C._current_autograd_node()
        if node is not None:
            # The node was made by the first operation after which there were more nodes.
            found = bisect.bisect_right(self._counts, node._sequence_nr())
            if found < len(self._places):
                return self._places[found]
        place = calling_place()
        if node is None:
            count = torch._C._autograd._get_sequence_nr()
            if not self._counts or count > self._counts[-1]:
                self._counts.append(count)
                self._places.append(place)
        return place

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.last = self._place() or self.last
        if func is torch.ops.aten._local_scalar_dense.default and isinstance(args[0], FakeTensor):
            # The numbers that PyTorch's own optimizers take out of tensors stay symbolic.
            if self.last is None or not is_optimizer(self.last[0]):
                raise ValueNeeded
        if self.last:
            file, line = self.last
            torch.fx.traceback.set_stack_trace([f"{file}{_SEPARATOR}{line}"])
        return func(*args, **(kwargs or {}))


@contextmanager
def source_lines() -> Iterator[SourceLines]:
    """Within it, traced nodes carry their places, which `location_of` reads."""
    with torch.fx.traceback.preserve_node_meta(), SourceLines() as lines:
        yield lines


_FRAME = re.compile(r'File "([^"]+)", line (\d+)')


def location_of(node: torch.fx.Node) -> Place | None:
    """The place that a node carries: noted by `source_lines`, or in the trace that `torch.export` keeps."""
    text = node.meta.get("stack_trace") or node.stack_trace
    if not text:
        return None
    if _SEPARATOR in text:
        file, line = text.rsplit(_SEPARATOR, 1)
        return portable((file, int(line)))
    shown = [(file, int(line)) for file, line in _FRAME.findall(text) if _is_shown(file)]
    return portable(shown[-1]) if shown else None
