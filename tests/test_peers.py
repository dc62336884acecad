"""Other libraries as a second oracle, where they are installed: at moderate inputs they know the same losses."""

import inspect
from typing import Any

import numpy as np
import pytest

import fastloss as fl

from .common import LOSSES, TOKENS, each_form, sample, several
from .inputs import hyperparameters

CLOSE = {"rtol": 1e-11, "atol": 1e-13}  # float64, at moderate inputs; gradients are differences of numbers near 1


def shared(function: Any, words: dict[str, Any], unless: tuple[str, ...] = ()) -> bool:
    """Whether a peer has all the hyperparameters of a set."""
    return words.keys() <= inspect.signature(function).parameters.keys() - set(unless)


def batches(loss: fl.Loss, soft: bool) -> list[Any]:
    return [(sample(loss, 200, np.float64, soft, 7, words), words) for words in hyperparameters(loss)]


@each_form
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_torch_agrees(loss: fl.Loss, soft: bool, reduction: str) -> None:
    """torch.nn.functional: values, and gradients by its autograd."""
    torch = pytest.importorskip("torch")
    peer = loss.peers.get("torch")
    if peer is None:
        pytest.skip(f"torch has no {loss.name}")
    function = getattr(torch.nn.functional, peer.name)
    compared = 0
    for inputs, ours in batches(loss, soft):
        words = peer.options(ours)
        if not shared(function, words):
            continue
        tensors = [torch.tensor(array) for array in inputs]
        leaves = [tensors[loss.inputs.index(name)].requires_grad_() for name in loss.grads]
        given = {name: torch.tensor(value) if name == "pos_weight" else value for name, value in words.items()}
        theirs = peer.factor * function(*peer.inputs(*tensors), **given, reduction=reduction)
        theirs.sum().backward()
        value, gradients = loss.value_and_grad(*inputs, **ours, reduction=reduction)
        np.testing.assert_allclose(value, theirs.detach().numpy(), **CLOSE)
        for gradient, leaf in zip(several(gradients), leaves, strict=True):
            np.testing.assert_allclose(gradient, leaf.grad.numpy(), **CLOSE)
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


@pytest.mark.parametrize("loss", [loss for loss in TOKENS if loss.peers], ids=lambda x: x.name)
def test_torch_and_optax_agree_on_tokens(loss: fl.Loss) -> None:
    """The mean over the tokens that count, and its gradient; optax knows none that do not."""
    torch, optax, jax = map(pytest.importorskip, ("torch", "optax", "jax"))
    logits, labels = sample(fl.cross_entropy, (4, 9), np.float64, classes=6)
    peer = loss.peers["torch"]
    masked = np.where(labels % 4 == 3, -100, labels)
    value, gradient = loss.value_and_grad(logits, masked)
    leaf = torch.tensor(logits, requires_grad=True)
    theirs = peer.factor * getattr(torch.nn.functional, peer.name)(*peer.inputs(leaf, torch.tensor(masked)))
    theirs.backward()
    np.testing.assert_allclose(value, theirs.item(), **CLOSE)
    np.testing.assert_allclose(gradient, leaf.grad.numpy(), **CLOSE)

    peer, logits = loss.peers["optax"], logits.astype(np.float32)

    def mean(logits: Any) -> Any:
        return peer.factor * getattr(optax.losses, peer.name)(*peer.inputs(logits, labels)).mean()

    theirs, slope = jax.value_and_grad(mean)(jax.numpy.asarray(logits))
    value, gradient = loss.value_and_grad(logits, labels)
    close = {"rtol": 1e-5, "atol": 1e-6}  # some ulps of 1 in float32
    np.testing.assert_allclose(value, theirs, **close)
    np.testing.assert_allclose(gradient, slope, **close)


@each_form
def test_optax_agrees(loss: fl.Loss, soft: bool) -> None:
    """optax.losses: values element by element, and gradients by JAX."""
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    peer = loss.peers.get("optax")
    if peer is None:
        pytest.skip(f"optax has no {loss.name}")
    function = getattr(optax.losses, peer.name.removesuffix("_with_integer_labels") if soft else peer.name)
    compared = 0
    for inputs, ours in batches(loss, soft):
        words = peer.options(ours)
        # its label_smoothing is none of probabilities, and its delta = inf is NaN
        if not shared(function, words, ("label_smoothing",)) or np.inf in words.values():
            continue
        single = [array.astype(np.float32) if array.dtype == np.float64 else array for array in inputs]

        def theirs(*arrays: Any, words: dict[str, Any] = words) -> Any:
            return peer.factor * function(*peer.inputs(*arrays), **words)

        value, gradient = loss.value_and_grad(*single, **ours, reduction="none")
        slope = jax.grad(lambda *arrays, theirs=theirs: theirs(*arrays).sum())(*single)
        # JAX computes in float32, and a confident row's tail is lost in it: an absolute error of some ulps of 1.
        # The tails are held against the exact reference in test_accuracy; here only conventions are compared.
        close = {"rtol": 1e-5, "atol": 1e-6}  # some ulps of 1 in float32, as said above
        np.testing.assert_allclose(value, theirs(*single), **close)
        np.testing.assert_allclose(gradient, slope, **close)
        compared += 1
    assert compared


@pytest.mark.parametrize("loss", [loss for loss in LOSSES if "sklearn" in loss.peers], ids=lambda x: x.name)
def test_scikit_learn_agrees(loss: fl.Loss) -> None:
    """The private losses of its boosting: values, gradients and, where they are not stand-ins, Hessians."""
    module = pytest.importorskip("sklearn._loss.loss")
    peer = loss.peers["sklearn"]
    kind = getattr(module, peer.name)
    raw, target = sample(loss, 200, np.float64, classes=7)
    rows = {"n_classes": 7} if loss.shape == "rows" else {}
    compared = 0
    for ours in hyperparameters(loss):
        defaults = {p.name: p.default for p in loss.__signature__.parameters.values() if isinstance(p.default, float)}
        asked = peer.options(ours)
        known = inspect.signature(kind).parameters
        if not asked.keys() <= known.keys() or np.inf in asked.values():
            continue
        every = {name: value for name, value in peer.options(defaults | ours).items() if name in known}
        theirs = kind(**every, **rows)
        given = peer.inputs(raw, target.astype(np.float64))[::-1]
        value = theirs.loss(*given)
        slope, curvature = theirs.gradient_hessian(*given)
        np.testing.assert_allclose(loss(raw, target, **ours, reduction="none"), peer.factor * value, **CLOSE)
        gradient, hessian = loss.grad_hess(raw, target, **ours)
        np.testing.assert_allclose(gradient, peer.factor * slope, **CLOSE)
        if not theirs.approx_hessian:  # a positive stand-in, for boosting
            np.testing.assert_allclose(hessian, peer.factor * curvature, **CLOSE)
        compared += 1
    assert compared


def test_scipy_agrees_on_the_softmax_functions() -> None:
    """scipy.special.softmax, log_softmax and logsumexp."""
    special = pytest.importorskip("scipy.special")
    logits = sample(fl.cross_entropy, (20, 6), np.float64, classes=9)[0]
    for name in ("softmax", "log_softmax", "logsumexp"):
        for axis in (0, 1, -1):
            found = getattr(fl, name)(logits, axis=axis)
            np.testing.assert_allclose(found, getattr(special, name)(logits, axis=axis), **CLOSE)
