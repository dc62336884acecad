"""Loss: what every public loss is. A family module declares its losses with the decorators of this one."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Concatenate, Generic, Literal, ParamSpec

import numpy as np
from numpy.typing import NDArray

from fastloss import arrays
from fastloss.arrays import Interval
from fastloss.kernels import family, system

P = ParamSpec("P")
Reduction = Literal["mean", "sum", "none"]
Out = NDArray[Any] | tuple[NDArray[Any] | None, ...] | None

# What a declaration is asked for; the drivers know the same numbers.
VALUE, VALUE_AND_GRAD, GRAD_HESS = 0, 1, 2

COMMON = (
    "weight",
    "reduction",
    "denominator",
    "axis",
    "out",
)  # the words a loss has that its reference has not

EVERY_NUMBER = Interval()

# What every docstring says: {common} stands among the parameters, {returns} after them.
DOCUMENTATION = {
    "common": """\
weight : array_like, optional
    Weight of each {unit}, broadcast to {shape}; a bool mask keeps where True. Where it is 0 the {unit} is
    invisible: it adds 0 and gets gradient 0, even if it holds NaN. Any other number scales, also a negative one,
    so that an upstream gradient can be passed here.
reduction : {{"mean", "sum", "none"}}
    The mean is sum(w loss) / sum(w), nan with gradient 0 where sum(w) is 0. Sums are accumulated in double. With
    "none" the gradient is that of the sum.
denominator : float > 0, optional
    Divides the mean instead of sum(w): with the whole batch's, the parts of a batch add up.
out : ndarray, optional
    Where `value_and_grad` puts the gradient (it may be `{first}` itself), a call with ``reduction="none"`` the
    losses, and `grad_hess` a pair.""",
    "returns": """\
Returns
-------
float or ndarray
    The reduced loss; with ``reduction="none"`` one loss per {unit}, float64 if an input is or holds integers, else
    float32. `value_and_grad` gives the loss and its gradient, `grad_hess` gradient and Hessian of the weighted sum (it
    takes no `denominator`); derivatives have the dtype of `{first}`, float64 for integers.""",
}

LOSSES: "dict[str, Loss[...]]" = {}


class Method(partial[Any]):
    """A way to call a loss: a partial application of its declaration, which costs no more Python than it must."""

    __name__: str
    __self__: "Loss[...]"

    def __new__(cls, loss: "Loss[...]", name: str, doc: str, declaration: Callable[..., Any], ask: int) -> "Method":
        method = super().__new__(cls, declaration, ask)
        method.__name__, method.__doc__, method.__self__ = name, doc, loss
        return method

    def __repr__(self) -> str:
        return f"{self.__self__.name}.{self.__name__}{inspect.signature(self)}"

    def __reduce__(self) -> Any:
        return getattr, (self.__self__, self.__name__)


class Loss(Generic[P]):
    """A loss function with its gradient and Hessian, each in one fused pass.

    Call it for the value. `value_and_grad` and `grad_hess` take the same arguments. `reference` is the readable
    pure-Python function that it is tested against.

    Attributes
    ----------
    name, family : str
    reference : callable
        One element or row in plain Python, for floats, mpmath numbers and duals.
    domain : dict of str to Interval
        What each input and hyperparameter may be; no entry means every real number.
    examples : tuple of dict
        Hyperparameters worth trying: what the tests, benchmarks and documentation go through.
    kinks : callable or None
        Where the derivative jumps, given the hyperparameters: values of the first input for a target of 0.
    peers : dict of str to str
        The names it has in other libraries.
    """

    shape: Literal["pointwise", "rows"]

    value_and_grad: Callable[P, tuple[float | Any, Any]]
    grad_hess: Callable[P, tuple[Any, Any]]

    def __init__(
        self,
        declaration: Callable[Concatenate[int, P], Any],
        *,
        inputs: Sequence[str],
        grads: int,
        reference: Callable[..., Any],
        domain: Mapping[str, Interval],
        examples: Sequence[Mapping[str, Any]],
        kinks: Callable[..., Sequence[float]] | None,
        peers: Mapping[str, str],
    ) -> None:
        signature = inspect.signature(declaration)
        self.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
        self.__doc__ = self._document(inspect.getdoc(declaration) or "", inputs[0])
        self.__module__ = declaration.__module__
        self.__name__ = self.__qualname__ = self.name = declaration.__name__
        self.family = declaration.__module__.rpartition(".")[2]
        self.inputs = tuple(inputs)
        self.grads = grads
        self.reference = reference
        self.domain = dict(domain)
        self.examples = tuple(examples)
        self.kinks = kinks
        self.peers = dict(peers)
        self._declaration = declaration
        doc = f"The value of `{self.name}` and its gradient, in one pass; takes the same arguments."
        self.value_and_grad = Method(self, "value_and_grad", doc, declaration, VALUE_AND_GRAD)
        doc = (
            f"Gradient and Hessian of the weighted sum of `{self.name}`, element by element; takes the same arguments."
        )
        self.grad_hess = Method(self, "grad_hess", doc, declaration, GRAD_HESS)
        LOSSES[self.name] = self

    def _document(self, text: str, first: str) -> str:
        """The docstring, with what all losses have in common put where it belongs."""
        unit, shape = ("row", "the labels' shape") if self.shape == "rows" else ("element", "that shape")
        for name, common in DOCUMENTATION.items():
            text = text.replace("{" + name + "}", common.format(unit=unit, shape=shape, first=first))
        return text

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> float | Any:
        return self._declaration(VALUE, *args, **kwargs)

    def __repr__(self) -> str:
        bare = [p.replace(annotation=inspect.Parameter.empty) for p in self.__signature__.parameters.values()]
        return f"{self.name}{inspect.Signature(bare)}"

    def __reduce__(self) -> str:
        return self.name

    def parameter(self, name: str, value: Any) -> float:
        """A hyperparameter, checked against the domain declared for it."""
        domain = self.domain.get(name, EVERY_NUMBER)
        low, high, low_open, high_open = domain
        if type(value) is float and low <= value <= high and not (low_open or high_open):
            return value  # the usual case, at a fraction of the price
        return arrays.parameter(name, value, domain)


class Pointwise(Loss[P]):
    """A loss of arrays of one shape, element by element."""

    shape = "pointwise"

    def __init__(self, declaration: Callable[Concatenate[int, P], Any], *, data: int, **fields: Any) -> None:
        super().__init__(declaration, **fields)
        self._kernel = family(self.family).KERNELS[self.name]
        self._driver = family("pointwise").run
        self._data = data
        self._bounds = tuple(self.domain.get(name) for name in self.inputs)

    def run(
        self,
        ask: int,
        inputs: tuple[Any, ...],
        params: tuple[float, ...],
        weight: Any,
        reduction: Any,
        denominator: Any,
        out: Any,
        ignore_index: float | None = None,
    ) -> Any:
        """Hand a call to the compiled driver, and find out what is wrong with it if the driver will not take it."""
        outs = out if out is None or isinstance(out, tuple) else (out,)

        def drive(inputs: tuple[Any, ...], weight: Any, outs: Any) -> Any:
            return self._driver(
                self._kernel, ask, inputs, params, self._bounds, self._data, weight, ignore_index, reduction,
                denominator, outs,
            )  # fmt: skip

        try:
            if denominator is None and (outs is None or len(outs) == _outputs(ask, reduction, self.grads)):
                result = drive(inputs, weight, outs)
                if result is not NotImplemented:
                    return result
            inputs = arrays.pointwise_inputs(self.inputs, inputs, self._data, ask != VALUE)
            _check_call(ask, reduction, denominator, outs, self.grads)
            if weight is not None:
                weight = arrays.broadcast("weight", arrays.as_array("weight", weight), inputs[0].shape)
            result = drive(inputs, weight, outs)
        except system.UnfitError as found:
            name = self.inputs[found.which]
            array = np.broadcast_to(np.asarray(inputs[found.which]), np.broadcast_shapes(*map(np.shape, inputs)))
            raise arrays.unfit(name, array, found.position, f"a value in {self.domain[name]}", ValueError) from None
        if result is NotImplemented:
            empty = tuple(np.empty(0, array.dtype) for array in inputs)
            fitting = drive(empty, None, None)
            _explain(
                outs,
                inputs[0].shape,
                fitting,
                dict(zip(self.inputs, inputs, strict=True)) | {"weight": weight},
            )
        return result


class Rows(Loss[P]):
    """A loss of rows of logits along a class axis, with labels or probabilities as targets."""

    shape = "rows"

    def __init__(self, declaration: Callable[Concatenate[int, P], Any], **fields: Any) -> None:
        super().__init__(declaration, inputs=("logits", "target"), grads=1, **fields)
        self._driver = getattr(family(self.family), self.name)

    def run(
        self,
        ask: int,
        logits: Any,
        target: Any,
        params: tuple[Any, ...],
        weight: Any,
        class_weight: Any,
        ignore_index: Any,
        reduction: Any,
        denominator: Any,
        axis: Any,
        out: Any,
    ) -> Any:
        """Hand a call to the compiled driver, and find out what is wrong with it if the driver will not take it."""
        outs = out if out is None or isinstance(out, tuple) else (out,)
        try:
            plain = class_weight is None and denominator is None
            if plain and (outs is None or len(outs) == _outputs(ask, reduction, 1)):
                result = self._driver(
                    ask, logits, target, weight, None, ignore_index, params, axis, reduction, None, outs
                )
                if result is not NotImplemented:
                    return result
            logits, target, axis = arrays.label_inputs(logits, target, axis)
            ignore_index = arrays.integer("ignore_index", ignore_index)
            soft = target.ndim == logits.ndim
            if soft and ignore_index != -100:
                raise ValueError("ignore_index applies to labels; give rows of probabilities a weight of 0 instead")
            if class_weight is not None:
                class_weight = arrays.class_weights(class_weight, logits.shape[axis])
            _check_call(ask, reduction, denominator, outs, 1)
            if weight is not None:
                positions = logits.shape[:axis] + logits.shape[axis + 1 :]
                weight = arrays.broadcast("weight", arrays.as_array("weight", weight), positions)
            result = self._driver(
                ask,
                logits,
                target,
                weight,
                class_weight,
                ignore_index,
                params,
                axis,
                reduction,
                denominator,
                outs,
            )
        except system.UnfitError as found:
            logits, target, axis = arrays.label_inputs(logits, target, axis)
            if target.ndim == logits.ndim:
                raise arrays.unfit(
                    "target", target, found.position, "a probability in [0, 1]", ValueError, axis
                ) from None
            target = np.broadcast_to(target, logits.shape[:axis] + logits.shape[axis + 1 :])
            classes = f"a class in [0, {logits.shape[axis]}) or ignore_index={ignore_index}"
            raise arrays.unfit("target", target, found.position, classes, IndexError) from None
        if result is NotImplemented:
            one_row = np.zeros((1, 1), logits.dtype)
            row_target = np.zeros((1, 1) if soft else 1, target.dtype)
            fitting = self._driver(ask, one_row, row_target, None, None, -100, params, 1, reduction, None, None)
            shape = logits.shape if ask != VALUE else logits.shape[:axis] + logits.shape[axis + 1 :]
            _explain(outs, shape, fitting, {"logits": logits, "target": target, "weight": weight})
        return result


def _outputs(ask: int, reduction: Any, grads: int) -> int:
    """How many arrays `out` may name: the losses, or the derivatives."""
    return int(reduction == "none") if ask == VALUE else grads * ask


def _check_call(ask: int, reduction: Any, denominator: Any, outs: Any, grads: int) -> None:
    """The words that all losses share."""
    arrays.check_reduction(reduction, denominator)
    if ask == GRAD_HESS and denominator is not None:
        raise ValueError("grad_hess gives the derivatives of the weighted sum; denominator has no place in it")
    wanted = _outputs(ask, reduction, grads)
    if outs is not None and not wanted:
        raise ValueError('out takes the losses of reduction="none" or a gradient; this call returns a number')
    if outs is not None and len(outs) != wanted:
        raise ValueError(f"out must name {wanted} array{'s' * (wanted > 1)} (None for a new one), not {len(outs)}")


def _explain(outs: tuple[Any, ...] | None, shape: tuple[int, ...], fitting: Any, inputs: dict[str, Any]) -> None:
    """Raise for the first of the given output arrays that cannot take its result."""
    if outs is None:
        raise AssertionError("the driver refused arguments that are sound")
    flat: list[Any] = []
    for part in fitting if isinstance(fitting, tuple) else (fitting,):
        flat += part if isinstance(part, tuple) else (part,)
    results = [part for part in flat if isinstance(part, np.ndarray)][-len(outs) :]
    for given, result in zip(outs, results, strict=True):
        if given is not None:
            arrays.check_out(given, shape, result.dtype, inputs)
    raise ValueError("out names the same memory twice")


def pointwise(
    *inputs: str,
    reference: Callable[..., Any],
    data: int = 2,
    grads: int = 1,
    domain: Mapping[str, Interval] | None = None,
    examples: Sequence[Mapping[str, Any]] = ({},),
    kinks: Callable[..., Sequence[float]] | None = None,
    peers: Mapping[str, str] | None = None,
) -> Callable[[Callable[Concatenate[int, P], Any]], Pointwise[P]]:
    """Declare a pointwise loss of the named inputs: the first `grads` are differentiable, the first `data` have the
    loss's shape. The kernel of the same name is found in the family's module of the same name."""

    def declare(declaration: Callable[Concatenate[int, P], Any]) -> Pointwise[P]:
        return Pointwise(
            declaration, inputs=inputs, data=data, grads=grads, reference=reference, domain=domain or {},
            examples=examples, kinks=kinks, peers=peers or {},
        )  # fmt: skip

    return declare


def rows(
    *,
    reference: Callable[..., Any],
    domain: Mapping[str, Interval] | None = None,
    examples: Sequence[Mapping[str, Any]] = ({},),
    peers: Mapping[str, str] | None = None,
) -> Callable[[Callable[Concatenate[int, P], Any]], Rows[P]]:
    """Declare a loss of rows of logits. The kernel is the function of the same name in the family's module."""

    def declare(declaration: Callable[Concatenate[int, P], Any]) -> Rows[P]:
        return Rows(
            declaration,
            reference=reference,
            domain=domain or {},
            examples=examples,
            kinks=None,
            peers=peers or {},
        )

    return declare
