"""Logits that are the product of two matrices and never exist as a whole: what `linear_cross_entropy` runs on.

A chunk of rows at a time has its logits in a buffer. They are made tile by tile of the vocabulary, turned into their
own gradient row by row, and multiplied tile by tile into the gradients of the two matrices. Threads share out the tiles
and the rows; every matrix product runs in one thread. How the work is cut, and the order in which sums are added,
follows from the shapes alone, and so do the bits of the result.
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

BOUNDS = (None, Interval(0, 1))  # of logits and of shares

LOGITS = 48 * 2**20  # bytes of logits in a chunk
MOST_ROWS = 1024  # in a chunk: beyond, a matrix product gets no faster
TILE = 2**18  # numbers of the weight in a tile: with its gradient it sits in L2
PARTS = 8 * 2**20  # bytes of partial gradients by the input
SERIAL = 2**22  # multiplications that are not worth a thread

Matrix = NDArray[Any]

_run, _kernel = family("rows").run, family("softmax").KERNELS["cross_entropy"]


@dataclass
class Head:
    """One call: visible rows, the matrix that makes them logits, and what to make of these."""

    input: Matrix  # (N, D)
    weight: Matrix  # (V, D)
    bias: Matrix | None  # (V,)
    target: Matrix  # (N,) labels or (N, V) probabilities
    rows: NDArray[np.intp] | None  # which rows are visible; None: all
    scale: NDArray[np.float64]  # what each visible row's loss counts
    class_weight: NDArray[np.float64] | None
    params: tuple[float, ...]  # of the cross-entropy's kernel
    dtype: np.dtype[Any]  # of the arithmetic
    gradients: dict[str, Matrix] = field(default_factory=dict)  # by name, those that are asked for, to be filled

    def compute(self, losses: Matrix | None) -> list[float]:
        """Fill the gradients, and the visible rows' scaled losses if there is an array for them; the sums of the
        losses of some rows each."""
        count, (classes, width) = len(self.scale), self.weight.shape
        chunks = max(-(-count * classes * self.dtype.itemsize // LOGITS), -(-count // MOST_ROWS), 1)
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

    weight: Matrix  # a tile of it, widened
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


class _Work:
    """The chunks of a call, one after the other."""

    def __init__(self, head: Head, chunk: int, losses: Matrix | None) -> None:
        self.head, self.losses = head, losses
        self.sums: list[float] = []
        classes, width = head.weight.shape
        tile = min(max(TILE // max(width, 1), 128), max(-(-classes // 16), 128))
        self.tiles = [slice(first, min(first + tile, classes)) for first in range(0, classes, tile)]
        # some rows at a time for the kernel, so few that it stays in the thread that calls it
        self.few = max(16384 // classes if classes <= 64 else min(65536 // classes, 64), 1)
        self.chunk, self.tile, dtype = chunk, tile, head.dtype
        self.logits = np.empty((chunk, classes), dtype)
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
        # as it lies in memory, or widened and laid side by side tile by tile
        weight = head.weight
        fits = weight.strides[1] == weight.itemsize and weight.strides[0] > 0 == weight.strides[0] % weight.itemsize
        self.as_it_is = weight.dtype == dtype and weight.flags.aligned and fits
        self.bias = None if head.bias is None else head.bias.astype(dtype)

    def room(self) -> _Room:
        head, dtype = self.head, self.head.dtype
        width, wanted = head.weight.shape[1], head.gradients
        return _Room(
            weight=np.empty((0 if self.as_it_is else self.tile, width), dtype),
            tile=np.empty((self.tile if "linear_weight" in wanted else 0, width), dtype),
            input=np.empty((self.chunk if "input" in wanted else 0, width), dtype),
        )

    def run(self, chunk: slice, share: Share) -> None:
        """The losses of a chunk of the visible rows, and what they add to the gradients."""
        head = self.head
        self.first, self.count = chunk.start, chunk.stop - chunk.start
        self.rows: Any = chunk if head.rows is None else head.rows[chunk]
        self.x = np.ascontiguousarray(head.input[self.rows], head.dtype)
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

    def tile_of_weight(self, room: _Room, tile: slice) -> Matrix:
        if self.as_it_is:
            return self.head.weight[tile]
        wide = room.weight[: tile.stop - tile.start]
        np.copyto(wide, self.head.weight[tile], casting="unsafe")
        return wide

    def make_logits(self, room: _Room, tile: slice) -> None:
        logits = self.logits[: self.count, tile]
        np.matmul(self.x, self.tile_of_weight(room, tile).T, out=logits)
        if self.bias is not None:
            logits += self.bias[tile]

    def losses_of(self, room: _Room, k: int) -> None:
        """The losses of a few rows, whose logits become their gradient."""
        head = self.head
        own = slice(k * self.few, min((k + 1) * self.few, self.count))
        z = self.logits[own]
        place = slice(self.first + own.start, self.first + own.stop)
        scale = head.scale[place]
        target = head.target[self.rows[own] if head.rows is not None else place]
        ask = VALUE_AND_GRAD if head.gradients else VALUE
        out = (z,) if head.gradients else None
        reduction = "sum" if self.losses is None else "none"
        # rows with an ignored label, or a weight of 0, have left already
        try:
            found = _run(
                _kernel, ask, (z,), target, head.params, BOUNDS, scale, head.class_weight, -100, 1,
                reduction, None, out,
            )  # fmt: skip
        except system.UnfitError as unfit:
            row, column = divmod(unfit.position, len(head.weight))
            row += place.start
            row = row if head.rows is None else int(head.rows[row])
            raise system.UnfitError(row * len(head.weight) + column, unfit.which) from None
        losses = found[0] if head.gradients else found
        if self.losses is None:
            self.found[k] = float(losses)
        else:
            self.losses[self.rows[own] if head.rows is not None else place] = losses

    def multiply(self, room: _Room, group: int) -> None:
        """What a group of tiles adds to the gradients."""
        for k, tile in enumerate(self.groups[group]):
            slopes, size = self.logits[: self.count, tile], tile.stop - tile.start
            if self.by_weight is not None:
                if self.first == 0 and self.by_weight.dtype == self.head.dtype:
                    np.matmul(slopes.T, self.x, out=self.by_weight[tile])
                else:
                    product = np.matmul(slopes.T, self.x, out=room.tile[:size])
                    if self.first == 0:
                        self.by_weight[tile] = product
                    else:
                        self.by_weight[tile] += product
            if self.by_bias is not None:
                self.by_bias[tile] += slopes.sum(axis=0)
            if self.parts is not None:
                part, weight = self.parts[group, : self.count], self.tile_of_weight(room, tile)
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
