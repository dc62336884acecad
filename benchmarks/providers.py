"""Who computes it: fastloss, the libraries one would pick instead, naive NumPy, and a plain copy.

A provider is one small class. It says which packages it needs and which workloads it knows, prepares a call
that computes value and gradient of the mean by the first input, and fetches both as NumPy for the check.
Every peer is measured at its best: compiled and warm, its inputs already its own arrays, outputs preallocated
where it takes them, with the number of threads that was asked for. A peer's function is found by the name in
`loss.peers`, and told the hyperparameters that it knows by the same name.
"""

import importlib.metadata
import importlib.util
import inspect
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

import fastloss
from benchmarks import naive
from benchmarks.workloads import Problem, Workload

Run = Callable[[], Any]


class Derivatives(NamedTuple):
    """Losses, element by element, and the derivatives of their sum: gradient and Hessian diagonal."""

    value: np.ndarray
    grad: np.ndarray
    hess: np.ndarray | None


class Provider:
    name: str
    packages: tuple[str, ...] = ()
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

    def supports(self, workload: Workload) -> bool:
        """Whether it has the loss, its class axis, and the hyperparameters that are given."""
        function = self.function(workload)
        return function is not None and workload.options.keys() <= _parameters(function)

    def options(self, workload: Workload) -> dict[str, Any]:
        """The hyperparameters that loss and peer know by the same name."""
        known = _parameters(self.known(workload))
        return {name: value for name, value in workload.hyperparameters.items() if name in known}

    def prepare(self, problem: Problem, threads: int) -> Run:
        """A call that computes value and gradient, ready to be timed."""
        raise NotImplementedError

    def fetch(self, problem: Problem, result: Any) -> tuple[float, np.ndarray]:
        """What the call returned, as a number and an array."""
        value, gradient = result
        return float(value), np.asarray(gradient)

    def check(self, problem: Problem, result: Any) -> float:
        """The relative error of the mean; AssertionError if the numbers are not the reference's."""
        value, gradient = self.fetch(problem, result)
        problem.check(self.name, value, gradient)
        return problem.value_error(value)

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        """Loss, gradient and Hessian, element by element: for accuracy, not for speed."""
        raise NotImplementedError


def _parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)


class Fastloss(Provider):
    name = "fastloss"
    packages = ("fastloss",)
    peer = False

    def function(self, workload: Workload) -> Callable[..., Any]:
        return workload.loss

    def prepare(self, problem: Problem, threads: int) -> Run:
        fastloss.set_num_threads(threads)
        compute, inputs, keywords = (
            problem.workload.loss.value_and_grad,
            problem.inputs,
            problem.workload.keywords,
        )
        return lambda: compute(*inputs, **keywords)

    def fetch(self, problem: Problem, result: Any) -> tuple[float, np.ndarray]:
        value, gradient = result
        return value, gradient[0] if problem.workload.loss.grads > 1 else gradient

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        loss, keywords = workload.loss, workload.keywords
        value, grad = loss.value_and_grad(*inputs, reduction="none", **keywords)
        return Derivatives(np.asarray(value), grad, loss.grad_hess(*inputs, **keywords)[1])


class FastlossOut(Fastloss):
    """The gradient goes to an array that the caller has."""

    name = "fastloss-out"

    def prepare(self, problem: Problem, threads: int) -> Run:
        fastloss.set_num_threads(threads)
        loss, inputs, keywords = problem.workload.loss, problem.inputs, problem.workload.keywords
        gradients = tuple(np.zeros_like(array) for array in inputs[: loss.grads])
        out = gradients if len(gradients) > 1 else gradients[0]
        return lambda: loss.value_and_grad(*inputs, out=out, **keywords)


class Naive(Provider):
    """The textbook in NumPy, with its temporary arrays; NumPy's arithmetic has one thread."""

    name = "NumPy"
    packages = ("numpy",)

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        return getattr(naive, workload.loss.name, None)

    def prepare(self, problem: Problem, threads: int) -> Run:
        workload, inputs = problem.workload, problem.inputs
        function, keywords = self.known(workload), workload.keywords
        return lambda: function(*inputs, **keywords)


class Torch(Provider):
    """torch eager: a leaf that shares the NumPy array's memory, and its gradient set to None before each
    call.
    """

    name = "torch"
    packages = ("torch",)

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        import torch.nn.functional

        if workload.rows and workload.axis % len(workload.shape) != 1:  # where torch has its classes
            return None
        return getattr(torch.nn.functional, workload.loss.peers.get("torch", ""), None)

    def options(self, workload: Workload) -> dict[str, Any]:
        import torch

        options, parameters = super().options(workload), inspect.signature(self.known(workload)).parameters
        for name, value in options.items():
            if value is not None and "Tensor" in str(parameters[name].annotation):
                options[name] = torch.from_numpy(np.asarray(value, workload.dtype))
        return options

    def compiled(self, function: Callable[..., Any], threads: int) -> Callable[..., Any]:
        return function

    def prepare(self, problem: Problem, threads: int) -> Run:
        import torch

        torch.set_num_threads(threads)
        function, options = self.known(problem.workload), self.options(problem.workload)
        compiled = self.compiled(lambda *inputs: function(*inputs, **options), threads)
        leaf, *rest = map(torch.from_numpy, problem.inputs)
        leaf = leaf.detach().requires_grad_()

        def run() -> Any:
            leaf.grad = None
            loss = compiled(leaf, *rest)
            loss.backward()
            return loss, leaf.grad

        return run

    def fetch(self, problem: Problem, result: Any) -> tuple[float, np.ndarray]:
        loss, gradient = result
        return loss.item(), gradient.numpy()

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        import torch

        function, options = self.known(workload), self.options(workload)
        leaf, *rest = (torch.from_numpy(np.ascontiguousarray(array)) for array in inputs)
        leaf = leaf.detach().requires_grad_()
        value = function(leaf, *rest, reduction="none", **options)
        (grad,) = torch.autograd.grad(value.sum(), leaf, create_graph=True)

        def column(part: Any) -> Any:
            if not part.requires_grad:
                return torch.zeros_like(leaf)
            return torch.autograd.grad(part.sum(), leaf, retain_graph=True)[0]

        hess = None
        if not workload.rows:
            hess = column(grad).numpy()
        elif workload.shape[workload.axis] <= HESSIAN_CLASSES:
            axis = workload.axis
            columns = [column(grad.select(axis, k)).select(axis, k) for k in range(workload.shape[axis])]
            hess = torch.stack(columns, axis).numpy()
        return Derivatives(value.detach().numpy(), grad.detach().numpy(), hess)


# Autograd finds the diagonal of a row's Hessian a class at a time.
HESSIAN_CLASSES = 64


class TorchCompile(Torch):
    """torch.compile: forward and backward pass compiled for this shape and this number of threads."""

    name = "torch.compile"

    def missing(self) -> list[str]:
        compilers = filter(None, [os.environ.get("CXX"), "g++", "clang++"])
        return super().missing() + ([] if any(map(shutil.which, compilers)) else ["a C++ compiler"])

    def compiled(self, function: Callable[..., Any], threads: int) -> Callable[..., Any]:
        import torch
        import torch._inductor.config

        torch._inductor.config.cpp.threads = threads  # compiled into the code
        torch._inductor.config.compile_threads = 1  # no worker processes beside the measurements
        torch.compiler.reset()
        return torch.compile(function, fullgraph=True, dynamic=False)


class Jax(Provider):
    """jax.jit(jax.value_and_grad(...)) of the mean of optax's loss.

    XLA makes its pool of threads once, with NPROC threads if that variable is set, else one per processor. It
    cannot be changed later: a process measures JAX with the one number of threads that it has.
    """

    name = "JAX"
    packages = ("jax", "optax")

    def jax(self) -> ModuleType:
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", True)  # float64 at all; float32 stays what it is
        return jax

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        self.jax()
        import optax.losses

        function = getattr(optax.losses, workload.loss.peers.get("optax", ""), None)
        if function is not None and workload.rows and "axis" not in _parameters(function):
            return function if workload.axis % len(workload.shape) == len(workload.shape) - 1 else None
        return function

    def threads(self, wanted: int) -> bool:
        return wanted == int(os.environ.get("NPROC") or cores())

    def options(self, workload: Workload) -> dict[str, Any]:
        axis = {"axis": workload.axis} if workload.rows and "axis" in _parameters(self.known(workload)) else {}
        return super().options(workload) | axis

    def prepare(self, problem: Problem, threads: int) -> Run:
        jax = self.jax()
        function, options = self.known(problem.workload), self.options(problem.workload)
        compiled = jax.jit(jax.value_and_grad(lambda *inputs: function(*inputs, **options).mean()))
        inputs = jax.block_until_ready([jax.device_put(array) for array in problem.inputs])
        return lambda: jax.block_until_ready(compiled(*inputs))

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        jax = self.jax()
        function, options = self.known(workload), self.options(workload)
        first, *rest = (jax.device_put(array) for array in inputs)

        def losses(x: Any) -> Any:
            return function(x, *rest, **options)

        gradient = jax.grad(lambda x: losses(x).sum())

        def second(direction: Any) -> Any:
            return jax.jvp(gradient, (first,), (direction,))[1] * direction

        hess = None
        if not workload.rows:
            hess = second(jax.numpy.ones_like(first))
        elif workload.shape[workload.axis] <= HESSIAN_CLASSES:
            shape = [1] * len(workload.shape)
            shape[workload.axis] = -1
            unit = np.eye(workload.shape[workload.axis], dtype=workload.dtype)
            hess = sum(second(jax.numpy.broadcast_to(row.reshape(shape), first.shape)) for row in unit)
        value, grad = np.asarray(losses(first)), np.asarray(gradient(first))
        return Derivatives(value, grad, None if hess is None else np.asarray(hess))


class Sklearn(Provider):
    """The compiled losses of scikit-learn's own models, `sklearn._loss`, into preallocated arrays.

    They return the losses and the gradient of their sum, so the mean of the losses is part of the call, and
    dividing the gradient is spared it. Labels are floats of the logits' dtype, as they want them.
    """

    name = "scikit-learn"
    packages = ("sklearn",)

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        from sklearn import _loss

        if len(workload.shape) != 1 + workload.rows or workload.axis % len(workload.shape) != len(workload.shape) - 1:
            return None
        return getattr(_loss, workload.loss.peers.get("sklearn", ""), None)

    def options(self, workload: Workload) -> dict[str, Any]:
        classes = {"n_classes": workload.shape[-1]} if workload.rows else {}
        return super().options(workload) | classes

    def factor(self, workload: Workload) -> float:
        return 2.0 if workload.loss.peers["sklearn"] == "HalfSquaredError" else 1.0

    def prepare(self, problem: Problem, threads: int) -> Run:
        workload = problem.workload
        loss = self.known(workload)(**self.options(workload))
        raw, *rest = problem.inputs
        (target,) = (array.astype(raw.dtype, copy=False) for array in rest)
        losses, gradient = np.zeros_like(target), np.zeros_like(raw)

        def run() -> Any:
            loss.loss_gradient(target, raw, loss_out=losses, gradient_out=gradient, n_threads=threads)
            return losses.mean(), gradient

        return run

    def fetch(self, problem: Problem, result: Any) -> tuple[float, np.ndarray]:
        value, gradient = result
        factor = self.factor(problem.workload)
        return factor * float(value), gradient * gradient.dtype.type(factor / problem.count)

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        loss, factor = self.known(workload)(**self.options(workload)), self.factor(workload)
        raw, target = inputs
        target = target.astype(raw.dtype)
        value, _ = loss.loss_gradient(target, raw)
        grad, hess = loss.gradient_hessian(target, raw)
        value, grad, hess = (part * part.dtype.type(factor) for part in (value, grad, hess))
        return Derivatives(value, grad, None if loss.approx_hessian else hess)


class Copy(Provider):
    """np.copyto of the bytes that the workload must move: memory lets nobody be faster.

    The workload must read every input, labels included, and write the gradient of the first: T bytes, each
    once. The copy reads T/2 bytes and writes T/2 (for mse of n float32 numbers: 1.5 n numbers are copied; for
    cross_entropy of N rows of C logits and int64 labels: N C logits and half of the labels), into memory that
    was there before. With several threads each copies its share; below a megabyte one thread does, since
    waking another takes longer.
    """

    name = "copy"
    peer = False
    smallest_share = 2**20

    def function(self, workload: Workload) -> Callable[..., Any]:
        return np.copyto

    def supports(self, workload: Workload) -> bool:
        return True

    def prepare(self, problem: Problem, threads: int) -> Run:
        size = (sum(array.nbytes for array in problem.inputs) + problem.inputs[0].nbytes) // 2
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


PROVIDERS: tuple[Provider, ...] = (
    FastlossOut(), Fastloss(), Naive(), Torch(), TorchCompile(), Jax(), Sklearn(), Copy(),
)  # fmt: skip


def cores() -> int:
    """The processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed() -> tuple[list[Provider], list[str]]:
    """The providers that can run here, and a line for each that cannot."""
    here = [provider for provider in PROVIDERS if not provider.missing()]
    absent = [f"{p.name} (needs {' and '.join(p.missing())})" for p in PROVIDERS if p.missing()]
    return here, absent


def versions() -> dict[str, str]:
    """The version of every package that a provider here comes from."""
    names = {"sklearn": "scikit-learn"}
    packages = dict.fromkeys(package for provider in installed()[0] for package in provider.packages)
    return {names.get(p, p): importlib.metadata.version(names.get(p, p)) for p in packages}
