"""Language models: which word comes next?

A model makes a list of features of what it has read, the last layer a logit of each word in the vocabulary, and the
loss looks at the logit of the word that came. The losses of tokens take one sequence: a row of logits for each
position, and a label for each token; they give the list of the tokens' losses. `_grad` is a row of first derivatives
for each position.
"""

from .softmax import cross_entropy, cross_entropy_grad, softmax


def causal_lm(logits, labels, *, shift=1, ignore_index=-100, label_smoothing=0.0, softcap=None, z_loss=0.0):
    """Reading from left to right: each token's cross-entropy by the logits before it.

        cross_entropy(z_(t - shift), labels_t)

    The first `shift` tokens are predicted by nothing and cost nothing.

    Where floats break: as in cross_entropy. And memory: logits[:, :-1] made contiguous is a copy of everything. The
    kernel shifts the labels.

    Radford et al., Improving Language Understanding by Generative Pre-Training (2018).

    >>> logits = [[2.0, 0.5, -1.0], [0.0, 0.0, 0.0], [5.0, 0.0, 0.0]]
    >>> [round(loss, 6) for loss in causal_lm(logits, [2, 0, 1])]
    [0, 0.241311, 1.098612]
    >>> [round(loss, 6) for loss in causal_lm(logits, [0, 1, -100], shift=0)]
    [0.241311, 1.098612, 0]

    A z-loss adds the square of the log of the normaliser, and a softcap bounds the logits:

    >>> [round(loss, 6) for loss in causal_lm(logits, [2, 0, 1], z_loss=0.01)]
    [0, 0.291546, 1.110682]
    >>> [round(loss, 6) for loss in causal_lm(logits, [2, 0, 1], softcap=1.0)]
    [0, 0.578541, 1.098612]

    Its perplexity, e to the mean loss, is k for a choice among k equals:

    >>> from .numbers import exp
    >>> round(exp(sum(causal_lm([[0.0] * 10] * 3, [4, 0, 7])) / 2), 10)
    10.0
    """
    words = {"ignore_index": ignore_index, "label_smoothing": label_smoothing, "softcap": softcap, "z_loss": z_loss}
    pairs = zip(logits, labels[shift:], strict=False)
    return [0] * min(shift, len(labels)) + [cross_entropy(z, label, **words) for z, label in pairs]


def causal_lm_grad(logits, labels, *, shift=1, ignore_index=-100, label_smoothing=0.0, softcap=None, z_loss=0.0):
    """Slopes by the logits at each position: none at the last `shift`, which predict nothing.

        cross_entropy_grad(z_t, labels_(t + shift))

    >>> logits = [[2.0, 0.5, -1.0], [0.0, 0.0, 0.0]]
    >>> [[round(slope, 6) for slope in row] for row in causal_lm_grad(logits, [2, 0])]
    [[-0.214403, 0.17529, 0.039113], [0, 0, 0]]
    """
    words = {"ignore_index": ignore_index, "label_smoothing": label_smoothing, "softcap": softcap, "z_loss": z_loss}
    slopes = [cross_entropy_grad(z, label, **words) for z, label in zip(logits, labels[shift:], strict=False)]
    return slopes + [[0] * len(z) for z in logits[len(slopes) :]]


def masked_lm(logits, labels, *, ignore_index=-100, label_smoothing=0.0):
    """Filling gaps: cross-entropy of the masked tokens; the others have the label ignore_index and cost nothing.

    Where floats break: as in cross_entropy.

    Devlin, Chang, Lee and Toutanova, BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding,
    NAACL (2019).

    >>> [round(loss, 6) for loss in masked_lm([[2.0, 0.5, -1.0], [0.0, 0.0, 0.0]], [0, -100])]
    [0.241311, 0]
    """
    return causal_lm(logits, labels, shift=0, ignore_index=ignore_index, label_smoothing=label_smoothing)


def masked_lm_grad(logits, labels, *, ignore_index=-100, label_smoothing=0.0):
    """Slopes by the logits at each position: none where nothing is masked.

    >>> [[round(slope, 6) for slope in row] for row in masked_lm_grad([[2.0, 0.5, -1.0], [0.0, 0.0, 0.0]], [0, -100])]
    [[-0.214403, 0.17529, 0.039113], [0, 0, 0]]
    """
    return causal_lm_grad(logits, labels, shift=0, ignore_index=ignore_index, label_smoothing=label_smoothing)


def seq2seq_lm(logits, labels, *, pad_index=None, ignore_index=-100, label_smoothing=0.0, z_loss=0.0):
    """Answering: cross-entropy of each token of the answer; padding costs nothing.

    Where floats break: as in cross_entropy.

    Raffel et al., Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer, JMLR (2020).

    >>> logits = [[2.0, 0.5, -1.0], [0.0, 0.0, 0.0], [1.0, 0.0, 0.0]]
    >>> [round(loss, 6) for loss in seq2seq_lm(logits, [0, 1, 2], pad_index=2)]
    [0.241311, 1.098612, 0]
    """
    labels = [ignore_index if label == pad_index else label for label in labels]
    return causal_lm(logits, labels, shift=0, ignore_index=ignore_index, label_smoothing=label_smoothing, z_loss=z_loss)


def seq2seq_lm_grad(logits, labels, *, pad_index=None, ignore_index=-100, label_smoothing=0.0, z_loss=0.0):
    """Slopes by the logits at each position: none at padding.

    >>> [[round(slope, 6) for slope in row] for row in seq2seq_lm_grad([[2.0, 0.5], [0.0, 0.0]], [0, 1], pad_index=1)]
    [[-0.182426, 0.182426], [0, 0]]
    """
    labels = [ignore_index if label == pad_index else label for label in labels]
    return causal_lm_grad(
        logits, labels, shift=0, ignore_index=ignore_index, label_smoothing=label_smoothing, z_loss=z_loss
    )


def token_logprobs(logits, tokens, *, ignore_index=-100):
    """Log-probabilities of tokens: minus their cross-entropy.

        z_token - lse(z)

    Where floats break: as in log_softmax.

    Williams, Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning (1992).

    >>> [round(p, 10) for p in token_logprobs([[2.0, 0.5, -1.0], [0.0, 0.0, 0.0]], [1, -100])]
    [-1.7413112967, 0]
    """
    return [-cross_entropy(z, token, ignore_index=ignore_index) for z, token in zip(logits, tokens, strict=True)]


def token_logprobs_grad(logits, tokens, *, ignore_index=-100):
    """Slopes of each by the logits at its place: what is missing of certainty.

        onehot(token) - softmax(z)

    >>> [[round(slope, 6) for slope in row] for row in token_logprobs_grad([[2.0, 0.5, -1.0]], [1])]
    [[-0.785597, 0.82471, -0.039113]]
    """
    slopes = [cross_entropy_grad(z, token, ignore_index=ignore_index) for z, token in zip(logits, tokens, strict=True)]
    return [[-slope for slope in row] for row in slopes]


def sequence_logprob(logits, tokens, *, average=False, ignore_index=-100):
    """Log-probability of a sequence: the sum of its tokens', or their average.

    Where floats break: as in log_softmax.

    Meng, Xia and Chen, SimPO: Simple Preference Optimization with a Reference-Free Reward (2024).

    >>> round(sequence_logprob([[2.0, 0.5, -1.0], [0.0, 0.0, 0.0]], [0, 1]), 6)
    -1.339924
    >>> round(sequence_logprob([[2.0, 0.5, -1.0], [0.0, 0.0, 0.0]], [0, 1], average=True), 6)
    -0.669962
    >>> sequence_logprob([[2.0, 0.5, -1.0]], [-100], average=True)
    0.0
    """
    return sum(token_logprobs(logits, tokens, ignore_index=ignore_index)) / _count(tokens, average, ignore_index)


def sequence_logprob_grad(logits, tokens, *, average=False, ignore_index=-100):
    """Slopes by the logits at each position: those of the tokens, divided by their number in an average.

    >>> rows = sequence_logprob_grad([[2.0, 0.5, -1.0], [0.0, 0.0, 0.0]], [0, 1], average=True)
    >>> [[round(slope, 6) for slope in row] for row in rows]
    [[0.107201, -0.087645, -0.019556], [-0.166667, 0.333333, -0.166667]]
    """
    count = _count(tokens, average, ignore_index)
    rows = token_logprobs_grad(logits, tokens, ignore_index=ignore_index)
    return [[slope / count for slope in row] for row in rows]


def minillm_advantages(logp, teacher_logp, *, gamma=1.0, average=False):
    """How much better a teacher likes what a student says from each token on.

        A_t = sum_(k >= t) gamma^(k - t) r_k    with the reward r_k = teacher_logp_k - logp_k

    and with `average` divided by sum_(k >= t) gamma^(k - t).

    Gu, Dong, Wei and Huang, MiniLLM: Knowledge Distillation of Large Language Models, ICLR (2024).

    >>> minillm_advantages([-1.0, -2.0, -0.5], [-1.5, -1.0, -0.25])
    [0.75, 1.25, 0.25]
    >>> minillm_advantages([-1.0, -2.0, -0.5], [-1.5, -1.0, -0.25], average=True)
    [0.25, 0.625, 0.25]
    """
    rewards = [teacher - own for own, teacher in zip(logp, teacher_logp, strict=True)]
    advantages = []
    for t in range(len(rewards)):
        shares = [gamma**k for k in range(len(rewards) - t)]
        total = sum(share * reward for share, reward in zip(shares, rewards[t:], strict=True))
        advantages.append(total / sum(shares) if average else total)
    return advantages


def iw_opd_weights(teacher_logp, rollout_logp, *, gamma=0.5, epsilon=1e-8):
    """Early tokens count more, before teacher and student have parted.

        w_t = 1 + gamma (1 - sum_(k < t) |r_k| / max(sum_k |r_k|, epsilon))

    with r_k = teacher_logp_k - rollout_logp_k.

    On the Position Bias of On-Policy Distillation, https://huggingface.co/papers/2606.22600

    >>> iw_opd_weights([-1.5, -1.0, -0.25], [-1.0, -2.0, -0.75])
    [1.5, 1.375, 1.125]
    """
    sizes = [abs(teacher - rollout) for teacher, rollout in zip(teacher_logp, rollout_logp, strict=True)]
    total = max(sum(sizes), epsilon)
    return [1 + gamma * (1 - sum(sizes[:t]) / total) for t in range(len(sizes))]


def _count(tokens, average, ignore_index):
    """What the sum of a sequence is divided by.

    >>> _count([3, -100, 4], True, -100), _count([3, -100, 4], False, -100), _count([-100], True, -100)
    (2, 1, 1)
    """
    return max(sum(token != ignore_index for token in tokens), 1) if average else 1


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
