# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs a step with a model and optimizers that are lent other tensors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils import _pytree as pytree

from noether_mlir.errors import NotATrainingStep
from noether_mlir.torch import refusals, swapping
from noether_mlir.torch.arguments import Batch
from noether_mlir.torch.hyperparameters import Hyperparameter, with_values
from noether_mlir.torch.redirection import Redirected


@dataclass
class Live:
    """What a step reads and changes, as it is."""

    models: dict[str, torch.nn.Module]
    optimizers: list[torch.optim.Optimizer]
    batch: Batch
    parameters: dict[str, torch.Tensor] = field(default_factory=dict)
    buffers: dict[str, torch.Tensor] = field(default_factory=dict)
    homes: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> model, name within it

    def __post_init__(self) -> None:
        seen: dict[int, str] = {}
        for root, model in self.models.items():
            for tensors, kind in ((model.named_parameters(), self.parameters), (model.named_buffers(), self.buffers)):
                for name, tensor in tensors:
                    full = f"{root}.{name}" if root else name
                    self.homes[full] = (root, name)
                    if id(tensor) not in seen:
                        seen[id(tensor)] = full
                        kind[full] = tensor
        self.name_of = seen
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    if id(parameter) not in seen:
                        raise NotATrainingStep(
                            f"the optimizer has a parameter of shape {tuple(parameter.shape)} that the model does not have:"
                            " give all modules, as model=[...]"
                        )

    def lent(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, dict[str, torch.Tensor]]:
        """By model, its tensors by name."""
        parts: dict[str, dict[str, torch.Tensor]] = {root: {} for root in self.models}
        for full, (root, name) in self.homes.items():
            if full in tensors:
                parts[root][name] = tensors[full]
        return parts

    def states(self) -> list[dict[str, Any]]:
        """For each optimizer its state, by the names of parameters."""
        return [self.named_state(optimizer, self.name_of) for optimizer in self.optimizers]

    @staticmethod
    def named_state(optimizer: torch.optim.Optimizer, names: Mapping[int, str]) -> dict[str, Any]:
        found = {}
        for key, value in optimizer.state.items():
            name = names.get(id(key)) if isinstance(key, torch.Tensor) else f".{key}"
            if name is not None:
                found[name] = dict(value) if isinstance(value, dict) else value
        return found


class StepRunner:
    """Runs a step on other tensors.

    Attributes:
        roots: what `backward` was called on, with the gradients that it was given. sources: the same of `grad`.
        capturable: see `swapped_optimizer`.
    """

    def __init__(
        self, live: Live, step: Callable[..., Any], chosen: Sequence[Hyperparameter], capturable: bool
    ):
        self.live, self.step, self.chosen, self.capturable = live, step, chosen, capturable
        self.roots: list[tuple[torch.Tensor, Any]] = []
        self.sources: list[tuple[torch.Tensor, Any]] = []

    @contextmanager
    def _noted(self, redirected: Redirected) -> Iterator[None]:
        """Within it, backward passes are noted, and what they run again of the forward pass is redirected as well."""
        backward, grad, engine = torch.autograd.backward, torch.autograd.grad, torch.autograd._engine_run_backward
        listed = lambda value: list(value) if isinstance(value, (tuple, list)) else [value]
        within = False

        def noting(function: Callable[..., Any], into: list[Any]) -> Callable[..., Any]:
            def noted(tensors: Any, *args: Any, **kwargs: Any) -> Any:
                nonlocal within
                if within:  # the functions call themselves, to be overridden
                    return function(tensors, *args, **kwargs)
                place = 0 if function is backward else 1  # of the gradients, among the other arguments
                name = "grad_tensors" if function is backward else "grad_outputs"
                given = args[place] if len(args) > place else kwargs.get(name)
                gradients = [] if given is None else listed(given)
                for number, tensor in enumerate(listed(tensors)):
                    into.append((tensor, gradients[number] if number < len(gradients) else None))
                within = True
                try:
                    return function(tensors, *args, **kwargs)
                finally:
                    within = False

            return noted

        def run_engine(*args: Any, **kwargs: Any) -> Any:
            with redirected:
                return engine(*args, **kwargs)

        with ExitStack() as stack:
            for name, function in (
                ("backward", noting(backward, self.roots)), ("grad", noting(grad, self.sources)),
                ("_engine_run_backward", run_engine),
            ):  # fmt: skip
                stack.enter_context(swapping.replaced(torch.autograd, name, function))
            yield

    def run(
        self, parameters: Mapping[str, torch.Tensor], buffers: Mapping[str, torch.Tensor],
        states: Sequence[Mapping[str, Any]], numbers: Sequence[Any], batch: Mapping[str, torch.Tensor],
    ) -> dict[str, Any]:  # fmt: skip
        """One step: what it returns and what it changes."""
        live = self.live
        self.roots, self.sources = [], []
        own = {
            name: tensor.detach().clone().requires_grad_(live.parameters[name].requires_grad)
            for name, tensor in parameters.items()
        }
        kept = {name: tensor.clone() for name, tensor in buffers.items()}
        copied = pytree.tree_map(lambda leaf: leaf.clone() if isinstance(leaf, torch.Tensor) else leaf, list(states))
        tensors = {**own, **kept}
        self._integers = self._counted()
        lent = {id(tensor): tensors[name] for name, tensor in {**live.parameters, **live.buffers}.items()}
        names = {id(tensor): name for name, tensor in own.items()}
        options = with_values(live.optimizers, self.chosen, numbers)
        args, kwargs = live.batch.with_tensors(batch)
        with ExitStack() as stack:
            for root, part in live.lent(tensors).items():
                stack.enter_context(swapping.swapped_model(live.models[root], part))
            for optimizer, state, groups in zip(live.optimizers, copied, options):
                keyed = {(key[1:] if key.startswith(".") else own[key]): value for key, value in state.items()}
                stack.enter_context(swapping.swapped_optimizer(optimizer, lent, keyed, groups, self.capturable))
            redirected = Redirected(lent)
            for context in (
                swapping.still_schedulers(), swapping.symbolic_arithmetic(), swapping.compiling(self.capturable),
                refusals.refusing(), self._noted(redirected), torch.enable_grad(), redirected,
                sdpa_kernel(SDPBackend.MATH),
            ):  # fmt: skip
                stack.enter_context(context)
            returned = self.step(*args, **kwargs)
            new_states = [live.named_state(optimizer, names) for optimizer in live.optimizers]
            changed = self._changed_options(options)
            counters = self._counters()
        return {
            "loss": self._loss(returned), "parameters": {name: tensor.detach() for name, tensor in own.items()},
            "buffers": {name: tensors[name] for name in kept}, "states": new_states, "options": changed, "counters": counters,
            "returned": [leaf.detach() for leaf in pytree.tree_leaves(returned) if isinstance(leaf, torch.Tensor)],
        }  # fmt: skip

    def _changed_options(self, options: Sequence[Sequence[Mapping[str, Any]]]) -> list[Any]:
        """The hyperparameters as the step leaves them."""
        values = []
        for item in self.chosen:
            option = self.live.optimizers[item.optimizer].param_groups[item.group].get(item.key)
            values.append(option if item.place is None else option[item.place])  # type: ignore[index]
        return values

    def _counted(self) -> dict[tuple[int, int, str], int]:
        """Options that are integers."""
        return {
            (number, position, key): value
            for number, optimizer in enumerate(self.live.optimizers)
            for position, group in enumerate(optimizer.param_groups)
            for key, value in group.items()
            if type(value) is int
        }

    def _counters(self) -> set[tuple[int, int, str]]:
        """Integer options that the step changes."""
        return {key for key, value in self._counted().items() if value != self._integers.get(key)}

    def _loss(self, returned: Any) -> torch.Tensor:
        """The number whose gradient the step takes."""
        total: Any = None
        for tensor, gradient in self.roots or self.sources:
            part = tensor.detach() if gradient is None else (tensor.detach() * gradient).sum()
            if part.numel() != 1:
                continue
            part = part.reshape(())
            total = part if total is None else total + part
        if total is not None:
            return total
        for leaf in pytree.tree_leaves(returned):
            if isinstance(leaf, torch.Tensor) and leaf.numel() == 1 and leaf.dtype.is_floating_point:
                return leaf.detach().reshape(())
        raise NotATrainingStep("the step has no loss: it calls no backward(), and returns no number")
