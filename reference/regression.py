"""Regression: how far is a number from the number it should be?

Each function takes one prediction and its target and looks at the residual r = pred - target. `_grad` is the
first derivative by pred, `_hess` the second.
"""


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
