# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times contestants side by side: in turn, several rounds, in a process that may use so many processors."""

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from noether_mlir.bench.lists import FULL, LISTS, QUICK
from noether_mlir.errors import NoetherError

#: Optimizers and whether their bytes are read and written: see `rules.RULES`, which needs JAX.
RULES = ("sgd", "momentum", "adamw", "lion")


@dataclass(frozen=True)
class Row:
    """One kernel's times.

    Attributes:
        optimizer, list, kernel, threads: what was measured.
        median_ms, min_ms, max_ms: over the rounds, in milliseconds.
        bytes: what the update reads and writes.
    """

    optimizer: str
    list: str
    kernel: str
    threads: int
    median_ms: float
    min_ms: float
    max_ms: float
    bytes: int


def times(updates: dict[str, object], rounds: int) -> dict[str, list[float]]:
    """Seconds of each update in each round. They take turns, so that what else the machine does hits all alike."""
    found: dict[str, list[float]] = {kernel: [] for kernel in updates}
    for update in updates.values():
        update()  # type: ignore[operator]  # compiles, touches memory
    for _ in range(rounds):
        for kernel, update in updates.items():
            start = time.perf_counter()
            update()  # type: ignore[operator]
            found[kernel].append(time.perf_counter() - start)
    return found


def measure_here(optimizer: str, name: str, kernels: Sequence[str], threads: int, rounds: int) -> list[Row]:
    """The rows of one optimizer and one list, in this process."""
    from noether_mlir.bench import contestants, rules
    from noether_mlir.kernels import set_num_threads

    set_num_threads(threads)
    rule = rules.RULES[optimizer]
    tensors = contestants.Tensors(LISTS[name], rule.states)
    size = rule.bytes * sum(p.size for p in tensors.params)
    updates = {kernel: contestants.make(kernel, optimizer, tensors, threads) for kernel in kernels}
    found = times({kernel: update for kernel, update in updates.items() if update}, rounds)
    return [
        Row(optimizer, name, kernel, threads, *(1e3 * x for x in (statistics.median(t), min(t), max(t))), size)
        for kernel, t in found.items()
    ]


def _worker() -> None:
    """Measures what the command line says, on so many processors, and prints rows."""
    request = json.loads(sys.argv[1])
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: request["threads"]])
    os.environ["JAX_PLATFORMS"] = "cpu"
    print(json.dumps([dataclasses.asdict(row) for row in measure_here(**request)]))


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def measure(
    optimizers: Sequence[str] = RULES,
    lists: Sequence[str] = FULL,
    kernels: Sequence[str] | None = None,
    threads: Sequence[int] | None = None,
    rounds: int = 9,
) -> Iterator[Row]:
    """Times updates side by side.

    Args:
        optimizers: of `RULES`.
        lists: of `LISTS`.
        kernels: of `contestants.KERNELS`; all by default.
        threads: numbers of processors; one and all by default.
        rounds: how often each update is timed.

    Raises:
        NoetherError: if a process that measures fails.
    """
    if kernels is None:
        from noether_mlir.bench.contestants import KERNELS

        kernels = KERNELS
    for count in threads or sorted({1, processors()}):
        for name in lists:
            for optimizer in optimizers:
                request = {"optimizer": optimizer, "name": name, "kernels": list(kernels), "threads": count,
                           "rounds": rounds}  # fmt: skip
                command = [sys.executable, "-c", "from noether_mlir.bench.measure import _worker; _worker()",
                           json.dumps(request)]  # fmt: skip
                run = subprocess.run(command, capture_output=True, text=True, check=False)
                if run.returncode:
                    lines = run.stderr.strip().splitlines() or [f"status {run.returncode}"]
                    raise NoetherError(f"measuring {optimizer} on {name} failed: {lines[-1]}", run.stderr)
                yield from (Row(**row) for row in json.loads(run.stdout.splitlines()[-1]))


__all__ = ["FULL", "LISTS", "QUICK", "RULES", "Row", "measure"]
