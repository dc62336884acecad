"""What a loss of rows is to the driver: one function over a tile, for float and for double; and the passes they share.

A tile holds numbers in steps of `width` lanes. With few classes each lane is a row of the input, and step j its class j;
with many classes all lanes belong to one row, and lane i has its classes i, width + i, 2 width + i ... Either way a
kernel is loops over steps and lanes that vectorise, with one sum or maximum for each lane, which `spread_sum` makes one
for the whole row if the lanes belong together. So a loss is written once for any number of classes:

    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            total[i] += z[k + i]
    spread_sum(lanes, total)

and after it every lane knows its row's sum. (The last step of a long row may have fewer lanes.) What is computed once
for each row is computed `for i in range(rows_in(lanes))`: of lanes that belong together only the first is filled, by
the driver too, until `share` copies it to the others. Inputs are only read; every input has a tile beside it to work
in, which is its gradient in the end.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer, PyCapsule_New
from libc.math cimport INFINITY, NAN, fabs
from libc.stdlib cimport free, malloc
from fastloss.kernels.vecmath cimport (
    absolute, find, keep_larger, max_of, real, sum_of, two_product, two_sum, vm_log1p_f64, wide_sum_of,
)
from fastloss.kernels.views cimport pieces, prefetch

cdef extern from "lanes.h" nogil:
    void ln_row_exponentials_f32(const float* z, float base, float power, Py_ssize_t n, float* e) noexcept
    void ln_row_exponentials_f64(const double* z, double base, double power, Py_ssize_t n, double* e) noexcept
    void ln_class_exponentials_f32(
        const float* z, const float* base, const float* power, Py_ssize_t n, float* e) noexcept
    void ln_class_exponentials_f64(
        const double* z, const double* base, const double* power, Py_ssize_t n, double* e) noexcept
    void ln_row_tempered_f32(
        const float* z, float base, float power, double rate, double rate_low, Py_ssize_t n, float* e) noexcept
    void ln_row_tempered_f64(
        const double* z, double base, double power, double rate, double rate_low, Py_ssize_t n, double* e) noexcept
    void ln_class_tempered_f32(
        const float* z, const float* base, const float* power, double rate, double rate_low, Py_ssize_t n,
        float* e) noexcept
    void ln_class_tempered_f64(
        const double* z, const double* base, const double* power, double rate, double rate_low, Py_ssize_t n,
        double* e) noexcept
    void ln_add_others_f32(
        const float* e, const int* top, int c, Py_ssize_t n, double* sum, double* lost) noexcept
    void ln_add_others_f64(
        const double* e, const int* top, int c, Py_ssize_t n, double* sum, double* lost) noexcept
    void ln_scale_f32(float* x, const float* factor, Py_ssize_t n) noexcept
    void ln_scale_f64(double* x, const double* factor, Py_ssize_t n) noexcept
    void ln_scale_row_f32(float* x, float factor, Py_ssize_t n) noexcept
    void ln_scale_row_f64(double* x, double factor, Py_ssize_t n) noexcept


cdef inline void row_exponentials(const real* z, real base, real power, Py_ssize_t n, real* e) noexcept nogil:
    if real is float:
        ln_row_exponentials_f32(z, base, power, n, e)
    else:
        ln_row_exponentials_f64(z, base, power, n, e)


cdef inline void class_exponentials(
    const real* z, const real* base, const real* power, Py_ssize_t n, real* e
) noexcept nogil:
    if real is float:
        ln_class_exponentials_f32(z, base, power, n, e)
    else:
        ln_class_exponentials_f64(z, base, power, n, e)


cdef inline void row_tempered(
    const real* z, real base, real power, double rate, double rate_low, Py_ssize_t n, real* e
) noexcept nogil:
    if real is float:
        ln_row_tempered_f32(z, base, power, rate, rate_low, n, e)
    else:
        ln_row_tempered_f64(z, base, power, rate, rate_low, n, e)


cdef inline void class_tempered(
    const real* z, const real* base, const real* power, double rate, double rate_low, Py_ssize_t n, real* e
) noexcept nogil:
    if real is float:
        ln_class_tempered_f32(z, base, power, rate, rate_low, n, e)
    else:
        ln_class_tempered_f64(z, base, power, rate, rate_low, n, e)


cdef inline void add_others(
    const real* e, const int* top, int c, Py_ssize_t n, double* sum, double* lost
) noexcept nogil:
    if real is float:
        ln_add_others_f32(e, top, c, n, sum, lost)
    else:
        ln_add_others_f64(e, top, c, n, sum, lost)


cdef inline void scale_lanes(real* x, const real* factor, Py_ssize_t n) noexcept nogil:
    if real is float:
        ln_scale_f32(x, factor, n)
    else:
        ln_scale_f64(x, factor, n)


cdef inline void scale_row(real* x, real factor, Py_ssize_t n) noexcept nogil:
    if real is float:
        ln_scale_row_f32(x, factor, n)
    else:
        ln_scale_row_f64(x, factor, n)


cdef enum:
    ACROSS = 64    # classes, at most, for lanes that are rows; of more classes all lanes belong to one row
    TILE = 240     # the most lanes; not 256: arrays 4 KB apart delay each other's loads (69 -> 22 ms)
    SEARCHED = 1024              # numbers whose maximum is looked for at once

ctypedef struct Lanes:
    Py_ssize_t classes, width, steps, last  # the last step has so many lanes
    bint along                   # the lanes belong to one row
    bint soft                    # the target holds shares of every class: the tile after the inputs' own
    bint with_grad, with_hess
    int stride                   # step j of lane i is class j * stride + at[i]
    int at[TILE]
    int label[TILE]              # of each row; 0 for an invisible one
    double scale[TILE]           # of each row: what its gradient is multiplied with, its weight and 1 / divisor of a mean
    const double* class_weight   # a tile of them, or NULL
    Py_ssize_t weight_width      # its lanes
    const char* following        # the memory of the next row, or NULL
    double* spare                # room for as many numbers as the kernel asks for, for each one in the tile

ctypedef void (*RowF32)(
    float** inputs, float** grads, float* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil
ctypedef void (*RowF64)(
    double** inputs, double** grads, double* hess, double* loss, const Lanes* lanes, const double* params
) noexcept nogil

# A loss of the label's probability p alone, row by row: of cost = -log p and rest = 1 - p, neither of which has
# cancelled, the loss and its slope by cost. The driver makes the gradient of it: slope (p_c - [c is the label]).
ctypedef void (*OfLabel)(
    const double* cost, const double* rest, double* loss, double* slope, Py_ssize_t n, const double* params
) noexcept nogil

cdef enum:
    NO_TARGET = 0
    LABELS = 1                   # one class for each row
    LABELS_OR_SHARES = 2         # or a number for each class
    LABEL_LISTS = 3              # as many labels as classes: a list, in the tile after the inputs' own, that ends before
                                 # the first which is no class
    MAX_ROW_PARAMS = 6

ctypedef struct RowKernel:
    RowF32 f32
    RowF64 f64
    int inputs                   # how many numbers it reads for each class, besides the target
    int grads                    # bit k is set if input k has a gradient
    int target                   # if it takes shares, they are the input after the others
    OfLabel of_label             # what it makes of plain labels; NULL: the same as of shares
    bint hessian                 # whether it knows the Hessian's diagonal by the first input
    bint smooths                 # whether params[0] is a label smoothing and params[1] the factor of a z-loss. With one of them,
                                 # and of shares, the kernel weighs classes; in any other case a label's class weight is
                                 # its row's. Labels are plain only if all params are 0
    int spare                    # doubles it works in, for each number of a tile


cdef inline void release_row_kernel(object capsule) noexcept:
    free(PyCapsule_GetPointer(capsule, "fastloss.rows"))


cdef inline object row_kernel(
    RowF32 f32, RowF64 f64, int inputs, int grads, int target, bint hessian=False, bint smooths=False,
    OfLabel of_label=NULL, int spare=0
):
    """What a family's KERNELS hold for a loss of rows."""
    cdef RowKernel* made = <RowKernel*>malloc(sizeof(RowKernel))
    if made == NULL:
        raise MemoryError
    made[0] = RowKernel(f32, f64, inputs, grads, target, of_label, hessian, smooths, spare)
    return PyCapsule_New(made, "fastloss.rows", release_row_kernel)


cdef inline Py_ssize_t place(const Lanes* lanes, Py_ssize_t i, int c) noexcept nogil:
    """Where a tile holds class c of lane i's row."""
    return c if lanes.along else c * lanes.width + i


cdef inline Py_ssize_t lanes_at(const Lanes* lanes, Py_ssize_t j) noexcept nogil:
    return lanes.width if j + 1 < lanes.steps else lanes.last


cdef inline Py_ssize_t rows_in(const Lanes* lanes) noexcept nogil:
    """How many rows the tile holds: the first lane stands for a row of many."""
    return 1 if lanes.along else lanes.width


# ---- sums and maxima of rows ----

cdef inline void clear(const Lanes* lanes, double* numbers) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(lanes.width):
        numbers[i] = 0


cdef inline void add(double* total, double* lost, double x) noexcept nogil:
    """Add to a sum, and what the addition rounds off to another: rows of double would lose 2 of their 4 ULP."""
    cdef double before = total[0], after = before + x, part = after - before
    lost[0] += (before - (after - part)) + (x - part)
    total[0] = after


cdef inline void share(const Lanes* lanes, real* numbers) noexcept nogil:
    """Give all lanes of one row the first one's number."""
    cdef Py_ssize_t i
    if lanes.along:
        for i in range(1, lanes.width):
            numbers[i] = numbers[0]


cdef inline void spread_sum(const Lanes* lanes, double* total) noexcept nogil:
    """Sums of lanes become sums of rows."""
    if lanes.along:
        total[0] = sum_of[double](total, lanes.width)
        share[double](lanes, total)


cdef inline void settle_sum(const Lanes* lanes, double* total, double* lost) noexcept nogil:
    """Sums made by `add` become sums of rows, with what their additions rounded off."""
    cdef double row = 0, rest = 0
    cdef Py_ssize_t i
    if lanes.along:
        for i in range(lanes.width):
            add(&row, &rest, total[i])
        total[0] = row + (rest + sum_of[double](lost, lanes.width))
        share[double](lanes, total)
    else:
        for i in range(lanes.width):
            total[i] += lost[i]


cdef inline void largest(const Lanes* lanes, const real* z, real* m, int* top) noexcept nogil:
    """The largest number of each row and the first class that has it, row by row. NaN is passed over, unless it comes first."""
    cdef Py_ssize_t i, j, b, n, best_at = 0
    cdef real best = <real>-INFINITY, here
    if lanes.along:
        for b in range(pieces(lanes.classes, SEARCHED)):
            j = b * SEARCHED
            here = max_of[real](z + j, min(lanes.classes - j, <Py_ssize_t>SEARCHED))
            if here > best:
                best = here
                best_at = j
        n = min(lanes.classes - best_at, <Py_ssize_t>SEARCHED)
        j = find[real](z + best_at, <int>n, best)
        m[0] = best
        top[0] = <int>(best_at + j if j < n else 0)  # 0: nothing but NaN
        return
    for i in range(lanes.width):
        m[i] = z[i]
        top[i] = 0
    for j in range(1, lanes.steps):
        keep_larger[real](z + j * lanes.width, <int>j, lanes.width, m, top)


cdef inline void scale_tile(const Lanes* lanes, real* tile, const real* factor) noexcept nogil:
    """Multiply each lane by its factor."""
    cdef Py_ssize_t j
    if lanes.along:
        scale_row[real](tile, factor[0], lanes.classes)
    else:
        for j in range(lanes.steps):
            scale_lanes[real](tile + j * lanes.width, factor, lanes.width)


# ---- softmax ----

ctypedef struct Softmax:
    # of each row, with m its largest logit, at class top, and e_c = exp(z_c - m) times a power of two
    double m[TILE]
    double e_top[TILE]
    double others[TILE]          # the sum of e_c over c != top
    double total[TILE]           # of all
    int top[TILE]


cdef inline bint is_moderate(real m) noexcept nogil:
    cdef real limit = 208 if sizeof(real) == 4 else 1500
    return (m >= -limit) & (m <= limit)


cdef inline real power_of(real m) noexcept nogil:
    """The k of exp_scaled: exp(z - m) is formed without rounding z - m, as exp(z) / 2^k; or, for an m so large that
    the difference is exact wherever it matters (z within a factor 2 of m), from the difference, with k = 0."""
    cdef real magic = 12582912 if sizeof(real) == 4 else 6755399441055744
    return (m * <real>1.4426950408889634 + magic) - magic if is_moderate(m) else 0


cdef inline void softmax_of(const Lanes* lanes, const real* z, real* e, Softmax* s) noexcept nogil:
    """The exponentials of the logits, and their sums. They are probabilities once divided by the total."""
    tempered_softmax_of[real](lanes, z, 1, 0, 0, e, s)


cdef inline void tempered_softmax_of(
    const Lanes* lanes, const real* z, double rate, double rate_low, int lift, real* e, Softmax* s
) noexcept nogil:
    """The same of z times a rate in two parts, as of 1 / temperature. A product z rate would be rounded, and its exponential
    turns half an ulp of 26 into 16 ulps. (s.m is the largest z, not its product.) All exponentials are 2^lift times larger,
    with a lift of at most 28, so that small ones are no denormal numbers."""
    cdef real m[TILE]
    cdef real base[TILE]
    cdef real power[TILE]
    cdef double lost[TILE]
    cdef Py_ssize_t i, j, b, n = lanes.width, block
    cdef int infinite = 0
    cdef real most
    largest[real](lanes, z, m, s.top)
    for i in range(rows_in(lanes)):
        most = <real>(m[i] * rate)
        base[i] = 0 if is_moderate(most) else m[i]
        power[i] = power_of(most) - lift
        s.m[i] = m[i]
        infinite |= absolute(m[i]) == <real>INFINITY
    if lanes.along:
        for b in range(pieces(lanes.classes, SEARCHED)):
            j = b * SEARCHED
            block = min(lanes.classes - j, <Py_ssize_t>SEARCHED)
            if lanes.following != NULL:
                prefetch(lanes.following + j * sizeof(real), block * sizeof(real))
            if (rate == 1) & (rate_low == 0):
                row_exponentials[real](z + j, base[0], power[0], block, e + j)
            else:
                row_tempered[real](z + j, base[0], power[0], rate, rate_low, block, e + j)
        s.e_top[0] = e[s.top[0]]
        e[s.top[0]] = 0
        s.others[0] = wide_sum_of[real](e, lanes.classes)
        e[s.top[0]] = <real>s.e_top[0]
    else:
        clear(lanes, s.others)
        clear(lanes, lost)
        for j in range(lanes.steps):
            if (rate == 1) & (rate_low == 0):
                class_exponentials[real](z + j * n, base, power, n, e + j * n)
            else:
                class_tempered[real](z + j * n, base, power, rate, rate_low, n, e + j * n)
            add_others[real](e + j * n, s.top, <int>j, n, s.others, lost)
        for i in range(n):
            s.others[i] += lost[i]
            s.e_top[i] = e[s.top[i] * n + i]
    if infinite:
        infinite_rows[real](lanes, z, e, s)
    for i in range(rows_in(lanes)):
        s.total[i] = s.others[i] + s.e_top[i]


cdef inline void infinite_rows(const Lanes* lanes, const real* z, real* e, Softmax* s) noexcept nogil:
    """The exponentials of rows whose largest logit is infinite: it takes all. One logit of inf has a limit; several, or
    nothing but -inf, have none. NaN stays."""
    cdef Py_ssize_t i, k
    cdef int c
    cdef double x
    for i in range(rows_in(lanes)):
        if fabs(s.m[i]) < INFINITY or s.m[i] != s.m[i]:
            continue
        s.others[i] = 0
        for c in range(<int>lanes.classes):
            k = place(lanes, i, c)
            x = 1 if z[k] == s.m[i] else (0 if z[k] == z[k] else NAN)
            e[k] = <real>x
            s.others[i] += 0 if c == s.top[i] else x
        s.e_top[i] = 1
        if s.others[i] > 0 or s.m[i] < 0:
            s.others[i] = NAN


cdef inline double log_total(const Softmax* s, Py_ssize_t i) noexcept nogil:
    """logsumexp(z) - m, in which nothing cancels."""
    # not log1p[double], which GCC 12 leaves as a call in the loop over a tile's rows
    return vm_log1p_f64(s.others[i] / s.e_top[i])


cdef inline void pick(const Lanes* lanes, const real* tile, const int* classes, double* picked) noexcept nogil:
    """The number of one class in each row."""
    cdef Py_ssize_t i
    if lanes.along:
        picked[0] = tile[classes[0]]
    else:
        for i in range(lanes.width):
            picked[i] = tile[classes[i] * lanes.width + i]


cdef inline void put(const Lanes* lanes, real* tile, const int* classes, const double* numbers) noexcept nogil:
    """Put a number at one class of each row."""
    cdef Py_ssize_t i
    if lanes.along:
        tile[classes[0]] = <real>numbers[0]
    else:
        for i in range(lanes.width):
            tile[classes[i] * lanes.width + i] = <real>numbers[i]


cdef inline void at_labels(
    const Lanes* lanes, const Softmax* s, const real* z, const real* e, double* cost, double* rest
) noexcept nogil:
    """-log p and 1 - p of the labels, in which nothing cancels: both terms of the first are positive, and the second is what
    the other classes add up to."""
    cdef Py_ssize_t i
    cdef double gap
    pick[real](lanes, z, lanes.label, cost)
    pick[real](lanes, e, lanes.label, rest)
    for i in range(rows_in(lanes)):
        gap = s.m[i] - cost[i]
        cost[i] = log_total(s, i) + (gap if cost[i] != s.m[i] else 0)
        rest[i] = (s.others[i] if lanes.label[i] == s.top[i] else s.total[i] - rest[i]) / s.total[i]


cdef inline void diagonal(
    const Lanes* lanes, const Softmax* s, const real* e, const double* factor, real* hess
) noexcept nogil:
    """factor p (1 - p), at the largest logit of what the others add up to."""
    cdef Py_ssize_t i, j, k
    cdef double totals[TILE]
    cdef double factors[TILE]
    cdef real p
    for i in range(rows_in(lanes)):
        totals[i] = s.total[i]
        factors[i] = factor[i]
    share[double](lanes, totals)
    share[double](lanes, factors)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            p = <real>(e[k + i] / totals[i])
            hess[k + i] = <real>(factors[i] * (p - p * p))
    for i in range(rows_in(lanes)):
        factors[i] *= (s.e_top[i] / s.total[i]) * (s.others[i] / s.total[i])
    put[real](lanes, hess, s.top, factors)


cdef inline void add_squares(
    const Lanes* lanes, const Softmax* s, const real* e, const double* factor, real* hess
) noexcept nogil:
    """Add factor p^2 to a Hessian's diagonal."""
    cdef Py_ssize_t i, j, k
    cdef double totals[TILE]
    cdef double factors[TILE]
    cdef double p
    for i in range(rows_in(lanes)):
        totals[i] = s.total[i]
        factors[i] = factor[i]
    share[double](lanes, totals)
    share[double](lanes, factors)
    for j in range(lanes.steps):
        k = j * lanes.width
        for i in range(lanes_at(lanes, j)):
            p = e[k + i] / totals[i]
            hess[k + i] = <real>(hess[k + i] + factors[i] * p * p)


ctypedef fused amount:
    float
    double


cdef inline void against(
    const Lanes* lanes, const Softmax* s, const real* z, real* e, amount* a, real* hess, double* loss
) noexcept nogil:
    """Cross-entropy of logits against coefficients a_c of any sum A, whose gradient replaces their exponentials:

        loss = sum of a_c (m - z_c) + A L,    gradient_c = A p_c - a_c.
    """
    tempered_against[real, amount](lanes, s, z, e, a, hess, loss, 1, 1, NULL, NULL, NULL)


cdef inline real finite(real x) noexcept nogil:
    """x, or the largest number instead of infinity, which would make NaN of 0."""
    cdef real most = <real>3.4028234663852886e38 if sizeof(real) == 4 else <real>1.7976931348623157e308
    return most if x == <real>INFINITY else x


cdef inline void tempered_against(
    const Lanes* lanes, const Softmax* s, const real* z, real* e, amount* a, real* hess, double* loss,
    double temperature, double divisor, const double* push, const double* bend, double* low
) noexcept nogil:
    """The same of logits divided by a temperature, and its gradient by a divisor: the temperature, or as much of it as
    nobody else does. What the loss has besides, a function of the logits' logsumexp, has the slope push p_c, and of
    the Hessian push p_c (1 - p_c) + bend p_c^2; or is nothing, with NULL. `low` gets what a gradient of double rounds
    off, if that is wanted."""
    cdef real f[TILE]
    cdef real scale[TILE]
    cdef double a_top[TILE]
    cdef double a_others[TILE]
    cdef double a_lost[TILE]
    cdef double distance[TILE]
    cdef double distance_lost[TILE]
    cdef double factor[TILE]
    cdef double curve[TILE]
    cdef double m[TILE]
    cdef Py_ssize_t i, j, k, n = lanes.width
    cdef double v, gap, ap, aq
    clear(lanes, a_top)
    clear(lanes, a_others)
    clear(lanes, a_lost)
    clear(lanes, distance)
    clear(lanes, distance_lost)
    pick[amount](lanes, a, s.top, a_top)
    for i in range(rows_in(lanes)):
        m[i] = s.m[i]
        a[place(lanes, i, s.top[i])] = 0  # it adds nothing to the distance, and is no other
    share[double](lanes, m)
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            v = a[k + i]
            gap = m[i] - <double>z[k + i]
            gap = v * gap if (v != 0) & (m[i] != z[k + i]) else 0
            if real is double:
                add(&distance[i], &distance_lost[i], gap)
                add(&a_others[i], &a_lost[i], v)
            else:  # double as it is keeps more than enough of them
                distance[i] += gap
                a_others[i] += v
    settle_sum(lanes, a_others, a_lost)
    for i in range(n):
        distance_lost[i] = distance_lost[i] if fabs(distance[i]) < INFINITY else 0
    spread_sum(lanes, distance)
    spread_sum(lanes, distance_lost)
    for i in range(rows_in(lanes)):
        a[place(lanes, i, s.top[i])] = <amount>a_top[i]
        loss[i] = distance[i] / temperature + (
            distance_lost[i] / temperature + (a_top[i] + a_others[i]) * log_total(s, i)
        )
        factor[i] = a_top[i] + a_others[i]
        if push != NULL:  # 3 roundings of a factor would lie upon all of its row's numbers
            v = two_sum(a_top[i], a_others[i], &ap)
            factor[i] = two_sum(v, push[i], &aq) + ap
            factor[i] += aq if fabs(push[i]) < INFINITY else 0
        factor[i] = factor[i] * lanes.scale[i] / divisor
    if lanes.with_hess:
        for i in range(rows_in(lanes)):
            curve[i] = finite[double](factor[i] / divisor)
        diagonal[real](lanes, s, e, curve, hess)
        if bend != NULL:
            add_squares[real](lanes, s, e, bend, hess)
    if not lanes.with_grad:
        return
    for i in range(rows_in(lanes)):
        f[i] = finite[real](<real>(factor[i] / s.total[i]))
        scale[i] = <real>(lanes.scale[i] / divisor)
    share[real](lanes, f)
    share[real](lanes, scale)
    for j in range(lanes.steps):
        k = j * n
        for i in range(lanes_at(lanes, j)):
            if real is double and low != NULL:
                v = two_product(e[k + i], f[i], &ap)
                gap = two_product(a[k + i], scale[i], &aq)
                e[k + i] = two_sum(v, -gap, &v)
                low[k + i] = v + (ap - aq)
            else:
                e[k + i] = <real>(e[k + i] * f[i] - a[k + i] * scale[i])
    # at the largest logit, A p - a or (A - a) - A q: from the smaller pair of terms, which keeps more
    for i in range(rows_in(lanes)):
        v = a_top[i] + a_others[i]
        ap = v * (s.e_top[i] / s.total[i])
        aq = v * (s.others[i] / s.total[i])
        v = ap - a_top[i] if ap + a_top[i] < aq + a_others[i] else a_others[i] - aq
        v += push[i] * (s.e_top[i] / s.total[i]) if push != NULL else 0
        factor[i] = v * lanes.scale[i] / divisor
        if low != NULL:
            low[place(lanes, i, s.top[i])] = 0
    put[real](lanes, e, s.top, factor)
