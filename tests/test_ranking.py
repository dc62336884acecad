"""Ranking a list: what of a query's scores counts, and what does not."""

import math
from typing import Any

import numpy as np
import pytest

import fastloss as fl

from .common import assert_same, each_computed_dtype, named, ulps_apart
from .inputs import rows_of_logits, seeded

LISTWISE = (fl.list_net, fl.ranking_softmax, fl.list_mle)
each_listwise = pytest.mark.parametrize("loss", LISTWISE, ids=named)
each_length = pytest.mark.parametrize("items", [1, 2, 5, 64, 65, 300])


def queries(items: int, dtype: Any = np.float64, count: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and relevances of which many are equal."""
    rng = seeded("queries", items)
    return (2 * rng.standard_normal((count, items))).astype(dtype), rng.integers(0, 5, (count, items)).astype(dtype)


@each_listwise
@each_length
@each_computed_dtype
def test_gradient_of_a_query_adds_up_to_0(loss: fl.Loss, items: int, dtype: Any) -> None:
    """Up to what each slope, and the sum it is a difference in, rounds off."""
    scores, relevance = queries(items, dtype)
    hard = rows_of_logits(seeded("hard", items), items, np.dtype(dtype))
    for s, r in ((scores, relevance), (hard, relevance[: len(hard)])):
        slopes = loss.value_and_grad(s, r, reduction="sum")[1].astype(np.float64)
        size = np.maximum(abs(slopes).max(axis=1), 1) * (1 if loss is not fl.ranking_softmax else r.sum(axis=1) + 1)
        assert (abs(slopes.sum(axis=1)) <= 2 * np.finfo(dtype).eps * size * math.sqrt(items)).all()


@each_listwise
@each_length
def test_a_constant_added_to_the_scores_of_a_query_changes_nothing(loss: fl.Loss, items: int) -> None:
    """Bitwise or nearly: the scores are whole numbers of 2^-10, so that a sum with another is exact."""
    scores, relevance = queries(items)
    scores = np.round(scores * 1024) / 1024
    expected, slopes = loss.value_and_grad(scores, relevance, reduction="none")
    shift = np.resize([3.0, -700.0, 1e4, -1e9], (20, 1))
    found, moved = loss.value_and_grad(scores + shift, relevance, reduction="none")
    assert ulps_apart(found, expected) <= 8
    np.testing.assert_allclose(moved, slopes, rtol=1e-13, atol=1e-14 * (1 + relevance.sum(axis=1).max()))


@each_listwise
@each_length
def test_masked_items_are_as_if_they_were_not_there(loss: fl.Loss, items: int) -> None:
    """Whatever their relevance, and their gradient is 0."""
    scores, relevance = queries(items, count=8)
    wide = np.full((8, 2 * items + 3), -np.inf)
    labels = np.full(wide.shape, 4.0)
    places = np.sort(seeded("places", items).permutation(wide.shape[1])[:items])
    wide[:, places], labels[:, places] = scores, relevance
    value, slopes = loss.value_and_grad(wide, labels, reduction="none")
    expected, few = loss.value_and_grad(scores, relevance, reduction="none")
    assert ulps_apart(value, expected) <= 8
    np.testing.assert_allclose(slopes[:, places], few, rtol=1e-13, atol=1e-14 * (1 + relevance.sum(axis=1).max()))
    assert not np.delete(slopes, places, axis=1).any()


@each_listwise
@pytest.mark.parametrize("items", [1, 3, 70])
def test_a_query_without_items_costs_nothing(loss: fl.Loss, items: int) -> None:
    """Nothing but masked ones: 0, in value and gradient, beside queries that have some."""
    scores, relevance = queries(items, count=3)
    scores[1] = -np.inf
    value, slopes = loss.value_and_grad(scores, relevance, reduction="none")
    assert value[1] == 0
    assert not slopes[1].any()
    kept = loss(scores[::2], relevance[::2], reduction="none")
    assert_same(value[::2], kept)


@each_listwise
@pytest.mark.parametrize("items", [3, 70])
def test_nan_is_that_of_an_item(loss: fl.Loss, items: int) -> None:
    """A NaN among the scores or relevances makes the query NaN, but for its masked items."""
    for which in (0, 1):
        inputs = queries(items, count=2)
        inputs[0][1, 0] = -np.inf
        inputs[which][1, 2] = np.nan
        value, slopes = loss.value_and_grad(*inputs, reduction="none")
        assert np.isnan(value[1])
        assert np.isnan(slopes[1, 1:]).all()
        assert slopes[1, 0] == 0
        assert np.isfinite([value[0], *slopes[0]]).all()


@each_length
def test_list_net_of_one_item_is_cross_entropy(items: int) -> None:
    """Logarithms of a one-hot row, or a temperature so low that one item takes all: the label's cross-entropy."""
    scores, _ = queries(items)
    labels = seeded("labels").integers(0, items, len(scores))
    hot = np.eye(items)[labels]
    with np.errstate(divide="ignore"):
        logs = np.log(hot)
    expected, slopes = fl.cross_entropy.value_and_grad(scores, labels, reduction="none")
    for found, gradient in (
        fl.list_net.value_and_grad(scores, logs, reduction="none"),
        fl.list_net.value_and_grad(scores, hot, temperature=1e-3, reduction="none"),
        fl.ranking_softmax.value_and_grad(scores, hot, reduction="none"),
    ):
        assert ulps_apart(found, expected) <= 4
        assert ulps_apart(gradient, slopes) <= 4


def test_confident_lists_keep_their_tails() -> None:
    """A right order with wide gaps costs what the others add up to; and so does the target of a list that is sure."""
    value, slopes = fl.list_mle.value_and_grad([[0.0, 90.0, 45.0]], [[0, 2, 1]])
    assert value == pytest.approx(2 * math.exp(-45), rel=1e-15)
    np.testing.assert_allclose(slopes, [[math.exp(-45), -math.exp(-45), 0]], rtol=1e-15, atol=1e-35)
    _, slopes = fl.list_net.value_and_grad([[40.0, 0.0]], [[41.0, 0.0]])
    tail = math.exp(-40) - math.exp(-41)
    np.testing.assert_allclose(slopes, [[-tail, tail]], rtol=1e-14)


@pytest.mark.parametrize("items", [2, 40, 64, 65, 257, 5000])
@pytest.mark.parametrize("kind", ["grades", "signed", "tied", "bits"])
def test_list_mle_takes_the_order_of_a_stable_sort(items: int, kind: str) -> None:
    """Zeros of both signs are equal, and equals keep their order: the same as of items that have been sorted."""
    rng = seeded(kind, items)
    relevance = {
        "grades": rng.integers(0, 5, (6, items)).astype(float),
        "signed": rng.standard_normal((6, items)) * np.exp2(rng.integers(-1000, 1000, (6, items))),
        "tied": rng.choice([0.0, -0.0], (6, items)),
        "bits": rng.integers(-3, 4, (6, items)) * 5e-324,
    }[kind]
    scores = rng.standard_normal((6, items))
    order = np.argsort(-relevance, axis=1, kind="stable")
    ranked = np.take_along_axis(scores, order, 1)
    falling = np.broadcast_to(-np.arange(items, dtype=float), ranked.shape)
    expected, slopes = fl.list_mle.value_and_grad(ranked, falling, reduction="none")
    found, gradient = fl.list_mle.value_and_grad(scores, relevance, reduction="none")
    assert_same(found, expected)
    assert_same(np.take_along_axis(gradient, order, 1), slopes)


@pytest.mark.parametrize("items", [64, 1000])
def test_list_mle_of_scores_that_rise_and_fall_without_end(items: int) -> None:
    """From item to item by up to 700, either way: no sum overflows, and what underflows does not count."""
    steps = seeded("steps", items).uniform(-700, 700, (5, items))
    scores = np.cumsum(np.concatenate([steps, [np.full(items, 150.0)], [np.full(items, -150.0)]]), axis=1)
    falling = np.broadcast_to(-np.arange(items, dtype=float), scores.shape)
    value, slopes = fl.list_mle.value_and_grad(scores, falling, reduction="none")
    after = np.logaddexp.accumulate(scores[:, ::-1], axis=1)[:, ::-1]
    np.testing.assert_allclose(value, (after - scores).sum(axis=1), rtol=1e-12, atol=1e-9)
    expected = np.exp(scores + np.logaddexp.accumulate(-after, axis=1)) - 1
    np.testing.assert_allclose(slopes, expected, rtol=1e-7, atol=1e-8)
