"""Divergences: how far is one distribution over the classes from another?

Each function takes one row: the model's numbers first, then the target's, a constant. The model's are
probabilities q, their logarithms, or logits z with q = softmax(z). `_grad` is the list of first derivatives by
each of them.
"""

from .numbers import divide, log, sqrt


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


def _times(p, x):
    """p x, which is 0 for p = 0 even if x is infinite.

    >>> _times(0.0, float("-inf")), _times(0.5, 3.0)
    (0, 1.5)
    """
    return 0 if p == 0 and x == x else p * x
