"""Classification by a signed score: on the right side of 0, and by how much?

Each function takes one score and its target, -1 or 1, and looks at the margin m = target * pred: above 0 the sign
is right, and the further above, the surer. What one would like to minimise is the number of errors, `zero_one`,
but its slope is 0 wherever it exists; every other loss is a stand-in with a slope to follow. `_grad` is the first
derivative by the score, `_hess` the second.

The last two are cousins: `hinge_embedding` looks at a distance, `sparsemax_binary` at a logit and a label, 0 or 1.
"""

from .classification import sigmoid
from .numbers import atan, exp, log


def zero_one(pred, target):
    """Zero-one loss: is the sign wrong? A score of 0 decides nothing and counts as an error.

        1    if m <= 0
        0    if m > 0

    Where floats break: not here; m is the score itself or its negative.

    Bartlett, Jordan and McAuliffe, Convexity, Classification, and Risk Bounds, Journal of the American Statistical
    Association 101 (2006): which of the losses below leads to its minimum.

    >>> [zero_one(pred, 1) for pred in (-2.0, 0.0, 0.5)]
    [1, 1, 0]

    Of 100 answers 95 are no. Who always says no errs in 5 % of them:

    >>> targets = [1] * 5 + [-1] * 95
    >>> sum(zero_one(-1.0, target) for target in targets) / 100
    0.05
    """
    m = target * pred
    if m > 0:
        return 0
    return 1 if m <= 0 else m  # neither: m is nan, and stays so


def zero_one_grad(pred, target):
    """Slope of the zero-one loss: none, so there is nothing to follow downhill.

        0, also at the step m = 0

    >>> [zero_one_grad(pred, 1) for pred in (-2.0, 0.0, 0.5)]
    [0, 0, 0]
    """
    m = target * pred
    return 0 if m == m else m


def zero_one_hess(pred, target):
    """Curvature of the zero-one loss: none.

        0

    >>> zero_one_hess(-2.0, 1)
    0
    """
    return 0


def perceptron(pred, target):
    """Perceptron loss: a wrong sign costs as much as the score that bears it.

        max(0, -m)

    Where floats break: not here; nothing is rounded.

    Rosenblatt, The Perceptron: A Probabilistic Model for Information Storage and Organization in the Brain,
    Psychological Review 65 (1958).

    >>> [perceptron(pred, -1) for pred in (-2.0, 0.0, 0.5)]
    [0, 0, 0.5]

    A score of 0 costs nothing, whatever the target: the model that always answers 0 is a minimum of this loss.
    """
    m = target * pred
    if m >= 0:
        return 0
    return -m


def perceptron_grad(pred, target):
    """Slope of the perceptron loss: Rosenblatt's rule, learn from errors alone.

        -target    if m < 0
        0          if m >= 0, the kink included

    >>> [perceptron_grad(pred, 1) for pred in (-2.0, 0.0, 0.5)]
    [-1, 0, 0]
    """
    m = target * pred
    if m < 0:
        return -target
    return 0 if m >= 0 else m


def perceptron_hess(pred, target):
    """Curvature of the perceptron loss: none.

        0

    >>> perceptron_hess(-2.0, 1)
    0
    """
    return 0


def hinge(pred, target, *, margin=1.0):
    """Hinge loss: right is not enough, it takes a margin.

        max(0, margin - m)

    With margin = 0 it is the perceptron loss; with margin = 1 it lies above the zero-one loss everywhere.

    Where floats break: not here; the one subtraction is rounded once.

    Cortes and Vapnik, Support-Vector Networks, Machine Learning 20 (1995).

    >>> [hinge(pred, 1) for pred in (-1.0, 0.0, 0.5, 1.0, 2.0)]
    [2.0, 1.0, 0.5, 0, 0]
    >>> hinge(0.5, 1, margin=0.2), hinge(0.5, -1, margin=0.0)
    (0, 0.5)
    """
    m = target * pred
    if m >= margin:
        return 0
    return margin - m


def hinge_grad(pred, target, *, margin=1.0):
    """Slope of the hinge loss: every element short of the margin pulls with the same force, the others not at all.

        -target    if m < margin
        0          if m >= margin, the kink included

    The elements that pull are the support vectors.

    >>> [hinge_grad(pred, 1) for pred in (-1.0, 0.5, 1.0, 2.0)]
    [-1, -1, 0, 0]
    """
    m = target * pred
    if m < margin:
        return -target
    return 0 if m >= margin else m


def hinge_hess(pred, target, *, margin=1.0):
    """Curvature of the hinge loss: none.

        0

    >>> hinge_hess(0.5, 1)
    0
    """
    return 0


def squared_hinge(pred, target, *, margin=1.0):
    """Squared hinge loss: the hinge without its kink, and more afraid of outliers.

        max(0, margin - m)^2

    Where floats break: the square overflows beyond m = -1.34e154 (-1.84e19 in float32), though the mean over many
    elements may still be a number. The kernel squares and sums in double, whatever the input.

    Chang, Hsieh and Lin, Coordinate Descent Method for Large-scale L2-loss Linear Support Vector Machines, Journal
    of Machine Learning Research 9 (2008).

    >>> [squared_hinge(pred, 1) for pred in (-1.0, 0.0, 0.5, 1.0, 2.0)]
    [4.0, 1.0, 0.25, 0, 0]

    The overflow:

    >>> squared_hinge(-1e200, 1)
    inf
    """
    m = target * pred
    if m >= margin:
        return 0
    return (margin - m) * (margin - m)


def squared_hinge_grad(pred, target, *, margin=1.0):
    """Slope of the squared hinge loss: the more is missing, the harder the pull.

        -2 target max(0, margin - m)

    No kink: at m = margin the slope is 0 on both sides.

    >>> [squared_hinge_grad(pred, 1) for pred in (-1.0, 0.5, 1.0, 2.0)]
    [-4.0, -1.0, 0, 0]
    """
    m = target * pred
    if m >= margin:
        return 0
    return -2 * target * (margin - m)


def squared_hinge_hess(pred, target, *, margin=1.0):
    """Curvature of the squared hinge loss: that of a parabola short of the margin, none beyond.

        2    if m < margin
        0    if m >= margin

    >>> [squared_hinge_hess(pred, 1) for pred in (-1.0, 1.0, 2.0)]
    [2, 0, 0]
    """
    m = target * pred
    if m < margin:
        return 2
    return 0 if m >= margin else m


def smoothed_hinge(pred, target, *, gamma=1.0):
    """Smoothed hinge loss: the hinge with its corner rounded off, over a width of gamma.

        0                        if m >= 1
        (1 - m)^2 / (2 gamma)    between
        1 - m - gamma / 2        if m <= 1 - gamma

    As gamma goes to 0 it becomes the hinge.

    Where floats break: 1 - gamma rounds, and an element beside it may count to the wrong piece. The kernel takes
    q = min(1 - m, gamma), what 1 - m rounded off included, and computes (q / gamma) (q / 2 + excess), with
    excess = 1 - m - q: both pieces in one, as in the Huber loss.

    Rennie and Srebro, Loss Functions for Preference Levels: Regression with Discrete Ordered Labels (2005), with
    gamma = 1; Shalev-Shwartz and Zhang, Stochastic Dual Coordinate Ascent Methods for Regularized Loss
    Minimization, Journal of Machine Learning Research 14 (2013).

    >>> [smoothed_hinge(pred, 1) for pred in (-1.0, 0.0, 0.5, 1.0, 2.0)]
    [1.5, 0.5, 0.125, 0, 0]
    >>> [smoothed_hinge(pred, 1, gamma=0.25) for pred in (-1.0, 0.0, 0.5, 0.75, 0.875)]
    [1.875, 0.875, 0.375, 0.125, 0.03125]
    """
    m = target * pred
    if m >= 1:
        return 0
    if m <= 1 - gamma:
        return 1 - m - gamma / 2
    return (1 - m) * (1 - m) / (2 * gamma)


def smoothed_hinge_grad(pred, target, *, gamma=1.0):
    """Slope of the smoothed hinge loss: that of the hinge, reached step by step.

        -target (1 - m) / gamma, the fraction clipped to [0, 1]

    No kink: where the pieces meet, their slopes are equal.

    >>> [smoothed_hinge_grad(pred, 1) for pred in (-1.0, 0.0, 0.5, 1.0, 2.0)]
    [-1, -1, -0.5, 0, 0]
    """
    m = target * pred
    if m >= 1:
        return 0
    if m <= 1 - gamma:
        return -target
    return -target * (1 - m) / gamma


def smoothed_hinge_hess(pred, target, *, gamma=1.0):
    """Curvature of the smoothed hinge loss: all of it in the rounded corner.

        1 / gamma    if 1 - gamma < m < 1
        0            elsewhere, the two ends included

    >>> [smoothed_hinge_hess(pred, 1, gamma=0.5) for pred in (0.0, 0.5, 0.75, 1.0)]
    [0, 0, 2.0, 0]
    """
    m = target * pred
    if 1 - gamma < m < 1:
        return 1 / gamma
    return 0 if m == m else m


def modified_huber(pred, target):
    """Modified Huber loss: a squared hinge that goes on as a straight line once the error is certain.

        0            if m >= 1
        (1 - m)^2    between
        -4 m         if m < -1

    Clipped to [-1, 1] the score is an estimate of 2 p - 1, where p is the probability of target 1.

    Where floats break: -4 m overflows beyond m = -4.5e307, though the mean may still be a number. The kernel
    scales before it multiplies.

    Zhang, Solving Large Scale Linear Prediction Problems Using Stochastic Gradient Descent Algorithms, International
    Conference on Machine Learning (2004).

    >>> [modified_huber(pred, 1) for pred in (-3.0, -1.0, 0.0, 0.5, 2.0)]
    [12.0, 4.0, 1.0, 0.25, 0]
    """
    m = target * pred
    if m >= 1:
        return 0
    if m < -1:
        return -4 * m
    return (1 - m) * (1 - m)


def modified_huber_grad(pred, target):
    """Slope of the modified Huber loss: no element pulls harder than 4.

        -2 target (1 - m), with 1 - m clipped to [0, 2]

    No kink: where the pieces meet, their slopes are equal.

    >>> [modified_huber_grad(pred, 1) for pred in (-3.0, -1.0, 0.0, 0.5, 2.0)]
    [-4, -4.0, -2.0, -1.0, 0]
    """
    m = target * pred
    if m >= 1:
        return 0
    if m < -1:
        return -4 * target
    return -2 * target * (1 - m)


def modified_huber_hess(pred, target):
    """Curvature of the modified Huber loss: that of its parabola.

        2    if -1 <= m < 1
        0    elsewhere

    >>> [modified_huber_hess(pred, 1) for pred in (-3.0, -1.0, 0.0, 1.0)]
    [0, 2, 2, 0]
    """
    m = target * pred
    if -1 <= m < 1:
        return 2
    return 0 if m == m else m


def ramp(pred, target, *, s=-1.0):
    """Ramp loss: the hinge, cut off where an element is hopeless.

        0        if m >= 1
        1 - m    between
        1 - s    if m <= s

    A mislabelled example far on the wrong side costs no more than one at s, and pulls no more.

    Where floats break: not here; the one subtraction is rounded once.

    Collobert, Sinz, Weston and Bottou, Trading Convexity for Scalability, International Conference on Machine
    Learning (2006).

    >>> [ramp(pred, 1) for pred in (-100.0, -1.0, 0.0, 0.5, 2.0)]
    [2.0, 2.0, 1.0, 0.5, 0]
    """
    m = target * pred
    if m >= 1:
        return 0
    if m <= s:
        return 1 - s
    return 1 - m


def ramp_grad(pred, target, *, s=-1.0):
    """Slope of the ramp loss: the undecided pull; those that are right, and those given up, do not.

        -target    if s < m < 1
        0          elsewhere, both kinks included

    >>> [ramp_grad(pred, 1) for pred in (-100.0, -1.0, 0.5, 1.0)]
    [0, 0, -1, 0]
    """
    m = target * pred
    if s < m < 1:
        return -target
    return 0 if m == m else m


def ramp_hess(pred, target, *, s=-1.0):
    """Curvature of the ramp loss: none.

        0

    >>> ramp_hess(0.5, 1)
    0
    """
    return 0


def unhinged(pred, target):
    """Unhinged loss: the hinge, rewarded without end for being right.

        1 - m

    The losses of the two targets always add up to 2. Labels flipped at random therefore scale the mean and shift it,
    and its minimum stays; but there is one only for scores that are bounded, by a regulariser or otherwise.

    Where floats break: not here; the one subtraction is rounded once.

    van Rooyen, Menon and Williamson, Learning with Symmetric Label Noise: The Importance of Being Unhinged,
    Advances in Neural Information Processing Systems 28 (2015).

    >>> [unhinged(pred, 1) for pred in (-1.0, 0.0, 3.0)]
    [2.0, 1.0, -2.0]
    >>> unhinged(3.0, 1) + unhinged(3.0, -1)
    2.0
    """
    return 1 - target * pred


def unhinged_grad(pred, target):
    """Slope of the unhinged loss: every element pulls alike, for ever.

        -target

    >>> unhinged_grad(-1.0, 1), unhinged_grad(3.0, 1), unhinged_grad(3.0, -1)
    (-1, -1, 1)
    """
    return -target if pred == pred else pred


def unhinged_hess(pred, target):
    """Curvature of the unhinged loss: none.

        0

    >>> unhinged_hess(3.0, 1)
    0
    """
    return 0


def exponential(pred, target):
    """Exponential loss, AdaBoost's: one more unit of wrong costs e times as much.

        e^-m

    Its minimum is half the log-odds of target 1.

    Where floats break: float32 overflows beyond m = -88.7, though the mean may well be a number. The kernel computes
    in double, where inf comes beyond m = -709.8; the gradient is then inf as well, and never nan.

    Freund and Schapire, A Decision-Theoretic Generalization of On-Line Learning and an Application to Boosting,
    Journal of Computer and System Sciences 55 (1997).

    >>> [round(exponential(pred, 1), 10) for pred in (-3.0, 0.0, 3.0)]
    [20.0855369232, 1.0, 0.0497870684]

    Yes in 90 % of all cases: the best score is log(9) / 2, where the mean is 2 sqrt(0.9 * 0.1).

    >>> round(0.9 * exponential(log(9.0) / 2, 1) + 0.1 * exponential(log(9.0) / 2, -1), 10)
    0.6
    """
    return exp(-target * pred)


def exponential_grad(pred, target):
    """Slope of the exponential loss: the loss itself is the weight with which an element pulls.

        -target e^-m

    Smooth everywhere.

    >>> exponential_grad(0.0, 1), exponential_grad(-1000.0, 1)
    (-1.0, -inf)
    """
    return -target * exp(-target * pred)


def exponential_hess(pred, target):
    """Curvature of the exponential loss: again the loss itself.

        e^-m

    >>> exponential_hess(0.0, 1)
    1.0
    """
    return exp(-target * pred)


def soft_margin(pred, target):
    """Logistic loss: a hinge drawn with a soft pen, and minus the log of a probability.

        log(1 + e^-m)

    It is binary cross-entropy with -1 and 1 for no and yes. Divided by log(2) it lies above the zero-one loss.

    Where floats break: e^-m overflows beyond m = -709.8 (-88.7 in float32), and where it is below 1e-16, 1 + e^-m is
    1 and the loss of a confident, right score 0. The kernel computes max(0, -m) + log1p(e^-|m|).

    Cox, The Regression Analysis of Binary Sequences, Journal of the Royal Statistical Society B 20 (1958).

    >>> [round(soft_margin(pred, 1), 10) for pred in (-2.0, 0.0, 2.0)]
    [2.126928011, 0.6931471806, 0.126928011]

    The overflow, and the lost tail:

    >>> soft_margin(-800.0, 1), soft_margin(40.0, 1)
    (inf, 0.0)
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(soft_margin(mpf(-800), 1))
    ...     float(soft_margin(mpf(40), 1))
    800.0
    4.248354255291589e-18
    """
    m = target * pred
    return log(1 + exp(-m))


def soft_margin_grad(pred, target):
    """Slope of the logistic loss: the probability of being wrong.

        -target sigma(-m) = -target / (1 + e^m)

    Smooth everywhere.

    Where floats break: not here, as long as nobody writes it 1 - sigma(m). With e = e^-|m| the kernel takes
    e / (1 + e) on one side of 0 and 1 / (1 + e) on the other.

    >>> [round(soft_margin_grad(pred, 1), 10) for pred in (-2.0, 0.0, 2.0)]
    [-0.880797078, -0.5, -0.119202922]
    """
    m = target * pred
    return -target * sigmoid(-m)


def soft_margin_hess(pred, target):
    """Curvature of the logistic loss: largest where the model is undecided.

        sigma(m) sigma(-m)

    >>> soft_margin_hess(0.0, 1)
    0.25
    """
    m = target * pred
    return sigmoid(m) * sigmoid(-m)


def savage(pred, target):
    """Savage loss: the squared error of a probability, (1 - p)^2 with p = sigma(m).

        sigma(-m)^2 = 1 / (1 + e^m)^2

    It is at most 1, so no outlier outvotes the rest; and it is not convex.

    Where floats break: nowhere badly, but every factor adds its rounding error. The kernel keeps what 1 + e^-|m| and
    its powers round off, and divides by a power once.

    Masnadi-Shirazi and Vasconcelos, On the Design of Loss Functions for Classification: Theory, Robustness to
    Outliers, and SavageBoost, Advances in Neural Information Processing Systems 21 (2008).

    >>> [round(savage(log(p / (1 - p)), 1), 10) for p in (0.9, 0.6, 0.01)]
    [0.01, 0.16, 0.9801]
    >>> savage(-1000.0, 1), savage(0.0, 1), savage(1000.0, 1)
    (1.0, 0.25, 0.0)
    """
    m = target * pred
    return sigmoid(-m) * sigmoid(-m)


def savage_grad(pred, target):
    """Slope of the savage loss: strongest for the undecided, and gone for those that are hopeless.

        -2 target sigma(-m)^2 sigma(m)

    Smooth everywhere.

    >>> [round(savage_grad(pred, 1), 10) for pred in (-10.0, 0.0, 10.0)]
    [-9.07875e-05, -0.25, -4.1e-09]
    """
    m = target * pred
    return -2 * target * sigmoid(-m) * sigmoid(-m) * sigmoid(m)


def savage_hess(pred, target):
    """Curvature of the savage loss: negative where the score is wrong beyond log(2).

        2 sigma(-m)^2 sigma(m) (2 sigma(m) - sigma(-m))

    Where floats break: around m = -log(2) the difference loses its digits. The kernel takes it from
    expm1(log(2) + m) = 2 e^m - 1, with log(2) + m in two parts.

    >>> [round(savage_hess(pred, 1), 10) for pred in (-10.0, 0.0, 10.0)]
    [-9.07751e-05, 0.125, 8.2e-09]

    The lost digits:

    >>> savage_hess(-log(2.0), 1)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(savage_hess(mpf(-log(2.0)), 1))
    4.580833212535901e-18
    """
    m = target * pred
    right, wrong = sigmoid(m), sigmoid(-m)
    return 2 * wrong * wrong * right * (2 * right - wrong)


def tangent(pred, target):
    """Tangent loss: bounded, and with a price for being too right.

        (2 atan(m) - 1)^2

    The link is p = atan(m) + 1/2. The minimum, 0, is at m = tan(1/2) = 0.546; far out the loss is at most
    (pi + 1)^2 = 17.2 for the wrong sign and (pi - 1)^2 = 4.6 for the right one.

    Where floats break: around its minimum the difference loses its digits. The kernel computes, for m > 0,
    atan(m) - 1/2 = atan((m - t) / (1 + m t)), with t = tan(1/2) in two parts.

    Masnadi-Shirazi, Mahadevan and Vasconcelos, On the Design of Robust Classifiers for Computer Vision, IEEE
    Conference on Computer Vision and Pattern Recognition (2010).

    >>> [round(tangent(pred, 1), 10) for pred in (-1.0, 0.0, 1.0)]
    [6.6089937539, 1.0, 0.3258084467]
    >>> round(tangent(float("-inf"), 1), 10), round(tangent(float("inf"), 1), 10)
    (17.1527897083, 4.5864190939)

    The lost digits:

    >>> tangent(0.5463024898437905, 1)
    0.0
    >>> from mpmath import mp, mpf
    >>> with mp.workdps(50):
    ...     float(tangent(mpf(0.5463024898437905), 1))
    2.0086104072646865e-33
    """
    a = 2 * atan(target * pred) - 1
    return a * a


def tangent_grad(pred, target):
    """Slope of the tangent loss: it pushes back the scores beyond its minimum, and lets go of those far out.

        4 target (2 atan(m) - 1) / (1 + m^2)

    Smooth everywhere.

    Where floats break: as the loss does, and m^2 overflows where the slope is not yet 0. The kernel scales m.

    >>> [round(tangent_grad(pred, 1), 10) for pred in (-1.0, 0.0, 1.0, 100.0)]
    [-5.1415926536, -4.0, 1.1415926536, 0.0008485525]
    """
    m = target * pred
    return 4 * target * (2 * atan(m) - 1) / (1 + m * m)


def tangent_hess(pred, target):
    """Curvature of the tangent loss: positive around its minimum, from m = -0.513 to 1.256.

        8 (1 - m (2 atan(m) - 1)) / (1 + m^2)^2

    Where floats break: around these two zeros the difference loses its digits. For the zero z on m's side of 0,
    2 atan(z) - 1 is 1 / z, and 1 - m (2 atan(m) - 1) = -(m - z) / z - 2 m atan((m - z) / (1 + m z)): two terms of
    one sign, of which the kernel computes m - z with z in two parts.

    >>> [round(tangent_hess(pred, 1), 10) for pred in (-1.0, 0.0, 1.0)]
    [-3.1415926536, 8.0, 0.8584073464]
    """
    m = target * pred
    if abs(m) == float("inf"):
        return 0
    return 8 * (1 - m * (2 * atan(m) - 1)) / ((1 + m * m) * (1 + m * m))


def hinge_embedding(input, target, *, margin=1.0):
    """Hinge embedding loss, of a distance: a like pair (target 1) shall be close, an unlike one (-1) at arm's length.

        x                     if target = 1
        max(0, margin - x)    if target = -1

    Where floats break: not here; the one subtraction is rounded once.

    Hadsell, Chopra and LeCun, Dimensionality Reduction by Learning an Invariant Mapping, IEEE Conference on Computer
    Vision and Pattern Recognition (2006), with squares.

    >>> [hinge_embedding(x, 1) for x in (0.0, 0.25, 3.0)]
    [0.0, 0.25, 3.0]
    >>> [hinge_embedding(x, -1) for x in (0.0, 0.25, 3.0)]
    [1.0, 0.75, 0]
    """
    if target == -1:
        return 0 if input > margin else margin - input
    return target * input  # target is 1; or nan, and stays so


def hinge_embedding_grad(input, target, *, margin=1.0):
    """Slope of the hinge embedding loss: like pairs contract, unlike ones are pushed apart as far as the margin.

        1     if target = 1
        -1    if target = -1 and x <= margin, the kink included
        0     if target = -1 and x > margin

    >>> [hinge_embedding_grad(x, -1) for x in (0.25, 1.0, 3.0)]
    [-1, -1, 0]
    """
    if target == -1 and input > margin:
        return 0
    return target if input == input else input


def hinge_embedding_hess(input, target, *, margin=1.0):
    """Curvature of the hinge embedding loss: none.

        0

    >>> hinge_embedding_hess(0.25, -1)
    0
    """
    return 0


def sparsemax_binary(logits, target):
    """Sparsemax loss of two classes: the logistic loss whose probabilities can be exactly 0 and 1.

        0                if s <= -1
        (s + 1)^2 / 4    between
        s                if s >= 1

    with s = (1 - 2 target) logits: the logit, turned so that it speaks against the target, 0 or 1. It is a quarter of
    the modified Huber loss, whose targets are -1 and 1.

    Where floats break: not here; s + 1 is rounded once, and not at all near -1.

    Blondel, Martins and Niculae, Learning with Fenchel-Young Losses, Journal of Machine Learning Research 21 (2020).

    >>> [sparsemax_binary(x, 1) for x in (-3.0, -1.0, 0.0, 0.5, 1.0, 3.0)]
    [3.0, 1.0, 0.25, 0.0625, 0, 0]
    """
    s = (1 - 2 * target) * logits
    if s >= 1:
        return s
    if s <= -1:
        return 0
    return (s + 1) * (s + 1) / 4


def sparsemax_binary_grad(logits, target):
    """Slope of the sparsemax loss: probability minus target, as that of binary cross-entropy.

        (1 - 2 target) (s + 1) / 2, the fraction clipped to [0, 1]

    No kink: where the pieces meet, their slopes are equal.

    >>> [sparsemax_binary_grad(x, 1) for x in (-3.0, 0.0, 0.5, 1.0, 3.0)]
    [-1, -0.5, -0.25, 0, 0]
    """
    sign = 1 - 2 * target
    s = sign * logits
    if s >= 1:
        return sign
    if s <= -1:
        return 0
    return sign * (s + 1) / 2


def sparsemax_binary_hess(logits, target):
    """Curvature of the sparsemax loss: all of it where neither probability is 0.

        1/2    if |s| < 1
        0      elsewhere, the two ends included

    >>> [sparsemax_binary_hess(x, 1) for x in (-3.0, -1.0, 0.0, 1.0)]
    [0, 0, 0.5, 0]
    """
    s = (1 - 2 * target) * logits
    if abs(s) < 1:
        return 0.5
    return 0 if s == s else s
