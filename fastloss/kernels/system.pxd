cdef int thread_count(Py_ssize_t pieces) noexcept nogil
cdef int bfloat16_type() noexcept nogil
cdef int raise_unfit(Py_ssize_t place) except -1
