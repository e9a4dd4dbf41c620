# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the front end knows about arguments, handed to the compiler as attributes.

The compiler settles roles from data flow and names. Where the arguments themselves say more (a flax
`TrainState`, `nnx.Param`, an optax state, a PRNG key) or the caller does, that wins. Frameworks are recognised by
their types' names, so that none of them is imported.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from noether_mlir.errors import NoetherError

ROLES = ("param", "state", "batch", "hyper", "rng")

#: Collections of flax.linen beside `params`.
_LINEN_COLLECTIONS = {"batch_stats", "cache", "intermediates", "spectral_stats"}


def _modules(node: Any) -> list[str]:
    return [kind.__module__ for kind in type(node).__mro__]


def _is_nnx_variable(node: Any) -> bool:
    return any(
        kind.__name__ in ("Variable", "VariableState") and kind.__module__.startswith("flax.nnx")
        for kind in type(node).__mro__
    )


def _nnx_role(node: Any) -> str:
    kind = getattr(node, "type", None)
    kinds = kind.__mro__ if isinstance(kind, type) else type(node).__mro__
    return "param" if any(kind.__name__ == "Param" for kind in kinds) else "state"


def _is_train_state(node: Any) -> bool:
    return not isinstance(node, Mapping) and all(hasattr(node, name) for name in ("params", "opt_state", "step"))


def _is_collections(node: Any) -> bool:
    return isinstance(node, Mapping) and "params" in node and bool(_LINEN_COLLECTIONS & set(node))


def _is_optimizer_state(node: Any) -> bool:
    return isinstance(node, tuple) and type(node) is not tuple and type(node).__module__.startswith("optax")


def _is_equinox_state(node: Any) -> bool:
    return type(node).__name__ == "State" and type(node).__module__.startswith("equinox.")


def _is_state(node: Any) -> bool:
    return _is_optimizer_state(node) or _is_equinox_state(node)


def _is_known(node: Any) -> bool:
    return _is_nnx_variable(node) or _is_train_state(node) or _is_collections(node) or _is_state(node)


def framework_roles(tree: Any) -> list[str | None]:
    """The role of each leaf of a pytree as far as the types around it tell; None where they do not."""
    import jax

    roles: list[str | None] = []
    for node in jax.tree.leaves(tree, is_leaf=_is_known):
        if _is_nnx_variable(node):
            roles += [_nnx_role(node)] * len(jax.tree.leaves(node))
        elif _is_train_state(node) or _is_collections(node):
            inside, _ = jax.tree_util.tree_flatten_with_path(node)
            for path, leaf in inside:
                key = path[0]
                name = getattr(key, "name", getattr(key, "key", None))
                roles.append("param" if name == "params" and _is_float(leaf) else "state")
        elif _is_state(node):
            roles += ["state"] * len(jax.tree.leaves(node))
        elif _is_key(node):
            roles.append("rng")
        else:
            roles.append(None)
    return roles


def _is_float(leaf: Any) -> bool:
    import jax.numpy as jnp

    return bool(jnp.issubdtype(jnp.result_type(leaf), jnp.floating))


def _is_key(leaf: Any) -> bool:
    import jax

    dtype = getattr(leaf, "dtype", None)
    return dtype is not None and bool(jax.dtypes.issubdtype(dtype, jax.dtypes.prng_key))


def _check(role: Any) -> str | None:
    if role is not None and role not in ROLES:
        raise NoetherError(f"unknown role {role!r}: a role is one of {', '.join(ROLES)}, or None")
    return role


def _spread(prefix: Any, tree: Any) -> list[str | None]:
    """A prefix pytree of roles spread over the leaves of `tree`."""
    import jax

    if prefix is None or isinstance(prefix, str):
        return [_check(prefix)] * len(jax.tree.leaves(tree))
    is_role = lambda node: node is None or isinstance(node, str)
    try:
        spread = jax.tree.map(
            lambda role, part: jax.tree.map(lambda _: role or "", part), prefix, tree, is_leaf=is_role
        )
    except ValueError as error:
        raise NoetherError(f"roles do not fit the arguments: {error}") from None
    return [_check(role or None) for role in jax.tree.leaves(spread)]


def _names(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else set(value or ())


def static_positions(step: Callable[..., Any], count: int, static_argnums: Any, static_argnames: Any) -> set[int]:
    """Which of `count` positional arguments are static, as `jax.jit` decides it."""
    numbers = (static_argnums,) if isinstance(static_argnums, int) else tuple(static_argnums or ())
    positions = {number % count for number in numbers if -count <= number < count}
    if static_argnames or numbers:
        for position, name in enumerate(parameter_names(step)[:count]):
            if name in _names(static_argnames):
                positions.add(position)
    return positions


def parameter_names(step: Callable[..., Any]) -> list[str]:
    """The names of a function's positional parameters; empty where Python cannot tell."""
    try:
        parameters = inspect.signature(step).parameters.values()
    except (TypeError, ValueError):
        return []
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter.name for parameter in parameters if parameter.kind in positional]


def argument_roles(
    step: Callable[..., Any],
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    roles: Any,
    static_argnums: Any = None,
    static_argnames: Any = None,
) -> list[tuple[str, str] | None]:
    """For each leaf of the arguments, in the entry function's order: (role, who decided), or None.

    Args:
        roles: None; one role (or prefix pytree of roles) per positional argument; or a mapping from argument
            names to the same. None anywhere leaves the decision to the analysis.
    """
    static = static_positions(step, len(args), static_argnums, static_argnames)
    static_names = _names(static_argnames) | {
        name for position, name in enumerate(parameter_names(step)) if position in static
    }
    dynamic = [(position, arg) for position, arg in enumerate(args) if position not in static]
    named = sorted((name, value) for name, value in kwargs.items() if name not in static_names)

    names = parameter_names(step)
    if roles is None:
        given: dict[Any, Any] = {}
    elif isinstance(roles, Mapping):
        given = {names.index(key) if key in names else key: value for key, value in roles.items()}
        known = set(range(len(args))) | set(kwargs)
        unknown = [key for key in given if key not in known]
        if unknown:
            raise NoetherError(f"roles name no argument of the step: {', '.join(map(str, unknown))}")
    elif isinstance(roles, (tuple, list)):
        if len(roles) > len(args):
            raise NoetherError(f"{len(roles)} roles for {len(args)} positional arguments")
        given = dict(enumerate(roles))
    else:
        raise NoetherError("roles must be a sequence (one entry per argument) or a mapping from argument names")

    decided: list[tuple[str, str] | None] = []
    for key, value in [*dynamic, *named]:
        guessed = framework_roles(value)
        said = _spread(given.get(key), value)
        decided += [(role, "caller") if role else None for role in (s or g for s, g in zip(said, guessed))]
    return decided


def annotate(module: Any, roles: Sequence[tuple[str, str] | None]) -> None:
    """Writes roles to the arguments of `@main` in a jaxlib module."""
    if not any(roles):
        return
    from jax.interpreters import mlir

    from noether_mlir.lowering import named_attributes

    ir = mlir.ir
    with module.context, ir.Location.unknown(module.context):
        entry = next(
            op
            for op in module.body.operations
            if op.operation.name == "func.func" and ir.StringAttr(op.attributes["sym_name"]).value == "main"
        )
        present = list(entry.attributes["arg_attrs"]) if "arg_attrs" in entry.attributes else []
        if len(present) != len(roles):
            if present:
                return  # JAX dropped arguments: what it kept is not known here
            present = [ir.DictAttr.get({})] * len(roles)
        changed = []
        for attributes, role in zip(present, roles):
            entries = named_attributes(attributes)
            if role:
                entries["noether.role"] = ir.StringAttr.get(role[0])
                entries["noether.role_decided_by"] = ir.StringAttr.get(role[1])
            changed.append(ir.DictAttr.get(entries))
        entry.attributes["arg_attrs"] = ir.ArrayAttr.get(changed)
