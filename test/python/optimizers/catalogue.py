# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every optimizer and transformation of optax, ready to be lowered as a step.

`names()` lists what optax has, by introspection; each of them is in `ENTRIES` or, with a reason, in
`EXCLUDED`.
"""

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import jax
import optax
import optax.contrib

Hyper = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Entry:
    """An optimizer.

    Attributes:
        name: optax's, with a suffix where there are several ways to use it.
        make: the transformation with these hyperparameters, which may be traced.
        hyper: what is passed to the step as arguments, and the values.
        extra: what its update wants to know besides gradients and parameters: the loss' "value", or a second set of "slow"
            parameters.
    """

    name: str
    make: Callable[[Hyper], Any]
    hyper: Mapping[str, float]
    extra: frozenset[str] = frozenset()

    @property
    def of(self) -> str:
        """The name in optax."""
        return self.name.split(":")[0]


LR = {"learning_rate": 0.02}
DECAY = {"weight_decay": 0.1}
EPS = {"eps": 1e-3}


def names() -> list[str]:
    """All functions of optax and optax.contrib that return a transformation."""
    found = []
    for module, prefix in ((optax, ""), (optax.contrib, "contrib.")):
        for name in sorted(vars(module)):
            function = getattr(module, name)
            if name.startswith("_") or not name.islower() or inspect.isclass(function) or not callable(function):
                continue
            try:
                returns = str(inspect.signature(function).return_annotation)
            except ValueError:  # types
                continue
            if "GradientTransformation" in returns:
                found.append(prefix + name)
    return [*found, "MultiSteps"]


ENTRIES: dict[str, Entry] = {}


def _function(name):
    return getattr(optax.contrib if name.startswith("contrib.") else optax, name.removeprefix("contrib."))


def _add(name, make, *hyper, extra=()):
    assert name not in ENTRIES, name
    ENTRIES[name] = Entry(name, make, {k: v for h in hyper for k, v in h.items()}, frozenset(extra))


def _whole(name, *hyper, extra=(), **fixed):
    """An optimizer called with the hyperparameters as keywords."""
    of = name.split(":")[0]
    function = _function(of)
    _add(name, lambda h: function(**h, **fixed), *hyper, extra=extra)


def _part(name, *hyper, extra=(), **fixed):
    """A transformation of the gradient, followed by a learning rate."""
    of = name.split(":")[0]
    function = _function(of)
    _add(name, lambda h: optax.chain(
        function(**{k: v for k, v in h.items() if k != "learning_rate"}, **fixed),
        optax.scale_by_learning_rate(h["learning_rate"])), LR, *hyper, extra=extra)


_whole("sgd", LR)
_whole("sgd:momentum", LR, momentum=0.9)
_whole("sgd:nesterov", LR, momentum=0.9, nesterov=True)
_whole("sign_sgd", LR)
_whole("signum", LR)
_whole("adabelief", LR, EPS, {"eps_root": 1e-4})
_whole("adadelta", LR, EPS, DECAY)
_whole("adafactor", LR, min_dim_size_to_factor=2, eps=1e-30)
_whole("adafactor:momentum", LR, min_dim_size_to_factor=2, momentum=0.9)
_whole("adafactor:unfactored", LR, factored=False, multiply_by_parameter_scale=False, clipping_threshold=None)
_whole("adafactor:decay", LR, {"weight_decay_rate": 0.1}, min_dim_size_to_factor=2)
_whole("adagrad", LR, EPS, {"initial_accumulator_value": 0.1})
_whole("adam", LR, EPS)
_whole("adam:root", LR, EPS, {"eps_root": 1e-4})
_whole("adamax", LR, EPS)
_whole("adamaxw", LR, EPS, DECAY)
_whole("adamw", LR, EPS, DECAY)
_whole("adamw:nesterov", LR, EPS, DECAY, nesterov=True)
_whole("adan", LR, EPS, DECAY, {"eps_root": 1e-4})
_whole("amsgrad", LR, EPS)
_whole("fromage", LR, min_norm=0.0)
_whole("fromage:bounded", LR, {"min_norm": 1e-6})
_whole("lamb", LR, EPS, DECAY)
_whole("lars", LR, DECAY, momentum=0.9)
_whole("lion", LR, DECAY)
_whole("nadam", LR, EPS)
_whole("nadamw", LR, EPS, DECAY)
_whole("novograd", LR, EPS, DECAY)
_whole("optimistic_adam", LR, EPS, optimism=0.5)
_whole("optimistic_adam_v2", LR, EPS, alpha=0.9)
_whole("optimistic_gradient_descent", LR, alpha=0.9)
_whole("polyak_sgd", {"max_learning_rate": 0.5}, extra=["value"])
_whole("radam", LR, EPS)
_whole("rmsprop", LR, EPS)
_whole("rmsprop:centered", LR, EPS, centered=True, momentum=0.9)
_whole("rprop", LR, min_step_size=1e-6, max_step_size=50.0)
_whole("sm3", LR)
_whole("yogi", LR, EPS)
_whole("lbfgs", LR, linesearch=None, memory_size=3)

_part("adaptive_grad_clip", clipping=0.01)
_part("add_decayed_weights", DECAY)
_part("apply_every", k=3)
_part("centralize")
_part("clip", {"max_delta": 0.05})
_part("clip_by_block_rms", {"threshold": 0.05})
_part("clip_by_global_norm", {"max_norm": 0.1})
_part("ema", decay=0.9)
_part("identity")
_add("keep_params_nonnegative", lambda h: optax.chain(
    optax.scale(-h["learning_rate"]), optax.keep_params_nonnegative()), LR)
_part("normalize_by_update_norm", eps=0.0)
_part("normalize_by_update_norm:epsilon", EPS)
_part("scale", {"step_size": 1.5})
_part("scale_by_adadelta", EPS)
_part("scale_by_adam", EPS)
_part("scale_by_adamax", EPS)
_part("scale_by_adan", EPS, {"eps_root": 1e-4})
_part("scale_by_amsgrad", EPS)
_part("scale_by_belief", EPS, {"eps_root": 1e-4})
_part("scale_by_distance_over_gradients")
_part("scale_by_lbfgs", memory_size=3)
_part("scale_by_lion")
_part("scale_by_lion:smooth", {"smooth_beta": 0.7}, mode="smooth")
_part("scale_by_novograd", EPS, DECAY)
_part("scale_by_optimistic_gradient", alpha=0.9)
_part("scale_by_param_block_norm", min_scale=0.0)
_part("scale_by_param_block_norm:bounded", {"min_scale": 1e-3})
_part("scale_by_param_block_rms", min_scale=0.0)
_part("scale_by_param_block_rms:bounded", {"min_scale": 1e-3})
_part("scale_by_polyak", extra=["value"])
_part("scale_by_radam", EPS)
_part("scale_by_rms", EPS)
_part("scale_by_rms:outside", EPS, eps_in_sqrt=False)
_part("scale_by_rss", EPS, {"initial_accumulator_value": 0.1})
_part("scale_by_sign")
_part("scale_by_sm3")
_part("scale_by_stddev", EPS)
_part("scale_by_trust_ratio")
_part("scale_by_trust_ratio:epsilon", EPS)
_part("scale_by_yogi", EPS)
_part("set_to_zero")
_part("trace", decay=0.9)
_part("zero_nans")
_add("scale_by_learning_rate", lambda h: optax.scale_by_learning_rate(h["learning_rate"]), LR)
_add("scale_by_rprop", lambda h: optax.scale_by_rprop(h["learning_rate"]), LR)
_add("scale_by_schedule", lambda h: optax.chain(
    optax.scale_by_schedule(optax.cosine_decay_schedule(1.0, 100)), optax.scale(-h["learning_rate"])), LR)
_add("sgd:schedule", lambda h: optax.sgd(optax.warmup_cosine_decay_schedule(0.0, 0.1, 5, 50)), {})
_add("adamw:constants", lambda h: optax.adamw(0.02, eps=2e-3, weight_decay=0.2), {})
_add("sgd:constants", lambda h: optax.chain(optax.add_decayed_weights(0.2), optax.sgd(0.02, momentum=0.9)), {})


# --- wrappers ------------------------------------------------------------------------------------


def _momentum(h):
    return optax.sgd(h["learning_rate"], momentum=0.9)


def _matrices(tree):
    return jax.tree.map(lambda leaf: leaf.ndim > 1, tree)


_add("chain", lambda h: optax.chain(optax.trace(0.9), optax.scale(-h["learning_rate"])), LR)
_add("named_chain", lambda h: optax.named_chain(("a", optax.trace(0.9)), ("b", optax.scale(-h["learning_rate"]))), LR)
_add("apply_if_finite", lambda h: optax.apply_if_finite(_momentum(h), 5), LR)
_add("conditionally_mask", lambda h: optax.conditionally_mask(_momentum(h), lambda step: step % 2 == 0), LR)
_add("conditionally_transform", lambda h: optax.chain(optax.conditionally_transform(
    optax.trace(0.9), lambda step: step % 2 == 0), optax.scale(-h["learning_rate"])), LR)
_add("flatten", lambda h: optax.flatten(_momentum(h)), LR)
_add("flatten:adam", lambda h: optax.flatten(optax.adam(h["learning_rate"], eps=h["eps"])), LR, EPS)
_add("freeze", lambda h: optax.chain(_momentum(h), optax.freeze(
    lambda tree: jax.tree.map(lambda leaf: leaf.ndim == 1, tree))), LR)
_add("inject_hyperparams", lambda h: optax.inject_hyperparams(optax.adamw)(
    learning_rate=0.02, eps=1e-3, weight_decay=0.1), {})
_add("inject_stateful_hyperparams", lambda h: optax.inject_stateful_hyperparams(optax.adam)(
    learning_rate=0.02, eps=1e-3), {})
_add("lookahead", lambda h: optax.lookahead(
    optax.adam(h["learning_rate"], eps=h["eps"]), sync_period=5, slow_step_size=0.5), LR, EPS, extra=["slow"])
_add("masked", lambda h: optax.chain(
    optax.masked(optax.add_decayed_weights(h["weight_decay"]), _matrices), _momentum(h)), LR, DECAY)
_add("multi_transform", lambda h: optax.multi_transform(
    {True: optax.adamw(h["learning_rate"], eps=h["eps"], weight_decay=h["weight_decay"]),
     False: optax.sgd(h["learning_rate"])}, _matrices), LR, EPS, DECAY)
_add("partition", lambda h: optax.partition(
    {True: _momentum(h), False: optax.sgd(h["learning_rate"])}, _matrices), LR)
_add("selective_transform", lambda h: optax.selective_transform(
    _momentum(h), freeze_mask=False), LR)
_add("stateless", lambda h: optax.chain(optax.stateless(
    lambda updates, params: jax.tree.map(lambda g: 2.0 * g, updates)), _momentum(h)), LR)
_add("stateless_with_tree_map", lambda h: optax.chain(
    optax.stateless_with_tree_map(lambda g, w: 2.0 * g), _momentum(h)), LR)
_add("with_extra_args_support", lambda h: optax.with_extra_args_support(_momentum(h)), LR)
_add("MultiSteps", lambda h: optax.MultiSteps(
    _momentum(h), every_k_schedule=3, accumulator_dtype="float64"), LR)

# --- contrib -------------------------------------------------------------------------------------

_whole("contrib.acprop", LR, EPS, DECAY)
_whole("contrib.ademamix", LR, EPS, DECAY)
_whole("contrib.adopt", LR, EPS)
_whole("contrib.adopt:unclipped", LR, EPS, use_clipping=False)
_whole("contrib.cocob", LR, DECAY, alpha=100.0, eps=1e-8)
_whole("contrib.dadapt_adamw", LR, DECAY, eps=1e-8)
_whole("contrib.galore", LR, DECAY, rank=2, update_proj_gap=5)
_whole("contrib.madgrad", LR, EPS)
_whole("contrib.madgrad:exact", LR, eps=0.0)
_add("contrib.mechanize", lambda h: optax.contrib.mechanize(_momentum(h), weight_decay=h["weight_decay"]), LR, DECAY)
_whole("contrib.momo", LR, DECAY, extra=["value"])
_whole("contrib.momo_adam", LR, EPS, DECAY, extra=["value"])
_whole("contrib.muon", LR, {"weight_decay": 0.1}, eps=1e-8)
_whole("contrib.muon:nuclear", LR, preconditioning="schatten")
_whole("contrib.prodigy", LR, DECAY, eps=1e-8)
_whole("contrib.schedule_free_adamw", LR, EPS, DECAY)
_whole("contrib.schedule_free_sgd", LR, DECAY)
_add("contrib.schedule_free", lambda h: optax.contrib.schedule_free(
    optax.sgd(h["learning_rate"]), h["learning_rate"], b1=0.9), LR)
_whole("contrib.simplified_ademamix", LR, EPS, DECAY)
# With squared gradients for the Hessian: the usual estimate draws random numbers.
_whole("contrib.sophia", LR, DECAY, EPS, hessian_diagonal_fn=optax.stateless_with_tree_map(lambda g, w: g * g))
_part("contrib.normalize")
_part("contrib.reduce_on_plateau", patience=3, extra=["value"])
_part("contrib.scale_by_acprop", EPS)
_part("contrib.scale_by_ademamix", EPS)
_part("contrib.scale_by_adopt", EPS)
_part("contrib.scale_by_cocob")
_part("contrib.scale_by_galore", rank=2, update_proj_gap=5)
_add("contrib.scale_by_madgrad", lambda h: optax.contrib.scale_by_madgrad(h["learning_rate"], eps=h["eps"]), LR, EPS)
_add("contrib.scale_by_muon", lambda h: optax.partition(
    {True: optax.chain(optax.contrib.scale_by_muon(eps=0.0, weight_dimension_numbers=lambda tree: jax.tree.map(
        lambda leaf: optax.contrib.MuonDimensionNumbers(), tree)), optax.scale_by_learning_rate(h["learning_rate"])),
     False: optax.sgd(h["learning_rate"])}, _matrices), LR)
_add("contrib.scale_by_madgrad:exact", lambda h: optax.contrib.scale_by_madgrad(h["learning_rate"], eps=0.0), LR)
_part("contrib.scale_by_simplified_ademamix", EPS)
_add("contrib.sam", lambda h: optax.contrib.sam(
    _momentum(h), optax.chain(optax.contrib.normalize(), optax.sgd(h["rho"])), sync_period=2), LR, {"rho": 0.05})
_add("contrib.split_real_and_imaginary", lambda h: optax.contrib.split_real_and_imaginary(_momentum(h)), LR)

#: What is no deterministic function of (w, g, state, hyperparameters), or does nothing to the update.
EXCLUDED = {
    "add_noise": "draws random numbers",
    "noisy_sgd": "draws random numbers",
    "contrib.dpsgd": "draws random numbers; wants a gradient for each example",
    "contrib.differentially_private_aggregate": "draws random numbers; wants a gradient for each example",
    "scale_by_backtracking_linesearch": "evaluates the loss at other points: no function of w, g and a state",
    "scale_by_zoom_linesearch": "evaluates the loss at other points: no function of w, g and a state",
    "measure_with_ema": "leaves the update as it is and measures something",
    "snapshot": "leaves the update as it is and measures something",
}


def covered() -> set[str]:
    return {entry.of for entry in ENTRIES.values()} | set(EXCLUDED)

