# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a report says, whatever it is asked about: sentences, the drawing, quoted lines, hostile names."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from noether_mlir.analysis import Analysis
from noether_mlir.report import to_html, to_markdown, to_notebook
from noether_mlir.report.drawing import draw
from noether_mlir.report.optimizer import law_texts, mathematics
from noether_mlir.report.order import first_uses
from noether_mlir.report.page import page_of
from noether_mlir.report.plots import relaxed
from noether_mlir.report.quoting import Sources
from noether_mlir.report.sentences import plain, sentence
from noether_mlir.table.grouping import group
from noether_mlir.table.labels import Labels

REPLY = Path(__file__).parent.parent / "data" / "analysis.json"


def analysis(symmetries=(), shapes=None, **more):
    """An analysis with these symmetries: (family, block shape, [(parameter, exponent, axes, side)])."""
    shapes = shapes or {"a": [4, 8], "b": [8, 4]}
    described = [
        {"id": f"S{number + 1}", "family": family, "dimension": 8, "exact": True, "broken_by": [], "block_shape": block,
         "members": [{"parameter": p, "exponent": e, "axes": a, "side": side} for p, e, a, side in members]}
        for number, (family, block, members) in enumerate(symmetries)
    ]
    parameters = [
        {"name": name, "argument": number, "shape": shape,
         "symmetries": [item["id"] for item in described if any(m["parameter"] == name for m in item["members"])]}
        for number, (name, shape) in enumerate(shapes.items())
    ]
    return Analysis.from_json({"schema_version": 1, "parameters": parameters, "symmetries": described, **more})


@pytest.mark.parametrize(
    ("symmetry", "words"),
    [
        (("scale", [], [("a", "1", [], None)]), "Multiply a by c."),
        (("scale", [8], [("a", "1", [1], None)]), "Multiply a by c, one c for each of 8 indices (axis 1 of a)."),
        (("rescale", [8], [("a", "1", [1], None), ("b", "-1", [0], None)]),
         "Multiply a by c, divide b by c, one c for each of 8 indices (axis 1 of a)."),
        (("rescale", [], [("a", "2", [], None), ("b", "-1/2", [], None)]), "Multiply a by c², divide b by c¹ᐟ²."),
        (("translation", [4], [("a", "1", [0], None), ("b", "-1", [1], None)]),
         "Add t to a, subtract t from b, one t for each of 4 indices (axis 0 of a)."),
        (("general_linear", [], [("a", "0", [1], "direct"), ("b", "0", [0], "inverse_transpose")]),
         "Multiply a by an invertible matrix M of size 8, and b by M⁻ᵀ."),
        (("permutation", [], [("a", "0", [1], "direct"), ("b", "0", [0], "direct")]),
         "Reorder the 8 indices of a and b alike."),
    ],
)
def test_sentences(symmetry, words):
    made = analysis([symmetry])
    label = Labels(["a", "b"])
    (found,) = group(made, label)
    assert plain(sentence(found, label, {"a": 2, "b": 2})) == words


def test_parts_are_called_parts():
    """A third of a fused weight moves: it must not be said that all of it does."""
    part = {"view": [4, 3, 8], "offsets": [0, 1, 0], "sizes": [4, 1, 8]}
    data = json.loads(analysis([("rescale", [8], [("a", "1", [2], None), ("b", "-1", [0], None)])],
                               {"a": [4, 24], "b": [8, 4]}).json())
    data["symmetries"][0]["members"][0].update(part)
    made = Analysis.from_json(data)
    label = Labels(["a", "b"])
    (found,) = group(made, label)
    words = "Multiply part of a by c, divide b by c, one c for each of 8 indices."
    assert plain(sentence(found, label, {"a": 2, "b": 2})) == words


def test_formulas():
    assert mathematics("eta_eff = eta / r^2") == "η_eff = η / r²"
    assert mathematics("lambda * r^-1") == "λ · r⁻¹"
    assert mathematics("theta and beta1") == "theta and beta1"  # words that only contain such names


@pytest.mark.parametrize("normalized", [False, True])
def test_relaxation_is_what_happens(normalized):
    """The curve of the plot against a run: noise of length |g| = 1/r (or updates of length 1), decay, no momentum."""
    rng, size, rate, decay = np.random.default_rng(0), 400, 0.05, 0.02
    power, forgetting = (2, 2 * rate * decay) if normalized else (4, 4 * rate * decay)
    rest = (rate / (2 * decay)) ** (0.5 if normalized else 0.25)
    for start in (2.0, 0.5):
        w = rng.normal(size=size)
        w *= start * rest / np.linalg.norm(w)
        for time in range(1, 601):
            g = rng.normal(size=size)
            g -= w * (g @ w) / (w @ w)
            g /= np.linalg.norm(g) * (1 if normalized else np.linalg.norm(w))
            w = (1 - rate * decay) * w - rate * g
            if time % 150 == 0:
                predicted = rest * relaxed(start, power, forgetting, time)
                assert abs(np.linalg.norm(w) / predicted - 1) < 0.02, (start, time)


def test_lines_of_laws_are_the_laws(analysed):
    """The exponent that is drawn is that of the text."""
    laws = law_texts([law for kinetics in analysed[0].kinetics for law in kinetics.laws])
    assert laws
    for law in laws:
        text = law.acts_as.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-"))
        size = float(text.rpartition("r")[2] or 1)
        assert law.exponent == (-size if "/" in text else size), law


def test_nothing_is_said_of_what_is_not_followed():
    """Of an update that was not followed it is not said that it breaks the symmetry."""
    kinetics = [{"symmetry": "S1", "equivariant": False, "ksb": False, "laws": [], "states": [],
                 "breaks": [{"op": "stablehlo.dot", "location": None, "why": "how the update moves is not followed"}]}]
    expected = {"scale": "No scaling of the hyperparameters was found", "general_linear": "is not proved"}
    for family, words in expected.items():
        side = None if family == "scale" else "direct"
        made = analysis([(family, [], [("a", "1", [1], side)])], kinetics=kinetics)
        ((_, treatment),) = page_of(made, with_plots=False).treatments
        assert words in treatment.verdict and "breaks" not in treatment.verdict


def test_lanes_do_not_cross():
    """Lanes that share a column do not overlap; each goes from its first member to its last."""
    names = [f"w{letter}" for letter in "abcdefgh"]
    pairs = [("a", "b"), ("b", "c"), ("a", "h"), ("d", "e"), ("f", "h")]
    made = analysis(
        [("rescale", [], [(f"w{x}", "1", [], None), (f"w{y}", "-1", [], None)]) for x, y in pairs],
        {name: [4, 4] for name in names},
    )
    label = Labels(names)
    drawing = draw(made, group(made, label), label, {})
    taken = {}
    for number, row in enumerate(drawing.rows):
        columns = [strand.column for strand in row.strands]
        assert len(columns) == len(set(columns)) and all(column < drawing.columns for column in columns)
        for strand in row.strands:
            taken.setdefault(strand.group, []).append((number, strand.column, strand.up, strand.down, strand.mark))
    for strands in taken.values():
        rows = [number for number, *_ in strands]
        assert rows == list(range(rows[0], rows[-1] + 1)) and len({column for _, column, *_ in strands}) == 1
        assert not strands[0][2] and not strands[-1][3] and all(up for _, _, up, _, _ in strands[1:])
        assert strands[0][4] and strands[-1][4]


def test_layers_are_one_row_only_if_they_move_alike():
    names = [f"layer.{i}.{name}" for i in range(3) for name in ("up", "down")]
    made = analysis(
        [("rescale", [8], [(f"layer.{i}.up", "1", [1], None), (f"layer.{i}.down", "-1", [0], None)]) for i in (0, 1)],
        {name: [4, 8] if name.endswith("up") else [8, 4] for name in names},
    )
    label = Labels(names)
    rows = [row for row in draw(made, group(made, label), label, {}).rows if row.parameters]
    assert sorted(tuple(parameter.name for parameter in row.parameters) for row in rows) == [
        ("layer.0.down", "layer.1.down"), ("layer.0.up", "layer.1.up"), ("layer.2.down",), ("layer.2.up",)]


def test_order_of_use():
    text = """
  "func.func"() <{function_type = (f32) -> f32, sym_name = "main"}> ({
  ^bb0(%arg0: f32 loc("a"), %arg1: f32 loc("b"), %arg2: f32 loc("c"), %arg3: f32 loc("d")):
    %0 = "stablehlo.negate"(%arg2) : (f32) -> f32
    %1 = "func.call"(%arg0, %0, %arg1) <{callee = @inner}> : (f32, f32, f32) -> f32
  }) : () -> ()
  "func.func"() <{function_type = (f32) -> f32, sym_name = "inner"}> ({
  ^bb0(%arg0: f32 loc("a"), %arg1: f32 loc("b"), %arg2: f32 loc("c")):
    %0 = "stablehlo.add"(%arg2, %arg0) : (f32, f32) -> f32
  }) : () -> ()
"""
    assert first_uses(text, "main") == {2: 0, 1: 1, 0: 2}
    assert first_uses(b"ML\xefR", "main") == {} and first_uses("", "main") == {}
    recursive = text.replace('sym_name = "inner"', 'sym_name = "other"').replace("@inner", "@main")
    assert set(first_uses(recursive, "main")) == {0, 1, 2}


def test_only_sources_are_quoted(tmp_path, monkeypatch):
    """Locations come from the input: they must not make a report quote any file of the machine."""
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    Path("model.py").write_text("import this\n  x = y  \n")
    Path("secret.txt").write_text("password\n")
    (tmp_path / "outside.py").write_text("private\n")
    sources = Sources()
    assert sources.line("model.py:2:5") == "x = y" and sources.line('"model.py":1') == "import this"
    assert sources.line("model.py:99") == "" and sources.line("") == "" and sources.line("nowhere.py:1") == ""
    for location in ("secret.txt:1", "../outside.py:1", f"{tmp_path}/outside.py:1", "/etc/passwd:1"):
        assert sources.line(location) == ""
    Path("link.py").symlink_to(tmp_path / "outside.py")
    assert sources.line("link.py:1") == ""


HOSTILE = "</style></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'`|{{7*7}}"


class _Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.handlers = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.handlers += [name for name, _ in attributes if name.startswith("on")]


def hostile():
    """An analysis in which every text is an attack."""
    def poison(value, key=""):
        if isinstance(value, dict):
            return {name: poison(item, name) for name, item in value.items()}
        if isinstance(value, list):
            return [poison(item, key) for item in value]
        fixed = ("family", "id", "symmetries", "symmetry", "severity", "invariant_unit", "label", "side", "code")
        if isinstance(value, str) and key not in fixed and not re.fullmatch(r"-?\d+(/\d+)?", value):
            return value + HOSTILE
        return value

    return Analysis.from_json(poison(json.loads(REPLY.read_text())))


def test_hostile_text_stays_text():
    clean = Analysis.from_json(json.loads(REPLY.read_text()))
    for make in (to_html, to_notebook):
        attacked, plain_page = _Tags(make(hostile())), _Tags(make(clean))
        assert attacked.handlers == [] and "img" not in attacked.tags
        assert attacked.tags.count("script") == plain_page.tags.count("script")
        assert "{{7*7}}" in make(hostile())  # not evaluated


def test_hostile_text_in_markdown():
    text = to_markdown(hostile())
    from markdown_it import MarkdownIt

    tags = _Tags(MarkdownIt("commonmark", {"html": True}).enable("table").render(text)).tags
    assert "script" not in tags and "img" not in tags
    for table in re.findall(r"(?m)(?:^\|.*\n)+", text):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


def test_ids_are_unique_and_links_lead_somewhere(analysed):
    class Links(HTMLParser):
        ids, targets = [], []

        def handle_starttag(self, tag, attributes):
            found = dict(attributes)
            if "id" in found:
                self.ids.append(found["id"])
            href = found.get("href") or ""
            if href.startswith("#"):
                self.targets.append(href[1:])
            for value in found.values():
                self.targets += re.findall(r"url\(#([^)]+)\)", value or "")

    links = Links()
    links.feed(to_html(*analysed))
    assert len(links.ids) == len(set(links.ids)) and set(links.targets) <= set(links.ids)


def test_every_claim_and_parameter_is_there(analysed):
    made, _ = analysed
    page = page_of(made)
    assert len(page.rows) == len(made.parameters)
    assert sum(len(row.parameters) for row in page.drawing.rows) == len(made.parameters)
    members = {(symmetry.id, member.parameter) for symmetry in made.symmetries for member in symmetry.members}
    assert {(name, row.full_name) for row in page.rows for name, _, _ in row.symmetries} == members
    assert all(claim.proof for claim in page.claims)
    assert {lint.code for lint in made.lints} == {remark.code for remark in page.remarks}


def test_an_analysis_with_nothing_in_it():
    empty = Analysis.from_json({"schema_version": 1})
    assert "No symmetry was found" in to_html(empty) and "No symmetry was found" in to_notebook(empty)
    assert to_markdown(empty).startswith("# Symmetries of")


def test_reports_are_reproducible(analysed):
    assert to_html(*analysed) == to_html(*analysed)


def test_markdown(analysed):
    text = to_markdown(analysed[0])
    multiplied = r"Multiply `blocks\.0,1\.bias` and `blocks\.0,1\.up` by _c_, divide "
    assert re.search(rf"\| S\d+.* \| Rescale \| {multiplied}", text)
    assert "η / r²" in text and "**N103**" in text
