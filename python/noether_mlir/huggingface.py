# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Training steps of Hugging Face's models, from a configuration alone: `hf:gpt2`, `hf:./model,optimizer=sgd`.

Nothing is downloaded and no weight is made: the model stands on the meta device. The default recipe is the `Trainer`'s:
AdamW whose weight decay leaves out what the `Trainer` leaves out, by name, and clipping by the global norm.
"""

import gc
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from noether_mlir.errors import MissingDependency, NotATrainingStep
from noether_mlir.lowering import StepText

PREFIX = "hf:"

#: What stands for the data, and the options that may be given besides fields of the configuration.
_OPTIONS = {"optimizer": "trainer", "batch": 2, "length": 16, "size": 64}


@dataclass(frozen=True)
class Specification:
    """What `hf:gpt2,n_layer=2,optimizer=sgd` asks for.

    Attributes:
        model: a type of model that the library knows, a configuration file, or a folder with one.
        fields: of the configuration, other than they would be.
        batch, length, size: how many examples, of how many tokens, or of which height and width in pixels.
    """

    model: str
    fields: Mapping[str, Any]
    optimizer: str
    batch: int
    length: int
    size: int


def _value(text: str) -> Any:
    """A number or a truth value, if it reads as one."""
    named = {"true": True, "false": False, "none": None}
    if text.lower() in named:
        return named[text.lower()]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def parse(name: str) -> Specification:
    """Reads the name of a step, `hf:MODEL[,FIELD=VALUE...]`.

    Raises:
        NotATrainingStep: if it is none.
    """
    model, *rest = name.removeprefix(PREFIX).split(",")
    given: dict[str, Any] = {}
    for item in rest:
        key, equals, text = item.partition("=")
        if not key or not equals:
            raise NotATrainingStep(f"{name}: {item!r} is not FIELD=VALUE")
        given[key.strip()] = _value(text.strip())
    options = {key: given.pop(key, default) for key, default in _OPTIONS.items()}
    if not model:
        raise NotATrainingStep(f"{name}: which model? hf:gpt2, or hf:FOLDER with a config.json")
    if options["optimizer"] not in RECIPES:
        raise NotATrainingStep(f"{name}: optimizer is {', '.join(RECIPES)}, not {options['optimizer']}")
    for key in ("batch", "length", "size"):
        if not isinstance(options[key], int) or not 0 < options[key] <= 4096:
            raise NotATrainingStep(f"{name}: {key} is a number from 1 to 4096")
    return Specification(model, given, **options)  # type: ignore[arg-type]


def _require() -> None:
    if any(importlib.util.find_spec(module) is None for module in ("torch", "transformers")):
        raise MissingDependency("hf: needs PyTorch and Hugging Face's models: pip install 'noether-mlir[hf]'")


def _configuration(wanted: Specification) -> Any:
    from transformers import AutoConfig

    path = Path(wanted.model)
    try:
        if path.exists():
            config = AutoConfig.from_pretrained(path, local_files_only=True, trust_remote_code=False)
        else:
            config = AutoConfig.for_model(wanted.model)
    except (ValueError, OSError) as error:
        words = str(error).splitlines()[0] if str(error) else type(error).__name__
        known = "a type of model, such as gpt2 or llama, or a folder with a config.json"
        raise NotATrainingStep(f"hf:{wanted.model}: neither {known}: {words[:200]}") from None
    if getattr(config, "is_encoder_decoder", False) and getattr(config, "decoder_start_token_id", None) is None:
        config.decoder_start_token_id = getattr(config, "pad_token_id", None) or 0  # where decoding starts is nobody's weight
    for key, value in wanted.fields.items():
        if not hasattr(config, key):
            raise NotATrainingStep(f"hf:{wanted.model}: its configuration has no field {key}")
        setattr(config, key, value)
    return config


def _tokens(config: Any, wanted: Specification) -> dict[str, Any]:
    import torch

    ids = torch.zeros(wanted.batch, wanted.length, dtype=torch.long, device="meta")
    return {"input_ids": ids, "labels": ids.clone()}


def _images(config: Any, wanted: Specification) -> dict[str, Any]:
    import torch

    size = getattr(config, "image_size", None) or wanted.size
    height, width = (size, size) if isinstance(size, int) else size
    pixels = torch.zeros(wanted.batch, getattr(config, "num_channels", 3), height, width, device="meta")
    return {"pixel_values": pixels, "labels": torch.zeros(wanted.batch, dtype=torch.long, device="meta")}


#: What models are trained for, what makes them, and a batch for each; of several tasks the first is taken.
_TASKS: tuple[tuple[str, str, Callable[[Any, Specification], dict[str, Any]]], ...] = (
    ("MODEL_FOR_MASKED_LM_MAPPING_NAMES", "AutoModelForMaskedLM", _tokens),
    ("MODEL_FOR_CAUSAL_LM_MAPPING_NAMES", "AutoModelForCausalLM", _tokens),
    ("MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES", "AutoModelForSeq2SeqLM", _tokens),
    ("MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES", "AutoModelForImageClassification", _images),
)


def _model(config: Any, wanted: Specification) -> tuple[Any, dict[str, Any]]:
    """The model on the meta device, and a batch for it."""
    import torch
    import transformers
    from transformers.models.auto import modeling_auto

    for table, maker, batch in _TASKS:
        if config.model_type in getattr(modeling_auto, table):
            if hasattr(config, "use_cache"):
                config.use_cache = False
            experts = {"experts_implementation": "batched_mm"} if hasattr(config, "num_experts_per_tok") else {}
            with torch.device("meta"):
                model = getattr(transformers, maker).from_config(config, attn_implementation="eager", **experts)
            return model.train(), batch(config, wanted)
    raise NotATrainingStep(f"hf:{wanted.model}: no language model or image classifier is made of a {config.model_type}")


#: Names that the `Trainer` keeps from decay: those of `Trainer.get_decay_parameter_names`, which takes a second to import.
_NOT_DECAYED = (r"bias", r"layernorm", r"rmsnorm", r"(?:^|\.)norm(?:$|\.)", r"_norm(?:$|\.)")


def decayed_by_name(model: Any) -> list[str]:
    """The parameters that the `Trainer` decays: it goes by types and names."""
    import torch
    from transformers.trainer_pt_utils import get_parameter_names

    return get_parameter_names(model, [torch.nn.LayerNorm], list(_NOT_DECAYED))


def _trainer(model: Any) -> Any:
    import torch
    from transformers import TrainingArguments

    default = {name: field.default for name, field in TrainingArguments.__dataclass_fields__.items()}
    decayed = set(decayed_by_name(model))
    groups = [
        {"params": [p for name, p in model.named_parameters() if name in decayed], "weight_decay": 0.01},
        {"params": [p for name, p in model.named_parameters() if name not in decayed], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=default["learning_rate"],
        betas=(default["adam_beta1"], default["adam_beta2"]),
        eps=default["adam_epsilon"],
    )


def _adamw(model: Any) -> Any:
    import torch

    return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)


def _sgd(model: Any) -> Any:
    import torch

    return torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)


#: Optimizers by name: the Trainer's groups (its decay is 0 by default: here it is 0.01), or decay for all.
RECIPES: dict[str, Callable[[Any], Any]] = {"trainer": _trainer, "adamw": _adamw, "sgd": _sgd}


@contextmanager
def _uncollected() -> Iterator[None]:
    """Within it nothing looks for garbage: a traced step is millions of objects, and nearly all of them stay."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


@_uncollected()
def read_configuration(name: str) -> StepText:
    """The training step that `hf:MODEL[,FIELD=VALUE...]` names.

    Raises:
        NotATrainingStep: if there is no such model, or its configuration does not make one.
        UnsupportedStep: if its step cannot be traced.
        MissingDependency: if PyTorch or the library of models is not installed.
    """
    wanted = parse(name)
    _require()
    import torch
    import transformers

    from noether_mlir.torch import capture

    transformers.logging.set_verbosity_error()
    config = _configuration(wanted)
    try:
        model, batch = _model(config, wanted)
    except (TypeError, ValueError, RuntimeError, AttributeError, KeyError) as error:
        words = " ".join(str(error).split())
        raise NotATrainingStep(f"{name}: the configuration makes no model: {words[:200]}") from None
    optimizer = RECIPES[wanted.optimizer](model)
    clip = wanted.optimizer == "trainer"

    def step(model: Any, optimizer: Any, batch: Any) -> Any:
        loss = model(**batch).loss
        loss.backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss

    captured = capture(step, model, optimizer, batch, hyperparameters="constants")
    decayed = tuple(decayed_by_name(model)) if wanted.optimizer == "trainer" else None
    return StepText(captured.text, name, captured.numbers, decayed)
