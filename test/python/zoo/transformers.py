# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Transformers and their parts."""

import jax
import jax.numpy as jnp
import numpy as np

from . import layers as L
from .model import register, tokens

V, T, D, H, K, F = 5, 4, 4, 2, 4, 3  # vocabulary, time, model, heads, channels, hidden


def project(x, w):
    return jnp.einsum("btd,dhk->bthk", x, w)


def merge(x, w):
    return jnp.einsum("bthk,hkd->btd", x, w)


def qkv(rng, heads=H):
    return {"wq": L.kernel(rng, D, H, K, fan_in=D), "wk": L.kernel(rng, D, heads, K, fan_in=D),
            "wv": L.kernel(rng, D, heads, K, fan_in=D), "wo": L.kernel(rng, H, K, D)}


# --- the usual recent block: RMSNorm, RoPE, norms on queries and keys, SwiGLU, tied ----------


def modern_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "blocks": [
        {**qkv(rng), "q_gain": L.gain(rng, K), "k_gain": L.gain(rng, K),
         "norm1": L.gain(rng, D), "norm2": L.gain(rng, D),
         "gate": L.kernel(rng, D, F), "up": L.kernel(rng, D, F), "down": L.kernel(rng, F, D)}],
        "final_norm": L.gain(rng, D)}


def modern_loss(params, batch, eps):
    eps = iter(eps)
    x = params["embed"][batch["x"]]
    for p in params["blocks"]:
        h = L.rms_norm(x, next(eps)) * p["norm1"]
        q = L.rope(L.rms_norm(project(h, p["wq"]), next(eps)) * p["q_gain"])
        k = L.rope(L.rms_norm(project(h, p["wk"]), next(eps)) * p["k_gain"])
        x = x + merge(L.causal_attention(q, k, project(h, p["wv"])), p["wo"])
        h = L.rms_norm(x, next(eps)) * p["norm2"]
        x = x + (jax.nn.silu(h @ p["gate"]) * (h @ p["up"])) @ p["down"]
    x = L.rms_norm(x, next(eps)) * params["final_norm"]
    return L.cross_entropy(x @ params["embed"].T, batch["y"])


register("gpt_modern", modern_init, tokens(vocabulary=V), modern_loss, 5)


# --- the original block: LayerNorm, biases everywhere, learned positions, GELU, untied -------


def classic_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "position": L.kernel(rng, T, D, fan_in=4),
            "blocks": [{**qkv(rng), "bq": L.bias(rng, H, K), "bk": L.bias(rng, H, K),
                        "bv": L.bias(rng, H, K), "bo": L.bias(rng, D),
                        "norm1": L.affine_init(rng, D), "norm2": L.affine_init(rng, D),
                        "up": L.linear(rng, D, F), "down": L.linear(rng, F, D)}],
            "final_norm": L.affine_init(rng, D), "head": L.linear(rng, D, V, False)}


def classic_loss(params, batch, eps):
    eps = iter(eps)
    x = params["embed"][batch["x"]] + params["position"]
    for p in params["blocks"]:
        h = L.affine(p["norm1"], L.layer_norm(x, next(eps)))
        q, k, v = (project(h, p["w" + n]) + p["b" + n] for n in "qkv")
        x = x + merge(L.causal_attention(q, k, v), p["wo"]) + p["bo"]
        h = L.affine(p["norm2"], L.layer_norm(x, next(eps)))
        x = x + L.dense(p["down"], jax.nn.gelu(L.dense(p["up"], h)))
    x = L.affine(params["final_norm"], L.layer_norm(x, next(eps)))
    return L.cross_entropy(L.dense(params["head"], x), batch["y"])


register("gpt_classic", classic_init, tokens(vocabulary=V), classic_loss, 3)


# --- one matrix for queries, keys and values, one for gate and up ----------------------------


def fused_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "norm1": L.gain(rng, D),
            "qkv": L.kernel(rng, D, 3 * H * K), "wo": L.kernel(rng, H * K, D),
            "norm2": L.gain(rng, D), "gate_up": L.kernel(rng, D, 2 * F),
            "down": L.kernel(rng, F, D), "norm": L.gain(rng, D), "head": L.kernel(rng, D, V)}


def fused_loss(params, batch, eps):
    x = params["embed"][batch["x"]]
    h = L.rms_norm(x, eps[0]) * params["norm1"]
    q, k, v = (part.reshape(*part.shape[:-1], H, K)
               for part in jnp.split(h @ params["qkv"], 3, axis=-1))
    attended = L.causal_attention(q, k, v)
    x = x + attended.reshape(*x.shape[:-1], H * K) @ params["wo"]
    h = L.rms_norm(x, eps[1]) * params["norm2"]
    gate, up = jnp.split(h @ params["gate_up"], 2, axis=-1)
    x = x + (jax.nn.silu(gate) * up) @ params["down"]
    x = L.rms_norm(x, eps[2]) * params["norm"]
    return L.cross_entropy(x @ params["head"], batch["y"])


register("gpt_fused_qkv", fused_init, tokens(vocabulary=V), fused_loss, 3)


# --- attention by itself ----------------------------------------------------------------------


def attention_init(with_bias, heads=H):
    def init(rng):
        params = {"embed": L.kernel(rng, V, D, fan_in=2), **qkv(rng, heads),
                  "head": L.kernel(rng, D, V)}
        if with_bias:
            params["attention_bias"] = L.bias(rng, H, T, T)
        return params

    return init


def attention_loss(params, batch, eps):
    x = params["embed"][batch["x"]]
    q, k, v = (project(x, params["w" + n]) for n in "qkv")
    if k.shape[2] != H:  # groups of queries share keys and values
        k, v = (jnp.repeat(a, H // a.shape[2], axis=2) for a in (k, v))
    if "attention_bias" in params:
        logits = jnp.einsum("bqhk,bshk->bhqs", q, k) / np.sqrt(K) + params["attention_bias"]
        attended = jnp.einsum("bhqs,bshk->bqhk", jax.nn.softmax(logits, -1), v)
    else:
        attended = L.causal_attention(q, k, v)
    return L.cross_entropy(merge(attended, params["wo"]) @ params["head"], batch["y"])


register("attention", attention_init(False), tokens(vocabulary=V), attention_loss)
register("attention_with_softmax_bias", attention_init(True), tokens(vocabulary=V), attention_loss)
register("attention_shared_keys", attention_init(False, 1), tokens(vocabulary=V), attention_loss)


# --- gated and embedding models ---------------------------------------------------------------


def gated_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "norm1": L.gain(rng, D), **qkv(rng),
            "norm2": L.gain(rng, D), "gate": L.kernel(rng, D, F), "up": L.kernel(rng, D, F),
            "down": L.kernel(rng, F, D), "head": L.kernel(rng, D, V)}


def gated_loss(params, batch, eps):
    x = params["embed"][batch["x"]]
    h = L.rms_norm(x, eps[0]) * params["norm1"]
    q, k, v = (project(h, params["w" + n]) for n in "qkv")
    x = x + merge(L.causal_attention(L.rope(q), L.rope(k), v), params["wo"])
    h = L.rms_norm(x, eps[1]) * params["norm2"]
    x = x + (jax.nn.relu(h @ params["gate"]) * (h @ params["up"])) @ params["down"]
    return L.cross_entropy(x @ params["head"], batch["y"])


register("transformer_reglu", gated_init, tokens(vocabulary=V), gated_loss, 2)


def embedding_init(rng):
    return {"embed": L.kernel(rng, V, D, fan_in=2), "fc": L.linear(rng, D, F),
            "head": L.linear(rng, F, V)}


def embedding_loss(params, batch, eps):
    h = params["embed"][batch["x"]]
    h = jax.nn.relu(L.dense(params["fc"], h))
    return L.cross_entropy(L.dense(params["head"], h), batch["y"])


register("embedding_relu", embedding_init, tokens(vocabulary=V), embedding_loss)


def bag_loss(params, batch, eps):
    h = params["embed"][batch["x"]].mean(axis=1, keepdims=True)
    h = jax.nn.relu(L.dense(params["fc"], L.layer_norm(h, eps[0])))
    return L.cross_entropy(L.dense(params["head"], h), batch["y"][:, :1])


register("embedding_bag_layernorm", embedding_init, tokens(vocabulary=V), bag_loss, 1)
