# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiled Keras models: the step is the one that `fit` takes, and its hyperparameters are known."""

import jax
import keras
import numpy as np
import other_steps
import plain
import pytest

import noether_mlir
from noether_mlir.keras import training_step

K = keras.optimizers


def compiled(optimizer):
    other_steps.KERAS_OPTIMIZERS["given"] = lambda: optimizer
    try:
        return other_steps.keras_model("given")[0]
    finally:
        del other_steps.KERAS_OPTIMIZERS["given"]


def laws(model):
    """The laws of the norms, by the last name of the hyperparameter."""
    analysis = noether_mlir.analyze(model, *plain.batch())
    assert analysis.dimension.torus == 21 and not analysis.gradient_mismatches
    entry = next(entry for entry in analysis.kinetics if entry.symmetry == "S1")
    return {law.hyperparameter.split("'")[-2] if "'" in law.hyperparameter else law.hyperparameter: (law.degree, law.value)
            for law in entry.laws}


ADAM = {"learning_rate": (1, None), "epsilon": (-1, 1e-7)}
SCHEDULE = K.schedules.CosineDecay(0.0, 100_000, warmup_target=1e-3, warmup_steps=2_000)
LAWS = {
    "SGD": (lambda: K.SGD(0.1), {"learning_rate": (2, None)}),
    "momentum": (lambda: K.SGD(0.1, momentum=0.9, nesterov=True, weight_decay=1e-4),
                 {"learning_rate": (2, None), "weight_decay": (-2, 1e-4)}),
    "Adam": (lambda: K.Adam(1e-3), ADAM),
    "AdamW": (lambda: K.AdamW(1e-3, weight_decay=0.05), {**ADAM, "weight_decay": (-1, 0.05)}),
    # A schedule is computed for each use of the learning rate: for the decay, and for the update.
    "schedule": (lambda: K.AdamW(SCHEDULE, weight_decay=0.05),
                 {**ADAM, "learning_rate": (1, 1e-3), "weight_decay": (-1, 0.05)}),
    "averaged": (lambda: K.AdamW(1e-3, weight_decay=0.05, use_ema=True), {**ADAM, "weight_decay": (-1, 0.05)}),
    "accumulated": (lambda: K.AdamW(1e-3, weight_decay=0.05, gradient_accumulation_steps=4),
                    {**ADAM, "weight_decay": (-1, 0.05)}),
    "loss scaling": (lambda: K.LossScaleOptimizer(K.AdamW(1e-3, weight_decay=0.05)), {**ADAM, "weight_decay": (-1, 0.05)}),
    "RMSprop": (lambda: K.RMSprop(1e-3), {"learning_rate": (1, None), "epsilon": (-2, 1e-7)}),
    "Lion": (lambda: K.Lion(1e-4), {"learning_rate": (1, None)}),
}


@pytest.mark.parametrize("name", LAWS)
def test_laws_of_its_optimizers(name):
    optimizer, expected = LAWS[name]
    assert laws(compiled(optimizer())) == expected


def test_the_step_is_that_of_fit():
    """Three steps of the function, and three of `train_on_batch`."""
    model = compiled(K.AdamW(1e-3, weight_decay=0.01))
    x, y = map(np.asarray, plain.batch())
    step, (params, statistics, optimizer, data) = training_step(model, (x, y))
    step = jax.jit(step)
    params, statistics, optimizer = jax.tree.map(np.asarray, (params, statistics, optimizer))
    losses = []
    for _ in range(3):
        params, statistics, optimizer, logs = step(params, statistics, optimizer, data)
        model.reset_metrics()
        losses.append((float(logs["loss"]), model.train_on_batch(x, y, return_dict=True)["loss"]))
    np.testing.assert_allclose(*zip(*losses), rtol=1e-6)
    for variable in model.variables:
        tree = params if variable.trainable else statistics
        for part in variable.path.split("/"):
            tree = tree[part]
        np.testing.assert_allclose(tree, variable.numpy(), rtol=1e-5, atol=1e-6, err_msg=variable.path)


@pytest.mark.parametrize(("given", "rate"), [({}, 1e-3), ({"learning_rate": 0.01}, 0.01)])
def test_predictions_know_the_learning_rate(given, rate):
    analysis = noether_mlir.analyze(compiled(K.AdamW(1e-3, weight_decay=0.01)), *plain.batch(), numbers=given)
    times = {entry.prediction.time_constant_steps for entry in analysis.kinetics if entry.prediction}
    assert any(time == pytest.approx(1 / (rate * 0.01), rel=1e-3) for time in times if time)


class Overridden(keras.Model):
    """A model with a step of its own, as Keras' guide to JAX has it; two variables of one path."""

    def __init__(self):
        super().__init__()
        self.first, self.second = keras.layers.Dense(4, name="same"), keras.layers.Dense(3, name="same")

    def call(self, x):
        return self.second(keras.ops.relu(self.first(x)))

    def train_step(self, state, data):
        trainable, non_trainable, slots, metrics = state
        x, y = data

        def compute(trainable):
            return (self.stateless_call(trainable, non_trainable, x)[0] ** 2).mean()

        loss, grads = jax.value_and_grad(compute)(trainable)
        trainable, slots = self.optimizer.stateless_apply(slots, grads, trainable)
        return {"loss": loss}, (trainable, non_trainable, slots, metrics)


def test_an_overridden_step():
    model = Overridden()
    model.compile(optimizer=K.SGD(0.1))
    analysis = noether_mlir.analyze(model, *plain.batch())
    assert len(analysis.parameters) == 4 and len({parameter.name for parameter in analysis.parameters}) == 4
    assert analysis.dimension.torus >= 4  # the hidden units


@pytest.mark.parametrize(("model", "data", "message"), [
    (lambda: keras.Sequential([keras.layers.Dense(3)]), plain.batch, "not compiled"),
    (lambda: compiled(K.SGD(0.1)), tuple, "with a batch"),
])
def test_what_is_no_step(model, data, message):
    with pytest.raises(noether_mlir.NotATrainingStep, match=message):
        noether_mlir.analyze(model(), *data())


def test_other_backends(monkeypatch):
    model = compiled(K.SGD(0.1))
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(noether_mlir.NotATrainingStep, match="KERAS_BACKEND=jax"):
        noether_mlir.analyze(model, *plain.batch())
