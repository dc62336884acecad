"""Weights of classes: how much each is to count in a loss. And what keeps experts alike."""

from .softmax import softmax


def inverse_frequency(counts):
    """Every class counts alike, however often it occurs.

        w_c = n / (C n_c)    with n = sum_c n_c

    n_c is how often class c occurs among the n samples. A class without samples gets weight 0.

    >>> inverse_frequency([900, 100])
    [0.5555555555555556, 5.0]
    """
    return [sum(counts) / (len(counts) * n) if n else 0 for n in counts]


def effective_number(counts, *, beta=0.999):
    """The inverse of how many effectively different samples a class has.

        w_c = (1 - beta) / (1 - beta^n_c)

    A new sample repeats an old one with a probability that grows with their number: of n samples, 1 + beta + ... +
    beta^(n-1) = (1 - beta^n) / (1 - beta) are different. At beta = 0 there is one, at beta = 1 all n are, which is the
    limit of the formula. A class without samples gets weight 0.

    Where floats break: 1 - beta^n where beta^n is close to 1. The package computes -expm1(n log(beta)).

    Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR (2019), https://arxiv.org/abs/1901.05555

    >>> [round(w, 10) for w in effective_number([900, 100])]
    [0.0016845982, 0.0105033353]
    >>> effective_number([900, 100], beta=0.0), effective_number([4, 100], beta=1.0)
    ([1.0, 1.0], [0.25, 0.01])

    The lost digits:

    >>> effective_number([10], beta=0.999999999999)
    [0.1]
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(effective_number([10], beta=mpf(0.999999999999))[0])
    0.10000000000044999
    """
    return [0 if n == 0 else 1 / n if beta == 1 else (1 - beta) / (1 - beta**n) for n in counts]


def router_load_balancing(logits, *, top_k=2, coefficient=0.01):
    """A router is not to send all tokens to the same experts.

        coefficient E sum_e f_e P_e

    E experts, a row of logits for each token; f_e is the part of all top-k choices that are expert e, P_e the mean of
    the tokens' softmax(logits)_e. Where everything is alike f_e = P_e = 1 / E.

    Fedus, Zoph and Shazeer, Switch Transformers, JMLR 23 (2022), https://arxiv.org/abs/2101.03961

    >>> router_load_balancing([[1.0, 0.0], [0.0, 1.0]], top_k=1)
    0.01
    >>> round(router_load_balancing([[1.0, 0.0], [1.0, 0.0]], top_k=1), 6)
    0.014621
    """
    shares, experts = _shares(logits, top_k), len(logits[0])
    means = [sum(column) / len(logits) for column in zip(*map(softmax, logits), strict=True)]
    return coefficient * experts * sum(f * p for f, p in zip(shares, means, strict=True))


def router_load_balancing_grad(logits, *, top_k=2, coefficient=0.01):
    """Slopes by each token's logits, the choices being constants: coefficient E p (f - sum_e f_e p_e) / N.

    >>> rows = router_load_balancing_grad([[1.0, 0.0], [1.0, 0.0]], top_k=1)
    >>> [[round(slope, 6) for slope in row] for row in rows]
    [[0.001966, -0.001966], [0.001966, -0.001966]]
    """
    shares, factor, slopes = _shares(logits, top_k), coefficient * len(logits[0]), []
    for row in logits:
        p = softmax(row)
        liked = sum(f * a for f, a in zip(shares, p, strict=True))
        slopes.append([factor * a * (f - liked) / len(logits) for f, a in zip(shares, p, strict=True)])
    return slopes


def _shares(logits, top_k):
    """The part of all top-k choices that are each expert; of equal logits the first are chosen.

    >>> _shares([[1.0, 2.0, 2.0], [0.0, 0.0, 3.0]], 2)
    [0.25, 0.25, 0.5]
    """
    counts = [0] * len(logits[0])
    for row in logits:
        for expert in sorted(range(len(row)), key=lambda k: -row[k])[:top_k]:
            counts[expert] += 1
    return [count / (len(logits) * top_k) for count in counts]
