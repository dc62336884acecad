"""Losses of a linear layer's logits, which never exist: what one is, and the cross-entropy of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate

import numpy as np
from numpy.typing import ArrayLike

from fastloss import arrays
from fastloss.arrays import POSITIVE, Interval
from fastloss.kernels import system
from fastloss.loss import GRAD_HESS, VALUE, VALUE_AND_GRAD, Domain, Loss, Out, P, Peer, Reduction, derivatives_of
from fastloss.projection import Head
from fastloss.reference import linear as reference
from fastloss.softmax import kernel_params

__all__ = ["linear_cross_entropy"]


class Linear(Loss[P]):
    """A loss of rows of logits that are the product of an input and a weight, and never exist as a whole."""

    shape = "linear"
    hessian = False

    def __init__(self, declaration: Callable[Concatenate[int, P], Any], **fields: Any) -> None:
        grads = ("input", "linear_weight", "linear_bias")
        inputs = ("input", "linear_weight", "target", "linear_bias")
        super().__init__(declaration, inputs=inputs, grads=grads, kinks=None, signed=False, **fields)
        self.derivatives = derivatives_of(self)

    def run(
        self,
        ask: int,
        inputs: tuple[Any, Any, Any, Any],
        class_weight: Any,
        ignore_index: Any,
        params: tuple[float, ...],
        weight: Any,
        reduction: Any,
        denominator: Any,
        grads: Any,
        out: Any,
    ) -> Any:
        """Check a call, leave out what is invisible, and have the rest computed."""
        if ask == GRAD_HESS:
            raise TypeError(f"{self.name} has no Hessian diagonal: it is a function of a product of its inputs")
        x, matrix, target, bias = arrays.linear_inputs(*inputs)
        positions, (classes, width) = x.shape[:-1], matrix.shape
        ignore_index = arrays.integer("ignore_index", ignore_index)
        soft = target.ndim == x.ndim
        if soft and ignore_index != -100:
            raise ValueError("ignore_index applies to labels; give rows of probabilities a weight of 0 instead")
        if class_weight is not None:
            class_weight = arrays.class_weights(class_weight, classes)
        arrays.check_reduction(reduction, denominator)
        scale = np.ones(positions)
        if weight is not None:
            weight = arrays.as_array("weight", weight)
            scale *= arrays.broadcast("weight", weight, positions)
        dtype = np.result_type(np.float32, *(gradient_dtype(array) for array in (x, matrix, bias) if array is not None))
        read = dict(zip(self.inputs, (x, matrix, target, bias), strict=True)) | {"weight": weight}
        grads = self._asked(grads, bias) if ask == VALUE_AND_GRAD else ()
        outs = self._outs(ask, reduction, grads, out)
        gradients = {name: _result(given, read[name].shape, gradient_dtype(read[name]), read, name)
                     for name, given in zip(grads, outs, strict=False)}  # fmt: skip
        losses = None
        if reduction == "none":
            losses = _result(outs[0] if ask == VALUE else None, positions, dtype, read)
        results = [*gradients.values(), *([] if losses is None else [losses])]
        if any(np.may_share_memory(one, other) for k, one in enumerate(results) for other in results[:k]):
            raise ValueError("out names the same memory twice")

        visible = scale != 0
        if not soft:
            target = np.broadcast_to(target, positions)
            visible &= target != ignore_index
            unfit = visible & ((target < 0) | (target >= classes))
            if unfit.any():
                expected = f"a class in [0, {classes}) or ignore_index={ignore_index}"
                raise arrays.unfit("target", target, int(unfit.argmax()), expected, IndexError)
        rows = None if visible.all() else np.flatnonzero(visible)
        scale = scale[visible]
        flat = target.reshape((-1, classes) if soft else -1)
        divisor = 1.0
        if denominator is not None:
            divisor = float(denominator)
        elif reduction == "mean":
            divisor = arrays.weight_sum(_mass(flat, rows, scale, class_weight))
        by = {name: array.reshape(-1, width) if name == "input" else array for name, array in gradients.items()}
        sums = [math.nan] if divisor == 0 else [0.0]
        if divisor == 0 or len(scale) == 0:  # the mean or the sum of nothing
            for array in results:
                array.fill(0)
        else:
            head = Head(
                x.reshape(-1, width), matrix, bias, flat, rows, scale / divisor, class_weight, params, dtype, by
            )
            if losses is not None:
                losses.fill(0)
            try:
                sums = head.compute(None if losses is None else losses.reshape(-1))
            except system.UnfitError as found:
                raise arrays.unfit("target", target, found.position, "a probability in [0, 1]", ValueError) from None
            if rows is not None and "input" in by:
                by["input"][~visible.reshape(-1)] = 0
        value = _sum(sums) if losses is None else losses
        return value if ask == VALUE else (value, self.derivatives(*(gradients.get(name) for name in self.grads)))

    def _asked(self, grads: Any, bias: Any) -> tuple[str, ...]:
        """The inputs that a gradient is wanted by."""
        there = self.grads if bias is not None else self.grads[:2]
        if grads is None:
            return there
        names = (grads,) if isinstance(grads, str) or not np.iterable(grads) else tuple(grads)
        for name in names:
            if name not in there or names.count(name) > 1:
                raise ValueError(f"grads must name some of {', '.join(there)}, each once, not {grads!r}")
        return names

    def _outs(self, ask: int, reduction: str, grads: Sequence[str], out: Any) -> tuple[Any, ...]:
        """What `out` gives for each result, None for a new one."""
        wanted = len(grads) if ask != VALUE else int(reduction == "none")
        outs = (None,) * wanted if out is None else out if isinstance(out, tuple) else (out,)
        if len(outs) != wanted:
            if ask == VALUE and not wanted:
                raise ValueError('out takes the losses of reduction="none" or a gradient; this call returns a number')
            raise ValueError(
                f"out must name {wanted} array{'s' * (wanted != 1)} (None for a new one), one for each of "
                f"{', '.join(grads) or 'the losses'}, not {len(outs)}"
            )
        return outs


def gradient_dtype(array: np.ndarray) -> np.dtype[Any]:
    """The dtype of a gradient by this array: its own, float64 for integers."""
    return np.dtype(np.float64) if array.dtype.kind in "biu" else array.dtype.newbyteorder("=")


def _result(
    given: Any, shape: tuple[int, ...], dtype: np.dtype[Any], read: Mapping[str, Any], upon: str = ""
) -> np.ndarray:
    """An array for a result: a new one, or the given one if it can take it. It may lie upon the input it is the
    gradient by if that is read row by row, as `input` is."""
    if given is None:
        return np.empty(shape, dtype)
    arrays.check_out(given, shape, dtype, {"input": read["input"]} if upon == "input" else {})
    for name, array in read.items():
        if array is not None and not name == upon == "input" and np.may_share_memory(given, array):
            raise ValueError(f"out overlaps {name}, which is still read when the result is written: pass another array")
    result: np.ndarray = given
    return result


def _mass(target: np.ndarray, rows: Any, scale: np.ndarray, class_weight: np.ndarray | None) -> float:
    """What the visible rows weigh together, by labels or probabilities."""
    if class_weight is None:
        return float(scale.sum())
    if target.ndim == 1:
        return float((scale * class_weight[(target if rows is None else target[rows]).astype(np.intp)]).sum())
    places = range(len(target)) if rows is None else rows.tolist()
    return _sum([w * float((target[i] * class_weight).sum()) for i, w in zip(places, scale.tolist(), strict=True)])


def _sum(numbers: Sequence[float]) -> float:
    """The exact sum, rounded once; what IEEE 754 says where there is an infinity."""
    try:
        return math.fsum(numbers)
    except (OverflowError, ValueError):
        return float(sum(numbers))


def linear(
    *,
    reference: Callable[..., Any],
    domain: Mapping[str, Domain] | None = None,
    examples: Sequence[Mapping[str, Any]] = ({},),
    peers: Mapping[str, str | Peer] | None = None,
) -> Callable[[Callable[Concatenate[int, P], Any]], Linear[P]]:
    """Declare a loss of rows of logits that are an input times a weight. The reference takes one row."""

    def declare(declaration: Callable[Concatenate[int, P], Any]) -> Linear[P]:
        return Linear(declaration, reference=reference, domain=domain or {}, examples=examples, peers=peers or {})

    return declare


@linear(
    reference=reference.linear_cross_entropy,
    domain={
        "label_smoothing": Interval(0, 1),
        "softcap": POSITIVE,
        "z_loss": Interval(0, math.inf, high_open=True),
        "temperature": POSITIVE,
    },
    examples=(
        {},
        {"label_smoothing": 0.125},
        {"softcap": 30.0},
        {"z_loss": 1e-4},
        {"label_smoothing": 0.1, "softcap": 3.0, "z_loss": 0.01, "temperature": 2.0},
    ),
    peers={"torch": "linear_cross_entropy"},
)
def linear_cross_entropy(
    ask: int,
    input: ArrayLike,
    linear_weight: ArrayLike,
    target: ArrayLike,
    *,
    linear_bias: ArrayLike | None = None,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    softcap: float | None = None,
    z_loss: float = 0.0,
    temperature: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    grads: Sequence[str] | str | None = None,
    out: Out = None,
) -> Any:
    """Cross-entropy of logits that are ``input @ linear_weight.T + linear_bias``, and never exist as a whole.

    The loss of one row x of the input, with the weight W, the bias b and lse = logsumexp(z)::

        u = W x + b        the logits of a linear layer
        z = softcap tanh(u / softcap) / temperature        without a softcap u / temperature
        loss = cross_entropy(z, target) + z_loss lse^2

    and its gradient, with g = dloss/dz = A p - a + 2 z_loss lse p of `cross_entropy`'s A, a and p = softmax(z)::

        s = g (1 - tanh(u / softcap)^2) / temperature
        dloss/dx = s W,    dloss/dW = s x^T,    dloss/db = s

    In NumPy: ``fl.cross_entropy(input @ linear_weight.T + linear_bias, target)``, whose logits of 4096 rows and 128256
    classes take 2.1 GB, and their gradient as much again. Here they take 48 MB, and each thread works in 1 or 2 more,
    with a softcap or a z-loss in 6.

    Parameters
    ----------
    input : array_like
        Features, (..., D): the hidden states of a language model.
    linear_weight : array_like
        A row of D numbers for each class, (V, D): the output embedding.
    target : array_like
        Class labels, integers in [0, V), in the shape of `input` without its last axis (or one label for all rows); or
        probabilities in [0, 1], (..., V).
    linear_bias : array_like, optional
        A number that each logit begins with, (V,).
    class_weight : array_like, optional
        Weight of each class, (V,), at least 0, in the cross-entropy. In the mean a row weighs what its label does, or
        sum(class_weight t).
    ignore_index : int
        Rows with this label are invisible, and no work.
    label_smoothing : float in [0, 1]
        How much of each target is spread evenly over the classes. It leaves the mean's divisor alone.
    softcap : float > 0, optional
        Bounds the logits to (-softcap, softcap), smoothly.
    z_loss : float >= 0
        What the square of logsumexp(z) costs, which keeps logits from drifting; no class weight scales it.
    temperature : float > 0
        Divides the logits.
    weight : array_like, optional
        Weight of each row, broadcast to the labels' shape; a bool mask keeps where True. Where it is 0 the row is
        invisible: it adds 0, gets gradient 0, even if it holds NaN, and is no work. Any other number scales, also a
        negative one, so that an upstream gradient can be passed here.
    reduction : {"mean", "sum", "none"}
        The mean is sum(w loss) / sum(w), nan with gradient 0 where sum(w) is 0. Sums are accumulated in double. With
        "none" the gradient is that of the sum.
    denominator : float > 0, optional
        Divides the mean instead of sum(w): with the whole batch's, the parts of a batch add up.
    grads : sequence of str, optional
        The inputs to compute a gradient by, such as ``("input", "linear_weight")``; without it, all that there are.
        Each costs a matrix product. `linear_cross_entropy` itself computes none.
    out : ndarray or tuple of ndarray, optional
        Where `value_and_grad` puts the gradients, in the order of `grads`, None for a new one (that by `input` may lie
        upon `input` itself); where a call with ``reduction="none"`` puts the losses.

    Returns
    -------
    float or ndarray
        The reduced loss; with ``reduction="none"`` one loss per row, float64 if an input is or holds integers, else
        float32. `value_and_grad` gives the loss and a named tuple of its gradients by `input`, `linear_weight` and
        `linear_bias`, each of its input's dtype (float64 for integers), None where not asked for.

    Raises
    ------
    IndexError
        If the label of a visible row is no class: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a probability or a hyperparameter is outside its domain, a word is unknown, or `out`
        has the wrong shape, dtype or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers; and always from `grad_hess`: the loss has
        no Hessian diagonal worth its price.

    Notes
    -----
    Smooth everywhere. Arithmetic is float32, float64 if an input is or holds integers. The matrix products are NumPy's
    and carry its rounding: with u = 2^-24 (2^-53), a logit is off by at most about D u sum(abs(W x)), and the gradients
    by as much as that moves them, plus as many u of their terms' sizes as they have terms. What follows the product is
    good to a few ULP: a confident, right row keeps its tail. Half precision inputs are widened tile by tile, and their
    gradients accumulate in float32; that by a half precision weight takes a float32 array of its size if there is more
    than one chunk of rows.

    Rows go in chunks, the vocabulary in tiles, which threads share out; each matrix product runs in one thread. So the
    bits do not depend on the number of threads, of fastloss or of the BLAS, as long as the BLAS is OpenBLAS, MKL or
    BLIS, which let themselves be told. Other NumPy products that run at the same time in other Python threads meanwhile
    have one thread, too.

    References
    ----------
    Chunks: P.-L. Hsu et al., Liger Kernel: Efficient Triton Kernels for LLM Training (2024),
    https://arxiv.org/abs/2410.10989. No logits: E. Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models
    (2024), https://arxiv.org/abs/2411.09009. z-loss: A. Chowdhery et al., PaLM (2022),
    https://arxiv.org/abs/2204.02311. Softcap: Gemma Team, Gemma 2 (2024), https://arxiv.org/abs/2408.00118

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> hidden, embedding = np.float32([[1, 2], [0, 1]]), np.float32([[2, 0], [0, 0.25], [-1, 0]])
    >>> round(fl.linear_cross_entropy(hidden, embedding, [0, 2]), 6)
    0.715191
    >>> loss, grad = fl.linear_cross_entropy.value_and_grad(hidden, embedding, [0, -100], grads=("input",))
    >>> grad.input.round(4)
    array([[-0.4679,  0.0438],
           [ 0.    ,  0.    ]], dtype=float32)
    >>> grad.linear_weight is None
    True
    """
    params = kernel_params(label_smoothing, softcap, z_loss, temperature)
    inputs = (input, linear_weight, target, linear_bias)
    return linear_cross_entropy.run(
        ask, inputs, class_weight, ignore_index, params, weight, reduction, denominator, grads, out
    )
