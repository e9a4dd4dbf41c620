# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a step asks of PyTorch while it is traced: of other tensors, and by definitions."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree

from noether_mlir.torch.definitions import DEFINITIONS


class Redirected(TorchFunctionMode):
    """Puts other tensors in the place of some, wherever a function of PyTorch is given one, and definitions in the
    place of fused functions.

    A step may have taken `list(model.parameters())` before it was traced.
    """

    def __init__(self, tensors: Mapping[int, torch.Tensor]):
        super().__init__()
        self.tensors = tensors

    def _now(self, value: Any) -> Any:
        return self.tensors.get(id(value), value) if isinstance(value, torch.Tensor) else value

    def _mentions(self, values: Iterable[Any]) -> bool:
        return any(
            id(value) in self.tensors if isinstance(value, torch.Tensor)
            else isinstance(value, (list, tuple, dict)) and self._mentions(
                value.values() if isinstance(value, dict) else value)
            for value in values
        )  # fmt: skip

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self._mentions(args) or self._mentions(kwargs.values()):
            args, kwargs = pytree.tree_map(self._now, (args, kwargs))
        return DEFINITIONS.get(func, func)(*args, **kwargs)
