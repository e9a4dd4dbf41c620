# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A long campaign of random networks, which can be stopped and taken up again.

    python benchmarks/network_campaign.py --state networks.jsonl --minutes 60

Every seed is a small network, whose symmetries are counted from its gradients and compared with those
the compiler claims. A claim that is false, and some of what is missing, is shrunk and written to the
state file; with --keep also to test/python/networks/kept, where the tests look at it for good. The
next run goes on with the next seed. Exit status 1: there is a false claim, or a network was refused.
"""

import argparse
import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import sys
import time
import traceback

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # small matrices; processes share the cores
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "python"), str(ROOT / "test" / "python")]

KEPT = ROOT / "test" / "python" / "networks" / "kept"
CHUNK = 40


def run(first, count, shrink_missing):
    """Judges some seeds. Returns the counts and the failures, shrunk."""
    import conftest  # noqa: F401  (paths and settings)
    from networks.examine import examine, fails_as, signature
    from networks.generate import network
    from networks.shrink import shrink

    networks = {f"net{seed}": network(seed) for seed in range(first, first + count)}
    counts, failures = collections.Counter(), []
    try:
        outcomes = examine({name: program for name, (_, program) in networks.items()})
    except Exception:  # a mistake of the campaign's own must not end it
        return {"error": count}, [{"first": first, "kind": "error", "false": traceback.format_exc()}]
    for name, outcome in outcomes.items():
        counts[outcome.kind] += 1
        if outcome.kind in ("complete", "missing", "known gap"):
            for family, there in outcome.there.items():
                counts[f"there {family}"] += there
                counts[f"found {family}"] += outcome.found[family]
        if outcome.kind in ("complete", "unclear"):
            continue
        recipe, program = networks[name]
        failure = {"seed": int(name[3:]), "kind": outcome.kind, "false": outcome.false,
                   "missing": outcome.missing, "there": outcome.there, "gap": outcome.gap,
                   "refused": outcome.refused[:500], "layers": [layer for layer, _ in recipe.layers]}
        if outcome.kind in ("false", "refused") or (outcome.kind == "missing" and shrink_missing > 0):
            shrink_missing -= outcome.kind == "missing"
            small = program
            with contextlib.suppress(Exception):  # a candidate that cannot be run: the whole one, then
                small = shrink(recipe, program, fails_as(outcome))
            failure |= {"class": signature(small), "program": small.to_json(), "text": str(small)}
        failures.append(failure)
    return dict(counts), failures


def keep(failure):
    """Writes a failure where the tests find it."""
    KEPT.mkdir(exist_ok=True)
    name = f"{failure['kind']}_{failure['seed']}".replace(" ", "_")
    entry = {key: failure[key] for key in ("kind", "class", "program")}
    (KEPT / f"{name}.json").write_text(json.dumps(entry) + "\n")


def read_state(path, first):
    """The next seed, the counts so far, and the classes of what is missing."""
    done, counts, classes = first, collections.Counter(), collections.Counter()
    if path.exists():
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            done = max(done, entry.get("next", 0))
            counts.update(entry.get("counts", {}))
            if "class" in entry:
                classes[entry["kind"], entry["class"]] += 1
    return done, counts, classes


def summary(counts, classes):
    kinds = ("complete", "known gap", "missing", "unclear", "false", "refused", "error")
    total = sum(counts[k] for k in kinds)
    text = f"{total} networks: " + ", ".join(f"{counts[k]} {k}" for k in kinds)
    for key in sorted(counts):
        if key.startswith("there "):
            family = key.split(" ", 1)[1]
            there, found = counts[key], counts[f"found {family}"]
            text += f"\n  {family}: {found} of {there} found ({100 * found / max(there, 1):.2f} %)"
    for (kind, name), number in classes.most_common(20):
        text += f"\n  {number:5} {kind}: {name}"
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--state", type=pathlib.Path, default=pathlib.Path("networks.jsonl"))
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--networks", type=int, default=1_000_000, help="stop after so many in all")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--first", type=int, default=100_000, help="the first seed of a new campaign")
    parser.add_argument("--shrink", type=int, default=100, help="how many missing ones to shrink")
    parser.add_argument("--keep", action="store_true", help="keep false claims as tests")
    options = parser.parse_args()

    following, counts, classes = read_state(options.state, options.first)
    end, shown = time.monotonic() + 60 * options.minutes, 0.0
    left = options.shrink

    def chunks():
        nonlocal following, left
        while time.monotonic() < end and following < options.first + options.networks:
            yield following, CHUNK, min(left, 1)
            left -= 1
            following += CHUNK

    with (concurrent.futures.ProcessPoolExecutor(options.workers) as pool,
          options.state.open("a") as state):
        jobs, pending = chunks(), collections.deque()
        while True:
            while len(pending) < options.workers and (job := next(jobs, None)):
                pending.append((job, pool.submit(run, *job)))
            if not pending:
                break
            (first, count, _), future = pending.popleft()
            new, failures = future.result()
            counts.update(new)
            for failure in failures:
                state.write(json.dumps(failure) + "\n")
                if "class" in failure:
                    classes[failure["kind"], failure["class"]] += 1
                if failure["kind"] in ("false", "refused"):
                    print(f"seed {failure['seed']}: {failure['kind']}: "
                          f"{failure['false'] or failure['refused'][:200]}\n{failure['text']}", flush=True)
                    if options.keep and failure["kind"] == "false":
                        keep(failure)
            state.write(json.dumps({"next": first + count, "counts": new}) + "\n")
            state.flush()
            if time.monotonic() - shown > 60:
                shown = time.monotonic()
                print(summary(counts, classes), flush=True)
    print(summary(counts, classes))
    return 1 if counts["false"] or counts["refused"] else 0


if __name__ == "__main__":
    sys.exit(main())
