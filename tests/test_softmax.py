"""Cross-entropy of capped and tempered logits, and its z-loss: the driver's paths, the hard inputs."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from fastloss.reference import softmax as reference

import fastloss as fl

from .common import assert_same, each_computed_dtype, everything, layouts, sample
from .inputs import seeded
from .oracle import context, tolerances, ulp_errors

CE = fl.cross_entropy
WORDS: list[dict[str, Any]] = [
    {"softcap": 3.0},
    {"z_loss": 0.05},
    {"temperature": 0.7},
    {"softcap": 5.0, "z_loss": 0.01, "temperature": 1.5},
    {"label_smoothing": 0.1, "softcap": 5.0, "z_loss": 0.01, "temperature": 1.5},
]
each_words = pytest.mark.parametrize("words", WORDS, ids=str)


def as_written(z: np.ndarray, target: np.ndarray, scale: Any = 1.0, **words: Any) -> tuple[np.ndarray, np.ndarray]:
    """Losses and gradient of their sum, from float64 logits and the plain loss."""
    softcap, z_loss, temperature = words.pop("softcap", None), words.pop("z_loss", 0.0), words.pop("temperature", 1.0)
    u = z.astype(np.float64)
    z = (u if softcap is None else softcap * np.tanh(u / softcap)) / temperature
    losses, slope = CE.value_and_grad(z, target, reduction="none", weight=scale, **words)
    lse, p = fl.logsumexp(z), fl.softmax(z)
    scale = np.broadcast_to(scale, losses.shape)
    slope = slope + (2 * z_loss * scale * lse)[..., None] * p
    steep = 1 if softcap is None else 1 / np.cosh(u / softcap) ** 2
    return losses + scale * z_loss * lse**2, slope * steep / temperature


@each_words
@pytest.mark.parametrize("soft", [False, True], ids=["labels", "shares"])
@pytest.mark.parametrize("classes", [5, 64, 65, 700, 70_001])
def test_every_number_of_classes(classes: int, soft: bool, words: dict[str, Any]) -> None:
    """Tiles of rows, rows along the lanes, and rows too long to be kept."""
    z, target = sample(CE, 9, np.float32, soft, classes)
    weight = np.linspace(-0.5, 2, 9)
    for more in ({}, {"class_weight": np.linspace(0, 2, classes)}):
        losses, slope = as_written(z, target.astype(np.float64) if soft else target, weight, **words, **more)
        found = CE.value_and_grad(z, target, reduction="none", weight=weight, **words, **more)
        # 4 ulps of float32, for the paths: the digits of small numbers, which as_written cancels, are the oracle's
        np.testing.assert_allclose(found[0], losses, rtol=4 * 2**-23)
        np.testing.assert_allclose(found[1], slope, rtol=4 * 2**-23, atol=2**-23 * np.abs(slope).max())
        assert_same(found[0], CE(z, target, reduction="none", weight=weight, **words, **more))


@each_words
@pytest.mark.parametrize("classes", [7, 130])
def test_layouts_axes_and_threads_give_the_same_bits(classes: int, words: dict[str, Any]) -> None:
    """And so does the gradient over the logits, or half precision as float32 rounded once."""
    for soft in (False, True):
        z, target = sample(CE, (6, 5), np.float32, soft, classes)
        expected = everything(CE, z, target, **words)
        for other in layouts(z):
            assert_same(everything(CE, other, target, **words), expected)
        moved = everything(CE, np.moveaxis(z, -1, 0), np.moveaxis(target, -1, 0) if soft else target, axis=0, **words)
        for name, array in moved.items():
            assert_same(np.moveaxis(array, 0, -1) if array.ndim == 3 else array, expected[name], name)
        over = z.copy()
        assert CE.value_and_grad(over, target, out=over, **words)[1] is over
        assert_same(over, expected["gradient of the mean"])
        half = z.astype(np.float16)
        wide = CE.value_and_grad(half.astype(np.float32), target, **words)
        assert CE(half, target, **words) == wide[0]
        assert_same(CE.value_and_grad(half, target, **words)[1], wide[1].astype(np.float16))
    many, labels = sample(CE, 3000, np.float32, False, classes)
    fl.set_num_threads(1)
    one = CE.value_and_grad(many, labels, **words)
    fl.set_num_threads(3)
    three = CE.value_and_grad(many, labels, **words)
    assert one[0] == three[0]
    assert_same(one[1], three[1])


def test_defaults_said_are_defaults() -> None:
    """In whatever numbers: the bits of the plain loss, of many classes too."""
    for classes in (5, 200, 70_001):
        z, labels = sample(CE, 4, np.float32, False, classes)
        plain = CE.value_and_grad(z, labels)
        for words in ({"temperature": 1, "z_loss": 0}, {"softcap": None, "temperature": np.float32(1)}):
            found = CE.value_and_grad(z, labels, **words)
            assert found[0] == pytest.approx(plain[0], rel=1e-6)
            np.testing.assert_allclose(found[1], plain[1], rtol=1e-5, atol=1e-12)
        assert_same(CE.value_and_grad(z, labels, temperature=1.0, z_loss=0.0, softcap=None)[1], plain[1])


@each_computed_dtype
def test_saturated_logits_keep_their_slopes(dtype: np.dtype) -> None:
    """1 - tanh^2 is 0 in floats from 19 (9) on; 4 t / (1 + t)^2 is right down to the smallest number."""
    deepest = 350.0 if dtype == np.float64 else 43.0
    z = np.array([[x, -x / 3, 0.5] for x in np.geomspace(1, deepest, 40)], dtype)
    mpf = context(800).mpf
    for softcap, temperature in ((1.0, 1.0), (0.5, 0.1), (40.0, 0.25)):
        grad = CE.value_and_grad(z, np.zeros(40, int), softcap=softcap, temperature=temperature, reduction="sum")[1]
        words = {"softcap": mpf(softcap), "temperature": mpf(temperature)}
        truth = [reference.cross_entropy_grad([mpf(x) for x in row], 0, **words) for row in z.astype(float).tolist()]
        exact = np.array(truth, dtype=object)
        assert (ulp_errors(grad, exact) <= tolerances(exact, None, dtype)).all()
        assert grad.all() or softcap != 1


def test_naive_slope_of_a_saturated_logit_is_0() -> None:
    """What the reference makes of floats, and why the kernel does not compute it so."""
    assert reference.cross_entropy_grad([25.0, 0.0], 0, softcap=1.0)[0] == 0
    with mpmath.workdps(60):
        exact = reference.cross_entropy_grad([mpmath.mpf(25), mpmath.mpf(0)], 0, softcap=mpmath.mpf(1))[0]
    found = CE.value_and_grad([[25.0, 0.0]], [0], softcap=1.0)[1][0, 0]
    assert found == pytest.approx(float(exact), rel=1e-15)
    assert found != 0


@pytest.mark.parametrize("classes", [3, 100])
def test_infinite_logits(classes: int) -> None:
    """A softcap makes numbers of them, -inf no mask; a z-loss makes them infinitely bad; NaN stays."""
    for dtype in (np.float32, np.float64):
        z = np.zeros((3, classes), dtype)
        z[0, 0], z[1, 0], z[2, 0] = np.inf, -np.inf, np.nan
        labels = np.zeros(3, int)
        losses, grad = CE.value_and_grad(z, labels, softcap=2.0, reduction="none")
        ends = np.zeros((2, classes), dtype)
        ends[:, 0] = 2, -2
        np.testing.assert_allclose(losses[:2], CE(ends, labels[:2], reduction="none"), rtol=1e-6)
        assert not grad[:2, 0].any()  # there tanh is flat
        assert grad[:2, 1:].all()
        assert np.isnan(losses[2])
        assert np.isnan(grad[2]).all()
        losses, grad = CE.value_and_grad(z, labels, z_loss=0.1, temperature=2.0, reduction="none")
        assert losses[0] == losses[1] == math.inf  # of logsumexp, and of a label that is masked
        assert grad[0, 0] == math.inf
        assert not grad[0, 1:].any()
        assert grad[1, 0] == -0.5
        assert np.isnan(losses[2])
        far = np.array([[3e38, -3e38]], dtype)  # further apart than float32 reaches, but not their mean
        for words in ({"z_loss": 1e-4}, {"temperature": 2.0}, {"softcap": 30.0}):
            assert math.isfinite(CE(far, [1], **words))
        losses, grad = CE.value_and_grad(z, labels, temperature=2.0, reduction="none")
        assert losses[0] == 0
        assert not grad[0].any()
        assert losses[1] == math.inf


def test_class_weights_do_not_scale_the_z_loss() -> None:
    """A class of weight 0 still has one; without a z-loss its row is invisible, even if it holds NaN."""
    z = np.array([[2.0, 0.5, -1.0], [0.0, 3.0, 1.0]])
    weights, labels = [0.0, 2.0, 1.0], [0, 1]
    plain = CE(z, labels, class_weight=weights, reduction="none")
    found = CE(z, labels, class_weight=weights, z_loss=0.5, reduction="none")
    np.testing.assert_allclose(found, plain + 0.5 * fl.logsumexp(z) ** 2, rtol=1e-15)
    mean = CE(z, labels, class_weight=weights, z_loss=0.5)
    assert mean == pytest.approx(found.sum() / 2, rel=1e-15)
    z[0, 1] = np.nan
    for words in ({"temperature": 2.0}, {"softcap": 3.0}):
        losses, grad = CE.value_and_grad(z, labels, class_weight=weights, reduction="none", **words)
        assert losses[0] == 0
        assert not grad[0].any()
        assert losses[1] > 0


@each_words
def test_ignored_rows_cost_nothing(words: dict[str, Any]) -> None:
    """By label or by weight, whatever they hold."""
    z, labels = sample(CE, 6, np.float32)
    z[::2] = np.nan
    labels[::2] = -100
    losses, grad = CE.value_and_grad(z, labels, reduction="none", **words)
    assert not losses[::2].any()
    assert not grad[::2].any()
    assert CE(z, labels, **words) == CE(z[1::2], labels[1::2], **words)
    labels[::2] = 0
    assert CE(z, labels, weight=np.arange(6) % 2, **words) == CE(z[1::2], labels[1::2], **words)


def test_z_loss_is_that_of_its_own() -> None:
    """fl.z_loss of the same rows, and fl.kl_divergence's temperature."""
    z, labels = sample(CE, 50, np.float64)
    both, grad = CE.value_and_grad(z, labels, z_loss=0.3)
    other, slope = fl.z_loss.value_and_grad(z, coefficient=0.3)
    plain, own = CE.value_and_grad(z, labels)
    assert both == pytest.approx(plain + other, rel=1e-14)
    np.testing.assert_allclose(grad, own + slope, rtol=1e-13, atol=1e-17)
    hot = CE(z / 2.0, labels)
    assert CE(z, labels, temperature=2.0) == pytest.approx(hot, rel=1e-15)


def test_curvature_under_a_softcap_may_be_negative() -> None:
    """A wrong logit that saturates: tanh bends away."""
    curvature = CE.grad_hess([[2.0, 0.0]], [1], softcap=1.0)[1]
    assert curvature[0, 0] < 0
    z, target = sample(CE, 20, np.float64, True)
    step = 1e-5
    words = {"softcap": 2.0, "temperature": 0.5, "z_loss": 0.1}
    curvature = CE.grad_hess(z, target, **words)[1]
    for c in range(z.shape[1]):
        nudged = [z + k * step * np.eye(z.shape[1])[c] for k in (1, -1)]
        up, down = (CE.value_and_grad(x, target, reduction="sum", **words)[1][:, c] for x in nudged)
        np.testing.assert_allclose(curvature[:, c], (up - down) / (2 * step), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "value"),
    [("softcap", 0.0), ("softcap", math.inf), ("z_loss", -1e-9), ("z_loss", math.inf), ("temperature", 0.0),
     ("temperature", -1), ("temperature", math.nan)],
)  # fmt: skip
def test_words_outside_their_domain(name: str, value: float) -> None:
    """Named, with what was expected; no number at all likewise."""
    for call in (CE, CE.value_and_grad, CE.grad_hess):
        with pytest.raises(ValueError, match=rf"^{name} must be in "):
            call([[0.0, 1.0]], [0], **{name: value})
        with pytest.raises(TypeError, match=rf"^{name} must be a number"):
            call([[0.0, 1.0]], [0], **{name: np.ones(2)})


def test_no_labels_may_be_an_empty_list() -> None:
    """NumPy makes floats of it; every loss of labels takes them, and none that is not empty."""
    z = np.zeros((0, 3))
    for loss in (CE, fl.nll, fl.multi_margin):
        assert math.isnan(loss(z, []))
        assert loss.value_and_grad(z, [], reduction="sum")[0] == 0
    assert fl.causal_lm(np.zeros((1, 0, 3)), [[]], reduction="sum") == 0
    assert fl.linear_cross_entropy(np.zeros((0, 2)), np.ones((3, 2)), [], reduction="sum") == 0
    assert math.isnan(fl.accuracy(z, []))
    with pytest.raises(TypeError, match="integers"):
        CE(np.zeros((1, 3)), [0.0])


def test_random_rows_under_every_word() -> None:
    """Against the reference, in float32: tiny and large caps and temperatures together."""
    rng = seeded("words")
    mpf = context(300).mpf
    for _ in range(30):
        words = {name: float(np.float32(np.exp(rng.uniform(-3, 3)))) for name in ("softcap", "temperature", "z_loss")}
        z, label = (4 * rng.standard_normal((1, 6))).astype(np.float32), rng.integers(6)
        losses, grad = CE.value_and_grad(z, [label], reduction="none", **words)
        exact = {name: mpf(value) for name, value in words.items()}
        row = [mpf(float(x)) for x in z[0]]
        value = np.array([reference.cross_entropy(row, int(label), **exact)], dtype=object)
        terms = [max(map(abs, reference.cross_entropy_terms(row, int(label), **exact)))]
        assert (ulp_errors(losses, value) <= tolerances(value, np.array(terms, dtype=object), losses.dtype)).all()
        slopes = np.array(reference.cross_entropy_grad(row, int(label), **exact), dtype=object)
        each = reference.cross_entropy_grad_terms(row, int(label), **exact)
        largest = np.array([max(map(abs, one)) for one in each], dtype=object)
        assert (ulp_errors(grad[0], slopes) <= tolerances(slopes, largest, grad.dtype)).all()
