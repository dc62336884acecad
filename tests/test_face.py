"""The public face: names, signatures, docstrings, examples that run, pickles, help."""

import copy
import doctest
import importlib
import inspect
import pickle
import pkgutil
import pydoc
import re
from typing import Any

import pytest

import fastloss as fl

from .common import FUNCTIONS, TOOLS, each_loss, named, sample

# What every loss has and its reference has not, in this order, with these defaults; rows also have an axis.
COMMON = {"weight": None, "reduction": "mean", "denominator": None, "axis": -1, "out": None}
PUBLIC = [*fl.LOSSES.values(), *FUNCTIONS, *TOOLS]
each_public = pytest.mark.parametrize("public", PUBLIC, ids=named)


def test_losses_are_public_under_their_names() -> None:
    """fl.LOSSES names every loss, fl has each of them, and __all__ all that is public."""
    for name, loss in fl.LOSSES.items():
        assert loss.name == loss.__name__ == loss.__qualname__ == name
        assert getattr(fl, name) is loss
        assert name in fl.__all__
    assert len(set(fl.__all__)) == len(fl.__all__)
    assert all(hasattr(fl, name) for name in fl.__all__)
    assert not [name for name, value in vars(fl).items() if isinstance(value, fl.Loss) and name not in fl.__all__]


@each_loss
def test_signature_is_that_of_the_reference(loss: fl.Loss) -> None:
    """The reference's arguments, names, order and defaults; then the words that all losses share."""
    parameters = list(inspect.signature(loss).parameters.values())
    own = list(inspect.signature(loss.reference).parameters.values())
    assert [p.name for p in parameters[: len(own)]] == [p.name for p in own]
    for mine, theirs in zip(parameters, own, strict=False):
        assert mine.default == theirs.default or mine.default is theirs.default, mine.name
        assert mine.kind is theirs.kind, mine.name
    common = {name: default for name, default in COMMON.items() if name != "axis" or loss.shape == "rows"}
    assert {p.name: p.default for p in parameters[len(own) :]} == common
    assert [p.name for p in parameters[len(own) :]] == list(common)
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[len(own) :])


@each_loss
def test_methods_have_the_signature_of_the_loss(loss: fl.Loss) -> None:
    """value_and_grad and grad_hess take the same arguments."""
    for method in (loss.value_and_grad, loss.grad_hess):
        assert inspect.signature(method) == inspect.signature(loss)


@each_loss
def test_hyperparameters_are_keyword_only(loss: fl.Loss) -> None:
    """By position go predictions and targets, nothing else."""
    kinds = {p.name: p.kind for p in inspect.signature(loss).parameters.values()}
    given = [name for name, kind in kinds.items() if kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert tuple(given) == loss.inputs[: len(given)]
    assert set(loss.grads) <= set(given)
    assert set(loss.inputs) <= kinds.keys()
    assert loss.domain.keys() <= kinds.keys()
    inputs = sample(loss, 4)
    assert loss(**dict(zip(given, inputs, strict=True))) == loss(*inputs)


@each_loss
def test_declaration_is_complete(loss: fl.Loss) -> None:
    """Family, reference, examples that can be called, peers to compare with."""
    assert loss.family == loss.reference.__module__.rpartition(".")[2]
    assert loss.reference.__name__ == loss.name
    assert loss.shape in ("pointwise", "rows")
    assert loss.examples[0] == {}
    for example in loss.examples:
        assert isinstance(loss(*sample(loss, 4, words=example), **example), float)


@each_public
def test_docstring_says_what_it_must(public: Any) -> None:
    """One line; parameters, every one of them; result, errors; of a loss the source; examples."""
    text = inspect.getdoc(public)
    first, blank = text.splitlines()[:2]
    assert first.endswith(".")
    assert not blank
    parts = ["Parameters", "Returns", "Raises", *(["References"] if isinstance(public, fl.Loss) else []), "Examples"]
    positions = [text.index(f"\n{part}\n{'-' * len(part)}\n") for part in parts]
    assert positions == sorted(positions)
    parameters = text[positions[0] : positions[1]]
    documented = {
        name.strip()
        for line in parameters.splitlines()
        if line and not line.startswith(" ") and " : " in line
        for name in line.split(" : ")[0].split(",")
    }
    assert documented == inspect.signature(public).parameters.keys()


@each_loss
def test_docstring_shows_every_way_to_call(loss: fl.Loss) -> None:
    """The value and the gradient, each with its output."""
    assert f"fl.{loss.name}(" in loss.__doc__
    assert f"fl.{loss.name}.value_and_grad(" in loss.__doc__
    if not loss.hessian and loss.shape != "linear":  # which says so among what it raises
        assert re.search(r"[Tt]here is\s+no `grad_hess`", loss.__doc__)


@each_public
def test_examples_run(public: Any) -> None:
    """Every example prints what it says."""
    test = doctest.DocTestParser().get_doctest(inspect.getdoc(public), {}, public.__name__, None, 0)
    assert test.examples
    assert doctest.DocTestRunner().run(test).failed == 0


MODULES = ["fastloss", *(f"fastloss.{module.name}" for module in pkgutil.iter_modules(fl.__path__))]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_examples_of_the_modules_run(name: str) -> None:
    """So do those of the modules, and each module says what it is."""
    module = importlib.import_module(name)
    assert module.__doc__
    assert doctest.testmod(module).failed == 0


@each_loss
def test_losses_are_pickled_by_name(loss: fl.Loss) -> None:
    """A pickle, or a copy, is the loss itself."""
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(loss, protocol)) is loss
    assert copy.copy(loss) is copy.deepcopy(loss) is loss
    inputs = sample(loss, 4)
    method = pickle.loads(pickle.dumps(loss.value_and_grad))
    assert method(*inputs)[0] == loss(*inputs)


@each_public
def test_help_shows_signature_and_docstring(public: Any) -> None:
    """help() says how to call it, what it takes, what comes back."""
    text = pydoc.render_doc(public, renderer=pydoc.plaintext)
    start = f"{public.__name__}({next(iter(inspect.signature(public).parameters))}"
    assert start in "".join(text.split())  # Python 3.13 puts a long signature's arguments on lines of their own
    assert all(name in text for name in inspect.signature(public).parameters)
    assert inspect.getdoc(public).splitlines()[0] in text
    assert "Examples" in text


@each_loss
def test_repr_is_how_to_call_it(loss: fl.Loss) -> None:
    """The name and the arguments with their defaults."""
    assert repr(loss).startswith(f"{loss.name}({loss.inputs[0]}, ")
    assert "reduction='mean'" in repr(loss)
