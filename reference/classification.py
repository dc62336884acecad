"""Classification, yes or no: how surprised is a model by the answer?

Each function takes one prediction, a probability (pred) or a logit, and its target: 1 for yes, 0 for no, or how
likely yes is. `_grad` is the first derivative by the prediction, `_hess` the second.
"""

from .numbers import divide, exp, log, power, stop_gradient


def brier(pred, target):
    """Brier score: the squared error of a probability.

        (p - t)^2

    It is lowest on average for the true probability, but never above 1: however wrong, a forecast is forgiven.

    Where floats break: not here, but a float32 sum of many does. The kernel squares and sums in double.

    Brier, Verification of Forecasts Expressed in Terms of Probability, Monthly Weather Review 78 (1950).

    >>> [round(brier(p, 1.0), 10) for p in (0.9, 0.6, 0.01)]
    [0.01, 0.16, 0.9801]

    Say 0.7 every day. If it rains on seven days of ten, no other forecast costs less:

    >>> [round(0.7 * brier(p, 1.0) + 0.3 * brier(p, 0.0), 4) for p in (0.5, 0.6, 0.7, 0.8, 1.0)]
    [0.25, 0.22, 0.21, 0.22, 0.3]
    """
    return (pred - target) * (pred - target)


def brier_grad(pred, target):
    """Slope of the Brier score: never more than 2.

        2 (p - t)

    Smooth everywhere.

    >>> brier_grad(0.01, 1.0)
    -1.98
    """
    return 2 * (pred - target)


def brier_hess(pred, target):
    """Curvature of the Brier score: the same everywhere.

        2

    >>> brier_hess(0.01, 1.0)
    2
    """
    return 2


def binary_cross_entropy(pred, target, *, label_smoothing=0.0, ignore_index=None):
    """Binary cross-entropy of a probability: minus the log of what was given to the true answer.

        -(t log p + (1 - t) log(1 - p))

    with t = target (1 - label_smoothing) + label_smoothing / 2. A term with factor 0 is 0, even if the other
    factor is infinite; a target equal to ignore_index costs nothing. There is no clamp: what was called
    impossible and happens costs infinitely much.

    Where floats break: 1 - p has lost what p had below 1e-16. The kernel takes log1p(-p).

    Good, Rational Decisions, Journal of the Royal Statistical Society B 14 (1952).

    >>> [round(binary_cross_entropy(p, 1.0), 10) for p in (0.99, 0.9, 0.5, 0.1, 0.01)]
    [0.0100503359, 0.1053605157, 0.6931471806, 2.302585093, 4.605170186]
    >>> binary_cross_entropy(0.0, 1.0), binary_cross_entropy(0.0, 0.0), binary_cross_entropy(1.0, 1.0)
    (inf, 0.0, 0.0)
    >>> round(binary_cross_entropy(1e-60, 1.0), 10)  # with the clamps of other libraries 100, or 36
    138.1551055796

    The lost tail:

    >>> binary_cross_entropy(1e-20, 0.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(binary_cross_entropy(mpf(1e-20), 0))
    1e-20
    """
    yes, no = _coefficients(target, None, label_smoothing, ignore_index)
    loss_if_yes = -yes * log(pred) if yes != 0 else 0
    loss_if_no = -no * log(1 - pred) if no != 0 else 0
    return loss_if_yes + loss_if_no


def binary_cross_entropy_grad(pred, target, *, label_smoothing=0.0, ignore_index=None):
    """Slope of the binary cross-entropy by the probability: without bound.

        (1 - t) / (1 - p) - t / p  =  (p - t) / (p (1 - p))

    A term with numerator 0 is 0. Smooth everywhere.

    >>> binary_cross_entropy_grad(0.01, 1.0)  # the squared error pushes with 1.98
    -100.0
    >>> binary_cross_entropy_grad(0.0, 1.0), binary_cross_entropy_grad(0.0, 0.0), binary_cross_entropy_grad(1.0, 1.0)
    (-inf, 1.0, -1.0)
    """
    yes, no = _coefficients(target, None, label_smoothing, ignore_index)
    slope_if_yes = -divide(yes, pred) if yes != 0 else 0
    slope_if_no = divide(no, 1 - pred) if no != 0 else 0
    return slope_if_yes + slope_if_no


def binary_cross_entropy_hess(pred, target, *, label_smoothing=0.0, ignore_index=None):
    """Curvature of the binary cross-entropy by the probability: the square of the slope, of each answer.

        t / p^2 + (1 - t) / (1 - p)^2

    >>> binary_cross_entropy_hess(0.5, 1.0), binary_cross_entropy_hess(0.0, 0.0), binary_cross_entropy_hess(0.0, 1.0)
    (4.0, 1.0, inf)
    """
    yes, no = _coefficients(target, None, label_smoothing, ignore_index)
    curvature_if_yes = divide(divide(yes, pred), pred) if yes != 0 else 0
    curvature_if_no = divide(divide(no, 1 - pred), 1 - pred) if no != 0 else 0
    return curvature_if_yes + curvature_if_no


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


def soft_binary_cross_entropy(logits, target, *, smooth_factor=None, pos_weight=None, ignore_index=-100):
    """Soft binary cross-entropy: that of labels drawn towards each other, as segmentation networks are trained with.

        -(pos_weight t log sigma(x) + (1 - t) log(1 - sigma(x)))    with t = target (1 - s) + (1 - target) s

    where s = smooth_factor: yes becomes 1 - s and no becomes s. It is binary_cross_entropy_with_logits with
    label_smoothing = 2 s, and what is said there of floats and infinite logits holds here. A target equal to
    ignore_index costs nothing.

    Szegedy, Vanhoucke, Ioffe, Shlens & Wojna, Rethinking the Inception Architecture for Computer Vision (2016).

    >>> round(soft_binary_cross_entropy(2.0, 1.0, smooth_factor=0.1), 10)
    0.326928011
    >>> round(binary_cross_entropy_with_logits(2.0, 0.9), 10)
    0.326928011
    >>> soft_binary_cross_entropy(2.0, -100.0)
    0
    """
    words = _as_label_smoothing(smooth_factor, pos_weight, ignore_index)
    return binary_cross_entropy_with_logits(logits, target, **words)


def soft_binary_cross_entropy_grad(logits, target, *, smooth_factor=None, pos_weight=None, ignore_index=-100):
    """Slope of the soft binary cross-entropy: probability minus smoothed target.

        (pos_weight t + 1 - t) sigma(x) - pos_weight t

    >>> round(soft_binary_cross_entropy_grad(2.0, 1.0, smooth_factor=0.1), 10)
    -0.019202922
    """
    words = _as_label_smoothing(smooth_factor, pos_weight, ignore_index)
    return binary_cross_entropy_with_logits_grad(logits, target, **words)


def soft_binary_cross_entropy_grad_terms(logits, target, *, smooth_factor=None, pos_weight=None, ignore_index=-100):
    """A soft target's gradient is a difference of two given numbers, (1 - t) sigma(x) and pos_weight t sigma(-x).

    >>> soft_binary_cross_entropy_grad_terms(0.0, 0.0, smooth_factor=0.25)
    [0.375, -0.125]
    """
    words = _as_label_smoothing(smooth_factor, pos_weight, ignore_index)
    return binary_cross_entropy_with_logits_grad_terms(logits, target, **words)


def soft_binary_cross_entropy_hess(logits, target, *, smooth_factor=None, pos_weight=None, ignore_index=-100):
    """Curvature of the soft binary cross-entropy.

        (pos_weight t + 1 - t) sigma(x) (1 - sigma(x))

    >>> soft_binary_cross_entropy_hess(0.0, 1.0, smooth_factor=0.1)
    0.25
    """
    words = _as_label_smoothing(smooth_factor, pos_weight, ignore_index)
    return binary_cross_entropy_with_logits_hess(logits, target, **words)


def focal(logits, target, *, gamma=2.0, alpha=None):
    """Focal loss: binary cross-entropy that pays little attention to what is right already.

        -alpha_t m^gamma (t log p + (1 - t) log(1 - p))    with p = sigma(x), m = t (1 - p) + (1 - t) p

    m is the probability that the answer is missed: for a yes the loss is -alpha (1 - p)^gamma log p.
    alpha_t = alpha t + (1 - alpha) (1 - t) balances yes and no, and is 1 where alpha is None; gamma = 0 leaves the
    binary cross-entropy.

    Where floats break: the loss is made of what little a right answer lacks, so the tail that 1 + e^-x drops is
    all there is, and m^gamma multiplies the error of log m by gamma log m. The kernel takes
    log m = log(u + v e^-|x|) - log1p(e^-|x|), with u and v the shares of the wrong and of the right side, to
    64 bits.

    Lin, Goyal, Girshick, He & Dollár, Focal Loss for Dense Object Detection (2017).

    An answer with p = 0.9 costs a hundredth of its cross-entropy 0.105, one with p = 0.1 most of its 2.303:

    >>> [round(focal(log(p / (1 - p)), 1.0), 10) for p in (0.9, 0.1)]
    [0.0010536052, 1.8650939253]
    >>> round(focal(2.0, 1.0, gamma=0.0), 10), round(binary_cross_entropy_with_logits(2.0, 1.0), 10)
    (0.126928011, 0.126928011)
    >>> focal(-40.0, 1.0, alpha=0.25)
    10.0

    The lost tail:

    >>> focal(40.0, 1.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     print(mp.nstr(focal(mpf(40), 1), 12))
    7.66764807372e-53
    """
    p, q = sigmoid(logits), sigmoid(-logits)
    factor = _balance(target, alpha) * power(target * q + (1 - target) * p, gamma)
    return factor * binary_cross_entropy_with_logits(logits, target) if factor != 0 else 0


def focal_grad(logits, target, *, gamma=2.0, alpha=None):
    """Slope of the focal loss: less of the slope of cross-entropy, and the slope of the factor.

        alpha_t (m^gamma (p - t) + gamma m^(gamma-1) m' (-t log p - (1 - t) log(1 - p)))    with m' = (1 - 2t) p (1 - p)

    which for a yes is alpha (1 - p)^gamma (gamma p log p - (1 - p)). Smooth everywhere.

    >>> [round(focal_grad(x, 1.0), 10) for x in (-4.0, 0.0, 4.0)]
    [-1.0863958531, -0.2982867951, -1.73505e-05]
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     print(mp.nstr(focal_grad(mpf(40), 1), 12))
    -2.30029442212e-52
    """
    return sum(_focal_slopes(logits, target, gamma, alpha))


def focal_grad_terms(logits, target, *, gamma=2.0, alpha=None):
    """A soft target's gradient is a sum of given terms: p - t, a difference, and the slope of m, which has the sign
    of 1 - 2t.

    >>> focal_grad_terms(0.0, 0.5), focal_grad_terms(0.0, 1.0)
    ([0.0625, -0.0625, 0.0], [])
    """
    return _focal_slopes(logits, target, gamma, alpha) if target != 0 and target != 1 else []


def focal_hess(logits, target, *, gamma=2.0, alpha=None):
    """Curvature of the focal loss: where an answer is wrong enough, the loss bends down.

        alpha_t (m^gamma p (1 - p) + 2 gamma m^(gamma-1) m' (p - t)
                 + (gamma (gamma-1) m^(gamma-2) m'^2 + gamma m^(gamma-1) m'') (-t log p - (1 - t) log(1 - p)))

    with m'' = m' (1 - 2p), which for a yes and q = 1 - p is alpha p q^gamma (q (1 + 2 gamma) + gamma log p (q -
    gamma p)). Boosting, which divides by it, needs a lower bound of its own.

    >>> [round(focal_hess(x, 1.0), 10) for x in (-4.0, 0.0, 4.0)]
    [-0.0467032588, 0.3991433976, 5.10114e-05]
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     print(mp.nstr(focal_hess(mpf(40), 1), 12))
    6.90088326635e-52
    """
    return sum(_focal_curvatures(logits, target, gamma, alpha))


def focal_hess_terms(logits, target, *, gamma=2.0, alpha=None):
    """A soft target's Hessian is a sum of given terms: p - t, a difference, and the derivatives of m, which have the
    sign of 1 - 2t. A hard one's passes through 0, and is a sum of terms next to it.

    >>> focal_hess_terms(0.0, 0.5), focal_hess_terms(0.0, 1.0)
    ([0.0625, 0.0, -0.0, 0.0, 0.0], [])
    """
    terms = _focal_curvatures(logits, target, gamma, alpha)
    return terms if target != 0 and target != 1 else _if_they_cancel(terms)


def varifocal(logits, target, *, alpha=0.75, gamma=2.0):
    """Varifocal loss: a yes counts by its target, a no by how much it was taken for a yes.

        -t (t log p + (1 - t) log(1 - p))      for t > 0
        -alpha sg(p)^gamma log(1 - p)          for t = 0

    with p = sigma(x). The target is how well a box fits (its IoU) where there is an object, and 0 where there is
    none; sg(p) counts as a constant in the derivatives.

    Where floats break: as in focal, in 1 - p and in the power.

    Zhang, Wang, Dayoub & Sünderhauf, VarifocalNet: An IoU-aware Dense Object Detector (2021).

    >>> [round(varifocal(2.0, t), 10) for t in (1.0, 0.5, 0.0)]
    [0.126928011, 0.5634640055, 1.2375586346]
    """
    factor = _attention(logits, target, alpha, gamma)
    return factor * binary_cross_entropy_with_logits(logits, target) if factor != 0 else 0


def varifocal_grad(logits, target, *, alpha=0.75, gamma=2.0):
    """Slope of the varifocal loss: that of cross-entropy, times the factor, which counts as a constant.

        t (p - t)              for t > 0
        alpha p^gamma p        for t = 0

    Smooth everywhere in x; not in t, at 0.

    >>> varifocal_grad(0.0, 1.0), varifocal_grad(0.0, 0.5), varifocal_grad(0.0, 0.0)
    (-0.5, 0.0, 0.09375)
    """
    return _attention(logits, target, alpha, gamma) * binary_cross_entropy_with_logits_grad(logits, target)


def varifocal_grad_terms(logits, target, *, alpha=0.75, gamma=2.0):
    """A soft target's gradient is a difference of two given numbers, t (1 - t) sigma(x) and t^2 sigma(-x).

    >>> varifocal_grad_terms(0.0, 0.5), varifocal_grad_terms(0.0, 0.0)
    ([0.125, -0.125], [])
    """
    factor = _attention(logits, target, alpha, gamma)
    return [factor * term for term in binary_cross_entropy_with_logits_grad_terms(logits, target)]


def varifocal_hess(logits, target, *, alpha=0.75, gamma=2.0):
    """Curvature of the varifocal loss: that of cross-entropy, times the factor, which counts as a constant.

        t p (1 - p)                 for t > 0
        alpha p^gamma p (1 - p)     for t = 0

    >>> varifocal_hess(0.0, 1.0), varifocal_hess(0.0, 0.0)
    (0.25, 0.046875)
    """
    return _attention(logits, target, alpha, gamma) * binary_cross_entropy_with_logits_hess(logits, target)


def quality_focal(logits, target, *, beta=2.0):
    """Quality focal loss: the focal loss of a target that is a quality from 0 to 1, not a yes or a no.

        |t - p|^beta (-t log p - (1 - t) log(1 - p))    with p = sigma(x)

    For t = 0 and 1 it is focal with gamma = beta. Between them it is 0 where the probability is the target,
    which binary cross-entropy and focal are not.

    Where floats break: as in focal, in 1 - p and in the power. Where p comes close to t, beta times as many
    digits of the power are lost as of their difference; the kernel forms it to 64 bits.

    Li, Wang, Wu, Chen, Hu, Li, Tang & Yang, Generalized Focal Loss: Learning Qualified and Distributed Bounding
    Boxes for Dense Object Detection (2020).

    >>> [round(quality_focal(0.0, t), 10) for t in (1.0, 0.75, 0.5, 0.25, 0.0)]
    [0.1732867951, 0.0433216988, 0, 0.0433216988, 0.1732867951]
    >>> focal(0.0, 1.0) == quality_focal(0.0, 1.0)
    True
    """
    factor = power(abs(_excess(logits, target)), beta)
    return factor * binary_cross_entropy_with_logits(logits, target) if factor != 0 else 0


def quality_focal_terms(logits, target, *, beta=2.0):
    """A soft target is compared with a probability: p - t is a difference of two given numbers, (1 - t) sigma(x) and
    t sigma(-x), and the loss a power of it.

    >>> quality_focal_terms(0.0, 0.75) == _by_excess([quality_focal(0.0, 0.75)], 0.0, 0.75)
    True
    """
    return _by_excess([quality_focal(logits, target, beta=beta)], logits, target)


def quality_focal_grad(logits, target, *, beta=2.0):
    """Slope of the quality focal loss.

        d^beta (p - t) + beta d^(beta-1) sign(p - t) p (1 - p) (-t log p - (1 - t) log(1 - p))    with d = |t - p|

    and 0 where d = 0, a kink for beta <= 1.

    >>> [round(quality_focal_grad(0.0, t), 10) for t in (1.0, 0.75, 0.5, 0.25, 0.0)]
    [-0.2982867951, -0.1022683976, 0.0, 0.1022683976, 0.2982867951]
    """
    slope, p, q = _excess(logits, target), sigmoid(logits), sigmoid(-logits)
    if slope == 0 or p * q == 0:
        return power(abs(slope), beta) * slope
    distance, cost = abs(slope), binary_cross_entropy_with_logits(logits, target)
    return power(distance, beta) * slope + beta * power(distance, beta - 1) * (slope / distance) * p * q * cost


def quality_focal_grad_terms(logits, target, *, beta=2.0):
    """A soft target is compared with a probability: p - t is a difference of two given numbers, (1 - t) sigma(x) and
    t sigma(-x), and the gradient a power of it.

    >>> quality_focal_grad_terms(0.0, 1.0)
    []
    """
    return _by_excess([quality_focal_grad(logits, target, beta=beta)], logits, target)


def quality_focal_hess(logits, target, *, beta=2.0):
    """Curvature of the quality focal loss: like focal, it bends down where an answer is wrong enough.

        d^(beta-2) (beta (beta-1) h^2 c + beta (p - t) h (1 - 2p) c + (2 beta + 1) (p - t)^2 h)

    with h = p (1 - p) and c = -t log p - (1 - t) log(1 - p). Where d = 0 only the first term may be left: it is 0 for
    beta > 2 and infinite between 1 and 2; for beta = 1 it is 0.

    >>> [round(quality_focal_hess(0.0, t), 10) for t in (1.0, 0.75, 0.5)]
    [0.3991433976, 0.1647683976, 0.0866433976]
    """
    return sum(_quality_curvatures(logits, target, beta))


def quality_focal_hess_terms(logits, target, *, beta=2.0):
    """A soft target is compared with a probability: p - t is a difference of two given numbers, (1 - t) sigma(x) and
    t sigma(-x), and the Hessian a sum of powers of it. A hard one's passes through 0, and is a sum of terms next to it.

    >>> quality_focal_hess_terms(0.0, 1.0)
    []
    """
    terms = _quality_curvatures(logits, target, beta)
    return _by_excess(terms, logits, target) if target != 0 and target != 1 else _if_they_cancel(terms)


def asymmetric(logits, target, *, gamma_pos=1.0, gamma_neg=4.0, clip=0.05):
    """Asymmetric loss: a focal loss for each answer, where a no that is nearly certain costs nothing at all.

        -t (1 - p)^gamma_pos log p - (1 - t) n^gamma_neg log(1 - n)    with p = sigma(x), n = max(p - clip, 0)

    A term with factor 0 is 0. Of many labels most are no: a larger gamma_neg keeps them from drowning the few that
    are yes, and clip throws the easy ones out.

    Where floats break: as in focal, in 1 - p and in the powers; and p - clip loses its digits where p is close to
    clip. There the kernel takes clip (1 - p) expm1(x - log(clip / (1 - clip))), with the logarithm to 150 bits.

    Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter & Zelnik-Manor, Asymmetric Loss For Multi-Label Classification
    (2021).

    >>> [round(asymmetric(x, 1.0), 10) for x in (-2.0, 0.0, 2.0)]
    [1.8733919772, 0.3465735903, 0.0151301898]
    >>> [round(asymmetric(x, 0.0), 10) for x in (-3.0, -2.0, 0.0, 2.0)]
    [0.0, 1.6448e-06, 0.0245150535, 0.8464149507]

    Without the clip and with one gamma it is focal:

    >>> asymmetric(-2.0, 0.0, gamma_neg=2.0, clip=0.0) == focal(-2.0, 0.0)
    True
    """
    loss_if_yes = target * focal(logits, 1, gamma=gamma_pos) if target != 0 else 0
    loss_if_no = (1 - target) * _clipped_focal(logits, gamma_neg, clip) if target != 1 else 0
    return loss_if_yes + loss_if_no


def asymmetric_grad(logits, target, *, gamma_pos=1.0, gamma_neg=4.0, clip=0.05):
    """Slope of the asymmetric loss.

        t (1 - p)^gamma_pos (gamma_pos p log p - (1 - p))
            + (1 - t) p (1 - p) (n^gamma_neg / (1 - n) - gamma_neg n^(gamma_neg-1) log(1 - n))

    without the second line where p <= clip, the kink included.

    >>> round(asymmetric_grad(0.0, 1.0), 10)
    -0.4232867951
    >>> [round(asymmetric_grad(x, 0.0), 10) for x in (-3.0, 0.0)]
    [0, 0.0731171012]
    """
    return sum(_asymmetric_slopes(logits, target, gamma_pos, gamma_neg, clip))


def asymmetric_grad_terms(logits, target, *, gamma_pos=1.0, gamma_neg=4.0, clip=0.05):
    """A soft target's gradient is a difference of two given numbers, t times the slope of a yes and 1 - t times that
    of a no.

    >>> [round(term, 10) for term in asymmetric_grad_terms(0.0, 0.5)], asymmetric_grad_terms(0.0, 1.0)
    ([-0.2116433976, 0.0365585506], [])
    """
    return _asymmetric_slopes(logits, target, gamma_pos, gamma_neg, clip) if target != 0 and target != 1 else []


def asymmetric_hess(logits, target, *, gamma_pos=1.0, gamma_neg=4.0, clip=0.05):
    """Curvature of the asymmetric loss: that of focal for each answer, with n for p in a no.

    The loss of a no, f(n) = -n^gamma_neg log(1 - n), bends by

        f''(n) (p (1 - p))^2 + f'(n) p (1 - p) (1 - 2p)

    and not at all where p <= clip.

    >>> round(asymmetric_hess(0.0, 1.0), 10), round(asymmetric_hess(0.0, 0.0), 10)
    (0.375, 0.1821097693)
    """
    return sum(_asymmetric_curvatures(logits, target, gamma_pos, gamma_neg, clip))


def asymmetric_hess_terms(logits, target, *, gamma_pos=1.0, gamma_neg=4.0, clip=0.05):
    """A soft target's Hessian is a sum of given terms, of a yes and of a no. A hard one's passes through 0, and is a
    sum of terms next to it.

    >>> asymmetric_hess_terms(0.0, 1.0), asymmetric_hess_terms(0.0, 0.0), asymmetric_hess_terms(-3.0, 0.0)
    ([], [], [])
    """
    terms = _asymmetric_curvatures(logits, target, gamma_pos, gamma_neg, clip)
    return terms if target != 0 and target != 1 else _if_they_cancel(terms)


# What the losses above share.


def _balance(target, alpha):
    """alpha for a yes, 1 - alpha for a no, 1 without alpha.

    >>> _balance(1.0, None), _balance(1.0, 0.25), _balance(0.5, 0.25)
    (1, 0.25, 0.5)
    """
    return 1 if alpha is None else alpha * target + (1 - alpha) * (1 - target)


def _focal_slopes(logits, target, gamma, alpha):
    """The terms of focal_grad.

    >>> _focal_slopes(0.0, 0.0, 0.0, None)
    [0.5, -0.0, 0.0]
    """
    p, q = sigmoid(logits), sigmoid(-logits)
    missed, balance = target * q + (1 - target) * p, _balance(target, alpha)
    factor = balance * power(missed, gamma)
    terms = [factor * (1 - target) * p, -factor * target * q]
    if p * q == 0:  # at infinity nothing else is left
        return terms
    steepness = balance * gamma * power(missed, gamma - 1) * (1 - 2 * target) * p * q
    return [*terms, steepness * binary_cross_entropy_with_logits(logits, target)]


def _focal_curvatures(logits, target, gamma, alpha):
    """The terms of focal_hess.

    >>> _focal_curvatures(0.0, 0.0, 0.0, None)
    [0.25, 0.0, -0.0, -0.0, 0.0]
    """
    p, q = sigmoid(logits), sigmoid(-logits)
    if p * q == 0:
        return [p * q]
    missed, slope = target * q + (1 - target) * p, (1 - 2 * target) * p * q
    cost = binary_cross_entropy_with_logits(logits, target)
    terms = [
        power(missed, gamma) * p * q,
        2 * gamma * power(missed, gamma - 1) * slope * (1 - target) * p,
        -2 * gamma * power(missed, gamma - 1) * slope * target * q,
        gamma * (gamma - 1) * power(missed, gamma - 2) * slope * slope * cost,
        gamma * power(missed, gamma - 1) * slope * (q - p) * cost,
    ]
    return [_balance(target, alpha) * term for term in terms]


def _attention(logits, target, alpha, gamma):
    """The factor of varifocal, a constant to its derivatives.

    >>> _attention(0.0, 0.75, 0.5, 2.0), _attention(0.0, 0.0, 0.5, 2.0)
    (0.75, 0.125)
    """
    return target if target > 0 else alpha * power(stop_gradient(sigmoid(logits)), gamma)


def _excess(logits, target):
    """How far the probability is above the target, p - t, without a digit lost for t = 0 and 1.

    >>> _excess(0.0, 1.0), _excess(0.0, 0.25)
    (-0.5, 0.25)
    """
    return (1 - target) * sigmoid(logits) - target * sigmoid(-logits)


def _quality_curvatures(logits, target, beta):
    """The terms of quality_focal_hess.

    >>> _quality_curvatures(0.0, 0.5, 1.0), _quality_curvatures(0.0, 0.5, 3.0), _quality_curvatures(0.0, 0.5, 1.5)
    ([0], [0.0], [inf])
    """
    slope, p, q = _excess(logits, target), sigmoid(logits), sigmoid(-logits)
    if p * q == 0:
        return [p * q]
    distance, cost = abs(slope), binary_cross_entropy_with_logits(logits, target)
    bend = beta * (beta - 1) * power(distance, beta - 2) * p * q * p * q * cost if beta != 0 and beta != 1 else 0
    if distance == 0:
        return [bend] if beta != 0 else [p * q]
    return [
        bend,
        beta * power(distance, beta - 1) * (slope / distance) * p * q * (q - p) * cost,
        (2 * beta + 1) * power(distance, beta) * p * q,
    ]


def _by_excess(numbers, logits, target):
    """Numbers that are as exact as p - t, each as the difference of two: that is what the rounding of p takes.

    >>> _by_excess([1.0], 0.0, 0.25), _by_excess([1.0], 0.0, 0.0)
    ([1.5, -0.5], [])
    """
    above, below, excess = (1 - target) * sigmoid(logits), target * sigmoid(-logits), _excess(logits, target)
    if target == 0 or target == 1 or excess == 0:
        return []
    return [number * share for number in numbers for share in (above / excess, -below / excess)]


def _if_they_cancel(terms):
    """Terms, if less than a thousandth of the largest is left of them: more than that has all its digits.

    >>> _if_they_cancel([1.0, -0.75]), _if_they_cancel([1.0, -0.9999])
    ([], [1.0, -0.9999])
    """
    return terms if 1000 * abs(sum(terms)) < max(map(abs, terms), default=0) else []


def _clipped_focal(logits, gamma, clip):
    """The focal loss of a no, as if the probability of a yes were less by clip, but not below 0.

    >>> _clipped_focal(0.0, 2.0, 0.0) == focal(0.0, 0.0), _clipped_focal(0.0, 2.0, 0.5)
    (True, 0)
    """
    p, q = sigmoid(logits), sigmoid(-logits)
    if clip == 0:
        return focal(logits, 0, gamma=gamma)
    return 0 if p <= clip else -power(p - clip, gamma) * log(q + clip)


def _asymmetric_slopes(logits, target, gamma_pos, gamma_neg, clip):
    """The terms of asymmetric_grad.

    >>> _asymmetric_slopes(0.0, 0.0, 1.0, 0.0, 0.0)
    [0.5]
    """
    p, q = sigmoid(logits), sigmoid(-logits)
    terms = [target * focal_grad(logits, 1, gamma=gamma_pos)] if target != 0 else []
    if target == 1 or (clip > 0 and p <= clip):
        return terms
    if clip == 0:
        return [*terms, (1 - target) * focal_grad(logits, 0, gamma=gamma_neg)]
    n = p - clip
    slope = power(n, gamma_neg) / (q + clip) - gamma_neg * power(n, gamma_neg - 1) * log(q + clip)
    return [*terms, (1 - target) * p * q * slope]


def _asymmetric_curvatures(logits, target, gamma_pos, gamma_neg, clip):
    """The terms of asymmetric_hess.

    >>> sum(_asymmetric_curvatures(0.0, 0.0, 1.0, 0.0, 0.0))
    0.25
    """
    p, q = sigmoid(logits), sigmoid(-logits)
    terms = [target * term for term in _focal_curvatures(logits, 1, gamma_pos, None)] if target != 0 else []
    if target == 1 or (clip > 0 and p <= clip):
        return terms
    if clip == 0:
        return [*terms, *((1 - target) * term for term in _focal_curvatures(logits, 0, gamma_neg, None))]
    n, gamma, cost = p - clip, gamma_neg, -log(q + clip)
    steep, bent = (1 - target) * p * q * (q - p), (1 - target) * p * q * p * q
    return [
        *terms,
        bent * gamma * (gamma - 1) * power(n, gamma - 2) * cost,
        bent * 2 * gamma * power(n, gamma - 1) / (q + clip),
        bent * power(n, gamma) / (q + clip) / (q + clip),
        steep * power(n, gamma) / (q + clip),
        steep * gamma * power(n, gamma - 1) * cost,
    ]


def _as_label_smoothing(smooth_factor, pos_weight, ignore_index):
    """The words of soft_binary_cross_entropy in those of binary_cross_entropy_with_logits.

    >>> _as_label_smoothing(0.1, None, -100)
    {'pos_weight': None, 'label_smoothing': 0.2, 'ignore_index': -100}
    """
    smoothing = 0.0 if smooth_factor is None else 2 * smooth_factor
    return {"pos_weight": pos_weight, "label_smoothing": smoothing, "ignore_index": ignore_index}


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
