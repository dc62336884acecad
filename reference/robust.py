"""Robust regression: losses that stop listening to outliers.

Each function takes one prediction and its target and looks at the residual r = pred - target. All are a parabola
near r = 0, and stop growing like one at a scale c: the first few grow on like a straight line, `cauchy` like a
logarithm, the next not at all. Their slopes say how loudly an outlier is heard: ever the same, ever less, or,
from `tukey_biweight` on, not at all. `general_robust` has most of them on one knob. The wing losses do the
opposite, and turn small residuals up.
"""

from .numbers import exp, log, power, sqrt, tanh

INFINITY = float("inf")


def charbonnier(pred, target, *, eps=1e-3):
    """Charbonnier loss: the absolute error with its corner rounded off.

        sqrt(r^2 + eps^2)

    Its least value is eps, at r = 0.

    Where floats break: r^2 overflows beyond |r| = 1.34e154, and underflows below 1.5e-162. The kernel takes the root of
    the sum of two squares of numbers scaled by a power of two.

    Charbonnier, Blanc-Féraud, Aubert and Barlaud, Two deterministic half-quadratic regularization algorithms for
    computed imaging (1994); Lai, Huang, Ahuja and Yang, Deep Laplacian Pyramid Networks (2017), for images.

    >>> charbonnier(4.0, 0.0, eps=3.0)
    5.0
    >>> charbonnier(2.0, 2.0)
    0.001

    The overflow, and the underflow:

    >>> charbonnier(1e200, 0.0), charbonnier(4e-200, 0.0, eps=3e-200)
    (inf, 0.0)
    >>> from mpmath import mpf
    >>> print(charbonnier(mpf("1e200"), 0), charbonnier(mpf("4e-200"), 0, eps=mpf("3e-200")))
    1.0e+200 5.0e-200
    """
    r = pred - target
    return sqrt(r * r + eps * eps)


def charbonnier_grad(pred, target, *, eps=1e-3):
    """Slope of the Charbonnier loss: the sign of the residual, changed over smoothly.

        r / sqrt(r^2 + eps^2)

    >>> [charbonnier_grad(r, 0.0, eps=3.0) for r in (-4.0, 0.0, 4.0)]
    [-0.8, 0.0, 0.8]
    """
    r = pred - target
    return _sign(r) if abs(r) == INFINITY else r / sqrt(r * r + eps * eps)


def charbonnier_hess(pred, target, *, eps=1e-3):
    """Curvature of the Charbonnier loss: 1 / eps at the bottom, and soon none.

        eps^2 / (r^2 + eps^2)^(3/2)

    >>> charbonnier_hess(4.0, 0.0, eps=3.0)  # 9 / 5^3
    0.072
    """
    r = pred - target
    s = r * r + eps * eps
    return eps * eps / (s * sqrt(s))


def pseudo_huber(pred, target, *, delta=1.0):
    """Pseudo-Huber loss: Huber's parabola and straight line, without a seam.

        delta^2 (sqrt(1 + (r / delta)^2) - 1)

    r^2 / 2 for small r, delta (|r| - delta) for large ones. It is delta (charbonnier - delta).

    Where floats break: the root of a small r is 1 and a few digits, or none. The kernel computes r^2 / (1 +
    sqrt(1 + u^2)) with u = r / delta, and delta |r| / (1/|u| + sqrt(1 + 1/u^2)) where |u| > 1: nothing cancels,
    and no large r is squared.

    Hartley and Zisserman, Multiple View Geometry in Computer Vision (2003), appendix 6.8.

    >>> pseudo_huber(0.75, 0.0)  # sqrt(1 + 9/16) = 5/4
    0.25
    >>> pseudo_huber(4.0, 0.0, delta=3.0)
    6.000000000000001

    The lost digits, and the overflow:

    >>> pseudo_huber(1e-9, 0.0), pseudo_huber(1e200, 0.0)
    (0.0, inf)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(pseudo_huber(mpf("1e-9"), 0))
    5e-19
    """
    u = (pred - target) / delta
    return delta * delta * (sqrt(1 + u * u) - 1)


def pseudo_huber_grad(pred, target, *, delta=1.0):
    """Slope of the pseudo-Huber loss: the residual, which bends off towards delta.

        r / sqrt(1 + (r / delta)^2)

    >>> [pseudo_huber_grad(r, 0.0) for r in (-0.75, 0.0, 0.75)]
    [-0.6, 0.0, 0.6]
    """
    r = pred - target
    u = r / delta
    return delta * _sign(r) if abs(r) == INFINITY else r / sqrt(1 + u * u)


def pseudo_huber_hess(pred, target, *, delta=1.0):
    """Curvature of the pseudo-Huber loss.

        (1 + (r / delta)^2)^(-3/2)

    >>> pseudo_huber_hess(0.75, 0.0)  # (4/5)^3
    0.512
    """
    u = (pred - target) / delta
    s = 1 + u * u
    return 1 / (s * sqrt(s))


def log_cosh(pred, target):
    """Log-cosh: a parabola that becomes a straight line, with nothing to choose.

        log(cosh(r)) = log((e^r + e^-r) / 2)

    r^2 / 2 for small r, |r| - log 2 for large ones.

    Where floats break: cosh overflows beyond |r| = 710, and cosh of a small r is 1 and a few digits, or none.
    |r| + log(1 + e^-2|r|) - log 2 does not overflow, but still loses a small r. The kernel uses it, with log 2 in two
    parts, only for |r| >= 1; below, a polynomial in r^2.

    Green, Bayesian Reconstructions from Emission Tomography Data Using a Modified EM Algorithm (1990).

    >>> round(log_cosh(1.0, 0.0), 10)
    0.4337808305
    >>> log_cosh(100.0, 0.0)  # 100 - log 2
    99.30685281944005

    The lost digits, and the overflow:

    >>> log_cosh(1e-9, 0.0), log_cosh(1000.0, 0.0)
    (0.0, inf)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(log_cosh(mpf("1e-9"), 0)), float(log_cosh(mpf("1e-3"), 0)), float(log_cosh(mpf(1000), 0))
    (5e-19, 4.999999166666889e-07, 999.3068528194401)
    """
    r = pred - target
    return log((exp(r) + exp(-r)) / 2)


def log_cosh_grad(pred, target):
    """Slope of log-cosh.

        tanh(r)

    >>> [round(log_cosh_grad(r, 0.0), 10) for r in (-1.0, 0.0, 1.0)]
    [-0.761594156, 0.0, 0.761594156]
    """
    return tanh(pred - target)


def log_cosh_hess(pred, target):
    """Curvature of log-cosh.

        1 - tanh(r)^2 = 1 / cosh(r)^2

    Where floats break: tanh(r) is 1 from r = 20 on. The kernel computes 4 e / (1 + e)^2 with e = e^-2|r|.

    >>> log_cosh_hess(0.0, 0.0), round(log_cosh_hess(1.0, 0.0), 10)
    (1.0, 0.4199743416)

    The lost tail:

    >>> log_cosh_hess(20.0, 0.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(log_cosh_hess(mpf(20), 0))
    1.6993417021166355e-17
    """
    t = tanh(pred - target)
    return 1 - t * t


def fair(pred, target, *, c=1.3998):
    """Fair's loss: a parabola that becomes a straight line, ever more slowly.

        c^2 (|r| / c - log(1 + |r| / c))

    r^2 / 2 for small r, c |r| in the end.

    Where floats break: u = |r| / c and log(1 + u) agree in all their digits where u is small. The kernel computes their
    difference for u <= 1 as u s - 2 (atanh(s) - s), s = u / (2 + u), which loses less than a digit, and beyond from a
    logarithm with ten bits to spare.

    Fair, On the Robust Estimation of Econometric Models (1974).

    >>> round(fair(1.0, 0.0, c=1.0), 10)  # 1 - log 2
    0.3068528194
    >>> fair(0.0, 0.0)
    0.0

    The lost digits:

    >>> fair(1e-9, 0.0, c=1.0)
    -8.224037086220314e-17
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(fair(mpf("1e-9"), 0, c=1))
    4.999999996666666e-19
    """
    a = abs(pred - target)
    if a == INFINITY:
        return a
    return c * c * (a / c - log(1 + a / c))


def fair_grad(pred, target, *, c=1.3998):
    """Slope of Fair's loss: half of c where |r| is c.

        c r / (c + |r|)

    >>> [fair_grad(r, 0.0, c=2.0) for r in (-6.0, -2.0, 0.0, 2.0)]
    [-1.5, -1.0, 0.0, 1.0]
    """
    r = pred - target
    return c * _sign(r) if abs(r) == INFINITY else c * r / (c + abs(r))


def fair_hess(pred, target, *, c=1.3998):
    """Curvature of Fair's loss.

        (c / (c + |r|))^2

    >>> [fair_hess(r, 0.0, c=2.0) for r in (0.0, 2.0, 6.0)]
    [1.0, 0.25, 0.0625]
    """
    s = c / (c + abs(pred - target))
    return s * s


def cauchy(pred, target, *, c=2.3849):
    """Cauchy loss: an outlier costs no more than a logarithm. Also called Lorentzian.

        c^2 / 2 log(1 + (r / c)^2)

    The likelihood of errors that follow Cauchy's distribution. At c = 2.3849 a fit loses 5 % of its efficiency if the
    errors are Gaussian after all.

    Where floats break: 1 + u^2 is 1 for u = r / c below 1e-8, and u^2 overflows beyond 1e154. The kernel computes
    log1p(u^2) with u^2 in two parts, r^2 / 2 for tiny u, and 2 log|u| for huge ones.

    Black and Anandan, The Robust Estimation of Multiple Motions (1996).

    >>> round(cauchy(2.0, 0.0, c=2.0), 10)  # 2 log 2
    1.3862943611
    >>> [round(cauchy(r, 0.0, c=1.0), 10) for r in (1.0, 10.0, 100.0)]
    [0.3465735903, 2.3075602584, 4.6052201835]

    The lost digits, and the overflow:

    >>> cauchy(1e-9, 0.0), cauchy(1e200, 0.0)
    (0.0, inf)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(cauchy(mpf("1e-9"), 0, c=1)), float(cauchy(mpf("1e200"), 0, c=1))
    (5e-19, 460.51701859880916)
    """
    u = (pred - target) / c
    return c * c / 2 * log(1 + u * u)


def cauchy_grad(pred, target, *, c=2.3849):
    """Slope of the Cauchy loss: c / 2 at its steepest, at r = c, and falling off like 1 / r.

        r / (1 + (r / c)^2)

    Where floats break: u^2 overflows beyond |u| = 1e154, and the slope is 0 where c^2 / r is a number. The kernel uses
    c / (u + 1/u) there.

    >>> [cauchy_grad(r, 0.0, c=2.0) for r in (-2.0, 0.0, 1.0, 2.0, 14.0)]
    [-1.0, 0.0, 0.8, 1.0, 0.28]

    The overflow:

    >>> cauchy_grad(1e200, 0.0, c=1.0)
    0.0
    >>> from mpmath import mpf
    >>> print(cauchy_grad(mpf("1e200"), 0, c=1))
    1.0e-200
    """
    r = pred - target
    u = r / c
    return 0 if abs(r) == INFINITY else r / (1 + u * u)


def cauchy_hess(pred, target, *, c=2.3849):
    """Curvature of the Cauchy loss: negative beyond r = c.

        (1 - u^2) / (1 + u^2)^2,  u = r / c

    Where floats break: near u = 1 the difference has the error of u^2. The kernel computes (1 - u) (1 + u) with u
    in two parts.

    >>> [cauchy_hess(r, 0.0, c=2.0) for r in (0.0, 1.0, 2.0, 6.0)]
    [1.0, 0.48, 0.0, -0.08]
    """
    r = pred - target
    u2 = (r / c) * (r / c)
    return 0 if abs(r) == INFINITY else (1 - u2) / ((1 + u2) * (1 + u2))


def geman_mcclure(pred, target, *, c=1.0):
    """Geman-McClure loss: no residual costs more than c^2 / 2.

        (r^2 / 2) / (1 + (r / c)^2)

    Where floats break: r^2 overflows, and so does its quotient with itself. The kernel divides the smaller of |r|
    and c by the larger, v = min(|u|, 1/|u|), and computes min(|r|, c)^2 / 2 / (1 + v^2).

    Geman and McClure, Statistical Methods for Tomographic Image Reconstruction (1987).

    >>> [geman_mcclure(r, 0.0) for r in (0.0, 0.5, 1.0, 2.0, 7.0)]
    [0.0, 0.1, 0.25, 0.4, 0.49]

    The overflow:

    >>> geman_mcclure(1e200, 0.0)
    nan
    >>> from mpmath import mpf
    >>> print(geman_mcclure(mpf("1e200"), 0))
    0.5
    """
    r = pred - target
    u = r / c
    return c * c / 2 if abs(r) == INFINITY else r * r / 2 / (1 + u * u)


def geman_mcclure_grad(pred, target, *, c=1.0):
    """Slope of the Geman-McClure loss: steepest at r = c / sqrt(3), and falling off like 1 / r^3.

        r / (1 + (r / c)^2)^2

    >>> [geman_mcclure_grad(r, 0.0) for r in (-1.0, 0.0, 0.5, 1.0, 3.0)]
    [-0.25, 0.0, 0.32, 0.25, 0.03]
    """
    r = pred - target
    s = 1 + (r / c) * (r / c)
    return 0 if abs(r) == INFINITY else r / (s * s)


def geman_mcclure_hess(pred, target, *, c=1.0):
    """Curvature of the Geman-McClure loss: negative beyond r = c / sqrt(3).

        (1 - 3 u^2) / (1 + u^2)^3,  u = r / c

    Where floats break: near its zero the difference has the error of u^2. The kernel takes u^2 in two parts.

    >>> [geman_mcclure_hess(r, 0.0) for r in (0.0, 0.5, 1.0, 3.0)]
    [1.0, 0.128, -0.25, -0.026]
    """
    r = pred - target
    u2 = (r / c) * (r / c)
    return 0 if abs(r) == INFINITY else (1 - 3 * u2) / ((1 + u2) * (1 + u2) * (1 + u2))


def welsch(pred, target, *, c=2.9846):
    """Welsch's loss: a well in the shape of Gauss's bell, which an outlier hardly feels. Also called Leclerc's.

        c^2 / 2 (1 - e^-(r / c)^2)

    At c = 2.9846 a fit loses 5 % of its efficiency if the errors are Gaussian after all.

    Where floats break: e^-u^2 of a small u = r / c is 1 less a few digits, or none. The kernel computes expm1,
    and where e^-u^2 is small takes u^2 in two parts: an error of half an ulp in 700 would cost 500 ulps of the
    result.

    Dennis and Welsch, Techniques for Nonlinear Least Squares and Robust Regression (1978).

    >>> [round(welsch(r, 0.0, c=1.0), 10) for r in (0.0, 0.5, 1.0, 2.0, 7.0)]
    [0.0, 0.1105996085, 0.3160602794, 0.4908421806, 0.5]

    The lost digits:

    >>> welsch(1e-9, 0.0, c=1.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(welsch(mpf("1e-9"), 0, c=1))
    5e-19
    """
    u = (pred - target) / c
    return c * c / 2 * (1 - exp(-u * u))


def welsch_grad(pred, target, *, c=2.9846):
    """Slope of Welsch's loss: steepest at r = c / sqrt(2), gone a few c further.

        r e^-(r / c)^2

    >>> [round(welsch_grad(r, 0.0, c=1.0), 10) for r in (-1.0, 0.0, 0.5, 1.0, 5.0)]
    [-0.3678794412, 0.0, 0.3894003915, 0.3678794412, 1e-10]
    """
    r = pred - target
    u = r / c
    return 0 if abs(r) == INFINITY else r * exp(-u * u)


def welsch_hess(pred, target, *, c=2.9846):
    """Curvature of Welsch's loss: negative beyond r = c / sqrt(2).

        (1 - 2 u^2) e^-u^2,  u = r / c

    Where floats break: near its zero the difference has the error of u^2. The kernel takes u^2 in two parts.

    >>> [round(welsch_hess(r, 0.0, c=1.0), 10) for r in (0.0, 0.5, 1.0, 5.0)]
    [1.0, 0.3894003915, -0.3678794412, -7e-10]
    """
    r = pred - target
    u2 = (r / c) * (r / c)
    return 0 if abs(r) == INFINITY else (1 - 2 * u2) * exp(-u2)


def tukey_biweight(pred, target, *, c=4.685):
    """Tukey's biweight: beyond c an outlier is not heard at all.

        c^2 / 6 (1 - (1 - (r / c)^2)^3)    if |r| <= c
        c^2 / 6                            beyond

    At c = 4.685 a fit loses 5 % of its efficiency if the errors are Gaussian after all.

    Where floats break: the cube of a small r is 1 less a few digits, or none. The kernel computes r^2 / 6 (1 + d
    + d^2) with d = (1 - u) (1 + u), u = r / c.

    Beaton and Tukey, The Fitting of Power Series, Meaning Polynomials, Illustrated on Band-Spectroscopic Data (1974).

    >>> [tukey_biweight(r, 0.0, c=2.0) for r in (0.0, 1.0, 2.0, 7.0)]
    [0.0, 0.38541666666666663, 0.6666666666666666, 0.6666666666666666]

    The lost digits:

    >>> tukey_biweight(1e-9, 0.0, c=2.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(tukey_biweight(mpf("1e-9"), 0, c=mpf(2)))
    5e-19
    """
    r = pred - target
    if abs(r) > c:
        return c * c / 6
    d = 1 - (r / c) * (r / c)
    return c * c / 6 * (1 - d * d * d)


def tukey_biweight_grad(pred, target, *, c=4.685):
    """Slope of Tukey's biweight: the residual, times a weight that falls to 0.

        r (1 - (r / c)^2)^2    if |r| <= c
        0                      beyond

    >>> [tukey_biweight_grad(r, 0.0, c=2.0) for r in (-1.0, 0.0, 1.0, 2.0, 7.0)]
    [-0.5625, 0.0, 0.5625, 0.0, 0]
    """
    r = pred - target
    if abs(r) > c:
        return 0
    d = 1 - (r / c) * (r / c)
    return r * d * d


def tukey_biweight_hess(pred, target, *, c=4.685):
    """Curvature of Tukey's biweight: negative beyond r = c / sqrt(5), none beyond c.

        (1 - u^2) (1 - 5 u^2)    if |u| <= 1,  u = r / c
        0                        beyond

    Where floats break: near their zeros both factors have the error of u^2. The kernel takes u^2 in two parts.

    >>> [tukey_biweight_hess(r, 0.0, c=2.0) for r in (0.0, 1.0, 2.0, 7.0)]
    [1.0, -0.1875, -0.0, 0]
    """
    r = pred - target
    if abs(r) > c:
        return 0
    u2 = (r / c) * (r / c)
    return (1 - u2) * (1 - 5 * u2)


def general_robust(pred, target, *, alpha=1.0, c=1.0):
    """The general robust loss: one knob, alpha, from a steep well to none; with x = r / c,

        |alpha - 2| / alpha ((x^2 / |alpha - 2| + 1)^(alpha / 2) - 1)

    and its limits

        x^2 / 2               at alpha = 2
        log(1 + x^2 / 2)      at 0
        1 - e^(-x^2 / 2)      at -inf

    It is a loss from above: half the squared error at 2, `pseudo_huber` at 1, `cauchy` at 0, `geman_mcclure` at
    -2, `welsch` at -inf, in units of c^2 and with c of different lengths.

    Where floats break: the power is 1 and a few digits for small x, and for alpha near 0, where moreover the
    difference is divided by alpha; near 2 and for large alpha its rounding errors grow with the exponent. The
    kernel computes expm1(alpha / 2 log1p(x^2 / |alpha - 2|)), with argument and logarithm in two parts.

    Barron, A General and Adaptive Robust Loss Function (2019).

    >>> inf = float("inf")
    >>> [round(general_robust(2.0, 0.0, alpha=alpha), 10) for alpha in (4.0, 2.0, 1.0, 0.0, -2.0, -inf)]
    [4.0, 2.0, 1.2360679775, 1.0986122887, 1.0, 0.8646647168]
    >>> general_robust(2.0, 0.0) == pseudo_huber(2.0, 0.0)
    True

    The lost digits:

    >>> general_robust(1e-9, 0.0), general_robust(2.0, 0.0, alpha=1e-17)
    (0.0, 0.0)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(general_robust(mpf("1e-9"), 0)), float(general_robust(mpf(2), 0, alpha=mpf("1e-17")))
    (5e-19, 1.0986122886681098)
    """
    x2 = ((pred - target) / c) * ((pred - target) / c)
    if alpha == 2:
        return x2 / 2
    if alpha == 0:
        return log(1 + x2 / 2)
    if alpha == -INFINITY:
        return 1 - exp(-x2 / 2)
    b = abs(alpha - 2)
    return b / alpha * (power(x2 / b + 1, alpha / 2) - 1)


def general_robust_grad(pred, target, *, alpha=1.0, c=1.0):
    """Slope of the general robust loss: it grows with r for alpha > 1, and falls off for alpha < 1.

        r / c^2 (x^2 / |alpha - 2| + 1)^(alpha / 2 - 1),  x = r / c

    and in the limits r / c^2 at alpha = 2, r / c^2 e^(-x^2 / 2) at -inf.

    >>> inf = float("inf")
    >>> [round(general_robust_grad(2.0, 0.0, alpha=alpha), 10) for alpha in (4.0, 2.0, 1.0, 0.0, -2.0, -inf)]
    [6.0, 2.0, 0.894427191, 0.6666666667, 0.5, 0.2706705665]
    """
    r = pred - target
    if abs(r) == INFINITY:
        return r if alpha > 1 else _sign(r) / c if alpha == 1 else 0
    return r / (c * c) * _general_power((r / c) * (r / c), alpha, 1)


def general_robust_hess(pred, target, *, alpha=1.0, c=1.0):
    """Curvature of the general robust loss: for alpha < 1 negative beyond x^2 = |alpha - 2| / (1 - alpha).

        1 / c^2 (x^2 / |alpha - 2| + 1)^(alpha / 2 - 2) (1 + x^2 (alpha - 1) / |alpha - 2|),  x = r / c

    and in the limits 1 / c^2 at alpha = 2, (1 - x^2) / c^2 e^(-x^2 / 2) at -inf.

    Where floats break: near its zero the last factor has the error of x^2. The kernel takes x^2 in two parts.

    >>> inf = float("inf")
    >>> [round(general_robust_hess(2.0, 0.0, alpha=alpha), 10) for alpha in (4.0, 2.0, 1.0, 0.0, -2.0, -inf)]
    [7.0, 1.0, 0.0894427191, -0.1111111111, -0.25, -0.4060058497]
    """
    r = pred - target
    if abs(r) == INFINITY:
        return abs(r) if alpha > 2 else 1 / (c * c) if alpha == 2 else 0
    x2 = (r / c) * (r / c)
    if alpha == 2:
        factor = 1
    elif alpha == -INFINITY:
        factor = 1 - x2
    else:
        factor = 1 + x2 * (alpha - 1) / abs(alpha - 2)
    return factor / (c * c) * _general_power(x2, alpha, 2)


def _general_power(x2, alpha, n):
    """(x^2 / |alpha - 2| + 1)^(alpha / 2 - n), and what it goes to at alpha = 2 and -inf.

    >>> _general_power(3.0, 1.0, 1)
    0.5
    """
    if alpha == 2:
        return 1
    if alpha == -INFINITY:
        return exp(-x2 / 2)
    return power(x2 / abs(alpha - 2) + 1, alpha / 2 - n)


def wing(pred, target, *, width=5.0, curvature=0.5):
    """Wing loss: small residuals count for more than in the absolute error, large ones for as much.

        width log(1 + |r| / curvature)                       if |r| < width
        |r| - (width - width log(1 + width / curvature))     beyond

    It grows steeply out of r = 0: for landmarks in faces, which are either nearly right or quite wrong.

    Where floats break: |r| / curvature is lost in 1 + |r| / curvature where it is small. The kernel computes
    log1p, and beyond the width (|r| - width) + width log1p(width / curvature), a sum of two numbers of one sign.

    Feng, Kittler, Awais, Huber and Wu, Wing Loss for Robust Facial Landmark Localisation with Convolutional
    Neural Networks (2018).

    >>> [round(wing(r, 0.0), 10) for r in (0.0, 0.5, 4.5, 5.0, 10.0)]
    [0.0, 3.4657359028, 11.512925465, 11.989476364, 16.989476364]

    The lost digits:

    >>> wing(1e-17, 0.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(wing(mpf("1e-17"), 0))
    1e-16
    """
    a = abs(pred - target)
    if a < width:
        return width * log(1 + a / curvature)
    return a - (width - width * log(1 + width / curvature))


def wing_grad(pred, target, *, width=5.0, curvature=0.5):
    """Slope of the wing loss: it falls from width / curvature to width / (curvature + width), then jumps to 1.

        width / (curvature + |r|) sign(r)    if |r| < width
        sign(r)                              beyond, and 0 at the kink r = 0

    >>> [wing_grad(r, 0.0) for r in (-10.0, -0.5, 0.0, 2.0, 5.0)]
    [-1, -5.0, 0.0, 2.0, 1]
    """
    r = pred - target
    if abs(r) < width:
        return width / (curvature + abs(r)) * _sign(r)
    return _sign(r)


def wing_hess(pred, target, *, width=5.0, curvature=0.5):
    """Curvature of the wing loss: never positive.

        -width / (curvature + |r|)^2    if |r| < width
        0                               beyond

    >>> [wing_hess(r, 0.0) for r in (0.0, 0.5, 2.0, 5.0)]
    [-20.0, -5.0, -0.8, 0]
    """
    a = abs(pred - target)
    if a >= width:
        return 0
    return -width / ((curvature + a) * (curvature + a))


def adaptive_wing(pred, target, *, omega=14.0, theta=0.5, epsilon=1.0, alpha=2.1):
    """Adaptive wing loss: a wing for the foreground of a heatmap, a parabola for its background.

        omega log(1 + (|r| / epsilon)^q)                                  if |r| < theta, with q = alpha - target
        A (|r| - theta) + omega log(1 + (theta / epsilon)^q)              beyond

    A is the slope at theta, so that the straight line goes on as the curve ends. Where the target is 0 the loss starts
    like |r|^alpha, and small errors hardly count; where it is 1 it starts like |r|^(alpha - 1), and they do.

    Where floats break: 1 + (|r| / epsilon)^q has none of the digits of a small power, and a large one overflows before
    its logarithm is taken. The kernel takes the logarithm of |r| / epsilon in two parts, multiplies it by q, and lets
    the exponential of that into log1p. Its line is a sum of two numbers of one sign.

    Wang, Bo and Fuxin, Adaptive Wing Loss for Robust Face Alignment via Heatmap Regression (2019).

    >>> [round(adaptive_wing(t + r, t), 10) for t in (0.0, 1.0) for r in (0.0, 0.25, 1.0)]
    [0.0, 0.741731332, 8.4959459105, 0.0, 2.7567767023, 10.2593828115]

    The lost digits:

    >>> adaptive_wing(1e-8, 0.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     round(1e16 * float(adaptive_wing(mpf("1e-8"), 0)), 10)
    2.2188504694
    """
    a, q = abs(pred - target), alpha - target
    if a < theta:
        return omega * log(1 + power(a / epsilon, q))
    slope = _wing_slope(theta, omega, epsilon, q)
    return slope * (a - theta) + omega * log(1 + power(theta / epsilon, q))


def adaptive_wing_grad(pred, target, *, omega=14.0, theta=0.5, epsilon=1.0, alpha=2.1):
    """Slope of the adaptive wing loss by the prediction: continuous, and from theta on constant.

        sign(r) omega q / epsilon (m / epsilon)^(q - 1) / (1 + (m / epsilon)^q)    with m = min(|r|, theta)

    >>> [round(adaptive_wing_grad(t + r, t), 10) for t in (0.0, 1.0) for r in (-0.25, 0.0, 1.0, 2.0)]
    [-6.0683701969, 0.0, 11.121421648, 11.121421648, -11.0102367283, 0.0, 9.7978496056, 9.7978496056]
    """
    r, q = pred - target, alpha - target
    a = abs(r)
    return _wing_slope(a if a < theta else theta, omega, epsilon, q) * _sign(r)


def adaptive_wing_hess(pred, target, *, omega=14.0, theta=0.5, epsilon=1.0, alpha=2.1):
    """Curvature of the adaptive wing loss: infinite at r = 0 where q < 2, negative from (|r| / epsilon)^q = q - 1 on.

        omega q / epsilon^2 (|r| / epsilon)^(q - 2) (q - 1 - (|r| / epsilon)^q) / (1 + (|r| / epsilon)^q)^2

    if |r| < theta, and 0 beyond.

    >>> [round(adaptive_wing_hess(t + r, t), 10) for t in (0.0, 1.0) for r in (0.25, 0.4375, 1.0)]
    [24.0704633773, 18.0732892059, 0, -4.2548562239, -4.9864853237, 0]
    >>> adaptive_wing_hess(0.0, 0.0), adaptive_wing_hess(1.0, 1.0)
    (0.0, inf)
    """
    a, q = abs(pred - target), alpha - target
    if a >= theta:
        return 0
    s = a / epsilon
    raised = power(s, q)
    return omega * q / (epsilon * epsilon) * power(s, q - 2) * (q - 1 - raised) / ((1 + raised) * (1 + raised))


def _wing_slope(a, omega, epsilon, q):
    """The slope of omega log(1 + (a / epsilon)^q).

    >>> _wing_slope(1.0, 14.0, 1.0, 2.0)
    14.0
    """
    s = a / epsilon
    return omega * q / epsilon * power(s, q - 1) / (1 + power(s, q))


def _sign(r):
    """1, -1, or 0, or nan.

    >>> _sign(5.0), _sign(-5.0), _sign(0.0)
    (1, -1, 0.0)
    """
    if r > 0:
        return 1
    return -1 if r < 0 else r
