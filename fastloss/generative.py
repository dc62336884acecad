"""Generative models: adversarial losses, and what autoencoders add to their reconstruction error."""

from __future__ import annotations

from typing import Any

from numpy.typing import ArrayLike

from fastloss.arrays import FINITE, NON_NEGATIVE, Interval
from fastloss.loss import Out, Reduction, pointwise
from fastloss.reference import generative as reference

__all__ = [
    "gan_hinge",
    "gan_hinge_generator",
    "gan_least_squares",
    "gan_least_squares_generator",
    "gan_minimax",
    "gan_minimax_generator",
    "gan_nonsaturating",
    "gan_nonsaturating_generator",
    "gan_wasserstein",
    "gan_wasserstein_generator",
    "gaussian_kl",
    "gaussian_kl_prior",
    "vq_commitment",
]


@pointwise(
    "real",
    "fake",
    reference=reference.gan_minimax,
    grads=("real", "fake"),
    domain={"label_smoothing": Interval(0, 1)},
    examples=({}, {"label_smoothing": 0.1}),
)
def gan_minimax(
    ask: int,
    real: ArrayLike,
    fake: ArrayLike,
    *,
    label_smoothing: float = 0.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Discriminator of the minimax GAN: binary cross-entropy, yes to the real example and no to the fake.

    The loss of one pair, its gradients and its second derivatives, with s = label_smoothing and
    sigma(x) = 1 / (1 + exp(-x))::

        loss      = -(1 - s) log sigma(real) - s log sigma(-real) - log sigma(-fake)
        gradients = sigma(real) - (1 - s),         sigma(fake)
        Hessians  = sigma(real) sigma(-real),      sigma(fake) sigma(-fake)

    In NumPy: ``np.mean(np.logaddexp(0, -real) + np.logaddexp(0, fake))``.

    Parameters
    ----------
    real, fake : array_like
        Scores of real and of generated examples, high for what is taken for real; of one shape, or one of them a
        scalar.
    label_smoothing : float in {label_smoothing}
        The probability with which a real example is to be called a fake; fakes are fakes.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Every part is made of e = exp(-abs(x)), which cannot overflow, and nothing is subtracted from 1:
    a confident, right score keeps its tail. Batches of different sizes: add `binary_cross_entropy_with_logits` of
    `real` with the target 1 - s and of `fake` with 0.

    References
    ----------
    I. Goodfellow, J. Pouget-Abadie, M. Mirza, B. Xu, D. Warde-Farley, S. Ozair, A. Courville and Y. Bengio, Generative
    Adversarial Nets, NeurIPS (2014), https://arxiv.org/abs/1406.2661

    T. Salimans, I. Goodfellow, W. Zaremba, V. Cheung, A. Radford and X. Chen, Improved Techniques for Training GANs,
    NeurIPS (2016), https://arxiv.org/abs/1606.03498: the one-sided smoothing.

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.gan_minimax(0.0, 0.0), 9)
    1.386294361
    >>> loss, grad = fl.gan_minimax.value_and_grad([0.0, 40.0], [0.0, -40.0], reduction="sum")
    >>> grad.real, grad.fake
    (array([-5.00000000e-01, -4.24835426e-18]), array([5.00000000e-01, 4.24835426e-18]))
    """
    label_smoothing = gan_minimax.parameter("label_smoothing", label_smoothing)
    return gan_minimax.run(ask, (real, fake), (label_smoothing,), weight, reduction, denominator, out)


@pointwise(
    "fake",
    reference=reference.gan_minimax_generator,
    signed=True,
)
def gan_minimax_generator(
    ask: int,
    fake: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Generator of the minimax GAN: what the discriminator wins on a fake, it loses.

    The loss of one fake, its gradient and its second derivative, with sigma(x) = 1 / (1 + exp(-x))::

        loss = log sigma(-fake)        gradient = -sigma(fake)        Hessian = -sigma(fake) sigma(-fake)

    In NumPy: ``-np.mean(np.logaddexp(0, fake))``.

    Parameters
    ----------
    fake : array_like
        Scores of generated examples, high for what is taken for real.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere, and never positive. The gradient vanishes where the discriminator is sure of the fake, which
    early in training it is: `gan_nonsaturating_generator` was proposed with it. Made of exp(-abs(fake)), as the
    discriminator's.

    References
    ----------
    I. Goodfellow, J. Pouget-Abadie, M. Mirza, B. Xu, D. Warde-Farley, S. Ozair, A. Courville and Y. Bengio, Generative
    Adversarial Nets, NeurIPS (2014), https://arxiv.org/abs/1406.2661

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.gan_minimax_generator(0.0), 9)
    -0.693147181
    >>> loss, grad = fl.gan_minimax_generator.value_and_grad([0.0, -40.0], reduction="sum")
    >>> grad
    array([-5.00000000e-01, -4.24835426e-18])
    """
    return gan_minimax_generator.run(ask, (fake,), (), weight, reduction, denominator, out)


@pointwise(
    "real",
    "fake",
    reference=reference.gan_nonsaturating,
    grads=("real", "fake"),
)
def gan_nonsaturating(
    ask: int,
    real: ArrayLike,
    fake: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Discriminator of the non-saturating GAN: yes to the real example and no to the fake, as in the minimax game.

    The loss of one pair, its gradients and its second derivatives, with sigma(x) = 1 / (1 + exp(-x))::

        loss      = -log sigma(real) - log sigma(-fake)
        gradients = -sigma(-real),                 sigma(fake)
        Hessians  = sigma(real) sigma(-real),      sigma(fake) sigma(-fake)

    In NumPy: ``np.mean(np.logaddexp(0, -real) + np.logaddexp(0, fake))``.

    Parameters
    ----------
    real, fake : array_like
        Scores of real and of generated examples, high for what is taken for real; of one shape, or one of them a
        scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. It is `gan_minimax` without label smoothing. Batches of different sizes: add
    `binary_cross_entropy_with_logits` of `real` with the target 1 and of `fake` with 0.

    References
    ----------
    I. Goodfellow, J. Pouget-Abadie, M. Mirza, B. Xu, D. Warde-Farley, S. Ozair, A. Courville and Y. Bengio, Generative
    Adversarial Nets, NeurIPS (2014), https://arxiv.org/abs/1406.2661

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.gan_nonsaturating(2.0, -2.0), 9)
    0.253856022
    >>> loss, grad = fl.gan_nonsaturating.value_and_grad([0.0, 40.0], [0.0, -40.0], reduction="sum")
    >>> grad.real, grad.fake
    (array([-5.00000000e-01, -4.24835426e-18]), array([5.00000000e-01, 4.24835426e-18]))
    """
    return gan_nonsaturating.run(ask, (real, fake), (0.0,), weight, reduction, denominator, out)


@pointwise(
    "fake",
    reference=reference.gan_nonsaturating_generator,
)
def gan_nonsaturating_generator(
    ask: int,
    fake: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Generator of the non-saturating GAN: the fake is to be taken for real.

    The loss of one fake, its gradient and its second derivative, with sigma(x) = 1 / (1 + exp(-x))::

        loss = -log sigma(fake)        gradient = -sigma(-fake)        Hessian = sigma(fake) sigma(-fake)

    In NumPy: ``np.mean(np.logaddexp(0, -fake))``.

    Parameters
    ----------
    fake : array_like
        Scores of generated examples, high for what is taken for real.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. A fake that is seen through is pushed with the full slope 1. Made of exp(-abs(fake)), which
    cannot overflow and keeps the tail.

    References
    ----------
    I. Goodfellow, J. Pouget-Abadie, M. Mirza, B. Xu, D. Warde-Farley, S. Ozair, A. Courville and Y. Bengio, Generative
    Adversarial Nets, NeurIPS (2014), https://arxiv.org/abs/1406.2661

    Examples
    --------
    >>> import fastloss as fl
    >>> round(fl.gan_nonsaturating_generator(0.0), 9)
    0.693147181
    >>> loss, grad = fl.gan_nonsaturating_generator.value_and_grad([0.0, -40.0], reduction="sum")
    >>> grad
    array([-0.5, -1. ])
    """
    return gan_nonsaturating_generator.run(ask, (fake,), (), weight, reduction, denominator, out)


@pointwise(
    "real",
    "fake",
    reference=reference.gan_wasserstein,
    grads=("real", "fake"),
    signed=True,
)
def gan_wasserstein(
    ask: int,
    real: ArrayLike,
    fake: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Critic of the Wasserstein GAN: the score of the real example is to exceed that of the fake.

    The loss of one pair, its gradients and its second derivatives::

        loss = fake - real        gradients = -1, 1        Hessians = 0, 0

    In NumPy: ``np.mean(fake - real)``.

    Parameters
    ----------
    real, fake : array_like
        Scores of real and of generated examples, high for what is taken for real; of one shape, or one of them a
        scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. The critic's slope by its input must be bounded by other means. Losses are summed in double.
    Batches of different sizes: ``np.mean(fake) - np.mean(real)``.

    References
    ----------
    M. Arjovsky, S. Chintala and L. Bottou, Wasserstein GAN, ICML (2017), https://arxiv.org/abs/1701.07875

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gan_wasserstein([3.0, 0.0], [1.0, 0.5])
    -0.75
    >>> loss, grad = fl.gan_wasserstein.value_and_grad([3.0, 0.0], [1.0, 0.5])
    >>> grad.real, grad.fake
    (array([-0.5, -0.5]), array([0.5, 0.5]))
    """
    return gan_wasserstein.run(ask, (real, fake), (), weight, reduction, denominator, out)


@pointwise(
    "fake",
    reference=reference.gan_wasserstein_generator,
    signed=True,
)
def gan_wasserstein_generator(
    ask: int,
    fake: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Generator of the Wasserstein GAN: the critic's score of the fake is to be high.

    The loss of one fake, its gradient and its second derivative::

        loss = -fake        gradient = -1        Hessian = 0

    In NumPy: ``-np.mean(fake)``.

    Parameters
    ----------
    fake : array_like
        Scores of generated examples, high for what is taken for real.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Losses are summed in double.

    References
    ----------
    M. Arjovsky, S. Chintala and L. Bottou, Wasserstein GAN, ICML (2017), https://arxiv.org/abs/1701.07875

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gan_wasserstein_generator([3.0, 1.0])
    -2.0
    >>> fl.gan_wasserstein_generator.value_and_grad([3.0, 1.0])
    (-2.0, array([-0.5, -0.5]))
    """
    return gan_wasserstein_generator.run(ask, (fake,), (), weight, reduction, denominator, out)


@pointwise(
    "real",
    "fake",
    reference=reference.gan_hinge,
    grads=("real", "fake"),
    kinks=lambda: (1.0,),
)
def gan_hinge(
    ask: int,
    real: ArrayLike,
    fake: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Discriminator of the hinge GAN: scores of at least 1 and at most -1 are right enough.

    The loss of one pair, its gradients and its second derivatives::

        loss      = max(0, 1 - real) + max(0, 1 + fake)
        gradients = -1 if real < 1, else 0;        1 if fake > -1, else 0
        Hessians  = 0, 0

    In NumPy: ``np.mean(np.maximum(0, 1 - real) + np.maximum(0, 1 + fake))``.

    Parameters
    ----------
    real, fake : array_like
        Scores of real and of generated examples, high for what is taken for real; of one shape, or one of them a
        scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    At the kinks real = 1 and fake = -1 the gradient is 0. Losses are summed in double. Batches of different sizes: add
    `hinge` of `real` with the target 1 and of `fake` with -1.

    References
    ----------
    J. H. Lim and J. C. Ye, Geometric GAN (2017), https://arxiv.org/abs/1705.02894

    T. Miyato, T. Kataoka, M. Koyama and Y. Yoshida, Spectral Normalization for Generative Adversarial Networks, ICLR
    (2018), https://arxiv.org/abs/1802.05957

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gan_hinge([2.0, 0.0, -1.0], [-2.0, 0.0, 0.5], reduction="none")
    array([0. , 2. , 3.5])
    >>> loss, grad = fl.gan_hinge.value_and_grad([1.0, 0.5], [-1.0, -2.0], reduction="sum")
    >>> grad.real, grad.fake
    (array([ 0., -1.]), array([0., 0.]))
    """
    return gan_hinge.run(ask, (real, fake), (), weight, reduction, denominator, out)


@pointwise(
    "fake",
    reference=reference.gan_hinge_generator,
    signed=True,
)
def gan_hinge_generator(
    ask: int,
    fake: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Generator of the hinge GAN: the discriminator's score of the fake is to be high, without a limit.

    The loss of one fake, its gradient and its second derivative::

        loss = -fake        gradient = -1        Hessian = 0

    In NumPy: ``-np.mean(fake)``.

    Parameters
    ----------
    fake : array_like
        Scores of generated examples, high for what is taken for real.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Losses are summed in double.

    References
    ----------
    J. H. Lim and J. C. Ye, Geometric GAN (2017), https://arxiv.org/abs/1705.02894

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gan_hinge_generator([-0.5, 1.0])
    -0.25
    >>> fl.gan_hinge_generator.value_and_grad([-0.5, 1.0])
    (-0.25, array([-0.5, -0.5]))
    """
    return gan_hinge_generator.run(ask, (fake,), (), weight, reduction, denominator, out)


@pointwise(
    "real",
    "fake",
    reference=reference.gan_least_squares,
    grads=("real", "fake"),
    domain={"a": FINITE, "b": FINITE},
    examples=({}, {"a": -1.0, "b": 1.0}),
)
def gan_least_squares(
    ask: int,
    real: ArrayLike,
    fake: ArrayLike,
    *,
    a: float = 0.0,
    b: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Discriminator of the least-squares GAN: the score of a real example is to be b, that of a fake a.

    The loss of one pair, its gradients and its second derivatives::

        loss = (real - b)^2 / 2 + (fake - a)^2 / 2        gradients = real - b, fake - a        Hessians = 1, 1

    In NumPy: ``np.mean((real - b) ** 2 + (fake - a) ** 2) / 2``.

    Parameters
    ----------
    real, fake : array_like
        Scores of real and of generated examples, high for what is taken for real; of one shape, or one of them a
        scalar.
    a, b : float in {a}
        What to score fakes, and what real examples.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Squares are taken and summed in double. Batches of different sizes: add `half_squared_error` of
    `real` with the target b and of `fake` with a.

    References
    ----------
    X. Mao, Q. Li, H. Xie, R. Y. K. Lau, Z. Wang and S. P. Smolley, Least Squares Generative Adversarial Networks, ICCV
    (2017), https://arxiv.org/abs/1611.04076

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gan_least_squares(3.0, 1.0)
    2.5
    >>> loss, grad = fl.gan_least_squares.value_and_grad([3.0, 1.0], [1.0, 0.0], reduction="sum")
    >>> grad.real, grad.fake
    (array([2., 0.]), array([1., 0.]))
    """
    a = gan_least_squares.parameter("a", a)
    b = gan_least_squares.parameter("b", b)
    return gan_least_squares.run(ask, (real, fake), (a, b), weight, reduction, denominator, out)


@pointwise(
    "fake",
    reference=reference.gan_least_squares_generator,
    domain={"c": FINITE},
    examples=({}, {"c": 0.0}),
)
def gan_least_squares_generator(
    ask: int,
    fake: ArrayLike,
    *,
    c: float = 1.0,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Generator of the least-squares GAN: the score of the fake is to be c.

    The loss of one fake, its gradient and its second derivative::

        loss = (fake - c)^2 / 2        gradient = fake - c        Hessian = 1

    In NumPy: ``np.mean((fake - c) ** 2) / 2``.

    Parameters
    ----------
    fake : array_like
        Scores of generated examples, high for what is taken for real.
    c : float in {c}
        What the discriminator is to score fakes.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Squares are taken and summed in double.

    References
    ----------
    X. Mao, Q. Li, H. Xie, R. Y. K. Lau, Z. Wang and S. P. Smolley, Least Squares Generative Adversarial Networks, ICCV
    (2017), https://arxiv.org/abs/1611.04076

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gan_least_squares_generator([1.0, -3.0])
    4.0
    >>> fl.gan_least_squares_generator.value_and_grad([1.0, -3.0], reduction="sum")
    (8.0, array([ 0., -4.]))
    """
    c = gan_least_squares_generator.parameter("c", c)
    return gan_least_squares_generator.run(ask, (fake,), (c,), weight, reduction, denominator, out)


@pointwise(
    "mu",
    "log_var",
    reference=reference.gaussian_kl,
    grads=("mu", "log_var"),
)
def gaussian_kl(
    ask: int,
    mu: ArrayLike,
    log_var: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Divergence of a normal distribution from the standard one: what a variational autoencoder pays for its code.

    The loss of one element, its gradients and its second derivatives::

        loss      = (mu^2 + exp(log_var) - 1 - log_var) / 2
        gradients = mu, (exp(log_var) - 1) / 2
        Hessians  = 1, exp(log_var) / 2

    In NumPy: ``np.mean(mu**2 + np.exp(log_var) - 1 - log_var) / 2``.

    Parameters
    ----------
    mu, log_var : array_like
        Mean and logarithm of the variance; of one shape, or one of them a scalar.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. exp(v) - 1 - v cancels for a small v: the kernel takes a polynomial there. The divergence of a
    code of several elements is their sum: ``reduction="sum"``, or ``denominator=`` the number of examples.

    References
    ----------
    D. P. Kingma and M. Welling, Auto-Encoding Variational Bayes, ICLR (2014), https://arxiv.org/abs/1312.6114

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gaussian_kl([0.0, 1.0], [0.0, 0.0], reduction="none")
    array([0. , 0.5])
    >>> loss, grad = fl.gaussian_kl.value_and_grad([0.0, 1.0], [1e-9, 0.0], reduction="none")
    >>> loss, grad.mu, grad.log_var
    (array([2.5e-19, 5.0e-01]), array([0., 1.]), array([5.e-10, 0.e+00]))
    """
    return gaussian_kl.run(ask, (mu, log_var), (), weight, reduction, denominator, out)


@pointwise(
    "mu",
    "log_var",
    "prior_mu",
    "prior_log_var",
    reference=reference.gaussian_kl_prior,
    grads=("mu", "log_var", "prior_mu", "prior_log_var"),
)
def gaussian_kl_prior(
    ask: int,
    mu: ArrayLike,
    log_var: ArrayLike,
    prior_mu: ArrayLike,
    prior_log_var: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Divergence of a normal distribution from another one: what a code pays where its prior is learnt as well.

    The loss of one element, its gradients and its second derivatives, with r = mu - prior_mu, w = prior_log_var and
    d = log_var - w::

        loss      = (exp(d) - 1 - d + r^2 exp(-w)) / 2
        gradients = r exp(-w), (exp(d) - 1) / 2, -r exp(-w), (1 - exp(d) - r^2 exp(-w)) / 2
        Hessians  = exp(-w),   exp(d) / 2,       exp(-w),    (exp(d) + r^2 exp(-w)) / 2

    In NumPy: ``np.mean(np.exp(d) - 1 - d + r**2 * np.exp(-w)) / 2``.

    Parameters
    ----------
    mu, log_var : array_like
        Mean and logarithm of the variance; of one shape, or one of them a scalar.
    prior_mu, prior_log_var : array_like
        Those of the distribution it is measured against, of that shape or scalars.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. With a prior of mean 0 and variance 1 it is `gaussian_kl`. exp(d) - 1 - d cancels for a small d:
    the kernel takes a polynomial there. The exponents of factors are kept apart until a product is complete.

    References
    ----------
    K. Sohn, H. Lee and X. Yan, Learning Structured Output Representation using Deep Conditional Generative Models,
    NeurIPS (2015)

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.gaussian_kl_prior([0.0, 3.0], [0.0, 0.0], [0.0, 1.0], [0.0, 0.0], reduction="none")
    array([0., 2.])
    >>> loss, grad = fl.gaussian_kl_prior.value_and_grad([3.0], [0.0], [1.0], [0.0])
    >>> grad.mu, grad.prior_mu, grad.prior_log_var
    (array([2.]), array([-2.]), array([-2.]))
    """
    inputs = (mu, log_var, prior_mu, prior_log_var)
    return gaussian_kl_prior.run(ask, inputs, (), weight, reduction, denominator, out)


@pointwise(
    "encoded",
    "codes",
    reference=reference.vq_commitment,
    grads=("encoded", "codes"),
    domain={"beta": NON_NEGATIVE},
    examples=({}, {"beta": 2.0}),
)
def vq_commitment(
    ask: int,
    encoded: ArrayLike,
    codes: ArrayLike,
    *,
    beta: float = 0.25,
    weight: ArrayLike | None = None,
    reduction: Reduction = "mean",
    denominator: float | None = None,
    out: Out = None,
) -> Any:
    """Codebook and commitment loss of vector quantisation: codes move to the encoder's output, and it to them.

    The loss of one element, its gradients and its second derivatives, with stop(x) for x as a constant::

        loss      = (stop(encoded) - codes)^2 + beta (encoded - stop(codes))^2
        gradients = 2 beta (encoded - codes), 2 (codes - encoded)
        Hessians  = 2 beta, 2

    In NumPy: ``np.mean((1 + beta) * (encoded - codes) ** 2)``.

    Parameters
    ----------
    encoded, codes : array_like
        What the encoder gives, and the nearest codes; of one shape, or one of them a scalar.
    beta : float in {beta}
        How fast the encoder commits to the codes, against the pace of the codebook.
    {common}

    {returns}

    {raises}

    Notes
    -----
    Smooth everywhere. Each gradient is that of its own term alone, not of the sum. Squares are taken and summed in
    double.

    References
    ----------
    A. van den Oord, O. Vinyals and K. Kavukcuoglu, Neural Discrete Representation Learning, NeurIPS (2017),
    https://arxiv.org/abs/1711.00937

    Examples
    --------
    >>> import fastloss as fl
    >>> fl.vq_commitment([3.0, 1.0], [1.0, 1.0], reduction="none")
    array([5., 0.])
    >>> loss, grad = fl.vq_commitment.value_and_grad([3.0, 1.0], [1.0, 1.0], reduction="sum")
    >>> grad.encoded, grad.codes
    (array([1., 0.]), array([-4.,  0.]))
    """
    beta = vq_commitment.parameter("beta", beta)
    return vq_commitment.run(ask, (encoded, codes), (beta,), weight, reduction, denominator, out)
