"""Preferences and policies: which of two answers was liked better, and how far may a policy go after that?

Log-probabilities are those of whole answers (`policy_chosen`, `ref_chosen`) or of single actions or tokens (`logp`,
`old_logp`). Whatever comes from a reference model, an old policy or the environment is a constant. `_grad` is the first
derivative, `_hess` the second; of two inputs, a pair.
"""

from .generative import sigmoid, softplus
from .numbers import exp, log


def bradley_terry(chosen, rejected, *, margin=0.0, center_coef=0.0):
    """Bradley-Terry loss: a reward model is to give the chosen answer more than the rejected one.

        log(1 + e^-(chosen - rejected - margin)) + center_coef (chosen + rejected)^2

    The second term keeps rewards around 0, which differences alone leave open.

    Where floats break: e^x overflows beyond 709 (88 in float32), and where e^-x is below 1e-16, 1 + e^-x is 1 and
    the loss 0. The kernel takes log1p of e^-|x|, with what the difference x rounds off: e would multiply it by x.

    Bradley and Terry, Rank Analysis of Incomplete Block Designs, Biometrika 39 (1952); as a reward model's loss: Ouyang
    et al., Training Language Models to Follow Instructions with Human Feedback, NeurIPS (2022).

    >>> round(bradley_terry(1.0, 1.0), 10), round(bradley_terry(3.0, 1.0), 10)
    (0.6931471806, 0.126928011)
    >>> round(bradley_terry(3.0, 1.0, margin=2.0), 10), round(bradley_terry(3.0, 1.0, center_coef=0.01), 10)
    (0.6931471806, 0.286928011)
    """
    total = chosen + rejected
    around_0 = center_coef * (total * total) if center_coef != 0 else 0
    return softplus(margin - (chosen - rejected)) + around_0


def bradley_terry_grad(chosen, rejected, *, margin=0.0, center_coef=0.0):
    """Slopes of the Bradley-Terry loss: how far from certain the preference is, and a pull to 0.

        -sigma(-x) + 2 center_coef (chosen + rejected)        sigma(-x) + 2 center_coef (chosen + rejected)

    with x = chosen - rejected - margin.

    >>> bradley_terry_grad(1.0, 1.0), bradley_terry_grad(1.0, 1.0, center_coef=0.25)
    ((-0.5, 0.5), (0.5, 1.5))
    """
    push = sigmoid(margin - (chosen - rejected))
    pull = 2 * center_coef * (chosen + rejected) if center_coef != 0 else 0
    return pull - push, pull + push


def bradley_terry_grad_terms(chosen, rejected, *, margin=0.0, center_coef=0.0):
    """The push of the preference and the pull to 0 may be opposite.

    >>> bradley_terry_grad_terms(1.0, 1.0, center_coef=0.25)
    ([-0.5, 1.0], [0.5, 1.0])
    """
    push = sigmoid(margin - (chosen - rejected))
    pull = 2 * center_coef * (chosen + rejected) if center_coef != 0 else 0
    return [-push, pull], [push, pull]


def bradley_terry_hess(chosen, rejected, *, margin=0.0, center_coef=0.0):
    """Curvatures of the Bradley-Terry loss.

        sigma(x) sigma(-x) + 2 center_coef, by both

    >>> bradley_terry_hess(1.0, 1.0), bradley_terry_hess(1.0, 1.0, center_coef=0.25)
    ((0.25, 0.25), (0.75, 0.75))
    """
    x = chosen - rejected - margin
    curvature = sigmoid(x) * sigmoid(-x) + 2 * center_coef
    return curvature, curvature


def dpo(policy_chosen, policy_rejected, ref_chosen, ref_rejected, *, beta=0.1, label_smoothing=0.0):
    """Direct preference optimisation: Bradley-Terry with rewards that the policy itself implies.

        (1 - s) log(1 + e^-x) + s log(1 + e^x)
        x = beta ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected))

    s = label_smoothing is the probability that a label is wrong.

    Where floats break: log-probabilities of whole answers are large and their differences small. The kernel adds the
    four exactly, and takes log1p of e^-|x| with what x rounds off: e would multiply it by x.

    Rafailov, Sharma, Mitchell, Ermon, Manning and Finn, Direct Preference Optimization, NeurIPS (2023); with smoothing:
    Mitchell, A Note on DPO with Noisy Preferences and Relationship to IPO (2023).

    Before the first step policy and reference agree, and the loss is log 2:

    >>> round(dpo(-12.0, -15.0, -12.0, -15.0), 10)
    0.6931471806
    >>> round(dpo(-10.0, -20.0, -12.0, -15.0), 10)  # x = 0.1 (2 + 5)
    0.4031860489
    >>> round(dpo(-10.0, -20.0, -12.0, -15.0, label_smoothing=0.25), 10)
    0.5781860489
    """
    x = beta * ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected))
    wrong = label_smoothing * softplus(x) if label_smoothing != 0 else 0
    return (1 - label_smoothing) * softplus(-x) + wrong


def dpo_grad(policy_chosen, policy_rejected, ref_chosen, ref_rejected, *, beta=0.1, label_smoothing=0.0):
    """Slopes of the DPO loss: large where the implied rewards have the pair in the wrong order.

        beta (s sigma(x) - (1 - s) sigma(-x)) = beta (sigma(x) - (1 - s)), and the opposite

    >>> dpo_grad(-12.0, -15.0, -12.0, -15.0), dpo_grad(-12.0, -15.0, -12.0, -15.0, label_smoothing=0.25)
    ((-0.05, 0.05), (-0.025, 0.025))
    """
    x = beta * ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected))
    slope = beta * (label_smoothing * sigmoid(x) - (1 - label_smoothing) * sigmoid(-x))
    return slope, -slope


def dpo_grad_terms(policy_chosen, policy_rejected, ref_chosen, ref_rejected, *, beta=0.1, label_smoothing=0.0):
    """With label smoothing the pulls of the label and of its opposite cancel where the implied probability is 1 - s.

    >>> dpo_grad_terms(0.0, 0.0, 0.0, 0.0, beta=1.0, label_smoothing=0.25)
    ([-0.375, 0.125], [0.375, -0.125])
    """
    x = beta * ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected))
    right, wrong = beta * (1 - label_smoothing) * sigmoid(-x), beta * label_smoothing * sigmoid(x)
    return [-right, wrong], [right, -wrong]


def dpo_hess(policy_chosen, policy_rejected, ref_chosen, ref_rejected, *, beta=0.1, label_smoothing=0.0):
    """Curvatures of the DPO loss, whatever the smoothing.

        beta^2 sigma(x) sigma(-x), by both

    >>> dpo_hess(-12.0, -15.0, -12.0, -15.0, beta=2.0)
    (1.0, 1.0)
    """
    x = beta * ((policy_chosen - ref_chosen) - (policy_rejected - ref_rejected))
    curvature = beta * beta * sigmoid(x) * sigmoid(-x)
    return curvature, curvature


def ipo(policy_chosen, policy_rejected, ref_chosen, ref_rejected, *, beta=0.1):
    """Identity preference optimisation: the lead over the reference is to be 1 / (2 beta), and no larger.

        (d - 1 / (2 beta))^2
        d = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected)

    DPO would raise the lead on a pair that no one disputes without end.

    Where floats break: log-probabilities of whole answers are large and their differences small. The kernel adds all
    five terms in twice the precision.

    Azar, Rowland, Piot, Guo, Calandriello, Valko and Munos, A General Theoretical Paradigm to Understand Learning from
    Human Preferences, AISTATS (2024).

    >>> ipo(-12.0, -15.0, -12.0, -15.0, beta=0.25), ipo(-11.0, -16.0, -12.0, -15.0, beta=0.25)
    (4.0, 0.0)
    """
    short = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected) - 1 / (2 * beta)
    return short * short


def ipo_grad(policy_chosen, policy_rejected, ref_chosen, ref_rejected, *, beta=0.1):
    """Slopes of the IPO loss.

        2 (d - 1 / (2 beta))        -2 (d - 1 / (2 beta))

    >>> ipo_grad(-12.0, -15.0, -12.0, -15.0, beta=0.25)
    (-4.0, 4.0)
    """
    short = (policy_chosen - ref_chosen) - (policy_rejected - ref_rejected) - 1 / (2 * beta)
    return 2 * short, -2 * short


def ipo_hess(policy_chosen, policy_rejected, ref_chosen, ref_rejected, *, beta=0.1):
    """Curvatures of the IPO loss: the same everywhere.

        2        2

    >>> ipo_hess(-12.0, -15.0, -12.0, -15.0)
    (2, 2)
    """
    return 2, 2


def kl_penalty(logp, logp_ref, *, estimator="k3"):
    """Estimate of the divergence from a reference policy, by one token or action that the policy chose.

        k1    -d                   unbiased, may be negative
        k2    d^2 / 2              biased, less noise
        k3    e^d - 1 - d          unbiased and never negative

    with d = logp_ref - logp. The mean over the policy's own choices is the divergence.

    Where floats break: e^d - 1 - d is about d^2 / 2 for a small d and cancels. The kernel takes a polynomial there, and
    keeps what d rounds off where it is large: e would multiply it by d.

    Ziegler et al., Fine-Tuning Language Models from Human Preferences (2019); k2 and k3: Schulman, Approximating KL
    Divergence (2020).

    >>> [round(kl_penalty(0.0, -1.0, estimator=name), 10) for name in ("k1", "k2", "k3")]
    [1.0, 0.5, 0.3678794412]
    >>> [round(kl_penalty(-1.0, 0.0, estimator=name), 10) for name in ("k1", "k2", "k3")]
    [-1.0, 0.5, 0.7182818285]

    The cancellation:

    >>> kl_penalty(0.0, 1e-9)
    8.274037093680878e-17
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(kl_penalty(mpf(0), mpf(1e-9)))
    5.000000001666667e-19
    """
    d = logp_ref - logp
    if estimator == "k1":
        return -d
    return d * d / 2 if estimator == "k2" else exp(d) - 1 - d


def kl_penalty_grad(logp, logp_ref, *, estimator="k3"):
    """Slope of the divergence's estimate.

        k1    1
        k2    -d
        k3    1 - e^d

    Where floats break: 1 - e^d cancels for a small d. The kernel takes expm1.

    >>> [round(kl_penalty_grad(0.0, -1.0, estimator=name), 10) for name in ("k1", "k2", "k3")]
    [1, 1.0, 0.6321205588]
    """
    d = logp_ref - logp
    if estimator == "k1":
        return 1
    return -d if estimator == "k2" else 1 - exp(d)


def kl_penalty_hess(logp, logp_ref, *, estimator="k3"):
    """Curvature of the divergence's estimate.

        k1    0
        k2    1
        k3    e^d

    >>> [kl_penalty_hess(0.0, 0.0, estimator=name) for name in ("k1", "k2", "k3")]
    [0, 1, 1.0]
    """
    if estimator == "k1":
        return 0
    return 1 if estimator == "k2" else exp(logp_ref - logp)


def ppo_clip(logp, old_logp, advantages, *, clip=0.2):
    """Proximal policy optimisation: follow the advantages, but gain nothing by going further than the clip allows.

        -min(rho A, min(max(rho, 1 - clip), 1 + clip) A)        rho = e^(logp - old_logp), A = advantages

    Where floats break: the product of a tiny advantage and a huge ratio is a number though the ratio overflows, and e
    multiplies the rounding of logp - old_logp by that difference. The kernel keeps what is rounded off, and decides in
    logarithms on which side of the clip a ratio lies.

    Schulman, Wolski, Dhariwal, Radford and Klimov, Proximal Policy Optimization Algorithms (2017).

    The first step is that of the plain policy gradient. Then gains end at 1.2 or 0.8 times the advantage, losses
    do not:

    >>> ppo_clip(-2.0, -2.0, 3.0)
    -3.0
    >>> ppo_clip(-1.0, -2.0, 1.0), ppo_clip(-2.0, -1.0, -1.0)
    (-1.2, 0.8)
    >>> round(ppo_clip(-1.0, -2.0, -1.0), 10), round(ppo_clip(-2.0, -1.0, 1.0), 10)
    (2.7182818285, -0.3678794412)
    """
    log_rho = logp - old_logp
    if advantages > 0 and log_rho > log(1 + clip):
        return -(1 + clip) * advantages
    if advantages < 0 and log_rho < log(1 - clip):
        return -(1 - clip) * advantages
    return -exp(log_rho) * advantages


def ppo_clip_grad(logp, old_logp, advantages, *, clip=0.2):
    """Slope of the clipped objective: none where the ratio has gone far enough in the direction of the advantage.

        0         if A > 0 and rho > 1 + clip, or A < 0 and rho < 1 - clip
        -rho A    else

    >>> ppo_clip_grad(-2.0, -2.0, 3.0), ppo_clip_grad(-1.0, -2.0, 1.0), ppo_clip_grad(-2.0, -1.0, -1.0)
    (-3.0, 0, 0)
    """
    log_rho = logp - old_logp
    if (advantages > 0 and log_rho > log(1 + clip)) or (advantages < 0 and log_rho < log(1 - clip)):
        return 0
    return -exp(log_rho) * advantages


def ppo_clip_hess(logp, old_logp, advantages, *, clip=0.2):
    """Curvature of the clipped objective: that of the exponential function, its slope.

    >>> ppo_clip_hess(-2.0, -2.0, 3.0), ppo_clip_hess(-1.0, -2.0, 1.0)
    (-3.0, 0)
    """
    return ppo_clip_grad(logp, old_logp, advantages, clip=clip)


def ppo_value(values, old_values, returns, *, clip=0.2):
    """Clipped value loss: squared error of a value that may not profit from moving further than the clip.

        max((v - R)^2, (v_clip - R)^2) / 2        v_clip = v_old + min(max(v - v_old, -clip), clip)

    Where floats break: v_clip - R is a sum of three terms, and which of the two squares is the larger hangs on another.
    The kernel adds both in twice the precision.

    Schulman, Wolski, Dhariwal, Radford and Klimov, Proximal Policy Optimization Algorithms (2017), in OpenAI's
    implementation; Engstrom et al., Implementation Matters in Deep Policy Gradients, ICLR (2020), describe it.

    A value within the clip, one that moved away from the return, one that moved far towards it:

    >>> ppo_value(1.0, 1.0, 3.0, clip=0.5), ppo_value(0.0, 1.0, 3.0, clip=0.5), ppo_value(3.0, 1.0, 3.0, clip=0.5)
    (2.0, 4.5, 1.125)
    """
    plain, clipped = _errors(values, old_values, returns, clip)
    larger = clipped if abs(clipped) > abs(plain) else plain
    return larger * larger / 2


def ppo_value_grad(values, old_values, returns, *, clip=0.2):
    """Slope of the clipped value loss: the error, or none where the clipped error is the larger.

        0        if abs(v_clip - R) > abs(v - R)
        v - R    else

    >>> ppo_value_grad(0.0, 1.0, 3.0, clip=0.5), ppo_value_grad(3.0, 1.0, 3.0, clip=0.5)
    (-3.0, 0)
    """
    plain, clipped = _errors(values, old_values, returns, clip)
    return 0 if abs(clipped) > abs(plain) else plain


def ppo_value_hess(values, old_values, returns, *, clip=0.2):
    """Curvature of the clipped value loss.

        0    if abs(v_clip - R) > abs(v - R)
        1    else

    >>> ppo_value_hess(0.0, 1.0, 3.0, clip=0.5), ppo_value_hess(3.0, 1.0, 3.0, clip=0.5)
    (1, 0)
    """
    plain, clipped = _errors(values, old_values, returns, clip)
    return 0 if abs(clipped) > abs(plain) else 1


def _errors(values, old_values, returns, clip):
    """The error of the value, and that of the clipped value.

    >>> _errors(3.0, 1.0, 3.0, 0.5), _errors(1.25, 1.0, 3.0, 0.5)
    ((0.0, -1.5), (-1.75, -1.75))
    """
    step = values - old_values
    if -clip <= step <= clip:
        return values - returns, values - returns
    return values - returns, old_values - returns + (clip if step > 0 else -clip)
