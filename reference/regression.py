"""Regression: how far is a number from the number it should be?

Each function takes one prediction and its target and looks at the residual r = pred - target. `_grad` is the
first derivative by pred, `_hess` the second. (Where two numbers are predicted, the ends of an interval, both are
pairs.)
"""

from .numbers import divide, exp, log, sqrt


def mse(pred, target):
    """Squared error: twice as wrong costs four times as much.

        r^2

    Where floats break: r^2 overflows beyond |r| = 1.34e154 (1.84e19 in float32), though the mean over many
    elements may still be a number. The kernel squares and sums in double, whatever the input.

    Legendre, Nouvelles méthodes pour la détermination des orbites des comètes (1805); Gauss, Theoria motus
    corporum coelestium (1809).

    >>> pairs = list(zip([4.0, 2.0, 3.0], [3.0, 5.0, 2.0]))
    >>> [mse(pred, target) for pred, target in pairs]
    [1.0, 9.0, 1.0]
    >>> round(sum(mse(pred, target) for pred, target in pairs) / 3, 10)  # 11/3
    3.6666666667
    >>> round(sum(map(mse, [2.5, 0.0, 2.1], [3.0, -0.5, 2.0])) / 3, 10)
    0.17
    >>> round(sum(map(mse, [2.5, 5.2, 6.8], [3.0, 5.0, 7.0])) / 3, 10)
    0.11

    Errors of +2 and -4 have the mean 10. Off by 4 costs 16 times off by 1. A house priced at 410 000 instead
    of 400 000 is an error of 1e4, and its square 1e8 drowns every other term: scale the target.

    >>> (mse(7.0, 5.0) + mse(1.0, 5.0)) / 2
    10.0
    >>> mse(4.0, 0.0) / mse(1.0, 0.0)
    16.0
    >>> mse(410_000.0, 400_000.0)
    100000000.0

    A probability that should be 1: however wrong, the loss stays below 1.

    >>> [round(mse(p, 1.0), 10) for p in (0.9, 0.6, 0.01)]
    [0.01, 0.16, 0.9801]

    The overflow:

    >>> mse(1e200, 0.0)
    inf
    >>> from mpmath import mpf
    >>> print(mse(mpf("1e200"), 0))
    1.0e+400
    """
    r = pred - target
    return r * r


def mse_grad(pred, target):
    """Slope of the squared error: it grows with the error, without bound.

        2 r

    Smooth everywhere. It needs no square, so it survives where the loss has overflowed.

    >>> mse_grad(3.0, 1.0), mse_grad(1e200, 0.0)
    (4.0, 2e+200)

    On a probability it never exceeds 2: a model that gives the right class 0.01 is pushed with 1.98, where
    cross-entropy pushes with 1/p = 100.

    >>> mse_grad(0.01, 1.0)
    -1.98
    """
    return 2 * (pred - target)


def mse_hess(pred, target):
    """Curvature of the squared error: the same everywhere.

        2

    >>> mse_hess(3.0, 1.0)
    2
    """
    return 2


def half_squared_error(pred, target):
    """Half the squared error, whose slope is the residual itself.

        r^2 / 2

    Where floats break: r^2 overflows although r^2 / 2 is a number. The kernel halves first.

    Gauss, Theoria motus corporum coelestium (1809): minus the log of a normal density of variance 1, but for a
    constant.

    >>> list(map(half_squared_error, [4.0, 2.0, 3.0], [3.0, 5.0, 2.0]))
    [0.5, 4.5, 0.5]

    The overflow:

    >>> half_squared_error(1.5e154, 0.0)
    inf
    >>> from mpmath import mpf
    >>> print(half_squared_error(mpf("1.5e154"), 0))
    1.125e+308
    """
    r = pred - target
    return r * r / 2


def half_squared_error_grad(pred, target):
    """Slope of half the squared error: the residual.

        r

    Smooth everywhere.

    >>> list(map(half_squared_error_grad, [4.0, 2.0, 3.0], [3.0, 5.0, 2.0]))
    [1.0, -3.0, 1.0]
    """
    return pred - target


def half_squared_error_hess(pred, target):
    """Curvature of half the squared error.

        1

    >>> half_squared_error_hess(3.0, 1.0)
    1
    """
    return 1


def mae(pred, target):
    """Absolute error: twice as wrong costs twice as much, so that one outlier does not outvote the rest.

        |r|

    Where floats break: not here, but a float32 sum of many does. The kernel sums in double.

    Laplace, Mémoire sur la probabilité des causes par les évènemens (1774): its minimum is the median.

    >>> mae(4.0, 0.0) / mae(1.0, 0.0)  # under the squared error 16
    4.0
    >>> sum(map(mae, [2.5, 0.0, 2.1], [3.0, -0.5, 2.0])) / 3
    0.3666666666666667
    """
    return abs(pred - target)


def mae_grad(pred, target):
    """Slope of the absolute error: its sign alone, however large the error.

        sign(r), and 0 at the kink r = 0

    >>> [mae_grad(pred, 1.0) for pred in (3.0, 1.0, -7.0)]
    [1, 0, -1]
    """
    r = pred - target
    if r > 0:
        return 1
    if r < 0:
        return -1
    return 0 if r == 0 else r


def mae_hess(pred, target):
    """Curvature of the absolute error: none.

    >>> mae_hess(3.0, 1.0)
    0
    """
    return 0


def huber(pred, target, *, delta=1.0):
    """Huber loss: a parabola for small errors, a straight line for large ones, which outliers cannot bend.

        r^2 / 2                    if |r| <= delta
        delta (|r| - delta / 2)    beyond

    delta = inf gives r^2 / 2.

    Where floats break: for large delta r^2 overflows although r^2 / 2 is a number. The kernel computes
    q (q / 2 + excess) with q = min(|r|, delta) and excess = |r| - q: both pieces in one, without a branch and
    without the square.

    Huber, Robust Estimation of a Location Parameter, Annals of Mathematical Statistics 35 (1964).

    >>> [huber(r, 0.0, delta=0.5) for r in (0.25, 0.5, 1.0, 4.0)]
    [0.03125, 0.125, 0.375, 1.875]
    >>> huber(4.0, 0.0, delta=float("inf"))
    8.0

    The price off by 10 000 costs 1e8 under the squared error, and here

    >>> huber(410_000.0, 400_000.0)
    9999.5

    The overflow:

    >>> huber(1.5e154, 0.0, delta=float("inf"))
    inf
    >>> from mpmath import mpf
    >>> print(huber(mpf("1.5e154"), 0, delta=mpf("inf")))
    1.125e+308
    """
    r = abs(pred - target)
    if r <= delta:
        return r * r / 2
    return delta * (r - delta / 2)


def huber_grad(pred, target, *, delta=1.0):
    """Slope of the Huber loss: the residual, clipped.

        r                between -delta and delta
        delta sign(r)    beyond

    No kink: where parabola and line meet, both have slope delta.

    >>> [huber_grad(r, 0.0, delta=0.5) for r in (-4.0, -0.25, 0.0, 0.5, 4.0)]
    [-0.5, -0.25, 0.0, 0.5, 0.5]
    """
    r = pred - target
    return max(min(r, delta), -delta)  # r comes first: if it is nan, min and max keep it


def huber_hess(pred, target, *, delta=1.0):
    """Curvature of the Huber loss: that of the parabola, and none on the line.

        1    if |r| <= delta
        0    beyond

    It jumps where the two meet, at |r| = delta, and counts that point to the parabola.

    >>> [huber_hess(r, 0.0, delta=0.5) for r in (-4.0, 0.25, 0.5, 4.0)]
    [0, 1, 1, 0]
    """
    r = abs(pred - target)
    if r <= delta:
        return 1
    return 0 if r > delta else r  # neither: r is nan, and stays so


def smooth_l1(pred, target, *, beta=1.0):
    """Smooth L1: the Huber loss, divided by its delta so that the line has slope 1 whatever the width.

        r^2 / (2 beta)    if |r| <= beta
        |r| - beta / 2    beyond

    beta = 0 gives |r|; beta = inf gives 0.

    Where floats break: r^2 overflows, or underflows, although r^2 / beta is a number. The kernel computes
    (q / beta) (q / 2 + excess) with q = min(|r|, beta) and excess = |r| - q, where q / beta is at most 1.

    Girshick, Fast R-CNN, ICCV (2015).

    >>> [smooth_l1(r, 0.0) for r in (0.5, 1.0, 2.0, -4.0)]
    [0.125, 0.5, 1.5, 3.5]
    >>> smooth_l1(4.0, 0.0, beta=0.5), huber(4.0, 0.0, delta=0.5) / 0.5
    (3.75, 3.75)
    >>> smooth_l1(-4.0, 0.0, beta=0.0), smooth_l1(-4.0, 0.0, beta=float("inf"))
    (4.0, 0.0)

    The overflow:

    >>> smooth_l1(1e160, 0.0, beta=1e200)
    inf
    >>> from mpmath import mpf
    >>> print(smooth_l1(mpf("1e160"), 0, beta=mpf("1e200")))
    5.0e+119
    """
    r = abs(pred - target)
    if r > beta:
        return r - beta / 2
    return r * r / 2 / beta if beta > 0 and r < float("inf") else _nothing(r)


def smooth_l1_grad(pred, target, *, beta=1.0):
    """Slope of smooth L1: the residual in units of beta, clipped.

        r / beta    between -beta and beta
        sign(r)     beyond; and 0 at r = 0 for beta = 0

    >>> [smooth_l1_grad(r, 0.0, beta=0.5) for r in (-4.0, -0.25, 0.0, 0.5, 4.0)]
    [-1, -0.5, 0.0, 1.0, 1]
    >>> [smooth_l1_grad(r, 0.0, beta=0.0) for r in (-4.0, 0.0, 4.0)]
    [-1, 0, 1]
    """
    r = pred - target
    if abs(r) > beta:
        return 1 if r > 0 else -1
    return r / beta if beta > 0 and abs(r) < float("inf") else _nothing(r)


def smooth_l1_hess(pred, target, *, beta=1.0):
    """Curvature of smooth L1: that of the parabola, and none on the line.

        1 / beta    if |r| <= beta
        0           beyond, and for beta = 0

    It jumps where the two meet, at |r| = beta, and counts that point to the parabola.

    >>> [smooth_l1_hess(r, 0.0, beta=0.5) for r in (-4.0, 0.25, 0.5, 4.0)]
    [0, 2.0, 2.0, 0]
    """
    r = abs(pred - target)
    return 1 / beta if r <= beta and beta > 0 else _nothing(r)


def _nothing(x):
    """0, but nan of a nan.

    >>> _nothing(3.0), _nothing(float("nan"))
    (0, nan)
    """
    return 0 if x == x else x


def quantile(pred, target, *, tau=0.5):
    """Quantile loss, or pinball loss: too low costs tau per unit, too high 1 - tau.

        tau (-r)       if r <= 0
        (1 - tau) r    if r > 0

    It is smallest where a share tau of the targets lies below the prediction. tau = 1/2 gives |r| / 2 and the
    median.

    Where floats break: not here, but a float32 sum of many does. The kernel sums in double.

    Koenker and Bassett, Regression Quantiles, Econometrica 46 (1978).

    The target one above the prediction, and one below:

    >>> [quantile(0.0, 1.0, tau=tau) for tau in (0.1, 0.5, 0.9)]
    [0.1, 0.5, 0.9]
    >>> [round(quantile(0.0, -1.0, tau=tau), 10) for tau in (0.1, 0.5, 0.9)]
    [0.9, 0.5, 0.1]
    """
    r = pred - target
    return _share(r, tau) * abs(r)


def quantile_grad(pred, target, *, tau=0.5):
    """Slope of the quantile loss: one of two numbers, however large the error.

        -tau          if r < 0
        1 - tau       if r > 0
        1/2 - tau     at the kink r = 0, halfway between the two

    >>> [quantile_grad(pred, 1.0, tau=0.75) for pred in (0.0, 1.0, 2.0)]
    [-0.75, -0.25, 0.25]
    """
    r = pred - target
    if r == 0:
        return 0.5 - tau
    return -tau if r < 0 else _share(r, tau)


def quantile_hess(pred, target, *, tau=0.5):
    """Curvature of the quantile loss: none.

    >>> quantile_hess(3.0, 1.0)
    0
    """
    return 0


def _share(r, tau):
    """What a residual of this sign costs: tau below the target and on it, 1 - tau above.

    >>> _share(-3.0, 0.75), _share(0.0, 0.75), _share(3.0, 0.75)
    (0.75, 0.75, 0.25)
    """
    if r <= 0:
        return tau
    return 1 - tau if r > 0 else r  # neither: r is nan, and stays so


def quantile_huber(pred, target, *, tau=0.5, kappa=1.0):
    """Quantile Huber loss: the quantile loss with its corner rounded off, within kappa of the target.

        tau h             if r <= 0
        (1 - tau) h       if r > 0        with h = smooth_l1, beta = kappa

    kappa = 0 gives the quantile loss; kappa = inf gives 0.

    Where floats break: as smooth_l1. The kernel computes it likewise.

    Dabney, Rowland, Bellemare and Munos, Distributional Reinforcement Learning with Quantile Regression, AAAI
    (2018).

    >>> [quantile_huber(r, 0.0, tau=0.25) for r in (-2.0, -1.0, 1.0, 2.0)]
    [0.375, 0.125, 0.375, 1.125]
    >>> quantile_huber(2.0, 0.0, tau=0.25, kappa=0.0), quantile(2.0, 0.0, tau=0.25)
    (1.5, 1.5)

    The overflow:

    >>> quantile_huber(1e160, 0.0, kappa=1e200)
    inf
    >>> from mpmath import mpf
    >>> print(quantile_huber(mpf("1e160"), 0, kappa=mpf("1e200")))
    2.5e+119
    """
    return _share(pred - target, tau) * smooth_l1(pred, target, beta=kappa)


def quantile_huber_grad(pred, target, *, tau=0.5, kappa=1.0):
    """Slope of the quantile Huber loss: that of the quantile loss, and a steep line between the two.

        tau s             if r <= 0
        (1 - tau) s       if r > 0        with s = r / kappa, clipped to [-1, 1]

    No kink for kappa > 0: at r = 0 both slopes are 0. For kappa = 0 the slope there is 0 too.

    >>> [quantile_huber_grad(r, 0.0, tau=0.25) for r in (-2.0, -0.5, 0.0, 0.5, 2.0)]
    [-0.25, -0.125, 0.0, 0.375, 0.75]
    """
    return _share(pred - target, tau) * smooth_l1_grad(pred, target, beta=kappa)


def quantile_huber_hess(pred, target, *, tau=0.5, kappa=1.0):
    """Curvature of the quantile Huber loss: a parabola on either side, each of its own width.

        tau / kappa          if -kappa <= r <= 0
        (1 - tau) / kappa    if 0 < r <= kappa
        0                    beyond, and for kappa = 0

    >>> [quantile_huber_hess(r, 0.0, tau=0.25) for r in (-2.0, -0.5, 0.0, 0.5, 2.0)]
    [0.0, 0.25, 0.25, 0.75, 0.0]
    """
    return _share(pred - target, tau) * smooth_l1_hess(pred, target, beta=kappa)


def expectile(pred, target, *, tau=0.5):
    """Expectile loss: to the squared error what the quantile loss is to the absolute error.

        tau r^2          if r <= 0
        (1 - tau) r^2    if r > 0

    tau = 1/2 gives r^2 / 2 and the mean.

    Where floats break: r^2 overflows although tau r^2 is a number. The kernel multiplies by tau first.

    Newey and Powell, Asymmetric Least Squares Estimation and Testing, Econometrica 55 (1987).

    >>> expectile(0.0, 2.0, tau=0.75), expectile(0.0, -2.0, tau=0.75)
    (3.0, 1.0)
    >>> expectile(4.0, 1.0), half_squared_error(4.0, 1.0)
    (4.5, 4.5)

    The overflow:

    >>> expectile(1.5e154, 0.0)
    inf
    >>> from mpmath import mpf
    >>> print(expectile(mpf("1.5e154"), 0))
    1.125e+308
    """
    r = pred - target
    return _share(r, tau) * (r * r)


def expectile_grad(pred, target, *, tau=0.5):
    """Slope of the expectile loss: it grows with the error, on one side faster than on the other.

        2 tau r          if r <= 0
        2 (1 - tau) r    if r > 0

    No kink: at r = 0 both slopes are 0.

    >>> [expectile_grad(pred, 1.0, tau=0.75) for pred in (-1.0, 1.0, 3.0)]
    [-3.0, 0.0, 1.0]
    """
    r = pred - target
    return 2 * _share(r, tau) * r


def expectile_hess(pred, target, *, tau=0.5):
    """Curvature of the expectile loss: one of two numbers.

        2 tau          if r <= 0
        2 (1 - tau)    if r > 0

    It jumps at r = 0, and counts that point to the left.

    >>> [expectile_hess(pred, 1.0, tau=0.75) for pred in (-1.0, 1.0, 3.0)]
    [1.5, 1.5, 0.5]
    """
    return 2 * _share(pred - target, tau)


def epsilon_insensitive(pred, target, *, epsilon=0.1):
    """Epsilon-insensitive loss: the absolute error, of which the first epsilon is free.

        max(0, |r| - epsilon)

    What lies within epsilon of its target leaves the fit alone: the others are its support vectors.

    Where floats break: beside |r| = epsilon, where r has been rounded and its leading digits cancel. The kernel
    keeps what the rounding took and adds it again.

    Vapnik, The Nature of Statistical Learning Theory (1995).

    >>> [epsilon_insensitive(r, 0.0, epsilon=0.5) for r in (0.25, 0.5, 0.75, -3.0)]
    [0, 0, 0.25, 2.5]

    A residual of 0.5 + 1e-20:

    >>> epsilon_insensitive(0.5, -1e-20, epsilon=0.5)
    0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(epsilon_insensitive(mpf(0.5), mpf("-1e-20"), epsilon=0.5))
    1e-20
    """
    return _beyond(abs(pred - target), epsilon)


def epsilon_insensitive_grad(pred, target, *, epsilon=0.1):
    """Slope of the epsilon-insensitive loss: none within epsilon of the target, then the sign of the error.

        sign(r)    if |r| > epsilon
        0          within, and at the kinks |r| = epsilon

    >>> [epsilon_insensitive_grad(r, 0.0, epsilon=0.5) for r in (-3.0, -0.5, 0.25, 0.75)]
    [-1, 0, 0, 1]
    """
    r = pred - target
    if abs(r) <= epsilon:
        return 0
    return mae_grad(pred, target)


def epsilon_insensitive_hess(pred, target, *, epsilon=0.1):
    """Curvature of the epsilon-insensitive loss: none.

    >>> epsilon_insensitive_hess(3.0, 1.0)
    0
    """
    return 0


def _beyond(a, epsilon):
    """max(0, a - epsilon), but nan of a nan.

    >>> _beyond(1.0, 0.25), _beyond(0.25, 1.0)
    (0.75, 0)
    """
    return 0 if a <= epsilon else a - epsilon


def squared_epsilon_insensitive(pred, target, *, epsilon=0.1):
    """Squared epsilon-insensitive loss: as the epsilon-insensitive one, but smooth where it sets in.

        max(0, |r| - epsilon)^2

    Where floats break: beside |r| = epsilon, as there, and the square overflows. The kernel squares in double.

    Drucker, Burges, Kaufman, Smola and Vapnik, Support Vector Regression Machines, NIPS 9 (1996).

    >>> [squared_epsilon_insensitive(r, 0.0, epsilon=0.5) for r in (0.25, 0.5, 0.75, -3.0)]
    [0, 0, 0.0625, 6.25]
    """
    excess = _beyond(abs(pred - target), epsilon)
    return excess * excess


def squared_epsilon_insensitive_grad(pred, target, *, epsilon=0.1):
    """Slope of the squared epsilon-insensitive loss: what is beyond epsilon, twice.

        2 sign(r) max(0, |r| - epsilon)

    No kink: it sets in with slope 0.

    >>> [squared_epsilon_insensitive_grad(r, 0.0, epsilon=0.5) for r in (-3.0, -0.5, 0.25, 0.75)]
    [-5.0, 0, 0, 0.5]
    """
    return 2 * mae_grad(pred, target) * _beyond(abs(pred - target), epsilon)


def squared_epsilon_insensitive_hess(pred, target, *, epsilon=0.1):
    """Curvature of the squared epsilon-insensitive loss: none within epsilon of the target.

        2    if |r| > epsilon
        0    within, and at |r| = epsilon, where it jumps

    >>> [squared_epsilon_insensitive_hess(r, 0.0, epsilon=0.5) for r in (-3.0, -0.5, 0.25, 0.75)]
    [2, 0, 0, 2]
    """
    r = abs(pred - target)
    if r > epsilon:
        return 2
    return _nothing(r)


def mape(pred, target, *, eps=1e-7, scale=100.0):
    """Absolute percentage error: the error in per cent of the target.

        scale |r| / max(|target|, eps)

    Between 0 and the target a prediction costs at most 100, beyond it any number: low ones are favoured.

    Where floats break: scale |r| overflows, or |r| / |target| underflows, although scale |r| / |target| is a
    number. The kernel brings |r| and |target| nearer to 1 by a power of two, and the quotient back.

    Makridakis, Accuracy Measures: Theoretical and Practical Concerns, International Journal of Forecasting 9
    (1993).

    >>> mape(110.0, 100.0), mape(100.0, 125.0), mape(125.0, 100.0)
    (10.0, 20.0, 25.0)
    >>> mape(5.0, 0.0, eps=1.0, scale=1.0)
    5.0

    The overflow:

    >>> mape(3e307, 1e307)
    inf
    >>> from mpmath import mpf
    >>> print(mape(mpf("3e307"), mpf("1e307")))
    200.0
    """
    return divide(scale * abs(pred - target), max(abs(target), eps))


def mape_grad(pred, target, *, eps=1e-7, scale=100.0):
    """Slope of the absolute percentage error: steep where the target is small, however large the error.

        scale sign(r) / max(|target|, eps), and 0 at the kink r = 0

    >>> [mape_grad(pred, 50.0) for pred in (60.0, 50.0, 10.0)]
    [2.0, 0.0, -2.0]
    """
    return divide(scale * mae_grad(pred, target), max(abs(target), eps))


def mape_hess(pred, target, *, eps=1e-7, scale=100.0):
    """Curvature of the absolute percentage error: none.

    >>> mape_hess(3.0, 1.0)
    0
    """
    return 0


def smape(pred, target):
    """Symmetric absolute percentage error: the error as a share of the mean of both numbers.

        2 |r| / (|pred| + |target|), and 0 where both are 0

    It lies between 0 and 2, and is 2 wherever the signs differ: of a target of 0 all predictions but 0 are equally
    wrong.

    Where floats break: |pred| + |target| overflows. The kernel scales both down first.

    Makridakis, Accuracy Measures: Theoretical and Practical Concerns, International Journal of Forecasting 9
    (1993).

    >>> smape(3.0, 5.0), smape(5.0, 3.0), smape(1.0, 0.0), smape(0.0, 0.0)
    (0.5, 0.5, 2.0, 0)

    Symmetric in its arguments, but not about the target:

    >>> round(smape(150.0, 100.0), 10), round(smape(50.0, 100.0), 10)
    (0.4, 0.6666666667)

    The overflow:

    >>> smape(1.5e308, 0.5e308)
    2
    >>> from mpmath import mpf
    >>> print(smape(mpf("1.5e308"), mpf("0.5e308")))
    1.0
    """
    size = abs(pred) + abs(target)
    if size == 0:
        return 0
    if size == float("inf") and pred != target:
        return 2
    return 2 * abs(pred - target) / size


def smape_grad(pred, target):
    """Slope of the symmetric absolute percentage error: none wherever the signs differ.

        sign(r) 4 |target| / (pred + target)^2    if the signs are the same
        0                                         if they differ
        -2 / target                               at the kink pred = 0, halfway between the two
        0                                         at the kink r = 0

    Where floats break: by the rule for quotients it is 2 (sign(r) (|pred| + |target|) - |r| sign(pred)) / (|pred| +
    |target|)^2, whose numerator cancels, and whose square overflows or underflows. The kernel computes the above,
    and divides twice.

    >>> smape_grad(3.0, 1.0), smape_grad(-3.0, -1.0), smape_grad(3.0, -1.0), smape_grad(0.0, 1.0)
    (0.25, -0.25, 0.0, -2.0)

    The square:

    >>> smape_grad(3e-200, 1e-200)
    inf
    >>> from mpmath import mpf
    >>> print(smape_grad(mpf("3e-200"), mpf("1e-200")))
    2.5e+199
    """
    r, size = pred - target, abs(pred) + abs(target)
    if size == 0 or (size == float("inf") and pred != target):
        return 0
    return divide(2 * (mae_grad(r, 0) * size - abs(r) * mae_grad(pred, 0)), size * size)


def smape_hess(pred, target):
    """Curvature of the symmetric absolute percentage error: negative beyond the target, so not convex.

        -sign(r) 8 |target| / (pred + target)^3    if the signs are the same
        0                                          if they differ, and at the kinks

    Where floats break: as the slope.

    >>> smape_hess(3.0, 1.0), smape_hess(-3.0, -1.0), smape_hess(3.0, 5.0), smape_hess(3.0, -1.0)
    (-0.125, -0.125, 0.078125, 0)
    """
    same = (pred > 0 and target > 0) or (pred < 0 and target < 0)
    if not same or abs(pred) + abs(target) == float("inf"):
        return _nothing(pred - target)
    size = pred + target
    return divide(-8 * mae_grad(pred, target) * abs(target), size * size * size)


def msle(pred, target):
    """Squared logarithmic error: twice too much costs as much as half, for large numbers.

        q^2,  q = log(1 + pred) - log(1 + target)

    for pred and target above -1.

    Where floats break: 1 + x loses the digits of a small x, and near pred = target the logarithms cancel. The
    kernel computes |q| = log1p(|pred - target| / (1 + the smaller)), its argument in two parts.

    Hyndman and Koehler, Another look at measures of forecast accuracy, International Journal of Forecasting 22
    (2006).

    >>> round(msle(19.0, 9.0), 10), round(msle(9.0, 19.0), 10), round(msle(1999.0, 999.0), 10)
    (0.4804530139, 0.4804530139, 0.4804530139)

    The lost digits:

    >>> msle(1e-20, 0.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(msle(mpf("1e-20"), 0))
    1e-40
    """
    q = log(1 + pred) - log(1 + target)
    return q * q


def msle_grad(pred, target):
    """Slope of the squared logarithmic error: ever flatter as the prediction grows.

        2 q / (1 + pred)

    Smooth everywhere.

    Where floats break: as the loss.

    >>> msle_grad(9.0, 9.0), round(msle_grad(19.0, 9.0), 10)
    (0.0, 0.0693147181)
    """
    q = log(1 + pred) - log(1 + target)
    return 2 * q / (1 + pred) if q < float("inf") else _nothing(q)


def msle_hess(pred, target):
    """Curvature of the squared logarithmic error: negative where 1 + pred is above e (1 + target), so not convex.

        2 (1 - q) / (1 + pred)^2

    Where floats break: as the loss, and 1 - q cancels beside q = 1. There the kernel computes it as minus
    log((1 + pred) / (e (1 + target))), as a log1p with e in two parts.

    >>> msle_hess(9.0, 9.0), round(msle_hess(99.0, 9.0), 10)
    (0.02, -0.000260517)
    """
    q = log(1 + pred) - log(1 + target)
    return 2 * (1 - q) / (1 + pred) / (1 + pred) if q < float("inf") else _nothing(q)


def linex(pred, target, *, a=1.0, b=1.0):
    """Linear-exponential loss: about linear on one side of the target, exponential on the other.

        b (e^(a r) - a r - 1)

    For a > 0 too high is what costs. Small errors cost b (a r)^2 / 2 either way.

    Where floats break: e^x - x - 1 cancels for small x = a r, and for large x the rounding of the product a r is
    multiplied by x. The kernel takes a polynomial for small x, and keeps a r in two parts for large.

    Varian, A Bayesian Approach to Real Estate Assessment, in Studies in Bayesian Econometrics and Statistics
    (1975).

    >>> round(linex(1.0, 0.0), 10), round(linex(-1.0, 0.0), 10)  # e - 2 and 1/e
    (0.7182818285, 0.3678794412)
    >>> round(linex(1.0, 0.0, a=-1.0, b=3.0), 10)
    1.1036383235

    Infinitely wrong costs infinitely much on either side.

    >>> linex(float("inf"), 0.0), linex(float("-inf"), 0.0)
    (inf, inf)

    The cancellation:

    >>> linex(1e-9, 0.0)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(linex(mpf(1e-9), 0))
    5.000000001666667e-19
    """
    x = a * (pred - target)
    return b * (exp(x) - x - 1) if x < float("inf") else b * x


def linex_grad(pred, target, *, a=1.0, b=1.0):
    """Slope of the linear-exponential loss: bounded on one side.

        a b (e^(a r) - 1)

    Smooth everywhere.

    Where floats break: e^x - 1 cancels for small x = a r.

    >>> linex_grad(0.0, 0.0), round(linex_grad(1.0, 0.0), 10), round(linex_grad(-1.0, 0.0), 10)
    (0.0, 1.7182818285, -0.6321205588)
    """
    return a * b * (exp(a * (pred - target)) - 1)


def linex_hess(pred, target, *, a=1.0, b=1.0):
    """Curvature of the linear-exponential loss: its exponential part.

        a^2 b e^(a r)

    >>> linex_hess(0.0, 0.0), linex_hess(0.0, 0.0, a=-3.0, b=2.0)
    (1.0, 18.0)
    """
    return a * a * b * exp(a * (pred - target))


def interval_score(lower, upper, target, *, alpha=0.05):
    """Interval score, or Winkler score: the width of a prediction interval, and a fine for each target it misses.

        (upper - lower) + (2 / alpha) max(0, lower - target) + (2 / alpha) max(0, target - upper)

    It is smallest for the interval between the alpha/2 and the 1 - alpha/2 quantile, being 2 / alpha times the
    quantile losses of both ends: never negative, even if upper < lower.

    Where floats break: where the ends cross, a negative width is added to the fines. The kernel, like the code
    below, adds what each end costs: |lower - target| and |upper - target|, times 2 / alpha - 1 on the wrong side.

    Winkler, A Decision-Theoretic Approach to Interval Estimation, JASA 67 (1972); Gneiting and Raftery, Strictly
    Proper Scoring Rules, Prediction, and Estimation, JASA 102 (2007).

    A 95 % interval from 80 to 120: a miss by 1 costs as much again as its width.

    >>> [interval_score(80.0, 120.0, target) for target in (100.0, 121.0, 78.0)]
    [40.0, 80.0, 120.0]
    >>> interval_score(120.0, 80.0, 100.0)
    1560.0
    """
    below, above = _ends(lower, upper, target, alpha)
    return below + above


def interval_score_grad(lower, upper, target, *, alpha=0.05):
    """Slopes of the interval score, by lower and by upper: both ends move inwards, unless a target lies outside.

        -1 + 2 / alpha  if target < lower,  else -1
         1 - 2 / alpha  if target > upper,  else  1

    At the kinks, a target upon an end, it counts as inside. A score that is nan has slopes that are nan.

    >>> [interval_score_grad(80.0, 120.0, target) for target in (100.0, 121.0, 78.0)]
    [(-1, 1), (-1, -39.0), (39.0, 1)]
    """
    below, above = _ends(lower, upper, target, alpha)
    score = below + above
    if score != score:
        return score, score
    return (2 / alpha - 1 if target < lower else -1), (1 - 2 / alpha if target > upper else 1)


def interval_score_hess(lower, upper, target, *, alpha=0.05):
    """Curvatures of the interval score: none.

    >>> interval_score_hess(80.0, 120.0, 100.0)
    (0, 0)
    """
    return 0, 0


def _ends(lower, upper, target, alpha):
    """What each end of the interval costs: its distance from the target, by a factor more on the wrong side.

    >>> _ends(80.0, 120.0, 121.0, 0.05)
    (41.0, 39.0)
    """
    wrong = 2 / alpha - 1
    below = target - lower if target >= lower else wrong * (lower - target)
    above = upper - target if target <= upper else wrong * (target - upper)
    return below, above


def rmse(pred, target):
    """Root mean squared error of a whole list: the typical error, in the target's own unit.

        sqrt(mean of r^2)

    Where floats break: r^2 overflows beyond |r| = 1.34e154 and vanishes below 1e-162, though the root would not. The
    kernel squares in double, and scales what leaves even its range.

    >>> round(rmse([7.0, 1.0], [5.0, 5.0]), 10)  # errors of 2 and -4
    3.1622776602
    >>> rmse([1e200], [0.0])
    inf
    """
    return sqrt(_mean(mse(p, t) for p, t in zip(pred, target, strict=True)))


def rmse_grad(pred, target):
    """Slopes of the root mean squared error: r / (n rmse), 0 where nothing is wrong.

    >>> [round(slope, 10) for slope in rmse_grad([7.0, 1.0], [5.0, 5.0])]
    [0.316227766, -0.632455532]
    >>> rmse_grad([1.0], [1.0])
    [0]
    """
    root = rmse(pred, target)
    return [(p - t) / (len(pred) * root) if root != 0 else 0 for p, t in zip(pred, target, strict=True)]


def rmsle(pred, target):
    """Root mean squared logarithmic error of a whole list: the typical error of log(1 + x).

        sqrt(mean of (log(1 + pred) - log(1 + target))^2)

    >>> rmsle([0.0, 3.0], [0.0, 3.0])
    0.0
    >>> round(rmsle([1.0], [0.0]), 10)  # log 2
    0.6931471806
    """
    return sqrt(_mean(msle(p, t) for p, t in zip(pred, target, strict=True)))


def rmsle_grad(pred, target):
    """Slopes of the root mean squared logarithmic error: q / (n (1 + pred) rmsle), q = log(1 + pred) - log(1 + target).

    >>> rmsle_grad([1.0], [0.0])
    [0.5]
    >>> rmsle_grad([1.0], [1.0])
    [0]
    """
    root = rmsle(pred, target)
    pairs = zip(pred, target, strict=True)
    return [msle_grad(p, t) / (2 * len(pred) * root) if root != 0 else 0 for p, t in pairs]


def _mean(losses):
    """The mean of some losses.

    >>> _mean([1.0, 2.0])
    1.5
    """
    losses = list(losses)
    return sum(losses) / len(losses)
