cdef int thread_count(Py_ssize_t pieces) noexcept nogil
cdef int bfloat16_type() noexcept nogil
