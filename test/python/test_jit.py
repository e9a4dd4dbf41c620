# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether_mlir.jit` as a stand-in for `jax.jit`: results, structure, donation, static arguments, charges, `Polar`.

The compiler's part is replaced here by rewrites made by hand, so that what is tested is the host's part.
"""

import functools
import os
import pathlib
import subprocess
import sys

import jax
import jax.numpy as jnp
import noether_mlir
import numpy as np
import pytest
from noether_mlir import Polar
from noether_mlir.jitted import JittedStep
from noether_mlir.lowering import lower_to_text
from noether_mlir.primitive import ModuleFunction, call, ir, mlir


def loss_of(params, batch):
    unit = params["w"] / jnp.sqrt(jnp.sum(params["w"] ** 2))
    return jnp.mean((batch["x"] @ unit + params["b"] - batch["y"]) ** 2)


def step(params, momentum, batch):
    """Heavy ball with weight decay; w is scale-invariant, b is not."""
    loss, grads = jax.value_and_grad(loss_of)(params, batch)
    momentum = jax.tree.map(lambda m, g, w: 0.9 * m + g + 0.01 * w, momentum, grads, params)
    return jax.tree.map(lambda w, m: w - 0.1 * m, params, momentum), momentum, {"loss": loss}


def adapted(b, w, mb, mw, x, y, r):
    """The same step on w = r u, momentum = m / r."""
    loss, grads = jax.value_and_grad(loss_of)({"b": b, "w": w}, {"x": x, "y": y})
    mb = 0.9 * mb + grads["b"] + 0.01 * b
    mw = 0.9 * mw + grads["w"] + 0.01 * r * r * w
    z = w - 0.1 / r**2 * mw
    length = jnp.sqrt(jnp.sum(z * z))
    return b - 0.1 * mb, z / length, mb, mw * length, loss, r * length


def to_adapted(b, w, mb, mw, x, y):
    r = jnp.sqrt(jnp.sum(w * w))
    return b, w / r, mb, mw * r, x, y, r


def from_adapted(b, w, mb, mw, x, y, r):
    return b, w * r, mb, mw / r, x, y


def arguments(seed=0):
    rng = np.random.default_rng(seed)
    params = {"w": jnp.asarray(rng.normal(size=5)), "b": jnp.asarray(0.5)}
    batch = {"x": jnp.asarray(rng.normal(size=(16, 5))), "y": jnp.asarray(rng.normal(size=16))}
    return params, jax.tree.map(jnp.zeros_like, params), batch


def module_text(functions, attributes=None, arguments=(), results=()):
    """A module with the given (function, arguments) by name, as the compiler would hand it back."""
    with mlir.make_ir_context(), ir.Location.unknown():
        whole = None
        for name, (function, args) in functions.items():
            part = ir.Module.parse(lower_to_text(function, args).text)
            entry = next(op for op in part.body.operations if op.attributes["sym_name"].value == "main")
            entry.attributes["sym_name"] = ir.StringAttr.get(name)
            if name == "main":
                for key, value in (attributes or {}).items():
                    entry.attributes[key] = ir.Attribute.parse(value)
                if arguments:
                    entry.attributes["arg_attrs"] = ir.Attribute.parse(f"[{', '.join(arguments)}]")
                if results:
                    entry.attributes["res_attrs"] = ir.Attribute.parse(f"[{', '.join(results)}]")
            if whole is None:
                whole = part
            else:
                for op in list(part.body.operations):
                    whole.body.append(op)
        return whole.operation.get_asm(print_generic_op_form=True, enable_debug_info=True)


@pytest.fixture
def identity(monkeypatch):
    """A compiler that changes nothing; counts its runs."""
    runs = []
    monkeypatch.setattr(JittedStep, "_run_compiler", lambda self, text: runs.append(text) or text)
    return runs


@pytest.fixture
def rewriting(monkeypatch):
    params, momentum, batch = arguments()
    leaves = (params["b"], params["w"], momentum["b"], momentum["w"], batch["x"], batch["y"])
    r = jnp.asarray(1.0)
    block = '[{symmetry = "S1", argument = 6 : i64, result = 5 : i64, parameters = [1], states = [3]}]'
    carried = [f"{{noether.carried_to = {result} : i64}}" for result in range(4)]
    text = module_text(
        {
            "main": (adapted, (*leaves, r)),
            "noether_adapt": (to_adapted, leaves),
            "noether_restore": (from_adapted, (*leaves, r)),
        },
        attributes={"noether.adaptive": block},
        arguments=[*carried, "{}", "{}", '{noether.name = "radius.S1", noether.role = "state"}'],
    )
    monkeypatch.setattr(JittedStep, "_run_compiler", lambda self, _: text)


@pytest.fixture
def tracking(monkeypatch):
    def tracked(b, w, mb, mw, x, y):
        params, momentum = {"b": b, "w": w}, {"b": mb, "w": mw}
        batch = {"x": x, "y": y}
        new, momentum, metrics = step(params, momentum, batch)
        g = jax.grad(loss_of)(params, batch)["w"]
        charges = (jnp.sum(w * w), jnp.sum(w * g), jnp.sum(g * g), jnp.sum(new["w"] ** 2))
        return new["b"], new["w"], momentum["b"], momentum["w"], metrics["loss"], *charges

    params, momentum, batch = arguments()
    leaves = (params["b"], params["w"], momentum["b"], momentum["w"], batch["x"], batch["y"])
    quantities = ("charge", "identity", "gradient_norm", "next_charge")
    results = ["{}"] * 5 + [f'{{noether.name = "S1.{name}", noether.role = "charge"}}' for name in quantities]
    text = module_text({"main": (tracked, leaves)}, results=results)
    monkeypatch.setattr(JittedStep, "_run_compiler", lambda self, _: text)


def same(left, right):
    assert jax.tree.structure(left) == jax.tree.structure(right)
    jax.tree.map(np.testing.assert_array_equal, left, right)


def copied(args):
    return jax.tree.map(lambda leaf: jnp.array(leaf, copy=True), args)


def test_returns_what_the_step_returns(identity):
    args = arguments()
    same(noether_mlir.jit(step)(*args), jax.jit(step)(*args))


def test_keeps_donation(identity):
    args = copied(arguments())
    jitted = noether_mlir.jit(step, donate_argnums=(0, 1))
    assert "tf.aliasing_output" in jitted.lower(*args).as_text()
    jitted(*args)
    assert all(leaf.is_deleted() for leaf in jax.tree.leaves(args[:2]))
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves(args[2]))


def test_compiles_once_per_signature(identity):
    jitted = noether_mlir.jit(step)
    params, momentum, batch = arguments()
    for _ in range(3):
        params, momentum, _ = jitted(params, momentum, batch)
    assert len(identity) == 1
    jitted(params, momentum, jax.tree.map(lambda leaf: leaf[:8], batch))
    assert len(identity) == 2


def test_static_and_keyword_arguments(identity):
    def scaled(params, power, *, batch, train):
        assert power == 2 and train is True
        return jax.tree.map(lambda leaf: leaf * power, params), batch["x"].sum()

    jitted = noether_mlir.jit(scaled, static_argnums=1, static_argnames="train")
    params, _, batch = arguments()
    same(jitted(params, 2, batch=batch, train=True), scaled(params, 2, batch=batch, train=True))


def test_typed_keys_and_python_scalars(identity):
    def noisy(params, key, rate):
        noise = jax.random.normal(key, params.shape)
        return params - rate * noise, jax.random.split(key)[0], jnp.sum(params)

    args = (jnp.ones(4), jax.random.key(0), 0.5)
    ours, theirs = noether_mlir.jit(noisy)(*args), jax.jit(noisy)(*args)
    same((ours[0], ours[2]), (theirs[0], theirs[2]))
    assert ours[1].dtype == theirs[1].dtype
    same(jax.random.key_data(ours[1]), jax.random.key_data(theirs[1]))
    assert ours[0].weak_type == theirs[0].weak_type


def test_decorator_and_jitted_function(identity):
    args = arguments()

    @noether_mlir.jit(donate_argnums=())
    def decorated(*args):
        return step(*args)

    same(decorated(*args), jax.jit(step)(*args))
    same(noether_mlir.jit(jax.jit(step))(*args), jax.jit(step)(*args))
    assert decorated.__name__ == "decorated"
    partial = noether_mlir.jit(functools.partial(step, arguments()[0]))
    assert "jit_step" in partial.lower(*args[1:]).as_text()
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-14), partial(*args[1:]), jax.jit(step)(*args))
    same(noether_mlir.jit(partial)(*args[1:]), partial(*args[1:]))


def test_inside_another_jit_and_scan(identity):
    jitted = noether_mlir.jit(step)
    params, momentum, batch = arguments()

    def body(carry, _):
        params, momentum, metrics = jitted(*carry, batch)
        return (params, momentum), metrics["loss"]

    (last, _), losses = jax.jit(lambda *carry: jax.lax.scan(body, carry, length=3))(params, momentum)
    for _ in range(3):
        params, momentum, metrics = jax.jit(step)(params, momentum, batch)
    np.testing.assert_allclose(last["w"], params["w"], rtol=1e-14)
    assert losses.shape == (3,) and np.isclose(losses[-1], metrics["loss"])


def test_eight_devices(identity, tmp_path):
    """Shardings of arguments and results are those that `jax.jit` gives. In a process of its own, for the devices."""
    script = tmp_path / "devices.py"
    script.write_text(
        """
import os
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import jax, jax.numpy as jnp, numpy as np, noether_mlir
from jax.sharding import AxisType, NamedSharding, PartitionSpec as P
from noether_mlir.jitted import JittedStep
JittedStep._run_compiler = lambda self, text: text

def step(params, batch):
    loss = lambda params: jnp.mean((jnp.tanh(batch @ params["w1"]) @ params["w2"]) ** 2)
    value, grads = jax.value_and_grad(loss)(params)
    return jax.tree.map(lambda w, g: w - 0.1 * g, params, grads), value

def local(params, batch):
    params, value = step(params, batch)
    return jax.lax.pmean((params, value), "data")

for kind in (AxisType.Auto, AxisType.Explicit):
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(kind, kind))
    rng = np.random.default_rng(0)
    put = lambda shape, *spec: jax.device_put(jnp.asarray(rng.normal(size=shape), jnp.float32),
                                              NamedSharding(mesh, P(*spec)))
    split = "model" if kind is AxisType.Auto else None
    params = {"w1": put((6, 8), None, split), "w2": put((8, 4), split)}
    batch = put((16, 6), "data")
    with jax.set_mesh(mesh):
        steps = [step]
        if kind is AxisType.Auto:
            steps.append(jax.shard_map(local, mesh=mesh, in_specs=(P(), P("data")), out_specs=P(), check_vma=False))
        for one in steps:
            ours = noether_mlir.jit(one, donate_argnums=0)(jax.tree.map(jnp.copy, params), batch)
            theirs = jax.jit(one)(params, batch)
            for a, b in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs)):
                assert a.sharding.is_equivalent_to(b.sharding, a.ndim), (a.sharding, b.sharding)
                np.testing.assert_allclose(a, b, rtol=1e-6)
print("fine")
"""
    )
    python = str(pathlib.Path(noether_mlir.__file__).parent.parent)
    environment = {**os.environ, "PYTHONPATH": python, "JAX_PLATFORMS": "cpu"}
    run = subprocess.run([sys.executable, script], env=environment, capture_output=True, text=True)
    assert run.stdout == "fine\n", run.stderr


def test_charges_are_returned(tracking):
    args = arguments()
    out, charges = noether_mlir.jit(step, track=True)(*args)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-13), out, jax.jit(step)(*args))
    assert set(charges) == {"S1"}
    w = np.asarray(args[0]["w"])
    np.testing.assert_allclose(charges["S1"].charge, w @ w, rtol=1e-13)
    np.testing.assert_allclose(charges["S1"].next_charge, np.sum(np.asarray(out[0]["w"]) ** 2), rtol=1e-13)
    assert abs(charges["S1"].identity) < 1e-14 * np.sqrt(w @ w * charges["S1"].gradient_norm)


def test_charges_as_an_attribute(tracking):
    args = arguments()
    jitted = noether_mlir.jit(step, track=True, charges="attribute")
    same(jax.tree.structure(jitted(*args)), jax.tree.structure(step(*args)))
    np.testing.assert_allclose(jitted.charges["S1"].charge, jnp.sum(args[0]["w"] ** 2))


@pytest.mark.parametrize("donate", [(), (0, 1)])
def test_adaptive_follows_the_original(rewriting, donate):
    jitted, original = noether_mlir.jit(step, rewrite="adaptive", donate_argnums=donate), jax.jit(step)
    params, momentum, batch = arguments()
    state, reference = copied((params, momentum)), (params, momentum)
    for _ in range(20):
        *state, metrics = jitted(*state, batch)
        *reference, expected = original(*reference, batch)
        np.testing.assert_allclose(metrics["loss"], expected["loss"], rtol=1e-12)
    polar = state[0]["w"]
    assert isinstance(polar, Polar) and polar.shape == (5,) and set(polar.radius) == {"S1"}
    np.testing.assert_allclose(jnp.linalg.norm(polar.direction), 1, rtol=1e-14)
    np.testing.assert_allclose(polar.radius["S1"], jnp.linalg.norm(reference[0]["w"]), rtol=1e-12)
    restored = noether_mlir.restore(jitted, *state, batch)
    same(jitted.restore(*state), restored[:2])
    close = functools.partial(np.testing.assert_allclose, rtol=1e-11)
    jax.tree.map(close, list(restored[:2]), list(reference))


def test_adapt_and_restore_are_inverse(rewriting):
    jitted = noether_mlir.jit(step, rewrite="adaptive")
    args = arguments()
    once = noether_mlir.adapt(jitted, *args)
    assert isinstance(once[0]["w"], Polar) and not isinstance(once[0]["b"], Polar)
    same(jitted.adapt(*once), once)
    back = jitted.restore(*once)
    same(jitted.restore(*back), back)
    jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-15), back, args)


def test_polar_is_a_good_node(rewriting):
    jitted = noether_mlir.jit(step, rewrite="adaptive")
    params, momentum, batch = jitted.adapt(*arguments())
    host = jax.tree.map(np.asarray, params)
    paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
    assert paths == ["['b']", "['w'].direction", "['w'].radius['S1']"]
    same(jitted(host, momentum, batch), jitted(params, momentum, batch))
    jitted.lower(params, momentum, batch)
    jitted.lower(*arguments())


def test_half_adapted_arguments_are_refused(rewriting):
    jitted = noether_mlir.jit(step, rewrite="adaptive")
    params, momentum, batch = jitted.adapt(*arguments())
    momentum["w"], params["w"] = Polar(momentum["w"], {"S1": 1.0}), params["w"].direction
    with pytest.raises(noether_mlir.NoetherError, match="not in adaptive form"):
        jitted(params, momentum, batch)


def test_unknown_options_are_refused():
    for options in ({"rewrite": "fast"}, {"eps": 1e-5}, {"charges": "both"}):
        with pytest.raises(noether_mlir.NoetherError, match="unknown"):
            noether_mlir.jit(step, **options)
    with pytest.raises(noether_mlir.NoetherError, match="must be a function"):
        noether_mlir.jit(3)
    with pytest.raises(noether_mlir.NoetherError, match="adaptive"):
        noether_mlir.adapt(jax.jit(step))
    with pytest.raises(noether_mlir.UnsupportedStep, match="in_shardings"):
        noether_mlir.jit(step, rewrite="adaptive", in_shardings=())


def test_host_callbacks_are_kept(identity, capfd):
    """Two different callbacks, in a step that is called beside another function with a callback of its own."""
    seen = []

    def chatty(params, batch):
        jax.debug.print("sum {x}", x=params.sum())
        jax.debug.callback(lambda x: seen.append(float(x)), batch.sum())
        doubled = jax.pure_callback(lambda x: np.asarray(2 * x), jax.ShapeDtypeStruct((3,), params.dtype), params)
        return params - 0.1 * batch, doubled.sum()

    jitted = noether_mlir.jit(chatty)

    def outer(params, batch):
        jax.debug.print("outer {x}", x=batch[0])
        return jitted(params, batch)

    for _ in range(2):
        params, doubled = jax.jit(outer)(jnp.ones(3), jnp.full(3, 4.0))
    jax.block_until_ready(params)
    jax.effects_barrier()
    assert doubled == 6.0 and seen == [12.0, 12.0]
    out = capfd.readouterr().out
    assert out.count("sum 3.0") == 2 and out.count("outer 4.0") == 2


def test_ordered_effects_are_refused(identity):
    def chatty(params, batch):
        jax.debug.print("loss {x}", x=params.sum(), ordered=True)
        return params - 0.1 * batch, params.sum()

    with pytest.raises(noether_mlir.UnsupportedStep, match="ordered"):
        noether_mlir.jit(chatty)(jnp.ones(3), jnp.ones(3))


def test_unknown_callbacks_are_refused():
    module = ModuleFunction('call_target_name = "xla_ffi_python_gpu_callback"', "main", None)
    with pytest.raises(noether_mlir.UnsupportedStep, match="calls back into Python"):
        call(module, (), (), "step")


def test_modules_are_compared_by_content():
    args = (jnp.ones(3), jnp.ones(3))
    one, two = (ModuleFunction(lower_to_text(lambda x, y: (x + y, x.sum()), args).text) for _ in range(2))
    assert one == two and hash(one) == hash(two) and one != ModuleFunction(one.text, "other")
    assert [aval.shape for aval in one.signature.results] == [(3,), ()]
    with pytest.raises(noether_mlir.NoetherError, match="no function @other"):
        _ = ModuleFunction(one.text, "other").signature
    with pytest.raises(noether_mlir.NoetherError, match="does not parse"):
        _ = ModuleFunction("not mlir").signature
