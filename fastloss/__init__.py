"""Loss functions and their gradients over NumPy arrays: compiled, fused, exact.

`fastloss.LOSSES` names them all; `help(fastloss.cross_entropy)` explains one, `fastloss.cross_entropy.reference` is
the text to read.
"""

# isort: off
# The families in catalogue order, which LOSSES keeps.
from fastloss.regression import mse, mae, huber
from fastloss.classification import binary_cross_entropy_with_logits
from fastloss.softmax import cross_entropy, log_softmax, logsumexp, softmax

# isort: on
from fastloss.loss import LOSSES, Loss
from fastloss.threads import get_num_threads, set_num_threads

__all__ = [
    "LOSSES",
    "Loss",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "get_num_threads",
    "huber",
    "log_softmax",
    "logsumexp",
    "mae",
    "mse",
    "set_num_threads",
    "softmax",
]

__version__ = "0.1.0"
