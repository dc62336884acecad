"""Losses of several classes: of one row of scores, and the label of the class that is right."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss import arrays
from fastloss.arrays import NON_NEGATIVE, SHARES, Interval
from fastloss.loss import Out, Peer, Reduction, rows
from fastloss.reference import multiclass as reference

__all__ = [
    "FenchelYoung",
    "confidence_penalty",
    "dft",
    "fenchel_young",
    "generalized_cross_entropy",
    "multi_margin",
    "multiclass_hinge",
    "multiclass_perceptron",
    "multilabel_margin",
    "multilabel_soft_margin",
    "nll",
    "ordinal_emd",
    "poly1_cross_entropy",
    "softmax_brier",
    "softmax_focal",
    "sparsemax",
    "symmetric_cross_entropy",
    "unlikelihood",
    "z_loss",
]


def with_shares(logits: Any, target: Any) -> tuple[Any, Any]:
    """Logits and labels, as a peer takes them that wants a share of each class."""
    return logits, (target[..., None] == np.arange(logits.shape[-1])).astype(logits.dtype)


@rows(
    "logits",
    "target",
    reference=reference.softmax_focal,
    domain={"gamma": NON_NEGATIVE},
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

    {raises}

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
    >>> round(fl.softmax_focal(np.log([[0.9, 0.1]]), [0]), 10), round(fl.softmax_focal(np.log([[0.1, 0.9]]), [0]), 10)
    (0.0010536052, 1.8650939253)
    >>> loss, grad = fl.softmax_focal.value_and_grad(np.array([[40.0, 0.0]]), [0])
    >>> loss, grad
    (7.667648073721999e-53, array([[-2.30029442e-52,  2.30029442e-52]]))
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

    {raises}

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

    {raises}

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
        "alpha": NON_NEGATIVE,
        "beta": NON_NEGATIVE,
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

    {raises}

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

    {raises}

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

    {raises}

    Notes
    -----
    Smooth everywhere. The kernel computes log1p(e^z_y / sum of the others' e^z): a sure label costs what its logit
    leads by, where 1 - p is 0, and an improbable one its probability. A label on a masked class costs 0; one with no
    other beside it inf, and its gradient is 0.

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

    {raises}

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


@rows(
    "logits",
    "target",
    reference=reference.confidence_penalty,
    domain={"beta": NON_NEGATIVE},
    examples=({}, {"beta": 0.5}),
    signed=True,
)
def confidence_penalty(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 0.1,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Cross-entropy with a reward for doubt: the entropy of the prediction is taken off.

    The loss of one row of logits z and its gradient, with p = softmax(z), y = target and H = -sum(p log p)::

        loss     = -log p_y - beta H
        gradient = p - onehot(y) + beta p (log p + H)

    In NumPy: ``np.mean(-np.log(p[np.arange(len(p)), y]) + beta * np.sum(p * np.log(p), 1))``.

    Parameters
    ----------
    logits : array_like
        Scores with classes on `axis`; minus infinity is a masked class. Not probabilities: softmax is part of the loss.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `logits` without the class axis; or one for all rows.
    beta : float in {beta}
        How much the entropy counts; 0 leaves the cross-entropy.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. It may be negative. A class of probability 0 adds nothing to H. Log p and H are sums of distances
    from the largest logit. A label on a masked class costs inf; several infinite logits, or nothing but minus infinity,
    give nan.

    References
    ----------
    G. Pereyra, G. Tucker, J. Chorowski, Ł. Kaiser and G. Hinton, Regularizing Neural Networks by Penalizing Confident
    Output Distributions (2017), https://arxiv.org/abs/1701.06548

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.confidence_penalty([[0.0, 0.0]], [0]), 10)
    0.6238324625
    >>> fl.confidence_penalty.value_and_grad(np.zeros((1, 2)), [0])[1]
    array([[-0.5,  0.5]])
    """
    params = (confidence_penalty.parameter("beta", beta),)
    return confidence_penalty.run(
        ask, (logits, target), params, weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "logits",
    reference=reference.z_loss,
    domain={"coefficient": NON_NEGATIVE},
    examples=({}, {"coefficient": 1.0}),
)
def z_loss(
    ask: int,
    logits: ArrayLike,
    *,
    coefficient: float = 1e-4,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """z-loss: keeps the normaliser of softmax near 1, so that logits do not drift.

    The loss of one row of logits z and its gradient, with p = softmax(z) and lse = logsumexp(z)::

        loss     = coefficient lse^2
        gradient = 2 coefficient lse p

    In NumPy: ``np.mean(coefficient * np.log(np.exp(z).sum(1)) ** 2)``.

    Parameters
    ----------
    logits : array_like
        Scores with classes on `axis`; minus infinity is a masked class. Not probabilities: softmax is part of the loss.
    coefficient : float in {coefficient}
        How much it counts.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. It is added to a cross-entropy; of a router's logits it is the router z-loss. Where the largest
    logit and what the others add to it cancel, lse has the digits of the larger one.

    References
    ----------
    A. Chowdhery et al., PaLM: Scaling Language Modeling with Pathways (2022), https://arxiv.org/abs/2204.02311

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.z_loss([[0.0, 0.0]], coefficient=1), 10)
    0.4804530139
    >>> fl.z_loss.value_and_grad(np.zeros((1, 2)), coefficient=1)[1].round(6)
    array([[0.693147, 0.693147]])
    """
    params = (z_loss.parameter("coefficient", coefficient),)
    return z_loss.run(ask, (logits,), params, weight, reduction, denominator, axis, out)


@rows(
    "logits",
    "target",
    reference=reference.softmax_brier,
    domain={"target": Interval(0, 1)},
)
def softmax_brier(
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
    """Brier score of several classes: the squared distance of the probabilities from the right ones.

    The loss of one row of logits z and its gradient, with p = softmax(z), t the target's share of each class, for a
    label its one-hot form, and d = p - t::

        loss     = sum(d^2)
        gradient = 2 p (d - sum(p d))

    In NumPy: ``np.mean(np.sum((p - np.eye(C)[y]) ** 2, 1))``.

    Parameters
    ----------
    logits : array_like
        Scores with classes on `axis`; minus infinity is a masked class. Not probabilities: softmax is part of the loss.
    target : array_like
        Class labels, integers in [0, C), in the shape of `logits` without the class axis (or one label for all rows);
        or probabilities in {target} in the shape of `logits`, which need not sum to 1.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, or sum(class_weight t), in the mean's
        divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere, from 0 to 2: it gives up on what is hopelessly wrong. Strictly proper, as cross-entropy is: least
    for the true probabilities. 1 - p_y is what the others add up to; against shares p - t is a difference of given
    numbers. Several infinite logits, or nothing but minus infinity, give nan. Of binary probabilities it is `brier`.

    References
    ----------
    G. W. Brier, Verification of Forecasts Expressed in Terms of Probability, Monthly Weather Review 78 (1950).

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.softmax_brier([[2.0, 0.5, -1.0]], [0]), 10)
    0.0782251465
    >>> fl.softmax_brier.value_and_grad(np.zeros((1, 2)), [0])
    (0.5, array([[-0.5,  0.5]]))
    """
    return softmax_brier.run(
        ask, (logits, target), (), weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "logits",
    "target",
    reference=reference.ordinal_emd,
)
def ordinal_emd(
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
    """Squared earth mover's distance of ordered classes: to be far from the label costs more than to be beside it.

    The loss of one row of logits z and its gradient, with p = softmax(z), y = target, F_k the sum of p_0 ... p_k, D_k =
    F_k - [k >= y] and g_j the sum of D_k over k >= j::

        loss       = sum of D_k^2
        gradient_j = 2 p_j (g_j - sum(p g))

    In NumPy: ``np.mean(np.sum((np.cumsum(p, 1) - (np.arange(C) >= y[:, None])) ** 2, 1))``.

    Parameters
    ----------
    logits : array_like
        Scores of classes in their order, as of ages or ratings, on `axis`; minus infinity is a masked class. Not
        probabilities: softmax is part of the loss.
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

    {raises}

    Notes
    -----
    Smooth everywhere, and at most C - 1. Of two classes it is half of `softmax_brier`. The kernel adds up F_k from the
    first class, 1 - F_k from the last, and so nothing is subtracted from 1. Several infinite logits, or nothing but
    minus infinity, give nan.

    References
    ----------
    L. Hou, C.-P. Yu and D. Samaras, Squared Earth Mover's Distance-based Loss for Training Deep Neural Networks (2016),
    https://arxiv.org/abs/1611.05916

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.ordinal_emd(np.log([[0.6, 0.3, 0.1]] * 3), [0, 1, 2], reduction="none").round(10)
    array([0.17, 0.37, 1.17])
    >>> fl.ordinal_emd.value_and_grad(np.zeros((1, 2)), [0])
    (0.25, array([[-0.25,  0.25]]))
    """
    return ordinal_emd.run(
        ask, (logits, target), (), weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "scores",
    "target",
    reference=reference.multiclass_hinge,
    domain={"margin": NON_NEGATIVE},
    examples=({}, {"margin": 0.5}),
    peers={"optax": "multiclass_hinge_loss"},
)
def multiclass_hinge(
    ask: int,
    scores: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 1.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Hinge loss of several classes: the label's score is to lead the best of the others by a margin.

    The loss of one row of scores z and its gradient, with y = target and b the best of the other classes::

        loss     = max(0, margin + z_b - z_y)
        gradient = onehot(b) - onehot(y)    if loss > 0, else  0

    In NumPy: ``np.mean(np.maximum(0, margin + others.max(1) - z[np.arange(len(z)), y]))``.

    Parameters
    ----------
    scores : array_like
        Scores with classes on `axis`; minus infinity is a masked class.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `scores` without the class axis; or one for all rows.
    margin : float in {margin}
        The lead from which on a row costs nothing.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Of several best classes the first is pushed down; at the kink loss = 0 the gradient is 0. What the difference of the
    scores rounds off is kept: near the margin it is all there is. A row of one class costs 0. The one that sums over
    the other classes is `multi_margin`.

    References
    ----------
    K. Crammer and Y. Singer, On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines, JMLR 2
    (2001), https://www.jmlr.org/papers/v2/crammer01a.html

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.multiclass_hinge([[2.0, 1.5, -1.0], [2.0, 0.5, -1.0]], [0, 1], reduction="none")
    array([0.5, 2.5])
    >>> fl.multiclass_hinge.value_and_grad(np.array([[2.0, 1.5, -1.0]]), [0])
    (0.5, array([[-1.,  1.,  0.]]))
    """
    params = (multiclass_hinge.parameter("margin", margin),)
    return multiclass_hinge.run(
        ask, (scores, target), params, weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "scores",
    "target",
    reference=reference.multi_margin,
    domain={"p": Interval(1, 2, ends=True), "margin": NON_NEGATIVE},
    examples=({}, {"p": 2.0}, {"margin": 0.5}),
    peers={"torch": "multi_margin_loss"},
)
def multi_margin(
    ask: int,
    scores: ArrayLike,
    target: ArrayLike,
    *,
    p: float = 1.0,
    margin: float = 1.0,
    class_weight: ArrayLike | None = None,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Multi-class margin loss: the label's score is to lead every other one by a margin.

    The loss of one row of C scores z and its gradient, with y = target and v_k = max(0, margin + z_k - z_y)::

        loss       = sum of v_k^p / C, over k != y
        gradient_k = p v_k^(p-1) / C    if v_k > 0, else  0;    at the label minus their sum

    In NumPy: ``np.mean(np.sum(np.maximum(0, margin + others - z_y) ** p, 1) / C)``.

    Parameters
    ----------
    scores : array_like
        Scores with classes on `axis`; minus infinity is a masked class.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `scores` without the class axis; or one for all rows.
    p : {p}
        The power of what a lead lacks: the smoother loss, 2, pushes harder where more is lacking.
    margin : float in {margin}
        The lead from which on a class costs nothing.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink v_k = 0 the gradient is 0. What the difference of the scores rounds off is kept. A masked class is led
    by far. As everywhere here, a row's class weight counts in the mean's divisor; torch's mean divides by the number of
    rows, for which pass denominator.

    References
    ----------
    J. Weston and C. Watkins, Support Vector Machines for Multi-Class Pattern Recognition, ESANN (1999).

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.multi_margin([[2.0, 1.5, 1.25, -1.0]], [0]), fl.multi_margin([[2.0, 1.5, 1.25, -1.0]], [0], p=2)
    (0.1875, 0.078125)
    >>> fl.multi_margin.value_and_grad(np.array([[2.0, 1.5, 1.25, -1.0]]), [0])[1]
    array([[-0.5 ,  0.25,  0.25,  0.  ]])
    """
    params = (
        multi_margin.parameter("p", p),
        multi_margin.parameter("margin", margin),
    )
    return multi_margin.run(
        ask, (scores, target), params, weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "scores",
    "target",
    reference=reference.multiclass_perceptron,
    peers={"optax": "multiclass_perceptron_loss"},
)
def multiclass_perceptron(
    ask: int,
    scores: ArrayLike,
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
    """Perceptron loss of several classes: by how much the label's score falls short of the best.

    The loss of one row of scores z and its gradient, with y = target and b the best class::

        loss     = z_b - z_y
        gradient = onehot(b) - onehot(y)

    In NumPy: ``np.mean(z.max(1) - z[np.arange(len(z)), y])``.

    Parameters
    ----------
    scores : array_like
        Scores with classes on `axis`; minus infinity is a masked class.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `scores` without the class axis; or one for all rows.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Of several best classes b is the first: if the label is another one, the gradient is not 0 where the loss is.

    References
    ----------
    M. Collins, Discriminative Training Methods for Hidden Markov Models: Theory and Experiments with Perceptron
    Algorithms, EMNLP (2002), https://aclanthology.org/W02-1001

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.multiclass_perceptron([[2.0, 0.5, -1.0], [2.0, 0.5, -1.0]], [0, 1], reduction="none")
    array([0. , 1.5])
    >>> fl.multiclass_perceptron.value_and_grad(np.array([[2.0, 0.5, -1.0]]), [1])
    (1.5, array([[ 1., -1.,  0.]]))
    """
    return multiclass_perceptron.run(
        ask, (scores, target), (), weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


@rows(
    "scores",
    "target",
    reference=reference.sparsemax,
    peers={"optax": "multiclass_sparsemax_loss"},
)
def sparsemax(
    ask: int,
    scores: ArrayLike,
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
    """Sparsemax loss: as cross-entropy is to softmax, to a projection that gives most classes probability 0.

    The loss of one row of scores z and its gradient, with y = target, P_k = max(0, z_k - tau), tau such
    that they add up to 1, and S the classes with P_k > 0::

        loss     = 1/2 sum over S of (z_k^2 - tau^2) + 1/2 - z_y
        gradient = P - onehot(y)

    In NumPy: ``np.mean(0.5 * np.sum((z**2 - tau**2) * (z > tau), 1) + 0.5 - z_y)``.

    Parameters
    ----------
    scores : array_like
        Scores with classes on `axis`; minus infinity is a masked class.
    target : array_like of int
        Class labels, integers in [0, C), in the shape of `scores` without the class axis; or one for all rows.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0: that of its label is a row's, in the mean's divisor too.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    The gradient is continuous. A lead of 1 costs nothing. The kernel adds up ((1 - P_y)^2 + the others' P_k^2) / 2 and
    max(0, tau - z_y), none of which cancels, and finds tau by taking classes out of the support until it stays, in time
    that grows with the number of classes. The binary one is `sparsemax_binary`.

    References
    ----------
    A. F. T. Martins and R. F. Astudillo, From Softmax to Sparsemax: A Sparse Model of Attention and Multi-Label
    Classification, ICML (2016), https://arxiv.org/abs/1602.02068

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.sparsemax([[0.5, 0.0], [0.5, 0.0], [2.0, 0.5]], [0, 1, 0], reduction="none")
    array([0.0625, 0.5625, 0.    ])
    >>> fl.sparsemax.value_and_grad(np.array([[0.5, 0.0, -1.0]]), [0])[1]
    array([[-0.25,  0.25,  0.  ]])
    """
    return sparsemax.run(
        ask, (scores, target), (), weight, reduction, denominator, axis, out, class_weight, ignore_index
    )


MaxFunction = Callable[[NDArray[np.float64]], tuple[ArrayLike, ArrayLike]]


class FenchelYoung:
    """A loss that `fenchel_young` has made of a maximum: call it for the value.

    Attributes
    ----------
    max_fn : callable
        What it was made of.
    """

    def __init__(self, max_fn: MaxFunction) -> None:
        self.max_fn = max_fn

    def __call__(
        self,
        scores: ArrayLike,
        target: ArrayLike,
        *,
        weight: ArrayLike | None = None,
        reduction: Reduction = "mean",
        denominator: float | None = None,
    ) -> Any:
        """The value."""
        return self.value_and_grad(scores, target, weight=weight, reduction=reduction, denominator=denominator)[0]

    def value_and_grad(
        self,
        scores: ArrayLike,
        target: ArrayLike,
        *,
        weight: ArrayLike | None = None,
        reduction: Reduction = "mean",
        denominator: float | None = None,
    ) -> tuple[Any, NDArray[Any]]:
        """The value and its gradient by the scores, in their dtype; takes the same arguments."""
        (rows,), chosen, _ = arrays.row_inputs(("scores", "target"), (scores,), target, True, -1)
        arrays.check_reduction(reduction, denominator)
        positions, classes = rows.shape[:-1], rows.shape[-1]
        weights: NDArray[np.float64] = np.ones(positions)
        if weight is not None:
            weights = arrays.broadcast("weight", arrays.as_array("weight", weight), positions).astype(np.float64)
        visible, weights = weights.reshape(-1) != 0, weights.reshape(-1)
        z = rows.reshape(-1, classes)[visible].astype(np.float64)
        if chosen.shape == rows.shape:
            chosen = np.where(visible.reshape(positions)[..., None], chosen, 0)
            shares = arrays.in_domain("target", chosen, SHARES).reshape(-1, classes)[visible]
        else:
            labels = arrays.class_labels("target", np.broadcast_to(chosen, positions), classes, None, visible)
            shares = np.zeros(z.shape)
            shares[np.arange(len(z)), labels[visible].astype(np.int64)] = 1
        largest, slopes = (np.asarray(array, np.float64) for array in self.max_fn(z))
        if largest.shape != z.shape[:1] or slopes.shape != z.shape:
            raise ValueError(
                f"max_fn must give a number for each row and its gradient, of shapes {z.shape[:1]} and {z.shape}, not "
                f"{largest.shape} and {slopes.shape}"
            )
        losses = np.zeros(len(visible))
        reached = np.multiply(shares, z, where=shares != 0, out=np.zeros(z.shape)).sum(1)  # 0 inf is 0
        losses[visible] = weights[visible] * (largest - reached)
        divisor = arrays.divisor(reduction, denominator, lambda: float(weights.sum()))
        scale = 1 / divisor if divisor != 0 else 0.0
        gradient = np.zeros((len(visible), classes))
        gradient[visible] = (slopes - shares) * (scale * weights[visible])[:, None]
        gradient = gradient.reshape(rows.shape).astype(arrays.gradient_dtype(rows))
        if reduction == "none":
            return losses.reshape(positions), gradient
        return float(losses.sum()) / divisor if divisor != 0 else math.nan, gradient


def fenchel_young(max_fn: MaxFunction) -> FenchelYoung:
    """The loss that belongs to a way of choosing: a maximum of the scores, smooth or sharp, and what it chooses.

    The loss of one row of scores z and its gradient, with t the target's share of each class, for a label its one-hot
    form, and choice(z) the gradient of max_fn(z)::

        loss     = max_fn(z) - sum(t z)
        gradient = choice(z) - t

    Parameters
    ----------
    max_fn : callable
        Takes rows of scores, a float64 array (n, C), and gives the maximum of each, (n,), and its gradients, (n, C):
        a convex function, whose gradients are the probabilities that it chooses by.

    Returns
    -------
    FenchelYoung
        A function ``loss(scores, target, *, weight=None, reduction="mean", denominator=None)`` with a method
        `value_and_grad` that takes the same arguments: these are what they are for `cross_entropy`, with classes on the
        last axis.

    Raises
    ------
    ValueError
        From the loss, if `max_fn` gives arrays of other shapes; and as `cross_entropy` does.

    Notes
    -----
    logsumexp, which chooses by softmax, makes `cross_entropy`; max makes `multiclass_perceptron`; the maximum that
    belongs to the projection onto the simplex makes `sparsemax`, but for the constant sum(t^2) / 2, which no max_fn
    knows. Where a loss of its own exists take that: the value here is a difference, and of a confident, right row no
    digit may be left. It is computed by NumPy in double.

    References
    ----------
    M. Blondel, A. F. T. Martins and V. Niculae, Learning with Fenchel-Young Losses, JMLR 21 (2020),
    https://arxiv.org/abs/1901.02324

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> loss = fl.fenchel_young(lambda z: (fl.logsumexp(z), fl.softmax(z)))
    >>> round(loss([[2.0, 0.5, -1.0]], [0]), 10), round(fl.cross_entropy([[2.0, 0.5, -1.0]], [0]), 10)
    (0.2413112967, 0.2413112967)
    >>> loss.value_and_grad([[0.0, 0.0]], [[0.25, 0.75]])[1]
    array([[ 0.25, -0.25]])
    """
    return FenchelYoung(max_fn)


@rows(
    "scores",
    "target",
    reference=reference.multilabel_margin,
    peers={"torch": "multilabel_margin_loss"},
)
def multilabel_margin(
    ask: int,
    scores: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Margin loss of several labels: the score of each is to lead that of every class that is no label by 1.

    The loss of one row of C scores z and its gradient, with Y the labels in `target` before the first -1::

        loss       = sum of max(0, 1 + z_k - z_y) / C, over y in Y and k not in Y
        gradient_k = (number of y in Y with z_y - z_k < 1) / C
        gradient_y = -(number of k not in Y with z_y - z_k < 1) / C

    In NumPy: ``np.mean(np.sum(np.maximum(0, 1 + others[:, None] - z[labels]), (0, 1)) / C)``.

    Parameters
    ----------
    scores : array_like
        Scores with classes on `axis`; minus infinity is a masked class.
    target : array_like of int
        The labels of every row, integers in [0, C), in the shape of `scores`: a list of them on `axis`, which the first
        -1 ends. What follows does not count.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink, a lead of 1, the gradient is 0. A label that is listed twice counts twice, as in torch; a row without
    labels, or in which every class is one, costs 0. What the difference of the scores rounds off is kept: near the
    margin it is all there is. The time grows with the labels of a row times its classes. Whether each class is there,
    instead of a list of those that are, takes `multilabel_soft_margin`.

    References
    ----------
    A. Elisseeff and J. Weston, A Kernel Method for Multi-Labelled Classification, NIPS (2001).

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.multilabel_margin([[2.0, 1.5, 1.25, -1.0]], [[0, 2, -1, 3]])
    0.4375
    >>> fl.multilabel_margin.value_and_grad(np.array([[2.0, 1.5, 1.25, -1.0]]), [[0, 2, -1, 3]])[1]
    array([[-0.25,  0.5 , -0.25,  0.  ]])
    """
    return multilabel_margin.run(ask, (scores, target), (), weight, reduction, denominator, axis, out)


@rows(
    "logits",
    "target",
    reference=reference.multilabel_soft_margin,
    domain={"target": Interval(0, 1)},
    peers={"torch": Peer("multilabel_soft_margin_loss", words={"class_weight": "weight"})},
)
def multilabel_soft_margin(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Soft margin loss of several labels: the mean of the binary cross-entropies of the classes.

    The loss of one row of C logits z and its gradient, with t = target and w = class_weight::

        loss     = sum of w_k (t_k log(1 + e^-z_k) + (1 - t_k) log(1 + e^z_k)) / C
        gradient = w (sigmoid(z) - t) / C

    In NumPy: ``np.mean(np.log1p(np.exp(z)) - t * z)``.

    Parameters
    ----------
    logits : array_like
        Scores with classes on `axis`, one for each class: not probabilities, of which each is a sigmoid.
    target : array_like in {target}
        Whether each class is there, in the shape of `logits`.
    class_weight : array_like, optional
        Weight of each class, (C,), at least 0. One of 0 is not looked at; the divisor, C, stays.
    axis : int
        The class axis. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The classes do not compete, as in softmax: it is `binary_cross_entropy_with_logits` with a mean
    for each row, and computed as that is.

    References
    ----------
    I. J. Good, Rational Decisions, Journal of the Royal Statistical Society B 14 (1952).

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.multilabel_soft_margin([[2.0, 0.0]], [[1.0, 0.0]]), 10)
    0.4100375958
    >>> fl.multilabel_soft_margin.value_and_grad(np.zeros((1, 2)), [[1.0, 0.0]])[1]
    array([[-0.25,  0.25]])
    """
    return multilabel_soft_margin.run(
        ask, (logits, target), (), weight, reduction, denominator, axis, out, class_weight
    )
