"""Other libraries as a second oracle, where they are installed: at moderate inputs they know the same losses."""

import inspect
from typing import Any

import numpy as np
import pytest

import fastloss as fl

from .common import each_form, sample
from .inputs import hyperparameters

CLOSE = {"rtol": 1e-11, "atol": 1e-13}  # float64, at moderate inputs; gradients are differences of numbers near 1


def shared(function: Any, words: dict[str, Any], unless: tuple[str, ...] = ()) -> bool:
    """Whether a peer has all the hyperparameters of a set."""
    return words.keys() <= inspect.signature(function).parameters.keys() - set(unless)


def batches(loss: fl.Loss, soft: bool) -> list[Any]:
    inputs = sample(loss, 200, np.float64, soft, classes=7)
    return [(inputs, words) for words in hyperparameters(loss)]


@each_form
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_torch_agrees(loss: fl.Loss, soft: bool, reduction: str) -> None:
    """torch.nn.functional: values, and gradients by its autograd."""
    torch = pytest.importorskip("torch")
    if "torch" not in loss.peers:
        pytest.skip(f"torch has no {loss.name}")
    function = getattr(torch.nn.functional, loss.peers["torch"])
    compared = 0
    for inputs, words in batches(loss, soft):
        if not shared(function, words):
            continue
        tensors = [torch.tensor(array) for array in inputs]
        tensors[0].requires_grad_()
        given = {name: torch.tensor(value) if name == "pos_weight" else value for name, value in words.items()}
        theirs = function(*tensors, **given, reduction=reduction)
        theirs.sum().backward()
        value, gradient = loss.value_and_grad(*inputs, **words, reduction=reduction)
        np.testing.assert_allclose(value, theirs.detach().numpy(), **CLOSE)
        np.testing.assert_allclose(gradient, tensors[0].grad.numpy(), **CLOSE)
        compared += 1
    assert compared


def test_torch_agrees_on_ignored_and_weighted_classes() -> None:
    """class_weight is torch's weight, and its mean for labels ours; ignore_index and the class axis 1 are shared."""
    torch = pytest.importorskip("torch")
    logits, labels = sample(fl.cross_entropy, (30, 4), np.float64, classes=6)
    labels[::3, 1] = -100
    weights = np.linspace(0.5, 2, 6)
    there = torch.tensor(np.moveaxis(logits, -1, 1).copy(), requires_grad=True)
    theirs = torch.nn.functional.cross_entropy(there, torch.tensor(labels), weight=torch.tensor(weights))
    theirs.backward()
    value, gradient = fl.cross_entropy.value_and_grad(there.detach().numpy(), labels, class_weight=weights, axis=1)
    np.testing.assert_allclose(value, theirs.item(), **CLOSE)
    np.testing.assert_allclose(gradient, there.grad.numpy(), **CLOSE)


@each_form
def test_optax_agrees(loss: fl.Loss, soft: bool) -> None:
    """optax.losses: values element by element, and gradients by JAX."""
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    name = loss.peers.get("optax")
    if name is None:
        pytest.skip(f"optax has no {loss.name}")
    if soft:
        name = name.removesuffix("_with_integer_labels")
    function = getattr(optax.losses, name)
    compared = 0
    for inputs, words in batches(loss, soft):
        # its label_smoothing is none of probabilities, and its delta = inf is NaN
        if not shared(function, words, ("label_smoothing",)) or np.inf in words.values():
            continue
        single = [array.astype(np.float32) if array.dtype == np.float64 else array for array in inputs]
        theirs = function(*single, **words)
        slope = jax.grad(lambda x, *rest, words=words: function(x, *rest, **words).sum())(*single)
        value, gradient = loss.value_and_grad(*single, **words, reduction="none")
        # JAX computes in float32, and a confident row's tail is lost in it: an absolute error of some ulps of 1.
        # The tails are held against the exact reference in test_accuracy; here only conventions are compared.
        np.testing.assert_allclose(value, theirs, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-6)
        compared += 1
    assert compared


@pytest.mark.parametrize("loss", [loss for loss in fl.LOSSES.values() if "sklearn" in loss.peers], ids=lambda x: x.name)
def test_scikit_learn_agrees(loss: fl.Loss) -> None:
    """The private losses of its boosting: gradients and Hessians, halved where the name says so of a square."""
    module = pytest.importorskip("sklearn._loss.loss")
    name = loss.peers["sklearn"]
    rows = loss.shape == "rows"
    options = {"n_classes": 7} if rows else {"delta": 1.0} if name == "HuberLoss" else {}
    theirs = getattr(module, name)(**options)
    raw, target = sample(loss, 200, np.float64, classes=7)
    factor = 2 if name == "HalfSquaredError" else 1
    value = theirs.loss(target.astype(np.float64), raw)
    slope, curvature = theirs.gradient_hessian(target.astype(np.float64), raw)
    np.testing.assert_allclose(loss(raw, target, reduction="none"), factor * value, **CLOSE)
    gradient, hessian = loss.grad_hess(raw, target)
    np.testing.assert_allclose(gradient, factor * slope, **CLOSE)
    if not theirs.approx_hessian:  # a positive stand-in, for boosting
        np.testing.assert_allclose(hessian, factor * curvature, **CLOSE)


def test_scipy_agrees_on_the_softmax_functions() -> None:
    """scipy.special.softmax, log_softmax and logsumexp."""
    special = pytest.importorskip("scipy.special")
    logits = sample(fl.cross_entropy, (20, 6), np.float64, classes=9)[0]
    for name in ("softmax", "log_softmax", "logsumexp"):
        for axis in (0, 1, -1):
            found = getattr(fl, name)(logits, axis=axis)
            np.testing.assert_allclose(found, getattr(special, name)(logits, axis=axis), **CLOSE)
