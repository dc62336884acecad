"""vecmath.h for fused types: Cython cannot declare a fused function extern, so each is a choice between two."""

from libc.math cimport fabs, fabsf

ctypedef fused real:
    float
    double

cdef extern from "vecmath.h" nogil:
    float vm_exp_scaled_f32(float x, float k, float* expm1) noexcept
    double vm_exp_scaled_f64(double x, double k, double* expm1) noexcept
    float vm_log1p_f32(float x) noexcept
    double vm_log1p_f64(double x) noexcept
    float vm_log1p_unit_f32(float x) noexcept
    double vm_log1p_unit_f64(double x) noexcept
    float vm_exp_f32(float x) noexcept
    double vm_exp_f64(double x) noexcept
    float vm_expm1_f32(float x) noexcept
    double vm_expm1_f64(double x) noexcept
    float vm_tanh_f32(float x) noexcept
    double vm_tanh_f64(double x) noexcept
    float vm_log_f32(float x) noexcept
    double vm_log_f64(double x) noexcept
    float vm_power_f32(float x, float y) noexcept
    double vm_power_f64(double x, double y) noexcept
    double exp_wide "vm_exp_wide_f64"(double high, double low) noexcept
    double exp_times "vm_exp_times_f64"(double a, double high, double low) noexcept
    double exp_tail "vm_exp_tail_f64"(double high, double low) noexcept
    double expm1_wide "vm_expm1_wide_f64"(double high, double low) noexcept
    double log_wide "vm_log_wide_f64"(double x, double* low) noexcept
    double log1p_wide "vm_log1p_wide_f64"(double x, double* low) noexcept
    double two_sum "vm_two_sum_f64"(double a, double b, double* low) noexcept
    double two_product "vm_two_product_f64"(double a, double b, double* low) noexcept
    double two_quotient "vm_two_quotient_f64"(double a, double b, double* low) noexcept
    double exp_quick "vm_exp_quick_f64"(double x, double* expm1) noexcept
    double exp_tail_quick "vm_exp_tail_quick_f64"(double x, double expm1) noexcept
    double log_quick "vm_log_quick_f64"(double x) noexcept
    double log1p_quick "vm_log1p_quick_f64"(double x) noexcept
    double log1p_unit_quick "vm_log1p_unit_quick_f64"(double x) noexcept
    float vm_sum_f32(const float* x, Py_ssize_t n) noexcept
    double vm_sum_f64(const double* x, Py_ssize_t n) noexcept
    double vm_sum_twice_f64(const double* x, Py_ssize_t n) noexcept
    double vm_sum_wide_f32(const float* x, Py_ssize_t n) noexcept
    float vm_max_f32(const float* x, Py_ssize_t n) noexcept
    double vm_max_f64(const double* x, Py_ssize_t n) noexcept
    int vm_find_f32(const float* x, int n, float value) noexcept
    int vm_find_f64(const double* x, int n, double value) noexcept
    void vm_keep_larger_f32(const float* x, int c, Py_ssize_t n, float* highest, int* top) noexcept
    void vm_keep_larger_f64(const double* x, int c, Py_ssize_t n, double* highest, int* top) noexcept


cdef inline real exp_scaled(real x, real k, real* expm1) noexcept nogil:
    if real is float:
        return vm_exp_scaled_f32(x, k, expm1)
    else:
        return vm_exp_scaled_f64(x, k, expm1)


cdef inline real log1p(real x) noexcept nogil:
    if real is float:
        return vm_log1p_f32(x)
    else:
        return vm_log1p_f64(x)


cdef inline real log1p_unit(real x) noexcept nogil:
    if real is float:
        return vm_log1p_unit_f32(x)
    else:
        return vm_log1p_unit_f64(x)


cdef inline real exp(real x) noexcept nogil:
    if real is float:
        return vm_exp_f32(x)
    else:
        return vm_exp_f64(x)


cdef inline real expm1(real x) noexcept nogil:
    if real is float:
        return vm_expm1_f32(x)
    else:
        return vm_expm1_f64(x)


cdef inline real tanh(real x) noexcept nogil:
    if real is float:
        return vm_tanh_f32(x)
    else:
        return vm_tanh_f64(x)


cdef inline real log(real x) noexcept nogil:
    if real is float:
        return vm_log_f32(x)
    else:
        return vm_log_f64(x)


cdef inline real power(real x, real y) noexcept nogil:
    if real is float:
        return vm_power_f32(x, y)
    else:
        return vm_power_f64(x, y)


cdef inline real sum_of(const real* x, Py_ssize_t n) noexcept nogil:
    if real is float:
        return vm_sum_f32(x, n)
    else:
        return vm_sum_f64(x, n)


cdef inline double wide_sum_of(const real* x, Py_ssize_t n) noexcept nogil:
    """The sum in more precision than the numbers have."""
    if real is float:
        return vm_sum_wide_f32(x, n)
    else:
        return vm_sum_twice_f64(x, n)


cdef inline real max_of(const real* x, Py_ssize_t n) noexcept nogil:
    if real is float:
        return vm_max_f32(x, n)
    else:
        return vm_max_f64(x, n)


cdef inline int find(const real* x, int n, real value) noexcept nogil:
    if real is float:
        return vm_find_f32(x, n, value)
    else:
        return vm_find_f64(x, n, value)


cdef inline void keep_larger(const real* x, int c, Py_ssize_t n, real* highest, int* top) noexcept nogil:
    if real is float:
        vm_keep_larger_f32(x, c, n, highest, top)
    else:
        vm_keep_larger_f64(x, c, n, highest, top)


cdef inline real absolute(real x) noexcept nogil:
    if real is float:
        return fabsf(x)
    else:
        return fabs(x)
