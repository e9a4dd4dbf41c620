# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the commands share: how a step is named, read and written, and how they fail."""

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console, RenderableType

from noether_mlir.analysis import Analysis, Lint, analyze_text, numbers_with
from noether_mlir.errors import NoetherError, NotATrainingStep
from noether_mlir.lints import lint_codes
from noether_mlir.lowering import StepText, lower_to_text, read_file, require_jax, to_generic
from noether_mlir.modules import functional

#: Types of models that the shell offers; there are more.
MODELS = ("bert", "gpt2", "llama", "mixtral", "qwen3", "resnet", "t5", "vit")


def complete_step(incomplete: str) -> list[str]:
    """What a step's name may go on as: modules, Python files (to be followed by :function), folders, and models."""
    if incomplete.startswith("hf:"):
        return [name for name in (f"hf:{model}" for model in MODELS) if name.startswith(incomplete)]
    path = Path(incomplete)
    folder, start = (path, "") if incomplete.endswith("/") else (path.parent, path.name)
    try:
        entries = sorted(entry for entry in folder.iterdir() if entry.name.startswith(start))
    except OSError:
        return []
    shown = [entry for entry in entries if not entry.name.startswith(".") or start.startswith(".")]
    endings = {".mlir": "", ".py": ":"}
    return [f"{entry}/" if entry.is_dir() else f"{entry}{endings[entry.suffix]}" for entry in shown
            if entry.is_dir() or entry.suffix in endings]


def fail_condition(given: str) -> str:
    """What --fail-on names, checked."""
    if given not in ("never", "warning", "error", *lint_codes()):
        raise typer.BadParameter("it is never, warning, error, or the code of a lint, such as N106")
    return given


def _assignment(given: str) -> str:
    name, _, value = given.rpartition("=")
    try:
        float(value)
    except ValueError:
        name = ""
    if not name:
        raise typer.BadParameter("it is NAME=NUMBER")
    return given


STEP = typer.Argument(
    metavar="STEP",
    autocompletion=complete_step,
    help="A .mlir file, a folder of JAX dumps, - for standard input, module:function (also path.py:function): a"
    " function of no arguments that returns a step and its arguments, (step, args); or hf:MODEL, a configuration of"
    " Hugging Face's models.",
)
OUTPUT = typer.Option("--output", "-o", metavar="FILE", help="Write here instead of to standard output.")
FAIL_ON = typer.Option(
    "--fail-on",
    metavar="never|warning|error|CODE",
    callback=fail_condition,
    autocompletion=lambda incomplete: [
        each for each in ("never", "warning", "error", *lint_codes()) if each.startswith(incomplete)
    ],
    help="End with status 3 if there is a lint this severe, or of this code.",
)
NUMBERS = typer.Option(
    "--set",
    metavar="NAME=NUMBER",
    callback=lambda given: [_assignment(each) for each in given or []],
    help="For predictions: the number an argument is to be taken to have. Several are allowed.",
)
GRADIENT_NORM = typer.Option(
    "--gradient-norm",
    metavar="X",
    min=0.0,
    help="For predictions: the root mean square of |w| |g| for a scale-invariant block.",
)


def numbers_of(given: Sequence[str] | None) -> dict[str, float]:
    """What --set gives, by name."""
    return {name: float(value) for name, _, value in (each.rpartition("=") for each in given or [])}


def analyzed(text: StepText, numbers: Sequence[str] | None = None, **options: Any) -> Analysis:
    """The analysis of a step, with what --set gives in the place of the numbers it comes with."""
    analysis = analyze_text(text.text, text.source, numbers=numbers_with(text.numbers, numbers_of(numbers)), **options)
    if text.decayed is None:
        return analysis
    from noether_mlir.decay import with_choices

    return with_choices(analysis, text.decayed)


def load_analysis(step: str) -> Analysis | None:
    """The analysis in a report that was kept, where the name of a step is that of one.

    Raises:
        NoetherError: if it cannot be read.
    """
    if not step.endswith(".json"):
        return None
    try:
        return Analysis.from_json(Path(step).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise NoetherError(f"{step}: {getattr(error, 'strerror', None) or error}") from None


def fails(lints: Iterable[Lint], condition: str) -> bool:
    """Whether there is a lint that --fail-on names."""
    failing = {"never": (), "warning": ("warning", "error"), "error": ("error",)}.get(condition, (condition,))
    return any(lint.severity in failing or lint.code in failing for lint in lints)


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Says on standard error what is being done, if somebody looks at it; what it yields says what comes next."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda what: None
        return
    with console.status(f"{what} …") as status:
        yield lambda what: status.update(f"{what} …")


class Format(str, Enum):
    """How a result is printed."""

    table = "table"
    json = "json"


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


def call_function(name: str) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    """The step, its arguments and its options from what `module:function` returns."""
    made = _load_function(name)()
    if isinstance(made, Mapping) and {"step", "args"} <= set(made):
        options = {key: made[key] for key in ("static_argnums", "static_argnames") if key in made}
        return made["step"], tuple(made["args"]), options
    if isinstance(made, tuple) and len(made) == 2 and callable(made[0]) and isinstance(made[1], (tuple, list)):
        return made[0], tuple(made[1]), {}
    raise NotATrainingStep(f"{name} must return (step, args), or a mapping with step and args")


def _lowered(function: Callable[..., Any], args: Sequence[Any], options: Mapping[str, Any], step: str) -> StepText:
    return StepText(lower_to_text(function, args, **options).text, step, getattr(function, "noether_numbers", {}))


def read(step: str) -> StepText:
    """The module that the command line names."""
    if step == "-":
        return StepText(to_generic(sys.stdin.buffer.read(), "<stdin>"), "<stdin>")
    if step.startswith("hf:"):
        from noether_mlir.huggingface import read_configuration

        return read_configuration(step)
    if ":" in step and not Path(step).exists():
        require_jax("tracing a Python function")
        function, args, options = call_function(step)
        function, args, _ = functional(function, args, {}, options)
        if not callable(function) or hasattr(function, "mlir_module_serialized"):
            raise NotATrainingStep(f"{step}: the step is not a function")
        return _lowered(function, args, options, step)
    return read_file(step)


def read_with_arguments(step: str) -> tuple[StepText, list[Any] | None]:
    """The same, with the leaves of the arguments that a Python function comes with, in the module's order."""
    if ":" not in step or Path(step).exists() or step == "-" or step.startswith("hf:"):
        return read(step), None
    require_jax("tracing a Python function")
    from noether_mlir.verification.driver import flat_arguments

    function, args, options = call_function(step)
    function, args, _ = functional(function, args, {}, options)
    if not callable(function) or hasattr(function, "mlir_module_serialized"):
        raise NotATrainingStep(f"{step}: the step is not a function")
    leaves = flat_arguments(args, {}, **options)
    return _lowered(function, args, options, step), leaves


def write(text: str, output: Path | None) -> None:
    if output is None or str(output) == "-":
        sys.stdout.write(text)
        return
    try:
        output.write_text(text)
    except OSError as error:
        raise typer.BadParameter(f"cannot write {output}: {error.strerror}", param_hint="--output") from None


def write_table(rendered: Callable[[], Iterable[RenderableType]], text: Callable[[], str], output: Path | None) -> None:
    """Prints a table: as wide as the terminal and in its colours, or, where none is looked at, as text."""
    if output is None and sys.stdout.isatty():
        Console(highlight=False).print(*rendered(), sep="\n")
    else:
        write(f"{text()}\n", output)


def fail(error: NoetherError) -> NoReturn:
    Console(stderr=True, highlight=False, soft_wrap=True, markup=False).print(_one_line(str(error)))
    raise typer.Exit(1) from None


def _one_line(message: str) -> str:
    text = " ".join(message.split())
    return text if "error:" in text else f"error: {text}"
