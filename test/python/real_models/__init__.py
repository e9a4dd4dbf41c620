# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models at the sizes they are trained at, with the recipes they are trained with, as abstract shapes.

Each module has functions of no arguments that return `(step, args)`, which is what `noether analyze
real_models.resnet:resnet50` takes. Nothing is allocated but shapes.
"""

from . import gpt, keras_resnet, llama, lstm, mixture, resnet, unet, vit

#: Every step, by the name it has in tables.
STEPS = {
    "resnet50": resnet.resnet50,
    "keras_resnet50": keras_resnet.resnet50,
    "vit_b16": vit.vit_b16,
    "gpt2": gpt.gpt2,
    "gpt2_untied": gpt.gpt2_untied,
    "llama_8b": llama.llama_8b,
    "llama_8b_scanned": llama.llama_8b_scanned,
    "llama_7b_scanned": llama.llama_7b_scanned,
    "llama_1b_tied": llama.llama_1b_tied,
    "mixtral": mixture.mixtral,
    "unet_ddpm": unet.ddpm,
    "lstm": lstm.language_model,
}
