"""What the tests share: which losses and inputs they go through, and how results are compared."""

import inspect
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fastloss as fl

from .inputs import DTYPES, domains_of, lists_of_labels, plain, seeded, within

LOSSES = [loss for loss in fl.LOSSES.values() if loss.shape in ("pointwise", "rows")]
ROOTS = [loss for loss in fl.LOSSES.values() if loss.shape == "root"]  # one number for all elements: test_roots.py
POINTWISE = [loss for loss in LOSSES if loss.shape == "pointwise"]
ROWS = [loss for loss in LOSSES if loss.shape == "rows"]
LABELLED = [loss for loss in ROWS if loss.target.startswith("labels")]  # one for each row
SHARED = [loss for loss in LABELLED if loss.target == "labels or shares"]
LINEAR = [loss for loss in fl.LOSSES.values() if loss.shape == "linear"]  # logits of a product: test_linear.py
TOKENS = [loss for loss in fl.LOSSES.values() if loss.shape == "tokens"]  # rows of sequences: test_language.py
WIDE = 20  # the bounds of a domain that lie further apart are where a float ends, not where numbers are
FUNCTIONS = [fl.softmax, fl.log_softmax, fl.logsumexp]
# the functions of the modules that are no losses
TOOLS = [
    getattr(fl, name)
    for module in (fl.calibration, fl.language, fl.metrics, fl.weights)
    for name in module.__all__
    if inspect.isfunction(getattr(fl, name))
]


def named(value: Any) -> str | None:
    return getattr(value, "name", None) or getattr(value, "__name__", None)


each_loss = pytest.mark.parametrize("loss", LOSSES, ids=named)
each_pointwise = pytest.mark.parametrize("loss", POINTWISE, ids=named)
each_rows = pytest.mark.parametrize("loss", ROWS, ids=named)
each_labelled = pytest.mark.parametrize("loss", LABELLED, ids=named)
each_shared = pytest.mark.parametrize("loss", SHARED, ids=named)
each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=named)
each_dtype = pytest.mark.parametrize("dtype", DTYPES, ids=str)
each_half_dtype = pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)  # storage only: computed in float32
each_computed_dtype = pytest.mark.parametrize("dtype", DTYPES[2:], ids=str)

# A loss with each kind of target it takes: labels or shares of every class for rows, numbers for the others.
ROW_FORMS = [(loss, soft) for loss in ROWS for soft in (False, True)[: 1 + (loss in SHARED)]]
FORMS = [(loss, False) for loss in POINTWISE] + ROW_FORMS


def over_forms(forms: list[tuple[fl.Loss, bool]]) -> pytest.MarkDecorator:
    ids = [loss.name + "-shares" * soft for loss, soft in forms]
    return pytest.mark.parametrize(("loss", "soft"), forms, ids=ids)


each_form, each_row_form = over_forms(FORMS), over_forms(ROW_FORMS)
each_labelled_form = over_forms([(loss, soft) for loss, soft in ROW_FORMS if loss in LABELLED])
each_one_gradient = over_forms([(loss, soft) for loss, soft in FORMS if len(loss.grads) == 1])


def sample(
    loss: fl.Loss,
    shape: Any = 7,
    dtype: Any = np.float32,
    soft: bool = False,
    classes: int = 5,
    words: Mapping[str, Any] = {},
) -> tuple[np.ndarray, ...]:
    """Ordinary predictions and targets: elements of the shape, or rows of it, in the domains for these words."""
    rng = seeded(loss.name, shape, soft, classes)
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if loss.shape == "rows":
        return ordinary_rows(rng, loss, shape, np.dtype(dtype), soft, classes, words)
    arrays = []
    for domain in domains_of(loss, words):
        drawn = 3 * rng.standard_normal(shape)
        if domain.ends:
            drawn = np.where(rng.random(shape) < 0.5, domain.low, domain.high)
        elif WIDE < domain.high - domain.low < np.inf:
            drawn = rng.uniform(-1.5, 1.5, shape)
        else:
            if np.isfinite(domain.low):
                drawn = domain.low + abs(drawn)
            # a prediction of exactly 0 or 1 may be infinitely wrong
            if np.isfinite(domain.high) and (domain.high_open or not arrays):
                drawn = domain.low + (domain.high - domain.low) * rng.uniform(0.01, 0.99, shape)
            elif np.isfinite(domain.high):
                drawn = np.where(rng.random(shape) < 0.5, domain.high, np.minimum(drawn, domain.high))
        drawn = drawn.astype(dtype)
        # half precision may round to an open end
        arrays.append(np.where(within(domain, drawn), drawn, np.asarray(plain(domain), dtype)))
        assert within(domain, arrays[-1]).all()
    return tuple(arrays)


def ordinary_rows(
    rng: np.random.Generator, loss: fl.Loss, shape: Any, dtype: np.dtype, soft: bool, classes: int, words: Any
) -> tuple[np.ndarray, ...]:
    arrays = []
    for domain in domains_of(loss, words)[: len(loss.inputs) - bool(loss.target)]:
        if domain.high == 1:  # probabilities
            drawn = rng.dirichlet(np.ones(classes), shape)
        elif domain.high == 0:  # logarithms of probabilities
            drawn = np.log(np.maximum(rng.dirichlet(np.ones(classes), shape), 1e-6))
        else:
            drawn = 3 * rng.standard_normal((*shape, classes))
            drawn = abs(drawn) if domain.low == 0 else drawn
        arrays.append(np.minimum(drawn, domain.high).astype(dtype))
    if loss.target == "lists of labels":
        arrays.append(lists_of_labels(rng, shape, classes))
    elif loss.target:
        target = rng.dirichlet(np.ones(classes), shape) if soft else rng.integers(0, classes, shape)
        arrays.append(target.astype(dtype if soft else np.int64))
    return tuple(arrays)


def layouts(array: np.ndarray) -> list[np.ndarray]:
    """The same numbers strided, in Fortran's order, in the other byte order, read-only."""
    wide = np.zeros([2 * n for n in array.shape], array.dtype)
    strided = wide[tuple(slice(None, None, 2) for _ in array.shape)]
    strided[...] = array
    fixed = array.copy()
    fixed.flags.writeable = False
    return [strided, np.asfortranarray(array), array.astype(array.dtype.newbyteorder()), fixed]


def losses_shape(loss: fl.Loss, inputs: tuple[np.ndarray, ...]) -> tuple[int, ...]:
    """The shape of what a weight belongs to."""
    return inputs[0].shape[:-1] if loss.shape == "rows" else inputs[0].shape


def several(derivatives: Any) -> tuple[np.ndarray, ...]:
    """The derivatives by each differentiable input: one of a kind is a plain array."""
    return derivatives if isinstance(derivatives, tuple) else (derivatives,)


def value_and_grad(loss: fl.Loss, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """The loss and its gradient; gradients by several inputs are stacked along a last axis, as of the classes of a
    row."""
    value, gradient = loss.value_and_grad(*args, **kwargs)
    return value, stacked(gradient)


def grad_hess(loss: fl.Loss, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
    """Gradient and Hessian of the sum, stacked likewise. A loss without a Hessian gives its gradient for both."""
    if not loss.hessian:
        if isinstance(kwargs.get("out"), tuple):
            kwargs["out"] = kwargs["out"][0]
        slope = value_and_grad(loss, *args, **{**kwargs, "reduction": "sum"})[1]
        return slope, slope
    slope, curvature = loss.grad_hess(*args, **kwargs)
    return stacked(slope), stacked(curvature)


def stacked(derivatives: Any) -> Any:
    return np.stack(derivatives, axis=-1) if isinstance(derivatives, tuple) else derivatives


def like_gradient(loss: fl.Loss, array: np.ndarray) -> np.ndarray:
    """What belongs to elements or rows, with the last axis of a gradient that has one."""
    array = array[..., None] if loss.shape == "rows" else array
    return array[..., None] if len(loss.grads) > 1 else array


def everything(loss: fl.Loss, *args: Any, **kwargs: Any) -> dict[str, np.ndarray]:
    """All that can be asked of a loss, by name."""
    mean, gradient = loss.value_and_grad(*args, **kwargs)
    results = {"losses": loss(*args, **kwargs, reduction="none"), "mean": np.asarray(mean)}
    kinds = {"gradient of the mean": gradient}
    if loss.hessian:
        kinds["gradient of the sum"], kinds["Hessian"] = loss.grad_hess(*args, **kwargs)
    else:
        kinds["gradient of the sum"] = loss.value_and_grad(*args, **kwargs, reduction="sum")[1]
    for kind, found in kinds.items():
        for k, array in enumerate(several(found)):
            results[f"{kind} by input {k}" if k else kind] = array
    return results


def assert_same(actual: Any, expected: Any, what: str = "result") -> None:
    """Bitwise equal, dtypes and shapes included; any NaN equals any other."""
    if isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for name in expected:
            assert_same(actual[name], expected[name], f"{what}: {name}")
        return
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.dtype == expected.dtype, f"{what} has dtype {actual.dtype}, not {expected.dtype}"
    assert actual.shape == expected.shape, f"{what} has shape {actual.shape}, not {expected.shape}"
    bits = np.dtype(f"u{actual.dtype.itemsize}")
    x, y = np.ascontiguousarray(actual), np.ascontiguousarray(expected)
    different = np.atleast_1d((x.view(bits) != y.view(bits)) & ~(np.isnan(x) & np.isnan(y)))
    if different.any():
        place = tuple(int(i) for i in np.argwhere(different)[0])
        a, b = np.atleast_1d(actual)[place], np.atleast_1d(expected)[place]
        pytest.fail(f"{what}: {different.sum()} of {different.size} differ, first at {place}: {a!r}, not {b!r}")


def ulps_apart(actual: Any, expected: Any) -> float:
    """The largest distance of two arrays of one dtype, in ULPs of the second."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    step = np.spacing(np.maximum(abs(expected), np.finfo(expected.dtype).tiny))
    return float(np.max(abs(actual.astype(np.float64) - expected.astype(np.float64)) / step, initial=0))


def run_python(code: str, timeout: float = 120, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", inspect.cleandoc(code)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        cwd=Path(__file__).parent.parent,
        env={**os.environ, **environment},
    )


def output_of(code: str, **environment: str) -> str:
    """What code prints in a process of its own, which must end well."""
    process = run_python(code, **environment)
    assert process.returncode == 0, process.stderr
    return process.stdout.strip()


def shown_by(command: list[str]) -> str:
    """What somebody at a terminal sees of a command, which must end well."""
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # how Linux says that the other end is closed
                break
            if not piece:
                break
            shown += piece
    os.close(ours)
    assert process.returncode == 0
    return shown.decode()
