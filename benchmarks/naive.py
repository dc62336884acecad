"""The losses as one writes them in NumPy without further thought: right, vectorised, a temporary array per
step.

A function bears its loss's name, takes the same inputs and hyperparameters, and returns mean and gradient. A
loss without one has no NumPy column in the report.
"""

import numpy as np

Result = tuple[np.floating, np.ndarray]


def mse(pred: np.ndarray, target: np.ndarray) -> Result:
    r = pred - target
    return (r**2).mean(), 2 * r / r.size


def huber(pred: np.ndarray, target: np.ndarray, *, delta: float = 1.0) -> Result:
    r = pred - target
    a = np.abs(r)
    loss = np.where(a <= delta, r**2 / 2, delta * (a - delta / 2))
    return loss.mean(), np.clip(r, -delta, delta) / r.size


def binary_cross_entropy_with_logits(logits: np.ndarray, target: np.ndarray) -> Result:
    loss = np.maximum(logits, 0) - target * logits + np.log1p(np.exp(-np.abs(logits)))
    return loss.mean(), (1 / (1 + np.exp(-logits)) - target) / logits.size


def cross_entropy(logits: np.ndarray, target: np.ndarray, *, axis: int = -1) -> Result:
    label = np.expand_dims(target, axis)
    z = logits - logits.max(axis=axis, keepdims=True)
    e = np.exp(z)
    total = e.sum(axis=axis, keepdims=True)
    loss = np.log(total) - np.take_along_axis(z, label, axis)
    grad = e / total
    np.put_along_axis(grad, label, np.take_along_axis(grad, label, axis) - 1, axis)
    return loss.mean(), grad / target.size


def linear_cross_entropy(input: np.ndarray, linear_weight: np.ndarray, target: np.ndarray) -> tuple[np.floating, list]:
    loss, grad = cross_entropy(input @ linear_weight.T, target)
    return loss, [grad @ linear_weight, grad.T @ input]
