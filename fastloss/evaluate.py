"""A loss of arrays in .npy files larger than memory: block by block, into a number, and gradients that are files."""

from __future__ import annotations

import importlib.util
import math
import os
import re
import signal
import sys
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from fastloss import arrays
from fastloss.loss import LOSSES, Loss
from fastloss.streaming import ExactSum
from fastloss.weights import effective_number

BLOCK = 16 * 2**20  # bytes of input at a time: beyond, reading gets no faster

FILE_LOSSES = tuple(name for name, loss in LOSSES.items() if loss.shape in ("pointwise", "rows"))


class EvaluationError(Exception):
    """What is wrong with the files or the words given, in one line for the user."""


class Result(NamedTuple):
    """What came out: the value, of how many rows or elements, what they weigh together, and how long it took."""

    value: float
    units: int
    weight: float
    seconds: float


def flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def evaluate(
    name: str,
    paths: Sequence[Path],
    *,
    weight: Path | None = None,
    gradients: Sequence[Path] = (),
    reduction: str = "mean",
    denominator: float | None = None,
    block: int | None = None,
    words: Mapping[str, str] | None = None,
) -> Result:
    """The loss of arrays in files.

    Gradients appear under their names only when they are whole. Raises EvaluationError, or OSError where a file cannot
    be read or written.
    """
    start, loss = time.perf_counter(), LOSSES[name]
    inputs = loss.required
    if len(paths) != len(inputs):
        raise EvaluationError(f"{name} takes {len(inputs)} files ({', '.join(inputs)}), not {len(paths)}")
    if gradients and len(gradients) != len(loss.grads):
        raise EvaluationError(
            f"{name} has a gradient by {' and by '.join(loss.grads)}: give --grad {len(loss.grads)} times, "
            f"not {len(gradients)}"
        )
    if len({path.resolve() for path in gradients}) < len(gradients):
        raise EvaluationError("--grad names the same file twice")
    _check_spared(gradients, [*paths, *([weight] if weight else []), *map(Path, (words or {}).values())])
    given = {word: _parsed(loss, word, text) for word, text in (words or {}).items()}
    with ExitStack() as stack:
        files = [stack.enter_context(File(path, input)) for path, input in zip(paths, inputs, strict=True)]
        shape = files[0].shape if loss.shape == "pointwise" else files[0].shape[:-1]
        _check_shapes(loss, files, shape)
        weights = None
        if weight is not None:
            weights = stack.enter_context(File(weight, "weight"))
            if weights.shape != shape:
                raise EvaluationError(
                    f"{weight} has shape {weights.shape}; one weight for each {_unit(loss)} of {paths[0]} is {shape}"
                )
        work = _Work(loss, given, files, weights, shape, block)
        mass, first = None, False
        if denominator is not None or reduction == "sum":
            mass = denominator if denominator is not None else 1.0
        elif gradients:
            first = True  # the mean's divisor must be known before the first slope is
        outs = [stack.enter_context(NewFile(path, files[inputs.index(by)])) for path, by in
                zip(gradients, loss.grads, strict=bool(gradients))]  # fmt: skip
        with _progress(work.count * (1 + first)) as advance:
            if first:
                mass = work.weigh(advance)
            total, weighed = work.run(mass if gradients else None, outs, advance)
        for out in outs:
            out.keep()
    value = total
    if not gradients:
        divisor = float(weighed) if mass is None else mass
        value = total / divisor if divisor else math.nan
    elif mass == 0:
        value = math.nan
    return Result(value, work.count, float(weighed), time.perf_counter() - start)


def _unit(loss: Loss[...]) -> str:
    return "row" if loss.shape == "rows" else "element"


def _check_spared(gradients: Sequence[Path], read: Sequence[Path]) -> None:
    """No gradient takes the place of a file that is read, whatever name it goes by."""
    for path in gradients:
        for other in read:
            if path.exists() and other.exists() and path.samefile(other):
                raise EvaluationError(f"--grad {path} would overwrite {other}, which is read: name another file")


def _parsed(loss: Loss[...], word: str, text: str) -> Any:
    """A hyperparameter from the command line, of the kind that its default is."""
    known = loss.hyperparameters
    if word not in known:
        taken = ", ".join(flag(name) for name in known) or "none"
        raise EvaluationError(f"{loss.name} takes no {flag(word)}; its hyperparameters: {taken}")
    default = known[word]
    if isinstance(default, str):
        return text
    if isinstance(default, bool):
        if text.lower() not in ("true", "false"):
            raise EvaluationError(f"{flag(word)} must be true or false, not {text!r}")
        return text.lower() == "true"
    if text.endswith(".npy"):
        with File(Path(text), flag(word)) as file:
            return file.whole()
    try:
        return int(text) if isinstance(default, int) else float(text)
    except ValueError:
        kind = "an integer" if isinstance(default, int) else "a number"
        raise EvaluationError(f"{flag(word)} must be {kind}, not {text!r}") from None


def _check_shapes(loss: Loss[...], files: Sequence[File], shape: tuple[int, ...]) -> None:
    first = files[0]
    if loss.shape == "rows" and (not first.shape or first.shape[-1] == 0):
        raise EvaluationError(f"{first.path} has shape {first.shape}: its last axis must hold the classes")
    for file in files[1:]:
        if loss.shape == "rows" and file.shape not in (shape, first.shape):
            raise EvaluationError(
                f"{first.path} has shape {first.shape}, so {file.path} must have shape {shape} (labels) or "
                f"{first.shape} (probabilities), not {file.shape}"
            )
        if loss.shape == "pointwise" and file.shape != shape:
            raise EvaluationError(f"{first.path} has shape {shape} and {file.path} {file.shape}: they must be equal")
        if loss.shape == "rows" and file.shape == shape and file.dtype.kind not in "biu":
            raise EvaluationError(f"{file.path} holds class labels, which must be integers, not {file.dtype}")


class File:
    """An array in an .npy file, which is read from front to back: its pages are never this process's memory."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        try:
            self.file: IO[bytes] = path.open("rb", buffering=0)
        except OSError as error:
            raise EvaluationError(f"{path}: {error.strerror}") from None
        try:
            self._read_header()
        except BaseException:
            self.file.close()
            raise

    def _read_header(self) -> None:
        try:
            version = npy.read_magic(self.file)
            read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
            if read is None:
                raise ValueError(f"version {version[0]}.{version[1]} is not known")
            self.shape, fortran, self.dtype = read(self.file)
        except ValueError as error:
            raise EvaluationError(f"{self.path} is no .npy file: {error}") from None
        if self.dtype.kind not in "biuf" or self.dtype.itemsize > 8:
            hint = " (bfloat16 is not told apart in a .npy file: save float16 or float32)" * (self.dtype.kind == "V")
            raise EvaluationError(f"{self.path} must hold real numbers, not {self.dtype}{hint}")
        if fortran and sum(n > 1 for n in self.shape) > 1:
            raise EvaluationError(
                f"{self.path} is in Fortran order: save np.ascontiguousarray of it, so that rows lie together"
            )
        self.begin = self.file.tell()
        size, needed = os.fstat(self.file.fileno()).st_size - self.begin, math.prod(self.shape) * self.dtype.itemsize
        if size < needed:
            raise EvaluationError(f"{self.path} ends early: shape {self.shape} of {self.dtype} takes {needed} bytes, "
                                  f"there are {size}")  # fmt: skip

    def __enter__(self) -> File:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def rewind(self) -> None:
        self.file.seek(self.begin)

    def read(self, array: NDArray[Any]) -> NDArray[Any]:
        """Fill the array with what comes next."""
        rest = array.reshape(-1).view(np.uint8).data
        while len(rest):
            got = self.file.readinto(rest)  # type: ignore[attr-defined]
            if not got:
                raise EvaluationError(f"{self.path} has become shorter while it was read")
            rest = rest[got:]
        return array

    def whole(self) -> NDArray[Any]:
        return self.read(np.empty(self.shape, self.dtype))


class NewFile:
    """An .npy file like another, which appears under its name when it is whole, and leaves nothing behind if not."""

    def __init__(self, path: Path, like: File) -> None:
        self.path, self.shape = path, like.shape
        self.dtype = arrays.gradient_dtype(np.empty(0, like.dtype))
        if path.is_dir():
            raise EvaluationError(f"{path} is a directory")
        self.part = path.with_name(f"{path.name}.{os.getpid()}.part")

    def __enter__(self) -> NewFile:
        try:
            self.file: IO[bytes] = self.part.open("wb", buffering=0)
        except OSError as error:
            raise EvaluationError(f"cannot write {self.path}: {error.strerror}") from None
        header = {"descr": npy.dtype_to_descr(self.dtype), "fortran_order": False, "shape": self.shape}
        npy.write_array_header_1_0(self.file, header)
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.part.unlink(missing_ok=True)

    def write(self, array: NDArray[Any]) -> None:
        rest = array.reshape(-1).view(np.uint8).data
        while len(rest):
            rest = rest[self.file.write(rest) :]

    def keep(self) -> None:
        self.file.close()
        os.replace(self.part, self.path)


class _Work:
    """The passes over the files."""

    def __init__(
        self,
        loss: Loss[...],
        words: Mapping[str, Any],
        files: Sequence[File],
        weight: File | None,
        shape: tuple[int, ...],
        block: int | None,
    ) -> None:
        self.loss, self.words, self.files, self.weight, self.shape = loss, words, files, weight, shape
        self.count = math.prod(shape)
        self.classes = files[0].shape[-1] if loss.shape == "rows" else 1
        self.labels = [loss.shape == "rows" and file.shape == shape for file in files]
        known = loss.hyperparameters
        self.ignored = words.get("ignore_index", known.get("ignore_index"))
        self.class_weight = self.weights_of_classes() if loss.target else None
        self.target = len(files) - 1 if loss.shape == "rows" else 1
        everything = [*files, *([weight] if weight is not None else [])]
        width = sum(file.dtype.itemsize * self.per_unit(file) for file in everything)
        self.block = min(block or max(BLOCK // width, 1), max(self.count, 1))

    def weights_of_classes(self) -> NDArray[np.float64] | None:
        """What weighs the rows in the mean by their labels; where there are none, class weights divide nothing."""
        given, name = self.words.get("class_weight"), "class_weight"
        try:
            if self.words.get("counts") is not None:
                name, beta = "counts", self.words.get("beta", self.loss.hyperparameters["beta"])
                given = effective_number(self.words["counts"], beta=beta)
            return None if given is None else arrays.class_weights(given, self.classes, name)
        except (TypeError, ValueError) as error:
            raise EvaluationError(str(error)) from None

    def per_unit(self, file: File) -> int:
        """How many numbers of a file belong to a row or an element."""
        return self.classes if self.loss.shape == "rows" and file.shape != self.shape else 1

    def blocks(self, files: Sequence[File]) -> Generator[tuple[int, list[NDArray[Any]]], None, None]:
        """The files' blocks of rows or elements: while one is at work, the next is read."""
        for file in files:
            file.rewind()
        rooms = [[np.empty((self.block, self.per_unit(file)), file.dtype) for file in files] for _ in range(2)]
        starts = list(range(0, self.count, self.block)) or [0]

        def read(k: int) -> list[NDArray[Any]]:
            n = min(self.block, self.count - starts[k])
            found = []
            for file, room in zip(files, rooms[k % 2], strict=True):
                array = file.read(room[:n])
                found.append(array if self.loss.shape == "rows" and file.shape != self.shape else array.reshape(-1))
            return found

        with ThreadPoolExecutor(1) as reader:
            coming = reader.submit(read, 0)
            for k, start in enumerate(starts):
                found = coming.result()
                if k + 1 < len(starts):
                    coming = reader.submit(read, k + 1)
                yield start, found

    def weigh(self, advance: Any) -> float:
        """What all rows or elements weigh together, which divides the mean."""
        if self.weight is None and self.ignored is None and self.class_weight is None:
            advance(self.count)
            return float(self.count)
        targets = [self.files[self.target]] if self.ignored is not None or self.class_weight is not None else []
        mass = ExactSum()
        with closing(self.blocks([*targets, *([self.weight] if self.weight is not None else [])])) as blocks:
            for start, found in blocks:
                count, weight = len(found[0]), found.pop() if self.weight is not None else None
                mass.add(self.mass(start, count, found, weight))
                advance(count)
        return float(mass)

    def mass(self, start: int, count: int, targets: Sequence[NDArray[Any]], weight: Any) -> NDArray[np.float64]:
        """What a block's rows or elements weigh in the mean, each or together; its labels are looked at on the way."""
        hard = bool(targets) and self.labels[self.target]
        if weight is None and self.class_weight is None and not hard and (self.ignored is None or not targets):
            return np.array([count], np.float64)
        scale: NDArray[np.float64] = np.ones(count) if weight is None else weight.astype(np.float64)
        if not targets:
            return scale
        target = targets[0]
        if self.ignored is not None and target.ndim == 1:
            scale[target == self.ignored] = 0
        if not hard:
            if self.class_weight is not None:
                scale *= (target * self.class_weight).sum(axis=1)
            return scale
        bad = (scale != 0) & ((target < 0) | (target >= self.classes))
        if bad.any():
            where = int(bad.argmax())
            raise EvaluationError(
                f"{self.files[self.target].path}: {self.place(self.target, start + where)} is {target[where]}, "
                f"expected a class in [0, {self.classes}) or ignore_index={self.ignored}"
            )
        if self.class_weight is not None:
            scale *= self.class_weight[np.where(scale != 0, target, 0).astype(np.intp)]
        return scale

    def run(self, divisor: float | None, outs: Sequence[NewFile], advance: Any) -> tuple[float, ExactSum]:
        """The sum of the losses, over the divisor if there is one, and what they weigh; the gradients go to files."""
        total, weighed = ExactSum(), ExactSum()
        with closing(self.blocks([*self.files, *([self.weight] if self.weight is not None else [])])) as blocks:
            for start, found in blocks:
                count, weight = len(found[0]), found.pop() if self.weight is not None else None
                try:
                    weighed.add(self.mass(start, count, found[self.target : self.target + 1], weight))
                    total.add([self.block_of(found, weight, divisor, outs)])
                except (IndexError, ValueError, TypeError) as error:
                    raise EvaluationError(self.in_the_file(str(error), start)) from None
                advance(count)
        return float(total), weighed

    def block_of(
        self,
        inputs: Sequence[NDArray[Any]],
        weight: NDArray[Any] | None,
        divisor: float | None,
        outs: Sequence[NewFile],
    ) -> float:
        if not outs:
            return float(self.loss(*inputs, weight=weight, reduction="sum", **self.words))
        by = [inputs[self.loss.inputs.index(name)] for name in self.loss.grads]
        if not divisor:  # the mean of nothing
            for array, out in zip(by, outs, strict=True):
                out.write(np.zeros(array.shape, out.dtype))
            return 0.0
        if divisor < 0:
            weight = -np.ones(len(inputs[0])) if weight is None else -weight.astype(np.float64)
        rooms = tuple(array if array.dtype == out.dtype and array.dtype.isnative else np.empty(array.shape, out.dtype)
                      for array, out in zip(by, outs, strict=True))  # fmt: skip
        value, _ = self.loss.value_and_grad(
            *inputs, weight=weight, denominator=abs(divisor), out=rooms if len(rooms) > 1 else rooms[0], **self.words
        )
        for array, out in zip(rooms, outs, strict=True):
            out.write(array)
        return float(value) if len(inputs[0]) else 0.0

    def place(self, which: int, unit: int, *more: int) -> str:
        """How a number of a file is called: by its place in the whole array."""
        index = [*(int(k) for k in np.unravel_index(unit, self.shape)), *more] if self.shape else list(more)
        return f"{self.files[which].name}[{', '.join(map(str, index))}]"

    def in_the_file(self, message: str, start: int) -> str:
        """A message that names a place in a block, naming the file and the place in it."""
        named = re.match(r"(\w+)\[(\d+)(?:, (\d+))?\] ", message)
        names = [file.name for file in self.files]
        if named is None or named[1] not in names:
            return message
        which, more = names.index(named[1]), [int(named[3])] if named[3] else []
        rest = message[named.end() :]
        return f"{self.files[which].path}: {self.place(which, start + int(named[2]), *more)} {rest}"


@contextmanager
def _progress(count: int) -> Iterator[Any]:
    """What is told how many rows or elements are done, and shows it if somebody is watching."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    if importlib.util.find_spec("rich") is None:
        print("fastloss eval: a progress bar needs rich: pip install 'fastloss[demo]'", file=sys.stderr)
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    columns = BarColumn(), TaskProgressColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=max(count, 1))
        yield lambda done: progress.advance(task, done)


@contextmanager
def terminable() -> Iterator[None]:
    """A request to end is an exception, on whose way out files are put in order."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {}
    try:
        for name in names:
            before[name] = signal.signal(getattr(signal, name), leave)
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)
