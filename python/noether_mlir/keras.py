# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The step that `model.fit` takes, of a compiled Keras model on the JAX backend.

It is the model's own `train_step`, overridden or not. Keras is recognised by its types' names, and imported only where
a model of it is given.
"""

from collections.abc import Callable, Sequence
from typing import Any

from noether_mlir.errors import NotATrainingStep


def is_model(value: Any) -> bool:
    """Whether a value is a Keras model, or something else that `fit` can be called on."""
    return any(kind.__name__ == "Trainer" and kind.__module__.startswith("keras.") for kind in type(value).__mro__)


def _places(variables: Sequence[Any]) -> list[tuple[str, ...]]:
    """Where each variable stands in nested dictionaries: by the parts of its path, and its number where paths clash."""
    paths = [tuple(str(variable.path).split("/")) for variable in variables]
    inner = {path[:depth] for path in paths for depth in range(1, len(path))}
    places: list[tuple[str, ...]] = []
    for number, path in enumerate(paths):
        places.append((*path[:-1], f"{path[-1]}:{number}") if path in inner or path in places else path)
    return places


def _nested(places: Sequence[tuple[str, ...]], values: Sequence[Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for place, value in zip(places, values, strict=True):
        node = tree
        for part in place[:-1]:
            node = node.setdefault(part, {})
        node[place[-1]] = value
    return tree


def _listed(places: Sequence[tuple[str, ...]], tree: Any) -> list[Any]:
    """The inverse of `_nested`."""
    values = []
    for place in places:
        node = tree
        for part in place:
            node = node[part]
        values.append(node)
    return values


def _build(model: Any, data: Sequence[Any]) -> None:
    import keras

    if keras.backend.backend() != "jax":
        raise NotATrainingStep(
            f"this model runs on {keras.backend.backend()}: set the environment variable KERAS_BACKEND=jax before Keras is"
            " imported, and nothing else"
        )
    if not getattr(model, "compiled", False) or getattr(model, "optimizer", None) is None:
        raise NotATrainingStep("the model is not compiled: call model.compile(optimizer=..., loss=...) first")
    x, y, weight = keras.utils.unpack_x_y_sample_weight(tuple(data))
    model._symbolic_build(data_batch=(x, y, weight))


def training_step(model: Any, data: Sequence[Any]) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """One step of training as a function, and what it is called with now.

    Args:
        model: compiled; built or not.
        data: a batch, (x,), (x, y) or (x, y, sample_weight), as `fit` hands it to the model.

    Returns:
        (step, args): a function of (params, statistics, optimizer, data), the first three dictionaries by the parts of the
        variables' paths, which returns their next values and the logs. It begins an epoch each time: metrics are counted
        from nothing, so that the loss among the logs is that of this batch. Its attributes `noether_roles` and
        `noether_numbers` say what the arguments are, and what the learning rate is now.

    Raises:
        NotATrainingStep: if the model is not compiled, runs on another backend, or takes no such data.
    """
    import jax.numpy as jnp

    if not data:
        raise NotATrainingStep("a Keras model is analysed with a batch: analyze(model, x, y)")
    _build(model, data)
    parts = (model.trainable_variables, model.non_trainable_variables, model.optimizer.variables)
    places = [_places(part) for part in parts]

    def train_step(params: Any, statistics: Any, optimizer: Any, data: Any) -> Any:
        state = [_listed(place, tree) for place, tree in zip(places, (params, statistics, optimizer))]
        metrics = [jnp.zeros(variable.shape, variable.dtype) for variable in model.metrics_variables]
        logs, new = model.train_step((*state, metrics), data)
        return *(_nested(place, values) for place, values in zip(places, new)), logs

    rate = model.optimizer.learning_rate
    rates = [(place, variable) for place, variable in zip(places[2], parts[2]) if variable is rate]
    slots = _nested(places[2], ["hyper" if variable is rate else "state" for variable in parts[2]])
    train_step.noether_roles = {  # type: ignore[attr-defined]
        "params": "param", "statistics": "state", "optimizer": slots, "data": "batch",
    }  # fmt: skip
    train_step.noether_numbers = {  # type: ignore[attr-defined]
        "optimizer" + "".join(f"[{part!r}]" for part in place): float(f"{float(variable.value):.7g}")
        for place, variable in rates
    }
    train_step.noether_repeats = True  # type: ignore[attr-defined]  # the schedule, for each use of the learning rate
    train_step.__name__ = f"{model.name}.train_step"
    values = (_nested(place, [variable.value for variable in part]) for place, part in zip(places, parts))
    return train_step, (*values, tuple(data))
