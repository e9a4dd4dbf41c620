# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The table of an analysis: names and symmetries of stacked layers in one row, and nothing confused by it."""

import json
import re

import pytest

from noether_mlir.analysis import Analysis
from noether_mlir.table import to_text
from noether_mlir.table.compact import Modules, entries
from noether_mlir.table.grouping import group
from noether_mlir.table.labels import Labels, boxes, siblings
from noether_mlir.table.words import human, id_ranges, runs_text, span


def analysis(symmetries, shapes, **more):
    """An analysis with these symmetries: (family, dimension, [(parameter, exponent, axes, more of the member)])."""
    parameters = [
        {"name": name, "argument": number, "shape": shape, "symmetries": ["S1"]}
        for number, (name, shape) in enumerate(shapes.items())
    ]
    described = [
        {"id": f"S{number + 1}", "family": family, "dimension": dimension, "exact": True, "broken_by": [],
         "members": [{"parameter": p, "exponent": e, "axes": a, **m} for p, e, a, *rest in members
                     for m in [rest[0] if rest else {}]]}
        for number, (family, dimension, members) in enumerate(symmetries)
    ]
    return Analysis.from_json({"schema_version": 1, "parameters": parameters, "symmetries": described, **more})


def rows(made, full=False):
    label = Labels([parameter.name for parameter in made.parameters])
    return [(found.ids, found.rows(label)) for found in group(made, label, full)]


# Words.


def test_words():
    assert [human(n) for n in (8, 999, 1234, 25_557_032, 999_500, 8_030_261_248, 10**13)] == [
        "8", "999", "1.23 k", "25.6 M", "1.00 M", "8.03 G", "10.0 T"]
    assert span([64, 64]) == "64" and span([1024, 64]) == "64..1,024"
    assert runs_text([7, 0, 1, 2, 3, 9, 10]) == "0..3,7,9,10"
    assert id_ranges(["S3", "S1", "S2", "T1", "S9", "S8"]) == "S1..S3, S8, S9, T1"


# Names.


def test_names_are_short():
    label = Labels(["state.params['block'][0]['kernel']", "state.params['head']['bias']"])
    assert label("state.params['block'][0]['kernel']") == "block.0.kernel" and label.root == "state.params"
    nnx = Labels(["state[0]['a']['kernel'].value", "state[0]['b'][1].value"])
    assert [nnx("state[0]['a']['kernel'].value"), nnx("state[0]['b'][1].value")] == ["a.kernel", "b.1"]
    listed = Labels(["state[0][0]", "state[0][1]"])
    assert listed("state[0][1]") == "[1]"
    assert Labels(["w"])("w") == "w" and Labels([]).root == ""
    assert Labels(["params", "params2"])("params2") == "params2"


def test_layers_are_one_name():
    names = [f"p['h_{i}']['ln_{j}']" for i in range(4) for j in (1, 2)] + ["p['w']"]
    label = Labels(names)
    assert label.collapse([names[0]]) == "h_0.ln_1"
    assert label.collapse(names[0:8:2]) == "h_*.ln_1"
    assert label.collapse(names[2:8:2]) == "h_1..3.ln_1"
    assert label.collapse(names[:8]) == "h_*.ln_1,2"
    assert label.collapse([names[0], names[3]]) == "h_0.ln_1, h_1.ln_2"
    assert label.collapse([names[0], names[3], names[4]]) == "h_0,2.ln_1, h_1.ln_2"


def test_scattered_layers_are_counted():
    label = Labels([f"w{i}" for i in range(20)])
    assert label.collapse([f"w{i}" for i in (0, 2, 4, 6, 9)]) == "w0..9 (5 of 20)"


def test_boxes_cover_a_set_once():
    indices = {(i, j) for i in range(5) for j in range(4) if i < 3 or j == 2}
    found = [pair for rows, columns in boxes(indices) for pair in ((i, j) for i in rows for j in columns)]
    assert sorted(found) == sorted(indices)


def test_siblings():
    merge = lambda *names: [text for text, _ in siblings([(name, None) for name in names])]
    assert merge("a.x.w", "a.y.w", "b.z", "a.q.w") == ["a.{x,y,q}.w", "b.z"]
    assert merge("a.x.w", "b.x.v") == ["a.x.w", "b.x.v"]
    assert merge("h_0..3.w", "h_0..3.b") == ["h_0..3.{w,b}"]
    # Names that stand for several are not listed as one of several.
    assert merge("h_0..3.w", "h_5..8.w") == ["h_0..3.w", "h_5..8.w"]
    assert siblings([("a.x", 1), ("a.y", 2)]) == [("a.x", 1), ("a.y", 2)]


def test_messages_that_differ_in_names():
    label = Labels([f"p['l{i}']['{n}']" for i in range(3) for n in ("w", "b")])
    messages = [f"the gradient of p['l{i}']['{n}'] is odd" for i in range(3) for n in ("w", "b")]
    assert label.merge([*messages, "other"]) == ["the gradient of l*.{w,b} is odd", "other"]


# Symmetries.


def layers(number, width=lambda i: 8):
    shapes = {}
    for i in range(number):
        shapes[f"p['l{i}']['up']"], shapes[f"p['l{i}']['down']"] = [4, width(i)], [width(i), 4]
    pairs = [("rescale", width(i), [(f"p['l{i}']['up']", "1", [1]), (f"p['l{i}']['down']", "-1", [0])])
             for i in range(number)]
    return pairs, shapes


def test_layers_are_one_row():
    made = analysis(*layers(12))
    assert rows(made) == [([f"S{i}" for i in range(1, 13)],
                           [("l*.up", "^1", "", "4x[8]"), ("l*.down", "^-1", "", "[8]x4")])]
    assert "12 x 8" in to_text(made)


def test_sizes_may_differ_if_there_are_many():
    made = analysis(*layers(20, lambda i: 8 * (i + 1)))
    ((ids, found),) = rows(made)
    assert len(ids) == 20 and found == [("l*.up", "^1", "", "4x[8..160]"), ("l*.down", "^-1", "", "[8..160]x4")]
    assert "20 x 8..160" in to_text(made)
    assert [len(ids) for ids, _ in rows(analysis(*layers(6, lambda i: 8 * (i % 3 + 1))))] == [2, 2, 2]


@pytest.mark.parametrize("change", [
    lambda s: s["members"][0].update(exponent="2"),
    lambda s: s["members"][0].update(axes=[0]),
    lambda s: s.update(exact=False, broken_by=[{"constant": 1e-5, "degree": "2", "op": "x", "location": None}]),
    lambda s: s.update(family="scale"),
    lambda s: s.update(traceless=True),
    lambda s: s.update(undescribed=True),
    lambda s: s["members"].pop(),
])
def test_what_differs_is_not_put_together(change):
    made = analysis(*layers(4))
    data = json.loads(made.json())
    change(data["symmetries"][2])
    found = sorted(ids for ids, _ in rows(Analysis.from_json(data)))
    assert found == [["S1", "S2", "S4"], ["S3"]]


def test_laws_that_differ_are_not_put_together():
    symmetries, shapes = layers(2)
    law = lambda text: {"hyperparameter": "learning_rate", "degree": "1", "text": text}
    kinetics = [{"symmetry": f"S{i + 1}", "equivariant": False, "ksb": True, "laws": [law(text)], "states": [], "breaks": []}
                for i, text in enumerate(("eta_eff = eta / r", "eta_eff = eta / r^2"))]
    assert len(rows(analysis(symmetries, shapes, kinetics=kinetics))) == 2


def test_numbers_that_are_parts_of_names_stay():
    names = {f"p['l{i}']['{n}']": [8] for i in range(3) for n in ("norm0", "norm1", "conv1", "conv2")}
    symmetries = [("rescale", 8, [(f"p['l{i}']['norm{j}']", "1", [0]), (f"p['l{i}']['conv{j + 1}']", "-1", [0])])
                  for i in range(3) for j in range(2)]
    assert [[name for name, *_ in found] for _, found in rows(analysis(symmetries, names))] == [
        ["l*.norm0", "l*.conv1"], ["l*.norm1", "l*.conv2"]]


def test_members_of_one_symmetry_are_counted():
    symmetries, shapes = layers(12)
    everything = [("scale", 1, [(f"p['l{i}']['up']", "1", []) for i in range(12)])]
    assert rows(analysis(everything, shapes)) == [(["S1"], [("l*.up", "", "x12", "4x8")])]


def test_stacked_layers_are_one_row():
    shapes = {"p['w']": [6, 4, 8], "p['v']": [6, 8]}
    part = lambda i, *sizes: {"view": [6, *sizes], "offsets": [i] + [0] * len(sizes), "sizes": [1, *sizes]}
    symmetries = [("rescale", 8, [("p['w']", "1", [2], part(i, 4, 8)), ("p['v']", "-1", [1], part(i, 8))])
                  for i in range(6)]
    assert rows(analysis(symmetries, shapes)) == [
        ([f"S{i}" for i in range(1, 7)], [("w", "^1", "", "6{*}x4x[8]"), ("v", "^-1", "", "6{*}x[8]")])]
    assert [shape for *_, shape in rows(analysis(symmetries[:2], shapes))[0][1]] == ["6{0,1}x4x[8]", "6{0,1}x[8]"]


def test_parts_that_make_up_all_of_it():
    shapes = {"p['w']": [6, 4]}
    halves = [("p['w']", "1", [], {"view": [2, 3, 4], "offsets": [i, 0, 0], "sizes": [1, 3, 4]}) for i in range(2)]
    assert rows(analysis([("scale", 1, halves)], shapes))[0][1] == [("w", "", "", "6x4")]
    assert rows(analysis([("scale", 1, halves[:1])], shapes))[0][1] == [("w", "", "", "2{0}x3x4")]


def test_many_that_differ_in_more_than_size():
    made = analysis(*layers(20, lambda i: 8 * (i + 1)))
    data = json.loads(made.json())
    data["symmetries"][4]["members"][1]["exponent"] = "-2"
    assert sorted(len(ids) for ids, _ in rows(Analysis.from_json(data))) == [1, 19]


def test_full():
    made = analysis(*layers(12))
    assert len(rows(made, full=True)) == 12
    text = to_text(made, full=True)
    assert re.search(r"l7\.up +\^1 +4x\[8\]", text) and "12 x" not in text


def test_the_same_in_any_order():
    symmetries, shapes = layers(5)
    text = to_text(analysis(symmetries, shapes))
    turned = to_text(analysis(symmetries[::-1], shapes))
    assert text == turned


@pytest.mark.parametrize("width", [80, 100, 120])
def test_long_names_fit(width):
    symmetries, shapes = layers(3)
    long = lambda text: text.replace("up", "a_projection_with_a_very_long_name" * 4)
    made = analysis(json.loads(long(json.dumps(symmetries))), json.loads(long(json.dumps(shapes))))
    assert max(map(len, to_text(made, width).splitlines())) <= width


def test_pieces_along_one_axis_are_put_together():
    shapes = {"p['w']": [6, 8]}
    piece = lambda i, j: {"view": [6, 2, 4], "offsets": [i, j, 0], "sizes": [1, 1, 4]}
    halves = [("p['w']", "1", [], piece(3, j)) for j in range(2)]
    assert rows(analysis([("scale", 1, halves)], shapes))[0][1] == [("w", "", "", "6{3}x8")]
    # Along an axis with a number for each index the pieces have numbers of their own.
    halves = [("p['w']", "1", [1], {"view": [6, 4, 2], "offsets": [0, j, 0], "sizes": [6, 2, 2]}) for j in (0, 2)]
    assert rows(analysis([("scale", 2, halves)], shapes))[0][1] == [("w", "", "", "6x[4{0:2,2:4}]x2")]


def test_axes_of_the_parameter_are_shown_whole():
    shapes = {"p['w']": [12, 8]}

    def shown(*axes, **more):
        member = ("p['w']", "1", axes, {"view": [3, 4, 8], **more})
        return rows(analysis([("scale", 1, [member])], shapes))[0][1][0][-1]

    assert shown(2) == "12x[8]" and shown(0, 1) == "[12]x8"
    assert shown(1, 0) == "[3]x[4]x8" and shown(0) == "[3]x4x8"
    assert shown(1, block_axes=[0]) == "(3)x[4]x8"
    assert shown(1, offsets=[1, 0, 0], sizes=[1, 4, 8]) == "3{1}x[4]x8"


@pytest.mark.parametrize("family, exponent, side, text", [
    ("scale", "1", None, ""), ("scale", "2", None, "^2"), ("rescale", "1", None, "^1"), ("rescale", "-1/2", None, "^-1/2"),
    ("translation", "1", None, "+t"), ("translation", "-1", None, "-t"), ("translation", "-3/2", None, "-3/2t"),
    ("general_linear", "1", "direct", "M"), ("general_linear", "-1", "inverse_transpose", "M^-T"),
    ("permutation", "1", "direct", "")])
def test_how_a_member_moves(family, exponent, side, text):
    made = analysis([(family, 1, [("p['w']", exponent, [0], {"side": side})])], {"p['w']": [4, 4]})
    assert rows(made)[0][1] == [("w", text, "", "[4]x4")]


def test_what_no_axes_tell_is_said():
    made = analysis(*layers(1))
    data = json.loads(made.json())
    data["symmetries"][0]["undescribed"] = True
    assert "no axes tell how" in to_text(Analysis.from_json(data)) and "no axes tell" not in to_text(made)


# Many kinds of symmetries.


def irregular(number):
    """Layers that are all different: 6 kinds of symmetries for each."""
    symmetries, shapes = [], {}
    for letter in map(chr, range(ord("a"), ord("a") + number)):
        for place in "nm":
            for kind in ("bias", "kernel"):
                shapes[f"p['{letter}_block']['{place}']['{kind}']"] = [8]
        n, m = (f"p['{letter}_block']['{place}']" for place in "nm")
        symmetries += [("rescale", 8, [(f"{n}['bias']", "1", [0]), (f"{n}['kernel']", "1", [0]), (f"{m}['kernel']", "-1", [0])]),
                       ("scale", 8, [(f"{m}['kernel']", "1", [0]), (f"{m}['bias']", "1", [0])]),
                       ("translation", 8, [(f"{m}['bias']", "1", [0]), (f"p['{letter}_head']", "-1", [0])]),
                       *[("permutation", 0, [(f"{n}['bias']", "1", [0], {"view": view}), (f"p['{letter}_head']", "1", [0])])
                         for view in ([2, 4], [4, 2])]]
        shapes[f"p['{letter}_head']"] = [8]
    return symmetries, shapes


def test_many_kinds_are_told_in_few_words():
    made = analysis(*irregular(24))
    text = to_text(made)
    assert len(text.splitlines()) < 24 * 3 + 20 and max(map(len, text.splitlines())) <= 100
    assert "24 x 8 of [8] in" in text and "^1 n.*; ^-1 m.kernel" in text and "x_block" in text
    assert re.search(r"S3 +8 of \[8\]: \+t a_block.m.bias; -t a_head", text)


def test_few_words_name_every_parameter_that_moves():
    made = analysis(*irregular(24))
    label = Labels([parameter.name for parameter in made.parameters])
    groups = group(made, label)
    modules = Modules([label(parameter.name) for parameter in made.parameters])
    told = {}
    for entry in entries(groups, label, modules):
        names = [(exponent, f"{module}.{name}" if module else name) for exponent, some in entry.moves.items()
                 for name in some for module in (entry.modules or [""])]
        for one in (symmetry for found in entry.groups for symmetry in found.symmetries):
            told.setdefault(one.id, set()).update(
                (exponent, full) for exponent, name in names
                for full in (modules.content[name[:-2]] if name.endswith(".*") else [name]))
    for symmetry in made.symmetries:
        for member in symmetry.members:
            assert label(member.parameter) in {name for _, name in told[symmetry.id]}
            if symmetry.family in ("rescale", "translation"):
                sign = "-" if member.exponent < 0 else "+" if symmetry.family == "translation" else "^1"
                assert any(name == label(member.parameter) and sign in exponent for exponent, name in told[symmetry.id])


def test_modules_are_named_where_all_of_one_moves():
    modules = Modules(["a.x.w", "a.x.b", "a.y.w", "c1.w", "c1.b", "c2.w", "c2.b", "d"])
    assert modules.wildcards(["a.x.w", "a.x.b", "d"]) == ["a.x.*", "d"]
    assert modules.wildcards(["a.y.w", "a.x.b", "c1.w", "c1.b"]) == ["a.y.w", "a.x.b", "c1.*"]
    assert modules.collapse(["c1.*", "c2.*", "a.x.w", "a.y.w", "d"]) == ["c1,2.*", "a.{x,y}.w", "d"]
    assert modules.collapse(["a.x.w", "a.y.*"]) == ["a.(x.w, y.*)"]


def test_states_that_are_called_otherwise_do_not_keep_layers_apart():
    symmetries, shapes = layers(2)
    prediction = lambda name: {"time_constant_steps": 100.0, "label": "leading order",
                               "motion": {"driven_by": "normalized", "buffers": [name]}}
    kinetics = [{"symmetry": f"S{i + 1}", "equivariant": False, "ksb": True, "laws": [], "states": [], "breaks": [],
                 "prediction": prediction(f"mu['l{i}']['up']")} for i in range(2)]
    assert len(rows(analysis(symmetries, shapes, kinetics=kinetics))) == 1
