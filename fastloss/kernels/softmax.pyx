"""The softmax family's driver and kernel: cross-entropy, softmax, log-softmax and logsumexp of rows of logits.

Every row goes through the same numbers. With m the row's maximum, at class `top`, and e_c = exp(z_c - m) scaled by a
power of two:

    others = sum of e_c over c != top,    L = log1p(others / e_top),    logsumexp = m + L,
    loss = sum of a_c (m - z_c) + A L,    gradient_c = A p_c - a_c,     p_c = e_c / (others + e_top),

where a_c are the target's coefficients (weighted, smoothed; one of them for a class label) and A is their sum. All
terms of the loss are positive, and at `top`, where 1 - p would cancel, the gradient is (A - a_top) - A q with
q = others / (others + e_top). That is why a confident, correct row keeps its tail.

Up to TILE_CLASSES classes, vectors run across rows: a tile holds some rows class by class. Above, they run along the
row, three passes while it sits in cache: maximum, sum of exponentials, derivatives. The number of classes alone
decides, and a row's numbers do not depend on its neighbours, so a result has the same bits for any layout, class axis
and number of threads.
"""

cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport INFINITY, NAN, fabs, rint
from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset
from fastloss.kernels.system cimport bfloat16_type, thread_count
from fastloss.kernels.vecmath cimport exp_scaled, find, log1p, max_of, real, sum_of
from fastloss.kernels.views cimport (
    BF16, BLOCK, F16, F32, F64, Kind, View, describe, fit, is_integer, overlap, pieces, prefetch, read, read_labels, same_shape,
    settle, stream_end, without_axis, write,
)
from fastloss.kernels.system import Unfit

cnp.import_array()

cdef enum:
    VALUE = 0
    VALUE_AND_GRAD = 1
    GRAD_HESS = 2
    SOFTMAX = 3
    LOG_SOFTMAX = 4
    LOGSUMEXP = 5

    TILE_CLASSES = 64            # at most: vectors across rows; more: along the row
    TILE = 256                   # the most rows in a tile
    TILE_ITEMS = 4096            # and the most numbers: two tiles of double sit in L1 and L2
    LANES = 4                    # partial sums of a tile, so that a sum of 64 rounds like one of 16
    GROUP = 64                   # rows whose labels and weights are read at once
    KEPT = 16384                 # exponentials of a row that are kept (L2), not computed again for the gradient
    TRANSPOSED = 65536           # numbers in a block of rows that is turned so that classes lie side by side
    CHUNK = 16384                # the least number of logits that is worth handing to a thread
    MAX_CHUNKS = 1024            # their sums take 8 KB, whatever the size
    STREAM = 16 << 20            # bytes of output that no cache keeps

cdef double PRESCALE = 2.0 ** -64

ctypedef struct Job:
    int ask
    bint single                  # computed in float, not double
    bint soft                    # the target holds probabilities, not labels
    bint dense                   # more than one coefficient per row: soft, or smoothed
    bint with_grad, with_hess, with_losses, weighted, stream
    Py_ssize_t classes, rows, tile, chunk, chunks
    # views of the rows' positions, and the step from class to class
    View logits, target, weight, losses, grad, hess
    Py_ssize_t logits_step, target_step, grad_step, hess_step
    double* class_weight
    double smoothing, scale, prescale
    int64_t ignored
    double* sums                 # one per chunk
    Py_ssize_t* unfit            # one per chunk: 1 + position in the target, or 0

ctypedef struct Row:
    # what the target and the weight say of one row
    bint live                    # False: invisible
    int64_t label                # a class, or -1 for a soft target
    double weight
    double label_coefficient

ctypedef struct Sums:
    # what the passes over one row found
    Py_ssize_t top
    double m, e_top, others      # others: the sum of e_c over c != top
    double distance              # sum of a_c (m - z_c)
    double a_top, a_others       # the coefficient at top, the sum of the others


# ---- one row, from its sums to its loss and the factors of its derivatives ----

cdef inline void scaling(double m, bint single, double* base, double* k) noexcept nogil:
    """How exp(z - m) is formed without rounding: a power of two 2^-k off exp(z), or, for an m so large that z - m is
    exact wherever it matters (z within a factor 2 of m), the difference itself."""
    cdef bint large = not (fabs(m) <= (208 if single else 1500))
    base[0] = m if large else 0
    k[0] = 0 if large else rint(m * 1.4426950408889634)


cdef inline double log_ratio(const Sums* s) noexcept nogil:
    return log1p[double](s.others / s.e_top)


cdef inline double row_loss(const Sums* s) noexcept nogil:
    return s.distance + (s.a_top + s.a_others) * log_ratio(s)


cdef inline double top_grad(const Sums* s) noexcept nogil:
    """The gradient at the largest logit, where A p - a would cancel."""
    return s.a_others - (s.a_top + s.a_others) * (s.others / (s.others + s.e_top))


cdef inline double top_hess(const Sums* s) noexcept nogil:
    cdef double total = s.others + s.e_top
    return (s.a_top + s.a_others) * (s.e_top / total) * (s.others / total)


cdef inline void exponentials(const real* z, real* e, Py_ssize_t n, double m, double base, double k) noexcept nogil:
    cdef real unused, shift = <real>base, power = <real>k
    cdef Py_ssize_t i
    if m == INFINITY:  # one infinite logit takes all; NaN stays
        for i in range(n):
            e[i] = 1 if z[i] == <real>m else (0 if z[i] == z[i] else z[i])
    else:
        for i in range(n):
            e[i] = exp_scaled[real](z[i] - shift, power, &unused)


# ---- the target's coefficients ----

cdef inline double class_weight(const Job* job, Py_ssize_t c) noexcept nogil:
    return job.class_weight[c] if job.class_weight != NULL else 1


cdef Py_ssize_t coefficients(
    const Job* job, const real* t, int64_t label, Py_ssize_t first, Py_ssize_t n, real* a
) noexcept nogil:
    """Coefficients of classes first ... first + n of one row, from a soft target t or a label; the first class whose
    probability is outside [0, 1], or -1."""
    cdef double keep = 1 - job.smoothing, uniform = job.smoothing / job.classes
    cdef Py_ssize_t c
    cdef int found = 0
    if job.soft:
        for c in range(n):
            found |= (t[c] < 0) | (t[c] > 1)
        if found:
            for c in range(n):
                if t[c] < 0 or t[c] > 1:
                    return first + c
        if job.class_weight != NULL:
            for c in range(n):
                a[c] = <real>(job.class_weight[first + c] * (keep * t[c] + uniform))
        else:
            for c in range(n):
                a[c] = <real>(keep * t[c] + uniform)
    else:
        for c in range(n):
            a[c] = <real>(class_weight(job, first + c) * uniform)
        if first <= label < first + n:
            a[label - first] = <real>(class_weight(job, label) * (keep + uniform))
    return -1


# ---- vectors along the row ----

cdef bint long_row(
    const Job* job, const Row* row, const View* logits, const View* target, const View* grad, const View* hess,
    const char* following, real* kept, double* loss, Py_ssize_t* unfit
) noexcept nogil:
    """One row: its loss, its derivatives. The views hold the row alone. False for an unfit target."""
    cdef Py_ssize_t classes = job.classes, blocks = pieces(classes, BLOCK), j, b, n, i, bad, top_block = 0
    cdef bint keep = classes <= KEPT
    cdef real zbuffer[BLOCK]
    cdef real ebuffer[BLOCK]
    cdef real abuffer[BLOCK]
    cdef real gbuffer[BLOCK]
    cdef const real* z
    cdef real* e
    cdef Sums s
    cdef double base, k, total, m = -INFINITY, block_max, l
    cdef real f, scale, p, z_label = 0, mr, lr

    for j in range(blocks):
        b = j * BLOCK
        n = min(classes - b, <Py_ssize_t>BLOCK)
        block_max = max_of[real](read[real](logits, b, n, zbuffer), n)
        if block_max > m:
            m = block_max
            top_block = b
    n = min(classes - top_block, <Py_ssize_t>BLOCK)
    s.m = m
    s.top = top_block + find[real](read[real](logits, top_block, n, zbuffer), <int>n, <real>m)
    if s.top >= classes:  # nothing but NaN
        s.top = 0
    scaling(m, job.single, &base, &k)

    s.others = s.distance = s.a_top = s.a_others = s.e_top = 0
    for j in range(blocks):
        b = j * BLOCK
        n = min(classes - b, <Py_ssize_t>BLOCK)
        z = read[real](logits, b, n, zbuffer)
        e = kept + b if keep else ebuffer
        if following != NULL:
            prefetch(following + b * sizeof(real), n * sizeof(real))
        exponentials[real](z, e, n, m, base, k)
        if b <= s.top < b + n:
            s.e_top = e[s.top - b]
            e[s.top - b] = 0
            s.others += sum_of[real](e, n)
            e[s.top - b] = <real>s.e_top
        else:
            s.others += sum_of[real](e, n)
        if job.dense:
            bad = coefficients[real](
                job, read[real](target, b, n, gbuffer) if job.soft else NULL, row.label, b, n, abuffer
            )
            if bad >= 0:
                unfit[0] = bad
                return False
            for i in range(n):
                if abuffer[i] != 0 and z[i] != <real>m:
                    s.distance += <double>abuffer[i] * (m - <double>z[i])
            if b <= s.top < b + n:
                s.a_top = abuffer[s.top - b]
                abuffer[s.top - b] = 0
            for i in range(n):
                s.a_others += abuffer[i]
        elif b <= row.label < b + n:
            z_label = z[row.label - b]
    if m == INFINITY and s.others > 0:  # several infinite logits: no limit
        s.others = NAN
    if row.label >= 0 and not job.dense:
        if row.label == s.top:
            s.a_top = row.label_coefficient
        else:
            s.a_others = row.label_coefficient
        if z_label != <real>m:
            s.distance = row.label_coefficient * (m - <double>z_label)
    loss[0] = m + log_ratio(&s) if job.ask == LOGSUMEXP else row_loss(&s)
    if not job.with_grad:
        return True

    total = s.others + s.e_top
    scale = <real>(job.scale * row.weight)
    l = (s.a_top + s.a_others) * (job.scale * row.weight)
    f = <real>((1 if job.ask == SOFTMAX else l) / total)
    mr = <real>m
    lr = <real>log_ratio(&s)
    for j in range(blocks):
        b = j * BLOCK
        n = min(classes - b, <Py_ssize_t>BLOCK)
        if job.ask == LOG_SOFTMAX:
            z = read[real](logits, b, n, zbuffer)
            for i in range(n):
                gbuffer[i] = (z[i] - mr if z[i] != mr else 0) - lr
            write[real](grad, b, n, gbuffer, job.stream)
            continue
        if keep:
            e = kept + b
        else:
            e = ebuffer
            exponentials[real](read[real](logits, b, n, zbuffer), e, n, m, base, k)
        if job.dense:
            coefficients[real](
                job, read[real](target, b, n, gbuffer) if job.soft else NULL, row.label, b, n, abuffer
            )
            for i in range(n):
                gbuffer[i] = e[i] * f - abuffer[i] * scale
        else:
            for i in range(n):
                gbuffer[i] = e[i] * f
            if b <= row.label < b + n:
                i = row.label - b
                gbuffer[i] = e[i] * f - <real>row.label_coefficient * scale
        if job.ask != SOFTMAX and b <= s.top < b + n:
            gbuffer[s.top - b] = <real>(top_grad(&s) * (job.scale * row.weight))
        write[real](grad, b, n, gbuffer, job.stream)
        if job.with_hess:
            for i in range(n):
                p = <real>(e[i] / total)
                gbuffer[i] = <real>(l * p * (1 - p))
            if b <= s.top < b + n:
                gbuffer[s.top - b] = <real>(top_hess(&s) * (job.scale * row.weight))
            write[real](hess, b, n, gbuffer, job.stream)
    return True


# ---- vectors across rows ----

cdef bint tile_rows(
    const Job* job, const Row* rows, View* logits, View* target, View* grad, View* hess,
    Py_ssize_t first, Py_ssize_t n, real* work, double* losses, Py_ssize_t* unfit
) noexcept nogil:
    """n rows, class by class: their losses, their derivatives. False for an unfit target."""
    cdef Py_ssize_t classes = job.classes, tile = job.tile, c, i, bad
    cdef char* origin
    cdef real* ztile = work
    cdef real* etile = ztile + classes * tile
    cdef real* atile = etile + classes * tile
    cdef real* z[TILE_CLASSES]
    cdef real* zc
    cdef real* e
    cdef real* a
    cdef real* partial
    cdef real m[TILE]
    cdef real base[TILE]
    cdef real power[TILE]
    cdef real sums[LANES * TILE]
    cdef real f[TILE]
    cdef real scale[TILE]
    cdef int top[TILE]
    cdef real unused, v, p
    cdef real limit = 208 if sizeof(real) == 4 else 1500
    cdef double l
    cdef Sums s[TILE]
    cdef real column[TILE_CLASSES]
    cdef real coefficient[TILE_CLASSES]

    origin = logits.data
    for c in range(classes):
        logits.data = origin + c * job.logits_step
        z[c] = <real*>read[real](logits, first, n, ztile + c * tile)
    logits.data = origin

    for i in range(n):
        m[i] = z[0][i]
        top[i] = 0
    for c in range(1, classes):
        zc = z[c]
        for i in range(n):
            v = zc[i]
            top[i] = <int>c if v > m[i] else top[i]
            m[i] = v if v > m[i] else m[i]
    for i in range(n):
        base[i] = 0 if -limit <= m[i] <= limit else m[i]
        power[i] = round_half_even(m[i] * <real>1.4426950408889634) if -limit <= m[i] <= limit else <real>0

    memset(sums, 0, sizeof(sums))
    for c in range(classes):
        zc = z[c]
        e = etile + c * tile
        partial = sums + (c % LANES) * TILE
        for i in range(n):
            v = exp_scaled[real](zc[i] - base[i], power[i], &unused)
            e[i] = v
            partial[i] += 0 if top[i] == <int>c else v
    for i in range(n):
        s[i].m = m[i]
        s[i].top = top[i]
        s[i].others = (<double>sums[i] + sums[TILE + i]) + (<double>sums[2 * TILE + i] + sums[3 * TILE + i])
        s[i].e_top = etile[top[i] * tile + i]
        s[i].distance = s[i].a_top = s[i].a_others = 0
        if m[i] == <real>INFINITY:  # one infinite logit takes all, several have no limit
            for c in range(classes):
                column[c] = z[c][i]
            exponentials[real](column, coefficient, classes, m[i], 0, 0)
            s[i].e_top = 1
            s[i].others = -1
            for c in range(classes):
                etile[c * tile + i] = coefficient[c]
                s[i].others += coefficient[c]
            if s[i].others > 0:
                s[i].others = NAN

    if job.dense:
        origin = target.data
        for c in range(classes):
            a = atile + c * tile
            if job.soft:
                target.data = origin + c * job.target_step
                zc = <real*>read[real](target, first, n, a)
                if zc != a:
                    for i in range(n):
                        a[i] = zc[i]
        target.data = origin
        for i in range(n):
            if not rows[i].live:
                for c in range(classes):
                    atile[c * tile + i] = 0
                continue
            for c in range(classes):
                column[c] = atile[c * tile + i]
            bad = coefficients[real](job, column, rows[i].label, 0, classes, coefficient)
            if bad >= 0:
                unfit[0] = i * classes + bad
                return False
            for c in range(classes):
                v = coefficient[c]
                atile[c * tile + i] = v
                if v != 0 and z[c][i] != m[i]:
                    s[i].distance += <double>v * (s[i].m - <double>z[c][i])
                if c == top[i]:
                    s[i].a_top = v
                else:
                    s[i].a_others += v
    elif job.ask <= GRAD_HESS:
        for i in range(n):
            if rows[i].label == top[i]:
                s[i].a_top = rows[i].label_coefficient
            elif rows[i].live:
                s[i].a_others = rows[i].label_coefficient
                if z[rows[i].label][i] != m[i]:
                    s[i].distance = rows[i].label_coefficient * (s[i].m - <double>z[rows[i].label][i])

    for i in range(n):
        losses[i] = s[i].m + log_ratio(&s[i]) if job.ask == LOGSUMEXP else row_loss(&s[i])
    if not job.with_grad:
        return True

    for i in range(n):
        scale[i] = <real>(job.scale * rows[i].weight)
        l = (s[i].a_top + s[i].a_others) * (job.scale * rows[i].weight)
        f[i] = <real>((1 if job.ask == SOFTMAX else l) / (s[i].others + s[i].e_top))
    if job.with_hess:
        for i in range(n):
            l = (s[i].a_top + s[i].a_others) * (job.scale * rows[i].weight)
            for c in range(classes):
                p = <real>(etile[c * tile + i] / (s[i].others + s[i].e_top))
                v = <real>(l * p * (1 - p))
                if c == top[i]:
                    v = <real>(top_hess(&s[i]) * (job.scale * rows[i].weight))
                # the logits have been used: their tile takes the Hessian
                ztile[c * tile + i] = v if rows[i].live else 0
    if job.ask == LOG_SOFTMAX:
        for i in range(n):
            f[i] = <real>log_ratio(&s[i])
        for c in range(classes):
            zc = z[c]
            e = etile + c * tile
            for i in range(n):
                e[i] = (zc[i] - m[i] if zc[i] != m[i] else 0) - f[i]
    elif job.dense:
        for c in range(classes):
            e = etile + c * tile
            a = atile + c * tile
            for i in range(n):
                e[i] = e[i] * f[i] - a[i] * scale[i]
    else:
        for c in range(classes):
            e = etile + c * tile
            for i in range(n):
                e[i] = e[i] * f[i]
        if job.ask <= GRAD_HESS:
            for i in range(n):
                if rows[i].live:
                    etile[rows[i].label * tile + i] -= <real>rows[i].label_coefficient * scale[i]
    if job.ask <= GRAD_HESS:
        for i in range(n):
            if rows[i].live:
                etile[top[i] * tile + i] = <real>(top_grad(&s[i]) * (job.scale * rows[i].weight))
            else:
                for c in range(classes):
                    etile[c * tile + i] = 0

    origin = grad.data
    for c in range(classes):
        grad.data = origin + c * job.grad_step
        write[real](grad, first, n, etile + c * tile, job.stream)
    grad.data = origin
    if job.with_hess:
        origin = hess.data
        for c in range(classes):
            hess.data = origin + c * job.hess_step
            write[real](hess, first, n, ztile + c * tile, job.stream)
        hess.data = origin
    return True


cdef inline real round_half_even(real x) noexcept nogil:
    cdef real magic = 12582912 if sizeof(real) == 4 else 6755399441055744
    return (x + magic) - magic


# ---- chunks of rows ----

cdef void read_rows(const Job* job, Py_ssize_t first, Py_ssize_t n, Row* rows) noexcept nogil:
    """What target and weight say of n <= TILE rows."""
    cdef double weights[TILE]
    cdef int64_t labels[TILE]
    cdef const int64_t* label = NULL
    cdef const double* weight = NULL
    cdef Py_ssize_t i
    if not job.soft and job.ask <= GRAD_HESS:
        label = read_labels(&job.target, first, n, labels)
    if job.weighted:
        weight = read[double](&job.weight, first, n, weights)
    for i in range(n):
        rows[i].weight = 1 if weight == NULL else weight[i]
        rows[i].live = rows[i].weight != 0 and (label == NULL or label[i] != job.ignored)
        rows[i].label = label[i] if label != NULL and rows[i].live else -1
        rows[i].label_coefficient = 1
        if 0 <= rows[i].label < job.classes and job.class_weight != NULL:
            rows[i].label_coefficient = job.class_weight[rows[i].label]
            if job.single:
                rows[i].label_coefficient = <float>rows[i].label_coefficient


cdef int weigh_chunk(const Job* job, Py_ssize_t chunk) noexcept nogil:
    """Check the labels of one chunk, and sum its rows' weights."""
    cdef Py_ssize_t first = chunk * job.chunk, stop = min(first + job.chunk, job.rows), n, i, c
    cdef Row rows[TILE]
    cdef View target = job.target
    cdef char* origin = target.data
    cdef double column[TILE]
    cdef double mass[TILE]
    cdef const double* t
    cdef double total = 0
    while first < stop:
        n = min(stop - first, <Py_ssize_t>TILE)
        read_rows(job, first, n, rows)
        if job.soft and job.class_weight != NULL:  # a row weighs sum w_c t_c
            memset(mass, 0, sizeof(mass))
            for c in range(job.classes):
                target.data = origin + c * job.target_step
                t = read[double](&target, first, n, column)
                for i in range(n):
                    mass[i] += job.class_weight[c] * t[i]
            for i in range(n):
                total += rows[i].weight * mass[i] if rows[i].live else 0
        else:
            for i in range(n):
                if rows[i].live:
                    if not job.soft and not 0 <= rows[i].label < job.classes:
                        job.unfit[chunk] = 1 + first + i
                        return 0
                    total += rows[i].weight * rows[i].label_coefficient
        first += n
    job.sums[chunk] = total
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
    View* positions, Py_ssize_t step, Py_ssize_t first, Py_ssize_t n, Py_ssize_t classes, real* rows, bint back
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
            write[real](positions, first, n, column, False)
        else:
            values = read[real](positions, first, n, column)
            for i in range(n):
                rows[i * classes + c] = values[i]
    positions.data = origin


cdef bint group_of_rows(
    const Job* job, const Row* rows, View* logits, View* target, View* grad, View* hess,
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
        turn[real](logits, job.logits_step, first, n, classes, turned_logits, False)
        if job.soft:
            turn[real](target, job.target_step, first, n, classes, turned_target, False)
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
        if not rows[i].live:
            losses[i] = 0
            if job.with_grad:
                write_zeros(&g)
            if job.with_hess:
                write_zeros(&h)
            continue
        following = NULL
        if z.contiguous and z.kind == own and not turned and first + i + 1 < job.rows:
            following = place(logits, first + i + 1)
        if not long_row[real](job, &rows[i], &z, &t, &g, &h, following, kept, &losses[i], unfit):
            unfit[0] += i * classes
            return False
    if turned and job.with_grad:
        turn[real](grad, job.grad_step, first, n, classes, turned_logits, True)
    if turned and job.with_hess:
        turn[real](hess, job.hess_step, first, n, classes, turned_hess, True)
    return True


cdef int run_chunk(const Job* job, Py_ssize_t chunk, real zero) noexcept nogil:
    """Compute one chunk of rows: its sum, its derivatives. Returns -1 if memory ran out."""
    cdef Py_ssize_t first = chunk * job.chunk, stop = min(first + job.chunk, job.rows), n, i, unfit = 0
    cdef bint tiled = job.classes <= TILE_CLASSES, fine
    cdef View logits = job.logits, target = job.target, grad = job.grad, hess = job.hess
    cdef Row rows[TILE]
    cdef double losses[TILE]
    cdef double total = 0
    cdef Py_ssize_t numbers = 3 * job.classes * job.tile + (0 if tiled else min(job.classes, <Py_ssize_t>KEPT))
    cdef real* work = <real*>malloc(numbers * sizeof(real))
    if work == NULL:
        return -1
    while first < stop:
        n = min(stop - first, <Py_ssize_t>(job.tile if job.tile > 1 else GROUP))
        read_rows(job, first, n, rows)
        if tiled:
            fine = tile_rows[real](job, rows, &logits, &target, &grad, &hess, first, n, work, losses, &unfit)
        else:
            fine = group_of_rows[real](job, rows, &logits, &target, &grad, &hess, first, n, work, losses, &unfit)
        if not fine:
            job.unfit[chunk] = 1 + first * job.classes + unfit
            break
        for i in range(n):
            losses[i] = rows[i].weight * losses[i] * job.prescale if rows[i].live else 0
            total += losses[i]
        if job.with_losses:
            write[double](&job.losses, first, n, losses, False)
        first += n
    if job.stream:
        stream_end()
    job.sums[chunk] = total
    free(work)
    return 0


cdef int do_chunk(const Job* job, Py_ssize_t chunk, bint weigh) noexcept nogil:
    if weigh:
        return weigh_chunk(job, chunk)
    return run_chunk[float](job, chunk, 0) if job.single else run_chunk[double](job, chunk, 0)


cdef double do_all(const Job* job, bint weigh) except? -1:
    """Run every chunk, in threads if that is worth it, and add up their sums in order."""
    cdef Py_ssize_t chunk
    cdef int failures = 0, threads
    cdef double total = 0
    with nogil:
        threads = thread_count(job.chunks)
        if threads == 1:
            for chunk in range(job.chunks):
                failures += do_chunk(job, chunk, weigh)
        else:
            for chunk in prange(job.chunks, schedule="dynamic", num_threads=threads):
                failures += do_chunk(job, chunk, weigh)
        for chunk in range(job.chunks):
            total += job.sums[chunk]
    if failures:
        raise MemoryError("no memory for the row buffers")
    for chunk in range(job.chunks):
        if job.unfit[chunk]:
            raise Unfit(1, job.unfit[chunk] - 1)
    return total


# ---- calls ----

cdef bint prepare(Job* job, object logits, int* axis):
    """Take in the logits, and count the class axis from the front. False if they are not yet what the driver takes."""
    if not describe(logits, &job.logits):
        return False
    if axis[0] < 0:
        axis[0] += job.logits.ndim
    if not 0 <= axis[0] < job.logits.ndim or job.logits.shape[axis[0]] == 0:
        return False
    job.classes = job.logits.shape[axis[0]]
    job.single = job.logits.kind == F32 or job.logits.kind == F16 or job.logits.kind == BF16
    job.soft = job.dense = job.weighted = job.with_hess = job.with_losses = job.stream = False
    job.class_weight = NULL
    job.smoothing = 0
    job.scale = job.prescale = 1
    job.ignored = 0
    return True


cdef object output(Job* job, object given, const View* like, int number, View* view):
    """The array to write into: the given one, a new one, or None if the given one will not do."""
    if given is None:
        given = cnp.PyArray_EMPTY(like.ndim, <cnp.npy_intp*>like.shape, number, 0)
        describe(given, view)
        return given
    if (
        not describe(given, view)
        or cnp.PyArray_TYPE(<cnp.ndarray>given) != number
        or not view.contiguous
        or not cnp.PyArray_ISWRITEABLE(<cnp.ndarray>given)
        or not same_shape(view, like)
        or overlap(view, &job.logits)
        or (job.ask <= GRAD_HESS and overlap(view, &job.target))
        or (job.weighted and overlap(view, &job.weight))
    ):
        return None
    return given


cdef int number_like(const View* logits) noexcept:
    """The type number of a derivative: that of the logits, double for integers."""
    if logits.kind == F16:
        return cnp.NPY_FLOAT16
    if logits.kind == BF16:
        return bfloat16_type()
    return cnp.NPY_FLOAT if logits.kind == F32 else cnp.NPY_DOUBLE


cdef object start(Job* job, int axis, list arrays):
    """Split positions from classes, choose tiles and chunks, make room for the sums."""
    cdef Py_ssize_t numbers
    cdef object array
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
    for array in arrays:
        job.stream = job.stream or cnp.PyArray_NBYTES(<cnp.ndarray>array) > STREAM
    if job.classes <= TILE_CLASSES:
        job.tile = min(max(TILE_ITEMS // job.classes, 32), TILE) // 16 * 16
    elif job.logits_step == job.logits.itemsize or TRANSPOSED // job.classes < 2:
        job.tile = 1
    else:
        job.tile = min(TRANSPOSED // job.classes, GROUP)
    numbers = max(CHUNK // job.classes, pieces(job.rows, MAX_CHUNKS), 1)
    job.chunk = pieces(numbers, job.tile) * job.tile
    job.chunks = pieces(job.rows, job.chunk)
    job.sums = <double*>calloc(job.chunks + 1, sizeof(double) + sizeof(Py_ssize_t))
    if job.sums == NULL:
        raise MemoryError("no memory for the sums of the chunks")
    job.unfit = <Py_ssize_t*>(job.sums + job.chunks)


def cross_entropy(
    int ask, object logits, object target, object weight, object class_weights, int64_t ignored, tuple params,
    int axis, object reduction, object denominator, tuple out,
):
    """Compute cross-entropy; NotImplemented if an argument is not yet what the driver takes.

    `target` has the shape of the logits, or (an integer array) that shape without the class axis, as `weight` does; both
    may be scalars;
    `class_weights` is None or a contiguous float64 array; `params` is (label_smoothing,);
    `out` is None or has one array or
    None for each array asked for. Raises Unfit for a label or a probability out of range.
    """
    cdef Job job
    cdef View positions
    cdef bint mean = reduction == "mean", none = reduction == "none"
    cdef double total, divisor = 1, smoothing = params[0]
    cdef list arrays = []
    cdef object array, value
    cdef int k
    job.ask = ask
    if (
        not (mean or none or reduction == "sum") or (denominator is not None and not mean)
        or not prepare(&job, logits, &axis) or not describe(target, &job.target)
    ):
        return NotImplemented
    positions = job.logits
    without_axis_shape(&positions, axis)
    job.soft = job.target.ndim == job.logits.ndim
    if job.soft:
        if not same_shape(&job.target, &job.logits) or ignored != -100:
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
    job.ignored = ignored
    job.smoothing = smoothing
    job.dense = job.soft or smoothing != 0
    job.with_grad = ask != VALUE
    job.with_hess = ask == GRAD_HESS
    job.with_losses = none and ask != GRAD_HESS
    if job.with_losses:
        array = out[0] if out is not None and ask == VALUE else None
        arrays.append(
            output(&job, array, &positions, cnp.NPY_FLOAT if job.single else cnp.NPY_DOUBLE, &job.losses)
        )
    for k in range(job.with_grad + job.with_hess):
        array = out[k] if out is not None else None
        arrays.append(
            output(&job, array, &job.logits, number_like(&job.logits), &job.hess if k else &job.grad)
        )
    for array in arrays:
        if array is None:
            return NotImplemented
    start(&job, axis, arrays)
    job.stream = job.stream and out is None
    try:
        if not job.soft or (mean and (job.weighted or job.class_weight != NULL)):
            divisor = do_all(&job, True)
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
            total = do_all(&job, False)
            if mean and (total == INFINITY or total == -INFINITY):
                # the sum overflowed, the mean need not: add up again, 2^64 times smaller
                job.with_grad = job.with_hess = job.with_losses = False
                job.prescale = PRESCALE
                total = do_all(&job, False)
                divisor *= PRESCALE
    finally:
        free(job.sums)
    if ask == GRAD_HESS:
        return arrays[0], arrays[1]
    value = arrays[0] if none else total / divisor
    return value if ask == VALUE else (value, arrays[len(arrays) - 1])


def rows(int ask, object logits, int axis, object out):
    """softmax, log_softmax or logsumexp along an axis; NotImplemented as above."""
    cdef Job job
    cdef View positions
    cdef object array
    if not prepare(&job, logits, &axis):
        return NotImplemented
    job.ask = ask
    job.with_grad = ask != LOGSUMEXP
    job.with_losses = ask == LOGSUMEXP
    if ask == LOGSUMEXP:
        positions = job.logits
        without_axis_shape(&positions, axis)
        array = output(&job, out, &positions, number_like(&job.logits), &job.losses)
    else:
        array = output(&job, out, &job.logits, number_like(&job.logits), &job.grad)
    if array is None:
        return NotImplemented
    start(&job, axis, [array])
    job.stream = job.stream and out is None
    try:
        do_all(&job, False)
    finally:
        free(job.sums)
    return array


cdef inline void without_axis_shape(View* v, int axis) noexcept nogil:
    """The shape without an axis, as it was given."""
    cdef int d
    v.ndim -= 1
    for d in range(axis, v.ndim):
        v.shape[d] = v.shape[d + 1]
        v.strides[d] = v.strides[d + 1]
