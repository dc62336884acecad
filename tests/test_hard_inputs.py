"""Numbers that other libraries lose: each test names the rule that keeps them, and the story."""

import math
from itertools import product
from typing import Any

import ml_dtypes
import mpmath
import numpy as np
import pytest

import fastloss as fl

from .common import (
    LABELLED,
    assert_same,
    each_dtype,
    each_form,
    each_labelled_form,
    everything,
    grad_hess,
    named,
    sample,
    ulps_apart,
    value_and_grad,
)
from .inputs import Case, cases, domains_of, numbers, plain, rows_of_logits, seeded, within
from .oracle import exact, ulp_errors

BCE = fl.binary_cross_entropy_with_logits
CE = fl.cross_entropy
CONFIDENT = 37.42994775023705  # log(2^54): e to minus it is half an ULP of 1


def assert_near(actual: Any, expected: float, dtype: type = np.float64) -> None:
    """Within 4 ULP of a decimal known to all its digits."""
    assert ulps_apart(dtype(actual), dtype(expected)) <= 4, f"{actual!r}, not {expected!r}"


# ---- sure and right ----


@pytest.mark.parametrize(
    ("dtype", "gap", "loss"),
    [(np.float32, 20, 2.0611536e-09), (np.float32, 85, 1.2160993e-37), (np.float64, 40, 4.248354255291589e-18),
     (np.float64, CONFIDENT, 5.551115123125763e-17), (np.float64, 700, 9.85967654375977e-305)],
)  # fmt: skip
def test_confident_correct_row_keeps_its_tail(dtype: type, gap: float, loss: float) -> None:
    """Training ends in rows like [20, 0], label 0: their loss and gradient are small, and not 0."""
    truth = exact(CE, Case("", (np.array([[gap, 0]], dtype), np.array([0]))))
    assert float(truth.value[0]) == pytest.approx(loss, rel=1e-7 if dtype == np.float32 else 1e-15)
    for logits in ([[gap, 0]], [[gap + 8, 8]], [[0, -gap]]):
        value, gradient = CE.value_and_grad(np.array(logits, dtype), [0])
        if np.array(logits, dtype)[0, 0] - np.array(logits, dtype)[0, 1] == dtype(gap):
            assert ulp_errors(np.array([value], dtype), truth.value).max() <= 4
            assert ulp_errors(gradient, truth.grad).max() <= 4
    log_p = fl.log_softmax(np.array([gap, 0], dtype))
    assert ulp_errors(-log_p[:1], truth.value).max() <= 4
    assert log_p[1] == -dtype(gap)


def rows_beside(loss: fl.Loss, logits: np.ndarray) -> list[np.ndarray]:
    """The logits, and what a loss takes besides but for its target: the same rows in the other order."""
    return [logits, *[logits[::-1].copy()] * (len(loss.inputs) - 1 - bool(loss.target))]


@each_dtype
@each_labelled_form
def test_gradient_rows_add_up_to_0(loss: fl.Loss, soft: bool, dtype: np.dtype) -> None:
    """Within an ULP of the row's largest entry; of many classes, each may be off by two of its own."""
    if domains_of(loss, {})[0] != fl.loss.Interval():
        pytest.skip(f"{loss.name} takes no logits, which may all be shifted")
    for classes in (2, 3, 10, 64, 65, 200):
        logits = rows_of_logits(seeded("rows", classes), classes, dtype)
        labels = np.argmax(np.nan_to_num(logits.astype(float)), axis=1)
        labels[::3] = classes - 1
        target = np.eye(classes, dtype=dtype)[labels] if soft else labels
        gradient = value_and_grad(loss, *rows_beside(loss, logits), target, reduction="sum")[1].astype(np.float64)
        info = ml_dtypes.finfo(dtype)
        ulps = np.exp2(np.floor(np.log2(np.maximum(abs(gradient), float(info.smallest_normal)))) - info.nmant)
        sums = np.array([math.fsum(row) for row in gradient])
        # of many classes even the correctly rounded slopes may add up to more than an ULP of the largest; other losses
        # multiply a probability by their slope: each may be off by four of its own
        allowed = ulps.max(axis=1) if classes <= 10 and loss is CE else (2 if loss is CE else 4) * ulps.sum(axis=1)
        assert (abs(sums) <= allowed).all(), f"{classes} classes: {abs(sums / allowed).max()} of what is allowed"


SCORES = [0, 1e-8, 1, 20, 37, CONFIDENT, 40, 88, 104, 700, 745, 1e3, 1e30]


@each_dtype
def test_symmetric_loss_is_bitwise_symmetric(dtype: np.dtype) -> None:
    """A yes at x and a no at -x are the same: losses equal, gradients opposite, Hessian even, half precision too."""
    x = np.array(
        [sign * score for score in SCORES for sign in (1, -1) if score <= float(ml_dtypes.finfo(dtype).max)], dtype
    )
    for yes in (1.0, 0.75, 0.5):
        t = np.full(x.shape, yes, dtype)
        there, back = everything(BCE, x, t), everything(BCE, -x, 1 - t)
        for name in ("losses", "Hessian"):
            assert_same(there[name], back[name], name)
        zero = np.zeros(1, dtype)  # which has two signs
        assert_same(there["gradient of the sum"] + zero, zero - back["gradient of the sum"])


def test_confident_score_keeps_its_tail() -> None:
    """A score of 20 for a yes costs 2e-9, not 0; at 37.43 its curvature is half an ULP of 1."""
    value, gradient = BCE.value_and_grad(np.array([20], np.float32), np.ones(1, np.float32))
    assert_near(value, 2.0611537e-09, np.float32)
    assert_near(gradient, -2.0611537e-09, np.float32)
    case = Case("", (np.array([CONFIDENT, -CONFIDENT]), np.array([1.0, 1.0])))
    assert ulp_errors(BCE.grad_hess(*case.inputs)[1], exact(BCE, case).hess).max() <= 4


# ---- infinite and masked ----


@each_dtype
def test_infinite_scores_take_their_limit(dtype: np.dtype) -> None:
    """Certain and right costs nothing, certain and wrong everything; the slope is what remains to be learnt."""
    inf = math.inf
    rows = [
        (inf, 1, 0, 0),
        (-inf, 0, 0, 0),
        (-inf, 1, inf, -1),
        (inf, 0, inf, 1),
        (inf, 0.5, inf, 0.5),
        (-inf, 0.5, inf, -0.5),
    ]
    score, target, losses, slopes = (np.array(column, dtype) for column in zip(*rows, strict=True))
    found, gradient = BCE.value_and_grad(score, target, reduction="none")
    assert np.array_equal(found.astype(dtype), losses)
    assert np.array_equal(gradient, slopes)
    assert not BCE.grad_hess(score, target)[1].any()


@pytest.mark.parametrize("loss", [CE], ids=named)
def test_masked_classes_have_probability_0(loss: fl.Loss) -> None:
    """A class of logit -inf takes no part: 0 log 0 is 0, and the others are as if it were not there."""
    logits, shares = np.array([[-np.inf, 0, 1]]), np.array([[0.0, 1, 0]])
    for target in (shares, [1]):
        value, gradient = value_and_grad(loss, logits, target)
        assert_near(value, 1.3132616875182228)
        assert gradient[0, 0] == 0
        assert_near(gradient[0, 1:], np.array([-0.7310585786300049, 0.7310585786300049]))
    for classes in (10, 70):
        logits, labels = sample(loss, 50, np.float64, classes=classes)
        labels = np.maximum(labels, 5)
        masked = logits.copy()
        masked[:, :5] = -np.inf
        value, gradient = value_and_grad(loss, masked, labels, reduction="none")
        fewer, expected = value_and_grad(loss, logits[:, 5:], labels - 5, reduction="none")
        assert ulps_apart(value, fewer) <= 8
        assert ulps_apart(gradient[:, 5:], expected) <= 8
        assert not gradient[:, :5].any()


@pytest.mark.parametrize("loss", [CE], ids=named)
@pytest.mark.parametrize("classes", [2, 64, 65])
def test_infinite_logits_take_their_limit(loss: fl.Loss, classes: int) -> None:
    """The label's logit alone is +inf: 0. Another's is: inf. The label's is -inf: inf. Nothing but -inf: NaN."""
    logits = np.zeros((6, classes))
    logits[0, 0] = logits[1, 1] = np.inf
    logits[2, 0] = -np.inf
    logits[3] = -np.inf
    logits[4, 0] = logits[4, 1] = np.inf
    value, gradient = value_and_grad(loss, logits, np.zeros(6, int), reduction="none")
    assert_same(value[:5], np.array([0, np.inf, np.inf, np.nan, np.nan]))
    assert not gradient[0].any()
    assert gradient[1, 0] == -1
    assert gradient[1, 1] == 1
    assert not gradient[1, 2:].any()
    assert gradient[2, 0] == -1
    assert np.isnan(gradient[3:5]).all()
    assert math.isfinite(value[5])
    hessian = grad_hess(loss, logits, np.zeros(6, int))[1]
    assert not hessian[:2].any()
    smooth = loss(np.array([[-np.inf, 0, 1]]), [1], label_smoothing=0.1)
    assert smooth == np.inf  # a share of a masked class is impossible


@pytest.mark.parametrize("classes", [1, 2, 64, 65, 3000])
def test_smooth_maximum_of_infinities(classes: int) -> None:
    """All -inf: no sum, -inf. Any +inf: +inf. A NaN: NaN."""
    for dtype in (np.float16, np.float32, np.float64):
        rows = np.zeros((4, classes), dtype)
        rows[0], rows[1, -1], rows[2], rows[3, 0] = -np.inf, np.inf, np.inf, np.nan
        assert_same(fl.logsumexp(rows), np.array([-np.inf, np.inf, np.inf, np.nan], dtype))


# ---- half precision ----


def test_half_precision_rows_are_counted_and_summed_in_double() -> None:
    """70,000 float16 rows are more than float16 can count; 257 bfloat16 rows more than bfloat16 can."""
    value, gradient = CE.value_and_grad(np.zeros((70_000, 3), np.float16), np.zeros(70_000, int))
    assert value == pytest.approx(math.log(3), rel=1e-7)
    assert_same(gradient[0], np.array([-2 / 210_000, 1 / 210_000, 1 / 210_000]).astype(np.float16))
    value, gradient = CE.value_and_grad(np.zeros((257, 3), ml_dtypes.bfloat16), np.zeros(257, int))
    assert value == pytest.approx(math.log(3), rel=1e-7)
    assert_same(gradient[0], np.array([-2 / 771, 1 / 771, 1 / 771]).astype(ml_dtypes.bfloat16))


# ---- never negative ----


@each_form
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64], ids=["float16", "float32", "float64"])
def test_no_loss_is_negative_nor_minus_0(loss: fl.Loss, soft: bool, dtype: Any) -> None:
    """A million random and adversarial elements of float32, fewer of the others, and every hard case."""
    if loss.signed:
        pytest.skip(f"{loss.name} may be negative")
    rng, dtype = seeded(loss.name, soft), np.dtype(dtype)
    batches = [(case.inputs, case.kwargs) for case in cases(loss, dtype)]
    size = 1_000_000 if dtype == np.float32 else 100_000
    if loss.shape == "rows":
        for classes in (2, 3, 10, 64, 65, 200):
            logits = np.concatenate([rows_of_logits(rng, classes, dtype) for _ in range(1000 // classes + 20)])
            many = rng.standard_normal((size // 6 // classes, classes)) * 20  # a million for all six
            logits = np.minimum(np.concatenate([logits, many.astype(dtype)]), dtype.type(domains_of(loss, {})[0].high))
            if loss not in LABELLED:
                batches += [(sample(loss, len(logits), dtype, classes=classes), {})]
                continue
            labels = rng.integers(0, classes, len(logits))
            labels[::2] = np.nan_to_num(logits[::2], nan=0).argmax(1)
            target = np.eye(classes, dtype=dtype)[labels] if soft else labels
            smoothing = [{"label_smoothing": 0.1}] if "label_smoothing" in loss.__signature__.parameters else []
            batches += [((*rows_beside(loss, logits), target), words) for words in [{}, *smoothing]]
    else:
        for k, example in enumerate(loss.examples):
            domains = domains_of(loss, dict(example))
            drawn = [numbers(rng, size if k == 0 else 100_000, domain, dtype) for domain in domains]
            batches += [(tuple(drawn), dict(example))]
            if len(drawn) > 1:  # the prediction at the target, and an ULP beside it
                for x in (drawn[1], np.nextafter(drawn[1], dtype.type(np.inf))):
                    if within(domains[0], x).all():
                        batches += [((x, *drawn[1:]), dict(example))]
    for inputs, words in batches:
        losses = loss(*inputs, **words, reduction="none")
        assert not np.signbit(losses[~np.isnan(losses)]).any()


def test_loss_of_a_prediction_that_is_right_is_0() -> None:
    """A residual of 0, a row of one class: exactly 0, in value and gradient."""
    x = numbers(seeded("right"), 1000, fl.loss.Interval(), np.dtype(np.float64))
    for loss in (fl.mse, fl.huber):
        losses, gradient = value_and_grad(loss, x, x.copy(), reduction="none")
        assert not losses.any()
        assert not gradient.any()
    losses, gradient = CE.value_and_grad(x[:, None], np.zeros(1000, int), reduction="none")
    assert not losses.any()
    assert not gradient.any()


# ---- entry points ----

RAW = [sign * x for x in (0.0, 37.0, 38.0, 709.0, 710.0, 1e3, 1e308) for sign in (1, -1)]


@each_form
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_every_entry_point_agrees_bitwise(loss: fl.Loss, soft: bool, dtype: type) -> None:
    """The loss of a call is that of value_and_grad, its gradient that of grad_hess: at raw values far out, too."""
    raw = np.array(RAW).astype(dtype) if dtype == np.float64 else np.clip(RAW, -3e38, 3e38).astype(dtype)
    if loss.shape == "rows":
        logits = np.array(list(product(raw, raw)))
        labels = np.arange(len(logits)) % 2
        wide = np.concatenate([logits, np.tile(logits[::-1], 40)], axis=1)
        batches = [(z, np.eye(z.shape[1], dtype=dtype)[labels] if soft else labels) for z in (logits, wide)]
        high = dtype(domains_of(loss, {})[0].high)
        batches = [((*rows_beside(loss, np.minimum(z, high)), t), {}) for z, t in batches if loss in LABELLED]
    else:
        others = []
        for domain in domains_of(loss, {})[1:]:
            low, high = max(domain.low, -1.0), min(domain.high, 1.0)
            others.append([x for x in (low, (low + high) / 2, high) if x in domain] or [plain(domain)])
        domain = domains_of(loss, {})[0]
        grid = np.meshgrid([x for x in raw if float(x) in domain], *others)
        batches = [(tuple(values.ravel().astype(dtype) for values in grid), {})]
    batches += [(case.inputs, case.kwargs) for case in cases(loss, np.dtype(dtype))]
    for inputs, words in batches:
        losses, gradient = value_and_grad(loss, *inputs, **words, reduction="none")
        slope, _ = grad_hess(loss, *inputs, **words)
        assert_same(losses, loss(*inputs, **words, reduction="none"))
        assert_same(gradient, slope)
        for reduction in ("mean", "sum"):
            value, gradient = value_and_grad(loss, *inputs, **words, reduction=reduction)
            assert_same(value, loss(*inputs, **words, reduction=reduction))
        assert_same(gradient, slope)


@each_form
def test_entry_points_agree_on_every_layout(loss: fl.Loss, soft: bool) -> None:
    """With and without weights, over blocks and their rests."""
    for size in (1, 7, 15, 16, 17, 255, 256, 257, 1023, 1024, 1025, 20_000):
        inputs = sample(loss, size, np.float32, soft)
        for weight in (None, np.linspace(0, 1, size)):
            value, gradient = value_and_grad(loss, *inputs, weight=weight, reduction="sum")
            assert value == loss(*inputs, weight=weight, reduction="sum")
            assert_same(gradient, grad_hess(loss, *inputs, weight=weight)[0])


# ---- NaN ----


@each_form
@each_dtype
def test_visible_nan_is_seen(loss: fl.Loss, soft: bool, dtype: np.dtype) -> None:
    """One NaN in any input makes its element's or row's loss and gradient NaN, and the mean; no other's."""
    for classes in (1, 2, 10, 64, 65, 200, 1500):
        inputs = sample(loss, 40, dtype, soft, classes)
        clean = loss(*inputs, reduction="none")
        for k, place in product(range(len(inputs)), (0, 17, 39)):
            if inputs[k].dtype != dtype:
                continue
            for column in {0, classes // 2, classes - 1} if inputs[k].ndim > 1 else (None,):
                spoilt = [array.copy() for array in inputs]
                spoilt[k][place if column is None else (place, column)] = np.nan
                losses, gradient = value_and_grad(loss, *spoilt, reduction="none")
                assert np.isnan(losses[place])
                assert np.isnan(gradient[place]).all()
                if loss.shape == "rows":  # the curvature of an element may be the same everywhere
                    assert np.isnan(grad_hess(loss, *spoilt)[1][place]).all()
                assert_same(np.delete(losses, place), np.delete(clean, place))
                assert math.isnan(loss(*spoilt))
                assert math.isnan(loss(*spoilt, reduction="sum"))
        if loss.shape == "pointwise":
            break


# ---- Huber ----


def test_huber_without_a_limit_is_half_the_square() -> None:
    """delta = inf: r^2 / 2, also where r^2 overflows; gradient r, Hessian 1."""
    residual = np.array([0, 1e-300, -3, 1e150, -1.5e154, 1.8e154])
    losses, gradient = fl.huber.value_and_grad(residual, 0.0, delta=math.inf, reduction="none")
    with mpmath.workdps(400):
        truth = np.array([mpmath.mpf(r) ** 2 / 2 for r in residual.tolist()], dtype=object)
    assert ulp_errors(losses, truth).max() <= 1
    assert_same(gradient, residual)
    assert_same(fl.huber.grad_hess(residual, 0.0, delta=math.inf)[1], np.ones(6))


def test_huber_joins_its_pieces_without_a_kink() -> None:
    """At |r| = delta both pieces have one value and slope; the point counts to the parabola."""
    for dtype in (np.float32, np.float64):
        for delta in (0.25, 1.0, 3.0, 1e-15, 1e15):
            delta = float(dtype(delta))
            corner = dtype(delta)
            r = np.array([np.nextafter(corner, dtype(0)), corner, np.nextafter(corner, dtype(np.inf))], dtype)
            for sign in (1, -1):
                losses, gradient = fl.huber.value_and_grad(sign * r, dtype(0), delta=delta, reduction="none")
                assert (np.diff(losses) >= 0).all()
                assert_same(gradient, sign * np.minimum(r, corner))
                assert_same(fl.huber.grad_hess(sign * r, dtype(0), delta=delta)[1], np.array([1, 1, 0], dtype))
    for delta in (0, -1, -math.inf, math.nan):
        with pytest.raises(ValueError, match="delta"):
            fl.huber([1.0], [0.0], delta=delta)


def test_binary_and_two_class_cross_entropy_are_one_loss() -> None:
    """The score against a logit of 0: the same to an ULP, far out as well."""
    x = np.array([sign * score for score in SCORES for sign in (1, -1)])
    for label in (0, 1):
        binary, slope = BCE.value_and_grad(x, float(label), reduction="none")
        rows, gradient = CE.value_and_grad(np.stack([0 * x, x], 1), np.full(len(x), label), reduction="none")
        assert ulps_apart(rows, binary) <= 4
        assert ulps_apart(gradient[:, 1], slope) <= 4


@pytest.mark.parametrize(("dtype", "bits"), [(np.float32, 0x7FC00001), (np.float64, 0x7FF00000000007A2)])
@pytest.mark.parametrize("classes", [3, 100])
def test_nan_with_a_payload_is_nan(dtype: type, bits: int, classes: int) -> None:
    """Such as R's NA_real_, 0x7ff00000000007a2: no bit of it may end up in an exponent."""
    nan = np.array(bits, f"u{np.dtype(dtype).itemsize}").view(dtype)
    logits = np.zeros((1, classes), dtype)
    logits[0, 1] = nan
    for result in (*fl.cross_entropy.value_and_grad(logits, [0]), fl.softmax(logits), fl.logsumexp(logits)):
        assert np.isnan(result).all()
    score = np.array([nan], dtype)
    loss, grad = fl.binary_cross_entropy_with_logits.value_and_grad(score, [1])
    assert np.isnan([loss, *grad, *fl.binary_cross_entropy_with_logits.grad_hess(score, [1])[1]]).all()
