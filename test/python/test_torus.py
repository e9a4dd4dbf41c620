# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The dimension the analysis finds is the dimension there is.

For every model of the zoo, the scale and rescale symmetries counted by the analysis must be as
many as the null space of the gradients says: fewer would miss symmetries, more would be false. The
null spaces were counted by zoo/count.py.
"""

import jax.numpy as jnp
import pytest
from zoo import MODELS
from zoo.count import count, counted
from zoo.dumps import INPUTS, Dump
from zoo.numerics import flat, gradient_rows, null_dimension
from zoo.reports import model_report

import noether_mlir

# The null space must stand out: the singular values on its two sides are far apart.
GAP = 1e8
COUNTED = counted()


#: Where the analysis finds less than there is, and why: what it finds. It must never find more.
INCOMPLETE = {
    # An axis that is reversed, strided or scattered is one whose index means something.
    "between_flip": 1, "between_strided": 1, "between_scatter": 1, "diagonal_of_weight": 5,
    # Rows picked by the data keep what is common to all rows.
    "routed_experts": 5, "tables_same_index": 8, "tables_quotient": 4, "tables_scalar_gate": 8,
    # Padding by a number other than zero, and cuts that are no multiples of one another.
    "padded_with_ones": 0, "between_outer": 1,
}


@pytest.mark.parametrize("name", INCOMPLETE)
def test_incomplete_where_stated(name):
    found = model_report(name)["dimension"]["torus"]
    assert found == INCOMPLETE[name] < COUNTED[name][0], "found more: move it to the others"


@pytest.mark.parametrize("name", [name for name in MODELS if name not in INCOMPLETE])
def test_dimension(name):
    found = model_report(name)["dimension"]
    assert (found["torus"], found["torus_exact"]) == COUNTED[name]


def test_every_model_is_counted():
    assert COUNTED.keys() == MODELS.keys()


# One of each kind is counted again here; `python -m zoo.count` counts all.
@pytest.mark.parametrize("name", [
    "mlp_relu", "mlp_squared_relu", "mlp_gelu", "mlp_layernorm", "mlp_rmsnorm", "mlp_batchnorm_dead_bias",
    "mlp_weight_norm", "cnn_groupnorm", "cnn_average_pool", "gpt_fused_qkv", "embedding_relu",
    "scanned_layers", "residual_layernorm", "frobenius_norm", "mixture_of_experts"])
def test_count(name):
    dimensions, gap = count(MODELS[name])
    assert gap > GAP, "the points chosen do not tell the rank"
    assert dimensions == COUNTED[name]


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


@pytest.mark.parametrize("name", ["mlp_relu_sgd", "mlp_layernorm_sgdm",
                                  "cnn_batchnorm_linen_adamw"])
def test_dumped_step(name):
    """The steps as JAX wrote them, at their real sizes."""
    dump = Dump(name)
    points = dump.points(flat(dump.params).size + 60)
    promoted = null_dimension(gradient_rows(dump.value, *points, jnp.float64(0.0)))
    exact = null_dimension(gradient_rows(dump.value, *points, jnp.float64(0.3)))
    assert promoted.gap > 1e3 and exact.gap > 1e3
    found = noether_mlir.analyze(str(INPUTS / f"{name}.mlir")).data["dimension"]
    assert (found["torus"], found["torus_exact"]) == (promoted.dimension, exact.dimension)


def gpt_dimension(layers, width, heads, channels, hidden):
    """A GPT with RMSNorm, RoPE, norms on queries and keys, SwiGLU and tied embeddings.

    Exact: value against output channels, up against down, query against key gains (RoPE ties the
    two halves), and the two gains of a block against the matrices that read them. With the
    epsilons promoted: also queries and keys by head, and the residual stream as a whole.
    """
    exact = layers * (heads * channels + hidden + channels // 2 + 2 * width)
    return exact + layers * 2 * heads + 1, exact


def test_closed_form_is_the_count_of_the_small_gpt():
    dimensions, gap = count(MODELS["gpt_modern"])
    assert gap > GAP
    assert gpt_dimension(1, 4, 2, 4, 3) == dimensions == COUNTED["gpt_modern"]


def test_dumped_gpt():
    """Its 4,976 parameters are too many to count here; counted once, they have (161, 152)."""
    found = noether_mlir.analyze(str(INPUTS / "gpt_adamw.mlir")).data["dimension"]
    assert gpt_dimension(2, 16, 2, 8, 24) == (161, 152)
    assert (found["torus"], found["torus_exact"]) == (161, 152)


def test_dumped_step_on_eight_devices():
    """Under shard_map: a ReLU network with eight hidden units, each rescaled on its own."""
    found = noether_mlir.analyze(str(INPUTS / "mlp_shardmap8_sgd.mlir")).data["dimension"]
    assert (found["torus"], found["torus_exact"]) == (8, 8)
