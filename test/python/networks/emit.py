# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A random network as StableHLO in generic form: forward pass only, roles given as attributes.

Tracing and lowering by JAX costs a hundred times more than the analysis; what that adds (the
backward pass, calls, idioms) is tested on the share of networks that go through `lowered.py`.
"""

import itertools

import numpy as np

#: The epsilon of a number: all different, so that a report that names one names a place.
def epsilon(site):
    return 1e-5 * (1 + 0.01 * site)


def _ints(values):
    return f"array<i64: {', '.join(map(str, values))}>" if len(values) else "array<i64>"


def _matrix(rows):
    return f"dense<{[list(map(int, row)) for row in rows]}> : tensor<{len(rows)}x2xi64>"


def _list(values):
    return "[" + ", ".join(map(str, values)) + "]"


def _type(shape, element="f32"):
    return "tensor<" + "".join(f"{n}x" for n in shape) + element + ">"


def _number(value):
    if np.isposinf(value):
        return "0x7F800000"
    if np.isneginf(value):
        return "0xFF800000"
    return f"{float(value):.9e}"


def _dense(values):
    values = np.asarray(values, float)
    nested = lambda v: _number(v) if v.ndim == 0 else "[" + ", ".join(map(nested, v)) + "]"
    return f"dense<{nested(values)}> : {_type(values.shape)}"


class Emitter:
    def __init__(self, eps=None):
        self.eps = eps
        self.lines = []
        self.names = itertools.count()
        self.functions = []
        self.site = itertools.count()

    # --- pieces ---

    def op(self, name, operands, types, result, properties="", regions=""):
        """One operation with one result."""
        value = f"%{next(self.names)}"
        text = f'{value} = "{name}"({", ".join(operands)})'
        text += f" <{{{properties}}}>" if properties else ""
        text += f" ({regions})" if regions else ""
        self.lines.append(f"{text} : ({', '.join(types)}) -> {result}")
        return value

    def splat(self, value, shape, element="f32"):
        if element == "f32":
            return self.op("stablehlo.constant", [], [], _type(shape),
                           f"value = dense<{_number(value)}> : {_type(shape)}")
        return self.op("stablehlo.constant", [], [], _type(shape, element),
                       f"value = dense<{value}> : {_type(shape, element)}")

    def region(self, write):
        """The text of a region that `write` (which returns the block's argument list) emits."""
        outer, self.lines = self.lines, []
        head = write()
        text = "{\n" + (head + "\n" if head else "") + "\n".join(self.lines) + "\n}"
        self.lines = outer
        return text

    def reducer(self, kind, terminator="stablehlo.return"):
        def write():
            a, b = f"%{next(self.names)}", f"%{next(self.names)}"
            r = self.op(f"stablehlo.{kind}", [a, b], ["tensor<f32>"] * 2, "tensor<f32>")
            self.lines.append(f'"{terminator}"({r}) : (tensor<f32>) -> ()')
            return f"^bb0({a}: tensor<f32>, {b}: tensor<f32>):"

        return self.region(write)

    # --- programs ---

    def program(self, program, arguments):
        """Emits the operations; `arguments` are the values of inputs. Returns the result's."""
        arguments = iter(arguments)
        values = []
        for node in program.nodes:
            types = [_type(program.shape(j), "i32" if program.nodes[j].integer else "f32")
                     for j in node.inputs]
            operands = [values[j] for j in node.inputs]
            shapes = [program.shape(j) for j in node.inputs]
            if node.op == "const":
                values.append(self.op("stablehlo.constant", [], [], _type(node.shape),
                                      f"value = {_dense(node.attrs['values'])}"))
            elif node.op == "eps":
                small = epsilon(next(self.site)) if self.eps is None else self.eps
                values.append(self.splat(small, ()))
            elif node.op in ("param", "data", "index", "mask", "arg"):
                values.append(next(arguments))
            else:
                emit = getattr(self, f"emit_{node.op}", self.emit_plain)
                values.append(emit(node, operands, types, shapes))
        return values[-1]

    def emit_plain(self, node, operands, types, shapes):
        name = "chlo.erf" if node.op == "erf" else f"stablehlo.{node.op}"
        return self.op(name, operands, types, _type(node.shape))

    def emit_clamp(self, node, operands, types, shapes):
        low, high = (self.splat(node.attrs[k], ()) for k in ("low", "high"))
        return self.op("stablehlo.clamp", [low, *operands, high],
                       ["tensor<f32>", *types, "tensor<f32>"], _type(node.shape))

    def emit_select(self, node, operands, types, shapes):
        predicate = self.op("stablehlo.compare", operands[:2], types[:2], _type(shapes[0], "i1"),
                            "comparison_direction = #stablehlo<comparison_direction GT>, "
                            "compare_type = #stablehlo<comparison_type FLOAT>")
        return self.op("stablehlo.select", [predicate, *operands[2:]],
                       [_type(shapes[0], "i1"), *types[2:]], _type(node.shape))

    def emit_broadcast(self, node, operands, types, shapes):
        return self.op("stablehlo.broadcast_in_dim", operands, types, _type(node.shape),
                       f"broadcast_dimensions = {_ints(node.attrs['dims'])}")

    def emit_transpose(self, node, operands, types, shapes):
        return self.op("stablehlo.transpose", operands, types, _type(node.shape),
                       f"permutation = {_ints(node.attrs['perm'])}")

    def emit_slice(self, node, operands, types, shapes):
        a = node.attrs
        return self.op("stablehlo.slice", operands, types, _type(node.shape),
                       f"start_indices = {_ints(a['start'])}, limit_indices = {_ints(a['limit'])}, "
                       f"strides = {_ints(a['stride'])}")

    def emit_concatenate(self, node, operands, types, shapes):
        return self.op("stablehlo.concatenate", operands, types, _type(node.shape),
                       f"dimension = {node.attrs['axis']} : i64")

    def emit_pad(self, node, operands, types, shapes):
        a = node.attrs
        value = self.splat(a["value"], ())
        return self.op("stablehlo.pad", [*operands, value], [*types, "tensor<f32>"],
                       _type(node.shape),
                       f"edge_padding_low = {_ints(a['low'])}, edge_padding_high = "
                       f"{_ints(a['high'])}, interior_padding = {_ints(a['interior'])}")

    def emit_reverse(self, node, operands, types, shapes):
        return self.op("stablehlo.reverse", operands, types, _type(node.shape),
                       f"dimensions = {_ints(node.attrs['dims'])}")

    def emit_sort(self, node, operands, types, shapes):
        def write():
            a, b = f"%{next(self.names)}", f"%{next(self.names)}"
            r = self.op("stablehlo.compare", [a, b], ["tensor<f32>"] * 2, "tensor<i1>",
                        "comparison_direction = #stablehlo<comparison_direction LT>, "
                        "compare_type = #stablehlo<comparison_type TOTALORDER>")
            self.lines.append(f'"stablehlo.return"({r}) : (tensor<i1>) -> ()')
            return f"^bb0({a}: tensor<f32>, {b}: tensor<f32>):"

        return self.op("stablehlo.sort", operands, types, _type(node.shape),
                       f"dimension = {node.attrs['axis']} : i64, is_stable = true",
                       self.region(write))

    def emit_reduce(self, node, operands, types, shapes):
        kind = node.attrs["kind"]
        start = {"add": 0.0, "multiply": 1.0, "maximum": -np.inf, "minimum": np.inf}[kind]
        return self.op("stablehlo.reduce", [*operands, self.splat(start, ())],
                       [*types, "tensor<f32>"], _type(node.shape),
                       f"dimensions = {_ints(node.attrs['axes'])}", self.reducer(kind))

    def emit_dot(self, node, operands, types, shapes):
        batch, contract = node.attrs["batch"], node.attrs["contract"]
        numbers = []
        if batch:
            numbers += [f"lhs_batching_dimensions = {_list(i for i, _ in batch)}",
                        f"rhs_batching_dimensions = {_list(j for _, j in batch)}"]
        numbers += [f"lhs_contracting_dimensions = {_list(i for i, _ in contract)}",
                    f"rhs_contracting_dimensions = {_list(j for _, j in contract)}"]
        return self.op("stablehlo.dot_general", operands, types, _type(node.shape),
                       f"dot_dimension_numbers = #stablehlo.dot<{', '.join(numbers)}>")

    def emit_convolution(self, node, operands, types, shapes):
        a, space = node.attrs, range(len(node.shape) - 2)
        axes = ", ".join(map(str, space))
        ones, no = [1] * len(space), ", ".join("false" for _ in space)
        return self.op(
            "stablehlo.convolution", operands, types, _type(node.shape),
            f"batch_group_count = 1 : i64, dimension_numbers = "
            f"#stablehlo.conv<[b, {axes}, f]x[{axes}, i, o]->[b, {axes}, f]>, "
            f"feature_group_count = {a['groups']} : i64, lhs_dilation = {_ints(ones)}, "
            f"padding = {_matrix(a['padding'])}, rhs_dilation = {_ints(a['dilation'])}, "
            f"window_reversal = array<i1: {no}>, window_strides = {_ints(a['stride'])}")

    def emit_window(self, node, operands, types, shapes):
        a, ones = node.attrs, [1] * len(node.shape)
        start = self.splat(0.0 if a["kind"] == "add" else -np.inf, ())
        return self.op("stablehlo.reduce_window", [*operands, start], [*types, "tensor<f32>"],
                       _type(node.shape),
                       f"base_dilations = {_ints(ones)}, padding = {_matrix(a['padding'])}, "
                       f"window_dilations = {_ints(ones)}, window_dimensions = "
                       f"{_ints(a['window'])}, window_strides = {_ints(a['stride'])}",
                       self.reducer(a["kind"]))

    # --- indexing ---

    def emit_take(self, node, operands, types, shapes):
        axis, index = node.attrs["axis"], shapes[1]
        column = self.op("stablehlo.reshape", operands[1:], types[1:], _type((*index, 1), "i32"))
        sizes = [1 if a == axis else n for a, n in enumerate(shapes[0])]
        offsets = [a for a in range(len(node.shape)) if not axis <= a < axis + len(index)]
        return self.op(
            "stablehlo.gather", [operands[0], column], [types[0], _type((*index, 1), "i32")],
            _type(node.shape),
            f"dimension_numbers = #stablehlo.gather<offset_dims = {_list(offsets)}, "
            f"collapsed_slice_dims = [{axis}], start_index_map = [{axis}], index_vector_dim = "
            f"{len(index)}>, indices_are_sorted = false, slice_sizes = {_ints(sizes)}")

    def emit_take_along(self, node, operands, types, shapes):
        rank = len(shapes[0])
        column = self.op("stablehlo.reshape", operands[1:], types[1:], _type((*shapes[1], 1), "i32"))
        lead = list(range(rank - 1))
        return self.op(
            "stablehlo.gather", [operands[0], column], [types[0], _type((*shapes[1], 1), "i32")],
            _type(node.shape),
            f"dimension_numbers = #stablehlo.gather<collapsed_slice_dims = [{rank - 1}], "
            f"operand_batching_dims = {_list(lead)}, start_indices_batching_dims = {_list(lead)}, "
            f"start_index_map = [{rank - 1}], index_vector_dim = {rank - 1}>, "
            f"indices_are_sorted = false, slice_sizes = {_ints([1] * rank)}")

    def emit_segment_sum(self, node, operands, types, shapes):
        zeros = self.splat(0.0, node.shape)
        column = self.op("stablehlo.reshape", operands[1:], types[1:], _type((*shapes[1], 1), "i32"))
        windows = list(range(1, len(node.shape)))
        return self.op(
            "stablehlo.scatter", [zeros, column, operands[0]],
            [_type(node.shape), _type((*shapes[1], 1), "i32"), types[0]], _type(node.shape),
            f"indices_are_sorted = false, scatter_dimension_numbers = #stablehlo.scatter<"
            f"update_window_dims = {_list(windows)}, inserted_window_dims = [0], "
            f"scatter_dims_to_operand_dims = [0], index_vector_dim = 1>, unique_indices = false",
            self.reducer("add"))

    def starts(self, rank, axis, index):
        zero = self.splat(0, (), "i32")
        return [index if a == axis else zero for a in range(rank)], ["tensor<i32>"] * rank

    def emit_dynamic_slice(self, node, operands, types, shapes):
        starts, kinds = self.starts(len(shapes[0]), node.attrs["axis"], operands[1])
        return self.op("stablehlo.dynamic_slice", [operands[0], *starts], [types[0], *kinds],
                       _type(node.shape), f"slice_sizes = {_ints(node.shape)}")

    def emit_dynamic_update(self, node, operands, types, shapes):
        starts, kinds = self.starts(len(shapes[0]), node.attrs["axis"], operands[2])
        return self.op("stablehlo.dynamic_update_slice", [*operands[:2], *starts],
                       [*types[:2], *kinds], _type(node.shape))

    # --- regions ---

    def emit_scan(self, node, operands, types, shapes):
        """A while over (counter, carried, collected); what else is read is closed over."""
        a = node.attrs
        zero = self.splat(0, (), "i32")
        carried = [(zero, "tensor<i32>"), (operands[0], types[0])]
        if a["collect"]:
            carried.append((self.splat(0.0, node.shape), _type(node.shape)))
        names = [[f"%{next(self.names)}" for _ in carried] for _ in range(2)]
        header = lambda row: "^bb0(" + ", ".join(
            f"{n}: {t}" for n, (_, t) in zip(row, carried, strict=True)) + "):"

        def condition():
            bound = self.splat(a["length"], (), "i32")
            less = self.op("stablehlo.compare", [names[0][0], bound], ["tensor<i32>"] * 2,
                           "tensor<i1>",
                           "comparison_direction = #stablehlo<comparison_direction LT>, "
                           "compare_type = #stablehlo<comparison_type SIGNED>")
            self.lines.append(f'"stablehlo.return"({less}) : (tensor<i1>) -> ()')
            return header(names[0])

        def body():
            counter, state = names[1][:2]
            index = counter
            if a.get("backwards"):
                last = self.splat(a["length"] - 1, (), "i32")
                index = self.op("stablehlo.subtract", [last, counter], ["tensor<i32>"] * 2,
                                "tensor<i32>")
            slices = []
            for value, kind, shape in list(zip(operands, types, shapes, strict=True))[
                    1:1 + a["stacked"]]:
                starts, kinds = self.starts(len(shape), 0, index)
                element = "i32" if "i32" in kind else "f32"
                part = self.op("stablehlo.dynamic_slice", [value, *starts], [kind, *kinds],
                               _type((1, *shape[1:]), element),
                               f"slice_sizes = {_ints((1, *shape[1:]))}")
                slices.append(self.op("stablehlo.reshape", [part],
                                      [_type((1, *shape[1:]), element)],
                                      _type(shape[1:], element)))
            result = self.program(a["body"], [state, *slices, *operands[1 + a["stacked"]:]])
            one = self.splat(1, (), "i32")
            following = self.op("stablehlo.add", [counter, one], ["tensor<i32>"] * 2, "tensor<i32>")
            out = [following, result]
            if a["collect"]:
                row = (1, *node.shape[1:])
                line = self.op("stablehlo.reshape", [result], [types[0]], _type(row))
                starts, kinds = self.starts(len(node.shape), 0, counter)
                out.append(self.op("stablehlo.dynamic_update_slice",
                                   [names[1][2], line, *starts],
                                   [_type(node.shape), _type(row), *kinds], _type(node.shape)))
            self.lines.append(f'"stablehlo.return"({", ".join(out)}) : '
                              f'({", ".join(t for _, t in carried)}) -> ()')
            return header(names[1])

        regions = self.region(condition) + ", " + self.region(body)
        value = f"%{next(self.names)}"
        kinds = ", ".join(t for _, t in carried)
        self.lines.append(f'{value}:{len(carried)} = "stablehlo.while"'
                          f'({", ".join(v for v, _ in carried)}) ({regions}) : '
                          f"({kinds}) -> ({kinds})")
        return f"{value}#{2 if a['collect'] else 1}"

    def emit_cond(self, node, operands, types, shapes):
        zero = self.splat(0.0, ())
        predicate = self.op("stablehlo.compare", [operands[0], zero], ["tensor<f32>"] * 2,
                            "tensor<i1>",
                            "comparison_direction = #stablehlo<comparison_direction GT>, "
                            "compare_type = #stablehlo<comparison_type FLOAT>")
        index = self.op("stablehlo.convert", [predicate], ["tensor<i1>"], "tensor<i32>")

        def branch(key):
            def write():
                result = self.program(node.attrs[key], operands[1:])
                self.lines.append(f'"stablehlo.return"({result}) : ({_type(node.shape)}) -> ()')

            return self.region(write)

        return self.op("stablehlo.case", [index], ["tensor<i32>"], _type(node.shape),
                       regions=branch("otherwise") + ", " + branch("body"))

    def emit_call(self, node, operands, types, shapes):
        outer, self.lines = self.lines, []
        names = [f"%a{i}" for i in range(len(operands))]
        result = self.program(node.attrs["body"], names)
        function = f"f{len(self.functions)}"
        arguments = ", ".join(f"{n}: {t}" for n, t in zip(names, types, strict=True))
        self.functions.append(
            f"func.func private @{function}({arguments}) -> {_type(node.shape)} {{\n"
            + "\n".join(self.lines) + f"\nfunc.return {result} : {_type(node.shape)}\n}}")
        self.lines = outer
        value = f"%{next(self.names)}"
        self.lines.append(f"{value} = func.call @{function}({', '.join(operands)}) : "
                          f"({', '.join(types)}) -> {_type(node.shape)}")
        return value


def parameter_names(program):
    """What reports call the parameters, in order."""
    return [f"p{i}" for i in program.params]


def to_mlir(program, entry="main", eps=None):
    """A step whose parameters are returned as they are, with the loss.

    Args:
        eps: the value of all epsilons; by default small ones, all different.
    """
    emitter = Emitter(eps)
    arguments, names, params, roles = [], [], [], []
    for i, node in enumerate(program.nodes):
        if node.op not in ("param", "data", "index", "mask"):
            continue
        role = "param" if node.op == "param" else "batch"
        kind = _type(node.shape, "i32" if node.integer else "f32")
        label = f"{'p' if node.op == 'param' else 'x'}{i}"
        names.append(f"%in{i}")
        arguments.append(f'%in{i}: {kind} {{noether.role = "{role}", noether.name = "{label}"}}')
        if node.op == "param":
            params.append((f"%in{i}", kind))
            roles.append(f'{kind} {{noether.role = "param", noether.name = "{label}"}}')
    loss = emitter.program(program, names)
    results = ", ".join([*roles, 'tensor<f32> {noether.role = "loss", noether.name = "loss"}'])
    returned = ", ".join([n for n, _ in params] + [loss])
    kinds = ", ".join([t for _, t in params] + ["tensor<f32>"])
    body = "\n".join(emitter.lines)
    functions = "\n".join(emitter.functions)
    return (f"module {{\nfunc.func public @{entry}({', '.join(arguments)}) -> ({results}) {{\n{body}\n"
            f"func.return {returned} : {kinds}\n}}\n{functions}\n}}\n")


def in_double_precision(text):
    """The same module on f64."""
    return (text.replace("f32", "f64").replace("0x7F800000", "0x7FF0000000000000")
            .replace("0xFF800000", "0xFFF0000000000000"))
