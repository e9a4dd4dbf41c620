# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Architectures of Hugging Face's library, made small, their training steps captured from PyTorch and verified.

    python benchmarks/huggingface_zoo.py                 # those below, an hour on two cores
    python benchmarks/huggingface_zoo.py mamba gpt2 --tiny

Every claim is tried on the step itself (`noether verify`). With --tiny the models are small enough for their symmetries to
be counted too. Exit status 1: a claim is false.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

os.environ["HF_HUB_OFFLINE"] = "1"

from rich.console import Console
from rich.table import Table
from transformers import CONFIG_MAPPING

ROOT = pathlib.Path(__file__).resolve().parent.parent
ARCHITECTURES = (
    "gpt2 llama qwen2 qwen3 mistral mixtral gemma gemma2 gemma3_text phi phi3 bert roberta distilbert electra albert"
    " deberta-v2 t5 bart opt bloom gpt_neox gptj vit beit mamba olmo olmo2 olmoe stablelm starcoder2 cohere granite glm"
    " nemotron qwen3_moe gpt_oss rwkv ctrl codegen mpt persimmon"
).split()
#: What configurations call their sizes: for moving parameters about, and for counting.
SIZES = {
    "hidden_size d_model n_embd word_embed_proj_dim": (32, 8),
    "num_hidden_layers n_layer num_layers n_layers encoder_layers decoder_layers": (2, 1),
    "num_attention_heads n_head num_heads": (4, 2),
    "encoder_attention_heads decoder_attention_heads num_key_value_heads num_experts_per_tok": (2, 1),
    "intermediate_size encoder_ffn_dim decoder_ffn_dim ffn_dim d_ff hidden_dim": (48, 6),
    "vocab_size": (60, 7),
    "max_position_embeddings n_positions max_target_positions max_source_positions": (24, 16),
    "head_dim d_kv": (8, 4),
    "image_size": (16, 8),
    "patch_size": (4, 4),
    "num_local_experts num_experts": (4, 3),
    "moe_intermediate_size": (24, 6),
    "embedding_size": (16, 5),
    "state_size time_step_rank rotary_dim": (4, 2),
    "sliding_window": (8, 8),
    "bos_token_id decoder_start_token_id": (1, 1),
    "eos_token_id": (2, 2),
    "pad_token_id": (0, 0),
}


def configure(name, folder, tiny):
    """Writes the configuration of a small model."""
    kind = CONFIG_MAPPING[name]
    usual = kind()
    fields = {field: sizes[tiny] for names, sizes in SIZES.items() for field in names.split() if hasattr(usual, field)}
    kind(**fields).save_pretrained(folder)


def verify(folder):
    """The exit status of `noether verify`, and its last words."""
    command = [sys.executable, "-m", "noether_mlir", "verify", f"hf:{folder}"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    lines = re.findall(r"(?m)^(?:\d+ claims: .*|completeness, .*)$", run.stdout)
    return run.returncode, "\n".join(lines) or run.stderr.strip().splitlines()[-1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("architectures", nargs="*", default=ARCHITECTURES)
    parser.add_argument("--tiny", action="store_true", help="small enough to be counted")
    options = parser.parse_args()
    table = Table("architecture", "seconds", "outcome")
    falsified = []
    for name in options.architectures:
        print(f"{name} ...", file=sys.stderr, flush=True)
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            try:
                configure(name, folder, options.tiny)
            except Exception as error:  # each kind of model has conditions of its own
                table.add_row(name, "", f"no such configuration: {str(error).strip().splitlines()[0]}")
                continue
            status, words = verify(folder)
        table.add_row(name, f"{time.monotonic() - start:.0f}", words)
        if status and "claims:" in words:
            falsified.append(name)
    Console().print(table)
    return 1 if falsified else 0


if __name__ == "__main__":
    sys.exit(main())
