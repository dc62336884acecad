"""The functions of special.h: double only, a float kernel computes these in double."""

cdef extern from "special.h" nogil:
    double lgamma "sp_lgamma"(double x) noexcept
    double digamma "sp_digamma"(double x) noexcept
    double trigamma "sp_trigamma"(double x) noexcept
    double lgamma_difference "sp_lgamma_difference"(double x, double d) noexcept
    double digamma_difference "sp_digamma_difference"(double x, double d) noexcept
    double trigamma_difference "sp_trigamma_difference"(double x, double d) noexcept
    double lgamma_rest "sp_lgamma_rest"(double x) noexcept
    double digamma_rest "sp_digamma_rest"(double x) noexcept
    double trigamma_rest "sp_trigamma_rest"(double x) noexcept
    double erf "sp_erf"(double x) noexcept
    double atan "sp_atan"(double x) noexcept
    double sin "sp_sin"(double x) noexcept
    double cos "sp_cos"(double x) noexcept
    double log_i0 "sp_log_i0"(double k) noexcept
    double log_i0_scaled "sp_log_i0_scaled"(double k) noexcept
    double bessel_ratio_lack "sp_bessel_ratio_lack"(double k) noexcept
    double bessel_ratio "sp_bessel_ratio"(double k) noexcept
    double bessel_ratio_slope "sp_bessel_ratio_slope"(double k) noexcept
