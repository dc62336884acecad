"""Threads change how fast a result comes, never its bits; forks, threads, interrupts and instruction sets are safe."""

import os
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import fastloss as fl
from fastloss.kernels import ISA, system

from .common import (
    assert_same,
    each_form,
    each_function,
    everything,
    output_of,
    run_python,
    sample,
    value_and_grad,
)

BUILT = [isa for isa in system.supported_isas() if find_spec(f"fastloss.kernels.{isa}.pointwise")]
# elements or rows, and classes: 16 chunks or more, but for rows too long for two in a chunk
SIZES = ((300_000, 0), (55_000, 5), (4_200, 64), (1_400, 200), (3, 50_000))


@each_form
def test_any_number_of_threads_gives_the_same_bits(loss: fl.Loss, soft: bool) -> None:
    """1 to 16 threads, on work that is really shared out."""
    for size, classes in SIZES[:1] if loss.shape == "pointwise" else SIZES[1:]:
        inputs = sample(loss, size, np.float32, soft, classes)
        weight = np.linspace(0, 2, size)
        fl.set_num_threads(1)
        expected = everything(loss, *inputs, weight=weight)
        for threads in (2, 3, 5, 16):
            fl.set_num_threads(threads)
            assert_same(everything(loss, *inputs, weight=weight), expected, f"{threads} threads")


@each_form
def test_the_same_call_gives_the_same_bits_again(loss: fl.Loss, soft: bool) -> None:
    """Sixteen threads in any order, ten times."""
    fl.set_num_threads(16)
    inputs = sample(loss, 30_000, np.float32, soft, classes=20)
    first = value_and_grad(loss, *inputs)
    for _ in range(10):
        again = value_and_grad(loss, *inputs)
        assert again[0] == first[0]
        assert_same(again[1], first[1])


@each_function
def test_softmax_functions_do_not_depend_on_threads(function: Any) -> None:
    """Nor do rows without a loss."""
    logits = sample(fl.cross_entropy, 20_000, classes=30)[0]
    fl.set_num_threads(1)
    expected = function(logits)
    for threads in (2, 7, 16):
        fl.set_num_threads(threads)
        assert_same(function(logits), expected)


def test_threads_are_used_where_it_is_worth_it() -> None:
    """A large call starts threads, a small one does not."""
    if not system.OPENMP or not os.path.isdir("/proc/self/task"):
        pytest.skip("needs OpenMP, and a system that counts its threads")
    code = """
        import os, numpy as np, fastloss as fl
        fl.set_num_threads(4)
        before = len(os.listdir("/proc/self/task"))
        fl.mse(np.zeros(1000), np.ones(1000))
        small = len(os.listdir("/proc/self/task"))
        fl.mse(np.zeros(1_000_000), np.ones(1_000_000))
        print(small - before, len(os.listdir("/proc/self/task")) - before)
    """
    small, large = map(int, output_of(code).split())
    assert small == 0
    assert large >= 3  # beside the one that calls


def test_set_num_threads_is_obeyed_and_told() -> None:
    """get_num_threads says what set_num_threads asked for."""
    for number in (3, 1, np.int64(2)):
        fl.set_num_threads(number)
        assert fl.get_num_threads() == number


def test_omp_num_threads_is_obeyed() -> None:
    """The environment decides, unless set_num_threads does."""
    if not system.OPENMP:
        pytest.skip("needs OpenMP")
    code = "import fastloss as fl; print(fl.get_num_threads()); fl.set_num_threads(5); print(fl.get_num_threads())"
    for number in ("1", "3"):
        assert output_of(code, OMP_NUM_THREADS=number).split() == [number, "5"]


def test_limit_of_threadpoolctl_is_obeyed() -> None:
    """Within a limit no more threads are used, asked for or not; after it, as before."""
    pytest.importorskip("threadpoolctl")
    if not system.OPENMP:
        pytest.skip("needs OpenMP")
    code = """
        import fastloss as fl, threadpoolctl
        with threadpoolctl.threadpool_limits(2):
            print(fl.get_num_threads())
        print(fl.get_num_threads())
        fl.set_num_threads(3)
        with threadpoolctl.threadpool_limits(1, user_api="openmp"):
            print(fl.get_num_threads())
        print(fl.get_num_threads())
    """
    assert output_of(code, OMP_NUM_THREADS="4").split() == ["2", "4", "1", "3"]


@each_form
def test_several_python_threads_call_at_once(loss: fl.Loss, soft: bool) -> None:
    """Eight callers, each with threads of its own underneath: every one gets its own numbers."""
    fl.set_num_threads(3)
    batches = [sample(loss, 20_000 + k, np.float32, soft, classes=7) for k in range(8)]
    expected = [everything(loss, *inputs) for inputs in batches]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(3):
            found = list(pool.map(lambda inputs: everything(loss, *inputs), batches))
            for one, other in zip(found, expected, strict=True):
                assert_same(one, other)


def test_the_interpreter_is_free_during_a_call() -> None:
    """The lock is released: another Python thread runs while a call computes."""
    code = """
        import threading, time, numpy as np, fastloss as fl
        fl.set_num_threads(1)
        ticks, busy = [], True
        def tick():
            while busy:
                ticks.append(time.perf_counter())
                time.sleep(0.002)
        thread = threading.Thread(target=tick)
        thread.start()
        many = np.broadcast_to(np.float32(1), 300_000_000)
        start = time.perf_counter()
        fl.mse(many, many)
        stop = time.perf_counter()
        busy = False
        thread.join()
        print(sum(start < tick < stop for tick in ticks) > (stop - start) / 0.1)
    """
    assert output_of(code) == "True"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_child_computes_after_threads_were_used() -> None:
    """A child of a process that has used threads neither hangs nor errs, nor does its own child."""
    code = """
        import os, signal, numpy as np, fastloss as fl
        fl.set_num_threads(4)
        x = np.linspace(-3, 3, 1_000_000, dtype=np.float32)
        logits, labels = x.reshape(-1, 20), np.arange(50_000) % 20
        def results():
            loss, grad = fl.cross_entropy.value_and_grad(logits, labels)
            return fl.mse(x, 0), loss, grad.tobytes(), fl.softmax(logits).tobytes()
        expected = results()
        def child(depth):
            pid = os.fork()
            if pid == 0:
                signal.alarm(30)
                good = results() == expected and (depth == 0 or child(depth - 1))
                os._exit(0 if good else 1)
            return os.waitpid(pid, 0)[1] == 0
        print(child(1), child(0), results() == expected, fl.get_num_threads())
    """
    assert output_of(code).split() == ["True", "True", "True", "4"]


def test_interrupt_during_a_long_call() -> None:
    """Ctrl-C during a call is a KeyboardInterrupt after it, and the next call is right."""
    code = """
        import os, signal, threading, numpy as np, fastloss as fl
        many = np.broadcast_to(np.float32(1), 600_000_000)
        threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            while True:
                fl.mse(many, 0.0)
        except KeyboardInterrupt:
            print("interrupted")
        print(fl.mse(np.array([3.0]), np.array([1.0])))
    """
    assert output_of(code).split() == ["interrupted", "4.0"]


# ---- instruction sets ----


def test_best_instruction_set_is_chosen() -> None:
    """What runs here and is built, best first; FASTLOSS_ISA may say otherwise."""
    code = "from fastloss.kernels import ISA; print(ISA)"
    assert output_of(code, FASTLOSS_ISA="") == BUILT[0]
    assert os.environ.get("FASTLOSS_ISA") or BUILT[0] == ISA


@pytest.mark.parametrize("wrong", ["v5", "avx2", "V3", "baseline,v3", "../v3", "1"])
def test_unknown_instruction_set_is_an_import_error(wrong: str) -> None:
    """The message names the variable, its value and what it can be."""
    process = run_python("import fastloss", FASTLOSS_ISA=wrong)
    assert process.returncode != 0
    message = process.stderr.strip().splitlines()[-1]
    assert message.startswith(f"ImportError: FASTLOSS_ISA={wrong}:")
    assert all(isa in message for isa in BUILT)


@pytest.mark.parametrize("isa", BUILT)
def test_every_instruction_set_is_exact(isa: str) -> None:
    """Each build on its own: its numbers at sure rows, the bits of its entry points, threads and layouts.

    (The whole suite runs on one build with FASTLOSS_ISA set.)
    """
    code = """
        import numpy as np, fastloss as fl
        from fastloss.kernels import ISA
        from tests.common import FORMS, LOSSES, ROWS, assert_same, everything, sample, several, ulps_apart
        from tests.inputs import cases
        from tests.test_accuracy import spoilt, undefined
        from tests.oracle import exact, tolerances, ulp_errors
        for loss, soft in FORMS:
            for size, classes in ((3000, 5), (300, 70)):
                inputs = sample(loss, size, np.float32, soft, classes)
                fl.set_num_threads(1)
                expected = everything(loss, *inputs)
                fl.set_num_threads(4)
                assert_same(everything(loss, *(array[::-1].copy()[::-1] for array in inputs)), expected)
        for loss in LOSSES:
            for case in cases(loss, np.dtype(np.float32))[:1]:
                truth, words = exact(loss, case), case.kwargs
                slope = several(loss.value_and_grad(*case.inputs, **words, reduction="sum")[1])[0]
                for found, true, largest in (
                    (loss(*case.inputs, **words, reduction="none"), truth.value, truth.largest_terms("")[0]),
                    (slope, truth.grad, truth.largest_terms("_grad")[0]),
                ):
                    unless = spoilt(loss, case) | undefined(loss, case)
                    wrong = (ulp_errors(found, true) > tolerances(true, largest, found.dtype)) & ~unless
                    assert not wrong.any(), case
        value, grad = fl.cross_entropy.value_and_grad(np.array([[20, 0]], np.float32), [0])
        assert ulps_apart(np.float32(value), np.float32(2.0611537e-09)) <= 4
        print(ISA)
    """
    assert output_of(code, FASTLOSS_ISA=isa) == isa
