# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How the cost of the analysis grows with the number of operations, beside the cost of parsing.

A deep network's training step is put together from real StableHLO: the forward pass, the backward
pass and the optimizer's update of one residual block, as JAX lowers them, are repeated layer after
layer with values and parameters of their own. Then `noether-opt --mlir-timing` is run on it.

    python benchmarks/analysis_scale.py --operations 10000 100000 1000000 --repeat 5
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

os.environ.setdefault("JAX_PLATFORMS", "cpu")

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "python"))

import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

from noether_mlir.tool import find_tool  # noqa: E402

# --- one block, in JAX --------------------------------------------------------------------------

BATCH, TIME, WIDTH, HEADS, CHANNELS, HIDDEN = 4, 16, 32, 4, 8, 64


def rms_norm(x, gain):
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + 1e-6) * gain


def transformer_block(p, x):
    h = rms_norm(x, p["norm1"])
    q, k, v = (jnp.einsum("btd,dhk->bthk", h, p[n]) for n in ("wq", "wk", "wv"))
    q, k = rms_norm(q, p["q_gain"]), rms_norm(k, p["k_gain"])
    logits = jnp.einsum("bqhk,bshk->bhqs", q, k) / np.sqrt(CHANNELS)
    mask = jnp.tril(jnp.ones((TIME, TIME), bool))
    weights = jax.nn.softmax(jnp.where(mask, logits, -jnp.inf), axis=-1)
    x = x + jnp.einsum("bhqs,bshk,hkd->bqd", weights, v, p["wo"])
    h = rms_norm(x, p["norm2"])
    return x + (jax.nn.silu(h @ p["gate"]) * (h @ p["up"])) @ p["down"]


def mlp_block(p, x):
    h = rms_norm(x, p["norm"])
    return x + jax.nn.relu(h @ p["up"] + p["bias"]) @ p["down"]


def shape(*sizes):
    return jax.ShapeDtypeStruct(sizes, jnp.float32)


X = shape(BATCH, TIME, WIDTH)
BLOCKS = {
    "transformer": (transformer_block, {
        **{n: shape(WIDTH, HEADS, CHANNELS) for n in ("wq", "wk", "wv")},
        "wo": shape(HEADS, CHANNELS, WIDTH), "q_gain": shape(CHANNELS), "k_gain": shape(CHANNELS),
        "norm1": shape(WIDTH), "norm2": shape(WIDTH), "gate": shape(WIDTH, HIDDEN),
        "up": shape(WIDTH, HIDDEN), "down": shape(HIDDEN, WIDTH)}),
    "mlp": (mlp_block, {"norm": shape(WIDTH), "up": shape(WIDTH, HIDDEN), "bias": shape(HIDDEN),
                        "down": shape(HIDDEN, WIDTH)}),
}


def update(p, m, v, g, t):
    """AdamW, as training code writes it."""
    new = {}
    for n in p:
        mu, nu = 0.9 * m[n] + 0.1 * g[n], 0.999 * v[n] + 0.001 * g[n] * g[n]
        step = (mu / (1 - 0.9**t)) / (jnp.sqrt(nu / (1 - 0.999**t)) + 1e-8)
        new[n] = (p[n] - 1e-3 * (step + 0.1 * p[n]), mu, nu)
    return tuple({n: new[n][i] for n in p} for i in range(3))


# --- its text -----------------------------------------------------------------------------------


class Part:
    """The body of a lowered function, to be repeated with new names."""

    VALUE = re.compile(r"%(\w+)")

    def __init__(self, prefix, function, *args):
        lowered = jax.jit(function, keep_unused=True).lower(*args)
        text = lowered.compiler_ir("stablehlo").operation.get_asm(
            print_generic_op_form=True, enable_debug_info=True, large_elements_limit=None)
        text = re.sub(r"#loc(\d*)", rf"#loc_{prefix}\1", text)
        text = re.sub(r"callee = @(\w+)", rf"callee = @{prefix}_\1", text)
        self.prefix = prefix
        self.locations = [line for line in text.split("\n") if line.startswith("#loc")]
        functions = re.split(r'(?m)^  (?="func\.func"\()', text)[1:]
        self.callees = []
        for function in functions:
            function = function[:function.rindex("}) : () -> ()")]
            # The last function's text ran into the end of the module.
            if function.rstrip().endswith('loc(#loc_' + prefix + ')') and "\n})" in function:
                function = function[:function.rindex("\n})")]
            name = re.search(r'sym_name = "(\w+)"', function).group(1)
            if name == "main":
                self._read_main(function)
            else:
                function = function.replace(f'sym_name = "{name}"', f'sym_name = "{prefix}_{name}"')
                self.callees.append("  " + function.rstrip() + "}) : () -> ()\n")

    def _read_main(self, function):
        header, _, body = function.partition("^bb0(")
        arguments, _, body = body.partition("):\n")
        self.arguments = re.findall(r"%(\w+): (tensor<[^>]*>)", arguments)
        body = body.rstrip()
        start = body.rindex('"func.return"')
        returned = re.match(r'"func\.return"\((.*?)\) : \((.*?)\)', body[start:])
        self.returned = re.findall(r"%([\w#]+)", returned.group(1))
        self.result_types = re.findall(r"tensor<[^>]*>", returned.group(2))
        self.body = body[:start]
        self.operations = len(re.findall(r'"(?:stablehlo|chlo|func)\.\w+"\(', self.body))
        # Cut at the values, so that an instance is one join.
        self.pieces = self.VALUE.split(self.body)

    def instance(self, tag, values):
        """The body with this instance's names, given the values of its arguments; and its results."""
        given = {name: value for (name, _), value in zip(self.arguments, values, strict=True)}

        def rename(name):
            base, hash_, number = name.partition("#")
            return (given[base] if base in given else f"%{self.prefix}{tag}_{base}") + hash_ + number

        pieces = list(self.pieces)
        names = {name: rename(name) for name in set(pieces[1::2])}
        pieces[1::2] = [names[name] for name in pieces[1::2]]
        return "".join(pieces), [rename(name) for name in self.returned]


def build(kind, operations):
    """A training step of about this many operations; its text and their number."""
    block, params = BLOCKS[kind]
    residuals = {}

    def forward(p, x):
        y, pull = jax.vjp(block, p, x)
        leaves, residuals["tree"] = jax.tree.flatten(pull)
        return y, leaves

    def head(x, target):
        return jax.value_and_grad(lambda x: jnp.mean((x - target) ** 2))(x)

    y, saved = jax.eval_shape(forward, params, X)

    def backward(saved, dy):
        return jax.tree.unflatten(residuals["tree"], saved)(dy)

    t = shape()
    parts = {"f": Part("f", forward, params, X), "h": Part("h", head, X, X),
             "b": Part("b", backward, saved, y),
             "u": Part("u", update, params, params, params, params, t)}
    per_layer = sum(parts[k].operations for k in "fbu")
    layers = max(1, round((operations - parts["h"].operations) / per_layer))

    names = sorted(params)
    kinds = [f"tensor<{'x'.join(map(str, params[n].shape))}xf32>" for n in names]
    x_type = f"tensor<{BATCH}x{TIME}x{WIDTH}xf32>"
    arguments, roots = [], ("params", "mu", "nu")
    for root in roots:
        for layer in range(layers):
            for n, k in zip(names, kinds, strict=True):
                arguments.append((f"%{root}_{layer}_{n}", k, f"{root}[{layer}]['{n}']"))
    arguments += [("%x", x_type, "batch['x']"), ("%y", x_type, "batch['y']"),
                  ("%t", "tensor<f32>", "t")]

    body, x = [], "%x"
    saved_values = []
    for layer in range(layers):
        weights = [f"%params_{layer}_{n}" for n in names]
        text, out = parts["f"].instance(layer, [*weights, x])
        body.append(text)
        x, kept = out[0], out[1:]
        saved_values.append(kept)
    text, (loss, dx) = parts["h"].instance("", [x, "%y"])
    body.append(text)
    results = [[None] * layers for _ in roots]
    for layer in reversed(range(layers)):
        text, out = parts["b"].instance(layer, [*saved_values[layer], dx])
        body.append(text)
        grads, dx = out[:-1], out[-1]
        text, out = parts["u"].instance(
            layer, [f"%{root}_{layer}_{n}" for root in roots for n in names] + grads + ["%t"])
        body.append(text)
        for i in range(len(roots)):
            results[i][layer] = out[i * len(names):(i + 1) * len(names)]
    returned = [v for per_root in results for layer in per_root for v in layer] + [loss]
    types = [k for _ in roots for _ in range(layers) for k in kinds] + ["tensor<f32>"]
    info = [f"result[{i}][{layer}]['{n}']" for i in range(len(roots)) for layer in range(layers)
            for n in names] + ["result[3]"]

    lines = [line for part in parts.values() for line in part.locations]
    lines.append('"builtin.module"() <{sym_name = "jit_step"}> ({')
    attributes = ", ".join(f'{{jax.result_info = "{i}"}}' for i in info)
    lines.append(f'  "func.func"() <{{function_type = ({", ".join(k for _, k, _ in arguments)}) -> '
                 f'({", ".join(types)}), res_attrs = [{attributes}], sym_name = "main", '
                 'sym_visibility = "public"}> ({')
    lines.append("  ^bb0(" + ", ".join(f'{v}: {k} loc("{n}")' for v, k, n in arguments) + "):")
    lines += body
    lines.append(f'    "func.return"({", ".join(returned)}) : ({", ".join(types)}) -> ()')
    lines.append("  }) : () -> ()")
    lines += [callee for part in parts.values() for callee in part.callees]
    lines.append("}) : () -> ()")
    count = layers * per_layer + parts["h"].operations
    return "\n".join(lines) + "\n", count, layers


# --- the timing ---------------------------------------------------------------------------------

TIMED = re.compile(r"^\s*([\d.]+) \(\s*[\d.]+%\)\s+(.*?)\s*$", re.MULTILINE)


def timings(tool, path, passes):
    """Wall seconds by name, as --mlir-timing prints them."""
    run = subprocess.run(
        [tool, str(path), *passes, "--mlir-timing", "--mlir-timing-display=list", "-o", os.devnull],
        capture_output=True, text=True, check=False)
    if run.returncode:
        sys.exit(f"{tool} failed:\n{run.stderr[-3000:]}")
    found = {}
    for seconds, name in TIMED.findall(run.stderr):
        found[name] = found.get(name, 0.0) + float(seconds)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--operations", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--model", choices=BLOCKS, default="transformer")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--pass", dest="passes", nargs="+", default=["--noether-infer-symmetries"])
    parser.add_argument("--json", type=pathlib.Path, help="write the medians here")
    parser.add_argument("--keep", type=pathlib.Path, help="write the modules to this folder and stop")
    options = parser.parse_args()

    rows = []
    with tempfile.TemporaryDirectory() as folder:
        folder = options.keep or pathlib.Path(folder)
        for operations in options.operations:
            text, count, layers = build(options.model, operations)
            path = folder / f"{options.model}_{operations}.mlir"
            path.write_text(text)
            size = len(text) / 2**20
            del text
            print(f"{options.model}: {count} operations, {layers} layers, {size:.1f} MiB", flush=True)
            if options.keep:
                continue
            runs = [timings(find_tool(), path, options.passes) for _ in range(options.repeat)]
            parse = [run["Parser"] for run in runs]
            analysis = [sum(v for k, v in run.items()
                            if k not in ("Parser", "Output", "Total", "Rest", "root"))
                        for run in runs]
            ratio = [a / p for a, p in zip(analysis, parse, strict=True)]
            row = {"model": options.model, "operations": count, "layers": layers,
                   "parse_seconds": statistics.median(parse),
                   "analysis_seconds": statistics.median(analysis),
                   "ratio": statistics.median(ratio),
                   "nanoseconds_per_operation": statistics.median(analysis) / count * 1e9}
            rows.append(row)
            print(f"  parse    " + " ".join(f"{s:.3f}" for s in parse) + " s")
            print(f"  analysis " + " ".join(f"{s:.3f}" for s in analysis) + " s")
            print(f"  medians: parse {row['parse_seconds']:.3f} s, analysis "
                  f"{row['analysis_seconds']:.3f} s ({row['nanoseconds_per_operation']:.0f} ns per "
                  f"operation), ratio {row['ratio']:.3f}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
