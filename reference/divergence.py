"""Divergences: how far is one distribution over the classes from another?

Each function takes one row: the model's numbers first, then the target's, a constant. The model's are
probabilities q, their logarithms, or logits z with q = softmax(z). `_grad` is the list of first derivatives by
each of them.
"""

from .numbers import divide, log, sqrt
from .softmax import cross_entropy, cross_entropy_grad, softmax


def cross_entropy_probs(input, target):
    """Cross-entropy of two distributions: the surprise at what happens as p says, of one who believes q.

        -sum_c p_c log q_c

    which is the entropy of p and the divergence of q from it. A class with p = 0 never happens, and costs
    nothing; one with p > 0 = q costs infinitely much. (Where floats break: nowhere, every term is positive.)

    Shannon, A Mathematical Theory of Communication (1948).

    >>> round(cross_entropy_probs([0.7, 0.2, 0.1], [1.0, 0.0, 0.0]), 10)
    0.3566749439
    >>> round(cross_entropy_probs([0.05, 0.9, 0.05], [1.0, 0.0, 0.0]), 10)
    2.9957322736
    >>> [round(cross_entropy_probs([p, 1 - p], [1.0, 0.0]), 10) for p in (0.99, 0.9, 0.5, 0.1, 0.01)]
    [0.0100503359, 0.1053605157, 0.6931471806, 2.302585093, 4.605170186]
    >>> cross_entropy_probs([0.0, 1.0], [0.0, 1.0]), cross_entropy_probs([0.0, 1.0], [0.5, 0.5])
    (0.0, inf)
    """
    return sum(-_times(p, log(q)) for q, p in zip(input, target, strict=True))


def cross_entropy_probs_grad(input, target):
    """Slope by each probability of the model: -p / q, and 0 where p is 0.

    >>> cross_entropy_probs_grad([0.5, 0.25, 0.25], [0.25, 0.75, 0.0])
    [-0.5, -3.0, 0]
    """
    return [-divide(p, q) if p != 0 else 0 for q, p in zip(input, target, strict=True)]


def kl_div(input, target):
    """Kullback-Leibler divergence of logarithms x = log q from probabilities p.

        sum_c p_c (log p_c - x_c)

    0 for equal distributions, positive for any others. A class with p = 0 adds nothing, even if q is 0 too. The
    numbers are taken as given: where sum_c e^x_c or sum_c p_c is not quite 1, as it cannot be of rounded numbers,
    the result may be a little less than 0. `kl_divergence` takes logits, and never is.

    Kullback & Leibler, On Information and Sufficiency (1951).

    >>> round(kl_div([log(0.5), log(0.5)], [0.25, 0.75]), 10)
    0.1308120359
    >>> kl_div([float("-inf"), 0.0], [0.0, 1.0]), kl_div([float("-inf"), 0.0], [0.5, 0.5])
    (0.0, inf)

    Cross-entropy is entropy and divergence together:

    >>> p, q = [0.25, 0.75], [0.5, 0.5]
    >>> round(cross_entropy_probs(q, p) - cross_entropy_probs(p, p), 10)
    0.1308120359
    """
    return sum(_times(p, log(p)) - _times(p, x) for x, p in zip(input, target, strict=True))


def kl_div_terms(input, target):
    """The classes in which p is less than q add negative terms, which cancel with the others' of close distributions.
    What they would add up to is only known as far as the given numbers add up to 1.

    >>> kl_div_terms([0.0, 0.0], [0.0, 1.0])
    [0, 0.0]
    """
    return [_times(p, log(p)) - _times(p, x) for x, p in zip(input, target, strict=True)]


def kl_div_grad(input, target):
    """Slope by each logarithm: -p.

    >>> kl_div_grad([-0.5, -1.5], [0.25, 0.75])
    [-0.25, -0.75]
    """
    return [-p for p in target]


def total_variation(input, target):
    """Total variation: the largest difference between the probabilities that q and p give to any set of classes.

        sum_c |q_c - p_c| / 2

    >>> total_variation([0.5, 0.5, 0.0], [0.25, 0.5, 0.25])
    0.25
    """
    return sum(abs(q - p) for q, p in zip(input, target, strict=True)) / 2


def total_variation_grad(input, target):
    """Slope by each probability of the model: half the sign of q - p, and 0 at the corner q = p.

    >>> total_variation_grad([0.5, 0.5, 0.0], [0.25, 0.5, 0.25])
    [0.5, 0.0, -0.5]
    """
    return [((q > p) - (q < p)) / 2 for q, p in zip(input, target, strict=True)]


def hellinger(input, target):
    """Squared Hellinger distance: from 0 for equal distributions to 1 for those that share no class.

        1 - sum_c sqrt(p_c q_c)

    which for probabilities that add up to 1 is sum_c (sqrt(p_c) - sqrt(q_c))^2 / 2; of those that do so but for
    their last digits it may be a little less than 0.

    Where floats break: close to equal, the sum is close to 1. The kernel keeps what each root rounds off.

    Hellinger, Neue Begründung der Theorie quadratischer Formen (1909).

    >>> hellinger([0.5, 0.5, 0.0], [0.5, 0.125, 0.375])
    0.25
    >>> hellinger([1.0, 0.0], [0.0, 1.0])
    1.0
    """
    return 1 - sum(sqrt(p * q) for q, p in zip(input, target, strict=True))


def hellinger_grad(input, target):
    """Slope by each probability of the model: -sqrt(p / q) / 2, and 0 where p is 0.

    >>> hellinger_grad([0.25, 0.75, 0.0], [1.0, 0.0, 0.0])
    [-1.0, 0, 0]
    """
    return [-sqrt(divide(p, q)) / 2 if p != 0 else 0 for q, p in zip(input, target, strict=True)]


def js_divergence(input, target, *, beta=0.5):
    """Jensen-Shannon divergence: how far both distributions are from the mixture of the two.

        beta KL(p || m) + (1 - beta) KL(q || m)    with m = beta p + (1 - beta) q

    It is finite where q or p is 0, symmetric for beta = 1/2, and then at most log 2.

    Where floats break: the logs of close distributions' ratios nearly cancel. Together a class's terms
    are positive; the kernel computes p (u - log(1 + u)) with u = (m - p) / p, and the same of q.

    Lin, Divergence Measures Based on the Shannon Entropy (1991).

    >>> round(js_divergence([0.5, 0.5], [0.25, 0.75]), 10), round(js_divergence([1.0, 0.0], [0.0, 1.0]), 10)
    (0.0338220756, 0.6931471806)
    >>> js_divergence([0.5, 0.5], [0.5, 0.5])
    0.0
    """
    total = 0
    for q, p in zip(input, target, strict=True):
        m = beta * p + (1 - beta) * q
        if m != 0:
            total += beta * _times(p, log(p / m)) + (1 - beta) * _times(q, log(q / m))
    return total


def js_divergence_grad(input, target, *, beta=0.5):
    """Slope by each probability of the model: (1 - beta) log(q / m), and 0 where both are 0.

    >>> [round(slope, 6) for slope in js_divergence_grad([0.5, 0.5, 0.0], [0.25, 0.75, 0.0])]
    [0.143841, -0.111572, 0]
    """
    slopes = []
    for q, p in zip(input, target, strict=True):
        m = beta * p + (1 - beta) * q
        slopes.append((1 - beta) * log(q / m) if m != 0 else 0)
    return slopes


def entropy(logits):
    """Entropy of softmax: how undecided the model is, from 0 for the certain to log C for equal odds.

        -sum_c p_c log p_c    with p = softmax(z)

    Where floats break: e^z overflows, and the log of a probability close to 1 loses its digits. The kernel takes
    -log p_c = (z_max - z_c) + log1p(sum of the others' e^(z - z_max)), both positive.

    Shannon, A Mathematical Theory of Communication (1948).

    >>> round(entropy([0.0, 0.0]), 10), round(entropy([log(0.7), log(0.2), log(0.1)]), 10)
    (0.6931471806, 0.8018185525)
    >>> entropy([40.0, 0.0]), entropy([1000.0, 0.0])
    (1.6993417021166355e-16, nan)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(entropy([mpf(40), mpf(0)]))
    1.7418252446695514e-16
    """
    return sum(-_times(p, log(p)) for p in softmax(logits))


def entropy_grad(logits):
    """Slope by each logit: -p (log p + entropy). The slopes of a row add up to 0.

    >>> [round(slope, 6) for slope in entropy_grad([log(0.7), log(0.2), log(0.1)])]
    [-0.311601, 0.161524, 0.150077]
    """
    h = entropy(logits)
    return [-_times(p, log(p)) - p * h for p in softmax(logits)]


def entropy_grad_terms(logits):
    """A class as surprising as the mean has slope 0: there -p log p and p times the entropy, a sum over all classes,
    meet.

    >>> entropy_grad_terms([0.0, 0.0])
    [[0.34657359027997264, -0.34657359027997264], [0.34657359027997264, -0.34657359027997264]]
    """
    h = entropy(logits)
    return [[-_times(p, log(p)), -p * h] for p in softmax(logits)]


def kl_divergence(logits, target, *, temperature=1.0):
    """Kullback-Leibler divergence KL(p || q) of the model q = softmax(logits) from p = softmax(target).

        sum_c p_c (log p_c - log q_c)

    Where p is a teacher and q its student, this is the forward divergence: the student must give a chance
    to all that the teacher thinks possible. A class with p = 0 adds nothing, one with p > 0 = q costs infinitely much.

    Where floats break: for close distributions the terms, of both signs, cancel. As both add up to 1, the sum is that
    of q - p - p log(q / p), all positive: with d = log q - log p the kernel sums p (e^d - 1 - d).

    Kullback & Leibler, On Information and Sufficiency (1951).

    >>> round(kl_divergence([0.0, 0.0], [log(0.25), log(0.75)]), 10)
    0.1308120359
    >>> kl_divergence([1.0, 2.0], [1.0, 2.0]), kl_divergence([float("-inf"), 0.0], [0.0, 0.0])
    (0.0, inf)

    The lost digits, and sign:

    >>> kl_divergence([1e-9, 0.0], [0.0, 0.0])
    -1.250000186514102e-19
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(kl_divergence([mpf(10) ** -9, mpf(0)], [mpf(0), mpf(0)]))
    1.25e-19
    """
    q, p = _softmaxes(logits, target, temperature)
    return sum(b * log(divide(b, a)) for a, b in zip(q, p, strict=True) if b != 0)


def kl_divergence_grad(logits, target, *, temperature=1.0):
    """Slope by each logit of the model: (q - p) / temperature.

    >>> kl_divergence_grad([0.0, 0.0], [log(0.25), log(0.75)])
    [0.25, -0.25]
    """
    q, p = _softmaxes(logits, target, temperature)
    return [(a - b) / temperature for a, b in zip(q, p, strict=True)]


def kl_divergence_grad_terms(logits, target, *, temperature=1.0):
    """q and p of one class may meet while those of others differ: a difference of two numbers that each come from the
    sum of a whole row.

    >>> kl_divergence_grad_terms([0.0, 0.0], [0.0, 0.0])
    [[0.5, -0.5], [0.5, -0.5]]
    """
    q, p = _softmaxes(logits, target, temperature)
    return [[a / temperature, -b / temperature] for a, b in zip(q, p, strict=True)]


def reverse_kl_divergence(logits, target, *, temperature=1.0):
    """Kullback-Leibler divergence KL(q || p) of p = softmax(target) from the model q = softmax(logits).

        sum_c q_c (log q_c - log p_c)

    The student must not do what the teacher thinks impossible, but may keep to some of what it does: a class
    with q = 0 adds nothing, one with q > 0 = p costs infinitely much.

    Where floats break: as in `kl_divergence`. The kernel sums q (e^-d - 1 + d) with d = log q - log p.

    Kullback & Leibler, On Information and Sufficiency (1951).

    >>> round(reverse_kl_divergence([0.0, 0.0], [log(0.25), log(0.75)]), 10)
    0.1438410362
    """
    q, p = _softmaxes(logits, target, temperature)
    return sum(a * log(divide(a, b)) for a, b in zip(q, p, strict=True) if a != 0)


def reverse_kl_divergence_grad(logits, target, *, temperature=1.0):
    """Slope by each logit of the model: q (d - sum_j q_j d_j) / temperature with d = log q - log p.

    >>> [round(slope, 6) for slope in reverse_kl_divergence_grad([0.0, 0.0], [log(0.25), log(0.75)])]
    [0.274653, -0.274653]
    """
    q, d = _log_ratios(logits, target, temperature)
    return [slope / temperature for slope in _centred(q, d)]


def reverse_kl_divergence_grad_terms(logits, target, *, temperature=1.0):
    """A class whose log-ratio is about the mean has a slope of about 0: the difference of the ratio and a mean of
    ratios of both signs.

    >>> reverse_kl_divergence_grad_terms([0.0], [0.0])
    [[0.0, -0.0, -0.0]]
    """
    q, d = _log_ratios(logits, target, temperature)
    return [[term / temperature for term in terms] for terms in _centred_terms(q, d)]


def jsd(logits, target, *, beta=0.5, temperature=1.0):
    """Generalised Jensen-Shannon divergence of a student q = softmax(logits) and its teacher p = softmax(target).

        beta KL(p || m) + (1 - beta) KL(q || m)    with m = beta p + (1 - beta) q

    For beta = 1/2 symmetric and at most log 2. The formula is 0 at both ends of beta; everybody takes KL(p || q) for
    beta = 0 and KL(q || p) for beta = 1 instead. A temperature divides the logits of both.

    Where floats break: as in `js_divergence`. The ratio (m - p) / p is (1 - beta) (e^d - 1) with d = log q - log p.

    Agarwal et al., On-Policy Distillation of Language Models (2024).

    >>> round(jsd([0.0, 0.0], [log(0.25), log(0.75)]), 10), jsd([1.0, 2.0], [1.0, 2.0])
    (0.0338220756, 0.0)
    >>> round(jsd([0.0, 0.0], [log(0.25), log(0.75)], beta=0.0), 10)
    0.1308120359
    """
    if beta == 0:
        return kl_divergence(logits, target, temperature=temperature)
    if beta == 1:
        return reverse_kl_divergence(logits, target, temperature=temperature)
    return js_divergence(*_softmaxes(logits, target, temperature), beta=beta)


def jsd_grad(logits, target, *, beta=0.5, temperature=1.0):
    """Slope by each logit of the student: (1 - beta) q (l - sum_j q_j l_j) / temperature with l = log(q / m).

    >>> [round(slope, 6) for slope in jsd_grad([0.0, 0.0], [log(0.25), log(0.75)])]
    [0.063853, -0.063853]
    """
    if beta == 0:
        return kl_divergence_grad(logits, target, temperature=temperature)
    if beta == 1:
        return reverse_kl_divergence_grad(logits, target, temperature=temperature)
    q, slopes = _mixture_slopes(logits, target, beta, temperature)
    return [slope / temperature for slope in _centred(q, slopes)]


def jsd_grad_terms(logits, target, *, beta=0.5, temperature=1.0):
    """As of the reverse divergence: the difference of a log-ratio and a mean of log-ratios of both signs.

    >>> jsd_grad_terms([0.0], [0.0])
    [[0.0, -0.0, -0.0]]
    """
    if beta == 0:
        return kl_divergence_grad_terms(logits, target, temperature=temperature)
    if beta == 1:
        return reverse_kl_divergence_grad_terms(logits, target, temperature=temperature)
    q, slopes = _mixture_slopes(logits, target, beta, temperature)
    return [[term / temperature for term in terms] for terms in _centred_terms(q, slopes)]


def skewed_kl(logits, target, *, alpha=0.1, direction="forward"):
    """Skewed Kullback-Leibler divergence: of a student q mixed with a little of its teacher p, and so never infinite.

        KL(p || m)    with m = alpha p + (1 - alpha) q,  q = softmax(logits),  p = softmax(target)

    In reverse it is of the teacher mixed with a little of the student: KL(q || m) with m = alpha q + (1 - alpha) p.

    Where floats break: as in `js_divergence`, of which these are the two halves.

    Ko et al., DistiLLM: Towards Streamlined Distillation for Large Language Models (2024).

    >>> round(skewed_kl([0.0, 0.0], [log(0.25), log(0.75)]), 10)
    0.1070427364
    >>> round(skewed_kl([float("-inf"), 0.0], [0.0, 0.0]), 10)
    0.8303656034
    >>> round(skewed_kl([0.0, 0.0], [log(0.25), log(0.75)], direction="reverse"), 10)
    0.1131367222
    """
    q, p = _softmaxes(logits, target, 1)
    if direction == "reverse":
        q, p = p, q
    return sum(b * log(divide(b, alpha * b + (1 - alpha) * a)) for a, b in zip(q, p, strict=True) if b != 0)


def skewed_kl_grad(logits, target, *, alpha=0.1, direction="forward"):
    """Slope by each logit of the student: (1 - alpha) q (s - sum_j q_j s_j) with s = (m - p) / m; in reverse
    q (s - sum_j q_j s_j) with s = log(q / m) + alpha (m - q) / m.

    >>> [round(slope, 6) for slope in skewed_kl_grad([0.0, 0.0], [log(0.25), log(0.75)])]
    [0.203008, -0.203008]
    >>> [round(slope, 6) for slope in skewed_kl_grad([0.0, 0.0], [log(0.25), log(0.75)], direction="reverse")]
    [0.214137, -0.214137]
    """
    if alpha == 0:
        return (reverse_kl_divergence_grad if direction == "reverse" else kl_divergence_grad)(logits, target)
    q, slopes = _skewed_slopes(logits, target, alpha, direction)
    return _centred(q, slopes)


def skewed_kl_grad_terms(logits, target, *, alpha=0.1, direction="forward"):
    """The difference of a ratio and a mean of ratios of both signs.

    >>> skewed_kl_grad_terms([0.0], [0.0])
    [[0.0, -0.0, -0.0]]
    """
    if alpha == 0:
        grad_terms = reverse_kl_divergence_grad_terms if direction == "reverse" else kl_divergence_grad_terms
        return grad_terms(logits, target)
    q, slopes = _skewed_slopes(logits, target, alpha, direction)
    return _centred_terms(q, slopes)


def tvd_distillation(logits, target):
    """Total variation of a student q = softmax(logits) and its teacher p = softmax(target).

        sum_c |q_c - p_c| / 2

    Where floats break: e^z overflows, and close probabilities cancel. The kernel computes p (e^d - 1) with
    d = log q - log p.

    Wen et al., f-Divergence Minimization for Sequence-Level Knowledge Distillation (2023).

    >>> round(tvd_distillation([0.0, 0.0], [log(0.25), log(0.75)]), 10)
    0.25
    """
    return total_variation(*_softmaxes(logits, target, 1))


def tvd_distillation_grad(logits, target):
    """Slope by each logit of the student: q (s - sum_j q_j s_j) / 2 with s = sign(q - p), 0 at the corner q = p.

    >>> [round(slope, 6) for slope in tvd_distillation_grad([0.0, 0.0], [log(0.25), log(0.75)])]
    [0.25, -0.25]
    """
    q, p = _softmaxes(logits, target, 1)
    return _centred(q, total_variation_grad(q, p))


def tvd_distillation_grad_terms(logits, target):
    """At a corner the slope is the difference of what q has below and above p.

    >>> tvd_distillation_grad_terms([0.0], [0.0])
    [[0.0, -0.0, -0.0]]
    >>> tvd_distillation_grad_terms([0.0, 0.0], [1.0, 0.0])
    [[-0.25], [0.25]]
    """
    q, p = _softmaxes(logits, target, 1)
    slopes = total_variation_grad(q, p)
    terms = zip(slopes, _centred(q, slopes), _centred_terms(q, slopes), strict=True)
    return [three if slope == 0 else [whole] for slope, whole, three in terms]


def knowledge_distillation(
    student, teacher, target, *, temperature=2.0, alpha=0.5, direction="forward", scale_by_t2=True, ignore_index=-100
):
    """Knowledge distillation: learn from what a teacher thinks, and from the labels.

        alpha temperature^2 KL(p || q) + (1 - alpha) cross_entropy(student, target)

    with q = softmax(student / temperature), p = softmax(teacher / temperature). The higher the temperature, the more of
    the teacher's opinion on wrong classes comes through, and the weaker the slopes: temperature^2 makes up for it.
    The direction "reverse" takes KL(q || p) instead, "jsd" the Jensen-Shannon divergence.

    Where floats break: as in `kl_divergence` and `cross_entropy`; and z / temperature is rounded, which e^z amplifies.
    The kernel keeps its second part.

    Hinton, Vinyals & Dean, Distilling the Knowledge in a Neural Network (2015).

    >>> round(knowledge_distillation([2.0, 0.5, -1.0], [1.0, 1.0, 0.0], 0), 10)
    0.3014376322
    >>> round(knowledge_distillation([2.0, 0.5, -1.0], [1.0, 1.0, 0.0], 0, alpha=0.0), 10)
    0.2413112967
    >>> round(knowledge_distillation([2.0, 0.5, -1.0], [1.0, 1.0, 0.0], 0, direction="reverse"), 10)
    0.2996400084
    """
    divergence = {"forward": kl_divergence, "reverse": reverse_kl_divergence, "jsd": jsd}[direction]
    if target == ignore_index:
        return 0
    factor = alpha * temperature * temperature if scale_by_t2 else alpha
    soft = factor * divergence(student, teacher, temperature=temperature) if alpha != 0 else 0
    hard = (1 - alpha) * cross_entropy(student, target) if alpha != 1 else 0
    return soft + hard


def knowledge_distillation_grad(
    student, teacher, target, *, temperature=2.0, alpha=0.5, direction="forward", scale_by_t2=True, ignore_index=-100
):
    """Slope by each logit of the student: alpha temperature (q - p) + (1 - alpha) (softmax(student) - [label]), or
    with the other divergences' slopes.

    >>> [round(slope, 6) for slope in knowledge_distillation_grad([2.0, 0.5, -1.0], [1.0, 1.0, 0.0], 0)]
    [0.098944, -0.017406, -0.081539]
    """
    words = {"temperature": temperature, "alpha": alpha, "direction": direction, "scale_by_t2": scale_by_t2}
    words["ignore_index"] = ignore_index
    return [sum(terms) for terms in knowledge_distillation_grad_terms(student, teacher, target, **words)]


def knowledge_distillation_grad_terms(
    student, teacher, target, *, temperature=2.0, alpha=0.5, direction="forward", scale_by_t2=True, ignore_index=-100
):
    """The teacher and the label may pull in opposite directions.

    >>> knowledge_distillation_grad_terms([0.0, 0.0], [0.0, 0.0], 1)
    [[0.5, -0.5, 0.25], [0.5, -0.5, -0.25]]
    """
    if target == ignore_index:
        return [[] for _ in student]
    factor = alpha * temperature * temperature if scale_by_t2 else alpha
    grad_terms = {
        "forward": kl_divergence_grad_terms,
        "reverse": reverse_kl_divergence_grad_terms,
        "jsd": jsd_grad_terms,
    }[direction]
    soft = grad_terms(student, teacher, temperature=temperature)
    hard = cross_entropy_grad(student, target)
    return [[*(factor * a for a in terms), (1 - alpha) * c] for terms, c in zip(soft, hard, strict=True)]


def _softmaxes(logits, target, temperature):
    return softmax([z / temperature for z in logits]), softmax([z / temperature for z in target])


def _log_ratios(logits, target, temperature):
    """q and log q - log p, which is 0 where q is."""
    q, p = _softmaxes(logits, target, temperature)
    return q, [log(divide(a, b)) if a != 0 else 0 for a, b in zip(q, p, strict=True)]


def _mixture_slopes(logits, target, beta, temperature):
    """q and (1 - beta) log(q / m), which is 0 where q is."""
    q, p = _softmaxes(logits, target, temperature)
    slopes = js_divergence_grad(q, p, beta=beta)
    return q, [slope if a != 0 else 0 for a, slope in zip(q, slopes, strict=True)]


def _skewed_slopes(logits, target, alpha, direction):
    """q and (1 - alpha) (m - p) / m, in reverse log(q / m) + alpha (m - q) / m, which are 0 where q is."""
    q, p = _softmaxes(logits, target, 1)
    c = 1 - alpha
    if direction == "reverse":
        m = [alpha * a + c * b for a, b in zip(q, p, strict=True)]
        pairs = zip(q, p, m, strict=True)
        return q, [log(divide(a, x)) + alpha * divide(c * (b - a), x) if a != 0 else 0 for a, b, x in pairs]
    return q, [c * divide(c * (a - b), alpha * b + c * a) if a != 0 else 0 for a, b in zip(q, p, strict=True)]


def _centred(q, slopes):
    """Slopes by the probabilities of a softmax as slopes by its logits: q (s - sum_j q_j s_j).

    >>> _centred([0.5, 0.5], [1.0, 3.0])
    [-0.5, 0.5]
    """
    mean = sum(a * s for a, s in zip(q, slopes, strict=True))
    return [a * (s - mean) if a != 0 else 0 for a, s in zip(q, slopes, strict=True)]


def _centred_terms(q, slopes):
    """Their terms: the slope itself, and what the positive and the negative slopes add to the mean.

    >>> _centred_terms([0.5, 0.5], [1.0, -3.0])
    [[0.5, -0.25, 0.75], [-1.5, -0.25, 0.75]]
    """
    up = sum([a * s for a, s in zip(q, slopes, strict=True) if s > 0], 0 * q[0])
    down = sum([a * s for a, s in zip(q, slopes, strict=True) if s < 0], 0 * q[0])
    return [[a * s, -a * up, -a * down] if a != 0 else [0] for a, s in zip(q, slopes, strict=True)]


def _times(p, x):
    """p x, which is 0 for p = 0 even if x is infinite.

    >>> _times(0.0, float("-inf")), _times(0.5, 3.0)
    (0, 1.5)
    """
    return 0 if p == 0 and x == x else p * x
