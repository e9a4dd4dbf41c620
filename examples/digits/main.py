# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Symmetries of a real network, their laws, their charges, and the network trained in its adaptive form.

python examples/digits/main.py [--steps 600] [--output demo]
"""

import argparse
import pathlib
import time
from functools import partial

import jax
import jax.numpy as jnp
import model
import noether_mlir
import numpy as np
import picture
import prediction
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

console = Console(highlight=False)


@jax.jit
def rounded(state):
    """The state with every number left, or moved to a neighbour in float32, at random (but reproducibly)."""
    leaves, tree = jax.tree.flatten(state)
    seed = jax.lax.bitcast_convert_type(leaves[0].ravel()[0], jnp.int32)
    keys = jax.random.split(jax.random.key(seed), len(leaves))
    moved = []
    for leaf, key in zip(leaves, keys):
        direction = jax.random.randint(key, leaf.shape, -1, 2).astype(leaf.dtype)
        moved.append(jnp.nextafter(leaf, leaf + direction))
    return jax.tree.unflatten(tree, moved)


def train(title, step, state, *, data, steps, record, progress):
    """Runs `steps` steps and returns the last state and what `record` takes from each."""
    taken, task = [], progress.add_task(title, total=steps, loss="")
    for batch in model.batches(data, steps):
        out, charges = step(*state, batch)
        *state, loss = out
        taken.append(record(state, loss, charges))
        progress.update(task, advance=1, loss=f"loss {float(loss):.4f}")
    return state, jax.tree.map(lambda *leaves: np.stack(leaves), *taken)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("demo"))
    options = parser.parse_args()
    started = time.perf_counter()

    data, held_out = model.digits()
    state = model.initial()
    batch = next(model.batches(data, 1))

    # 1. What the step is blind to, proved from its IR. Nothing is compiled or run.
    analysis = noether_mlir.analyze(model.step, *state, batch)
    console.print(analysis)
    kernels = {
        member.parameter: symmetry.id
        for symmetry in analysis.symmetries
        if symmetry.family == "scale"
        for member in symmetry.members
    }

    # 2. The step as it is, its charges measured on the way; the step on directions and radii; and, to compare with, the
    # step as it is with one more rounding of its state per step.
    def record(state, loss, charges):
        velocity = {name: (state[1][name]["kernel"] ** 2).sum((0, 1, 2)) for name in state[1] if "conv" in name}
        return {"loss": loss, "charges": charges, "squared_velocity": velocity}

    only_loss = lambda state, loss, charges: loss
    copied = jax.tree.map(jnp.copy, state)

    tracked = noether_mlir.jit(model.step, track=True, donate_argnums=(0, 1, 2))
    adaptive = noether_mlir.jit(model.step, rewrite="adaptive", donate_argnums=(0, 1, 2))
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[loss]}"))
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        runs = partial(train, data=data, steps=options.steps, progress=progress)
        last, run = runs("original step, tracked", tracked, copied, record=record)
        noisy = lambda *args: tracked(*rounded(args[:-1]), args[-1])
        _, control = runs("original, rounded once more", noisy, state, record=only_loss)
        rewritten, losses = runs("rewritten step", lambda *args: (adaptive(*args), {}), state, record=only_loss)
    restored = adaptive.restore(*rewritten)

    # 3. What theory says of the charge, from its first value and |v|^2.
    layer = f"conv{len(model.WIDTHS)}"
    charge = run["charges"][kernels[f"params['{layer}']['kernel']"]].charge
    recipe = (model.LEARNING_RATE, model.MOMENTUM, model.WEIGHT_DECAY)
    exact = prediction.recurrence(charge[0], run["squared_velocity"][layer], *recipe)[:-1]
    smooth = prediction.continuous(charge[0], run["squared_velocity"][layer], *recipe)[:-1]
    identity = {}
    for name, symmetry in kernels.items():
        measured = run["charges"][symmetry]
        size = np.sqrt(measured.charge * measured.gradient_norm)
        identity[name] = np.abs(measured.identity) / np.maximum(size, 1e-30)

    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "digits.png"
    picture.draw(
        path,
        title=f"A BatchNorm CNN on handwritten digits, SGD with momentum: layer {layer}, {charge.shape[1]} filters",
        learning_rate=model.LEARNING_RATE,
        charge=charge,
        exact=exact,
        continuous=smooth,
        identity=identity,
        losses=run["loss"],
        rewritten_losses=losses,
        control_losses=control,
    )

    relative = lambda predicted: np.max(np.abs(predicted - charge) / charge)
    console.print(f"\n|w|^2 of {layer} over {options.steps} steps: {charge[0].mean():.3f} -> {charge[-1].mean():.3f}")
    console.print(f"  exact recurrence       off by at most {relative(exact):.1e}")
    console.print(f"  continuous time        off by at most {relative(smooth):.1e}")
    console.print(f"  |<w,g>| / |w||g|       median {max(np.median(v) for v in identity.values()):.1e}")
    for name, other in (("rewritten", losses), ("original, rounded once more", control)):
        gap = np.abs(other / run["loss"] - 1)
        console.print(
            f"loss, {name}: off by {gap[:50].max():.0e} in the first 50 steps, ", end=""
        )
        console.print(f"{gap.max():.0e} in all")
    for name, final in (("original", last), ("rewritten", restored)):
        console.print(f"accuracy on held-out digits, {name}: {model.accuracy(final[0], final[2], held_out):.4f}")
    console.print(f"{path}  ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    main()
