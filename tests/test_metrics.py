"""Metrics: what scikit-learn says, what they must be by definition, and the conventions they share with the losses."""

import math
import tracemalloc
from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import fastloss as fl

from .common import assert_same, layouts

RNG = np.random.default_rng(0)
LOGITS = RNG.standard_normal((200, 5))
LABELS = np.where(RNG.random(200) < 0.5, LOGITS.argmax(axis=1), RNG.integers(0, 5, 200))
WEIGHT = RNG.random(200)
PRED = RNG.standard_normal(200)
TARGET = PRED + RNG.standard_normal(200)
YES = (TARGET > 0).astype(int)
SCORES = RNG.integers(0, 6, (30, 8)) / 4  # with ties
RELEVANCE = np.where(RNG.random((30, 8)) < 0.4, RNG.integers(1, 4, (30, 8)), 0)
RELEVANCE[3] = 0

LABELLED: dict[str, Callable[..., float]] = {
    "accuracy": fl.accuracy,
    "token_accuracy": fl.token_accuracy,
    "top_k_accuracy": lambda *args, **words: fl.top_k_accuracy(*args, k=2, **words),
    "confusion_matrix": lambda *args, **words: float(fl.confusion_matrix(*args, **words).trace()),
    "precision": lambda *args, **words: fl.precision_recall_f1(*args, **words).precision,
    "f1": lambda *args, **words: fl.precision_recall_f1(*args, average="weighted", **words).f1,
    "perplexity": fl.perplexity,
    "bits_per_token": fl.bits_per_token,
}
ELEMENTWISE: dict[str, Callable[..., float]] = {
    "r2_score": fl.r2_score,
    "explained_variance": fl.explained_variance,
    "median_absolute_error": fl.median_absolute_error,
    "d2_pinball": lambda *args, **words: fl.d2_pinball(*args, tau=0.3, **words),
    "roc_auc": lambda pred, target, **words: fl.roc_auc(pred, np.asarray(target) > 0, **words),
    "coverage": lambda pred, target, **words: fl.interval_coverage(pred, 0.5, target, **words).coverage,
    "width": lambda pred, target, **words: fl.interval_coverage(pred, 0.5, target, **words).width,
    "perplexity": lambda pred, target, **words: fl.perplexity(pred, **words),
}
RANKING: dict[str, Callable[..., float]] = {
    "dcg": fl.dcg,
    "ndcg": fl.ndcg,
    "mrr": fl.mrr,
    "average_precision": fl.average_precision,
    "precision_at_k": lambda *args, **words: fl.precision_at_k(*args, k=3, **words),
    "recall_at_k": lambda *args, **words: fl.recall_at_k(*args, k=3, **words),
    "hit_rate": lambda *args, **words: fl.hit_rate(*args, k=3, **words),
}


def over(metrics: dict[str, Callable[..., float]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("metric", metrics.values(), ids=metrics.keys())


each_labelled, each_elementwise, each_ranking = over(LABELLED), over(ELEMENTWISE), over(RANKING)
weighted = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])


@pytest.fixture(scope="module")
def sk() -> Any:
    return pytest.importorskip("sklearn.metrics")


@weighted
def test_accuracy_is_scikit_learns(sk: Any, weight: Any) -> None:
    """Of the largest score, or of the classes themselves; among the first k."""
    expected = sk.accuracy_score(LABELS, LOGITS.argmax(axis=1), sample_weight=weight)
    assert fl.accuracy(LOGITS, LABELS, weight=weight) == pytest.approx(expected, rel=1e-14)
    assert fl.accuracy(LOGITS.argmax(axis=1), LABELS, weight=weight) == pytest.approx(expected, rel=1e-14)
    assert fl.top_k_accuracy(LOGITS, LABELS, k=1, weight=weight) == fl.accuracy(LOGITS, LABELS, weight=weight)
    for k in (2, 3, 4):
        expected = sk.top_k_accuracy_score(LABELS, LOGITS, k=k, sample_weight=weight, labels=range(5))
        assert fl.top_k_accuracy(LOGITS, LABELS, k=k, weight=weight) == pytest.approx(expected, rel=1e-14)
    assert fl.top_k_accuracy(LOGITS, LABELS, k=5, weight=weight) == 1
    assert fl.top_k_accuracy(LOGITS, LABELS, k=100, weight=weight) == 1


def test_among_equals_the_lowest_class_is_predicted() -> None:
    """As argmax does, and ranks likewise."""
    flat = np.zeros((3, 3))
    assert fl.accuracy(flat, [0, 1, 2]) == pytest.approx(1 / 3)
    for k in (1, 2, 3):
        assert [fl.top_k_accuracy(flat[:1], [c], k=k) for c in range(3)] == [float(c < k) for c in range(3)]
    assert_same(fl.confusion_matrix(flat, [0, 1, 2]), np.array([[1.0, 0, 0]] * 3))


def test_accuracy_does_not_see_calibration() -> None:
    """It is an improper score: probabilities of 0.51 and of 1 are the same to it, and the losses tell them apart."""
    timid, bold = [[0.51, 0.49]] * 4, [[1.0, 0.0]] * 4
    assert fl.accuracy(timid, [0, 0, 0, 0]) == fl.accuracy(bold, [0, 0, 0, 0]) == 1
    assert fl.ece(timid, [0, 0, 0, 0]) == pytest.approx(0.49)
    assert fl.ece(bold, [0, 0, 0, 0]) == 0


@weighted
def test_confusion_is_scikit_learns(sk: Any, weight: Any) -> None:
    """Rows are true, columns predicted; all of it adds up to the weight."""
    matrix = fl.confusion_matrix(LOGITS, LABELS, weight=weight)
    chosen = LOGITS.argmax(axis=1)
    np.testing.assert_allclose(matrix, sk.confusion_matrix(LABELS, chosen, sample_weight=weight), rtol=1e-13)
    np.testing.assert_allclose(matrix, fl.confusion_matrix(chosen, LABELS, weight=weight), rtol=1e-13)
    assert matrix.sum() == pytest.approx(200 if weight is None else weight.sum())
    assert fl.confusion_matrix([0], [1], classes=4).shape == (4, 4)
    assert fl.confusion_matrix([0], [1]).shape == (2, 2)


@weighted
@pytest.mark.parametrize("average", ["macro", "micro", "weighted", None])
@pytest.mark.parametrize("zero_division", [0.0, 1.0, np.nan])
def test_precision_recall_and_f1_are_scikit_learns(sk: Any, weight: Any, average: Any, zero_division: float) -> None:
    """Also of classes that nothing is taken for, or that do not occur, or neither."""
    chosen, labels = LOGITS.argmax(axis=1), LABELS.copy()
    chosen[chosen == 2] = 1
    labels[labels == 3] = 1
    words = {"average": average, "zero_division": zero_division}
    theirs = sk.precision_recall_fscore_support(labels, chosen, labels=range(6), sample_weight=weight, **words)
    mine = fl.precision_recall_f1(chosen, labels, classes=6, weight=weight, **words)
    for actual, expected in zip(mine, theirs, strict=False):
        np.testing.assert_allclose(actual, expected, rtol=1e-13)
    if average == "micro":
        accuracy = fl.accuracy(chosen, labels, weight=weight)
        assert mine == pytest.approx((accuracy,) * 3)


@weighted
def test_binary_f1_is_scikit_learns(sk: Any, weight: Any) -> None:
    """Of class 1 of two, even if neither occurs."""
    chosen = (PRED > 0).astype(int)
    theirs = sk.precision_recall_fscore_support(YES, chosen, average="binary", sample_weight=weight)
    mine = fl.precision_recall_f1(chosen, YES, average="binary", weight=weight)
    assert mine == pytest.approx(theirs[:3], rel=1e-13)
    assert fl.precision_recall_f1([0, 0], [0, 0], average="binary") == (0, 0, 0)


def test_perplexity() -> None:
    """k for a choice among k equals, 1 if certain, e to the mean cross-entropy; tokens are pooled."""
    for k in (1, 2, 10, 100):
        assert fl.perplexity(np.zeros((3, k)), [0, 0, 0]) == pytest.approx(k, rel=1e-15)
        assert fl.bits_per_token(np.zeros((3, k)), [0, 0, 0]) == pytest.approx(math.log2(k), rel=1e-15)
    assert fl.perplexity([[1000.0, 0.0]], [0]) == 1
    assert fl.perplexity([[1000.0, 0.0]], [1]) == math.inf
    losses = fl.cross_entropy(LOGITS, LABELS, reduction="none")
    assert fl.perplexity(LOGITS, LABELS) == pytest.approx(math.exp(fl.cross_entropy(LOGITS, LABELS)), rel=1e-15)
    for weight in (None, WEIGHT, WEIGHT > 0.5):
        expected = fl.perplexity(LOGITS, LABELS, weight=weight)
        assert fl.perplexity(losses, weight=weight) == pytest.approx(expected, rel=1e-14)
    assert fl.perplexity(losses.mean()) == pytest.approx(fl.perplexity(losses), rel=1e-14)
    bits = fl.bits_per_token(LOGITS, LABELS)
    assert fl.bits_per_token(LOGITS, LABELS, denominator=400) == pytest.approx(bits / 2, rel=1e-14)
    assert fl.bits_per_token(losses, denominator=400) == pytest.approx(bits / 2, rel=1e-14)


def test_perplexity_of_each_sequence() -> None:
    """Over the last axis of the tokens, ignored ones left out; a corpus pools them."""
    logits, labels = RNG.standard_normal((3, 7, 5)), RNG.integers(0, 5, (3, 7))
    labels[0, 4:], labels[2] = -100, -100
    weight = RNG.random((3, 7))
    for words in ({}, {"weight": weight}, {"weight": weight > 0.5}):
        found = fl.perplexity(logits, labels, reduction="none", **words)
        assert found.dtype == np.float64
        for k in range(3):
            own = {name: array[k] for name, array in words.items()}
            expected = fl.perplexity(logits[k], labels[k], **own)
            assert found[k] == pytest.approx(expected, rel=1e-14, nan_ok=True)
        moved = fl.perplexity(np.moveaxis(logits, -1, 0), labels, reduction="none", axis=0, **words)
        np.testing.assert_array_equal(moved, found)
        nll = fl.cross_entropy(logits, labels, reduction="none")
        kept = {"weight": words.get("weight", 1) * (labels != -100)}
        np.testing.assert_allclose(fl.perplexity(nll, reduction="none", **kept), found, rtol=1e-14)
    logits[1, 2], labels[1, 2] = np.nan, -100
    assert np.isfinite(fl.perplexity(logits, labels, reduction="none")[:2]).all()
    assert fl.perplexity([[np.nan, 0.0]], weight=[0, 1], reduction="none") == 1


def test_perplexity_in_another_base() -> None:
    """Bits are powers of 2."""
    nll = fl.cross_entropy(LOGITS, LABELS, reduction="none")
    expected = fl.perplexity(LOGITS, LABELS)
    assert fl.perplexity(nll / math.log(2), base=2) == pytest.approx(expected, rel=1e-14)
    assert fl.perplexity(fl.bits_per_token(LOGITS, LABELS), base=2) == pytest.approx(expected, rel=1e-14)
    assert fl.perplexity(1e6, base=10.0) == math.inf


def test_perplexity_names_what_is_wrong() -> None:
    """The argument, as it is called here."""
    for target in (None, [0]):
        with pytest.raises(TypeError, match=r"^pred must be an array"):
            fl.perplexity(None, target)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"^pred must be an array"):
            fl.bits_per_token(None, target)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^pred has shape"):
        fl.perplexity(LOGITS, LABELS[:-1])
    with pytest.raises(ValueError, match="base is that of nll"):
        fl.perplexity(LOGITS, LABELS, base=2)
    with pytest.raises(ValueError, match=r"^base must be in"):
        fl.perplexity(1.0, base=1.0)
    with pytest.raises(ValueError, match=r"^reduction must be .*'mean'"):
        fl.perplexity(LOGITS, LABELS, reduction="mean")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no axis of tokens"):
        fl.perplexity(0.5, reduction="none")


@weighted
def test_mean_errors_are_scikit_learns(sk: Any, weight: Any) -> None:
    """Variance explained, with and without a shift; the median; the quantile loss saved."""
    words = {"sample_weight": weight}
    assert fl.r2_score(PRED, TARGET, weight=weight) == pytest.approx(sk.r2_score(TARGET, PRED, **words), rel=1e-12)
    expected = sk.explained_variance_score(TARGET, PRED, **words)
    assert fl.explained_variance(PRED, TARGET, weight=weight) == pytest.approx(expected, rel=1e-12)
    expected = sk.median_absolute_error(TARGET, PRED, **words)
    assert fl.median_absolute_error(PRED, TARGET, weight=weight) == pytest.approx(expected, rel=1e-14)
    for tau in (0.1, 0.5, 0.8):
        expected = sk.d2_pinball_score(TARGET, PRED, alpha=tau, **words)
        assert fl.d2_pinball(PRED, TARGET, tau=tau, weight=weight) == pytest.approx(expected, rel=1e-12)


def test_mean_errors_by_definition() -> None:
    """Perfect is 1, the mean or the quantile is 0, a shift is forgiven by one; scale and common shift do not matter."""
    for metric in (fl.r2_score, fl.explained_variance, fl.d2_pinball):
        assert metric(TARGET, TARGET) == 1
        assert metric([1.0, 2.0], [3.0, 3.0]) == -math.inf
        assert math.isnan(metric([0.1] * 3, [0.1] * 3))
        for scale in (1e-300, 1e-160, 1e160, 1e300):
            assert metric(scale * PRED, scale * TARGET) == pytest.approx(metric(PRED, TARGET), rel=1e-9)
    assert fl.r2_score(np.full(200, TARGET.mean()), TARGET) == pytest.approx(0, abs=1e-15)
    assert fl.d2_pinball(np.full(200, np.median(TARGET)), TARGET) == pytest.approx(0, abs=1e-15)
    assert fl.explained_variance(TARGET + 1000, TARGET) == pytest.approx(1, rel=1e-15)
    assert fl.r2_score(PRED + 1, TARGET) < fl.explained_variance(PRED + 1, TARGET)
    assert fl.r2_score([1.7e308, -1.7e308], [-1.7e308, 1.7e308]) == pytest.approx(-3)
    assert fl.r2_score([np.inf, 1], [1, 2]) == -math.inf
    assert fl.median_absolute_error([np.inf, 1, 1], [0, 0, 0]) == 1
    assert fl.median_absolute_error([np.inf, np.inf], [0, 0]) == math.inf
    assert math.isnan(fl.median_absolute_error([np.inf], [np.inf]))


@weighted
def test_roc_auc_is_scikit_learns(sk: Any, weight: Any) -> None:
    """With ties; turned around it is the rest; only the order matters; one class alone has none."""
    rough = np.round(PRED)
    for scores in (PRED, rough):
        mine = fl.roc_auc(scores, YES, weight=weight)
        assert mine == pytest.approx(sk.roc_auc_score(YES, scores, sample_weight=weight), rel=1e-13)
        assert fl.roc_auc(-scores, YES, weight=weight) == pytest.approx(1 - mine, rel=1e-13)
        assert fl.roc_auc(np.exp(scores), YES, weight=weight) == mine
    assert fl.roc_auc(np.zeros(200), YES, weight=weight) == pytest.approx(0.5)
    assert math.isnan(fl.roc_auc(PRED, np.ones(200), weight=weight))
    assert fl.roc_auc([1.0, 2.0, np.nan], [0, 1, -100]) == 1


def test_interval_coverage() -> None:
    """Ends belong to the interval; the weight counts."""
    found = fl.interval_coverage([0.0, 0.0], [1.0, 2.0], [1.0, 3.0], weight=[3.0, 1.0])
    assert found == (0.75, 1.25)
    assert fl.interval_coverage(-np.inf, np.inf, TARGET) == (1, math.inf)


@pytest.mark.parametrize("k", [None, 1, 3, 8, 20])
def test_dcg_is_scikit_learns(sk: Any, k: int | None) -> None:
    """Ties averaged or in order, a query without anything relevant is 0; weights of queries."""
    weight = RNG.random(30)
    for ties in ("average", "ignore"):
        scores = SCORES if ties == "average" else RNG.permuted(np.tile(np.arange(8.0), (30, 1)), axis=1)
        for mine, theirs in ((fl.dcg, sk.dcg_score), (fl.ndcg, sk.ndcg_score)):
            for w in (None, weight):
                expected = theirs(RELEVANCE, scores, k=k, sample_weight=w, ignore_ties=ties == "ignore")
                assert mine(scores, RELEVANCE, k=k, weight=w, ties=ties) == pytest.approx(expected, rel=1e-13)
    gains = 2.0**RELEVANCE - 1
    assert fl.ndcg(SCORES, RELEVANCE, k=k, gain="exp2") == pytest.approx(fl.ndcg(SCORES, gains, k=k), rel=1e-14)


def test_average_precision_is_scikit_learns(sk: Any) -> None:
    """Query by query; labels from several relevances."""
    defined = [i for i in range(30) if RELEVANCE[i].any()]
    expected = [sk.average_precision_score(RELEVANCE[i] > 0, SCORES[i]) for i in defined]
    assert fl.average_precision(SCORES, RELEVANCE, empty="skip") == pytest.approx(np.mean(expected), rel=1e-13)
    assert fl.average_precision(SCORES, RELEVANCE) == pytest.approx(np.sum(expected) / 30, rel=1e-13)


def test_ranks_of_the_relevant() -> None:
    """First, among the first k, all of them: by loops over queries; equals stand in the given order."""
    found: dict[str, list[float]] = {"mrr": [], "precision": [], "recall": [], "hit": []}
    for scores, relevance in zip(SCORES, RELEVANCE, strict=True):
        ranked = [relevance[i] > 0 for i in sorted(range(8), key=lambda i: -scores[i])]
        found["mrr"].append(1 / (1 + ranked.index(True)) if any(ranked) else 0)
        found["precision"].append(sum(ranked[:3]) / 3)
        found["recall"].append(sum(ranked[:3]) / max(1, sum(ranked)))
        found["hit"].append(any(ranked[:3]))
    for name, metric in (("precision", fl.precision_at_k), ("recall", fl.recall_at_k), ("hit", fl.hit_rate)):
        assert metric(SCORES, RELEVANCE, k=3) == pytest.approx(np.mean(found[name]), rel=1e-14)
    assert fl.mrr(SCORES, RELEVANCE) == pytest.approx(np.mean(found["mrr"]), rel=1e-14)
    firsts = [each if each >= 1 / 2 else 0 for each in found["mrr"]]
    assert fl.mrr(SCORES, RELEVANCE, k=2) == pytest.approx(np.mean(firsts), rel=1e-14)


def test_the_best_order_is_best() -> None:
    """Every metric of the items by relevance is 1 where it can be."""
    defined = RELEVANCE[RELEVANCE.any(axis=1)]
    for metric in (fl.ndcg, fl.mrr, fl.average_precision):
        assert metric(defined, defined) == pytest.approx(1, rel=1e-15)
    assert fl.hit_rate(defined, defined, k=1) == fl.recall_at_k(defined, defined, k=8) == 1
    assert fl.ndcg([1e-300, 0.0], [1e-300, 0.0], gain="exp2") == 1


@each_ranking
def test_groups_are_rows(metric: Callable[..., float]) -> None:
    """Queries in any order of items, weights in the order of their first items; padding at the end harms nothing."""
    weight = RNG.random(30)
    expected = metric(SCORES, RELEVANCE, weight=weight)
    group = np.repeat(RNG.permutation(1000)[:30], 8)
    assert metric(SCORES.ravel(), RELEVANCE.ravel(), group=group, weight=weight) == pytest.approx(expected, rel=1e-14)
    by_item = np.argsort(np.tile(np.arange(8), 30), kind="stable")  # all first items, then all second ones
    mixed = SCORES.ravel()[by_item], RELEVANCE.ravel()[by_item]
    assert metric(*mixed, group=group[by_item], weight=weight) == pytest.approx(expected, rel=1e-14)
    padded = np.pad(SCORES, ((0, 0), (0, 3)), constant_values=-np.inf), np.pad(RELEVANCE, ((0, 0), (0, 3)))
    assert metric(*padded, weight=weight) == pytest.approx(expected, rel=1e-14)
    assert metric(SCORES.reshape(5, 6, 8), RELEVANCE.reshape(5, 6, 8)) == metric(SCORES, RELEVANCE)
    skipped = metric(SCORES, RELEVANCE, **({} if metric is fl.dcg else {"empty": "skip"}))
    assert skipped >= metric(SCORES, RELEVANCE)


@each_ranking
def test_rankings_see_nan_unless_it_is_invisible(metric: Callable[..., float]) -> None:
    """A query that holds NaN makes the mean NaN; with weight 0 it is as if it were not there."""
    for k in range(2):
        arrays = [SCORES.copy(), RELEVANCE.astype(float)]
        arrays[k][5, 3] = np.nan
        assert math.isnan(metric(*arrays))
        weight = np.ones(30)
        weight[5] = 0
        expected = metric(np.delete(SCORES, 5, 0), np.delete(RELEVANCE, 5, 0))
        assert metric(*arrays, weight=weight) == pytest.approx(expected, rel=1e-14)
    assert math.isnan(metric(np.zeros((0, 3)), np.zeros((0, 3))))
    assert math.isnan(metric(np.zeros(0), np.zeros(0), group=np.zeros(0, int)))
    assert metric(np.zeros((2, 0)), np.zeros((2, 0))) == 0


@each_labelled
def test_visible_nan_is_seen(metric: Callable[..., float]) -> None:
    """And one in an ignored row, or of weight 0, is not."""
    broken, labels, weight = LOGITS.copy(), LABELS.copy(), np.ones(200)
    broken[17, 1] = np.nan
    assert math.isnan(metric(broken, labels))
    labels[17], weight[17] = -100, 0
    expected = metric(np.delete(LOGITS, 17, 0), np.delete(LABELS, 17))
    assert metric(broken, labels) == pytest.approx(expected, rel=1e-14)
    labels[17] = 7
    assert metric(broken, labels, ignore_index=7) == pytest.approx(expected, rel=1e-14)
    for mask in (weight, weight.astype(bool)):
        assert metric(broken, LABELS, weight=mask) == pytest.approx(expected, rel=1e-14)


@each_elementwise
def test_visible_nan_of_elements_is_seen(metric: Callable[..., float]) -> None:
    """Likewise."""
    broken, weight = PRED.copy(), np.ones(200)
    broken[17], weight[17] = np.nan, 0
    assert math.isnan(metric(broken, TARGET))
    expected = metric(np.delete(PRED, 17), np.delete(TARGET, 17))
    assert metric(broken, TARGET, weight=weight) == pytest.approx(expected, rel=1e-14)


@each_labelled
def test_weights_count_rows(metric: Callable[..., float]) -> None:
    """A row of weight 2 is two rows."""
    weight = RNG.integers(0, 4, 200)
    repeated = metric(np.repeat(LOGITS, weight, axis=0), np.repeat(LABELS, weight))
    assert metric(LOGITS, LABELS, weight=weight) == pytest.approx(repeated, rel=1e-12)


@each_elementwise
def test_weights_count_elements(metric: Callable[..., float]) -> None:
    """An element of weight 2 is two elements."""
    weight = RNG.integers(0, 4, 200)
    repeated = metric(np.repeat(PRED, weight), np.repeat(TARGET, weight))
    assert metric(PRED, TARGET, weight=weight) == pytest.approx(repeated, rel=1e-12)


@each_labelled
def test_any_array_gives_the_same_bits(metric: Callable[..., float]) -> None:
    """Layouts, byte orders, class axes, leading axes, label dtypes, lists, half precision."""
    expected = metric(LOGITS, LABELS)
    assert isinstance(expected, float)
    for logits in layouts(LOGITS):
        assert metric(logits, LABELS) == expected
    for labels in [*layouts(LABELS), LABELS.astype(np.uint8), LABELS.astype(np.uint64), LABELS.tolist()]:
        assert metric(LOGITS, labels) == expected
    assert metric(LOGITS.T, LABELS, axis=0) == expected
    deep = np.moveaxis(LOGITS.reshape(2, 10, 10, 5), -1, 1)
    assert metric(deep, LABELS.reshape(2, 10, 10), axis=1) == expected
    for dtype in (np.float16, ml_dtypes.bfloat16):
        half = LOGITS.astype(dtype)
        assert metric(half, LABELS) == pytest.approx(metric(half.astype(np.float32), LABELS), rel=1e-6)
    assert metric(LOGITS[0], LABELS[0]) == metric(LOGITS[:1], LABELS[:1])


@each_elementwise
def test_any_array_of_elements_gives_the_same_bits(metric: Callable[..., float]) -> None:
    """Likewise; scalars are arrays of no axes."""
    expected = metric(PRED, TARGET)
    assert isinstance(expected, float)
    for pred, target in zip(layouts(PRED), layouts(TARGET), strict=True):
        assert metric(pred, target) == expected
    assert metric(PRED.reshape(2, 10, 10), TARGET.reshape(2, 10, 10)) == expected
    assert metric(PRED.tolist(), TARGET.tolist()) == expected
    np.testing.assert_equal(metric(PRED[0], TARGET[0]), metric(PRED[:1], TARGET[:1]))


def test_metrics_of_nothing() -> None:
    """The mean of nothing is nan, a count of nothing 0."""
    for args in ((np.zeros((0, 3)), np.zeros(0, int)), (np.full((2, 3), np.nan), [-100, -100])):
        for name in LABELLED:
            if name != "confusion_matrix":
                assert math.isnan(LABELLED[name](*args)), name
        assert_same(fl.confusion_matrix(*args), np.zeros((3, 3)))
    for metric in ELEMENTWISE.values():
        assert math.isnan(metric([], []))
        assert math.isnan(metric([np.nan], [1.0], weight=0))


@pytest.mark.parametrize("shape", [(100_000, 20), (20, 100_000), (2000, 10, 100)])
def test_blocks_do_not_show(shape: tuple[int, ...]) -> None:
    """Results over many blocks, of many rows or one, are those of NumPy on the whole; nothing of the input's size is
    taken."""
    logits = np.random.default_rng(1).integers(0, 50, shape).astype(np.float16)
    labels = np.random.default_rng(2).integers(0, shape[-1], shape[:-1])
    whole = (logits.argmax(axis=-1) == labels).mean()
    fl.accuracy(logits[:1], labels[:1])
    tracemalloc.start()
    assert fl.accuracy(logits, labels) == pytest.approx(whole, rel=1e-15)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20 + 8 * labels.size
    assert fl.top_k_accuracy(logits, labels, k=1) == pytest.approx(whole, rel=1e-15)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fl.accuracy(LOGITS[:2], [0, 5]), IndexError, r"^target\[1\] is 5, expected a class in \[0, 5\)"),
        (lambda: fl.accuracy(LOGITS[:2], [0, 1, 2]), ValueError, r"^pred has shape \(2, 5\).*\(2,\), not \(3,\)"),
        (lambda: fl.accuracy([[0, 1], [1, 0], [2, 0]], [0, 1]), ValueError, "it would fit axis=0"),
        (lambda: fl.accuracy([0.5, 0.5], [0, 1]), TypeError, "^pred holds class labels, which must be integers"),
        (lambda: fl.accuracy([0, -1], [0, 1]), IndexError, r"^pred\[1\] is -1, expected a class of at least 0"),
        (lambda: fl.accuracy([0], [0], weight=[-1]), ValueError, r"^weight\[0\] is -1, expected a value in \[0, inf\)"),
        (lambda: fl.accuracy(["a"], [0]), TypeError, "^pred must hold real numbers"),
        (lambda: fl.accuracy(LOGITS, LABELS, axis=2), ValueError, "^axis 2 is not one of pred"),
        (lambda: fl.token_accuracy(LOGITS, LABELS + 1), IndexError, "^target"),
        (lambda: fl.top_k_accuracy(LOGITS, LABELS, k=0), ValueError, "^k must be at least 1"),
        (lambda: fl.top_k_accuracy(LOGITS, LABELS, k=1.5), TypeError, "^k must be an integer"),
        (lambda: fl.confusion_matrix([0, 3], [0, 1], classes=3), IndexError, r"^pred\[1\] is 3, expected a class"),
        (lambda: fl.confusion_matrix(LOGITS, LABELS, classes=3), ValueError, "^pred has scores of 5 classes"),
        (lambda: fl.precision_recall_f1([0], [0], average="all"), ValueError, "^average must be"),
        (lambda: fl.precision_recall_f1([0], [2], average="binary"), ValueError, "is for two classes, not 3"),
        (lambda: fl.precision_recall_f1([0], [0], zero_division=2), ValueError, "^zero_division must be in"),
        (lambda: fl.perplexity(LOGITS, LABELS + 1), IndexError, "^target"),
        (lambda: fl.perplexity([0.5], weight=[1, 1]), ValueError, r"^weight has shape \(2,\)"),
        (lambda: fl.bits_per_token([0.5], denominator=0), ValueError, "^denominator must be in"),
        (lambda: fl.r2_score([1.0], [1.0, 2.0]), ValueError, r"^pred has shape \(1,\) and target \(2,\)"),
        (lambda: fl.r2_score(PRED, TARGET[:, None]), ValueError, r"^pred has shape \(200,\) and target \(200, 1\)"),
        (lambda: fl.d2_pinball([1.0], [1.0], tau=1.5), ValueError, "^tau must be in"),
        (lambda: fl.roc_auc([1.0, 2.0], [0, 2]), ValueError, r"^target\[1\] is 2, expected 0 or 1"),
        (lambda: fl.interval_coverage([1.0], [1.0], [1.0, 2]), ValueError, r"\(1,\).*\(2,\)"),
        (lambda: fl.ndcg([1.0], [-1.0]), ValueError, r"^relevance\[0\] is -1.0, expected a value in \[0, inf\)"),
        (lambda: fl.ndcg([1.0], [1.0, 2.0]), ValueError, r"^scores has shape \(1,\) and relevance \(2,\)"),
        (lambda: fl.ndcg(1.0, 1.0), ValueError, "^scores is a scalar"),
        (lambda: fl.ndcg([1.0], [1.0], gain="log"), ValueError, "^gain must be"),
        (lambda: fl.ndcg([1.0], [2000.0], gain="exp2"), ValueError, "^relevance goes up to 2000"),
        (lambda: fl.ndcg([1.0], [1.0], ties="random"), ValueError, "^ties must be"),
        (lambda: fl.ndcg([1.0], [1.0], empty="one"), ValueError, "^empty must be"),
        (lambda: fl.ndcg([1.0], [1.0], k=0), ValueError, "^k must be at least 1"),
        (lambda: fl.ndcg([1.0], [1.0], group=[0.5]), TypeError, "^group holds the numbers of queries"),
        (lambda: fl.ndcg([1.0], [1.0], group=[0, 1]), ValueError, r"^group has shape \(2,\) and scores \(1,\)"),
        (lambda: fl.mrr([[1.0]], [[1.0]], weight=[1.0, 2.0]), ValueError, r"^weight has shape \(2,\)"),
    ],
)  # fmt: skip
def test_errors_name_the_argument_and_what_was_expected(
    call: Callable[[], Any], error: type[Exception], message: str
) -> None:
    """And the first bad position with its value."""
    with pytest.raises(error, match=message):
        call()
