"""Losses of several classes: one row of scores, and the label of the class that is right.

Each function takes one row: a list with the score of every class, and the index of the right one. `_grad` is the list
of derivatives by each score. A row counts as much as its label's class weight, and nothing if the label is
ignore_index.
"""

from .numbers import divide, log, power, stop_gradient
from .softmax import softmax


def _weight(target, class_weight, ignore_index):
    """How much a row with this label counts.

    >>> _weight(1, None, -100), _weight(1, [1.0, 3.0], -100), _weight(-100, None, -100)
    (1, 3.0, 0)
    """
    if target == ignore_index:
        return 0
    return 1 if class_weight is None else class_weight[target]


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

    Smooth everywhere; the slopes of a row add up to 0.

    >>> [round(slope, 6) for slope in unlikelihood_grad([0.0, 0.0, 0.0], 0)]
    [0.333333, -0.166667, -0.166667]
    """
    weight = _weight(target, class_weight, ignore_index)
    if weight == 0:
        return [0] * len(logits)
    others = _others(logits, target)
    rest = sum(others)
    p = softmax(logits)[target]
    slopes = [-weight * p * (divide(q, rest) if q != 0 else 0 * q) for q in others]
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
