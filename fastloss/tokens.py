"""Losses of tokens: what one is. It is that of rows of logits, each with the label of its own token."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Concatenate

import numpy as np

from fastloss import arrays
from fastloss.loss import GRAD_HESS, VALUE, Domain, Loss, P, Peer, Rows, check_call, flat


class Tokens(Loss[P]):
    """A loss of the tokens of sequences: that of rows, told by the declaration which position predicts which token, and
    which tokens count. Nothing of the logits' size is made for it, but labels and weights."""

    shape = "tokens"
    target = "labels"

    def __init__(self, declaration: Callable[Concatenate[int, P], Any], *, of: Rows[...], **fields: Any) -> None:
        super().__init__(declaration, grads=fields["inputs"][:1], kinks=None, **fields)
        self._of = of

    def run(
        self,
        ask: int,
        logits: Any,
        labels: Any,
        weight: Any,
        reduction: Any,
        denominator: Any,
        out: Any,
        *,
        ignore_index: Any = -100,
        pad_index: Any = None,
        shift: Any = 0,
        params: tuple[float, ...] = (0.0,),
    ) -> Any:
        """The loss whose row t has the label of token t + shift, and its weight: 0 for padding. Losses of reduction
        "none" go to where their tokens are."""
        logits, labels = arrays.token_inputs(self.inputs, logits, labels)
        ignore_index, shift = arrays.integer("ignore_index", ignore_index), arrays.integer("shift", shift, 0)
        if weight is not None or pad_index is not None or shift:
            weight = arrays.as_array("weight", True if weight is None else weight)
            weight = arrays.broadcast("weight", weight, labels.shape)
        if pad_index is not None:
            weight = np.where(labels == arrays.integer("pad_index", pad_index), 0, weight)
        rows = (_earlier(labels, shift), _earlier(weight, shift)) if shift else (labels, weight)
        try:
            result = self._of.run(
                ask, (logits, rows[0]), params, rows[1], reduction, denominator, -1, out, None, ignore_index
            )
        except IndexError:
            bad = (labels != ignore_index) & ((labels < 0) | (labels >= logits.shape[-1]))
            bad &= True if weight is None else weight != 0
            bad[..., :shift] = False
            wanted = f"a token in [0, {logits.shape[-1]}) or ignore_index={ignore_index}"
            raise arrays.unfit(self.inputs[1], labels, int(bad.argmax()), wanted, IndexError) from None
        if shift and reduction == "none" and ask != GRAD_HESS:
            losses = result if ask == VALUE else result[0]
            losses[..., shift:] = losses[..., : max(losses.shape[-1] - shift, 0)]
            losses[..., :shift] = 0
        return result


class LogProbabilities(Tokens[P]):
    """Logarithms of the probabilities of tokens, or of whole sequences: cross-entropy the other way up."""

    def run(  # type: ignore[override]
        self,
        ask: int,
        logits: Any,
        labels: Any,
        weight: Any,
        reduction: Any,
        denominator: Any,
        out: Any,
        *,
        ignore_index: Any,
        whole: bool = False,
        average: bool = False,
    ) -> Any:
        """Minus the loss of tokens, each of which has the weight of its sequence if these are `whole`."""
        logits, labels = arrays.token_inputs(self.inputs, logits, labels)
        ignore_index = arrays.integer("ignore_index", ignore_index)
        check_call(ask, reduction, denominator, flat(out), 1)
        weight = arrays.as_array("weight", 1.0 if weight is None else weight)
        given = arrays.broadcast("weight", weight, labels.shape[:-1] if whole else labels.shape).astype(np.float64)
        kept = labels != ignore_index
        weight = given
        if whole:
            weight = given / np.maximum(kept.sum(axis=-1), 1) if average else given
            weight = np.broadcast_to(weight[..., None], labels.shape)
        divisor, scale = denominator, -1.0
        if reduction == "mean" and denominator is None and ask != GRAD_HESS:
            total = arrays.weight_sum(float(np.sum(given) if whole else np.sum(given, where=kept)))
            # a mean of nothing is left to the loss; a divisor is positive
            divisor, scale = (None, 0.0) if total == 0 else (abs(total), -math.copysign(1, total))
        summed = out if ask != VALUE or not whole else None
        result = super().run(ask, logits, labels, scale * weight, reduction, divisor, summed, ignore_index=ignore_index)
        if ask == GRAD_HESS:
            return result
        value = result if ask == VALUE else result[0]
        value = value + 0.0 if reduction != "none" else np.add(value, 0, out=value)  # -0 is 0
        if whole and reduction == "none":
            value = value.sum(axis=-1, dtype=np.float64).astype(value.dtype)
            if ask == VALUE and out is not None:
                arrays.check_out(out, value.shape, value.dtype, {})
                out[...] = value
                value = out
        return value if ask == VALUE else (value, result[1])


def _earlier(array: np.ndarray, shift: int) -> np.ndarray:
    """Everything `shift` places earlier on the last axis, and zeros after it."""
    moved = np.zeros(array.shape, array.dtype.newbyteorder("="))
    moved[..., : max(array.shape[-1] - shift, 0)] = array[..., shift:]
    return moved


def tokens(
    *inputs: str,
    of: Rows[...],
    reference: Callable[..., Any],
    domain: Mapping[str, Domain] | None = None,
    examples: Sequence[Mapping[str, Any]] = ({},),
    peers: Mapping[str, str | Peer] | None = None,
) -> Callable[[Callable[Concatenate[int, P], Any]], Tokens[P]]:
    """Declare a loss of tokens, given logits and labels: that of the rows. The reference takes one sequence, a row of
    logits for each position and a label for each token, and gives the list of the tokens' losses; its `_grad` gives a
    row of slopes for each position."""

    def declare(declaration: Callable[Concatenate[int, P], Any]) -> Tokens[P]:
        return Tokens(
            declaration, inputs=inputs, of=of, reference=reference, domain=domain or {}, examples=examples,
            peers=peers or {}, signed=False,
        )  # fmt: skip

    return declare


def log_probabilities(
    *inputs: str,
    of: Rows[...],
    reference: Callable[..., Any],
    examples: Sequence[Mapping[str, Any]] = ({},),
    peers: Mapping[str, str | Peer] | None = None,
) -> Callable[[Callable[Concatenate[int, P], Any]], LogProbabilities[P]]:
    """Declare minus a loss of tokens, likewise, or their sum: then the reference gives one number."""

    def declare(declaration: Callable[Concatenate[int, P], Any]) -> LogProbabilities[P]:
        return LogProbabilities(
            declaration, inputs=inputs, of=of, reference=reference, domain={}, examples=examples, peers=peers or {},
            signed=True,
        )  # fmt: skip

    return declare
