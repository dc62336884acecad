"""The one driver of all pointwise losses: blocks, threads, dtypes, layouts, weights, reductions.
"""

cimport numpy as cnp
from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport INFINITY, NAN
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from fastloss.kernels.driver cimport (
    GRAD_HESS, MAX_CHUNKS, PRESCALE, VALUE, Bounds, Chunks, answer, make_chunks, mean_of, number_like, output, outside,
    overwrites, run_chunks, set_bounds, small_integers, streams, sum_of_weights,
)
from fastloss.kernels.kernel cimport MAX_PARAMS, SCALE, Kernel
from fastloss.kernels.vecmath cimport real, sum_of
from fastloss.kernels.views cimport (
    BLOCK, F32, F64, I32, Kind, View, describe, fit, is_constant, is_integer, meet, pieces, read, settle, stream_end, write,
)

cnp.import_array()

cdef enum:
    MAX_INPUTS = 6
    CHUNK = 16 * BLOCK           # the least that is worth handing to a thread

ctypedef struct Job:
    Kernel* kernel
    bint single                  # computed in float, not double
    bint with_value, with_grad, with_hess, with_losses, weighted, ignoring, stream, direct
    View inputs[MAX_INPUTS]
    Bounds bounds[MAX_INPUTS]
    double params[MAX_PARAMS]
    double ignored
    View weight
    View losses
    View grads[MAX_INPUTS]
    View hesses[MAX_INPUTS]
    double scale
    Py_ssize_t size
    Chunks chunks


cdef void read_weights(const Job* job, Py_ssize_t start, Py_ssize_t n, const real* target, double* w) noexcept nogil:
    """The weights of a block, 0 where the target is the ignored value."""
    cdef const double* given
    cdef Py_ssize_t i
    cdef real ignored = <real>job.ignored
    if job.weighted:
        given = read[double](&job.weight, start, n, w)
        if given != w:
            for i in range(n):
                w[i] = given[i]
    else:
        for i in range(n):
            w[i] = 1
    if job.ignoring:
        for i in range(n):
            w[i] = 0 if target[i] == ignored else w[i]


cdef bint weighs(const Job* job, const real* target, Py_ssize_t n) noexcept nogil:
    """Whether any weight of a block may be other than 1."""
    cdef real ignored = <real>job.ignored
    cdef Py_ssize_t i
    cdef int found = 0
    if job.weighted or not job.ignoring:
        return job.weighted
    for i in range(n):
        found |= target[i] == ignored
    return found


cdef real* place(
    const Job* job, const View* out, real* buffer, const double* w, Py_ssize_t start
) noexcept nogil:
    """Where a kernel puts a block of derivatives: in the output itself if it finishes them and reads nothing there."""
    if job.direct and w == NULL and out.kind == (F32 if sizeof(real) == 4 else F64):
        return <real*>out.data + start
    return buffer


cdef void finish(
    const Job* job, const View* out, const real* values, const double* w, Py_ssize_t start, Py_ssize_t n, real* spare
) noexcept nogil:
    """Scale a block of derivatives and put it where it belongs."""
    cdef real* target = spare
    cdef double scale = job.scale
    cdef Py_ssize_t i
    if w == NULL and scale == 1:
        if <const char*>values != out.data + start * out.itemsize:
            write[real](out, start, n, values, job.stream)
        return
    if out.contiguous and not job.stream and out.kind == (F32 if sizeof(real) == 4 else F64):
        target = <real*>out.data + start
    if w != NULL:
        for i in range(n):
            target[i] = <real>(values[i] * (w[i] * scale)) if w[i] != 0 else 0
    else:
        for i in range(n):
            target[i] = <real>(values[i] * scale)
    if target == spare:
        write[real](out, start, n, spare, job.stream)


cdef double scaled_sum(
    const Job* job, real** x, double* loss, const double* w, Py_ssize_t n
) noexcept nogil:
    """The sum of a block's losses, times PRESCALE, where the sum itself has overflowed."""
    cdef Kernel* kernel = job.kernel
    cdef double params[MAX_PARAMS]
    cdef real* nowhere[MAX_INPUTS]
    cdef Py_ssize_t i
    memset(nowhere, 0, sizeof(nowhere))
    memcpy(params, job.params, sizeof(params))
    params[SCALE] = PRESCALE
    if kernel.scales:  # a loss may have overflowed before it was weighted
        if real is float:
            kernel.f32(x, loss, nowhere, nowhere, n, params)
        else:
            kernel.f64(x, loss, nowhere, nowhere, n, params)
        if w != NULL:
            for i in range(n):
                loss[i] = w[i] * loss[i] if w[i] != 0 else 0
    else:
        for i in range(n):
            loss[i] *= PRESCALE
    return sum_of[double](loss, n)


cdef int run_chunk(const Job* job, Py_ssize_t chunk, real zero) noexcept nogil:
    """Compute one chunk: its sum, its derivatives. Returns -1 if memory ran out."""
    cdef Kernel* kernel = job.kernel
    cdef int inputs = kernel.inputs, k, buffer = 1 + inputs
    cdef Py_ssize_t start = chunk * job.chunks.size, stop = min(start + job.chunks.size, job.size), n, i, bad
    cdef real* buffers = <real*>malloc((3 * inputs + 1) * BLOCK * sizeof(real) + 2 * BLOCK * sizeof(double))
    cdef double* loss
    cdef double* weights
    cdef double* w = NULL
    cdef real* spare
    cdef real* x[MAX_INPUTS]
    cdef bint constant[MAX_INPUTS]
    cdef bint checked[MAX_INPUTS]
    cdef real* grad[MAX_INPUTS]
    cdef real* hess[MAX_INPUTS]
    cdef real* grad_buffer[MAX_INPUTS]
    cdef real* hess_buffer[MAX_INPUTS]
    cdef double total = 0, small = 0, block
    if buffers == NULL:
        return -1
    loss = <double*>buffers
    weights = loss + BLOCK
    spare = <real*>(weights + BLOCK)
    for k in range(inputs):
        grad[k] = hess[k] = grad_buffer[k] = hess_buffer[k] = NULL
        if kernel.grads >> k & 1:
            if job.with_grad:
                grad_buffer[k] = spare + buffer * BLOCK
                buffer += 1
            if job.with_hess:
                hess_buffer[k] = spare + buffer * BLOCK
                buffer += 1
    for k in range(inputs):
        constant[k] = is_constant(&job.inputs[k])
        checked[k] = not job.bounds[k].bounded
        if constant[k]:  # read and looked at once; if it is unfit, a block says where that is seen
            n = min(stop - start, <Py_ssize_t>BLOCK)
            x[k] = <real*>read[real](&job.inputs[k], start, n, spare + (1 + k) * BLOCK)
            checked[k] = checked[k] or outside[real](x[k], NULL, n, &job.bounds[k]) < 0
    while start < stop:
        n = min(stop - start, <Py_ssize_t>BLOCK)
        for k in range(inputs):
            if not constant[k]:
                x[k] = <real*>read[real](&job.inputs[k], start, n, spare + (1 + k) * BLOCK)
        w = NULL
        if weighs[real](job, x[1], n):
            w = weights
            read_weights[real](job, start, n, x[1], w)
        for k in range(inputs):
            if not checked[k]:
                bad = outside[real](x[k], w, n, &job.bounds[k])
                if bad >= 0:
                    job.chunks.unfit[chunk] = 1 + 8 * (start + bad) + k
                    free(buffers)
                    return 0
        for k in range(inputs):
            if grad_buffer[k] != NULL:
                grad[k] = place[real](job, &job.grads[k], grad_buffer[k], w, start)
            if hess_buffer[k] != NULL:
                hess[k] = place[real](job, &job.hesses[k], hess_buffer[k], w, start)
        if real is float:
            kernel.f32(x, loss, grad, hess, n, job.params)
        else:
            kernel.f64(x, loss, grad, hess, n, job.params)
        if w != NULL:
            for i in range(n):
                loss[i] = w[i] * loss[i] if w[i] != 0 else 0
        if job.with_losses:
            write[double](&job.losses, start, n, loss, False)
        elif job.with_value:
            block = sum_of[double](loss, n)
            total += block
            small += (
                scaled_sum[real](job, x, loss, w, n) if block == INFINITY or block == -INFINITY else block * PRESCALE
            )
        for k in range(inputs):
            if grad[k] != NULL:
                finish[real](job, &job.grads[k], grad[k], w, start, n, spare)
            if hess[k] != NULL:
                finish[real](job, &job.hesses[k], hess[k], w, start, n, spare)
        start += n
    if job.stream:
        stream_end()
    job.chunks.sums[chunk] = total
    job.chunks.small[chunk] = small
    free(buffers)
    return 0


cdef int weigh_chunk(const Job* job, Py_ssize_t chunk, real zero) noexcept nogil:
    """Sum the weights of one chunk."""
    cdef Py_ssize_t start = chunk * job.chunks.size, stop = min(start + job.chunks.size, job.size), n
    cdef double weights[BLOCK]
    cdef real target[BLOCK]
    cdef const real* t = NULL
    cdef double total = 0
    while start < stop:
        n = min(stop - start, <Py_ssize_t>BLOCK)
        if job.ignoring:
            t = read[real](&job.inputs[1], start, n, target)
        if weighs[real](job, t, n):
            read_weights[real](job, start, n, t, weights)
            total += sum_of[double](weights, n)
        else:
            total += n
        start += n
    job.chunks.sums[chunk] = total
    return 0


cdef int do_chunk(const void* untyped, Py_ssize_t chunk, bint weigh) noexcept nogil:
    cdef const Job* job = <const Job*>untyped
    if weigh:
        return weigh_chunk[float](job, chunk, 0) if job.single else weigh_chunk[double](job, chunk, 0)
    return run_chunk[float](job, chunk, 0) if job.single else run_chunk[double](job, chunk, 0)


def run(
    object kernel, int ask, tuple inputs, tuple params, tuple bounds, int data, object weight, object ignored,
    object reduction, object denominator, tuple out,
):
    """Compute a pointwise loss; NotImplemented if an argument is not yet what the driver takes.

    `inputs` are arrays of the first one's shape, or scalars; the first `data` decide the dtype computed in; `bounds` holds one
    fastloss.arrays.Interval or None per input; `weight` is None or such an array; `out` is
    None or has one array or None for each array asked for. Raises UnfitError for an input out of bounds.
    """
    cdef Job job
    cdef int k, of, other, number, count = 0
    cdef Kind kind
    cdef bint named = isinstance(reduction, str)
    cdef bint overwriting, mean = named and reduction == "mean", none = named and reduction == "none"
    cdef double total, value, divisor = 1
    cdef list arrays = []
    cdef object array
    cdef const View* readers[MAX_INPUTS + 1]
    cdef int reader_count
    cdef View* view
    cdef View* derivatives[2 * MAX_INPUTS]
    job.kernel = <Kernel*>PyCapsule_GetPointer(kernel, "fastloss.kernel")
    if len(inputs) != job.kernel.inputs or len(params) > SCALE:
        raise SystemError("the declaration does not fit its kernel")
    if not (mean or none or (named and reduction == "sum")) or (denominator is not None and not mean):
        return NotImplemented
    job.with_value = ask != GRAD_HESS
    job.with_grad = ask != VALUE
    job.with_hess = ask == GRAD_HESS
    job.with_losses = none and job.with_value
    job.weighted = weight is not None
    job.ignoring = ignored is not None
    job.ignored = ignored if job.ignoring else 0
    job.single = True
    for k in range(job.kernel.inputs):
        if not describe(inputs[k], &job.inputs[k]):
            return NotImplemented
        if job.with_grad and job.kernel.grads >> k & 1 and job.inputs[k].ndim != job.inputs[0].ndim:
            return NotImplemented  # a scalar's gradient would be as large as the others
        if not fit(&job.inputs[k], &job.inputs[0]):
            return NotImplemented
        kind = job.inputs[k].kind
        if k < data and (kind == F64 or (is_integer(kind) and kind >= I32 and not small_integers(bounds[k]))):
            job.single = False
    if is_integer(job.inputs[0].kind):
        job.single = False
    if job.weighted and not (describe(weight, &job.weight) and fit(&job.weight, &job.inputs[0])):
        return NotImplemented
    memset(job.params, 0, sizeof(job.params))
    for k in range(len(params)):
        job.params[k] = params[k]
    for k in range(job.kernel.inputs):
        set_bounds(&job.bounds[k], bounds[k], job.single)
        readers[k] = &job.inputs[k]
    reader_count = job.kernel.inputs
    if job.weighted:
        readers[reader_count] = &job.weight
        reader_count += 1
    # what is written: the losses if they are all that is asked for, else one derivative after the other
    if job.with_losses:
        array = out[0] if out is not None and ask == VALUE else None
        number = cnp.NPY_FLOAT if job.single else cnp.NPY_DOUBLE
        arrays.append(output(array, &job.inputs[0], number, &job.losses, readers, reader_count))
    for k in range(2 * job.kernel.inputs * job.with_grad):  # all gradients, then all second derivatives
        of = k % job.kernel.inputs
        if not job.kernel.grads >> of & 1 or (k != of and not job.with_hess):
            continue
        view = &job.grads[of] if k == of else &job.hesses[of]
        number = number_like(job.inputs[of].kind)
        array = output(None if out is None else out[count], &job.inputs[0], number, view, readers, reader_count)
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
    overwriting = overwrites(arrays, readers, reader_count)
    job.stream = streams(arrays) and not overwriting

    job.size = job.inputs[0].size
    for k in range(job.kernel.inputs):
        settle(&job.inputs[k])
    if job.weighted:
        settle(&job.weight)
    make_chunks(
        &job.chunks, job.size, max(<Py_ssize_t>CHUNK, pieces(pieces(job.size, MAX_CHUNKS), BLOCK) * BLOCK)
    )
    job.params[SCALE] = job.scale = 1
    try:
        if mean and job.with_value:
            if denominator is not None:
                divisor = denominator
            elif job.weighted or job.ignoring:
                divisor = sum_of_weights(&job.chunks, do_chunk, &job)
            else:
                divisor = job.size
            if divisor == 0:  # the mean of nothing
                for array in arrays:
                    cnp.PyArray_FILLWBYTE(<cnp.ndarray>array, 0)
                return answer(NAN, arrays, ask)
            job.scale = 1 / divisor
        job.direct = job.scale == 1 and not job.stream and not overwriting
        total = run_chunks(&job.chunks, do_chunk, &job, False)
        value = mean_of(&job.chunks, total, divisor) if mean else total
    finally:
        free(job.chunks.sums)
    if job.with_losses:
        return answer(arrays[0], arrays[1:], ask)
    return answer(value, arrays, ask)
