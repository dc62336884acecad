/* What divergences sum, class by class: numbers that are 0 where two distributions agree and positive elsewhere. */
#ifndef FASTLOSS_DIVERGENCE_H
#define FASTLOSS_DIVERGENCE_H

#include "vecmath.h"

/* log(1 + w) in two parts for w = w + w_low >= -1, and not more than 1e300, where nobody asks for it. */
static inline double dv_log1p(double w, double w_low, double *low) {
    double finite = w > 1e300 ? 1e300 : w, rest, r = vm_log1p_wide_f64(finite, &rest);
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

#endif
