"""Classification, yes or no: how surprised is a model by the answer?

Each function takes one logit and its target. `_grad` is the first derivative by the logit, `_hess` the
second.
"""

from .numbers import exp, log


def sigmoid(x):
    """The probability that a logit stands for: x = log(p / (1 - p)), solved for p.

        1 / (1 + e^-x)

    >>> sigmoid(0.0), round(sigmoid(log(9.0)), 10)
    (0.5, 0.9)
    """
    return 1 / (1 + exp(-x))


def binary_cross_entropy_with_logits(logits, target, *, pos_weight=None, label_smoothing=0.0, ignore_index=None):
    """Binary cross-entropy: minus the log of the probability given to the true answer.

        -(pos_weight t log sigma(x) + (1 - t) log(1 - sigma(x)))
            = pos_weight t log(1 + e^-x) + (1 - t) log(1 + e^x)

    with t = target (1 - label_smoothing) + label_smoothing / 2. A term with factor 0 is 0, even if the other
    factor is infinite; a target equal to ignore_index costs nothing.

    Where floats break: e^x overflows beyond 709 (88 in float32), and where e^-x is below 1e-16, 1 + e^-x is 1
    and the loss of a confident, correct answer 0. The kernel computes the weight of the
    wrong side times |x|, plus log1p(e^-|x|): nothing overflows, nothing cancels, and no tail is added to 1.

    Good, Rational Decisions, Journal of the Royal Statistical Society B 14 (1952).

    The well-known table: p = 0.99, 0.9, 0.5, 0.1, 0.01, when the answer is yes, and when it is no.

    >>> logits = [log(p / (1 - p)) for p in (0.99, 0.9, 0.5, 0.1, 0.01)]
    >>> [round(binary_cross_entropy_with_logits(x, 1.0), 10) for x in logits]
    [0.0100503359, 0.1053605157, 0.6931471806, 2.302585093, 4.605170186]
    >>> [round(binary_cross_entropy_with_logits(x, 0.0), 10) for x in logits]
    [4.605170186, 2.302585093, 0.6931471806, 0.1053605157, 0.0100503359]

    Certain and wrong costs without limit; certain and right costs nothing.

    >>> inf = float("inf")
    >>> binary_cross_entropy_with_logits(-inf, 1.0), binary_cross_entropy_with_logits(inf, 1.0)
    (inf, 0.0)

    A yes that counts three times; smoothing, which is a softer target; an ignored one.

    >>> binary_cross_entropy_with_logits(-120.0, 1.0, pos_weight=3.0)
    360.0
    >>> round(binary_cross_entropy_with_logits(2.0, 1.0, label_smoothing=0.1), 10)
    0.226928011
    >>> round(binary_cross_entropy_with_logits(2.0, 0.95), 10)
    0.226928011
    >>> binary_cross_entropy_with_logits(2.0, -1.0, ignore_index=-1)
    0

    The overflow, and the lost tail:

    >>> binary_cross_entropy_with_logits(800.0, 0.0), binary_cross_entropy_with_logits(40.0, 1.0)
    (inf, 0.0)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(binary_cross_entropy_with_logits(mpf(800), 0))
    ...     float(binary_cross_entropy_with_logits(mpf(40), 1))
    800.0
    4.248354255291589e-18
    """
    yes, no = _coefficients(target, pos_weight, label_smoothing, ignore_index)
    loss_if_yes = yes * log(1 + exp(-logits)) if yes != 0 else 0
    loss_if_no = no * log(1 + exp(logits)) if no != 0 else 0
    return loss_if_yes + loss_if_no


def binary_cross_entropy_with_logits_grad(logits, target, *, pos_weight=None, label_smoothing=0.0, ignore_index=None):
    """Slope of the binary cross-entropy: probability minus target.

        (pos_weight t + 1 - t) sigma(x) - pos_weight t

    which is sigma(x) - t without pos_weight. Smooth everywhere.

    Where floats break: sigma(x) - 1 is 0 from x = 37 on. The kernel takes e^-|x| on both sides of 0, and for
    t = 1, x > 0 returns -e^-x / (1 + e^-x), with no 1 - sigma.

    >>> binary_cross_entropy_with_logits_grad(0.0, 1.0), binary_cross_entropy_with_logits_grad(0.0, 0.0)
    (-0.5, 0.5)
    >>> binary_cross_entropy_with_logits_grad(-120.0, 1.0, pos_weight=3.0)
    -3.0

    By the logit the slope stays within 1; by the probability, dp = p (1 - p) dx, it is -1/p:

    >>> p = 0.01
    >>> slope = binary_cross_entropy_with_logits_grad(log(p / (1 - p)), 1.0)
    >>> round(slope, 10), round(slope / (p * (1 - p)), 10)
    (-0.99, -100.0)

    The lost tail:

    >>> binary_cross_entropy_with_logits_grad(40.0, 1.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(binary_cross_entropy_with_logits_grad(mpf(40), 1))
    -4.248354255291589e-18
    """
    yes, no = _coefficients(target, pos_weight, label_smoothing, ignore_index)
    if yes + no == 0:
        return 0
    return (yes + no) * sigmoid(logits) - yes


def binary_cross_entropy_with_logits_grad_terms(
    logits, target, *, pos_weight=None, label_smoothing=0.0, ignore_index=None
):
    """A soft target's gradient is a difference of two given numbers, (1 - t) sigma(x) and pos_weight t sigma(-x).

    >>> binary_cross_entropy_with_logits_grad_terms(0.0, 0.25), binary_cross_entropy_with_logits_grad_terms(0.0, 1.0)
    ([0.375, -0.125], [])
    """
    yes, no = _coefficients(target, pos_weight, label_smoothing, ignore_index)
    return [no * sigmoid(logits), -yes * sigmoid(-logits)] if yes != 0 and no != 0 else []


def binary_cross_entropy_with_logits_hess(logits, target, *, pos_weight=None, label_smoothing=0.0, ignore_index=None):
    """Curvature of the binary cross-entropy: largest where the model is undecided, whatever the target.

        (pos_weight t + 1 - t) sigma(x) (1 - sigma(x))

    Where floats break: as in the slope, 1 - sigma(x). The kernel computes e^-|x| / (1 + e^-|x|)^2.

    >>> binary_cross_entropy_with_logits_hess(0.0, 1.0)
    0.25
    >>> binary_cross_entropy_with_logits_hess(40.0, 1.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(binary_cross_entropy_with_logits_hess(mpf(40), 1))
    4.248354255291589e-18
    """
    yes, no = _coefficients(target, pos_weight, label_smoothing, ignore_index)
    if yes + no == 0:
        return 0
    return (yes + no) * sigmoid(logits) * (1 - sigmoid(logits))


def _coefficients(target, pos_weight, label_smoothing, ignore_index):
    """How much each answer counts: the factors of -log sigma(x) and of -log(1 - sigma(x)).

    >>> _coefficients(1.0, None, 0.0, None), _coefficients(1.0, 3.0, 0.5, None)
    ((1.0, 0.0), (2.25, 0.25))
    >>> _coefficients(-1.0, None, 0.0, -1)
    (0, 0)
    """
    if target == ignore_index:
        return 0, 0
    t = target * (1 - label_smoothing) + label_smoothing / 2
    return t if pos_weight is None else pos_weight * t, 1 - t
