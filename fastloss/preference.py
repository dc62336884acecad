"""Losses of preferences and policies: which of two answers was liked better, and how far a policy may go after that."""

from __future__ import annotations

import math
from typing import Any, Literal

from numpy.typing import ArrayLike

from fastloss.arrays import NON_NEGATIVE, POSITIVE, Interval
from fastloss.loss import Out, Reduction, pointwise
from fastloss.reference import preference as reference

__all__ = ["bradley_terry", "dpo", "ipo", "kl_penalty", "ppo_clip", "ppo_value"]

ESTIMATORS = {"k1": 1.0, "k2": 2.0, "k3": 3.0}  # as the kernel knows them


@pointwise(
    "chosen",
    "rejected",
    reference=reference.bradley_terry,
    grads=("chosen", "rejected"),
    domain={
        "margin": Interval(-math.inf, math.inf, low_open=True, high_open=True),
        "center_coef": NON_NEGATIVE,
    },
    examples=({}, {"margin": 0.5, "center_coef": 0.01}),
)
def bradley_terry(
    ask: int,
    chosen: ArrayLike,
    rejected: ArrayLike,
    *,
    margin: float = 0.0,
    center_coef: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Bradley-Terry loss: a reward model is to give the chosen answer more than the rejected one.

    The loss of one pair, its gradients and its second derivatives, with x = chosen - rejected - margin,
    s = chosen + rejected, c = center_coef and sigma(x) = 1 / (1 + exp(-x))::

        loss      = -log sigma(x) + c s^2
        gradients = -sigma(-x) + 2 c s, sigma(-x) + 2 c s
        Hessians  = sigma(x) sigma(-x) + 2 c, by both

    In NumPy: ``np.mean(np.logaddexp(0, margin - (chosen - rejected)) + center_coef * (chosen + rejected) ** 2)``.

    Parameters
    ----------
    chosen, rejected : array_like
        Rewards of the answer that was preferred and of the other; of one shape, or one of them a scalar.
    margin : float in {margin}
        How much more the chosen answer is to have.
    center_coef : float in {center_coef}
        How strongly rewards are kept around 0, which differences alone leave open.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Every part is made of exp(-abs(x)), which cannot overflow, with what x rounds off: the
    exponential function would multiply it by x.

    References
    ----------
    R. A. Bradley and M. E. Terry, Rank Analysis of Incomplete Block Designs: I. The Method of Paired Comparisons,
    Biometrika 39 (1952), https://doi.org/10.1093/biomet/39.3-4.324

    L. Ouyang et al., Training Language Models to Follow Instructions with Human Feedback, NeurIPS (2022),
    https://arxiv.org/abs/2203.02155: as a reward model's loss.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.bradley_terry(3.0, 1.0), 9)
    0.126928011
    >>> loss, grad = fl.bradley_terry.value_and_grad([1.0, 40.0], [1.0, 0.0], reduction="sum")
    >>> grad.chosen, grad.rejected
    (array([-5.00000000e-01, -4.24835426e-18]), array([5.00000000e-01, 4.24835426e-18]))
    """
    margin = bradley_terry.parameter("margin", margin)
    center_coef = bradley_terry.parameter("center_coef", center_coef)
    return bradley_terry.run(ask, (chosen, rejected), (margin, center_coef), weight, reduction, denominator, out)


@pointwise(
    "policy_chosen",
    "policy_rejected",
    "ref_chosen",
    "ref_rejected",
    reference=reference.dpo,
    grads=("policy_chosen", "policy_rejected"),
    domain={"beta": POSITIVE, "label_smoothing": Interval(0, 0.5)},
    examples=({}, {"beta": 0.5, "label_smoothing": 0.125}),
)
def dpo(
    ask: int,
    policy_chosen: ArrayLike,
    policy_rejected: ArrayLike,
    ref_chosen: ArrayLike,
    ref_rejected: ArrayLike,
    *,
    beta: float = 0.1,
    label_smoothing: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Direct preference optimisation: the Bradley-Terry loss of rewards that the policy itself implies.

    The loss of one pair, its gradients and its second derivatives, with s = label_smoothing,
    x = beta ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)) and sigma(x) = 1 / (1 + exp(-x))::

        loss      = -(1 - s) log sigma(x) - s log sigma(-x)
        gradients = beta (sigma(x) - (1 - s)), -beta (sigma(x) - (1 - s))
        Hessians  = beta^2 sigma(x) sigma(-x), by both

    In NumPy: ``np.mean(np.logaddexp(0, -x))``.

    Parameters
    ----------
    policy_chosen, policy_rejected : array_like
        Log-probabilities of the answers chosen and rejected, under the policy that is trained.
    ref_chosen, ref_rejected : array_like
        The same under the reference model, constants. All of one shape, or some of them scalars.
    beta : float in {beta}
        How strongly the policy is held to the reference.
    label_smoothing : float in {label_smoothing}
        The probability that a label is wrong.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The four log-probabilities, large numbers with a small sum, are added in twice the precision;
    every part is made of exp(-abs(x)), which cannot overflow, and keeps its tail.

    References
    ----------
    R. Rafailov, A. Sharma, E. Mitchell, S. Ermon, C. D. Manning and C. Finn, Direct Preference Optimization: Your
    Language Model is Secretly a Reward Model, NeurIPS (2023), https://arxiv.org/abs/2305.18290

    E. Mitchell, A Note on DPO with Noisy Preferences and Relationship to IPO (2023), https://ericmitchell.ai/cdpo.pdf:
    the smoothing.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.dpo(-12.0, -15.0, -12.0, -15.0), 9)
    0.693147181
    >>> loss, grad = fl.dpo.value_and_grad([-12.0], [-15.0], [-12.0], [-15.0])
    >>> grad.policy_chosen, grad.policy_rejected
    (array([-0.05]), array([0.05]))
    """
    beta = dpo.parameter("beta", beta)
    label_smoothing = dpo.parameter("label_smoothing", label_smoothing)
    return dpo.run(
        ask,
        (policy_chosen, policy_rejected, ref_chosen, ref_rejected),
        (beta, label_smoothing),
        weight,
        reduction,
        denominator,
        out,
    )


@pointwise(
    "policy_chosen",
    "policy_rejected",
    "ref_chosen",
    "ref_rejected",
    reference=reference.ipo,
    grads=("policy_chosen", "policy_rejected"),
    domain={"beta": POSITIVE},
    examples=({}, {"beta": 0.5}),
)
def ipo(
    ask: int,
    policy_chosen: ArrayLike,
    policy_rejected: ArrayLike,
    ref_chosen: ArrayLike,
    ref_rejected: ArrayLike,
    *,
    beta: float = 0.1,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Identity preference optimisation: the policy's lead over the reference is to be 1 / (2 beta), and no larger.

    The loss of one pair, its gradients and its second derivatives, with
    r = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected) - 1 / (2 beta)::

        loss = r^2        gradients = 2 r, -2 r        Hessians = 2, 2

    In NumPy: ``np.mean(r**2)``.

    Parameters
    ----------
    policy_chosen, policy_rejected : array_like
        Log-probabilities of the answers chosen and rejected, under the policy that is trained.
    ref_chosen, ref_rejected : array_like
        The same under the reference model, constants. All of one shape, or some of them scalars.
    beta : float in {beta}
        How strongly the policy is held to the reference.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. All five terms, large numbers with a small sum, are added in twice the precision. Of answers of
    different lengths, log-probabilities per token are often given.

    References
    ----------
    M. G. Azar, M. Rowland, B. Piot, D. Guo, D. Calandriello, M. Valko and R. Munos, A General Theoretical Paradigm to
    Understand Learning from Human Preferences, AISTATS (2024), https://arxiv.org/abs/2310.12036

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.ipo([-12.0, -11.0], [-15.0, -16.0], -12.0, -15.0, beta=0.25, reduction="none")
    array([4., 0.])
    >>> loss, grad = fl.ipo.value_and_grad([-12.0], [-15.0], [-12.0], [-15.0], beta=0.25)
    >>> grad.policy_chosen, grad.policy_rejected
    (array([-4.]), array([4.]))
    """
    beta = ipo.parameter("beta", beta)
    return ipo.run(
        ask, (policy_chosen, policy_rejected, ref_chosen, ref_rejected), (beta,), weight, reduction, denominator, out
    )


@pointwise(
    "logp",
    "logp_ref",
    reference=reference.kl_penalty,
    examples=({}, {"estimator": "k1"}, {"estimator": "k2"}),
    signed=True,
)
def kl_penalty(
    ask: int,
    logp: ArrayLike,
    logp_ref: ArrayLike,
    *,
    estimator: Literal["k1", "k2", "k3"] = "k3",
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Estimate of the divergence from a reference policy, by one action or token that the policy chose.

    The loss of one element, its gradient and its second derivative, with d = logp_ref - logp::

        estimator   loss              gradient        Hessian
        "k1"        -d                1               0
        "k2"        d^2 / 2           -d              1
        "k3"        exp(d) - 1 - d    1 - exp(d)      exp(d)

    In NumPy: ``np.mean(np.expm1(d) - d)``.

    Parameters
    ----------
    logp : array_like
        Log-probabilities of what was chosen, under the policy that is trained.
    logp_ref : array_like
        The same under the reference model, constants; of one shape, or one of them a scalar.
    estimator : {{"k1", "k2", "k3"}}
        "k1" has the right mean and much noise, "k2" less noise and a wrong mean, "k3" the right mean and less noise.
        "k1" alone may be negative.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. exp(d) - 1 - d cancels for a small d: the kernel takes a polynomial there. For a large d it keeps
    what d rounds off: the exponential function would multiply it by d.

    References
    ----------
    D. M. Ziegler et al., Fine-Tuning Language Models from Human Preferences (2019), https://arxiv.org/abs/1909.08593

    J. Schulman, Approximating KL Divergence (2020), http://joschu.net/blog/kl-approx.html: "k2" and "k3".

    Examples
    --------
    >>> import fastloss as fl
    >>> [round(fl.kl_penalty(0.0, -1.0, estimator=name), 9) for name in ("k1", "k2", "k3")]
    [1.0, 0.5, 0.367879441]
    >>> loss, grad = fl.kl_penalty.value_and_grad([0.0, 0.0], [1e-9, -1.0], reduction="none")
    >>> loss, grad
    (array([5.00000000e-19, 3.67879441e-01]), array([-1.00000000e-09,  6.32120559e-01]))
    """
    if not isinstance(estimator, str) or estimator not in ESTIMATORS:
        raise ValueError(f'estimator must be "k1", "k2" or "k3", not {estimator!r}')
    return kl_penalty.run(ask, (logp, logp_ref), (ESTIMATORS[estimator],), weight, reduction, denominator, out)


@pointwise(
    "logp",
    "old_logp",
    "advantages",
    reference=reference.ppo_clip,
    domain={"clip": Interval(0, 1)},
    examples=({}, {"clip": 0.5}),
    kinks=lambda clip=0.2: (math.log1p(-clip) if clip < 1 else -math.inf, math.log1p(clip)),
    signed=True,
)
def ppo_clip(
    ask: int,
    logp: ArrayLike,
    old_logp: ArrayLike,
    advantages: ArrayLike,
    *,
    clip: float = 0.2,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Proximal policy optimisation: follow the advantages, and gain nothing by going further than the clip allows.

    The loss of one action, its gradient and its second derivative, with rho = exp(logp - old_logp) and A = advantages::

        loss     = -min(rho A, clipped(rho) A),  clipped to [1 - clip, 1 + clip]
        gradient = 0  if A > 0 and rho > 1 + clip, or A < 0 and rho < 1 - clip;  else  -rho A
        Hessian  = the gradient

    In NumPy: ``-np.mean(np.minimum(rho * A, np.clip(rho, 1 - clip, 1 + clip) * A))``.

    Parameters
    ----------
    logp : array_like
        Log-probabilities of the actions taken, under the policy that is trained.
    old_logp, advantages : array_like
        The same under the policy that took them, and how much better than expected they turned out; constants. All of
        one shape, or some of them scalars.
    clip : float in {clip}
        How far from 1 the ratio of the probabilities may move.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kinks rho = 1 - clip and rho = 1 + clip the gradient is that of the unclipped side. On which side a ratio
    lies is decided by logarithms in two parts; a tiny advantage times a ratio that overflows alone is a number.

    References
    ----------
    J. Schulman, F. Wolski, P. Dhariwal, A. Radford and O. Klimov, Proximal Policy Optimization Algorithms (2017),
    https://arxiv.org/abs/1707.06347

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.ppo_clip([-2.0, -1.0, -2.0], [-2.0, -2.0, -1.0], [3.0, 1.0, -1.0], reduction="none")
    array([-3. , -1.2,  0.8])
    >>> loss, grad = fl.ppo_clip.value_and_grad([-2.0, -1.0], [-2.0, -2.0], [3.0, 1.0], reduction="sum")
    >>> loss, grad
    (-4.2, array([-3.,  0.]))
    """
    clip = ppo_clip.parameter("clip", clip)
    return ppo_clip.run(ask, (logp, old_logp, advantages), (clip,), weight, reduction, denominator, out)


@pointwise(
    "values",
    "old_values",
    "returns",
    reference=reference.ppo_value,
    domain={"clip": Interval(0, math.inf)},
    examples=({}, {"clip": 0.5}, {"clip": math.inf}),
    kinks=lambda clip=0.2: (-clip, clip),
)
def ppo_value(
    ask: int,
    values: ArrayLike,
    old_values: ArrayLike,
    returns: ArrayLike,
    *,
    clip: float = 0.2,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Clipped value loss: squared error of a value that is to gain nothing by moving further than the clip.

    The loss of one state, its gradient and its second derivative, with v = values, R = returns and w the value that is
    nearest to v within `clip` of old_values::

        loss     = max((v - R)^2, (w - R)^2) / 2
        gradient = v - R  if abs(v - R) >= abs(w - R), else  0
        Hessian  = 1      if abs(v - R) >= abs(w - R), else  0

    In NumPy: ``w = old + np.clip(v - old, -clip, clip); np.mean(np.maximum((v - R) ** 2, (w - R) ** 2)) / 2``.

    Parameters
    ----------
    values : array_like
        Values of the states, as the network that is trained sees them.
    old_values, returns : array_like
        The same when the states were visited, and what came after them; constants. All of one shape, or some of them
        scalars.
    clip : float in {clip}
        How far a value may move with profit; at inf it is half the squared error.
    {common}

    {returns}

    {raises}

    Notes
    -----
    The gradient jumps to 0 where a value beyond the clip comes nearer to the return than the clipped value is; there it
    is that of the value. Which is nearer is decided by sums in twice the precision.

    References
    ----------
    J. Schulman, F. Wolski, P. Dhariwal, A. Radford and O. Klimov, Proximal Policy Optimization Algorithms (2017),
    https://arxiv.org/abs/1707.06347, in OpenAI's implementation.

    L. Engstrom, A. Ilyas, S. Santurkar, D. Tsipras, F. Janoos, L. Rudolph and A. Madry, Implementation Matters in Deep
    Policy Gradients: A Case Study on PPO and TRPO, ICLR (2020), https://arxiv.org/abs/2005.12729, describe it.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.ppo_value([1.0, 0.0, 3.0], 1.0, 3.0, clip=0.5, reduction="none")
    array([2.   , 4.5  , 1.125])
    >>> loss, grad = fl.ppo_value.value_and_grad([0.0, 3.0], [1.0, 1.0], [3.0, 3.0], clip=0.5, reduction="sum")
    >>> loss, grad
    (5.625, array([-3.,  0.]))
    """
    clip = ppo_value.parameter("clip", clip)
    return ppo_value.run(ask, (values, old_values, returns), (clip,), weight, reduction, denominator, out)
