"""Losses of tokens: cross-entropy told which position predicts which token; and minus it, of tokens and sequences."""

import inspect
import math
import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest
from fastloss.reference import language as reference
from fastloss.reference.numbers import gradient
from mpmath import mp, mpf

import fastloss as fl

from .common import TOKENS, assert_same, layouts, named, ulps_apart
from .inputs import rows_of_logits, seeded
from .oracle import as_list, context, derivative, ulp_errors

each = pytest.mark.parametrize("loss", TOKENS, ids=named)
each_kind = pytest.mark.parametrize(("loss", "words"), [(loss, dict(one)) for loss in TOKENS for one in loss.examples])
COMMON = {"weight": None, "reduction": "mean", "denominator": None, "out": None}  # what no reference has
LOGPROBS = (fl.token_logprobs, fl.sequence_logprob)


def batch(dtype: Any = np.float64, shape: tuple[int, ...] = (3, 6), classes: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Logits, and labels of which some do not count."""
    rng = seeded("tokens", shape, classes)
    labels = rng.integers(0, classes, shape)
    labels[rng.random(shape) < 0.2] = -100
    return (3 * rng.standard_normal((*shape, classes))).astype(dtype), labels


def hard(dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Sequences of sure, masked and far-off positions, whose likeliest token comes next, or any."""
    logits = np.stack([rows_of_logits(seeded("hard", k), 4, np.dtype(dtype)) for k in range(4)])
    labels = np.roll(logits.argmax(-1), 1, axis=-1)
    labels[::2] = seeded("labels").integers(0, 4, labels[::2].shape)
    labels[:, 5] = -100
    return logits, labels


def weighted_shape(loss: fl.Loss, labels: np.ndarray) -> tuple[int, ...]:
    return labels.shape[:-1] if loss is fl.sequence_logprob else labels.shape


@each_kind
@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
def test_every_token_and_slope_is_within_4_ulp(loss: fl.Loss, words: Any, dtype: Any) -> None:
    """Of the reference on numbers of 400 digits, at sure, masked and wild positions."""
    mpf = context(400).mpf
    for logits, labels in (batch(dtype), hard(dtype)):
        exact = {name: mpf(value) if isinstance(value, float) else value for name, value in words.items()}
        values, slopes = [], []
        for sequence, tokens in zip(logits.astype(np.float64).tolist(), labels.tolist(), strict=True):
            rows = [[mpf(z) for z in row] for row in sequence]
            values.append(as_list(loss.reference(rows, tokens, **exact)))
            slopes.append([as_list(row) for row in derivative(loss, "_grad")(rows, tokens, **exact)])
        losses, grad = loss.value_and_grad(logits, labels, reduction="none", **words)
        truth = np.array(values, dtype=object).reshape(weighted_shape(loss, labels))
        # each log-probability of float32 is rounded before they are added up
        assert ulp_errors(losses, truth).max() <= 4
        smoothed = words.get("label_smoothing", 0)
        errors = ulp_errors(grad, np.array(slopes, dtype=object))
        assert errors.max() <= 4 or smoothed  # a difference of shares, which test_accuracy measures
        assert_same(losses, loss(logits, labels, reduction="none", **words))


@each_kind
def test_written_derivatives_equal_those_of_the_duals(loss: fl.Loss, words: Any) -> None:
    """The sum of the tokens' losses, differentiated by each row of logits."""
    mpf = context(700).mpf
    logits, labels = batch(shape=(1, 4), classes=3)
    rows, tokens = [[mpf(z) for z in row] for row in logits[0].tolist()], labels[0].tolist()
    exact = {name: mpf(value) if isinstance(value, float) else value for name, value in words.items()}
    written = derivative(loss, "_grad")(rows, tokens, **exact)
    for t, row in enumerate(rows):

        def total(z: Any, t: int = t) -> Any:
            found = loss.reference([*rows[:t], z, *rows[t + 1 :]], tokens, **exact)
            return sum(found) if isinstance(found, list) else found

        for a, e in zip(as_list(written[t]), as_list(gradient(total, row)), strict=True):
            assert abs(a - e) <= mpf("1e-300")


@each
def test_face(loss: fl.Loss) -> None:
    """Signature of the reference and the words that all losses share, name, family, pickle, Hessian."""
    parameters = list(inspect.signature(loss).parameters.values())
    own = list(inspect.signature(loss.reference).parameters.values())
    assert [(p.name, p.kind, p.default) for p in parameters[: len(own)]] == [(p.name, p.kind, p.default) for p in own]
    assert {p.name: p.default for p in parameters[len(own) :]} == COMMON
    assert getattr(fl, loss.name) is loss
    assert loss.family == "language" == loss.reference.__module__.rpartition(".")[2]
    assert pickle.loads(pickle.dumps(loss)) is loss
    assert loss.signed == (loss in LOGPROBS)
    logits, labels = batch()
    slope, curvature = loss.grad_hess(logits, labels)
    assert_same(slope, loss.value_and_grad(logits, labels, reduction="sum")[1])
    assert (curvature <= 0).all() if loss in LOGPROBS else (curvature >= 0).all()
    assert f"fl.{loss.name}.value_and_grad(" in loss.__doc__
    assert "{" not in loss.__doc__.replace('{"mean", "sum", "none"}', "")


# ---- which position predicts which token ----


@pytest.mark.parametrize("shift", [0, 1, 2, 6, 9])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_causal_lm_is_cross_entropy_of_shifted_views(shift: int, dtype: Any) -> None:
    """Losses and gradients bitwise; exactly 0 where nothing is predicted."""
    logits, labels = batch(dtype)
    weight = seeded("weight").random(labels.shape)
    n = max(labels.shape[1] - shift, 0)
    views, theirs = logits[:, :n], labels[:, shift:]
    for words, other in (({}, {}), ({"weight": weight}, {"weight": weight[:, shift:]})):
        losses, grad = fl.causal_lm.value_and_grad(logits, labels, shift=shift, reduction="none", **words)
        expected, slope = fl.cross_entropy.value_and_grad(views, theirs, reduction="none", **other)
        assert_same(losses[:, shift:], expected)
        assert_same(grad[:, :n], slope)
        assert not losses[:, :shift].any()
        assert not grad[:, n:].any()
        mean = fl.causal_lm(logits, labels, shift=shift, **words)
        assert mean == pytest.approx(fl.cross_entropy(views, theirs, **other), rel=1e-15, nan_ok=True)
        for smoothing in (0.1,):
            found = fl.causal_lm(logits, labels, shift=shift, label_smoothing=smoothing, reduction="none", **words)
            soft = fl.cross_entropy(views, theirs, label_smoothing=smoothing, reduction="none", **other)
            assert_same(found[:, shift:], soft)


def test_first_labels_are_predicted_by_nothing() -> None:
    """They may be anything, and so may the last logits."""
    logits, labels = batch()
    expected = fl.causal_lm.value_and_grad(logits, labels, shift=2)
    labels[:, :2], logits[:, -2:] = 10**6, np.nan
    value, grad = fl.causal_lm.value_and_grad(logits, labels, shift=2)
    assert value == expected[0]
    assert_same(grad, expected[1])


def test_masks_are_labels_or_weights() -> None:
    """Masked tokens by ignore_index or by weight, padding by pad_index: the same bits."""
    logits, labels = batch()
    masked, tokens = labels != -100, np.where(labels == -100, 3, labels)
    expected = fl.cross_entropy.value_and_grad(logits, labels)
    padded = np.where(masked, tokens % 3, 4)
    for found, wanted in (
        (fl.masked_lm.value_and_grad(logits, labels), expected),
        (fl.masked_lm.value_and_grad(logits, tokens, weight=masked), expected),
        (fl.causal_lm.value_and_grad(logits, labels, shift=0), expected),
        (fl.seq2seq_lm.value_and_grad(logits, labels), expected),
        (
            fl.seq2seq_lm.value_and_grad(logits, padded, pad_index=4),
            fl.cross_entropy.value_and_grad(logits, np.where(masked, padded, -100)),
        ),
        (
            fl.seq2seq_lm.value_and_grad(logits, padded, pad_index=4, weight=2.5),
            fl.cross_entropy.value_and_grad(logits, padded, weight=2.5 * masked),
        ),
    ):
        assert found[0] == wanted[0]
        assert_same(found[1], wanted[1])


def test_parts_of_a_batch_add_up() -> None:
    """With the number of tokens of the whole batch as the denominator, however long the parts' sequences are."""
    logits, labels = batch(np.float32, (8, 30), 11)
    labels[:5, 20:] = -100
    count = (labels[:, 1:] != -100).sum()
    value, grad = fl.causal_lm.value_and_grad(logits, labels)
    first = fl.causal_lm.value_and_grad(logits[:5, :20], labels[:5, :20], denominator=count)
    second = fl.causal_lm.value_and_grad(logits[5:], labels[5:], denominator=count)
    assert first[0] + second[0] == pytest.approx(value, rel=1e-15)
    assert_same(first[1], grad[:5, :20])
    assert_same(second[1], grad[5:])


# ---- log-probabilities ----


def test_log_probabilities_are_minus_cross_entropy() -> None:
    """Token by token, summed and averaged, with their gradients under any upstream vector; a certain token costs 0."""
    logits, labels = batch()
    upstream = seeded("upstream").standard_normal(labels.shape)
    for weight in (None, upstream, np.abs(upstream), -np.abs(upstream), 0):
        for reduction in ("none", "sum", "mean"):
            value, grad = fl.token_logprobs.value_and_grad(logits, labels, weight=weight, reduction=reduction)
            other, slope = fl.cross_entropy.value_and_grad(logits, labels, weight=weight, reduction=reduction)
            np.testing.assert_allclose(value, -np.asarray(other), rtol=1e-14)
            np.testing.assert_allclose(grad, -slope, rtol=1e-13)
            assert_same(value, fl.token_logprobs(logits, labels, weight=weight, reduction=reduction))
    sure = fl.token_logprobs([[1000.0, 0.0]], [0], reduction="none")
    assert sure == 0
    assert not np.signbit(sure).any()
    assert math.copysign(1, fl.token_logprobs([[1000.0, 0.0]], [0])) == 1


@pytest.mark.parametrize("average", [False, True])
def test_sequences_are_sums_of_tokens(average: bool) -> None:
    """Each with a weight of its own; a sequence of no tokens has probability 1."""
    logits, labels = batch()
    labels[1] = -100
    counts = np.maximum((labels != -100).sum(-1), 1) if average else np.ones(3)
    each_token = fl.token_logprobs(logits, labels, reduction="none")
    expected = each_token.sum(-1) / counts
    upstream = np.array([0.5, 2.0, -3.0])
    value, grad = fl.sequence_logprob.value_and_grad(logits, labels, average=average, weight=upstream, reduction="none")
    np.testing.assert_allclose(value, upstream * expected, rtol=1e-14)
    slope = fl.token_logprobs.value_and_grad(logits, labels, weight=(upstream / counts)[:, None], reduction="sum")[1]
    assert_same(grad, slope)
    assert value[1] == 0
    assert not grad[1].any()
    plain = fl.sequence_logprob(logits, labels, average=average)
    assert plain == pytest.approx(expected.mean(), rel=1e-14)
    mean, slope = fl.sequence_logprob.value_and_grad(logits, labels, average=average, weight=upstream)
    assert mean == pytest.approx((upstream * expected).sum() / upstream.sum(), rel=1e-14)
    np.testing.assert_allclose(slope, grad / upstream.sum(), rtol=1e-13)
    out = np.empty(3)
    assert fl.sequence_logprob(logits, labels, average=average, weight=upstream, reduction="none", out=out) is out
    assert_same(out, value)


def test_perplexity_is_e_to_the_mean_of_causal_lm() -> None:
    """k equally likely tokens have perplexity k."""
    logits, labels = batch()
    assert fl.perplexity(fl.causal_lm(logits, labels)) == pytest.approx(
        fl.perplexity(logits[:, :-1], labels[:, 1:]), rel=1e-14
    )
    assert fl.perplexity(fl.causal_lm(np.zeros((2, 5, 7)), np.ones((2, 5), int))) == pytest.approx(7, rel=1e-15)


# ---- what comes in ----


@each
def test_nothing_counts(loss: fl.Loss) -> None:
    """The mean of nothing is NaN, its gradient zeros; the sum is 0."""
    logits, labels = batch()
    empty = logits[:0], labels[:0]
    invisible = {"weight": np.zeros(weighted_shape(loss, labels), bool)}
    ignored = np.full_like(labels, -100)
    for inputs, words in ((empty, {}), ((logits, labels), invisible), ((logits, ignored), {})):
        value, grad = loss.value_and_grad(*inputs, **words)
        # a sequence of no tokens is one, of probability 1
        assert math.isnan(value) or (loss is fl.sequence_logprob and value == 0 and not words)
        assert grad.shape == inputs[0].shape
        assert not grad.any()
        assert loss(*inputs, **words, reduction="sum") == 0
        assert not loss(*inputs, **words, reduction="none").any()


@each
def test_layouts_and_dtypes_give_the_same_bits(loss: fl.Loss) -> None:
    """Strided, read-only, in the other byte order; labels of every integer dtype that holds them."""
    logits, labels = batch(np.float32)
    tokens = np.abs(labels) % 5
    expected = loss.value_and_grad(logits, tokens, reduction="none")
    for dtype in ("u1", "i2", "u2", ">u4", "i8", "u8"):
        for z in (logits[::-1].copy()[::-1], np.asfortranarray(logits), logits.astype(">f4")):
            before = z.tobytes()
            found = loss.value_and_grad(z, tokens.astype(dtype), reduction="none")
            assert_same(found[0], expected[0])
            assert_same(found[1], expected[1])
            assert z.tobytes() == before
    found = loss.value_and_grad(logits.tolist(), tokens.tolist(), reduction="none")
    np.testing.assert_allclose(found[0], expected[0], rtol=1e-5, atol=1e-6)  # lists are float64
    one = loss.value_and_grad(logits[0], tokens[0], reduction="none")
    assert_same(np.asarray(one[0]), expected[0][0])
    assert_same(one[1], expected[1][0])


@each
def test_gradient_goes_where_it_is_told(loss: fl.Loss) -> None:
    """Into an array, or over the logits; losses likewise."""
    logits, labels = batch(np.float32)
    value, grad = loss.value_and_grad(logits, labels)
    over = logits.copy()
    found = loss.value_and_grad(over, labels, out=over)
    assert found[1] is over
    assert found[0] == value
    assert_same(over, grad)
    losses = loss(logits, labels, reduction="none")
    out = np.empty(losses.shape, np.float32)
    assert loss(logits, labels, reduction="none", out=out) is out
    assert_same(out, losses)
    with pytest.raises(ValueError, match="out"):
        loss.value_and_grad(logits, labels, out=np.empty((2, 2), np.float32))
    with pytest.raises(ValueError, match="out"):
        loss(logits, labels, out=out)


@each
def test_nothing_of_the_size_of_the_logits_is_made(loss: fl.Loss) -> None:
    """Labels and weights are, nothing else; not for strided logits or half precision either."""
    for dtype in (np.float16, np.float32):
        logits = np.zeros((4, 64, 5000), dtype)[:, ::2]
        labels, out = np.zeros((4, 32), int), np.empty((4, 32, 5000), dtype)
        tracemalloc.start()
        loss.value_and_grad(logits, labels, out=out)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < out.nbytes / 20


@each
@pytest.mark.parametrize("label", [5, -1, 2**40])
def test_bad_labels_are_named_by_their_place(loss: fl.Loss, label: int) -> None:
    """The first that counts, as it stands in the labels given, and nothing has been written."""
    logits, labels = batch(np.float32)
    labels[labels == -100] = 0
    labels[1, 3] = labels[2, 2] = label
    labels[0, 0] = 99 if loss is fl.causal_lm else 0
    before = logits.tobytes()
    name = loss.inputs[1]
    with pytest.raises(IndexError, match=rf"^{name}\[1, 3\] is {label}, expected a token in \[0, 5\)"):
        loss.value_and_grad(logits, labels, out=logits)
    assert logits.tobytes() == before
    if loss is fl.sequence_logprob:
        with pytest.raises(IndexError, match=rf"^{name}\[2, 2\]"):
            loss(logits, labels, weight=[1, 0, 1])
    else:
        assert math.isfinite(loss(logits, labels, weight=labels != label))


@each
def test_errors_name_the_argument(loss: fl.Loss) -> None:
    """Shapes that do not fit, labels that are no integers, words out of range."""
    logits, labels = batch()
    name = loss.inputs[1]
    for call in (loss, loss.value_and_grad, loss.grad_hess):
        for wrong in (labels[:, :-1], labels[..., None], labels[0]):
            with pytest.raises(ValueError, match=rf"{name} must have shape \(3, 6\), not"):
                call(logits, wrong)
        with pytest.raises(ValueError, match="positions, classes"):
            call(logits[0, 0], labels[0, 0])
        with pytest.raises(ValueError, match="positions, classes"):
            call(logits[..., :0], labels)
        with pytest.raises(TypeError, match=rf"^{name} .*integers"):
            call(logits, labels.astype(float))
        with pytest.raises(ValueError, match="weight"):
            call(logits, labels, weight=np.ones(7))
        with pytest.raises(ValueError, match=r"reduction .*'average'"):
            call(logits, labels, reduction="average")
        with pytest.raises(TypeError, match="ignore_index"):
            call(logits, labels, ignore_index=1.5)
        for word in {"shift", "pad_index"} & inspect.signature(loss).parameters.keys():
            with pytest.raises(TypeError, match=word):
                call(logits, labels, **{word: 1.5})
        for word in {"label_smoothing", "z_loss", "softcap"} & inspect.signature(loss).parameters.keys():
            with pytest.raises(ValueError, match=word):
                call(logits, labels, **{word: -1.5})
    with pytest.raises(ValueError, match="shift"):
        fl.causal_lm(logits, labels, shift=-1)
    for call in (loss, loss.value_and_grad):
        with pytest.raises(ValueError, match="denominator"):
            call(logits, labels, denominator=0)
        with pytest.raises(ValueError, match="denominator"):
            call(logits, labels, denominator=2, reduction="sum")


def test_shift_right() -> None:
    """A start token before the labels, padding for what is no token; the dtype stays."""
    labels = np.array([[7, 8, 9], [7, -100, -100]], np.int16)
    assert_same(fl.shift_right(labels, 1, pad=2), np.array([[1, 7, 8], [1, 7, 2]], np.int16))
    assert_same(fl.shift_right(labels, 1), np.array([[1, 7, 8], [1, 7, 1]], np.int16))
    assert_same(fl.shift_right(labels.astype(">i8")[:, ::-1], 5, ignore_index=9)[0], np.array([5, 5, 8]))
    assert fl.shift_right(np.zeros((2, 0), int), 3).shape == (2, 0)
    with pytest.raises(ValueError, match="start is 300"):
        fl.shift_right(np.zeros(3, np.uint8), 300)
    with pytest.raises(ValueError, match="pad is -1"):
        fl.shift_right(np.zeros(3, np.uint8), 0, pad=-1)
    with pytest.raises(TypeError, match="integers"):
        fl.shift_right([1.5], 0)
    with pytest.raises(TypeError, match="start"):
        fl.shift_right([1], 0.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="ignore_index"):
        fl.shift_right([1], 0, ignore_index=None)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="scalar"):
        fl.shift_right(1, 0)


@pytest.mark.parametrize(
    "words", [{}, {"average": True}, {"gamma": 0.0}, {"gamma": 0.9}, {"gamma": 0.5, "average": True}]
)
def test_advantages_are_those_of_the_reference(words: Any) -> None:
    """On numbers of 400 digits; a sum of 50 doubles is as good as its terms, 50 times over. Masked tokens at the end,
    whatever they hold, change nothing before them."""
    rng, mpf = seeded("advantages"), context(400).mpf
    logp, teacher = -rng.exponential(size=(2, 3, 50))
    found = fl.minillm_advantages(logp, teacher, **words)
    assert found.dtype == np.float64
    exact = {name: mpf(value) if isinstance(value, float) else value for name, value in words.items()}
    for row in range(3):
        pair = [[mpf(x) for x in array[row].tolist()] for array in (logp, teacher)]
        truth = np.array(list(map(float, reference.minillm_advantages(*pair, **exact))))
        close = 50 * np.spacing(np.abs(logp[row] - teacher[row]).sum())
        np.testing.assert_allclose(found[row], truth, rtol=0, atol=close)
    mask = np.arange(50) < 40
    ended = fl.minillm_advantages(logp[:, :40], teacher[:, :40], **words)
    logp[:, 40:] = np.nan
    masked = fl.minillm_advantages(logp, teacher, mask=mask, **words)
    assert_same(masked[:, :40], ended)
    assert (masked[:, 40:] == 0).all()
    if not words.get("gamma", 1):
        assert_same(ended, teacher[:, :40] - logp[:, :40])


def test_weights_of_early_tokens_are_those_of_the_reference() -> None:
    """Within 4 ULP: nothing cancels. Masked tokens are skipped; sequences without a difference weigh 1 + gamma."""
    rng, mpf = seeded("early"), context(400).mpf
    teacher, rollout = -rng.exponential(size=(2, 30))
    for words in ({}, {"gamma": 2.0}, {"gamma": 0.0}, {"epsilon": 100.0}):
        found = fl.iw_opd_weights(teacher, rollout, **words)
        exact = {name: mpf(value) for name, value in words.items()}
        pair = [[mpf(x) for x in array.tolist()] for array in (teacher, rollout)]
        truth = np.array(reference.iw_opd_weights(*pair, **exact), dtype=object)
        assert ulp_errors(found, truth).max() <= 4
    mask = np.arange(30) % 3 != 1
    kept = fl.iw_opd_weights(teacher[mask], rollout[mask])
    teacher[~mask] = np.inf
    masked = fl.iw_opd_weights(teacher, rollout, mask=mask)
    assert ulps_apart(masked[mask], kept) <= 1
    assert (masked[~mask] == 0).all()
    assert_same(fl.iw_opd_weights(rollout, rollout), np.full(30, 1.5))


@pytest.mark.parametrize("function", [fl.minillm_advantages, fl.iw_opd_weights])
def test_log_probabilities_of_tokens_are_checked(function: Any) -> None:
    """Shapes, infinities that count, hyperparameters; none is a sequence of no tokens; NaN comes out."""
    names, numbers = list(inspect.signature(function).parameters), np.zeros((2, 3))
    assert function(np.zeros((2, 0)), np.zeros((2, 0))).shape == (2, 0)
    assert np.isnan(function([[np.nan]], [[0.0]])).all()
    assert_same(function(np.float16([-1, -2]), np.array([-1, 0])), function([-1.0, -2.0], [-1.0, 0.0]))
    with pytest.raises(ValueError, match=r"logp has shape .*must be equal"):
        function(numbers, numbers[:1])
    with pytest.raises(ValueError, match=r"\(\.\.\., T\)"):
        function(0.0, 0.0)
    with pytest.raises(ValueError, match=rf"^{names[1]}\[0, 1\] is -inf"):
        function(numbers, [[0, -np.inf, 0]] * 2)
    with pytest.raises(ValueError, match=r"^mask has shape"):
        function(numbers, numbers, mask=[True, False])
    with pytest.raises(ValueError, match=r"^gamma must be"):
        function(numbers, numbers, gamma=-1)
    with pytest.raises(TypeError, match=f"^{names[0]} must hold real numbers"):
        function(["a"], [0])
    with pytest.raises(ValueError, match=r"^epsilon must be"):
        fl.iw_opd_weights(numbers, numbers, epsilon=0)
    with pytest.raises(TypeError, match=r"^average must be"):
        fl.minillm_advantages(numbers, numbers, average=1)  # type: ignore[arg-type]


def test_single_precision_loses_nothing_to_length() -> None:
    """100,000 tokens: what each rounds off does not add up."""
    logits = np.zeros((1, 100_000, 3), np.float32)
    value = fl.sequence_logprob(logits, np.zeros((1, 100_000), int), reduction="none")
    assert ulps_apart(value, np.float32([-100_000 * math.log(3)])) <= 1


def test_router_load_balancing_is_the_references() -> None:
    """Value and gradient, the choices being constants, of 400 digits; weights are as good as repetitions."""
    rng = seeded("router")
    logits = 3 * rng.standard_normal((30, 6))
    logits[4, 2] = -np.inf
    for top_k in (1, 2, 6):
        value, grad = fl.router_load_balancing(logits, top_k=top_k, coefficient=0.25)
        with mp.workdps(400):
            rows = [[mpf(z) for z in row] for row in logits.tolist()]
            exact = reference.router_load_balancing(rows, top_k=top_k, coefficient=mpf(0.25))
            slopes = reference.router_load_balancing_grad(rows, top_k=top_k, coefficient=mpf(0.25))
        assert value == pytest.approx(float(exact), rel=1e-15)
        # shares of at most 1, whose difference is multiplied by E / (4 N) and p: some ulps of that
        np.testing.assert_allclose(grad, np.array(slopes, float), rtol=0, atol=1.5 / 30 * 1e-15)
    weight = rng.integers(0, 3, 30)
    hidden = np.where(weight[:, None] == 0, np.nan, logits)
    value, grad = fl.router_load_balancing(hidden, weight=weight)
    again, slopes = fl.router_load_balancing(np.repeat(logits, weight, axis=0))
    assert value == pytest.approx(again, rel=1e-14)
    assert (grad[weight == 0] == 0).all()
    assert grad.sum(axis=0) == pytest.approx(slopes.sum(axis=0), abs=1e-17)
    for layout in layouts(logits):
        assert_same(fl.router_load_balancing(layout).grad, fl.router_load_balancing(logits).grad)


def test_router_load_balancing_at_its_ends() -> None:
    """Every expert alike is the least; nothing costs nothing; gradients keep the dtype; torch's autograd agrees."""
    alike = fl.router_load_balancing(np.zeros((2, 3, 4)), top_k=4)
    assert alike.value == 0.01
    assert (alike.grad == 0).all()
    assert alike.grad.shape == (2, 3, 4)
    assert fl.router_load_balancing(np.zeros((0, 4))).value == 0
    assert fl.router_load_balancing([[np.nan, 1.0]], weight=0).value == 0
    assert math.isnan(fl.router_load_balancing([[np.nan, 1.0]]).value)
    assert fl.router_load_balancing(np.zeros((2, 2), np.float16)).grad.dtype == np.float16
    assert fl.router_load_balancing(np.zeros((2, 2), int)).grad.dtype == np.float64
    torch = pytest.importorskip("torch")
    logits = torch.tensor(seeded("router").standard_normal((50, 8)), requires_grad=True)
    p = logits.softmax(-1)
    f = torch.nn.functional.one_hot(p.topk(2).indices, 8).sum(1).double().mean(0) / 2
    theirs = 0.01 * 8 * (f * p.mean(0)).sum()
    theirs.backward()
    value, grad = fl.router_load_balancing(logits.detach().numpy())
    assert value == pytest.approx(theirs.item(), rel=1e-14)
    np.testing.assert_allclose(grad, logits.grad.numpy(), rtol=1e-10, atol=1e-18)


@pytest.mark.parametrize(
    ("logits", "words", "message"),
    [
        (1.0, {}, r"^logits has shape \(\)"),
        ([[1.0, 0.0]], {"top_k": 3}, "^top_k is 3, but there are 2 experts"),
        ([[1.0, 0.0]], {"top_k": 0}, "^top_k must be at least 1"),
        ([[1.0, 0.0]], {"coefficient": -1}, "^coefficient must be in"),
        ([[1.0, 0.0]], {"weight": [-1]}, r"^weight\[0\] is -1"),
    ],
)
def test_router_load_balancing_says_what_was_expected(logits: Any, words: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fl.router_load_balancing(logits, **words)
