"""The elementary functions of the kernels: the worst errors that vecmath.h states, measured again."""

import re
from pathlib import Path

import mpmath
import numpy as np
import pytest

import fastloss
from fastloss.kernels import family

elementary = family("elementary")
HEADER = Path(fastloss.__file__).parent / "kernels" / "vecmath.h"
POINTS = 1_000_000
WIDE = np.longdouble  # 64 bits of mantissa: an error of 2^-12 ULP beside a double

INF, NAN = np.inf, np.nan

pytestmark = pytest.mark.skipif(np.finfo(WIDE).nmant < 63, reason="long double is double here: no finer oracle")


def stated(function: str, dtype: str) -> float:
    """The worst error that the comment above a function of vecmath.h states."""
    first = re.search(rf"VM_INLINE (float|double) vm_{function}_f(32|64)\(", HEADER.read_text())
    comment = first.string[: first.start()].rpartition("/*")[2]
    return float(re.search(rf"{dtype} ([0-9.]+) ULP", " ".join(comment.split()))[1])


def worst_ulp(result, true):
    """The largest error in units in the last place of the true value."""
    spacing = np.spacing(np.abs(true.astype(result.dtype))).astype(WIDE)
    return float((np.abs(result.astype(WIDE) - true) / spacing).max())


def float32_numbers(low, high, step):
    """Every step-th float32 number from low to high, both at least 0, in pieces."""
    first, last = (int(np.float32(x).view(np.uint32)) for x in (low, high))
    for start in range(first, last, step << 22):
        yield np.arange(start, min(start + (step << 22), last), step, dtype=np.uint32).view(np.float32)


def log_spaced(low, high):
    """A million log-spaced float64 numbers, and another million spread evenly where the functions bend."""
    random = np.random.default_rng(0)
    spread = 10 ** random.uniform(np.log10(low), np.log10(high), POINTS)
    return np.concatenate([spread, random.uniform(0, 3, POINTS // 2), random.uniform(0, min(high, 745), POINTS // 2)])


def exp_errors(x):
    """The worst errors of e^-x and e^-x - 1."""
    result, expm1 = np.empty_like(x), np.empty_like(x)
    elementary.exp_scaled(-x, 0, result, expm1)
    wide = -x.astype(WIDE if x.dtype == np.float64 else np.float64)
    return worst_ulp(result, np.exp(wide)), worst_ulp(expm1, np.expm1(wide))


def log1p_error(x, log1p=elementary.log1p):
    result = np.empty_like(x)
    log1p(x, result)
    return worst_ulp(result, np.log1p(x.astype(WIDE if x.dtype == np.float64 else np.float64)))


def check(worst, function, dtype):
    """The stated error holds, and is not stale: no more than 0.15 ULP above what this instruction set shows."""
    assert worst <= stated(function, dtype)
    assert worst > stated(function, dtype) - 0.15


def test_long_double_is_a_fine_enough_oracle():
    """The oracle of the float64 measurements agrees with mpmath to 1/100 ULP."""
    for x in log_spaced(1e-17, 700)[:: POINTS // 50]:
        with mpmath.workprec(200):
            true = mpmath.exp(-mpmath.mpf(float(x)))
            wide = np.exp(-WIDE(x))
            high = float(wide)
            error = abs(mpmath.mpf(high) + mpmath.mpf(float(wide - WIDE(high))) - true)
            assert error < mpmath.mpf(float(np.spacing(high))) / 100


def test_exp_float32_from_1_to_underflow():
    """Every 3rd number of the 270 million from 2^-26, below which exp is 1, to 104, above which it is 0."""
    check(max(exp_errors(x)[0] for x in float32_numbers(2**-26, 104, 3)), "exp_scaled", "float32")


def test_exp_float64_over_a_million():
    check(exp_errors(log_spaced(1e-17, 745))[0], "exp_scaled", "float64")


def test_expm1_keeps_its_digits_near_0():
    """Less than 2 ULP, where exp(x) - 1 has none left."""
    assert max(exp_errors(x)[1] for x in float32_numbers(1e-37, 104, 61)) < 2
    assert exp_errors(log_spaced(1e-290, 745))[1] < 2


def test_log1p_from_0_to_1():
    """Every 3rd float32 number; float64."""
    worst = max(log1p_error(x, elementary.log1p_unit) for x in float32_numbers(2**-26, 1, 3))
    check(worst, "log1p_unit", "float32")
    x = log_spaced(1e-300, 1)
    check(log1p_error(x[x <= 1], elementary.log1p_unit), "log1p_unit", "float64")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_infinity_and_nan_pass(dtype):
    x = np.array([-np.inf, np.nan, 0], dtype)
    result, expm1 = np.empty_like(x), np.empty_like(x)
    elementary.exp_scaled(x, 0, result, expm1)
    np.testing.assert_array_equal(result, [0, np.nan, 1])
    np.testing.assert_array_equal(expm1, [-1, np.nan, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_power_of_two_is_taken_off_exactly(dtype):
    """exp_scaled(x, k) is exp(x) / 2^k, the same digits whatever k."""
    x = np.linspace(-40, 40, 1001, dtype=dtype)
    more, less, unused = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    elementary.exp_scaled(x, 60, more, unused)
    elementary.exp_scaled(x, 45, less, unused)
    np.testing.assert_array_equal(more * dtype(2.0**15), less)


def both_signs(x):
    return np.concatenate([x, -x])


def float64_numbers(low, high):
    """float64 numbers from low to high: half of them log-spaced from the smallest, half spread evenly."""
    random = np.random.default_rng(1)
    largest = max(-low, high)
    x = both_signs(10 ** random.uniform(-323, np.log10(largest), POINTS))
    near = random.uniform(max(low, -3), min(high, 3), POINTS)
    x = np.concatenate([x, near, random.uniform(low, high, POINTS) if largest < 1e4 else 1 + near / 8])
    return x[(low < x) & (x < high)]


def errors(function, exact, x):
    """The worst error of a function of one argument."""
    result = np.empty_like(x)
    getattr(elementary, function)(x, result)
    return worst_ulp(result, exact(x.astype(WIDE if x.dtype == np.float64 else np.float64)))


# from where to where, for float32 and float64: what is beyond is 0 or inf, and tested below
ONE_ARGUMENT = {
    "exp": (np.exp, (-103.97, 88.72), (-745.13, 709.78)),
    "expm1": (np.expm1, (-104, 88.72), (-750, 709.78)),
    "tanh": (np.tanh, (-50, 50), (-50, 50)),
    "log": (np.log, (0, 3.4e38), (0, 1.7e308)),
    "log1p": (np.log1p, (-1, 3.4e38), (-1, 1.7e308)),
}


@pytest.mark.parametrize("function", ONE_ARGUMENT)
def test_float32_over_the_whole_range(function):
    """Every 21st number of both signs."""
    exact, (low, high), _ = ONE_ARGUMENT[function]
    smallest = float(np.finfo(np.float32).smallest_subnormal)
    positive = max(errors(function, exact, x) for x in float32_numbers(smallest, high, 21))
    negative = [errors(function, exact, -x[x < -low]) for x in float32_numbers(smallest, -low, 21)] if low else []
    check(max([positive, *negative]), function, "float32")


@pytest.mark.parametrize("function", ONE_ARGUMENT)
def test_float64_over_the_whole_range(function):
    exact, _, (low, high) = ONE_ARGUMENT[function]
    check(errors(function, exact, float64_numbers(low, high)), function, "float64")


@pytest.mark.parametrize(("function", "exact"), [("exp_wide", np.exp), ("expm1_wide", np.expm1)])
def test_exponentials_of_two_parts(function, exact):
    """The low part up to an ulp of the high part, and up to 1/1000."""
    high = float64_numbers(-745, 709.7)
    random = np.random.default_rng(2).uniform(-1, 1, high.size)
    worst = 0.0
    for low in np.spacing(high) * random, 1e-3 * random:
        usable = np.abs(high) > 2 * np.abs(low)  # else what tells the oracle's error from the kernel's?
        x, x_low, result = high[usable], low[usable], np.empty(usable.sum())
        getattr(elementary, function)(x, x_low, result)
        wide = x.astype(WIDE)
        worst = max(worst, worst_ulp(result, exact(wide) + np.exp(wide) * np.expm1(x_low.astype(WIDE))))
    check(worst, function, "float64")


def test_exponentials_with_a_factor():
    """Factors as small or large as the power of e is large or small: the result is what counts."""
    random = np.random.default_rng(6)
    x = random.uniform(-1400, 1400, POINTS)
    low = np.spacing(x) * random.uniform(-0.5, 0.5, POINTS)
    a = np.exp2(np.clip(random.uniform(-1074, 1023, POINTS) - x / np.log(2), -1074, 1023))
    result = np.empty_like(x)
    elementary.exp_times(a, x, low, result)
    true = a.astype(WIDE) * np.exp(x.astype(WIDE)) * (1 + low.astype(WIDE))
    finite = true < np.finfo(float).max
    check(worst_ulp(result[finite], true[finite]), "exp_times", "float64")
    assert np.isinf(result[~finite]).all()


def test_what_is_left_of_an_exponential():
    """e^x - 1 - x, which near 0 is x^2/2, for x in two parts."""
    x = float64_numbers(-745, 709.7)
    x = np.concatenate([x[np.abs(x) > 1e-150], np.random.default_rng(7).uniform(-1, 1, POINTS)])
    low = np.spacing(x) * np.random.default_rng(8).uniform(-0.5, 0.5, x.size)
    result = np.empty_like(x)
    elementary.exp_tail(x, low, result)
    wide = x.astype(WIDE)
    near = np.abs(x) < 0.75
    term, series = wide[near] ** 2 / 2, 0
    for k in range(3, 30):
        series, term = series + term, term * wide[near] / k
    true = np.expm1(wide) - wide
    true[near] = series
    check(worst_ulp(result, true + np.expm1(wide) * low), "exp_tail", "float64")
    ends = np.array([-INF, -1e300, -0.0, 0, 5e-324, 1e300, INF, NAN])
    result = np.empty_like(ends)
    elementary.exp_tail(ends, np.zeros(8), result)
    np.testing.assert_array_equal(result, [INF, 1e300, 0, 0, 0, INF, INF, NAN])


def quick_error(result, true):
    """The largest relative error, as a power of two."""
    return float(np.log2((np.abs(result.astype(WIDE) - true) / np.abs(true)).max()))


def quick_check(worst, function):
    """As `check`, for the powers of two that the comment above a _quick function states, one for each result."""
    first = re.search(rf"VM_INLINE double vm_{function}_f64\(", HEADER.read_text())
    comment = first.string[: first.start()].rpartition("/*")[2]
    for found, most in zip(worst, re.findall(r"2\^(-[0-9.]+) of", comment.rpartition("Worst")[2]), strict=True):
        assert float(most) - 0.5 < found <= float(most)


def test_quick_exponentials():
    x = float64_numbers(-708, 709)
    wide, result, expm1, tail = x.astype(WIDE), np.empty_like(x), np.empty_like(x), np.empty_like(x)
    elementary.exp_quick(x, result, expm1)
    quick_check([quick_error(result, np.exp(wide)), quick_error(expm1, np.expm1(wide))], "exp_quick")
    elementary.exp_tail_quick(x, tail)
    far = np.abs(x) > 0.01  # nearer to 0 it is the oracle that has no digits
    near = ~far & (np.abs(x) > 1e-100)
    series = (
        wide[near] ** 2 / 2 * (1 + wide[near] / 3 * (1 + wide[near] / 4 * (1 + wide[near] / 5 * (1 + wide[near] / 6))))
    )
    worst = quick_error(tail[far], np.expm1(wide[far]) - wide[far]), quick_error(tail[near], series)
    quick_check([max(worst)], "exp_tail_quick")


@pytest.mark.parametrize(
    ("function", "exact", "low", "high"),
    [
        ("log_quick", np.log, 2.3e-308, 1.7e308),
        ("log1p_quick", np.log1p, -1, 1.7e308),
        ("log1p_unit_quick", np.log1p, 0, 1),
    ],
)
def test_quick_logarithms(function, exact, low, high):
    x = float64_numbers(low, high)
    result = np.empty_like(x)
    getattr(elementary, function)(x, result)
    quick_check([quick_error(result, exact(x.astype(WIDE)))], function)


def test_the_ends_of_the_range_of_quick_functions():
    x = np.array([-INF, -1e300, -0.0, 0, 1e300, INF, NAN])
    result, expm1 = np.empty_like(x), np.empty_like(x)
    elementary.exp_quick(x, result, expm1)
    np.testing.assert_array_equal(result, [0, 0, 1, 1, INF, INF, NAN])
    np.testing.assert_array_equal(expm1, [-1, -1, 0, 0, INF, INF, NAN])
    elementary.exp_tail_quick(x, result)
    np.testing.assert_array_equal(result, [INF, 1e300, 0, 0, INF, INF, NAN])
    x = np.array([-INF, -2, -1, -0.0, 0, INF, NAN])
    result = np.empty_like(x)
    elementary.log_quick(x, result)
    np.testing.assert_array_equal(result, [NAN, NAN, NAN, -INF, -INF, INF, NAN])
    elementary.log1p_quick(x, result)
    np.testing.assert_array_equal(result, [NAN, NAN, -INF, 0, 0, INF, NAN])


@pytest.mark.parametrize(("function", "exact"), [("log_wide", mpmath.log), ("log1p_wide", mpmath.log1p)])
def test_logarithms_in_two_parts(function, exact):
    """high + low is off by at most 2^-64 of the logarithm, or what the smallest number allows; high is rounded once."""
    x = np.random.default_rng(3).permutation(float64_numbers(0 if function == "log_wide" else -1, 1.7e308))[:20_000]
    x = np.concatenate([x, 1 + both_signs(np.logspace(-16, -1, 1000))]) if function == "log_wide" else x
    high, low = np.empty_like(x), np.empty_like(x)
    getattr(elementary, function)(x, high, low)
    np.testing.assert_array_equal(high + low, high)
    with mpmath.workprec(200):
        for number, first, second in zip(x.tolist(), high.tolist(), low.tolist(), strict=True):
            true = exact(mpmath.mpf(number))
            error = abs(mpmath.mpf(first) + mpmath.mpf(second) - true)
            assert error <= max(abs(true) * mpmath.mpf(2) ** -64, mpmath.mpf(2) ** -1074)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_power(dtype):
    """Bases and exponents of all sizes, whose powers fill the range."""
    random = np.random.default_rng(4)
    largest = float(np.log(np.finfo(dtype).max))
    y = both_signs(10 ** random.uniform(-5, 5, POINTS // 2))
    with np.errstate(over="ignore", under="ignore"):
        x = np.exp(random.uniform(-1, 1, y.size) * largest / y).astype(dtype)
    y = y.astype(dtype)
    with np.errstate(all="ignore"):
        true = x.astype(WIDE) ** y.astype(WIDE)
        usable = (x > 0) & np.isfinite(x) & np.isfinite(true.astype(dtype))
    result = np.empty_like(x)
    elementary.power(x, y, result)
    check(worst_ulp(result[usable], true[usable]), "power", np.dtype(dtype).name)


@pytest.mark.parametrize("function", ["two_sum", "two_product", "two_quotient"])
def test_what_is_rounded_off(function):
    """Of sums and products exactly, of quotients to 53 bits."""
    random = np.random.default_rng(5)
    a, b = random.choice([-1, 1], (2, 2000)) * 10 ** random.uniform(-100, 100, (2, 2000))
    b[::2] = a[::2] * random.uniform(-2, 2, 1000)
    high, low = np.empty_like(a), np.empty_like(a)
    getattr(elementary, function)(a, b, high, low)
    plain = {"two_sum": a + b, "two_product": a * b, "two_quotient": a / b}[function]
    np.testing.assert_array_equal(high, plain)
    with mpmath.workprec(2000):
        for x, y, first, second in zip(a.tolist(), b.tolist(), high.tolist(), low.tolist(), strict=True):
            m, n = mpmath.mpf(x), mpmath.mpf(y)
            exact = {"two_sum": m + n, "two_product": m * n, "two_quotient": m / n}[function]
            error = abs(mpmath.mpf(first) + mpmath.mpf(second) - exact)
            assert error <= (abs(exact) * mpmath.mpf(2) ** -105 if function == "two_quotient" else 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        ("exp", [-INF, -1e30, -0.0, 0, 1e30, INF, NAN], [0, 0, 1, 1, INF, INF, NAN]),
        ("expm1", [-INF, -1e30, -0.0, 0, 1e30, INF, NAN], [-1, -1, -0.0, 0, INF, INF, NAN]),
        ("tanh", [-INF, -1e30, -0.0, 0, 1e30, INF, NAN], [-1, -1, -0.0, 0, 1, 1, NAN]),
        ("log", [-INF, -1, -0.0, 0, 1, INF, NAN], [NAN, NAN, -INF, -INF, 0, INF, NAN]),
        ("log1p", [-INF, -2, -1, 0, INF, NAN], [NAN, NAN, -INF, 0, INF, NAN]),
    ],
)
def test_the_ends_of_the_range(dtype, function, x, expected):
    x = np.array(x, dtype)
    result = np.empty_like(x)
    getattr(elementary, function)(x, result)
    np.testing.assert_array_equal(result, expected)
    if function in ("expm1", "tanh"):
        np.testing.assert_array_equal(np.signbit(result), np.signbit(x) & ~np.isnan(x))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("function", ["expm1", "tanh", "log1p"])
def test_the_smallest_numbers_pass(dtype, function):
    x = both_signs(np.arange(9).astype(dtype) * np.finfo(dtype).smallest_subnormal)
    result = np.empty_like(x)
    getattr(elementary, function)(x, result)
    np.testing.assert_array_equal(result, x)


def test_the_ends_of_the_range_in_two_parts():
    """A low part beside an infinite or too large high part does not matter; an infinite logarithm's low part is 0."""
    high = np.array([-INF, -1e300, INF, 1e300, NAN])
    result, low = np.empty_like(high), np.empty_like(high)
    for anything in 0, NAN, INF:
        elementary.exp_wide(high, np.full_like(high, anything), result)
        np.testing.assert_array_equal(result, [0, 0, INF, INF, NAN])
        elementary.expm1_wide(high, np.full_like(high, anything), result)
        np.testing.assert_array_equal(result, [-1, -1, INF, INF, NAN])
    elementary.log_wide(np.array([-1, 0, 1, INF, NAN]), result, low)
    np.testing.assert_array_equal(result, [NAN, -INF, 0, INF, NAN])
    np.testing.assert_array_equal(low, 0)
    elementary.log1p_wide(np.array([-2, -1, 5e-324, INF, NAN]), result, low)
    np.testing.assert_array_equal(result, [NAN, -INF, 5e-324, INF, NAN])
    np.testing.assert_array_equal(low, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_ends_of_powers(dtype):
    cases = [
        *[(0, 0, 1), (0, 0.5, 0), (0, INF, 0), (0, -1, INF), (0, -INF, INF)],
        *[(1, INF, 1), (1, -INF, 1), (1, 1e38, 1), (1, -1e-38, 1)],
        *[(INF, 0, 1), (INF, 2, INF), (INF, INF, INF), (INF, -2, 0)],
        *[(2, INF, INF), (2, -INF, 0), (0.5, INF, 0), (0.5, -INF, INF), (2, 1e5, INF), (0.5, 1e5, 0)],
        *[(NAN, 0, NAN), (NAN, 1, NAN), (1, NAN, NAN), (-1, 2, NAN)],
    ]
    x, y, expected = (np.array(column, dtype) for column in zip(*cases, strict=True))
    result = np.empty_like(x)
    elementary.power(x, y, result)
    np.testing.assert_array_equal(result, expected)
