/* The passes over a tile of the losses of logits that a softcap, a temperature or a z-loss changes: they amplify what an
 * exponential has rounded, so it is computed in more than it is rounded to: of float in double, of double in two parts. */
#ifndef FASTLOSS_SOFTMAX_H
#define FASTLOSS_SOFTMAX_H

#include "vecmath.h"

/* softcap tanh(x) and 2^100 factor sech^2(x) for x = z / softcap, both made of t = e^-2|x|, as 1 - tanh^2 would cancel:
 *
 *     tanh(x) = (1 - t) / (1 + t),    sech^2(x) = 4 t / (1 + t)^2. */
static inline void sm_cap_f32(const float *restrict z, double softcap, double factor, ptrdiff_t n,
                              double *restrict high, double *restrict slope) {
    double inverse = 1.0 / softcap;
    inverse = inverse < INFINITY ? inverse : 0x1.fffffffffffffp1023;
    for (ptrdiff_t i = 0; i < n; i++) {
        double x = fabs((double)z[i] * inverse), expm1, t = vm_exp_quick_f64(-2.0 * x, &expm1);
        double part = 1.0 / (2.0 + expm1), capped = softcap * (-expm1 * part);
        high[i] = x < 1e-9 ? (double)z[i] : copysign(capped, (double)z[i]); /* x may be denormal */
        slope[i] = 0x1p102 * factor * t * part * part;
    }
}

/* vm_exp_parts_f64 to 2^-59 of itself: e^r = 1 + r + r^2/2 + r^3 c(r), of which only the last term is rounded. */
VM_INLINE double sm_exp_parts(double high, double low, double *sum, double *rest) {
    const double magic = 6755399441055744.0;
    double t = VM_FMA_F64(high, 1.4426950408889634, magic), n = t - magic;
    double first = VM_FMA_F64(n, -0x1.62e42fee00000p-1, high);
    double second = VM_FMA_F64(n, -0x1.a39ef35793c76p-33, first);
    double lost = VM_FMA_F64(n, -0x1.a39ef35793c76p-33, first - second) + low;
    double r = second + lost, r_low = (second - r) + lost;
    double r2_low, r2 = vm_two_product_f64(r, r, &r2_low), r4 = r2 * r2;
    double c = VM_FMA_F64(r2, VM_FMA_F64(r, 1.0 / 87178291200, 1.0 / 6227020800),
                          VM_FMA_F64(r, 1.0 / 479001600, 1.0 / 39916800));
    double middle = VM_FMA_F64(r2, VM_FMA_F64(r, 1.0 / 3628800, 1.0 / 362880), VM_FMA_F64(r, 1.0 / 40320, 1.0 / 5040));
    double start = VM_FMA_F64(r2, VM_FMA_F64(r, 1.0 / 720, 1.0 / 120), VM_FMA_F64(r, 1.0 / 24, 1.0 / 6));
    c = VM_FMA_F64(r4, VM_FMA_F64(r4, c, middle), start);
    double one_low, two_low, one = vm_two_sum_f64(1.0, r, &one_low);
    *sum = vm_two_sum_f64(one, 0.5 * r2, &two_low);
    *rest = (one_low + two_low) + VM_FMA_F64(r2 * r, c, VM_FMA_F64(0.5, r2_low, VM_FMA_F64(r_low, r, r_low)));
    return t;
}

/* sm_cap with the first in two parts: 2^-53 of 30 is 15 ULP of its exponential. */
static inline void sm_cap_f64(const double *restrict z, double softcap, double factor, double factor_low, ptrdiff_t n,
                              double *restrict high, double *restrict low, double *restrict slope) {
    double inverse_low, inverse = vm_two_quotient_f64(1.0, softcap, &inverse_low);
    inverse = inverse < INFINITY ? inverse : 0x1.fffffffffffffp1023;
    inverse_low = (softcap > 0x1p-900) & (softcap < 0x1p900) ? inverse_low : 0.0;
    for (ptrdiff_t i = 0; i < n; i++) {
        double lost, x = vm_two_product_f64(fabs(z[i]), inverse, &lost);
        double x_low = VM_FMA_F64(fabs(z[i]), inverse_low, lost);
        x_low = (x < 400.0) & (fabs(z[i]) < 0x1p900) ? x_low : 0.0;
        x = x > 381.0 ? 381.0 : x; /* 2^100 t is not denormal, and rounds to 0 in the end */
        double sum, rest, scale = vm_exp2_f64(sm_exp_parts(-2.0 * x, -2.0 * x_low, &sum, &rest) + 100.0);
        double power = sum + rest, power_low = (rest - (power - sum)) * scale; /* 2^100 t */
        power *= scale;
        double less_low, less = vm_two_sum_f64(1.0, -power * 0x1p-100, &less_low); /* 1 - t */
        less_low -= power_low * 0x1p-100;
        double a = less + less_low, a_low = less_low - (a - less);
        double b_low, b = vm_two_sum_f64(2.0, -a, &b_low); /* 1 + t */
        b_low -= a_low;
        double q_low, q = vm_two_quotient_f64(a, b, &q_low);
        q_low += (a_low - q * b_low) / b;
        double capped_low, capped = vm_two_product_f64(softcap, q, &capped_low);
        capped_low = VM_FMA_F64(softcap, q_low, softcap < 0x1p900 ? capped_low : 0.0);
        high[i] = x < 1e-9 ? z[i] : copysign(capped, z[i]);
        low[i] = x < 1e-9 ? 0.0 : (z[i] < 0.0 ? -capped_low : capped_low);
        double square_low, square = vm_two_product_f64(b, b, &square_low), slope_low, above_low;
        square_low = VM_FMA_F64(2.0 * b, b_low, square_low);
        double above = vm_two_product_f64(4.0 * power, factor, &above_low);
        above_low += 4.0 * VM_FMA_F64(power_low, factor, power * factor_low);
        double steep = vm_two_quotient_f64(above, square, &slope_low);
        slope[i] = steep + (slope_low + (above_low - steep * square_low) / square);
    }
}

/* How far n numbers lie below the largest of their rows, m, as fall <= 0; and e^(rate fall) times 2^28 (float) or 2^100
 * (double), which is added to each lane's sum; of double in two parts, until shares of a sum in two parts are made of
 * them. */
static inline void sm_fall_f32(const double *restrict high, const double *restrict m, double rate, ptrdiff_t n,
                               float *restrict fall, float *restrict e, double *restrict sum) {
    for (ptrdiff_t i = 0; i < n; i++) {
        double d = high[i] - m[i], unused, power = 0x1p28 * vm_exp_quick_f64(d * rate, &unused);
        float finite = d < -0x1.fffffep127 ? -0x1.fffffep127f : (float)d;
        fall[i] = d > -INFINITY ? finite : (float)d;
        e[i] = (float)power;
        sum[i] += power;
    }
}

static inline void sm_fall_f64(const double *restrict high, const double *restrict m, const double *restrict m_low,
                               double rate, double rate_low, ptrdiff_t n, double *restrict fall, double *restrict e,
                               double *restrict e_low, double *restrict sum, double *restrict lost) {
    for (ptrdiff_t i = 0; i < n; i++) { /* fall has the low parts of the numbers */
        double d_low, d = vm_two_sum_f64(high[i], -m[i], &d_low), x_low, one, rest;
        d_low = fabs(d) < INFINITY ? d_low + (fall[i] - m_low[i]) : 0.0;
        double x = vm_two_product_f64(d, rate, &x_low);
        x_low += VM_FMA_F64(d_low, rate, d * rate_low);
        x_low = (fabs(x) < 750.0) & (fabs(d) < 0x1p900) ? x_low : 0.0;
        double nearer = x < -762.0 ? -762.0 : x;
        double scale = vm_exp2_f64(vm_exp_parts_f64(nearer, x_low, &one, &rest) + 100.0);
        scale = x < -762.0 ? 0.0 : scale;
        double power = one * scale, before = sum[i], after = before + power, part = after - before;
        lost[i] += ((before - (after - part)) + (power - part)) + rest * scale;
        sum[i] = after;
        fall[i] = d + d_low;
        double all = one + rest;
        e[i] = all * scale;
        e_low[i] = (rest - (all - one)) * scale;
    }
}

static inline void sm_shares(double *restrict e, const double *restrict e_low, const double *restrict total,
                             const double *restrict total_low, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) {
        double low, share = vm_two_quotient_f64(e[i], total[i], &low);
        e[i] = share + (low + (e_low[i] - share * total_low[i]) / total[i]);
    }
}

/* What a softcap makes of derivatives by its results: a gradient times its slope, s, and of the Hessian's diagonal
 * s (s hess - bent u grad) for 2 tanh(x) / softcap = bent u. Of double, the gradient and bent come in two parts. */
static inline void sm_uncap_f32(const double *restrict slope, ptrdiff_t n, float *restrict grad) {
    for (ptrdiff_t i = 0; i < n; i++) grad[i] = (float)(grad[i] * slope[i] * 0x1p-100);
}

static inline void sm_uncap_f64(const double *restrict slope, const double *restrict low, ptrdiff_t n,
                                double *restrict grad) {
    for (ptrdiff_t i = 0; i < n; i++) {
        double product_low, product = vm_two_product_f64(grad[i], slope[i], &product_low);
        product_low = fabs(product) < 0x1p900 ? VM_FMA_F64(low[i], slope[i], product_low) : 0.0;
        grad[i] = (product + product_low) * 0x1p-100;
    }
}

static inline void sm_bend_f32(const double *restrict slope, const double *restrict high, double bent, ptrdiff_t n,
                               const float *restrict grad, float *restrict hess) {
    for (ptrdiff_t i = 0; i < n; i++) {
        double s = slope[i] * 0x1p-100;
        hess[i] = (float)((hess[i] * s - high[i] * bent * grad[i]) * s);
    }
}

static inline void sm_bend_f64(const double *restrict slope, const double *restrict high, double bent, double bent_low,
                               ptrdiff_t n, const double *restrict grad, const double *restrict grad_low,
                               double *restrict hess) {
    for (ptrdiff_t i = 0; i < n; i++) {
        double u_low, u = vm_two_product_f64(high[i], bent, &u_low), b_low, b = vm_two_product_f64(u, grad[i], &b_low);
        u_low = VM_FMA_F64(high[i], bent_low, u_low);
        double a_low, a = vm_two_product_f64(hess[i], slope[i] * 0x1p-100, &a_low), low, sum = vm_two_sum_f64(a, -b, &low);
        low += a_low - (b_low + VM_FMA_F64(u, grad_low[i], u_low * grad[i]));
        low = fabs(sum) < 0x1p900 ? low : 0.0;
        double product_low, product = vm_two_product_f64(sum, slope[i], &product_low);
        product_low = fabs(product) < 0x1p900 ? VM_FMA_F64(low, slope[i], product_low) : 0.0;
        hess[i] = (product + product_low) * 0x1p-100;
    }
}
#endif
