"""No temporary of the input's size, and no limit at 2^31 elements."""

import sys
import tracemalloc

import numpy as np
import pytest

import fastloss as fl

from .common import each_form, each_labelled, losses_shape, output_of, sample, ulps_apart, value_and_grad

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak of the memory from /proc")

# Measures in a process of its own how far the resident memory rises above where it stood. A first call has made what
# stays: threads, their stacks, the allocator's arenas.
PEAK = """
import numpy as np, fastloss as fl
def peak(call):
    fl.cross_entropy.value_and_grad(np.zeros((5000, 10), np.float32), np.zeros(5000, int))
    read = lambda word: int(open("/proc/self/status").read().split(word + ":")[1].split()[0])
    open("/proc/self/clear_refs", "w").write("5")
    before = read("VmRSS")
    result = call()
    return read("VmHWM") - before, result
"""


@each_form
def test_no_array_is_copied_whatever_its_dtype_and_layout(loss: fl.Loss, soft: bool) -> None:
    """Half precision, the other byte order, strides, a class axis that is not the last: nothing of the input's size."""
    rows = loss.shape == "rows"
    for dtype in (np.float16, ">f4", np.float64):
        inputs = sample(loss, (30, 1000) if rows else (300, 1000), dtype, soft, 10)
        inputs = tuple(np.asfortranarray(array) for array in inputs)
        words = {"axis": 0} if rows else {}
        if rows:
            inputs = tuple(np.moveaxis(array, -1, 0) if array.ndim == 3 else array for array in inputs)
        out = tuple(np.empty(inputs[0].shape, np.dtype(dtype).newbyteorder("=")) for _ in loss.grads)
        weight = np.ones(losses_shape(loss, sample(loss, (30, 1000), dtype, soft)) if rows else inputs[0].shape)
        loss.value_and_grad(*inputs, weight=weight, out=out, **words)
        tracemalloc.start()
        loss.value_and_grad(*inputs, weight=weight, out=out, **words)
        loss(*inputs, **words)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 64 * 1024


@each_labelled
@linux
def test_labels_are_not_widened_as_a_whole(loss: fl.Loss) -> None:
    """Ten million uint8 labels: under 64 KiB of Python's memory, and nothing like the 80 MB of int64."""
    code = f"""
        loss = fl.LOSSES["{loss.name}"]
        import tracemalloc
        logits, labels = np.zeros((10_000_000, 2), np.float32), np.ones(10_000_000, np.uint8)
        out = np.zeros_like(logits)
        data = (len(loss.inputs) - 1) * [logits]
        rise, _ = peak(lambda: loss.value_and_grad(*data, labels, out=out))
        tracemalloc.start()
        loss.value_and_grad(*data, labels, out=out)
        print(rise, tracemalloc.get_traced_memory()[1])
    """
    rise, traced = map(int, output_of(dedented(code)).split())
    assert rise < 1024
    assert traced < 64 * 1024


@linux
def test_gradient_in_place_takes_no_memory() -> None:
    """Cross-entropy of 1024 x 128k float16 logits, the gradient over them: under 1 MB."""
    code = """
        logits, labels = np.zeros((1024, 128 * 1024), np.float16), np.zeros(1024, np.int32)
        logits += 1
        rise, (value, grad) = peak(lambda: fl.cross_entropy.value_and_grad(logits, labels, out=logits))
        print(rise, grad is logits, abs(value / np.log(128 * 1024) - 1) < 2**-22)
    """
    rise, *good = output_of(dedented(code)).split()
    assert int(rise) < 1024
    assert good == ["True", "True"]


def dedented(code: str) -> str:
    """The code after the definition of peak."""
    return PEAK + "\n".join(line[8:] for line in code.splitlines())


@pytest.mark.skipif(sys.maxsize < 2**33, reason="needs 64-bit addresses")
def test_more_than_2_to_the_31_elements() -> None:
    """A view of one number, 2^31 + 7 times: as many elements are counted and summed."""
    ones = np.broadcast_to(np.float32(1), 2**31 + 7)
    assert fl.mse(ones, np.float32(0), reduction="sum") == 2**31 + 7
    assert fl.mse(ones, np.float32(0)) == 1


@pytest.mark.skipif(sys.maxsize < 2**33, reason="needs 64-bit addresses")
def test_more_than_2_to_the_31_classes() -> None:
    """One row of as many classes, whose label lies beyond 2^31."""
    classes = 2**31 + 7
    row = np.broadcast_to(np.float32(0), (1, classes))
    assert fl.cross_entropy(row, classes - 2) == pytest.approx(np.log(classes), rel=2**-22)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_longer_than_any_cache(dtype: type) -> None:
    """A row of three million classes equals the formula for equal logits."""
    for smoothing in (0.0, 1.0):  # plain labels are computed block by block, others keep a row
        value, gradient = value_and_grad(
            fl.cross_entropy, np.zeros((1, 3_000_000), dtype), [7], label_smoothing=smoothing
        )
        slopes = np.full((1, 3_000_000), 0 if smoothing else 1 / 3_000_000, dtype)
        slopes[0, 7] = 0 if smoothing else 1 / 3_000_000 - 1
        assert ulps_apart(dtype(value), dtype(np.log(3_000_000))) <= 4
        assert (abs(gradient - slopes) <= 4 * np.spacing(np.maximum(abs(slopes), dtype(1 / 3_000_000)))).all()


@linux
def test_repeated_calls_do_not_leak() -> None:
    """Results, errors and all: 3000 calls, each on 80 KB, leave the memory where it was."""
    code = """
        fl.set_num_threads(1)
        logits, labels = np.zeros((300, 70), np.float32), np.arange(300) % 70
        def refused(call, *args, **words):
            try:
                call(*args, **words)
            except (ValueError, IndexError):
                return
            raise AssertionError("not refused")
        def work():
            for _ in range(3000):
                fl.cross_entropy.grad_hess(logits, labels)
                fl.huber.value_and_grad(logits, logits.T[::-1].T)
                fl.softmax(logits)
                refused(fl.cross_entropy.value_and_grad, logits, labels + 1)
                refused(fl.mse.value_and_grad, logits, logits, out=logits[0])
                refused(fl.binary_cross_entropy_with_logits, logits, logits + 2)
        work()
        print(peak(work)[0])
    """
    assert int(output_of(dedented(code))) < 1024
