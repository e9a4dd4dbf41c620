# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""StableHLO in MLIR's generic form, one operation at a time. No MLIR library is needed."""

import json
import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

#: Element types, by MLIR's names.
TYPES = {
    torch.float64: "f64", torch.float32: "f32", torch.float16: "f16", torch.bfloat16: "bf16",
    torch.int64: "i64", torch.int32: "i32", torch.int16: "i16", torch.int8: "i8", torch.uint8: "ui8",
    torch.bool: "i1", torch.complex64: "complex<f32>", torch.complex128: "complex<f64>",
}  # fmt: skip
#: Elements that decimal text cannot name are written by their bits.
_BITS = {torch.float64: ("<d", "<Q", 16), torch.float32: ("<f", "<I", 8), torch.float16: ("<e", "<H", 4)}
_START = {"maximum": -math.inf, "minimum": math.inf}


@dataclass(frozen=True)
class Value:
    """An SSA value: its name in the text, and its type."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def rank(self) -> int:
        return len(self.shape)

    @property
    def type(self) -> str:
        return tensor_type(self.shape, self.dtype)


def tensor_type(shape: Sequence[int], dtype: torch.dtype) -> str:
    """tensor<2x3xf32>."""
    return f"tensor<{''.join(f'{size}x' for size in shape)}{TYPES[dtype]}>"


def array(numbers: Iterable[int], kind: str = "i64") -> str:
    """array<i64: 1, 2>."""
    text = ", ".join(str(number).lower() for number in numbers)
    return f"array<{kind}: {text}>" if text else f"array<{kind}>"


def quoted(text: str) -> str:
    """A string literal of MLIR."""
    return json.dumps(text, ensure_ascii=False)


def element(value: complex | bool, dtype: torch.dtype) -> str:
    """A number as an element of a dense attribute."""
    if dtype == torch.bool:
        return "true" if value else "false"
    if dtype.is_complex:
        part = torch.float32 if dtype == torch.complex64 else torch.float64
        value = complex(value)
        return f"({element(value.real, part)}, {element(value.imag, part)})"
    assert not isinstance(value, complex)
    if not dtype.is_floating_point:
        return str(int(value))
    number = float(value)
    if math.isfinite(number):
        text = repr(number)
        return text if "." in text else text.replace("e", ".0e") if "e" in text else f"{text}.0"
    if dtype == torch.bfloat16:
        return f"0x{struct.unpack('<I', struct.pack('<f', number))[0] >> 16:04X}"
    pack, unpack, digits = _BITS[dtype]
    return f"0x{struct.unpack(unpack, struct.pack(pack, number))[0]:0{digits}X}"


def elements(tensor: torch.Tensor) -> str:
    """The elements of a real tensor, as in dense<...>."""
    tensor = tensor.detach().cpu().contiguous()
    if tensor.numel() == 0:
        return ""
    flat = tensor.reshape(-1)
    if tensor.numel() == 1 or (not tensor.is_complex() and bool((flat == flat[0]).all())):
        return element(flat[0].item(), tensor.dtype)
    if tensor.dtype == torch.bool or tensor.is_complex():  # packed, or of two parts, where written by their bytes
        return _nested(tensor)
    data = flat.view(torch.uint8).numpy().tobytes()
    return f'"0x{data.hex().upper()}"'


def _nested(tensor: torch.Tensor) -> str:
    if tensor.dim() == 0:
        return element(tensor.item(), tensor.dtype)
    return f"[{', '.join(map(_nested, tensor))}]"


class Builder:
    """Writes the body of one function.

    Attributes:
        location: what operations are said to come from: (file, line), or None.
    """

    def __init__(self) -> None:
        self.location: tuple[str, int] | None = None
        self._operations: list[tuple[str, tuple[str, ...], str]] = []  # result, operands, text
        self._count = 0
        self._reshaped: dict[str, Value] = {}
        self._locations: dict[tuple[str, int] | None, int] = {None: 0}

    # --- Text. ---

    def _fresh(self) -> str:
        self._count += 1
        return f"%{self._count}"

    def location_reference(self) -> str:
        return f"loc(#loc{self._locations.setdefault(self.location, len(self._locations))})"

    def location_definitions(self) -> str:
        lines = []
        for place, number in self._locations.items():
            text = "unknown" if place is None else f"{quoted(place[0])}:{place[1]}:1"
            lines.append(f"#loc{number} = loc({text})\n")
        return "".join(lines)

    def body(self, returned: Sequence[Value]) -> str:
        """The operations that these values need."""
        live = {value.name.split("#")[0] for value in returned}
        lines = []
        for result, operands, line in reversed(self._operations):
            if result in live:
                live.update(operands)
                lines.append(line)
        return "".join(reversed(lines))

    def operation(
        self,
        name: str,
        operands: Sequence[Value],
        results: Sequence[tuple[Sequence[int], torch.dtype]],
        attributes: str = "",
        regions: Sequence[str] = (),
    ) -> list[Value]:
        """Any operation.

        Args:
            results: shape and element type of each.
            attributes: what stands between <{ and }>.
            regions: the text of each, as `region` makes it.
        """
        first = self._fresh()
        names = [first] if len(results) == 1 else [f"{first}#{number}" for number in range(len(results))]
        values = [Value(name, tuple(map(int, shape)), dtype) for name, (shape, dtype) in zip(names, results)]
        types = ", ".join(value.type for value in values)
        line = (
            f"    {first}{f':{len(results)}' if len(results) != 1 else ''} = \"{name}\""
            f"({', '.join(operand.name for operand in operands)})"
            f"{f' <{{{attributes}}}>' if attributes else ''}"
            f"{' (' + ', '.join(regions) + ')' if regions else ''}"
            f" : ({', '.join(operand.type for operand in operands)}) -> "
            f"{types if len(results) == 1 else f'({types})'} {self.location_reference()}\n"
        )
        self._operations.append((first, tuple(operand.name.split("#")[0] for operand in operands), line))
        return values

    def op(
        self,
        name: str,
        operands: Sequence[Value],
        shape: Sequence[int],
        dtype: torch.dtype,
        attributes: str = "",
        regions: Sequence[str] = (),
    ) -> Value:
        """An operation of the dialect (or of another one, named in full) with one result."""
        full = name if "." in name else f"stablehlo.{name}"
        return self.operation(full, operands, [(shape, dtype)], attributes, regions)[0]

    def region(self, dtypes: Sequence[torch.dtype], steps: Sequence[tuple[str, str, str, str]], returned: str) -> str:
        """A region of one block.

        Args:
            dtypes: of its arguments, scalars %a0, %a1, ...
            steps: (result, operation, operands, attributes and types).
            returned: names and types of what it returns, as "%x : type".
        """
        where = self.location_reference()
        arguments = ", ".join(f"%a{n}: {tensor_type((), dtype)} {where}" for n, dtype in enumerate(dtypes))
        lines = [f"      {name} = \"stablehlo.{op}\"({operands}) {rest} {where}\n" for name, op, operands, rest in steps]
        values, types = returned.split(" : ")
        return (
            f"{{\n    ^bb0({arguments}):\n{''.join(lines)}"
            f'      "stablehlo.return"({values}) : ({types}) -> () {where}\n    }}'
        )

    def combiner(self, name: str, dtype: torch.dtype) -> str:
        """A region that combines two scalars by an operation."""
        scalar = tensor_type((), dtype)
        return self.region(
            [dtype, dtype], [("%c", name, "%a0, %a1", f": ({scalar}, {scalar}) -> {scalar}")], f"%c : {scalar}"
        )

    # --- Constants and changes of type and shape. ---

    def constant(self, value: complex | bool | torch.Tensor, shape: Sequence[int], dtype: torch.dtype) -> Value:
        """A constant: one number everywhere, or the elements of a real tensor."""
        text = elements(value) if isinstance(value, torch.Tensor) else element(value, dtype)
        return self.op("constant", [], shape, dtype, f"value = dense<{text}> : {tensor_type(shape, dtype)}")

    def convert(self, value: Value, dtype: torch.dtype) -> Value:
        if value.dtype == dtype:
            return value
        if dtype == torch.bool:
            return self.compare("NE", value, self.constant(0, value.shape, value.dtype))
        if value.dtype.is_complex and not dtype.is_complex:
            part = torch.float32 if value.dtype == torch.complex64 else torch.float64
            return self.convert(self.op("real", [value], value.shape, part), dtype)
        return self.op("convert", [value], value.shape, dtype)

    def compare(self, direction: str, left: Value, right: Value) -> Value:
        attribute = f"comparison_direction = #stablehlo<comparison_direction {direction}>"
        return self.op("compare", [left, right], left.shape, torch.bool, attribute)

    def broadcast(self, value: Value, shape: Sequence[int], dimensions: Sequence[int] | None = None) -> Value:
        """A value repeated. `dimensions`: where its axes are in the result; by default the last ones."""
        if dimensions is None:
            dimensions = range(len(shape) - value.rank, len(shape))
        if value.shape == tuple(shape) and list(dimensions) == list(range(value.rank)):
            return value
        return self.op("broadcast_in_dim", [value], shape, value.dtype, f"broadcast_dimensions = {array(dimensions)}")

    def reshape(self, value: Value, shape: Sequence[int]) -> Value:
        value = self.before_reshape(value)
        if value.shape == tuple(shape):
            return value
        result = self.op("reshape", [value], shape, value.dtype)
        self._reshaped[result.name] = value
        return result

    def before_reshape(self, value: Value) -> Value:
        """What a value was before it was given its shape."""
        return self._reshaped.get(value.name, value)

    def transpose(self, value: Value, permutation: Sequence[int]) -> Value:
        if list(permutation) == list(range(value.rank)):
            return value
        shape = [value.shape[axis] for axis in permutation]
        return self.op("transpose", [value], shape, value.dtype, f"permutation = {array(permutation)}")

    def slice(
        self, value: Value, starts: Sequence[int], limits: Sequence[int], strides: Sequence[int] | None = None
    ) -> Value:
        strides = strides or [1] * value.rank
        shape = [-(-(limit - start) // stride) for start, limit, stride in zip(starts, limits, strides)]
        if shape == list(value.shape):
            return value
        attributes = f"limit_indices = {array(limits)}, start_indices = {array(starts)}, strides = {array(strides)}"
        return self.op("slice", [value], shape, value.dtype, attributes)

    def iota(self, shape: Sequence[int], axis: int, dtype: torch.dtype = torch.int64) -> Value:
        return self.op("iota", [], shape, dtype, f"iota_dimension = {axis} : i64")

    def concatenate(self, values: Sequence[Value], axis: int) -> Value:
        if len(values) == 1:
            return values[0]
        shape = list(values[0].shape)
        shape[axis] = sum(value.shape[axis] for value in values)
        return self.op("concatenate", values, shape, values[0].dtype, f"dimension = {axis} : i64")

    def pad(
        self,
        value: Value,
        low: Sequence[int],
        high: Sequence[int],
        interior: Sequence[int] | None = None,
        fill: complex | bool = 0,
    ) -> Value:
        interior = interior or [0] * value.rank
        if not any([*low, *high, *interior]):
            return value
        shape = [
            before + after + size + max(size - 1, 0) * between
            for size, before, after, between in zip(value.shape, low, high, interior)
        ]
        attributes = (
            f"edge_padding_high = {array(high)}, edge_padding_low = {array(low)}, interior_padding = {array(interior)}"
        )
        return self.op("pad", [value, self.constant(fill, (), value.dtype)], shape, value.dtype, attributes)

    # --- Arithmetic. ---

    def unary(self, name: str, value: Value) -> Value:
        return self.op(name, [value], value.shape, value.dtype)

    def binary(self, name: str, left: Value, right: Value) -> Value:
        return self.op(name, [left, right], left.shape, left.dtype)

    def select(self, predicate: Value, left: Value, right: Value) -> Value:
        return self.op("select", [predicate, left, right], left.shape, left.dtype)

    def scaled(self, name: str, value: Value, number: complex) -> Value:
        """A value combined with one number."""
        return self.binary(name, value, self.constant(number, value.shape, value.dtype))

    def reduce(self, name: str, value: Value, axes: Sequence[int]) -> Value:
        """A reduction by add, multiply, maximum, minimum, and, or."""
        if not axes:
            return value
        start: complex | bool
        if name in _START:
            start = _START[name]
            if not value.dtype.is_floating_point:
                limits = torch.iinfo(value.dtype)
                start = limits.min if name == "maximum" else limits.max
        else:
            start = {"add": 0, "multiply": 1, "and": True, "or": False}[name]
        shape = [size for axis, size in enumerate(value.shape) if axis not in axes]
        initial = self.constant(start, (), value.dtype)
        return self.op(
            "reduce", [value, initial], shape, value.dtype, f"dimensions = {array(sorted(axes))}",
            [self.combiner(name, value.dtype)],
        )  # fmt: skip
