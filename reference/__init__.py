"""The losses of fastloss as a textbook writes them, in pure Python.

Every loss is a function of plain numbers, a few lines long, with its gradient (`huber_grad`) and Hessian
diagonal (`huber_hess`) beside it. A pointwise loss takes one element, a softmax loss one row, a list; a
batch, its weights and its mean are the reader's own loop. The formulas are not made safe for the computer:
that is the compiled kernels' work, and each docstring says where the textbook breaks and what the kernel
does instead.

The same lines run on three kinds of number (from a prompt, write `fastloss.reference` for the leading dot):

>>> from .softmax import cross_entropy, cross_entropy_grad

float, as the computer does: here the loss of a confident, correct row is lost, and exp of 1000 overflows;

>>> cross_entropy([40.0, 0.0], 0)
0.0
>>> cross_entropy([1000.0, 0.0], 1)
inf

mpmath.mpf, as mathematics does, to any number of digits;

>>> from mpmath import mp, mpf
>>> with mp.workdps(50):
...     print(mp.nstr(cross_entropy([mpf(40), mpf(0)], 0), 30))
4.24835425529158898630497784363e-18

Dual, which carries the derivative along: it proves the gradients written by hand, and nested the Hessians.

>>> from .numbers import gradient
>>> [round(slope, 10) for slope in gradient(lambda z: cross_entropy(z, 0), [2.0, 0.5, -1.0])]
[-0.2144029654, 0.1752903921, 0.0391125733]
>>> [round(slope, 10) for slope in cross_entropy_grad([2.0, 0.5, -1.0], 0)]
[-0.2144029654, 0.1752903921, 0.0391125733]

For exact results hand over every number as mpf, targets and options too: 1 - 0.1 between two floats has
rounded already, and so has log(2).
"""
