"""Ranking losses: whether the one that should stand above the other is scored higher.

Of pairs, element by element; or of rows, in which the scores of a query's items lie on one axis. An item whose score is
minus infinity is masked: rows of unequal length are filled up with it.
"""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import ArrayLike

from fastloss.arrays import NON_NEGATIVE, POSITIVE, SIGNS, Interval
from fastloss.loss import Out, Peer, Reduction, pointwise, rows
from fastloss.reference import ranking as reference

__all__ = [
    "bpr",
    "list_mle",
    "list_net",
    "margin_ranking",
    "pairwise_hinge",
    "pairwise_logistic",
    "pairwise_soft_zero_one",
    "ranking_softmax",
]


@pointwise(
    "input1",
    "input2",
    "target",
    reference=reference.margin_ranking,
    grads=("input1", "input2"),
    domain={"target": SIGNS, "margin": Interval(-math.inf, math.inf, low_open=True, high_open=True)},
    examples=({}, {"margin": 0.5}),
    kinks=lambda margin=0.0: (margin,),
    peers={"torch": "margin_ranking_loss"},
)
def margin_ranking(
    ask: int,
    input1: ArrayLike,
    input2: ArrayLike,
    target: ArrayLike,
    *,
    margin: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Margin ranking loss: one score is to lead the other by a margin, the target says which.

    The loss of one pair, its gradients and its second derivatives, with y = target::

        loss      = max(0, margin - y (input1 - input2))
        gradients = -y, y    if y (input1 - input2) <= margin, else  0, 0
        Hessians  = 0, 0

    In NumPy: ``np.mean(np.maximum(0, margin - target * (input1 - input2)))``.

    Parameters
    ----------
    input1, input2 : array_like
        The scores; of one shape, or some of them scalars.
    target : array_like in {target}
        1 where `input1` is to lead, -1 where `input2` is.
    margin : float in {margin}
        The lead from which on a pair costs nothing.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink y (input1 - input2) = margin the gradient is that of the side that pushes, as in torch: with the default
    margin equal scores are pushed apart. What the difference of the scores rounds off is kept: near the margin it is
    all there is.

    References
    ----------
    R. Herbrich, T. Graepel and K. Obermayer, Large Margin Rank Boundaries for Ordinal Regression, in Advances in Large
    Margin Classifiers (2000).

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.margin_ranking([3.0, 1.0], [1.0, 3.0], [1, 1], reduction="none")
    array([0., 2.])
    >>> loss, grad = fl.margin_ranking.value_and_grad([1.0, 2.0], [3.0, 2.0], [1, -1], reduction="sum")
    >>> grad.input1, grad.input2
    (array([-1.,  1.]), array([ 1., -1.]))
    """
    margin = margin_ranking.parameter("margin", margin)
    return margin_ranking.run(ask, (input1, input2, target), (margin,), weight, reduction, denominator, out)


@pointwise(
    "positive",
    "negative",
    reference=reference.pairwise_hinge,
    grads=("positive", "negative"),
    domain={"margin": NON_NEGATIVE},
    examples=({}, {"margin": 0.25}),
    kinks=lambda margin=1.0: (margin,),
)
def pairwise_hinge(
    ask: int,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    margin: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Pairwise hinge loss: the positive is to lead by a margin.

    The loss of one pair, its gradients and its second derivatives, with d = positive - negative::

        loss      = max(0, margin - d)
        gradients = -1, 1    if d < margin, else  0, 0
        Hessians  = 0, 0

    In NumPy: ``np.mean(np.maximum(0, margin - (positive - negative)))``.

    Parameters
    ----------
    positive, negative : array_like
        Scores of what is to stand above and of what is to stand below; of one shape, or one of them a scalar.
    margin : float in {margin}
        The lead from which on a pair costs nothing.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kink d = margin the gradient is 0. What the difference of the scores rounds off is kept: near the margin it
    is all there is.

    References
    ----------
    T. Joachims, Optimizing Search Engines using Clickthrough Data, KDD (2002), https://doi.org/10.1145/775047.775067

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.pairwise_hinge([3.0, 1.5, 1.0], [1.0, 1.0, 3.0], reduction="none")
    array([0. , 0.5, 3. ])
    >>> loss, grad = fl.pairwise_hinge.value_and_grad([2.0, 1.5], [1.0, 1.0], reduction="sum")
    >>> grad.positive, grad.negative
    (array([ 0., -1.]), array([0., 1.]))
    """
    margin = pairwise_hinge.parameter("margin", margin)
    return pairwise_hinge.run(ask, (positive, negative), (margin,), weight, reduction, denominator, out)


@pointwise(
    "positive",
    "negative",
    reference=reference.pairwise_soft_zero_one,
    grads=("positive", "negative"),
)
def pairwise_soft_zero_one(
    ask: int,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Soft 0-1 loss of a pair: the probability of the wrong order.

    The loss of one pair, its gradients and its second derivatives, with d = positive - negative and
    sigma(x) = 1 / (1 + exp(-x))::

        loss      = sigma(-d)
        gradients = -sigma(d) sigma(-d), sigma(d) sigma(-d)
        Hessians  = sigma(d) sigma(-d) (sigma(d) - sigma(-d)), by both

    In NumPy: ``np.mean(1 / (1 + np.exp(positive - negative)))``.

    Parameters
    ----------
    positive, negative : array_like
        Scores of what is to stand above and of what is to stand below; of one shape, or one of them a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere, and at most 1: a pair that is far wrong is given up. Made of exp(-abs(d)), with what d rounds
    off: the exponential function would multiply it by d.

    References
    ----------
    T. Qin, T.-Y. Liu and H. Li, A General Approximation Framework for Direct Optimization of Information Retrieval
    Measures, Information Retrieval 13 (2010), https://doi.org/10.1007/s10791-009-9124-x

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.pairwise_soft_zero_one([1.0, 100.0], [1.0, 0.0], reduction="none")
    array([5.00000000e-01, 3.72007598e-44])
    >>> loss, grad = fl.pairwise_soft_zero_one.value_and_grad([1.0, 100.0], [1.0, 0.0], reduction="sum")
    >>> grad.positive, grad.negative
    (array([-2.50000000e-01, -3.72007598e-44]), array([2.50000000e-01, 3.72007598e-44]))
    """
    return pairwise_soft_zero_one.run(ask, (positive, negative), (), weight, reduction, denominator, out)


@pointwise(
    "positive",
    "negative",
    reference=reference.pairwise_logistic,
    grads=("positive", "negative"),
    domain={"sigma": POSITIVE},
    examples=({}, {"sigma": 2.0}),
)
def pairwise_logistic(
    ask: int,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    sigma: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Pairwise logistic loss, RankNet's: minus the log of the probability given to the right order.

    The loss of one pair, its gradients and its second derivatives, with s = sigma, x = s (positive - negative) and
    p = 1 / (1 + exp(x)) the probability of the wrong order::

        loss      = -log(1 - p)
        gradients = -s p, s p
        Hessians  = s^2 p (1 - p), by both

    In NumPy: ``np.mean(np.logaddexp(0, sigma * (negative - positive)))``.

    Parameters
    ----------
    positive, negative : array_like
        Scores of what is to stand above and of what is to stand below; of one shape, or one of them a scalar.
    sigma : float in {sigma}
        What a difference of scores is multiplied by to be log-odds.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Every part is made of exp(-abs(x)), which cannot overflow, with what x rounds off: the
    exponential function would multiply it by x. Nothing is subtracted from 1: a confident, right order keeps its tail.

    References
    ----------
    C. Burges, T. Shaked, E. Renshaw, A. Lazier, M. Deeds, N. Hamilton and G. Hullender, Learning to Rank using Gradient
    Descent, ICML (2005), https://doi.org/10.1145/1102351.1102363

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.pairwise_logistic([40.0, 0.0], [0.0, 800.0], reduction="none")
    array([4.24835426e-18, 8.00000000e+02])
    >>> loss, grad = fl.pairwise_logistic.value_and_grad([40.0, 0.0], [0.0, 800.0], reduction="sum")
    >>> grad.positive, grad.negative
    (array([-4.24835426e-18, -1.00000000e+00]), array([4.24835426e-18, 1.00000000e+00]))
    """
    sigma = pairwise_logistic.parameter("sigma", sigma)
    return pairwise_logistic.run(ask, (positive, negative), (sigma,), weight, reduction, denominator, out)


@pointwise(
    "positive",
    "negative",
    reference=reference.bpr,
    grads=("positive", "negative"),
)
def bpr(
    ask: int,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Bayesian personalised ranking: an item that a user chose is to score above one that he did not.

    The loss of one pair, its gradients and its second derivatives, with d = positive - negative and
    sigma(x) = 1 / (1 + exp(-x))::

        loss      = -log sigma(d)
        gradients = -sigma(-d), sigma(-d)
        Hessians  = sigma(d) sigma(-d), by both

    In NumPy: ``np.mean(np.logaddexp(0, negative - positive))``.

    Parameters
    ----------
    positive, negative : array_like
        Scores of the items chosen and of others; of one shape, or one of them a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. It is `pairwise_logistic` with sigma = 1, computed alike.

    References
    ----------
    S. Rendle, C. Freudenthaler, Z. Gantner and L. Schmidt-Thieme, BPR: Bayesian Personalized Ranking from Implicit
    Feedback, UAI (2009), https://arxiv.org/abs/1205.2618

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.bpr(3.0, 1.0), 9)
    0.126928011
    >>> loss, grad = fl.bpr.value_and_grad([1.0, 40.0], [1.0, 0.0], reduction="sum")
    >>> grad.positive, grad.negative
    (array([-5.00000000e-01, -4.24835426e-18]), array([5.00000000e-01, 4.24835426e-18]))
    """
    return bpr.run(ask, (positive, negative), (1.0,), weight, reduction, denominator, out)


@rows(
    "scores",
    "relevance",
    reference=reference.list_net,
    domain={"temperature": POSITIVE},
    examples=({}, {"temperature": 0.25}),
)
def list_net(
    ask: int,
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    temperature: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """ListNet (top one): cross-entropy of the scores against the shares that the relevances give the items.

    The loss of one query with the scores s, and its gradient, with p = softmax(s) and t = softmax(relevance /
    temperature)::

        loss     = -sum_i t_i log p_i
        gradient = p - t

    In NumPy: ``t = fl.softmax(relevance / temperature)``, ``np.mean(-(t * fl.log_softmax(scores)).sum(-1))``.

    Parameters
    ----------
    scores : array_like
        What a model gives each item, the items of a query on `axis`. Minus infinity masks an item: it is none,
        whatever its relevance, and its gradient is 0.
    relevance : array_like
        How relevant each item is, in the shape of `scores`; logarithms of shares are relevances with these shares.
    temperature : float in {temperature}
        Divides the relevances: the lower, the more of the target belongs to the most relevant item.
    axis : int
        The axis of a query's items. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. A query whose items are all masked costs 0, but counts in the mean unless its weight is 0. The
    value and the gradient are made as those of `cross_entropy`: all terms are positive, and of the highest score the
    gradient is what the others' shares differ by. The target is computed in double, of both parts of the quotient: a
    division's rounding is 16 ulp of an exponential of 20.

    References
    ----------
    Z. Cao, T. Qin, T.-Y. Liu, M.-F. Tsai and H. Li, Learning to Rank: From Pairwise Approach to Listwise Approach, ICML
    (2007), https://doi.org/10.1145/1273496.1273513

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.list_net([[2.0, 0.5, -1.0]], [[3.0, 1.0, 0.0]]), 10)
    0.5386342941
    >>> loss, grad = fl.list_net.value_and_grad([[2.0, 0.5, -np.inf]], [[1, 1, 1]])
    >>> grad.round(6)
    array([[ 0.317574, -0.317574,  0.      ]])
    """
    params = (list_net.parameter("temperature", temperature),)
    return list_net.run(ask, (scores, relevance), params, weight, reduction, denominator, axis, out)


@rows(
    "scores",
    "relevance",
    reference=reference.ranking_softmax,
    domain={"relevance": NON_NEGATIVE},
    peers={"optax": Peer("ranking_softmax_loss", given={"reduce_fn": None})},
)
def ranking_softmax(
    ask: int,
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Softmax ranking loss: cross-entropy of the scores, each item as often as it is relevant.

    The loss of one query with the scores s and the relevances y, and its gradient, with p = softmax(s)::

        loss     = -sum_i y_i log p_i
        gradient = sum(y) p - y

    In NumPy: ``np.mean(-(relevance * fl.log_softmax(scores)).sum(-1))``.

    Parameters
    ----------
    scores : array_like
        What a model gives each item, the items of a query on `axis`. Minus infinity masks an item: it is none,
        whatever its relevance, and its gradient is 0.
    relevance : array_like in {relevance}
        How relevant each item is, in the shape of `scores`. They are not normalised: a query with more of them counts
        more, one without any costs 0. Weights of items are multiplied into them.
    axis : int
        The axis of a query's items. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. A query whose items are all masked costs 0, but counts in the mean unless its weight is 0. It is
    `cross_entropy` with shares of any sum, computed alike.

    References
    ----------
    S. Bruch, X. Wang, M. Bendersky and M. Najork, An Analysis of the Softmax Cross Entropy Loss for Learning-to-Rank
    with Binary Relevance, ICTIR (2019), https://doi.org/10.1145/3341981.3344221

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.ranking_softmax([[2.0, 0.5, -1.0]], [[1, 0, 0]]), 10)
    0.2413112967
    >>> loss, grad = fl.ranking_softmax.value_and_grad([[1.0, 0.0, -np.inf]], [[0, 2, 1]])
    >>> round(loss, 10), grad.round(6)
    (2.626523375, array([[ 1.462117, -1.462117,  0.      ]]))
    """
    return ranking_softmax.run(ask, (scores, relevance), (), weight, reduction, denominator, axis, out)


@rows(
    "scores",
    "relevance",
    reference=reference.list_mle,
)
def list_mle(
    ask: int,
    scores: ArrayLike,
    relevance: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """ListMLE: minus the log-probability of the right order, items drawn one by one by the softmax of their scores.

    The loss of one query and its gradient, with s_1, s_2, ... the scores in the order of the relevances, the most
    relevant item's first, and S_k = exp(s_k) + exp(s_(k+1)) + ...::

        loss         = sum_k (log S_k - s_k)
        gradient_k   = sum over i <= k of exp(s_k) / S_i  - 1

    In NumPy: ``s = np.take_along_axis(scores, np.argsort(-relevance, kind="stable"), -1)``,
    ``np.mean((np.logaddexp.accumulate(s[:, ::-1], -1)[:, ::-1] - s).sum(-1))``.

    Parameters
    ----------
    scores : array_like
        What a model gives each item, the items of a query on `axis`. Minus infinity masks an item: it is none,
        whatever its relevance, and its gradient is 0.
    relevance : array_like
        How relevant each item is, in the shape of `scores`. Only their order counts; equals keep the order they come
        in.
    axis : int
        The axis of a query's items. Any axis works without a transposed copy, and gives the same bits.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere in the scores. A query whose items are all masked costs 0, but counts in the mean unless its
    weight is 0; a score of plus infinity gives nan. Each term is log1p of the sum of those after it, a confident, right
    order keeps its tail; the running sums of exponentials are taken from a score further down, and over again from one
    that is far higher, so none overflows. Rows of up to 64 items are sorted by counting, longer ones byte by byte.

    References
    ----------
    F. Xia, T.-Y. Liu, J. Wang, W. Zhang and H. Li, Listwise Approach to Learning to Rank: Theory and Algorithm, ICML
    (2008), https://doi.org/10.1145/1390156.1390306

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.list_mle([[2.0, 0.5, -1.0]], [[3, 1, 0]]), 10)
    0.4427245746
    >>> loss, grad = fl.list_mle.value_and_grad([[40.0, 0.0, -np.inf]], [[1, 0, 5]])
    >>> loss, grad
    (4.248354255291589e-18, array([[-4.24835426e-18,  4.24835426e-18,  0.00000000e+00]]))
    """
    return list_mle.run(ask, (scores, relevance), (), weight, reduction, denominator, axis, out)
