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

pytestmark = pytest.mark.skipif(np.finfo(WIDE).nmant < 63, reason="long double is double here: no finer oracle")


def stated(function: str, dtype: str) -> float:
    """The worst error that the comment above a function of vecmath.h states."""
    comment = HEADER.read_text().split(f"static inline float vm_{function}_f32")[0].rpartition("/*")[2]
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


def test_log1p_float32_from_0_to_the_largest():
    """Every 7th number of the 1.3 thousand million from 2^-26, below which log1p(x) is x."""
    check(max(log1p_error(x) for x in float32_numbers(2**-26, np.inf, 7)), "log1p", "float32")


def test_log1p_float64_over_a_million():
    check(log1p_error(log_spaced(1e-300, 1.7e308)), "log1p", "float64")


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
    elementary.log1p(np.array([np.inf, np.nan, 0], dtype), result)
    np.testing.assert_array_equal(result, [np.inf, np.nan, 0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_power_of_two_is_taken_off_exactly(dtype):
    """exp_scaled(x, k) is exp(x) / 2^k, the same digits whatever k."""
    x = np.linspace(-40, 40, 1001, dtype=dtype)
    more, less, unused = np.empty_like(x), np.empty_like(x), np.empty_like(x)
    elementary.exp_scaled(x, 60, more, unused)
    elementary.exp_scaled(x, 45, less, unused)
    np.testing.assert_array_equal(more * dtype(2.0**15), less)
