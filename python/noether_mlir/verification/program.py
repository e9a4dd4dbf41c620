# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A training step as functions that can be called: its loss, and the gradients its update uses."""

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import jax
import numpy as np
from jax.interpreters import mlir

from noether_mlir.errors import NoetherError, UnsupportedStep
from noether_mlir.lowering import print_generic
from noether_mlir.primitive import ModuleFunction, Signature, call, host_callback
from noether_mlir.tool import run_tool
from noether_mlir.verification import constants
from noether_mlir.verification.precision import is_double, widen

ir: Any = mlir.ir  # type: ignore[attr-defined]

Precision = Literal["double", "native"]
Engine = Literal["xla", "reference"]

_GRADIENT = re.compile(r"gradient\[(\d+)\]")


@contextmanager
def double_precision() -> Iterator[None]:
    """Within it, JAX has 64-bit numbers, whatever its configuration."""
    if hasattr(jax, "enable_x64"):
        with jax.enable_x64(True):
            yield
    else:  # JAX before 0.8
        from jax.experimental import enable_x64

        with enable_x64():
            yield


@dataclass(frozen=True)
class Argument:
    """An argument of the step's entry function.

    Attributes:
        name: its pytree path. role: "param", "state", "batch", "hyper" or "rng".
        shape, dtype: its type in the program that runs. stored: its dtype in the step as it was given.
        carried_to: the result that holds its next value, if any.
    """

    name: str
    role: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stored: np.dtype[Any]
    carried_to: int | None = None


@dataclass
class StepProgram:
    """A step that runs, on flat arguments: numpy arrays in the order of the entry function.

    Attributes:
        text: the module, with roles and with gradients among its results, in generic form.
        source: what messages call it.
        precision: "double" if all floats are f64 in what runs, else "native".
        why_native: why it is not "double".
        engine: "xla", or "reference" for StableHLO's own interpreter.
    """

    text: str
    source: str
    precision: Precision
    engine: Engine
    why_native: str = ""
    arguments: tuple[Argument, ...] = ()
    gradients: Mapping[int, int] = field(default_factory=dict)
    _loss_result: int = 0
    _entry: str = "main"
    _mesh: Any = None
    _loss: Callable[..., float] | None = None
    _both: Callable[..., tuple[float, list[np.ndarray]]] | None = None
    _scaled: dict[Any, Callable[..., float] | None] = field(default_factory=dict)

    def loss(self, values: Sequence[np.ndarray]) -> float:
        """The loss at these arguments."""
        if self._loss is None:
            run = self._compile(self.text, [self._loss_result])
            self._loss = lambda values: float(np.asarray(run(values)[0]).reshape(()))
        return self._loss(values)

    def loss_and_gradients(self, values: Sequence[np.ndarray]) -> tuple[float, dict[int, np.ndarray]]:
        """The loss, and by argument number the gradients that the update shows, as numpy arrays."""
        if self._both is None:
            run = self._compile(self.text, [self._loss_result, *self.gradients.values()])
            self._both = lambda values: ((out := run(values))[0], out[1:])  # type: ignore[assignment,return-value]
        loss, gradients = self._both(values)  # type: ignore[misc]
        return float(np.asarray(loss).reshape(())), dict(zip(self.gradients, gradients))

    def with_constants(
        self, places: tuple[constants.Place, ...], factor: float
    ) -> Callable[[Sequence[np.ndarray]], float] | None:
        """The loss with some constants of the step multiplied by a factor; None if they are not found in it."""
        if (places, factor) not in self._scaled:
            text = constants.scale(self.text, places, factor)
            if text is None:
                self._scaled[places, factor] = None
            else:
                run = self._compile(text, [self._loss_result])
                self._scaled[places, factor] = lambda values: float(np.asarray(run(values)[0]).reshape(()))
        return self._scaled[places, factor]

    # Making it run.

    def _compile(self, text: str, results: Sequence[int]) -> Callable[[Sequence[np.ndarray]], list[np.ndarray]]:
        function = ModuleFunction(select_results(text, self._entry, results), self._entry)
        if self.engine == "reference":
            return _interpret(function)
        avals = function.signature.results

        with double_precision():
            jitted = jax.jit(lambda *leaves: call(function, leaves, avals, "loss"))

        def run(values: Sequence[np.ndarray]) -> list[np.ndarray]:
            with double_precision(), jax.default_device(_device()):
                if self._mesh is not None:
                    values = [jax.device_put(value, self._mesh) for value in values]
                return [np.asarray(value) for value in jitted(*values)]

        return run

    @property
    def epsilon(self) -> float:
        """The relative rounding error of the narrowest float that parameters have."""
        import jax.numpy as jnp

        return max(
            (float(jnp.finfo(a.dtype).eps) for a in self.arguments if a.role == "param"),
            default=float(np.finfo(np.float64).eps),
        )


def _device() -> Any:
    return jax.devices("cpu")[0]


def _interpret(function: ModuleFunction) -> Callable[[Sequence[np.ndarray]], list[np.ndarray]]:
    """Runs a function in StableHLO's reference interpreter, which shares nothing with XLA."""
    from jaxlib.mlir.dialects import stablehlo
    from jaxlib.mlir.passmanager import PassManager

    stablehlo.register_stablehlo_passes()
    context = mlir.make_ir_context()
    with context:
        module = ir.Module.parse(function.text)
        try:
            PassManager.parse("builtin.module(func.func(chlo-legalize-to-stablehlo))").run(module.operation)
        except ir.MLIRError as error:
            raise UnsupportedStep(f"the reference interpreter cannot run the step: {error}") from None

    def run(values: Sequence[np.ndarray]) -> list[np.ndarray]:
        with context:
            attributes = [_dense(np.asarray(value)) for value in values]
            try:
                return [_array(value) for value in stablehlo.eval_module(module, attributes)]
            except ValueError as error:
                raise UnsupportedStep(f"the reference interpreter cannot run the step: {error}") from None

    return run


def _dense(value: np.ndarray) -> Any:
    if value.dtype == bool:
        packed = np.packbits(value, axis=None, bitorder="little")
        return ir.DenseElementsAttr.get(packed, type=ir.IntegerType.get_signless(1), shape=value.shape)
    return ir.DenseElementsAttr.get(np.ascontiguousarray(value), shape=value.shape)


def _array(attribute: Any) -> np.ndarray:
    kind = ir.ShapedType(attribute.type)
    return np.array(attribute).reshape(tuple(kind.shape))


def select_results(text: str, entry: str, results: Sequence[int]) -> str:
    """The module with some of the entry's results only, without what it says of aliasing."""
    with mlir.make_ir_context(), ir.Location.unknown():
        module = ir.Module.parse(text)
        function = _entry_of(module, entry)
        kind = ir.FunctionType(ir.TypeAttr(function.attributes["function_type"]).value)
        terminator = function.regions[0].blocks[0].operations[-1]
        kept = [terminator.operands[i] for i in results]
        with ir.InsertionPoint(terminator):
            ir.Operation.create("func.return", operands=kept)
        terminator.operation.erase()
        function.attributes["function_type"] = ir.TypeAttr.get(
            ir.FunctionType.get(kind.inputs, [kind.results[i] for i in results])
        )
        for name in ("arg_attrs", "res_attrs"):
            if name in function.attributes:
                del function.attributes[name]
        return print_generic(module)


def _entry_of(module: Any, name: str) -> Any:
    for op in module.body.operations:
        if op.operation.name == "func.func" and ir.StringAttr(op.attributes["sym_name"]).value == name:
            return op.operation
    raise NoetherError(f"the module has no function @{name}")


def _shardings(text: str) -> Any:
    """Where the arguments of a step for several devices are put: a copy on each; None for a step for one.

    Raises:
        UnsupportedStep: if there are not so many devices.
    """
    match = re.search(r"mhlo\.num_partitions = (\d+)", text)
    count = int(match.group(1)) if match else 1
    if count == 1:
        return None
    with contextlib.suppress(RuntimeError, AttributeError):  # JAX has started, or is too old to know
        jax.config.update("jax_num_cpu_devices", count)
    devices = jax.devices("cpu")
    if len(devices) < count:
        raise UnsupportedStep(
            f"the step is partitioned over {count} devices and this process has {len(devices)}: set"
            f" jax_num_cpu_devices to {count} before JAX starts"
        )
    mesh = jax.sharding.Mesh(np.array(devices[:count]), ("_",))
    return jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec())


def load_program(
    text: str | bytes, source: str, entry: str, precision: Precision = "double", engine: Engine = "xla"
) -> StepProgram:
    """Makes a step run.

    Args:
        text: the module in generic form, as `noether analyze` reads it.
        source: what messages call it.
        entry: the name of its entry function.
        precision: "double" to run it with f64 in the place of every float, where that can be done.
        engine: "xla", or "reference" for StableHLO's reference interpreter.

    Raises:
        UnsupportedStep: if it cannot be run here: it is not StableHLO, calls back into Python, or needs more devices.
    """
    marked = run_tool(["--noether-return-gradients", "--mlir-print-op-generic", "--mlir-print-debuginfo"], text, source)
    if host_callback(marked):
        raise UnsupportedStep("the step calls back into Python, which a module does not carry")
    why = ""
    with mlir.make_ir_context():
        try:
            module = ir.Module.parse(marked)
        except ir.MLIRError as error:
            line = next((part for part in str(error).splitlines() if "error:" in part), "")
            raise UnsupportedStep(f"only StableHLO modules can be run: {line.strip()}", str(error)) from None
    given = ModuleFunction(marked, entry).signature
    runs, why = _to_double(marked) if precision == "double" else (marked, "asked for")
    signature = ModuleFunction(runs, entry).signature
    roles = [attributes.get("noether.role") for attributes in given.result_attributes]
    if "loss" not in roles:
        raise NoetherError(f"{source}: no result is marked as the loss")
    return StepProgram(
        text=runs,
        source=source,
        precision="native" if why else "double",
        why_native=why,
        engine=engine,
        arguments=_arguments(given, signature),
        gradients=_gradients(given),
        _loss_result=roles.index("loss"),
        _entry=entry,
        _mesh=_shardings(runs) if engine == "xla" else None,
    )


def _to_double(text: str) -> tuple[str, str]:
    with mlir.make_ir_context():
        module = ir.Module.parse(text)
        if is_double(module):
            return text, ""
        try:
            widen(module)
        except UnsupportedStep as error:
            return text, str(error)
        return print_generic(module), ""


def _arguments(given: Signature, runs: Signature) -> tuple[Argument, ...]:
    return tuple(
        Argument(
            name=attributes.get("noether.name") or f"arg{i}",
            role=attributes.get("noether.role") or "batch",
            shape=tuple(aval.shape),
            dtype=np.dtype(aval.dtype),
            stored=np.dtype(stored.dtype),
            carried_to=attributes.get("noether.carried_to"),
        )
        for i, (aval, stored, attributes) in enumerate(zip(runs.arguments, given.arguments, given.argument_attributes))
    )


def _gradients(signature: Signature) -> dict[int, int]:
    found = {}
    for result, attributes in enumerate(signature.result_attributes):
        match = _GRADIENT.fullmatch(attributes.get("noether.name") or "")
        if match:
            found[int(match.group(1))] = result
    return found
