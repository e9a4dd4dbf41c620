# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An imperative training step of PyTorch, as one function from what it reads to what it changes.

The user's own step runs on fake tensors: the model and its optimizers are lent fake parameters, buffers, states and
symbolic hyperparameters, and everything is put back. A first pass traces it through autograd, a second one without
mutations and with composite operations taken apart.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils import _pytree as pytree

from noether_mlir.errors import NotATrainingStep, UnsupportedStep
from noether_mlir.lowering import step_name
from noether_mlir.torch import refusals
from noether_mlir.torch.arguments import Batch, called_with
from noether_mlir.torch.cleaning import constants_as_arguments, draws_as_arguments
from noether_mlir.torch.hyperparameters import Hyperparameter, Symbols, hyperparameters
from noether_mlir.torch.locations import SourceLines, is_optimizer, place_of, source_lines
from noether_mlir.torch.printing import Argument, Output, print_module
from noether_mlir.torch.printing.module import type_of
from noether_mlir.torch.running import Live, StepRunner
from noether_mlir.torch.swapping import undisturbed
from noether_mlir.torch.tracing import trace


@dataclass(frozen=True)
class Input:
    """An argument of a captured step.

    Attributes:
        name: a parameter's or buffer's is that of the model, "fc1.weight". role: see `noether_mlir.analyze`.
        value: what it is now, a tensor or a number; None for random draws. shape, dtype: of a tensor.
    """

    name: str
    role: str
    value: Any = field(repr=False)
    shape: tuple[int, ...]
    dtype: torch.dtype


@dataclass(frozen=True)
class CapturedStep:
    """A training step as a module.

    Attributes:
        text: StableHLO in MLIR's generic form.
        name: the step's.
        inputs: the arguments of @main. outputs: its results.
        carried: by the number of an argument, that of the result which is its next value.
        specialised: what was decided by the values of hyperparameters, for example `Ne(weight_decay, 0)`.
    """

    text: str = field(repr=False)
    name: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    carried: Mapping[int, int]
    specialised: tuple[str, ...]

    @property
    def numbers(self) -> dict[str, float]:
        """The hyperparameters and what they are now."""
        return {item.name: float(item.value) for item in self.inputs if item.role == "hyper" and item.value is not None}


def _modules(model: Any) -> dict[str, torch.nn.Module]:
    """The modules of a step by what their parameters' names begin with."""
    plain = lambda module: getattr(module, "_orig_mod", module)  # compiled
    if isinstance(model, Mapping):
        return {str(name): plain(module) for name, module in model.items()}
    if isinstance(model, (list, tuple)):
        return {f"{number}": plain(module) for number, module in enumerate(model)}
    return {"": plain(model)}


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _key(entry: Any) -> str:
    for attribute in ("key", "idx"):
        if hasattr(entry, attribute):
            return f"[{getattr(entry, attribute)!r}]"
    return f".{entry.name}" if hasattr(entry, "name") else f"[{entry}]"


def _state_name(path: Sequence[Any], optimizers: int) -> str:
    """state['fc1.weight'].exp_avg, from the path [optimizer][parameter][key]..."""
    number, owner, *rest = path
    root = f"optimizers[{number.idx}]." if optimizers > 1 else ""
    inside = "".join(f".{entry.key}" if isinstance(getattr(entry, "key", None), str) else _key(entry) for entry in rest)
    return f"{root}state{owner.key}" + inside if owner.key.startswith(".") else f"{root}state[{owner.key!r}]{inside}"


#: How many steps counters are taken to have counted.
_WARM = 1000


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _detached(tree: Any) -> Any:
    return pytree.tree_map(lambda leaf: leaf.detach() if isinstance(leaf, torch.Tensor) else leaf, tree)


def _states_now(live: Live) -> dict[str, Any]:
    """The leaves of the optimizers' states by name."""
    paths, _ = pytree.tree_flatten_with_path(live.states())
    return {_state_name(path, len(live.optimizers)): leaf for path, leaf in paths if len(path) > 1}


class _Mappings:
    """Leaves of the arguments of a step: which are values of the graph, and how they are put back."""

    def __init__(self, tree: Any):
        paths, self.tree = pytree.tree_flatten_with_path(tree)
        self.paths = [path for path, _ in paths]
        self.leaves = [leaf for _, leaf in paths]
        self.free = [isinstance(leaf, (torch.Tensor, torch.SymFloat, torch.SymInt)) for leaf in self.leaves]

    @property
    def values(self) -> list[Any]:
        return [leaf for leaf, free in zip(self.leaves, self.free) if free]

    def with_values(self, values: Sequence[Any]) -> Any:
        given = iter(values)
        return pytree.tree_unflatten(
            [next(given) if free else leaf for leaf, free in zip(self.leaves, self.free)], self.tree
        )


class _Capture:
    """The capture of one step, part by part."""

    def __init__(self, step: Callable[..., Any], live: Live, symbolic: bool, capturable: bool):
        self.live, self.symbols = live, Symbols()
        self.chosen = hyperparameters(live.optimizers) if symbolic else []
        self.runner = StepRunner(live, step, self.chosen, capturable)
        self.mode = FakeTensorMode(
            allow_non_fake_inputs=True, shape_env=self.symbols.environment, static_shapes=True
        )
        self.lines: SourceLines | None = None

    def fake(self, value: Any) -> Any:
        if isinstance(value, torch.Tensor) and value.is_meta:  # a model without memory meets tensors that are made on the CPU
            return self.unknown(value, torch.device("cpu"))
        return self.mode.from_tensor(value.detach()) if isinstance(value, torch.Tensor) else value

    def unknown(self, tensor: torch.Tensor, device: torch.device | None = None) -> torch.Tensor:
        """A fake tensor of no known value: what was just made remembers what it was filled with."""
        with self.mode:
            return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device or tensor.device)

    def run(self, tree: Any) -> dict[str, Any]:
        with source_lines() as self.lines:
            parameters, buffers, states, numbers, arguments = tree
            return self.runner.run(parameters, buffers, states, numbers, arguments)

    def inputs(self) -> _Mappings:
        """What the step reads, fake. States are as they are once they exist: the step is run for that."""
        live = self.live
        parameters = {name: self.fake(tensor) for name, tensor in live.parameters.items()}
        buffers = {name: self.fake(tensor) for name, tensor in live.buffers.items()}
        arguments = {name: self.fake(tensor) for name, tensor in live.batch.tensors.items()}
        values = [self.fake(item.value) for item in self.chosen]
        states: Any = pytree.tree_map(self.fake, live.states())
        with self.mode, self.symbols.environment.ignore_fresh_unbacked_symbols():
            first = self.run((parameters, buffers, states, values, arguments))
            states = second = _detached(first["states"])
            if any(map(_is_number, pytree.tree_leaves(states))):
                second = _detached(self.run((parameters, buffers, states, values, arguments))["states"])
        if first["counters"]:
            self.chosen = self.runner.chosen = hyperparameters(live.optimizers, first["counters"])
        count = len(live.optimizers)
        paths, structure = pytree.tree_flatten_with_path(second)
        leaves = []
        for (path, leaf), before in zip(paths, pytree.tree_leaves(states)):
            if _is_number(leaf) and leaf != before:  # what is decided by it is decided as in the midst of a training
                leaf = self.symbols.number(_state_name(path, count), leaf + _WARM if type(leaf) is int else leaf)
            if isinstance(leaf, torch.Tensor):
                leaf = self.unknown(leaf)
            leaves.append(leaf)
        numbers = [
            self.symbols.number(item.name, item.value) if _is_number(item.value) else self.fake(item.value)
            for item in self.chosen
        ]
        return _Mappings((parameters, buffers, pytree.tree_unflatten(leaves, structure), numbers, arguments))

    def graph(self, inputs: _Mappings) -> tuple[torch.fx.GraphModule, _Mappings]:
        """The graph without mutations, and the structure of its results."""
        outputs: list[_Mappings] = []

        def flat(*values: Any) -> list[Any]:
            result = self.run(inputs.with_values(values))
            result.pop("counters")
            outputs.append(_Mappings(result))
            return outputs[-1].values

        return trace(flat, inputs.values, self.mode), outputs[-1]

    def named_inputs(self, inputs: _Mappings) -> list[Input]:
        found, live = [], self.live
        count = len(live.optimizers)
        now = _states_now(live)
        for path, leaf, free in zip(inputs.paths, inputs.leaves, inputs.free):
            part, rest = path[0].idx, path[1:]
            value: Any = None
            if part == 0:
                name = rest[0].key
                value = live.parameters[name]
                role = "param" if value.requires_grad else "state"
            elif part == 1:
                name, role = rest[0].key, "state"
                value = live.buffers[name]
            elif part == 2:
                name, role = _state_name(rest, count), "state"
                value = now.get(name)
            elif part == 3:
                item = self.chosen[rest[0].idx]
                name, role, value = item.name, "hyper", item.value
            else:
                name, role = rest[0].key, "batch"
                value = live.batch.tensors[name]
            if free:
                shape, dtype = type_of(leaf) or ((), torch.float64)
                found.append(Input(name, role, value, shape, dtype))
        return found

    def named_outputs(self, outputs: _Mappings, inputs: Sequence[Input]) -> tuple[list[Output], dict[int, int]]:
        """What the results are, and which of them are next values of arguments."""
        named: list[Output] = []
        carried: dict[int, int] = {}
        places = {(item.role == "hyper", item.name): n for n, item in enumerate(inputs) if item.role != "batch"}
        count = len(self.live.optimizers)
        for path, leaf, free in zip(outputs.paths, outputs.leaves, outputs.free):
            part, rest = path[0].key, path[1:]
            if not free:
                continue
            if part == "loss":
                named.append(Output("loss", "loss"))
                continue
            if part == "returned":
                named.append(Output(f"returned[{rest[0].idx}]", "metric"))
                continue
            if part == "states":
                name = _state_name(rest, count)
            elif part == "options":
                name = self.chosen[rest[0].idx].name
            else:
                name = rest[0].key
            number = places.get((part == "options", name))
            same = number is not None and type_of(leaf) == (inputs[number].shape, inputs[number].dtype)
            role = inputs[number].role if number is not None and same else "metric"
            if same and number is not None:
                carried[number] = len(named)
            named.append(Output(name, role if role in ("param", "state") else "metric"))
        return named, carried


def capture(
    step: Callable[..., Any], model: Any, optimizer: Any, *batch: Any, hyperparameters: str = "arguments", **kwargs: Any
) -> CapturedStep:
    """Traces a training step. Nothing is computed, and model, optimizer and random generators stay as they are.

    Args:
        step: one step of training, as the user has it: it calls `backward()` on a loss, and `optimizer.step()`. It is called
            as step(model, optimizer, *batch), or as step(*batch) if it takes no more arguments than that.
        model: the module whose parameters are trained; several in a list, or in a dictionary.
        optimizer: a `torch.optim.Optimizer`, several in a list, or None where the step updates parameters by itself.
        batch, kwargs: what else the step takes. Tensors in it are arguments of the captured step.
        hyperparameters: "arguments": numbers among the optimizer's options are arguments of the captured step;
            "constants": they stand in it as they are.

    Raises:
        UnsupportedStep: if the step cannot be traced; the message says where, and what to change.
        NotATrainingStep: if it is no training step, or fails.
    """
    if not callable(step):
        raise NotATrainingStep(f"a step must be a function, not {type(step).__name__}")
    if hyperparameters not in ("arguments", "constants"):
        raise NotATrainingStep(f'hyperparameters are "arguments" or "constants", not {hyperparameters!r}')
    step = getattr(step, "_torchdynamo_orig_callable", step)  # compiled
    models, optimizers = _modules(model), _listed(optimizer)
    refusals.check(list(models.values()), optimizers)
    live = Live(models, optimizers, Batch(*called_with(step, model, optimizer, batch, kwargs), kwargs))
    with undisturbed(live.models.values()), _uncompiled(model, step):
        for capturable in (False, True):
            made = _Capture(step, live, hyperparameters == "arguments", capturable)
            try:
                inputs = made.inputs()
                graph, outputs = made.graph(inputs)
                break
            except Exception as error:  # whatever the step does
                place = place_of(error) or (made.lines.last if made.lines else None)
                if not capturable and place and is_optimizer(place[0]):
                    continue  # the optimizer decides by values, and may do so by tensors
                explained = refusals.explained(error, place)
                raise explained from (None if explained is error else error)
    given = made.named_inputs(inputs)
    made.symbols.check(item.name for item in given if item.role == "state")
    named, carried = made.named_outputs(outputs, given)
    _drop_unchanged(graph, given, named, carried)
    for number, node in enumerate(draws_as_arguments(graph)):
        given.append(Input(f"random[{number}]", "batch", None, *_type(node)))
    for number, (node, tensor) in enumerate(constants_as_arguments(graph)):
        given.append(Input(f"constants[{number}]", "batch", tensor, *_type(node)))
    arguments = [Argument(item.name, item.role, carried.get(number)) for number, item in enumerate(given)]
    name = step_name(step)
    return CapturedStep(
        text=print_module(graph, arguments, named, name), name=name, inputs=tuple(given), outputs=tuple(named),
        carried=carried, specialised=tuple(str(guard.expr) for guard in made.symbols.environment.guards),
    )  # fmt: skip


def _type(node: torch.fx.Node) -> tuple[tuple[int, ...], torch.dtype]:
    found = type_of(node.meta["val"])
    assert found is not None
    return found


def _drop_unchanged(
    graph: torch.fx.GraphModule, given: list[Input], named: list[Output], carried: dict[int, int]
) -> None:
    """Hyperparameters that leave the step as they came are no results; the others are states."""
    placeholders = [node for node in graph.graph.nodes if node.op == "placeholder"]
    (output,) = (node for node in graph.graph.nodes if node.op == "output")
    returned = list(output.args[0])
    dropped = set()
    for argument, item in enumerate(given):
        if item.role != "hyper" or argument not in carried:
            continue
        result = carried[argument]
        if returned[result] is placeholders[argument]:
            dropped.add(result)
        else:
            given[argument] = Input(item.name, "state", item.value, item.shape, item.dtype)
            named[result] = Output(item.name, "state")
    kept = [result for result in range(len(returned)) if result not in dropped]
    output.args = ([returned[result] for result in kept],)
    named[:] = [named[result] for result in kept]
    places = {result: place for place, result in enumerate(kept)}
    for argument, result in list(carried.items()):
        if result in dropped:
            del carried[argument]
        else:
            carried[argument] = places[result]


@contextmanager
def _uncompiled(model: Any, step: Any) -> Iterator[None]:
    """Within it, compiled functions and modules run as they were written."""
    compiled = any(hasattr(part, "_orig_mod") for part in [*_listed(model)]) or "torch._dynamo.eval_frame" in _sources(step)
    if not compiled:
        yield
        return
    with torch.compiler.set_stance("force_eager"), torch._dynamo.config.patch(error_on_nested_fx_trace=False):
        yield


def _sources(step: Any) -> set[str]:
    """The modules of the types of what a function refers to."""
    try:
        variables = inspect.getclosurevars(step)
    except TypeError:
        return set()
    return {type(value).__module__ for value in [*variables.nonlocals.values(), *variables.globals.values()]}
