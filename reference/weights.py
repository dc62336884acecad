"""Weights of classes: how much each is to count in a loss."""


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
