"""The last layer of a language model, and the loss of its logits, as one function.

A model makes a list of features of what it has read, the last layer a logit of each word in the vocabulary, and the
loss looks at the logit of the word that came. Each function takes one position. `_grad` is the tuple of the first
derivatives by the features, the layer's weight and its bias, each in the shape of what it is by.
"""

from .divergence import jsd, jsd_grad, knowledge_distillation, knowledge_distillation_grad
from .softmax import cross_entropy, cross_entropy_grad


def linear_cross_entropy(
    input, linear_weight, target, *, linear_bias=None, class_weight=None, ignore_index=-100, label_smoothing=0.0,
    softcap=None, z_loss=0.0, temperature=1.0,
):  # fmt: skip
    """Cross-entropy of a linear layer's logits.

        u = W x + b
        z = softcap tanh(u / softcap) / temperature    (without a softcap u / temperature)
        cross_entropy(z, target) + z_loss lse(z)^2

    x is the input, W the layer's weight, a row for each class, b its bias. The softcap bounds the logits; the z-loss
    pulls the log of their normaliser, lse = log(sum_k e^z_k), towards 0, where softmax is e^z itself. A target equal to
    ignore_index costs nothing.

    Where floats break: as cross_entropy does. And memory: the logits of 4096 positions and 128256 words take 2.1 GB in
    float32, their gradient as much. The kernel makes them a chunk at a time and turns each into its gradient in place.

    Wijmans et al., Cut Your Losses in Large-Vocabulary Language Models (2024); Hsu et al., Liger Kernel (2024).
    Softcap: Gemma Team, Gemma 2 (2024). z-loss: Chowdhery et al., PaLM (2022).

    Three words with logits 2, 0.5 and -1:

    >>> layer = [[2.0, 0.0], [0.0, 0.25], [-1.0, 0.0]]
    >>> round(linear_cross_entropy([1.0, 2.0], layer, 0), 10)
    0.2413112967

    At twice the temperature the model is less sure, a softcap of 1 leaves no logit beyond 1:

    >>> round(linear_cross_entropy([1.0, 2.0], layer, 0, temperature=2.0), 10)
    0.5279757439
    >>> round(linear_cross_entropy([1.0, 2.0], layer, 0, softcap=1.0), 10)
    0.5785414736

    The normaliser has the log 2.2413112967, whose square costs z_loss:

    >>> round(linear_cross_entropy([1.0, 2.0], layer, 0, z_loss=0.01), 10)
    0.2915460599
    >>> linear_cross_entropy([1.0, 2.0], layer, -100, z_loss=0.01)
    0
    """
    return cross_entropy(
        _logits(input, linear_weight, linear_bias), target, class_weight=class_weight, ignore_index=ignore_index,
        label_smoothing=label_smoothing, softcap=softcap, z_loss=z_loss, temperature=temperature,
    )  # fmt: skip


def linear_cross_entropy_grad(
    input, linear_weight, target, *, linear_bias=None, class_weight=None, ignore_index=-100, label_smoothing=0.0,
    softcap=None, z_loss=0.0, temperature=1.0,
):  # fmt: skip
    """Slopes by the features, the weight and the bias: those by the logits, handed on through the layer.

        s W        s x^T        s

    where s is the slope of the cross-entropy by u.

    >>> layer = [[2.0, 0.0], [0.0, 0.25], [-1.0, 0.0]]
    >>> by_input, by_weight, by_bias = linear_cross_entropy_grad([1.0, 2.0], layer, 0)
    >>> [round(slope, 6) for slope in by_bias]
    [-0.214403, 0.17529, 0.039113]
    >>> [round(slope, 6) for slope in by_input]
    [-0.467919, 0.043823]
    >>> [[round(slope, 6) for slope in row] for row in by_weight]
    [[-0.214403, -0.428806], [0.17529, 0.350581], [0.039113, 0.078225]]
    """
    slopes = cross_entropy_grad(
        _logits(input, linear_weight, linear_bias), target, class_weight=class_weight, ignore_index=ignore_index,
        label_smoothing=label_smoothing, softcap=softcap, z_loss=z_loss, temperature=temperature,
    )  # fmt: skip
    return _handed_on(slopes, input, linear_weight)


def linear_jsd(
    input, linear_weight, teacher_input, teacher_weight, *, linear_bias=None, teacher_bias=None, beta=0.5,
    temperature=1.0,
):  # fmt: skip
    """Jensen-Shannon divergence of a student's and a teacher's linear layer.

        jsd(W x + b, W' x' + b')

    x, W and b are the student's input, weight and bias, x', W' and b' the teacher's.

    Where floats break: as jsd does. And memory: there are logits twice.

    Agarwal et al., On-Policy Distillation of Language Models (2024); Hsu et al., Liger Kernel (2024).

    A student whose two logits are 0, and a teacher that is sure by log(3):

    >>> round(linear_jsd([1.0], [[0.0], [0.0]], [1.0], [[0.0], [1.0986122887]]), 9)
    0.033822076
    """
    student = _logits(input, linear_weight, linear_bias)
    teacher = _logits(teacher_input, teacher_weight, teacher_bias)
    return jsd(student, teacher, beta=beta, temperature=temperature)


def linear_jsd_grad(
    input, linear_weight, teacher_input, teacher_weight, *, linear_bias=None, teacher_bias=None, beta=0.5,
    temperature=1.0,
):  # fmt: skip
    """Slopes by the student's features, weight and bias: jsd_grad, handed on through the layer.

    >>> by_input, by_weight, by_bias = linear_jsd_grad([2.0], [[0.0], [0.0]], [1.0], [[0.0], [1.0986122887]])
    >>> [round(slope, 6) for slope in by_bias], [[round(slope, 6) for slope in row] for row in by_weight]
    ([0.063853, -0.063853], [[0.127706], [-0.127706]])
    """
    student = _logits(input, linear_weight, linear_bias)
    teacher = _logits(teacher_input, teacher_weight, teacher_bias)
    return _handed_on(jsd_grad(student, teacher, beta=beta, temperature=temperature), input, linear_weight)


def linear_kd(
    input, linear_weight, teacher_input, teacher_weight, target, *, linear_bias=None, teacher_bias=None,
    temperature=2.0, alpha=0.5, scale_by_t2=True, ignore_index=-100,
):  # fmt: skip
    """Knowledge distillation of a teacher's linear layer into a student's.

        knowledge_distillation(W x + b, W' x' + b', target)

    x, W and b are the student's input, weight and bias, x', W' and b' the teacher's.

    Where floats break: as knowledge_distillation does. And memory: there are logits twice.

    Hinton, Vinyals & Dean, Distilling the Knowledge in a Neural Network (2015); Hsu et al., Liger Kernel (2024).

    >>> layer, teacher = [[2.0], [0.5], [-1.0]], [[1.0], [1.0], [0.0]]
    >>> round(linear_kd([1.0], layer, [1.0], teacher, 0), 10)
    0.3014376322
    """
    student = _logits(input, linear_weight, linear_bias)
    teacher = _logits(teacher_input, teacher_weight, teacher_bias)
    return knowledge_distillation(
        student, teacher, target, temperature=temperature, alpha=alpha, scale_by_t2=scale_by_t2,
        ignore_index=ignore_index,
    )  # fmt: skip


def linear_kd_grad(
    input, linear_weight, teacher_input, teacher_weight, target, *, linear_bias=None, teacher_bias=None,
    temperature=2.0, alpha=0.5, scale_by_t2=True, ignore_index=-100,
):  # fmt: skip
    """Slopes by the student's features, weight and bias: knowledge_distillation_grad, handed on through the layer.

    >>> layer, teacher = [[2.0], [0.5], [-1.0]], [[1.0], [1.0], [0.0]]
    >>> [round(slope, 6) for slope in linear_kd_grad([1.0], layer, [1.0], teacher, 0)[2]]
    [0.098944, -0.017406, -0.081539]
    """
    student = _logits(input, linear_weight, linear_bias)
    teacher = _logits(teacher_input, teacher_weight, teacher_bias)
    slopes = knowledge_distillation_grad(
        student, teacher, target, temperature=temperature, alpha=alpha, scale_by_t2=scale_by_t2,
        ignore_index=ignore_index,
    )  # fmt: skip
    return _handed_on(slopes, input, linear_weight)


def adaptive_log_softmax(input, head_weight, tails, target, *, head_bias=None, ignore_index=-100):
    """Adaptive softmax: cross-entropy over very many classes, the rare ones of which are in clusters.

        cross_entropy(H x + b, target)                                            for a frequent class, else
        cross_entropy(H x + b, k) + cross_entropy(W P x, place in the cluster)

    x is the input, H the head's weight, a row for each frequent class and then one for each cluster, b its bias; k is
    the head's row for the target's cluster, P and W are that cluster's projection and weight.

    Where floats break: as cross_entropy does.

    Grave, Joulin, Cissé, Grangier and Jégou, Efficient Softmax Approximation for GPUs (2017).

    Two frequent classes and a cluster, alike: each has 1/3, and a class in the cluster of two half of it.

    >>> head, tails = [[0.0], [0.0], [0.0]], [([[1.0]], [[0.0], [0.0]])]
    >>> [round(adaptive_log_softmax([1.0], head, tails, target), 10) for target in range(4)]
    [1.0986122887, 1.0986122887, 1.7917594692, 1.7917594692]
    """
    if target == ignore_index:
        return 0
    head = _logits(input, head_weight, head_bias)
    label, place = _cluster(target, len(head_weight), tails)
    loss = cross_entropy(head, label)
    if place is None:
        return loss
    projection, weight = tails[label - len(head_weight)]
    features = _logits(input, projection, None)
    return loss + cross_entropy(_logits(features, weight, None), place)


def adaptive_log_softmax_grad(input, head_weight, tails, target, *, head_bias=None, ignore_index=-100):
    """Slopes by the features, the head's weight, each cluster's two matrices, and the head's bias.

    >>> head, tails = [[0.0], [0.0], [0.0]], [([[1.0]], [[0.0], [0.0]])]
    >>> by_input, by_head, by_tails, by_bias = adaptive_log_softmax_grad([2.0], head, tails, 3)
    >>> [round(slope, 6) for slope in by_bias], by_tails
    ([0.333333, 0.333333, -0.666667], [([[0.0]], [[1.0], [-1.0]])])
    """
    nothing = [([[0 * w for w in row] for row in p], [[0 * w for w in row] for row in m]) for p, m in tails]
    if target == ignore_index:
        by_input, by_head, by_bias = _handed_on([0 for _ in head_weight], input, head_weight)
        return by_input, by_head, nothing, by_bias
    head = _logits(input, head_weight, head_bias)
    label, place = _cluster(target, len(head_weight), tails)
    by_input, by_head, by_bias = _handed_on(cross_entropy_grad(head, label), input, head_weight)
    if place is not None:
        projection, weight = tails[label - len(head_weight)]
        features = _logits(input, projection, None)
        slopes = cross_entropy_grad(_logits(features, weight, None), place)
        by_features, by_weight, _ = _handed_on(slopes, features, weight)
        more, by_projection, _ = _handed_on(by_features, input, projection)
        by_input = [one + other for one, other in zip(by_input, more, strict=True)]
        nothing[label - len(head_weight)] = (by_projection, by_weight)
    return by_input, by_head, nothing, by_bias


def _cluster(target, rows, tails):
    """The row of the head for a class, and its place in a cluster if it is in one.

    >>> tails = [([[1.0]], [[0.0], [0.0]]), ([[1.0]], [[0.0], [0.0], [0.0]])]
    >>> [_cluster(target, 4, tails) for target in range(7)]
    [(0, None), (1, None), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)]
    """
    place = target - (rows - len(tails))
    if place < 0:
        return target, None
    for k, (_, weight) in enumerate(tails):
        if place < len(weight):
            return rows - len(tails) + k, place
        place -= len(weight)
    raise IndexError(f"there is no class {target}")


def _handed_on(slopes, input, linear_weight):
    """Slopes by the logits as slopes by what made them: features, weight and bias.

    >>> _handed_on([1.0, -2.0], [3.0], [[4.0], [5.0]])
    ([-6.0], [[3.0], [-6.0]], [1.0, -2.0])
    """
    columns = zip(*linear_weight, strict=True)
    by_input = [sum(s * w for s, w in zip(slopes, column, strict=True)) for column in columns]
    return by_input, [[s * x for x in input] for s in slopes], slopes


def _logits(input, linear_weight, linear_bias):
    """What the layer makes of the features.

    >>> _logits([1.0, 2.0], [[3.0, 4.0], [0.0, 1.0]], [0.0, 1.0])
    [11.0, 3.0]
    """
    logits = [sum(w * x for w, x in zip(row, input, strict=True)) for row in linear_weight]
    return logits if linear_bias is None else [z + b for z, b in zip(logits, linear_bias, strict=True)]
