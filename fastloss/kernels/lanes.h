/* The passes over a tile (lanes.pxd) that most losses of rows share, in C for `restrict`: a compiler that must ask at every
 * step whether arrays overlap spends as long on that as on 64 exponentials. */
#ifndef FASTLOSS_LANES_H
#define FASTLOSS_LANES_H

#include "vecmath.h"

/* x rate in two parts, of which the low one is at most a thousandth: e^(high + low) = e^high (1 + low). */
static inline float ln_tempered_f32(float x, double rate, double rate_low, float *low) {
    double product = (double)x * rate;
    float high = (float)product;
    *low = fabsf(high) < 1e4f ? (float)(product - (double)high) : 0.0f;
    return high;
}

static inline double ln_tempered_f64(double x, double rate, double rate_low, double *low) {
    double lost, high = vm_two_product_f64(x, rate, &lost);
    *low = fabs(high) < 1e4 ? VM_FMA_F64(x, rate_low, lost) : 0.0;
    return high;
}

#define LN_PASSES(real, suffix)                                                                                         \
    /* e^z / 2^power of a stretch of one row */                                                                         \
    static inline void ln_row_exponentials_##suffix(const real *restrict z, real base, real power, ptrdiff_t n,         \
                                                    real *restrict e) {                                                 \
        real unused;                                                                                                    \
        for (ptrdiff_t i = 0; i < n; i++) e[i] = vm_exp_scaled_##suffix(z[i] - base, power, &unused);                   \
    }                                                                                                                   \
    /* the same of class c of n rows, each with a base and power of its own */                                          \
    static inline void ln_class_exponentials_##suffix(const real *restrict z, const real *restrict base,                \
                                                      const real *restrict power, ptrdiff_t n, real *restrict e) {      \
        real unused;                                                                                                    \
        for (ptrdiff_t i = 0; i < n; i++) e[i] = vm_exp_scaled_##suffix(z[i] - base[i], power[i], &unused);             \
    }                                                                                                                   \
    /* e^((z - base) rate) / 2^power of a stretch of one row, and of class c of n rows: the exponent has two parts */    \
    static inline void ln_row_tempered_##suffix(const real *restrict z, real base, real power, double rate,             \
                                                double rate_low, ptrdiff_t n, real *restrict e) {                       \
        real unused, low;                                                                                               \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                             \
            real x = ln_tempered_##suffix(z[i] - base, rate, rate_low, &low);                                           \
            real power_of_e = vm_exp_scaled_##suffix(x, power, &unused);                                                \
            e[i] = power_of_e + power_of_e * low;                                                                       \
        }                                                                                                               \
    }                                                                                                                   \
    static inline void ln_class_tempered_##suffix(const real *restrict z, const real *restrict base,                    \
                                                  const real *restrict power, double rate, double rate_low,             \
                                                  ptrdiff_t n, real *restrict e) {                                      \
        real unused, low;                                                                                               \
        for (ptrdiff_t i = 0; i < n; i++) {                                                                             \
            real x = ln_tempered_##suffix(z[i] - base[i], rate, rate_low, &low);                                        \
            real power_of_e = vm_exp_scaled_##suffix(x, power[i], &unused);                                             \
            e[i] = power_of_e + power_of_e * low;                                                                       \
        }                                                                                                               \
    }                                                                                                                   \
    /* add class c to each row's sum, unless it is the row's top class */                                               \
    static inline void ln_add_others_##suffix(const real *restrict e, const int *restrict top, int c, ptrdiff_t n,      \
                                              double *restrict sum, double *restrict lost) {                            \
        if (sizeof(real) == sizeof(float)) {                                                                            \
            for (ptrdiff_t i = 0; i < n; i++) sum[i] += top[i] == c ? 0 : e[i];                                         \
            return;                                                                                                     \
        }                                                                                                               \
        for (ptrdiff_t i = 0; i < n; i++) { /* what an addition rounds off would cost rows of double 2 of 4 ULP */      \
            double x = top[i] == c ? 0 : e[i], before = sum[i], after = before + x, part = after - before;              \
            lost[i] += (before - (after - part)) + (x - part);                                                          \
            sum[i] = after;                                                                                             \
        }                                                                                                               \
    }                                                                                                                   \
    static inline void ln_scale_##suffix(real *restrict x, const real *restrict factor, ptrdiff_t n) {                  \
        for (ptrdiff_t i = 0; i < n; i++) x[i] *= factor[i];                                                            \
    }                                                                                                                   \
    static inline void ln_scale_row_##suffix(real *restrict x, real factor, ptrdiff_t n) {                              \
        for (ptrdiff_t i = 0; i < n; i++) x[i] *= factor;                                                               \
    }
LN_PASSES(float, f32)
LN_PASSES(double, f64)

#undef LN_PASSES
#endif
