# Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Steps as people write them are captured, whatever they are given leaves as it came, and refusals say what to change."""

import collections
import dataclasses
import random

import numpy as np
import pytest
import torch
from noether_mlir.errors import NotATrainingStep, UnsupportedStep
from torch import nn
from torch.nn import functional as F
from torch_running import arguments, run, to_array

import noether_mlir.torch
from noether_mlir.torch import capture


def network(width=6):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, 3)).double()


X, Y = torch.randn(8, 4, dtype=torch.float64), torch.arange(8) % 3


def step(model, optimizer, x, y):
    optimizer.zero_grad()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    optimizer.step()
    return loss


def results_agree(captured, call, model, draws=(), tolerance=1e-10):
    """The captured step and the step itself, which is then run."""
    found = run(captured, arguments(captured, draws))
    call()
    for name, value in model.named_parameters():
        np.testing.assert_allclose(found[name], to_array(value), rtol=tolerance, atol=tolerance, err_msg=name)
    return found


def test_everything_stays_as_it_was():
    model = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Dropout(0.5), nn.Linear(6, 3)).double()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)

    def whole(x, y):
        step(model, optimizer, x, y)
        scheduler.step()

    whole(X, Y)
    model[0].weight.grad = kept = torch.ones_like(model[0].weight)
    tensors = [*model.parameters(), *model.buffers()]
    values = [tensor.detach().clone() for tensor in tensors]
    ids, versions = [id(tensor) for tensor in tensors], [tensor._version for tensor in tensors]
    state = {key: {k: v.clone() for k, v in entry.items()} for key, entry in optimizer.state.items()}
    groups = [dict(group) for group in optimizer.param_groups]
    dictionary, schedule = dict(vars(optimizer)), dict(scheduler.state_dict())
    draws = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy()

    noether_mlir.torch.analyze(whole, model, optimizer, X, Y)

    now = [*model.parameters(), *model.buffers()]
    assert [id(tensor) for tensor in now] == ids and [tensor._version for tensor in now] == versions
    assert all(torch.equal(one, other) for one, other in zip(now, values))
    assert all(type(tensor) is nn.Parameter for tensor in model.parameters())
    assert model[0].weight.grad is kept and torch.equal(kept, torch.ones_like(kept))
    assert set(optimizer.state) == set(state) and vars(optimizer) == dictionary
    for key, entry in state.items():
        assert all(torch.equal(optimizer.state[key][k], v) for k, v in entry.items())
    for group, before in zip(optimizer.param_groups, groups):
        assert group.keys() == before.keys() and all(group[key] is before[key] for key in before)
    assert scheduler.state_dict() == schedule
    assert torch.equal(torch.get_rng_state(), draws[0]) and random.getstate() == draws[1]
    assert np.array_equal(np.random.get_state()[1], draws[2])
    whole(X, Y)  # and training goes on


def test_what_modules_remember_and_what_draws_in_python():
    class Remembering(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner, self.calls, self.cache = nn.Linear(4, 3).double(), 0, {}

        def forward(self, x):
            self.calls += 1
            self.last = self.cache["last"] = self.inner(x * random.random() + np.random.rand())
            return self.last

    model = Remembering()
    states = random.getstate(), np.random.get_state()[1].copy()
    capture(step, model, torch.optim.SGD(model.parameters(), lr=0.1), X, Y)
    assert model.calls == 0 and not hasattr(model, "last") and model.cache == {} and model.training
    assert random.getstate() == states[0] and np.array_equal(np.random.get_state()[1], states[1])


def test_a_moving_average():
    """Modules that the step changes are given too; others stay as they are, and are not followed silently."""
    model = network()
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def averaged(x, y):
        step(model, optimizer, x, y)
        with torch.no_grad():
            for own, other in zip(average.module.parameters(), model.parameters()):
                own.lerp_(other, 0.1)

    averaged(X, Y)
    before = {name: value.clone() for name, value in average.state_dict().items()}
    captured = capture(averaged, {"model": model, "average": average.module}, optimizer, X, Y)
    assert all(torch.equal(value, before[name]) for name, value in average.state_dict().items())
    found = run(captured, arguments(captured))
    averaged(X, Y)
    for name, value in average.module.named_parameters():
        np.testing.assert_allclose(found[f"average.{name}"], to_array(value), rtol=1e-12)
    before = {name: value.clone() for name, value in average.state_dict().items()}
    with pytest.raises(UnsupportedStep, match="give the module that has it too"):
        capture(averaged, model, optimizer, X, Y)
    assert all(torch.equal(value, before[name]) for name, value in average.state_dict().items())


def test_large_constants_are_arguments():
    """What a step finds around it is data."""
    model, teacher = network(), nn.Sequential(nn.Linear(4, 1500), nn.Linear(1500, 3)).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def distill(model, optimizer, x):
        optimizer.zero_grad()
        F.mse_loss(model(x), teacher(x).detach()).backward()
        optimizer.step()

    captured = capture(distill, model, optimizer, X)
    names = {item.name: item.shape for item in captured.inputs if item.role == "batch"}
    assert names == {"x": (8, 4), "constants[0]": (1500, 4), "constants[1]": (3, 1500)}
    results_agree(captured, lambda: distill(model, optimizer, X), model)


def test_updates_by_hand():
    model = network()

    def by_hand(model, optimizer, x, y):
        model.zero_grad()
        F.cross_entropy(model(x), y).backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.1 * parameter.grad

    results_agree(capture(by_hand, model, None, X, Y), lambda: by_hand(model, None, X, Y), model)


def test_a_failing_step_leaves_everything_as_it_was():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    def failing(model, optimizer, x, y):
        step(model, optimizer, x, y)
        raise RuntimeError("no more")

    ids = [id(parameter) for parameter in model.parameters()]
    with pytest.raises(NotATrainingStep, match="no more"):
        capture(failing, model, optimizer, X, Y)
    assert [id(p) for group in optimizer.param_groups for p in group["params"]] == ids == [id(p) for p in model.parameters()]
    assert not optimizer.state and not torch.compiler.is_compiling()


def test_clipping_accumulation_and_a_closure():
    """References to the live parameters, taken before, are followed."""
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    parameters = list(model.parameters())

    def closure(batches):
        for parameter in parameters:
            parameter.grad = None
        for x, y in batches:
            (F.cross_entropy(model(x), y) / len(batches)).backward()
        nn.utils.clip_grad_norm_(parameters, 0.01)
        optimizer.step()

    batches = [(X, Y), (X.flip(0) * 2, Y)]
    captured = capture(closure, model, optimizer, batches)
    assert {item.name for item in captured.inputs if item.role == "batch"} == {
        f"batches[{i}][{j}]" for i in (0, 1) for j in (0, 1)}
    results_agree(captured, lambda: closure(batches), model)


def test_groups_and_several_optimizers():
    model = network()
    first = torch.optim.AdamW([
        {"params": [model[0].weight], "weight_decay": 0.3}, {"params": [model[0].bias, model[1].bias], "lr": 0.01}])
    second = torch.optim.SGD([model[1].weight, *model[3].parameters()], lr=0.1, momentum=0.9)

    def both(model, optimizers, x, y):
        for optimizer in optimizers:
            optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        for optimizer in optimizers:
            optimizer.step()

    both(model, [first, second], X, Y)
    captured = capture(both, model, [first, second], X, Y)
    names = [item.name for item in captured.inputs]
    assert "optimizers[0].param_groups[1]['lr']" in names and "optimizers[1].state['3.bias'].momentum_buffer" in names
    results_agree(captured, lambda: both(model, [first, second], X, Y), model)


def test_equal_hyperparameters_are_not_one():
    """Each group has a learning rate of its own, though all have one value."""
    model = network()
    optimizer = torch.optim.SGD([{"params": [p]} for p in model.parameters()], lr=0.1)
    captured = capture(step, model, optimizer, X, Y)
    values = arguments(captured)
    place = next(n for n, item in enumerate(captured.inputs) if item.name == "param_groups[2]['lr']")
    plain, values[place] = run(captured, values), np.asarray(0.0)
    changed = run(captured, values)
    for number, (name, parameter) in enumerate(model.named_parameters()):
        assert np.array_equal(plain[name], changed[name]) == (number != 2)
        assert np.array_equal(changed[name], to_array(parameter)) == (number == 2)


def test_counters_and_options_of_users_optimizers():
    """Numbers in states and options that each step changes are states of the captured step."""

    class Counting(torch.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr, "k": 0})

        @torch.no_grad()
        def step(self):
            for group in self.param_groups:
                group["k"] += 1
                for p in group["params"]:
                    state = self.state[p]
                    state["step"] = state.get("step", 0) + 1
                    p.sub_(p.grad * (group["lr"] / (1 - 0.9 ** state["step"]) / group["k"]))

    model = network()
    optimizer = Counting(model.parameters(), 0.1)
    step(model, optimizer, X, Y)
    captured = capture(step, model, optimizer, X, Y)
    roles = {item.name: item.role for item in captured.inputs}
    assert roles["state['0.weight'].step"] == "state" and roles["k"] == "state"
    for _ in range(2):
        captured = capture(step, model, optimizer, X, Y)
        found = results_agree(captured, lambda: step(model, optimizer, X, Y), model)
        assert found["k"] == optimizer.param_groups[0]["k"]


class Wrapped(collections.UserDict):
    """As the batches of Hugging Face are."""


@dataclasses.dataclass
class Pair:
    x: torch.Tensor
    y: torch.Tensor
    note: str = ""


@pytest.mark.parametrize("batch", [
    {"x": X, "y": Y}, Wrapped({"x": X, "y": Y}), Pair(X, Y, "a"), collections.namedtuple("Both", "x y")(X, Y)],
    ids=["dict", "mapping", "dataclass", "namedtuple"])
def test_batches(batch):
    def of(model, optimizer, batch, *, scale):
        x, y = (batch["x"], batch["y"]) if isinstance(batch, collections.abc.Mapping) else (batch.x, batch.y)
        return step(model, optimizer, x * scale, y)

    model = network()
    captured = capture(of, model, torch.optim.SGD(model.parameters(), lr=0.1), batch, scale=torch.tensor(2.0))
    assert [item.name.replace("['x']", ".x").replace("['y']", ".y") for item in captured.inputs if item.role == "batch"] == [
        "batch.x", "batch.y", "scale"]


def test_dropout_is_a_function_of_its_draws():
    model = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.4), nn.Linear(6, 3)).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    captured = capture(step, model, optimizer, X, Y)
    (draw,) = [item for item in captured.inputs if item.value is None]
    assert draw.name == "random[0]" and draw.shape == (8, 6)
    kept = (torch.rand(8, 6) < 0.6).double()  # what bernoulli_ gives
    masked = lambda x, y: F.cross_entropy(model[2](model[0](x) * kept / 0.6), y)
    found = run(captured, arguments(captured, [kept]))
    np.testing.assert_allclose(found["loss"], masked(X, Y).item(), rtol=1e-12)


def test_other_ways_to_train():
    """autograd.grad, frozen parameters, autocast, checkpoints, compiled modules, weight norm, modules in a list."""
    model = network()
    model[1].bias.requires_grad_(False)
    chosen = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(chosen, lr=0.1)

    def by_hand(model, optimizer, x, y):
        hidden = torch.utils.checkpoint.checkpoint(model[:2], x, use_reentrant=False)
        loss = F.cross_entropy(model[2:](hidden), y)
        for p, g in zip(chosen, torch.autograd.grad(loss, chosen)):
            p.grad = g
        optimizer.step()
        return {"loss": loss.detach()}

    captured = capture(by_hand, model, optimizer, X, Y)
    assert {item.name: item.role for item in captured.inputs}["1.bias"] == "state"
    results_agree(captured, lambda: by_hand(model, optimizer, X, Y), model)

    parts = [nn.utils.parametrizations.weight_norm(nn.Linear(4, 5)), nn.Linear(5, 3)]
    optimizer = torch.optim.Adam([p for part in parts for p in part.parameters()])

    def in_parts(models, optimizer, x, y):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(models[1](models[0](x)).float(), y)
        loss.backward()
        optimizer.step()

    captured = capture(in_parts, parts, optimizer, X.float(), Y)
    assert [item.name for item in captured.inputs if item.role == "param"] == [
        "0.bias", "0.parametrizations.weight.original0", "0.parametrizations.weight.original1", "1.weight", "1.bias"]
    assert "bf16" in captured.text and captured.outputs[0].role == "loss"


def test_hyperparameters_as_constants():
    model = network()
    captured = capture(step, model, torch.optim.AdamW(model.parameters()), X, Y, hyperparameters="constants")
    assert not captured.numbers and all(item.role != "hyper" for item in captured.inputs)
    captured = capture(step, model, torch.optim.AdamW(model.parameters()), X, Y)
    assert captured.numbers == pytest.approx({
        "lr": 1e-3, "betas[0]": 0.9, "betas[1]": 0.999, "eps": 1e-8, "weight_decay": 0.01})
    assert any("0.0" in text for text in captured.specialised)  # weight_decay != 0


def refused(message, change=step, model=None, optimizer=torch.optim.SGD, error=UnsupportedStep, **options):
    model = model or network()
    chosen = optimizer(model.parameters(), **options) if isinstance(optimizer, type) else optimizer
    with pytest.raises(error, match=message) as found:
        capture(change, model, chosen, X, Y)
    return str(found.value)


def test_values_of_tensors_are_refused():
    def logging(model, optimizer, x, y):
        loss = step(model, optimizer, x, y)
        return loss.item()

    def deciding(model, optimizer, x, y):
        if model(x).sum() > 0:
            x = -x
        return step(model, optimizer, x, y)

    line = logging.__code__.co_firstlineno + 2
    assert f"test_torch_capture.py:{line}: " in refused("read it outside of the step", logging)
    line = deciding.__code__.co_firstlineno + 1
    assert f"test_torch_capture.py:{line}: " in refused(r"torch\.where", deciding)


def test_refusals_say_what_to_change():
    scaler = torch.amp.GradScaler("cpu")

    def scaled(model, optimizer, x, y):
        scaler.scale(F.cross_entropy(model(x), y)).backward()
        scaler.step(optimizer)

    refused("GradScaler.scale .*enabled=False", scaled)
    refused("LBFGS .* another optimizer", optimizer=torch.optim.LBFGS)
    refused("SparseAdam .* Adam", optimizer=torch.optim.SparseAdam)
    refused("sparse=True", model=nn.Sequential(nn.Embedding(3, 4, sparse=True)))
    refused("run the model once", model=nn.LazyLinear(3), optimizer=torch.optim.SGD([torch.zeros(1)]))
    refused("model.module", model=nn.DataParallel(network()))
    other = network()
    refused("give all modules", optimizer=torch.optim.SGD(other.parameters(), lr=0.1), error=NotATrainingStep)
    refused("no loss", lambda model, optimizer, x, y: None, error=NotATrainingStep)
    refused("takes neither", lambda model: None, error=NotATrainingStep)
    refused("not a torch.optim.Optimizer", optimizer=3, error=NotATrainingStep)
    refused("a bug", lambda model, optimizer, x, y: (_ for _ in ()).throw(ValueError("a bug")), error=NotATrainingStep)


def test_unknown_operations_are_named_with_their_line():
    def inverted(model, optimizer, x, y):
        optimizer.zero_grad()
        loss = torch.linalg.eigvalsh(model(x).T @ model(x)).sum()
        loss.backward()
        optimizer.step()

    line = inverted.__code__.co_firstlineno + 2
    assert f"test_torch_capture.py:{line}: " in refused("_linalg_eigh.* cannot be printed", inverted)


def test_compiled_models_are_captured_as_they_were_written():
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    captured = capture(step, torch.compile(model), optimizer, X, Y)
    assert [item.name for item in captured.inputs if item.role == "param"] == [n for n, _ in model.named_parameters()]
    results_agree(captured, lambda: step(model, optimizer, X, Y), model)
