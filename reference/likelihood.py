"""Likelihoods of numbers: the loss is minus the logarithm of how likely the target was.

Each function takes what is predicted of one number's distribution, its middle and its width, and that number. A
model that predicts the width too is told by the target how sure it may be: small errors reward a narrow
distribution, large ones punish it. All but the last two, which measure by how much a whole distribution is off in
the target's own unit, are negative log-likelihoods, and those of continuous numbers may be negative.
"""

from .numbers import (
    bessel_ratio,
    cos,
    digamma,
    erf,
    exp,
    lgamma,
    log,
    log_i0,
    pi,
    power,
    sin,
    sqrt,
    stop_gradient,
    trigamma,
)

INFINITY = float("inf")


def gaussian_nll(pred, target, var, *, full=False, eps=0.0):
    """Gaussian negative log-likelihood: the squared error in units of a variance that is predicted too.

        (log v + r^2 / v) / 2,    v = max(var, eps),    r = pred - target

    With `full`, log(2 pi) / 2 is added, which changes no slope. Of all variances r^2 has the least loss.

    Where floats break: r^2 overflows where r^2 / v is a number: in float32, 1e20 is too large a residual for a variance
    of 1e30. The kernel divides first.

    Nix and Weigend, Estimating the mean and variance of the target probability distribution (1994).

    >>> gaussian_nll(3.0, 1.0, 1.0)
    2.0
    >>> round(gaussian_nll(0.0, 0.0, 1.0, full=True), 10)  # log(2 pi) / 2
    0.9189385332
    >>> [round(gaussian_nll(2.0, 0.0, var), 4) for var in (1.0, 4.0, 16.0)]
    [2.0, 1.1931, 1.5113]

    A floor under the variance:

    >>> gaussian_nll(3.0, 1.0, 0.0, eps=1.0)
    2.0

    The overflow:

    >>> gaussian_nll(1e200, 0.0, 1e300)
    inf
    >>> from mpmath import mpf
    >>> print(gaussian_nll(mpf("1e200"), 0, mpf("1e300")))
    5.0e+99
    """
    v = _floored(var, eps)
    r = pred - target
    return (log(v) + r * r / v) / 2 + (log(2 * pi(v)) / 2 if full else 0)


def gaussian_nll_terms(pred, target, var, *, full=False, eps=0.0):
    """The logarithm of a variance below 1 is negative.

    >>> gaussian_nll_terms(3.0, 1.0, 1.0)
    [0.0, 2.0, 0]
    """
    v = _floored(var, eps)
    r = pred - target
    return [log(v) / 2, r * r / v / 2, log(2 * pi(v)) / 2 if full else 0]


def gaussian_nll_grad(pred, target, var, *, full=False, eps=0.0):
    """Slopes of the Gaussian likelihood: by the variance it is 0 where that is the squared residual.

        r / v        (1 / v - r^2 / v^2) / 2

    Below the floor the variance changes nothing, and the second is 0.

    >>> gaussian_nll_grad(3.0, 1.0, 1.0), gaussian_nll_grad(3.0, 1.0, 4.0)
    ((2.0, -1.5), (0.5, 0.0))
    >>> gaussian_nll_grad(3.0, 1.0, 0.5, eps=1.0)
    (2.0, 0)
    """
    v = _floored(var, eps)
    r = pred - target
    return r / v, 0 if var < eps else (1 / v - r * r / (v * v)) / 2


def gaussian_nll_grad_terms(pred, target, var, *, full=False, eps=0.0):
    """Where the variance is the squared residual, what pulls it up and what pushes it down cancel.

    >>> gaussian_nll_grad_terms(3.0, 1.0, 4.0)
    ([0.5], [0.125, -0.125])
    """
    v = _floored(var, eps)
    r = pred - target
    return [r / v], [] if var < eps else [1 / v / 2, -r * r / (v * v) / 2]


def gaussian_nll_hess(pred, target, var, *, full=False, eps=0.0):
    """Curvatures of the Gaussian likelihood: by the variance it is negative from 2 r^2 on.

        1 / v        r^2 / v^3 - 1 / (2 v^2)

    >>> gaussian_nll_hess(3.0, 1.0, 2.0), gaussian_nll_hess(3.0, 1.0, 8.0)
    ((0.5, 0.375), (0.125, 0.0))
    """
    v = _floored(var, eps)
    r = pred - target
    return 1 / v, 0 if var < eps else r * r / (v * v * v) - 1 / (2 * v * v)


def gaussian_nll_hess_terms(pred, target, var, *, full=False, eps=0.0):
    """They cancel where the variance is twice the squared residual.

    >>> gaussian_nll_hess_terms(3.0, 1.0, 8.0)
    ([0.125], [0.0078125, -0.0078125])
    """
    v = _floored(var, eps)
    r = pred - target
    return [1 / v], [] if var < eps else [r * r / (v * v * v), -1 / (2 * v * v)]


def _floored(var, eps):
    return eps if var < eps else var


def gaussian_nll_logvar(pred, target, log_var, *, full=False):
    """Gaussian negative log-likelihood with the variance given by its logarithm, which may be any number.

        (s + r^2 e^-s) / 2,    s = log_var,    r = pred - target

    With `full`, log(2 pi) / 2 is added.

    Where floats break: e^-s overflows from s = -709 on (-88 in float32), and r^2 beyond 1.34e154, where their product
    is a number. The kernel keeps its factors' exponents apart until it is complete.

    Kendall and Gal, What Uncertainties Do We Need in Bayesian Deep Learning for Computer Vision?, NeurIPS (2017).

    >>> gaussian_nll_logvar(3.0, 1.0, 0.0)
    2.0
    >>> round(gaussian_nll_logvar(2.0, 0.0, log(4.0)), 4)
    1.1931

    The overflow:

    >>> gaussian_nll_logvar(0.0, 0.0, -900.0), gaussian_nll_logvar(1e200, 0.0, 922.0)
    (nan, nan)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(gaussian_nll_logvar(mpf(0), mpf(0), mpf(-900)))
    ...     float(gaussian_nll_logvar(mpf("1e200"), mpf(0), mpf(922)))
    -450.0
    461.190308282367
    """
    r = pred - target
    return (log_var + r * r * exp(-log_var)) / 2 + (log(2 * pi(log_var)) / 2 if full else 0)


def gaussian_nll_logvar_terms(pred, target, log_var, *, full=False):
    """The logarithm of a variance below 1 is negative.

    >>> gaussian_nll_logvar_terms(3.0, 1.0, 0.0)
    [0.0, 2.0, 0]
    """
    r = pred - target
    return [log_var / 2, r * r * exp(-log_var) / 2, log(2 * pi(log_var)) / 2 if full else 0]


def gaussian_nll_logvar_grad(pred, target, log_var, *, full=False):
    """Slopes of that likelihood: the one by the logarithm is at most 1/2, however small the variance.

        r e^-s        (1 - r^2 e^-s) / 2

    >>> gaussian_nll_logvar_grad(3.0, 1.0, 0.0), gaussian_nll_logvar_grad(1.0, 1.0, 0.0)
    ((2.0, -1.5), (0.0, 0.5))
    """
    r = pred - target
    return r * exp(-log_var), (1 - r * r * exp(-log_var)) / 2


def gaussian_nll_logvar_grad_terms(pred, target, log_var, *, full=False):
    """Where the variance is the squared residual, what pulls it up and what pushes it down cancel.

    >>> gaussian_nll_logvar_grad_terms(3.0, 1.0, 0.0)
    ([2.0], [0.5, -2.0])
    """
    r = pred - target
    return [r * exp(-log_var)], [0.5, -r * r * exp(-log_var) / 2]


def gaussian_nll_logvar_hess(pred, target, log_var, *, full=False):
    """Curvatures of that likelihood, of which none is negative.

        e^-s        r^2 e^-s / 2

    >>> gaussian_nll_logvar_hess(3.0, 1.0, 0.0)
    (1.0, 2.0)
    """
    r = pred - target
    return exp(-log_var), r * r * exp(-log_var) / 2


def beta_gaussian_nll(pred, target, var, *, beta=0.5):
    """Gaussian negative log-likelihood, weighted by a power of its own variance, as a constant.

        stop(var^beta) (log var + r^2 / var) / 2,    r = pred - target

    The plain likelihood pulls a mean by r / var: a point that is hard to fit at first gets a large variance, and then
    is no longer pulled. With beta = 1 it is pulled by r, as under the squared error; 1/2 lies between.

    Where floats break: as in `gaussian_nll`, and the power may overflow where the product does not. The kernel keeps
    its factors' exponents apart until it is complete.

    Seitzer, Tavakoli, Antic and Martius, On the Pitfalls of Heteroscedastic Uncertainty Estimation with Probabilistic
    Neural Networks, ICLR (2022).

    >>> beta_gaussian_nll(3.0, 1.0, 1.0)
    2.0
    >>> round(beta_gaussian_nll(3.0, 1.0, 4.0), 4)  # twice that of gaussian_nll
    2.3863
    """
    r = pred - target
    return power(stop_gradient(var), beta) * (log(var) + r * r / var) / 2


def beta_gaussian_nll_terms(pred, target, var, *, beta=0.5):
    """The logarithm of a variance below 1 is negative.

    >>> beta_gaussian_nll_terms(3.0, 1.0, 1.0)
    [0.0, 2.0]
    """
    r = pred - target
    w = power(var, beta)
    return [w * log(var) / 2, w * (r * r / var) / 2]


def beta_gaussian_nll_grad(pred, target, var, *, beta=0.5):
    """Slopes of the weighted likelihood: those of `gaussian_nll` times the weight.

        var^beta r / var        var^beta (1 / var - r^2 / var^2) / 2

    >>> beta_gaussian_nll_grad(3.0, 1.0, 4.0), beta_gaussian_nll_grad(3.0, 1.0, 4.0, beta=1.0)
    ((1.0, 0.0), (2.0, 0.0))
    """
    r = pred - target
    w = power(var, beta)
    return w * r / var, w * (1 / var - r * r / (var * var)) / 2


def beta_gaussian_nll_grad_terms(pred, target, var, *, beta=0.5):
    """Where the variance is the squared residual, what pulls it up and what pushes it down cancel.

    >>> beta_gaussian_nll_grad_terms(3.0, 1.0, 4.0)
    ([1.0], [0.25, -0.25])
    """
    r = pred - target
    w = power(var, beta)
    return [w * r / var], [w / var / 2, -w * (r * r / (var * var)) / 2]


def beta_gaussian_nll_hess(pred, target, var, *, beta=0.5):
    """Curvatures of the weighted likelihood: those of `gaussian_nll` times the weight.

        var^beta / var        var^beta (r^2 / var^3 - 1 / (2 var^2))

    >>> beta_gaussian_nll_hess(3.0, 1.0, 4.0)
    (0.5, 0.0625)
    """
    r = pred - target
    w = power(var, beta)
    return w / var, w * (r * r / (var * var * var) - 1 / (2 * var * var))


def beta_gaussian_nll_hess_terms(pred, target, var, *, beta=0.5):
    """They cancel where the variance is twice the squared residual.

    >>> beta_gaussian_nll_hess_terms(3.0, 1.0, 4.0)
    ([0.5], [0.125, -0.0625])
    """
    r = pred - target
    w = power(var, beta)
    return [w / var], [w * (r * r / (var * var * var)), -w / (2 * var * var)]


def laplace_nll(pred, target, scale):
    """Laplace negative log-likelihood: the absolute error in units of a scale that is predicted too.

        |r| / b + log(2 b),    b = scale,    r = pred - target

    Of all scales |r| has the least loss.

    Where floats break: r and 2 b may overflow where the quotient and the logarithm are numbers. The kernel takes a
    quarter of a large difference, and adds log 2 to log b.

    Laplace, Mémoire sur la probabilité des causes par les évènements (1774).

    >>> round(laplace_nll(0.0, 0.0, 1.0), 10), round(laplace_nll(3.0, 1.0, 1.0), 10)
    (0.6931471806, 2.6931471806)
    >>> [round(laplace_nll(2.0, 0.0, scale), 4) for scale in (1.0, 2.0, 4.0)]
    [2.6931, 2.3863, 2.5794]

    The overflow:

    >>> laplace_nll(1.5e308, -1.5e308, 1e308)
    inf
    >>> from mpmath import mpf
    >>> float(laplace_nll(mpf("1.5e308"), -mpf("1.5e308"), mpf("1e308")))
    712.889355822726
    """
    return abs(pred - target) / scale + log(2 * scale)


def laplace_nll_terms(pred, target, scale):
    """The logarithm of a scale below 1/2 is negative.

    >>> laplace_nll_terms(3.0, 1.0, 0.5)
    [4.0, 0.0]
    """
    return [abs(pred - target) / scale, log(2 * scale)]


def laplace_nll_grad(pred, target, scale):
    """Slopes of the Laplace likelihood: by the scale it is 0 where that is the absolute residual.

        sign(r) / b        1 / b - |r| / b^2

    At the kink r = 0 the first is 0.

    >>> laplace_nll_grad(3.0, 1.0, 1.0), laplace_nll_grad(3.0, 1.0, 2.0), laplace_nll_grad(1.0, 1.0, 2.0)
    ((1.0, -1.0), (0.5, 0.0), (0.0, 0.5))
    """
    r = pred - target
    return _sign(r) / scale, 1 / scale - abs(r) / (scale * scale)


def laplace_nll_grad_terms(pred, target, scale):
    """Where the scale is the absolute residual, what pulls it up and what pushes it down cancel.

    >>> laplace_nll_grad_terms(3.0, 1.0, 2.0)
    ([0.5], [0.5, -0.5])
    """
    r = pred - target
    return [_sign(r) / scale], [1 / scale, -abs(r) / (scale * scale)]


def laplace_nll_hess(pred, target, scale):
    """Curvatures of the Laplace likelihood: by the prediction there is none.

        0        2 |r| / b^3 - 1 / b^2

    >>> laplace_nll_hess(3.0, 1.0, 1.0), laplace_nll_hess(3.0, 1.0, 4.0)
    ((0, 3.0), (0, 0.0))
    """
    return 0, 2 * abs(pred - target) / (scale * scale * scale) - 1 / (scale * scale)


def laplace_nll_hess_terms(pred, target, scale):
    """They cancel where the scale is twice the absolute residual.

    >>> laplace_nll_hess_terms(3.0, 1.0, 4.0)
    ([], [0.0625, -0.0625])
    """
    return [], [2 * abs(pred - target) / (scale * scale * scale), -1 / (scale * scale)]


def laplace_nll_logscale(pred, target, log_scale):
    """Laplace negative log-likelihood with the scale given by its logarithm, which may be any number.

        |r| e^-s + s + log 2,    s = log_scale,    r = pred - target

    Where floats break: e^-s overflows from s = -709 on (-88 in float32), and r may, where their product is a number.
    The kernel keeps its factors' exponents apart until it is complete.

    Laplace, Mémoire sur la probabilité des causes par les évènements (1774).

    >>> round(laplace_nll_logscale(3.0, 1.0, 0.0), 10)
    2.6931471806
    >>> round(laplace_nll_logscale(2.0, 0.0, log(4.0)), 4)
    2.5794

    The overflow:

    >>> laplace_nll_logscale(0.0, 0.0, -900.0), laplace_nll_logscale(1e-300, 0.0, -800.0)
    (nan, inf)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(laplace_nll_logscale(mpf(0), mpf(0), mpf(-900)))
    -899.3068528194401
    """
    return abs(pred - target) * exp(-log_scale) + log_scale + log(2 + 0 * log_scale)


def laplace_nll_logscale_terms(pred, target, log_scale):
    """The logarithm of a scale below 1 is negative.

    >>> laplace_nll_logscale_terms(3.0, 1.0, 0.0)
    [2.0, 0.0, 0.6931471805599453]
    """
    return [abs(pred - target) * exp(-log_scale), log_scale, log(2 + 0 * log_scale)]


def laplace_nll_logscale_grad(pred, target, log_scale):
    """Slopes of that likelihood: the one by the logarithm is at most 1, however small the scale.

        sign(r) e^-s        1 - |r| e^-s

    At the kink r = 0 the first is 0.

    >>> laplace_nll_logscale_grad(3.0, 1.0, 0.0), laplace_nll_logscale_grad(1.0, 1.0, 0.0)
    ((1.0, -1.0), (0.0, 1.0))
    """
    r = pred - target
    return _sign(r) * exp(-log_scale), 1 - abs(r) * exp(-log_scale)


def laplace_nll_logscale_grad_terms(pred, target, log_scale):
    """Where the scale is the absolute residual, what pulls it up and what pushes it down cancel.

    >>> laplace_nll_logscale_grad_terms(3.0, 1.0, 0.0)
    ([1.0], [1, -2.0])
    """
    r = pred - target
    return [_sign(r) * exp(-log_scale)], [1, -abs(r) * exp(-log_scale)]


def laplace_nll_logscale_hess(pred, target, log_scale):
    """Curvatures of that likelihood, of which none is negative: by the prediction there is none.

        0        |r| e^-s

    >>> laplace_nll_logscale_hess(3.0, 1.0, 0.0)
    (0, 2.0)
    """
    return 0, abs(pred - target) * exp(-log_scale)


def _sign(x):
    """1, -1, or 0 at 0, as a number of x's kind."""
    return x if x == 0 or x != x else (1 if x > 0 else -1)


def student_t_nll(pred, target, scale, df):
    """Student's t negative log-likelihood: a Gaussian whose variance is itself in doubt, and so no outlier too large.

        (v + 1)/2 log(1 + r^2 / (v s^2)) + log s + log(pi v)/2 + log Gamma(v/2) - log Gamma((v + 1)/2)

    with s = scale, v = df degrees of freedom and r = pred - target. v = 1 is Cauchy's distribution, a large v the
    Gaussian of variance s^2.

    Where floats break: r^2 overflows where its logarithm is a moderate number, and of a large v, log(v)/2 and both
    log Gamma, which are larger still, leave 1/(4 v). The kernel keeps exponents apart, and takes a series for what the
    three leave.

    Lange, Little and Taylor, Robust Statistical Modeling Using the t Distribution (1989).

    >>> round(student_t_nll(0.0, 0.0, 1.0, 1.0), 10)  # log(pi)
    1.1447298858
    >>> [round(student_t_nll(3.0, 0.0, 1.0, df), 4) for df in (1.0, 10.0, 1000.0)]
    [3.4473, 4.4741, 5.4035]

    The overflow, and what is left of 1/(4 v) and of a slope of 1/(4 v^2):

    >>> student_t_nll(1e200, 0.0, 1.0, 1.0)
    inf
    >>> student_t_nll(0.0, 0.0, 1.0, 1e12), student_t_nll_grad(0.0, 0.0, 1.0, 1e12)[2]
    (0.9189385332046727, 0.0)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(60):
    ...     float(student_t_nll(mpf("1e200"), mpf(0), mpf(1), mpf(1)))
    ...     float(student_t_nll(mpf(0), mpf(0), mpf(1), mpf("1e12")))
    ...     float(student_t_nll_grad(mpf(0), mpf(0), mpf(1), mpf("1e12"))[2])
    922.1787670834676
    0.9189385332049227
    -2.5e-25
    """
    r = pred - target
    w = r * r / (df * scale * scale)
    return (df + 1) / 2 * log(1 + w) + log(scale) + log(2 * pi(df)) / 2 + _of_freedom(df)


def student_t_nll_terms(pred, target, scale, df):
    """The logarithm of a scale below 1 is negative; what the degrees of freedom add is one term.

    >>> [round(term, 4) for term in student_t_nll_terms(0.0, 0.0, 1.0, 1.0)]
    [0.0, 0.0, 0.9189, 0.2258]
    """
    r = pred - target
    w = r * r / (df * scale * scale)
    return [(df + 1) / 2 * log(1 + w), log(scale), log(2 * pi(df)) / 2, _of_freedom(df)]


def _of_freedom(df):
    """What keeps Student's distribution from being Gaussian at its middle: about 1 / (4 df)."""
    return log(df / 2) / 2 + lgamma(df / 2) - lgamma((df + 1) / 2)


def _of_freedom_grad(df):
    return (1 / df + digamma(df / 2) - digamma((df + 1) / 2)) / 2


def _of_freedom_hess(df):
    return (trigamma(df / 2) - trigamma((df + 1) / 2)) / 4 - 1 / (2 * df * df)


def student_t_nll_grad(pred, target, scale, df):
    """Slopes of Student's likelihood: that by the prediction falls again beyond r = s sqrt(v).

        (v + 1) r / (v s^2 + r^2)
        (p - v y) / s,    y = r^2 / (v s^2 + r^2),    p = 1 - y
        (log(1 + r^2 / (v s^2)) - y - y/v + 1/v + psi(v/2) - psi((v + 1)/2)) / 2

    psi is the derivative of log Gamma.

    >>> student_t_nll_grad(1.0, 0.0, 1.0, 1.0)[:2], student_t_nll_grad(3.0, 0.0, 1.0, 1.0)[:2]
    ((1.0, 0.0), (0.6, -0.8))
    >>> round(student_t_nll_grad(3.0, 0.0, 1.0, 1.0)[2], 10)  # (log 10 - 9/5 + 1 - 2 log 2) / 2
    0.0581453659
    """
    return tuple(sum(terms) for terms in student_t_nll_grad_terms(pred, target, scale, df))


def student_t_nll_grad_terms(pred, target, scale, df):
    """What pulls the scale up and what pushes it down; by the degrees of freedom, what an outlier adds, and what the
    middle does.

    >>> student_t_nll_grad_terms(3.0, 0.0, 1.0, 1.0)[:2]
    ([0.6], [0.1, -0.9])
    """
    r = pred - target
    d = df * scale * scale + r * r
    y = r * r / d
    log1p = log(1 + r * r / (df * scale * scale))
    by_df = [(log1p - y) / 2, -y / df / 2, _of_freedom_grad(df)]
    return [(df + 1) * r / d], [df * scale / d, -df * y / scale], by_df


def student_t_nll_hess(pred, target, scale, df):
    """Curvatures of Student's likelihood: that by the prediction is negative beyond r = s sqrt(v).

        (v + 1) (v s^2 - r^2) / (v s^2 + r^2)^2
        (v y^2 + (3 v + 1) y p - p^2) / s^2,    y = r^2 / (v s^2 + r^2),    p = 1 - y
        (y (2 - y) / v^2 - y^2 / v - 1/v^2 + psi'(v/2)/2 - psi'((v + 1)/2)/2) / 2

    >>> student_t_nll_hess(0.0, 0.0, 1.0, 1.0)[:2], student_t_nll_hess(1.0, 0.0, 1.0, 1.0)[:2]
    ((2.0, -1.0), (0.0, 1.0))
    """
    return tuple(sum(terms) for terms in student_t_nll_hess_terms(pred, target, scale, df))


def student_t_nll_hess_terms(pred, target, scale, df):
    """Terms of both signs: the middle bends up and the tails down.

    >>> student_t_nll_hess_terms(1.0, 0.0, 1.0, 1.0)[:2]
    ([0.5, -0.5], [-0.25, 1.25])
    """
    r = pred - target
    d = df * scale * scale + r * r
    y = r * r / d
    by_pred = [(df + 1) * df * scale * scale / (d * d), -(df + 1) * y / d]
    p = df * scale * scale / d
    by_scale = [-p * p / (scale * scale), y * ((3 * df + 1) * p + df * y) / (scale * scale)]
    return by_pred, by_scale, [y * (2 - y) / (df * df) / 2, -y * y / df / 2, _of_freedom_hess(df)]


def lognormal_nll(pred, target, scale):
    """Log-normal negative log-likelihood: the logarithm of a positive target is Gaussian.

        log t + log s + log(2 pi)/2 + (r / s)^2 / 2,    r = pred - log t,    t = target,    s = scale

    Where floats break: near pred, log t loses in the difference what it was rounded by, and a small scale amplifies
    that. The kernel has log t in two parts.

    Galton, The Geometric Mean, in Vital and Social Statistics (1879).

    >>> round(lognormal_nll(0.0, 1.0, 1.0), 10)  # log(2 pi) / 2
    0.9189385332
    >>> round(lognormal_nll(0.0, exp(2.0), 1.0), 10)
    4.9189385332

    The rounding, of the last of these digits:

    >>> lognormal_nll(0.6931471805599453, 2.0, 1e-18)
    -39.8344459601282
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(lognormal_nll(mpf(0.6931471805599453), mpf(2), mpf(1e-18)))
    229.06446028040546
    """
    z = (pred - log(target)) / scale
    return log(target) + log(scale) + log(2 * pi(target)) / 2 + z * z / 2


def lognormal_nll_terms(pred, target, scale):
    """Logarithms may be negative, and the prediction is close to that of the target: of the square of their difference
    each part is a term.

    >>> [round(term, 4) for term in lognormal_nll_terms(2.0, 1.0, 1.0)]
    [0.0, 0.0, 0.9189, 2.0, -0.0, 0.0]
    """
    t = log(target)
    s = scale * scale
    return [t, log(scale), log(2 * pi(target)) / 2, pred * pred / s / 2, -pred * t / s, t * t / s / 2]


def lognormal_nll_grad(pred, target, scale):
    """Slopes of the log-normal likelihood: those of a Gaussian of log t.

        r / s^2        1 / s - r^2 / s^3

    >>> lognormal_nll_grad(2.0, 1.0, 1.0), lognormal_nll_grad(2.0, 1.0, 2.0)
    ((2.0, -3.0), (0.5, 0.0))
    """
    r = pred - log(target)
    return r / (scale * scale), 1 / scale - r * r / (scale * scale * scale)


def lognormal_nll_grad_terms(pred, target, scale):
    """The prediction and the logarithm of the target cancel, and so do what pulls the scale up and pushes it down.

    >>> lognormal_nll_grad_terms(2.0, 1.0, 2.0)
    ([0.5, -0.0], [0.5, -0.5, 0.0, -0.0])
    """
    t = log(target)
    s = scale * scale
    by_scale = [1 / scale, -pred * pred / (s * scale), 2 * pred * t / (s * scale), -t * t / (s * scale)]
    return [pred / s, -t / s], by_scale


def lognormal_nll_hess(pred, target, scale):
    """Curvatures of the log-normal likelihood: those of a Gaussian of log t.

        1 / s^2        3 r^2 / s^4 - 1 / s^2

    >>> lognormal_nll_hess(2.0, 1.0, 2.0)
    (0.25, 0.5)
    """
    r = pred - log(target)
    s = scale * scale
    return 1 / s, 3 * r * r / (s * s) - 1 / s


def lognormal_nll_hess_terms(pred, target, scale):
    """The prediction and the logarithm of the target cancel, and they with the last term.

    >>> lognormal_nll_hess_terms(2.0, 1.0, 2.0)
    ([0.25], [0.75, -0.0, 0.0, -0.25])
    """
    t = log(target)
    s = scale * scale
    return [1 / s], [3 * pred * pred / (s * s), -6 * pred * t / (s * s), 3 * t * t / (s * s), -1 / s]


def gamma_nll(pred, target, log_shape):
    """Gamma negative log-likelihood: a positive target whose deviation grows with its mean.

        log Gamma(a) - a (q - pred) - (a - 1) log t + a t e^-pred,    q = log_shape,    a = e^q,    t = target

    pred is the logarithm of the mean; the variance is mean^2 / a. a = 1 is the exponential distribution.

    Where floats break: of a large a, all terms are larger than their sum by a factor of a log(a). The kernel forms
    a (e^d - 1 - d) with d = log t - pred, in which nothing cancels, and what Stirling's series leaves of the rest.

    McCullagh and Nelder, Generalized Linear Models (1989), chapter 8.

    >>> gamma_nll(0.0, 1.0, 0.0)
    1.0
    >>> [round(gamma_nll(0.0, target, 2.0), 4) for target in (0.5, 1.0, 2.0)]
    [0.6642, -0.0698, 2.8907]

    The cancellation:

    >>> gamma_nll(0.0, 1.0, 40.0)
    -672.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(gamma_nll(mpf(0), mpf(1), mpf(40)))
    -19.081061466795326
    """
    a = exp(log_shape)
    return lgamma(a) - a * (log_shape - pred) - (a - 1) * log(target) + a * target * exp(-pred)


def gamma_nll_terms(pred, target, log_shape):
    """Logarithms may be negative. The target is worth a (e^d - 1 - d); where d is small, of its square, in which pred
    and the logarithm of the target cancel, each part is a term.

    >>> [round(term, 4) for term in gamma_nll_terms(0.0, 1.0, 0.0)]
    [0.9189, -0.0, 0.0811, 0.0, 0.0, 0.0, -0.0, 0.0]
    """
    a = exp(log_shape)
    middle = log(2 * pi(a)) / 2
    stirling = lgamma(a) - (a - 0.5) * log_shape + a - middle
    return [middle, -log_shape / 2, stirling, log(target), *_tail_terms(a, pred, target)]


def _tail_terms(a, pred, target):
    """Of a (e^d - 1 - d) with d = log t - pred."""
    t = log(target)
    d = t - pred
    if not abs(d) < 1:
        return [a * (target * exp(-pred) - 1 - d)]
    return [a * (target * exp(-pred) - 1 - d - d * d / 2), a * pred * pred / 2, -a * pred * t, a * t * t / 2]


def gamma_nll_grad(pred, target, log_shape):
    """Slopes of the gamma likelihood: that by pred is 0 where the mean is the target.

        a (1 - t e^-pred)        a (psi(a) - q - 1 - d + t e^-pred),    d = log t - pred

    psi is the derivative of log Gamma.

    >>> [round(slope, 10) for slope in gamma_nll_grad(0.0, 2.0, 0.0)]  # the second is 1 - log 2 - Euler's constant
    [-1.0, -0.2703628455]
    """
    a = exp(log_shape)
    t = target * exp(-pred)
    return a * (1 - t), a * (digamma(a) - log_shape - 1 - (log(target) - pred) + t)


def gamma_nll_grad_terms(pred, target, log_shape):
    """pred and the logarithm of the target cancel, and what the target is worth with what the shape costs.

    >>> gamma_nll_grad_terms(0.0, 1.0, 0.0)[0]
    [0.0, 0.0, -0.0]
    """
    a = exp(log_shape)
    t = log(target)
    d = t - pred
    by_pred = [a * (1 - target * exp(-pred))]
    if abs(d) < 1:
        by_pred = [a * (1 - target * exp(-pred) + d), a * pred, -a * t]
    return by_pred, [a * (digamma(a) - log_shape), *_tail_terms(a, pred, target)]


def gamma_nll_hess(pred, target, log_shape):
    """Curvatures of the gamma likelihood.

        a t e^-pred        a (psi(a) + a psi'(a) - q - 2 - d + t e^-pred),    d = log t - pred

    >>> [round(slope, 10) for slope in gamma_nll_hess(0.0, 1.0, 0.0)]  # pi^2 / 6 - 1 - Euler's constant
    [1.0, 0.0677184019]
    """
    a = exp(log_shape)
    t = target * exp(-pred)
    shape = digamma(a) + a * trigamma(a) - log_shape - 1
    return a * t, a * (shape - 1 - (log(target) - pred) + t)


def gamma_nll_hess_terms(pred, target, log_shape):
    """What the target is worth, and what the shape costs: of a small one the terms at a + 1, of a large one those that
    Stirling's series adds.

    >>> [round(term, 4) for term in gamma_nll_hess_terms(0.0, 1.0, 0.0)[1]]
    [0.4228, -0.0, 0.6449, -1.0, 0.0, 0.0, -0.0, 0.0]
    """
    a = exp(log_shape)
    tail = _tail_terms(a, pred, target)
    if a < 2:
        shape = [a * digamma(a + 1), -a * log_shape, a * a * trigamma(a + 1), -a]
    else:
        shape = [a * (digamma(a) - log_shape) + 0.5, a * (a * trigamma(a) - 1) - 0.5]
    return [a * target * exp(-pred)], [*shape, *tail]


def beta_nll(pred, target, log_precision):
    """Beta negative log-likelihood: a share between 0 and 1, whose mean and precision are predicted.

        log Gamma(a) + log Gamma(b) - log Gamma(f) - (a - 1) log t - (b - 1) log(1 - t)

    with a = f m, b = f (1 - m), m = 1 / (1 + e^-pred) the mean, f = e^log_precision and t = target; the variance is
    m (1 - m) / (1 + f). m = 1/2 and f = 2 is the uniform distribution.

    Where floats break: of a large f, all terms are larger than their sum by a factor of f. The kernel forms f times
    the divergence of the mean from the target, a (e^d - 1 - d) + b (e^c - 1 - c) with d = log(t / m) and
    c = log((1 - t) / (1 - m)), in which nothing cancels, and what Stirling's series leaves of the rest.

    Ferrari and Cribari-Neto, Beta Regression for Modelling Rates and Proportions (2004).

    >>> round(beta_nll(0.0, 0.3, log(2.0)), 10)
    0.0
    >>> [round(beta_nll(0.0, target, 2.0), 4) for target in (0.5, 0.25, 0.1)]
    [-0.7405, 0.0347, 2.0124]

    The cancellation:

    >>> beta_nll(0.0, 0.5, 40.0)
    -480.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(beta_nll(mpf(0), mpf(0.5), mpf(40)))
    -19.774208647355273
    """
    f, a, b = _shapes(pred, log_precision)
    return lgamma(a) + lgamma(b) - lgamma(f) - (a - 1) * log(target) - (b - 1) * log(1 - target)


def _shapes(pred, log_precision):
    """The precision and the two parts that the mean divides it into."""
    f = exp(log_precision)
    return f, f / (1 + exp(-pred)), f / (1 + exp(pred))


def _log_shapes(pred, log_precision):
    """Their logarithms."""
    return log_precision, log_precision - log(1 + exp(-pred)), log_precision - log(1 + exp(pred))


def _divergence_terms(pred, target, log_precision):
    """Of f times the divergence of the mean from the target."""
    _, a, b = _shapes(pred, log_precision)
    return [
        *_part_terms(a, -log(1 + exp(-pred)), log(target)),
        *_part_terms(b, -log(1 + exp(pred)), log(1 - target)),
    ]


def _part_terms(a, mean, t):
    """Of a (e^d - 1 - d) with d = t - mean, both logarithms: where d is small, of its square each part is a term."""
    d = t - mean
    if not abs(d) < 1:
        return [a * (exp(d) - 1 - d)]
    return [a * (exp(d) - 1 - d - d * d / 2), a * mean * mean / 2, -a * mean * t, a * t * t / 2]


def beta_nll_terms(pred, target, log_precision):
    """Logarithms may be negative: those of the target, and what log Gamma leaves of a (log(a) - 1), of a small one
    that at a + 1, of a large one Stirling's series.

    >>> [round(term, 4) for term in beta_nll_terms(0.0, 0.5, 0.0)][6:10]
    [-0.1208, 0.6931, 0.3466, 0.5]
    """
    shapes = zip(_shapes(pred, log_precision), _log_shapes(pred, log_precision), (-1, 1, 1), strict=True)
    terms = [log(target), log(1 - target)]
    for a, q, sign in shapes:
        if a < 2:
            terms += [sign * lgamma(a + 1), -sign * q, -sign * a * q, sign * a]
        else:
            middle = log(2 * pi(a)) / 2
            terms += [sign * middle, -sign * q / 2, sign * (lgamma(a) - (a - 0.5) * q + a - middle)]
    return terms + _divergence_terms(pred, target, log_precision)


def beta_nll_grad(pred, target, log_precision):
    """Slopes of the beta likelihood, psi the derivative of log Gamma; of an infinite pred, their limits.

        f m (1 - m) (psi(a) - psi(b) - log t + log(1 - t))
        a (psi(a) - log t) + b (psi(b) - log(1 - t)) - f psi(f)

    >>> [round(slope, 10) for slope in beta_nll_grad(0.0, 0.3, log(2.0))]  # 1/2 logit(0.7), -2 - log 0.21
    [0.4236489302, -0.4393522517]
    """
    f, a, b = _shapes(pred, log_precision)
    t, u = log(target), log(1 - target)
    if abs(pred) == INFINITY:
        return _sign(pred), -1 - f * (t if pred > 0 else u)
    by_pred = a * b / f * (digamma(a) - digamma(b) - t + u)
    return by_pred, a * (digamma(a) - t) + b * (digamma(b) - u) - f * digamma(f)


def _slope_terms(a, q):
    """Of a (psi(a) - log a), q that logarithm: it is -1 for a small a and -1/2 for a large one."""
    return [a * digamma(a + 1), -a * q, -(a**0)] if a < 2 else [a * (digamma(a) - q)]


def _curvature_terms(a, q):
    """Of the derivative of that by q: of a large a, those that Stirling's series adds."""
    if a < 2:
        return [a * digamma(a + 1), -a * q, a * a * trigamma(a + 1), -a]
    return [a * (digamma(a) - q) + 0.5, a * (a * trigamma(a) - 1) - 0.5]


def beta_nll_grad_terms(pred, target, log_precision):
    """What the two parts cost, the mean and the target, which cancel where it is as predicted.

    >>> [round(term, 4) for term in beta_nll_grad_terms(0.0, 0.5, 0.0)[0]]
    [0.0091, 0.1733, -0.5, -0.0091, -0.1733, 0.5, 0.0, 0.1733, -0.1733]
    """
    f, a, b = _shapes(pred, log_precision)
    q, log_a, log_b = _log_shapes(pred, log_precision)
    m, rest, c = a / f, b / f, a * b / f
    t, u = log(target), log(1 - target)
    first, second = _slope_terms(a, log_a), _slope_terms(b, log_b)
    by_pred = [*(rest * x for x in first), *(-m * x for x in second), c * pred, -c * t, c * u]
    whole = [-x for x in _slope_terms(f, q)]
    return by_pred, [*first, *second, *whole, *_divergence_terms(pred, target, log_precision)]


def beta_nll_hess(pred, target, log_precision):
    """Curvatures of the beta likelihood, with c = f m (1 - m); of an infinite pred, their limits.

        c (1 - 2 m) (psi(a) - psi(b) - log t + log(1 - t)) + c^2 (psi'(a) + psi'(b))
        a (psi(a) - log t) + a^2 psi'(a) + b (psi(b) - log(1 - t)) + b^2 psi'(b) - f psi(f) - f^2 psi'(f)

    >>> [round(slope, 10) for slope in beta_nll_hess(0.0, 0.5, log(2.0))]
    [0.8224670334, 0.0964262274]
    """
    f, a, b = _shapes(pred, log_precision)
    t, u = log(target), log(1 - target)
    if abs(pred) == INFINITY:
        return 0.0, -f * (t if pred > 0 else u)
    c = a * b / f
    by_pred = c * ((b - a) / f * (digamma(a) - digamma(b) - t + u) + c * (trigamma(a) + trigamma(b)))
    first, second = a * (digamma(a) - t + a * trigamma(a)), b * (digamma(b) - u + b * trigamma(b))
    return by_pred, first + second - f * (digamma(f) + f * trigamma(f))


def beta_nll_hess_terms(pred, target, log_precision):
    """As of the slopes.

    >>> [round(term, 4) for term in beta_nll_hess_terms(0.0, 0.5, 0.0)[0]][-4]
    0.25
    """
    f, a, b = _shapes(pred, log_precision)
    q, log_a, log_b = _log_shapes(pred, log_precision)
    m, rest, c = a / f, b / f, a * b / f
    t, u = log(target), log(1 - target)
    slopes = [*_slope_terms(a, log_a), *_slope_terms(b, log_b)]
    first, second = _curvature_terms(a, log_a), _curvature_terms(b, log_b)
    by_pred = [*(-m * rest * x for x in slopes), *(rest * rest * x for x in first), *(m * m * x for x in second), c]
    bend = c * (rest - m)
    by_pred += [bend * pred, -bend * t, bend * u]
    whole = [-x for x in _curvature_terms(f, q)]
    return by_pred, [*first, *second, *whole, *_divergence_terms(pred, target, log_precision)]


def weibull_nll(pred, target, log_scale, event):
    """Weibull negative log-likelihood of a time that was waited for: until the event, or until watching ended.

        e^z + event (s + log t - z),    z = (log t - pred) e^-s,    s = log_scale,    t = target

    event is 1 where it was seen; where watching ended before, 0, and only e^z is left: how unlikely it was to wait so
    long. pred is the location of log t, e^s its scale: 1 is the exponential distribution.

    Where floats break: z is an exponent, so what e^-s amplifies, the last place of log t, costs e^z digits. The kernel
    has log t, e^-s and z in two parts, and keeps their exponents apart.

    Weibull, A Statistical Distribution Function of Wide Applicability (1951); Kalbfleisch and Prentice, The Statistical
    Analysis of Failure Time Data (1980), for the events that were not seen.

    >>> weibull_nll(0.0, 1.0, 0.0, 1), weibull_nll(0.0, 1.0, 0.0, 0)
    (1.0, 1.0)
    >>> round(weibull_nll(0.0, exp(2.0), log(2.0), 1.0), 4)  # e + log 2 + 1
    4.4114

    The digits:

    >>> weibull_nll(0.0, 1.01, -11.0, 1.0)
    5.477044459323501e+258
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(weibull_nll(mpf(0), mpf(1.01), mpf(-11), 1))
    5.477044459323548e+258
    """
    z = (log(target) - pred) * exp(-log_scale)
    return exp(z) + (log_scale + log(target) - z if event else 0)


def weibull_nll_terms(pred, target, log_scale, event):
    """Logarithms may be negative.

    >>> weibull_nll_terms(0.0, 1.0, 0.0, 1)
    [1.0, 0.0, 0.0, -0.0]
    """
    z = (log(target) - pred) * exp(-log_scale)
    return [exp(z), log_scale, log(target), -z] if event else [exp(z)]


def weibull_nll_grad(pred, target, log_scale, event):
    """Slopes of the Weibull likelihood, with f = e^z - event.

        -e^-s f        event - z f

    Where floats break: e^z - 1 cancels for a small z. The kernel takes expm1.

    >>> weibull_nll_grad(0.0, 1.0, 0.0, 1), weibull_nll_grad(0.0, 1.0, 0.0, 0)
    ((-0.0, 1.0), (-1.0, 0.0))
    """
    z = (log(target) - pred) * exp(-log_scale)
    f = exp(z) - event
    return -exp(-log_scale) * f, event - z * f


def weibull_nll_grad_terms(pred, target, log_scale, event):
    """What an event pulls the scale by, and what the time does.

    >>> weibull_nll_grad_terms(0.0, 1.0, 0.0, 1)[1]
    [1, -0.0]
    """
    z = (log(target) - pred) * exp(-log_scale)
    f = exp(z) - event
    return [-exp(-log_scale) * f], [event, -z * f]


def weibull_nll_hess(pred, target, log_scale, event):
    """Curvatures of the Weibull likelihood, with f = e^z - event.

        e^-2s e^z        z (f + z e^z)

    >>> weibull_nll_hess(0.0, 1.0, 0.0, 1)
    (1.0, 0.0)
    """
    z = (log(target) - pred) * exp(-log_scale)
    return exp(-2 * log_scale) * exp(z), z * (exp(z) - event + z * exp(z))


def weibull_nll_hess_terms(pred, target, log_scale, event):
    """Where the event was not seen, they cancel at z = -1.

    >>> weibull_nll_hess_terms(1.0, 1.0, 0.0, 0)[1]
    [-0.36787944117144233, 0.36787944117144233]
    """
    z = (log(target) - pred) * exp(-log_scale)
    return [exp(-2 * log_scale) * exp(z)], [z * (exp(z) - event), z * (z * exp(z))]


def von_mises_nll(pred, target, concentration):
    """Von Mises negative log-likelihood: the Gaussian of an angle.

        log(2 pi I0(k)) - k cos(r),    k = concentration,    r = pred - target

    I0 is the modified Bessel function. k is about 1 / variance; near 0 every angle is as likely.

    Where floats break: I0 overflows beyond k = 713, its logarithm is about k, and of a large k that and k cos(r)
    cancel. The kernel adds log I0(k) - k, which it computes as such, and k (1 - cos(r)) as 2 k sin(r/2)^2.

    von Mises, Über die „Ganzzahligkeit“ der Atomgewichte und verwandte Fragen (1918); Mardia and Jupp, Directional
    Statistics (2000).

    >>> round(von_mises_nll(0.0, 0.0, 1.0), 10)
    1.0737914249
    >>> [round(von_mises_nll(1.0, 0.0, k), 4) for k in (0.1, 1.0, 10.0)]
    [1.7863, 1.5335, 4.3778]

    The cancellation:

    >>> von_mises_nll(0.0, 0.0, 1e16)
    -18.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(von_mises_nll(mpf(0), mpf(0), mpf(1e16)))
    -17.501742210747693
    """
    return log(2 * pi(pred)) + log_i0(concentration) - concentration * cos(pred - target)


def von_mises_nll_terms(pred, target, concentration):
    """How narrow the distribution is, and how far the target is from its middle.

    >>> [round(term, 4) for term in von_mises_nll_terms(0.0, 0.0, 1.0)]
    [1.8379, -0.7641, 0.0]
    """
    k = concentration
    return [log(2 * pi(pred)), log_i0(k) - k, k * (1 - cos(pred - target))]


def von_mises_nll_grad(pred, target, concentration):
    """Slopes of the von Mises likelihood: by the concentration it is 0 where the mean cosine is the expected one.

        k sin(r)        I1(k) / I0(k) - cos(r)

    >>> von_mises_nll_grad(0.0, 0.0, 2.0)[0], round(von_mises_nll_grad(0.0, 0.0, 2.0)[1], 10)
    (0.0, -0.302225342)
    """
    r = pred - target
    return concentration * sin(r), bessel_ratio(concentration) - cos(r)


def von_mises_nll_grad_terms(pred, target, concentration):
    """What both cosines lack of 1.

    >>> [round(term, 4) for term in von_mises_nll_grad_terms(1.0, 0.0, 2.0)[1]]
    [-0.3022, 0.4597]
    """
    r = pred - target
    return [concentration * sin(r)], [bessel_ratio(concentration) - 1, 1 - cos(r)]


def von_mises_nll_hess(pred, target, concentration):
    """Curvatures of the von Mises likelihood: by the prediction it is negative on the far half of the circle.

        k cos(r)        1 - R^2 - R/k,    R = I1(k) / I0(k)

    >>> von_mises_nll_hess(0.0, 0.0, 1.0)[0], round(von_mises_nll_hess(0.0, 0.0, 1.0)[1], 10)
    (1.0, 0.3543460325)
    """
    ratio = bessel_ratio(concentration)
    return concentration * cos(pred - target), 1 - ratio * ratio - ratio / concentration


def evidential_nig_nll(pred, target, nu, alpha, beta, *, coeff=0.0):
    """Evidential regression: the likelihood under a normal-inverse-gamma distribution over mean and variance.

        log(pi / nu)/2 - a log O + (a + 1/2) log(nu r^2 + O) + log Gamma(a) - log Gamma(a + 1/2) + coeff |r| (2 nu + a)

    with a = alpha, O = 2 beta (1 + nu) and r = pred - target. It is that of Student's t with 2 a degrees of freedom;
    the last term takes evidence from those who err. The network learns what it does not know: beta / (a - 1) is the
    expected variance, and that of the mean is nu times less.

    Where floats break: of a large alpha the logarithms, and both log Gamma, are larger than their sum. The kernel
    computes Student's t.

    Amini, Schwarting, Soleimany and Rus, Deep Evidential Regression, NeurIPS (2020).

    >>> round(evidential_nig_nll(0.0, 0.0, 1.0, 1.5, 1.0), 10)
    1.1447298858
    >>> round(evidential_nig_nll(2.0, 0.0, 1.0, 1.5, 1.0, coeff=0.1), 4)
    3.231

    The cancellation:

    >>> evidential_nig_nll(0.0, 0.0, 1.0, 1e18, 1e18)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(evidential_nig_nll(mpf(0), mpf(0), mpf(1), mpf(1e18), mpf(1e18)))
    1.2655121234846454
    """
    r = pred - target
    omega = 2 * beta * (1 + nu)
    middle = log(pi(nu) / nu) / 2 - alpha * log(omega) + lgamma(alpha) - lgamma(alpha + 0.5)
    penalty = coeff * abs(r) * (2 * nu + alpha) if coeff != 0 else 0
    return middle + (alpha + 0.5) * log(nu * r * r + omega) + penalty


def evidential_nig_nll_terms(pred, target, nu, alpha, beta, *, coeff=0.0):
    """The terms of Student's t: the logarithm of a scale below 1 is negative.

    >>> [round(term, 4) for term in evidential_nig_nll_terms(0.0, 0.0, 1.0, 1.5, 1.0)]
    [0.0, 0.9189, 0.1438, 0.082, 0]
    """
    r = pred - target
    w = nu * r * r / (2 * beta * (1 + nu))
    scale = log(beta * (1 + nu) / (nu * alpha)) / 2
    penalty = coeff * abs(r) * (2 * nu + alpha) if coeff != 0 else 0
    return [(alpha + 0.5) * log(1 + w), log(2 * pi(nu)) / 2, scale, _of_freedom(2 * alpha), penalty]


def evidential_nig_nll_grad(pred, target, nu, alpha, beta, *, coeff=0.0):
    """Slopes of the evidential likelihood.

        (2 a + 1) nu r / (nu r^2 + O) + coeff sign(r) (2 nu + a)
        (a y - p/2) / (nu (1 + nu)) + 2 coeff |r|,    y = nu r^2 / (nu r^2 + O),    p = 1 - y
        log(1 + nu r^2 / O) + psi(a) - psi(a + 1/2) + coeff |r|
        (p/2 - a y) / beta

    psi is the derivative of log Gamma.

    >>> [round(slope, 10) for slope in evidential_nig_nll_grad(2.0, 0.0, 1.0, 1.5, 1.0)]
    [1.0, 0.25, 0.3068528194, -0.5]
    """
    return tuple(sum(terms) for terms in evidential_nig_nll_grad_terms(pred, target, nu, alpha, beta, coeff=coeff))


def evidential_nig_nll_grad_terms(pred, target, nu, alpha, beta, *, coeff=0.0):
    """What an error adds, and what the middle of the distribution does.

    >>> evidential_nig_nll_grad_terms(2.0, 0.0, 1.0, 1.5, 1.0)[3]
    [0.25, -0.75]
    """
    r = pred - target
    omega = 2 * beta * (1 + nu)
    whole = nu * r * r + omega
    y, p = nu * r * r / whole, omega / whole
    penalty = (coeff * _sign(r) * (2 * nu + alpha), 2 * coeff * abs(r), coeff * abs(r)) if coeff != 0 else (0, 0, 0)
    return (
        [(2 * alpha + 1) * nu * r / whole, penalty[0]],
        [alpha * y / (nu * (1 + nu)), -p / (nu * (1 + nu)) / 2, penalty[1]],
        [log(1 + nu * r * r / omega), digamma(alpha) - digamma(alpha + 0.5), penalty[2]],
        [p / beta / 2, -alpha * y / beta],
    )


def evidential_nig_nll_hess(pred, target, nu, alpha, beta, *, coeff=0.0):
    """Curvatures of the evidential likelihood.

        (2 a + 1) nu (O - nu r^2) / (nu r^2 + O)^2
        (p (1 + 2 nu + y)/2 - a y (2 nu + y)) / (nu (1 + nu))^2,    y = nu r^2 / (nu r^2 + O),    p = 1 - y
        psi'(a) - psi'(a + 1/2)
        (a y (1 + p) - p^2 / 2) / beta^2

    >>> [round(slope, 10) for slope in evidential_nig_nll_hess(2.0, 0.0, 1.0, 1.5, 1.0)]
    [0.0, -0.25, 0.2898681337, 1.0]
    """
    return tuple(sum(terms) for terms in evidential_nig_nll_hess_terms(pred, target, nu, alpha, beta, coeff=coeff))


def evidential_nig_nll_hess_terms(pred, target, nu, alpha, beta, *, coeff=0.0):
    """Terms of both signs: the middle bends up and the tails down.

    >>> evidential_nig_nll_hess_terms(2.0, 0.0, 1.0, 1.5, 1.0)[0]
    [0.25, -0.25]
    """
    r = pred - target
    omega = 2 * beta * (1 + nu)
    whole = nu * r * r + omega
    y, p = nu * r * r / whole, omega / whole
    n = nu * (1 + nu)
    bend = (2 * alpha + 1) * nu / whole
    return (
        [bend * p, -bend * y],
        [p * (1 + 2 * nu + y) / (n * n) / 2, -alpha * y * (2 * nu + y) / (n * n)],
        [trigamma(alpha) - trigamma(alpha + 0.5)],
        [alpha * y * (1 + p) / (beta * beta), -p * p / (beta * beta) / 2],
    )


def crps_gaussian(pred, target, scale):
    """Continuous ranked probability score of a Gaussian: how far its distribution function is from the target's step.

        r (2 Phi(z) - 1) + s (2 phi(z) - 1 / sqrt(pi)),    z = r / s,    r = pred - target,    s = scale

    Phi and phi are the distribution function and the density of the standard Gaussian; 2 Phi(z) - 1 is
    erf(z / sqrt(2)). It is in the target's unit, becomes the absolute error as s vanishes, and is least where the
    prediction is the truth, as a likelihood is; but an outlier costs no more than its distance.

    Where floats break: z overflows, where the error function is 1 and the density 0, and r too may overflow where the
    loss is a number. The kernel keeps exponents apart.

    Gneiting and Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation (2007).

    >>> round(crps_gaussian(0.0, 0.0, 1.0), 10)  # (sqrt(2) - 1) / sqrt(pi)
    0.2336949773
    >>> [round(crps_gaussian(3.0, 0.0, scale), 4) for scale in (0.1, 1.0, 10.0)]
    [2.9436, 2.4366, 2.6933]
    """
    r = pred - target
    return r * _likely_within(r / scale) + scale * (2 * _density(r / scale) - 1 / sqrt(pi(scale)))


def crps_gaussian_terms(pred, target, scale):
    """What a distribution's own width is worth is taken off.

    >>> [round(term, 4) for term in crps_gaussian_terms(0.0, 0.0, 1.0)]
    [0.0, 0.7979, -0.5642]
    """
    r = pred - target
    return [r * _likely_within(r / scale), scale * 2 * _density(r / scale), -scale / sqrt(pi(scale))]


def crps_gaussian_grad(pred, target, scale):
    """Slopes of the score: by the prediction it is at most 1.

        erf(z / sqrt(2))        2 phi(z) - 1 / sqrt(pi)

    >>> [round(slope, 10) for slope in crps_gaussian_grad(1.0, 0.0, 1.0)]
    [0.6826894921, -0.0802481345]
    """
    z = (pred - target) / scale
    return _likely_within(z), 2 * _density(z) - 1 / sqrt(pi(scale))


def crps_gaussian_grad_terms(pred, target, scale):
    """What a distribution's own width is worth is taken off.

    >>> [round(term, 4) for term in crps_gaussian_grad_terms(0.0, 0.0, 1.0)[1]]
    [0.7979, -0.5642]
    """
    z = (pred - target) / scale
    return [_likely_within(z)], [2 * _density(z), -1 / sqrt(pi(scale))]


def crps_gaussian_hess(pred, target, scale):
    """Curvatures of the score, of which none is negative.

        2 phi(z) / s        2 z^2 phi(z) / s

    >>> [round(slope, 10) for slope in crps_gaussian_hess(2.0, 0.0, 1.0)]
    [0.107981933, 0.4319277321]
    """
    z = (pred - target) / scale
    narrow = 2 * _density(z) / scale
    return narrow, narrow if abs(z) == INFINITY else z * z * narrow


def _density(z):
    """phi(z), the density of the standard Gaussian."""
    return exp(-z * z / 2) / sqrt(2 * pi(z))


def _likely_within(z):
    """2 Phi(z) - 1: how likely a standard Gaussian number is between -z and z, with the sign of z."""
    return erf(z / sqrt(2 * z**0)) if abs(z) < INFINITY else _sign(z)


def crps_laplace(pred, target, scale):
    """Continuous ranked probability score of a Laplace distribution: how far its distribution function is from the
    target's step.

        |r| + b e^-u - 3/4 b,    u = |r| / b,    r = pred - target,    b = scale

    Where floats break: r may overflow where the loss is a number. The kernel takes a quarter of a large difference.

    Gneiting and Raftery, Strictly Proper Scoring Rules, Prediction, and Estimation (2007); Jordan, Krüger and Lerch,
    Evaluating Probabilistic Forecasts with scoringRules (2019).

    >>> crps_laplace(0.0, 0.0, 1.0)
    0.25
    >>> [round(crps_laplace(3.0, 0.0, scale), 4) for scale in (0.1, 1.0, 10.0)]
    [2.925, 2.2998, 2.9082]
    """
    r = abs(pred - target)
    return r + scale * exp(-r / scale) - 3 * scale / 4


def crps_laplace_grad(pred, target, scale):
    """Slopes of the score: by the prediction it is less than 1.

        sign(r) (1 - e^-u)        e^-u (1 + u) - 3/4

    Where floats break: 1 - e^-u cancels for a small u. The kernel takes expm1.

    >>> crps_laplace_grad(1.0, 1.0, 1.0), [round(slope, 4) for slope in crps_laplace_grad(3.0, 1.0, 1.0)]
    ((0.0, 0.25), [0.8647, -0.344])
    """
    r = pred - target
    return _sign(r) * (1 - exp(-abs(r) / scale)), sum(crps_laplace_grad_terms(pred, target, scale)[1])


def crps_laplace_grad_terms(pred, target, scale):
    """What a distribution's own width is worth is taken off.

    >>> crps_laplace_grad_terms(1.0, 1.0, 1.0)[1]
    [1.0, -0.75]
    """
    r = pred - target
    u = abs(r) / scale
    e = exp(-u)
    return [_sign(r) * (1 - e)], [e if u == INFINITY else e * (1 + u), -0.75]


def crps_laplace_hess(pred, target, scale):
    """Curvatures of the score, of which none is negative.

        e^-u / b        u^2 e^-u / b

    >>> crps_laplace_hess(1.0, 1.0, 2.0), [round(slope, 4) for slope in crps_laplace_hess(3.0, 1.0, 2.0)]
    ((0.5, 0.0), [0.1839, 0.1839])
    """
    u = abs(pred - target) / scale
    e = exp(-u) / scale
    return e, e if u == INFINITY else u * u * e
