"""A softmax classifier of handwritten digits, trained with cross-entropy and with squared error."""

import importlib.util
import io
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import fastloss as fl

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

TRAINING_IMAGES = 1437  # of 1797
PIXELS, CLASSES = 64, 10
LOSSES = ("cross-entropy", "squared error")
GOAL = 0.9  # the accuracy that the two losses race for
REQUIREMENTS = {
    "sklearn": "scikit-learn",
    "scipy": "SciPy",
    "rich": "rich",
    "matplotlib": "matplotlib",
    "threadpoolctl": "threadpoolctl",
}

Array = NDArray[Any]
LossAndGradient = Callable[[Array, Array], tuple[float, Array]]


class Digits(NamedTuple):
    """8 x 8 images of handwritten digits as rows of 64 pixels from 0 to 1, in two parts."""

    images: Array
    labels: Array
    held_out_images: Array
    held_out_labels: Array


class Epoch(NamedTuple):
    """What an epoch came to: its mean training loss, and how the held-out images fare after it."""

    loss: float
    accuracy: float
    perplexity: float


class Classifier:
    """Logits that are linear in the pixels."""

    def __init__(self, weights: Array) -> None:
        self.weights = weights.copy()
        self.bias = np.zeros(CLASSES, weights.dtype)

    def logits(self, images: Array) -> Array:
        return images @ self.weights + self.bias

    def step(self, images: Array, labels: Array, loss_and_gradient: LossAndGradient, learning_rate: float) -> float:
        """One step of gradient descent; returns the loss before it."""
        loss, gradient = loss_and_gradient(self.logits(images), labels)
        self.weights -= learning_rate * (images.T @ gradient)
        self.bias -= learning_rate * gradient.sum(axis=0)
        return loss


def cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """Loss and gradient, which takes the place of the logits."""
    loss, gradient = fl.cross_entropy.value_and_grad(logits, labels, out=logits)
    return loss, gradient


def squared_error(logits: Array, labels: Array) -> tuple[float, Array]:
    """Squared distance of the probabilities from the one-hot target, and its gradient by the logits."""
    probabilities = fl.softmax(logits)
    one_hot = np.eye(CLASSES, dtype=logits.dtype)[labels]
    # summed over classes, as cross-entropy is: the mean over them would be an unfair tenth of the step
    loss, slope = fl.mse.value_and_grad(probabilities, one_hot, denominator=len(labels))
    # through the softmax: an image given to the wrong class with certainty has a gradient of almost 0
    return loss, probabilities * (slope - (probabilities * slope).sum(axis=1, keepdims=True))


def numpy_cross_entropy(logits: Array, labels: Array) -> tuple[float, Array]:
    """What one writes without fastloss."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    loss = -np.log(probabilities[rows, labels]).mean()
    probabilities[rows, labels] -= 1
    return float(loss), probabilities / len(labels)


def load(random: np.random.Generator) -> Digits:
    """The digits that come with scikit-learn, shuffled and split."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    order = random.permutation(len(digits.target))
    images = (digits.data[order] / 16).astype(np.float32)
    labels = digits.target[order]
    n = TRAINING_IMAGES
    return Digits(images[:n], labels[:n], images[n:], labels[n:])


def train(
    digits: Digits, epochs: int, batch: int, learning_rate: float, random: np.random.Generator
) -> Iterator[tuple[Epoch, Epoch]]:
    """Train with cross-entropy and with squared error side by side.

    Yields how both do before the first epoch, and after each.
    """
    weights = random.normal(0, PIXELS**-0.5, (PIXELS, CLASSES)).astype(np.float32)
    losses = cross_entropy, squared_error
    classifiers = Classifier(weights), Classifier(weights)
    untrained = _held_out(classifiers[0], digits, np.nan)
    yield untrained, untrained
    for _ in range(epochs):
        totals = [0.0, 0.0]
        order = random.permutation(len(digits.labels))
        for start in range(0, len(order), batch):
            chosen = order[start : start + batch]
            images, labels = digits.images[chosen], digits.labels[chosen]
            for k in range(2):
                totals[k] += classifiers[k].step(images, labels, losses[k], learning_rate) * len(chosen)
        ce, se = (_held_out(classifiers[k], digits, totals[k] / len(order)) for k in range(2))
        yield ce, se


def _held_out(classifier: Classifier, digits: Digits, loss: float) -> Epoch:
    logits = classifier.logits(digits.held_out_images)
    perplexity = np.exp(fl.cross_entropy(logits, digits.held_out_labels))
    return Epoch(loss, accuracy(logits, digits.held_out_labels), float(perplexity))


def accuracy(logits: Array, labels: Array) -> float:
    return float((logits.argmax(axis=1) == labels).mean())


def fit_lbfgs(images: Array, labels: Array, ridge: float = 1e-4) -> "OptimizeResult":
    """Fit weights and bias with SciPy's L-BFGS-B: the result's x holds them row by row, the bias last."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits

    images = np.column_stack([images, np.ones(len(images))]).astype(np.float64)

    def objective(parameters: Array) -> tuple[float, Array]:
        matrix = parameters.reshape(PIXELS + 1, CLASSES)
        logits = images @ matrix
        loss, gradient = fl.cross_entropy.value_and_grad(logits, labels, out=logits)
        penalty = ridge * matrix
        penalty[-1] = 0  # the bias is free
        return loss + float(np.vdot(penalty, matrix)) / 2, (images.T @ gradient + penalty).ravel()

    start = np.zeros((PIXELS + 1) * CLASSES)
    options = {"gtol": 1e-6, "ftol": 0, "maxiter": 2000, "maxfun": 4000}
    # NumPy and SciPy bring an OpenBLAS each; their threads get in each other's way, and one is far faster
    with threadpool_limits(1, "blas"):
        return minimize(objective, start, jac=True, method="L-BFGS-B", options=options)


def medians(functions: Sequence[Callable[[], object]], rounds: int = 300, calls: int = 10) -> list[float]:
    """Seconds per call of each function: they take turns, so that a disturbance hits all alike."""
    samples: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds):
        for function, times in zip(functions, samples, strict=True):
            start = time.perf_counter()
            for _ in range(calls):
                function()
            times.append((time.perf_counter() - start) / calls)
    return [statistics.median(times) for times in samples]


def run(epochs: int, batch: int, learning_rate: float, seed: int, output: Path) -> None:
    """The whole demo, as printed."""
    missing = [name for module, name in REQUIREMENTS.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ImportError(f"needs {', '.join(missing)}, not installed here: pip install 'fastloss[demo]'")
    random = np.random.default_rng(seed)
    digits = load(random)
    print(
        f"A softmax classifier of handwritten digits: {len(digits.labels)} images to train on, "
        f"{len(digits.held_out_labels)} held out.\n"
        f"Mini-batches of {batch}, learning rate {learning_rate:g} for both losses.\n"
    )
    # a learning rate that is too large shows in the table as inf or nan
    with np.errstate(over="ignore", invalid="ignore"):
        history = _show(train(digits, epochs, batch, learning_rate, random), epochs)
    print("\n" + _race(history))
    print("\n" + _timings(digits, batch))
    fit = fit_lbfgs(digits.images, digits.labels)
    matrix = fit.x.reshape(PIXELS + 1, CLASSES)
    right = accuracy(digits.held_out_images @ matrix[:-1] + matrix[-1], digits.held_out_labels)
    outcome = "converged" if fit.success else "stopped"
    print(f"\nL-BFGS-B: {outcome} in {fit.nit} iterations, held-out accuracy {100 * right:.1f} %")
    save(plot(history, batch, learning_rate), output)
    print(f"Picture: {output}")


def _show(history: Iterator[tuple[Epoch, Epoch]], epochs: int) -> list[tuple[Epoch, Epoch]]:
    """Print a line per epoch as it ends, above a progress bar if there is a terminal to show one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console = Console(highlight=False, markup=False, soft_wrap=True)
    live = sys.stdout.isatty() and not console.is_dumb_terminal
    columns = TextColumn("epoch"), BarColumn(), MofNCompleteColumn()
    progress = Progress(*columns, console=console, transient=True, disable=not live)
    show = console.print if live else print
    seen = []
    with progress:
        task = progress.add_task("", total=epochs)
        show("         cross-entropy                  squared error")
        show("epoch   loss  accuracy  perplexity    accuracy  perplexity")
        for number, (ce, se) in enumerate(history):
            loss = _decimal(ce.loss) if number else ""
            show(
                f"{number:5}  {loss:>5}  {100 * ce.accuracy:6.1f} %  {_decimal(ce.perplexity):>10}"
                f"    {100 * se.accuracy:6.1f} %  {_decimal(se.perplexity):>10}"
            )
            seen.append((ce, se))
            progress.update(task, completed=number)
    return seen


def _decimal(value: float) -> str:
    return f"{value:.3f}" if value < 1e5 else f"{value:.0e}"


def _race(history: Sequence[tuple[Epoch, Epoch]]) -> str:
    """Which of the two reached the goal first."""
    reached = {
        name: next((epoch for epoch, both in enumerate(history) if both[k].accuracy >= GOAL), math.inf)
        for k, name in enumerate(LOSSES)
    }
    first, second = sorted(reached, key=lambda name: reached[name])
    goal = f"{100 * GOAL:.0f} % of the held-out images right"
    if reached[first] == math.inf:
        return f"Neither loss got {goal}."
    if reached[first] == reached[second]:
        return f"Both losses got {goal} after epoch {reached[first]}."
    other = "never" if reached[second] == math.inf else f"after epoch {reached[second]}"
    return f"{first.capitalize()} got {goal} first, after epoch {reached[first]}; {second} {other}."


def _timings(digits: Digits, batch: int) -> str:
    """How long cross-entropy takes, fused and as the NumPy formula."""
    images, labels = digits.images[:batch], digits.labels[:batch]
    classifier = Classifier(np.zeros((PIXELS, CLASSES), np.float32))
    logits = classifier.logits(images)
    gradient = np.empty_like(logits)
    # steps of length 0 do the same work over and over
    times = medians(
        [
            lambda: fl.cross_entropy.value_and_grad(logits, labels, out=gradient),
            lambda: numpy_cross_entropy(logits, labels),
            lambda: classifier.step(images, labels, cross_entropy, 0.0),
            lambda: classifier.step(images, labels, numpy_cross_entropy, 0.0),
        ]
    )
    lines = [f"{f'Microseconds per batch of {len(labels)}':<32}fastloss     NumPy"]
    for name, fused, plain in (
        ("loss and gradient", times[0], times[1]),
        ("whole training step", times[2], times[3]),
    ):
        lines.append(f"  {name:<30}{1e6 * fused:8.1f}  {1e6 * plain:8.1f}   {plain / fused:.1f} times as long")
    return "\n".join(lines)


def plot(history: Sequence[tuple[Epoch, Epoch]], batch: int, learning_rate: float) -> bytes:
    """Held-out accuracy and perplexity of both losses by epoch, as a PNG."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator, PercentFormatter

    figure = Figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = range(len(history))
    for k, (name, colour, marker) in enumerate(zip(LOSSES, ("#0072b2", "#d55e00"), "os", strict=True)):
        accuracies = [both[k].accuracy for both in history]
        perplexities = [both[k].perplexity for both in history]
        for axes, values in ((left, accuracies), (right, perplexities)):
            axes.plot(epochs, values, label=name, color=colour, marker=marker, markersize=5, linewidth=2)
    left.axhline(GOAL, color="grey", linestyle="--", linewidth=1)
    # from the first epoch on: the blind guess before it would leave the curves no room
    lowest = min(epoch.accuracy for both in history[1:] for epoch in both)
    left.set_ylim(max(lowest - 0.03, 0), 1)
    left.yaxis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))
    left.set_ylabel("held-out accuracy")
    left.set_title("Images classified right")
    right.set_yscale("log")
    if max(epoch.perplexity for both in history for epoch in both) < 100:
        right.yaxis.set_major_locator(FixedLocator([1, 1.2, 1.5, 2, 3, 5, 7, 10, 20, 50]))
        right.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        right.yaxis.set_minor_locator(NullLocator())
    right.set_ylabel("held-out perplexity (log scale)")
    right.set_title("Perplexity: 10 is a blind guess, 1 is certainty")
    for axes in (left, right):
        axes.set_xlabel("epoch")
        axes.set_xlim(-0.04 * epochs[-1], 1.04 * epochs[-1])
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
        axes.grid(alpha=0.3)
        axes.legend()
    figure.suptitle(
        "Handwritten digits: the same classifier, trained with two losses\n"
        f"batches of {batch}, learning rate {learning_rate:g} for both"
    )
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    return picture.getvalue()


def save(content: bytes, path: Path) -> None:
    """Write a file that is there as a whole or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
