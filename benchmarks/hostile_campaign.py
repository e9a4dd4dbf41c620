# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A long campaign of damaged inputs, which can be stopped and taken up again.

    python benchmarks/hostile_campaign.py --state campaign.jsonl --minutes 30

Every seed damages one of the dumps among the test inputs and runs the compiler on the result. What
is judged wrong (a crash, no answer in time, a refusal without a place) is written to the state
file, and its input beside it. The next run goes on with the next seed.
"""

import argparse
import collections
import concurrent.futures
import json
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "test" / "python")]

import mutations  # noqa: E402

from noether_mlir.tool import find_tool  # noqa: E402

DUMPS = sorted((ROOT / "test" / "Inputs" / "dumps").glob("*.mlir"))
#: Passes beside the report that must take whatever the report takes.
CHARGES = ["--noether-track-charges", "--noether-lower-charges"]
PIPELINES = [[], CHARGES, [*CHARGES, "--noether-outline-update", "--noether-lower-kernels-to-cpu"],
             *([f"--noether-{name}"] for name in (
                 "rewrite-adaptive", "rewrite-adaptive=form=rmsprop", "outline-update", "lint", "return-gradients",
                 "print-system", "populate-rules", "eliminate-dead-parameters", "eliminate-decay", "restore-symmetry",
                 "break-symmetry", "balance", "teleport"))]


def run(seed, extra):
    """Judges one seed. Seeds count through the dumps, small ones more often."""
    weights = [max(1, 400_000 // d.stat().st_size) for d in DUMPS]
    slot = seed % sum(weights)
    dump = next(d for d, last in zip(DUMPS, [sum(weights[:i + 1]) for i in range(len(DUMPS))])
                if slot < last)
    data, mutation = mutations.mutate(dump.read_text(), seed)
    with tempfile.TemporaryDirectory() as folder:
        verdict = mutations.judge([str(find_tool()), *extra], data, pathlib.Path(folder))
    return {"seed": seed, "dump": dump.name, "mutation": mutation, "passes": extra,
            "status": verdict.status, "complaint": verdict.complaint,
            "stderr": verdict.stderr[:1000] if verdict.complaint else ""}, data


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--state", type=pathlib.Path, default=pathlib.Path("campaign.jsonl"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, default=10_000, help="the first seed of a new campaign")
    parser.add_argument("--pipelines", action="store_true",
                        help="also run the passes that transform the step")
    options = parser.parse_args()

    done, complaints = options.first, 0
    if options.state.exists():
        for line in options.state.read_text().splitlines():
            entry = json.loads(line)
            done = max(done, entry.get("next", 0))
            complaints += bool(entry.get("complaint"))
    pipelines = PIPELINES if options.pipelines else PIPELINES[:1]
    outcomes = collections.Counter()
    end = time.monotonic() + 60 * options.minutes
    start, chunk = done, 64
    with (concurrent.futures.ThreadPoolExecutor(options.workers) as pool,
          options.state.open("a") as state):
        while time.monotonic() < end:
            jobs = [(seed, pipelines[seed % len(pipelines)]) for seed in range(done, done + chunk)]
            for entry, data in pool.map(lambda job: run(*job), jobs):
                outcomes["refused" if entry["status"] else "analysed"] += 1
                if entry["complaint"]:
                    complaints += 1
                    outcomes[entry["complaint"]] += 1
                    state.write(json.dumps(entry) + "\n")
                    options.state.with_suffix(f".{entry['seed']}.mlir").write_bytes(data)
                    print(f"seed {entry['seed']} ({entry['mutation']} of {entry['dump']}): "
                          f"{entry['complaint']}", flush=True)
            done += chunk
            state.write(json.dumps({"next": done}) + "\n")
            state.flush()
    print(f"seeds {start} to {done - 1}: "
          + ", ".join(f"{count} {what}" for what, count in outcomes.most_common())
          + f"; {complaints} complaints in all")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
