# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The dimension the analysis finds is the dimension there is.

For every model of the zoo, the scale and rescale symmetries counted by the analysis must be as
many as the null space of the gradients says: fewer would miss symmetries, more would be false.
"""

import pytest
from zoo import MODELS
from zoo.numerics import Counter
from zoo.reports import model_report

# The null space must stand out: the singular values on its two sides are far apart.
GAP = 1e8


@pytest.mark.parametrize("name", MODELS)
def test_dimension(name):
    model = MODELS[name]
    count = Counter(model)
    promoted = count(0.0)
    exact = count(0.3) if model.sites else promoted
    assert promoted.gap > GAP and exact.gap > GAP, "the points chosen do not tell the rank"
    found = model_report(name)["dimension"]
    assert (found["torus"], found["torus_exact"]) == (promoted.dimension, exact.dimension)


@pytest.mark.parametrize("name", ["mlp_layernorm", "cnn_batchnorm_running", "gpt_modern"])
@pytest.mark.parametrize("optimizer", ["momentum", "adamw"])
@pytest.mark.parametrize("variant", ["schedule", "clipping"])
def test_dimension_does_not_depend_on_the_optimizer(name, optimizer, variant):
    plain = model_report(name)["dimension"]
    assert model_report(name, optimizer, variant)["dimension"] == plain


@pytest.mark.parametrize("name", MODELS)
def test_symmetries_add_up(name):
    report = model_report(name)
    torus = [s for s in report["symmetries"] if s["family"] in ("scale", "rescale")]
    assert sum(s["dimension"] for s in torus) == report["dimension"]["torus"]
    exact = sum(s["dimension"] for s in torus if s["exact"])
    assert exact <= report["dimension"]["torus_exact"] <= report["dimension"]["torus"]
