"""Losses of a linear layer's logits, which never exist: what one is, their cross-entropy, and what they learn from a
teacher's."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Concatenate

import numpy as np
from numpy.typing import ArrayLike

from fastloss import arrays
from fastloss.arrays import POSITIVE, SHARES
from fastloss.divergence import jsd, knowledge_distillation
from fastloss.kernels import system
from fastloss.loss import (
    GRAD_HESS,
    VALUE,
    VALUE_AND_GRAD,
    Domain,
    Loss,
    Out,
    P,
    Peer,
    Reduction,
    Rows,
    derivatives_of,
    kernel_of,
)
from fastloss.projection import Head, Layer
from fastloss.reference import linear as reference
from fastloss.softmax import cross_entropy, cross_entropy_params
from fastloss.threads import one_blas_thread

__all__ = ["adaptive_log_softmax", "linear_cross_entropy", "linear_jsd", "linear_kd"]


ROLES = (
    "input", "linear_weight", "teacher_input", "teacher_weight", "target", "linear_bias", "teacher_bias",
)  # fmt: skip

# What the docstrings have in common beyond what all losses have.
DOCUMENTATION = {
    "common": """\
weight : array_like, optional
    Weight of each row, broadcast to the shape of `input` without its last axis; a bool mask keeps where True. Where it
    is 0 the row is invisible: it adds 0, gets gradient 0, even if it holds NaN, and is no work. Any other number
    scales, also a negative one, so that an upstream gradient can be passed here.
reduction : {"mean", "sum", "none"}
    The mean is sum(w loss) / sum(w), nan with gradient 0 where sum(w) is 0. Sums are accumulated in double. With
    "none" the gradient is that of the sum.
denominator : float > 0, optional
    Divides the mean instead of sum(w): with the whole batch's, the parts of a batch add up.
grads : sequence of str, optional
    The inputs to compute a gradient by, such as ``("input", "linear_weight")``; without it, all that there are. Each
    costs a matrix product. The value alone costs none of them.
out : ndarray or tuple of ndarray, optional
    Where `value_and_grad` puts the gradients, in the order of `grads`, None for a new one (that by `input` may lie upon
    `input` itself); where a call with ``reduction="none"`` puts the losses.""",
    "returns": """\
Returns
-------
float or ndarray
    The reduced loss; with ``reduction="none"`` one loss per row, float64 if an input is or holds integers, else
    float32. `value_and_grad` gives the loss and a named tuple of its gradients by `input`, `linear_weight` and
    `linear_bias`, each of its input's dtype (float64 for integers), None where not asked for.""",
}


class Linear(Loss[P]):
    """A loss of rows of logits that are the product of an input and a weight, and never exist as a whole. It may
    compare them with those of a teacher, made alike."""

    shape = "linear"
    hessian = False

    def __init__(self, declaration: Callable[Concatenate[int, P], Any], *, of: Rows[...], **fields: Any) -> None:
        taken = inspect.signature(declaration).parameters
        inputs = [name for name in ROLES if name in taken]
        grads = ("input", "linear_weight", "linear_bias")
        super().__init__(declaration, inputs=inputs, grads=grads, kinks=None, signed=False, **fields)
        self.of, self.target = of, of.target
        self._kernel, domains = kernel_of(of), of.domains({})
        self._bounds = tuple(domains.get(name) for name in of.inputs)
        self.derivatives = derivatives_of(self)

    def _document(self, text: str) -> str:
        for name, common in DOCUMENTATION.items():
            text = text.replace("{" + name + "}", common)
        return super()._document(text)

    def run(
        self,
        ask: int,
        inputs: tuple[Any, ...],
        params: tuple[float, ...],
        weight: Any,
        reduction: Any,
        denominator: Any,
        grads: Any,
        out: Any,
        *,
        class_weight: Any = None,
        ignore_index: Any = -100,
    ) -> Any:
        """Check a call, leave out what is invisible, and have the rest computed."""
        if ask == GRAD_HESS:
            raise TypeError(f"{self.name} has no Hessian diagonal: it is a function of a product of its inputs")
        read = dict(zip(self.inputs, inputs, strict=True))
        layers = []
        for role in ("linear", "teacher"):
            names = ("input" if role == "linear" else "teacher_input", f"{role}_weight", f"{role}_bias")
            if names[0] in read:
                layers.append(arrays.layer_inputs(names, *(read[name] for name in names)))
                read |= dict(zip(names, layers[-1], strict=True))
        x, matrix, bias = layers[0]
        positions, (classes, width) = x.shape[:-1], matrix.shape
        for teacher, numbers, _ in layers[1:]:
            if teacher.shape[:-1] != positions or len(numbers) != classes:
                raise ValueError(
                    f"teacher_input has shape {teacher.shape} and teacher_weight {numbers.shape}: they must have the "
                    f"rows of input, {x.shape}, and the classes of linear_weight, {matrix.shape}"
                )
        target = None
        if self.target:
            target = arrays.layer_target(read["target"], x, classes, self.target == "labels or shares")
            read["target"] = target
        ignore_index = arrays.integer("ignore_index", ignore_index)
        soft = target is not None and target.ndim == x.ndim
        if soft and ignore_index != -100:
            raise ValueError("ignore_index applies to labels; give rows of probabilities a weight of 0 instead")
        if class_weight is not None:
            class_weight = arrays.class_weights(class_weight, classes)
        arrays.check_reduction(reduction, denominator)
        scale = np.ones(positions)
        if weight is not None:
            weight = arrays.as_array("weight", weight)
            scale *= arrays.broadcast("weight", weight, positions)
        real = [arrays.gradient_dtype(array) for layer in layers for array in layer if array is not None]
        dtype = np.result_type(np.float32, *real)
        read["weight"] = weight
        grads = self._asked(grads, bias) if ask == VALUE_AND_GRAD else ()
        outs = self._outs(ask, reduction, grads, out)
        gradients = {name: _result(given, read[name].shape, arrays.gradient_dtype(read[name]), read, name)
                     for name, given in zip(grads, outs, strict=False)}  # fmt: skip
        losses = None
        if reduction == "none":
            losses = _result(outs[0] if ask == VALUE else None, positions, dtype, read)
        results = [*gradients.values(), *([] if losses is None else [losses])]
        if any(np.may_share_memory(one, other) for k, one in enumerate(results) for other in results[:k]):
            raise ValueError("out names the same memory twice")

        visible = scale != 0
        if target is not None and not soft:
            target = np.broadcast_to(target, positions)
            visible &= _counts(target, visible, classes, ignore_index)
        rows = None if visible.all() else np.flatnonzero(visible)
        scale = scale[visible]
        flat = None if target is None else target.reshape((-1, classes) if soft else -1)
        divisor = arrays.divisor(reduction, denominator, lambda: _mass(flat, rows, scale, class_weight))
        by = {name: array.reshape(-1, width) if name == "input" else array for name, array in gradients.items()}
        sums = [math.nan] if divisor == 0 else [0.0]
        if divisor == 0 or len(scale) == 0:  # the mean or the sum of nothing
            for array in results:
                array.fill(0)
        else:
            made = [Layer(a.reshape(-1, a.shape[-1]), numbers, offset) for a, numbers, offset in layers]
            head = Head(made, self._kernel, self._bounds, params, flat, rows, scale / divisor, class_weight, dtype, by)
            if losses is not None:
                losses.fill(0)
            try:
                sums = head.compute(None if losses is None else losses.reshape(-1))
            except system.UnfitError as found:
                assert target is not None
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


def _counts(target: np.ndarray, visible: np.ndarray, classes: int, ignore_index: int) -> np.ndarray:
    """Which labels are not ignored, once each visible one is found to be a class or to be so."""
    kept: np.ndarray = target != ignore_index
    unfit = visible & kept & ((target < 0) | (target >= classes))
    if unfit.any():
        expected = f"a class in [0, {classes}) or ignore_index={ignore_index}"
        raise arrays.unfit("target", target, int(unfit.argmax()), expected, IndexError)
    return kept


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


def _mass(target: np.ndarray | None, rows: Any, scale: np.ndarray, class_weight: np.ndarray | None) -> float:
    """What the visible rows weigh together, by labels or probabilities."""
    if class_weight is None or target is None:
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
    of: Rows[...],
    *,
    reference: Callable[..., Any],
    domain: Mapping[str, Domain] | None = None,
    examples: Sequence[Mapping[str, Any]] = ({},),
    peers: Mapping[str, str | Peer] | None = None,
) -> Callable[[Callable[Concatenate[int, P], Any]], Linear[P]]:
    """Declare a loss of rows as one of logits that are an input times a weight, or of two, one of which is a teacher's.
    The reference takes one row."""

    def declare(declaration: Callable[Concatenate[int, P], Any]) -> Linear[P]:
        return Linear(
            declaration, of=of, reference=reference, domain=domain or {}, examples=examples, peers=peers or {}
        )

    return declare


@linear(
    cross_entropy,
    reference=reference.linear_cross_entropy,
    domain={name: cross_entropy.domain[name] for name in ("label_smoothing", "softcap", "z_loss", "temperature")},
    examples=cross_entropy.examples,
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
    {common}

    {returns}

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
    params = cross_entropy_params(label_smoothing, softcap, z_loss, temperature)
    return linear_cross_entropy.run(
        ask, (input, linear_weight, target, linear_bias), params, weight, reduction, denominator, grads, out,
        class_weight=class_weight, ignore_index=ignore_index,
    )  # fmt: skip


@linear(
    jsd,
    reference=reference.linear_jsd,
    domain={"beta": SHARES, "temperature": POSITIVE},
    examples=({}, {"beta": 0.25, "temperature": 2.0}, {"beta": 0.0}),
)
def linear_jsd(
    ask: int,
    input: ArrayLike,
    linear_weight: ArrayLike,
    teacher_input: ArrayLike,
    teacher_weight: ArrayLike,
    *,
    linear_bias: ArrayLike | None = None,
    teacher_bias: ArrayLike | None = None,
    beta: float = 0.5,
    temperature: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    grads: Sequence[str] | str | None = None,
    out: Out = None,
) -> Any:
    """Jensen-Shannon divergence of a student's and a teacher's linear layer, whose logits never exist as a whole.

    The loss of one row, with the student's features x, weight W and bias b, and the teacher's x', W' and b'::

        z = W x + b,    t = W' x' + b'
        loss = jsd(z, t)

    and its gradient by what is the student's, with s = dloss/dz of `jsd`::

        dloss/dx = s W,    dloss/dW = s x^T,    dloss/db = s

    In NumPy: ``fl.jsd(input @ linear_weight.T, teacher_input @ teacher_weight.T)``.

    Parameters
    ----------
    input : array_like
        The student's features, (..., D).
    linear_weight : array_like
        The student's weight of the layer, a row of features for each class, (V, D).
    teacher_input : array_like
        The teacher's features of the same rows, (..., E): constants, like all that is the teacher's.
    teacher_weight : array_like
        The teacher's weight of its layer, (V, E).
    linear_bias : array_like, optional
        A number that each logit of the student begins with, (V,).
    teacher_bias : array_like, optional
        The same of the teacher, (V,).
    beta : float in {beta}
        The teacher's part in the mixture: 0 gives KL(teacher || student), 1 KL(student || teacher).
    temperature : float in {temperature}
        Divides the logits of both.
    {common}

    {returns}

    Raises
    ------
    ValueError
        If the shapes do not fit, a hyperparameter is outside its domain, a word is unknown, or `out` has the wrong
        shape, dtype or layout.
    TypeError
        If an argument does not hold real numbers; and always from `grad_hess`: the loss has no Hessian diagonal worth
        its price.

    Notes
    -----
    Smooth everywhere. It is `jsd` of logits that carry the rounding of matrix products, chunk by chunk as in
    `linear_cross_entropy`, whose notes hold here, too: of the bits, of half precision and of threads.

    References
    ----------
    R. Agarwal et al., On-Policy Distillation of Language Models (2024), https://arxiv.org/abs/2306.13649. Chunks: P.-L.
    Hsu et al., Liger Kernel: Efficient Triton Kernels for LLM Training (2024), https://arxiv.org/abs/2410.10989

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> hidden, embedding = np.float32([[1, 2], [0, 1]]), np.float32([[2, 0], [0, 0.25], [-1, 0]])
    >>> theirs, teacher = np.float32([[1], [-1]]), np.float32([[1], [1], [0]])
    >>> round(fl.linear_jsd(hidden, embedding, theirs, teacher), 6)
    0.055798
    >>> loss, grad = fl.linear_jsd.value_and_grad(hidden, embedding, theirs, teacher, grads="input")
    >>> grad.input.round(4)
    array([[ 0.0825, -0.0067],
           [ 0.0502,  0.0054]], dtype=float32)
    """
    params = (linear_jsd.parameter("beta", beta), linear_jsd.parameter("temperature", temperature))
    inputs = (input, linear_weight, teacher_input, teacher_weight, linear_bias, teacher_bias)
    return linear_jsd.run(ask, inputs, params, weight, reduction, denominator, grads, out)


@linear(
    knowledge_distillation,
    reference=reference.linear_kd,
    domain={"temperature": POSITIVE, "alpha": SHARES},
    examples=({}, {"temperature": 1.0, "alpha": 0.25}, {"scale_by_t2": False}),
)
def linear_kd(
    ask: int,
    input: ArrayLike,
    linear_weight: ArrayLike,
    teacher_input: ArrayLike,
    teacher_weight: ArrayLike,
    target: ArrayLike,
    *,
    linear_bias: ArrayLike | None = None,
    teacher_bias: ArrayLike | None = None,
    temperature: float = 2.0,
    alpha: float = 0.5,
    scale_by_t2: bool = True,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    grads: Sequence[str] | str | None = None,
    out: Out = None,
) -> Any:
    """Knowledge distillation of a teacher's linear layer into a student's, whose logits never exist as a whole.

    The loss of one row, with the student's features x, weight W and bias b, and the teacher's x', W' and b'::

        z = W x + b,    t = W' x' + b'
        loss = knowledge_distillation(z, t, target)        in the direction "forward"

    and its gradient by what is the student's, with s = dloss/dz of `knowledge_distillation`::

        dloss/dx = s W,    dloss/dW = s x^T,    dloss/db = s

    In NumPy: ``fl.knowledge_distillation(input @ linear_weight.T, teacher_input @ teacher_weight.T, target)``.

    Parameters
    ----------
    input : array_like
        The student's features, (..., D).
    linear_weight : array_like
        The student's weight of the layer, a row of features for each class, (V, D).
    teacher_input : array_like
        The teacher's features of the same rows, (..., E): constants, like all that is the teacher's.
    teacher_weight : array_like
        The teacher's weight of its layer, (V, E).
    target : array_like
        Class labels, integers in [0, V), in the shape of `input` without its last axis (or one label for all rows).
    linear_bias : array_like, optional
        A number that each logit of the student begins with, (V,).
    teacher_bias : array_like, optional
        The same of the teacher, (V,).
    temperature : float in {temperature}
        Divides the logits of both in the divergence.
    alpha : float in {alpha}
        How much the teacher counts, and 1 - alpha the labels.
    scale_by_t2 : bool
        Whether the divergence is multiplied by temperature^2, as its slopes shrink with it.
    ignore_index : int
        Rows with this label are invisible, and no work.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If the label of a visible row is no class: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a hyperparameter is outside its domain, a word is unknown, or `out` has the wrong
        shape, dtype or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers; and always from `grad_hess`: the loss has
        no Hessian diagonal worth its price.

    Notes
    -----
    Smooth everywhere. It is `knowledge_distillation` of logits that carry the rounding of matrix products, chunk by
    chunk as in `linear_cross_entropy`, whose notes hold here, too: of the bits, of half precision and of threads.

    References
    ----------
    G. Hinton, O. Vinyals and J. Dean, Distilling the Knowledge in a Neural Network (2015),
    https://arxiv.org/abs/1503.02531. Chunks: P.-L. Hsu et al., Liger Kernel: Efficient Triton Kernels for LLM Training
    (2024), https://arxiv.org/abs/2410.10989

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> hidden, embedding = np.float32([[1, 2], [0, 1]]), np.float32([[2, 0], [0, 0.25], [-1, 0]])
    >>> theirs, teacher = np.float32([[1], [-1]]), np.float32([[1], [1], [0]])
    >>> round(fl.linear_kd(hidden, embedding, theirs, teacher, [0, -100]), 6)
    0.301438
    >>> loss, grad = fl.linear_kd.value_and_grad(hidden, embedding, theirs, teacher, [0, 2], grads="input")
    >>> grad.input.round(4)
    array([[ 0.1397, -0.0022],
           [ 0.4376,  0.0354]], dtype=float32)
    """
    own = linear_kd.parameter
    params = (own("alpha", alpha), own("temperature", temperature), float(arrays.flag("scale_by_t2", scale_by_t2)))
    inputs = (input, linear_weight, teacher_input, teacher_weight, target, linear_bias, teacher_bias)
    return linear_kd.run(
        ask, inputs, params, weight, reduction, denominator, grads, out, ignore_index=ignore_index
    )  # fmt: skip


class Adaptive(Loss[P]):
    """A loss of rows whose rare classes are in clusters: cross-entropies of some linear layers, one after the other."""

    shape = "adaptive"
    hessian = False

    def __init__(self, declaration: Callable[Concatenate[int, P], Any], **fields: Any) -> None:
        inputs = ("input", "head_weight", "tails", "target", "head_bias")
        grads = ("input", "head_weight", "tails", "head_bias")
        super().__init__(
            declaration, inputs=inputs, grads=grads, domain={}, examples=({},), kinks=None, peers={}, signed=False,
            **fields,
        )  # fmt: skip
        self.derivatives = derivatives_of(self)

    def run(
        self,
        ask: int,
        input: Any,
        head_weight: Any,
        tails: Any,
        target: Any,
        head_bias: Any,
        ignore_index: Any,
        weight: Any,
        reduction: Any,
        denominator: Any,
    ) -> Any:
        """Check a call; have the head and each cluster's rows computed; hand on the slopes of their features."""
        if ask == GRAD_HESS:
            raise TypeError(f"{self.name} has no Hessian diagonal: it is a function of products of its inputs")
        x, head, bias = arrays.layer_inputs(("input", "head_weight", "head_bias"), input, head_weight, head_bias)
        pairs = _tails(tails, x.shape[-1])
        short = len(head) - len(pairs)
        if short < 1:
            raise ValueError(
                f"head_weight has {len(head)} rows and there are {len(pairs)} tails, each of which takes one: at least "
                "one must be left for a class"
            )
        ends = short + np.cumsum([0, *(len(rows) for _, rows in pairs)])
        classes, positions = int(ends[-1]), x.shape[:-1]
        labels = np.broadcast_to(arrays.layer_target(target, x, classes, False), positions)
        ignore_index = arrays.integer("ignore_index", ignore_index)
        arrays.check_reduction(reduction, denominator)
        scale = np.ones(positions)
        if weight is not None:
            scale *= arrays.broadcast("weight", arrays.as_array("weight", weight), positions)
        scale[~_counts(labels, scale != 0, classes, ignore_index)] = 0
        divisor = arrays.divisor(reduction, denominator, lambda: float(scale.sum()))
        scale = scale.reshape(-1) / divisor if divisor else np.zeros(scale.size)

        read = [x, head, *(array for pair in pairs for array in pair), *([] if bias is None else [bias])]
        dtype = np.result_type(np.float32, *map(arrays.gradient_dtype, read))
        rows = x.reshape(-1, x.shape[-1]).astype(dtype, copy=False)
        # a label in the head, that of its cluster, or any where none counts
        labels = np.where(scale != 0, labels.reshape(-1), 0).astype(np.int64)
        cluster = np.searchsorted(ends, labels, side="right")
        names = ("input", "linear_weight") if ask != VALUE else ()

        def part(x: np.ndarray, matrix: np.ndarray, label: np.ndarray, scale: np.ndarray, bias: Any = None) -> Any:
            """Losses, or their sum, of some rows in the head or a cluster, and their gradients."""
            grads = names + ("linear_bias",) * (bias is not None and ask != VALUE)
            words = {"weight": scale, "reduction": "none" if reduction == "none" else "sum", "linear_bias": bias}
            return linear_cross_entropy.value_and_grad(x, matrix, label, grads=grads, **words)

        found, slopes = part(rows, head, np.where(cluster == 0, labels, short + cluster - 1), scale, bias)
        losses, sums, by_tails = found, [found], []
        for k, (projection, matrix) in enumerate(pairs, 1):
            own = np.flatnonzero(cluster == k)
            few, narrow = rows[own], projection.astype(dtype, copy=False)
            with one_blas_thread(), np.errstate(all="ignore"):
                features = few @ narrow.T
            found, handed = part(features, matrix, labels[own] - ends[k - 1], scale[own])
            if reduction == "none":
                losses[own] += found
            sums.append(found)
            if ask != VALUE:
                with one_blas_thread(), np.errstate(all="ignore"):
                    slopes.input[own] += handed.input @ narrow
                    by_projection = (handed.input.T @ few).astype(arrays.gradient_dtype(projection))
                by_tails.append((by_projection, handed.linear_weight))
        value = losses.reshape(positions) if reduction == "none" else _sum(sums) if divisor else math.nan
        if ask == VALUE:
            return value
        by_input = slopes.input.reshape(x.shape).astype(arrays.gradient_dtype(x), copy=False)
        return value, self.derivatives(by_input, slopes.linear_weight, tuple(by_tails), slopes.linear_bias)


def _tails(tails: Any, width: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The two matrices of each cluster."""
    if not np.iterable(tails) or isinstance(tails, (str, bytes)):
        raise TypeError(f"tails must be pairs of matrices, one for each cluster, not {type(tails).__name__}")
    pairs = []
    for k, pair in enumerate(tails):
        if not np.iterable(pair) or len(pair := tuple(pair)) != 2:
            raise ValueError(f"tails[{k}] must be a pair: a projection (h, {width}), and a weight (classes, h)")
        projection, matrix = (arrays.as_array(f"tails[{k}][{j}]", array) for j, array in enumerate(pair))
        fits = projection.ndim == matrix.ndim == 2 and matrix.shape[1] == len(projection) and 0 not in matrix.shape
        if not fits or projection.shape[1] != width:
            raise ValueError(
                f"tails[{k}] has shapes {projection.shape} and {matrix.shape} and must be a projection (h, {width}), "
                "and a weight (classes, h)"
            )
        pairs.append((projection, matrix))
    return pairs


@partial(Adaptive, reference=reference.adaptive_log_softmax)
def adaptive_log_softmax(
    ask: int,
    input: ArrayLike,
    head_weight: ArrayLike,
    tails: Sequence[tuple[ArrayLike, ArrayLike]],
    target: ArrayLike,
    *,
    head_bias: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
) -> Any:
    """Adaptive softmax: cross-entropy over very many classes, the rare ones of which are looked at only when they come.

    Classes are sorted by how often they occur. The head knows the frequent ones and how likely each cluster of rarer
    ones is; in its cluster a rare class has a small softmax of its own. With the features x of one row, the head's
    weight H and bias b, and of the cluster k of the target the projection P and the weight W::

        loss = cross_entropy(H x + b, target)                                   for a class in the head, else
               cross_entropy(H x + b, k) + cross_entropy(W P x, place in the cluster)

    and its gradient, with s = dloss/d(H x + b), and s' = dloss/d(W P x) of the cluster::

        dloss/dx = s H + s' W P,    dloss/dH = s x^T,    dloss/db = s
        dloss/dW = s' (P x)^T,      dloss/dP = W^T s' x^T

    In NumPy: two calls of ``fl.linear_cross_entropy`` for each row.

    Parameters
    ----------
    input : array_like
        Features, (..., D).
    head_weight : array_like
        A row of features for each frequent class, then one for each cluster, (C + K, D).
    tails : sequence of pairs of array_like
        For each cluster, a projection of the features to fewer, (h, D), and a row of these for each of its classes,
        (classes, h). The classes of the head come first, then those of the clusters, in order.
    target : array_like
        Class labels, integers, in the shape of `input` without its last axis (or one label for all rows).
    head_bias : array_like, optional
        A number that each logit of the head begins with, (C + K,).
    ignore_index : int
        Rows with this label are invisible, and no work.
    weight : array_like, optional
        Weight of each row, broadcast to the shape of `input` without its last axis; a bool mask keeps where True. Where
        it is 0 the row is invisible: it adds 0, gets gradient 0, even if it holds NaN, and is no work. Any other number
        scales, also a negative one, so that an upstream gradient can be passed here.
    reduction : {"mean", "sum", "none"}
        The mean is sum(w loss) / sum(w), nan with gradient 0 where sum(w) is 0. Sums are accumulated in double. With
        "none" the gradient is that of the sum.
    denominator : float > 0, optional
        Divides the mean instead of sum(w): with the whole batch's, the parts of a batch add up.

    Returns
    -------
    float or ndarray
        The reduced loss; with ``reduction="none"`` one loss per row, which is minus its log-probability; float64 if an
        input is or holds integers, else float32. `value_and_grad` gives the loss and a named tuple of its gradients by
        `input`, `head_weight`, `tails` (a tuple of pairs) and `head_bias` (None without one), each of its input's dtype
        (float64 for integers).

    Raises
    ------
    IndexError
        If the label of a visible row is no class: the message names the first.
    ValueError
        If the shapes do not fit, or a word is unknown.
    TypeError
        If an argument does not hold real numbers, or labels are not integers; and always from `grad_hess`: the loss has
        no Hessian diagonal worth its price.

    Notes
    -----
    Smooth everywhere. Each part is a `linear_cross_entropy`, whose notes hold here, too: logits exist a chunk of rows
    at a time, and the bits do not depend on the number of threads. Features and projections of half precision are
    widened as a whole.

    References
    ----------
    E. Grave, A. Joulin, M. Cissé, D. Grangier and H. Jégou, Efficient Softmax Approximation for GPUs (2017),
    https://arxiv.org/abs/1609.04309

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> hidden = np.float32([[1, 2], [0, 1], [1, 0]])
    >>> head = np.float32([[2, 0], [0, 1], [0, 0.5]])  # two frequent classes, and a cluster
    >>> tails = [(np.float32([[1, -1]]), np.float32([[1], [0], [2]]))]  # of three rare ones
    >>> fl.adaptive_log_softmax(hidden, head, tails, [0, 1, 4], reduction="none").round(6)
    array([0.861995, 0.68027 , 2.647151], dtype=float32)
    >>> loss, grad = fl.adaptive_log_softmax.value_and_grad(hidden, head, tails, [0, 1, 4])
    >>> grad.tails[0][1].round(4)
    array([[ 0.0816],
           [ 0.03  ],
           [-0.1116]], dtype=float32)
    """
    return adaptive_log_softmax.run(
        ask, input, head_weight, tails, target, head_bias, ignore_index, weight, reduction, denominator
    )
