# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Laws and predictions as plots: SVG that takes its colours and its type from the page it stands in."""

import io
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from noether_mlir.analysis import Prediction
from noether_mlir.errors import MissingDependency
from noether_mlir.report.optimizer import LawText, Treatment
from noether_mlir.table.grouping import Group

_SVG = "http://www.w3.org/2000/svg"
_LINK = "http://www.w3.org/1999/xlink"

#: Colours of the page by the stand-ins that the plotting library is given for them.
_COLORS = {
    "#010101": "currentColor",
    "#020202": "var(--soft)",
    "#030303": "var(--hairline)",
    "#040404": "var(--series-1)",
    "#050505": "var(--series-2)",
    "#060606": "var(--series-3)",
    "#070707": "var(--series-4)",
}
_INK, _SOFT, _LINE, *_SERIES = _COLORS


@dataclass(frozen=True)
class Plot:
    """A plot: `svg` as text, what it shows, and the same in words for those who do not see it."""

    svg: str
    title: str
    description: str
    label: str = ""


@contextmanager
def _style(salt: str) -> Iterator[None]:
    try:
        import matplotlib
    except ImportError:
        raise MissingDependency("plots need matplotlib: pip install 'noether-mlir[report]'") from None
    settings: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "axes.edgecolor": _LINE,
        "axes.labelcolor": _SOFT,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": _LINE,
        "grid.linewidth": 0.6,
        "text.color": _INK,
        "xtick.color": _LINE,
        "ytick.color": _LINE,
        "xtick.labelcolor": _SOFT,
        "ytick.labelcolor": _SOFT,
        "font.size": 9,
        "lines.linewidth": 1.8,
        "axes.unicode_minus": True,
    }
    with matplotlib.rc_context(settings):
        yield


def _drawn(draw: Callable[[Any], None], salt: str, width: float = 4.6, height: float = 2.7) -> str:
    """What `draw` draws on axes, as an SVG element for a page."""
    with _style(salt):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), layout="constrained")
        draw(figure.subplots())
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return _for_page(stream.getvalue(), salt)


def _for_page(text: str, salt: str) -> str:
    """The SVG without what the page gives it: size, type, colours; its ids are its own."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _LINK)
    root = ElementTree.fromstring(text)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("aria-hidden", "true")  # the figure has a description
    root.set("focusable", "false")
    for element in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(element)
    for element in root.iter():
        if element.tag == f"{{{_SVG}}}text" or "font" in element.get("style", ""):
            style = re.sub(r"font(-family)?:[^;]*;?", "font-size: 10px;", element.get("style", ""), count=1)
            element.set("style", style)
        for name, value in list(element.attrib.items()):
            if name == "id":
                element.set(name, f"{salt}-{value}")
            elif name == f"{{{_LINK}}}href" and value.startswith("#"):
                del element.attrib[name]
                element.set("href", f"#{salt}-{value[1:]}")
            elif "url(#" in value:
                element.set(name, value.replace("url(#", f"url(#{salt}-"))
    svg = ElementTree.tostring(root, encoding="unicode")
    for stand_in, color in _COLORS.items():
        svg = svg.replace(stand_in, color)
    return svg


def _words(name: str) -> str:
    words = name.replace("_", " ")
    return words if len(words) <= 28 else f"{words[:27]}…"


def _distinct(laws: Sequence[LawText]) -> dict[float, list[str]]:
    """The powers of r that occur, and which hyperparameters have them."""
    found: dict[float, list[str]] = {}
    for law in laws:
        names = found.setdefault(law.exponent, [])
        if _words(law.hyperparameter) not in names:
            names.append(_words(law.hyperparameter))
    return found


def _power(exponent: float) -> str:
    return f"r^{exponent:g}"


def law_plot(treatment: Treatment, salt: str) -> Plot | None:
    """How strongly each hyperparameter acts on the direction of a weight, by its length; None without a law."""
    powers = _distinct(treatment.laws)
    if not powers:
        return None

    def draw(axes: Any) -> None:
        lengths = [10 ** (i / 50 - 1) for i in range(101)]
        for number, (exponent, names) in enumerate(sorted(powers.items())):
            color = _SERIES[number % len(_SERIES)]
            axes.loglog(lengths, [length**exponent for length in lengths], color=color)
            words = ", ".join(names[:2]) + (f" +{len(names) - 2}" if len(names) > 2 else "")
            at = 10.0 if abs(exponent) > 0 else 1.0
            axes.annotate(
                words, (at, at**exponent), textcoords="offset points", xytext=(6, 0), va="center",
                color=color, annotation_clip=False,
            )
        axes.plot([1], [1], "o", color=_INK, markersize=4)
        axes.set_xlabel("length r of the weight")
        axes.set_title("strength, as a multiple of that at r = 1", loc="left", fontsize=9, color=_SOFT)
        axes.set_xlim(0.1, 10)
        ticks = [0.1, 1, 10]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        low, high = min(*powers, 0), max(*powers, 0)
        marks = [10**i for i in range(math.floor(min(low, -high)), math.ceil(max(high, -low)) + 1)]
        axes.set_yticks(marks, [f"{mark:g}" for mark in marks])
        axes.minorticks_off()

    words = "; ".join(f"{', '.join(names)} as {_power(exponent)}" for exponent, names in sorted(powers.items()))
    return Plot(
        _drawn(draw, salt), "How strongly each hyperparameter acts, by the length of the weight",
        f"On logarithmic scales, straight lines: {words}.", "exact",
    )


def _memory(prediction: Prediction) -> tuple[int, float] | None:
    """The power of r whose distance from equilibrium decays exponentially, and its rate per step."""
    forgetting, average = prediction.quantity("rmsprop_forgetting"), prediction.quantity("meta_adaptive_rate")
    if forgetting and forgetting.value:
        return 4, forgetting.value
    if average and average.value is not None and average.value < 1:
        return 2, 1 - average.value
    return None


def relaxed(start: float, power: int, rate: float, time: float) -> float:
    """A length that started at `start`, in units of its equilibrium, where that of its power decays at `rate`."""
    return (1 + (start**power - 1) * math.exp(-rate * time)) ** (1 / power)


def relaxation_plot(group: Group, salt: str) -> Plot | None:
    """How the length of a scale-invariant weight comes to its equilibrium; None where that is not predicted."""
    prediction = group.kinetics[0].prediction if group.kinetics else None
    memory = _memory(prediction) if prediction else None
    if prediction is None or memory is None or not 0 < memory[1] < 1:
        return None
    power, rate = memory
    steps = 6 / rate * power / 2
    norm = prediction.equilibrium_norm

    def draw(axes: Any) -> None:
        times = [steps * i / 120 for i in range(121)]
        axes.axhline(1, color=_SOFT, linewidth=1, linestyle=(0, (3, 3)))
        for start, color in ((3, _SERIES[0]), (1.5, _SERIES[1]), (0.25, _SERIES[2])):
            axes.plot(times, [relaxed(start, power, rate, time) for time in times], color=color)
        axes.set_xlim(0, steps)
        axes.set_ylim(0, 3.2)
        axes.set_xlabel("step")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        title = "length, in units of its equilibrium" + (f" {norm:.3g}" if norm else "")
        axes.set_title(title, loc="left", fontsize=9, color=_SOFT)
        axes.locator_params(axis="x", nbins=5)

    target = f"the length {norm:.4g}" if norm else "an equilibrium"
    return Plot(
        _drawn(draw, salt), f"How the length of {group.first.id} finds its equilibrium",
        f"From any start the length goes to {target}; the distance of r to the power {power} from there shrinks by"
        f" {rate:.3g} per step.",
        "leading order",
    )


def length_plot(groups: Sequence[Group], salt: str) -> Plot | None:
    """The lengths at which weights come to rest, where these are predicted and differ; else None."""
    found: dict[str, float] = {}
    for group in groups:
        for symmetry, kinetics in zip(group.symmetries, group.kinetics):
            prediction = kinetics.prediction
            if prediction and prediction.rotation_per_step and prediction.equilibrium_norm:
                found[symmetry.id] = prediction.equilibrium_norm
    if len({round(math.log(value), 6) for value in found.values()}) < 2:
        return None
    shown = sorted(found.items(), key=lambda item: item[1])
    shown = shown if len(shown) <= 16 else [shown[round(i * (len(shown) - 1) / 15)] for i in range(16)]

    def draw(axes: Any) -> None:
        places = range(len(shown))
        axes.hlines(places, 0, [value for _, value in shown], color=_LINE, linewidth=1)
        axes.plot([value for _, value in shown], places, "o", color=_SERIES[0], markersize=5)
        axes.set_yticks(places, [name for name, _ in shown])
        axes.set_xlim(0, None)
        axes.grid(False)
        axes.set_title("length r at equilibrium", loc="left", fontsize=9, color=_SOFT)

    words = ", ".join(f"{name} {value:.3g}" for name, value in shown)
    svg = _drawn(draw, salt, height=1 + 0.2 * len(shown))
    return Plot(svg, "Where lengths come to rest", f"{words}.", "leading order")


def plots(groups: Sequence[Group], treated: Sequence[Treatment]) -> list[Plot]:
    """The plots of a report: each law once, relaxations of the first groups, lengths at equilibrium."""
    found: list[Plot | None] = []
    seen: set[tuple] = set()
    for treatment in treated:
        powers = tuple(sorted((power, tuple(names)) for power, names in _distinct(treatment.laws).items()))
        if powers and powers not in seen and len(seen) < 3:
            seen.add(powers)
            found.append(law_plot(treatment, f"law{len(seen)}"))
    rates: set[tuple] = set()
    for group in groups:
        prediction = group.kinetics[0].prediction if group.kinetics else None
        memory = _memory(prediction) if prediction else None
        if memory and memory not in rates and len(rates) < 2:
            rates.add(memory)
            found.append(relaxation_plot(group, f"relaxation{len(rates)}"))
    found.append(length_plot(groups, "lengths"))
    return [plot for plot in found if plot]
