"""The kinds of number a reference runs on: float, mpmath.mpf and Dual.

Python's operators know all three; exp, log, divide, power, lgamma, sin and their like come from here and look at
what they are given. Like IEEE 754, and unlike Python, they never raise: exp(1000.0) is inf, log(0.0) is -inf.
(Squares are written r * r, because Python's r**2 raises when it overflows.)
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


def power(x, y):
    """x to the power y, for x >= 0 or an integer y; nan elsewhere. Both may be Duals.

    >>> power(2.0, 10.0), power(0.0, 0.5), power(0.0, -1.0), power(0.0, 0.0), power(1e200, 2.0), power(-1.0, 0.5)
    (1024.0, 0.0, inf, 1.0, inf, nan)
    >>> power(Dual(3.0, 1.0), 2.0), power(2.0, Dual(0.0, 1.0))  # slopes y x^(y-1) and x^y log x
    (Dual(9.0, 6.0), Dual(1.0, 0.6931471805599453))
    """
    if isinstance(x, Dual) or isinstance(y, Dual):
        base, exponent = _dual(x), _dual(y)
        value, slope = power(base.value, exponent.value), 0
        if isinstance(x, Dual) and (isinstance(exponent.value, Dual) or exponent.value != 0):
            slope = exponent.value * power(base.value, exponent.value - 1) * base.derivative
        if isinstance(y, Dual) and not (base.value == 0 and exponent.value > 0):
            slope = slope + value * log(base.value) * exponent.derivative
        return Dual(value, slope)
    if y == 0:
        return exp(y)
    try:
        z = x if x == 1 else x.context.power(x, y) if hasattr(x, "context") else x**y
    except OverflowError:
        return math.inf
    except ZeroDivisionError:
        return math.inf
    return z if z.imag == 0 or z != z else math.nan


def lgamma(x):
    """The logarithm of the gamma function, which at n is (n - 1)!; nan below 0.

    >>> lgamma(0.0), lgamma(1.0), lgamma(2.0), round(exp(lgamma(5.0)), 12)
    (inf, 0.0, 0.0, 24.0)
    """
    if isinstance(x, Dual):
        return Dual(lgamma(x.value), digamma(x.value) * x.derivative)
    if x == 0:
        return math.inf
    if x < 0:
        return math.nan
    try:
        return x.context.loggamma(x) if hasattr(x, "context") else math.lgamma(x)
    except OverflowError:
        return math.inf


def digamma(x):
    """The derivative of lgamma; nan below 0. At 1 it is minus Euler's constant.

    >>> digamma(0.0), round(digamma(1.0), 12), round(digamma(2.0) - digamma(1.0), 12)
    (-inf, -0.577215664902, 1.0)
    """
    return polygamma(0, x)


def trigamma(x):
    """The derivative of digamma; nan below 0. At 1 it is 1 + 1/4 + 1/9 + ... = pi^2 / 6.

    >>> trigamma(0.0), round(trigamma(1.0), 12)
    (inf, 1.644934066848)
    """
    return polygamma(1, x)


def polygamma(n, x):
    """The n-th derivative of digamma; nan below 0.

    For a float, psi(x) = psi(x + 1) - 1/x and its derivatives lead to x >= 10, where Stirling's series holds.

    >>> round(polygamma(2, 1.0), 12)  # -2 (1 + 1/8 + 1/27 + ...)
    -2.404113806319
    """
    if isinstance(x, Dual):
        return Dual(polygamma(n, x.value), polygamma(n + 1, x.value) * x.derivative)
    if x == 0:
        return math.inf if n % 2 else -math.inf
    if x < 0:
        return math.nan
    if hasattr(x, "context"):
        return x.context.psi(n, x)
    total = 0.0
    while x < 10:
        total += math.factorial(n) * power(x, -n - 1)
        x += 1
    total += math.factorial(n) * power(x, -n - 1) / 2
    for k, bernoulli in enumerate((1 / 6, 0, -1 / 30, 0, 1 / 42, 0, -1 / 30, 0, 5 / 66, 0, -691 / 2730, 0, 7 / 6), 2):
        total += bernoulli * math.factorial(k + n - 1) / math.factorial(k) * power(x, -n - k)
    total += math.factorial(n - 1) * power(x, -n) if n else -log(x)
    return total if n % 2 else -total


def erf(x):
    """The error function: how likely a normal number of variance 1/2 lies between -x and x.

    >>> erf(0.0), erf(1.0), erf(math.inf), erf(Dual(0.0, 1.0))  # slope 2 / sqrt(pi) e^(-x^2)
    (0.0, 0.8427007929497149, 1.0, Dual(0.0, 1.1283791670955126))
    """
    if isinstance(x, Dual):
        return Dual(erf(x.value), 2 / sqrt(pi(x.value)) * exp(-(x.value * x.value)) * x.derivative)
    return _library(x).erf(x)


def sin(x):
    """The sine; nan at infinity.

    >>> sin(0.0), sin(math.pi / 2), sin(math.inf), sin(Dual(0.0, 1.0))
    (0.0, 1.0, nan, Dual(0.0, 1.0))
    """
    if isinstance(x, Dual):
        return Dual(sin(x.value), cos(x.value) * x.derivative)
    return math.nan if abs(x) == math.inf else _library(x).sin(x)


def cos(x):
    """The cosine; nan at infinity.

    >>> cos(0.0), cos(math.pi), cos(math.inf), cos(Dual(math.pi / 2, 1.0)).derivative
    (1.0, -1.0, nan, -1.0)
    """
    if isinstance(x, Dual):
        return Dual(cos(x.value), -sin(x.value) * x.derivative)
    return math.nan if abs(x) == math.inf else _library(x).cos(x)


def atan(x):
    """The arctangent, between -pi/2 and pi/2.

    >>> atan(0.0), 4 * atan(1.0), atan(Dual(1.0, 1.0)).derivative  # slope 1 / (1 + x^2)
    (0.0, 3.141592653589793, 0.5)
    """
    if isinstance(x, Dual):
        return Dual(atan(x.value), x.derivative / (1 + x.value * x.value))
    return _library(x).atan(x)


def pi(x):
    """The circle's number, with as many digits as x has.

    >>> pi(1.0), pi(Dual(1.0, 1.0))
    (3.141592653589793, 3.141592653589793)
    """
    return pi(x.value) if isinstance(x, Dual) else +_library(x).pi


def log_i0(x):
    """The logarithm of the modified Bessel function I_0, for x >= 0: what normalises the von Mises distribution.

    >>> log_i0(0.0), round(log_i0(1.0), 12), round(log_i0(1e6), 6), log_i0(math.inf)
    (0.0, 0.235914358507, 999992.173306, inf)
    """
    if isinstance(x, Dual):
        return Dual(log_i0(x.value), bessel_ratio(x.value) * x.derivative)
    if x == math.inf:
        return math.inf
    return log(x.context.besseli(0, x)) if hasattr(x, "context") else log(_bessel(0, x)) + x


def bessel_ratio(x):
    """I_1 / I_0, the derivative of log_i0, for x >= 0: how concentrated the von Mises distribution is, from 0 to 1.

    >>> bessel_ratio(0.0), round(bessel_ratio(1.0), 12), bessel_ratio(math.inf)
    (0.0, 0.446389965897, 1.0)
    >>> round(bessel_ratio(Dual(1.0, 1.0)).derivative, 12)  # 1 - r^2 - r / x
    0.35434603245
    """
    if isinstance(x, Dual):
        r = bessel_ratio(x.value)
        return Dual(r, (0.5 if x == 0 else 1 - r * r - r / x.value) * x.derivative)
    if x == math.inf:
        return 1.0
    if hasattr(x, "context"):
        return x.context.besseli(1, x) / x.context.besseli(0, x)
    return _bessel(1, x) / _bessel(0, x)


def _bessel(n, x):
    """e^-x I_n(x) of a float, by the power series in x^2 / 4, or for large x by Hankel's series in 1/x."""
    scale, term = (exp(-x), (x / 2) ** n) if x < 20 else (1 / sqrt(2 * math.pi) / sqrt(x), 1.0)
    total, k = 0.0, 0
    while abs(term) > 1e-17 * total:
        total += term
        k += 1
        term *= x * x / 4 / k / (k + n) if x < 20 else ((2 * k - 1) ** 2 - 4 * n * n) / k / x / 8
    return scale * total


def stop_gradient(x):
    """x as a constant: the number without its derivative.

    >>> x = Dual(3.0, 1.0)
    >>> stop_gradient(x) * x
    Dual(9.0, 3.0)
    """
    return stop_gradient(x.value) if isinstance(x, Dual) else x


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
        if not isinstance(other, Dual):  # not 0 * self.value, which is nan at infinity
            return Dual(self.value * other, self.derivative * other)
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
    [10.0, 0]
    """
    return [second_derivative(_along(f, xs, i), xs[i]) for i in range(len(xs))]


def _along(f, xs, i):
    """f as a function of its i-th number alone."""
    return lambda x: f([*xs[:i], x, *xs[i + 1 :]])
