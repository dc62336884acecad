"""Loss functions and their gradients over NumPy arrays: compiled, fused, exact.

`fastloss.LOSSES` names them all; `help(fastloss.cross_entropy)` explains one, `fastloss.cross_entropy.reference` is
the text to read.
"""

# isort: off
# The families in catalogue order, which LOSSES keeps; then the tools beside them.
from fastloss import regression, robust, margin, classification, counts, likelihood, softmax as _softmax, multiclass
from fastloss import divergence, linear, language, generative, ranking, preference
from fastloss import m_estimators, surrogates, calibration, metrics, weights, streaming
from fastloss.regression import *
from fastloss.robust import *
from fastloss.margin import *
from fastloss.classification import *
from fastloss.counts import *
from fastloss.likelihood import *
from fastloss.softmax import *
from fastloss.multiclass import *
from fastloss.divergence import *
from fastloss.linear import *
from fastloss.language import *
from fastloss.generative import *
from fastloss.ranking import *
from fastloss.preference import *
from fastloss.m_estimators import *
from fastloss.surrogates import *
from fastloss.calibration import *
from fastloss.metrics import *
from fastloss.weights import *
from fastloss.streaming import *

# isort: on
from fastloss.loss import LOSSES, Loss
from fastloss.threads import get_num_threads, set_num_threads

__all__ = ["LOSSES", "Loss", "get_num_threads", "set_num_threads"]
__all__ += regression.__all__
__all__ += robust.__all__
__all__ += margin.__all__
__all__ += classification.__all__
__all__ += counts.__all__
__all__ += likelihood.__all__
__all__ += _softmax.__all__
__all__ += multiclass.__all__
__all__ += divergence.__all__
__all__ += linear.__all__
__all__ += language.__all__
__all__ += generative.__all__
__all__ += ranking.__all__
__all__ += preference.__all__
__all__ += m_estimators.__all__
__all__ += surrogates.__all__
__all__ += calibration.__all__
__all__ += metrics.__all__
__all__ += weights.__all__
__all__ += streaming.__all__

__version__ = "0.1.0"
