"""What the divergences promise beyond their formulas: identities, signs, limits, close distributions."""

import math
from typing import Any

import numpy as np
import pytest

import fastloss as fl

from .common import each_computed_dtype, ulps_apart
from .inputs import Case, seeded
from .oracle import Exact, tolerances, ulp_errors

OF_LOGITS = [fl.kl_divergence, fl.reverse_kl_divergence, fl.jsd, fl.skewed_kl, fl.tvd_distillation]
each_of_logits = pytest.mark.parametrize("loss", OF_LOGITS, ids=lambda loss: loss.name)


def logits(*shape: int, seed: int = 0) -> np.ndarray:
    return 3 * np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("classes", [2, 10, 100])
def test_cross_entropy_is_entropy_and_divergence(classes: int) -> None:
    """H(p, q) = H(p) + KL(p || q), of probabilities and of logits."""
    z, k = logits(50, classes), logits(50, classes, seed=1)
    q, p = fl.softmax(z), fl.softmax(k)
    both = fl.cross_entropy_probs(p, p, reduction="none") + fl.kl_div(np.log(q), p, reduction="none")
    np.testing.assert_allclose(fl.cross_entropy_probs(q, p, reduction="none"), both, rtol=1e-14)
    both = fl.entropy(k, reduction="none") + fl.kl_divergence(z, k, reduction="none")
    np.testing.assert_allclose(fl.cross_entropy(z, p, reduction="none"), both, rtol=1e-14)


@each_of_logits
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_divergence_of_logits_is_never_negative_and_0_for_equal_ones(loss: Any, dtype: Any) -> None:
    """Close rows, which differ by an ulp here and there, and equal ones, masked classes too."""
    rng = np.random.default_rng(2)
    for classes in (1, 2, 3, 10, 64, 65, 200):
        k = (
            rng.choice([1e-3, 1, 20], (2000 // classes + 5, 1)) * rng.standard_normal((2000 // classes + 5, classes))
        ).astype(dtype)
        k[:, 1:][rng.random((len(k), classes - 1)) < 0.1] = -np.inf
        value, gradient = loss.value_and_grad(k, k, reduction="none")
        assert not value.any()
        assert not np.signbit(value).any()
        assert not gradient.any()
        for _ in range(3):
            z = np.where(rng.random(k.shape) < 0.5, k, np.nextafter(k, dtype(np.inf)))
            z[np.isinf(k)] = -np.inf
            value = loss(z, k, reduction="none")
            assert (value >= 0).all()
            assert not np.signbit(value).any()


@each_of_logits
def test_slopes_add_up_to_0(loss: Any) -> None:
    """Of close rows but for the 4 ulps that each may be off; of others, whose slopes are differences of terms of up to
    10, but for an ulp of that."""
    z, k = logits(300, 7), logits(300, 7, seed=3)
    sums = [math.fsum(row) for row in loss.value_and_grad(z, k, reduction="sum")[1]]
    assert np.max(np.abs(sums)) < np.spacing(10)
    gradient = loss.value_and_grad(k + 1e-6 * z, k, reduction="sum")[1]
    sums = [math.fsum(row) for row in gradient]
    assert (np.abs(sums) <= 4 * np.spacing(abs(gradient)).sum(1)).all()


def test_slopes_of_two_terms_add_up_to_0() -> None:
    """But for some ulps of 1, likewise."""
    z, k, labels = logits(300, 7), logits(300, 7, seed=3), np.arange(300) % 7
    for gradient in (
        fl.entropy.value_and_grad(z, reduction="sum")[1],
        fl.knowledge_distillation.value_and_grad(z, k, labels, reduction="sum")[1],
    ):
        assert max(abs(math.fsum(row)) for row in gradient) < 1e-15


def test_jensen_shannon_is_symmetric_and_at_most_log_2() -> None:
    """For beta = 1/2; for any beta the two change places with it."""
    z, k = logits(100, 6), logits(100, 6, seed=4)
    far = np.array([[800.0, 0.0]]), np.array([[0.0, 800.0]])
    assert ulps_apart(fl.jsd(z, k, reduction="none"), fl.jsd(k, z, reduction="none")) <= 8
    np.testing.assert_allclose(fl.jsd(z, k, beta=0.25), fl.jsd(k, z, beta=0.75), rtol=1e-14)
    assert (fl.jsd(100 * z, k, reduction="none") <= math.log(2)).all()
    assert fl.jsd(*far) == math.log(2)
    p, q = fl.softmax(z), fl.softmax(k)
    np.testing.assert_allclose(fl.js_divergence(p, q, reduction="none"), fl.jsd(z, k, reduction="none"), rtol=1e-12)
    assert fl.js_divergence([[1.0, 0.0]], [[0.0, 1.0]]) == math.log(2)


def test_ends_of_beta_and_alpha_are_the_plain_divergences() -> None:
    """Bitwise, gradients too."""
    z, k = logits(40, 5), logits(40, 5, seed=5)
    for words, loss in (({"beta": 0.0}, fl.kl_divergence), ({"beta": 1.0}, fl.reverse_kl_divergence)):
        value, gradient = fl.jsd.value_and_grad(z, k, **words, temperature=2.0)
        expected, slopes = loss.value_and_grad(z, k, temperature=2.0)
        assert value == expected
        assert (gradient == slopes).all()
    assert fl.skewed_kl(z, k, alpha=0.0) == fl.kl_divergence(z, k)
    assert fl.skewed_kl(z, k, alpha=0.0, direction="reverse") == fl.reverse_kl_divergence(z, k)


@pytest.mark.parametrize("direction", ["forward", "reverse", "jsd"])
def test_directions_of_distillation(direction: Any) -> None:
    """The teacher's part is the divergence of that direction, times temperature^2; skewed_kl in reverse is itself with
    teacher and student exchanged."""
    z, k = logits(40, 5), logits(40, 5, seed=11)
    loss = {"forward": fl.kl_divergence, "reverse": fl.reverse_kl_divergence, "jsd": fl.jsd}[direction]
    words = {"alpha": 1.0, "temperature": 4.0, "direction": direction}
    value, gradient = fl.knowledge_distillation.value_and_grad(z, k, 0, **words)
    expected, slopes = loss.value_and_grad(z, k, temperature=4.0)
    assert value == pytest.approx(16 * expected, rel=1e-14)
    np.testing.assert_allclose(gradient, 16 * slopes, rtol=1e-12)
    np.testing.assert_allclose(fl.skewed_kl(z, k, direction="reverse"), fl.skewed_kl(k, z), rtol=1e-13)
    with pytest.raises(ValueError, match="direction must be"):
        fl.knowledge_distillation(z, k, 0, direction="backward")
    with pytest.raises(ValueError, match="direction must be"):
        fl.skewed_kl(z, k, direction="jsd")


def test_close_distributions_keep_their_digits() -> None:
    """KL of logits [x, 0] and [0, 0] is log(cosh(x / 2)): x^2 / 8 for a small x, where floats that subtract logarithms
    give 0, or less."""
    for x in (1e-4, 1e-8, 1e-15, 1e-30, 1e-150):
        z, k = np.array([[x, 0.0]]), np.zeros((1, 2))
        assert ulps_apart(fl.kl_divergence(z, k), x * x / 8 - x**4 / 192) <= 4
        assert ulps_apart(fl.reverse_kl_divergence(k, z), x * x / 8 - x**4 / 192) <= 4
        assert ulps_apart(fl.jsd(z, k), x * x / 32) <= 4 or x > 1e-7


def sure_and_close(rng: np.random.Generator, n: int, dtype: np.dtype) -> tuple[np.ndarray, np.ndarray]:
    """Rows with one class far above the others, once more with a little added to one class, or to all, or a shift."""
    depth = np.exp(rng.uniform(np.log(0.3), np.log(700 if dtype == np.float64 else 85), (n, 1)))
    z = -depth * rng.choice([rng.random((n, 3)), 0.9 + 0.2 * rng.random((n, 3))])
    z[range(n), rng.integers(0, 3, n)] = 0
    z = (z + rng.choice([0, 1, 30, 1000], (n, 1)) * rng.random((n, 1))).astype(dtype)
    change = 10 ** rng.uniform(-18 if dtype == np.float64 else -9, -1, (n, 1)) * rng.standard_normal((n, 3))
    change *= rng.choice([np.eye(3)[rng.integers(0, 3, n)], np.ones((n, 3))])
    k = (z + change * rng.choice([1, abs(z).max()]) + rng.choice([0, 0.5], (n, 1))).astype(dtype)
    same = (
        np.ptp(z.astype(np.longdouble) - k, axis=1) == 0
    )  # a shift alone: of q = p no number of digits tells the sign
    k[same] = z[same]
    return z, k


@each_computed_dtype
@each_of_logits
def test_sure_and_close_rows_keep_their_digits(loss: Any, dtype: np.dtype) -> None:
    """What a sure row's sum rounds off is far more than all that its unlikely classes differ by. Value and gradient of
    rows at many scales are within their 4 ulps."""
    pairs = [sure_and_close(seeded(loss.name, str(dtype), i), 4, dtype) for i in range(25)]
    given = np.array([[-16.996706, 48.64691, 69.93163]]), np.array([[-16.996841, 48.646904, 69.931625]])
    pairs += [tuple(x.astype(np.float32).astype(dtype) for x in given)]
    z, k = (np.concatenate(rows) for rows in zip(*pairs, strict=True))
    truth = Exact(loss, Case("sure and close", (z, k)))
    for ending, actual, true in (
        ("", loss(z, k, reduction="none"), truth.value),
        ("_grad", loss.value_and_grad(z, k, reduction="sum")[1], truth.grad),
    ):
        assert (ulp_errors(actual, true) <= tolerances(true, truth.largest_terms(ending)[0], dtype)).all()


def test_negative_zeros_are_zeros() -> None:
    """A probability of -0 is in its domain."""
    p = np.array([[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]])
    for loss in (fl.cross_entropy_probs, fl.total_variation, fl.hellinger, fl.js_divergence):
        for dtype in (np.float32, np.float64):
            q = np.array([[0.0, 0.5, 0.0], [0.0, 0.0, 1.0]], dtype)
            value, gradient = loss.value_and_grad(q, p.astype(dtype), reduction="none")
            minus, slopes = loss.value_and_grad(
                np.where(q == 0, dtype(-0.0), q), np.where(p == 0, -0.0, p).astype(dtype), reduction="none"
            )
            assert (value == minus).all()
            assert (gradient == slopes).all()


def test_kl_div_takes_0_log_0_for_0_and_means_over_rows() -> None:
    """A class that is impossible to both adds nothing; a negative probability is refused, with its place."""
    assert fl.kl_div([[-np.inf, 0.0]], [[0.0, 1.0]]) == 0
    assert not np.signbit(fl.kl_div([[-np.inf, 0.0]], [[0.0, 1.0]]))
    assert fl.kl_div([[-np.inf, 0.0]], [[0.5, 0.5]]) == np.inf
    x, p = np.log(fl.softmax(logits(8, 5))), fl.softmax(logits(8, 5, seed=6))
    assert fl.kl_div(x, p) == pytest.approx(np.sum(p * (np.log(p) - x)) / 8, rel=1e-14)
    p[3, 2] = -0.25
    with pytest.raises(ValueError, match=r"target\[3, 2\] is -0.25"):
        fl.kl_div(x, p)
    for p in ([1.0], [0.0, 1.0], [0.5, 0.5, 0.0]):
        with np.errstate(divide="ignore"):
            assert abs(fl.kl_div([np.log(p)], [p])) < 1e-16


def test_masked_classes_take_no_part() -> None:
    """A class that both mask is as if it were not there; one that only the model masks makes KL infinite."""
    z, k = logits(30, 5), logits(30, 5, seed=7)
    masked = [np.concatenate([rows, np.full((30, 2), -np.inf)], axis=1) for rows in (z, k)]
    for loss in OF_LOGITS:
        value, gradient = loss.value_and_grad(*masked, reduction="none")
        fewer, slopes = loss.value_and_grad(z, k, reduction="none")
        assert ulps_apart(value, fewer) <= 8
        np.testing.assert_allclose(gradient[:, :5], slopes, rtol=1e-12, atol=1e-16)
        assert not gradient[:, 5:].any()
    half = np.array([[-np.inf, 0.0]]), np.zeros((1, 2))
    assert fl.kl_divergence(*half) == np.inf
    assert fl.kl_divergence.value_and_grad(*half)[1].tolist() == [[-0.5, 0.5]]
    assert fl.reverse_kl_divergence(*half) == pytest.approx(math.log(2), rel=1e-15)
    assert fl.skewed_kl(*half) == pytest.approx(0.5 * math.log(10) + 0.5 * math.log(1 / 1.9), rel=1e-14)
    assert fl.tvd_distillation(*half) == 0.5
    assert fl.jsd(*half) == pytest.approx(
        0.25 * math.log(2) + 0.25 * math.log(2 / 3) + 0.5 * math.log(4 / 3), rel=1e-14
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinite_logits_take_their_limit(dtype: Any) -> None:
    """One infinite logit takes all: the limit, not inf - inf."""
    sure, other = np.array([[np.inf, 0.0, 1.0]], dtype), np.array([[0.0, 0.0, 0.0]], dtype)
    assert fl.kl_divergence(sure, other) == np.inf
    assert fl.reverse_kl_divergence(sure, other) == pytest.approx(math.log(3), rel=1e-6)
    assert fl.kl_divergence(sure, sure) == 0
    assert fl.entropy(sure) == 0
    assert fl.tvd_distillation(sure, other) == pytest.approx(2 / 3, rel=1e-6)


def test_torch_has_the_same_divergences() -> None:
    """KL, its reverse and knowledge distillation by torch's kl_div, log_softmax and cross_entropy, and gradients."""
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    z, k, labels = logits(20, 6), logits(20, 6, seed=8), np.arange(20) % 6
    labels[3] = -100
    teacher, t = torch.tensor(k), 2.0

    def forward(student: Any) -> Any:
        return functional.kl_div(student.log_softmax(1), teacher.log_softmax(1), reduction="batchmean", log_target=True)

    def reverse(student: Any) -> Any:
        return functional.kl_div(teacher.log_softmax(1), student.log_softmax(1), reduction="batchmean", log_target=True)

    def distil(student: Any) -> Any:
        kept = torch.tensor(labels) != -100
        soft = functional.kl_div(
            (student[kept] / t).log_softmax(1), (teacher[kept] / t).softmax(1), reduction="batchmean"
        )
        return 0.25 * t * t * soft + 0.75 * functional.cross_entropy(student, torch.tensor(labels))

    for function, (value, gradient) in (
        (forward, fl.kl_divergence.value_and_grad(z, k)),
        (reverse, fl.reverse_kl_divergence.value_and_grad(z, k)),
        (distil, fl.knowledge_distillation.value_and_grad(z, k, labels, alpha=0.25)),
    ):
        student = torch.tensor(z, requires_grad=True)
        theirs = function(student)
        theirs.backward()
        np.testing.assert_allclose(value, theirs.item(), rtol=1e-13)
        np.testing.assert_allclose(gradient, student.grad.numpy(), rtol=1e-11, atol=1e-15)


def test_optax_has_the_same_divergence_of_logarithms() -> None:
    """Its kl_divergence_with_log_targets."""
    optax = pytest.importorskip("optax")
    z, k = logits(20, 6), logits(20, 6, seed=9)
    theirs = optax.losses.kl_divergence_with_log_targets(fl.log_softmax(z), fl.log_softmax(k))
    # JAX computes in float32 and takes the difference of two logarithms: some ulps of 1; only conventions are compared
    np.testing.assert_allclose(fl.kl_divergence(z, k, reduction="none"), theirs, rtol=1e-5, atol=1e-6)


@each_of_logits
@pytest.mark.parametrize("classes", [2, 10, 64, 100])
def test_neighbours_do_not_change_a_row_of_floats(loss: Any, classes: int) -> None:
    """Rows that are masked, close to each other or far apart take other ways than most, and those beside them do not:
    bitwise, alone and among all."""
    z, k = logits(60, classes).astype("f"), logits(60, classes, seed=10).astype("f")
    z[::7] = np.nextafter(k[::7], np.float32(1))
    z[1::7, 1] = k[1::7, 1] = -np.inf
    z[2::7] *= 1e30
    z[3::7, 0] = np.inf
    value, gradient = loss.value_and_grad(z, k, reduction="none")
    for i in range(len(z)):
        alone, slopes = loss.value_and_grad(z[i : i + 1], k[i : i + 1], reduction="none")
        np.testing.assert_array_equal(alone, value[i : i + 1])
        np.testing.assert_array_equal(slopes, gradient[i : i + 1])
    exact = loss(z.astype("d"), k.astype("d"), reduction="none")
    np.testing.assert_allclose(value, exact, rtol=3e-7)
