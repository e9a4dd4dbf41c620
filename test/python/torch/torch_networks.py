# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small networks as their authors write them in PyTorch, and the same networks as functions in JAX.

The functions take parameters by PyTorch's names and in its layouts.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


class Mlp(nn.Module):
    """A dense layer under batch norm, and a head."""

    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(5, 7)
        self.norm = nn.BatchNorm1d(7)
        self.fc2 = nn.Linear(7, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = torch.relu(self.norm(self.fc1(x)))
        return self.head(torch.relu(self.fc2(x)))


class Cnn(nn.Module):
    """Convolutions, a strided and a grouped one, under batch norm and group norm, with pooling and dropout."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 6, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(6)
        self.conv2 = nn.Conv2d(6, 8, 3, stride=2, padding=1, groups=2)
        self.norm2 = nn.GroupNorm(4, 8)
        self.pool = nn.MaxPool2d(2)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(8, 3)

    def forward(self, x):
        x = F.relu(self.norm1(self.conv1(x)))
        x = self.pool(F.relu(self.norm2(self.conv2(x))))
        return self.head(self.dropout(x.mean((2, 3))))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 2 * width)
        self.down = nn.Linear(2 * width, width)

    def forward(self, x, mask):
        h = self.norm1(x)
        x = x + self.attention(h, h, h, attn_mask=mask, need_weights=False)[0]
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Gpt(nn.Module):
    """A transformer as in GPT-2, with the embedding as its head."""

    def __init__(self, vocabulary=11, width=8, heads=2, length=6):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(length, width)
        self.block = Block(width, heads)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens):
        length = tokens.shape[1]
        x = self.tokens(tokens) + self.positions(torch.arange(length, device=tokens.device))
        mask = nn.Transformer.generate_square_subsequent_mask(length, dtype=x.dtype)
        return self.head(self.norm(self.block(x, mask)))


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat((-x[..., half:], x[..., :half]), -1) * sin


class LlamaBlock(nn.Module):
    def __init__(self, width, heads, kv_heads):
        super().__init__()
        self.heads, self.kv_heads, self.size = heads, kv_heads, width // heads
        self.norm1 = nn.RMSNorm(width, eps=1e-6)
        self.q = nn.Linear(width, width, bias=False)
        self.k = nn.Linear(width, kv_heads * self.size, bias=False)
        self.v = nn.Linear(width, kv_heads * self.size, bias=False)
        self.o = nn.Linear(width, width, bias=False)
        self.norm2 = nn.RMSNorm(width, eps=1e-6)
        self.gate = nn.Linear(width, 2 * width, bias=False)
        self.up = nn.Linear(width, 2 * width, bias=False)
        self.down = nn.Linear(2 * width, width, bias=False)

    def forward(self, x, cos, sin):
        batch, length, width = x.shape
        h = self.norm1(x)
        q = self.q(h).view(batch, length, self.heads, self.size).transpose(1, 2)
        k = self.k(h).view(batch, length, self.kv_heads, self.size).transpose(1, 2)
        v = self.v(h).view(batch, length, self.kv_heads, self.size).transpose(1, 2)
        mixed = F.scaled_dot_product_attention(
            rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True, enable_gqa=True)
        x = x + self.o(mixed.transpose(1, 2).reshape(batch, length, width))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Llama(nn.Module):
    """RMS norms, rotary positions, grouped queries, SwiGLU."""

    def __init__(self, vocabulary=11, width=8, heads=2, kv_heads=1, length=6):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.block = LlamaBlock(width, heads, kv_heads)
        self.norm = nn.RMSNorm(width, eps=1e-6)
        self.head = nn.Linear(width, vocabulary, bias=False)
        size = width // heads
        angles = torch.outer(torch.arange(length), 100.0 ** (-torch.arange(0, size, 2) / size))
        angles = torch.cat((angles, angles), -1)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def forward(self, tokens):
        length = tokens.shape[1]
        x = self.block(self.tokens(tokens), self.cos[:length], self.sin[:length])
        return self.head(self.norm(x))


def step(model, optimizer, batch):
    """A training step as people write it."""
    optimizer.zero_grad()
    logits = model(batch["x"])
    loss = F.cross_entropy(logits.flatten(0, -2), batch["y"].flatten())
    loss.backward()
    optimizer.step()
    return loss


MODELS = {"mlp": Mlp, "cnn": Cnn, "gpt": Gpt, "llama": Llama}


def batch_of(name, dtype=torch.float64, seed=0):
    """A batch of inputs and labels."""
    rng = np.random.default_rng(seed)
    if name in ("gpt", "llama"):
        return {key: torch.tensor(rng.integers(0, 11, (3, 6))) for key in ("x", "y")}
    shape = (16, 5) if name == "mlp" else (4, 2, 8, 8)
    return {"x": torch.tensor(rng.standard_normal(shape), dtype=dtype), "y": torch.tensor(rng.integers(0, 3, shape[0]))}


def model_of(name, dtype=torch.float64):
    """A model with parameters that are all different from their initial ones."""
    torch.manual_seed(0)
    model = MODELS[name]().to(dtype)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return model


# The same in JAX.


def linear(p, name, x):
    y = x @ p[f"{name}.weight"].T
    return y + p[f"{name}.bias"] if f"{name}.bias" in p else y


def layer_norm(p, name, x):
    x = x - x.mean(-1, keepdims=True)
    x = x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5)
    return x * p[f"{name}.weight"] + p[f"{name}.bias"]


def rms_norm(p, name, x):
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-6) * p[f"{name}.weight"]


def batch_norm(p, name, x):
    axes, along = (0, *range(2, x.ndim)), (1, -1) + (1,) * (x.ndim - 2)
    x = x - x.mean(axes, keepdims=True)
    x = x * jax.lax.rsqrt((x * x).mean(axes, keepdims=True) + 1e-5)
    return x * p[f"{name}.weight"].reshape(along) + p[f"{name}.bias"].reshape(along)


def group_norm(p, name, x, groups):
    parts = x.reshape(x.shape[0], groups, -1)
    parts = parts - parts.mean(-1, keepdims=True)
    parts = parts * jax.lax.rsqrt((parts * parts).mean(-1, keepdims=True) + 1e-5)
    return parts.reshape(x.shape) * p[f"{name}.weight"].reshape(1, -1, 1, 1) + p[f"{name}.bias"].reshape(1, -1, 1, 1)


def convolution(x, w, stride=1, groups=1):
    return jax.lax.conv_general_dilated(
        x, w, (stride, stride), [(1, 1), (1, 1)], dimension_numbers=("NCHW", "OIHW", "NCHW"), feature_group_count=groups)


def mlp(p, x):
    x = jax.nn.relu(batch_norm(p, "norm", linear(p, "fc1", x)))
    return linear(p, "head", jax.nn.relu(linear(p, "fc2", x)))


def cnn(p, x):
    x = jax.nn.relu(batch_norm(p, "norm1", convolution(x, p["conv1.weight"])))
    x = convolution(x, p["conv2.weight"], 2, 2) + p["conv2.bias"].reshape(1, -1, 1, 1)
    x = jax.nn.relu(group_norm(p, "norm2", x, 4))
    x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return linear(p, "head", x.mean((2, 3)))


def attention(q, k, v, guarded=False):
    """[batch, head, time, size], causal. PyTorch guards against rows that see nothing where it is given a mask."""
    scores = q @ jnp.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
    kept = jnp.tril(jnp.ones(scores.shape[-2:], bool))
    scores = jnp.where(kept, scores, -jnp.inf)
    weights = jax.nn.softmax(scores, axis=-1)
    if guarded:
        weights = jnp.where(jnp.all(scores == -jnp.inf, -1, keepdims=True), 0.0, weights)
    return weights @ v


def gpt(p, tokens, heads=2):
    b, t = tokens.shape
    x = p["tokens.weight"][tokens] + p["positions.weight"][jnp.arange(t)]
    h = layer_norm(p, "block.norm1", x)
    fused = h @ p["block.attention.in_proj_weight"].T + p["block.attention.in_proj_bias"]
    q, k, v = (part.reshape(b, t, heads, -1).swapaxes(1, 2) for part in jnp.split(fused, 3, -1))
    mixed = attention(q, k, v, guarded=True).swapaxes(1, 2).reshape(b, t, -1)
    x = x + linear(p, "block.attention.out_proj", mixed)
    h = layer_norm(p, "block.norm2", x)
    x = x + linear(p, "block.down", jax.nn.gelu(linear(p, "block.up", h), approximate=False))
    return layer_norm(p, "norm", x) @ p["tokens.weight"].T


def llama(p, tokens, heads=2):
    b, t = tokens.shape
    x = p["tokens.weight"][tokens]
    size = x.shape[-1] // heads
    angles = np.outer(np.arange(t), 100.0 ** (-np.arange(0, size, 2) / size))
    cos, sin = (jnp.asarray(f(np.concatenate([angles, angles], -1))) for f in (np.cos, np.sin))

    def turned(x):
        half = size // 2
        return x * cos + jnp.concatenate([-x[..., half:], x[..., :half]], -1) * sin

    h = rms_norm(p, "block.norm1", x)
    q, k, v = (linear(p, f"block.{n}", h).reshape(b, t, -1, size).swapaxes(1, 2) for n in "qkv")
    k, v = (jnp.repeat(part, heads, 1) for part in (k, v))
    mixed = attention(turned(q), turned(k), v).swapaxes(1, 2).reshape(b, t, -1)
    x = x + linear(p, "block.o", mixed)
    h = rms_norm(p, "block.norm2", x)
    x = x + linear(p, "block.down", jax.nn.silu(linear(p, "block.gate", h)) * linear(p, "block.up", h))
    return linear(p, "head", rms_norm(p, "norm", x))


FUNCTIONS = {"mlp": mlp, "cnn": cnn, "gpt": gpt, "llama": llama}


def jax_loss(name):
    def loss(params, batch):
        logits = FUNCTIONS[name](params, batch["x"])
        logits = logits.reshape(-1, logits.shape[-1])
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), batch["y"].reshape(-1, 1), axis=1)
        return -picked.mean()

    return loss
