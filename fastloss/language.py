"""Language models: which word comes next?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from numpy.typing import ArrayLike

from fastloss.arrays import Interval, parameter
from fastloss.loss import Out, Reduction, linear
from fastloss.reference import language as reference

__all__ = ["linear_cross_entropy"]

POSITIVE = Interval(0, math.inf, low_open=True, high_open=True)


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
    classes take 2.1 GB, and their gradient as much again. Here they take 48 MB, and each thread works in 1 or 2 more.

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
    own = linear_cross_entropy.parameter
    words = {
        "label_smoothing": own("label_smoothing", label_smoothing),
        "softcap": None if softcap is None else parameter("softcap", softcap, POSITIVE),
        "z_loss": own("z_loss", z_loss),
        "temperature": own("temperature", temperature),
    }
    inputs = (input, linear_weight, target, linear_bias)
    return linear_cross_entropy.run(
        ask, inputs, class_weight, ignore_index, words, weight, reduction, denominator, grads, out
    )
