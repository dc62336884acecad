"""views.h for Cython: a View of any NumPy array, and what the drivers ask of it."""

cimport numpy as cnp
from libc.stdint cimport int64_t
from fastloss.kernels.vecmath cimport real
from fastloss.kernels.system cimport bfloat16_type

cdef extern from "views.h" nogil:
    ctypedef enum Kind "fl_kind":
        BOOL "FL_BOOL", I8 "FL_I8", U8 "FL_U8", I16 "FL_I16", U16 "FL_U16", I32 "FL_I32", U32 "FL_U32"
        I64 "FL_I64", U64 "FL_U64", F16 "FL_F16", BF16 "FL_BF16", F32 "FL_F32", F64 "FL_F64"
    enum: BLOCK "FL_BLOCK"
    enum: MAX_DIMS "FL_MAX_DIMS"
    ctypedef struct View "fl_view":
        char* data
        Kind kind
        int itemsize, swapped, contiguous, ndim
        Py_ssize_t size
        Py_ssize_t* shape
        Py_ssize_t* strides

    const float* fl_read_f32(const View* v, Py_ssize_t start, Py_ssize_t n, float* buffer) noexcept
    const double* fl_read_f64(const View* v, Py_ssize_t start, Py_ssize_t n, double* buffer) noexcept
    const int64_t* read_labels "fl_read_i64"(const View* v, Py_ssize_t start, Py_ssize_t n, int64_t* buffer) noexcept
    void fl_write_f32(const View* v, Py_ssize_t start, Py_ssize_t n, const float* source, int stream) noexcept
    void fl_write_f64(const View* v, Py_ssize_t start, Py_ssize_t n, const double* source, int stream) noexcept
    bint fl_turn_tile_f32(
        const View* rows, Py_ssize_t step, Py_ssize_t first, Py_ssize_t n, Py_ssize_t classes, float* tile,
        Py_ssize_t width, bint back) noexcept
    void stream_end "fl_stream_end"() noexcept
    void prefetch "fl_prefetch"(const char* place, Py_ssize_t nbytes) noexcept


cdef inline const real* read(const View* v, Py_ssize_t start, Py_ssize_t n, real* buffer) noexcept nogil:
    if real is float:
        return fl_read_f32(v, start, n, buffer)
    else:
        return fl_read_f64(v, start, n, buffer)


cdef inline void write(const View* v, Py_ssize_t start, Py_ssize_t n, const real* source, bint stream) noexcept nogil:
    if real is float:
        fl_write_f32(v, start, n, source, stream)
    else:
        fl_write_f64(v, start, n, source, stream)


cdef inline Py_ssize_t pieces(Py_ssize_t whole, Py_ssize_t piece) noexcept nogil:
    """How many pieces cover the whole."""
    return (whole + piece - 1) // piece


cdef inline bint turn_tile(
    const View* rows, Py_ssize_t step, Py_ssize_t first, Py_ssize_t n, Py_ssize_t classes, real* tile,
    Py_ssize_t width, bint back
) noexcept nogil:
    if real is float:
        return fl_turn_tile_f32(rows, step, first, n, classes, tile, width, back)
    else:
        return False


cdef inline bint is_integer(Kind kind) noexcept nogil:
    return kind <= U64


cdef inline int kind_of(cnp.ndarray array) noexcept:
    """The Kind of an array's dtype, or -1."""
    cdef int number = cnp.PyArray_TYPE(array)
    cdef int size = <int>cnp.PyArray_ITEMSIZE(array)
    if number == cnp.NPY_FLOAT:
        return F32
    if number == cnp.NPY_DOUBLE:
        return F64
    if number == cnp.NPY_FLOAT16:
        return F16
    if number == bfloat16_type() and number >= 0:
        return BF16
    if number == cnp.NPY_BOOL:
        return BOOL
    if cnp.PyTypeNum_ISSIGNED(number) and cnp.PyTypeNum_ISINTEGER(number):
        return I8 if size == 1 else I16 if size == 2 else I32 if size == 4 else I64
    if cnp.PyTypeNum_ISUNSIGNED(number):
        return U8 if size == 1 else U16 if size == 2 else U32 if size == 4 else U64
    return -1


cdef inline bint describe(object array, View* v) noexcept:
    """Fill the view; False if this is not an array a kernel can read."""
    cdef int d, kind
    if type(array) is not cnp.ndarray:
        return False
    kind = kind_of(<cnp.ndarray>array)
    if kind < 0 or cnp.PyArray_NDIM(<cnp.ndarray>array) > MAX_DIMS:
        return False
    v.data = <char*>cnp.PyArray_DATA(<cnp.ndarray>array)
    v.kind = <Kind>kind
    v.itemsize = <int>cnp.PyArray_ITEMSIZE(<cnp.ndarray>array)
    v.swapped = not cnp.PyArray_ISNOTSWAPPED(<cnp.ndarray>array)
    v.contiguous = (
        not v.swapped
        and cnp.PyArray_CHKFLAGS(<cnp.ndarray>array, cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_ALIGNED)
    )
    v.ndim = cnp.PyArray_NDIM(<cnp.ndarray>array)
    v.size = cnp.PyArray_SIZE(<cnp.ndarray>array)
    for d in range(v.ndim):
        v.shape[d] = cnp.PyArray_DIM(<cnp.ndarray>array, d)
        v.strides[d] = cnp.PyArray_STRIDE(<cnp.ndarray>array, d)
    return True


cdef inline bint same_shape(const View* a, const View* b) noexcept nogil:
    cdef int d
    if a.ndim != b.ndim:
        return False
    for d in range(a.ndim):
        if a.shape[d] != b.shape[d]:
            return False
    return True


cdef inline bint fit(View* v, const View* like) noexcept nogil:
    """Whether the view has the shape of the other; a scalar takes it on."""
    cdef int d
    if v.ndim == 0 and like.ndim > 0:
        v.ndim = like.ndim
        v.size = like.size
        v.contiguous = False
        for d in range(like.ndim):
            v.shape[d] = like.shape[d]
            v.strides[d] = 0
        return True
    return same_shape(v, like)


cdef inline Py_ssize_t without_axis(View* v, int axis) noexcept nogil:
    """Take one axis out of the view and return its stride: what is left are the positions of the rows."""
    cdef Py_ssize_t stride = v.strides[axis]
    cdef int d
    v.size = 1
    v.ndim -= 1
    for d in range(v.ndim):
        if d >= axis:
            v.shape[d] = v.shape[d + 1]
            v.strides[d] = v.strides[d + 1]
        v.size *= v.shape[d]
    settle(v)
    return stride


cdef inline void settle(View* v) noexcept nogil:
    """Merge axes that lie behind one another, and see whether the whole does."""
    cdef int d, kept = 0
    for d in range(1, v.ndim):
        if v.strides[kept] == v.shape[d] * v.strides[d]:
            v.shape[kept] *= v.shape[d]
            v.strides[kept] = v.strides[d]
        else:
            kept += 1
            v.shape[kept] = v.shape[d]
            v.strides[kept] = v.strides[d]
    if v.ndim > 0:
        v.ndim = kept + 1
    v.contiguous = (
        not v.swapped
        and (v.size <= 1 or (v.ndim == 1 and v.strides[0] == v.itemsize))
        and (<size_t>v.data) % v.itemsize == 0
    )


cdef inline bint is_constant(const View* v) noexcept nogil:
    """Whether a settled view shows one number again and again."""
    return v.ndim == 1 and v.strides[0] == 0


cdef inline bint meet(const View* a, const View* b) noexcept nogil:
    """Whether the stretches of memory that two views span meet."""
    cdef int d
    cdef Py_ssize_t low_a = 0, low_b = 0, high_a = a.itemsize, high_b = b.itemsize
    if a.size == 0 or b.size == 0:
        return False
    for d in range(a.ndim):
        if a.strides[d] < 0:
            low_a += (a.shape[d] - 1) * a.strides[d]
        else:
            high_a += (a.shape[d] - 1) * a.strides[d]
    for d in range(b.ndim):
        if b.strides[d] < 0:
            low_b += (b.shape[d] - 1) * b.strides[d]
        else:
            high_b += (b.shape[d] - 1) * b.strides[d]
    return a.data + low_a < b.data + high_b and b.data + low_b < a.data + high_a


cdef inline bint overlap(const View* a, const View* b) noexcept nogil:
    """Whether two views may share memory in any way but lying exactly upon each other."""
    cdef int d
    cdef bint exact = a.data == b.data and a.itemsize == b.itemsize and same_shape(a, b)
    if exact:
        for d in range(a.ndim):
            exact = exact and (a.shape[d] == 1 or a.strides[d] == b.strides[d])
    return not exact and meet(a, b)
