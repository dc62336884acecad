"""The libraries one would pick instead of fastloss: torch, JAX with optax, scikit-learn."""

import inspect
import os
import shutil
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.providers import Derivatives, Provider, Run, cores, parameters
from benchmarks.workloads import Problem, Workload


class Torch(Provider):
    """torch eager: a leaf that shares the NumPy array's memory, and its gradient set to None after each
    call.
    """

    name = "torch"
    library = "torch"
    packages = ("torch",)

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        import torch.nn.functional

        if workload.loss.shape == "rows" and workload.axis % len(workload.shape) != 1:  # where torch has its classes
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
            loss = compiled(*inputs)
            loss.backward()
            gradients = [leaf.grad for leaf in leaves]
            for leaf in leaves:
                leaf.grad = None
            return loss, gradients

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
        if not workload.loss.hessian:
            pass
        elif not workload.rows:
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

    def supports(self, workload: Workload) -> bool:
        # it compares every class with every class: one call with 2048 rows of 32000 takes more than minutes
        return workload.loss.target != "lists of labels" and super().supports(workload)

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

        # left to itself it takes chunks so small that it needs three times as long
        return super().options(workload) | {"options": torch.nn.LinearCrossEntropyOptions(batch_chunk_size=256)}


class Jax(Provider):
    """jax.jit(jax.value_and_grad(...)) of the mean of optax's loss.

    XLA makes its pool of threads once, with NPROC threads if that variable is set, else one per processor. It
    cannot be changed later: a process measures JAX with the one number of threads that it has.
    """

    name = "JAX"
    library = "optax"
    packages = ("jax", "optax")

    def jax(self, workload: Workload) -> ModuleType:
        import jax

        jax.config.update("jax_platforms", "cpu")
        # a float32 loss of optax may have float64 constants, and fail, if there is float64 at all
        jax.config.update("jax_enable_x64", workload.dtype == "float64")
        return jax

    def function(self, workload: Workload) -> Callable[..., Any] | None:
        self.jax(workload)
        import optax.losses

        peer = workload.loss.peers.get(self.library)
        if peer is None:
            return None
        function = getattr(optax.losses, peer.name.removesuffix("_with_integer_labels") if workload.soft else peer.name)
        if workload.rows and "axis" not in parameters(function):
            return function if workload.axis % len(workload.shape) == len(workload.shape) - 1 else None
        return function

    def threads(self, wanted: int) -> bool:
        return wanted == int(os.environ.get("NPROC") or cores())

    def options(self, workload: Workload) -> dict[str, Any]:
        axis = {"axis": workload.axis} if workload.rows and "axis" in parameters(self.known(workload)) else {}
        return super().options(workload) | axis

    def prepare(self, problem: Problem, threads: int) -> Run:
        jax, losses = self.jax(problem.workload), self.losses(problem.workload)
        compiled = jax.jit(jax.value_and_grad(lambda *inputs: losses(*inputs).mean(), self.places(problem.workload)))
        inputs = jax.block_until_ready([jax.device_put(array) for array in problem.inputs])
        return lambda: jax.block_until_ready(compiled(*inputs))

    def losses(self, workload: Workload) -> Callable[..., Any]:
        """The unreduced losses as a function of our inputs."""
        function, options, peer = self.known(workload), self.options(workload), self.peer_of(workload)
        return lambda *inputs: peer.factor * function(*peer.inputs(*inputs), **options)

    def places(self, workload: Workload) -> tuple[int, ...]:
        """Which inputs have a gradient."""
        return tuple(map(workload.loss.inputs.index, workload.grads))

    def derivatives(self, workload: Workload, inputs: tuple[np.ndarray, ...]) -> Derivatives:
        jax, losses, places = self.jax(workload), self.losses(workload), self.places(workload)
        arrays = [jax.device_put(array) for array in inputs]
        gradient = jax.grad(lambda *arrays: losses(*arrays).sum(), places)
        grads = gradient(*arrays)

        def second(k: int, direction: Any) -> Any:
            def slope(x: Any) -> Any:
                return gradient(*arrays[: places[k]], x, *arrays[places[k] + 1 :])[k]

            return jax.jvp(slope, (arrays[places[k]],), (direction,))[1] * direction

        hesses = None
        if not workload.loss.hessian:
            pass
        elif not workload.rows:
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

        if (
            workload.soft
            or len(workload.shape) != 1 + workload.rows
            or workload.axis % len(workload.shape) != len(workload.shape) - 1
        ):
            return None
        peer = workload.loss.peers.get(self.library)
        return None if peer is None else getattr(loss, peer.name)

    def supports(self, workload: Workload) -> bool:
        function = self.function(workload)
        if function is None:
            return False
        return self.peer_of(workload).options(workload.options).keys() <= parameters(function)

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
