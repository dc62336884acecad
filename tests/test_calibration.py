"""Calibration: bins that add up, errors that are 0 when they should be, temperatures that are minima."""

import math
import sys
import tracemalloc
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from fastloss.reference import calibration as reference
from fastloss.reference.numbers import derivative, second_derivative
from mpmath import mp, mpf

import fastloss as fl
from fastloss.calibration import _binary_parts, _row_parts

from .common import assert_same, layouts

ERRORS: dict[str, Callable[..., float]] = {
    "ece": fl.ece,
    "quantile": lambda *args, **words: fl.ece(*args, strategy="quantile", **words),
    "l2": lambda *args, **words: fl.ece(*args, norm="l2", **words),
    "debiased": lambda *args, **words: fl.ece(*args, norm="l2", debias=True, **words),
    "mce": lambda *args, **words: fl.ece(*args, norm="max", **words),
    "classwise": fl.classwise_ece,
    "classwise quantile": lambda *args, **words: fl.classwise_ece(*args, strategy="quantile", **words),
    "brier": lambda *args, **words: fl.brier_decomposition(*args, **words).reliability,
    "temperature": lambda p, y, **words: fl.temperature_scaling(p, y, **words).temperature,
}
each_error = pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())


def drawn(rows: int, classes: int = 4, seed: int = 0, sureness: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels drawn from softmax(logits / sureness): calibrated for sureness 1."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.standard_normal((rows, classes))
    labels = (fl.softmax(logits).cumsum(axis=1) > rng.random((rows, 1))).argmax(axis=1)
    return sureness * logits, labels


LOGITS, LABELS = drawn(300, sureness=3)
PROBS = fl.softmax(LOGITS)
YES = (LABELS == 0).astype(int)


def test_the_last_bin_is_closed() -> None:
    """A confidence of exactly 1 lies in a bin as any other."""
    assert fl.ece([0.95, 1.0], [1, 0], n_bins=10) == pytest.approx(0.475, rel=1e-15)
    assert fl.ece([1.0, 1.0], [0, 0]) == 1
    assert fl.ece([[1.0, 0.0]], [1]) == 1
    assert fl.reliability_bins([0.95, 1.0], [1, 0], n_bins=10).count.tolist() == [0] * 9 + [2]


def test_edges_belong_to_the_bin_below() -> None:
    """k / n lies in the k-th of n bins, 0 in the first."""
    for n in (3, 7, 10, 15, 49):
        assert (fl.reliability_bins(np.arange(1, n + 1) / n, np.ones(n), n_bins=n).count == 1).all()
    assert fl.reliability_bins([0.0, 0.1, 0.3], [0, 0, 0], n_bins=10).count.tolist() == [2, 0, 1, *[0] * 7]


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
def test_bins_add_up(strategy: Any) -> None:
    """Counts to N, shares to 1, the bins' means to the mean of all; each interval holds its accuracy."""
    for args in ((PROBS, LABELS), (PROBS[:, 0], YES)):
        bins = fl.reliability_bins(*args, strategy=strategy)
        filled = bins.count > 0
        assert bins.count.sum() == 300
        assert bins.share.sum() == pytest.approx(1)
        accuracy = (PROBS.argmax(1) == LABELS).mean() if args[1] is LABELS else YES.mean()
        assert (bins.share * bins.accuracy)[filled].sum() == pytest.approx(accuracy)
        assert ((bins.low <= bins.accuracy) & (bins.accuracy <= bins.high))[filled].all()
        assert np.isnan([bins.confidence[~filled], bins.accuracy[~filled], bins.gap[~filled]]).all()
        assert_same(bins.gap, bins.accuracy - bins.confidence)
        assert_same(bins.lower[1:], bins.upper[:-1])
        if strategy == "quantile":
            assert np.ptp(bins.count) <= 1


def test_table_and_names() -> None:
    """One line for each bin; an empty one shows its count alone."""
    lines = str(fl.reliability_bins([0.1, 0.9], [0, 1], n_bins=4)).splitlines()
    assert len(lines) == 5
    assert lines[2].split() == ["(0.250,", "0.500]", "0"]
    assert "nan" in str(fl.reliability_bins([math.nan], [1]))


def test_interval_is_wilsons() -> None:
    """Seven of ten at 95 %, as the textbooks print it; a level of its own; repeated rows and their weights agree."""
    bins = fl.reliability_bins(np.full(10, 0.5), [1] * 7 + [0] * 3, n_bins=1)
    np.testing.assert_allclose([bins.low[0], bins.high[0]], [0.39677815, 0.89220870], rtol=1e-7)
    sure = fl.reliability_bins(np.full(10, 0.5), [1] * 7 + [0] * 3, n_bins=1, level=0.5)
    assert bins.low[0] < sure.low[0] < sure.high[0] < bins.high[0]
    doubled = fl.reliability_bins(np.full(10, 0.5), [1] * 7 + [0] * 3, n_bins=1, weight=2.0)
    assert_same(doubled.low, bins.low)


def test_ece_is_the_references() -> None:
    """The textbook's loops over bins."""
    confidence, right = PROBS.max(axis=1).tolist(), (PROBS.argmax(axis=1) == LABELS).tolist()
    for n in (1, 10, 15):
        assert fl.ece(PROBS, LABELS, n_bins=n) == pytest.approx(reference.ece(confidence, right, n_bins=n), rel=1e-13)
        expected = reference.ece(PROBS[:, 0].tolist(), YES.tolist(), n_bins=n)
        assert fl.ece(PROBS[:, 0], YES, n_bins=n) == pytest.approx(expected, rel=1e-13)


def test_norms_are_ordered() -> None:
    """l1 <= l2 <= max; one bin has one error; taking off chance leaves less, but not less than nothing."""
    l1, l2, most = (fl.ece(PROBS, LABELS, norm=norm) for norm in ("l1", "l2", "max"))
    assert l1 <= l2 <= most
    assert fl.ece(PROBS, LABELS, n_bins=1, norm="l2") == pytest.approx(fl.ece(PROBS, LABELS, n_bins=1, norm="max"))
    assert fl.ece(PROBS, LABELS, norm="l2", debias=True) < l2
    assert fl.ece([0.5, 0.5], [0, 1], norm="l2", debias=True) == 0
    assert fl.classwise_ece(PROBS, LABELS) == pytest.approx(
        np.mean([fl.ece(PROBS[:, c], c == LABELS) for c in range(4)]), rel=1e-15
    )


def test_bins_are_scikit_learns() -> None:
    """calibration_curve, which leaves out empty bins. Its quantiles lie between two confidences; of ten bins of 30 rows
    each ours have the same two on their sides."""
    calibration = pytest.importorskip("sklearn.calibration")
    for strategy in ("uniform", "quantile"):
        bins = fl.reliability_bins(PROBS[:, 0], YES, n_bins=10, strategy=strategy)
        rate, mean = calibration.calibration_curve(YES, PROBS[:, 0], n_bins=10, strategy=strategy)
        filled = bins.count > 0
        np.testing.assert_allclose(bins.accuracy[filled], rate, rtol=1e-13)
        np.testing.assert_allclose(bins.confidence[filled], mean, rtol=1e-13)


def test_perfect_calibration_has_no_error() -> None:
    """Of labels drawn from the probabilities themselves the error falls as 1 / sqrt(N)."""
    for name in ("ece", "quantile", "classwise", "l2"):
        errors = []
        for rows in (1000, 100_000):
            logits, labels = drawn(rows)
            errors.append(ERRORS[name](fl.softmax(logits), labels))
        assert errors[1] < errors[0] / 3
        assert errors[1] < 0.01


@pytest.mark.parametrize("strategy", ["uniform", "quantile"])
@pytest.mark.parametrize("n_bins", [1, 2, 15, 1000])
def test_brier_score_is_the_sum_of_its_parts(strategy: Any, n_bins: int) -> None:
    """Exactly, whatever the bins; of yes and no it is fl.brier; no bin can resolve what its rows have in common."""
    weight = np.random.default_rng(1).random(300)
    for words in ({}, {"weight": weight}):
        for probs, target in ((PROBS, LABELS), (PROBS[:, 0], YES)):
            parts = fl.brier_decomposition(probs, target, n_bins=n_bins, strategy=strategy, **words)
            total = parts.reliability - parts.resolution + parts.uncertainty + parts.variance - parts.covariance
            assert total == pytest.approx(parts.brier, rel=1e-13)
        assert parts.brier == pytest.approx(fl.brier(PROBS[:, 0], YES.astype(float), **words), rel=1e-13)
    if n_bins == 1:
        assert parts.resolution == pytest.approx(0, abs=1e-30)  # the square of a rounding


def test_temperature_is_that_of_the_labels() -> None:
    """Logits three times too sure want a temperature of 3; the error after it is that of chance."""
    logits, labels = drawn(20_000, sureness=3)
    scaling = fl.temperature_scaling(logits, labels)
    assert scaling.converged
    assert scaling.temperature == pytest.approx(3, rel=0.05)
    assert fl.ece(scaling.apply(logits), labels) < 0.01 < 0.1 < fl.ece(fl.softmax(logits), labels)


def random_fits() -> Any:
    """Fits of all kinds: few rows, masked classes, hopeless and perfect ones."""
    rng = np.random.default_rng(2)
    for k in range(60):
        rows, classes = int(rng.integers(1, 20)), int(rng.integers(1, 6))
        logits = 10.0 ** rng.integers(-3, 4) * rng.standard_normal((rows, classes))
        labels = rng.integers(0, classes, rows) if k % 3 else logits.argmax(axis=1)
        if k % 5 == 0:
            logits[:, 0] = np.where(labels == 0, logits[:, 0], -np.inf)
        yield logits, labels


def test_temperature_never_changes_the_largest_class_nor_raises_the_loss() -> None:
    """On the rows it was fitted to."""
    for logits, labels in random_fits():
        scaling = fl.temperature_scaling(logits, labels)
        before = fl.cross_entropy(logits, labels)
        assert scaling.nll_before == pytest.approx(before, rel=1e-12)
        assert scaling.nll_after <= scaling.nll_before
        probs = scaling.apply(logits)
        assert (probs[np.arange(len(logits)), logits.argmax(axis=1)] == probs.max(axis=1)).all()
        again = fl.temperature_scaling(logits / scaling.temperature, labels)  # next to a minimum roundings decide
        assert again.nll_after <= again.nll_before
        after = fl.cross_entropy(logits / scaling.temperature, labels)
        assert after == pytest.approx(scaling.nll_after, rel=1e-9, abs=1e-300)


def test_temperature_is_a_minimum() -> None:
    """The reference's slope changes sign there, and on both sides its objective is larger; at a bound, no further."""
    found = 0
    for logits, labels in random_fits():
        scaling = fl.temperature_scaling(logits, labels)
        rows, targets = logits.tolist(), labels.tolist()
        if not np.isfinite(logits).all():
            continue
        with mp.workdps(60):
            exact = [[mpf(z) for z in row] for row in rows]
            ends = [
                reference.temperature_scaling_grad(mpf(factor) / mpf(scaling.temperature), exact, targets)
                for factor in (1 - 1e-6, 1 + 1e-6)
            ]
        if scaling.converged:
            found += 1
            assert ends[0] <= 0 <= ends[1]
        else:
            assert abs(math.log(scaling.temperature)) == pytest.approx(10)
            assert ends[0] * ends[1] >= 0  # 60 digits may lose a probability as small as exp(-1e6)
    assert found > 10


def test_slopes_of_the_reference_are_those_of_its_duals() -> None:
    """The mean of the logits less that of the label, and their variance."""
    rows, targets = LOGITS[:5].tolist(), LABELS[:5].tolist()
    for beta in (0.0, 0.3, 1.0):
        slope = derivative(lambda b: reference.temperature_scaling(b, rows, targets), beta)
        assert slope == pytest.approx(reference.temperature_scaling_grad(beta, rows, targets), rel=1e-12)
        bend = second_derivative(lambda b: reference.temperature_scaling(b, rows, targets), beta)
        assert bend == pytest.approx(reference.temperature_scaling_hess(beta, rows, targets), rel=1e-9)


@pytest.mark.parametrize("beta", [0.01, 1.0, 5.0])
def test_slope_and_curvature_keep_the_tail(beta: float) -> None:
    """What Newton's method gets is the reference's at 60 digits, also of a row that is right by 40."""
    rows = [[0.5, -1.0, 2.0], [40.0, 0.0, 1.0], [-3.0, 7.0, 7.5]]
    for row, label in zip(rows, (1, 0, 2), strict=True):
        loss, slope, curvature = _row_parts(np.array([row]), np.array([label]), beta)
        single = _binary_parts(np.array([row[0] - row[1]]), np.array([1.0]), beta)
        with mp.workdps(200):
            exact = [[mpf(z) for z in row]]
            pair = [[mpf(row[0]) - mpf(row[1]), mpf(0)]]
            for mine, alone, name in (
                (loss, single[0], ""),
                (slope, single[1], "_grad"),
                (curvature, single[2], "_hess"),
            ):
                function = getattr(reference, f"temperature_scaling{name}")
                assert mine[0] == pytest.approx(float(function(mpf(beta), exact, [label])), rel=1e-12)
                assert alone[0] == pytest.approx(float(function(mpf(beta), pair, [0])), rel=1e-12)


def test_few_passes_over_the_logits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Newton's method needs no more than a dozen, the bounds and the last look included."""
    passes = []
    monkeypatch.setattr("fastloss.calibration._row_parts", lambda *args: passes.append(0) or _row_parts(*args))
    assert fl.temperature_scaling(LOGITS, LABELS).converged
    assert len(passes) <= 12


def test_temperature_is_scikit_learns() -> None:
    """Whose search ends at about the square root of the precision; labels of two classes and of yes and no agree."""
    calibration = pytest.importorskip("sklearn.calibration")
    weight = np.random.default_rng(3).random(300)
    for words in ({}, {"weight": weight}):
        theirs = calibration._TemperatureScaling().fit(LOGITS, LABELS, sample_weight=words.get("weight"))
        assert fl.temperature_scaling(LOGITS, LABELS, **words).temperature == pytest.approx(1 / theirs.beta_, rel=1e-6)
    score = LOGITS[:, 0] - LOGITS[:, 1]
    single = fl.temperature_scaling(score, YES)
    both = fl.temperature_scaling(np.stack([np.zeros(300), score], axis=1), YES)
    assert single.temperature == pytest.approx(both.temperature, rel=1e-12)
    np.testing.assert_allclose(single.apply(score), both.apply(np.stack([np.zeros(300), score], 1))[:, 1], rtol=1e-14)


def test_bounds_of_the_temperature() -> None:
    """Every row right: the colder the better. Most wrong: the hotter. Both are said, not converged to."""
    logits = np.array([[1.0, 0.0], [0.0, 2.0]])
    cold, hot = fl.temperature_scaling(logits, [0, 1]), fl.temperature_scaling(logits, [1, 0], bounds=(-1, 2))
    assert not cold.converged
    assert cold.temperature == pytest.approx(math.exp(-10))
    assert not hot.converged
    assert hot.temperature == pytest.approx(math.exp(2))
    flat = fl.temperature_scaling([[1.0, 1.0]], [0])
    assert flat.converged
    assert flat.temperature == 1


def test_temperature_of_infinite_and_missing_numbers() -> None:
    """A masked class harms nothing; a label on one has infinite loss, and no temperature helps."""
    masked = np.insert(LOGITS, 2, -np.inf, axis=1)
    labels = LABELS + (LABELS >= 2)
    expected = fl.temperature_scaling(LOGITS, LABELS).temperature
    assert fl.temperature_scaling(masked, labels).temperature == pytest.approx(
        expected, rel=1e-12
    )  # sums in other blocks
    hopeless = fl.temperature_scaling(masked, np.full(300, 2))
    assert hopeless.nll_before == math.inf
    assert math.isnan(hopeless.temperature)
    assert not hopeless.converged
    assert fl.temperature_scaling([np.inf, 3.0, -2.0], [1, 0, 0]).temperature > 1


def test_platt_scaling_is_scikit_learns() -> None:
    """Their optimiser stops at six digits or so; ours has a slope of 0 by what both minimise."""
    calibration = pytest.importorskip("sklearn.calibration")
    weight = np.random.default_rng(4).random(300)
    score = LOGITS[:, 0]
    for words in ({}, {"weight": weight}):
        a, b = calibration._sigmoid_calibration(score, YES, words.get("weight"))
        mine = fl.platt_scaling(score, YES, **words)
        assert mine[:2] == pytest.approx((a, b), rel=1e-4)
    positive = YES.sum()
    smooth = np.where(YES == 1, (positive + 1) / (positive + 2), 1 / (300 - positive + 2))
    mine = fl.platt_scaling(score, YES)
    off = mine.apply(score) - smooth
    assert abs(off.sum()) < 1e-9
    assert abs((off * score).sum()) < 1e-9


def test_platt_scaling_of_hard_cases() -> None:
    """Separable scores, constant ones, one class only, any scale, any shift; NaN."""
    for score, target in (([1.0, 2, 3, 4], [0, 0, 1, 1]), ([1.0, 1, 1], [0, 1, 1]), ([2.0, 1.0], [1, 1])):
        plain = fl.platt_scaling(score, target)
        assert plain.converged
        for scale, shift in ((1e300, 0), (1e-300, 0), (2.0, 1000.0)):
            moved = scale * np.array(score) + shift
            other = fl.platt_scaling(moved, target)
            np.testing.assert_allclose(other.apply(moved), plain.apply(score), rtol=1e-9)
    assert fl.platt_scaling([1.0, 1, 1], [0, 1, 1]).a == 0
    for arguments in (([math.nan, 1], [0, 1]), ([0, 1], [math.nan, 1]), ([0, 1], [0, 1], [math.nan, 1])):
        found = fl.platt_scaling(*arguments[:2], weight=arguments[2] if len(arguments) > 2 else None)
        assert math.isnan(found.a)
        assert math.isnan(found.b)


def test_isotonic_calibration_is_scikit_learns() -> None:
    """With ties and weights; it never falls, and calibrates what it was fitted to."""
    isotonic = pytest.importorskip("sklearn.isotonic")
    weight, score = np.random.default_rng(6).random(300), np.round(LOGITS[:, 0])
    for words in ({}, {"weight": weight}):
        theirs = isotonic.IsotonicRegression(out_of_bounds="clip").fit(score, YES, words.get("weight"))
        mine = fl.isotonic_calibration(score, YES, **words)
        np.testing.assert_allclose(mine.apply(LOGITS[:, 0]), theirs.predict(LOGITS[:, 0]), rtol=1e-10, atol=1e-15)
        assert (np.diff(mine.probs) >= 0).all()
    fitted = fl.isotonic_calibration(LOGITS[:, 0], YES)
    for rate in np.unique(fitted.probs):
        assert YES[fitted.apply(LOGITS[:, 0]) == rate].mean() == pytest.approx(rate)
    assert np.isnan(fl.isotonic_calibration([math.nan, 1], [0, 1]).apply([1.0])).all()


def test_histogram_binning_calibrates() -> None:
    """The bins' rates, of which those that were fitted to have no error left; a bin without any keeps its middle."""
    for strategy in ("uniform", "quantile"):
        binning = fl.histogram_binning(PROBS[:, 0], YES, n_bins=8, strategy=strategy)
        bins = fl.reliability_bins(PROBS[:, 0], YES, n_bins=8, strategy=strategy)
        assert_same(binning.probs[bins.count > 0], bins.accuracy[bins.count > 0])
        assert fl.ece(binning.apply(PROBS[:, 0]), YES) < 1e-15
    assert fl.histogram_binning([0.9], [1], n_bins=2).apply(0.1) == 0.25
    assert np.isnan(binning.apply([math.nan])).all()
    assert np.isnan(fl.histogram_binning([0.5, math.nan], [0, 1]).probs).all()


@each_error
def test_visible_nan_is_seen(error: Callable[..., float]) -> None:
    """And one in an ignored row, or of weight 0, is not."""
    broken, labels, weight = PROBS.copy(), LABELS.copy(), np.ones(300)
    broken[17, 1] = np.nan
    assert math.isnan(error(broken, labels))
    labels[17], weight[17] = -100, 0
    expected = error(np.delete(PROBS, 17, 0), np.delete(LABELS, 17))
    assert error(broken, labels) == expected
    assert error(broken, LABELS, weight=weight) == expected
    assert error(broken, LABELS, weight=weight.astype(bool)) == expected


@each_error
def test_weights_count_rows(error: Callable[..., float], request: pytest.FixtureRequest) -> None:
    """A row of weight 2 is two rows (but chance knows better); a common factor does not matter."""
    weight = np.random.default_rng(5).integers(0, 4, 300)
    if "debiased" not in request.node.name:
        repeated = np.repeat(PROBS, weight, axis=0), np.repeat(LABELS, weight)
        assert error(PROBS, LABELS, weight=weight) == pytest.approx(error(*repeated), rel=1e-10)
    assert error(PROBS, LABELS, weight=8.0 * weight) == pytest.approx(error(PROBS, LABELS, weight=weight), rel=1e-14)


@each_error
def test_any_array_gives_the_same_bits(error: Callable[..., float]) -> None:
    """Layouts, byte orders, class axes, leading axes, label dtypes, lists."""
    expected = error(PROBS, LABELS)
    assert isinstance(expected, float)
    for probs in layouts(PROBS):
        assert error(probs, LABELS) == expected
    for labels in [*layouts(LABELS), LABELS.astype(np.uint8), LABELS.tolist()]:
        assert error(PROBS, labels) == expected
    assert error(PROBS.T, LABELS, axis=0) == expected
    deep = np.moveaxis(PROBS.reshape(3, 10, 10, 4), -1, 1)
    assert error(deep, LABELS.reshape(3, 10, 10), axis=1) == expected
    for dtype in (np.float16, ml_dtypes.bfloat16):
        half = PROBS.astype(dtype)
        assert error(half, LABELS) == error(half.astype(np.float32), LABELS)
    one = error(PROBS[0], LABELS[0])
    assert one == error(PROBS[:1], LABELS[:1]) or math.isnan(one)


def test_invisible_answers() -> None:
    """Of yes and no too; what stands there need not be a probability."""
    expected = fl.ece([0.2, 0.9], [0, 1])
    for third in (np.nan, 5.0):
        assert fl.ece([0.2, third, 0.9], [0, -100, 1]) == expected
        assert fl.ece([0.2, third, 0.9], [0, 7, 1], ignore_index=7) == expected
        assert fl.ece([0.2, third, 0.9], [0, 7, 1], weight=[True, False, True]) == expected
        assert fl.ece([[0.2, 0.8], [third, 0.0]], [1, -100]) == fl.ece([[0.2, 0.8]], [1])
    assert math.isnan(fl.ece([0.2, np.nan, 0.9], [0, 1, 1]))
    score = LOGITS[:, 0]
    ignored = fl.temperature_scaling(np.append(score, np.nan), np.append(YES, -100))
    assert ignored == fl.temperature_scaling(score, YES)
    assert fl.platt_scaling(np.append(score, np.nan), np.append(YES, -100)) == fl.platt_scaling(score, YES)


def test_the_first_bad_probability_is_found_in_any_block() -> None:
    """Its place is that in the whole array, whatever the class axis."""
    probs = np.full((100_000, 4), 0.25)
    probs[90_000, 2] = probs[95_000, 1] = 1.5
    with pytest.raises(ValueError, match=r"^probs\[90000, 2\] is 1.5"):
        fl.ece(probs, np.zeros(100_000, int))
    with pytest.raises(ValueError, match=r"^probs\[2, 90000\] is 1.5"):
        fl.classwise_ece(probs.T, np.zeros(100_000, int), axis=0)
    with pytest.raises(ValueError, match=r"^probs\[90000\] is 1.5"):
        fl.ece(probs[:, 2], np.zeros(100_000))


def test_nothing_has_no_error() -> None:
    """The error of nothing is nan, its bins are empty; there is nothing to fit to."""
    nothing = np.zeros((0, 3)), np.zeros(0, int)
    ignored = np.full((2, 3), np.nan), [-100, -100]
    for args in (nothing, ignored):
        assert math.isnan(fl.ece(*args))
        assert math.isnan(fl.ece(*args, norm="max", strategy="quantile"))
        assert math.isnan(fl.classwise_ece(*args))
        assert np.isnan(fl.brier_decomposition(*args)).all()
        assert fl.reliability_bins(*args).count.sum() == 0
        with pytest.raises(ValueError, match="no row is visible"):
            fl.temperature_scaling(*args)
    for fit in (fl.platt_scaling, fl.isotonic_calibration, fl.histogram_binning):
        with pytest.raises(ValueError, match="is visible: there is nothing to fit to"):
            fit([], [])


def test_large_logits_are_not_copied() -> None:
    """Sixteen million numbers, in half precision and the other order: what is taken is a few blocks and a few numbers
    per row."""
    logits = np.zeros((1000, 16_000), np.float16, order="F")
    labels = np.arange(1000) % 16_000
    logits[np.arange(1000), labels] = 1
    tracemalloc.start()
    fl.temperature_scaling(logits[:100], labels[:100])
    fl.ece(logits, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 6 * 2**20


def test_picture() -> None:
    """A figure of two axes; empty bins leave no mark; without matplotlib the message names what to install."""
    pytest.importorskip("matplotlib")
    bins = fl.reliability_bins(PROBS, LABELS)
    upper, lower = fl.reliability_diagram(bins, title="digits").axes
    assert upper.get_title().startswith("digits, ECE 0.")
    assert sum(bar.get_height() for bar in lower.patches) == 300
    assert len(lower.patches) == (bins.count > 0).sum()
    assert fl.reliability_diagram(fl.reliability_bins([], [])).axes[0].get_title() == "Reliability, ECE nan"


def test_picture_without_matplotlib(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ImportError, match=r"needs matplotlib.*pip install 'fastloss\[demo\]'"):
        fl.reliability_diagram(fl.reliability_bins([0.5], [1]))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fl.ece([[0.5, 0.5], [2.0, -1]], [0, 1]), ValueError, r"^probs\[1, 0\] is 2.0, .*\[0, 1\].*softmax"),
        (lambda: fl.ece([[0.5, -1], [0.5, 1]], [0, 1], axis=0), ValueError, r"^probs\[0, 1\] is -1.0"),
        (lambda: fl.ece([0.5, 1.5], [0, 1]), ValueError, r"^probs\[1\] is 1.5"),
        (lambda: fl.ece([0.5, 0.5], [0, 2]), ValueError, r"^target\[1\] is 2, expected 0 or 1"),
        (lambda: fl.ece([[0.5, 0.5]], [2]), IndexError, r"^target\[0\] is 2, expected a class in \[0, 2\) or ignore"),
        (lambda: fl.ece([[0.5, 0.5]], [0.0]), TypeError, "^target holds class labels, which must be integers"),
        (lambda: fl.ece([[0.5, 0.5]], [0, 1]), ValueError, r"^probs has shape \(1, 2\).*\(1,\).*\(2,\).*axis=0"),
        (lambda: fl.ece(0.5, [0, 1, 2]), ValueError, "^probs is a scalar"),
        (lambda: fl.ece(["a"], [0]), TypeError, "^probs must hold real numbers"),
        (lambda: fl.ece([0.5], [0], n_bins=0), ValueError, "^n_bins must be at least 1"),
        (lambda: fl.ece([0.5], [0], n_bins=2.5), TypeError, "^n_bins must be an integer"),
        (lambda: fl.ece([0.5], [0], strategy="equal"), ValueError, "^strategy must be"),
        (lambda: fl.ece([0.5], [0], norm="l3"), ValueError, "^norm must be"),
        (lambda: fl.ece([0.5], [0], debias=True), ValueError, "^debias corrects"),
        (lambda: fl.ece([0.5], [0], weight=[-1.0]), ValueError, r"^weight\[0\] is -1.0"),
        (lambda: fl.ece([0.5], [0], weight=[1.0, 1.0]), ValueError, r"^weight has shape \(2,\)"),
        (lambda: fl.ece([[0.5, 0.5]], [0], weight=[np.inf]), ValueError, r"^weight\[0\] is inf"),
        (lambda: fl.ece([[0.5, 0.5]], [0], ignore_index=0.5), TypeError, "^ignore_index must be an integer"),
        (lambda: fl.reliability_bins([0.5], [0], level=1.0), ValueError, r"^level must be in \(0, 1\)"),
        (lambda: fl.classwise_ece([0.5], [0]), ValueError, "^probs has shape"),
        (lambda: fl.classwise_ece([[0.5, 2.0]], [0]), ValueError, r"^probs\[0, 1\] is 2.0"),
        (lambda: fl.brier_decomposition([0.5, 1.5], [0, 1]), ValueError, r"^probs\[1\] is 1.5"),
        (lambda: fl.temperature_scaling([[0.5, 1.0]], [3]), IndexError, r"^target\[0\] is 3"),
        (lambda: fl.temperature_scaling([0.5], [3]), ValueError, r"^target\[0\] is 3, expected 0 or 1"),
        (lambda: fl.temperature_scaling([0.5], [1], bounds=(1, 2)), ValueError, "^bounds must hold 0"),
        (lambda: fl.temperature_scaling([0.5], [1], bounds=3.0), TypeError, "^bounds must be a pair"),
        (lambda: fl.platt_scaling([0.5], [0.5]), ValueError, r"^target\[0\] is 0.5, expected 0 or 1"),
        (lambda: fl.platt_scaling([0.5], [0, 1]), ValueError, r"^scores has shape \(1,\) and target \(2,\)"),
        (lambda: fl.isotonic_calibration([0.5], [0.5]), ValueError, r"^target\[0\] is 0.5, expected 0 or 1"),
        (lambda: fl.histogram_binning([1.5], [1]), ValueError, r"^probs\[0\] is 1.5"),
        (lambda: fl.histogram_binning([0.5], [1]).apply([2.0]), ValueError, r"^probs\[0\] is 2.0"),
        (lambda: fl.reliability_diagram([0.5]), TypeError, "^bins must be ReliabilityBins"),
    ],
)  # fmt: skip
def test_errors_name_the_argument_and_what_was_expected(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    """And the first bad position with its value."""
    with pytest.raises(error, match=message):
        call()
