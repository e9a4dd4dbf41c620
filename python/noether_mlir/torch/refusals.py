# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What cannot be traced, and what to change about it."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from noether_mlir.errors import NotATrainingStep, UnsupportedStep
from noether_mlir.torch.locations import Place, portable
from noether_mlir.torch.swapping import replaced

_OPTIMIZERS = {
    "LBFGS": "LBFGS evaluates the loss as often as values decide, so that one step is no fixed program: analyse the step"
    " with another optimizer; the symmetries of the loss are the same",
    "SparseAdam": "SparseAdam updates the rows that sparse gradients name, whose number depends on the data: analyse the"
    " step with Adam, and with embeddings without sparse=True",
}
_VALUE_NEEDED = {"ValueNeeded", "DataDependentOutputException", "GuardOnDataDependentSymNode", "UserError"}


def at(place: Place | None) -> str:
    """A place before a message."""
    if place is None:
        return ""
    file, line = portable(place)
    return f"{file}:{line}: "


def check(models: Sequence[torch.nn.Module], optimizers: Sequence[Any]) -> None:
    """Refuses what is known not to be traced.

    Raises:
        UnsupportedStep: with what to change.
        NotATrainingStep: if something is no module, or no optimizer.
    """
    for model in models:
        if not isinstance(model, torch.nn.Module):
            raise NotATrainingStep(f"the model is a {type(model).__name__}, not a torch.nn.Module")
        for name, part in model.named_modules():
            where = f" ({name})" if name else ""
            if type(part).__name__ in ("DistributedDataParallel", "DataParallel", "FullyShardedDataParallel"):
                raise UnsupportedStep(
                    f"the model is wrapped in {type(part).__name__}{where}, which exchanges gradients between processes:"
                    " analyse a step of the module inside, model.module"
                )
            if isinstance(part, torch.jit.ScriptModule):
                raise UnsupportedStep(f"a scripted module{where} hides its Python code: analyse the module it was made from")
            if isinstance(part, (torch.nn.Embedding, torch.nn.EmbeddingBag)) and part.sparse:
                raise UnsupportedStep(
                    f"an embedding with sparse=True{where}: the rows of its gradient depend on the data; make it without"
                )
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if torch.nn.parameter.is_lazy(tensor):
                raise UnsupportedStep(f"{name} has no shape yet: run the model once on a batch before it is analysed")
    for optimizer in optimizers:
        if not isinstance(optimizer, torch.optim.Optimizer):
            raise NotATrainingStep(f"the optimizer is a {type(optimizer).__name__}, not a torch.optim.Optimizer")
        for kind in type(optimizer).__mro__:
            if kind.__module__.startswith("torch.optim") and kind.__name__ in _OPTIMIZERS:
                raise UnsupportedStep(_OPTIMIZERS[kind.__name__])


def _scaler(name: str) -> Any:
    def refused(self: Any, *args: Any, **kwargs: Any) -> Any:
        raise UnsupportedStep(
            f"GradScaler.{name} skips steps as values decide: analyse the step with a scaler that is not enabled"
            " (torch.amp.GradScaler(enabled=False)), or with loss.backward() and optimizer.step()"
        )

    return refused


@contextmanager
def refusing() -> Iterator[None]:
    """Within it, what cannot be traced says so when it is used."""
    from torch.amp import GradScaler

    with ExitStack() as stack:
        for name in ("scale", "step", "unscale_"):
            original = getattr(GradScaler, name)

            def method(self: Any, *args: Any, _name: str = name, _original: Any = original, **kwargs: Any) -> Any:
                call = _original if not self.is_enabled() else _scaler(_name)
                return call(self, *args, **kwargs)

            stack.enter_context(replaced(GradScaler, name, method))
        yield


def explained(error: Exception, place: Place | None) -> Exception:
    """What to raise for an error while a step is traced."""
    kind, text = type(error).__name__, str(error).strip().splitlines()
    if isinstance(error, (UnsupportedStep, NotATrainingStep)):
        return error
    if kind in _VALUE_NEEDED or "data-dependent" in str(error).lower():
        return UnsupportedStep(
            f"{at(place)}the step needs the value of a tensor while it is traced, by .item(), float(), bool(), .tolist()"
            " or an if on a tensor: return the tensor and read it outside of the step, and choose between tensors with"
            " torch.where"
        )
    if "non-functional tensor" in str(error):
        return UnsupportedStep(
            "the step changes a tensor that it was not given (a moving average of the weights, a memory): give the module"
            " that has it too, as model={'model': model, 'average': average}, or the tensor in the batch"
        )
    if kind == "FakeTensorDeviceMismatch":
        return UnsupportedStep(f"{at(place)}{text[0] if text else kind}: give the model as it was before torch.compile")
    return NotATrainingStep(f"{at(place)}the step fails when it is traced: {kind}: {text[0] if text else ''}")
