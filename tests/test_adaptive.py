"""Adaptive softmax: the head and its clusters, against the reference and torch; invisible rows, dtypes, bad input."""

import inspect
import pickle
from typing import Any

import mpmath
import numpy as np
import pytest
from fastloss.reference import linear as reference
from fastloss.reference.numbers import gradient

import fastloss as fl

from .common import assert_same
from .inputs import seeded
from .test_linear import close, exactly

CALL = fl.adaptive_log_softmax
FREQUENT, CLUSTERS = 3, ((4, 2), (6, 1))  # classes of the head; classes and features of each cluster
CLASSES = FREQUENT + sum(size for size, _ in CLUSTERS)


def batch(n: int = 20, width: int = 5, dtype: Any = np.float64) -> tuple[Any, ...]:
    """Input, head, tails, labels among which every class is, and a bias."""
    rng = seeded("adaptive", n, width)

    def draw(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape).astype(dtype)

    tails = [(draw(h, width), draw(size, h)) for size, h in CLUSTERS]
    labels = rng.permutation(np.resize(np.arange(CLASSES), n))
    return draw(n, width), draw(FREQUENT + len(CLUSTERS), width), tails, labels, draw(FREQUENT + len(CLUSTERS))


def flat(grad: Any) -> list[np.ndarray]:
    """The gradients, one after the other."""
    return [grad.input, grad.head_weight, *(array for pair in grad.tails for array in pair), grad.head_bias]


def test_written_gradients_equal_those_of_the_duals() -> None:
    """The reference's `_grad`, by everything that has one, to 40 digits: in the head, in each cluster, ignored."""
    inputs = [exactly(array) for array in batch(1, 2)[:2]]
    (x,), head = inputs
    tails = [(exactly(p), exactly(w)) for p, w in batch(1, 2)[2]]
    with mpmath.workdps(60):
        x, head = [mpmath.mpf(z) for z in x], [[mpmath.mpf(z) for z in row] for row in head]
        for target in (1, FREQUENT, CLASSES - 1, -100):
            by_input, by_head, by_tails, by_bias = reference.adaptive_log_softmax_grad(x, head, tails, target)

            def value(x: Any = x, head: Any = head, tails: Any = tails, target: int = target, **words: Any) -> Any:
                return reference.adaptive_log_softmax(x, head, tails, target, **words)

            pairs = [(by_input, gradient(lambda z: value(x=z), x))]
            bias = [mpmath.mpf(0)] * len(head)
            pairs.append((by_bias, gradient(lambda z: value(head_bias=z), bias)))
            for k in range(len(head)):
                found = gradient(lambda z, k=k: value(head=[*head[:k], z, *head[k + 1 :]]), head[k])
                pairs.append((by_head[k], found))
            for t, tail in enumerate(tails):
                for j, matrix in enumerate(tail):
                    for k, row in enumerate(matrix):

                        def moved(z: Any, t: int = t, j: int = j, k: int = k) -> Any:
                            changed = [list(map(list, pair)) for pair in tails]
                            changed[t][j][k] = z
                            return value(tails=changed)

                        pairs.append((by_tails[t][j][k], gradient(moved, row)))
            for found, expected in pairs:
                for a, e in zip(found, expected, strict=True):
                    assert abs(a - e) <= mpmath.mpf("1e-40")


def test_value_and_gradients_are_the_references() -> None:
    """Row by row in float64, with a bias, weights and an ignored row."""
    x, head, tails, labels, bias = batch()
    labels[4] = -100
    weight = np.linspace(-1, 2, len(x))
    losses, grad = CALL.value_and_grad(x, head, tails, labels, head_bias=bias, weight=weight, reduction="none")
    exact = [exactly(head), [(exactly(p), exactly(w)) for p, w in tails]]
    truth, slopes = [], [np.zeros(array.shape) for array in flat(grad)]
    for i, (row, label) in enumerate(zip(exactly(x), labels.tolist(), strict=True)):
        truth.append(weight[i] * float(reference.adaptive_log_softmax(row, *exact, label, head_bias=exactly(bias))))
        one = reference.adaptive_log_softmax_grad(row, *exact, label, head_bias=exactly(bias))
        parts = [one[0], one[1], *(part for pair in one[2] for part in pair), one[3]]
        for k, part in enumerate(parts):
            into = slopes[k][i] if k == 0 else slopes[k]
            into += weight[i] * np.array(part, float)
    close(losses, truth, "losses", np.float64)
    for found, expected in zip(flat(grad), slopes, strict=True):
        close(found, expected, "slopes", np.float64)
    assert_same(losses, CALL(x, head, tails, labels, head_bias=bias, weight=weight, reduction="none"))
    value, mean = CALL.value_and_grad(x, head, tails, labels, head_bias=bias, weight=weight)
    total = weight[labels != -100].sum()
    assert value == pytest.approx(losses.sum() / total, rel=1e-13)
    for found, expected in zip(flat(mean), slopes, strict=True):
        close(found * total, expected, "slopes of the mean", np.float64, 256)


def test_torch_agrees() -> None:
    """torch.nn.AdaptiveLogSoftmaxWithLoss: the mean, and its gradients by autograd."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = torch.nn.AdaptiveLogSoftmaxWithLoss(12, 100, [10, 30], div_value=2, head_bias=True).double()
    x, labels = torch.randn(64, 12, dtype=torch.float64, requires_grad=True), torch.randint(0, 100, (64,))
    found = layer(x, labels)
    found.loss.backward()
    modules = [module for tail in layer.tail for module in tail]
    tails = [(tail[0].weight.detach().numpy(), tail[1].weight.detach().numpy()) for tail in layer.tail]
    given = x.detach().numpy(), layer.head.weight.detach().numpy(), tails, labels.numpy()
    bias = layer.head.bias.detach().numpy()
    value, grad = CALL.value_and_grad(*given, head_bias=bias)
    assert value == pytest.approx(found.loss.item(), rel=1e-12)
    theirs = [x.grad, layer.head.weight.grad, *(module.weight.grad for module in modules), layer.head.bias.grad]
    for one, other in zip(flat(grad), theirs, strict=True):
        np.testing.assert_allclose(one, other.numpy(), rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(CALL(*given, head_bias=bias, reduction="none"), -found.output.detach().numpy())


def test_log_probabilities_of_all_classes_add_up() -> None:
    """To one: head and clusters are one distribution."""
    x, head, tails, _, bias = batch(7)
    every = [CALL(x, head, tails, label, head_bias=bias, reduction="none") for label in range(CLASSES)]
    np.testing.assert_allclose(np.exp(-np.array(every)).sum(axis=0), 1, rtol=1e-14)


def test_invisible_rows_are_not_there() -> None:
    """Whatever they hold: ignored labels, weights of 0; and nothing has no mean, and slopes of 0."""
    x, head, tails, labels, _ = batch()
    keep = np.arange(len(x)) % 3 != 0
    value, grad = CALL.value_and_grad(x[keep], head, tails, labels[keep])
    for weight, target in ((keep, np.where(keep, labels, 10**6)), (None, np.where(keep, labels, -100))):
        gone = np.where(keep[:, None], x, np.nan)
        found, slopes = CALL.value_and_grad(gone, head, tails, target, weight=weight)
        assert found == value
        assert_same(slopes.input[keep], grad.input)
        assert (slopes.input[~keep] == 0).all()
        for one, other in zip(flat(slopes)[1:-1], flat(grad)[1:-1], strict=True):
            assert_same(one, other)
        assert slopes.head_bias is None
    nothing, slopes = CALL.value_and_grad(x, head, tails, -100)
    assert np.isnan(nothing)
    assert all((array == 0).all() for array in flat(slopes)[:-1])
    assert CALL(x[:0], head, tails, labels[:0], reduction="sum") == 0
    parts = [CALL(x[k], head, tails, labels[k], denominator=len(x)) for k in (slice(7), slice(7, None))]
    assert sum(parts) == pytest.approx(CALL(x, head, tails, labels), rel=1e-13)


def test_dtypes_shapes_and_no_clusters() -> None:
    """Gradients keep the dtype of what they are by; positions may have axes; a head alone is a linear_cross_entropy."""
    x, head, tails, labels, bias = batch(12)
    single = [np.float32(x), np.float32(head), [(np.float32(p), np.float16(w)) for p, w in tails]]
    losses, grad = CALL.value_and_grad(*single, labels, reduction="none")
    assert losses.dtype == np.float32
    assert [array.dtype for array in flat(grad)[:-1]] == ["f4", "f4", "f4", "f2", "f4", "f2"]
    close(losses, CALL(x, head, tails, labels, reduction="none"), "single", np.float16, 8)
    value, expected = CALL.value_and_grad(x, head, tails, labels)
    folded, grad = CALL.value_and_grad(x.reshape(3, 4, 5), head, tails, labels.reshape(3, 4))
    assert folded == value
    assert_same(grad.input.reshape(12, 5), expected.input)
    listed, grad = CALL.value_and_grad(x.tolist(), head.tolist(), [(p.tolist(), w) for p, w in tails], labels.tolist())
    assert listed == value
    assert_same(grad.tails[1][0], expected.tails[1][0])
    few = labels % 5
    value, grad = CALL.value_and_grad(x, head, [], few, head_bias=bias)
    expected_value, plain = fl.linear_cross_entropy.value_and_grad(x, head, few, linear_bias=bias)
    assert value == expected_value
    assert grad.tails == ()
    assert_same(grad.head_weight, plain.linear_weight)


def test_bad_input_is_refused_by_name() -> None:
    """Argument, value, what was expected."""
    x, head, tails, labels, bias = batch(6)
    projection, matrix = tails[0]
    cases: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
        ((x[:, :4], head, tails, labels), {}, ValueError, r"^input has shape \(6, 4\) and head_weight \(5, 5\)"),
        ((x, head, [(projection[:, :4], matrix)], labels), {}, ValueError, r"^tails\[0\] has shapes \(2, 4\) and"),
        ((x, head, [tails[0], (matrix, projection)], labels), {}, ValueError, r"^tails\[1\] has shapes \(4, 2\)"),
        ((x, head, [projection], labels[:2]), {}, ValueError, r"^tails\[0\] has shapes \(5,\)"),
        ((x, head, [(projection,)], labels), {}, ValueError, r"^tails\[0\] must be a pair"),
        ((x, head, 3, labels), {}, TypeError, "^tails must be pairs of matrices"),
        ((x, head, tails * 3, labels), {}, ValueError, "^head_weight has 5 rows and there are 6 tails"),
        ((x, head, [("a", matrix)], labels), {}, TypeError, r"^tails\[0\]\[0\] must hold real numbers"),
        ((x, head, tails, labels[:5]), {}, ValueError, r"target must have shape \(6,\) \(labels\), not \(5,\)"),
        ((x, head, tails, labels * 1.0), {}, TypeError, "^target holds class labels"),
        ((x, head, tails, [0, 0, 0, 13, 0, -1]), {}, IndexError, r"^target\[3\] is 13, expected a class in \[0, 13\)"),
        ((x, head, tails, labels), {"head_bias": bias[:2]}, ValueError, "^head_bias has shape"),
        ((x, head, tails, labels), {"weight": [1, 2]}, ValueError, "^weight has shape"),
        ((x, head, tails, labels), {"reduction": "all"}, ValueError, "^reduction must be"),
        ((x, head, tails, labels), {"denominator": 0}, ValueError, "^denominator must be"),
        ((x, head, tails, labels), {"ignore_index": 0.5}, TypeError, "^ignore_index"),
    ]  # fmt: skip
    for args, words, kind, message in cases:
        with pytest.raises(kind, match=message):
            CALL.value_and_grad(*args, **words)
    with pytest.raises(TypeError, match="has no Hessian diagonal"):
        CALL.grad_hess(x, head, tails, labels)


def test_declaration_is_complete() -> None:
    """The reference's signature first; a pickle is the loss itself."""
    parameters, own = inspect.signature(CALL).parameters, inspect.signature(CALL.reference).parameters
    assert list(parameters)[: len(own)] == list(own)
    assert all(parameters[name].default == own[name].default for name in own)
    assert pickle.loads(pickle.dumps(CALL)) is CALL


def test_any_number_of_threads_gives_the_same_bits() -> None:
    """Shared out over 1 to 7."""
    rng = seeded("threads")
    x, head = rng.standard_normal((400, 64), np.float32), rng.standard_normal((1002, 64), np.float32)
    tails = [tuple(rng.standard_normal(s, np.float32) for s in ((h, 64), (n, h))) for n, h in ((700, 16), (3000, 4))]
    labels = rng.integers(0, 4700, 400)

    def everything() -> list[Any]:
        value, grad = CALL.value_and_grad(x, head, tails, labels)
        return [np.float64(value), *flat(grad)[:-1]]

    fl.set_num_threads(1)
    expected = everything()
    for threads in (2, 7):
        fl.set_num_threads(threads)
        for one, other in zip(everything(), expected, strict=True):
            assert_same(one, other, f"{threads} threads")
