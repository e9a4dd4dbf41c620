# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports do in other tools what they say: masks in optax on Flax models, blocks, permutations, pairs."""

import json
import pathlib

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from noether_mlir.analysis import Analysis
from noether_mlir.cli import app
from noether_mlir.verification.arguments import index_ranges, random_arguments
from noether_mlir.verification.program import load_program
from typer.testing import CliRunner

import noether_mlir
from noether_mlir import exports

HERE = pathlib.Path(__file__).parent
DUMPS = HERE.parent / "Inputs" / "dumps"


class Network(nn.Module):
    """A convolution and a dense layer, each under a norm, and a head."""

    @nn.compact
    def __call__(self, x):
        x = nn.Conv(6, (3, 3), name="conv")(x)
        x = nn.relu(nn.GroupNorm(num_groups=None, group_size=1, epsilon=0.0, name="norm1")(x))
        x = nn.Dense(8, name="dense")(x.mean(axis=(1, 2)))
        x = nn.relu(nn.LayerNorm(epsilon=0.0, name="norm2")(x))
        return nn.Dense(3, name="head")(x)


def make(mask=None, weight_decay=0.1):
    """A Flax model with its AdamW step, and arguments in double precision."""
    rng = np.random.default_rng(0)
    model, x = Network(), jnp.asarray(rng.standard_normal((4, 6, 6, 2)))
    y = jnp.asarray(rng.integers(0, 3, 4))
    params = model.init(jax.random.key(0), x)["params"]
    params = jax.tree.map(lambda w: jnp.asarray(w + 0.3 * rng.standard_normal(w.shape)), params)
    optimizer = optax.adamw(1e-2, weight_decay=weight_decay, mask=mask)

    def loss(params, batch):
        logits = model.apply({"params": params}, batch["x"])
        return optax.softmax_cross_entropy_with_integer_labels(logits, batch["y"]).mean()

    def step(params, opt_state, batch):
        value, grads = jax.value_and_grad(loss)(params, batch)
        updates, opt_state = optimizer.update(grads, opt_state, params)
        return optax.apply_updates(params, updates), opt_state, value

    return step, loss, (params, optimizer.init(params), {"x": x, "y": y})


@pytest.fixture(scope="module")
def analysis():
    step, _, args = make()
    return noether_mlir.analyze(step, *args)


INVARIANT = {"conv": {"bias": True, "kernel": True}, "dense": {"bias": True, "kernel": True}}


def test_invariant_parameters(analysis):
    assert set(exports.invariant_parameters(analysis)) == {
        f"params['{layer}']['{name}']" for layer, names in INVARIANT.items() for name in names
    }


def test_mask_has_the_structure_of_the_parameters(analysis):
    _, _, (params, *_) = make()
    mask = exports.decay_mask(analysis, params)
    assert jax.tree.structure(mask) == jax.tree.structure(params)
    expected = {layer: {name: layer not in INVARIANT for name in leaves} for layer, leaves in params.items()}
    assert mask == expected
    assert exports.decay_mask(analysis, params, decay="rate") == jax.tree.map(lambda decayed: not decayed, expected)


def test_decay_under_the_rate_mask_does_not_change_the_network(analysis):
    """optax.adamw(mask=...) then decays along the symmetry only: no direction, no other parameter, no loss changes."""
    mask = exports.decay_mask(analysis, make()[2][0], decay="rate")
    plain, loss, args = make(weight_decay=0.0)
    masked, everywhere = make(mask, weight_decay=5.0), make(None, weight_decay=5.0)  # 5 % of the weights in one step
    before, batch = args[0], args[2]

    def part(made):
        """The decay's own part of the step: the difference to the step without, at the same parameters."""
        step, _, its_args = made
        return jax.tree.map(lambda a, b: a - b, step(*its_args)[0], plain(*args)[0])

    for tree, keeps in ((part(masked), True), (part(everywhere), False)):
        decayed = jax.tree.map(jnp.add, before, tree)
        change = abs(float(loss(decayed, batch) - loss(before, batch)))
        assert (change < 1e-12) == keeps, change
    for layer, leaves in part(masked).items():
        for name, change in leaves.items():
            if layer in INVARIANT:  # along w itself: the direction stays
                np.testing.assert_allclose(change, -0.05 * before[layer][name], rtol=1e-9, atol=1e-12)
            else:
                assert not jnp.any(change)


def test_the_regularising_mask_spares_what_decay_cannot_regularise(analysis):
    mask = exports.decay_mask(analysis, make()[2][0])
    plain, masked = make(weight_decay=0.0)[0], make(mask, weight_decay=5.0)[0]
    args = make(mask)[2]
    for layer, leaves in jax.tree.map(lambda a, b: bool((a == b).all()), plain(*args)[0], masked(*args)[0]).items():
        assert set(leaves.values()) == {layer in INVARIANT}


def test_mask_of_a_train_state():
    """Names may have a root of their own: that of the pytree is found in them."""
    found = noether_mlir.analyze(DUMPS / "cnn_batchnorm_linen_adamw.mlir")
    names = [p.name for p in found.parameters]
    params = {}
    for name in names:
        _, _, layer, leaf = exports.path_keys(name)
        params.setdefault(layer, {})[leaf] = np.zeros(found.parameter(name).shape)
    mask = exports.decay_mask(found, params)
    assert mask == exports.decay_mask(found, params, root="state.params")
    assert not mask["conv0"]["kernel"] and mask["head"]["kernel"] and mask["bn0"]["scale"]
    assert exports.export(found, "optax-mask") == {"state": {"params": mask}}
    with pytest.raises(noether_mlir.NoetherError, match="no parameter"):
        exports.decay_mask(found, {**params, "other": np.zeros(3)})
    with pytest.raises(noether_mlir.NoetherError, match="no parameter"):
        exports.decay_mask(found, params, root="params")


def test_a_parameter_is_in_one_block_only():
    """Two symmetries that share a parameter cannot both be decayed along."""
    base = json.loads((HERE / "data" / "analysis.json").read_text())
    name, other, third = (p["name"] for p in base["parameters"][:3])
    block = lambda id, *names: {
        "id": id, "family": "scale", "dimension": 1, "exact": True, "broken_by": [], "charge": "", "block_shape": [],
        "members": [{"parameter": n, "exponent": "1", "axes": []} for n in names]}  # fmt: skip
    base["symmetries"] = [block("S1", name, other), block("S2", other, third)]
    assert exports.invariant_parameters(Analysis.from_json(base)) == [name, other]
    base["symmetries"][0]["members"][1]["exponent"] = "2"
    assert exports.invariant_parameters(Analysis.from_json(base)) == [other, third]
    base["symmetries"][1]["traceless"] = True
    assert exports.invariant_parameters(Analysis.from_json(base)) == []


# Scale-invariant blocks.


def test_scaling_the_listed_blocks_leaves_the_loss_alone(analysis):
    _, loss, (params, _, batch) = make()
    rng = np.random.default_rng(1)
    before = float(loss(params, batch))
    blocks = exports.scale_invariant_blocks(analysis)
    assert {block.blocks for block in blocks} == {(6,), ()}
    for block in blocks:
        factors = np.exp(rng.standard_normal(block.blocks))
        moved = jax.tree.map(lambda w: w, params)
        for name, axes, view in zip(block.parameters, block.axes, block.views, strict=True):
            assert not view
            _, layer, leaf = exports.path_keys(name)
            w = moved[layer][leaf]
            moved[layer][leaf] = w * factors.reshape([n if i in axes else 1 for i, n in enumerate(w.shape)])
        assert abs(float(loss(moved, batch)) / before - 1) < 1e-12, block
        if layer == "dense":  # a bias under a norm per sample is not dead
            half = {**moved, layer: {**params[layer], leaf: moved[layer][leaf]}}
            assert abs(float(loss(half, batch)) / before - 1) > 1e-6, "its members are invariant on their own"


def test_blocks_say_what_breaks_them():
    (first, second) = exports.scale_invariant_blocks(noether_mlir.analyze(DUMPS / "mlp_layernorm_sgdm.mlir"))
    assert first.parameters == ("params['fc1']['bias']", "params['fc1']['kernel']") and first.axes == ((), ())
    assert not first.exact and first.broken_by == (1e-5,) and second.symmetry == "S2"
    gpt = {b.parameters: b for b in exports.scale_invariant_blocks(noether_mlir.analyze(DUMPS / "gpt_adamw.mlir"))}
    assert gpt["params['blocks'][0]['wq']",].blocks == (2,)  # per head, under QK norm


# PyTorch.


def test_torch_parameter_groups():
    """A stand-in for `model.named_parameters()`: names and anything."""
    found = noether_mlir.analyze(DUMPS / "mlp_layernorm_sgdm.mlir")
    names = {"fc1.bias", "fc1.kernel", "fc2.bias", "fc2.kernel"}
    assert set(exports.torch_no_decay(found)) == names
    assert set(exports.torch_no_decay(found, decay="rate")) == {
        "head.bias", "head.kernel", "ln1.bias", "ln1.scale", "ln2.bias", "ln2.scale"}  # fmt: skip
    named = [(exports.short_name(p.name), object()) for p in found.parameters]
    decayed, spared = exports.torch_param_groups(found, named, 0.1)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    assert spared["params"] == [p for n, p in named if n in names]
    assert decayed["params"] == [p for n, p in named if n not in names]
    with pytest.raises(noether_mlir.NoetherError, match="fc9"):
        exports.torch_param_groups(found, [("fc9.weight", object())], 0.1)


@pytest.mark.parametrize(
    ("path", "keys", "short"),
    [
        ("params['fc1']['kernel']", ["params", "fc1", "kernel"], "fc1.kernel"),
        ("state.params['blocks'][0].w", ["state", "params", "blocks", 0, "w"], "blocks.0.w"),
        ("params['fc1.weight']", ["params", "fc1.weight"], "fc1.weight"),
        ("state[0]['bn0']['scale'].value", ["state", 0, "bn0", "scale", "value"], "0.bn0.scale.value"),
        ("w", ["w"], "w"),
    ],
)
def test_paths(path, keys, short):
    assert exports.path_keys(path) == keys and exports.short_name(path) == short


# Permutations and pairs, of reports in the documented form.


def member(parameter, axis, side="direct", **more):
    return {"parameter": parameter, "exponent": "1", "axes": [axis], "side": side, **more}


def report(parameters, *symmetries):
    return Analysis.from_json({
        "schema_version": 1, "tool_version": "", "entry": "main", "source": "", "dimension": {}, "kinetics": [],
        "lints": [], "unknown_operations": [],
        "parameters": [{"name": name, "argument": i, "shape": list(shape), "dtype": "f32"}
                       for i, (name, shape) in enumerate(parameters.items())],
        "symmetries": [{"exact": True, "broken_by": [], "charge": None, "dimension": 0, **s} for s in symmetries],
    })  # fmt: skip


MLP = {"w1": (3, 5), "b1": (5,), "w2": (5, 2), "b2": (2,)}


def test_permutation_spec_applies_as_git_rebasin_does():
    found = report(MLP, {"id": "P1", "family": "permutation", "size": 5, "order": "5!",
                         "members": [member("w1", 1), member("b1", 0), member("w2", 0)]})  # fmt: skip
    spec = exports.permutation_spec(found)
    assert spec["perm_to_axes"] == {"P1": [("w1", 1), ("b1", 0), ("w2", 0)]} and spec["orders"] == {"P1": "5!"}
    assert spec["axes_to_perm"] == {"w1": (None, "P1"), "b1": ("P1",), "w2": ("P1", None), "b2": (None,)}
    rng = np.random.default_rng(0)
    params = {name: rng.standard_normal(shape) for name, shape in MLP.items()}
    perm = {"P1": rng.permutation(5)}
    # As in git re-basin's get_permuted_param and apply_permutation.
    moved = {}
    for name, w in params.items():
        for axis, p in enumerate(spec["axes_to_perm"][name]):
            if p is not None:
                w = np.take(w, perm[p], axis=axis)
        moved[name] = w
    x = rng.standard_normal((4, 3))
    run = lambda p: np.tanh(x @ p["w1"] + p["b1"]) @ p["w2"] + p["b2"]
    np.testing.assert_allclose(run(moved), run(params), rtol=1e-12)


@pytest.mark.parametrize("name", ["mlp_relu_sgd", "mlp_layernorm_sgdm", "cnn_batchnorm_linen_adamw", "gpt_adamw"])
def test_permutation_specs_of_real_steps(name):
    """All permutations at once, as git re-basin applies them, leave the step's own loss alone."""
    path = DUMPS / f"{name}.mlir"
    found = noether_mlir.analyze(path)
    spec = exports.permutation_spec(found)
    assert spec["perm_to_axes"] and not spec["views"]
    program = load_program(path.read_text(), name, found.entry)
    rng = np.random.default_rng(0)
    values = random_arguments(program, index_ranges(program.text, found.entry), rng)
    perms = {}
    for p, axes in spec["perm_to_axes"].items():
        (size,) = {found.parameter(parameter).shape[axis] for parameter, axis in axes}
        perms[p] = np.roll(rng.permutation(size), 1)
    moved = list(values)
    for i, argument in enumerate(program.arguments):
        for axis, p in enumerate(spec["axes_to_perm"].get(argument.name, ())):
            if p is not None:
                moved[i] = np.take(moved[i], perms[p], axis=axis)
    before = program.loss(values)
    assert abs(program.loss(moved) / before - 1) < 1e-13
    wrong = [np.roll(v, 1, axis=0) if a.name == found.parameters[-1].name else v for a, v in zip(program.arguments, moved)]
    assert abs(program.loss(wrong) / before - 1) > 1e-6


def test_permutations_that_the_form_cannot_say_are_left_out():
    heads = {"q": (8, 6), "k": (8, 2, 3)}
    whole = {"id": "P1", "family": "permutation", "size": 2, "order": "2!",
             "members": [member("q", 1, view=[8, 2, 3]), member("k", 1)]}  # fmt: skip
    each = {"id": "P2", "family": "permutation", "size": 3, "order": "(3!)^2", "block_shape": [2],
            "members": [member("q", 2, view=[8, 2, 3], block_axes=[1]), member("k", 2, block_axes=[1])]}  # fmt: skip
    part = {"id": "P3", "family": "permutation", "size": 4, "order": "4!",
            "members": [member("q", 0, view=[8, 6], offsets=[0, 0], sizes=[4, 6])]}  # fmt: skip
    spec = exports.permutation_spec(report(heads, whole, each, part))
    assert set(spec["perm_to_axes"]) == {"P1"} and spec["views"] == {"q": (8, 2, 3)}
    assert spec["axes_to_perm"] == {"q": (None, "P1", None), "k": (None, "P1", None)}


def test_linear_pairs():
    parameters = {"a": (64, 4), "b": (4, 32), "q": (8, 2, 3), "k": (8, 6), "o": (5, 5)}
    lora = {"id": "G1", "family": "general_linear", "size": 4, "dimension": 16,
            "members": [member("a", 1), member("b", 0, "inverse_transpose")]}  # fmt: skip
    heads = {"id": "G2", "family": "general_linear", "size": 3, "block_shape": [2],
             "members": [member("q", 2, block_axes=[1]),
                         member("k", 2, "inverse_transpose", view=[8, 2, 3], block_axes=[1])]}  # fmt: skip
    alone = {"id": "G3", "family": "general_linear", "size": 5, "members": [member("o", 1)]}
    turn = {"id": "G4", "family": "orthogonal", "size": 5, "members": [member("o", 1)]}
    first, second = exports.linear_pairs(report(parameters, lora, heads, alone, turn))
    assert (first.direct, first.inverse, first.rank, first.low_rank) == ((("a", 1),), (("b", 0),), 4, True)
    assert (second.rank, second.blocks, second.low_rank) == (3, (2,), True)


# The command.


def test_command(tmp_path):
    run = lambda *args: CliRunner().invoke(app, ["export", *map(str, args)])
    step = DUMPS / "mlp_layernorm_sgdm.mlir"
    for form in exports.FORMS:
        result = run(step, f"--as={form}")
        assert result.exit_code == 0 and result.stderr == ""
        json.loads(result.stdout)
    mask = json.loads(run(step, "--as=optax-mask", "--decay=rate").stdout)
    assert mask["params"]["fc1"] == {"bias": True, "kernel": True} and not any(mask["params"]["head"].values())
    assert run(step, "--as=optax-mask", "-o", tmp_path / "mask.json").exit_code == 0
    assert json.loads((tmp_path / "mask.json").read_text())["params"]["head"]["kernel"] is True
    assert run(step).exit_code == 2 and run(step, "--as=magic").exit_code == 2
    assert run(tmp_path / "none.mlir", "--as=lora-pairs").exit_code == 1
    with pytest.raises(noether_mlir.NoetherError):
        exports.export(noether_mlir.analyze(step), "magic")
    with pytest.raises(noether_mlir.NoetherError):
        exports.decayed_parameters(noether_mlir.analyze(step), "magic")
