# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What an analysis says, in the forms that other tools ask for by hand.

Weight decay masks for optax and parameter groups for PyTorch, the scale-invariant blocks that AdamC, AdamP, LARS or
Hyperball-like optimizers want listed, permutation specs for model merging, and the pairs of matrices (query and key,
value and output, LoRA's two factors) whose product alone matters.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Literal

from noether_mlir.analysis import Analysis
from noether_mlir.errors import NoetherError

Decay = Literal["regularize", "rate"]

_KEY = re.compile(r"\[(?:'([^']*)'|\"([^\"]*)\"|(\d+)|([^\]]*))\]|\.?([^.\[\]]+)")


# Scale-invariant blocks.


@dataclass(frozen=True)
class InvariantBlock:
    """Parameters that may be scaled together, one factor for each block, without the loss changing.

    Attributes:
        symmetry: the id of the symmetry.
        parameters: the names; more than one where only their common scale is free (a kernel and its bias under a norm).
        axes: for each, the axes that number its blocks, of its view; norms are taken over all others. Empty: the block
            is the whole tensor.
        views: for each, the shape that axes speak of, where it is not the parameter's own; else empty.
        blocks: how many blocks there are along each axis.
        exact: whether it holds with every constant as it is. broken_by: the constants that break it.
    """

    symmetry: str
    parameters: tuple[str, ...]
    axes: tuple[tuple[int, ...], ...]
    views: tuple[tuple[int, ...], ...]
    blocks: tuple[int, ...]
    exact: bool
    broken_by: tuple[float | None, ...]


def scale_invariant_blocks(analysis: Analysis) -> list[InvariantBlock]:
    """The blocks of parameters that are scale-invariant, as fine as they are.

    Each block w may be replaced by c w for any positive c. Symmetries that move only a part of a parameter are left
    out, and so are those with unequal exponents. A symmetry with one member is a parameter that is invariant on its own;
    `analysis.parameter(name).invariant_unit` says the same in words.
    """
    found = []
    for data in analysis.data["symmetries"]:
        members = data["members"]
        exponents = {Fraction(str(member["exponent"])) for member in members}
        if data["family"] != "scale" or data.get("traceless") or len(exponents) != 1 or exponents == {Fraction(0)}:
            continue
        if any(_is_part(member) for member in members) or len({m["parameter"] for m in members}) != len(members):
            continue
        found.append(
            InvariantBlock(
                symmetry=data["id"],
                parameters=tuple(member["parameter"] for member in members),
                axes=tuple(tuple(member["axes"]) for member in members),
                views=tuple(_view(analysis, member) for member in members),
                blocks=tuple(data.get("block_shape") or ()),
                exact=bool(data["exact"]),
                broken_by=tuple(entry.get("constant") for entry in data["broken_by"]),
            )
        )
    return found


def _is_part(member: Mapping[str, Any]) -> bool:
    """Whether only a part of the parameter moves."""
    view = list(member.get("view") or [])
    return bool(view) and (any(member.get("offsets") or []) or list(member.get("sizes") or view) != view)


def _view(analysis: Analysis, member: Mapping[str, Any]) -> tuple[int, ...]:
    view = tuple(member.get("view") or ())
    return () if view == analysis.parameter(member["parameter"]).shape else view


# Weight decay.


def invariant_parameters(analysis: Analysis) -> list[str]:
    """The parameters of which weight decay does not change the network, only its learning rate.

    Multiplying all of them by one number leaves the loss as it is: they are whole scale-invariant blocks, each
    parameter in one of them.
    """
    chosen: dict[str, None] = {}
    for block in sorted(scale_invariant_blocks(analysis), key=lambda block: len(block.parameters)):
        if not any(name in chosen for name in block.parameters):
            chosen.update(dict.fromkeys(block.parameters))
    return [parameter.name for parameter in analysis.parameters if parameter.name in chosen]


def decayed_parameters(analysis: Analysis, decay: Decay = "regularize") -> list[str]:
    """The parameters that weight decay is for.

    Args:
        decay: "regularize": those on which it acts as a regulariser: all but scale-invariant ones, of which it only
            sets the effective learning rate, and dead ones (also a bias in front of a norm that removes it), of which
            the loss knows nothing. "rate": only the scale-invariant ones: then decay sets effective learning rates,
            and never changes the network itself.
    """
    if decay not in ("regularize", "rate"):
        raise NoetherError(f'unknown decay {decay!r}: it is "regularize" or "rate"')
    invariant = set(invariant_parameters(analysis))
    names = [parameter.name for parameter in analysis.parameters]
    if decay == "rate":
        return [name for name in names if name in invariant]
    dead = {parameter.name for parameter in analysis.parameters if parameter.dead} | _shifted_at_will(analysis)
    return [name for name in names if name not in invariant and name not in dead]


def _shifted_at_will(analysis: Analysis) -> set[str]:
    """The parameters that may be replaced by any other values: each entry has a translation of its own."""
    found = set()
    for data in analysis.data["symmetries"]:
        if data["family"] != "translation" or not data["exact"] or len(data["members"]) != 1 or data.get("traceless"):
            continue
        (member,) = data["members"]
        shape = tuple(member.get("view") or analysis.parameter(member["parameter"]).shape)
        if not _is_part(member) and len(member["axes"]) == len(shape) and not member.get("times"):
            found.add(member["parameter"])
    return found


def decay_mask(analysis: Analysis, params: Any, decay: Decay = "regularize", root: str | None = None) -> Any:
    """A mask for `optax.adamw(mask=...)` or `optax.masked`: true where weight decay is to act.

    Args:
        params: the pytree of parameters that the optimizer is given.
        decay: see `decayed_parameters`.
        root: what comes before the pytree's own paths in the analysis' names, such as "state.params"; found out where
            it is not given.

    Returns:
        A pytree of bools of the structure of `params`.

    Raises:
        NoetherError: if leaves of `params` are no parameters of the analysed step.
    """
    import jax

    leaves, tree = jax.tree_util.tree_flatten_with_path(params)
    names = leaf_names(analysis, [jax.tree_util.keystr(path) for path, _ in leaves], root)
    chosen = set(decayed_parameters(analysis, decay))
    return jax.tree.unflatten(tree, [name in chosen for name in names])


def leaf_names(analysis: Analysis, paths: Sequence[str], root: str | None = None) -> list[str]:
    """The analysis' names of the leaves of a pytree, by their paths within it (`jax.tree_util.keystr`)."""
    known = {parameter.name for parameter in analysis.parameters}
    roots: Iterable[str]
    if root is not None:
        roots = [root]
    else:
        first = paths[0] if paths else ""
        roots = sorted({name[: len(name) - len(first)] for name in known if name.endswith(first)}, key=len)
    for candidate in roots:
        if all(candidate + path in known for path in paths):
            return [candidate + path for path in paths]
    wanted = next((path for path in paths if not any(name.endswith(path) for name in known)), paths[0] if paths else "")
    raise NoetherError(f"{wanted or 'the pytree'} is no parameter of the analysed step (say where it is with root=)")


def torch_no_decay(analysis: Analysis, decay: Decay = "regularize") -> list[str]:
    """The names, as PyTorch has them, of the parameters without weight decay."""
    decayed = set(decayed_parameters(analysis, decay))
    return [torch_name(analysis, p.name) for p in analysis.parameters if p.name not in decayed]


def torch_name(analysis: Analysis, name: str) -> str:
    """A parameter's name as `model.named_parameters()` has it: as it is of a step of PyTorch, else without its root."""
    return name if analysis.data.get("framework") == "torch" else short_name(name)


def torch_param_groups(
    analysis: Analysis,
    named_parameters: Iterable[tuple[str, Any]],
    weight_decay: float,
    decay: Decay = "regularize",
    name_of: Callable[[str], str] = lambda name: name,
) -> list[dict[str, Any]]:
    """Parameter groups for `torch.optim`: one with weight decay, one without.

    Args:
        named_parameters: `model.named_parameters()`.
        name_of: from PyTorch's name to the analysed one without its root (`fc1.weight`).

    Raises:
        NoetherError: if one of them is no parameter of the analysed step.
    """
    known = {torch_name(analysis, parameter.name) for parameter in analysis.parameters}
    excluded = set(torch_no_decay(analysis, decay))
    groups = [{"params": [], "weight_decay": weight_decay}, {"params": [], "weight_decay": 0.0}]
    for name, parameter in named_parameters:
        short = name_of(name)
        if short not in known:
            raise NoetherError(f"{name} is no parameter of the analysed step")
        groups[short in excluded]["params"].append(parameter)  # type: ignore[attr-defined]
    return groups


def path_keys(name: str) -> list[str | int]:
    """The keys of a pytree path: params['fc1'][0].w is params, fc1, 0, w."""
    keys: list[str | int] = []
    for single, double, number, other, word in _KEY.findall(name):
        keys.append(int(number) if number else single or double or other or word)
    return keys


def short_name(name: str) -> str:
    """A path without its root, dotted: fc1.weight for params['fc1.weight'] and for state.params['fc1']['weight']."""
    keys = [str(key) for key in path_keys(name)]
    start = keys.index("params") + 1 if "params" in keys[:-1] else min(1, len(keys) - 1)
    return ".".join(keys[start:])


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """A dictionary of dictionaries by the keys of pytree paths, for JSON."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *way, last = map(str, path_keys(name))
        inner = tree
        for key in way:
            inner = inner.setdefault(key, {})
        inner[last] = value
    return tree


# Permutations.


def permutation_spec(analysis: Analysis) -> dict[str, Any]:
    """The permutation symmetries in the form of git re-basin's `PermutationSpec`.

    Returns:
        `perm_to_axes`: by permutation, the (parameter, axis) pairs it acts on together; `axes_to_perm`: by parameter,
        for each axis its permutation or None; `orders`: by permutation, its group's order; `views`: the shape that axes
        speak of, by parameter, where it is not the parameter's own (heads within a fused axis).

    Source: Ainsworth, Hayase and Srinivasa, Git Re-Basin (2023), whose code has these two names.
    """
    perm_to_axes: dict[str, list[tuple[str, int]]] = {}
    orders: dict[str, str] = {}
    views: dict[str, tuple[int, ...]] = {}
    found = [data for data in analysis.data["symmetries"] if data["family"] == "permutation"]
    # One permutation for each block, or of a part of an axis: the form has no words for these.
    found = [d for d in found if not any(_is_part(m) or m.get("block_axes") for m in d["members"])]
    for member in (member for data in found for member in data["members"]):
        if any(_own_axis(analysis, member, axis) is None for axis in member["axes"]):
            views.setdefault(member["parameter"], _view(analysis, member))
    for data in found:
        axes = [(m["parameter"], _axis_in(analysis, m, axis, views)) for m in data["members"] for axis in m["axes"]]
        if all(axis is not None for _, axis in axes):  # else it speaks of another shape than the one that is settled
            perm_to_axes[data["id"]] = axes  # type: ignore[assignment]
            orders[data["id"]] = data.get("order") or ""
    axes_to_perm: dict[str, list[str | None]] = {
        parameter.name: [None] * len(views.get(parameter.name, parameter.shape)) for parameter in analysis.parameters
    }
    for name, pairs in perm_to_axes.items():
        for parameter, axis in pairs:
            axes_to_perm[parameter][axis] = name
    return {
        "perm_to_axes": perm_to_axes,
        "axes_to_perm": {name: tuple(axes) for name, axes in axes_to_perm.items()},
        "orders": orders,
        "views": views,
    }


def _same_axis(shape: Sequence[int], axis: int, other: Sequence[int]) -> int | None:
    """The axis of another shape of the same entries that an axis is, if it is one."""
    before = math.prod(shape[:axis])
    for candidate, size in enumerate(other):
        if size == shape[axis] and math.prod(other[:candidate]) == before:
            return candidate
    return None


def _own_axis(analysis: Analysis, member: Mapping[str, Any], axis: int) -> int | None:
    """The axis of the parameter that an axis of a member's view is, if it is one."""
    shape = analysis.parameter(member["parameter"]).shape
    return _same_axis(member.get("view") or shape, axis, shape)


def _axis_in(
    analysis: Analysis, member: Mapping[str, Any], axis: int, views: Mapping[str, tuple[int, ...]]
) -> int | None:
    """The axis that a member's is in the shape that is settled for its parameter."""
    shape = analysis.parameter(member["parameter"]).shape
    return _same_axis(member.get("view") or shape, axis, views.get(member["parameter"], shape))


# Pairs of matrices.


@dataclass(frozen=True)
class LinearPair:
    """Parameters of which only the products along one axis matter: A -> M A, B -> M^-T B leaves the loss unchanged.

    Attributes:
        symmetry: the id of the symmetry.
        direct, inverse: (parameter, axis) of the two sides; several where a matrix is shared (grouped queries).
        rank: the length of the axis. blocks: how many independent M there are (heads, layers).
        low_rank: whether the axis is the shortest of every matrix, as in LoRA.
    """

    symmetry: str
    direct: tuple[tuple[str, int], ...]
    inverse: tuple[tuple[str, int], ...]
    rank: int
    blocks: tuple[int, ...]
    low_rank: bool


def linear_pairs(analysis: Analysis) -> list[LinearPair]:
    """The pairs of matrices whose product alone matters: LoRA's factors, query and key, value and output."""
    pairs = []
    for data in analysis.data["symmetries"]:
        if data["family"] != "general_linear":
            continue
        sides: dict[bool, list[tuple[str, int]]] = {False: [], True: []}
        others: list[int] = []
        for member in data["members"]:
            sides[member.get("side") == "inverse_transpose"].append((member["parameter"], member["axes"][0]))
            view = list(member.get("view") or analysis.parameter(member["parameter"]).shape)
            moving = {*member["axes"], *(member.get("block_axes") or ())}
            others += [size for axis, size in enumerate(view) if axis not in moving]
        if not sides[False] or not sides[True]:
            continue
        rank = int(data["size"])
        blocks = tuple(data.get("block_shape") or ())
        low = all(rank < size for size in others)
        pairs.append(LinearPair(data["id"], tuple(sides[False]), tuple(sides[True]), rank, blocks, low))
    return pairs


# As JSON.

FORMS = ("optax-mask", "torch-no-decay", "scale-invariant", "permutation-spec", "lora-pairs")


def export(analysis: Analysis, form: str, decay: Decay = "regularize") -> Any:
    """An export as a JSON value.

    Args:
        form: one of `FORMS`. decay: for the first two, see `decayed_parameters`.
    """
    if form == "optax-mask":
        chosen = set(decayed_parameters(analysis, decay))
        return nested({parameter.name: parameter.name in chosen for parameter in analysis.parameters})
    if form == "torch-no-decay":
        return torch_no_decay(analysis, decay)
    if form == "scale-invariant":
        return [asdict(block) for block in scale_invariant_blocks(analysis)]
    if form == "permutation-spec":
        return permutation_spec(analysis)
    if form == "lora-pairs":
        return [asdict(pair) for pair in linear_pairs(analysis)]
    raise NoetherError(f"unknown form {form!r}: it is one of {', '.join(FORMS)}")
