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


#: Where the analysis finds less than there is: what it finds. docs/completeness.md says why. It must never
#: find more.
INCOMPLETE = {
    # Rows that are picked one way and read or combined in another.
    "rows_of_other_columns": 5, "rows_transposed": 8, "rows_flattened": 8, "rows_by_one_hot": 8,
    "rows_squared": 8, "rows_masked": 4, "rows_filled_index": 4,
    # Positions that are constants but not written as ones, or several to a row.
    "between_scatter": 1, "places_taken": 1, "places_sorted_by_label": 1,
    "places_edge": 3, "places_reflected": 3, "places_triangle": 2, "places_diagonal": 1,
    "diagonal_of_weight": 5,
    # A choice that only small moves leave alone, as a null space of gradients sees them.
    "codebook": 1, "feature_winner": 7, "feature_top_two": 7, "branch_on_activation": 5,
    # Two factors packed into one matrix.
    "algebra_qr": 4, "algebra_qr_triangle": 4, "algebra_lu_solve": 4, "algebra_determinant": 4,
}

#: Where parts of a parameter move nothing, which is true of them and counted: what the analysis finds. A
#: null space of gradients leaves out what has no gradient.
UNREAD = {
    "memory": 9, "places_repeated": 6, "places_set": 6, "places_zeroed": 12, "places_padded_two": 6,
    "between_outer": 6, "tables_scalar_gate": 24,
}


@pytest.mark.parametrize("name", INCOMPLETE)
def test_incomplete_where_stated(name):
    found = model_report(name)["dimension"]["torus"]
    assert found == INCOMPLETE[name] < COUNTED[name][0], "found more: move it to the others"


@pytest.mark.parametrize("name", UNREAD)
def test_unread_parts_are_counted(name):
    assert model_report(name)["dimension"]["torus"] == UNREAD[name] > COUNTED[name][0]


@pytest.mark.parametrize("name", [n for n in MODELS if n not in INCOMPLETE and n not in UNREAD])
def test_dimension(name):
    found = model_report(name)["dimension"]
    assert (found["torus"], found["torus_exact"]) == COUNTED[name]


def test_every_model_is_counted():
    assert COUNTED.keys() == MODELS.keys()


# One of each kind is counted again here; `python -m zoo.count` counts all.
@pytest.mark.parametrize("name", [
    "mlp_relu", "mlp_squared_relu", "mlp_gelu", "mlp_layernorm", "mlp_rmsnorm", "mlp_batchnorm_dead_bias",
    "mlp_weight_norm", "cnn_groupnorm", "cnn_average_pool", "gpt_fused_qkv", "embedding_relu",
    "scanned_layers", "residual_layernorm", "frobenius_norm", "mixture_of_experts", "rows_gated_by_rows",
    "rnn_gru_relu", "ode_euler", "weight_spectral", "loss_cosine", "places_strided"])
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
