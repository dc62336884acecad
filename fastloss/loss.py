"""Loss: what every public loss is. A family module declares its losses with the decorators of this one."""

import inspect
import math
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Concatenate, Generic, Literal, NamedTuple, ParamSpec

import numpy as np
from numpy.typing import NDArray

from fastloss import arrays
from fastloss.arrays import Interval
from fastloss.kernels import family, system

P = ParamSpec("P")
Reduction = Literal["mean", "sum", "none"]
Array = NDArray[Any] | None
Out = Array | tuple[Array | tuple[Array, ...], ...]

# What a declaration is asked for; the drivers know the same numbers.
VALUE, VALUE_AND_GRAD, GRAD_HESS = 0, 1, 2

COMMON = ("weight", "reduction", "denominator", "axis", "out")  # the words a loss has that its reference has not

EVERY_NUMBER = Interval()

# What every docstring says: {common} stands among the parameters, {returns} and {raises} after them. The name of an
# input or hyperparameter in braces stands for its domain.
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
    Where `value_and_grad` puts {gradient}, a call
    with ``reduction="none"`` the losses{pair}.""",
    "returns": """\
Returns
-------
float or ndarray
    The reduced loss; with ``reduction="none"`` one loss per {unit}, float64 if an input is or holds integers, else
    float32. `value_and_grad` gives the loss and its gradient{curvature}; {derivatives}, float64 for integers.""",
    "raises": """\
Raises
------
{index}ValueError
    If {shapes}, a number is outside its domain (the message names the first and its place), a word is
    unknown, or `out` has the wrong shape, dtype or layout.
TypeError
    If an argument does not hold real numbers{integers}.""",
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


class Peer(NamedTuple):
    """What another library calls a loss, and how it differs there."""

    name: str
    factor: float = 1.0  # ours is so many times theirs
    words: Mapping[str, str] = {}  # our name of a hyperparameter: theirs, where it differs
    given: Mapping[str, Any] = {}  # what they must be told besides, unless we are told otherwise
    order: Callable[..., tuple[Any, ...]] | None = None  # our inputs, arrays of whatever kind, to theirs

    def options(self, words: Mapping[str, Any]) -> dict[str, Any]:
        """What they must be told for these hyperparameters of ours."""
        return dict(self.given) | {self.words.get(name, name): value for name, value in words.items()}

    def inputs(self, *arrays: Any) -> tuple[Any, ...]:
        """The arrays they take for ours."""
        return arrays if self.order is None else self.order(*arrays)


Domain = Interval | Callable[..., Interval]


class Loss(Generic[P]):
    """A loss function with its gradient and Hessian, each in one fused pass.

    Call it for the value. `value_and_grad` and `grad_hess` take the same arguments. `reference` is the readable
    pure-Python function that it is tested against.

    Attributes
    ----------
    name, family : str
    shape : {"pointwise", "root", "rows", "linear", "adaptive", "tokens"}
        What one loss belongs to: an element, all of them, a row, a row of a product, or of several, a token.
    inputs, required, grads : tuple of str
        The arrays it takes, those among them that every call must bring, and those that it has a gradient by.
    hyperparameters : dict of str to object
        The defaults of its keyword-only parameters, but for those that all losses have.
    reference : callable
        One element or row in plain Python, for floats, mpmath numbers and duals.
    domain : dict of str to Interval or callable
        What each input and hyperparameter may be; no entry means every real number. One that depends on
        hyperparameters is a function of these; `domains` gives the Intervals.
    examples : tuple of dict
        Hyperparameters worth trying: what the tests, benchmarks and documentation go through.
    kinks : callable or None
        Where the derivative jumps, given the hyperparameters: values of the first input for a target of 0.
    peers : dict of str to Peer
        What other libraries call it.
    signed : bool
        Whether it may be negative.
    hessian : bool
        Whether `grad_hess` knows its Hessian's diagonal.
    target : {"", "labels", "labels or shares", "lists of labels"}
        What classes a row is compared with, if any.
    """

    shape: Literal["pointwise", "root", "rows", "linear", "adaptive", "tokens"]
    hessian = True
    target = ""

    value_and_grad: Callable[P, tuple[float | Any, Any]]
    grad_hess: Callable[P, tuple[Any, Any]]

    def __init__(
        self,
        declaration: Callable[Concatenate[int, P], Any],
        *,
        inputs: Sequence[str],
        grads: Sequence[str],
        reference: Callable[..., Any],
        domain: Mapping[str, Domain],
        examples: Sequence[Mapping[str, Any]],
        kinks: Callable[..., Sequence[float]] | None,
        peers: Mapping[str, str | Peer],
        signed: bool,
    ) -> None:
        signature = inspect.signature(declaration)
        self.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
        self.__module__ = declaration.__module__
        self.__name__ = self.__qualname__ = self.name = declaration.__name__
        self.family = declaration.__module__.rpartition(".")[2]
        self.inputs = tuple(inputs)
        parameters = self.__signature__.parameters.values()
        self.required = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
        self.hyperparameters = {
            p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY and p.name not in COMMON
        }
        self.grads = tuple(grads)
        self.reference = reference
        self.domain = dict(domain)
        self.examples = tuple(examples)
        self.kinks = kinks
        self.peers = {library: Peer(peer) if isinstance(peer, str) else peer for library, peer in peers.items()}
        self.signed = signed
        self.__doc__ = self._document(inspect.getdoc(declaration) or "")
        self._declaration = declaration
        doc = f"The value of `{self.name}` and its gradient, in one pass; takes the same arguments."
        self.value_and_grad = Method(self, "value_and_grad", doc, declaration, VALUE_AND_GRAD)
        doc = (
            f"Gradient and Hessian of the weighted sum of `{self.name}`, element by element; takes the same arguments."
        )
        self.grad_hess = Method(self, "grad_hess", doc, declaration, GRAD_HESS)
        LOSSES[self.name] = self

    def _document(self, text: str) -> str:
        """The docstring, with what all losses have in common, and the domains, put where they belong."""
        unit = {"rows": "row", "tokens": "token"}.get(self.shape, "element")
        whole, several = unit == "element", len(self.grads) > 1
        lists = isinstance(self, Rows) and self.target == "lists of labels"
        labelled = lists or (unit == "row" and "ignore_index" in self.__signature__.parameters)
        none = "-1" if lists else "`ignore_index`"
        fields = ", ".join(f"`{name}`" for name in self.grads)
        words = {
            "unit": unit,
            "shape": "that shape" if whole else "the labels' shape",
            "shapes": "the shapes differ" if whole else "the shapes do not fit",
            "gradient": (
                f"a tuple of gradients, by {fields} (each may be its input itself)"
                if several
                else f"the gradient (it may be `{self.grads[0]}` itself)"
            ),
            "pair": ", and `grad_hess` a pair" if self.hessian else "",
            "curvature": (
                ", `grad_hess` gradient and Hessian of the weighted sum (it\n    takes no `denominator`)"
                if self.hessian
                else " (there is\n    no `grad_hess`)"
            ),
            "derivatives": (
                f"the derivatives by {fields} are named tuples with\n    these fields, each of its input's dtype"
                if several
                else f"derivatives have the dtype of `{self.grads[0]}`"
            ),
            "index": (
                f"IndexError\n    If a label is neither a class nor {none}: the message names the first. "
                "Nothing has been written then.\n"
                if labelled
                else ""
            ),
            "integers": ", or labels are not integers" if labelled else "",
        }
        for name, common in DOCUMENTATION.items():
            text = text.replace("{" + name + "}", common.format(**words))
        for name, domain in self.domains({}).items():
            text = text.replace("{" + name + "}", str(domain))
        return text

    def domains(self, words: Mapping[str, Any]) -> dict[str, Interval]:
        """The domains for these hyperparameters."""
        return {
            name: domain
            if isinstance(domain, Interval)
            else domain(**{word: words[word] for word in inspect.signature(domain).parameters if word in words})
            for name, domain in self.domain.items()
        }

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
        assert isinstance(domain, Interval), f"the domain of {name} depends on others"
        return arrays.parameter(name, value, domain)


class Pointwise(Loss[P]):
    """A loss of arrays of one shape, element by element."""

    shape = "pointwise"

    def __init__(self, declaration: Callable[Concatenate[int, P], Any], **fields: Any) -> None:
        super().__init__(declaration, **fields)
        self._kernel = kernel_of(declaration)
        self._driver = family("pointwise").run
        self._data = len(self.required)
        self._bounds = lru_cache(64)(self._bounds_for)  # looking at a function's signature takes longer than a call
        self.derivatives = derivatives_of(self)

    def _bounds_for(self, words: tuple[tuple[str, Any], ...] | None) -> tuple[Interval | None, ...]:
        """What each input may be, None for any number: the driver then does not look."""
        domains = self.domains(dict(words or ()))
        bounds = (domains.get(name) for name in self.inputs)
        return tuple(None if bound == EVERY_NUMBER else bound for bound in bounds)

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
        words: Mapping[str, Any] | None = None,
        data: int | None = None,
    ) -> Any:
        """Hand a call to the compiled driver, and find out what is wrong with it if the driver will not take it.

        `words` are the hyperparameters that a domain depends on. The first `data` inputs, those without a default
        unless said, have the loss's shape and decide the dtype it is computed in.
        """
        data = self._data if data is None else data
        result = self._run(ask, inputs, params, weight, reduction, denominator, out, ignore_index, words, data)
        if ask == VALUE or len(self.grads) == 1:
            return result
        one, other = result
        return self.derivatives._make(one) if ask == GRAD_HESS else one, self.derivatives._make(other)

    def _run(
        self,
        ask: int,
        inputs: tuple[Any, ...],
        params: tuple[float, ...],
        weight: Any,
        reduction: Any,
        denominator: Any,
        out: Any,
        ignore_index: float | None,
        words: Mapping[str, Any] | None,
        data: int,
    ) -> Any:
        bounds = self._bounds(None if words is None else tuple(words.items()))
        outs = flat(out)

        def drive(inputs: tuple[Any, ...], weight: Any, outs: Any) -> Any:
            return self._driver(
                self._kernel, ask, inputs, params, bounds, data, weight, ignore_index, reduction, denominator, outs,
            )  # fmt: skip

        try:
            if denominator is None and (outs is None or len(outs) == count_outputs(ask, reduction, len(self.grads))):
                result = drive(inputs, weight, outs)
                if result is not NotImplemented:
                    return result
            grads = self.grads if ask != VALUE else ()
            inputs = arrays.pointwise_inputs(self.inputs, inputs, data, grads)
            check_call(ask, reduction, denominator, outs, len(self.grads))
            if weight is not None:
                weight = arrays.broadcast("weight", arrays.as_array("weight", weight), inputs[0].shape)
            result = drive(inputs, weight, outs)
        except system.UnfitError as found:
            name = self.inputs[found.which]
            array = np.broadcast_to(np.asarray(inputs[found.which]), np.broadcast_shapes(*map(np.shape, inputs)))
            domain = bounds[found.which] or EVERY_NUMBER
            raise arrays.unfit(name, array, found.position, domain.wanted(), ValueError) from None
        if result is NotImplemented:
            empty = tuple(np.empty(0, array.dtype) for array in inputs)
            fitting = drive(empty, None, None)
            explain(
                outs,
                inputs[0].shape,
                fitting,
                dict(zip(self.inputs, inputs, strict=True)) | {"weight": weight},
            )
        return result


class Root(Loss[P]):
    """The square root of another loss's mean: one number for all elements, with a gradient by each of them."""

    shape = "root"
    hessian = False

    def __init__(
        self,
        declaration: Callable[Concatenate[int, P], Any],
        *,
        of: Pointwise[...],
        scalable: bool,
        **fields: Any,
    ) -> None:
        super().__init__(declaration, inputs=of.inputs, grads=of.grads, kinks=None, signed=False, **fields)
        self._of, self._scalable = of, scalable

    def run(self, ask: int, inputs: tuple[Any, ...], weight: Any, reduction: Any, denominator: Any, out: Any) -> Any:
        """The root of the mean; the mean's gradient, divided by twice the root."""
        if ask == GRAD_HESS:
            raise TypeError(f"{self.name} has no Hessian diagonal: it is one number for all elements")
        if not isinstance(reduction, str) or reduction != "mean":
            raise ValueError(f'reduction must be "mean", not {reduction!r}: {self.name} is one number for all elements')
        mean, scale = self._of.run(VALUE, inputs, (), weight, reduction, denominator, None), 1.0
        if self._scalable and mean in (0.0, math.inf) and np.asarray(inputs[0]).dtype == np.float64:
            # squares that leave the range of a float64, in which their root may well lie
            scale = 2.0**600 if mean == 0 else 2.0**-600
            inputs = tuple(np.multiply(array, scale, dtype=np.float64) for array in inputs)
            mean = self._of.run(VALUE, inputs, (), weight, reduction, denominator, None)
        root = math.sqrt(mean)
        if ask == VALUE:
            return root / scale
        _, gradient = self._of.run(VALUE_AND_GRAD, inputs, (), weight, reduction, denominator, out)
        if root != 0:  # where an element is NaN so is the root, and every slope but those of invisible elements
            np.divide(gradient, 2 * root, out=gradient, where=gradient != 0 if math.isnan(root) else True)
        return root / scale, gradient


class Rows(Loss[P]):
    """A loss of rows along a class axis: of logits, say, and a label each."""

    shape = "rows"

    def __init__(self, declaration: Callable[Concatenate[int, P], Any], **fields: Any) -> None:
        self._kernel = kernel_of(declaration)
        self._driver = family("rows").run
        self._data, grads, target, self.hessian = family("rows").traits(self._kernel)
        self.target = ("", "labels", "labels or shares", "lists of labels")[target]
        names = fields["inputs"]
        super().__init__(declaration, grads=[name for k, name in enumerate(names) if grads >> k & 1], **fields)
        self._bounds = tuple(self.domains({}).get(name) for name in self.inputs)
        self.derivatives = derivatives_of(self)

    def run(
        self,
        ask: int,
        inputs: tuple[Any, ...],
        params: tuple[float, ...],
        weight: Any,
        reduction: Any,
        denominator: Any,
        axis: Any,
        out: Any,
        class_weight: Any = None,
        ignore_index: Any = -100,
        class_weight_name: str = "class_weight",
    ) -> Any:
        """Hand a call to the compiled driver, and find out what is wrong with it if the driver will not take it.

        `class_weight_name` is the argument that the class weights were made of.
        """
        if ask == GRAD_HESS and not self.hessian:
            raise TypeError(f"{self.name} has no Hessian diagonal: value_and_grad gives its gradient")
        data, target = (inputs[:-1], inputs[-1]) if self.target else (inputs, None)
        outs = flat(out)

        try:
            plain = class_weight is None and denominator is None and self.target != "lists of labels"
            if plain and (outs is None or len(outs) == count_outputs(ask, reduction, len(self.grads))):
                result = self._driver(
                    self._kernel, ask, data, target, params, self._bounds, weight, None, ignore_index, axis, reduction,
                    None, outs,
                )  # fmt: skip
                if result is not NotImplemented:
                    return self._named(ask, result)
            data, target, axis = self._arrays(data, target, axis)
            ignore_index = arrays.integer("ignore_index", ignore_index)
            if target is not None and target.ndim == data[0].ndim and ignore_index != -100:
                raise ValueError("ignore_index applies to labels; give rows of shares a weight of 0 instead")
            if class_weight is not None:
                class_weight = arrays.class_weights(class_weight, data[0].shape[axis], class_weight_name)
            check_call(ask, reduction, denominator, outs, len(self.grads))
            positions = data[0].shape[:axis] + data[0].shape[axis + 1 :]
            if weight is not None:
                weight = arrays.broadcast("weight", arrays.as_array("weight", weight), positions)
            if self.target == "lists of labels":
                arrays.check_lists(self.inputs[-1], target, data[0].shape[axis], weight, axis)
            result = self._driver(
                self._kernel, ask, data, target, params, self._bounds, weight, class_weight, ignore_index, axis,
                reduction, denominator, outs,
            )  # fmt: skip
        except system.UnfitError as found:
            data, target, axis = self._arrays(data, target, axis)
            every, name = (*data, target), self.inputs[found.which]
            array = every[found.which]
            if found.which == len(data) and array.ndim < data[0].ndim:
                array = np.broadcast_to(array, data[0].shape[:axis] + data[0].shape[axis + 1 :])
                ignored = f" or ignore_index={ignore_index}" if "ignore_index" in self.__signature__.parameters else ""
                classes = f"a class in [0, {data[0].shape[axis]}){ignored}"
                raise arrays.unfit(name, array, found.position, classes, IndexError) from None
            wanted = (self._bounds[found.which] or EVERY_NUMBER).wanted()
            raise arrays.unfit(name, array, found.position, wanted, ValueError, axis) from None
        if result is NotImplemented:
            row = tuple(np.zeros((1, 1), array.dtype) for array in data)
            one = None if target is None else np.zeros((1,) * (target.ndim == data[0].ndim) + (1,), target.dtype)
            invisible = np.zeros(1)
            fitting = self._driver(
                self._kernel, ask, row, one, params, self._bounds, invisible, None, -100, 1, reduction, None, None
            )
            shape = data[0].shape if ask != VALUE else positions
            explain(outs, shape, fitting, dict(zip(self.inputs, (*data, target), strict=False)) | {"weight": weight})
        return self._named(ask, result)

    def _arrays(self, data: tuple[Any, ...], target: Any, axis: Any) -> tuple[tuple[np.ndarray, ...], Any, int]:
        """The inputs but the target, the target, and the class axis, as the driver takes them."""
        if self.target == "lists of labels":
            (*rows, lists), _, axis = arrays.row_inputs(self.inputs, (*data, target), None, False, axis)
            return tuple(rows), arrays.as_labels(self.inputs[-1], lists), axis
        return arrays.row_inputs(self.inputs, data, target, self.target == "labels or shares", axis)

    def _named(self, ask: int, result: Any) -> Any:
        """Gradients by several inputs get their names."""
        if ask != VALUE_AND_GRAD or len(self.grads) == 1:
            return result
        return result[0], self.derivatives._make(result[1])


def kernel_of(declaration: Callable[..., Any]) -> Any:
    """The kernel of the same name, in the family's module of the same name."""
    return family(declaration.__module__.rpartition(".")[2]).KERNELS[declaration.__name__]


def derivatives_of(loss: Loss[...]) -> Any:
    """The named tuple for the derivatives by several inputs."""
    made: Any = namedtuple("derivatives", loss.grads)  # type: ignore[misc]
    made.__module__, made.__qualname__ = __package__, f"{loss.name}.derivatives"
    return made


def flat(out: Any) -> tuple[Any, ...] | None:
    """The arrays named by `out` in a row: one, a tuple, or a pair of tuples."""
    if out is None:
        return None
    if not isinstance(out, tuple):
        return (out,)
    return tuple(array for part in out for array in (part if isinstance(part, tuple) else (part,)))


def count_outputs(ask: int, reduction: Any, grads: int) -> int:
    """How many arrays `out` may name: the losses, or the derivatives."""
    return int(reduction == "none") if ask == VALUE else grads * ask


def check_call(ask: int, reduction: Any, denominator: Any, outs: Any, grads: int) -> None:
    """The words that all losses share."""
    arrays.check_reduction(reduction, denominator)
    if ask == GRAD_HESS and denominator is not None:
        raise ValueError("grad_hess gives the derivatives of the weighted sum; denominator has no place in it")
    wanted = count_outputs(ask, reduction, grads)
    if outs is not None and not wanted:
        raise ValueError('out takes the losses of reduction="none" or a gradient; this call returns a number')
    if outs is not None and len(outs) != wanted:
        raise ValueError(f"out must name {wanted} array{'s' * (wanted > 1)} (None for a new one), not {len(outs)}")


def explain(outs: tuple[Any, ...] | None, shape: tuple[int, ...], fitting: Any, inputs: dict[str, Any]) -> None:
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
    grads: Sequence[str] | None = None,
    domain: Mapping[str, Domain] | None = None,
    examples: Sequence[Mapping[str, Any]] = ({},),
    kinks: Callable[..., Sequence[float]] | None = None,
    peers: Mapping[str, str | Peer] | None = None,
    signed: bool = False,
) -> Callable[[Callable[Concatenate[int, P], Any]], Pointwise[P]]:
    """Declare a pointwise loss of the named inputs, differentiable by `grads` (the first, unless said): those without
    a default have the loss's shape, the others broadcast. The kernel of the same name is found in the family's module
    of the same name."""

    def declare(declaration: Callable[Concatenate[int, P], Any]) -> Pointwise[P]:
        return Pointwise(
            declaration, inputs=inputs, grads=grads or inputs[:1], reference=reference, domain=domain or {},
            examples=examples, kinks=kinks, peers=peers or {}, signed=signed,
        )  # fmt: skip

    return declare


def root(
    of: Pointwise[...],
    *,
    reference: Callable[..., Any],
    scalable: bool = False,
    domain: Mapping[str, Domain] | None = None,
    peers: Mapping[str, str | Peer] | None = None,
) -> Callable[[Callable[Concatenate[int, P], Any]], Root[P]]:
    """Declare the square root of a loss's mean. The reference takes lists: all the elements. It is `scalable` if
    inputs of twice the size have twice the root."""

    def declare(declaration: Callable[Concatenate[int, P], Any]) -> Root[P]:
        return Root(
            declaration, of=of, scalable=scalable, reference=reference, domain=domain or {}, examples=({},),
            peers=peers or {},
        )  # fmt: skip

    return declare


def rows(
    *inputs: str,
    reference: Callable[..., Any],
    domain: Mapping[str, Domain] | None = None,
    examples: Sequence[Mapping[str, Any]] = ({},),
    peers: Mapping[str, str | Peer] | None = None,
    signed: bool = False,
) -> Callable[[Callable[Concatenate[int, P], Any]], Rows[P]]:
    """Declare a loss of rows of the named inputs, the last of which may be the target: what the kernel of the same
    name in the family's module of the same name says it is, and what has a gradient."""

    def declare(declaration: Callable[Concatenate[int, P], Any]) -> Rows[P]:
        return Rows(
            declaration, inputs=inputs, reference=reference, domain=domain or {}, examples=examples, kinks=None,
            peers=peers or {}, signed=signed,
        )  # fmt: skip

    return declare
