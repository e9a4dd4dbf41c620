# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The rewrites by name, and what `noether-opt` calls them. What each claims is said in docs/rewrites.md."""

from collections.abc import Mapping, Sequence
from typing import Any

from noether_mlir.errors import NoetherError

#: The rewrites by name, with the options that each takes.
REWRITES: Mapping[str, frozenset[str]] = {
    "eliminate-dead-parameters": frozenset({"shifts"}),
    "eliminate-decay": frozenset({"symmetries", "spurion_threshold"}),
    "restore-symmetry": frozenset({"form", "symmetries", "spurion_threshold"}),
    "break-symmetry": frozenset({"deviation", "seed", "spurion_threshold"}),
    "balance": frozenset({"sweeps", "every_step", "symmetries", "spurion_threshold"}),
    "teleport": frozenset({"distance", "symmetries", "spurion_threshold"}),
    "rewrite-adaptive": frozenset({"form", "gradients", "eps", "symmetries", "spurion_threshold"}),
}


def pass_pipeline(rewrite: str, options: Mapping[str, Any]) -> str:
    """The `noether-opt` argument for a rewrite.

    Args:
        rewrite: one of `REWRITES`.
        options: those of the pass, with underscores; sequences become lists.

    Raises:
        NoetherError: if there is no such rewrite, or it has no such option.
    """
    if rewrite not in REWRITES:
        raise NoetherError(f"unknown rewrite {rewrite!r}: it is one of {', '.join(REWRITES)}")
    words = []
    for name, value in options.items():
        if name not in REWRITES[rewrite]:
            known = ", ".join(sorted(REWRITES[rewrite])) or "none"
            raise NoetherError(f"{rewrite} has no option {name!r}; it has {known}")
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, Sequence) and not isinstance(value, str):
            value = ",".join(map(str, value))
        words.append(f"{name.replace('_', '-')}={value}")
    return f"--noether-{rewrite}" + (f"={' '.join(words)}" if words else "")


#: What values of options are made of: nothing that a pass pipeline reads as something else.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,-+_")


def parse_rewrite(text: str) -> str:
    """The `noether-opt` argument for a rewrite as a command line names it: balance:sweeps=10:symmetries=S1,S2.

    Raises:
        NoetherError: if there is no such rewrite or option.
    """
    name, *options = text.split(":")
    given = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not value or not set(value) <= _PLAIN:
            raise NoetherError(f"{text}: {option!r} is not OPTION=VALUE")
        given[key.replace("-", "_")] = value
    return pass_pipeline(name, given)
