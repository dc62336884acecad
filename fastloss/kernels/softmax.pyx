"""The softmax family's driver and kernel: cross-entropy, softmax, log-softmax and logsumexp of rows of logits.

Every row goes through the same numbers. With m the row's maximum, at class `top`, and e_c = exp(z_c - m) scaled by a
power of two:

    others = sum of e_c over c != top,    L = log1p(others / e_top),    logsumexp = m + L,
    loss = sum of a_c (m - z_c) + A L,    gradient_c = A p_c - a_c,     p_c = e_c / (others + e_top),

where a_c are the target's coefficients (weighted, smoothed; one of them for a class label) and A is their sum. All
terms of the loss are positive, and at `top`, where A p - a would cancel if a is nearly A, the gradient is
(A - a) - A q with q = others / (others + e_top). That is why a confident, correct row keeps its tail.

Up to TILE_CLASSES classes, vectors run across rows: a tile holds some rows class by class. Above, they run along the
row, three passes while it sits in cache: maximum, sum of exponentials, derivatives. The number of classes alone
decides, and a row's numbers do not depend on its neighbours, so a result has the same bits for any layout, class axis
and number of threads.
"""

cimport numpy as cnp
from libc.math cimport INFINITY, NAN
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset
from fastloss.kernels.driver cimport (
    GRAD_HESS, LOG_SOFTMAX, LOGSUMEXP, MAX_CHUNKS, PRESCALE, SOFTMAX, VALUE, Chunks, as_integer, make_chunks, mean_of, number_like, output, run_chunks,
    streams, sum_of_weights,
)
from fastloss.kernels.vecmath cimport absolute, exp_scaled, find, keep_larger, log1p, max_of, real, sum_of, wide_sum_of
from fastloss.kernels.views cimport (
    BF16, BLOCK, F16, F32, F64, Kind, View, describe, fit, is_integer, meet, pieces, prefetch, read, read_labels,
    same_shape, settle, stream_end, turn_tile, without_axis, write,
)

cnp.import_array()

cdef enum:
    TARGET = 1                   # the second input

    TILE_CLASSES = 64            # at most: vectors across rows; more: along the row
    TILE = 240                   # the most rows in a tile; not 256: arrays 4 KB apart delay each other's loads (69 -> 22 ms)
    TILE_ITEMS = 4096            # and the most numbers: two tiles of double sit in L1 and L2
    LANES = 8                    # partial sums of a tile, so that a sum of 64 rounds like one of 8
    GROUP = 64                   # rows whose labels and weights are read at once
    KEPT = 16384                 # exponentials of a row that are kept (L2), not computed again for the gradient
    TRANSPOSED = 65536           # numbers in a block of rows that is turned so that classes lie side by side
    CHUNK = 16384                # the least number of logits that is worth handing to a thread

ctypedef struct Job:
    int ask
    bint single                  # computed in float, not double
    bint soft                    # the target holds probabilities, not labels
    bint dense                   # more than one coefficient per row: soft, or smoothed
    bint with_grad, with_hess, with_losses, weighted, stream
    Py_ssize_t classes, rows, tile
    Chunks chunks
    # views of the rows' positions, and the step from class to class
    View logits, target, weight, losses, grad, hess
    Py_ssize_t logits_step, target_step, grad_step, hess_step
    double* class_weight
    double smoothing, scale
    int64_t ignored

ctypedef struct Rows:
    # what the target and the weight say of up to TILE rows
    int64_t label[TILE]          # a class, or -1: a soft target, or an invisible row
    double weight[TILE]          # 0: invisible
    double coefficient[TILE]     # the class weight of the label; 0 without one
    int invisible                # how many are

ctypedef struct Sums:
    # what the passes over up to TILE rows found
    int top[TILE]
    double m[TILE]
    double e_top[TILE]
    double others[TILE]          # the sum of e_c over c != top
    double distance[TILE]        # the sum of a_c (m - z_c)
    double a_top[TILE]           # the coefficient at top
    double a_others[TILE]        # the sum of the others
    double a_lost[TILE]          # what rounding took from it


# ---- rows, from their sums to their losses and the factors of their derivatives ----

cdef void losses_of(const Job* job, const Sums* s, Py_ssize_t n, double* losses) noexcept nogil:
    cdef Py_ssize_t i
    if job.ask == LOGSUMEXP:
        for i in range(n):
            losses[i] = s.m[i] + log1p[double](s.others[i] / s.e_top[i])
    else:
        for i in range(n):
            losses[i] = s.distance[i] + (s.a_top[i] + s.a_others[i]) * log1p[double](s.others[i] / s.e_top[i])


cdef inline double slope(const Job* job, const Sums* s, const Rows* rows, Py_ssize_t i) noexcept nogil:
    """A, scaled: the factor of p in the gradient."""
    return (s.a_top[i] + s.a_others[i]) * (job.scale * rows.weight[i])


cdef inline double total(const Sums* s, Py_ssize_t i) noexcept nogil:
    return s.others[i] + s.e_top[i]


cdef inline double top_grad(const Job* job, const Sums* s, const Rows* rows, Py_ssize_t i) noexcept nogil:
    """The gradient at the largest logit, A p - a or (A - a) - A q: from the smaller pair of terms, which keeps more."""
    cdef double all_a = s.a_top[i] + s.a_others[i]
    cdef double ap = all_a * (s.e_top[i] / total(s, i)), aq = all_a * (s.others[i] / total(s, i))
    return (ap - s.a_top[i] if ap + s.a_top[i] < aq + s.a_others[i] else s.a_others[i] - aq) * (job.scale * rows.weight[i])


cdef inline double top_hess(const Job* job, const Sums* s, const Rows* rows, Py_ssize_t i) noexcept nogil:
    return slope(job, s, rows, i) * (s.e_top[i] / total(s, i)) * (s.others[i] / total(s, i))


cdef inline real power_of(real m) noexcept nogil:
    """The k of exp_scaled: exp(z - m) is formed without rounding z - m, as exp(z) / 2^k; or, for an m so large that
    the difference is exact wherever it matters (z within a factor 2 of m), from the difference, with k = 0."""
    cdef real magic = 12582912 if sizeof(real) == 4 else 6755399441055744
    return (m * <real>1.4426950408889634 + magic) - magic if is_moderate(m) else 0


cdef inline bint is_moderate(real m) noexcept nogil:
    cdef real limit = 208 if sizeof(real) == 4 else 1500
    return (m >= -limit) & (m <= limit)


cdef void infinite_maximum(const real* z, real* e, Py_ssize_t n, real m) noexcept nogil:
    """The exponentials of a row whose maximum is infinite: it takes all. NaN stays."""
    cdef Py_ssize_t i
    for i in range(n):
        e[i] = 1 if z[i] == m else (0 if z[i] == z[i] else z[i])


cdef inline double infinite_others(const Job* job, double m, double others) noexcept nogil:
    """One logit of inf has a limit; several, or nothing but -inf, have none but in logsumexp."""
    return NAN if job.ask != LOGSUMEXP and (others > 0 or m < 0) else others


# ---- the target's coefficients ----

cdef inline double class_weight(const Job* job, Py_ssize_t c) noexcept nogil:
    return job.class_weight[c] if job.class_weight != NULL else 1


cdef inline double soft_coefficient(const Job* job, double weight, double t) noexcept nogil:
    return weight * ((1 - job.smoothing) * t + job.smoothing / job.classes)


cdef inline double hard_coefficient(const Job* job, double weight, bint is_label) noexcept nogil:
    return weight * ((1 - job.smoothing if is_label else 0) + job.smoothing / job.classes)


cdef inline Py_ssize_t improbable(const real* t, Py_ssize_t n) noexcept nogil:
    """The first number that is no probability, or -1."""
    cdef int found = 0
    cdef Py_ssize_t i
    for i in range(n):
        found |= (t[i] < 0) | (t[i] > 1)
    if found:
        for i in range(n):
            if t[i] < 0 or t[i] > 1:
                return i
    return -1


cdef inline void coefficients(
    const Job* job, const real* t, int64_t label, Py_ssize_t first, Py_ssize_t n, real* a
) noexcept nogil:
    """The coefficients of classes first ... first + n of one row."""
    cdef Py_ssize_t c
    if job.soft:
        for c in range(n):
            a[c] = <real>soft_coefficient(job, class_weight(job, first + c), t[c])
    else:
        for c in range(n):
            a[c] = <real>hard_coefficient(job, class_weight(job, first + c), first + c == label)


# ---- vectors along the row ----

cdef bint long_row(
    const Job* job, const Rows* rows, Py_ssize_t index, const View* logits, const View* target, const View* grad,
    const View* hess, bint stream, const char* following, real* kept, double* loss, Py_ssize_t* unfit
) noexcept nogil:
    """One row: its loss, its derivatives. The views hold the row alone. False for an unfit target."""
    cdef Py_ssize_t classes = job.classes, blocks = pieces(classes, BLOCK), j, b, n, i, top, top_block = 0
    cdef bint keep = classes <= KEPT
    cdef real zbuffer[BLOCK]
    cdef real ebuffer[BLOCK]
    cdef real abuffer[BLOCK]
    cdef real gbuffer[BLOCK]
    cdef const real* z
    cdef real* e
    cdef Sums s
    cdef Rows row
    cdef real m = <real>-INFINITY, block_max, base, power, z_label = 0, f, scale, log_ratio, p, unused
    cdef double distances[BLOCK]
    cdef double all_e, a, gap

    row.label[0] = rows.label[index]
    row.weight[0] = rows.weight[index]
    for j in range(blocks):
        b = j * BLOCK
        n = min(classes - b, <Py_ssize_t>BLOCK)
        block_max = max_of[real](read[real](logits, b, n, zbuffer), n)
        if block_max > m:
            m = block_max
            top_block = b
    n = min(classes - top_block, <Py_ssize_t>BLOCK)
    top = top_block + find[real](read[real](logits, top_block, n, zbuffer), <int>n, m)
    if top >= classes:  # nothing but NaN
        top = 0
    power = power_of(m)
    base = 0 if is_moderate(m) else m

    s.m[0] = m
    s.others[0] = s.distance[0] = s.a_top[0] = s.a_others[0] = s.e_top[0] = 0
    for j in range(blocks):
        b = j * BLOCK
        n = min(classes - b, <Py_ssize_t>BLOCK)
        z = read[real](logits, b, n, zbuffer)
        e = kept + b if keep else ebuffer
        if following != NULL:
            prefetch(following + b * sizeof(real), n * sizeof(real))
        if absolute(m) == <real>INFINITY:
            infinite_maximum(z, e, n, m)
        else:
            for i in range(n):
                e[i] = exp_scaled[real](z[i] - base, power, &unused)
        if b <= top < b + n:
            s.e_top[0] = e[top - b]
            e[top - b] = 0
            s.others[0] += wide_sum_of[real](e, n)
            e[top - b] = <real>s.e_top[0]
        else:
            s.others[0] += wide_sum_of[real](e, n)
        if job.dense:
            if job.soft:
                i = improbable(read[real](target, b, n, gbuffer), n)
                if i >= 0:
                    unfit[0] = b + i
                    return False
            coefficients[real](job, read[real](target, b, n, gbuffer) if job.soft else NULL, row.label[0], b, n, abuffer)
            for i in range(n):
                gap = <double>m - <double>z[i]
                distances[i] = <double>abuffer[i] * gap if (abuffer[i] != 0) & (z[i] != m) else 0
            s.distance[0] += sum_of[double](distances, n)
            if b <= top < b + n:
                s.a_top[0] = abuffer[top - b]
                abuffer[top - b] = 0
            s.a_others[0] += wide_sum_of[real](abuffer, n)
        elif b <= row.label[0] < b + n:
            z_label = z[row.label[0] - b]
    if absolute(m) == <real>INFINITY:
        s.others[0] = infinite_others(job, m, s.others[0])
    if row.label[0] >= 0 and not job.dense:
        a = rows.coefficient[index]
        if row.label[0] == top:
            s.a_top[0] = a
        else:
            s.a_others[0] = a
        if z_label != m:
            s.distance[0] = a * (<double>m - <double>z_label)
    losses_of(job, &s, 1, loss)
    if not job.with_grad:
        return True

    all_e = total(&s, 0)
    scale = <real>(job.scale * row.weight[0])
    f = <real>((1 if job.ask == SOFTMAX else slope(job, &s, &row, 0)) / all_e)
    log_ratio = <real>log1p[double](s.others[0] / s.e_top[0])
    for j in range(blocks):
        b = j * BLOCK
        n = min(classes - b, <Py_ssize_t>BLOCK)
        if job.ask == LOG_SOFTMAX:
            z = read[real](logits, b, n, zbuffer)
            for i in range(n):
                gbuffer[i] = (z[i] - m if z[i] != m else 0) - log_ratio
            write[real](grad, b, n, gbuffer, stream)
            continue
        e = kept + b if keep else ebuffer
        if not keep:
            z = read[real](logits, b, n, zbuffer)
            if absolute(m) == <real>INFINITY:
                infinite_maximum(z, e, n, m)
            else:
                for i in range(n):
                    e[i] = exp_scaled[real](z[i] - base, power, &unused)
        if job.dense:
            coefficients[real](job, read[real](target, b, n, gbuffer) if job.soft else NULL, row.label[0], b, n, abuffer)
            for i in range(n):
                gbuffer[i] = e[i] * f - abuffer[i] * scale
        else:
            for i in range(n):
                gbuffer[i] = e[i] * f
            if b <= row.label[0] < b + n:
                gbuffer[row.label[0] - b] -= <real>rows.coefficient[index] * scale
        if job.ask != SOFTMAX and b <= top < b + n:
            gbuffer[top - b] = <real>top_grad(job, &s, &row, 0)
        write[real](grad, b, n, gbuffer, stream)
        if job.with_hess:
            for i in range(n):
                p = <real>(e[i] / all_e)
                gbuffer[i] = <real>(slope(job, &s, &row, 0) * (p - p * p))
            if b <= top < b + n:
                gbuffer[top - b] = <real>top_hess(job, &s, &row, 0)
            write[real](hess, b, n, gbuffer, stream)
    return True


# ---- vectors across rows ----

cdef void read_classes(
    View* positions, Py_ssize_t step, Py_ssize_t first, Py_ssize_t n, Py_ssize_t classes, real* tile, Py_ssize_t width,
    real** columns
) noexcept nogil:
    """Where n rows' numbers of each class lie: in place, or in the tile."""
    cdef char* origin = positions.data
    cdef Py_ssize_t c
    if turn_tile[real](positions, step, first, n, classes, tile, width, False):
        for c in range(classes):
            columns[c] = tile + c * width
        return
    for c in range(classes):
        positions.data = origin + c * step
        columns[c] = <real*>read[real](positions, first, n, tile + c * width)
    positions.data = origin


cdef void write_classes(
    View* positions, Py_ssize_t step, Py_ssize_t first, Py_ssize_t n, Py_ssize_t classes, real* tile,
    Py_ssize_t width, bint stream
) noexcept nogil:
    cdef char* origin = positions.data
    cdef Py_ssize_t c
    if turn_tile[real](positions, step, first, n, classes, tile, width, True):
        return
    for c in range(classes):
        positions.data = origin + c * step
        write[real](positions, first, n, tile + c * width, stream)
    positions.data = origin


cdef void add_exponentials(
    const real* z, const real* base, const real* power, const int* top, int c, Py_ssize_t n, real* e, real* others
) noexcept nogil:
    cdef Py_ssize_t i
    cdef real unused, v
    for i in range(n):
        v = exp_scaled[real](z[i] - base[i], power[i], &unused)
        e[i] = v
        others[i] += 0 if top[i] == c else v


cdef void add_coefficients(
    const Job* job, const Rows* rows, const real* z, const real* t, int c, Py_ssize_t n, real* a, Sums* s
) noexcept nogil:
    """The coefficients of class c, and what they add to the rows' sums. An invisible row has none."""
    cdef Py_ssize_t i
    cdef double weight = class_weight(job, c), v, gap, before, after
    for i in range(n):
        v = soft_coefficient(job, weight, t[i]) if job.soft else hard_coefficient(job, weight, rows.label[i] == c)
        a[i] = <real>v if rows.weight[i] != 0 else 0
        v = a[i]
        gap = s.m[i] - <double>z[i]
        s.distance[i] += v * gap if (v != 0) & (s.m[i] != z[i]) else 0
        s.a_top[i] += v if s.top[i] == c else 0
        v = 0 if s.top[i] == c else v
        before = s.a_others[i]
        after = before + v  # what the addition rounds off is kept: smoothing adds up many equal terms
        s.a_lost[i] += (before - (after - (after - before))) + (v - (after - before))
        s.a_others[i] = after


cdef bint tile_rows(
    const Job* job, const Rows* rows, View* logits, View* target, View* grad, View* hess,
    Py_ssize_t first, Py_ssize_t n, real* work, double* losses, Py_ssize_t* unfit
) noexcept nogil:
    """n rows, class by class: their losses, their derivatives. False for an unfit target."""
    cdef Py_ssize_t classes = job.classes, width = job.tile, c, i, first_bad
    cdef real* ztile = work
    cdef real* etile = ztile + classes * width
    cdef real* atile = etile + classes * width
    cdef real* z[TILE_CLASSES]
    cdef real* t[TILE_CLASSES]
    cdef real* e
    cdef real* a
    cdef real m[TILE]
    cdef real base[TILE]
    cdef real power[TILE]
    cdef real partial[LANES * TILE]
    cdef real f[TILE]
    cdef real scale[TILE]
    cdef real column[TILE_CLASSES]
    cdef real taken[TILE_CLASSES]
    cdef real p
    cdef double gap
    cdef Sums s

    read_classes[real](logits, job.logits_step, first, n, classes, ztile, width, z)
    for i in range(n):
        m[i] = z[0][i]
        s.top[i] = 0
    for c in range(1, classes):
        keep_larger[real](z[c], <int>c, n, m, s.top)
    for i in range(n):
        base[i] = 0 if is_moderate(m[i]) else m[i]
        power[i] = power_of(m[i])
    memset(partial, 0, sizeof(partial))
    for c in range(classes):
        add_exponentials[real](
            z[c], base, power, s.top, <int>c, n, etile + c * width, partial + (c % LANES) * TILE
        )
    for i in range(n):
        s.m[i] = m[i]
        s.others[i] = (
            ((<double>partial[i] + <double>partial[TILE + i])
             + (<double>partial[2 * TILE + i] + <double>partial[3 * TILE + i]))
            + ((<double>partial[4 * TILE + i] + <double>partial[5 * TILE + i])
               + (<double>partial[6 * TILE + i] + <double>partial[7 * TILE + i]))
        )
        s.distance[i] = s.a_top[i] = s.a_others[i] = s.a_lost[i] = 0
    for i in range(n):
        s.e_top[i] = etile[s.top[i] * width + i]
        if absolute(m[i]) == <real>INFINITY:
            for c in range(classes):
                column[c] = z[c][i]
            infinite_maximum[real](column, taken, classes, m[i])
            s.e_top[i] = 1
            s.others[i] = -1
            for c in range(classes):
                etile[c * width + i] = taken[c]
                s.others[i] += taken[c]
            s.others[i] = infinite_others(job, s.m[i], s.others[i])

    if job.dense:
        if job.soft:
            read_classes[real](target, job.target_step, first, n, classes, atile, width, t)
            first_bad = n * classes
            for c in range(classes):
                i = improbable(t[c], n)
                while 0 <= i < n:  # the first row of all classes that is visible
                    if rows.weight[i] != 0 and (t[c][i] < 0 or t[c][i] > 1):
                        first_bad = min(first_bad, i * classes + c)
                        break
                    i += 1
            if first_bad < n * classes:
                unfit[0] = first_bad
                return False
        for c in range(classes):
            add_coefficients[real](job, rows, z[c], t[c] if job.soft else NULL, <int>c, n, atile + c * width, &s)
        for i in range(n):
            s.a_others[i] += s.a_lost[i]
    elif job.ask <= GRAD_HESS:
        # without branches, which random labels would mispredict (of 20 ms for 1,000,000 x 10, they took 3)
        for i in range(n):
            f[i] = z[max(rows.label[i], <int64_t>0)][i]
        for i in range(n):
            s.a_top[i] = rows.coefficient[i] if rows.label[i] == s.top[i] else 0
            s.a_others[i] = 0 if rows.label[i] == s.top[i] else rows.coefficient[i]
            gap = s.m[i] - <double>f[i]
            s.distance[i] = rows.coefficient[i] * gap if f[i] != m[i] else 0
    losses_of(job, &s, n, losses)
    if not job.with_grad:
        return True

    for i in range(n):
        scale[i] = <real>(job.scale * rows.weight[i])
        f[i] = <real>((1 if job.ask == SOFTMAX else slope(job, &s, rows, i)) / total(&s, i))
    if job.with_hess:  # the logits have been used: their tile takes the Hessian
        for c in range(classes):
            e = etile + c * width
            a = ztile + c * width
            for i in range(n):
                p = <real>(e[i] / total(&s, i))
                a[i] = <real>(slope(job, &s, rows, i) * (p - p * p))
        for i in range(n):
            ztile[s.top[i] * width + i] = <real>top_hess(job, &s, rows, i)
        clear_invisible[real](rows, n, classes, width, ztile)
        write_classes[real](hess, job.hess_step, first, n, classes, ztile, width, job.stream)
    if job.ask == LOG_SOFTMAX:
        for i in range(n):
            f[i] = <real>log1p[double](s.others[i] / s.e_top[i])
        for c in range(classes):
            e = etile + c * width
            a = z[c]
            for i in range(n):
                e[i] = (a[i] - m[i] if a[i] != m[i] else 0) - f[i]
    else:
        for c in range(classes):
            e = etile + c * width
            a = atile + c * width
            if job.dense:
                for i in range(n):
                    e[i] = e[i] * f[i] - a[i] * scale[i]
            else:
                for i in range(n):
                    e[i] *= f[i]
    if job.ask <= GRAD_HESS:
        if not job.dense:
            for i in range(n):
                etile[max(rows.label[i], <int64_t>0) * width + i] -= <real>rows.coefficient[i] * scale[i]
        for i in range(n):
            f[i] = <real>top_grad(job, &s, rows, i)
        for i in range(n):
            etile[s.top[i] * width + i] = f[i]
        clear_invisible[real](rows, n, classes, width, etile)
    write_classes[real](grad, job.grad_step, first, n, classes, etile, width, job.stream)
    return True


cdef void clear_invisible(
    const Rows* rows, Py_ssize_t n, Py_ssize_t classes, Py_ssize_t width, real* tile
) noexcept nogil:
    cdef Py_ssize_t c, i
    if rows.invisible:
        for i in range(n):
            if rows.weight[i] == 0:
                for c in range(classes):
                    tile[c * width + i] = 0


# ---- chunks of rows ----

cdef void read_rows(const Job* job, Py_ssize_t first, Py_ssize_t n, Rows* rows) noexcept nogil:
    """What target and weight say of n <= TILE rows. An ignored row weighs nothing, nor does one whose class does."""
    cdef double weights[TILE]
    cdef int64_t labels[TILE]
    cdef const int64_t* label
    cdef const double* weight = weights
    cdef Py_ssize_t i
    if job.weighted:
        weight = read[double](&job.weight, first, n, weights)
    else:
        for i in range(n):
            weights[i] = 1
    rows.invisible = 0
    if job.soft or job.ask > GRAD_HESS:
        for i in range(n):
            rows.label[i] = -1
            rows.coefficient[i] = 1
            rows.weight[i] = weight[i]
            rows.invisible += weight[i] == 0
    else:
        label = read_labels(&job.target, first, n, labels)
        for i in range(n):
            rows.weight[i] = 0 if label[i] == job.ignored else weight[i]
            rows.label[i] = -1 if rows.weight[i] == 0 else label[i]
            rows.coefficient[i] = 0 if rows.weight[i] == 0 else 1
            rows.invisible += rows.weight[i] == 0
        if job.class_weight != NULL:
            for i in range(n):
                if 0 <= rows.label[i] < job.classes:
                    rows.coefficient[i] = job.class_weight[rows.label[i]]
                    if job.single:  # as the coefficients of soft targets are
                        rows.coefficient[i] = <float>rows.coefficient[i]
                    if rows.coefficient[i] == 0 and not job.dense:
                        rows.weight[i] = 0
                        rows.label[i] = -1
                        rows.invisible += 1


cdef int weigh_chunk(const Job* job, Py_ssize_t chunk) noexcept nogil:
    """Check the labels of one chunk, and sum its rows' weights."""
    cdef Py_ssize_t first = chunk * job.chunks.size, stop = min(first + job.chunks.size, job.rows), n, i, c
    cdef Rows rows
    cdef View target = job.target
    cdef char* origin = target.data
    cdef double column[TILE]
    cdef double mass[TILE]
    cdef const double* t
    cdef double all_weights = 0
    cdef int unfit = 0
    while first < stop:
        n = min(stop - first, <Py_ssize_t>TILE)
        read_rows(job, first, n, &rows)
        if job.soft and job.class_weight != NULL:  # a row weighs sum w_c t_c
            memset(mass, 0, sizeof(mass))
            for c in range(job.classes):
                target.data = origin + c * job.target_step
                t = read[double](&target, first, n, column)
                for i in range(n):
                    mass[i] += job.class_weight[c] * t[i]
            for i in range(n):
                all_weights += rows.weight[i] * mass[i] if rows.weight[i] != 0 else 0
        else:
            for i in range(n):
                unfit |= (rows.weight[i] != 0) & ((rows.label[i] < 0) | (rows.label[i] >= job.classes))
                all_weights += rows.weight[i] * rows.coefficient[i]
            if unfit and not job.soft:
                for i in range(n):
                    if rows.weight[i] != 0 and not 0 <= rows.label[i] < job.classes:
                        job.chunks.unfit[chunk] = 1 + 8 * (first + i) + TARGET
                        return 0
        first += n
    job.chunks.sums[chunk] = all_weights
    return 0


cdef char* place(const View* positions, Py_ssize_t position) noexcept nogil:
    cdef char* data = positions.data
    cdef int d
    for d in range(positions.ndim - 1, -1, -1):
        data += position % positions.shape[d] * positions.strides[d]
        position //= positions.shape[d]
    return data


cdef void row_of(View* row, Kind kind, int itemsize, bint swapped, Py_ssize_t classes, Py_ssize_t step) noexcept nogil:
    """A view of one row, whose place is yet to be set."""
    row.kind = kind
    row.itemsize = itemsize
    row.swapped = swapped
    row.ndim = 1
    row.size = row.shape[0] = classes
    row.strides[0] = step


cdef void put(View* row, char* data) noexcept nogil:
    row.data = data
    row.contiguous = not row.swapped and row.strides[0] == row.itemsize and (<size_t>data) % row.itemsize == 0


cdef void write_zeros(const View* row) noexcept nogil:
    cdef double zeros[BLOCK]
    cdef Py_ssize_t done = 0
    memset(zeros, 0, sizeof(zeros))
    while done < row.size:
        write[double](row, done, min(row.size - done, <Py_ssize_t>BLOCK), zeros, False)
        done += BLOCK


cdef void turn(
    View* positions, Py_ssize_t step, Py_ssize_t first, Py_ssize_t n, Py_ssize_t classes, real* rows, bint back,
    bint stream
) noexcept nogil:
    """Copy n rows whose classes lie apart to rows whose classes lie side by side, or back."""
    cdef real column[TILE]
    cdef const real* values
    cdef char* origin = positions.data
    cdef Py_ssize_t c, i
    for c in range(classes):
        positions.data = origin + c * step
        if back:
            for i in range(n):
                column[i] = rows[i * classes + c]
            write[real](positions, first, n, column, stream)
        else:
            values = read[real](positions, first, n, column)
            for i in range(n):
                rows[i * classes + c] = values[i]
    positions.data = origin


cdef bint group_of_rows(
    const Job* job, const Rows* rows, View* logits, View* target, View* grad, View* hess,
    Py_ssize_t first, Py_ssize_t n, real* work, double* losses, Py_ssize_t* unfit
) noexcept nogil:
    """n rows of many classes, one after the other: their losses, their derivatives. False for an unfit target."""
    cdef Py_ssize_t classes = job.classes, i, block = classes * job.tile
    cdef bint turned = job.tile > 1
    cdef View z, t, g, h
    cdef real* kept = work
    cdef real* turned_logits = kept + min(classes, <Py_ssize_t>KEPT)
    cdef real* turned_target = turned_logits + block
    cdef real* turned_hess = turned_target + block
    cdef Kind own = F32 if sizeof(real) == 4 else F64
    cdef const char* following
    if turned:
        turn[real](logits, job.logits_step, first, n, classes, turned_logits, False, False)
        if job.soft:
            turn[real](target, job.target_step, first, n, classes, turned_target, False, False)
        row_of(&z, own, sizeof(real), False, classes, sizeof(real))
        t = g = h = z
    else:
        row_of(&z, logits.kind, logits.itemsize, logits.swapped, classes, job.logits_step)
        row_of(&t, target.kind, target.itemsize, target.swapped, classes, job.target_step)
        row_of(&g, grad.kind, grad.itemsize, False, classes, job.grad_step)
        row_of(&h, hess.kind, hess.itemsize, False, classes, job.hess_step)
    for i in range(n):
        put(&z, <char*>(turned_logits + i * classes) if turned else place(logits, first + i))
        if job.soft:
            put(&t, <char*>(turned_target + i * classes) if turned else place(target, first + i))
        if job.with_grad:
            put(&g, z.data if turned else place(grad, first + i))
        if job.with_hess:
            put(&h, <char*>(turned_hess + i * classes) if turned else place(hess, first + i))
        if rows.weight[i] == 0:
            losses[i] = 0
            if job.with_grad:
                write_zeros(&g)
            if job.with_hess:
                write_zeros(&h)
            continue
        following = NULL
        if z.contiguous and z.kind == own and not turned and first + i + 1 < job.rows:
            following = place(logits, first + i + 1)
        if not long_row[real](job, rows, i, &z, &t, &g, &h, job.stream and not turned, following, kept, &losses[i], unfit):
            unfit[0] += i * classes
            return False
    if turned and job.with_grad:
        turn[real](grad, job.grad_step, first, n, classes, turned_logits, True, job.stream)
    if turned and job.with_hess:
        turn[real](hess, job.hess_step, first, n, classes, turned_hess, True, job.stream)
    return True


cdef int run_chunk(const Job* job, Py_ssize_t chunk, real zero) noexcept nogil:
    """Compute one chunk of rows: its sum, its derivatives. Returns -1 if memory ran out."""
    cdef Py_ssize_t first = chunk * job.chunks.size, stop = min(first + job.chunks.size, job.rows), n, i, unfit = 0
    cdef bint tiled = job.classes <= TILE_CLASSES, fine
    cdef View logits = job.logits, target = job.target, grad = job.grad, hess = job.hess
    cdef Rows rows
    cdef double losses[TILE]
    cdef double all_losses = 0, small = 0, group
    cdef Py_ssize_t numbers = 3 * job.classes * job.tile if job.tile > 1 else 0
    cdef real* work
    if not tiled:
        numbers += min(job.classes, <Py_ssize_t>KEPT)
    work = <real*>malloc(numbers * sizeof(real))
    if work == NULL:
        return -1
    while first < stop:
        n = min(stop - first, <Py_ssize_t>(job.tile if job.tile > 1 else GROUP))
        read_rows(job, first, n, &rows)
        for i in range(n):  # they were checked; should another thread have changed one since, it does no harm
            rows.label[i] = rows.label[i] if rows.label[i] < job.classes else -1
        if tiled:
            fine = tile_rows[real](job, &rows, &logits, &target, &grad, &hess, first, n, work, losses, &unfit)
        else:
            fine = group_of_rows[real](job, &rows, &logits, &target, &grad, &hess, first, n, work, losses, &unfit)
        if not fine:
            job.chunks.unfit[chunk] = 1 + 8 * (first * job.classes + unfit) + TARGET
            break
        for i in range(n):
            losses[i] = rows.weight[i] * losses[i] if rows.weight[i] != 0 else 0
        group = sum_of[double](losses, n)
        all_losses += group
        if group == INFINITY or group == -INFINITY:
            for i in range(n):
                small += losses[i] * PRESCALE
        else:
            small += group * PRESCALE
        if job.with_losses:
            write[double](&job.losses, first, n, losses, False)
        first += n
    if job.stream:
        stream_end()
    job.chunks.sums[chunk] = all_losses
    job.chunks.small[chunk] = small
    free(work)
    return 0


cdef int do_chunk(const void* untyped, Py_ssize_t chunk, bint weigh) noexcept nogil:
    cdef const Job* job = <const Job*>untyped
    if weigh:
        return weigh_chunk(job, chunk)
    return run_chunk[float](job, chunk, 0) if job.single else run_chunk[double](job, chunk, 0)


# ---- calls ----

cdef int prepare(Job* job, object logits, object wanted) noexcept:
    """Take in the logits; the class axis counted from the front, or -1 if they are not yet what the driver takes."""
    cdef int64_t axis
    if not describe(logits, &job.logits) or not as_integer(wanted, &axis):
        return -1
    if axis < 0:
        axis += job.logits.ndim
    if not 0 <= axis < job.logits.ndim or job.logits.shape[axis] == 0:
        return -1
    job.classes = job.logits.shape[axis]
    job.single = job.logits.kind == F32 or job.logits.kind == F16 or job.logits.kind == BF16
    job.soft = job.dense = job.weighted = job.with_hess = job.with_losses = job.stream = False
    job.class_weight = NULL
    job.smoothing = 0
    job.scale = 1
    job.ignored = 0
    return <int>axis


cdef int start(Job* job, int axis) except -1:
    """Split positions from classes, choose tiles and chunks."""
    cdef Py_ssize_t numbers, group
    job.logits_step = without_axis(&job.logits, axis)
    job.rows = job.logits.size
    if job.with_grad:
        job.grad_step = without_axis(&job.grad, axis)
    if job.with_hess:
        job.hess_step = without_axis(&job.hess, axis)
    if job.soft:
        job.target_step = without_axis(&job.target, axis)
    elif job.ask <= GRAD_HESS:
        settle(&job.target)
    if job.weighted:
        settle(&job.weight)
    if job.classes <= TILE_CLASSES:
        group = min(max(TILE_ITEMS // job.classes, 32), TILE) // 16 * 16
    else:
        group = max(min(TRANSPOSED // job.classes, GROUP), 1)
    job.tile = group if job.classes <= TILE_CLASSES or job.logits_step != job.logits.itemsize else 1
    # chunks, and so the order of sums, are the same for any layout
    numbers = max(CHUNK // job.classes, pieces(job.rows, MAX_CHUNKS), 1)
    make_chunks(&job.chunks, job.rows, pieces(numbers, group) * group)
    return 0


def cross_entropy(
    int ask, object logits, object target, object weight, object class_weights, object ignored, tuple params,
    object class_axis, object reduction, object denominator, tuple out,
):
    """Compute cross-entropy; NotImplemented if an argument is not yet what the driver takes.

    `target` has the shape of the logits, or (an integer array) that shape without the class axis, as `weight` does; both
    may be scalars;
    `class_weights` is None or a contiguous float64 array; `params` is (label_smoothing,);
    `out` is None or has one array or
    None for each array asked for. Raises UnfitError for a label or a probability out of range.
    """
    cdef Job job
    cdef View positions
    cdef bint named = isinstance(reduction, str)
    cdef bint mean = named and reduction == "mean", none = named and reduction == "none"
    cdef double total, divisor = 1, smoothing = params[0]
    cdef list arrays = []
    cdef object array, value
    cdef const View* readers[3]
    cdef View* view
    cdef int k, number, axis
    job.ask = ask
    if (
        not (mean or none or (named and reduction == "sum")) or (denominator is not None and not mean)
        or not describe(target, &job.target)
    ):
        return NotImplemented
    axis = prepare(&job, logits, class_axis)
    if axis < 0 or not as_integer(ignored, &job.ignored):
        return NotImplemented
    positions = job.logits
    without_axis_shape(&positions, axis)
    job.soft = job.target.ndim == job.logits.ndim
    if job.soft:
        if not same_shape(&job.target, &job.logits) or job.ignored != -100:
            return NotImplemented
        job.single = job.single and job.target.kind != F64
    elif not (is_integer(job.target.kind) and fit(&job.target, &positions)):
        return NotImplemented
    if is_integer(job.logits.kind):
        job.single = False
    job.weighted = weight is not None
    if job.weighted and not (describe(weight, &job.weight) and fit(&job.weight, &positions)):
        return NotImplemented
    if class_weights is not None:
        job.class_weight = <double*>cnp.PyArray_DATA(<cnp.ndarray>class_weights)
    job.smoothing = smoothing
    job.dense = job.soft or smoothing != 0
    job.with_grad = ask != VALUE
    job.with_hess = ask == GRAD_HESS
    job.with_losses = none and ask != GRAD_HESS
    readers[0], readers[1], readers[2] = &job.logits, &job.target, &job.weight
    if job.with_losses:
        array = out[0] if out is not None and ask == VALUE else None
        number = cnp.NPY_FLOAT if job.single else cnp.NPY_DOUBLE
        arrays.append(output(array, &positions, number, &job.losses, readers, 2 + job.weighted))
    for k in range(job.with_grad + job.with_hess):
        array = out[k] if out is not None else None
        view = &job.hess if k else &job.grad
        arrays.append(output(array, &job.logits, number_like(job.logits.kind), view, readers, 2 + job.weighted))
    for array in arrays:
        if array is None:
            return NotImplemented
    if job.with_hess and meet(&job.grad, &job.hess):
        return NotImplemented
    job.stream = streams(arrays, readers, 2 + job.weighted)
    start(&job, axis)
    try:
        if not job.soft or (mean and (job.weighted or job.class_weight != NULL)):
            divisor = sum_of_weights(&job.chunks, do_chunk, &job)
        else:
            divisor = job.rows
        if not mean or ask == GRAD_HESS:
            divisor = 1
        elif denominator is not None:
            divisor = denominator
        if divisor == 0:  # the mean of nothing
            total = NAN
            for array in arrays:
                cnp.PyArray_FILLWBYTE(<cnp.ndarray>array, 0)
        else:
            job.scale = 1 / divisor
            total = run_chunks(&job.chunks, do_chunk, &job, False)
            total = mean_of(&job.chunks, total, divisor) if mean and ask != GRAD_HESS else total
    finally:
        free(job.chunks.sums)
    if ask == GRAD_HESS:
        return arrays[0], arrays[1]
    value = arrays[0] if none else total
    return value if ask == VALUE else (value, arrays[len(arrays) - 1])


def rows(int ask, object logits, object class_axis, object out):
    """softmax, log_softmax or logsumexp along an axis; NotImplemented as above."""
    cdef Job job
    cdef View positions
    cdef const View* reader = &job.logits
    cdef object array
    cdef int axis = prepare(&job, logits, class_axis)
    if axis < 0:
        return NotImplemented
    job.ask = ask
    job.with_grad = ask != LOGSUMEXP
    job.with_losses = ask == LOGSUMEXP
    if ask == LOGSUMEXP:
        positions = job.logits
        without_axis_shape(&positions, axis)
        array = output(out, &positions, number_like(job.logits.kind), &job.losses, &reader, 1)
    else:
        array = output(out, &job.logits, number_like(job.logits.kind), &job.grad, &reader, 1)
    if array is None:
        return NotImplemented
    job.stream = streams([array], &reader, 1)
    start(&job, axis)
    try:
        run_chunks(&job.chunks, do_chunk, &job, False)
    finally:
        free(job.chunks.sums)
    return array


cdef inline void without_axis_shape(View* v, int axis) noexcept nogil:
    """The shape without an axis, as it was given."""
    cdef int d
    v.ndim -= 1
    for d in range(axis, v.ndim):
        v.shape[d] = v.shape[d + 1]
        v.strides[d] = v.strides[d + 1]
