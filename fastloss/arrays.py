"""What may come in: arrays, shapes, dtypes, labels, parameters. Each becomes what a kernel takes, or a clear error.

The drivers look at their arguments themselves and take most of them as they are; what they turn down comes here.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastloss.kernels import system

REDUCTIONS = ("mean", "sum", "none")
BLOCK = 2**16  # numbers that NumPy works on together where it computes: half a megabyte in double, which a cache holds


class Interval(NamedTuple):
    """A domain: the numbers between two ends, each of which belongs to it or not; or only the two ends."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    ends: bool = False

    def __contains__(self, value: object) -> bool:
        if not isinstance(value, (int, float)):
            return False
        if self.ends:
            return value in (self.low, self.high)
        above = value > self.low if self.low_open else value >= self.low
        below = value < self.high if self.high_open else value <= self.high
        return above and below

    def __str__(self) -> str:
        if self.ends:
            return f"{{{self.low:g}, {self.high:g}}}"
        left, right = "[("[self.low_open], "])"[self.high_open]
        return f"{left}{self.low:g}, {self.high:g}{right}"

    def wanted(self) -> str:
        """What an error message says was expected."""
        if self == SIGNS:
            return "-1 or 1 (of labels 0 and 1 make signs: 2 * target - 1)"
        return f"{self.low:g} or {self.high:g}" if self.ends else f"a value in {self}"


SIGNS = Interval(-1, 1, ends=True)  # the labels of margins
LABELS = Interval(0, 1, ends=True)  # no and yes
SHARES = Interval(0, 1)  # probabilities, too
POSITIVE = Interval(0, math.inf, low_open=True, high_open=True)
NON_NEGATIVE = Interval(0, math.inf, high_open=True)
FINITE = Interval(low_open=True, high_open=True)


def as_array(name: str, value: Any) -> np.ndarray:
    """The argument as a plain array of a dtype that a kernel reads."""
    if value is None:
        raise TypeError(f"{name} must be an array of numbers, not None")
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array, whose mask would be lost: pass weight=~mask and the plain .data")
    if isinstance(value, np.ndarray):
        array = value.view(np.ndarray) if type(value) is not np.ndarray else value
    else:
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise ValueError(f"{name} does not make an array: {error}") from None
    if array.dtype.name == "bfloat16":
        system.set_bfloat16(array.dtype.num)
    elif array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        hint = "; convert it with .astype(np.float64)" if array.dtype.kind == "f" else ""
        raise TypeError(
            f"{name} must hold real numbers (bool, integer, float16, bfloat16, float32 or float64), "
            f"not {array.dtype}{hint}"
        )
    return array


def pointwise_inputs(
    names: Sequence[str], values: Sequence[Any], data: int, grads: Sequence[str]
) -> tuple[np.ndarray, ...]:
    """The inputs of a pointwise loss as arrays of one shape. The first `data` must have it, or be scalars (but not
    `grads`, which a gradient is asked by); the others, such as a pos_weight, may be anything that broadcasts to it."""
    arrays = [as_array(name, value) for name, value in zip(names, values, strict=True)]
    shape: tuple[int, ...] = ()
    named = names[0]
    for name, array in zip(names[:data], arrays, strict=False):
        if array.ndim and not shape:
            shape, named = array.shape, name
        elif array.ndim and array.shape != shape:
            raise ValueError(f"{named} has shape {shape} and {name} {array.shape}: they must be equal, or one a scalar")
    for name, array in zip(names, arrays, strict=True):
        if name in grads and shape and array.ndim == 0:
            raise ValueError(
                f"{name} is a scalar and {named} has shape {shape}: give it that shape to get a gradient, as "
                f"np.broadcast_to({name}, {shape}) does"
            )
    # a Python number takes the dtype of the arrays beside it, as in NumPy
    plain = [type(value) in (bool, int, float) for value in values]
    beside = next((arrays[k] for k in range(data) if not plain[k]), arrays[0])
    for k, name in enumerate(names):
        if plain[k] and beside.dtype.kind not in "biu":
            arrays[k] = np.asarray(values[k], dtype=np.result_type(beside.dtype, np.float32))
        if arrays[k].shape != shape:
            arrays[k] = broadcast(name, arrays[k], shape)
    return tuple(arrays)


def broadcast(name: str, array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.broadcast_to(array, shape)
    except ValueError:
        raise ValueError(f"{name} has shape {array.shape}, which does not broadcast to {shape}") from None


def parameter(name: str, value: Any, domain: Interval) -> float:
    """A hyperparameter as a float within its domain."""
    if type(value) is float and value in domain:  # the usual case, at a tenth of the price
        return value
    # an array of no dimension makes a float even of text, and a complex number of NumPy's does, which loses a part
    if not hasattr(value, "__float__") or isinstance(value, type) or np.ndim(value) > 0 or is_no_number(value):
        raise TypeError(f"{name} must be a number, not {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf if value > 0 else -math.inf
    if number not in domain:
        raise ValueError(f"{name} must be in {domain}, not {value}")
    return number


def is_no_number(value: Any) -> bool:
    """Whether a scalar of NumPy's is no real number, such as text or a complex number."""
    return isinstance(value, (np.generic, np.ndarray)) and value.dtype.kind not in "biuf"


def check_reduction(reduction: Any, denominator: Any) -> None:
    if not isinstance(reduction, str) or reduction not in REDUCTIONS:
        raise ValueError(f'reduction must be "mean", "sum" or "none", not {reduction!r}')
    if denominator is not None:
        if reduction != "mean":
            raise ValueError(f'denominator divides a mean; with reduction="{reduction}" there is none')
        parameter("denominator", denominator, Interval(2.0**-1022, math.inf, high_open=True))


def flag(name: str, value: Any) -> bool:
    """A hyperparameter that is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, not {value!r}")
    return bool(value)


def weight_sum(total: float) -> float:
    """What the weights add up to, if it can divide a mean: the drivers refuse the same sums."""
    if math.isinf(total):
        raise OverflowError("the weights add up to more than a float64 holds: scale them down")
    if 0 < abs(total) < 2.0**-1022:
        raise OverflowError("the weights add up to so little that the mean's 1 / sum(w) overflows: scale them up")
    return total


def divisor(reduction: str, denominator: float | None, weigh: Callable[[], float]) -> float:
    """What losses are divided by: the denominator, or if they have none the mean's sum of weights; 1 for no mean."""
    if denominator is not None:
        return float(denominator)
    return weight_sum(weigh()) if reduction == "mean" else 1.0


def gradient_dtype(array: np.ndarray) -> np.dtype[Any]:
    """The dtype of a gradient by this array: its own, float64 for integers."""
    return np.dtype(np.float64) if array.dtype.kind in "biu" else array.dtype.newbyteorder("=")


def check_out(out: Any, shape: tuple[int, ...], dtype: np.dtype, inputs: dict[str, Any]) -> None:
    """Why an array cannot take the result."""
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a NumPy array of shape {shape} and dtype {dtype}, not {type(out).__name__}")
    if out.shape != shape:
        raise ValueError(f"out has shape {out.shape} and the result {shape}")
    if out.dtype != dtype or not out.dtype.isnative:
        raise ValueError(f"out has dtype {out.dtype.str} and the result {dtype.str} ({dtype})")
    if not out.flags.writeable:
        raise ValueError("out is read-only")
    if not out.flags.c_contiguous or not out.flags.aligned:
        raise ValueError("out must be C-contiguous and aligned; np.ascontiguousarray makes such a copy")
    if type(out) is not np.ndarray:
        raise TypeError(f"out is a {type(out).__name__}; pass its plain view, out.view(np.ndarray)")
    for name, array in inputs.items():
        if not isinstance(array, np.ndarray) or not np.may_share_memory(out, array):
            continue
        upon = (out.ctypes.data, out.shape, out.strides) == (array.ctypes.data, array.shape, array.strides)
        if not upon or out.itemsize != array.itemsize:
            raise ValueError(f"out overlaps {name} without lying exactly upon it; pass a separate array")


def unfit(
    name: str, array: np.ndarray, position: int, expected: str, kind: type[Exception], axis: int = -1
) -> Exception:
    """The error for a value without a place in the loss; the flat position counts the given axis last."""
    if array.ndim:
        moved = np.moveaxis(array, axis, -1)
        place = [int(i) for i in np.unravel_index(position, moved.shape)]
        place.insert(axis % array.ndim, place.pop())
        index = tuple(place)
    else:
        index = ()
    where = f"[{', '.join(map(str, index))}]" if index else ""
    return kind(f"{name}{where} is {array[index]}, expected {expected}")


def row_inputs(
    names: Sequence[str], values: Sequence[Any], target: Any, shares: bool, axis: Any
) -> tuple[tuple[np.ndarray, ...], Any, int]:
    """Rows of numbers as arrays of one shape; labels, or where they may be given the shares of every class; and the
    class axis counted from the front. The target's name is the last one, if there is a target."""
    data = tuple(as_array(name, value) for name, value in zip(names, values, strict=False))
    first, named = data[0], names[0]
    number = class_axis(named, first, axis)
    for name, array in zip(names, data, strict=False):
        if array.shape != first.shape:
            raise ValueError(f"{named} has shape {first.shape} and {name} {array.shape}: they must be equal")
    if len(data) == len(names):
        return data, None, number
    target = as_array(names[-1], target)
    positions = first.shape[:number] + first.shape[number + 1 :]
    if shares and target.shape == first.shape:
        return data, target, number
    if target.shape != positions and target.ndim:
        form = f" (labels) or {first.shape} (probabilities)" if shares else ""
        raise ValueError(
            f"{named} has shape {first.shape} with classes on axis {number}, so {names[-1]} must have shape "
            f"{positions}{form}, not {target.shape}{fitting_axis(first, target)}"
        )
    return data, as_labels(names[-1], target), number


def as_labels(name: str, array: np.ndarray, what: str = "class labels") -> np.ndarray:
    """The array, if it holds integers. An empty list makes an array of floats, none of which is no integer."""
    if array.dtype.kind in "biu":
        return array
    if array.size:
        raise TypeError(f"{name} holds {what}, which must be integers, not {array.dtype}")
    return array.astype(np.int64)


def check_lists(name: str, lists: np.ndarray, classes: int, weight: np.ndarray | None, axis: int) -> None:
    """Lists of labels, in rows along the axis, each of which is a class or -1; but for the rows of weight 0."""
    if not lists.size or (lists.min() >= -1 and lists.max() < classes):
        return
    wrong = np.moveaxis((lists < -1) | (lists >= classes), axis, -1)
    if weight is not None:
        wrong &= weight[..., None] != 0
    if wrong.any():
        expected = f"a class in [0, {classes}), or -1 after the last"
        raise unfit(name, lists, int(wrong.argmax()), expected, IndexError, axis)


def fitting_axis(scores: np.ndarray, target: np.ndarray) -> str:
    """The hint of an error: which class axis the shape of the labels would fit."""
    fitting = [k for k in range(scores.ndim) if scores.shape[:k] + scores.shape[k + 1 :] == target.shape]
    return f"; it would fit axis={fitting[0]}" if fitting else ""


def layer_inputs(
    names: Sequence[str], input: Any, weight: Any, bias: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Rows of features, and a weight and a bias that make them logits."""
    input, weight = (as_array(name, value) for name, value in zip(names, (input, weight), strict=False))
    if weight.ndim != 2 or 0 in weight.shape:
        raise ValueError(
            f"{names[1]} has shape {weight.shape} and must be (classes, features), with one at least of each"
        )
    if input.ndim == 0 or input.shape[-1] != weight.shape[1]:
        hint = "; its transpose would fit" if input.ndim and input.shape[-1] == weight.shape[0] else ""
        raise ValueError(
            f"{names[0]} has shape {input.shape} and {names[1]} {weight.shape}: their last axes, the features, must be "
            f"equal{hint}"
        )
    if bias is not None:
        bias = as_array(names[2], bias)
        if bias.shape != weight.shape[:1]:
            raise ValueError(f"{names[2]} has shape {bias.shape} and must have one number per class, ({len(weight)},)")
    return input, weight, bias


def layer_target(value: Any, input: np.ndarray, classes: int, shares: bool) -> np.ndarray:
    """Labels of rows of features, or where they may be given the shares of every class."""
    target, positions = as_array("target", value), input.shape[:-1]
    if shares and target.shape == (*positions, classes):
        return target
    if target.shape != positions and target.ndim:
        raise ValueError(
            f"input has shape {input.shape} and there are {classes} classes, so target must have shape {positions} "
            f"(labels){f' or {(*positions, classes)} (probabilities)' * shares}, not {target.shape}"
        )
    return as_labels("target", target)


def token_inputs(names: Sequence[str], logits: Any, labels: Any) -> tuple[np.ndarray, np.ndarray]:
    """Logits of every position of sequences, and a label for each."""
    logits, labels = as_array(names[0], logits), as_array(names[1], labels)
    if logits.ndim < 2 or logits.shape[-1] == 0:
        raise ValueError(
            f"{names[0]} has shape {logits.shape} and must be (..., positions, classes), with one class at least"
        )
    if labels.shape != logits.shape[:-1]:
        raise ValueError(
            f"{names[0]} has shape {logits.shape}, so {names[1]} must have shape {logits.shape[:-1]}, "
            f"not {labels.shape}"
        )
    return logits, as_labels(names[1], labels, "labels of tokens")


def integer(name: str, value: Any, least: int = -(2**63)) -> int:
    if not hasattr(value, "__index__") or isinstance(value, type) or np.ndim(value) > 0:
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")
    number: int = value.__index__()
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{name} must fit into 64 bits, not {number}")
    if number < least:
        raise ValueError(f"{name} must be at least {least}, not {number}")
    return number


def class_axis(name: str, array: np.ndarray, axis: Any) -> int:
    """The class axis counted from the front; it must hold a class at least."""
    if array.ndim == 0:
        raise ValueError(f"{name} is a scalar: it needs a class axis")
    number = integer("axis", axis)
    if not -array.ndim <= number < array.ndim:
        raise ValueError(f"axis {number} is not one of {name} of shape {array.shape}")
    if array.shape[number] == 0:
        raise ValueError(f"{name} has shape {array.shape}: axis {number} holds no class")
    return number % array.ndim


def class_weights(value: Any, classes: int, name: str = "class_weight") -> np.ndarray:
    """One non-negative weight per class, as the kernel reads them: a copy, which an output cannot overlap."""
    array = as_array(name, value)
    if array.shape != (classes,):
        raise ValueError(f"{name} has shape {array.shape} and must have one number per class, ({classes},)")
    array = array.astype(np.float64, order="C")
    bad = ~(array >= 0) | np.isinf(array)
    if bad.any():
        raise unfit(name, array, int(bad.argmax()), "a finite weight of at least 0", ValueError)
    return array


# What NumPy computes, as metrics do, goes through arrays of any layout in blocks, as kernels do: no more than a block
# is copied, however large the logits.


def row_blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """The rows along the last axis, in order, some at a time: matrices whose rows lie one after the other, of numbers
    that NumPy computes with as they are (this machine's byte order, no half precision)."""
    rows = array[None] if array.ndim == 1 else array
    size = math.prod(rows.shape[1:])
    if rows.ndim > 2 and size > BLOCK:
        for part in rows:
            yield from row_blocks(part)
        return
    half = array.dtype.itemsize == 2 and array.dtype.kind not in "iu"
    dtype = np.dtype(np.float32) if half else array.dtype.newbyteorder("=")
    step = max(1, BLOCK // max(1, size))
    for start in range(0, len(rows), step):
        yield rows[start : start + step].reshape(-1, array.shape[-1]).astype(dtype, order="C", copy=False)


def outside(domain: Interval, array: np.ndarray) -> NDArray[np.bool_]:
    """Which numbers a domain does not hold. NaN is not for it to judge."""
    if domain.ends:
        wrong = (array != domain.low) & (array != domain.high)
    else:
        below = array <= domain.low if domain.low_open else array < domain.low
        above = array >= domain.high if domain.high_open else array > domain.high
        wrong = below | above
    result: NDArray[np.bool_] = wrong & (array == array)
    return result


def in_domain(name: str, value: Any, domain: Interval) -> NDArray[np.float64]:
    """A small array as doubles, every one of them in its domain."""
    array = as_array(name, value)
    numbers = array.astype(np.float64)
    wrong = outside(domain, numbers)
    if wrong.any():
        raise unfit(name, array, int(wrong.argmax()), domain.wanted(), ValueError)
    return numbers


def row_weights(value: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The weight of every row of a metric, one after the other: at least 0, 1 if there is none."""
    if value is None:
        return np.broadcast_to(np.float64(1), (math.prod(shape),))
    array = as_array("weight", value)
    broadcast("weight", array, shape)
    return np.broadcast_to(in_domain("weight", array, NON_NEGATIVE), shape).reshape(-1)


def class_labels(
    name: str, array: np.ndarray, classes: int | None, ignore_index: int | None, visible: Any = True
) -> NDArray[Any]:
    """Labels one after the other, each of the visible ones a class or ignore_index, in whatever integers they are."""
    flat = as_labels(name, array).reshape(-1)
    wrong = flat < 0 if classes is None else (flat < 0) | (flat >= classes)
    if ignore_index is not None:
        wrong &= flat != ignore_index
    wrong &= visible
    if wrong.any():
        expected = "a class of at least 0" if classes is None else f"a class in [0, {classes})"
        if ignore_index is not None:
            expected += f" or ignore_index={ignore_index}"
        raise unfit(name, array, int(wrong.argmax()), expected, IndexError)
    return flat


def labelled_rows(
    name: str,
    scores: Any,
    target: Any,
    weight: Any,
    ignore_index: Any,
    axis: Any,
    domain: Interval | None = None,
    hint: str = "",
) -> Iterator[tuple[np.ndarray, NDArray[np.int64], NDArray[np.float64]]]:
    """The visible rows of scores with their labels and weights, in blocks. Everything is checked before the first, but
    for the domain of the scores."""
    scores, target = as_array(name, scores), as_array("target", target)
    axis = class_axis(name, scores, axis)
    positions = scores.shape[:axis] + scores.shape[axis + 1 :]
    if target.shape != positions and target.ndim:
        raise ValueError(
            f"{name} has shape {scores.shape} with classes on axis {axis}, so target must have shape {positions}, "
            f"not {target.shape}{fitting_axis(scores, target)}"
        )
    target = np.broadcast_to(target, positions)
    ignore_index = integer("ignore_index", ignore_index)
    labels = class_labels("target", target, scores.shape[axis], ignore_index)
    weights = row_weights(weight, positions)
    visible = (labels != ignore_index) & (weights != 0)
    start = 0
    for block in row_blocks(np.moveaxis(scores, axis, -1)):
        rows = slice(start, start + len(block))
        kept = visible[rows]
        if domain is not None:
            wrong = outside(domain, block) & kept[:, None]
            if wrong.any():
                place = start * block.shape[1] + int(wrong.argmax())
                raise unfit(name, scores, place, domain.wanted() + hint, ValueError, axis)
        start = rows.stop
        if kept.all():
            yield block, labels[rows].astype(np.int64), weights[rows]
        elif kept.any():
            yield block[kept], labels[rows][kept].astype(np.int64), weights[rows][kept]


def element_blocks(
    names: Sequence[str],
    values: Sequence[Any],
    weight: Any,
    domains: Sequence[Interval | None] = (),
    ignore_index: int | None = None,
) -> Iterator[list[NDArray[np.float64]]]:
    """The visible elements of arrays of one shape, and last their weights, as doubles in blocks. The last array holds
    `ignore_index` where an element is invisible."""
    arrays = pointwise_inputs(names, values, len(names), ())
    weights = row_weights(weight, arrays[0].shape)
    start = 0
    for blocks in zip(*(row_blocks(array[..., None]) for array in arrays), strict=True):
        columns = [block[:, 0].astype(np.float64) for block in blocks]
        columns.append(weights[start : start + len(columns[0])])
        kept = columns[-1] != 0
        if ignore_index is not None:
            kept &= columns[-2] != ignore_index
        for name, array, column, domain in zip(names, arrays, columns, domains, strict=False):
            if domain is None:
                continue
            wrong = kept & outside(domain, column)
            if wrong.any():
                raise unfit(name, array, start + int(wrong.argmax()), domain.wanted(), ValueError)
        start += len(kept)
        yield columns if kept.all() else [column[kept] for column in columns]
