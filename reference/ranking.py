"""Ranking: is the one that should stand above the other scored higher?

Each function takes the scores of a pair: `positive` of what is relevant, bought or clicked, `negative` of what is not,
and looks at the difference d = positive - negative. `_grad` is the pair of first derivatives by both scores, `_hess`
that of the second.
"""

from .generative import sigmoid, softplus


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
