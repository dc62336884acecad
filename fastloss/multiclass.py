"""Losses of several classes: of one row of scores, and the label of the class that is right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastloss.arrays import Interval
from fastloss.loss import Out, Peer, Reduction, rows
from fastloss.reference import multiclass as reference

__all__ = [
    "dft",
    "generalized_cross_entropy",
    "nll",
    "poly1_cross_entropy",
    "softmax_focal",
    "symmetric_cross_entropy",
    "unlikelihood",
]


def with_shares(logits: Any, target: Any) -> tuple[Any, Any]:
    """Logits and labels, as a peer takes them that wants a share of each class."""
    return logits, (target[..., None] == np.arange(logits.shape[-1])).astype(logits.dtype)


@rows(
    "logits",
    "target",
    reference=reference.softmax_focal,
    domain={"gamma": Interval(0, math.inf, high_open=True)},
    examples=({}, {"gamma": 0.5}),
)
def softmax_focal(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    gamma: float = 2.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Focal loss of several classes: cross-entropy that pays little attention to what is right already.

    The loss of one row of logits z and its gradient, with p = softmax(z), y = target and q = 1 - p_y::

        loss     = -q^gamma log p_y
        gradient = (q^gamma - gamma q^(gamma-1) p_y log p_y) (p - onehot(y))

    In NumPy: ``np.mean(-(1 - p) ** gamma * np.log(p))``.

    Parameters
    ----------
    logits : array_like
        Scores with classes on `axis`; minus infinity is a masked class. Not probabilities: softmax is part of the loss.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `logits` without the class axis; or one for all rows.
    gamma : float in {gamma}
        How fast the attention drops; 0 gives the cross-entropy.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a number is outside its domain, a word is unknown, or `out` has the wrong shape, dtype
        or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Smooth everywhere. With gamma = 0 it has the bits of `cross_entropy`. 1 - p_y is what the other classes add up to,
    in two parts: a power would multiply the error of its logarithm by gamma. A label on a masked class costs inf;
    several infinite logits, or nothing but minus infinity, give nan. The binary one is `focal`.

    References
    ----------
    T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollár, Focal Loss for Dense Object Detection (2017),
    https://arxiv.org/abs/1708.02002

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.softmax_focal(np.log([[0.9, 0.1], [0.1, 0.9]]), [0, 0], reduction="none").round(6)
    array([0.001054, 1.865094])
    >>> loss, grad = fl.softmax_focal.value_and_grad(np.array([[40.0, 0.0]]), [0])
    >>> loss, grad
    (7.66764807371979e-53, array([[-2.30029442e-52,  2.30029442e-52]]))
    """
    params = (softmax_focal.parameter("gamma", gamma),)
    return softmax_focal.run(
        ask, (logits, target), params, weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "logits",
    "target",
    reference=reference.poly1_cross_entropy,
    domain={"epsilon": Interval(-1, math.inf, high_open=True)},
    examples=({}, {"epsilon": -0.5}),
    peers={
        "optax": Peer("poly_loss_cross_entropy", order=with_shares),
    },
)
def poly1_cross_entropy(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    epsilon: float = 2.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Poly-1 loss: cross-entropy whose first term, 1 - p, counts 1 + epsilon times.

    The loss of one row of logits z and its gradient, with p = softmax(z) and y = target::

        loss     = -log p_y + epsilon (1 - p_y)
        gradient = (1 + epsilon p_y) (p - onehot(y))

    In NumPy: ``np.mean(-np.log(p) + epsilon * (1 - p))``.

    Parameters
    ----------
    logits : array_like
        Scores with classes on `axis`; minus infinity is a masked class. Not probabilities: softmax is part of the loss.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `logits` without the class axis; or one for all rows.
    epsilon : float in {epsilon}
        How much more the first term counts; -1 leaves it out.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a number is outside its domain, a word is unknown, or `out` has the wrong shape, dtype
        or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Smooth everywhere. With epsilon = 0 it has the bits of `cross_entropy`. For a negative epsilon the two terms of a
    confident row cancel; the kernel has their difference as one function. A label on a masked class costs inf; several
    infinite logits, or nothing but minus infinity, give nan.

    References
    ----------
    Z. Leng, M. Tan, C. Liu, E. D. Cubuk, X. Shi, S. Cheng and D. Anguelov, PolyLoss: A Polynomial Expansion Perspective
    of Classification Loss Functions (2022), https://arxiv.org/abs/2204.12511

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.poly1_cross_entropy([[2.0, 0.5, -1.0]], [0]), 10)
    0.6701172275
    >>> fl.poly1_cross_entropy.value_and_grad(np.zeros((1, 2)), [0])[1]
    array([[-1.,  1.]])
    """
    params = (poly1_cross_entropy.parameter("epsilon", epsilon),)
    return poly1_cross_entropy.run(
        ask, (logits, target), params, weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "logits",
    "target",
    reference=reference.generalized_cross_entropy,
    domain={"q": Interval(0, 1, low_open=True)},
    examples=({}, {"q": 0.5}),
)
def generalized_cross_entropy(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    q: float = 0.7,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Generalised cross-entropy: between cross-entropy, q to 0, and the absolute error, q = 1.

    The loss of one row of logits z and its gradient, with p = softmax(z) and y = target::

        loss     = (1 - p_y^q) / q
        gradient = p_y^q (p - onehot(y))

    In NumPy: ``np.mean((1 - p**q) / q)``.

    Parameters
    ----------
    logits : array_like
        Scores with classes on `axis`; minus infinity is a masked class. Not probabilities: softmax is part of the loss.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `logits` without the class axis; or one for all rows.
    q : float in {q}
        Towards 0 all rows count as in cross-entropy, at 1 by their probability.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a number is outside its domain, a word is unknown, or `out` has the wrong shape, dtype
        or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Smooth everywhere, and bounded by 1/q: a label that is hopelessly wrong, as some are in noisy data, is given up. The
    kernel takes -expm1(q log p) / q, with log p in two parts. Several infinite logits, or nothing but minus infinity,
    give nan.

    References
    ----------
    Z. Zhang and M. R. Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels
    (2018), https://arxiv.org/abs/1805.07836

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.generalized_cross_entropy([[2.0, 0.5, -1.0]], [0]), 10)
    0.2220310944
    >>> fl.generalized_cross_entropy.value_and_grad(np.zeros((1, 2)), [0], q=1)
    (0.5, array([[-0.25,  0.25]]))
    """
    params = (generalized_cross_entropy.parameter("q", q),)
    return generalized_cross_entropy.run(
        ask, (logits, target), params, weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "logits",
    "target",
    reference=reference.symmetric_cross_entropy,
    domain={
        "alpha": Interval(0, math.inf, high_open=True),
        "beta": Interval(0, math.inf, high_open=True),
        "log_zero": Interval(-math.inf, 0, low_open=True),
    },
    examples=({}, {"alpha": 1.0, "beta": 0.5, "log_zero": -6.0}),
)
def symmetric_cross_entropy(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 0.1,
    beta: float = 1.0,
    log_zero: float = -4.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Symmetric cross-entropy: cross-entropy, and the reverse one, where prediction and target change places.

    The loss of one row of logits z and its gradient, with p = softmax(z) and y = target::

        loss     = -alpha log p_y - beta log_zero (1 - p_y)
        gradient = (alpha - beta log_zero p_y) (p - onehot(y))

    In NumPy: ``np.mean(-alpha * np.log(p) - beta * log_zero * (1 - p))``.

    Parameters
    ----------
    logits : array_like
        Scores with classes on `axis`; minus infinity is a masked class. Not probabilities: softmax is part of the loss.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `logits` without the class axis; or one for all rows.
    alpha : float in {alpha}
        How much the cross-entropy counts.
    beta : float in {beta}
        How much the reverse one counts.
    log_zero : float in {log_zero}
        What stands for the logarithm of the target's zeros.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a number is outside its domain, a word is unknown, or `out` has the wrong shape, dtype
        or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Smooth everywhere. The reverse term is bounded, so that noisy labels do less harm. A label on a masked class costs
    inf; several infinite logits, or nothing but minus infinity, give nan.

    References
    ----------
    Y. Wang, X. Ma, Z. Chen, Y. Luo, J. Yi and J. Bailey, Symmetric Cross Entropy for Robust Learning with Noisy Labels
    (2019), https://arxiv.org/abs/1908.06112

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.symmetric_cross_entropy([[2.0, 0.5, -1.0]], [0]), 10)
    0.8817429913
    >>> fl.symmetric_cross_entropy.value_and_grad(np.zeros((1, 2)), [0], alpha=0.5)[1]
    array([[-1.25,  1.25]])
    """
    params = (
        symmetric_cross_entropy.parameter("alpha", alpha),
        symmetric_cross_entropy.parameter("beta", beta),
        symmetric_cross_entropy.parameter("log_zero", log_zero),
    )
    return symmetric_cross_entropy.run(
        ask, (logits, target), params, weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "logits",
    "target",
    reference=reference.dft,
)
def dft(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Dynamic fine-tuning: cross-entropy, in which a token counts by its probability.

    The loss of one row of logits z and its gradient, with p = softmax(z) and y = target::

        loss     = -sg(p_y) log p_y
        gradient = p_y (p - onehot(y))

    In NumPy: ``np.mean(-p * np.log(p))``.

    Parameters
    ----------
    logits : array_like
        Scores with classes on `axis`; minus infinity is a masked class. Not probabilities: softmax is part of the loss.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `logits` without the class axis; or one for all rows.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a number is outside its domain, a word is unknown, or `out` has the wrong shape, dtype
        or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    sg(p_y) counts as a constant: the gradient is not that of p log p. Smooth everywhere. A label on a masked class
    costs 0; several infinite logits, or nothing but minus infinity, give nan.

    References
    ----------
    Y. Wu, Y. Zhou, Z. Ziheng, Y. Peng, X. Ye, X. Hu, W. Zhu, L. Qi, M.-H. Yang and X. Yang, On the Generalization of
    SFT: A Reinforcement Learning Perspective with Reward Rectification (2025), https://arxiv.org/abs/2508.05629

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.dft([[2.0, 0.5, -1.0]], [0]), 10)
    0.1895734391
    >>> fl.dft.value_and_grad(np.zeros((1, 2)), [0])[1]
    array([[-0.25,  0.25]])
    """
    return dft.run(ask, (logits, target), (), weight, reduction, denominator, axis, out, class_weight, ignore_index)


@rows(
    "logits",
    "target",
    reference=reference.unlikelihood,
)
def unlikelihood(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Unlikelihood: the label is what should not come, such as the token that was just said.

    The loss of one row of logits z and its gradient, with p = softmax(z) and y = target::

        loss     = -log(1 - p_y)
        gradient = p_y    at the label,    -p_y p_k / (1 - p_y)    at the others

    In NumPy: ``np.mean(-np.log1p(-p))``.

    Parameters
    ----------
    logits : array_like
        Scores with classes on `axis`; minus infinity is a masked class. Not probabilities: softmax is part of the loss.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `logits` without the class axis; or one for all rows. Each is
        the class that is not wanted.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a number is outside its domain, a word is unknown, or `out` has the wrong shape, dtype
        or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Smooth everywhere. The kernel computes log1p(e^z_y / sum of the others' e^z): a sure label costs what its logit
    leads by, where 1 - p is 0, and an improbable one its probability. A label on a masked class costs 0, one with no
    other beside it inf.

    References
    ----------
    S. Welleck, I. Kulikov, S. Roller, E. Dinan, K. Cho and J. Weston, Neural Text Generation with Unlikelihood Training
    (2020), https://arxiv.org/abs/1908.04319

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.unlikelihood([[40.0, 0.0], [-40.0, 0.0]], [0, 0], reduction="none")
    array([4.00000000e+01, 4.24835426e-18])
    >>> fl.unlikelihood.value_and_grad(np.zeros((1, 2)), [0])[1]
    array([[ 0.5, -0.5]])
    """
    return unlikelihood.run(
        ask, (logits, target), (), weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "log_probs",
    "target",
    reference=reference.nll,
    domain={"log_probs": Interval(-math.inf, 0)},
    peers={"torch": "nll_loss"},
)
def nll(
    ask: int,
    log_probs: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Negative log-likelihood: minus the log-probability of the label, as it was given.

    The loss of one row of log-probabilities and its gradient, with y = target::

        loss     = -log_probs_y
        gradient = -onehot(y)

    In NumPy: ``np.mean(-log_probs[np.arange(len(target)), target])``.

    Parameters
    ----------
    log_probs : array_like in {log_probs}
        Logarithms of probabilities, classes on `axis`; minus infinity is an impossible class.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `log_probs` without the class axis; or one for all rows.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label is neither a class nor `ignore_index`: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a number is outside its domain, a word is unknown, or `out` has the wrong shape, dtype
        or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Of the `log_softmax` of logits it is the `cross_entropy`, which computes both at once, and gives the gradient by the
    logits. The log-probabilities need not add up to a probability of 1, as those of a part of the classes do not; but a
    NaN among them is seen, at whatever class.

    References
    ----------
    R. A. Fisher, On the Mathematical Foundations of Theoretical Statistics, Philosophical Transactions of the Royal
    Society A 222 (1922).

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.nll([[-0.25, -1.5], [-0.75, -0.5]], [1, -100], reduction="none")
    array([1.5, 0. ])
    >>> fl.nll.value_and_grad(np.array([[-0.25, -1.5]]), [1])
    (1.5, array([[ 0., -1.]]))
    """
    return nll.run(ask, (log_probs, target), (), weight, reduction, denominator, axis, out, class_weight, ignore_index)
