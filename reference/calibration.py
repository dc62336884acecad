"""Calibration: of all that a model is 70 % sure of, 70 % should be right."""

from .softmax import cross_entropy, softmax


def ece(confidences, hits, *, n_bins=15):
    """Expected calibration error: how far sureness and success are apart.

        sum_b n_b / n abs(accuracy_b - confidence_b)

    Bin b holds the n_b confidences with (b - 1) / n_bins < confidence <= b / n_bins, the first one also 0; accuracy_b
    and confidence_b are the means over it. hits are 1 for what came true and 0 for what did not.

    Guo et al., On Calibration of Modern Neural Networks, ICML (2017), https://arxiv.org/abs/1706.04599

    Sure by 0.7 and right in seven of ten cases; sure and always wrong; a bin ends with its upper edge:

    >>> round(ece([0.7] * 10, [1] * 7 + [0] * 3), 10)
    0.0
    >>> ece([1.0, 1.0], [0, 0])
    1.0
    >>> round(ece([0.95, 1.0], [1, 0], n_bins=10), 10)
    0.475
    """
    total = 0
    for b in range(n_bins):
        members = [
            (confidence, hit)
            for confidence, hit in zip(confidences, hits, strict=True)
            if b / n_bins < confidence <= (b + 1) / n_bins or confidence == b == 0
        ]
        total += abs(sum(hit for _, hit in members) - sum(confidence for confidence, _ in members))
    return total / len(hits)


def temperature_scaling(beta, rows, targets):
    """What temperature scaling minimises: the mean cross-entropy of logits times beta, the inverse of the temperature.

        1/n sum_i cross_entropy(beta z_i, y_i)

    It is convex in beta. Its minimum does not change which class is the largest, only how sure of it the model is.

    Guo et al., On Calibration of Modern Neural Networks, ICML (2017), https://arxiv.org/abs/1706.04599

    98 % sure and right three times out of four: at a temperature of 4 / log(3), log(3) / 4 times the logits say 75 %.

    >>> from .numbers import log
    >>> rows, targets = [[4.0, 0.0]] * 4, [0, 0, 0, 1]
    >>> [round(temperature_scaling(beta, rows, targets), 10) for beta in (1.0, log(3.0) / 4)]
    [1.0181499279, 0.5623351446]
    """
    return sum(cross_entropy([beta * z for z in row], y) for row, y in zip(rows, targets, strict=True)) / len(rows)


def temperature_scaling_grad(beta, rows, targets):
    """Slope by beta: how much more the mean logit is than that of the true class.

        1/n sum_i (sum_k p_ik z_ik - z_iy)    with p_i = softmax(beta z_i)

    >>> from .numbers import log
    >>> abs(temperature_scaling_grad(log(3.0) / 4, [[4.0, 0.0]] * 4, [0, 0, 0, 1])) < 1e-10
    True
    """
    slopes = [_mean(beta, row) - row[y] for row, y in zip(rows, targets, strict=True)]
    return sum(slopes) / len(rows)


def temperature_scaling_hess(beta, rows, targets):
    """Curvature by beta: the variance of the logits, which is never negative.

        1/n sum_i sum_k p_ik (z_ik - mean_i)^2    with mean_i = sum_k p_ik z_ik

    >>> round(temperature_scaling_hess(0.0, [[4.0, 0.0]], [0]), 10)
    4.0
    """
    total = 0
    for row in rows:
        mean = _mean(beta, row)
        total += sum(p * (z - mean) ** 2 for p, z in zip(softmax([beta * z for z in row]), row, strict=True))
    return total / len(rows)


def _mean(beta, row):
    """The mean logit under softmax(beta row).

    >>> _mean(0.0, [4.0, 0.0])
    2.0
    """
    return sum(p * z for p, z in zip(softmax([beta * z for z in row]), row, strict=True))
