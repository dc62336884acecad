"""Losses of several classes: what they become at the ends of their hyperparameters, and what holds of each alone."""

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from fastloss.reference import softmax as reference
from fastloss.reference.numbers import gradient

import fastloss as fl

from .common import assert_same, everything, named, sample, ulps_apart
from .inputs import FEW, MANY, Case, rows_of_logits, seeded
from .oracle import context, exact, tolerances, ulp_errors

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
OF_LABEL = [
    fl.softmax_focal,
    fl.poly1_cross_entropy,
    fl.generalized_cross_entropy,
    fl.symmetric_cross_entropy,
    fl.dft,
    fl.unlikelihood,
    fl.confidence_penalty,
    fl.softmax_brier,
    fl.ordinal_emd,
]


def hard(dtype: Any, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Sure, tied, masked and wild rows, half of them with the label of the largest score."""
    rng = seeded("multiclass", classes)
    scores = np.concatenate([rows_of_logits(rng, classes, np.dtype(dtype)) for _ in range(4)])
    labels = scores.astype(np.float64).argmax(1)
    labels[::2] = rng.integers(0, classes, len(labels[::2]))
    return scores, labels


def both(loss: fl.Loss, *args: Any, **words: Any) -> tuple[Any, Any]:
    losses, slopes = loss.value_and_grad(*args, **words, reduction="none")
    return losses, slopes


@each_dtype
@pytest.mark.parametrize("classes", [2, 10, 64, 65, 200])
def test_hyperparameter_of_0_leaves_the_cross_entropy(dtype: Any, classes: int) -> None:
    """gamma = 0 and epsilon = 0, to the bit; beta = 0 within the error of both."""
    data = hard(dtype, classes)
    weights = np.linspace(0.5, 2, classes)
    for words in ({}, {"class_weight": weights}):
        expected = both(fl.cross_entropy, *data, **words)
        for loss, zero in ((fl.softmax_focal, {"gamma": 0}), (fl.poly1_cross_entropy, {"epsilon": 0})):
            for found, wanted in zip(both(loss, *data, **words, **zero), expected, strict=True):
                assert_same(found, wanted)
        symmetric = {"alpha": 1, "beta": 0}
        for loss, zero in ((fl.symmetric_cross_entropy, symmetric), (fl.confidence_penalty, {"beta": 0})):
            for found, wanted in zip(both(loss, *data, **words, **zero), expected, strict=True):
                assert np.array_equal(np.isinf(found), np.isinf(wanted))
                finite = np.isfinite(wanted)
                assert ulps_apart(found[finite], wanted[finite]) <= 8


def test_generalised_cross_entropy_lies_between_two_losses() -> None:
    """q to 0 is the cross-entropy; q = 1 the absolute error 1 - p."""
    logits, labels = sample(fl.cross_entropy, 200, np.float64)
    small = both(fl.generalized_cross_entropy, logits, labels, q=1e-12)
    for found, expected in zip(small, both(fl.cross_entropy, logits, labels), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-10)  # the next term is q log p / 2 of it
    wrong = 1 - fl.softmax(logits)[np.arange(200), labels]
    np.testing.assert_allclose(both(fl.generalized_cross_entropy, logits, labels, q=1)[0], wrong, rtol=1e-13)


def test_improbable_labels_keep_their_powers() -> None:
    """A probability that underflows has a q-th power that does not, and an unlikelihood that is sure is its lead."""
    value, slope = both(fl.generalized_cross_entropy, np.array([[-900.0, 0.0]]), [0], q=0.1)
    with mpmath.workdps(50):
        assert ulps_apart(slope[0, 1], np.float64(mpmath.exp(-900 * mpmath.mpf(0.1)))) <= 2
    assert value[0] == pytest.approx(10, rel=1e-15)
    value, slope = both(fl.unlikelihood, np.array([[1e300, 0.0, -1.0]]), [0])
    assert value[0] == 1e300
    assert slope[0] == pytest.approx([1, -1 / (1 + math.exp(-1)), -1 / (1 + math.e)], rel=1e-15)


@pytest.mark.parametrize("loss", OF_LABEL, ids=named)
@each_dtype
def test_confident_row_keeps_its_tail(loss: fl.Loss, dtype: Any) -> None:
    """[20, 0], label 0, in float32, [40, 0] in float64: loss and gradient are small, and exact."""
    gap = 20 if dtype == np.float32 else 40
    case = Case("", (np.array([[gap, 0], [0, gap]], dtype), np.array([0, 0])))
    truth = exact(loss, case)
    losses, slopes = both(loss, *case.inputs)
    for found, true, ending in ((losses, truth.value, ""), (slopes, truth.grad, "_grad")):
        assert (found != 0).all()
        assert (ulp_errors(found, true) <= tolerances(true, truth.largest_terms(ending)[0], found.dtype)).all()


@pytest.mark.parametrize("classes", [3, 100])
def test_infinite_logits_take_their_limit(classes: int) -> None:
    """A logit of inf takes all; several, or nothing but -inf, leave nothing to say."""
    logits = np.zeros((5, classes))
    logits[0, 0] = logits[1, 1] = np.inf
    logits[2, 0] = -np.inf
    logits[3] = -np.inf
    logits[4, :2] = np.inf
    expected = {
        "softmax_focal": [0, np.inf, np.inf],
        "poly1_cross_entropy": [0, np.inf, np.inf],
        "generalized_cross_entropy": [0, 1 / 0.7, 1 / 0.7],
        "symmetric_cross_entropy": [0, np.inf, np.inf],
        "dft": [0, 0, 0],
        "unlikelihood": [np.inf, 0, 0],
        "softmax_brier": [0, 2, 1 + 1 / (classes - 1)],
        "ordinal_emd": [0, 1, sum((k / (classes - 1)) ** 2 for k in range(1, classes))],
        "sparsemax": [0, np.inf, np.inf],
        "multiclass_hinge": [0, np.inf, np.inf],
        "multi_margin": [0, np.inf, np.inf],
        "multiclass_perceptron": [0, np.inf, np.inf],
    }
    for name, wanted in expected.items():
        losses, slopes = both(fl.LOSSES[name], logits, np.zeros(5, int))
        np.testing.assert_allclose(losses[:3], wanted, rtol=1e-15, err_msg=name)
        assert np.isfinite(slopes[:3]).all(), name
        if fl.LOSSES[name] in OF_LABEL:
            assert np.isnan(losses[3:]).all(), name
            assert np.isnan(slopes[3:]).all(), name


@pytest.mark.parametrize("classes", [2, 10, 64, 65, 3000])
def test_sparsemax_projects_onto_the_simplex(classes: int) -> None:
    """The gradient is P - onehot: P is nowhere negative, adds up to 1, and is z - tau where it is not 0."""
    rng = seeded("simplex", classes)
    scores = rng.standard_normal((50, classes)) * np.geomspace(1e-3, 10, 50)[:, None]
    scores[::5] = np.round(scores[::5], 1)  # ties
    scores[1::5, : classes // 2] = -np.inf
    labels = rng.integers(0, classes, 50)
    losses, slopes = both(fl.sparsemax, scores, labels)
    p = slopes + np.eye(classes)[labels]
    assert (p > -1e-15).all()
    assert p.sum(1) == pytest.approx(np.ones(50), abs=1e-14)
    assert (p[scores == -np.inf] < 1e-15).all()  # of a label 1 has been taken off, and put on again
    for row, shares in zip(scores, p, strict=True):
        tau = (row - shares)[shares > 1e-12]
        assert np.ptp(tau) < 1e-13
        assert (row[shares <= 1e-12] <= tau.max() + 1e-12).all()
    # a lead of 1 costs nothing, and is not pushed on
    scores[:, 0] = scores.max(1) + 1
    losses, slopes = both(fl.sparsemax, scores, np.zeros(50, int))
    assert (losses < 1e-30).all()
    assert (abs(slopes) < 1e-15).all()


def test_sparsemax_whose_support_shrinks_class_by_class() -> None:
    """Scores of which each pass takes out the last few: the threshold is found all the same."""
    scores = -np.cumsum(np.geomspace(1e-6, 1, 400))[None]
    truth = exact(fl.sparsemax, Case("", (scores, np.array([5]))))
    losses, slopes = both(fl.sparsemax, scores, [5])
    assert ulp_errors(losses, truth.value).max() <= 4
    assert ulp_errors(slopes, truth.grad).max() <= 4


def test_two_class_sparsemax_is_the_binary_one() -> None:
    """The score against 0."""
    x = np.linspace(-3, 3, 61)
    for label in (0, 1):
        binary, slope = fl.sparsemax_binary.value_and_grad(x, np.full(61, float(label)), reduction="none")
        losses, slopes = both(fl.sparsemax, np.stack([0 * x, x], 1), np.full(61, label))
        np.testing.assert_allclose(losses, binary, rtol=1e-14, atol=1e-16)
        np.testing.assert_allclose(slopes[:, 1], slope, rtol=1e-14, atol=1e-16)


def test_ties_go_to_the_first_class() -> None:
    """Of equal scores the first is the best; at a margin exactly met nothing is pushed."""
    for classes in (4, 100):
        scores, label = np.zeros((1, classes)), [2]
        _, slopes = both(fl.multiclass_hinge, scores, label)
        assert slopes[0, :4].tolist() == [1, 0, -1, 0]
        assert both(fl.multiclass_perceptron, scores, label)[1][0, :4].tolist() == [1, 0, -1, 0]
        assert not both(fl.multiclass_perceptron, scores, [0])[1].any()
        scores[0, 2] = 1
        for loss, words in ((fl.multiclass_hinge, {}), (fl.multi_margin, {}), (fl.multi_margin, {"p": 2})):
            losses, slopes = both(loss, scores, label, **words)
            assert losses[0] == 0
            assert not slopes.any()


def test_leads_keep_what_their_difference_rounds_off() -> None:
    """1 - 1e-20 is 1, but a lead of it lacks 1e-20."""
    scores = np.array([[1.0, 1e-20]])
    for loss, words, expected in (
        (fl.multiclass_hinge, {}, 1e-20),
        (fl.multi_margin, {}, 1e-20 / 2),
        (fl.multi_margin, {"p": 2}, 1e-40 / 2),
    ):
        assert loss(scores, [0], **words) == expected


def test_nll_of_log_softmax_is_the_cross_entropy() -> None:
    """Values within the rounding of the log-probabilities; a class weight, an ignored row."""
    logits, labels = sample(fl.cross_entropy, 50, np.float64)
    labels[::7] = -100
    words = {"class_weight": np.linspace(0.5, 2, 5)}
    value = fl.nll(fl.log_softmax(logits), labels, **words)
    assert value == pytest.approx(fl.cross_entropy(logits, labels, **words), rel=1e-14)


def test_z_loss_and_brier_are_what_their_parts_say() -> None:
    """The square of logsumexp; that of the distance of the probabilities."""
    logits, labels = sample(fl.cross_entropy, 50, np.float64)
    losses = fl.z_loss(logits, coefficient=1, reduction="none")
    np.testing.assert_allclose(losses, fl.logsumexp(logits) ** 2, rtol=1e-13)
    distance = fl.softmax(logits) - np.eye(5)[labels]
    np.testing.assert_allclose(fl.softmax_brier(logits, labels, reduction="none"), (distance**2).sum(1), rtol=1e-13)


def test_distance_of_ordered_classes_grows_with_the_way() -> None:
    """From a sure class to the label so many steps; of two classes half the Brier score."""
    for classes in (10, 100):
        logits = np.where(np.eye(classes) == 1, 0.0, -np.inf)
        losses = [both(fl.ordinal_emd, logits, np.full(classes, y))[0] for y in range(classes)]
        assert_same(np.array(losses), abs(np.arange(float(classes))[:, None] - np.arange(classes)))
    logits, labels = sample(fl.softmax_brier, 50, np.float64, classes=2)
    for found, expected in zip(
        both(fl.ordinal_emd, logits, labels), both(fl.softmax_brier, logits, labels), strict=True
    ):
        np.testing.assert_allclose(found, expected / 2, rtol=1e-14)


def test_several_labels_are_binary_losses() -> None:
    """The mean over the classes, and so the mean over all elements."""
    logits, target = sample(fl.multilabel_soft_margin, 50, np.float64)
    expected = fl.binary_cross_entropy_with_logits(logits, target)
    assert fl.multilabel_soft_margin(logits, target) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("classes", [5, 100])
def test_class_weights_of_several_labels_divide_nothing(classes: int) -> None:
    """A row's mean is over the classes, the mean over the rows, as torch's; a class of weight 0 is not looked at."""
    logits, target = sample(fl.multilabel_soft_margin, 50, np.float64, classes=classes)
    weights = np.linspace(0, 2, classes)
    words = {"class_weight": weights, "weight": np.linspace(-0.5, 2, 50)}
    logits[3, 0] = np.nan
    elements = fl.binary_cross_entropy_with_logits(logits, target, reduction="none")[:, 1:] @ weights[1:] / classes
    expected = elements @ words["weight"] / words["weight"].sum()
    value, slopes = fl.multilabel_soft_margin.value_and_grad(logits, target, **words)
    assert value == pytest.approx(expected, rel=1e-13)
    assert not slopes[:, 0].any()
    torch = pytest.importorskip("torch")
    logits[3, 0] = 0
    theirs = torch.nn.functional.multilabel_soft_margin_loss(
        torch.tensor(logits), torch.tensor(target), weight=torch.tensor(weights)
    )
    assert fl.multilabel_soft_margin(logits, target, class_weight=weights) == pytest.approx(theirs.item(), rel=1e-13)


def test_listed_labels_count_as_they_are_listed() -> None:
    """A label listed twice counts twice; nothing counts after the first -1; without labels, or others, a row is 0."""
    for classes in (4, 100):
        scores = np.zeros((5, classes))
        scores[:, :4] = [2.0, 1.5, 1.25, -1.0]
        scores[:, 4:] = -5
        lists = np.full((5, classes), -1)
        lists[0, :2], lists[1, :3], lists[2, :4] = [0, 2], [0, 2, 0], [0, 2, -1, 1]
        lists[4] = np.arange(classes)
        losses, slopes = both(fl.multilabel_margin, scores, lists)
        assert losses * classes == pytest.approx([1.75, 2.25, 1.75, 0, 0], rel=1e-15)
        assert_same(slopes[2], slopes[0])
        assert slopes[:2, :4] * classes == pytest.approx(np.array([[-1, 2, -1, 0], [-2, 3, -1, 0]]), rel=1e-15)
        assert not slopes[3:].any()
        assert not slopes[:, 4:].any()


def test_listed_labels_lead_by_what_their_difference_rounds_off() -> None:
    """A lead of 1 - 1e-20 lacks 1e-20, of float32 scores too. No sum is inf whose mean is not."""
    for dtype in (np.float32, np.float64):
        scores = np.array([[1.0, 1e-20], [1.0, 0.0]], dtype)
        losses, slopes = both(fl.multilabel_margin, scores, [[0, -1], [0, -1]])
        assert losses[0] == dtype(dtype(1e-20) / 2)
        assert losses[1] == 0
        assert slopes.tolist() == [[-0.5, 0.5], [0, 0]]
    assert fl.multilabel_margin([[-1.5e308, 1.5e308]], [[0, -1]]) == 1.5e308


def test_lists_of_labels_of_every_integer_dtype() -> None:
    """The same bits, along any axis; one that is no class is named with its place, unless its row is invisible."""
    for classes in (2, 100):
        scores, lists = sample(fl.multilabel_margin, (3, 40), classes=classes)
        expected = both(fl.multilabel_margin, scores, lists)
        for dtype in ("int8", "int16", ">i4", "int64"):
            found = both(fl.multilabel_margin, scores, lists.astype(dtype))
            for one, other in zip(found, expected, strict=True):
                assert_same(one, other)
        full = abs(lists)
        for dtype in ("uint8", "uint64", *["bool"][: classes == 2]):
            found = fl.multilabel_margin(scores, full.astype(dtype), reduction="none")
            assert_same(found, fl.multilabel_margin(scores, full, reduction="none"))
        turned = fl.multilabel_margin.value_and_grad(np.moveaxis(scores, -1, 0), np.moveaxis(lists, -1, 0), axis=0)
        assert_same(np.moveaxis(turned[1], 0, -1), fl.multilabel_margin.value_and_grad(scores, lists)[1])
        weight = np.ones((3, 40))
        weight[1, 7] = 0
        for wrong in (classes, -2, 2**40, -(2**63)):
            bad = lists.copy()
            bad[1, 7, 1] = wrong
            out = np.full_like(scores, 7)
            with pytest.raises(IndexError, match=rf"^target\[1, 7, 1\] is {wrong}, expected .*\[0, {classes}\), or -1"):
                fl.multilabel_margin.value_and_grad(scores, bad, out=out)
            assert (out == 7).all()
            with pytest.raises(IndexError, match=rf"^target\[1, 1, 7\] is {wrong}"):
                fl.multilabel_margin(np.moveaxis(scores, -1, 1), np.moveaxis(bad, -1, 1), axis=1)
            assert_same(
                fl.multilabel_margin.value_and_grad(scores, bad, weight=weight)[1],
                fl.multilabel_margin.value_and_grad(scores, lists, weight=weight)[1],
            )
        with pytest.raises(TypeError, match=r"target .*integers.*float"):
            fl.multilabel_margin(scores, lists.astype(float))
        with pytest.raises(ValueError, match=r"scores has shape .* and target"):
            fl.multilabel_margin(scores, lists[..., 0])


@each_dtype
def test_one_loss_by_other_names(dtype: Any) -> None:
    """The categorical likelihood is the cross-entropy; the class-balanced one is that with weights; bitwise."""
    for classes in (10, 100):
        data = hard(dtype, classes)
        weights = np.linspace(0.5, 2, classes)
        expected = everything(fl.cross_entropy, *data, class_weight=weights)
        assert_same(everything(fl.categorical_nll, *data, class_weight=weights), expected)
        assert_same(everything(fl.class_balanced_cross_entropy, *data), everything(fl.cross_entropy, *data))
        counts = np.arange(classes) ** 2
        weights = fl.effective_number(counts, beta=0.99)
        found = everything(fl.class_balanced_cross_entropy, *data, counts=counts, beta=0.99)
        assert_same(found, everything(fl.cross_entropy, *data, class_weight=weights))


def test_counts_of_class_balanced_cross_entropy_are_one_per_class() -> None:
    """Wrong length, negative: named as they were given."""
    for wrong, message in (([1, 2], r"counts has shape \(2,\).*\(3,\)"), ([1, -2, 3], r"counts\[1\] is -2")):
        with pytest.raises(ValueError, match=message):
            fl.class_balanced_cross_entropy(np.zeros((2, 3)), [0, 1], counts=wrong)


# ---- Fenchel-Young losses ----

SOFT = fl.fenchel_young(lambda z: (fl.logsumexp(z), fl.softmax(z)))
SHARP = fl.fenchel_young(lambda z: (z.max(1), np.eye(z.shape[1])[z.argmax(1)]))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_maxima_make_the_losses_that_belong_to_them(reduction: Any) -> None:
    """logsumexp the cross-entropy, of labels and of shares, max the perceptron; weights, masks, dtypes as theirs."""
    logits, labels = sample(fl.cross_entropy, (4, 10), np.float64)
    logits[1, 1, 1], labels[1, 1] = -np.inf, 2
    logits[2, 2], labels[2, 3] = np.nan, 99
    weight = np.linspace(-0.5, 2, 10)[None] * (labels != 99)
    weight[2, 2] = 0
    shares = np.where(np.isfinite(logits), sample(fl.cross_entropy, (4, 10), np.float64, soft=True)[1], 0)
    shares /= np.maximum(shares.sum(-1, keepdims=True), 0.1)
    for made, loss, target in (
        (SOFT, fl.cross_entropy, labels),
        (SOFT, fl.cross_entropy, shares),
        (SHARP, fl.multiclass_perceptron, labels),
        (SOFT, fl.cross_entropy, 0),
    ):
        found = made.value_and_grad(logits, target, weight=weight, reduction=reduction)
        expected = loss.value_and_grad(logits, target, weight=weight, reduction=reduction)
        close = {"rtol": 1e-13, "atol": 1e-14}  # the value is a difference
        np.testing.assert_allclose(found[0], expected[0], **close)
        np.testing.assert_allclose(found[1], expected[1], **close)
        assert_same(made(logits, target, weight=weight, reduction=reduction), found[0])
    assert SOFT.value_and_grad(np.zeros((2, 3), np.float32), [0, 1])[1].dtype == np.float32
    assert SOFT([[0.0, 0.0]], [0], denominator=4) == pytest.approx(math.log(2) / 4, rel=1e-15)


def test_fenchel_young_of_nothing_and_of_what_does_not_fit() -> None:
    """No visible row: nan, 0, zeros. A label that is no class, shapes, words, and what a maximum must give."""
    value, slopes = SOFT.value_and_grad(np.zeros((2, 3)), [0, 1], weight=0)
    assert math.isnan(value)
    assert not slopes.any()
    assert SOFT(np.zeros((0, 3)), np.zeros(0, int), reduction="sum") == 0
    with pytest.raises(IndexError, match=r"target\[1\] is 3, expected a class in \[0, 3\)"):
        SOFT(np.zeros((2, 3)), [0, 3])
    with pytest.raises(ValueError, match=r"target\[0, 1\] is 1.5"):
        SOFT(np.zeros((1, 2)), [[0, 1.5]])
    with pytest.raises(ValueError, match=r"scores has shape"):
        SOFT(np.zeros((2, 3)), [0, 1, 2])
    with pytest.raises(ValueError, match="reduction"):
        SOFT(np.zeros((2, 3)), [0, 1], reduction="average")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"max_fn must give .*\(2,\) and \(2, 3\), not \(\) and \(2, 3\)"):
        fl.fenchel_young(lambda z: (z.max(), z))(np.zeros((2, 3)), [0, 1])


def test_optax_makes_the_same_losses() -> None:
    """optax.losses.make_fenchel_young_loss, of logsumexp, against shares."""
    optax, jax = pytest.importorskip("optax"), pytest.importorskip("jax")
    logits, shares = sample(fl.cross_entropy, 20, np.float32, soft=True)
    theirs = optax.losses.make_fenchel_young_loss(jax.nn.logsumexp)
    # JAX computes in float32 and takes the difference of logits of about 10: 2 of their ulps
    np.testing.assert_allclose(SOFT(logits, shares, reduction="none"), theirs(logits, shares), rtol=1e-6, atol=2e-6)


# ---- the Hessian's product ----


@each_dtype
def test_hessian_vector_product_is_within_4_ulp(dtype: Any) -> None:
    """Of the largest of the given terms p v and p times its mean; at sure, masked and wild rows."""
    number = context(400).mpf
    for classes in FEW + MANY:
        rng = seeded("hvp", classes)
        logits = rows_of_logits(rng, classes, np.dtype(dtype))
        vector = rng.standard_normal(logits.shape).astype(dtype)
        found = fl.cross_entropy_hvp(logits, vector)
        assert found.dtype == dtype
        rows = [
            ([number(x) for x in z], [number(x) for x in v])
            for z, v in zip(logits.astype(float).tolist(), vector.astype(float).tolist(), strict=True)
        ]
        truth = np.array([reference.cross_entropy_hvp(z, v) for z, v in rows], dtype=object)
        largest = []
        for z, v in rows:
            p = reference.softmax(z)
            top = v[z.index(max(z))]
            mean = sum(p_k * abs(v_k - top) for p_k, v_k in zip(p, v, strict=True))
            largest.append([p_k * max(abs(v_k - top), mean) for p_k, v_k in zip(p, v, strict=True)])
        allowed = tolerances(truth, np.array(largest, dtype=object), np.dtype(dtype))
        assert (ulp_errors(found, truth) <= allowed).all()


def test_hessian_vector_product_is_that_of_the_gradient() -> None:
    """The reference's by duals of the gradient, the kernel's by differences, the diagonal by unit vectors."""
    number = context(50).mpf
    z, v = [number(x) for x in (2, 0.5, -1)], [number(x) for x in (1, -3, 0.25)]

    def slope_along(logits: list[Any]) -> Any:
        slopes = reference.cross_entropy_grad(logits, 1)
        return sum(slope * x for slope, x in zip(slopes, v, strict=True))

    for ours, theirs in zip(reference.cross_entropy_hvp(z, v), gradient(slope_along, z), strict=True):
        assert abs(ours - theirs) < number("1e-45")

    logits, labels = sample(fl.cross_entropy, 20, np.float64)
    vector = seeded("hvp").standard_normal(logits.shape)
    weight = np.linspace(0, 2, 20)
    step = 1e-5
    ahead, behind = (
        fl.cross_entropy.value_and_grad(logits + h * vector, labels, weight=weight, reduction="sum")[1]
        for h in (step, -step)
    )
    product = fl.cross_entropy_hvp(logits, vector, weight=weight)
    np.testing.assert_allclose(product, (ahead - behind) / (2 * step), atol=1e-9)  # step^2, and 1e-16 / step
    assert not product[0].any()
    diagonal = fl.cross_entropy.grad_hess(logits, labels)[1]
    unit = np.eye(5)[labels]
    np.testing.assert_allclose((fl.cross_entropy_hvp(logits, unit) * unit).sum(1), (diagonal * unit).sum(1), rtol=1e-14)


def test_hessian_vector_product_along_any_axis_and_in_place() -> None:
    """The same bits; the product may take the place of the logits. What does not fit is refused by name."""
    rng = seeded("hvp axis")
    logits, vector = rng.standard_normal((2, 6, 5)), rng.standard_normal((2, 6, 5))
    expected = fl.cross_entropy_hvp(logits, vector)
    moved = fl.cross_entropy_hvp(np.moveaxis(logits, -1, 0), np.moveaxis(vector, -1, 0), axis=0)
    assert_same(np.moveaxis(moved, 0, -1), expected)
    out = logits.copy()
    assert fl.cross_entropy_hvp(out, vector, out=out) is out
    assert_same(out, expected)
    with pytest.raises(ValueError, match=r"logits has shape .* and vector"):
        fl.cross_entropy_hvp(logits, vector[:, :5])
    with pytest.raises(ValueError, match="weight has shape"):
        fl.cross_entropy_hvp(logits, vector, weight=np.ones(7))
    with pytest.raises(TypeError, match="vector"):
        fl.cross_entropy_hvp(logits, "v")
