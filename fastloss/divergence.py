"""The divergences: losses of two distributions over the classes of a row."""

from __future__ import annotations

from typing import Any, Literal

from numpy.typing import ArrayLike

from fastloss.arrays import Interval, flag
from fastloss.loss import Out, Reduction, rows
from fastloss.reference import divergence as reference

__all__ = [
    "cross_entropy_probs",
    "entropy",
    "hellinger",
    "js_divergence",
    "jsd",
    "kl_div",
    "kl_divergence",
    "knowledge_distillation",
    "reverse_kl_divergence",
    "skewed_kl",
    "total_variation",
    "tvd_distillation",
]

DIRECTIONS = ("forward", "reverse", "jsd")  # of knowledge_distillation, as its kernel counts them
PROBABILITIES = {"input": Interval(0, 1), "target": Interval(0, 1)}


@rows("input", "target", reference=reference.cross_entropy_probs, domain=PROBABILITIES)
def cross_entropy_probs(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Cross-entropy of two distributions given as probabilities: -sum(p log q).

    The loss of a row of model probabilities q and target probabilities p, and its gradient by q::

        loss     = sum_c -p_c log(q_c)
        gradient = -p / q

    In NumPy: ``-np.mean(np.sum(target * np.log(input), axis=-1))``.

    Parameters
    ----------
    input : array_like in {input}
        The model's probabilities q, classes on `axis`. Neither they nor the target's need to sum to 1.
    target : array_like in {target}
        The target's probabilities p, in the shape of `input`: a constant.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth inside its domain. A class with p = 0 costs nothing even if q = 0, with gradient 0; p > 0 = q costs inf,
    with gradient -inf. There is no hidden clip. Of logits take `cross_entropy`, which knows the probabilities' tails.

    References
    ----------
    C. Shannon, A Mathematical Theory of Communication (1948), https://doi.org/10.1002/j.1538-7305.1948.tb01338.x

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.cross_entropy_probs([[0.7, 0.2, 0.1]], [[1.0, 0.0, 0.0]]), 10)
    0.3566749439
    >>> fl.cross_entropy_probs([[0.0, 1.0]], [[0.0, 1.0]])
    0.0
    >>> fl.cross_entropy_probs.value_and_grad([[0.25, 0.75]], [[0.25, 0.75]])
    (0.5623351446188083, array([[-1., -1.]]))
    """
    return cross_entropy_probs.run(ask, (input, target), (), weight, reduction, denominator, axis, out)


@rows(
    "input",
    "target",
    reference=reference.kl_div,
    domain={"input": Interval(high=0), "target": Interval(0)},
    peers={"optax": "kl_divergence"},
    signed=True,
)
def kl_div(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Kullback-Leibler divergence KL(p || q) of log-probabilities log q from probabilities p.

    The loss of a row of the model's log-probabilities x and target probabilities p, and its gradient by x::

        loss     = sum_c p_c (log(p_c) - x_c)
        gradient = -p

    In NumPy: ``np.mean(np.sum(target * (np.log(target) - input), axis=-1))``.

    Parameters
    ----------
    input : array_like in {input}
        The logarithms x of the model's probabilities, classes on `axis`.
    target : array_like in {target}
        The target's probabilities p, in the shape of `input`: a constant.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    The mean is over rows, which torch calls "batchmean". A class with p = 0 adds 0 even if x is minus infinity; p > 0
    there costs inf. Numbers that do not quite sum to 1, as rounded ones, may give a little less than 0: the loss is
    that of the numbers given, in which log(p) - x is formed from a logarithm in two parts. `kl_divergence` takes
    logits, and is never negative.

    References
    ----------
    S. Kullback and R. Leibler, On Information and Sufficiency (1951), https://doi.org/10.1214/aoms/1177729694

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.kl_div(np.log([[0.5, 0.5]]), [[0.25, 0.75]]), 10)
    0.1308120359
    >>> fl.kl_div([[-np.inf, 0.0]], [[0.0, 1.0]])
    0.0
    >>> fl.kl_div.value_and_grad(np.log([[0.25, 0.75]]), [[0.5, 0.5]])
    (0.14384103622589045, array([[-0.5, -0.5]]))
    """
    return kl_div.run(ask, (input, target), (), weight, reduction, denominator, axis, out)


@rows("input", "target", reference=reference.total_variation, domain=PROBABILITIES)
def total_variation(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Total variation of two distributions given as probabilities: half their absolute difference.

    The loss of a row of model probabilities q and target probabilities p, and its gradient by q::

        loss     = sum_c |q_c - p_c| / 2
        gradient = sign(q - p) / 2

    In NumPy: ``np.mean(np.sum(abs(input - target), axis=-1)) / 2``.

    Parameters
    ----------
    input : array_like in {input}
        The model's probabilities q, classes on `axis`.
    target : array_like in {target}
        The target's probabilities p, in the shape of `input`: a constant.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    The gradient at the kink q = p is 0. Between 0 and 1 for probabilities that sum to 1: the most that the two
    distributions can differ in the probability of any set of classes.

    References
    ----------
    D. Levin and Y. Peres, Markov Chains and Mixing Times (2017), chapter 4, https://doi.org/10.1090/mbk/107

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.total_variation([[0.5, 0.5, 0.0]], [[0.25, 0.5, 0.25]])
    0.25
    >>> fl.total_variation.value_and_grad([[0.5, 0.5, 0.0]], [[0.25, 0.5, 0.25]])
    (0.25, array([[ 0.5,  0. , -0.5]]))
    """
    return total_variation.run(ask, (input, target), (), weight, reduction, denominator, axis, out)


@rows("input", "target", reference=reference.hellinger, domain=PROBABILITIES, signed=True)
def hellinger(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Squared Hellinger distance of two distributions given as probabilities.

    The loss of a row of model probabilities q and target probabilities p, and its gradient by q::

        loss     = 1 - sum_c sqrt(p_c q_c)
        gradient = -sqrt(p / q) / 2

    In NumPy: ``np.mean(1 - np.sum(np.sqrt(input * target), axis=-1))``.

    Parameters
    ----------
    input : array_like in {input}
        The model's probabilities q, classes on `axis`.
    target : array_like in {target}
        The target's probabilities p, in the shape of `input`: a constant.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Between 0 and 1 for probabilities that sum to 1; a little less than 0 is possible where they do not quite, as
    rounded ones. The gradient is 0 where p = 0, and -inf where p > 0 = q. The roots are computed in two parts,
    because their sum is close to 1 for close distributions.

    References
    ----------
    E. Hellinger, Neue Begründung der Theorie quadratischer Formen (1909), https://doi.org/10.1515/crll.1909.136.210

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.hellinger([[0.5, 0.5, 0.0]], [[0.5, 0.125, 0.375]])
    0.25
    >>> fl.hellinger.value_and_grad([[0.25, 0.75]], [[1.0, 0.0]])
    (0.5, array([[-1., -0.]]))
    """
    return hellinger.run(ask, (input, target), (), weight, reduction, denominator, axis, out)


@rows(
    "input",
    "target",
    reference=reference.js_divergence,
    domain={**PROBABILITIES, "beta": Interval(0, 1, True, True)},
    examples=({}, {"beta": 0.25}),
)
def js_divergence(
    ask: int,
    input: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 0.5,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Jensen-Shannon divergence of two distributions given as probabilities.

    The loss of a row of model probabilities q and target probabilities p, and its gradient by q, with their mixture
    m = beta p + (1 - beta) q::

        loss     = sum_c beta p_c log(p_c / m_c) + (1 - beta) q_c log(q_c / m_c)
        gradient = (1 - beta) log(q / m)

    In NumPy: ``np.mean(np.sum(beta * p * np.log(p / m) + (1 - beta) * q * np.log(q / m), axis=-1))``.

    Parameters
    ----------
    input : array_like in {input}
        The model's probabilities q, classes on `axis`.
    target : array_like in {target}
        The target's probabilities p, in the shape of `input`: a constant.
    beta : float in {beta}
        The target's part in the mixture.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Never negative, and for beta = 1/2 symmetric and at most log(2). Finite where q or p is 0; the gradient is -inf
    where p > 0 = q, and 0 where both are 0. With u = (m - p) / p and v = (m - q) / q, the kernel adds beta p (u -
    log1p(u)) + (1 - beta) q (v - log1p(v)), both positive, and u - log1p(u) by a series near 0. `jsd` takes logits.

    References
    ----------
    J. Lin, Divergence Measures Based on the Shannon Entropy (1991), https://doi.org/10.1109/18.61115

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.js_divergence([[0.5, 0.5]], [[0.25, 0.75]]), 10)
    0.0338220756
    >>> fl.js_divergence.value_and_grad([[0.5, 0.5]], [[0.25, 0.75]])
    (0.033822075568605225, array([[ 0.14384104, -0.11157178]]))
    """
    params = (js_divergence.parameter("beta", beta),)
    return js_divergence.run(ask, (input, target), params, weight, reduction, denominator, axis, out)


@rows("logits", reference=reference.entropy)
def entropy(
    ask: int,
    logits: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Entropy of softmax: how undecided a model is.

    The loss of one row of logits z, and its gradient, with p = softmax(z)::

        loss     = sum_c -p_c log(p_c)
        gradient = -p (log(p) + loss)

    In NumPy: ``np.mean(-np.sum(p * np.log(p), axis=-1))``.

    Parameters
    ----------
    logits : array_like
        The model's unnormalised log-probabilities, classes on `axis`. Minus infinity is a masked class.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Between 0 and log(C), in nats: divide by log(2) for bits. Smooth everywhere; a masked class takes no part. The
    kernel takes -log(p_c) = (m - z_c) + log1p(sum of the others' exp(z - m)) for the largest logit m, both positive.

    References
    ----------
    C. Shannon, A Mathematical Theory of Communication (1948), https://doi.org/10.1002/j.1538-7305.1948.tb01338.x

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.entropy([[0.0, 0.0], [40.0, 0.0]], reduction="none")
    array([6.93147181e-01, 1.74182524e-16])
    >>> fl.entropy.value_and_grad([[0.0, 0.0]])
    (0.6931471805599453, array([[0., 0.]]))
    """
    return entropy.run(ask, (logits,), (), weight, reduction, denominator, axis, out)


@rows(
    "logits",
    "target",
    reference=reference.kl_divergence,
    domain={"temperature": Interval(0, low_open=True, high_open=True)},
    examples=({}, {"temperature": 2.0}),
)
def kl_divergence(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    temperature: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Kullback-Leibler divergence KL(p || q) of the model's softmax q from the target's softmax p.

    The loss of one row, and its gradient by the logits, with q = softmax(logits / temperature) and
    p = softmax(target / temperature)::

        loss     = sum_c p_c (log(p_c) - log(q_c))
        gradient = (q - p) / temperature

    In NumPy: ``np.mean(np.sum(p * np.log(p / q), axis=-1))``.

    Parameters
    ----------
    logits : array_like
        The model's unnormalised log-probabilities, classes on `axis`. Minus infinity is a masked class.
    target : array_like
        The same of the target, in the shape of `logits`: a constant.
    temperature : float in {temperature}
        Divides the logits of both.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Never negative, and exactly 0 for equal logits. A class that the target masks adds nothing; one
    that only the model masks costs inf, with finite slopes all the same. With d = log(q) - log(p) the kernel adds p
    (exp(d) - 1 - d), all positive: of close distributions the differences keep their digits. `kl_div` takes
    probabilities.

    References
    ----------
    S. Kullback and R. Leibler, On Information and Sufficiency (1951), https://doi.org/10.1214/aoms/1177729694

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.kl_divergence([[0.0, 0.0]], np.log([[0.25, 0.75]])), 10)
    0.1308120359
    >>> fl.kl_divergence.value_and_grad([[1e-9, 0.0]], [[0.0, 0.0]])
    (1.25e-19, array([[ 2.5e-10, -2.5e-10]]))
    """
    params = (kl_divergence.parameter("temperature", temperature),)
    return kl_divergence.run(ask, (logits, target), params, weight, reduction, denominator, axis, out)


@rows(
    "logits",
    "target",
    reference=reference.reverse_kl_divergence,
    domain={"temperature": Interval(0, low_open=True, high_open=True)},
    examples=({}, {"temperature": 2.0}),
)
def reverse_kl_divergence(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    temperature: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Kullback-Leibler divergence KL(q || p) of the target's softmax p from the model's softmax q.

    The loss of one row, and its gradient by the logits, with q = softmax(logits / temperature),
    p = softmax(target / temperature) and d = log(q) - log(p)::

        loss     = sum_c q_c d_c
        gradient = q (d - loss) / temperature

    In NumPy: ``np.mean(np.sum(q * np.log(q / p), axis=-1))``.

    Parameters
    ----------
    logits : array_like
        The model's unnormalised log-probabilities, classes on `axis`. Minus infinity is a masked class.
    target : array_like
        The same of the target, in the shape of `logits`: a constant.
    temperature : float in {temperature}
        Divides the logits of both.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Never negative, and exactly 0 for equal logits. A class that the model masks adds nothing; one
    that only the target masks costs inf, with slopes of -inf for the others and nan for itself. The kernel adds q
    (exp(-d) - 1 + d), all positive: of close distributions the differences keep their digits.

    References
    ----------
    S. Kullback and R. Leibler, On Information and Sufficiency (1951), https://doi.org/10.1214/aoms/1177729694

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.reverse_kl_divergence([[0.0, 0.0]], np.log([[0.25, 0.75]])), 10)
    0.1438410362
    >>> fl.reverse_kl_divergence.value_and_grad([[1e-9, 0.0]], [[0.0, 0.0]])
    (1.25e-19, array([[ 2.5e-10, -2.5e-10]]))
    """
    params = (reverse_kl_divergence.parameter("temperature", temperature),)
    return reverse_kl_divergence.run(ask, (logits, target), params, weight, reduction, denominator, axis, out)


@rows(
    "logits",
    "target",
    reference=reference.jsd,
    domain={"beta": Interval(0, 1), "temperature": Interval(0, low_open=True, high_open=True)},
    examples=({}, {"beta": 0.25, "temperature": 2.0}),
)
def jsd(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    beta: float = 0.5,
    temperature: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Generalised Jensen-Shannon divergence of a student's softmax and its teacher's.

    The loss of one row, and its gradient by the logits, with q = softmax(logits / temperature),
    p = softmax(target / temperature), m = beta p + (1 - beta) q and l = log(q / m)::

        loss     = beta KL(p || m) + (1 - beta) KL(q || m)
        gradient = (1 - beta) q (l - KL(q || m)) / temperature

    For beta = 0 it is KL(p || q) instead, for beta = 1 KL(q || p), where the formula would be 0.

    In NumPy: ``np.mean(np.sum(beta * p * np.log(p / m) + (1 - beta) * q * np.log(q / m), axis=-1))``.

    Parameters
    ----------
    logits : array_like
        The model's unnormalised log-probabilities, classes on `axis`. Minus infinity is a masked class.
    target : array_like
        The same of the target, in the shape of `logits`: a constant.
    beta : float in {beta}
        The teacher's part in the mixture.
    temperature : float in {temperature}
        Divides the logits of both.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Never negative, exactly 0 for equal logits, at most log(2) for beta = 1/2, and between the ends
    of beta finite whatever is masked. Every term is positive: with u = (m - p) / p, which is (1 - beta) (exp(log(q) -
    log(p)) - 1), and v = (m - q) / q, the kernel adds beta p (u - log1p(u)) + (1 - beta) q (v - log1p(v)).

    References
    ----------
    R. Agarwal et al., On-Policy Distillation of Language Models (2024), https://arxiv.org/abs/2306.13649

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.jsd([[0.0, 0.0]], np.log([[0.25, 0.75]])), 10)
    0.0338220756
    >>> loss, grad = fl.jsd.value_and_grad([[0.0, 0.0]], np.log([[0.25, 0.75]]))
    >>> grad.round(6)
    array([[ 0.063853, -0.063853]])
    """
    params = (jsd.parameter("beta", beta), jsd.parameter("temperature", temperature))
    return jsd.run(ask, (logits, target), params, weight, reduction, denominator, axis, out)


@rows(
    "logits",
    "target",
    reference=reference.skewed_kl,
    domain={"alpha": Interval(0, 1, high_open=True)},
    examples=(
        {},
        {"direction": "reverse"},
        {"alpha": 0.0, "direction": "reverse"},
        {"alpha": 0.75, "direction": "reverse"},
    ),
)
def skewed_kl(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    alpha: float = 0.1,
    direction: Literal["forward", "reverse"] = "forward",
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Skewed Kullback-Leibler divergence: of a student mixed with a little of its teacher.

    The loss of one row, and its gradient by the logits, with q = softmax(logits), p = softmax(target),
    m = alpha p + (1 - alpha) q and s = (m - p) / m::

        loss     = sum_c p_c log(p_c / m_c)
        gradient = (1 - alpha) q (s - sum_c q_c s_c)

    In reverse, with m = alpha q + (1 - alpha) p and s = log(q / m) + alpha (m - q) / m::

        loss     = sum_c q_c log(q_c / m_c)
        gradient = q (s - sum_c q_c s_c)

    In NumPy: ``np.mean(np.sum(p * np.log(p / m), axis=-1))``.

    Parameters
    ----------
    logits : array_like
        The model's unnormalised log-probabilities, classes on `axis`. Minus infinity is a masked class.
    target : array_like
        The same of the target, in the shape of `logits`: a constant.
    alpha : float in {alpha}
        The teacher's part in the mixture, in reverse the student's. 0 is `kl_divergence`, in reverse
        `reverse_kl_divergence`.
    direction : {"forward", "reverse"}
        KL(p || m) of the mixed student, or KL(q || m) of the mixed teacher.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Never negative, exactly 0 for equal logits, and for alpha > 0 at most -log(alpha), whatever is
    masked. Every term is positive: with u = (m - p) / p, which is (1 - alpha) (exp(log(q) - log(p)) - 1), the kernel
    adds p (u - log1p(u)); in reverse the same of q.

    References
    ----------
    J. Ko et al., DistiLLM: Towards Streamlined Distillation (2024), https://arxiv.org/abs/2402.03898

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.skewed_kl([[0.0, 0.0]], np.log([[0.25, 0.75]])), 10)
    0.1070427364
    >>> loss, grad = fl.skewed_kl.value_and_grad([[0.0, 0.0]], np.log([[0.25, 0.75]]))
    >>> grad.round(6)
    array([[ 0.203008, -0.203008]])
    """
    if direction not in ("forward", "reverse"):
        raise ValueError(f'direction must be "forward" or "reverse", not {direction!r}')
    params = (skewed_kl.parameter("alpha", alpha), float(direction == "reverse"))
    return skewed_kl.run(ask, (logits, target), params, weight, reduction, denominator, axis, out)


@rows("logits", "target", reference=reference.tvd_distillation)
def tvd_distillation(
    ask: int,
    logits: ArrayLike,
    target: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Total variation of a student's softmax and its teacher's.

    The loss of one row, and its gradient by the logits, with q = softmax(logits), p = softmax(target) and
    s = sign(q - p)::

        loss     = sum_c |q_c - p_c| / 2
        gradient = q (s - sum_c q_c s_c) / 2

    In NumPy: ``np.mean(np.sum(abs(q - p), axis=-1)) / 2``.

    Parameters
    ----------
    logits : array_like
        The model's unnormalised log-probabilities, classes on `axis`. Minus infinity is a masked class.
    target : array_like
        The same of the target, in the shape of `logits`: a constant.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Between 0 and 1. At the kink q = p the sign is 0. Made of p (exp(d) - 1) with d = log(q) - log(p), which keeps the
    digits of close distributions; s - sum_c q_c s_c is twice what q has on the other side. `total_variation` takes
    probabilities.

    References
    ----------
    Y. Wen et al., f-Divergence Minimization for Sequence-Level Distillation (2023), https://arxiv.org/abs/2307.15190

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> round(fl.tvd_distillation([[0.0, 0.0]], np.log([[0.25, 0.75]])), 10)
    0.25
    >>> fl.tvd_distillation.value_and_grad([[0.0, 0.0]], [[0.0, 0.0]])
    (0.0, array([[0., 0.]]))
    """
    return tvd_distillation.run(ask, (logits, target), (), weight, reduction, denominator, axis, out)


@rows(
    "student",
    "teacher",
    "target",
    reference=reference.knowledge_distillation,
    domain={"temperature": Interval(0, low_open=True, high_open=True), "alpha": Interval(0, 1)},
    examples=(
        {},
        {"temperature": 1.0, "alpha": 0.25},
        {"scale_by_t2": False},
        {"direction": "reverse"},
        {"direction": "jsd", "temperature": 4.0},
    ),
)
def knowledge_distillation(
    ask: int,
    student: ArrayLike,
    teacher: ArrayLike,
    target: ArrayLike,
    *,
    temperature: float = 2.0,
    alpha: float = 0.5,
    direction: Literal["forward", "reverse", "jsd"] = "forward",
    scale_by_t2: bool = True,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    axis: int = -1,
    out: Out = None,
) -> Any:
    """Knowledge distillation: cross-entropy of the labels, and the divergence from a teacher's softened opinion.

    The loss of one row, and its gradient by the student's logits, with q = softmax(student / temperature) and
    p = softmax(teacher / temperature)::

        loss     = alpha temperature^2 KL(p || q) + (1 - alpha) cross_entropy(student, target)
        gradient = alpha temperature (q - p) + (1 - alpha) (softmax(student) - onehot(target))

    or with another divergence, and its gradient, in place of KL(p || q).

    In NumPy: ``np.mean(alpha * t**2 * np.sum(p * np.log(p / q), axis=-1) + (1 - alpha) * cross_entropy)``.

    Parameters
    ----------
    student : array_like
        The student's unnormalised log-probabilities, classes on `axis`. Minus infinity is a masked class.
    teacher : array_like
        The same of the teacher, in the shape of `student`: a constant.
    target : array_like
        Class labels, integers in [0, C), in the shape of `student` without the class axis (or one label for all rows).
    temperature : float in {temperature}
        Divides the logits of both in the divergence.
    alpha : float in {alpha}
        How much the teacher counts.
    direction : {"forward", "reverse", "jsd"}
        The divergence: KL(p || q), KL(q || p), or `jsd` with beta = 1/2.
    scale_by_t2 : bool
        Whether the divergence is multiplied by temperature^2, as its slopes shrink with it.
    ignore_index : int
        Rows with this label are invisible.
    axis : int
        The class axis.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The two parts are those of `kl_divergence` (`reverse_kl_divergence`, `jsd`) and `cross_entropy`,
    as exact: logits divided by the temperature have two parts, because an exponential turns half an ulp of 26 into 16.
    A part whose factor is 0 is left out.

    References
    ----------
    G. Hinton, O. Vinyals and J. Dean, Distilling the Knowledge in a Neural Network (2015),
    https://arxiv.org/abs/1503.02531

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.knowledge_distillation([[2.0, 0.5, -1.0]], [[1.0, 1.0, 0.0]], [0]), 10)
    0.3014376322
    >>> loss, grad = fl.knowledge_distillation.value_and_grad([[2.0, 0.5, -1.0]], [[1.0, 1.0, 0.0]], [0])
    >>> grad.round(6)
    array([[ 0.098944, -0.017406, -0.081539]])
    """
    if direction not in DIRECTIONS:
        raise ValueError(f'direction must be "forward", "reverse" or "jsd", not {direction!r}')
    params = (
        knowledge_distillation.parameter("alpha", alpha),
        knowledge_distillation.parameter("temperature", temperature),
        float(flag("scale_by_t2", scale_by_t2)),
        float(DIRECTIONS.index(direction)),
    )
    return knowledge_distillation.run(
        ask, (student, teacher, target), params, weight, reduction, denominator, axis, out, None, ignore_index
    )
