/* What divergences sum, class by class: numbers that are 0 where two distributions agree and positive elsewhere. */
#ifndef FASTLOSS_DIVERGENCE_H
#define FASTLOSS_DIVERGENCE_H

#include "vecmath.h"

/* log(1 + w) in two parts for w = w + w_low >= -1, and not more than a double. */
VM_INLINE double dv_log1p(double w, double w_low, double *low) {
    double finite = w > 0x1.fffffffffffffp+1023 ? 0x1.fffffffffffffp+1023 : w, rest, r = vm_log1p_wide_f64(finite, &rest);
    rest += w_low / (1.0 + finite);
    *low = fabs(r) < 1e3 ? rest : 0.0;
    return r;
}

/* p (w - log1p(w)) for gap = p w: with m = p + gap this is m - p - p log(m/p), what KL(p || m) is the sum of. With
 * r = log1p(w) it is p (e^r - 1 - r) near r = 0, where the difference would cancel. */
VM_INLINE double dv_bend(double p, double w, double w_low, double gap) {
    double low, r = dv_log1p(w, w_low, &low), near = p * vm_exp_tail_f64(r, fabs(r) <= 3.0 ? low : 0.0);
    double far = (gap - p * r) - p * low;
    far = fabs(r) <= 3.0 ? near : far;
    return p == 0.0 ? gap : far;
}

/* c (q - p) / p in two parts, for the c + c_low of a mixture p + c (q - p); *gap gets c (q - p). */
VM_INLINE double dv_share(double p, double q, double c, double c_low, double *gap, double *low) {
    double d_low, d = vm_two_sum_f64(q, -p, &d_low), lost, g = vm_two_product_f64(c, d, &lost), rest;
    lost += c * d_low + c_low * d;
    double quotient = vm_two_quotient_f64(g, p, &rest);
    *gap = g;
    *low = fabs(quotient) < 1e100 ? rest + lost / p : 0.0;
    return quotient;
}

/* sqrt(p q) in two parts for p, q <= 1, whose product may be below all doubles. */
VM_INLINE double dv_mean(double p, double q, double *low) {
    double scale = (p < 0x1p-480 ? 0x1p-480 : 1.0) * (q < 0x1p-480 ? 0x1p-480 : 1.0), lost, rest;
    p *= p < 0x1p-480 ? 0x1p960 : 1.0;
    q *= q < 0x1p-480 ? 0x1p960 : 1.0;
    double product = vm_two_product_f64(p, q, &lost), root = sqrt(product), square = vm_two_product_f64(root, root, &rest);
    *low = root > 0.0 ? (((product - square) - rest) + lost) / (2.0 * root) * scale : 0.0;
    return root * scale;
}

/* log q - log p in two parts, where log q = (z - m) rate - a and log p = (k - n) rate - b for the largest logits m and n of
 * their rows, and shift + shift_low = a - b. No difference of logits is rounded before it meets the other: of close rows little is
 * left, and only that is multiplied. A masked class has log q or log p = -inf, and no other has. */
VM_INLINE double dv_log_ratio(double z, double m, double k, double n, double rate, double rate_low, double shift,
                              double shift_low, double *low) {
    double u_low, v_low, d_low, lost, rest;
    double u = vm_two_sum_f64(z, -m, &u_low), v = vm_two_sum_f64(k, -n, &v_low);
    u = z == m ? 0.0 : u; /* not inf - inf */
    v = k == n ? 0.0 : v;
    u_low = z == m ? 0.0 : u_low;
    v_low = k == n ? 0.0 : v_low;
    double d = vm_two_sum_f64(u, -v, &d_low);
    d = vm_two_sum_f64(d, d_low + (u_low - v_low), &d_low);
    double product = vm_two_product_f64(d, rate, &lost);
    /* differences of finite logits may be beyond all doubles, where they are not infinite; low parts of infinite ones are NaN */
    double eighth = (z == m ? 0.0 : 0.125 * z - 0.125 * m) - (k == n ? 0.0 : 0.125 * k - 0.125 * n);
    double far = 8.0 * (eighth * rate), end = fabs(eighth) < INFINITY ? 0x1.fffffffffffffp+1023 : INFINITY;
    far = far > end ? end : far;
    far = far < -end ? -end : far;
    product = fabs(u) + fabs(v) < 1e290 ? product : far;
    lost += d_low * rate + d * rate_low;
    double sum = vm_two_sum_f64(product, -shift, &rest), all;
    rest += lost - shift_low;
    rest = fabs(sum) < 1e290 ? rest : 0.0; /* NaN where the ratio is infinite */
    all = sum + rest;
    *low = rest - (all - sum);
    *low = fabs(sum) < 1e290 ? *low : 0.0;
    return all;
}

/* q - p for d = log(q/p), without the cancellation of close numbers; *bent gets q - p - p d, what KL(p || q) is the sum of,
 * and *tail e^d - 1 - d, if that is close to 0. d = inf says that p is 0, d = -inf that q is, which is infinitely far from any p, also
 * from one too small for a double. */
VM_INLINE double dv_gap(double p, double q, double d, double low, double *bent, double *tail) {
    double near = fabs(d) <= 3.0 ? d : 0.0, gap = q - p, t = vm_exp_tail_f64(near, fabs(d) <= 3.0 ? low : 0.0);
    *tail = t;
    double far = gap - p * d;
    far = fabs(d) <= 3.0 ? p * t : far;
    far = d == -INFINITY ? p + INFINITY : far;
    *bent = (d == INFINITY) | ((d != d) & (p == 0.0)) ? q : far;
    return fabs(d) <= 1.5 ? p * (d + t) : gap;
}

/* q_c - p_c alone. */
VM_INLINE double dv_difference(double p, double q, double d, double low) {
    double bent, tail;
    return dv_gap(p, q, d, low, &bent, &tail);
}

/* (m - p) / p in two parts for the mixture m = b p + c q and d = log(q/p): c (e^d - 1), but b + c e^d - 1 next to -1. */
VM_INLINE double dv_mixture(double b, double c, double c_low, double d, double d_low, double *low) {
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

/* by_log log(m/q) + by_share (m - q)/m in two parts for v = (m - q)/q, and the gap m - q: v / (1 + v), but gap / m where v is next
 * to -1 or infinite; log1p(v), but `far` where p/q is beyond all doubles. */
VM_INLINE double dv_slope(double v, double v_low, double far, double gap, double m, double by_log, double by_share, double *low) {
    double d_low, d = vm_two_sum_f64(1.0, v, &d_low), rest, share = vm_two_quotient_f64(v, d, &rest), r_low, lost, sum_low;
    int plain = (v > -0.999) & (v < 1e100);
    rest = plain ? rest + (v_low - share * (d_low + v_low)) / d : 0.0;
    share = plain ? share : gap / m;
    double r = dv_log1p(v, v_low, &r_low), product = vm_two_product_f64(share, by_share, &lost);
    r_low = v < 1e300 ? r_low : 0.0;
    r = v < 1e300 ? r : far;
    r = by_log != 0.0 ? r : 0.0;
    r_low = by_log != 0.0 ? r_low : 0.0;
    double sum = vm_two_sum_f64(r, product, &sum_low);
    *low = fabs(sum) < 1e290 ? sum_low + (r_low + (lost + rest * by_share)) : 0.0;
    return sum;
}

/* ---- rows of float ----
 *
 * A float has 24 bits, a float's exponential as many, and a double 53: there log-ratios and sums need one part only, and
 * elementary functions the 36 bits of vecmath.h's _quick ones. Passes in C for `restrict`, as in lanes.h; each is compiled
 * for lanes that have a row each and for lanes of one row, whose numbers stand in the first lane. */
#define DV_LANES 240 /* TILE */

/* What compare_quick knows of two softmaxes, q of logits z and p of logits k, row by row. */
typedef struct {
    double rate;                /* 1 / temperature */
    double top_z[DV_LANES], top_k[DV_LANES];         /* the largest logits */
    double inverse_q[DV_LANES], inverse_p[DV_LANES]; /* 1 / the sums of exponentials */
    double shift[DV_LANES];     /* log q_c - log p_c = ((z_c - top_z) - (k_c - top_k)) rate - shift */
    double beside[DV_LANES];    /* whether the largest logits are close to each other */
} dv_rows;

#define DV_PER_ROW(...)    \
    if (along) {           \
        enum { each = 0 }; \
        __VA_ARGS__        \
    } else {               \
        enum { each = 1 }; \
        __VA_ARGS__        \
    }

/* ((z - m) - (k - n)) rate - shift, but where the largest logits m and n are close ((z - k) - (m - n)), which are exact of
 * close rows. */
VM_INLINE double dv_ratio(float z, float k, double m, double n, double beside, double rate, double shift) {
    double other_z = beside != 0.0 ? (double)k : m, other_k = beside != 0.0 ? m : (double)k;
    return (((double)z - other_z) - (other_k - n)) * rate - shift;
}

#define DV_RATIO dv_ratio(z[i], k[i], t->top_z[i * each], t->top_k[i * each], t->beside[i * each], t->rate, t->shift[i * each])

/* e^x - 1 - x for |x| <= 1.5: x^2 times a polynomial, fitted as those of vecmath.h. Worst error: 2^-30.4 of itself. */
VM_INLINE double dv_tail_quick(double x) {
    double x2 = x * x, x4 = x2 * x2;
    double low = VM_FMA_F64(x2, VM_FMA_F64(x, 0x1.1111102e272e2p-7, 0x1.55555270d94a4p-5),
                            VM_FMA_F64(x, 0x1.55555555f8befp-3, 0x1.000000021547ap-1));
    double middle = VM_FMA_F64(x2, VM_FMA_F64(x, 0x1.719fb3984d6edp-19, 0x1.9fb40aa14d39ep-16),
                               VM_FMA_F64(x, 0x1.a01acb19d191ap-13, 0x1.6c180a1a388a8p-10));
    double high = VM_FMA_F64(x, 0x1.be2f221755c19p-26, 0x1.34c29838e11d6p-22);
    return x2 * VM_FMA_F64(x4, VM_FMA_F64(x4, high, middle), low);
}

/* bent += p (e^d - 1 - d), missing += p (e^d - 1), moved += |p (e^d - 1)|. Sums with a 0 where others would choose: a compiler moves what is chosen
 * from behind a branch, which ends the vectors. */
static inline void dv_compare_quick(const float *restrict z, const float *restrict k, const float *restrict eq,
                                    const float *restrict ep, const dv_rows *restrict t, ptrdiff_t n, int along,
                                    double *restrict bent, double *restrict missing, double *restrict moved) {
    DV_PER_ROW(for (ptrdiff_t i = 0; i < n; i++) {
        double d = DV_RATIO, p = ep[i] * t->inverse_p[i * each], gap = eq[i] * t->inverse_q[i * each] - p;
        int near = fabs(d) <= 1.5;
        double x = near ? d : 0.0, tail = dv_tail_quick(x), far = near ? 0.0 : gap;
        double change = p * (x + tail) + far;
        bent[i] += p * tail + (far - p * (d - x));
        missing[i] += change;
        moved[i] += fabs(change);
    })
}

/* q - p times the row's scale, which replaces the exponential of q. */
static inline void dv_gaps_quick(const float *restrict z, const float *restrict k, float *restrict eq,
                                 const float *restrict ep, const dv_rows *restrict t, const double *restrict scale,
                                 ptrdiff_t n, int along) {
    DV_PER_ROW(for (ptrdiff_t i = 0; i < n; i++) {
        double d = DV_RATIO, p = ep[i] * t->inverse_p[i * each], gap = eq[i] * t->inverse_q[i * each] - p;
        int near = fabs(d) <= 1.5;
        double x = near ? d : 0.0;
        eq[i] = (float)(scale[i * each] * (p * (x + dv_tail_quick(x)) + (near ? 0.0 : gap)));
    })
}

/* A pass that adds to a loss's sum and to the mean of its slopes, which replace the exponentials of p. */
typedef void (*dv_pass)(const float *restrict z, const float *restrict k, const float *restrict eq, float *restrict ep,
                        const dv_rows *restrict t, double b, double c, ptrdiff_t n, int along, double *restrict total,
                        double *restrict mean);

/* total += q (e^-d - 1 + d), mean += q d, and d replaces the exponential of p. If it is no float the mean becomes
 * infinite or NaN, which calls for the exact kernel. */
static inline void dv_reverse_quick(const float *restrict z, const float *restrict k, const float *restrict eq,
                                    float *restrict ep, const dv_rows *restrict t, double b, double c, ptrdiff_t n, int along,
                                    double *restrict total, double *restrict mean) {
    DV_PER_ROW(for (ptrdiff_t i = 0; i < n; i++) {
        double d = DV_RATIO, q = eq[i] * t->inverse_q[i * each], gap = ep[i] * t->inverse_p[i * each] - q;
        int near = fabs(d) <= 1.5;
        double x = near ? d : 0.0, far = near ? 0.0 : gap;
        total[i] += q * dv_tail_quick(-x) + (far + q * (d - x));
        ep[i] = (float)d;
        mean[i] += q * (double)ep[i];
    })
}

/* q (s - mean) for slopes s, times the row's scale, which replaces the exponential of q; others += q (s - mean). */
static inline void dv_centre_quick(float *restrict eq, const float *restrict s, const dv_rows *restrict t,
                                   const double *restrict mean, const double *restrict scale, ptrdiff_t n, int along,
                                   double *restrict others) {
    DV_PER_ROW(for (ptrdiff_t i = 0; i < n; i++) {
        double slope = eq[i] * t->inverse_q[i * each] * (s[i] - mean[i * each]);
        others[i] += slope;
        eq[i] = (float)(scale[i * each] * slope);
    })
}

/* log(u) for u = 1 + x, x >= -1, u normal or 0: of x where u is close to 1. To an ulp or two. */
VM_INLINE double dv_log_plain(double x, double u) {
    uint64_t k = (vm_bits_f64(u) + (0x4000000000000000u - 0x3fe6a09e667f3bcdu)) >> 52;
    double n = vm_double(0x4330000000000000u | k) - 4503599627371520.0;
    double m = vm_double(vm_bits_f64(u) - (k << 52) + 0x4000000000000000u);
    double y = vm_log_near_1_f64(n == 0.0 ? x : m - 1.0, n);
    return u > 0.0 ? y : (u == 0.0 ? -INFINITY : NAN);
}

/* e^x - 1 for x <= 0, with as many bits; *e gets e^x. */
VM_INLINE double dv_expm1_plain(double x, double *e) {
    const double magic = 6755399441055744.0;
    x = x < -700.0 ? -700.0 : x;
    double t = VM_FMA_F64(x, 1.4426950408889634, magic), n = t - magic;
    double r = VM_FMA_F64(n, -0x1.a39ef35793c76p-33, VM_FMA_F64(n, -0x1.62e42fee00000p-1, x));
    double p = VM_FMA_F64(r * r, vm_exp_q_f64(r), r);
    *e = (1.0 + p) * vm_exp2_f64(t);
    return n == 0.0 ? p : *e - 1.0;
}

/* b p log(p/m) + c q log(q/m) with m = b p + c q, *slope gets log(q/m). Of e = e^-|d|, the ratio of the smaller
 * probability to the larger, for whose weights g and b, say,
 *
 *     l = log(m / larger) = log1p(g (e - 1)),    sum = -larger ((1 + g (e - 1)) l + g e |d|),
 *
 * which cancels for a small d: there by its series, whose coefficients depend on g. */
VM_INLINE double dv_js_quick(double p, double q, double b, double c, double d, double *slope) {
    double e, a = fabs(d), own = d < 0.0 ? b : c, g = d < 0.0 ? c : b, larger = d < 0.0 ? p : q;
    double x = g * dv_expm1_plain(-a, &e), u = x < -0.5 ? own + g * e : 1.0 + x, l = dv_log_plain(x, u);
    double smaller = d < 0.0 ? q : p, far = a < 2.0 ? larger * (u * l + g * e * a) : (own * larger * l + g * smaller * (l + a));
    double third = (2.0 - g) / 6.0, fourth = VM_FMA_F64(g, VM_FMA_F64(g, 2.0, -4.0), 3.0) / 24.0;
    double near = larger * own * g * a * a * VM_FMA_F64(a, VM_FMA_F64(a, fourth, -third), 0.5);
    *slope = d < 0.0 ? -(l + a) : -l;
    return a < 0x1p-9 ? near : -far;
}

/* total += that, mean += q log(q/m), and log(q/m) replaces the exponential of p. */
static inline void dv_jsd_quick(const float *restrict z, const float *restrict k, const float *restrict eq,
                                float *restrict ep, const dv_rows *restrict t, double b, double c, ptrdiff_t n, int along,
                                double *restrict total, double *restrict mean) {
    DV_PER_ROW(for (ptrdiff_t i = 0; i < n; i++) {
        double d = DV_RATIO, p = ep[i] * t->inverse_p[i * each], q = eq[i] * t->inverse_q[i * each], slope;
        total[i] += dv_js_quick(p, q, b, c, d, &slope);
        ep[i] = (float)slope;
        mean[i] += q * (double)ep[i];
    })
}

/* dv_log_plain with the 36 bits of a _quick function. */
VM_INLINE double dv_log_quick(double x, double u) {
    uint64_t k = (vm_bits_f64(u) + (0x4000000000000000u - 0x3fe6a09e667f3bcdu)) >> 52;
    double n = vm_double(0x4330000000000000u | k) - 4503599627371520.0;
    double m = vm_double(vm_bits_f64(u) - (k << 52) + 0x4000000000000000u);
    double y = vm_log_quick_near_1_f64(n == 0.0 ? x : m - 1.0, n);
    return u > 0.0 ? y : (u == 0.0 ? -INFINITY : NAN);
}

/* p (w - log1p(w)), given log1p(w) and gap = p w. */
VM_INLINE double dv_bend_quick(double p, double w, double log, double gap) {
    double series = VM_FMA_F64(w, VM_FMA_F64(w, VM_FMA_F64(w, 1.0 / 8, -1.0 / 7), 1.0 / 6), -1.0 / 5);
    series = VM_FMA_F64(w, VM_FMA_F64(w, VM_FMA_F64(w, series, 1.0 / 4), -1.0 / 3), 0.5);
    return fabs(w) < 0.0625 ? p * (series * w * w) : gap - p * log;
}

/* total += p (u - log1p(u)) with u = (m - p) / p, mean += q s with s = (m - p) / m, which replaces the exponential of p. */
static inline void dv_skew_quick(const float *restrict z, const float *restrict k, const float *restrict eq,
                                 float *restrict ep, const dv_rows *restrict t, double a, double c, ptrdiff_t n, int along,
                                 double *restrict total, double *restrict mean) {
    DV_PER_ROW(for (ptrdiff_t i = 0; i < n; i++) {
        double d = DV_RATIO, p = ep[i] * t->inverse_p[i * each], q = eq[i] * t->inverse_q[i * each], w;
        double e = vm_exp_quick_f64(d > 600.0 ? 600.0 : d, &w), u = c * w, mixed = u < -0.5 ? a + c * e : 1.0 + u;
        total[i] += dv_bend_quick(p, u, dv_log_quick(u, mixed), d <= 20.0 ? p * u : c * (q - p)); /* for a small c both terms have one p */
        ep[i] = (float)(u / mixed);
        mean[i] += q * (double)ep[i];
    })
}

/* total += q (v - log1p(v)) with v = (m - q) / q, m = c p + a q, mean += q times the slope a (m - q) / m - log1p(v), which replaces
 * the exponential of p. */
static inline void dv_skew_back_quick(const float *restrict z, const float *restrict k, const float *restrict eq,
                                      float *restrict ep, const dv_rows *restrict t, double a, double c, ptrdiff_t n, int along,
                                      double *restrict total, double *restrict mean) {
    DV_PER_ROW(for (ptrdiff_t i = 0; i < n; i++) {
        double d = DV_RATIO, p = ep[i] * t->inverse_p[i * each], q = eq[i] * t->inverse_q[i * each], w;
        double e = vm_exp_quick_f64(d < -600.0 ? 600.0 : -d, &w), v = c * w, mixed = v < -0.5 ? a + c * e : 1.0 + v;
        double log = dv_log_quick(v, mixed);
        total[i] += dv_bend_quick(q, v, log, d >= -20.0 ? q * v : c * (p - q));
        ep[i] = (float)(a * v / mixed - log);
        mean[i] += q * (double)ep[i];
    })
}

/* total += |q - p|; above, below and beside get q where it is larger, smaller, or the same as p, and the sign of q - p
 * replaces the exponential of p. */
static inline void dv_sides_quick(const float *restrict z, const float *restrict k, const float *restrict eq,
                                  float *restrict ep, const dv_rows *restrict t, ptrdiff_t n, int along,
                                  double *restrict total, double *restrict above, double *restrict below,
                                  double *restrict beside) {
    DV_PER_ROW(for (ptrdiff_t i = 0; i < n; i++) {
        double d = DV_RATIO, p = ep[i] * t->inverse_p[i * each], q = eq[i] * t->inverse_q[i * each];
        int near = fabs(d) <= 1.5;
        double x = near ? d : 0.0, gap = p * (x + dv_tail_quick(x)) + (near ? 0.0 : q - p);
        total[i] += fabs(gap);
        above[i] += gap > 0.0 ? q : 0.0;
        below[i] += gap < 0.0 ? q : 0.0;
        beside[i] += gap == 0.0 ? q : 0.0;
        ep[i] = gap > 0.0 ? 1.0f : (gap < 0.0 ? -1.0f : 0.0f);
    })
}

/* q times the slope of its side, which replaces the exponential of q. */
static inline void dv_sided_quick(float *restrict eq, const float *restrict side, const dv_rows *restrict t,
                                  const double *restrict up, const double *restrict down, const double *restrict level,
                                  ptrdiff_t n, int along) {
    DV_PER_ROW(for (ptrdiff_t i = 0; i < n; i++) {
        double slope = level[i * each], upper = up[i * each], lower = down[i * each];
        slope = side[i] > 0.0f ? upper : slope;
        slope = side[i] < 0.0f ? lower : slope;
        eq[i] = (float)(eq[i] * t->inverse_q[i * each] * slope);
    })
}

/* total += b p log(p/m) + c q log(q/m) with m = b p + c q, for probabilities p and q; slope gets log(m/q). */
static inline void dv_js_probs_quick(const float *restrict ps, const float *restrict qs, double b, double c, ptrdiff_t n,
                                     double *restrict total, float *restrict slope) {
    for (ptrdiff_t i = 0; i < n; i++) {
        double p = ps[i], q = qs[i], larger = q < p ? p : q, smaller = q < p ? q : p, gap = larger - smaller;
        double own = q < p ? b : c, g = q < p ? c : b; /* the weights of the larger and the smaller */
        double over = 1.0 / (larger == 0.0 ? 1.0 : larger), under = 1.0 / (smaller == 0.0 ? 1e-300 : smaller);
        double x = -g * gap * over, y = own * gap * under;
        double log_x = dv_log_quick(x, x < -0.5 ? own + g * (smaller * over) : 1.0 + x), log_y = dv_log_quick(y, 1.0 + y);
        total[i] += own * dv_bend_quick(larger, x, log_x, -g * gap) + g * dv_bend_quick(smaller, y, log_y, own * gap);
        double log = q < p ? log_y : log_x;
        slope[i] = (float)((q == 0.0) & (p > 0.0) ? INFINITY : log);
    }
}

/* total += p (log p - x), 0 for p = 0. */
static inline void dv_kl_div_quick(const float *restrict x, const float *restrict ps, ptrdiff_t n, double *restrict total) {
    for (ptrdiff_t i = 0; i < n; i++) {
        double p = ps[i], term = p * (dv_log_plain(p - 1.0, p) - (double)x[i]);
        total[i] += (ps[i] != 0.0f) | (x[i] != x[i]) ? term : 0.0;
    }
}

#endif
