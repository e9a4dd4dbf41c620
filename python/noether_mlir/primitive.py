# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A JAX primitive that calls a given MLIR module.

Its lowering splices the module into the one JAX is building, so that XLA compiles, partitions and aliases it as if
JAX had traced it: shardings and donation come from the `jax.jit` around it.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.extend.core import Primitive
from jax.interpreters import mlir

from noether_mlir.errors import NoetherError, UnsupportedStep
from noether_mlir.lowering import named_attributes

ir = mlir.ir

#: Custom calls into Python, which name the function by its index in a list that JAX holds beside the module.
_CALLBACK_TARGET = re.compile(r"xla_ffi_(?:partitioned_)?python_\w+_callback")

_DTYPES = {
    "i1": np.dtype(bool), "i8": np.dtype("int8"), "i16": np.dtype("int16"), "i32": np.dtype("int32"),
    "i64": np.dtype("int64"), "ui8": np.dtype("uint8"), "ui16": np.dtype("uint16"), "ui32": np.dtype("uint32"),
    "ui64": np.dtype("uint64"), "f16": np.dtype("float16"), "bf16": jax.numpy.bfloat16.dtype,
    "f32": np.dtype("float32"), "f64": np.dtype("float64"),
    "complex<f32>": np.dtype("complex64"), "complex<f64>": np.dtype("complex128"),
    "i4": jax.numpy.int4.dtype, "ui4": jax.numpy.uint4.dtype,
    "f8E4M3FN": jax.numpy.float8_e4m3fn.dtype, "f8E5M2": jax.numpy.float8_e5m2.dtype,
}  # fmt: skip


@dataclass(frozen=True)
class Signature:
    """The public face of one function of a module.

    Attributes:
        arguments, results: abstract values, in order.
        argument_attributes, result_attributes: for each, its attributes that are strings or integers.
        attributes: the function's `noether.*` attributes, as Python values.
    """

    arguments: tuple[Any, ...]
    results: tuple[Any, ...]
    argument_attributes: tuple[dict[str, Any], ...]
    result_attributes: tuple[dict[str, Any], ...]
    attributes: dict[str, Any]


@dataclass(frozen=True, eq=False)
class ModuleFunction:
    """One function of a module in generic text: the parameter of the primitive.

    Two are equal if text, function and callbacks are; of the text, which may be large, digests are compared.

    Attributes:
        callbacks: the Python functions that custom calls in the text name by index; None if they are not known.
    """

    text: str = field(repr=False)
    function: str = "main"
    callbacks: tuple[Any, ...] | None = ()

    @cached_property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.function}\0{self.text}".encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ModuleFunction):
            return NotImplemented
        return self.digest == other.digest and self.callbacks == other.callbacks

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"ModuleFunction(@{self.function}, {self.digest[:12]})"

    def other(self, function: str) -> "ModuleFunction":
        """Another function of the same module."""
        return ModuleFunction(self.text, function, self.callbacks)

    @cached_property
    def signatures(self) -> dict[str, Signature]:
        """The public functions of the module, by name.

        Raises:
            NoetherError: if the text is no module that jaxlib can parse.
        """
        with mlir.make_ir_context():
            module = _parse(self.text)
            return {
                _text(op.attributes["sym_name"]): _signature(op)
                for op in module.body.operations
                if op.operation.name == "func.func" and not _is_private(op)
            }

    @property
    def signature(self) -> Signature:
        """Of this function."""
        try:
            return self.signatures[self.function]
        except KeyError:
            raise NoetherError(f"the module has no function @{self.function}") from None


def _parse(text: str) -> Any:
    try:
        return ir.Module.parse(text)
    except ir.MLIRError as error:
        line = next((part for part in str(error).splitlines() if "error:" in part), str(error).splitlines()[0])
        raise NoetherError(f"the rewritten module does not parse in JAX: {line.strip()}", str(error)) from None


def _text(attribute: Any) -> str:
    return ir.StringAttr(attribute).value


def _is_private(op: Any) -> bool:
    return "sym_visibility" in op.attributes and _text(op.attributes["sym_visibility"]) == "private"


def _value(attribute: Any) -> Any:
    """A builtin attribute as a Python value; None for what has none."""
    if isinstance(attribute, ir.StringAttr):
        return attribute.value
    if isinstance(attribute, ir.BoolAttr):
        return attribute.value
    if isinstance(attribute, ir.IntegerAttr):
        return attribute.value
    if isinstance(attribute, (ir.DenseI64ArrayAttr, ir.DenseI32ArrayAttr)):
        return list(attribute)
    if isinstance(attribute, ir.ArrayAttr):
        return [_value(item) for item in attribute]
    if isinstance(attribute, ir.DictAttr):
        return {name: _value(item) for name, item in named_attributes(attribute).items()}
    return None


def _aval(kind: Any) -> Any:
    tensor = ir.RankedTensorType(kind)
    element = str(tensor.element_type)
    if element not in _DTYPES:
        raise UnsupportedStep(f"a result of type {kind} has no array type in JAX")
    return jax.core.ShapedArray(tuple(tensor.shape), _DTYPES[element])


def _signature(op: Any) -> Signature:
    kind = ir.FunctionType(ir.TypeAttr(op.attributes["function_type"]).value)

    def dictionaries(name: str, count: int) -> tuple[dict[str, Any], ...]:
        if name not in op.attributes:
            return ({},) * count
        return tuple(_value(item) for item in ir.ArrayAttr(op.attributes[name]))

    names = [name for name in op.attributes if isinstance(name, str)] or [item.name for item in op.attributes]
    return Signature(
        arguments=tuple(map(_aval, kind.inputs)),
        results=tuple(map(_aval, kind.results)),
        argument_attributes=dictionaries("arg_attrs", len(kind.inputs)),
        result_attributes=dictionaries("res_attrs", len(kind.results)),
        attributes={name: _value(op.attributes[name]) for name in names if name.startswith("noether.")},
    )


def host_callback(text: str) -> str | None:
    """The target of a call back into Python in a module, if it has one (`jax.debug.print`, `io_callback`)."""
    match = re.search(r'call_target_name = "(\w*python\w*callback)"', text)
    return match.group(1) if match else None


def _connect_callbacks(source: Any, callbacks: Sequence[Any], context: Any) -> None:
    """Hands the step's Python callbacks to the module that JAX is building, and renumbers the calls of them."""
    first = len(context.host_callbacks)
    for callback in callbacks:
        context.add_host_callback(callback)

    def renumber(op: Any) -> Any:
        if op.name == "stablehlo.custom_call" and _CALLBACK_TARGET.fullmatch(_text(op.attributes["call_target_name"])):
            entries = named_attributes(op.attributes["mhlo.backend_config"])
            index = ir.IntegerAttr(entries["index"])
            entries["index"] = ir.IntegerAttr.get(index.type, index.value + first)
            op.attributes["mhlo.backend_config"] = ir.DictAttr.get(entries)
        return ir.WalkResult.ADVANCE

    source.operation.walk(renumber)


def _splice(context: Any, function: ModuleFunction, hint: str) -> str:
    """Moves a function, and what it calls, into the module that JAX is building. Returns the name it has there."""
    destination, symbols = context.module, context.symbol_table
    source = _parse(function.text)
    _connect_callbacks(source, function.callbacks or (), context)
    names = {_text(op.attributes["sym_name"]) for op in source.body.operations if "sym_name" in op.attributes}
    if function.function not in names:
        raise NoetherError(f"the module has no function @{function.function}")
    for op in list(source.body.operations):  # keep what this function needs
        if op.operation.name == "func.func":
            private = _text(op.attributes["sym_name"]) != function.function
            op.attributes["sym_visibility"] = ir.StringAttr.get("private" if private else "public")
    _erase_unused(source)

    for op in [op for op in source.body.operations if op.operation.name == "sdy.mesh"]:
        name = _text(op.attributes["sym_name"])
        if name in symbols:
            if str(symbols[name].operation.attributes["mesh"]) != str(op.attributes["mesh"]):
                raise UnsupportedStep(f"the step and its arguments use different meshes of the same name @{name}")
            op.operation.erase()

    own = ir.SymbolTable(source.operation)
    taken = {_text(op.attributes["sym_name"]) for op in source.body.operations if "sym_name" in op.attributes}
    result = ""
    for op in source.body.operations:
        if op.operation.name != "func.func":
            continue
        name = _text(op.attributes["sym_name"])
        wanted = hint if name == function.function else name
        fresh, count = wanted, 0
        while fresh in symbols or (fresh in taken and fresh != name):
            fresh, count = f"{wanted}_{count}", count + 1
        if fresh != name:
            own.replace_all_symbol_uses(name, fresh, source.operation)
            own.set_symbol_name(op, fresh)
            taken.add(fresh)
        op.attributes["sym_visibility"] = ir.StringAttr.get("private")
        if name == function.function:
            result = fresh
    for op in list(source.body.operations):
        destination.body.append(op)
        symbols.insert(op)
    return result


def _erase_unused(module: Any) -> None:
    from jaxlib.mlir.passmanager import PassManager

    PassManager.parse("builtin.module(symbol-dce)").run(module.operation)


call_p = Primitive("noether_call")
call_p.multiple_results = True


@call_p.def_abstract_eval
def _abstract(*args: Any, function: ModuleFunction, results: tuple[Any, ...], name: str) -> list[Any]:
    return list(results)


@call_p.def_impl
def _impl(*args: Any, **parameters: Any) -> Any:
    return jax.jit(lambda *values: call_p.bind(*values, **parameters))(*args)


def _lower(ctx: Any, *args: Any, function: ModuleFunction, results: tuple[Any, ...], name: str) -> Any:
    from jaxlib.mlir.dialects import func

    module = ctx.module_context
    symbol = _splice(module, function, f"noether_{name}")
    types = [mlir.aval_to_ir_type(module, aval) for aval in results]
    return func.CallOp(types, ir.FlatSymbolRefAttr.get(symbol), list(args)).results


mlir.register_lowering(call_p, _lower)


def call(function: ModuleFunction, args: Sequence[Any], results: Sequence[Any], name: str) -> list[Any]:
    """Calls a module's function on traced values.

    Args:
        args: as many values as it has arguments.
        results: the abstract values of what it returns. They may say more than the module does (key types,
            shardings), never something else.
        name: a readable name for the function in the compiled program.

    Raises:
        UnsupportedStep: if the module calls back into Python in a way that splicing would lose.
    """
    target = host_callback(function.text)
    if target and (function.callbacks is None or not _CALLBACK_TARGET.fullmatch(target)):
        raise UnsupportedStep(
            f"the step calls back into Python through {target}, which this version of JAX does not let move into a"
            " rewritten module; take the callback out of the step"
        )
    return call_p.bind(*args, function=function, results=tuple(results), name=name)
