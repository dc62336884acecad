/* What divergences sum, class by class: numbers that are 0 where two distributions agree and positive elsewhere. */
#ifndef FASTLOSS_DIVERGENCE_H
#define FASTLOSS_DIVERGENCE_H

#include "vecmath.h"

/* log(1 + w) in two parts for w = w + w_low >= -1, and not more than a double. */
static inline double dv_log1p(double w, double w_low, double *low) {
    double finite = w > 0x1.fffffffffffffp+1023 ? 0x1.fffffffffffffp+1023 : w, rest, r = vm_log1p_wide_f64(finite, &rest);
    rest += w_low / (1.0 + finite);
    *low = fabs(r) < 1e3 ? rest : 0.0;
    return r;
}

/* p (w - log1p(w)) for gap = p w: with m = p + gap this is m - p - p log(m/p), what KL(p || m) is the sum of. With
 * r = log1p(w) it is p (e^r - 1 - r) near r = 0, where the difference would cancel. */
static inline double dv_bend(double p, double w, double w_low, double gap) {
    double low, r = dv_log1p(w, w_low, &low), near = p * vm_exp_tail_f64(r, fabs(r) <= 3.0 ? low : 0.0);
    double far = (gap - p * r) - p * low;
    far = fabs(r) <= 3.0 ? near : far;
    return p == 0.0 ? gap : far;
}

/* c (q - p) / p in two parts, for the c + c_low of a mixture p + c (q - p); *gap gets c (q - p). */
static inline double dv_share(double p, double q, double c, double c_low, double *gap, double *low) {
    double d_low, d = vm_two_sum_f64(q, -p, &d_low), lost, g = vm_two_product_f64(c, d, &lost), rest;
    lost += c * d_low + c_low * d;
    double quotient = vm_two_quotient_f64(g, p, &rest);
    *gap = g;
    *low = fabs(quotient) < 1e100 ? rest + lost / p : 0.0;
    return quotient;
}

/* sqrt(p q) in two parts. */
static inline double dv_mean(double p, double q, double *low) {
    double lost, product = vm_two_product_f64(p, q, &lost), root = sqrt(product), rest, square = vm_two_product_f64(root, root, &rest);
    *low = root > 0x1p-400 ? (((product - square) - rest) + lost) / (2.0 * root) : 0.0;
    return root;
}

/* x, or if it is further out than 2^1022 that: log-ratios of finite logits may be beyond all doubles, where they are not
 * infinite. */
static inline double dv_finite(double x) {
    x = x < -0x1p1022 ? -0x1p1022 : x;
    return x > 0x1p1022 ? 0x1p1022 : x;
}

/* log q - log p in two parts, where log q = (z - m) rate - a and log p = (k - n) rate - b for the largest logits m and n of
 * their rows, and shift = a - b. No difference of logits is rounded before it meets the other: of close rows little is left.
 * A masked class has log q or log p = -inf, and no other has. */
static inline double dv_log_ratio_f32(float z, double m, float k, double n, double rate, double rate_low, double shift,
                                      double *low) {
    double u = (double)z == m ? 0.0 : (double)z - m, v = (double)k == n ? 0.0 : (double)k - n; /* not inf - inf */
    double d = u - v, product = d * rate;
    product = fabs(d) < INFINITY ? dv_finite(product) : product;
    *low = 0.0;
    return product - shift;
}

static inline double dv_log_ratio_f64(double z, double m, double k, double n, double rate, double rate_low, double shift,
                                      double *low) {
    double u_low, v_low, d_low, lost, rest;
    double u = vm_two_sum_f64(z, -m, &u_low), v = vm_two_sum_f64(k, -n, &v_low);
    u = z > -INFINITY && m < INFINITY ? dv_finite(u) : u;
    v = k > -INFINITY && n < INFINITY ? dv_finite(v) : v;
    u = z == m ? 0.0 : u;
    v = k == n ? 0.0 : v;
    u_low = z == m ? 0.0 : u_low;
    v_low = k == n ? 0.0 : v_low;
    double d = vm_two_sum_f64(u, -v, &d_low);
    d = fabs(u) < INFINITY && fabs(v) < INFINITY ? dv_finite(d) : d;
    double product = vm_two_product_f64(d, rate, &lost);
    product = fabs(d) < INFINITY ? dv_finite(product) : product;
    d_low += u_low - v_low;
    lost += d_low * rate + d * rate_low;
    double sum = vm_two_sum_f64(product, -shift, &rest), all;
    rest += lost;
    rest = fabs(sum) < 1e290 ? rest : 0.0; /* NaN where the ratio is infinite */
    all = sum + rest;
    *low = rest - (all - sum);
    *low = fabs(sum) < 1e290 ? *low : 0.0;
    return all;
}

/* q - p for d = log(q/p), without the cancellation of close numbers; *bent gets q - p - p d, what KL(p || q) is the sum of,
 * and *tail e^d - 1 - d, if that is close to 0. d = inf says that p is 0, d = -inf that q is, which is infinitely far from any p, also
 * from one too small for a double. */
static inline double dv_gap(double p, double q, double d, double low, double *bent, double *tail) {
    double near = fabs(d) <= 3.0 ? d : 0.0, gap = q - p, t = vm_exp_tail_f64(near, fabs(d) <= 3.0 ? low : 0.0);
    *tail = t;
    double far = gap - p * d;
    far = fabs(d) <= 3.0 ? p * t : far;
    far = d == -INFINITY ? p + INFINITY : far;
    *bent = d == INFINITY || (d != d && p == 0.0) ? q : far;
    return fabs(d) <= 1.5 ? p * (d + t) : gap;
}

/* q_c - p_c alone. */
static inline double dv_difference(double p, double q, double d, double low) {
    double bent, tail;
    return dv_gap(p, q, d, low, &bent, &tail);
}

/* (m - p) / p in two parts for the mixture m = b p + c q and d = log(q/p): c (e^d - 1), but b + c e^d - 1 next to -1. */
static inline double dv_mixture(double b, double c, double c_low, double d, double d_low, double *low) {
    double x = vm_exp_wide_f64(d, d_low), e_low, e, lost, near_low;
    double near = fabs(d) <= 1.0 ? d : 0.0, tail = vm_exp_tail_f64(near, fabs(d) <= 1.0 ? d_low : 0.0);
    e = vm_two_sum_f64(near, tail, &e_low);
    double far_low, far = vm_two_sum_f64(x, -1.0, &far_low);
    e_low = fabs(d) <= 1.0 ? e_low + d_low : far_low;
    e = fabs(d) <= 1.0 ? e : far;
    double w = vm_two_product_f64(c, e, &lost);
    near_low = lost + c * e_low + c_low * e;
    double below_low, below = vm_two_sum_f64(b + c * x, -1.0, &below_low);
    near_low = w < -0.999 ? below_low : near_low;
    w = w < -0.999 ? below : w;
    *low = fabs(w) < 1e100 ? near_low : 0.0;
    return w;
}

#endif
