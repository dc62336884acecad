"""Ranking: is the one that should stand above the other scored higher?

Most functions take the scores of a pair: `positive` of what is relevant, bought or clicked, `negative` of what is not,
and look at the difference d = positive - negative. `_grad` is the pair of first derivatives by both scores, `_hess`
that of the second.

list_net, ranking_softmax and list_mle take a list: the scores of all items of a query, and how relevant each is.
`_grad` is the list of first derivatives by the scores. An item whose score is -inf is masked: it is none.
"""

from itertools import accumulate

from .generative import sigmoid, softplus
from .numbers import divide, exp, log
from .softmax import cross_entropy, cross_entropy_grad, softmax


def margin_ranking(input1, input2, target, *, margin=0.0):
    """Margin ranking loss: the first is to lead by the margin if the target is 1, the second if it is -1.

        max(0, margin - target (input1 - input2))

    Where floats break: margin - d takes the rounding of the difference d for a lead. The kernel keeps what d rounds
    off.

    Herbrich, Graepel and Obermayer, Large Margin Rank Boundaries for Ordinal Regression, in Advances in Large Margin
    Classifiers (2000).

    >>> margin_ranking(3.0, 1.0, 1.0), margin_ranking(3.0, 1.0, -1.0)
    (0, 2.0)
    >>> margin_ranking(3.0, 1.0, 1.0, margin=5.0)
    3.0

    The lost lead:

    >>> margin_ranking(1.0, 1e-20, 1.0, margin=1.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(margin_ranking(mpf(1), mpf(1e-20), 1, margin=mpf(1)))
    1e-20
    """
    missing = margin - target * (input1 - input2)
    return 0 if missing < 0 else missing


def margin_ranking_grad(input1, input2, target, *, margin=0.0):
    """Slopes of the margin ranking loss: a push apart until the lead is large enough.

        -target        target        if target (input1 - input2) <= margin, else 0        0

    At the kink, where the lead is the margin, they are those of the side that pushes.

    >>> margin_ranking_grad(1.0, 3.0, 1.0), margin_ranking_grad(3.0, 1.0, 1.0), margin_ranking_grad(1.0, 1.0, -1.0)
    ((-1.0, 1.0), (0, 0), (1.0, -1.0))
    """
    if margin - target * (input1 - input2) < 0:
        return 0, 0
    return -target, target


def margin_ranking_hess(input1, input2, target, *, margin=0.0):
    """Curvatures of the margin ranking loss: none.

    >>> margin_ranking_hess(1.0, 3.0, 1.0)
    (0, 0)
    """
    return 0, 0


def pairwise_hinge(positive, negative, *, margin=1.0):
    """Pairwise hinge loss: the positive is to lead by the margin.

        max(0, margin - d)

    Where floats break: margin - d takes the rounding of the difference d for a lead. The kernel keeps what d rounds
    off.

    Joachims, Optimizing Search Engines using Clickthrough Data, KDD (2002).

    >>> pairwise_hinge(3.0, 1.0), pairwise_hinge(1.5, 1.0), pairwise_hinge(1.0, 3.0)
    (0, 0.5, 3.0)
    """
    missing = margin - (positive - negative)
    return 0 if missing <= 0 else missing


def pairwise_hinge_grad(positive, negative, *, margin=1.0):
    """Slopes of the pairwise hinge loss: a push apart until the lead is large enough.

        -1        1        if d < margin, else 0        0

    >>> pairwise_hinge_grad(1.5, 1.0), pairwise_hinge_grad(2.0, 1.0)
    ((-1, 1), (0, 0))
    """
    if margin - (positive - negative) <= 0:
        return 0, 0
    return -1, 1


def pairwise_hinge_hess(positive, negative, *, margin=1.0):
    """Curvatures of the pairwise hinge loss: none.

    >>> pairwise_hinge_hess(1.5, 1.0)
    (0, 0)
    """
    return 0, 0


def pairwise_soft_zero_one(positive, negative):
    """Soft 0-1 loss of a pair: the probability of the wrong order.

        sigma(-d) = 1 / (1 + e^d)

    Summed over the others it is a smooth rank. Bounded: a pair that is far wrong is given up.

    Where floats break: e^d overflows beyond 709 (88 in float32), and its slope e^d / (1 + e^d)^2 is then NaN. The
    kernel takes e^-|d|, with what d rounds off: e would multiply it by d.

    Qin, Liu and Li, A General Approximation Framework for Direct Optimization of Information Retrieval Measures,
    Information Retrieval 13 (2010).

    >>> pairwise_soft_zero_one(1.0, 1.0), round(pairwise_soft_zero_one(3.0, 1.0), 10)
    (0.5, 0.119202922)
    >>> pairwise_soft_zero_one(float("inf"), 0.0), pairwise_soft_zero_one(float("-inf"), 0.0)
    (0.0, 1.0)
    """
    return sigmoid(negative - positive)


def pairwise_soft_zero_one_grad(positive, negative):
    """Slopes of the soft 0-1 loss: largest where the pair is undecided.

        -sigma(d) sigma(-d)        sigma(d) sigma(-d)

    >>> pairwise_soft_zero_one_grad(1.0, 1.0)
    (-0.25, 0.25)
    """
    slope = sigmoid(positive - negative) * sigmoid(negative - positive)
    return -slope, slope


def pairwise_soft_zero_one_hess(positive, negative):
    """Curvatures of the soft 0-1 loss: it bends down where the pair is in the wrong order.

        sigma(d) sigma(-d) (sigma(d) - sigma(-d)), by both

    >>> pairwise_soft_zero_one_hess(1.0, 1.0), round(pairwise_soft_zero_one_hess(1.0, 3.0)[0], 10)
    ((0.0, 0.0), -0.0799625011)
    """
    right, wrong = sigmoid(positive - negative), sigmoid(negative - positive)
    curvature = right * wrong * (right - wrong)
    return curvature, curvature


def pairwise_logistic(positive, negative, *, sigma=1.0):
    """Pairwise logistic loss, RankNet's: minus the log of the probability given to the right order.

        log(1 + e^(-sigma d))

    Where floats break: e^x overflows beyond 709 (88 in float32), and where e^-x is below 1e-16, 1 + e^-x is 1 and
    the loss 0. The kernel takes log1p of e^-|x|, with what x = sigma d rounds off: e would multiply it by x.

    Burges, Shaked, Renshaw, Lazier, Deeds, Hamilton and Hullender, Learning to Rank using Gradient Descent, ICML
    (2005).

    A tie costs log 2; a wrong order about its distance.

    >>> round(pairwise_logistic(1.0, 1.0), 10), round(pairwise_logistic(0.0, 30.0), 10)
    (0.6931471806, 30.0)
    >>> round(pairwise_logistic(3.0, 1.0), 10), round(pairwise_logistic(3.0, 1.0, sigma=2.0), 10)
    (0.126928011, 0.0181499279)

    The overflow, and the lost tail:

    >>> pairwise_logistic(0.0, 800.0), pairwise_logistic(40.0, 0.0)
    (inf, 0.0)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(pairwise_logistic(mpf(0), mpf(800)))
    ...     float(pairwise_logistic(mpf(40), mpf(0)))
    800.0
    4.248354255291589e-18
    """
    return softplus(-sigma * (positive - negative))


def pairwise_logistic_grad(positive, negative, *, sigma=1.0):
    """Slopes of the pairwise logistic loss: RankNet's lambda, which pushes the pair apart.

        -sigma sigmoid(-sigma d)        sigma sigmoid(-sigma d)

    >>> pairwise_logistic_grad(1.0, 1.0), pairwise_logistic_grad(1.0, 1.0, sigma=2.0)
    ((-0.5, 0.5), (-1.0, 1.0))
    """
    push = sigma * sigmoid(-sigma * (positive - negative))
    return -push, push


def pairwise_logistic_hess(positive, negative, *, sigma=1.0):
    """Curvatures of the pairwise logistic loss.

        sigma^2 sigmoid(sigma d) sigmoid(-sigma d), by both

    >>> pairwise_logistic_hess(1.0, 1.0), pairwise_logistic_hess(1.0, 1.0, sigma=2.0)
    ((0.25, 0.25), (1.0, 1.0))
    """
    x = sigma * (positive - negative)
    curvature = sigma * sigma * sigmoid(x) * sigmoid(-x)
    return curvature, curvature


def bpr(positive, negative):
    """Bayesian personalised ranking: an item that a user chose is to score above one that he did not.

        -log sigma(d) = log(1 + e^-d)

    Where floats break: as in the pairwise logistic loss, which it is for sigma = 1.

    Rendle, Freudenthaler, Gantner and Schmidt-Thieme, BPR: Bayesian Personalized Ranking from Implicit Feedback, UAI
    (2009).

    >>> round(bpr(1.0, 1.0), 10), round(bpr(3.0, 1.0), 10)
    (0.6931471806, 0.126928011)
    """
    return softplus(negative - positive)


def bpr_grad(positive, negative):
    """Slopes: how far from certain the right order is.

        -sigma(-d)        sigma(-d)

    >>> bpr_grad(1.0, 1.0)
    (-0.5, 0.5)
    """
    push = sigmoid(negative - positive)
    return -push, push


def bpr_hess(positive, negative):
    """Curvatures.

        sigma(d) sigma(-d), by both

    >>> bpr_hess(1.0, 1.0)
    (0.25, 0.25)
    """
    curvature = sigmoid(positive - negative) * sigmoid(negative - positive)
    return curvature, curvature


def list_net(scores, relevance, *, temperature=1.0):
    """ListNet, top one: how far the scores' idea of the first item is from the relevances'.

        -sum_i t_i log p_i    with p = softmax(scores), t = softmax(relevance / temperature)

    Where floats break: as in cross_entropy, which it is for a target of t; and e multiplies what the quotient
    relevance / temperature rounds off. The kernel keeps that.

    Cao, Qin, Liu, Tsai and Li, Learning to Rank: From Pairwise Approach to Listwise Approach, ICML (2007).

    >>> round(list_net([2.0, 0.5, -1.0], [3.0, 1.0, 0.0]), 10)
    0.5386342941

    Logs of shares are relevances that have these shares: of one item alone it is the cross-entropy of its label.

    >>> round(list_net([2.0, 0.5, -1.0], [0.0, float("-inf"), float("-inf")]), 10)
    0.2413112967
    >>> list_net([2.0, float("-inf")], [0.0, 5.0]), list_net([float("-inf")], [5.0])  # masked
    (0.0, 0)
    """
    items = _items(scores)
    return cross_entropy([scores[i] for i in items], _shares(relevance, items, temperature))


def list_net_grad(scores, relevance, *, temperature=1.0):
    """Slopes of ListNet's loss by each score: what the scores expect, minus what the relevances do.

        p_i - t_i

    Where floats break: as in cross_entropy_grad.

    >>> [round(slope, 6) for slope in list_net_grad([2.0, 0.5, -1.0], [3.0, 1.0, 0.0])]
    [-0.058198, 0.061095, -0.002897]
    >>> list_net_grad([0.0, float("-inf"), 0.0], [1.0, 2.0, 1.0])
    [0.0, 0, 0.0]
    """
    items = _items(scores)
    slopes = cross_entropy_grad([scores[i] for i in items], _shares(relevance, items, temperature))
    return _in_place(slopes, items, len(scores))


def list_net_grad_terms(scores, relevance, *, temperature=1.0):
    """A slope is the difference of two shares, p_i - t_i, or (1 - t_i) - (1 - p_i), where that has the smaller terms:
    where they meet, every digit of it is one that their rounding took.

    >>> list_net_grad_terms([0.0, 0.0], [1.0, 1.0])
    [[0.5, -0.5], [0.5, -0.5]]
    """
    items = _items(scores)
    pairs = zip(softmax([scores[i] for i in items]), _shares(relevance, items, temperature), strict=True)
    terms = [[p, -t] if p + t <= 1 else [1 - t, p - 1] for p, t in pairs]
    return [terms[items.index(i)] if i in items else [] for i in range(len(scores))]


def ranking_softmax(scores, relevance):
    """Softmax ranking loss: cross-entropy of the scores, each item as often as it is relevant.

        -sum_i y_i log p_i    with p = softmax(scores), y = relevance

    The relevances are not normalised: a query with many relevant items counts more, one without any costs nothing.

    Where floats break: as in cross_entropy.

    Bruch, Wang, Bendersky and Najork, An Analysis of the Softmax Cross Entropy Loss for Learning-to-Rank with Binary
    Relevance, ICTIR (2019).

    >>> round(ranking_softmax([2.0, 0.5, -1.0], [1.0, 0.0, 0.0]), 10)
    0.2413112967
    >>> round(ranking_softmax([2.0, 0.5, -1.0], [3.0, 1.0, 0.0]), 10)
    2.4652451866
    >>> ranking_softmax([2.0, float("-inf")], [1.0, 5.0]), ranking_softmax([2.0, 1.0], [0.0, 0.0])
    (0.0, 0)
    """
    items = _items(scores)
    return cross_entropy([scores[i] for i in items], [relevance[i] for i in items])


def ranking_softmax_grad(scores, relevance):
    """Slopes of the softmax ranking loss by each score.

        p_i sum(y) - y_i

    Where floats break: as in cross_entropy_grad.

    >>> [round(slope, 6) for slope in ranking_softmax_grad([2.0, 0.5, -1.0], [1.0, 0.0, 0.0])]
    [-0.214403, 0.17529, 0.039113]
    """
    items = _items(scores)
    slopes = cross_entropy_grad([scores[i] for i in items], [relevance[i] for i in items])
    return _in_place(slopes, items, len(scores))


def ranking_softmax_grad_terms(scores, relevance):
    """A slope is the difference of two given numbers, p_i sum(y) - y_i: where they meet, every digit of it is one that
    the rounding of p took. (Of one relevant item, p < 1 never meets it.)

    >>> ranking_softmax_grad_terms([0.0, 0.0], [1.0, 3.0])
    [[2.0, -1.0], [2.0, -3.0]]
    """
    items = _items(scores)
    total = sum(relevance[i] for i in items)
    if sum(relevance[i] != 0 for i in items) < 2:
        return [[] for _ in scores]
    terms = [[total * p, -relevance[i]] for i, p in zip(items, softmax([scores[i] for i in items]), strict=True)]
    return [terms[items.index(i)] if i in items else [] for i in range(len(scores))]


def list_mle(scores, relevance):
    """ListMLE: minus the log-probability of the right order, if items are drawn one by one by the softmax of their
    scores (Plackett and Luce).

        sum_k (lse(s_k, s_(k+1), ...) - s_k)    over the items in the order of their relevance, the best first

    lse is the log of the sum of exponentials. Equally relevant items keep the order they come in.

    Where floats break: e^s overflows, and each term of a confident, right order is a difference of nearly equal
    numbers. The kernel takes every exponential of the distance from a score further down, and each term as log1p of the
    sum of those after it.

    Xia, Liu, Wang, Zhang and Li, Listwise Approach to Learning to Rank: Theory and Algorithm, ICML (2008).

    >>> round(list_mle([2.0, 0.5, -1.0], [3.0, 1.0, 0.0]), 10)
    0.4427245746
    >>> round(list_mle([2.0, 0.5, -1.0], [0.0, 1.0, 3.0]), 10)
    4.9427245746

    Equal scores give any of n! orders the same probability: four items cost log 24.

    >>> round(list_mle([0.0] * 4, [4.0, 2.0, 3.0, 1.0]), 10)
    3.1780538303
    >>> list_mle([float("-inf"), 2.0], [1.0, 0.0]), list_mle([], [])
    (0.0, 0)

    The lost tail:

    >>> list_mle([40.0, 0.0], [1.0, 0.0]), list_mle([1000.0, 0.0], [1.0, 0.0])
    (0.0, inf)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(list_mle([mpf(40), mpf(0)], [1, 0]))
    4.248354255291589e-18
    """
    order, _, totals = _draws(scores, relevance)
    return sum(log(total) - scores[i] for i, total in zip(order, totals, strict=True))


def list_mle_grad(scores, relevance):
    """Slopes of ListMLE's loss by each score: how often the item was expected to be drawn until it was, minus once.

        sum over i <= k of e^s_k / (e^s_i + e^s_(i+1) + ...)  - 1

    Where floats break: as in cross_entropy_grad, at each draw. The kernel takes the last draw and the 1 together, as
    minus the probability of the others.

    >>> [round(slope, 6) for slope in list_mle_grad([2.0, 0.5, -1.0], [3.0, 1.0, 0.0])]
    [-0.214403, -0.007135, 0.221538]
    >>> list_mle_grad([0.0, 0.0], [1.0, 0.0]), list_mle_grad([0.0, float("-inf")], [1.0, 0.0])
    ([-0.5, 0.5], [0.0, 0])
    """
    slopes, draws = [0] * len(scores), 0
    for i, power, total in zip(*_draws(scores, relevance), strict=True):
        draws += divide(1, total)
        slopes[i] = power * draws - 1
    return slopes


def list_mle_grad_terms(scores, relevance):
    """A slope is the sum of an item's probabilities while others were drawn, minus that of the others when it was: two
    numbers which may meet, and their rounding is then all there is.

    >>> list_mle_grad_terms([0.0, 0.0], [1.0, 0.0])
    [[0.0, -0.5], [0.5, -0.0]]
    """
    order, powers, totals = _draws(scores, relevance)
    terms, draws = [[] for _ in scores], 0
    for i, power, total, rest in zip(order, powers, totals, [*totals[1:], 0], strict=True):
        terms[i] = [power * draws, -divide(rest, total)]
        draws += divide(1, total)
    return terms


def _items(scores):
    """Where the items are that are not masked.

    >>> _items([1.0, float("-inf"), 2.0])
    [0, 2]
    """
    return [i for i, score in enumerate(scores) if score != float("-inf")]


def _draws(scores, relevance):
    """The items by descending relevance, equals in the order they come in; e to the power of their scores; and at each
    the sum of those that are still there.

    >>> _draws([0.0, 0.0, float("-inf"), 0.0], [1.0, 2.0, 3.0, 2.0])
    ([1, 3, 0], [1.0, 1.0, 1.0], [3.0, 2.0, 1.0])
    """
    order = sorted(_items(scores), key=lambda i: -relevance[i])
    powers = [exp(scores[i]) for i in order]
    return order, powers, list(accumulate(reversed(powers)))[::-1]


def _shares(relevance, items, temperature):
    """The items' shares of relevance.

    >>> _shares([1.0, 9.0, 1.0], [0, 2], 1.0)
    [0.5, 0.5]
    """
    return softmax([relevance[i] / temperature for i in items])


def _in_place(slopes, items, count):
    """Slopes of the items among those of all, 0 for the masked.

    >>> _in_place([1.0, 2.0], [0, 2], 3)
    [1.0, 0, 2.0]
    """
    found = dict(zip(items, slopes, strict=True))
    return [found.get(i, 0) for i in range(count)]
