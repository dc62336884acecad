"""The one driver of all losses of rows: tiles, class axes, labels, threads, dtypes, weights, reductions.

Up to ACROSS classes, vectors run across rows: a tile holds some rows class by class. Above, they run along the row,
which sits in cache. The number of classes alone decides, and a row's numbers do not depend on its neighbours, so a
result has the same bits for any layout, class axis and number of threads.
"""

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY, NAN
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from fastloss.kernels.driver cimport (
    GRAD_HESS, MAX_CHUNKS, PRESCALE, TRANSFORM, ROW_NUMBERS, VALUE, Bounds, Chunks, answer, as_integer, make_chunks, mean_of,
    number_like, output, outside, overwrites, run_chunks, set_bounds, small_integers, streams, sum_of_weights,
)
from fastloss.kernels.lanes cimport (
    ACROSS, LABEL_LISTS, LABELS_OR_SHARES, MAX_ROW_PARAMS, NO_TARGET, TILE, Lanes, RowKernel, Softmax, at_labels, diagonal,
    is_moderate, power_of, put, row_exponentials, rows_in, scale_row, scale_tile, softmax_of,
)
from fastloss.kernels.vecmath cimport absolute, find, log1p, max_of, real, sum_of, wide_sum_of
from fastloss.kernels.views cimport (
    BF16, BLOCK, F16, F32, F64, I32, Kind, View, describe, fit, is_integer, meet, pieces, read, read_labels, same_shape,
    settle, stream_end, turn_tile, without_axis, write,
)

cnp.import_array()

cdef enum:
    MAX_INPUTS = 4               # rows of numbers, the target's shares among them
    TILE_ITEMS = 4096            # the most numbers in a tile of rows: two tiles of double sit in L1 and L2
    HUGE = 65536                 # classes of a row that no cache of a core keeps: more are computed block by block, twice
    WIDEST = 192                 # the most lanes of one row; a row of up to 1,000 classes has 64
    GROUP = 64                   # rows whose labels and weights are read at once
    TURNED = 65536               # numbers in a block of rows that is turned so that classes lie side by side
    CHUNK = 16384                # the least number of logits that is worth handing to a thread

ctypedef struct Job:
    RowKernel* kernel
    int ask
    bint single                  # computed in float, not double
    bint soft                    # the target holds shares of every class, or lists of labels, not labels
    bint labelled
    bint with_grad, with_hess, with_losses, weighted, stream
    int inputs                   # rows of numbers to read, shares among them
    bint along                   # vectors run along a row
    bint huge                    # ... which is too long to be kept
    bint of_label                # a loss of the label's probability alone
    bint direct[MAX_INPUTS]      # a long row's gradient is formed in its place
    Py_ssize_t classes, rows, group, width
    Chunks chunks
    # views of the rows' positions, and the step from class to class
    View numbers[MAX_INPUTS]
    View grads[MAX_INPUTS]
    Py_ssize_t steps[MAX_INPUTS]
    Py_ssize_t grad_steps[MAX_INPUTS]
    View hess
    Py_ssize_t hess_step
    View labels, weight, losses
    Bounds bounds[MAX_INPUTS]
    double params[MAX_ROW_PARAMS]
    double* class_weight         # one per class, or NULL
    double* class_tile           # the same as a tile, if the kernel weighs classes itself
    double scale
    int64_t ignored

ctypedef struct Rows:
    # what the target and the weight say of up to TILE rows
    int64_t label[TILE]          # 0 for an invisible row
    double weight[TILE]          # 0: invisible
    int invisible                # how many are


# ---- what target and weight say ----

cdef void read_rows(const Job* job, Py_ssize_t first, Py_ssize_t n, Rows* rows, int64_t* wrong) noexcept nogil:
    """The labels and weights of n <= TILE rows. An ignored row weighs nothing, nor does one whose class does. `wrong` gets
    the first visible row whose label is no class, or stays."""
    cdef double weights[TILE]
    cdef int64_t labels[TILE]
    cdef const int64_t* label
    cdef const double* weight = weights
    cdef Py_ssize_t i
    cdef int unfit = 0
    if job.weighted:
        weight = read[double](&job.weight, first, n, weights)
        for i in range(n):
            rows.weight[i] = weight[i]
    else:
        for i in range(n):
            rows.weight[i] = 1
    if job.labelled:
        label = read_labels(&job.labels, first, n, labels)
        for i in range(n):
            rows.weight[i] = 0 if label[i] == job.ignored else rows.weight[i]
            unfit |= (rows.weight[i] != 0) & ((label[i] < 0) | (label[i] >= job.classes))
            rows.label[i] = 0 if rows.weight[i] == 0 else label[i]
        if unfit:
            for i in range(n):
                if rows.weight[i] != 0 and not 0 <= label[i] < job.classes:
                    wrong[0] = i
                    return
        if job.class_weight != NULL and job.class_tile == NULL:
            for i in range(n):
                rows.weight[i] *= job.class_weight[rows.label[i]]
    else:
        for i in range(n):
            rows.label[i] = 0
    rows.invisible = 0
    for i in range(n):
        rows.invisible += rows.weight[i] == 0


cdef int weigh_chunk(const Job* job, Py_ssize_t chunk) noexcept nogil:
    """Check the labels of one chunk, and sum its rows' weights. Where the kernel weighs classes, a row weighs what its
    target does: the weight of its label, or of its shares together."""
    cdef Py_ssize_t first = chunk * job.chunks.size, stop = min(first + job.chunks.size, job.rows), n, i, c
    cdef int target = job.kernel.inputs
    cdef Rows rows
    cdef View shares = job.numbers[target] if job.soft else job.weight
    cdef char* origin = shares.data
    cdef double column[TILE]
    cdef double mass[TILE]
    cdef const double* t
    cdef double all_weights = 0
    cdef int64_t wrong = -1
    while first < stop:
        n = min(stop - first, <Py_ssize_t>TILE)
        read_rows(job, first, n, &rows, &wrong)
        if wrong >= 0:
            job.chunks.unfit[chunk] = 1 + 8 * (first + wrong) + target
            return 0
        if job.class_tile == NULL or job.kernel.target == NO_TARGET:
            for i in range(n):
                all_weights += rows.weight[i]
        elif job.soft:
            memset(mass, 0, sizeof(mass))
            for c in range(job.classes):
                shares.data = origin + c * job.steps[target]
                t = read[double](&shares, first, n, column)
                for i in range(n):
                    mass[i] += job.class_weight[c] * t[i]
            for i in range(n):
                all_weights += rows.weight[i] * mass[i] if rows.weight[i] != 0 else 0
        else:
            for i in range(n):
                all_weights += rows.weight[i] * job.class_weight[rows.label[i]]
        first += n
    job.chunks.sums[chunk] = all_weights
    return 0


# ---- rows in and out ----

cdef char* row_place(const View* positions, Py_ssize_t position) noexcept nogil:
    cdef char* data = positions.data
    cdef int d
    for d in range(positions.ndim - 1, -1, -1):
        data += position % positions.shape[d] * positions.strides[d]
        position //= positions.shape[d]
    return data


cdef void view_of_row(const View* positions, Py_ssize_t step, Py_ssize_t position, Py_ssize_t classes, View* row) noexcept nogil:
    row.kind = positions.kind
    row.itemsize = positions.itemsize
    row.swapped = positions.swapped
    row.ndim = 1
    row.size = row.shape[0] = classes
    row.strides[0] = step
    row.data = row_place(positions, position)
    row.contiguous = not row.swapped and step == row.itemsize and (<size_t>row.data) % row.itemsize == 0


cdef void read_classes(
    const View* positions, Py_ssize_t step, Py_ssize_t first, Py_ssize_t n, Py_ssize_t classes, real* tile
) noexcept nogil:
    """n rows into a tile, class by class."""
    cdef View column
    cdef const real* values
    cdef Py_ssize_t c
    if turn_tile[real](positions, step, first, n, classes, tile, n, False):
        return
    column = positions[0]
    for c in range(classes):
        column.data = positions.data + c * step
        values = read[real](&column, first, n, tile + c * n)
        if values != tile + c * n:
            memcpy(tile + c * n, values, n * sizeof(real))


cdef void write_classes(
    const View* positions, Py_ssize_t step, Py_ssize_t first, Py_ssize_t n, Py_ssize_t classes, real* tile, bint stream
) noexcept nogil:
    cdef View column
    cdef Py_ssize_t c
    if turn_tile[real](positions, step, first, n, classes, tile, n, True):
        return
    column = positions[0]
    for c in range(classes):
        column.data = positions.data + c * step
        write[real](&column, first, n, tile + c * n, stream)


cdef void turn(
    const View* positions, Py_ssize_t step, Py_ssize_t first, Py_ssize_t n, Py_ssize_t classes, real* rows, bint back
) noexcept nogil:
    """Copy n rows whose classes lie apart to rows whose classes lie side by side, or back."""
    cdef real column[GROUP]
    cdef View one = positions[0]
    cdef const real* values
    cdef Py_ssize_t c, i
    for c in range(classes):
        one.data = positions.data + c * step
        if back:
            for i in range(n):
                column[i] = rows[i * classes + c]
            write[real](&one, first, n, column, False)
        else:
            values = read[real](&one, first, n, column)
            for i in range(n):
                rows[i * classes + c] = values[i]


cdef void write_zeros(const View* row) noexcept nogil:
    cdef double zeros[BLOCK]
    cdef Py_ssize_t done = 0
    memset(zeros, 0, sizeof(zeros))
    while done < row.size:
        write[double](row, done, min(row.size - done, <Py_ssize_t>BLOCK), zeros, False)
        done += BLOCK


# ---- losses of the label's probability ----

cdef void label_loss(
    const Job* job, const real* z, real* e, real* hess, double* loss, const Lanes* lanes
) noexcept nogil:
    """loss(cost, rest) of a tile and its gradient slope (p - [label]), which at the label is -slope rest."""
    cdef real factor[TILE]
    cdef double cost[TILE]
    cdef double rest[TILE]
    cdef double slope[TILE]
    cdef Softmax s
    cdef Py_ssize_t i
    softmax_of[real](lanes, z, e, &s)
    at_labels[real](lanes, &s, z, e, cost, rest)
    job.kernel.of_label(cost, rest, loss, slope, rows_in(lanes), job.params)
    if lanes.with_hess:
        diagonal[real](lanes, &s, e, lanes.scale, hess)
    if lanes.with_grad:
        for i in range(rows_in(lanes)):
            factor[i] = <real>(slope[i] * lanes.scale[i] / s.total[i])
            rest[i] *= -slope[i] * lanes.scale[i]
        scale_tile[real](lanes, e, factor)
        put[real](lanes, e, lanes.label, rest)


cdef real base_of(real m) noexcept nogil:
    return 0 if is_moderate(m) else m


cdef void block_exponentials(const real* z, real m, Py_ssize_t n, real* e) noexcept nogil:
    """The exponentials of a stretch of a row with the largest logit m."""
    cdef Py_ssize_t i
    if absolute(m) < <real>INFINITY or m != m:
        row_exponentials[real](z, base_of(m), power_of(m), n, e)
    else:
        for i in range(n):
            e[i] = 1 if z[i] == m else (0 if z[i] == z[i] else z[i])


cdef void huge_row(
    const Job* job, const View* logits, const View* grad, const View* hess, int64_t label, double weight, double* loss,
    real zero
) noexcept nogil:
    """The same of one row, in blocks: maximum, sum of exponentials, and again exponentials for the derivatives."""
    cdef real zbuffer[BLOCK]
    cdef real e[BLOCK]
    cdef real f[BLOCK]
    cdef const real* z
    cdef real m = <real>-INFINITY, here, factor
    cdef double others = 0, e_top = 0, e_label = 0, z_label = 0, total, cost, rest, slope, scale = weight * job.scale, p
    cdef Py_ssize_t b, n, i, k, top = 0, blocks = pieces(job.classes, BLOCK)
    for i in range(blocks):
        b = i * BLOCK
        n = min(job.classes - b, <Py_ssize_t>BLOCK)
        here = max_of[real](read[real](logits, b, n, zbuffer), n)
        if here > m:
            m = here
            top = b
    n = min(job.classes - top, <Py_ssize_t>BLOCK)
    i = find[real](read[real](logits, top, n, zbuffer), <int>n, m)
    top = top + i if i < n else 0  # 0: nothing but NaN
    for i in range(blocks):
        b = i * BLOCK
        n = min(job.classes - b, <Py_ssize_t>BLOCK)
        z = read[real](logits, b, n, zbuffer)
        block_exponentials[real](z, m, n, e)
        if b <= label < b + n:
            z_label = z[label - b]
            e_label = e[label - b]
        if b <= top < b + n:
            e_top = e[top - b]
            e[top - b] = 0
        others += wide_sum_of[real](e, n)
    if absolute(m) == <real>INFINITY and (others > 0 or m < 0):
        others = NAN
    total = others + e_top
    cost = log1p[double](others / e_top) + (<double>m - z_label if z_label != m else 0)
    rest = (others if label == top else total - e_label) / total
    job.kernel.of_label(&cost, &rest, loss, &slope, 1, job.params)
    if not job.with_grad:
        return
    factor = <real>(slope * scale / total)
    for i in range(blocks):
        b = i * BLOCK
        n = min(job.classes - b, <Py_ssize_t>BLOCK)
        block_exponentials[real](read[real](logits, b, n, zbuffer), m, n, e)
        if job.with_hess:
            for k in range(n):
                p = e[k] / total
                f[k] = <real>(scale * (p - p * p))
            if b <= top < b + n:
                f[top - b] = <real>(scale * (e_top / total) * (others / total))
        scale_row[real](e, factor, n)
        if b <= label < b + n:
            e[label - b] = <real>(-rest * slope * scale)
        write[real](grad, b, n, e, job.stream)
        if job.with_hess:
            write[real](hess, b, n, f, job.stream)


# ---- tiles and rows ----

cdef void call(
    const Job* job, real** inputs, real** grads, real* hess, double* loss, const Lanes* lanes
) noexcept nogil:
    if job.of_label:
        label_loss[real](job, inputs[0], grads[0], hess, loss, lanes)
    elif real is float:
        job.kernel.f32(inputs, grads, hess, loss, lanes, job.params)
    else:
        job.kernel.f64(inputs, grads, hess, loss, lanes, job.params)


cdef void clear_invisible(const Rows* rows, Py_ssize_t n, Py_ssize_t classes, real* tile) noexcept nogil:
    cdef Py_ssize_t c, i
    for i in range(n):
        if rows.weight[i] == 0:
            for c in range(classes):
                tile[c * n + i] = 0


cdef Py_ssize_t unfit_of_tile(
    const Job* job, const Rows* rows, int k, Py_ssize_t n, const real* tile
) noexcept nogil:
    """The first number outside its bounds, row by row, in a visible row of the tile; or -1."""
    cdef Py_ssize_t classes = job.classes, c, i, found = n * classes
    for c in range(classes):
        i = outside[real](tile + c * n, rows.weight if rows.invisible else NULL, n, &job.bounds[k])
        if i >= 0:
            found = min(found, i * classes + c)
    return found if found < n * classes else -1


cdef bint tile_of_rows(
    const Job* job, const Rows* rows, Lanes* lanes, Py_ssize_t first, Py_ssize_t n, real** inputs, real** grads,
    real* hess, double* losses, Py_ssize_t* unfit
) noexcept nogil:
    """n rows, class by class: their losses, their derivatives. False for an unfit number."""
    cdef Py_ssize_t i, bad
    cdef int k
    lanes.width = lanes.last = n
    for k in range(job.inputs):
        read_classes[real](&job.numbers[k], job.steps[k], first, n, job.classes, inputs[k])
        if job.bounds[k].bounded:
            bad = unfit_of_tile[real](job, rows, k, n, inputs[k])
            if bad >= 0:
                unfit[0] = 8 * (first * job.classes + bad) + k
                return False
    for i in range(n):
        lanes.label[i] = <int>rows.label[i]
        lanes.scale[i] = rows.weight[i] * job.scale
    call[real](job, inputs, grads, hess, losses, lanes)
    if job.with_grad:
        for k in range(job.kernel.inputs):
            if job.kernel.grads >> k & 1:
                if rows.invisible:
                    clear_invisible[real](rows, n, job.classes, grads[k])
                write_classes[real](&job.grads[k], job.grad_steps[k], first, n, job.classes, grads[k], job.stream)
    if job.with_hess:
        if rows.invisible:
            clear_invisible[real](rows, n, job.classes, hess)
        write_classes[real](&job.hess, job.hess_step, first, n, job.classes, hess, job.stream)
    return True


cdef bint long_rows(
    const Job* job, const Rows* rows, Lanes* lanes, Py_ssize_t first, Py_ssize_t n, real** inputs, real** grads,
    real* hess, real** turned, real** turned_back, double* losses, Py_ssize_t* unfit
) noexcept nogil:
    """n rows of many classes, one after the other: their losses, their derivatives. False for an unfit number."""
    cdef Py_ssize_t classes = job.classes, i, bad
    cdef View row, grad_row, hess_row
    cdef double one_loss[TILE]
    cdef real* read_from[MAX_INPUTS]
    cdef real* write_to[MAX_INPUTS]
    cdef int k
    for k in range(job.inputs):
        if turned[k] != NULL:
            turn[real](&job.numbers[k], job.steps[k], first, n, classes, turned[k], False)
    for i in range(n):
        if rows.weight[i] == 0:
            losses[i] = 0
            if job.with_grad:
                for k in range(job.kernel.inputs):
                    if job.kernel.grads >> k & 1:
                        view_of_row(&job.grads[k], job.grad_steps[k], first + i, classes, &row)
                        write_zeros(&row)
            if job.with_hess:
                view_of_row(&job.hess, job.hess_step, first + i, classes, &row)
                write_zeros(&row)
            continue
        if job.huge:
            view_of_row(&job.numbers[0], job.steps[0], first + i, classes, &row)
            if job.with_grad:
                view_of_row(&job.grads[0], job.grad_steps[0], first + i, classes, &grad_row)
            if job.with_hess:
                view_of_row(&job.hess, job.hess_step, first + i, classes, &hess_row)
            huge_row[real](job, &row, &grad_row, &hess_row, rows.label[i], rows.weight[i], &losses[i], 0)
            continue
        lanes.following = NULL
        for k in range(job.inputs):
            if turned[k] != NULL:
                read_from[k] = turned[k] + i * classes
            else:
                view_of_row(&job.numbers[k], job.steps[k], first + i, classes, &row)
                read_from[k] = <real*>read[real](&row, 0, classes, inputs[k])
                if k == 0 and read_from[k] != inputs[k] and first + i + 1 < job.rows:
                    lanes.following = row_place(&job.numbers[0], first + i + 1)
            if job.bounds[k].bounded:
                bad = outside[real](read_from[k], NULL, classes, &job.bounds[k])
                if bad >= 0:
                    unfit[0] = 8 * ((first + i) * classes + bad) + k
                    return False
        for k in range(MAX_INPUTS):
            write_to[k] = grads[k]
            if k < job.kernel.inputs and job.direct[k]:
                write_to[k] = <real*>row_place(&job.grads[k], first + i)
        lanes.label[0] = <int>rows.label[i]
        lanes.scale[0] = rows.weight[i] * job.scale
        call[real](job, read_from, write_to, hess, one_loss, lanes)
        losses[i] = one_loss[0]
        for k in range(job.kernel.inputs):
            if job.with_grad and job.kernel.grads >> k & 1 and not job.direct[k]:
                if turned_back[k] != NULL:
                    memcpy(turned_back[k] + i * classes, grads[k], classes * sizeof(real))
                else:
                    view_of_row(&job.grads[k], job.grad_steps[k], first + i, classes, &row)
                    write[real](&row, 0, classes, grads[k], job.stream)
        if job.with_hess:
            view_of_row(&job.hess, job.hess_step, first + i, classes, &row)
            write[real](&row, 0, classes, hess, job.stream and turned_back[0] == NULL)
    for k in range(job.kernel.inputs):
        if turned_back[k] != NULL:
            for i in range(n):
                if rows.weight[i] == 0:
                    memset(turned_back[k] + i * classes, 0, classes * sizeof(real))
            turn[real](&job.grads[k], job.grad_steps[k], first, n, classes, turned_back[k], True)
    return True


# ---- chunks of rows ----

cdef bint turns_in(const Job* job, int k) noexcept nogil:
    """Whether the rows are long and their classes lie apart."""
    return job.along and not job.huge and job.steps[k] != job.numbers[k].itemsize


cdef bint turns_out(const Job* job, int k) noexcept nogil:
    return (
        job.along and not job.huge and job.with_grad and k < job.kernel.inputs and job.kernel.grads >> k & 1
        and job.grad_steps[k] != job.grads[k].itemsize
    )


cdef int run_chunk(const Job* job, Py_ssize_t chunk, real zero) noexcept nogil:
    """Compute one chunk of rows: its sum, its derivatives. Returns -1 if memory ran out."""
    cdef Py_ssize_t first = chunk * job.chunks.size, stop = min(first + job.chunks.size, job.rows), n, i, unfit = -1
    cdef Py_ssize_t block = job.classes * job.group, size = job.classes if job.along else block
    cdef int tiles = job.kernel.inputs + (job.kernel.target >= LABELS_OR_SHARES and not job.of_label), k
    cdef bint along = job.along, fine
    cdef Rows rows
    cdef Lanes lanes
    cdef real* inputs[MAX_INPUTS]
    cdef real* grads[MAX_INPUTS]
    cdef real* turned[MAX_INPUTS]
    cdef real* turned_back[MAX_INPUTS]
    cdef real* hess = NULL
    cdef real* memory
    cdef real* free_part
    cdef double losses[TILE]
    cdef double all_losses = 0, small = 0, group
    cdef int64_t wrong = -1
    cdef Py_ssize_t wanted, spare
    if job.huge:
        size = 0
    spare = 0 if job.of_label else job.kernel.spare * size
    wanted = 2 * tiles * size + (size if job.with_hess else 0)
    for k in range(job.inputs):
        wanted += block * (turns_in(job, k) or turns_out(job, k))
    memory = <real*>malloc(max(spare * sizeof(double) + wanted * sizeof(real), <size_t>1))
    if memory == NULL:
        return -1
    lanes.spare = <double*>memory
    free_part = <real*>(lanes.spare + spare)
    for k in range(MAX_INPUTS):
        inputs[k] = grads[k] = turned[k] = turned_back[k] = NULL
    for k in range(tiles):
        inputs[k] = free_part
        grads[k] = free_part + size
        free_part += 2 * size
    if job.with_hess:
        hess = free_part
        free_part += size
    for k in range(job.inputs):  # a row has been read when its gradient comes back
        if turns_in(job, k):
            turned[k] = free_part
        if turns_out(job, k):
            turned_back[k] = free_part
        free_part += block * (turns_in(job, k) or turns_out(job, k))
    lanes.classes = job.classes
    lanes.along = along
    lanes.width = lanes.weight_width = job.width
    lanes.steps = pieces(job.classes, job.width) if along else job.classes
    lanes.last = job.classes - (lanes.steps - 1) * job.width
    lanes.stride = <int>job.width if along else 1
    lanes.soft = job.soft
    lanes.with_grad = job.with_grad
    lanes.with_hess = job.with_hess
    lanes.class_weight = job.class_tile
    lanes.following = NULL
    for i in range(TILE):
        lanes.at[i] = <int>i if along else 0
    while first < stop:
        n = min(stop - first, job.group)
        read_rows(job, first, n, &rows, &wrong)
        if wrong >= 0:  # they were checked, unless another thread has changed one since
            unfit = 8 * (first + wrong) + job.kernel.inputs
            fine = False
        elif along:
            fine = long_rows[real](job, &rows, &lanes, first, n, inputs, grads, hess, turned, turned_back, losses, &unfit)
        else:
            fine = tile_of_rows[real](job, &rows, &lanes, first, n, inputs, grads, hess, losses, &unfit)
        if not fine:
            job.chunks.unfit[chunk] = 1 + unfit
            break
        for i in range(n):
            losses[i] = rows.weight[i] * losses[i] if rows.weight[i] != 0 else 0
        if job.with_losses:
            write[double](&job.losses, first, n, losses, False)
        else:
            group = sum_of[double](losses, n)
            all_losses += group
            if group == INFINITY or group == -INFINITY:
                for i in range(n):
                    small += losses[i] * PRESCALE
            else:
                small += group * PRESCALE
        first += n
    if job.stream:
        stream_end()
    job.chunks.sums[chunk] = all_losses
    job.chunks.small[chunk] = small
    free(memory)
    return 0


cdef int do_chunk(const void* untyped, Py_ssize_t chunk, bint weigh) noexcept nogil:
    cdef const Job* job = <const Job*>untyped
    if weigh:
        return weigh_chunk(job, chunk)
    return run_chunk[float](job, chunk, 0) if job.single else run_chunk[double](job, chunk, 0)


# ---- calls ----

cdef int start(Job* job, int axis) except -1:
    """Split positions from classes, choose tiles and chunks."""
    cdef Py_ssize_t numbers
    cdef int k
    for k in range(job.inputs):
        job.steps[k] = without_axis(&job.numbers[k], axis)
        if job.with_grad and k < job.kernel.inputs and job.kernel.grads >> k & 1:
            job.grad_steps[k] = without_axis(&job.grads[k], axis)
    job.rows = job.numbers[0].size
    if job.with_hess:
        job.hess_step = without_axis(&job.hess, axis)
    if job.labelled:
        settle(&job.labels)
    if job.weighted:
        settle(&job.weight)
    job.along = job.classes > ACROSS
    job.of_label = job.kernel.of_label != NULL and job.labelled
    if job.kernel.smooths:
        for k in range(MAX_ROW_PARAMS):
            job.of_label = job.of_label and job.params[k] == 0
    job.huge = job.of_label and job.classes > HUGE
    if job.classes >= 2**31 - TILE and not job.huge:
        raise ValueError(f"{job.classes} classes are more than this loss takes")
    if job.along:
        job.group = max(min(TURNED // job.classes, GROUP), 1)
        job.width = min(max(job.classes // 512, 1), WIDEST // 64) * 64
    else:
        job.group = job.width = min(max(TILE_ITEMS // job.classes, 32), TILE) // 16 * 16
    for k in range(job.kernel.inputs):
        job.direct[k] = job.along and job.with_grad and job.kernel.grads >> k & 1 and own_place(job, k)
    # chunks, and so the order of sums, are the same for any layout
    numbers = max(CHUNK // job.classes, pieces(job.rows, MAX_CHUNKS), 1)
    make_chunks(&job.chunks, job.rows, pieces(numbers, job.group) * job.group)
    return 0


cdef bint own_place(const Job* job, int k) noexcept nogil:
    """Whether a row's gradient can be formed where it belongs: it stays in cache, and covers nothing that is read."""
    cdef int other
    if job.stream or job.grads[k].kind != (F32 if job.single else F64) or job.grad_steps[k] != job.grads[k].itemsize:
        return False
    for other in range(job.inputs):
        if job.numbers[other].data == job.grads[k].data:
            return False
    return True


cdef int weigh_classes(Job* job) except -1:
    """The class weights as a tile."""
    cdef Py_ssize_t c, size = job.classes * (1 if job.along else job.width)
    job.class_tile = <double*>malloc(size * sizeof(double))
    if job.class_tile == NULL:
        raise MemoryError("no memory for the class weights")
    for c in range(size):
        job.class_tile[c] = job.class_weight[c if job.along else c // job.width]
    return 0


cdef inline void without_axis_shape(View* v, int axis) noexcept nogil:
    """The shape without an axis, as it was given."""
    cdef int d
    v.ndim -= 1
    for d in range(axis, v.ndim):
        v.shape[d] = v.shape[d + 1]
        v.strides[d] = v.strides[d + 1]


def traits(object kernel):
    """How many inputs a kernel has besides the target, the bits of those with a gradient, its target (0: none, 1: labels,
    2: labels or shares, 3: lists of labels), and whether it knows the Hessian's diagonal."""
    cdef RowKernel* known = <RowKernel*>PyCapsule_GetPointer(kernel, "fastloss.rows")
    return known.inputs, known.grads, known.target, known.hessian


def run(
    object kernel, int ask, tuple inputs, object target, tuple params, tuple bounds, object weight, object class_weights,
    object ignored, object class_axis, object reduction, object denominator, tuple out,
):
    """Compute a loss of rows; NotImplemented if an argument is not yet what the driver takes.

    `inputs` are arrays of one shape, `bounds` one fastloss.arrays.Interval or None for each, and one for shares;
    `target` is an integer array of that shape without the class axis, or has shares or lists of labels in that shape, or
    is None, as the kernel wants; `weight` is None or has the labels' shape; both may be scalars; `class_weights` is None
    or a contiguous float64 array; `out` is None or has one array or None for each array asked for. Raises UnfitError for
    a number out of bounds (position: counted with the class axis last) or a label that is no class.
    """
    cdef Job job
    cdef View positions
    cdef bint named = isinstance(reduction, str)
    cdef bint lists
    cdef bint mean = named and reduction == "mean", none = named and reduction == "none"
    cdef double total = 0, divisor = 1
    cdef list arrays = []
    cdef object array
    cdef const View* readers[MAX_INPUTS + 2]
    cdef View* view
    cdef View* derivatives[MAX_INPUTS + 1]
    cdef int k, of, other, number, reader_count = 0, count = 0
    cdef int64_t axis
    cdef Kind kind
    job.kernel = <RowKernel*>PyCapsule_GetPointer(kernel, "fastloss.rows")
    job.ask = ask
    if len(inputs) != job.kernel.inputs or len(params) > MAX_ROW_PARAMS or (ask == GRAD_HESS and not job.kernel.hessian):
        raise SystemError("the declaration does not fit its kernel")
    if (
        not (mean or none or (named and reduction == "sum")) or (denominator is not None and not mean)
        or not as_integer(class_axis, &axis) or not as_integer(ignored, &job.ignored)
    ):
        return NotImplemented
    job.single = True
    job.inputs = job.kernel.inputs
    for k in range(job.inputs):
        if not describe(inputs[k], &job.numbers[k]) or not same_shape(&job.numbers[k], &job.numbers[0]):
            return NotImplemented
        kind = job.numbers[k].kind
        if kind == F64 or (is_integer(kind) and (k == 0 or (kind >= I32 and not small_integers(bounds[k])))):
            job.single = False
    positions = job.numbers[0]
    if axis < 0:
        axis += positions.ndim
    if not 0 <= axis < positions.ndim or positions.shape[axis] == 0:
        return NotImplemented
    job.classes = positions.shape[axis]
    without_axis_shape(&positions, <int>axis)
    job.soft = job.labelled = False
    if job.kernel.target != NO_TARGET:
        if not describe(target, &job.labels):
            return NotImplemented
        lists = job.kernel.target == LABEL_LISTS
        job.soft = lists or (job.kernel.target == LABELS_OR_SHARES and job.labels.ndim == job.numbers[0].ndim)
        job.labelled = not job.soft
        if job.soft:
            if (
                not same_shape(&job.labels, &job.numbers[0]) or job.ignored != -100
                or (lists and not is_integer(job.labels.kind))
            ):
                return NotImplemented
            job.numbers[job.inputs] = job.labels
            job.inputs += 1
            job.single = job.single and job.labels.kind != F64 and not (lists and job.classes > 2**24)
        elif not (is_integer(job.labels.kind) and fit(&job.labels, &positions)):
            return NotImplemented
    job.weighted = weight is not None
    if job.weighted and not (describe(weight, &job.weight) and fit(&job.weight, &positions)):
        return NotImplemented
    for k in range(job.inputs):
        set_bounds(&job.bounds[k], bounds[k], job.single)
        readers[k] = &job.numbers[k]
    reader_count = job.inputs
    if job.labelled:
        readers[reader_count] = &job.labels
        reader_count += 1
    if job.weighted:
        readers[reader_count] = &job.weight
        reader_count += 1
    for k in range(MAX_ROW_PARAMS):
        job.params[k] = params[k] if k < len(params) else 0
    job.class_weight = job.class_tile = NULL
    if class_weights is not None:
        job.class_weight = <double*>cnp.PyArray_DATA(<cnp.ndarray>class_weights)
    job.with_grad = ask != VALUE and ask != ROW_NUMBERS
    job.with_hess = ask == GRAD_HESS
    job.with_losses = ask == ROW_NUMBERS or (none and ask < GRAD_HESS)
    if job.with_losses:
        number = number_like(job.numbers[0].kind) if ask == ROW_NUMBERS else cnp.NPY_FLOAT if job.single else cnp.NPY_DOUBLE
        array = out[0] if out is not None and (ask == VALUE or ask == ROW_NUMBERS) else None
        arrays.append(output(array, &positions, number, &job.losses, readers, reader_count))
    for k in range((job.kernel.inputs + job.with_hess) * job.with_grad):  # all gradients, then the Hessian
        of = k if k < job.kernel.inputs else 0
        if k == of and not job.kernel.grads >> k & 1:
            continue
        view = &job.grads[k] if k < job.kernel.inputs else &job.hess
        array = output(
            None if out is None else out[count], &job.numbers[0], number_like(job.numbers[of].kind), view, readers, reader_count
        )
        if array is None:
            return NotImplemented
        arrays.append(array)
        for other in range(count):
            if meet(view, derivatives[other]):
                return NotImplemented
        derivatives[count] = view
        count += 1
    for array in arrays:
        if array is None:
            return NotImplemented
    job.stream = streams(arrays) and not overwrites(arrays, readers, reader_count)
    job.scale = 1
    start(&job, <int>axis)
    try:
        if job.class_weight != NULL and (
            job.kernel.target == NO_TARGET or job.soft
            or (job.kernel.smooths and (job.params[0] != 0 or job.params[1] != 0))
        ):
            weigh_classes(&job)
        if not mean or ask >= GRAD_HESS or denominator is not None:
            if job.labelled:
                run_chunks(&job.chunks, do_chunk, &job, True)  # looks at the labels; what rows weigh divides nothing
            if denominator is not None:
                divisor = denominator
        elif job.labelled or job.weighted or job.class_tile != NULL:
            divisor = sum_of_weights(&job.chunks, do_chunk, &job)
        else:
            divisor = job.rows
        if divisor == 0:  # the mean of nothing
            total = NAN
            for array in arrays:
                cnp.PyArray_FILLWBYTE(<cnp.ndarray>array, 0)
        else:
            job.scale = 1 / divisor
            total = run_chunks(&job.chunks, do_chunk, &job, False)
            total = mean_of(&job.chunks, total, divisor) if mean and ask < GRAD_HESS else total
    finally:
        free(job.chunks.sums)
        free(job.class_tile)
    if ask >= TRANSFORM:
        return arrays[0]
    if job.with_losses:
        return answer(arrays[0], arrays[1:], ask)
    return answer(total, arrays, ask)
