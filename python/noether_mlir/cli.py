# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command `noether`.

Exit status: 0 done, 1 the input is not a training step or is malformed, 2 wrong usage, 3 a lint that --fail-on names.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from noether_mlir import __version__
from noether_mlir.analysis import Analysis, analyze_text
from noether_mlir.errors import NoetherError, NotATrainingStep
from noether_mlir.lowering import StepText, lower_to_text, read_file, require_jax, to_generic
from noether_mlir.sarif import to_sarif
from noether_mlir.tool import run_tool, tool_version

app = typer.Typer(
    name="noether",
    help="The symmetries of a training step, the laws they give its optimizer, and the step rewritten with them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


class Format(str, Enum):
    """How an analysis is printed."""

    table = "table"
    json = "json"
    sarif = "sarif"


class FailOn(str, Enum):
    """From which severity on lints make the command fail."""

    never = "never"
    warning = "warning"
    error = "error"


_STEP = typer.Argument(
    metavar="STEP",
    help="A .mlir file, a folder of JAX dumps, - for standard input, or module:function (also path.py:function): a"
    " function of no arguments that returns a step and its arguments, (step, args).",
)
_OUTPUT = typer.Option("--output", "-o", metavar="FILE", help="Write here instead of to standard output.")


def _load_function(name: str) -> Callable[[], Any]:
    """The function that `module:function` or `path.py:function` names."""
    where, _, attribute = name.rpartition(":")
    sys.path.insert(0, "")
    try:
        if where.endswith(".py"):
            path = Path(where).resolve()
            sys.path.insert(0, str(path.parent))
            spec = importlib.util.spec_from_file_location(path.stem, path)
            if spec is None or spec.loader is None or not path.exists():
                raise NotATrainingStep(f"{where}: no such file")
            module = importlib.util.module_from_spec(spec)
            sys.modules[path.stem] = module
            spec.loader.exec_module(module)
        else:
            module = importlib.import_module(where)
    except ImportError as error:
        raise NotATrainingStep(f"cannot import {where}: {error}") from None
    function = module
    for part in attribute.split("."):
        if not hasattr(function, part):
            raise NotATrainingStep(f"{where} has no {attribute}")
        function = getattr(function, part)
    if not callable(function):
        raise NotATrainingStep(f"{name} is not a function")
    return function


def _call_function(name: str) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The step, its arguments and its options from what `module:function` returns."""
    made = _load_function(name)()
    if isinstance(made, Mapping) and {"step", "args"} <= set(made):
        options = {key: made[key] for key in ("static_argnums", "static_argnames") if key in made}
        return made["step"], tuple(made["args"]), options
    if isinstance(made, tuple) and len(made) == 2 and callable(made[0]) and isinstance(made[1], (tuple, list)):
        return made[0], tuple(made[1]), {}
    raise NotATrainingStep(f"{name} must return (step, args), or a mapping with step and args")


def _read(step: str) -> StepText:
    """The module that the command line names."""
    if step == "-":
        return StepText(to_generic(sys.stdin.buffer.read(), "<stdin>"), "<stdin>")
    if ":" in step and not Path(step).exists():
        require_jax("tracing a Python function")
        function, args, options = _call_function(step)
        if not callable(function) or hasattr(function, "mlir_module_serialized"):
            raise NotATrainingStep(f"{step}: the step is not a function")
        return StepText(lower_to_text(function, args, **options).text, step)
    return read_file(step)


def _write(text: str, output: Path | None) -> None:
    if output is None or str(output) == "-":
        sys.stdout.write(text)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise typer.BadParameter(f"cannot write {output}: {error.strerror}", param_hint="--output") from None


def _fail(error: NoetherError) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(_one_line(str(error)))
    raise typer.Exit(1) from None


def _one_line(message: str) -> str:
    text = " ".join(message.split())
    return text if "error:" in text else f"error: {text}"


def _version(wanted: bool) -> None:
    if wanted:
        try:
            tool = tool_version()
        except NoetherError as error:
            tool = f"not found ({error})"
        typer.echo(f"noether {__version__} (noether-opt {tool})")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the versions and exit.")
    ] = False,
) -> None:
    pass


@app.command("analyze")
def analyze_command(
    step: Annotated[str, _STEP],
    format: Annotated[Format, typer.Option("--format", help="How to print.")] = Format.table,
    spurion_threshold: Annotated[
        float | None,
        typer.Option(
            "--spurion-threshold",
            metavar="X",
            min=0.0,
            help="Treat constants up to X that stand alone in a sum, comparison or maximum as quantities with a scale"
            " of their own.",
        ),
    ] = None,
    derivations: Annotated[
        bool, typer.Option("--derivations", help="Also give the equations that prove each symmetry (JSON).")
    ] = False,
    fail_on: Annotated[
        FailOn, typer.Option("--fail-on", help="End with status 3 if there is a lint this severe.")
    ] = FailOn.never,
    output: Annotated[Path | None, _OUTPUT] = None,
) -> None:
    """Says which transformations of the parameters leave the loss unchanged, and how the optimizer breaks them."""
    try:
        text = _read(step)
        analysis = analyze_text(text.text, text.source, spurion_threshold=spurion_threshold, derivations=derivations)
    except NoetherError as error:
        _fail(error)
    _print(analysis, format, output)
    failing = {FailOn.never: (), FailOn.warning: ("warning", "error"), FailOn.error: ("error",)}[fail_on]
    if any(lint.severity in failing for lint in analysis.lints):
        raise typer.Exit(3)


def _print(analysis: Analysis, format: Format, output: Path | None) -> None:
    if format is Format.json:
        _write(analysis.json() + "\n", output)
    elif format is Format.sarif:
        _write(to_sarif(analysis) + "\n", output)
    elif output is None and sys.stdout.isatty():
        Console(highlight=False).print(analysis)
    else:
        _write(f"{analysis}\n", output)


@app.command("rewrite")
def rewrite_command(
    step: Annotated[str, _STEP],
    charges: Annotated[
        bool, typer.Option("--charges", help="Measure the Noether charges in the step and return them.")
    ] = False,
    adaptive: Annotated[
        bool, typer.Option("--adaptive", help="Hold scale-invariant weights as a direction and a radius.")
    ] = False,
    eps: Annotated[
        str,
        typer.Option("--eps", metavar="exact|keep", help="With --adaptive: scale the epsilons of norms, or not."),
    ] = "exact",
    output: Annotated[Path | None, _OUTPUT] = None,
) -> None:
    """Rewrites a step, and prints it as MLIR in generic form."""
    if not charges and not adaptive:
        raise typer.BadParameter("nothing to do: give --charges, --adaptive, or both")
    if eps not in ("exact", "keep"):
        raise typer.BadParameter("it is exact or keep", param_hint="--eps")
    passes = [f"--noether-rewrite-adaptive=eps={eps}"] if adaptive else []
    passes += ["--noether-track-charges", "--noether-lower-charges"] if charges else []
    try:
        text = _read(step)
        _write(
            run_tool([*passes, "--mlir-print-op-generic", "--mlir-print-debuginfo"], text.text, text.source),
            output,
        )
    except NoetherError as error:
        _fail(error)


def main() -> None:
    """The entry point of the console script."""
    app()


if __name__ == "__main__":
    main()
