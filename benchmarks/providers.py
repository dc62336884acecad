"""Who computes it: what a provider is, fastloss, its reference, naive NumPy, and the floors: a plain copy, and the
products of a linear layer. The libraries are in peers.py, the list of all in contestants.py.

A provider is one small class. It says which packages it needs and which workloads it knows, prepares a call
that computes value and gradients of the mean (or gradient and Hessian of the sum, where the workload asks for
that), and fetches them as NumPy for the check.
Every peer is measured at its best: compiled and warm, its inputs already its own arrays, outputs preallocated
where it takes them, with the number of threads that was asked for. A peer's function is found by the name in
`loss.peers`, and told the hyperparameters that it knows by the same name.
"""

import importlib.util
import inspect
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

import fastloss
from benchmarks import naive
from benchmarks.workloads import Problem, Workload, element
from fastloss.loss import Peer

Run = Callable[[], Any]


class Derivatives(NamedTuple):
    """Losses, element by element, and the derivatives of their sum by each input that has them: gradients and Hessian
    diagonals."""

    value: np.ndarray
    grads: tuple[np.ndarray, ...]
    hesses: tuple[np.ndarray, ...] | None


def several(derivatives: Any) -> tuple[Any, ...]:
    """Derivatives by each input: one of a kind stands alone."""
    return derivatives if isinstance(derivatives, (tuple, list)) else (derivatives,)


class Provider:
    name: str
    packages: tuple[str, ...] = ()
    library = ""  # its name in `loss.peers`
    peer = True  # one that a user would pick instead of fastloss

    def missing(self) -> list[str]:
        """The packages that it needs and that are not installed."""
        return [package for package in self.packages if importlib.util.find_spec(package) is None]

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        """What the provider calls for this loss; None if it has nothing."""
        raise NotImplementedError

    def known(self, workload: Workload) -> Callable[..., Any]:
        """The function for a workload that it supports."""
        function = self.function(workload)
        assert function is not None, f"{self.name} has no {workload.loss.name}"
        return function

    def threads(self, wanted: int) -> bool:
        """Whether it can use so many threads in this process."""
        return True

    def peer_of(self, workload: Workload) -> Peer:
        """What its library calls the loss."""
        return workload.loss.peers[self.library]

    def supports(self, workload: Workload) -> bool:
        """Whether it has the loss, its class axis, and the hyperparameters that are given."""
        function = self.function(workload)
        if function is None or workload.hessian:
            return False
        return self.peer_of(workload).options(workload.options).keys() <= parameters(function)

    def options(self, workload: Workload) -> dict[str, Any]:
        """The hyperparameters that loss and peer both know, by the peer's names."""
        known = parameters(self.known(workload))
        asked = self.peer_of(workload).options(workload.hyperparameters)
        return {name: value for name, value in asked.items() if name in known}

    def prepare(self, problem: Problem, threads: int) -> Run:
        """A call that computes value and gradients, ready to be timed."""
        raise NotImplementedError

    def parts(self, problem: Problem) -> float:
        """How many such calls make the whole workload."""
        return 1.0

    def fetch(self, problem: Problem, result: Any) -> tuple[float | None, Sequence[np.ndarray | None]]:
        """What the call returned, as a number and arrays."""
        value, gradients = result
        return float(value), [np.asarray(array) for array in several(gradients)]

    def check(self, problem: Problem, result: Any) -> float:
        """The relative error of the mean; AssertionError if the numbers are not the reference's."""
        value, derivatives = self.fetch(problem, result)
        problem.check(self.name, value, derivatives)
        return 0.0 if value is None else problem.value_error(value)

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        """Loss, gradient and Hessian, element by element: for accuracy, not for speed."""
        raise NotImplementedError


def parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)


class Fastloss(Provider):
    name = "fastloss"
    packages = ("fastloss",)
    peer = False

    def function(self, workload: Workload) -> Callable[..., Any]:
        return workload.loss

    def supports(self, workload: Workload) -> bool:
        return True

    def out(self, problem: Problem) -> dict[str, Any]:
        """Where the derivatives go."""
        return {}

    def prepare(self, problem: Problem, threads: int) -> Run:
        fastloss.set_num_threads(threads)
        workload, inputs = problem.workload, problem.inputs
        compute = workload.loss.grad_hess if workload.hessian else workload.loss.value_and_grad
        keywords = workload.keywords | self.out(problem)
        return lambda: compute(*inputs, **keywords)

    def fetch(self, problem: Problem, result: Any) -> tuple[float | None, Sequence[np.ndarray | None]]:
        one, other = result
        if problem.workload.hessian:
            return None, [*several(one), *several(other)]
        return one, several(other)

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        loss, keywords = workload.loss, workload.keywords
        value, grad = loss.value_and_grad(*inputs, reduction="none", **keywords)
        hesses = several(loss.grad_hess(*inputs, **keywords)[1]) if loss.hessian else None
        return Derivatives(np.asarray(value), several(grad), hesses)


class FastlossOut(Fastloss):
    """The derivatives go to arrays that the caller has."""

    name = "fastloss-out"

    def out(self, problem: Problem) -> dict[str, Any]:
        loss, grads = problem.workload.loss, problem.workload.grads
        like = [problem.inputs[loss.inputs.index(name)] for name in grads] * (1 + problem.workload.hessian)
        arrays = tuple(np.zeros_like(array) for array in like)
        return {"out": arrays if len(arrays) > 1 else arrays[0]}


class Naive(Provider):
    """The textbook in NumPy, with its temporary arrays; NumPy's arithmetic has one thread."""

    name = "NumPy"
    packages = ("numpy",)

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        return getattr(naive, workload.loss.name, None)

    def supports(self, workload: Workload) -> bool:
        function = self.function(workload)
        if function is None or workload.hessian or workload.soft:
            return False
        return workload.options.keys() <= parameters(function)

    def prepare(self, problem: Problem, threads: int) -> Run:
        workload, inputs = problem.workload, problem.inputs
        function, keywords = self.known(workload), workload.keywords
        return lambda: function(*inputs, **keywords)


class Reference(Provider):
    """The pure-Python reference, for as many elements or rows as it does in a moment: the others would take as long."""

    name = "reference"
    peer = False
    numbers = 256

    def function(self, workload: Workload) -> Callable[..., Any]:
        return workload.loss.reference

    def supports(self, workload: Workload) -> bool:
        return workload.loss.shape != "linear"

    def points(self, problem: Problem) -> list[tuple[Any, ...]]:
        if problem.workload.loss.shape == "root":  # one number of all elements
            return [tuple(problem.pool)]
        return list(zip(*problem.pool, strict=True))[: max(1, self.numbers // problem.classes)]

    def prepare(self, problem: Problem, threads: int) -> Run:
        workload, points = problem.workload, self.points(problem)
        return lambda: [element(workload, *point) for point in points]

    def parts(self, problem: Problem) -> float:
        points = self.points(problem)
        return problem.count / (len(points[0][0]) if problem.workload.loss.shape == "root" else len(points))

    def check(self, problem: Problem, result: Any) -> float:
        return 0.0


class Copy(Provider):
    """np.copyto of the bytes that the workload must move: memory lets nobody be faster.

    The workload must read every input, labels included, and write the derivatives: T bytes, each once. The copy
    reads T/2 bytes and writes T/2 (for mse of n float32 numbers: 1.5 n numbers are copied; for cross_entropy of
    N rows of C logits and int64 labels: N C logits and half of the labels), into memory that was there before.
    With several threads each copies its share; below a megabyte one thread does, since waking another takes
    longer.
    """

    name = "copy"
    peer = False
    smallest_share = 2**20

    def function(self, workload: Workload) -> Callable[..., Any]:
        return np.copyto

    def supports(self, workload: Workload) -> bool:
        return workload.loss.shape != "linear"  # whose floor is arithmetic

    def prepare(self, problem: Problem, threads: int) -> Run:
        workload = problem.workload
        by = [problem.inputs[workload.loss.inputs.index(name)] for name in workload.grads]
        written = (1 + workload.hessian) * sum(array.nbytes for array in by)
        size = (sum(array.nbytes for array in problem.inputs) + written) // 2
        source = np.resize(problem.inputs[0].reshape(-1).view(np.uint8), size)
        target = np.zeros_like(source)
        shares = threads if size >= self.smallest_share else 1
        pairs = list(zip(np.array_split(target, shares), np.array_split(source, shares), strict=True))
        (own, *others), pool = pairs, ThreadPoolExecutor(max(1, shares - 1))

        def run() -> Any:
            waiting = [pool.submit(np.copyto, *pair) for pair in others]
            np.copyto(*own)
            for future in waiting:
                future.result()
            return source, target

        return run

    def check(self, problem: Problem, result: Any) -> float:
        source, target = result
        assert np.array_equal(source, target), f"{self.name}, {problem.workload}: the copy differs"
        return 0.0


class Products(Provider):
    """np.matmul of a linear layer's products, each as a whole: the logits, a teacher's too, and the gradients by
    input and weight. The BLAS lets nobody be faster who needs them all."""

    name = "products"
    peer = False

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        return np.matmul if workload.loss.shape == "linear" else None

    def prepare(self, problem: Problem, threads: int) -> Run:
        from threadpoolctl import threadpool_limits

        features, weight = problem.inputs[:2]
        teacher = problem.inputs[2:4] if "teacher_input" in problem.workload.loss.required else ()
        logits = np.empty((problem.count, problem.classes), features.dtype)
        gradients = np.empty_like(features), np.empty_like(weight)

        def run() -> Any:
            with threadpool_limits(threads, "blas"):
                if teacher:
                    np.matmul(teacher[0], teacher[1].T, out=logits)
                np.matmul(features, weight.T, out=logits)
                np.matmul(logits, weight, out=gradients[0])
                np.matmul(logits.T, features, out=gradients[1])
            return logits, gradients

        return run

    def supports(self, workload: Workload) -> bool:
        return self.function(workload) is not None

    def check(self, problem: Problem, result: Any) -> float:
        return 0.0


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
