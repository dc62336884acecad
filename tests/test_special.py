"""The special functions of the kernels: the worst errors that special.h states, measured again against mpmath."""

import re
from collections.abc import Callable
from pathlib import Path

import mpmath
import numpy as np
import pytest

import fastloss
from fastloss.kernels import family

from .inputs import seeded
from .oracle import context, ulp_errors

special = family("special")
HEADER = Path(fastloss.__file__).parent / "kernels" / "special.h"
POINTS = 600  # of each kind
INF, NAN = np.inf, np.nan
LARGEST = np.finfo(np.float64).max


def check(worst: float, function: str) -> None:
    """The error that the comment above a function states, found with many more points, holds and is not stale."""
    text = HEADER.read_text()
    comment = text[: text.index(f"double sp_{function}(")].rpartition("/*")[2]
    stated = float(re.search(r"Worst error: ([0-9.]+) ULP", " ".join(comment.split()))[1])
    assert stated / 2 < worst <= stated < 2


def log_spaced(random: np.random.Generator, low: float, high: float, points: int = POINTS) -> np.ndarray:
    return 10 ** random.uniform(np.log10(low), np.log10(high), points)


def around(random: np.random.Generator, *centres: float) -> np.ndarray:
    """Numbers to both sides of some, at all distances from an ulp to a third."""
    signs = random.choice([-1, 1], (len(centres), POINTS))
    return np.concatenate([*(np.array(centres)[:, None] * (1 + signs * log_spaced(random, 1e-16, 0.3))), centres])


def positive(random: np.random.Generator) -> np.ndarray:
    """Positive numbers: of all sizes, the smallest, and those of size 1."""
    few = 5e-324 * np.arange(1, 9)
    return np.concatenate([log_spaced(random, 1e-320, LARGEST), log_spaced(random, 0.01, 100), few])


def gamma_arguments(random: np.random.Generator) -> np.ndarray:
    """With the zeros of lgamma and digamma and the ends of the ranges that the functions are pieced together of."""
    zeros_and_seams = around(random, 0.5, 1.0, 1.4616321449683623, 1.5, 2.0, 2.5)
    return np.concatenate([positive(random), random.uniform(0, 5, 2 * POINTS), zeros_and_seams])


def angles(random: np.random.Generator) -> np.ndarray:
    """Up to 5e7, with the floats nearest to multiples of pi/2, where a sine or a cosine is nearly 0."""
    quarters = random.integers(1, 63_000, POINTS) * (np.pi / 2)
    sizes = np.concatenate([log_spaced(random, 1e-320, 1e5), log_spaced(random, 1e3, 5e7)])
    return np.concatenate([sizes, random.uniform(0, 10, POINTS), random.uniform(0, 1e5, POINTS), quarters])


def both_signs(random: np.random.Generator, x: np.ndarray) -> np.ndarray:
    return x * random.choice([-1, 1], x.size)


def moderate(random: np.random.Generator) -> np.ndarray:
    """Of both signs, with the seams of erf and atan."""
    seams = around(random, 0.41421356237309503, 1.9, 2.414213562373095)
    return both_signs(random, np.concatenate([positive(random), random.uniform(0, 6, 2 * POINTS), seams]))


def bessel_arguments(random: np.random.Generator) -> np.ndarray:
    """With the ends of the ranges that the functions are pieced together of."""
    return np.concatenate([positive(random), random.uniform(0, 30, 3 * POINTS), around(random, 12.0, 16.0)])


def log_i0(k: mpmath.mpf) -> mpmath.mpf:
    return numbers.log(numbers.besseli(0, k)) if k > 1e-9 else k * k / 4  # 1 + k^2/4 would lose digits


def bessel_ratio(k: mpmath.mpf) -> mpmath.mpf:
    return numbers.besseli(1, k) / numbers.besseli(0, k)


def bessel_ratio_slope(k: mpmath.mpf) -> mpmath.mpf:
    """From k = 1e9 on 1 - ratio^2 - ratio/k would lose digits."""
    ratio = bessel_ratio(k)
    return 1 - ratio * ratio - ratio / k if k < 1e9 else 1 / (2 * k * k) + 1 / (4 * k * k * k)


numbers = context(60)
ONE_ARGUMENT: dict[str, tuple[Callable, Callable]] = {
    "lgamma": (numbers.loggamma, gamma_arguments),
    "digamma": (lambda x: numbers.psi(0, x), gamma_arguments),
    "trigamma": (lambda x: numbers.psi(1, x), gamma_arguments),
    "erf": (numbers.erf, moderate),
    "atan": (numbers.atan, moderate),
    "sin": (numbers.sin, lambda random: both_signs(random, angles(random))),
    "cos": (numbers.cos, lambda random: both_signs(random, angles(random))),
    "log_i0": (log_i0, bessel_arguments),
    "bessel_ratio": (bessel_ratio, bessel_arguments),
    "bessel_ratio_slope": (bessel_ratio_slope, bessel_arguments),
}


def evaluate(function: str, *arguments: np.ndarray) -> np.ndarray:
    result = np.empty_like(arguments[0])
    getattr(special, function)(*arguments, result)
    return result


@pytest.mark.parametrize("function", ONE_ARGUMENT)
def test_the_stated_error(function: str) -> None:
    exact, points = ONE_ARGUMENT[function]
    x = points(seeded(function))
    true = np.array([exact(numbers.mpf(number)) for number in x.tolist()], dtype=object)
    comment = "turned_sine" if function in ("sin", "cos") else function
    check(ulp_errors(evaluate(function, x), true).max(), comment)


def pairs(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """x and d of moderate size: any, halves and integers, x + d nearly 0, and d far smaller than x."""
    sizes, spread, shares = log_spaced(random, 1e-5, 1e5), random.uniform(0, 5, POINTS), random.uniform(0, 1, POINTS)
    small = both_signs(random, log_spaced(random, 1e-12, 0.1))
    columns = [
        (sizes, log_spaced(random, 1e-5, 1e5)),
        (sizes, np.full(POINTS, 0.5)),
        (sizes, random.integers(1, 100, POINTS).astype(float)),
        (spread, random.uniform(0, 5, POINTS)),
        (spread, -spread * shares),
        (random.uniform(1.9, 2.1, POINTS), random.uniform(-0.2, 0.2, POINTS)),
        (sizes, sizes * small),
    ]
    return tuple(np.concatenate(column) for column in zip(*columns, strict=True))


def extreme_pairs(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """x or d is huge or tiny, or denormal."""
    few = POINTS // 12
    sizes, tiny = log_spaced(random, 1e-320, 1e308, few), log_spaced(random, 1e-323, 1e-250, few)
    columns = [
        (sizes, log_spaced(random, 1e-320, 1e308, few)),
        (sizes, np.full(few, 0.5)),
        (sizes, -sizes * random.uniform(0, 1, few)),
        (tiny, tiny * log_spaced(random, 1e-10, 1e10, few)),
        (tiny, log_spaced(random, 1e-320, 1e5, few)),
        (random.uniform(0, 5, few), both_signs(random, tiny)),
        (log_spaced(random, 1e10, 1e300, few), random.uniform(-5, 5, few)),
    ]
    x, d = (np.concatenate(column) for column in zip(*columns, strict=True))
    inside = (x > 0) & (x + d > 0) & (d != 0)
    return x[inside], d[inside]


TWO_ARGUMENTS: dict[str, Callable] = {
    "lgamma_difference": lambda x: x.context.loggamma(x),
    "digamma_difference": lambda x: x.context.psi(0, x),
    "trigamma_difference": lambda x: x.context.psi(1, x),
}


@pytest.mark.parametrize("function", TWO_ARGUMENTS)
def test_the_stated_error_of_differences(function: str) -> None:
    """Where lgamma is about the same on both sides of its minimum, ULP are those of d / 32."""
    exact, worst = TWO_ARGUMENTS[function], 0.0
    for (x, d), digits in ((pairs(seeded(function)), 60), (extreme_pairs(seeded(function)), 700)):
        mpf = context(digits).mpf
        true = [exact(mpf(a) + mpf(b)) - exact(mpf(a)) for a, b in zip(x.tolist(), d.tolist(), strict=True)]
        errors = ulp_errors(evaluate(function, x, d), np.array(true, dtype=object))
        if function == "lgamma_difference":
            errors *= [float(min(1, abs(32 * t / b))) for t, b in zip(true, d.tolist(), strict=True)]
        worst = max(worst, errors.max())
    check(worst, function)


@pytest.mark.parametrize("function", TWO_ARGUMENTS)
def test_no_difference_is_none(function: str) -> None:
    x = positive(seeded(function))
    np.testing.assert_array_equal(evaluate(function, x, np.zeros_like(x)), 0)


@pytest.mark.parametrize("function", TWO_ARGUMENTS)
def test_differences_from_the_other_side(function: str) -> None:
    """f(y) - f(x) is -(f(x) - f(y)), to rounding, where y - x is exact."""
    x = seeded(function).uniform(1, 4, POINTS)
    y = x + seeded(function).integers(-15, 60, POINTS) / 32
    forth, back = evaluate(function, x, y - x), evaluate(function, y, x - y)
    clear = np.abs(forth) > 0.01 * np.abs(y - x)
    np.testing.assert_array_almost_equal_nulp(forth[clear], -back[clear], nulp=4)


def test_factorials() -> None:
    """e^lgamma_difference(1, n) is n!: of n factors, all of which the recurrence gives."""
    n = np.arange(1.0, 18.0)
    np.testing.assert_allclose(np.exp(evaluate("lgamma_difference", np.ones_like(n), n)), np.cumprod(n), rtol=1e-14)
    np.testing.assert_array_equal(evaluate("lgamma", np.array([1.0, 2.0])), 0)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        ("lgamma", [-INF, -1, -0.0, 0, 1e306, INF, NAN], [NAN, NAN, INF, INF, INF, INF, NAN]),
        ("digamma", [-INF, -1, -0.0, 0, 1e-309, INF, NAN], [NAN, NAN, -INF, -INF, -INF, INF, NAN]),
        ("trigamma", [-INF, -1, -0.0, 0, 1e-155, INF, NAN], [NAN, NAN, INF, INF, INF, 0, NAN]),
        ("erf", [-INF, -6, -0.0, 0, 5e-324, INF, NAN], [-1, -1, -0.0, 0, 5e-324, 1, NAN]),
        ("atan", [-INF, -0.0, 0, 5e-324, 1, INF, NAN], [-np.pi / 2, -0.0, 0, 5e-324, np.pi / 4, np.pi / 2, NAN]),
        ("sin", [-INF, -0.0, 0, 5e-324, 5.1e7, INF, NAN], [NAN, -0.0, 0, 5e-324, NAN, NAN, NAN]),
        ("cos", [-INF, -0.0, 0, 5e-324, 5.1e7, INF, NAN], [NAN, 1, 1, 1, NAN, NAN, NAN]),
        ("log_i0", [-1, 0, 1e-170, LARGEST, INF, NAN], [NAN, 0, 0, LARGEST, INF, NAN]),
        ("bessel_ratio", [-1, 0, 1e-320, 1e17, INF, NAN], [NAN, 0, 5e-321, 1, 1, NAN]),
        ("bessel_ratio_slope", [-1, 0, 1e-320, 1e170, INF, NAN], [NAN, 0.5, 0.5, 0, 0, NAN]),
    ],
)
def test_the_ends_of_the_range(function: str, x: list[float], expected: list[float]) -> None:
    result = evaluate(function, np.array(x, dtype=np.float64))
    np.testing.assert_array_equal(result, expected)
    if function in ("erf", "atan", "sin"):
        np.testing.assert_array_equal(np.copysign(1, result)[:-1], np.copysign(1, expected)[:-1])


@pytest.mark.parametrize(
    ("function", "cases"),
    [
        ("lgamma_difference", [(0, 1, -INF), (1, -1, INF), (INF, 1, INF), (1, INF, INF), (1e308, 1, 1e308)]),
        ("digamma_difference", [(0, 1, INF), (1, -1, -INF), (INF, 1, 0)]),
        ("trigamma_difference", [(0, 1, -INF), (1, -1, INF), (INF, 1, 0)]),
    ],
)
def test_the_ends_of_differences(function: str, cases: list[tuple[float, float, float]]) -> None:
    nothing = [(1, NAN, NAN), (NAN, 1, NAN), (NAN, 0, NAN), (-1, 3, NAN), (1, -2, NAN)]
    x, d, expected = np.array([*cases, *nothing], dtype=np.float64).T
    if function == "lgamma_difference":
        expected[4] = float(mpmath.log(1e308))
    np.testing.assert_array_equal(evaluate(function, x.copy(), d.copy()), expected)
