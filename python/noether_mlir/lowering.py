# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From whatever names a training step to MLIR text in generic form.

Generic text is read without any library. Pretty StableHLO text and portable artifacts are turned into generic
text by jaxlib, and functions are lowered by JAX; only these need JAX installed.
"""

import importlib.util
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from noether_mlir.errors import MissingDependency, NotATrainingStep

#: How a host compiler's own short syntax shows: an operation of its dialects without quotes.
_PRETTY_OPERATION = re.compile(r"(?m)^\s*(?:%[^=\n]*=\s*)?(?:stablehlo|chlo|sdy|mhlo|vhlo)\.\w")
_BYTECODE = b"ML\xefR"
_PORTABLE_PRODUCER = b"StableHLO_v"


def require_jax(what: str) -> None:
    """Raises `MissingDependency` if JAX is not installed; `what` is what needs it."""
    try:
        missing = "jax" not in sys.modules and importlib.util.find_spec("jax") is None
    except (ImportError, ValueError):
        missing = True
    if missing:
        raise MissingDependency(f"{what} needs JAX: pip install 'noether-mlir[jax]'")


@dataclass(frozen=True)
class StepText:
    """A training step as a module in generic form.

    Attributes:
        text: MLIR text (or MLIR bytecode that `noether-opt` reads itself).
        source: what reports and diagnostics call it: a path, or the function's name.
        numbers: of arguments that are hyperparameters, what they are, where that is known.
        decayed: the parameters that the recipe decays, where it chose them by their names.
    """

    text: str | bytes
    source: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    decayed: tuple[str, ...] | None = None


@lru_cache(maxsize=1)
def _exclude_own_frames() -> None:
    """Keeps this package's lines out of locations: they are not the user's source."""
    from jax.extend import source_info_util

    source_info_util.register_exclusion(os.path.dirname(__file__))


@contextmanager
def portable_locations() -> Iterator[None]:
    """Within it, what JAX lowers names one source line per operation, without machine paths where possible."""
    import jax

    _exclude_own_frames()
    machine = rf"{re.escape(os.getcwd().rstrip('/') + '/')}|.*/site-packages/"
    # The user's own pattern comes first.
    chosen = jax.config.jax_hlo_source_file_canonicalization_regex  # type: ignore[attr-defined]
    wanted: dict[str, Any] = {
        "jax_include_full_tracebacks_in_locations": False,
        "jax_hlo_source_file_canonicalization_regex": f"{chosen}|{machine}" if chosen else machine,
    }
    before = {name: getattr(jax.config, name) for name in wanted}
    try:
        for name, value in wanted.items():
            jax.config.update(name, value)
        yield
    finally:
        for name in wanted:
            jax.config.update(name, before[name])


def print_generic(module: Any) -> str:
    """The generic text of a jaxlib `Module`: with locations, no constant elided."""
    return module.operation.get_asm(
        print_generic_op_form=True, enable_debug_info=True, large_elements_limit=None, use_local_scope=False
    )


def named_attributes(dictionary: Any) -> dict[str, Any]:
    """The entries of a jaxlib dictionary attribute, by name."""
    from jax.interpreters import mlir

    return {item.name: item.attr for item in mlir.ir.DictAttr(dictionary)}  # type: ignore[attr-defined]


def to_generic(module: str | bytes, source: str = "<step>") -> str | bytes:
    """A module in generic form, as `noether-opt` reads it.

    Text without a host compiler's short syntax is returned as it is, and so is MLIR's own bytecode.

    Args:
        module: MLIR text in generic or pretty form, or the bytes of a StableHLO portable artifact.
        source: what errors call it.

    Raises:
        MissingDependency: if turning it into generic form needs JAX, which is not installed.
        NotATrainingStep: if it cannot be parsed.
    """
    if isinstance(module, bytes):
        if not module.startswith(_BYTECODE):
            return to_generic(_decode(module, source), source)
        if _PORTABLE_PRODUCER not in module[:64]:
            return module
        return _reprint(module, source, "a StableHLO portable artifact")
    if not module.strip():
        raise NotATrainingStep(f"{source}: the input is empty")
    if not _PRETTY_OPERATION.search(module):
        return module
    return _reprint(module, source, "StableHLO in its short (pretty) form")


def _decode(data: bytes, source: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise NotATrainingStep(f"{source}: neither MLIR text nor MLIR bytecode") from None


def _reprint(module: str | bytes, source: str, what: str) -> str:
    require_jax(f"{source} is {what}; reading it")
    from jax.interpreters import mlir
    from jaxlib.mlir.dialects import stablehlo

    context = mlir.make_ir_context()
    try:
        with context:
            if isinstance(module, bytes):
                parsed = stablehlo.deserialize_portable_artifact(context, module)
            else:
                parsed = mlir.ir.Module.parse(module)
            return print_generic(parsed)
    except (mlir.ir.MLIRError, ValueError) as error:
        text = str(error)
        line = next((part for part in text.splitlines() if "error:" in part), text.splitlines()[0] if text else "")
        line = line.replace('error: "-":', f"{source}:")
        raise NotATrainingStep(f"{source}: {line.strip()}" if source not in line else line.strip(), text) from None


def read_file(path: str | os.PathLike[str]) -> StepText:
    """Reads a step from a `.mlir` file, a portable artifact, or a folder that JAX_DUMP_IR_TO filled.

    Of a folder the training step is taken; see `noether_mlir.dumps`.
    """
    path = Path(path)
    if path.is_dir():
        from noether_mlir.dumps import training_step_in

        return training_step_in(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotATrainingStep(f"{path}: {error.strerror or error}") from None
    return StepText(to_generic(data, str(path)), str(path))


@dataclass(frozen=True)
class LoweredStep:
    """A step as JAX lowers it.

    Attributes:
        text: the module in generic form.
        name: the function's name.
        out_tree: the structure of what the step returns.
        out_avals: the abstract values of its leaves.
        callbacks: the Python functions it calls back (`jax.debug.print`, `io_callback`), which its custom calls
            name by index; None if JAX does not say.
        ordered: whether the order of its side effects matters beyond the step.
    """

    text: str
    name: str
    out_tree: Any
    out_avals: tuple[Any, ...]
    callbacks: tuple[Callable[..., Any], ...] | None = ()
    ordered: bool = False


def step_name(step: Any) -> str:
    """A printable name of a step."""
    while hasattr(step, "func") and not hasattr(step, "__name__"):  # functools.partial
        step = step.func
    return getattr(step, "__name__", type(step).__name__)


def plain_step(step: Any) -> Any:
    """The function inside a jitted one."""
    while hasattr(step, "lower") and hasattr(step, "__wrapped__"):
        step = step.__wrapped__
    return step


def _compute_once(module: Any) -> None:
    """What a step computes several times over, it computes once: a constant then is one constant."""
    from jaxlib.mlir.passmanager import PassManager

    with module.context:
        PassManager.parse("builtin.module(inline,func.func(cse))").run(module.operation)


def lower_to_text(
    step: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    roles: Any = None,
    static_argnums: Any = None,
    static_argnames: Any = None,
) -> LoweredStep:
    """Lowers a step for the shapes of its arguments, and writes on them the roles that are known.

    Nothing is compiled or run: arrays, tracers and `jax.ShapeDtypeStruct`s serve alike.

    Args:
        step: the training step: a function of pytrees of arrays that returns what it updates, and a loss.
        args, kwargs: its arguments.
        roles: see `noether_mlir.analyze`.
        static_argnums, static_argnames: as for `jax.jit`.

    Raises:
        NotATrainingStep: if the step is no function, or its trace has side effects that a module cannot carry.
    """
    require_jax("lowering a Python function")
    import jax

    from noether_mlir.roles import annotate, argument_roles

    if not callable(step):
        raise NotATrainingStep(f"a step must be a function, not {type(step).__name__}")
    kwargs = dict(kwargs or {})
    plain = plain_step(step)
    jitted = jax.jit(plain, keep_unused=True, static_argnums=static_argnums, static_argnames=static_argnames)
    with portable_locations():
        traced = jitted.trace(*args, **kwargs)
        lowered = traced.lower()
        module = lowered.compiler_ir("stablehlo")
    details = getattr(getattr(lowered, "_lowering", None), "compile_args", {})  # JAX has no public name for these
    if getattr(plain, "noether_repeats", False):
        _compute_once(module)
    roles = getattr(plain, "noether_roles", None) if roles is None else roles
    annotate(module, argument_roles(plain, args, kwargs, roles, static_argnums, static_argnames))
    return LoweredStep(
        text=print_generic(module),
        name=step_name(plain),
        out_tree=traced.out_tree,
        out_avals=tuple(jax.tree.leaves(traced.out_avals)),
        callbacks=tuple(details["host_callbacks"]) if "host_callbacks" in details else None,
        ordered=bool(details.get("ordered_effects")),
    )


def read_step(step: Any, args: Sequence[Any], kwargs: Mapping[str, Any], **options: Any) -> StepText:
    """The generic text of anything that `noether_mlir.analyze` accepts.

    Raises:
        NotATrainingStep: if it is nothing that can be read as a step.
    """
    if isinstance(step, (str, bytes, os.PathLike)):
        if args or kwargs:
            raise NotATrainingStep("a module takes no arguments: pass the function itself to give it some")
        if isinstance(step, os.PathLike) or (isinstance(step, str) and "\n" not in step and "{" not in step):
            return read_file(step)
        return StepText(to_generic(step), "<text>")
    if hasattr(step, "compiler_ir"):  # jax.stages.Lowered
        module = step.compiler_ir("stablehlo")
        return StepText(print_generic(module), "<lowered>")
    if hasattr(step, "mlir_module_serialized"):  # jax.export.Exported
        return StepText(to_generic(step.mlir_module_serialized), f"<exported {step.fun_name}>")
    if hasattr(step, "mlir_module") or not callable(step):
        raise NotATrainingStep(
            f"cannot read a step from {type(step).__name__}: give a function and its arguments, a jax.stages.Lowered,"
            " a jax.export.Exported, MLIR text, or a path"
        )
    require_jax("lowering a Python function")
    from noether_mlir.modules import functional

    step, args, kwargs = functional(step, args, kwargs, options)
    lowered = lower_to_text(step, args, kwargs, **options)
    return StepText(lowered.text, lowered.name, getattr(step, "noether_numbers", {}))
