# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the compiler on many networks at once: starting it costs more than an analysis."""

import json
import subprocess

from noether_mlir.tool import find_tool

from .emit import to_mlir

SEPARATOR = "\n// -----\n"
TIMEOUT = 60.0  # seconds


class Refused(Exception):
    """The compiler did not analyse a network: its diagnostics, or how it ended."""


def _run(text, timeout):
    return subprocess.run(
        [str(find_tool()), "--split-input-file", "--noether-report", "-o", "/dev/null"],
        input=text, capture_output=True, text=True, timeout=timeout, check=False)


def _objects(text):
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        value, at = decoder.raw_decode(text, at)
        yield value


def reports_of_texts(texts):
    """Reports, or `Refused`, of modules by name; the entry of each is called as the name says."""
    if not texts:
        return {}
    try:
        process = _run(SEPARATOR.join(texts.values()), TIMEOUT + len(texts))
        found = {report["entry"]: report for report in _objects(process.stdout)}
        if process.returncode == 0 and found.keys() == texts.keys():
            return found
    except (subprocess.TimeoutExpired, ValueError):
        process = None
    if len(texts) > 1:  # one of them is at fault
        names = list(texts)
        halves = names[: len(names) // 2], names[len(names) // 2 :]
        return {name: report for half in halves
                for name, report in reports_of_texts({n: texts[n] for n in half}).items()}
    if process is None:
        return {name: Refused("no answer in time") for name in texts}
    return {name: Refused(f"exit status {process.returncode}: {process.stderr[:2000]}") for name in texts}


def reports(programs):
    """Reports of networks by name, as `reports_of_texts`."""
    return reports_of_texts({name: to_mlir(program, name) for name, program in programs.items()})
