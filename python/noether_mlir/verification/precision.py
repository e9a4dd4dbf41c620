# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A step's module in double precision, so that what is zero in real arithmetic is zero to fifteen digits.

Every float type becomes f64, constants keep the values they have, and casts between float types become copies. What
depends on how a float is stored (a bit cast, as random numbers are made with, or a library call) keeps its type,
with conversions around it.
"""

from typing import Any

import numpy as np
from jax.interpreters import mlir

from noether_mlir.errors import UnsupportedStep
from noether_mlir.lowering import named_attributes

ir: Any = mlir.ir  # type: ignore[attr-defined]

#: Float types that become f64, by name.
_FLOATS = ("f16", "bf16", "f32", "tf32")


def _is_narrow(element: Any) -> bool:
    name = str(element)
    return name in _FLOATS or name.startswith("f8E")


def wide(kind: Any) -> Any:
    """The type with f64 in the place of every narrower float."""
    if isinstance(kind, ir.RankedTensorType):
        element = wide(kind.element_type)
        return kind if element == kind.element_type else ir.RankedTensorType.get(kind.shape, element, kind.encoding)
    if isinstance(kind, ir.ComplexType):
        return ir.ComplexType.get(wide(kind.element_type))
    if isinstance(kind, ir.TupleType):
        return ir.TupleType.get_tuple([wide(kind.get_type(i)) for i in range(kind.num_types)])
    if isinstance(kind, ir.FunctionType):
        return ir.FunctionType.get([wide(t) for t in kind.inputs], [wide(t) for t in kind.results])
    return ir.F64Type.get() if _is_narrow(kind) else kind


def _values(attribute: Any) -> np.ndarray:
    """The numbers of a dense attribute of floats, in double precision."""
    kind = ir.ShapedType(attribute.type)
    shape = tuple(kind.shape)
    dense = ir.DenseFPElementsAttr(attribute)
    if dense.is_splat:
        return np.full(shape, ir.FloatAttr(dense.get_splat_value()).value, np.float64)
    if str(kind.element_type) == "f32":
        return np.array(dense).astype(np.float64).reshape(shape)
    return np.fromiter((float(value) for value in dense), np.float64, len(dense)).reshape(shape)


def dense(values: np.ndarray, kind: Any) -> Any:
    """A dense attribute of a double precision type; a splat where all are equal."""
    values = np.asarray(values)
    if values.size and values.dtype == np.float64 and (values == values.flat[0]).all():
        element = ir.FloatAttr.get(ir.F64Type.get(), float(values.flat[0]))
        if not (values.flat[0] == 0 and np.signbit(values).any() != np.signbit(values).all()):
            return ir.DenseElementsAttr.get_splat(kind, element)
    return ir.DenseElementsAttr.get(np.ascontiguousarray(values), type=kind.element_type, shape=kind.shape)


def _wide_attribute(attribute: Any) -> Any:
    if isinstance(attribute, ir.TypeAttr):
        return ir.TypeAttr.get(wide(attribute.value))
    if isinstance(attribute, ir.FloatAttr) and _is_narrow(attribute.type):
        return ir.FloatAttr.get(ir.F64Type.get(), attribute.value)
    if isinstance(attribute, ir.DenseElementsAttr) and wide(attribute.type) != attribute.type:
        return dense(_values(attribute), wide(attribute.type))
    return attribute


#: What a bit cast or a library sees is the float's own format.
_KEEPS_FORMAT = ("stablehlo.bitcast_convert", "stablehlo.custom_call")


def _is_complex_constant(op: Any) -> bool:
    """Constants that jaxlib's Python has no attribute class for: they are converted as values."""
    return op.name == "stablehlo.constant" and "complex" in str(op.results[0].type)


def _convert(value: Any, kind: Any) -> Any:
    return ir.Operation.create("stablehlo.convert", results=[kind], operands=[value]).operation


def _keep_format(op: Any) -> None:
    """Conversions around an operation whose float types stay."""
    with op.location, ir.InsertionPoint(op):
        for i, operand in enumerate(op.operands):
            if wide(operand.type) != operand.type:  # the operand will be f64 when all is done
                narrow = _convert(operand, operand.type)
                narrow.attributes["noether.keep"] = ir.UnitAttr.get()
                op.operands[i] = narrow.result
        for result in op.results:
            if wide(result.type) != result.type:
                widened = _convert(result, wide(result.type))
                result.replace_all_uses_except(widened.result, widened)
                widened.move_after(op)


def widen(module: Any) -> None:
    """Rewrites a jaxlib module to double precision, in place.

    Raises:
        UnsupportedStep: if the result is no valid module: then something in it is tied to its precision.
    """
    with module.context, ir.Location.unknown(module.context):
        keepers: list[Any] = []

        def collect(op: Any) -> Any:
            if op.name in _KEEPS_FORMAT or _is_complex_constant(op):
                keepers.append(op)
            return ir.WalkResult.ADVANCE

        module.operation.walk(collect)
        for op in keepers:
            _keep_format(op)
        kept = {op for op in keepers}
        module.operation.walk(lambda op: _widen_operation(op, kept))
        try:
            module.operation.verify()
        except ir.MLIRError as error:
            line = next((part for part in str(error).splitlines() if "error:" in part), str(error))
            raise UnsupportedStep(f"the step cannot be put in double precision: {line.strip()}", str(error)) from None


def _widen_operation(op: Any, kept: set[Any]) -> Any:
    advance = ir.WalkResult.ADVANCE
    for region in op.regions:
        for block in region.blocks:
            for argument in block.arguments:
                argument.set_type(wide(argument.type))
    if op in kept:
        return advance
    if "noether.keep" in op.attributes:
        del op.attributes["noether.keep"]
        return advance
    for result in op.results:
        if wide(result.type) != result.type:
            result.set_type(wide(result.type))
    for name, attribute in _attributes(op):
        widened = _wide_attribute(attribute)
        if widened != attribute:
            op.attributes[name] = widened
    if op.name == "stablehlo.reduce_precision":  # a cast to a format and back
        for name, bits in (("exponent_bits", 11), ("mantissa_bits", 52)):
            op.attributes[name] = ir.IntegerAttr.get(ir.IntegerAttr(op.attributes[name]).type, bits)
    if op.name == "stablehlo.dot_general" and "algorithm" in op.attributes:
        del op.attributes["algorithm"]
    return advance


def _attributes(op: Any) -> list[tuple[str, Any]]:
    names = [item if isinstance(item, str) else item.name for item in op.attributes]
    return [(name, op.attributes[name]) for name in names]


def is_double(module: Any) -> bool:
    """Whether every float of the module is f64 already."""
    found = False

    def look(op: Any) -> Any:
        nonlocal found
        found = found or any(wide(result.type) != result.type for result in op.results)
        return ir.WalkResult.INTERRUPT if found else ir.WalkResult.ADVANCE

    with module.context, ir.Location.unknown(module.context):
        module.operation.walk(look)
    return not found


__all__ = ["dense", "is_double", "named_attributes", "wide", "widen"]
