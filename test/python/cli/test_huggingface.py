# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`noether analyze hf:CONFIG`: small models of each kind, from configurations alone, trained as the Trainer would."""

import json

import jsonschema
import pytest
from noether_mlir.analysis import schema
from noether_mlir.cli import app
from noether_mlir.cli.common import MODELS as OFFERED
from noether_mlir.errors import NotATrainingStep
from noether_mlir import huggingface
from noether_mlir.huggingface import parse
from typer.testing import CliRunner

# One layer of width 32 with 4 heads of 8, and 48 hidden units.
BERT = "num_hidden_layers=1,hidden_size=32,intermediate_size=48,num_attention_heads=4"
LLAMA = f"{BERT},num_key_value_heads=2,head_dim=8,vocab_size=64"
MODELS = {
    # The residual stream; per layer ln_1, values, queries and keys, ln_2: 4 times the width.
    "gpt2": ("n_layer=1,n_embd=32,n_head=4,vocab_size=64", 4 * 32 + 1),
    # The residual stream; two norms and the final one (untied); 48 units; values (16), pairs of rotated entries (8).
    "llama": (LLAMA, 1 + 3 * 32 + 48 + 16 + 8),
    # As Llama, but queries and keys are normalised: a scale for each head, and gains (4 pairs) in the place of pairs.
    "qwen3": (LLAMA, 1 + 3 * 32 + 48 + 16 + 6 + 4),
    "bert": (f"{BERT},vocab_size=64", None),
    "vit": (f"{BERT},image_size=32", 4 * 32 + 1 + 32),
    # As Llama, with 4 experts.
    "mixtral": (f"{LLAMA},num_local_experts=4", 1 + 3 * 32 + 4 * 48 + 16 + 8),
    # The stream; queries and keys, values and output (3 attentions); what reads each norm (6); two times 48 units.
    "t5": ("num_layers=1,num_decoder_layers=1,d_model=32,d_kv=8,d_ff=48,num_heads=4,vocab_size=64",
           1 + 6 * 32 + 6 * 32 + 2 * 48),
}


def test_the_shell_offers_these():
    assert sorted(OFFERED) == sorted([*MODELS, "resnet"])


def noether(*args):
    run = CliRunner().invoke(app, list(args))
    assert "Traceback" not in run.output, run.output
    assert run.exception is None or isinstance(run.exception, SystemExit)
    return run


@pytest.mark.parametrize("model", MODELS)
def test_models(model):
    fields, torus = MODELS[model]
    run = noether("analyze", f"hf:{model},{fields}", "--format=json")
    assert run.exit_code == 0, run.stderr
    data = json.loads(run.stdout)
    jsonschema.validate(data, schema())
    assert data["unknown_operations"] == [] and data["gradient_mismatches"] == []
    assert torus in (None, data["dimension"]["torus"])
    told = [name for choice in data["decay_by_name"] for name in choice["parameters"]]
    assert sorted(told) == sorted(parameter["name"] for parameter in data["parameters"])


@pytest.mark.parametrize("model", [*MODELS, "resnet"])
def test_the_trainer_decays_these(model):
    """What it leaves out is written down here, since importing it takes longer than the rest."""
    from transformers import Trainer

    wanted = parse(f"hf:{model},{MODELS[model][0]}" if model in MODELS else f"hf:{model}")
    built, _ = huggingface._model(huggingface._configuration(wanted), wanted)
    decayed = huggingface.decayed_by_name(built)
    assert decayed and decayed == Trainer.get_decay_parameter_names(None, built)


@pytest.fixture(scope="module")
def resnet(tmp_path_factory):
    """A folder with the configuration of a small ResNet."""
    from transformers import ResNetConfig

    folder = tmp_path_factory.mktemp("resnet")
    ResNetConfig(embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic").save_pretrained(folder)
    return folder


def test_what_goes_by_name_is_shown_wrong(resnet):
    """The Trainer leaves out what is called a norm; ResNet's norms are called normalization."""
    run = noether("analyze", f"hf:{resnet},size=16", "--format=json")
    assert run.exit_code == 0, run.stderr
    chosen = {(item["decayed"], item["kind"]): item["parameters"] for item in json.loads(run.stdout)["decay_by_name"]}
    decayed = [name for (yes, _), names in chosen.items() if yes for name in names]
    assert any("normalization.weight" in name for name in decayed)
    # The convolutions before them are scale-invariant: decay sets their learning rate, and nothing else.
    assert chosen[True, "scale-invariant"] and all("convolution" in name for name in chosen[True, "scale-invariant"])
    table = noether("analyze", f"hf:{resnet},size=16").stdout
    assert "decay by name" in table and "decay only sets their learning rates" in " ".join(table.split())


def test_lints_of_a_plain_recipe(resnet):
    run = noether("lint", f"hf:{resnet},size=16,optimizer=sgd", "--notes", "--fail-on=N103")
    assert run.exit_code == 3 and "[N103]" in run.stdout and "normalization" in run.stdout


def test_names():
    wanted = parse("hf:gpt2,n_layer=2,resid_pdrop=0.5,tie_word_embeddings=false,batch=3")
    assert (wanted.model, wanted.optimizer, wanted.batch) == ("gpt2", "trainer", 3)
    assert wanted.fields == {"n_layer": 2, "resid_pdrop": 0.5, "tie_word_embeddings": False}
    for bad in ("hf:", "hf:gpt2,n_layer", "hf:gpt2,optimizer=none", "hf:gpt2,batch=0", "hf:gpt2,length=x"):
        with pytest.raises(NotATrainingStep):
            parse(bad)


@pytest.mark.parametrize(("name", "message"), [
    ("hf:nothing", "neither a type of model"),
    ("hf:gpt2,layers=2", "its configuration has no field layers"),
    ("hf:gpt2,n_head=7", "the configuration makes no model"),
    ("hf:encodec", "no language model or image classifier"),
    ("hf:gpt2,optimizer=lion", "optimizer is trainer, adamw, sgd, not lion"),
])
def test_what_is_no_model(name, message):
    run = noether("analyze", name)
    assert run.exit_code == 1 and run.stdout == "" and message in run.stderr and run.stderr.count("\n") == 1
