"""Generative models: how well does what is made pass for what is real?

Adversarial training has two players. A discriminator gives scores, high to what it takes for real; its loss takes
a score of a real example and one of a fake. The generator's loss takes the score of a fake, which it wants to be
high. Then what autoencoders add to their reconstruction error.

`_grad` is the first derivative, `_hess` the second; of two inputs, a pair.
"""

from .numbers import exp, log, stop_gradient


def softplus(x):
    """The smooth ramp: about 0 on the left, about x on the right.

        log(1 + e^x)

    >>> round(softplus(0.0), 10), softplus(float("-inf")), softplus(float("inf"))
    (0.6931471806, 0.0, inf)
    """
    return log(1 + exp(x))


def sigmoid(x):
    """The slope of softplus: the probability that a score stands for.

        1 / (1 + e^-x)

    >>> sigmoid(0.0)
    0.5
    """
    return 1 / (1 + exp(-x))


def gan_wasserstein(real, fake):
    """Wasserstein critic: the score of the real example shall exceed that of the fake by as much as can be.

        fake - real

    Of a critic whose slope is bounded, the negative mean is the earth mover's distance of the two distributions.

    Where floats break: not here, but a float32 sum of many does. The kernel subtracts and sums in double.

    Arjovsky, Chintala and Bottou, Wasserstein GAN, ICML (2017).

    >>> gan_wasserstein(3.0, 1.0), gan_wasserstein(0.0, 0.5)
    (-2.0, 0.5)
    """
    return fake - real


def gan_wasserstein_grad(real, fake):
    """Slopes of the critic's loss: the same everywhere.

        -1 by real, 1 by fake

    >>> gan_wasserstein_grad(3.0, 1.0)
    (-1, 1)
    """
    return -1, 1


def gan_wasserstein_hess(real, fake):
    """Curvatures of the critic's loss: none.

    >>> gan_wasserstein_hess(3.0, 1.0)
    (0, 0)
    """
    return 0, 0


def gan_wasserstein_generator(fake):
    """Generator against a Wasserstein critic: the score of the fake shall be high.

        -fake

    Arjovsky, Chintala and Bottou, Wasserstein GAN, ICML (2017).

    >>> gan_wasserstein_generator(3.0)
    -3.0
    """
    return -fake


def gan_wasserstein_generator_grad(fake):
    """Slope of the generator's loss: the same everywhere.

        -1

    >>> gan_wasserstein_generator_grad(3.0)
    -1
    """
    return -1


def gan_wasserstein_generator_hess(fake):
    """Curvature of the generator's loss: none.

    >>> gan_wasserstein_generator_hess(3.0)
    0
    """
    return 0


def gan_hinge(real, fake):
    """Hinge discriminator: a real example scored 1 or more, and a fake scored -1 or less, are right enough.

        max(0, 1 - real) + max(0, 1 + fake)

    Where floats break: not here. Each kink is where its difference is exact.

    Lim and Ye, Geometric GAN (2017); Miyato, Kataoka, Koyama and Yoshida, Spectral Normalization for Generative
    Adversarial Networks, ICLR (2018).

    >>> [gan_hinge(real, fake) for real, fake in [(2.0, -2.0), (0.0, 0.0), (-1.0, 0.5)]]
    [0, 2.0, 3.5]
    """
    missing, excess = 1 - real, 1 + fake
    return (0 if missing <= 0 else missing) + (0 if excess <= 0 else excess)


def gan_hinge_grad(real, fake):
    """Slopes of the hinge discriminator's loss: a push until the score is right enough.

        -1 if real < 1, else 0        1 if fake > -1, else 0

    At the kinks real = 1 and fake = -1 they are 0.

    >>> gan_hinge_grad(0.5, -2.0), gan_hinge_grad(1.0, -1.0)
    ((-1, 0), (0, 0))
    """
    return (-1 if real < 1 else 0), (1 if fake > -1 else 0)


def gan_hinge_hess(real, fake):
    """Curvatures of the hinge discriminator's loss: none.

    >>> gan_hinge_hess(0.5, -2.0)
    (0, 0)
    """
    return 0, 0


def gan_hinge_generator(fake):
    """Generator against a hinge discriminator: the score of the fake shall be high, without a limit.

        -fake

    Lim and Ye, Geometric GAN (2017).

    >>> gan_hinge_generator(-0.5)
    0.5
    """
    return -fake


def gan_hinge_generator_grad(fake):
    """Slope of the generator's loss: the same everywhere.

        -1

    >>> gan_hinge_generator_grad(-0.5)
    -1
    """
    return -1


def gan_hinge_generator_hess(fake):
    """Curvature of the generator's loss: none.

    >>> gan_hinge_generator_hess(-0.5)
    0
    """
    return 0


def gan_least_squares(real, fake, *, a=0.0, b=1.0):
    """Least-squares discriminator: the score of a real example shall be b, that of a fake a.

        (real - b)^2 / 2 + (fake - a)^2 / 2

    A fake far on the wrong side still pulls, where the logistic loss has flattened.

    Where floats break: squares overflow where the mean may be a number. The kernel squares and sums in double, and
    scales where that would overflow.

    Mao, Li, Xie, Lau, Wang and Smolley, Least Squares Generative Adversarial Networks, ICCV (2017).

    >>> gan_least_squares(1.0, 0.0), gan_least_squares(3.0, 1.0)
    (0.0, 2.5)
    >>> gan_least_squares(0.0, 0.0, a=-1.0)
    1.0
    """
    return ((real - b) * (real - b) + (fake - a) * (fake - a)) / 2


def gan_least_squares_grad(real, fake, *, a=0.0, b=1.0):
    """Slopes of the least-squares discriminator's loss: how far each score is off.

        real - b        fake - a

    >>> gan_least_squares_grad(3.0, 1.0)
    (2.0, 1.0)
    """
    return real - b, fake - a


def gan_least_squares_hess(real, fake, *, a=0.0, b=1.0):
    """Curvatures of the least-squares discriminator's loss: the same everywhere.

        1        1

    >>> gan_least_squares_hess(3.0, 1.0)
    (1, 1)
    """
    return 1, 1


def gan_least_squares_generator(fake, *, c=1.0):
    """Generator against a least-squares discriminator: the score of the fake shall be c.

        (fake - c)^2 / 2

    Mao, Li, Xie, Lau, Wang and Smolley, Least Squares Generative Adversarial Networks, ICCV (2017).

    >>> gan_least_squares_generator(1.0), gan_least_squares_generator(-3.0)
    (0.0, 8.0)
    """
    return (fake - c) * (fake - c) / 2


def gan_least_squares_generator_grad(fake, *, c=1.0):
    """Slope of the generator's loss: how far the score is off.

        fake - c

    >>> gan_least_squares_generator_grad(-3.0)
    -4.0
    """
    return fake - c


def gan_least_squares_generator_hess(fake, *, c=1.0):
    """Curvature of the generator's loss: the same everywhere.

        1

    >>> gan_least_squares_generator_hess(-3.0)
    1
    """
    return 1


def gan_minimax(real, fake, *, label_smoothing=0.0):
    """The first GAN's discriminator: binary cross-entropy, yes to the real example and no to the fake.

        -log sigma(real) - log sigma(-fake) = log(1 + e^-real) + log(1 + e^fake)

    With label smoothing the answer to the real example is yes with probability t = 1 - label_smoothing alone:
    t log(1 + e^-real) + (1 - t) log(1 + e^real) in place of the first term.

    Where floats break: e^x overflows beyond 709 (88 in float32), and where e^-x is below 1e-16, 1 + e^-x is 1 and
    the loss 0. The kernel takes log1p of e^-|x|, and adds |x| times the weight of the wrong side.

    Goodfellow, Pouget-Abadie, Mirza, Xu, Warde-Farley, Ozair, Courville and Bengio, Generative Adversarial Nets,
    NeurIPS (2014); the one-sided smoothing: Salimans, Goodfellow, Zaremba, Cheung, Radford and Chen, Improved
    Techniques for Training GANs, NeurIPS (2016).

    Where generator and data agree no discriminator does better than scores of 0, and pays log 4:

    >>> round(gan_minimax(0.0, 0.0), 10)
    1.3862943611
    >>> round(gan_minimax(2.0, -2.0), 10), round(gan_minimax(2.0, -2.0, label_smoothing=0.1), 10)
    (0.2538560221, 0.4538560221)

    A fake taken for real costs its score:

    >>> round(gan_minimax(0.0, 500.0), 10)
    500.6931471806

    The overflow, and the lost tail:

    >>> gan_minimax(40.0, 800.0), gan_minimax(40.0, -40.0)
    (inf, 0.0)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(gan_minimax(mpf(40), mpf(800)))
    ...     float(gan_minimax(mpf(40), mpf(-40)))
    800.0
    8.496708510583178e-18
    """
    yes, no = 1 - label_smoothing, label_smoothing
    on_real = (yes * softplus(-real) if yes != 0 else 0) + (no * softplus(real) if no != 0 else 0)
    return on_real + softplus(fake)


def gan_minimax_grad(real, fake, *, label_smoothing=0.0):
    """Slopes of the minimax discriminator's loss: probability minus target, t or 0.

        (1 - t) sigma(real) - t sigma(-real) = sigma(real) - t        sigma(fake)

    Where floats break: sigma(real) - t, for t = 1, is 0 from real = 37 on. The kernel takes the first form, with
    e^-|x| on both sides of 0.

    >>> gan_minimax_grad(0.0, 0.0), gan_minimax_grad(0.0, 0.0, label_smoothing=0.25)
    ((-0.5, 0.5), (-0.25, 0.5))

    """
    on_real = label_smoothing * sigmoid(real) - (1 - label_smoothing) * sigmoid(-real)
    return on_real, sigmoid(fake)


def gan_minimax_grad_terms(real, fake, *, label_smoothing=0.0):
    """With label smoothing the pulls of yes and no on a real score cancel where its probability is the target.

    >>> gan_minimax_grad_terms(0.0, 0.0, label_smoothing=0.25)
    ([-0.375, 0.125], [0.5])
    """
    return [-(1 - label_smoothing) * sigmoid(-real), label_smoothing * sigmoid(real)], [sigmoid(fake)]


def gan_minimax_hess(real, fake, *, label_smoothing=0.0):
    """Curvatures of the minimax discriminator's loss: largest where it is undecided.

        sigma(real) sigma(-real)        sigma(fake) sigma(-fake)

    >>> gan_minimax_hess(0.0, 0.0)
    (0.25, 0.25)
    """
    return sigmoid(real) * sigmoid(-real), sigmoid(fake) * sigmoid(-fake)


def gan_minimax_generator(fake):
    """The first GAN's generator: what the discriminator wins on the fake, it loses.

        log sigma(-fake) = -log(1 + e^fake)

    It saturates: where the discriminator is sure of a fake, early in training, the slope is next to 0.

    Where floats break: as in the discriminator's loss. The kernel takes log1p of e^-|x|.

    Goodfellow et al., Generative Adversarial Nets, NeurIPS (2014).

    >>> round(gan_minimax_generator(0.0), 10), gan_minimax_generator(-40.0)
    (-0.6931471806, -0.0)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(gan_minimax_generator(mpf(-40)))
    -4.248354255291589e-18
    """
    return -softplus(fake)


def gan_minimax_generator_grad(fake):
    """Slope of the minimax generator's loss: next to none where the discriminator is sure of the fake.

        -sigma(fake)

    >>> gan_minimax_generator_grad(0.0), round(gan_minimax_generator_grad(-10.0), 10)
    (-0.5, -4.53979e-05)
    """
    return -sigmoid(fake)


def gan_minimax_generator_hess(fake):
    """Curvature of the minimax generator's loss: it bends down.

        -sigma(fake) sigma(-fake)

    >>> gan_minimax_generator_hess(0.0)
    -0.25
    """
    return -sigmoid(fake) * sigmoid(-fake)


def gan_nonsaturating(real, fake):
    """Discriminator of the non-saturating GAN: that of the minimax game.

        log(1 + e^-real) + log(1 + e^fake)

    Where floats break: e^x overflows beyond 709 (88 in float32), and where e^-x is below 1e-16, 1 + e^-x is 1 and
    the loss 0. The kernel adds max(x, 0) to log1p of e^-|x|.

    Goodfellow et al., Generative Adversarial Nets, NeurIPS (2014).

    >>> round(gan_nonsaturating(0.0, 0.0), 10), round(gan_nonsaturating(2.0, -2.0), 10)
    (1.3862943611, 0.2538560221)
    """
    return softplus(-real) + softplus(fake)


def gan_nonsaturating_grad(real, fake):
    """Slopes of the discriminator's loss: probability minus target.

        -sigma(-real)        sigma(fake)

    >>> gan_nonsaturating_grad(0.0, 0.0)
    (-0.5, 0.5)
    """
    return -sigmoid(-real), sigmoid(fake)


def gan_nonsaturating_hess(real, fake):
    """Curvatures of the discriminator's loss: largest where it is undecided.

        sigma(real) sigma(-real)        sigma(fake) sigma(-fake)

    >>> gan_nonsaturating_hess(0.0, 0.0)
    (0.25, 0.25)
    """
    return sigmoid(real) * sigmoid(-real), sigmoid(fake) * sigmoid(-fake)


def gan_nonsaturating_generator(fake):
    """Generator of the non-saturating GAN: the fake shall be taken for real.

        -log sigma(fake) = log(1 + e^-fake)

    The minimum is where that of the minimax game is, but a fake that is seen through is pushed with full force.

    Where floats break: e^-x overflows below -709 (-88 in float32), and where e^-x is below 1e-16, 1 + e^-x is 1 and
    the loss 0. The kernel adds max(-x, 0) to log1p of e^-|x|.

    Goodfellow et al., Generative Adversarial Nets, NeurIPS (2014).

    >>> round(gan_nonsaturating_generator(0.0), 10), round(gan_nonsaturating_generator(-10.0), 10)
    (0.6931471806, 10.0000453989)
    """
    return softplus(-fake)


def gan_nonsaturating_generator_grad(fake):
    """Slope of the non-saturating generator's loss: -1 where the minimax generator's is 0.

        -sigma(-fake)

    >>> gan_nonsaturating_generator_grad(0.0), round(gan_nonsaturating_generator_grad(-10.0), 10)
    (-0.5, -0.9999546021)
    """
    return -sigmoid(-fake)


def gan_nonsaturating_generator_hess(fake):
    """Curvature of the non-saturating generator's loss.

        sigma(fake) sigma(-fake)

    >>> gan_nonsaturating_generator_hess(0.0)
    0.25
    """
    return sigmoid(fake) * sigmoid(-fake)


def gaussian_kl(mu, log_var):
    """Divergence of a normal distribution from the standard one: what a variational autoencoder pays for its code.

        (mu^2 + e^log_var - 1 - log_var) / 2

    Where floats break: e^v - 1 - v is about v^2 / 2 for a small v and cancels. The kernel takes a polynomial there.

    Kingma and Welling, Auto-Encoding Variational Bayes, ICLR (2014), appendix B.

    >>> gaussian_kl(0.0, 0.0), gaussian_kl(1.0, 0.0)
    (0.0, 0.5)
    >>> round(gaussian_kl(0.0, 1.0), 10), round(gaussian_kl(0.0, -1.0), 10)  # (e - 2) / 2 and 1 / (2 e)
    (0.3591409142, 0.1839397206)

    A variance of 0 costs infinitely much:

    >>> gaussian_kl(0.0, float("-inf"))
    inf

    The cancellation:

    >>> gaussian_kl(0.0, 1e-9)
    4.137018546840439e-17
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(gaussian_kl(mpf(0), mpf(1e-9)))
    2.5000000008333337e-19
    """
    return (mu * mu + exp(log_var) - 1 - log_var) / 2


def gaussian_kl_grad(mu, log_var):
    """Slopes of the divergence: the mean is pulled to 0, the variance to 1.

        mu        (e^log_var - 1) / 2

    Where floats break: e^v - 1 cancels for a small v. The kernel takes expm1.

    >>> gaussian_kl_grad(1.0, 0.0), gaussian_kl_grad(0.0, float("-inf"))
    ((1.0, 0.0), (0.0, -0.5))
    """
    return mu, (exp(log_var) - 1) / 2


def gaussian_kl_hess(mu, log_var):
    """Curvatures of the divergence.

        1        e^log_var / 2

    >>> gaussian_kl_hess(1.0, 0.0)
    (1, 0.5)
    """
    return 1, exp(log_var) / 2


def gaussian_kl_prior(mu, log_var, prior_mu, prior_log_var):
    """Divergence of a normal distribution from another one: what a code pays where its prior is learnt as well.

        (e^d - 1 - d + (mu - prior_mu)^2 e^-prior_log_var) / 2,    d = log_var - prior_log_var

    With a prior of mean 0 and variance 1 it is `gaussian_kl`.

    Where floats break: e^d - 1 - d cancels for a small d, e^-prior_log_var and the square may overflow where their
    product is a number. The kernel takes a polynomial, and keeps its factors' exponents apart.

    Kingma and Welling, Auto-Encoding Variational Bayes, ICLR (2014); a learnt prior: Sohn, Lee and Yan, Learning
    Structured Output Representation using Deep Conditional Generative Models, NeurIPS (2015).

    >>> gaussian_kl_prior(1.0, 0.0, 0.0, 0.0), gaussian_kl_prior(3.0, 2.0, 3.0, 2.0)
    (0.5, 0.0)
    >>> round(gaussian_kl_prior(3.0, 0.0, 1.0, log(4.0)), 10)  # (4 / 4 + 1 / 4 - 1 + log 4) / 2
    0.8181471806

    The cancellation, and the overflow:

    >>> gaussian_kl_prior(0.0, 1e-9, 0.0, 0.0), gaussian_kl_prior(1e200, 920.0, 0.0, 920.0)
    (4.137018546840439e-17, nan)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(gaussian_kl_prior(mpf(0), mpf(1e-9), mpf(0), mpf(0)))
    ...     float(gaussian_kl_prior(mpf("1e200"), mpf(920), mpf(0), mpf(920)))
    2.5000000008333337e-19
    1.4061985745011962
    """
    d, r = log_var - prior_log_var, mu - prior_mu
    return (exp(d) - 1 - d + r * r * exp(-prior_log_var)) / 2


def gaussian_kl_prior_grad(mu, log_var, prior_mu, prior_log_var):
    """Slopes of that divergence, by the four in turn: either mean is pulled to the other, the variance to the prior's.

        r e^-w        (e^d - 1) / 2        -r e^-w        (1 - e^d - r^2 e^-w) / 2

    with r = mu - prior_mu, w = prior_log_var and d = log_var - w.

    >>> gaussian_kl_prior_grad(3.0, 0.0, 1.0, 0.0)
    (2.0, 0.0, -2.0, -2.0)
    """
    d, r, precision = log_var - prior_log_var, mu - prior_mu, exp(-prior_log_var)
    return r * precision, (exp(d) - 1) / 2, -r * precision, (1 - exp(d) - r * r * precision) / 2


def gaussian_kl_prior_grad_terms(mu, log_var, prior_mu, prior_log_var):
    """Where the prior is wider just by the distance of the means, what pulls its width up and down cancels.

    >>> gaussian_kl_prior_grad_terms(3.0, 0.0, 1.0, 0.0)
    ([2.0], [0.0], [-2.0], [-0.0, -2.0])
    """
    d, r, precision = log_var - prior_log_var, mu - prior_mu, exp(-prior_log_var)
    return [r * precision], [(exp(d) - 1) / 2], [-r * precision], [-(exp(d) - 1) / 2, -r * r * precision / 2]


def gaussian_kl_prior_hess(mu, log_var, prior_mu, prior_log_var):
    """Curvatures of that divergence, of which none is negative.

        e^-w        e^d / 2        e^-w        (e^d + r^2 e^-w) / 2

    >>> gaussian_kl_prior_hess(3.0, 0.0, 1.0, 0.0)
    (1.0, 0.5, 1.0, 2.5)
    """
    d, r, precision = log_var - prior_log_var, mu - prior_mu, exp(-prior_log_var)
    return precision, exp(d) / 2, precision, (exp(d) + r * r * precision) / 2


def vq_commitment(encoded, codes, *, beta=0.25):
    """What holds a vector-quantised code together: the codebook moves to the encoder's output, and it, beta times
    as slowly, to the code.

        (stop(encoded) - codes)^2 + beta (encoded - stop(codes))^2

    stop(x) is x as a constant, so that each term moves one of the two.

    Where floats break: squares overflow where the mean may be a number. The kernel squares and sums in double, and
    scales where that would overflow.

    van den Oord, Vinyals and Kavukcuoglu, Neural Discrete Representation Learning, NeurIPS (2017).

    >>> vq_commitment(3.0, 1.0), vq_commitment(1.0, 1.0)
    (5.0, 0.0)
    """
    left, right = stop_gradient(encoded) - codes, encoded - stop_gradient(codes)
    return left * left + beta * (right * right)


def vq_commitment_grad(encoded, codes, *, beta=0.25):
    """Slopes of the commitment loss, each of its own term.

        2 beta (encoded - codes)        2 (codes - encoded)

    >>> vq_commitment_grad(3.0, 1.0)
    (1.0, -4.0)
    """
    return 2 * beta * (encoded - codes), 2 * (codes - encoded)


def vq_commitment_hess(encoded, codes, *, beta=0.25):
    """Curvatures of the commitment loss.

        2 beta        2

    >>> vq_commitment_hess(3.0, 1.0)
    (0.5, 2)
    """
    return 2 * beta, 2
