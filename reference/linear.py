"""The last layer of a language model, and the loss of its logits, as one function.

A model makes a list of features of what it has read, the last layer a logit of each word in the vocabulary, and the
loss looks at the logit of the word that came. Each function takes one position. `_grad` is the tuple of the first
derivatives by the features, the layer's weight and its bias, each in the shape of what it is by.
"""

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
