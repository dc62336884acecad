"""Classification among several: which probability did the model give to the true class?

Each function takes one row: a list with the logit of every class. `_grad` is the list of first derivatives
by each logit, `_hess` the list of second ones, the diagonal of the Hessian.
"""

from . import weights
from .numbers import divide, exp, log, tanh


def softmax(logits):
    """Probabilities from logits: positive, and 1 together.

        p_k = e^z_k / sum_j e^z_j

    Where floats break: e^z overflows beyond 709 (88 in float32), and inf / inf is nan; where every logit is
    far below 0, the sum is 0. Scaling all exponentials of a row alike changes nothing: the kernel takes
    the power of two that makes the largest about 1 off every exponent.

    Bridle, Probabilistic Interpretation of Feedforward Classification Network Outputs (1990).

    >>> [round(p, 6) for p in softmax([2.0, 0.5, -1.0])]
    [0.785597, 0.17529, 0.039113]
    >>> softmax([float("-inf"), 0.0])  # a masked class
    [0.0, 1.0]
    >>> softmax([1000.0, 0.0]), softmax([-1000.0, -1000.0])
    ([nan, 0.0], [nan, nan])
    """
    powers = [exp(z) for z in logits]
    total = sum(powers)
    return [divide(power, total) for power in powers]


def log_softmax(logits):
    """Logarithms of the probabilities.

        log p_k = z_k - log(sum_j e^z_j)

    Where floats break: e^z overflows, and the log of a probability close to 1 is a difference of nearly equal
    numbers. The kernel computes (z_k - z_max) - log1p(sum over the others of e^(z_j - z_max)).

    >>> [round(p, 10) for p in log_softmax([2.0, 0.5, -1.0])]
    [-0.2413112967, -1.7413112967, -3.2413112967]
    >>> log_softmax([40.0, 0.0])
    [0.0, -40.0]
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     [float(p) for p in log_softmax([mpf(40), mpf(0)])]
    [-4.248354255291589e-18, -40.0]
    """
    lse = logsumexp(logits)
    return [z - lse for z in logits]


def logsumexp(logits):
    """A smooth maximum: at least the largest logit, at most log(C) more.

        lse = log(sum_j e^z_j)

    Where floats break: e^z overflows above, and vanishes below. The kernel computes
    z_max + log1p(sum over the others of e^(z_j - z_max)).

    >>> round(logsumexp([0.0, 0.0]), 10), round(logsumexp([10.0, 0.0]), 10)
    (0.6931471806, 10.0000453989)
    >>> logsumexp([1000.0, 0.0]), logsumexp([-1000.0, -1000.0])
    (inf, -inf)
    """
    return log(sum(exp(z) for z in logits))


def cross_entropy(
    logits, target, *, class_weight=None, ignore_index=-100, label_smoothing=0.0, softcap=None, z_loss=0.0,
    temperature=1.0,
):  # fmt: skip
    """Cross-entropy: minus the log of the probability given to the true class.

        sum_c a_c (lse - z_c)    with a_c = w_c ((1 - label_smoothing) t_c + label_smoothing / C)

    lse = log(sum_k e^z_k), so that lse - z_c is -log p_c. t_c is the target's share of class c: a list gives
    it outright, an index y stands for 1 at y and 0 elsewhere. w_c is the weight of class c, 1 unless given.
    The plain loss of a label is thus lse - z_y, the weighted one -w_y log p_y. A term with a_c = 0 is 0, even
    if z_c is -inf, which masks the class. A target equal to ignore_index costs nothing.

    z_c is a logit, or softcap tanh(logit / softcap), which bounds it, and in either case divided by the
    temperature. The z-loss, z_loss lse^2, comes on top: it pulls the log of the normaliser towards 0, where
    softmax is e^z itself, and no class weight scales it.

    Where floats break: e^z overflows, and the loss of a confident, correct row is a difference of nearly
    equal numbers. The kernel computes log1p(sum over the others of e^(z_k - z_max)) + (z_max - z_y).

    Bridle, Probabilistic Interpretation of Feedforward Classification Network Outputs (1990); label
    smoothing: Szegedy et al., Rethinking the Inception Architecture for Computer Vision (2016); z-loss:
    Chowdhery et al., PaLM (2022); softcap: Gemma Team, Gemma 2 (2024).

    >>> round(cross_entropy([2.0, 0.5, -1.0], 0), 10)
    0.2413112967

    The classic mistake: softmax applied before a loss that applies it again.

    >>> round(cross_entropy(softmax([2.0, 0.5, -1.0]), 0), 10)
    0.701717539

    Logits that are logs of probabilities give these probabilities back.

    >>> round(cross_entropy([log(0.7), log(0.2), log(0.1)], 0), 10)
    0.3566749439
    >>> round(cross_entropy([log(0.05), log(0.9), log(0.05)], 0), 10)
    2.9957322736
    >>> [round(cross_entropy([log(p), log(1 - p)], 0), 10) for p in (0.99, 0.9, 0.5, 0.1, 0.01)]
    [0.0100503359, 0.1053605157, 0.6931471806, 2.302585093, 4.605170186]

    Perplexity is e to the mean loss: 1 for the certain, k for a choice among k equals.

    >>> [round(exp(cross_entropy([0.0] * k, 0)), 10) for k in (1, 10, 100)]
    [1.0, 10.0, 100.0]

    Smoothing by 0.1 turns [0, 0, 1, 0] into [0.025, 0.025, 0.925, 0.025]; the weight of a class multiplies.

    >>> round(cross_entropy([1.0, 2.0, 4.0, 0.0], 2, label_smoothing=0.1), 10)
    0.4101824526
    >>> round(cross_entropy([1.0, 2.0, 4.0, 0.0], [0.025, 0.025, 0.925, 0.025]), 10)
    0.4101824526
    >>> round(cross_entropy([2.0, 0.5, -1.0], 1, class_weight=[1.0, 3.0, 1.0]) / 3, 10)
    1.7413112967

    At twice the temperature the model is less sure, a softcap of 1 leaves no logit beyond 1, and the
    normaliser has the log 2.2413112967, whose square costs z_loss:

    >>> round(cross_entropy([2.0, 0.5, -1.0], 0, temperature=2.0), 10)
    0.5279757439
    >>> round(cross_entropy([2.0, 0.5, -1.0], 0, softcap=1.0), 10)
    0.5785414736
    >>> round(cross_entropy([2.0, 0.5, -1.0], 0, z_loss=0.01), 10)
    0.2915460599

    Masked and ignored:

    >>> round(cross_entropy([float("-inf"), 0.0, 1.0], [0.0, 1.0, 0.0]), 10)
    1.3132616875
    >>> cross_entropy([2.0, 0.5, -1.0], -100)
    0

    The lost tail, and the overflow:

    >>> cross_entropy([40.0, 0.0], 0), cross_entropy([1000.0, 0.0], 1)
    (0.0, inf)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(cross_entropy([mpf(40), mpf(0)], 0))
    ...     float(cross_entropy([mpf(1000), mpf(0)], 1))
    4.248354255291589e-18
    1000.0
    """
    coefficients = _coefficients(len(logits), target, class_weight, ignore_index, label_smoothing)
    z = _adjusted(logits, softcap, temperature)
    lse = logsumexp(z)
    loss = sum(a * (lse - z_c) for a, z_c in zip(coefficients, z, strict=True) if a != 0)
    return loss if z_loss == 0 or _ignored(target, ignore_index) else loss + z_loss * lse * lse


def cross_entropy_terms(
    logits, target, *, class_weight=None, ignore_index=-100, label_smoothing=0.0, softcap=None, z_loss=0.0,
    temperature=1.0,
):  # fmt: skip
    """The square of lse is a product with a sum of given numbers of both signs, the largest logit and what the others
    add to it: where they meet, lse has the digits of the larger one.

    >>> [round(term, 4) for term in cross_entropy_terms([0.0, 0.0], 0, z_loss=1.0)]
    [0.6931, 0.0, 0.4805]
    >>> cross_entropy_terms([0.0, 0.0], 0)
    []
    """
    if z_loss == 0 or _ignored(target, ignore_index):
        return []
    words = {"class_weight": class_weight, "ignore_index": ignore_index, "label_smoothing": label_smoothing}
    z = _adjusted(logits, softcap, temperature)
    return [cross_entropy(z, target, **words), *(z_loss * logsumexp(z) * part for part in lse_terms(z))]


def cross_entropy_grad(
    logits, target, *, class_weight=None, ignore_index=-100, label_smoothing=0.0, softcap=None, z_loss=0.0,
    temperature=1.0,
):  # fmt: skip
    """Slope of the cross-entropy by each logit: probability minus target.

        A p_k - a_k    with A = sum_c a_c

    which for a plain label y is p_k - [k = y]. Smooth everywhere; the slopes of a row add up to 0.

    A z-loss adds 2 z_loss lse p_k, a temperature divides, and with a softcap everything is multiplied with the
    slope of tanh, 1 - tanh(logit / softcap)^2.

    Where floats break: p_y - 1 is 0 for a confident, correct row. At the largest logit the kernel
    forms the difference from the sums of the others, which keep their digits.

    >>> [round(slope, 6) for slope in cross_entropy_grad([2.0, 0.5, -1.0], 0)]
    [-0.214403, 0.17529, 0.039113]
    >>> [round(slope, 6) for slope in cross_entropy_grad([float("-inf"), 0.0, 1.0], 1)]
    [0.0, -0.731059, 0.731059]
    >>> cross_entropy_grad([2.0, 0.5, -1.0], -100)
    [0, 0, 0]

    The lost tail (the second class still feels it, the first does not):

    >>> cross_entropy_grad([40.0, 0.0], 0)
    [0.0, 4.248354255291589e-18]
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     [float(slope) for slope in cross_entropy_grad([mpf(40), mpf(0)], 0)]
    [-4.248354255291589e-18, 4.248354255291589e-18]
    """
    coefficients = _coefficients(len(logits), target, class_weight, ignore_index, label_smoothing)
    z, pushed = _adjusted(logits, softcap, temperature), z_loss != 0 and not _ignored(target, ignore_index)
    total = sum(coefficients) + (2 * z_loss * logsumexp(z) if pushed else 0)
    if total == 0 and not pushed:
        return [0] * len(logits)
    slopes = [total * p - a for p, a in zip(softmax(z), coefficients, strict=True)]
    return [slope * s / temperature for slope, s in zip(slopes, _cap_slopes(logits, softcap), strict=True)]


def cross_entropy_grad_terms(
    logits, target, *, class_weight=None, ignore_index=-100, label_smoothing=0.0, softcap=None, z_loss=0.0,
    temperature=1.0,
):  # fmt: skip
    """A soft target's gradient is a difference of two given numbers, A p_k - a_k: where they meet, every digit of the
    difference is one that the rounding of p took. (Of a single share, p < 1 never meets it.) That of a z-loss has lse,
    a sum of two given numbers, too.

    >>> cross_entropy_grad_terms([0.0, 0.0], [0.25, 0.75])
    [[0.5, -0.25], [0.5, -0.75]]
    >>> [[round(term, 4) for term in terms] for terms in cross_entropy_grad_terms([0.0, 0.0], 0, z_loss=1.0)]
    [[-0.5, 0.0, 0.6931], [0.5, 0.0, 0.6931]]
    """
    shares = _coefficients(len(logits), target, class_weight, ignore_index, label_smoothing)
    pushed = z_loss != 0 and not _ignored(target, ignore_index)
    single = sum(a != 0 for a in shares) < 2
    if single and not pushed:
        return [[] for _ in logits]
    z = _adjusted(logits, softcap, temperature)
    parts = [2 * z_loss * part for part in lse_terms(z)] if pushed else []
    found = []
    for p, a, slope in zip(softmax(z), shares, _cap_slopes(logits, softcap), strict=True):
        terms = [sum(shares) * p - a] if single else [sum(shares) * p, -a]
        found.append([term * slope / temperature for term in (*terms, *(part * p for part in parts))])
    return found


def cross_entropy_hess(
    logits, target, *, class_weight=None, ignore_index=-100, label_smoothing=0.0, softcap=None, z_loss=0.0,
    temperature=1.0,
):  # fmt: skip
    """Curvature of the cross-entropy along each logit: largest for a class at one half.

        A p_k (1 - p_k)    with A = sum_c a_c

    A z-loss adds 2 z_loss (lse p_k (1 - p_k) + p_k^2), and a temperature divides twice. With a softcap everything is
    multiplied with the slope of tanh squared, (1 - tanh^2)^2, and there is its own curvature times the gradient by
    z_k, -2 tanh (1 - tanh^2) / softcap: it may be negative.

    Where floats break: 1 - p_k. The kernel sums the probabilities of the others.

    >>> cross_entropy_hess([0.0, 0.0], 0)
    [0.25, 0.25]
    >>> [round(curvature, 6) for curvature in cross_entropy_hess([2.0, 0.5, -1.0], 0)]
    [0.168434, 0.144564, 0.037583]
    >>> cross_entropy_hess([40.0, 0.0], 0)
    [0.0, 4.248354255291589e-18]
    """
    coefficients = _coefficients(len(logits), target, class_weight, ignore_index, label_smoothing)
    z, pushed = _adjusted(logits, softcap, temperature), z_loss != 0 and not _ignored(target, ignore_index)
    total = sum(coefficients) + (2 * z_loss * logsumexp(z) if pushed else 0)
    if total == 0 and not pushed:
        return [0] * len(logits)
    found = [total * p * (1 - p) + (2 * z_loss * p * p if pushed else 0) for p in softmax(z)]
    found = [h * s * s / temperature**2 for h, s in zip(found, _cap_slopes(logits, softcap), strict=True)]
    if softcap is None:
        return found
    words = {"class_weight": class_weight, "ignore_index": ignore_index, "label_smoothing": label_smoothing,
             "softcap": softcap, "z_loss": z_loss, "temperature": temperature}  # fmt: skip
    slopes = cross_entropy_grad(logits, target, **words)
    bends = [-2 * tanh(z / softcap) / softcap for z in logits]
    return [h + bend * slope for h, bend, slope in zip(found, bends, slopes, strict=True)]


def cross_entropy_hess_terms(
    logits, target, *, class_weight=None, ignore_index=-100, label_smoothing=0.0, softcap=None, z_loss=0.0,
    temperature=1.0,
):  # fmt: skip
    """With a softcap the curvature is the difference of two, that of the loss and that of tanh; with a z-loss it has
    lse, a sum of two given numbers.

    >>> [[round(term, 4) for term in terms] for terms in cross_entropy_hess_terms([0.0, 0.0], 0, z_loss=1.0)]
    [[1.0966], [1.0966]]
    >>> [[round(term, 4) for term in terms] for terms in cross_entropy_hess_terms([1.0, 1.0], 0, softcap=1.0)]
    [[0.0441, 0.3199], [0.0441, -0.3199]]
    >>> cross_entropy_hess_terms([0.0, 0.0], 0)
    [[], []]
    """
    coefficients = _coefficients(len(logits), target, class_weight, ignore_index, label_smoothing)
    pushed = z_loss != 0 and not _ignored(target, ignore_index)
    if softcap is None and not pushed:
        return [[] for _ in logits]
    z = _adjusted(logits, softcap, temperature)
    parts = [2 * z_loss * part for part in lse_terms(z)] if pushed else []
    found = []
    for p, s in zip(softmax(z), _cap_slopes(logits, softcap), strict=True):
        terms = [factor * p * (1 - p) for factor in (sum(coefficients), *parts)]
        terms += [2 * z_loss * p * p] if pushed else []
        found.append([term * s * s / temperature**2 for term in _gathered(terms)])
    if softcap is not None:
        words = {"class_weight": class_weight, "ignore_index": ignore_index, "label_smoothing": label_smoothing,
                 "softcap": softcap, "z_loss": z_loss, "temperature": temperature}  # fmt: skip
        slopes = cross_entropy_grad(logits, target, **words)
        summands = cross_entropy_grad_terms(logits, target, **words)
        for each, logit, slope, terms in zip(found, logits, slopes, summands, strict=True):
            each += [-2 * tanh(logit / softcap) / softcap * term for term in _gathered(terms or [slope])]
    return found


def cross_entropy_hvp(logits, vector):
    """The Hessian of the cross-entropy, a matrix, times a vector: p_k times how far v_k is from the mean.

        p_k (v_k - sum_j p_j v_j)

    for the Hessian by z_k and z_j is p_k ([k = j] - p_j). It does not depend on the target.

    >>> cross_entropy_hvp([0.0, 0.0], [1.0, 0.0])
    [0.25, -0.25]
    """
    p = softmax(logits)
    mean = sum(p_k * v for p_k, v in zip(p, vector, strict=True))
    return [p_k * (v - mean) for p_k, v in zip(p, vector, strict=True)]


def categorical_nll(logits, target, *, class_weight=None, ignore_index=-100):
    """Categorical likelihood: how improbable is this class, of these unnormalised log-probabilities?

        -w_y log p_y    with p = softmax(z)

    `cross_entropy` of a label, by the name that it has among likelihoods; what is said there holds here.

    Luce, Individual Choice Behavior (1959); as a regression: McFadden, Conditional Logit Analysis of Qualitative Choice
    Behavior (1974).

    >>> round(categorical_nll([2.0, 0.5, -1.0], 0), 10), round(categorical_nll([log(0.7), log(0.2), log(0.1)], 0), 10)
    (0.2413112967, 0.3566749439)
    """
    return cross_entropy(logits, target, class_weight=class_weight, ignore_index=ignore_index)


def categorical_nll_grad(logits, target, *, class_weight=None, ignore_index=-100):
    """Slopes of the categorical likelihood: probability minus one for the class that came.

        w_y (p_k - [k = y])

    >>> categorical_nll_grad([0.0, 0.0], 0)
    [-0.5, 0.5]
    """
    return cross_entropy_grad(logits, target, class_weight=class_weight, ignore_index=ignore_index)


def categorical_nll_hess(logits, target, *, class_weight=None, ignore_index=-100):
    """Curvatures of the categorical likelihood.

        w_y p_k (1 - p_k)

    >>> categorical_nll_hess([0.0, 0.0], 0)
    [0.25, 0.25]
    """
    return cross_entropy_hess(logits, target, class_weight=class_weight, ignore_index=ignore_index)


def class_balanced_cross_entropy(logits, target, *, counts=None, beta=0.999, ignore_index=-100):
    """Class-balanced cross-entropy: a row counts as much as the number of its class's samples lets it.

        -w_y log p_y    with w_c = (1 - beta) / (1 - beta^n_c)

    n_c is how often class c occurs; without counts every row counts 1. beta = 0 makes all weights 1, beta = 1 makes
    them 1 / n_c.

    Where floats break: as in cross_entropy, and in effective_number.

    Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR (2019).

    >>> round(class_balanced_cross_entropy([2.0, 0.5, -1.0], 0), 10)
    0.2413112967
    >>> rare, frequent = (class_balanced_cross_entropy([0.0, 0.0], y, counts=[100, 900]) for y in (0, 1))
    >>> round(rare / frequent, 5)
    6.23492
    """
    by_class = None if counts is None else weights.effective_number(counts, beta=beta)
    return cross_entropy(logits, target, class_weight=by_class, ignore_index=ignore_index)


def class_balanced_cross_entropy_grad(logits, target, *, counts=None, beta=0.999, ignore_index=-100):
    """Slopes of the class-balanced cross-entropy.

        w_y (p_k - [k = y])

    >>> class_balanced_cross_entropy_grad([0.0, 0.0], 0, counts=[4, 1], beta=1.0)
    [-0.125, 0.125]
    """
    by_class = None if counts is None else weights.effective_number(counts, beta=beta)
    return cross_entropy_grad(logits, target, class_weight=by_class, ignore_index=ignore_index)


def class_balanced_cross_entropy_hess(logits, target, *, counts=None, beta=0.999, ignore_index=-100):
    """Curvatures of the class-balanced cross-entropy.

        w_y p_k (1 - p_k)

    >>> class_balanced_cross_entropy_hess([0.0, 0.0], 0, counts=[4, 1], beta=1.0)
    [0.0625, 0.0625]
    """
    by_class = None if counts is None else weights.effective_number(counts, beta=beta)
    return cross_entropy_hess(logits, target, class_weight=by_class, ignore_index=ignore_index)


def _adjusted(logits, softcap, temperature):
    """The logits capped, where there is a cap, and divided by the temperature.

    >>> _adjusted([22.0, 6.0], None, 2.0), [round(z, 6) for z in _adjusted([22.0, 1.0], 2.0, 1.0)]
    ([11.0, 3.0], [2.0, 0.924234])
    """
    if softcap is not None:
        logits = [softcap * tanh(z / softcap) for z in logits]
    return [z / temperature for z in logits]


def _cap_slopes(logits, softcap):
    """How fast each capped logit moves with the logit.

    >>> _cap_slopes([7.0, 8.0], None), _cap_slopes([0.0], 2.0)
    ([1, 1], [1.0])
    """
    return [1 if softcap is None else 1 - tanh(z / softcap) ** 2 for z in logits]


def _gathered(terms):
    """The terms, or if none is larger than their sum that.

    >>> _gathered([3.0, -1.0]), _gathered([3.0, 1.0])
    ([3.0, -1.0], [4.0])
    """
    total = sum(terms)
    return terms if any(abs(term) > abs(total) for term in terms) else [total]


def lse_terms(logits):
    """The largest logit, and what the others add to it in lse.

    >>> [round(part, 4) for part in lse_terms([2.0, 2.0])]
    [2.0, 0.6931]
    """
    largest = max(logits)
    return [largest, logsumexp(logits) - largest]


def _ignored(target, ignore_index):
    """Whether a target is none.

    >>> _ignored(-100, -100), _ignored([0.5, 0.5], -100)
    (True, False)
    """
    return not isinstance(target, list | tuple) and target == ignore_index


def _coefficients(classes, target, class_weight, ignore_index, label_smoothing):
    """How much each class counts: a_c = w_c ((1 - label_smoothing) t_c + label_smoothing / C).

    >>> [round(a, 10) for a in _coefficients(4, 2, None, -100, 0.1)]
    [0.025, 0.025, 0.925, 0.025]
    >>> _coefficients(3, 1, [1.0, 3.0, 1.0], -100, 0.0), _coefficients(3, -100, None, -100, 0.0)
    ([0.0, 3.0, 0.0], [0, 0, 0])
    """
    if _ignored(target, ignore_index):
        return [0] * classes
    if not isinstance(target, list | tuple):
        if target not in range(classes):
            raise IndexError(f"target is {target}, but the classes are 0 to {classes - 1}")
        target = [int(k == target) for k in range(classes)]
    by_class = [1] * classes if class_weight is None else class_weight
    shares = [(1 - label_smoothing) * t + label_smoothing / classes for t in target]
    return [w * share for w, share in zip(by_class, shares, strict=True)]
