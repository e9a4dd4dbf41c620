# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The picture of the demonstration: four panels."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

BLUE, ORANGE, GREEN, GREY = "#1f5fa8", "#d9822b", "#3a8f5c", "#8a8a8a"


def draw(path, *, title, learning_rate, charge, exact, continuous, identity, losses, rewritten_losses, control_losses):
    """Writes the picture.

    Args:
        charge: the tracked |w|^2 of one layer's filters before each step, [steps, filters].
        exact, continuous: the same as predicted from its first value, [steps, filters].
        identity: for each symmetry, |<w, g>| / (|w| |g|) per step, its median and its maximum over filters.
        losses, rewritten_losses, control_losses: training loss per step of the original step, of the rewritten one, and
            of the original with its state rounded once more per step.
    """
    plt.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10})
    figure, ((a, b), (c, d)) = plt.subplots(2, 2, figsize=(10.5, 7), layout="constrained")
    figure.suptitle(title)
    steps = np.arange(len(charge))

    shown = np.argsort(charge[-1])[:: max(1, charge.shape[1] // 5)][:5]
    for number, filter in enumerate(shown):
        label = ["measured in the step", "predicted, exact in discrete time", "predicted, continuous time"]
        label = label if number == 0 else [None] * 3
        a.plot(steps, charge[:, filter], color=BLUE, lw=3, alpha=0.35, label=label[0])
        a.plot(steps, exact[:, filter], color=BLUE, lw=1, label=label[1])
        a.plot(steps, continuous[:, filter], color=ORANGE, lw=1, ls="--", label=label[2])
    error = np.max(np.abs(exact - charge) / charge)
    a.set(title=f"Noether charge |w|² of five filters (exact prediction: off by {error:.0e})", xlabel="step")
    a.legend(frameon=False)

    effective = learning_rate / charge
    b.fill_between(steps, effective.min(1), effective.max(1), color=GREEN, alpha=0.2, lw=0, label="all filters")
    b.plot(steps, np.median(effective, axis=1), color=GREEN, label="median filter")
    b.axhline(learning_rate, color=GREY, ls=":", label="η, as it stands in the program")
    b.set(title="Learning rate of the directions: η / r²", xlabel="step", yscale="log")
    b.legend(frameon=False)

    for (name, values), color in zip(identity.items(), (BLUE, ORANGE, GREEN, GREY)):
        c.plot(steps, np.maximum(np.median(values, axis=1), 1e-12), color=color, lw=1, label=name)
    c.axhline(np.finfo(np.float32).eps, color=GREY, ls=":", label="rounding of one float32 operation")
    c.set(
        title="Noether identity |⟨w, g⟩| / |w||g|, median over filters",
        xlabel="step",
        yscale="log",
        ylim=(1e-10, 1),
    )
    c.legend(frameon=False)

    d.plot(losses, color=BLUE, lw=3, alpha=0.35, label="original: w, η, weight decay")
    d.plot(control_losses, color=GREY, lw=1, ls=":", label="original, state rounded once more per step")
    d.plot(rewritten_losses, color=ORANGE, lw=1, label="rewritten: directions and radii")
    d.set(title="Training loss", xlabel="step", yscale="log")
    d.legend(frameon=False)
    figure.savefig(path, dpi=130)
    plt.close(figure)
