"""Logits that are the product of two matrices and never exist as a whole: what the losses of `linear.py` run on.

A chunk of rows at a time has its logits in a buffer. They are made tile by tile of the vocabulary, turned into their
own gradient row by row, and multiplied tile by tile into the gradients of the two matrices. A teacher's logits, which
are made alike, are only looked at. Threads share out the tiles and the rows; every matrix product runs in one thread.
How the work is cut, and the order in which sums are added, follows from the shapes alone, and so do the bits of the
result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastloss.arrays import Interval
from fastloss.kernels import family, system
from fastloss.loss import VALUE, VALUE_AND_GRAD
from fastloss.threads import get_num_threads, one_blas_thread

LOGITS = 48 * 2**20  # bytes of logits in a chunk
MOST_ROWS = 1024  # in a chunk: beyond, a matrix product gets no faster
TILE = 2**18  # numbers of the weight in a tile: with its gradient it sits in L2
PARTS = 8 * 2**20  # bytes of partial gradients by the input
SERIAL = 2**22  # multiplications that are not worth a thread

Matrix = NDArray[Any]

_run = family("rows").run


@dataclass
class Layer:
    """Rows of features, and the matrix that makes them logits."""

    input: Matrix  # (N, D)
    weight: Matrix  # (V, D)
    bias: Matrix | None  # (V,)


@dataclass
class Head:
    """One call: what makes logits of the visible rows, and what to make of these."""

    layers: list[Layer]  # the one that learns, and a teacher's if there is one
    kernel: Any  # of the loss of rows that it is
    bounds: tuple[Interval | None, ...]  # of what that takes
    params: tuple[float, ...]
    target: Matrix | None  # (N,) labels or (N, V) probabilities
    rows: NDArray[np.intp] | None  # which rows are visible; None: all
    scale: NDArray[np.float64]  # what each visible row's loss counts
    class_weight: NDArray[np.float64] | None
    dtype: np.dtype[Any]  # of the arithmetic
    gradients: dict[str, Matrix] = field(default_factory=dict)  # by name, those that are asked for, to be filled

    def compute(self, losses: Matrix | None) -> list[float]:
        """Fill the gradients, and the visible rows' scaled losses if there is an array for them; the sums of the
        losses of some rows each."""
        count, (classes, width) = len(self.scale), self.layers[0].weight.shape
        size = classes * self.dtype.itemsize * len(self.layers)
        chunks = max(-(-count * size // LOGITS), -(-count // MOST_ROWS), 1)
        chunk = -(-count // chunks)
        work = _Work(self, chunk, losses)
        serial = count * classes * max(width, 1) < SERIAL
        with one_blas_thread(), _team(1 if serial else get_num_threads(), work.room) as share:
            for start in range(0, count, max(chunk, 1)):
                work.run(slice(start, min(start + chunk, count)), share)
        work.finish()
        return work.sums


Task = Callable[["_Room", Any], None]
Share = Callable[[Task, Iterable[Any]], None]


@dataclass
class _Room:
    """What one thread works in."""

    weight: Matrix  # the numbers of a tile of it, widened
    tile: Matrix  # a tile of its gradient
    input: Matrix  # part of the input's gradient


@contextmanager
def _team(threads: int, room: Callable[[], _Room]) -> Iterator[Share]:
    """How to have something done for every item of a list, by so many threads."""
    free = [room() for _ in range(threads)]

    def run(task: Task, item: Any) -> None:
        own = free.pop()
        try:
            with np.errstate(all="ignore"):
                task(own, item)
        finally:
            free.append(own)

    def alone(task: Task, items: Iterable[Any]) -> None:
        for item in items:
            run(task, item)

    if threads == 1:
        yield alone
        return
    pool = ThreadPoolExecutor(threads)

    def together(task: Task, items: Iterable[Any]) -> None:
        for future in [pool.submit(run, task, item) for item in items]:
            future.result()

    try:
        yield together
    finally:
        pool.shutdown(cancel_futures=True)


class _Logits:
    """What a layer makes of a chunk of rows."""

    def __init__(self, layer: Layer, chunk: int, dtype: np.dtype[Any]) -> None:
        self.layer, self.dtype = layer, dtype
        weight = layer.weight
        # as it lies in memory, or widened and laid side by side tile by tile
        fits = weight.strides[1] == weight.itemsize and weight.strides[0] > 0 == weight.strides[0] % weight.itemsize
        self.as_it_is = weight.dtype == dtype and weight.flags.aligned and fits
        self.bias = None if layer.bias is None else layer.bias.astype(dtype)
        self.numbers = np.empty((chunk, len(weight)), dtype)

    def take(self, rows: Any) -> None:
        """The features of a chunk."""
        self.x = np.ascontiguousarray(self.layer.input[rows], self.dtype)

    def tile_of_weight(self, room: _Room, tile: slice) -> Matrix:
        weight = self.layer.weight[tile]
        if self.as_it_is:
            return weight
        wide = room.weight[: weight.size].reshape(weight.shape)
        np.copyto(wide, weight, casting="unsafe")
        return wide

    def make(self, room: _Room, tile: slice) -> None:
        logits = self.numbers[: len(self.x), tile]
        np.matmul(self.x, self.tile_of_weight(room, tile).T, out=logits)
        if self.bias is not None:
            logits += self.bias[tile]


class _Work:
    """The chunks of a call, one after the other."""

    def __init__(self, head: Head, chunk: int, losses: Matrix | None) -> None:
        self.head, self.losses = head, losses
        self.sums: list[float] = []
        classes, width = head.layers[0].weight.shape
        self.widest = max(layer.weight.shape[1] for layer in head.layers)
        tile = min(max(TILE // max(self.widest, 1), 128), max(-(-classes // 16), 128))
        self.tiles = [slice(first, min(first + tile, classes)) for first in range(0, classes, tile)]
        # some rows at a time for the kernel, so few that it stays in the thread that calls it
        self.few = max(16384 // classes if classes <= 64 else min(65536 // classes, 64), 1)
        self.chunk, self.tile, dtype = chunk, tile, head.dtype
        self.made = [_Logits(layer, chunk, dtype) for layer in head.layers]
        self.logits = self.made[0].numbers
        parts = min(max(PARTS // max(chunk * width * dtype.itemsize, 1), 1), len(self.tiles), 32)
        self.groups = [self.tiles[k * len(self.tiles) // parts : (k + 1) * len(self.tiles) // parts]
                       for k in range(parts)]  # fmt: skip
        wanted = head.gradients
        self.parts = np.empty((parts, chunk, width), dtype) if "input" in wanted else None
        self.single = chunk >= len(head.scale)  # then nothing needs to be added up over chunks
        self.by_weight, self.by_bias = wanted.get("linear_weight"), None
        if self.by_weight is not None and self.by_weight.dtype != dtype and not self.single:
            self.by_weight = np.zeros(self.by_weight.shape, dtype)
        if "linear_bias" in wanted:
            self.by_bias = np.zeros(classes)

    def room(self) -> _Room:
        head, dtype = self.head, self.head.dtype
        width, wanted = head.layers[0].weight.shape[1], head.gradients
        return _Room(
            weight=np.empty(0 if all(made.as_it_is for made in self.made) else self.tile * self.widest, dtype),
            tile=np.empty((self.tile if "linear_weight" in wanted else 0, width), dtype),
            input=np.empty((self.chunk if "input" in wanted else 0, width), dtype),
        )

    def run(self, chunk: slice, share: Share) -> None:
        """The losses of a chunk of the visible rows, and what they add to the gradients."""
        head = self.head
        self.first, self.count = chunk.start, chunk.stop - chunk.start
        self.rows: Any = chunk if head.rows is None else head.rows[chunk]
        for made in self.made:
            made.take(self.rows)
        found = [0.0] * -(-self.count // self.few)
        self.found = found
        share(self.make_logits, self.tiles)
        share(self.losses_of, range(len(found)))
        self.sums += found
        if not head.gradients:
            return
        share(self.multiply, range(len(self.groups)))
        if self.parts is not None:
            total = self.parts[0, : self.count]
            for part in self.parts[1:]:
                total += part[: self.count]
            head.gradients["input"][self.rows] = total

    def make_logits(self, room: _Room, tile: slice) -> None:
        for made in self.made:
            made.make(room, tile)

    def losses_of(self, room: _Room, k: int) -> None:
        """The losses of a few rows, whose logits become their gradient."""
        head = self.head
        own = slice(k * self.few, min((k + 1) * self.few, self.count))
        z = self.logits[own]
        place = slice(self.first + own.start, self.first + own.stop)
        scale = head.scale[place]
        target = None if head.target is None else head.target[self.rows[own] if head.rows is not None else place]
        ask = VALUE_AND_GRAD if head.gradients else VALUE
        out = (z,) if head.gradients else None
        reduction = "sum" if self.losses is None else "none"
        # rows with an ignored label, or a weight of 0, have left already
        try:
            found = _run(
                head.kernel, ask, (z, *(made.numbers[own] for made in self.made[1:])), target, head.params,
                head.bounds, scale, head.class_weight, -100, 1, reduction, None, out,
            )  # fmt: skip
        except system.UnfitError as unfit:
            classes = z.shape[1]
            row, column = divmod(unfit.position, classes)
            row += place.start
            row = row if head.rows is None else int(head.rows[row])
            raise system.UnfitError(row * classes + column, unfit.which) from None
        losses = found[0] if head.gradients else found
        if self.losses is None:
            self.found[k] = float(losses)
        else:
            self.losses[self.rows[own] if head.rows is not None else place] = losses

    def multiply(self, room: _Room, group: int) -> None:
        """What a group of tiles adds to the gradients."""
        x = self.made[0].x
        for k, tile in enumerate(self.groups[group]):
            slopes, size = self.logits[: self.count, tile], tile.stop - tile.start
            if self.by_weight is not None:
                if self.first == 0 and self.by_weight.dtype == self.head.dtype:
                    np.matmul(slopes.T, x, out=self.by_weight[tile])
                else:
                    product = np.matmul(slopes.T, x, out=room.tile[:size])
                    if self.first == 0:
                        self.by_weight[tile] = product
                    else:
                        self.by_weight[tile] += product
            if self.by_bias is not None:
                self.by_bias[tile] += slopes.sum(axis=0)
            if self.parts is not None:
                part, weight = self.parts[group, : self.count], self.made[0].tile_of_weight(room, tile)
                if k == 0:
                    np.matmul(slopes, weight, out=part)
                else:
                    part += np.matmul(slopes, weight, out=room.input[: self.count])

    def finish(self) -> None:
        """Round what was added up to the gradients' dtypes."""
        for name, found in (("linear_weight", self.by_weight), ("linear_bias", self.by_bias)):
            if found is not None and found is not self.head.gradients[name]:
                with np.errstate(all="ignore"):
                    self.head.gradients[name][...] = found
