# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the analysis of real models costs: the training steps of test/python/real_models, at their real sizes.

    python benchmarks/real_models.py
    python benchmarks/real_models.py llama_8b resnet50 --repeat 5 --tables

The steps are lowered for abstract shapes. Memory is the compiler's peak, less that of a module with nothing in it.
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
import time

os.environ.setdefault("JAX_PLATFORMS", "cpu")

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "test" / "python")]

from real_models import STEPS  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from noether_mlir.analysis import Analysis  # noqa: E402
from noether_mlir.lowering import lower_to_text  # noqa: E402
from noether_mlir.table import to_text  # noqa: E402
from noether_mlir.tool import find_tool  # noqa: E402

OPERATION = re.compile(r'(?m)^\s+(?:%[^=\n]+= )?"(?:stablehlo|chlo|func|sdy)\.\w+"\(')
TIMED = re.compile(r"(?m)^\s*([\d.]+) \(\s*[\d.]+%\)\s+(.*?)\s*$")
NOT_ANALYSIS = {"Parser", "Output", "Total", "Rest", "root"}


def run(path, report):
    """Seconds by name, and the peak memory in bytes, of one run of the compiler."""
    passes = [f"--noether-report=json={report}", "--mlir-timing", "--mlir-timing-display=list", "-o", os.devnull]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([find_tool(), str(path), *passes], stderr=log)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        log.seek(0)
        text = log.read()
    if process.returncode:
        sys.exit(f"{path} failed:\n{text[-3000:]}")
    seconds = {}
    for value, name in TIMED.findall(text):
        seconds[name] = seconds.get(name, 0.0) + float(value)
    return seconds, usage.ru_maxrss * 1024


def empty(folder):
    """The memory that the compiler takes for a step of one operation."""
    path = folder / "empty.mlir"
    path.write_text("""
      func.func @main(%w: tensor<f32> {noether.role = "param"}) -> (tensor<f32>, tensor<f32>) {
        return %w, %w : tensor<f32>, tensor<f32>
      }""")
    return run(path, folder / "empty.json")[1]


def measure(name, folder, repeat):
    """One row of the table, and the analysis."""
    start = time.perf_counter()
    step, args = STEPS[name]()
    text = lower_to_text(step, args).text
    lowering = time.perf_counter() - start
    path, report = folder / f"{name}.mlir", folder / f"{name}.json"
    path.write_text(text)
    runs = [run(path, report) for _ in range(repeat)]
    seconds = lambda wanted: statistics.median(sum(s for n, s in times.items() if wanted(n)) for times, _ in runs)
    analysis = Analysis.from_json(report.read_text())
    return analysis, {
        "model": name,
        "operations": len(OPERATION.findall(text)),
        "parameters": len(analysis.parameters),
        "lowering": lowering,
        "parse": seconds(lambda n: n == "Parser"),
        "analysis": seconds(lambda n: n not in NOT_ANALYSIS),
        "memory": max(memory for _, memory in runs),
        "torus": analysis.dimension.torus,
        "translation": analysis.dimension.translation,
        "linear": analysis.dimension.linear,
        "unknown": len(analysis.unknown_operations),
        "lines": len(to_text(analysis).splitlines()),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="*", metavar="MODEL", help=f"of {', '.join(STEPS)}; default: all")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--tables", action="store_true", help="also print what `noether analyze` prints")
    parser.add_argument("--json", type=pathlib.Path, help="write the numbers here")
    parser.add_argument("--keep", type=pathlib.Path, help="keep the modules and reports in this folder")
    options = parser.parse_args()
    if unknown := set(options.models) - set(STEPS):
        parser.error(f"no such model: {', '.join(sorted(unknown))}")

    columns = ["operations", "parameters", "lowering s", "parse s", "analysis s", "memory MiB", "torus",
               "translation", "linear", "lines"]
    table = Table("model", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right")
    number = lambda n: "-" if n is None else f"{n:,}"
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        nothing = empty(folder)
        for name in options.models or STEPS:
            analysis, row = measure(name, folder, options.repeat)
            row["memory"] -= nothing
            rows.append(row)
            table.add_row(
                name + (f" ({row['unknown']} unknown operations)" if row["unknown"] else ""),
                number(row["operations"]), number(row["parameters"]),
                *(f"{row[key]:.3f}" for key in ("lowering", "parse", "analysis")), f"{row['memory'] / 2**20:.1f}",
                *(number(row[key]) for key in ("torus", "translation", "linear", "lines")))
            print(f"{name}: {row['analysis']:.3f} s" if sys.stderr.isatty() else name, file=sys.stderr, flush=True)
            if options.tables:
                print(f"\n{analysis}\n", flush=True)
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
