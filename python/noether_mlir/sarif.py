# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lints in SARIF 2.1.0, the format that code-scanning tools read."""

import json
import re
from collections.abc import Sequence
from typing import Any

from noether_mlir.analysis import Analysis, Lint
from noether_mlir.lints import lint_page, lint_title

_LEVELS = {"error": "error", "warning": "warning"}


def _location(lint: Lint, source: str) -> dict[str, Any]:
    match = re.search(r'"?([^"()\s]+\.\w+)"?:(\d+)(?::(\d+))?', lint.location or "")
    place: dict[str, Any] = {"artifactLocation": {"uri": match.group(1) if match else source}}
    if match:
        place["region"] = {"startLine": max(1, int(match.group(2)))}
        if match.group(3):
            place["region"]["startColumn"] = max(1, int(match.group(3)))
    return {"physicalLocation": place}


def _rule(lint: Lint) -> dict[str, Any]:
    title = lint_title(lint.code)
    rule: dict[str, Any] = {"id": lint.code}
    if title:
        rule["shortDescription"] = {"text": title}
        rule["help"] = {"text": lint.help or title, "markdown": lint_page(lint.code)}
    elif lint.help:
        rule["help"] = {"text": lint.help}
    return rule


def to_sarif(analyses: Analysis | Sequence[Analysis]) -> str:
    """The lints of one or several analyses as a SARIF log, which has one run."""
    several = [analyses] if isinstance(analyses, Analysis) else list(analyses)
    rules = {lint.code: _rule(lint) for analysis in several for lint in analysis.lints}
    results = [
        {
            "ruleId": lint.code,
            "level": _LEVELS.get(lint.severity, "note"),
            "message": {"text": lint.message},
            "locations": [_location(lint, analysis.source)],
        }
        for analysis in several
        for lint in analysis.lints
    ]
    version = several[0].tool_version if several else ""
    driver = {"name": "noether", "version": version, "rules": list(rules.values())}
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{"tool": {"driver": driver}, "results": results}],
    }
    return json.dumps(log, indent=2)
