"""Losses of several classes: one row of scores, and the label of the class that is right.

Each function takes one row: a list with the score of every class, and the index of the right one. `_grad` is the list
of derivatives by each score. A row counts as much as its label's class weight, and nothing if the label is
ignore_index.
"""

import math
from itertools import accumulate, takewhile

from .generative import sigmoid, softplus
from .numbers import log, power, stop_gradient
from .softmax import logsumexp, lse_terms, softmax


def _weight(target, class_weight, ignore_index):
    """How much a row with this label counts.

    >>> _weight(1, None, -100), _weight(1, [1.0, 3.0], -100), _weight(-100, None, -100)
    (1, 3.0, 0)
    """
    if target == ignore_index:
        return 0
    return 1 if class_weight is None else class_weight[target]


def _shares(target, classes):
    """The target's share of each class: a label has all of its own.

    >>> _shares(1, 3), _shares([0.25, 0.75], 2)
    ([0, 1, 0], [0.25, 0.75])
    """
    return target if isinstance(target, list) else [int(k == target) for k in range(classes)]


def _several(target):
    """Whether a target has shares of several classes.

    >>> _several(1), _several([0.0, 1.0]), _several([0.25, 0.75])
    (False, False, True)
    """
    return isinstance(target, list) and sum(t != 0 for t in target) > 1


def _weight_of(target, class_weight, ignore_index):
    """How much a row with this label, or these shares, counts.

    >>> _weight_of(1, [1.0, 3.0], -100), _weight_of([0.5, 0.5], [1.0, 3.0], -100), _weight_of([0.5, 0.5], None, -100)
    (3.0, 2.0, 1)
    """
    if not isinstance(target, list):
        return _weight(target, class_weight, ignore_index)
    return 1 if class_weight is None else sum(w * t for w, t in zip(class_weight, target, strict=True))


def _label_slopes(logits, target, weight, slope):
    """Slopes of a loss of the label's probability p_y, of its slope by -log p_y: slope (p_k - [k = y]).

    >>> _label_slopes([0.0, 0.0], 0, 1, 2.0)
    [-1.0, 1.0]
    """
    return [weight * slope * (p - int(k == target)) for k, p in enumerate(softmax(logits))]


def softmax_focal(logits, target, *, gamma=2.0, class_weight=None, ignore_index=-100):
    """Focal loss of several classes: cross-entropy that pays little attention to what is right already.

        -w_y (1 - p_y)^gamma log p_y

    gamma = 0 leaves the cross-entropy. The class weight w is what the paper calls alpha.

    Where floats break: 1 - p_y is 0 for a confident, correct row, and the power multiplies the error of its logarithm
    by gamma. The kernel divides the sum of the others' exponentials by that of all, each in two parts.

    Lin, Goyal, Girshick, He & Dollár, Focal Loss for Dense Object Detection (2017).

    A row with p = 0.9 costs a hundredth of its cross-entropy 0.105, one with p = 0.1 most of its 2.303:

    >>> [round(softmax_focal([log(p), log(1 - p)], 0), 10) for p in (0.9, 0.1)]
    [0.0010536052, 1.8650939253]
    >>> round(softmax_focal([2.0, 0.5, -1.0], 0, gamma=0.0), 10)  # the cross-entropy
    0.2413112967
    >>> softmax_focal([40.0, 0.0], 0)
    -0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     print(mp.nstr(softmax_focal([mpf(40), mpf(0)], 0), 12))
    7.66764807372e-53
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return 0
    p = softmax(logits)[target]
    return -weight * power(1 - p, gamma) * log(p)


def softmax_focal_grad(logits, target, *, gamma=2.0, class_weight=None, ignore_index=-100):
    """Slopes of the focal loss: less of the cross-entropy's, and those of the factor.

        w_y ((1 - p_y)^gamma - gamma (1 - p_y)^(gamma-1) p_y log p_y) (p_k - [k = y])

    Smooth everywhere; the slopes of a row add up to 0.

    >>> [round(slope, 10) for slope in softmax_focal_grad([0.0, 0.0], 0)]
    [-0.2982867951, 0.2982867951]
    >>> [round(slope, 6) for slope in softmax_focal_grad([2.0, 0.5, -1.0], 0, gamma=0.0)]
    [-0.214403, 0.17529, 0.039113]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(logits)
    p = softmax(logits)[target]
    q = 1 - p
    slope = power(q, gamma)
    if p != 0 and q != 0:
        slope -= gamma * power(q, gamma) * p * log(p) / q
    return _label_slopes(logits, target, weight, slope)


def poly1_cross_entropy(logits, target, *, epsilon=2.0, class_weight=None, ignore_index=-100):
    """Poly-1 loss: cross-entropy whose first term counts 1 + epsilon times.

        w_y (-log p_y + epsilon (1 - p_y))

    for -log p is the sum of (1 - p)^j / j over j = 1, 2, 3 ...

    Where floats break: as in the cross-entropy; and for epsilon near -1 a confident row's -log p and 1 - p cancel. The
    kernel has their difference, e^-c - 1 + c with c = -log p, as one function.

    Leng et al., PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions (2022).

    >>> round(poly1_cross_entropy([2.0, 0.5, -1.0], 0), 10)
    0.6701172275
    >>> round(poly1_cross_entropy([2.0, 0.5, -1.0], 0, epsilon=0.0), 10)  # the cross-entropy
    0.2413112967
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return 0
    p = softmax(logits)[target]
    return weight * (-log(p) + epsilon * (1 - p))


def poly1_cross_entropy_grad(logits, target, *, epsilon=2.0, class_weight=None, ignore_index=-100):
    """Slopes of the Poly-1 loss: epsilon pushes harder where the label is probable, and not quite sure yet.

        w_y (1 + epsilon p_y) (p_k - [k = y])

    Smooth everywhere; the slopes of a row add up to 0.

    >>> poly1_cross_entropy_grad([0.0, 0.0], 0)
    [-1.0, 1.0]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(logits)
    return _label_slopes(logits, target, weight, 1 + epsilon * softmax(logits)[target])


def generalized_cross_entropy(logits, target, *, q=0.7, class_weight=None, ignore_index=-100):
    """Generalised cross-entropy: between the cross-entropy (q to 0) and the absolute error 1 - p_y (q = 1).

        w_y (1 - p_y^q) / q

    Bounded by 1 / q: a label that is hopelessly wrong, as some are in noisy data, is given up.

    Where floats break: 1 - p^q cancels for a confident row, and p^q for a tiny p multiplies the error of log p by q.
    The kernel takes -expm1(q log p) / q, with log p in two parts.

    Zhang & Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels (2018).

    >>> round(generalized_cross_entropy([2.0, 0.5, -1.0], 0), 10)
    0.2220310944
    >>> round(generalized_cross_entropy([2.0, 0.5, -1.0], 0, q=1.0), 10)  # 1 - 0.785597
    0.2144029654
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return 0
    return weight * (1 - power(softmax(logits)[target], q)) / q


def generalized_cross_entropy_grad(logits, target, *, q=0.7, class_weight=None, ignore_index=-100):
    """Slopes of the generalised cross-entropy: those of cross-entropy, less for an improbable label.

        w_y p_y^q (p_k - [k = y])

    Smooth everywhere; the slopes of a row add up to 0.

    >>> generalized_cross_entropy_grad([0.0, 0.0], 0, q=1.0)
    [-0.25, 0.25]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(logits)
    return _label_slopes(logits, target, weight, power(softmax(logits)[target], q))


def symmetric_cross_entropy(
    logits, target, *, alpha=0.1, beta=1.0, log_zero=-4.0, class_weight=None, ignore_index=-100
):
    """Symmetric cross-entropy: cross-entropy, and the reverse one, in which prediction and target change places.

        w_y (-alpha log p_y - beta log_zero (1 - p_y))

    The reverse one is -sum_k p_k log t_k; log_zero stands for the logarithm of the target's zeros. It is bounded, and
    makes noisy labels do less harm.

    Where floats break: as in the cross-entropy, in log p and 1 - p of a confident row.

    Wang et al., Symmetric Cross Entropy for Robust Learning with Noisy Labels (2019).

    >>> round(symmetric_cross_entropy([2.0, 0.5, -1.0], 0), 10)
    0.8817429913
    >>> round(symmetric_cross_entropy([2.0, 0.5, -1.0], 0, alpha=1.0, beta=0.0), 10)  # the cross-entropy
    0.2413112967
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return 0
    p = softmax(logits)[target]
    cost = -alpha * log(p) if alpha != 0 else 0
    return weight * (cost - beta * log_zero * (1 - p))


def symmetric_cross_entropy_grad(
    logits, target, *, alpha=0.1, beta=1.0, log_zero=-4.0, class_weight=None, ignore_index=-100
):
    """Slopes of the symmetric cross-entropy: alpha times those of cross-entropy, and those of 1 - p_y.

        w_y (alpha - beta log_zero p_y) (p_k - [k = y])

    Smooth everywhere; the slopes of a row add up to 0.

    >>> symmetric_cross_entropy_grad([0.0, 0.0], 0, alpha=0.5)
    [-1.25, 1.25]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(logits)
    return _label_slopes(logits, target, weight, alpha - beta * log_zero * softmax(logits)[target])


def dft(logits, target, *, class_weight=None, ignore_index=-100):
    """Dynamic fine-tuning: cross-entropy, in which a token counts by its probability.

        -w_y sg(p_y) log p_y

    sg(p_y) counts as a constant in the derivatives. Without it fine-tuning pushes hardest at the tokens that the model
    thinks impossible. A label on a masked class costs 0.

    Where floats break: as in the cross-entropy, in log p of a confident row.

    Wu et al., On the Generalization of SFT: A Reinforcement Learning Perspective with Reward Rectification (2025).

    >>> round(dft([2.0, 0.5, -1.0], 0), 10)
    0.1895734391
    >>> dft([float("-inf"), 0.0], 0)
    0
    """
    weight = _weight(target, class_weight, ignore_index)
    p = softmax(logits)[target] if weight != 0 else 0
    return -weight * stop_gradient(p) * log(p) if p != 0 else 0


def dft_grad(logits, target, *, class_weight=None, ignore_index=-100):
    """Slopes of the dynamic fine-tuning loss: those of cross-entropy, times the probability.

        w_y p_y (p_k - [k = y])

    They are not those of p log p, which has its top at p = 1/e.

    >>> dft_grad([0.0, 0.0], 0)
    [-0.25, 0.25]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(logits)
    return _label_slopes(logits, target, weight, softmax(logits)[target])


def unlikelihood(logits, target, *, class_weight=None, ignore_index=-100):
    """Unlikelihood: the label is what should not come, such as the token that was just said.

        -w_y log(1 - p_y)    with 1 - p_y the sum of the others' probabilities

    Where floats break: e^z overflows, and where p_y is tiny the loss is 0. The kernel computes
    log1p(e^z_y / sum of the others' e^z).

    Welleck et al., Neural Text Generation with Unlikelihood Training (2020).

    >>> round(unlikelihood([2.0, 0.5, -1.0], 0), 10)
    1.5398980187
    >>> round(unlikelihood([0.0, 0.0], 0), 10)
    0.6931471806
    >>> unlikelihood([-40.0, 0.0], 0)
    -0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(unlikelihood([mpf(-40), mpf(0)], 0))
    4.248354255291589e-18
    """
    weight = _weight(target, class_weight, ignore_index)
    return -weight * log(sum(_others(logits, target))) if weight != 0 else 0


def unlikelihood_grad(logits, target, *, class_weight=None, ignore_index=-100):
    """Slopes of the unlikelihood loss: the label is pushed down, the others up, by their shares of what it leaves.

        w_y p_y    for the label        -w_y p_y p_k / (1 - p_y)    for the others

    Smooth everywhere; the slopes of a row add up to 0. A label with no other beside it, whose loss is infinite, has
    none.

    >>> [round(slope, 6) for slope in unlikelihood_grad([0.0, 0.0, 0.0], 0)]
    [0.333333, -0.166667, -0.166667]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(logits)
    others = _others(logits, target)
    rest = sum(others)
    if rest == 0:
        return [0] * len(logits)
    p = softmax(logits)[target]
    slopes = [-weight * p * q / rest for q in others]
    slopes[target:target] = [weight * p]
    return slopes


def _others(logits, target):
    """The probabilities of the other classes, in order.

    >>> _others([0.0, 0.0], 0)
    [0.5]
    """
    return [p for k, p in enumerate(softmax(logits)) if k != target]


def nll(log_probs, target, *, class_weight=None, ignore_index=-100):
    """Negative log-likelihood: minus the log-probability of the label, as it was given.

        -w_y log_probs_y

    Of the log_softmax of logits it is the cross-entropy, which computes both at once.

    >>> nll([-0.25, -1.5], 1), nll([-0.25, -1.5], 1, class_weight=[1.0, 3.0]), nll([-0.25, -1.5], -100)
    (1.5, 4.5, 0)
    """
    weight = _weight(target, class_weight, ignore_index)
    return -weight * log_probs[target] if weight != 0 else 0


def nll_grad(log_probs, target, *, class_weight=None, ignore_index=-100):
    """Slopes of the negative log-likelihood: it looks at the label alone.

        -w_y    for the label        0    for the others

    >>> nll_grad([-0.25, -1.5], 1), nll_grad([-0.25, -1.5], 1, class_weight=[1.0, 3.0])
    ([0, -1], [0, -3.0])
    """
    weight = _weight(target, class_weight, ignore_index)
    return [-weight if k == target and weight != 0 else 0 for k in range(len(log_probs))]


def confidence_penalty(logits, target, *, beta=0.1, class_weight=None, ignore_index=-100):
    """Cross-entropy with a reward for doubt: the entropy of the prediction is taken off.

        w_y (-log p_y - beta H)    with H = -sum_k p_k log p_k

    A class with p_k = 0 adds nothing to H.

    Where floats break: in log p of a confident row. The kernel sums the distances from the largest score.

    Pereyra et al., Regularizing Neural Networks by Penalizing Confident Output Distributions (2017).

    >>> round(confidence_penalty([0.0, 0.0], 0), 10)  # 0.9 log 2
    0.6238324625
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return 0
    p = softmax(logits)
    return weight * (-log(p[target]) - beta * _entropy(p))


def confidence_penalty_terms(logits, target, *, beta=0.1, class_weight=None, ignore_index=-100):
    """The loss is a difference of two given numbers, the cross-entropy and beta H; it may be negative.

    >>> [round(term, 6) for term in confidence_penalty_terms([0.0, 0.0], 0)]
    [0.693147, -0.069315]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return []
    p = softmax(logits)
    return [-weight * log(p[target]), -weight * beta * _entropy(p)]


def confidence_penalty_grad(logits, target, *, beta=0.1, class_weight=None, ignore_index=-100):
    """Slopes of the penalised cross-entropy: a class more probable than the mean one is pushed down.

        w_y (p_k - [k = y] + beta p_k (log p_k + H))

    Smooth everywhere; the slopes of a row add up to 0.

    >>> confidence_penalty_grad([0.0, 0.0], 0)
    [-0.5, 0.5]
    """
    return [
        sum(terms) if terms else 0
        for terms in confidence_penalty_grad_terms(
            logits, target, beta=beta, class_weight=class_weight, ignore_index=ignore_index
        )
    ]


def confidence_penalty_grad_terms(logits, target, *, beta=0.1, class_weight=None, ignore_index=-100):
    """A slope is a sum of given terms: p_k - [k = y], and p_k's distance from the entropy.

    >>> [[round(term, 4) for term in terms] for terms in confidence_penalty_grad_terms([0.0, 0.0], 0)]
    [[-0.5, -0.0347, 0.0347], [0.5, -0.0347, 0.0347]]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [[] for _ in logits]
    p = softmax(logits)
    entropy = _entropy(p)
    return [
        [
            weight * (p_k - int(k == target)),
            weight * beta * p_k * log(p_k) if p_k != 0 else 0,
            weight * beta * p_k * entropy,
        ]
        for k, p_k in enumerate(p)
    ]


def _entropy(p):
    """The entropy of a distribution, with 0 log 0 = 0.

    >>> round(_entropy([0.5, 0.5, 0.0]), 10)
    0.6931471806
    """
    return sum(-p_k * log(p_k) for p_k in p if p_k != 0)


def z_loss(logits, *, coefficient=1e-4):
    """z-loss: keeps the normaliser of softmax near 1, so that logits do not drift.

        coefficient lse^2    with lse = log(sum_k e^z_k)

    Where floats break: e^z overflows. The kernel computes z_max + log1p(sum of the others' e^(z_k - z_max)).

    Chowdhery et al., PaLM: Scaling Language Modeling with Pathways (2022).

    >>> round(z_loss([0.0, 0.0], coefficient=1.0), 10), z_loss([1000.0, 0.0])
    (0.4804530139, inf)
    """
    return coefficient * logsumexp(logits) * logsumexp(logits)


def z_loss_terms(logits, *, coefficient=1e-4):
    """lse is the largest score and a logarithm, given numbers of both signs: where they meet, lse has the digits of the
    larger one.

    >>> [round(term, 4) for term in z_loss_terms([0.0, 0.0], coefficient=1.0)]
    [0.0, 0.4805]
    """
    return [coefficient * logsumexp(logits) * part for part in lse_terms(logits)]


def z_loss_grad(logits, *, coefficient=1e-4):
    """Slopes of the z-loss: towards lse = 0, by the probabilities.

        2 coefficient lse p_k

    Smooth everywhere.

    >>> [round(slope, 6) for slope in z_loss_grad([0.0, 0.0], coefficient=1.0)]
    [0.693147, 0.693147]
    """
    lse = logsumexp(logits)
    return [2 * coefficient * lse * p for p in softmax(logits)]


def z_loss_grad_terms(logits, *, coefficient=1e-4):
    """As in the value, lse is a sum of given terms.

    >>> [[round(term, 4) for term in terms] for terms in z_loss_grad_terms([0.0, 0.0], coefficient=1.0)]
    [[0.0, 0.6931], [0.0, 0.6931]]
    """
    return [[2 * coefficient * part * p for part in lse_terms(logits)] for p in softmax(logits)]


def softmax_brier(logits, target, *, class_weight=None, ignore_index=-100):
    """Brier score of several classes: the squared distance of the probabilities from the right ones.

        w_y sum_k (p_k - [k = y])^2

    or, of a list t of what each class's share is, sum_k w_k t_k sum_k (p_k - t_k)^2 with a weight w for each class.
    From 0 to 2, and so it gives up on what is hopelessly wrong; least for the true probabilities.

    Where floats break: p_y - 1 is 0 for a confident, correct row. The kernel sums the probabilities of the others.

    Brier, Verification of Forecasts Expressed in Terms of Probability, Monthly Weather Review 78 (1950).

    >>> softmax_brier([0.0, 0.0], 0)
    0.5
    >>> round(softmax_brier([2.0, 0.5, -1.0], 0), 10), round(softmax_brier([2.0, 0.5, -1.0], [1.0, 0.0, 0.0]), 10)
    (0.0782251465, 0.0782251465)
    """
    weight = _weight_of(target, class_weight, ignore_index)
    if weight == 0:
        return 0
    shares = _shares(target, len(logits))
    return weight * sum(power(abs(p - t), 2) for p, t in zip(softmax(logits), shares, strict=True))


def softmax_brier_terms(logits, target, *, class_weight=None, ignore_index=-100):
    """Against several shares a distance is a difference of given numbers, p_k and t_k.

    >>> softmax_brier_terms([0.0, 0.0], [0.5, 0.5]), softmax_brier_terms([0.0, 0.0], 0)
    ([0.25, -0.5, 0.25, 0.25, -0.5, 0.25], [])
    """
    weight = _weight_of(target, class_weight, ignore_index)
    if weight == 0 or not _several(target):
        return []
    pairs = zip(softmax(logits), target, strict=True)
    return [weight * term for p, t in pairs for term in (p * p, -2 * p * t, t * t)]


def softmax_brier_grad(logits, target, *, class_weight=None, ignore_index=-100):
    """Slopes of the Brier score by the scores.

        2 w_y p_k (d_k - sum_j p_j d_j)    with d_k = p_k - [k = y]

    Smooth everywhere; the slopes of a row add up to 0.

    >>> softmax_brier_grad([0.0, 0.0], 0)
    [-0.5, 0.5]
    """
    weight = _weight_of(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(logits)
    p = softmax(logits)
    distances = [p_k - t for p_k, t in zip(p, _shares(target, len(logits)), strict=True)]
    mean = sum(p_k * d for p_k, d in zip(p, distances, strict=True))
    return [2 * weight * p_k * (d - mean) for p_k, d in zip(p, distances, strict=True)]


def softmax_brier_grad_terms(logits, target, *, class_weight=None, ignore_index=-100):
    """The slope by another class than the label is a sum of given terms: what its probability and the label's lack, and
    the squares of the other probabilities. (The label's is -2 p_y times the loss.) Against shares they are those of its
    own distance, times what its probability lacks, and the others' p_j^2 and p_j t_j.

    >>> softmax_brier_grad_terms([0.0, 0.0], 0), softmax_brier_grad_terms([0.0, 0.0], [0.5, 0.5])[0]
    ([[], [0.25, 0.25, 0.0]], [0.25, -0.25, -0.25, 0.25])
    """
    weight = _weight_of(target, class_weight, ignore_index)
    if weight == 0:
        return [[] for _ in logits]
    p = softmax(logits)
    if isinstance(target, list):
        squares, products = sum(p_j * p_j for p_j in p), sum(p_j * t for p_j, t in zip(p, target, strict=True))
        return [
            [
                2 * weight * p_k * term
                for term in (p_k * (1 - p_k), -t * (1 - p_k), p_k * p_k - squares, products - p_k * t)
            ]
            for p_k, t in zip(p, target, strict=True)
        ]
    right = p[target] * (1 - p[target])
    terms = []
    for k, p_k in enumerate(p):
        squares = sum(p_j * p_j for j, p_j in enumerate(p) if j not in (k, target))
        terms.append([2 * weight * p_k * term for term in (p_k * (1 - p_k), right, -squares)] if k != target else [])
    return terms


def ordinal_emd(logits, target, *, class_weight=None, ignore_index=-100):
    """Squared earth mover's distance of ordered classes: to be far from the label costs more than to be beside it.

        w_y sum_k (F_k - [k >= y])^2    with F_k = sum_(j <= k) p_j

    Where all probability lies at one class it is the number of steps from there to the label.

    Where floats break: F_k - 1 is 0 where little is left above k. The kernel adds up what is.

    Hou, Yu & Samaras, Squared Earth Mover's Distance-based Loss for Training Deep Neural Networks (2016).

    >>> from fastloss.reference.numbers import log
    >>> [round(ordinal_emd([log(0.6), log(0.3), log(0.1)], y), 10) for y in (0, 1, 2)]
    [0.17, 0.37, 1.17]
    """
    weight = _weight(target, class_weight, ignore_index)
    return weight * sum(d * d for d in _ahead(softmax(logits), target)) if weight != 0 else 0


def ordinal_emd_grad(logits, target, *, class_weight=None, ignore_index=-100):
    """Slopes of the squared earth mover's distance by the scores.

        2 w_y p_j (g_j - sum_k p_k g_k)    with g_j = sum_(k >= j) (F_k - [k >= y])

    Smooth everywhere; the slopes of a row add up to 0.

    >>> [round(slope, 10) for slope in ordinal_emd_grad([0.0, 0.0], 0)]
    [-0.25, 0.25]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(logits)
    p = softmax(logits)
    pulls = list(accumulate(reversed(_ahead(p, target))))[::-1]
    mean = sum(p_k * pull for p_k, pull in zip(p, pulls, strict=True))
    return [2 * weight * p_j * (pull - mean) for p_j, pull in zip(p, pulls, strict=True)]


def ordinal_emd_grad_terms(logits, target, *, class_weight=None, ignore_index=-100):
    """The slope by another class than the label is a sum of given terms: the products F_k (1 - F_k) of all k from that
    class to the label, which push it, and the squares F_k^2 and (1 - F_k)^2 of those that lie outside, which pull.

    >>> [[round(term, 4) for term in terms] for terms in ordinal_emd_grad_terms([0.0, 0.0, 0.0], 0)][:2]
    [[], [0.1481, -0.0741]]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [[] for _ in logits]
    p = softmax(logits)
    ahead = list(accumulate(p))
    terms = []
    for j, p_j in enumerate(p):
        first, last = min(j, target), max(j, target)
        push = sum(f * (1 - f) for f in ahead[first:last])
        pull = sum(f * f for f in ahead[:first]) + sum((1 - f) * (1 - f) for f in ahead[last:])
        terms.append([2 * weight * p_j * term for term in (push, -pull)] if j != target else [])
    return terms


def _ahead(p, target):
    """How much more probability lies up to each class than the label has.

    >>> _ahead([0.5, 0.25, 0.25], 1)
    [0.5, -0.25, 0.0]
    """
    return [f - int(k >= target) for k, f in enumerate(accumulate(p))]


def multiclass_hinge(scores, target, *, margin=1.0, class_weight=None, ignore_index=-100):
    """Hinge loss of several classes: the label's score is to lead the best of the others by the margin.

        w_y max(0, margin + max_(k != y) z_k - z_y)

    Where floats break: margin + (z_k - z_y) takes the rounding of the difference for a lead. The kernel keeps what it
    rounds off.

    Crammer & Singer, On the Algorithmic Implementation of Multiclass Kernel-based Vector Machines (2001).

    >>> multiclass_hinge([2.0, 1.5, -1.0], 0), multiclass_hinge([2.0, 0.5, -1.0], 0), multiclass_hinge([2.0], 0)
    (0.5, 0, 0)
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0 or len(scores) == 1:
        return 0
    missing = margin + (max(z for k, z in enumerate(scores) if k != target) - scores[target])
    return 0 if missing <= 0 else weight * missing


def multiclass_hinge_grad(scores, target, *, margin=1.0, class_weight=None, ignore_index=-100):
    """Slopes of the hinge loss: the best of the others, the first if several are, and the label are pushed apart.

        w_y    for the best of the others        -w_y    for the label        0    for the rest

    and 0 for all where the lead is the margin or more.

    >>> multiclass_hinge_grad([2.0, 1.5, 1.5], 0), multiclass_hinge_grad([2.5, 1.5, 1.5], 0)
    ([-1, 1, 0], [0, 0, 0])
    """
    missing = multiclass_hinge(scores, target, margin=margin, class_weight=class_weight, ignore_index=ignore_index)
    if missing == 0:
        return [0] * len(scores)
    best = max((k for k in range(len(scores)) if k != target), key=lambda k: scores[k])
    weight = _weight(target, class_weight, ignore_index)
    return [weight * (int(k == best) - int(k == target)) for k in range(len(scores))]


def multi_margin(scores, target, *, p=1.0, margin=1.0, class_weight=None, ignore_index=-100):
    """Multi-class margin loss: the label's score is to lead every other one by the margin.

        w_y / C sum_(k != y) max(0, margin + z_k - z_y)^p

    with C classes and p = 1 or 2. A masked class, of score -inf, is led by far.

    Where floats break: as in multiclass_hinge.

    Weston & Watkins, Support Vector Machines for Multi-Class Pattern Recognition (1999).

    >>> multi_margin([2.0, 1.5, 1.25, -1.0], 0), multi_margin([2.0, 1.5, 1.25, -1.0], 0, p=2.0)
    (0.1875, 0.078125)
    """
    weight = _weight(target, class_weight, ignore_index)
    missing = _missing(scores, target, margin) if weight != 0 else []
    return weight * sum(v if p == 1 else v * v for v in missing) / len(scores)


def multi_margin_grad(scores, target, *, p=1.0, margin=1.0, class_weight=None, ignore_index=-100):
    """Slopes of the multi-class margin loss: a push down for every class within the margin.

        w_y p v^(p-1) / C    with v = max(0, margin + z_k - z_y), for k != y, and 0 for v = 0

    The label's slope is minus the sum of the others'.

    >>> multi_margin_grad([2.0, 1.5, 1.25, -1.0], 0)
    [-0.5, 0.25, 0.25, 0.0]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(scores)
    missing = _missing(scores, target, margin)
    slopes = [weight * (0 if v == 0 else 2 * v if p == 2 else p) / len(scores) for v in missing]
    slopes[target] = -sum(slopes)
    return slopes


def _missing(scores, target, margin):
    """What the label's lead lacks, for every class; 0 for its own.

    >>> _missing([2.0, 1.5, -1.0], 0, 1.0)
    [0, 0.5, 0]
    """
    missing = []
    for k, z in enumerate(scores):
        v = margin + (z - scores[target]) if k != target and z != -math.inf else 0
        missing.append(0 if v <= 0 else v)
    return missing


def multiclass_perceptron(scores, target, *, class_weight=None, ignore_index=-100):
    """Perceptron loss of several classes: by how much the label's score falls short of the best.

        w_y (max_k z_k - z_y)

    Collins, Discriminative Training Methods for Hidden Markov Models: Theory and Experiments with Perceptron
    Algorithms, EMNLP (2002).

    >>> multiclass_perceptron([2.0, 0.5, -1.0], 0), multiclass_perceptron([2.0, 0.5, -1.0], 1)
    (0.0, 1.5)
    """
    weight = _weight(target, class_weight, ignore_index)
    return weight * (max(scores) - scores[target]) if weight != 0 else 0


def multiclass_perceptron_grad(scores, target, *, class_weight=None, ignore_index=-100):
    """Slopes of the perceptron loss: the best, the first if several are, goes down, the label up.

        w_y    for the best        -w_y    for the label, if it is not the best        0    for the rest

    >>> multiclass_perceptron_grad([2.0, 0.5, -1.0], 1), multiclass_perceptron_grad([2.0, 0.5, -1.0], 0)
    ([1, -1, 0], [0, 0, 0])
    """
    weight = _weight(target, class_weight, ignore_index)
    best = max(range(len(scores)), key=lambda k: scores[k])
    return [weight * (int(k == best) - int(k == target)) if weight != 0 else 0 for k in range(len(scores))]


def sparsemax(scores, target, *, class_weight=None, ignore_index=-100):
    """Sparsemax loss: as cross-entropy is to softmax, to a projection that gives most classes probability 0.

        w_y (1/2 sum_(k in S) (z_k - tau) (z_k + tau) + 1/2 - z_y)

    P_k = max(0, z_k - tau) are the probabilities next to the scores, S the classes with P_k > 0, and tau makes the P_k
    add up to 1. A lead of 1 costs nothing.

    Where floats break: the terms of large scores cancel. The kernel adds up ((1 - P_y)^2 + sum_(k != y) P_k^2) / 2
    and max(0, tau - z_y), with 1 - P_y as the sum of the others.

    Martins & Astudillo, From Softmax to Sparsemax: A Sparse Model of Attention and Multi-Label Classification (2016).

    >>> sparsemax([0.5, 0.0], 0), sparsemax([0.5, 0.0], 1), sparsemax([2.0, 0.5, -1.0], 0)
    (0.0625, 0.5625, 0.0)
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return 0
    tau = _threshold(scores)
    return weight * (sum((z - tau) * (z + tau) for z in scores if z > tau) / 2 + 0.5 - scores[target])


def sparsemax_grad(scores, target, *, class_weight=None, ignore_index=-100):
    """Slopes of the sparsemax loss: probability minus target, as of the cross-entropy.

        w_y (P_k - [k = y])

    Continuous; the slopes of a row add up to 0.

    >>> sparsemax_grad([0.5, 0.0], 0), sparsemax_grad([2.0, 0.5, -1.0], 1)
    ([-0.25, 0.25], [1.0, -1, 0])
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(scores)
    tau = _threshold(scores)
    return [weight * ((z - tau if z > tau else 0) - int(k == target)) for k, z in enumerate(scores)]


def _threshold(scores):
    """The tau with sum_k max(0, z_k - tau) = 1: the k largest scores make one, as long as they lie above it.

    >>> _threshold([0.5, 0.0]), _threshold([2.0, 0.5, -1.0])
    (-0.25, 1.0)
    """
    total = tau = 0
    for k, z in enumerate(sorted(scores, reverse=True), 1):
        if 1 + k * z <= total + z:
            break
        total += z
        tau = (total - 1) / k
    return tau


def multilabel_margin(scores, target):
    """Margin loss of several labels: the score of each is to lead that of every class that is no label by 1.

        1/C sum_(y in Y) sum_(k not in Y) max(0, 1 + z_k - z_y)

    with C classes. The target is as long as the scores, and its labels Y are those before the first -1; one that is
    listed twice counts twice. A masked class, of score -inf, is led by far.

    Where floats break: 1 + (z_k - z_y) takes the rounding of the difference for a lead. The kernel keeps what it rounds
    off.

    Elisseeff & Weston, A Kernel Method for Multi-Labelled Classification (2001).

    >>> multilabel_margin([2.0, 1.5, 1.25, -1.0], [0, 2, -1, 3]), multilabel_margin([2.0, 1.5], [-1, 0])
    (0.4375, 0.0)
    """
    return sum(missing for _, _, missing in _lacking(scores, target)) / len(scores)


def multilabel_margin_grad(scores, target):
    """Slopes of the margin loss of several labels: each pair within the margin is pushed apart.

        1/C    for k        -1/C    for y, for every pair with z_y - z_k < 1

    >>> multilabel_margin_grad([2.0, 1.5, 1.25, -1.0], [0, 2, -1, 3])
    [-0.25, 0.5, -0.25, 0.0]
    """
    one = 1 + 0 * max(scores)  # with as many digits as the scores have
    pushes = [0] * len(scores)
    for y, k, missing in _lacking(scores, target):
        if missing != 0:
            pushes[k] += one
            pushes[y] -= one
    return [push / len(scores) for push in pushes]


def _lacking(scores, target):
    """Every pair of a listed label and a class that is none, and what the label's lead lacks.

    >>> _lacking([2.0, 1.5, 0.75], [0, -1, 1])
    [(0, 1, 0.5), (0, 2, 0)]
    """
    labels = list(takewhile(lambda y: y != -1, target))
    pairs = []
    for y in labels:
        for k, z in enumerate(scores):
            if k not in labels:
                missing = 1 + (z - scores[y]) if z != -math.inf else 0
                pairs.append((y, k, 0 if missing <= 0 else missing))
    return pairs


def multilabel_soft_margin(logits, target, *, class_weight=None):
    """Soft margin loss of several labels: the mean of the binary cross-entropies of the classes.

        1/C sum_k w_k (t_k log(1 + e^-z_k) + (1 - t_k) log(1 + e^z_k))

    with C classes, t_k whether class k is there, and w_k the weight of class k, 1 unless given. Unlike softmax the
    classes do not compete. A class of weight 0 is not looked at.

    Where floats break: as in binary_cross_entropy_with_logits.

    Good, Rational Decisions, Journal of the Royal Statistical Society B 14 (1952).

    >>> round(multilabel_soft_margin([2.0, 0.0], [1.0, 0.0]), 10)
    0.4100375958
    >>> round(multilabel_soft_margin([2.0, 0.0], [1.0, 0.0], class_weight=[0.0, 2.0]), 10)  # log 2
    0.6931471806
    """
    weights = [1] * len(logits) if class_weight is None else class_weight
    costs = [
        w * ((t * softplus(-z) if t != 0 else 0) + ((1 - t) * softplus(z) if t != 1 else 0))
        for w, z, t in zip(weights, logits, target, strict=True)
        if w != 0
    ]
    return sum(costs) / len(logits)


def multilabel_soft_margin_grad(logits, target, *, class_weight=None):
    """Slopes of the soft margin loss of several labels: probability minus target, by the number of classes.

        w_k (sigma(z_k) - t_k) / C

    Smooth everywhere.

    >>> multilabel_soft_margin_grad([0.0, 0.0], [1.0, 0.0])
    [-0.25, 0.25]
    """
    weights = [1] * len(logits) if class_weight is None else class_weight
    return [
        w * (sigmoid(z) - t) / len(logits) if w != 0 else 0 for w, z, t in zip(weights, logits, target, strict=True)
    ]


def multilabel_soft_margin_grad_terms(logits, target, *, class_weight=None):
    """A soft target's slope is a difference of two given numbers, (1 - t) sigma(z) and t sigma(-z).

    >>> multilabel_soft_margin_grad_terms([0.0, 0.0], [1.0, 0.5])
    [[], [0.125, -0.125]]
    """
    weights = [1] * len(logits) if class_weight is None else class_weight
    return [
        [w * (1 - t) * sigmoid(z) / len(logits), -w * t * sigmoid(-z) / len(logits)] if t not in (0, 1) else []
        for w, z, t in zip(weights, logits, target, strict=True)
    ]
