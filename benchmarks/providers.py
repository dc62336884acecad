"""Who computes it: fastloss, the libraries one would pick instead, naive NumPy, and a plain copy.

A provider is one small class. It says which packages it needs and which workloads it knows, prepares a call
that computes value and gradients of the mean (or gradient and Hessian of the sum, where the workload asks for
that), and fetches them as NumPy for the check.
Every peer is measured at its best: compiled and warm, its inputs already its own arrays, outputs preallocated
where it takes them, with the number of threads that was asked for. A peer's function is found by the name in
`loss.peers`, and told the hyperparameters that it knows by the same name.
"""

import importlib.metadata
import importlib.util
import inspect
import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

import fastloss
from benchmarks import naive
from benchmarks.workloads import Problem, Workload
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
        return self.peer_of(workload).options(workload.options).keys() <= _parameters(function)

    def options(self, workload: Workload) -> dict[str, Any]:
        """The hyperparameters that loss and peer both know, by the peer's names."""
        known = _parameters(self.known(workload))
        asked = self.peer_of(workload).options(workload.hyperparameters)
        return {name: value for name, value in asked.items() if name in known}

    def prepare(self, problem: Problem, threads: int) -> Run:
        """A call that computes value and gradients, ready to be timed."""
        raise NotImplementedError

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


def _parameters(function: Any) -> set[str]:
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
        return Derivatives(np.asarray(value), several(grad), several(loss.grad_hess(*inputs, **keywords)[1]))


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
        return function is not None and not workload.hessian and workload.options.keys() <= _parameters(function)

    def prepare(self, problem: Problem, threads: int) -> Run:
        workload, inputs = problem.workload, problem.inputs
        function, keywords = self.known(workload), workload.keywords
        return lambda: function(*inputs, **keywords)


class Torch(Provider):
    """torch eager: a leaf that shares the NumPy array's memory, and its gradient set to None before each
    call.
    """

    name = "torch"
    library = "torch"
    packages = ("torch",)

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        import torch.nn.functional

        if workload.rows and workload.axis % len(workload.shape) != 1:  # where torch has its classes
            return None
        peer = workload.loss.peers.get(self.library)
        return None if peer is None else getattr(torch.nn.functional, peer.name)

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
        workload = problem.workload
        function, options, peer = self.known(workload), self.options(workload), self.peer_of(workload)

        def mean(*inputs: Any) -> Any:
            loss = function(*peer.inputs(*inputs), **options)
            return loss if peer.factor == 1 else peer.factor * loss

        compiled = self.compiled(mean, threads)
        inputs, leaves = self.leaves(workload, problem.inputs)

        def run() -> Any:
            for leaf in leaves:
                leaf.grad = None
            loss = compiled(*inputs)
            loss.backward()
            return loss, [leaf.grad for leaf in leaves]

        return run

    def leaves(self, workload: Workload, arrays: Sequence[np.ndarray]) -> tuple[list[Any], list[Any]]:
        """The inputs as tensors, and those among them that get a gradient."""
        import torch

        inputs = [torch.from_numpy(np.ascontiguousarray(array)).detach() for array in arrays]
        return inputs, [inputs[workload.loss.inputs.index(name)].requires_grad_() for name in workload.grads]

    def fetch(self, problem: Problem, result: Any) -> tuple[float | None, Sequence[np.ndarray | None]]:
        loss, gradients = result
        return loss.item(), [gradient.numpy() for gradient in gradients]

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        import torch

        function, options, peer = self.known(workload), self.options(workload), self.peer_of(workload)
        tensors, leaves = self.leaves(workload, inputs)
        value = peer.factor * function(*peer.inputs(*tensors), reduction="none", **options)
        grads = torch.autograd.grad(value.sum(), leaves, create_graph=True)

        def column(part: Any, leaf: Any) -> Any:
            if not part.requires_grad:
                return torch.zeros_like(leaf)
            (found,) = torch.autograd.grad(part.sum(), leaf, retain_graph=True, allow_unused=True)
            return torch.zeros_like(leaf) if found is None else found

        hesses = None
        if not workload.rows:
            hesses = tuple(column(grad, leaf).numpy(force=True) for grad, leaf in zip(grads, leaves, strict=True))
        elif workload.shape[workload.axis] <= HESSIAN_CLASSES:
            axis, (grad,), (leaf,) = workload.axis, grads, leaves
            columns = [column(grad.select(axis, k), leaf).select(axis, k) for k in range(workload.shape[axis])]
            hesses = (torch.stack(columns, axis).numpy(),)
        return Derivatives(value.detach().numpy(), tuple(grad.detach().numpy() for grad in grads), hesses)


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


class TorchChunked(Torch):
    """torch's own way round the logits of a linear layer, which it makes a chunk of rows at a time if it is told to."""

    name = "torch chunked"

    def supports(self, workload: Workload) -> bool:
        return workload.loss.shape == "linear" and super().supports(workload)

    def options(self, workload: Workload) -> dict[str, Any]:
        import torch.nn

        return super().options(workload) | {"options": torch.nn.LinearCrossEntropyOptions()}


class Jax(Provider):
    """jax.jit(jax.value_and_grad(...)) of the mean of optax's loss.

    XLA makes its pool of threads once, with NPROC threads if that variable is set, else one per processor. It
    cannot be changed later: a process measures JAX with the one number of threads that it has.
    """

    name = "JAX"
    library = "optax"
    packages = ("jax", "optax")

    def jax(self) -> ModuleType:
        import jax

        jax.config.update("jax_platforms", "cpu")
        jax.config.update("jax_enable_x64", True)  # float64 at all; float32 stays what it is
        return jax

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        self.jax()
        import optax.losses

        peer = workload.loss.peers.get(self.library)
        if peer is None:
            return None
        function = getattr(optax.losses, peer.name)
        if workload.rows and "axis" not in _parameters(function):
            return function if workload.axis % len(workload.shape) == len(workload.shape) - 1 else None
        return function

    def threads(self, wanted: int) -> bool:
        return wanted == int(os.environ.get("NPROC") or cores())

    def options(self, workload: Workload) -> dict[str, Any]:
        axis = {"axis": workload.axis} if workload.rows and "axis" in _parameters(self.known(workload)) else {}
        return super().options(workload) | axis

    def prepare(self, problem: Problem, threads: int) -> Run:
        jax, losses = self.jax(), self.losses(problem.workload)
        compiled = jax.jit(jax.value_and_grad(lambda *inputs: losses(*inputs).mean(), self.places(problem.workload)))
        inputs = jax.block_until_ready([jax.device_put(array) for array in problem.inputs])
        return lambda: jax.block_until_ready(compiled(*inputs))

    def losses(self, workload: Workload) -> Callable[..., Any]:
        """The unreduced losses as a function of our inputs."""
        function, options, peer = self.known(workload), self.options(workload), self.peer_of(workload)
        return lambda *inputs: peer.factor * function(*peer.inputs(*inputs), **options)

    def places(self, workload: Workload) -> tuple[int, ...]:
        """Which inputs have a gradient."""
        return tuple(map(workload.loss.inputs.index, workload.loss.grads))

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        jax, losses, places = self.jax(), self.losses(workload), self.places(workload)
        arrays = [jax.device_put(array) for array in inputs]
        gradient = jax.grad(lambda *arrays: losses(*arrays).sum(), places)
        grads = gradient(*arrays)

        def second(k: int, direction: Any) -> Any:
            def slope(x: Any) -> Any:
                return gradient(*arrays[: places[k]], x, *arrays[places[k] + 1 :])[k]

            return jax.jvp(slope, (arrays[places[k]],), (direction,))[1] * direction

        hesses = None
        if not workload.rows:
            hesses = tuple(np.asarray(second(k, jax.numpy.ones_like(arrays[j]))) for k, j in enumerate(places))
        elif workload.shape[workload.axis] <= HESSIAN_CLASSES:
            shape = [1] * len(workload.shape)
            shape[workload.axis] = -1
            unit = np.eye(workload.shape[workload.axis], dtype=workload.dtype)
            rows = [jax.numpy.broadcast_to(row.reshape(shape), arrays[0].shape) for row in unit]
            hesses = (np.asarray(sum(second(0, row) for row in rows)),)
        return Derivatives(np.asarray(losses(*arrays)), tuple(map(np.asarray, grads)), hesses)


class Sklearn(Provider):
    """The compiled losses of scikit-learn's own models, `sklearn._loss`, into preallocated arrays.

    They return the losses and the gradient of their sum, so the mean of the losses is part of the call, and
    dividing the gradient is spared it. Labels are floats of the logits' dtype, as they want them.
    """

    name = "scikit-learn"
    library = "sklearn"
    packages = ("sklearn",)

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        from sklearn._loss import loss  # which has ExponentialLoss, too

        if len(workload.shape) != 1 + workload.rows or workload.axis % len(workload.shape) != len(workload.shape) - 1:
            return None
        peer = workload.loss.peers.get(self.library)
        return None if peer is None else getattr(loss, peer.name)

    def supports(self, workload: Workload) -> bool:
        function = self.function(workload)
        if function is None:
            return False
        return self.peer_of(workload).options(workload.options).keys() <= _parameters(function)

    def options(self, workload: Workload) -> dict[str, Any]:
        classes = {"n_classes": workload.shape[-1]} if workload.rows else {}
        return super().options(workload) | classes

    def prepare(self, problem: Problem, threads: int) -> Run:
        workload = problem.workload
        loss = self.known(workload)(**self.options(workload))
        raw, target = self.arrays(workload, problem.inputs)
        losses, gradient = np.zeros_like(target), np.zeros_like(raw)

        def run() -> Any:
            loss.loss_gradient(target, raw, loss_out=losses, gradient_out=gradient, n_threads=threads)
            return losses.mean(), gradient

        def run_hessian() -> Any:
            loss.gradient_hessian(target, raw, gradient_out=gradient, hessian_out=losses, n_threads=threads)
            return gradient, None if loss.approx_hessian else losses

        return run_hessian if workload.hessian else run

    def arrays(self, workload: Workload, inputs: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        raw, target = self.peer_of(workload).inputs(*inputs)
        return raw, target.astype(raw.dtype, copy=False)

    def fetch(self, problem: Problem, result: Any) -> tuple[float | None, Sequence[np.ndarray | None]]:
        one, other = result
        factor = self.peer_of(problem.workload).factor
        if problem.workload.hessian:
            return None, [None if part is None else part * part.dtype.type(factor) for part in (one, other)]
        return factor * float(one), [other * other.dtype.type(factor / problem.count)]

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        loss, factor = self.known(workload)(**self.options(workload)), self.peer_of(workload).factor
        raw, target = self.arrays(workload, inputs)
        value, _ = loss.loss_gradient(target, raw)
        grad, hess = loss.gradient_hessian(target, raw)
        value, grad, hess = (part * part.dtype.type(factor) for part in (value, grad, hess))
        return Derivatives(value, (grad,), None if loss.approx_hessian else (hess,))


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
        written = len(workload.loss.grads) * (1 + workload.hessian) * problem.inputs[0].nbytes
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
    """np.matmul of the three products of a linear layer's loss, each as a whole: logits, and the gradients by input and
    weight. The BLAS lets nobody be faster who needs them all."""

    name = "products"
    peer = False

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        return np.matmul if workload.loss.shape == "linear" else None

    def prepare(self, problem: Problem, threads: int) -> Run:
        from threadpoolctl import threadpool_limits

        features, weight, _ = problem.inputs
        logits = np.empty((problem.count, problem.classes), features.dtype)
        gradients = np.empty_like(features), np.empty_like(weight)

        def run() -> Any:
            with threadpool_limits(threads, "blas"):
                np.matmul(features, weight.T, out=logits)
                np.matmul(logits, weight, out=gradients[0])
                np.matmul(logits.T, features, out=gradients[1])
            return logits, gradients

        return run

    def supports(self, workload: Workload) -> bool:
        return self.function(workload) is not None

    def check(self, problem: Problem, result: Any) -> float:
        return 0.0


PROVIDERS: tuple[Provider, ...] = (
    FastlossOut(), Fastloss(), Naive(), Torch(), TorchCompile(), TorchChunked(), Jax(), Sklearn(), Copy(), Products(),
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
