"""Language models: which word comes next?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fastloss import arrays
from fastloss.arrays import FINITE, NON_NEGATIVE, POSITIVE, SHARES
from fastloss.loss import Out, Peer, Reduction
from fastloss.reference import language as reference
from fastloss.softmax import OPTAX, cross_entropy, cross_entropy_params, softmax
from fastloss.tokens import log_probabilities, tokens
from fastloss.weights import Penalty

__all__ = [
    "causal_lm",
    "iw_opd_weights",
    "masked_lm",
    "minillm_advantages",
    "router_load_balancing",
    "seq2seq_lm",
    "sequence_logprob",
    "shift_right",
    "token_logprobs",
]


def _flat(logits: Any, labels: Any) -> tuple[Any, Any]:
    """Tokens as the rows that torch takes."""
    return logits.flatten(0, -2), labels.flatten()


def _flat_and_shifted(logits: Any, labels: Any) -> tuple[Any, Any]:
    """The labels are shifted: logits would be copied."""
    later = labels.new_full(labels.shape, -100)
    later[..., :-1] = labels[..., 1:]
    return _flat(logits, later)


def _shifted(logits: Any, labels: Any) -> tuple[Any, Any]:
    """JAX copies nothing that it slices."""
    return logits[..., :-1, :], labels[..., 1:]


@tokens(
    "logits",
    "labels",
    of=cross_entropy,
    reference=reference.causal_lm,
    domain={"label_smoothing": SHARES, "softcap": POSITIVE, "z_loss": NON_NEGATIVE},
    examples=(
        {},
        {"shift": 0},
        {"shift": 2},
        {"label_smoothing": 0.125},
        {"z_loss": 1e-4},
        {"softcap": 30.0},
    ),
    peers={"torch": Peer("cross_entropy", order=_flat_and_shifted), "optax": Peer(OPTAX, order=_shifted)},
)
def causal_lm(
    ask: int,
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    shift: int = 1,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    softcap: float | None = None,
    z_loss: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Loss of a language model that reads from left to right: cross-entropy of each token by the logits before it.

    The loss of token t of a sequence with the logits z_t, and the gradient by the logits that predict it::

        loss_t                  = cross_entropy(z_(t - shift), labels_t)
        gradient by z_(t-shift) = softmax(z_(t - shift)) - onehot(labels_t)

    In NumPy: ``fl.cross_entropy(logits[..., :-1, :], labels[..., 1:])``.

    Parameters
    ----------
    logits : array_like
        Unnormalised log-probabilities, (..., T, V): for each position of a sequence one for each token of a vocabulary.
    labels : array_like
        The tokens themselves, not shifted, integers in [0, V), (..., T). The first `shift` are predicted by nothing:
        they may be any number, cost 0 and do not count.
    shift : int >= 0
        How many positions a token lies after the logits that predict it; 0 for labels that have been shifted.
    ignore_index : int
        Tokens with this label are invisible, such as padding, or the prompt where only the answer is to be learnt.
    label_smoothing : float in {label_smoothing}
        How much of each target is spread evenly over the vocabulary. It leaves the mean's divisor alone.
    softcap : float > 0, optional
        Bounds the logits to (-softcap, softcap), smoothly, as in `cross_entropy`.
    z_loss : float >= 0
        What the square of logsumexp costs besides, at each token that counts: it keeps logits from drifting.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label that counts is neither in the vocabulary nor `ignore_index`: the message names the first, by its
        place in `labels`. Nothing has been written then.
    ValueError
        If the shapes do not fit, a hyperparameter is outside its domain, a word is unknown, or `out` has the wrong
        shape, dtype or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Smooth everywhere. It is `cross_entropy`, computed alike; no logits are copied or shifted, only labels and weights.
    The gradient is exactly 0 at the last `shift` positions. `weight` and the losses of ``reduction="none"`` have the
    places of `labels`. With ``denominator=`` the number of tokens of a whole batch, parts of unequal length add up to
    its mean.

    References
    ----------
    A. Radford et al., Improving Language Understanding by Generative Pre-Training (2018),
    https://openai.com/index/language-unsupervised. z-loss: A. Chowdhery et al., PaLM (2022),
    https://arxiv.org/abs/2204.02311. Softcap: Gemma Team, Gemma 2 (2024), https://arxiv.org/abs/2408.00118

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> logits = np.array([[[2.0, 0.5, -1.0], [0.0, 0.0, 0.0], [5.0, 0.0, 0.0]]])
    >>> fl.causal_lm(logits, [[2, 0, 1]], reduction="none").round(6)
    array([[0.      , 0.241311, 1.098612]])
    >>> loss, grad = fl.causal_lm.value_and_grad(logits, [[2, 0, -100]])
    >>> round(loss, 6), grad.round(6)
    (0.241311, array([[[-0.214403,  0.17529 ,  0.039113],
            [ 0.      ,  0.      ,  0.      ],
            [ 0.      ,  0.      ,  0.      ]]]))
    """
    params = cross_entropy_params(label_smoothing, softcap, z_loss, 1.0)
    return causal_lm.run(
        ask, logits, labels, weight, reduction, denominator, out, ignore_index=ignore_index, shift=shift, params=params
    )


@tokens(
    "logits",
    "labels",
    of=cross_entropy,
    reference=reference.masked_lm,
    domain={"label_smoothing": SHARES},
    examples=({}, {"label_smoothing": 0.125}),
    peers={"torch": Peer("cross_entropy", order=_flat), "optax": OPTAX},
)
def masked_lm(
    ask: int,
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Loss of a language model that fills gaps: cross-entropy of the masked tokens.

    The loss of a masked token with the logits z at its place, and its gradient; the others cost nothing::

        loss     = cross_entropy(z, label)
        gradient = softmax(z) - onehot(label)

    In NumPy: ``fl.cross_entropy(logits[masked], tokens[masked])``.

    Parameters
    ----------
    logits : array_like
        Unnormalised log-probabilities, (..., T, V): for each position of a sequence one for each token of a vocabulary.
    labels : array_like
        The tokens that were masked, integers in [0, V), (..., T), and `ignore_index` everywhere else; or all tokens,
        with ``weight=masked``.
    ignore_index : int
        Tokens with this label are invisible.
    label_smoothing : float in {label_smoothing}
        How much of each target is spread evenly over the vocabulary. It leaves the mean's divisor alone.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label that counts is neither in the vocabulary nor `ignore_index`: the message names the first. Nothing has
        been written then.
    ValueError
        If the shapes do not fit, a hyperparameter is outside its domain, a word is unknown, or `out` has the wrong
        shape, dtype or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Smooth everywhere. It is `cross_entropy`, computed alike; positions that are not masked are no work. BERT adds its
    next-sentence prediction, which is a `cross_entropy` of two classes: whether the second sentence follows the first.

    References
    ----------
    J. Devlin, M.-W. Chang, K. Lee and K. Toutanova, BERT: Pre-training of Deep Bidirectional Transformers for Language
    Understanding, NAACL (2019), https://arxiv.org/abs/1810.04805

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> logits = np.array([[2.0, 0.5, -1.0], [0.0, 0.0, 0.0]])
    >>> round(fl.masked_lm(logits, [0, -100]), 6), round(fl.masked_lm(logits, [0, 2], weight=[True, False]), 6)
    (0.241311, 0.241311)
    >>> loss, grad = fl.masked_lm.value_and_grad(logits, [0, -100])
    >>> grad.round(6)
    array([[-0.214403,  0.17529 ,  0.039113],
           [ 0.      ,  0.      ,  0.      ]])
    """
    params = (masked_lm.parameter("label_smoothing", label_smoothing),)
    return masked_lm.run(
        ask, logits, labels, weight, reduction, denominator, out, ignore_index=ignore_index, params=params
    )


@tokens(
    "logits",
    "labels",
    of=cross_entropy,
    reference=reference.seq2seq_lm,
    domain={"label_smoothing": SHARES, "z_loss": NON_NEGATIVE},
    examples=({}, {"pad_index": 0}, {"label_smoothing": 0.125}, {"z_loss": 1e-4}),
    peers={"torch": Peer("cross_entropy", order=_flat), "optax": OPTAX},
)
def seq2seq_lm(
    ask: int,
    logits: ArrayLike,
    labels: ArrayLike,
    *,
    pad_index: int | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    z_loss: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Loss of a model that turns one sequence into another: cross-entropy of each token of the answer.

    The loss of a token with the logits z that a decoder gives it, having read the answer up to there (`shift_right`
    makes what it reads), and its gradient; padding costs nothing::

        loss     = cross_entropy(z, label)
        gradient = softmax(z) - onehot(label)

    In NumPy: ``fl.cross_entropy(logits, np.where(labels == pad_index, -100, labels))``.

    Parameters
    ----------
    logits : array_like
        Unnormalised log-probabilities, (..., T, V): for each position of a sequence one for each token of a vocabulary.
    labels : array_like
        The tokens of the answer, integers in [0, V), (..., T), each at the place of the logits that predict it.
    pad_index : int, optional
        The token that fills up short sequences: it is invisible.
    ignore_index : int
        Tokens with this label are invisible, too.
    label_smoothing : float in {label_smoothing}
        How much of each target is spread evenly over the vocabulary. It leaves the mean's divisor alone.
    z_loss : float >= 0
        What the square of logsumexp costs besides, at each token that counts; models such as T5 are trained with 1e-4.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a label that counts is not in the vocabulary: the message names the first. Nothing has been written then.
    ValueError
        If the shapes do not fit, a hyperparameter is outside its domain, a word is unknown, or `out` has the wrong
        shape, dtype or layout.
    TypeError
        If an argument does not hold real numbers, or labels are not integers.

    Notes
    -----
    Smooth everywhere. It is `cross_entropy`, computed alike.

    References
    ----------
    C. Raffel et al., Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer, JMLR (2020),
    https://arxiv.org/abs/1910.10683

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> logits = np.array([[[2.0, 0.5, -1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]])
    >>> round(fl.seq2seq_lm(logits, [[0, 1, 2]], pad_index=2), 6)
    0.669962
    >>> loss, grad = fl.seq2seq_lm.value_and_grad(logits, [[0, 2, 2]], pad_index=2)
    >>> grad[0, 0].round(6)
    array([-0.214403,  0.17529 ,  0.039113])
    """
    params = cross_entropy_params(label_smoothing, None, z_loss, 1.0)
    return seq2seq_lm.run(
        ask, logits, labels, weight, reduction, denominator, out,
        ignore_index=ignore_index, pad_index=pad_index, params=params,
    )  # fmt: skip


@log_probabilities(
    "logits",
    "tokens",
    of=cross_entropy,
    reference=reference.token_logprobs,
    peers={"torch": Peer("cross_entropy", factor=-1, order=_flat), "optax": Peer(OPTAX, factor=-1)},
)
def token_logprobs(
    ask: int,
    logits: ArrayLike,
    tokens: ArrayLike,
    *,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Log-probabilities of tokens: what is weighed when a language model learns from rewards or preferences.

    Of one token with the logits z at its place, and the gradient::

        log p    = z_token - logsumexp(z)
        gradient = onehot(token) - softmax(z)

    In NumPy: ``np.take_along_axis(fl.log_softmax(logits), tokens[..., None], -1)[..., 0]``.

    Parameters
    ----------
    logits : array_like
        Unnormalised log-probabilities, (..., T, V): for each position of a sequence one for each token of a vocabulary.
    tokens : array_like
        The tokens, integers in [0, V), (..., T), each at the place of the logits that predict it.
    ignore_index : int
        Tokens of this number are invisible.
    {common}

    {returns}

    Raises
    ------
    IndexError
        If a token that counts is neither in the vocabulary nor `ignore_index`: the message names the first. Nothing has
        been written then.
    ValueError
        If the shapes do not fit, a word is unknown, or `out` has the wrong shape, dtype or layout.
    TypeError
        If an argument does not hold real numbers, or tokens are not integers.

    Notes
    -----
    Smooth everywhere. It is minus `cross_entropy`, computed alike: the log-probability of a token that is all but
    certain keeps its digits, and no array of the logits' size is made besides the gradient. The gradient under any
    upstream vector is that with ``weight=upstream, reduction="sum"``.

    References
    ----------
    R. J. Williams, Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning (1992),
    https://doi.org/10.1007/BF00992696

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> logits = np.array([[2.0, 0.5, -1.0], [40.0, 0.0, 0.0]])
    >>> fl.token_logprobs(logits, [1, 0], reduction="none")
    array([-1.74131130e+00, -8.49670851e-18])
    >>> loss, grad = fl.token_logprobs.value_and_grad(logits, [1, 0], weight=[2, 0], reduction="sum")
    >>> round(loss, 6), grad.round(6)
    (-3.482623, array([[-1.571194,  1.649419, -0.078225],
           [ 0.      ,  0.      ,  0.      ]]))
    """
    return token_logprobs.run(ask, logits, tokens, weight, reduction, denominator, out, ignore_index=ignore_index)


@log_probabilities(
    "logits",
    "tokens",
    of=cross_entropy,
    reference=reference.sequence_logprob,
    examples=({}, {"average": True}),
)
def sequence_logprob(
    ask: int,
    logits: ArrayLike,
    tokens: ArrayLike,
    *,
    average: bool = False,
    ignore_index: int = -100,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Log-probability that a language model gives to a whole sequence: the sum over its tokens, or their average.

    Of one sequence with the tokens y_t, of which n count, and the gradient by the logits z_t; with `average` both are
    divided by n::

        log p    = sum_t (z_t[y_t] - logsumexp(z_t))
        gradient = onehot(y_t) - softmax(z_t)

    In NumPy: ``fl.token_logprobs(logits, tokens, reduction="none").sum(-1)``.

    Parameters
    ----------
    logits : array_like
        Unnormalised log-probabilities, (..., T, V): for each position of a sequence one for each token of a vocabulary.
    tokens : array_like
        The tokens, integers in [0, V), (..., T), each at the place of the logits that predict it.
    average : bool
        Whether to divide by the number of tokens that count: longer sequences are then not less probable for it.
    ignore_index : int
        Tokens of this number are invisible. A sequence of none has the log-probability 0.
    weight : array_like, optional
        Weight of each sequence, broadcast to the shape of `tokens` without its last axis. Where it is 0 the sequence is
        invisible. Any other number scales, also a negative one, so that an upstream gradient can be passed here.
    reduction : {"mean", "sum", "none"}
        The mean over the sequences is sum(w log p) / sum(w), nan with gradient 0 where sum(w) is 0. With "none" the
        gradient is that of the sum.
    denominator : float > 0, optional
        Divides the mean instead of sum(w): with the whole batch's, the parts of a batch add up.
    out : ndarray, optional
        Where `value_and_grad` puts the gradient (it may be `logits` itself), a call with ``reduction="none"`` the
        log-probabilities, and `grad_hess` a pair.

    Returns
    -------
    float or ndarray
        The reduced log-probability; with ``reduction="none"`` one for each sequence, float64 if an input is or holds
        integers, else float32. `value_and_grad` gives it and its gradient, in the dtype of `logits`.

    Raises
    ------
    IndexError
        If a token that counts is neither in the vocabulary nor `ignore_index`: the message names the first. Nothing has
        been written then.
    ValueError
        If the shapes do not fit, a word is unknown, or `out` has the wrong shape, dtype or layout.
    TypeError
        If an argument does not hold real numbers, or tokens are not integers.

    Notes
    -----
    Smooth everywhere. It is a sum of `token_logprobs`, all of one sign, and made in double.

    References
    ----------
    Y. Meng, M. Xia and D. Chen, SimPO: Simple Preference Optimization with a Reference-Free Reward (2024),
    https://arxiv.org/abs/2405.14734

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> logits = np.array([[[2.0, 0.5, -1.0], [0.0, 0.0, 0.0]], [[1.0, 0.0, 0.0], [5.0, 5.0, 5.0]]])
    >>> fl.sequence_logprob(logits, [[0, 1], [0, -100]], reduction="none").round(6)
    array([-1.339924, -0.551445])
    >>> loss, grad = fl.sequence_logprob.value_and_grad(logits, [[0, 1], [0, -100]], average=True, weight=[1, 0])
    >>> round(loss, 6), grad[0].round(6)
    (-0.669962, array([[ 0.107201, -0.087645, -0.019556],
           [-0.166667,  0.333333, -0.166667]]))
    """
    return sequence_logprob.run(
        ask, logits, tokens, weight, reduction, denominator, out,
        ignore_index=ignore_index, whole=True, average=arrays.flag("average", average),
    )  # fmt: skip


def shift_right(labels: ArrayLike, start: int, *, pad: int | None = None, ignore_index: int = -100) -> NDArray[Any]:
    """What a decoder reads while it learns to answer: the labels, each one place later, after a start token.

    Parameters
    ----------
    labels : array_like
        The tokens of the answer, integers, (..., T).
    start : int
        The token that stands before every answer.
    pad : int, optional
        What `ignore_index`, which is no token, is turned into; `start`, unless given.
    ignore_index : int
        The label of tokens that do not count.

    Returns
    -------
    ndarray
        Tokens in the shape and dtype of `labels`.

    Raises
    ------
    ValueError
        If `labels` is a scalar, or its dtype cannot hold `start` or `pad`.
    TypeError
        If `labels` does not hold integers, or a token is none.

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.shift_right([[7, 8, 9], [7, -100, -100]], start=0, pad=1)
    array([[0, 7, 8],
           [0, 7, 1]])
    """
    array = arrays.as_labels("labels", arrays.as_array("labels", labels), "labels of tokens")
    if array.ndim == 0:
        raise ValueError("labels is a scalar: it needs an axis of positions")
    ignore_index = arrays.integer("ignore_index", ignore_index)
    words = {"start": start, "pad": start if pad is None else pad}
    for name, token in words.items():
        words[name] = number = arrays.integer(name, token)
        if array.dtype.kind == "b" or not np.iinfo(array.dtype).min <= number <= np.iinfo(array.dtype).max:
            raise ValueError(f"{name} is {number}, which labels of dtype {array.dtype} cannot hold")
    shifted = np.empty(array.shape, array.dtype.newbyteorder("="))
    shifted[..., :1] = words["start"]
    shifted[..., 1:] = np.where(array[..., :-1] == ignore_index, words["pad"], array[..., :-1])
    return shifted


def minillm_advantages(
    logp: ArrayLike,
    teacher_logp: ArrayLike,
    *,
    gamma: float = 1.0,
    average: bool = False,
    mask: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """How much better a teacher likes what a student says from each token on: advantages for learning on-policy.

    With the rewards r_t = teacher_logp_t - logp_t of tokens that the student has sampled::

        advantage_t = sum_(k >= t) gamma^(k - t) r_k

    and with `average` the weighted mean of these rewards, divided by the sum of their gamma^(k - t).

    Parameters
    ----------
    logp : array_like
        The student's log-probabilities of its own tokens, (..., T), as `token_logprobs` gives them.
    teacher_logp : array_like
        The teacher's of the same tokens.
    gamma : float in [0, 1]
        How much the next token's reward counts for this one. At 0 a token is credited with its own reward alone, which
        is what distillation on sampled tokens does.
    average : bool
        Whether to divide by what the rewards' factors add up to: an answer is then no better for being short.
    mask : array_like, optional
        Which tokens count, in that shape: the others have no reward and the advantage 0, whatever they hold.

    Returns
    -------
    ndarray
        The advantages, (..., T), float64: constants. Where the student learns by reverse KL, their negative is the
        `weight` of `token_logprobs`, or they are the `advantages` of `ppo_clip`.

    Raises
    ------
    ValueError
        If the shapes do not fit, a log-probability that counts is infinite (the message names the first), or gamma is
        outside its domain.
    TypeError
        If an argument does not hold real numbers, or `average` is not True or False.

    Notes
    -----
    The gradient of KL(student || teacher) over whole answers, by the tokens' log-probabilities, is that of the sum of
    -advantage_t logp_t at gamma = 1, on average over what the student says.

    References
    ----------
    Y. Gu, L. Dong, F. Wei and M. Huang, MiniLLM: Knowledge Distillation of Large Language Models, ICLR (2024),
    https://arxiv.org/abs/2306.08543

    Examples
    --------
    >>> import numpy as np, fastloss as fl
    >>> fl.minillm_advantages([-1.0, -2.0, -0.5], [-1.5, -1.0, -0.25])
    array([0.75, 1.25, 0.25])
    >>> fl.minillm_advantages([-1.0, -2.0, -0.5], [-1.5, -1.0, -0.25], gamma=0.5, average=True)
    array([0.03571429, 0.75      , 0.25      ])
    >>> logits, tokens = np.array([[2.0, 0.5, -1.0], [0.0, 1.0, 0.0]]), [0, 1]
    >>> advantages = fl.minillm_advantages(fl.token_logprobs(logits, tokens, reduction="none"), [-0.5, -0.25])
    >>> loss, grad = fl.token_logprobs.value_and_grad(logits, tokens, weight=-advantages, reduction="sum")
    >>> grad.round(6)
    array([[-0.009167,  0.007495,  0.001672],
           [ 0.063889, -0.127777,  0.063889]])
    """
    gamma, average = arrays.parameter("gamma", gamma, SHARES), arrays.flag("average", average)
    rewards, kept = _differences("teacher_logp", teacher_logp, "logp", logp, mask)
    advantages = np.zeros(rewards.shape)
    total, mass = np.zeros(rewards.shape[:-1]), np.zeros(rewards.shape[:-1])
    for t in reversed(range(rewards.shape[-1])):
        total, mass = rewards[..., t] + gamma * total, kept[..., t] + gamma * mass
        np.divide(total, mass if average else 1, out=advantages[..., t], where=kept[..., t])
    return advantages


def iw_opd_weights(
    teacher_logp: ArrayLike,
    rollout_logp: ArrayLike,
    *,
    gamma: float = 0.5,
    epsilon: float = 1e-8,
    mask: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Weights that let early tokens count more in on-policy distillation, before teacher and student have parted.

    With the rewards r_t = teacher_logp_t - rollout_logp_t of a sequence's tokens::

        weight_t = 1 + gamma (1 - sum_(k < t) |r_k| / max(sum_k |r_k|, epsilon))

    from 1 + gamma at the first token to 1 where all that the two differ by has been said.

    Parameters
    ----------
    teacher_logp : array_like
        The teacher's log-probabilities of the tokens, (..., T).
    rollout_logp : array_like
        Those of the policy that has sampled them.
    gamma : float >= 0
        How much more the first token counts.
    epsilon : float > 0
        The least that differences are held against.
    mask : array_like, optional
        Which tokens count, in that shape: the others are skipped and have the weight 0, whatever they hold.

    Returns
    -------
    ndarray
        The weights, (..., T), float64: constants. The advantage of a token is ``weight * (teacher_logp -
        rollout_logp)``.

    Raises
    ------
    ValueError
        If the shapes do not fit, a log-probability that counts is infinite (the message names the first), or a
        hyperparameter is outside its domain.
    TypeError
        If an argument does not hold real numbers.

    References
    ----------
    On the Position Bias of On-Policy Distillation, https://huggingface.co/papers/2606.22600

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.iw_opd_weights([-1.5, -1.0, -0.25], [-1.0, -2.0, -0.75])
    array([1.5  , 1.375, 1.125])
    """
    gamma = arrays.parameter("gamma", gamma, NON_NEGATIVE)
    epsilon = arrays.parameter("epsilon", epsilon, POSITIVE)
    rewards, kept = _differences("teacher_logp", teacher_logp, "rollout_logp", rollout_logp, mask)
    sums = np.cumsum(np.abs(rewards), axis=-1)
    before = np.zeros(sums.shape)
    before[..., 1:] = sums[..., :-1]
    weights = 1 + gamma * (1 - before / np.maximum(sums[..., -1:], epsilon))
    return np.where(kept, weights, 0.0)


def _differences(
    name: str, one: ArrayLike, other_name: str, other: ArrayLike, mask: ArrayLike | None
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """One log-probability minus the other, 0 where a token does not count; and which do."""
    pair = [arrays.as_array(name, one), arrays.as_array(other_name, other)]
    shape = pair[0].shape
    if pair[1].shape != shape or not shape:
        raise ValueError(f"{name} has shape {shape} and {other_name} {pair[1].shape}: they must be equal, (..., T)")
    kept = np.broadcast_to(True, shape)
    if mask is not None:
        kept = arrays.broadcast("mask", arrays.as_array("mask", mask), shape) != 0
    first, second = [arrays.in_domain(word, np.where(kept, array, 0), FINITE)
                     for word, array in zip((name, other_name), pair, strict=True)]  # fmt: skip
    return first - second, kept


def router_load_balancing(
    logits: ArrayLike, *, top_k: int = 2, coefficient: float = 0.01, weight: ArrayLike | None = None
) -> Penalty:
    """A penalty on a router that sends too many tokens to the same experts, and its gradient.

    With p = softmax(logits) of each of N tokens, E experts, and f_e how many of the tokens' k choices each are the
    expert e, divided by N k::

        value    = coefficient E sum_e f_e P_e              P the mean of the tokens' p
        gradient = coefficient E p (f - sum_e f_e p_e) / N  of each token: f is a constant

    Parameters
    ----------
    logits : array_like
        What the router gives each expert, (..., E). Minus infinity is an expert that is not there.
    top_k : int in [1, E]
        How many experts a token is sent to: those of the largest logits, of equal ones the first.
    coefficient : float >= 0
        How much the penalty counts.
    weight : array_like, optional
        Weight of each token, at least 0, broadcast to the shape of `logits` without its last axis; N is their sum.
        Where it is 0 the token is invisible, even if it holds NaN: padding, say.

    Returns
    -------
    Penalty
        `value`, a float, which is the coefficient where all experts are chosen alike; and `grad`, in the dtype of
        `logits` (float64 for integers). Of no tokens both are 0.

    Raises
    ------
    ValueError
        If a number is outside its domain, or a shape does not fit.
    TypeError
        If an argument does not hold real numbers, or `top_k` is no integer.

    Notes
    -----
    Computed in double. A choice that changes makes the value jump. A penalty on large router logits is the mean of
    `logsumexp` squared. Hugging Face does not divide f by k.

    References
    ----------
    W. Fedus, B. Zoph and N. Shazeer, Switch Transformers: Scaling to Trillion Parameter Models with Simple and
    Efficient Sparsity, JMLR 23 (2022), https://arxiv.org/abs/2101.03961

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.router_load_balancing([[1.0, 0.0], [0.0, 1.0]], top_k=1).value, 6)
    0.01
    >>> value, grad = fl.router_load_balancing([[1.0, 0.0], [1.0, 0.0]], top_k=1)
    >>> round(value, 6), grad.round(6)
    (0.014621, array([[ 0.001966, -0.001966],
           [ 0.001966, -0.001966]]))
    """
    array = arrays.as_array("logits", logits)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ValueError(f"logits has shape {array.shape} and must be (..., experts), with one at least")
    top_k, coefficient = arrays.integer("top_k", top_k, 1), arrays.parameter("coefficient", coefficient, NON_NEGATIVE)
    experts = array.shape[-1]
    if top_k > experts:
        raise ValueError(f"top_k is {top_k}, but there are {experts} experts")
    scale = arrays.row_weights(weight, array.shape[:-1])
    rows = np.where(scale[:, None] != 0, array.reshape(-1, experts), 0).astype(np.float64)
    total = float(scale.sum())
    grad = np.zeros(array.shape, arrays.gradient_dtype(array))
    if total == 0:
        return Penalty(0.0, grad)
    chosen = np.argsort(-rows, axis=1, kind="stable")[:, :top_k]
    shares = np.bincount(chosen.reshape(-1), np.repeat(scale, top_k), minlength=experts) / (total * top_k)
    p, factor = softmax(rows), coefficient * experts
    liked = (p * shares).sum(axis=1, keepdims=True)  # how much each token would add to the crowd
    with np.errstate(invalid="ignore"):
        slopes = (factor / total) * scale[:, None] * p * (shares - liked)
    grad[...] = slopes.reshape(array.shape)
    return Penalty(factor * (float((scale * liked[:, 0]).sum()) / total), grad)
