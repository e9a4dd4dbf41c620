# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The U-Net of denoising diffusion (CIFAR-10's): GroupNorm, SiLU, skips that are concatenated, attention at 16 x 16."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from .recipe import abstract_state, adamw, shape


def time_features(t, size):
    frequencies = jnp.exp(-np.log(10_000) * jnp.arange(size // 2) / (size // 2 - 1))
    angles = t[:, None].astype(jnp.float32) * frequencies
    return jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)


class ResBlock(nn.Module):
    channels: int
    dropout: float = 0.1

    @nn.compact
    def __call__(self, x, time):
        h = nn.Conv(self.channels, (3, 3), name="conv1")(nn.silu(nn.GroupNorm(32, name="norm1")(x)))
        h = h + nn.Dense(self.channels, name="time")(nn.silu(time))[:, None, None, :]
        h = nn.silu(nn.GroupNorm(32, name="norm2")(h))
        h = nn.Dropout(self.dropout, deterministic=False)(h)
        h = nn.Conv(self.channels, (3, 3), name="conv2")(h)
        if x.shape[-1] != self.channels:
            x = nn.Conv(self.channels, (1, 1), name="shortcut")(x)
        return x + h


class AttentionBlock(nn.Module):
    @nn.compact
    def __call__(self, x):
        b, height, width, c = x.shape
        h = nn.GroupNorm(32, name="norm")(x)
        q, k, v = (nn.Dense(c, name=name)(h).reshape(b, height * width, c) for name in "qkv")
        weights = jax.nn.softmax(jnp.einsum("bic,bjc->bij", q, k) * c**-0.5, axis=-1)
        h = jnp.einsum("bij,bjc->bic", weights, v).reshape(x.shape)
        return x + nn.Dense(c, name="out")(h)


class UNet(nn.Module):
    channels: int = 128
    multipliers: tuple[int, ...] = (1, 2, 2, 2)
    blocks: int = 2
    attention_at: int = 16

    @nn.compact
    def __call__(self, x, t):
        time = nn.Dense(4 * self.channels, name="time1")(time_features(t, self.channels))
        time = nn.Dense(4 * self.channels, name="time2")(nn.silu(time))

        h = nn.Conv(self.channels, (3, 3), name="conv_in")(x)
        skips = [h]
        for level, multiplier in enumerate(self.multipliers):
            for i in range(self.blocks):
                h = ResBlock(self.channels * multiplier, name=f"down{level}_block{i}")(h, time)
                if h.shape[1] == self.attention_at:
                    h = AttentionBlock(name=f"down{level}_attention{i}")(h)
                skips.append(h)
            if level + 1 < len(self.multipliers):
                h = nn.Conv(h.shape[-1], (3, 3), strides=(2, 2), name=f"down{level}_downsample")(h)
                skips.append(h)

        h = ResBlock(h.shape[-1], name="middle_block0")(h, time)
        h = AttentionBlock(name="middle_attention")(h)
        h = ResBlock(h.shape[-1], name="middle_block1")(h, time)

        for level, multiplier in reversed(list(enumerate(self.multipliers))):
            for i in range(self.blocks + 1):
                h = jnp.concatenate([h, skips.pop()], axis=-1)
                h = ResBlock(self.channels * multiplier, name=f"up{level}_block{i}")(h, time)
                if h.shape[1] == self.attention_at:
                    h = AttentionBlock(name=f"up{level}_attention{i}")(h)
            if level:
                b, height, width, c = h.shape
                h = jax.image.resize(h, (b, 2 * height, 2 * width, c), "nearest")
                h = nn.Conv(c, (3, 3), name=f"up{level}_upsample")(h)

        h = nn.silu(nn.GroupNorm(32, name="norm_out")(h))
        return nn.Conv(x.shape[-1], (3, 3), name="conv_out")(h)


def train_step(state, images, key):
    """images: [batch, height, width, 3] in [-1, 1]; key: of this step."""
    k1, k2, k3 = jax.random.split(key, 3)
    betas = jnp.linspace(1e-4, 0.02, 1000)
    signal = jnp.cumprod(1 - betas)
    t = jax.random.randint(k1, images.shape[:1], 0, 1000)
    noise = jax.random.normal(k2, images.shape)
    level = signal[t][:, None, None, None]
    noisy = jnp.sqrt(level) * images + jnp.sqrt(1 - level) * noise

    def loss_fn(params):
        predicted = state.apply_fn({"params": params}, noisy, t, rngs={"dropout": k3})
        return jnp.mean((predicted - noise) ** 2)

    loss, grads = jax.value_and_grad(loss_fn)(state.params)
    return state.apply_gradients(grads=grads), loss


def ddpm():
    inputs = jnp.zeros((1, 32, 32, 3)), jnp.zeros((1,), jnp.int32)
    optimizer = adamw(2e-4, decay=0.01, b2=0.999)
    state = abstract_state(UNet(), optimizer, *inputs)
    return train_step, (state, shape(128, 32, 32, 3), jax.eval_shape(lambda: jax.random.key(0)))
