"""The kinds of number a reference runs on: float, mpmath.mpf and Dual.

Python's operators know all three; exp, log, sqrt, tanh and divide come from here and look at what they are
given. Like IEEE 754, and unlike Python, they never raise: exp(1000.0) is inf, log(0.0) is -inf. (Squares are
written r * r, because Python's r**2 raises when it overflows.)
"""

import math


def _library(x):
    """What computes on x: an mpf names its mpmath context itself, so mpmath is never imported here."""
    return getattr(x, "context", math)


def exp(x):
    """e to the power x.

    >>> exp(1.0), exp(1000.0), exp(-1000.0)
    (2.718281828459045, inf, 0.0)
    """
    if isinstance(x, Dual):
        y = exp(x.value)
        return Dual(y, y * x.derivative)
    try:
        return _library(x).exp(x)
    except OverflowError:
        return math.inf


def log(x):
    """The natural logarithm; nan below 0.

    >>> log(1.0), log(0.0), log(-1.0)
    (0.0, -inf, nan)
    """
    if isinstance(x, Dual):
        return Dual(log(x.value), divide(x.derivative, x.value))
    if x == 0:
        return -math.inf
    return math.nan if x < 0 else _library(x).log(x)


def sqrt(x):
    """The square root; nan below 0.

    >>> sqrt(4.0), sqrt(Dual(4.0, 1.0))
    (2.0, Dual(2.0, 0.25))
    """
    if isinstance(x, Dual):
        y = sqrt(x.value)
        return Dual(y, divide(x.derivative, 2 * y))
    return math.nan if x < 0 else _library(x).sqrt(x)


def tanh(x):
    """The hyperbolic tangent.

    >>> tanh(0.0), tanh(1000.0), tanh(Dual(0.0, 1.0))
    (0.0, 1.0, Dual(0.0, 1.0))
    """
    if isinstance(x, Dual):
        y = tanh(x.value)
        return Dual(y, (1 - y * y) * x.derivative)
    return _library(x).tanh(x)


def divide(x, y):
    """x / y where y may be 0: what Python raises for, IEEE 754 calls inf or nan.

    >>> divide(1.0, 4.0), divide(1.0, 0.0), divide(1.0, -0.0), divide(0.0, 0.0)
    (0.25, inf, -inf, nan)
    """
    try:
        return x / y
    except ZeroDivisionError:
        return x * math.copysign(math.inf, y)


class Dual:
    """A number and its derivative: value + derivative * e, where e * e = 0.

    Compute with Dual(x, 1) instead of x, and every result brings its derivative by x along. The two parts may
    be Duals themselves: Dual(Dual(x, 1), 1) brings the second derivative by x, and so on. (Only by one x: a
    Dual for x and one for y in the same formula would mix their derivatives up.)

    >>> x = Dual(3.0, 1.0)
    >>> x * x + 1
    Dual(10.0, 6.0)
    >>> x**3 / x - 5, abs(-x), x > 2
    (Dual(4.0, 6.0), Dual(3.0, 1.0), True)

    At its corner, abs has slope 0.

    >>> abs(Dual(0.0, 1.0))
    Dual(0.0, 0.0)
    """

    def __init__(self, value, derivative=0):
        self.value = value
        self.derivative = derivative

    def __repr__(self):
        return f"Dual({self.value}, {self.derivative})"

    def __add__(self, other):
        other = _dual(other)
        return Dual(self.value + other.value, self.derivative + other.derivative)

    def __mul__(self, other):
        other = _dual(other)
        return Dual(self.value * other.value, self.derivative * other.value + self.value * other.derivative)

    def __truediv__(self, other):
        other = _dual(other)
        quotient = divide(self.value, other.value)
        return Dual(quotient, divide(self.derivative - quotient * other.derivative, other.value))

    def __pow__(self, n):
        if isinstance(n, Dual):
            return exp(n * log(self))
        slope = n * self.value ** (n - 1) if n != 0 else 0
        return Dual(self.value**n, slope * self.derivative)

    def __abs__(self):
        if self == 0:
            return self * 0
        return -self if self < 0 else self

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return Dual(-self.value, -self.derivative)

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return _dual(other) / self

    def __rpow__(self, base):
        return (base * self**0) ** self  # self**0 is 1 in the right kind of number: log(2) would be a float

    # Comparisons look at the value alone: an `if` takes the side that a plain number would take.

    def __eq__(self, other):
        return self.value == _dual(other).value

    def __lt__(self, other):
        return self.value < _dual(other).value

    def __le__(self, other):
        return self.value <= _dual(other).value

    def __gt__(self, other):
        return self.value > _dual(other).value

    def __ge__(self, other):
        return self.value >= _dual(other).value


def _dual(x):
    """x itself if it is a Dual; any other number is a constant, with derivative 0."""
    return x if isinstance(x, Dual) else Dual(x, 0)


def derivative(f, x):
    """The derivative of f at x.

    A model gives the right class only p = 0.01. The squared error pushes with slope 2 (p - 1), cross-entropy
    with -1/p, fifty times as hard:

    >>> derivative(lambda p: (p - 1) ** 2, 0.01), derivative(lambda p: -log(p), 0.01)
    (-1.98, -100.0)
    """
    return _dual(f(Dual(x, 1))).derivative


def second_derivative(f, x):
    """The second derivative of f at x.

    >>> second_derivative(lambda x: x**3, 2.0)
    12.0
    """
    return derivative(lambda y: derivative(f, y), x)


def gradient(f, xs):
    """The derivatives of f, a function of a list, by each of its numbers.

    >>> gradient(lambda z: z[0] * z[0] * z[1], [3.0, 5.0])
    [30.0, 9.0]
    """
    return [derivative(_along(f, xs, i), xs[i]) for i in range(len(xs))]


def hessian_diagonal(f, xs):
    """The second derivatives of f, a function of a list, by each of its numbers twice.

    >>> hessian_diagonal(lambda z: z[0] * z[0] * z[1], [3.0, 5.0])
    [10.0, 0.0]
    """
    return [second_derivative(_along(f, xs, i), xs[i]) for i in range(len(xs))]


def _along(f, xs, i):
    """f as a function of its i-th number alone."""
    return lambda x: f([*xs[:i], x, *xs[i + 1 :]])
