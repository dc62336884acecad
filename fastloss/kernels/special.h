/* Special functions for loops that vectorise: erf, atan, sin, cos, the gamma and Bessel functions of likelihoods.
 *
 * As vecmath.h, on which it stands: branch-free C, every fused multiply-add written out. Double only, since a float
 * kernel computes these in double. Where a function is pieced together of two ranges, both have the same form and
 * `near` selects the coefficients, which costs one blend each instead of a second polynomial.
 *
 * The worst errors below, over all three instruction sets, are measured again by tests/test_special.py. Coefficients:
 * weighted minimax fits (N/D of the Bessel functions an interpolation at Chebyshev points), made with mpmath at 60
 * digits.
 */
#ifndef FASTLOSS_SPECIAL_H
#define FASTLOSS_SPECIAL_H

#include "vecmath.h"

#if defined(__GNUC__)
#define SP_INLINE static inline __attribute__((always_inline)) /* long, but a call would end the vectors */
#else
#define SP_INLINE static inline
#endif

/* a + b in two parts for |a| >= |b|: two_sum for half the price. */
SP_INLINE double sp_fast_sum(double a, double b, double *low) {
    double sum = a + b;
    *low = b - (sum - a);
    return sum;
}

/* c0 + c1 v + c2 v^2 + ..., summed in fours. */
SP_INLINE double sp_cubic(double v, double v2, double c0, double c1, double c2, double c3) {
    return VM_FMA_F64(v2, VM_FMA_F64(v, c3, c2), VM_FMA_F64(v, c1, c0));
}

SP_INLINE double sp_polynomial_16(double v, double c0, double c1, double c2, double c3, double c4, double c5, double c6,
                                  double c7, double c8, double c9, double c10, double c11, double c12, double c13,
                                  double c14, double c15) {
    double v2 = v * v, v4 = v2 * v2;
    double p = VM_FMA_F64(v4, sp_cubic(v, v2, c12, c13, c14, c15), sp_cubic(v, v2, c8, c9, c10, c11));
    return VM_FMA_F64(v4, VM_FMA_F64(v4, p, sp_cubic(v, v2, c4, c5, c6, c7)), sp_cubic(v, v2, c0, c1, c2, c3));
}

SP_INLINE double sp_polynomial_17(double v, double c0, double c1, double c2, double c3, double c4, double c5, double c6,
                                  double c7, double c8, double c9, double c10, double c11, double c12, double c13,
                                  double c14, double c15, double c16) {
    double v2 = v * v, v4 = v2 * v2;
    double p = VM_FMA_F64(v4, VM_FMA_F64(v4, c16, sp_cubic(v, v2, c12, c13, c14, c15)),
                          sp_cubic(v, v2, c8, c9, c10, c11));
    return VM_FMA_F64(v4, VM_FMA_F64(v4, p, sp_cubic(v, v2, c4, c5, c6, c7)), sp_cubic(v, v2, c0, c1, c2, c3));
}

/* erf(x): x P(x^2) up to 1.9, from there on sign(x) (1 - e^(-x^2) Q(|x|)), which is 1 from 5.93 on. Both variables are
 * counted from the middle of their range, so that the terms of P do not cancel. Worst error: 1.46 ULP. */
SP_INLINE double sp_erf(double x) {
    double a = fabs(x);
    int near = a < 1.9;
    a = a > 6.0 ? 6.0 : a;
    double square = a * a, v = near ? square - 1.8 : a - 3.95;
    double p = sp_polynomial_16(v, near ? -0x1.256a6ca7ce1a6p-3 : -0x1.0f8195fa9a179p-5,
                                   near ? 0x1.14cedf245e8a5p-5 : 0x1.fa26ebe6ee123p-8,
                                   near ? -0x1.cb4cd9fde2e2cp-8 : -0x1.cca9ef547768dp-10,
                                   near ? 0x1.472b347312190p-10 : 0x1.99f9a1c38d407p-12,
                                   near ? -0x1.93360dbe11507p-13 : -0x1.6532a8d5320c6p-14,
                                   near ? 0x1.b36d458c07a1fp-16 : 0x1.3128b7e51fb10p-16,
                                   near ? -0x1.a13ebf7f075dfp-19 : -0x1.00b037501b50fp-18,
                                   near ? 0x1.66c4482889f09p-22 : 0x1.9477a6c9ed699p-21,
                                   near ? -0x1.177c6111ca8d9p-25 : -0x1.88d891df21d08p-23,
                                   near ? 0x1.8dc928b6ac459p-29 : 0x1.055c6feaa95a3p-25,
                                   near ? -0x1.04709fb3190c0p-32 : 0x1.54c96300c0b29p-27,
                                   near ? 0x1.3bab2a49433e6p-36 : 0x1.338b15a1c2d3cp-26,
                                   near ? -0x1.63b3e2d5cefdfp-40 : 0x1.2e27304e04fecp-27,
                                   near ? 0x1.778e7e9768683p-44 : 0x1.9734a1a06318cp-29,
                                   near ? -0x1.8499f87ba40a7p-48 : 0x1.28b7938b3599cp-31,
                                   near ? 0x1.623a2498eac22p-52 : 0x1.b2480384de7c1p-35);
    double p_low, sum = sp_fast_sum(near ? 0x1.679282114fedcp-1 : 0x1.1bedfb792b440p-3, v * p, &p_low), rest;
    double far = VM_FMA_F64(-sum, vm_exp_f64(-square), 1.0), product = vm_two_product_f64(a, sum, &rest);
    return copysign(near ? product + VM_FMA_F64(a, p_low + 0x1.4ea7b9d7fab3ep-55, rest) : far, x);
}

/* atan(x) = c + atan(t) with c = 0, pi/4 or pi/2 and t = |x|, (|x| - 1)/(|x| + 1) or -1/|x|, so that
 * |t| < tan(pi/8) = 0.4142; t and c in two parts. Worst error: 1.26 ULP. */
SP_INLINE double sp_atan(double x) {
    double a = fabs(x);
    a = a > 0x1p100 ? 0x1p100 : a; /* pi/2 from 1e16 on */
    double above = a > 2.414213562373095 ? -1.0 : a - 1.0, below_low, below = vm_two_sum_f64(a, 1.0, &below_low);
    below = a > 2.414213562373095 ? a : below;
    below_low = a > 2.414213562373095 ? 0.0 : below_low;
    double c = a > 2.414213562373095 ? 0x1.921fb54442d18p+0 : 0x1.921fb54442d18p-1;
    double c_low = a > 2.414213562373095 ? 0x1.1a62633145c07p-54 : 0x1.1a62633145c07p-55;
    double inverse = 1.0 / below, quotient = above * inverse, lost;
    double product = vm_two_product_f64(quotient, below, &lost);
    double rest = (((above - product) - lost) - quotient * below_low) * inverse;
    int near = a < 0.41421356237309503;
    double t = near ? a : quotient, z = t * t, z2 = z * z, z4 = z2 * z2;
    double p = VM_FMA_F64(z2, -0x1.25a40c51bd7fbp-6, VM_FMA_F64(z, 0x1.37f04ae3d5a93p-5, -0x1.9cdd5404fd510p-5));
    p = VM_FMA_F64(z4, p, sp_cubic(z, z2, -0x1.745cf9105567bp-4, 0x1.3b111cc4ad92ep-4, -0x1.10ebe202bb7b1p-4,
                                          0x1.df11a8fa4ad3cp-5));
    p = VM_FMA_F64(z4, p, sp_cubic(z, z2, -0x1.555555555553dp-2, 0x1.99999999958fdp-3, -0x1.24924922b18fap-3,
                                          0x1.c71c70e7cf2ecp-4));
    rest = VM_FMA_F64(t * z, p, near ? 0.0 : rest + c_low);
    double sum_low, sum = sp_fast_sum(near ? 0.0 : c, t, &sum_low);
    return copysign(near ? t + rest : sum + (sum_low + rest), x);
}

/* sin(x), cos(x) for |x| <= 1e5 (and with this accuracy to 5e7; NaN beyond): n = round(2x/pi) quarter turns are taken
 * off, and more of them added, which makes a cosine of a sine. r = x - n pi/2 comes in two parts from pi/2 in four, of
 * which n times the first three is exact: zeros keep their digits. Of the sine of r and its cosine, and their signs, n
 * mod 4 chooses one. Worst error: 0.77 ULP. */
SP_INLINE double sp_turned_sine(double x, uint64_t quarter) {
    const double magic = 6755399441055744.0;
    x = fabs(x) <= 5e7 ? x : NAN;
    double t = x * 0x1.45f306dc9c883p-1 + magic, n = t - magic, r_low, lost;
    quarter += vm_bits_f64(t);
    double r = vm_two_sum_f64(x - n * 0x1.921fb54p+0, -(n * 0x1.10b461p-30), &r_low);
    r = vm_two_sum_f64(r, -(n * 0x1.a62633p-58), &lost);
    r = sp_fast_sum(r, (r_low + lost) - n * 0x1.45c06e0e68948p-86, &r_low);
    double z = r * r, z2 = z * z, half = 0.5 * z, one = 1.0 - half;
    double s = sp_cubic(z, z2, -0x1.5555555555549p-3, 0x1.111111110f879p-7, -0x1.a01a019c116ddp-13,
                               0x1.71de35778a4bdp-19);
    s = VM_FMA_F64(z2 * z2, VM_FMA_F64(z, 0x1.5d92f4c337650p-33, -0x1.ae5e6613d0b37p-26), s);
    double c = sp_cubic(z, z2, 0x1.555555555554cp-5, -0x1.6c16c16c1517cp-10, 0x1.a01a019cb197ap-16,
                               -0x1.27e4f809d2400p-22);
    c = VM_FMA_F64(z2 * z2, VM_FMA_F64(z, -0x1.8fae8feb25e65p-37, 0x1.1ee9ebd2aeca5p-29), c);
    s = r + VM_FMA_F64(r * z, s, r_low * one);
    c = one + (((1.0 - one) - half) + VM_FMA_F64(z2, c, -r * r_low));
    uint64_t odd = 0 - (quarter & 1), sign = (quarter & 2) << 62;
    return vm_double(((vm_bits_f64(s) & ~odd) | (vm_bits_f64(c) & odd)) ^ sign);
}

SP_INLINE double sp_sin(double x) { return x == 0.0 ? x : sp_turned_sine(x, 0); }
SP_INLINE double sp_cos(double x) { return sp_turned_sine(x, 1); }

/* lgamma(x) for x > 0; inf at 0, NaN below.
 *
 *     x < 2.5    t P(t) - log p,  t = x - 2, x - 1 or x,  p = 1, x or x (x + 1): lgamma(2 + t) and its recurrence
 *     beyond     (x - 1/2) log x - x + log(2 pi)/2 + S(1/x^2)/x: Stirling's series, fitted to this range
 *
 * t is exact and log 1 is 0, so the zeros at 1 and 2 keep their digits. x above 2^900 is taken 2^-200 times.
 * Worst error: 0.96 ULP. */
SP_INLINE double sp_lgamma(double x) {
    int near = x < 2.5;
    double square_low, square = vm_two_product_f64(x, x, &square_low), p_low, p = sp_fast_sum(x, square, &p_low);
    p = x < 0.5 ? p : (near ? (x < 1.5 ? x : 1.0) : x);
    double log_low, log = vm_log_wide_f64(p, &log_low);
    log_low += x < 0.5 ? (p_low + square_low) / p : 0.0;

    double t = x < 0.5 ? x : (x < 1.5 ? x - 1.0 : x - 2.0), inverse = 1.0 / x;
    double v = near ? t : inverse * inverse;
    double q = sp_polynomial_16(v, near ? -0x1.13e001a55755ep-4 : 0x1.a019f5d74bf34p-11,
                                   near ? 0x1.51322ac7d6f93p-6 : -0x1.38104a4c356bep-11,
                                   near ? -0x1.e404fc21d6111p-8 : 0x1.b8c8345db295cp-11,
                                   near ? 0x1.7add6eb02257cp-9 : -0x1.eef528da1f49ep-10,
                                   near ? -0x1.38ac5bfe5a477p-10 : 0x1.7cc33203ff5ecp-8,
                                   near ? 0x1.0b36ae817fb30p-11 : -0x1.4d51db0d03c63p-6,
                                   near ? -0x1.d3fd69d906384p-13 : 0x1.104824ab1d871p-4,
                                   near ? 0x1.a12827912d2c3p-14 : -0x1.5bf4f5cf6fd89p-3,
                                   near ? -0x1.78d910db422c8p-15 : 0x1.2250c49160b3dp-2,
                                   near ? 0x1.57fe0bbf8cfecp-16 : -0x1.cbd7d6299d888p-3,
                                   near ? -0x1.3d4b1867a244dp-17 : 0.0, near ? 0x1.26d833329ae8cp-18 : 0.0,
                                   near ? -0x1.090e8e76d7c6ap-19 : 0.0, near ? 0x1.e31ff3af47cc1p-21 : 0.0,
                                   near ? -0x1.37b6980e39798p-21 : 0.0, near ? 0x1.3fabcda034010p-22 : 0.0);
    double q_low, second = vm_two_product_f64(v, near ? 0x1.4a34cc4a60fa8p-2 : -0x1.6c16c166651fep-9, &q_low), lost;
    q = VM_FMA_F64(v * v, q, q_low + (near ? 0x1.9b9c1f3607286p-60 : 0.0));
    double factor = near ? t : inverse;
    double y_low, y = sp_fast_sum(near ? 0x1.b0ee6072093cep-2 : 0x1.5555555555347p-4, second, &y_low);
    y_low = (y_low + q) * factor;
    y = vm_two_product_f64(y, factor, &lost);
    y_low += lost;

    double scaled = x > 0x1p900 ? x * 0x1p-200 : x, back = x > 0x1p900 ? 0x1p200 : 1.0;
    double k = near ? -1.0 : scaled - 0.5, k_low = near ? 0.0 : (scaled - k) - 0.5;
    double high = vm_two_product_f64(k, log, &lost), rest = VM_FMA_F64(k, log_low, VM_FMA_F64(k_low, log, lost));
    high = vm_two_sum_f64(high, near ? 0.0 : -scaled, &lost);
    rest += lost;
    high = vm_two_sum_f64(high, near ? 0.0 : 0x1.d67f1c864beb5p-1, &lost);
    rest += lost + (near ? 0.0 : -0x1.65b5a1b7ff5dfp-55);
    high = vm_two_sum_f64(high, y, &lost);
    high = (high + (rest + (lost + y_low))) * back;
    high = x > 0.0 ? high : (x == 0.0 ? INFINITY : NAN);
    return x < INFINITY ? high : x;
}

/* digamma(x) for x > 0, the derivative of lgamma; -inf at 0, NaN below.
 *
 *     x < 2      (y - x0) V(y) / y,  with y = x,  or y = x + 1 and 1/x taken off,  over one denominator
 *     beyond     log x - 1/(2x) - D(1/x^2)/x^2
 *
 * x0 = 1.4616..., the zero, in two parts: digamma keeps its digits there. Worst error: 1.22 ULP. */
SP_INLINE double sp_digamma(double x) {
    x = x + 0.0; /* not -0 */
    int near = x < 2.0, below = x < 1.0;
    double y = below ? 1.0 + x : x, lost;
    double d_low, d = vm_two_sum_f64(x, below ? -0x1.d8b618d5af8fep-2 : -0x1.762d86356be3fp+0, &d_low);
    d_low += below ? 0x1.1e563779a1f5bp-56 : -0x1.b86a722197829p-54;
    double divisor_low, divisor = vm_two_product_f64(x, below ? y : 1.0, &divisor_low);
    divisor_low = x < 0x1p900 ? divisor_low : 0.0;
    double inverse = 1.0 / divisor, v = near ? y - 1.5 : inverse * inverse;
    double p = sp_polynomial_16(v, near ? 0x1.433082f058649p-2 : 0x1.5555555555113p-4,
                                   near ? -0x1.0148eed6c6be7p-4 : -0x1.1111110d73ea3p-7,
                                   near ? 0x1.25d9429f5af60p-6 : 0x1.04103c8020e20p-8,
                                   near ? -0x1.8417ed8fab89ap-8 : -0x1.110f94c0a9c3ep-8,
                                   near ? 0x1.13f9ae1d3d87fp-9 : 0x1.f02ebcb9f6c80p-8,
                                   near ? -0x1.996841a6df68dp-11 : -0x1.56e8238ceba1bp-6,
                                   near ? 0x1.379290eae32aep-12 : 0x1.4414c6178eed4p-4,
                                   near ? -0x1.e206f27a145e3p-14 : -0x1.705f57a02348dp-2,
                                   near ? 0x1.78dba23d13cd3p-15 : 0x1.b4779f5df5d8cp+0,
                                   near ? -0x1.28bd0bfa56109p-16 : -0x1.dd5a4ee903b40p+2,
                                   near ? 0x1.d5d1bf9cde0e4p-18 : 0x1.b9ad5626e29c6p+4,
                                   near ? -0x1.751d1eeca0a68p-19 : -0x1.444f1ce08680dp+6,
                                   near ? 0x1.249b1bbedbad1p-20 : 0x1.6490ed65fd806p+7,
                                   near ? -0x1.cf75322bc0237p-22 : -0x1.111e6a76db28ep+8,
                                   near ? 0x1.c001f14255806p-23 : 0x1.0285a041f02edp+8,
                                   near ? -0x1.7164fe46ec152p-24 : -0x1.c5cd0eabf1100p+6);
    double p_low, sum = sp_fast_sum(0x1.6d3498ca56891p+0, VM_FMA_F64(v, p, -0x1.b46c8e19a1fa1p-55), &p_low);

    /* near: (n + n_low) / divisor; beyond: 1 / x */
    double n_low, n = vm_two_product_f64(d, sum, &n_low);
    n_low = VM_FMA_F64(d_low, sum, VM_FMA_F64(d, p_low, n_low));
    double factor = below ? x : 1.0;
    n_low *= factor;
    n = vm_two_product_f64(n, factor, &lost);
    n_low += lost;
    n = vm_two_sum_f64(n, below ? -y : 0.0, &lost);
    n = near ? n : 1.0;
    n_low = near ? n_low + lost : 0.0;
    double quotient = n * inverse, product = vm_two_product_f64(quotient, divisor, &lost);
    double rest = ((((n - product) - lost) + n_low) - quotient * divisor_low) * inverse;
    rest = x > 0x1p-960 ? (x < 0x1p900 ? rest : 0.0) : 0.0;

    double log_low, log = vm_log_wide_f64(x, &log_low);
    log_low -= VM_FMA_F64(v, p, 0.5 * rest);
    double high = sp_fast_sum(log, -0.5 * quotient, &lost);
    high += lost + log_low;
    high = near ? quotient + rest : high;
    high = x < INFINITY ? high : x;
    return x < 0.0 ? NAN : high;
}

/* trigamma(x) for x > 0, the derivative of digamma; inf at 0, NaN below.
 *
 *     x < 2      Z(y) / y^2,  with y = x,  or y = x + 1 and 1/x^2 added,  over one denominator
 *     beyond     1/x + 1/(2x^2) + T(1/x^2)/x^3
 *
 * Worst error: 1.84 ULP, and 0.8 above 1e-144. */
SP_INLINE double sp_trigamma(double x) {
    x = x + 0.0; /* not -0 */
    int near = x < 2.0, below = x < 1.0;
    double y = below ? 1.0 + x : x, lost;
    double divisor_low, divisor = vm_two_product_f64(x, below ? y : 1.0, &divisor_low);
    double inverse = 1.0 / divisor, product = vm_two_product_f64(inverse, divisor, &lost);
    double inverse_low = (((1.0 - product) - lost) - inverse * divisor_low) * inverse;
    inverse_low = x > 0x1p-480 ? (x < 0x1p480 ? inverse_low : 0.0) : 0.0;
    double v = near ? y - 1.5 : inverse * inverse;
    double p = sp_polynomial_17(v, near ? 0x1.e1151b2c50aabp-1 : -0x1.1111110fdf826p-5,
                                   near ? 0x1.13938644c10c1p-5 : 0x1.86185f5e8171cp-6,
                                   near ? -0x1.26f951ad2e778p-6 : -0x1.11109133bb358p-5,
                                   near ? 0x1.314278451d7b3p-7 : 0x1.363b8994fc7e8p-4,
                                   near ? -0x1.32fab966803c5p-8 : -0x1.02551ddb3e89bp-2,
                                   near ? 0x1.2d3ccf1cf999dp-9 : 0x1.232cf6b5044f0p+0,
                                   near ? -0x1.217188dcbf92bp-10 : -0x1.93f6990a6a187p+2,
                                   near ? 0x1.1119d6228d53ep-11 : 0x1.324fa536432bap+5,
                                   near ? -0x1.fb4e46f360947p-13 : -0x1.c4bb805c2dadbp+7,
                                   near ? 0x1.d0c0205e9c442p-14 : 0x1.2ae546a10c780p+10,
                                   near ? -0x1.a4b394d27a58bp-15 : -0x1.4c302aced9043p+12,
                                   near ? 0x1.7953207173800p-16 : 0x1.2989c3e0b5f53p+14,
                                   near ? -0x1.4f43f216a38a6p-17 : -0x1.9d34422ca130fp+15,
                                   near ? 0x1.202ce07c00761p-18 : 0x1.a956bad67d57dp+16,
                                   near ? -0x1.f1db5d05ee1a7p-20 : -0x1.301515d776849p+17,
                                   near ? 0x1.148974bcccb74p-20 : 0x1.0cc3ba793a3d5p+17,
                                   near ? -0x1.f4864f070eb18p-22 : -0x1.b98023a26b26ep+15);
    p = VM_FMA_F64(v, p, near ? -0x1.9a50e349cc20ap-53 : 0x1.5555555555378p-3);
    double p_low, sum = sp_fast_sum(0x1.0d3918bd83a69p+1, p, &p_low);

    /* near: n / divisor^2; beyond: k / x */
    double a_low, a = vm_two_product_f64(x, x, &a_low), b_low, b = vm_two_product_f64(y, y, &b_low);
    double n_low, n = vm_two_product_f64(a, sum, &n_low);
    n_low = VM_FMA_F64(a_low, sum, VM_FMA_F64(a, p_low, n_low)) + b_low;
    n = vm_two_sum_f64(n, b, &lost);
    n_low = below ? n_low + lost : p_low;
    n = below ? n : sum;
    double k_low, k = vm_two_product_f64(n, inverse, &k_low);
    k_low = VM_FMA_F64(n_low, inverse, VM_FMA_F64(n, inverse_low, k_low));
    double far = sp_fast_sum(1.0, 0.5 * inverse, &lost);
    lost += VM_FMA_F64(v, p, 0.5 * inverse_low);
    k_low = near ? k_low : lost;
    k = near ? k : far;
    double high = vm_two_product_f64(k, inverse, &lost);
    lost = VM_FMA_F64(k_low, inverse, VM_FMA_F64(k, inverse_low, lost));
    lost = x > 0x1p-480 ? (x < 0x1p480 ? lost : 0.0) : 0.0;
    return x < 0.0 ? NAN : high + lost;
}

/* (n + n_low) / (d + d_low) in two parts, of which the low is left out where two_product cannot give it. */
SP_INLINE double sp_quotient(double n, double n_low, double d, double d_low, double *low) {
    double quotient = n / d, lost, product = vm_two_product_f64(quotient, d, &lost);
    lost = ((((n - product) - lost) + n_low) - quotient * d_low) / d;
    *low = fabs(n) > 0x1p-960 ? (fabs(d) < 0x1p960 ? lost : 0.0) : 0.0;
    return quotient;
}

/* A step of Horner's scheme for a polynomial p at ss, and for (p(ss) - p(rr)) / (ss - rr), in which nothing cancels. */
#define SP_STEP(c) slope = VM_FMA_F64(slope, rr, value), value = VM_FMA_F64(value, ss, c)

/* What Stirling's series adds to the leading terms of lgamma, digamma and trigamma, for x >= 2, of which little is
 * left where they cancel. All three are about constant:
 *
 *     lgamma(x) = (x - 1/2) log x - x + log(2 pi)/2 + lgamma_rest(x)/x
 *     digamma(x) = log x - 1/(2x) - digamma_rest(x)/x^2
 *     trigamma(x) = 1/x + 1/(2x^2) + trigamma_rest(x)/x^3
 *
 * Polynomials in 1/x^2 that meet them at Chebyshev points, to 2.4 times 2^-53 of themselves. */
SP_INLINE double sp_lgamma_rest(double x) {
    double r = 1.0 / x;
    return sp_polynomial_17(r * r, 0x1.5555555555555p-4, -0x1.6c16c16c127a8p-9, 0x1.a01a0185e1690p-11,
                            -0x1.38137104d0a96p-11, 0x1.b94c816a68669p-11, -0x1.f61ca08180980p-10,
                            0x1.9f1331eb3c63ap-8, -0x1.c2ff5c7ff2fa6p-6, 0x1.1b5efc97ba7a6p-3, -0x1.6733628406f0cp-1,
                            0x1.9af7a8e14d843p+1, -0x1.8862f42dffe9ap+3, 0x1.26e38c0bfefd6p+5, -0x1.4a2c3553df01dp+6,
                            0x1.00b49d8f10e83p+7, -0x1.ec2d424ae2084p+6, 0x1.b4c8f57863073p+5);
}

SP_INLINE double sp_digamma_rest(double x) {
    double r = 1.0 / x, v = r * r;
    double p = sp_polynomial_17(v, -0x1.1111111109e62p-7, 0x1.041040eb6b06bp-8, -0x1.1110fff770a6ap-8,
                                0x1.f075bb607ec82p-8, -0x1.593636e943c74p-6, 0x1.5186623adf876p-4,
                                -0x1.a966fb638e1f4p-2, 0x1.344e133fb731dp+1, -0x1.c59f1b96a8f96p+3,
                                0x1.318d7f96efe83p+6, -0x1.5ea8e09c8d243p+8, 0x1.45d47e6a504d0p+10,
                                -0x1.d5ccd8a45d646p+11, 0x1.f59444d65bd73p+12, -0x1.733d535894f38p+13,
                                0x1.52f922c7da7ccp+13, -0x1.1eff058434261p+12);
    return VM_FMA_F64(v, p, 0x1.5555555555554p-4);
}

SP_INLINE double sp_trigamma_rest(double x) {
    double r = 1.0 / x, v = r * r;
    double p = sp_polynomial_17(v, -0x1.111107f7e3e40p-5, 0x1.364b790b7d9a6p-4, -0x1.030945f662228p-2,
                                0x1.28bc3dee736d9p+0, -0x1.b3ea746ff8f10p+2, 0x1.76fc7c0c0fceap+5,
                                -0x1.52e2282ac2b20p+8, 0x1.23b7e4c0d5847p+11, -0x1.bd9ec0d8315d3p+13,
                                0x1.20080111bfb0dp+16, -0x1.30b2cf51e8539p+18, 0x1.005457e782052p+20,
                                -0x1.4c8f90351f6c4p+21, 0x1.3f75ff8e5de67p+22, -0x1.aabfd6cca6309p+22,
                                0x1.61306b952b4e5p+22, -0x1.10669057b3371p+21);
    p = VM_FMA_F64(v, VM_FMA_F64(v, p, 0x1.86186170dcbcfp-6), -0x1.111111110c101p-5);
    return VM_FMA_F64(v, p, 0x1.5555555555554p-3);
}

/* What the differences f(x + d) - f(x) of f = lgamma, digamma and trigamma have in common, for x > 0 and x + d > 0.
 *
 *     f(x + d) - f(x) = f(X + d) - f(X) + what the recurrence adds,   X = x + 2 if x or x + d is below 2, else x
 *
 * In Stirling's series, in r = 1/X and s = 1/(X + d), every difference is taken as d times something: r - s = d r s,
 * the polynomials give their divided differences, the logarithms log(1 + d/X). So a small d costs no digits and d = 0
 * gives 0. Sums such as x + d are kept in two parts. If d is less than -x/2, x and x + d (exact there) change places.
 * A tiny d is made 2^400 times as large, for its products not to lose digits among the denormal numbers: there the
 * result is linear in d. */
typedef struct {
    double x, d, a, a_low;     /* a = x + d */
    double shift;              /* X - x: 2 or 0 */
    double X, X_low, A, A_low; /* A = X + d */
    double v, v_low;           /* d / X */
    double r, s;               /* 1 / X and 1 / A */
    double part;               /* d / A */
    double back;               /* what the result is to be multiplied by */
} sp_pair;

SP_INLINE sp_pair sp_prepare(double x, double d) {
    sp_pair p;
    double up = fabs(d) < 0x1p-500 ? (fabs(d) < 0x1p-500 * x ? 0x1p400 : 1.0) : 1.0;
    d *= up;
    p.a = vm_two_sum_f64(x, d, &p.a_low);
    int flip = d < -0.5 * x;
    p.back = (flip ? -1.0 : 1.0) / up;
    p.x = flip ? p.a : x;
    p.a = flip ? x : p.a;
    p.a_low = flip ? 0.0 : p.a_low;
    p.a_low = p.a < 0x1p200 ? p.a_low : 0.0; /* NaN if a is infinite */
    p.d = flip ? -d : d;
    p.back = p.x < 0.0 ? NAN : p.back;

    p.shift = p.a < 2.0 ? 2.0 : 0.0;
    p.shift = p.x < 2.0 ? 2.0 : p.shift;
    p.X = vm_two_sum_f64(p.x, p.shift, &p.X_low);
    p.A = vm_two_sum_f64(p.a, p.shift, &p.A_low);
    p.X_low = p.X < 0x1p200 ? p.X_low : 0.0;
    p.A_low = p.A < 0x1p200 ? p.A_low + p.a_low : 0.0;
    p.v = sp_quotient(p.d, 0.0, p.X, p.X_low, &p.v_low);
    p.v_low = p.X < 0x1p200 ? (p.d < 0x1p200 ? p.v_low : 0.0) : 0.0;
    p.r = 1.0 / p.X;
    p.s = 1.0 / p.A;
    p.part = p.d < 0x1p100 ? p.d * p.s : 1.0; /* beyond, either A is as good as d or r is as good as 0 */
    return p;
}

/* lgamma(x + d) - lgamma(x):
 *
 *     (X + d - 1/2) log(1 + d/X) + d (log X - 1) - d r s (S(s^2) + r (r + s) Q) - log(1 + u),
 *
 * Q the divided difference of S; 1 + u = (x + d) (x + d + 1) / (x (x + 1)), or 1. Where x and x + d lie on both sides
 * of lgamma's minimum and give about the same, the terms cancel.
 * Worst error: 1.60 ULP of the result, or of d / 32 where that is larger. */
SP_INLINE double sp_lgamma_difference(double x, double d) {
    sp_pair p = sp_prepare(x, d);
    double lost;

    /* u. Where d is beyond 2^64, no digit of the result depends on it; 2^-300 u if x is tiny and d is not. */
    double e = p.d > 0x1p64 ? 0x1p64 : p.d, a = p.a > 0x1p64 ? 0x1p64 : p.a;
    e = p.shift > 0.0 ? e : 0.0;
    double up = p.x < 0x1p-500 ? 0x1p500 : 1.0, offset = e * up > 0x1p400 ? 0x1.9fe3682cd3be4p+7 : 0.0; /* 300 log 2 */
    e *= e * up > 0x1p400 ? 0x1p200 : up;
    double sum_low, sum = vm_two_sum_f64(a, p.x, &sum_low);
    sum = vm_two_sum_f64(sum, 1.0, &lost);
    double n_low, n = vm_two_product_f64(sum, e, &n_low);
    n_low = VM_FMA_F64(sum_low + lost + p.a_low, e, n_low);
    double next_low, next = vm_two_sum_f64(p.x, 1.0, &next_low), t = p.x * up;
    double divisor_low, divisor = vm_two_product_f64(t, next, &divisor_low);
    double u_low, u = sp_quotient(n, n_low, divisor, VM_FMA_F64(t, next_low, divisor_low), &u_low);
    u = p.shift > 0.0 ? u : 0.0;
    u_low = p.shift > 0.0 ? u_low : 0.0;
    double log_u_low, log_u = vm_log1p_wide_f64(u, &log_u_low);
    log_u_low += u_low / (1.0 + u);

    double log_v_low, log_v = vm_log1p_wide_f64(p.v, &log_v_low), log_low, log = vm_log_wide_f64(p.X, &log_low);
    log_v_low += p.v_low * p.X * p.s;
    log_low += p.X_low * p.r;

    double down = p.A > 0x1p800 ? 0x1p-200 : 1.0, f = p.d * down;
    double k_low, k = vm_two_sum_f64(p.A * down, -0.5, &k_low);
    k_low += p.A_low * down;
    double first_low, first = vm_two_product_f64(k, log_v, &first_low);
    first_low += VM_FMA_F64(k, log_v_low, k_low * log_v);
    int linear = fabs(p.v) < (p.X > 0x1p100 ? 0x1p-100 : 0.0); /* log(1 + v) would be denormal */
    first = linear ? f : first;
    first_low = linear ? 0.0 : first_low;
    double m_low, m = vm_two_sum_f64(log, -1.0, &m_low);
    double second_low, second = vm_two_product_f64(f, m, &second_low);
    second_low = VM_FMA_F64(f, m_low + log_low, second_low);

    double rr = p.r * p.r, ss = p.s * p.s, value = -0x1.d470934622210p+1, slope = 0.0;
    SP_STEP(0x1.1d440048c268ap+3); SP_STEP(-0x1.43b2454a7f010p+3); SP_STEP(0x1.c86796451b859p+2);
    SP_STEP(-0x1.c3366af599be6p+1); SP_STEP(0x1.508410e0aca7fp+0); SP_STEP(-0x1.91fb34fa1e10dp-2);
    SP_STEP(0x1.9acaf0586eea2p-4); SP_STEP(-0x1.88ee3b557af85p-6); SP_STEP(0x1.8ede7da6d74b6p-8);
    SP_STEP(-0x1.f2c6052a10eb3p-10); SP_STEP(0x1.b90d1988db5c7p-11); SP_STEP(-0x1.3811ce930b290p-11);
    SP_STEP(0x1.a019fa669b033p-11); SP_STEP(-0x1.6c16c16745384p-9); SP_STEP(0x1.5555555555113p-4);
    double third = -p.part * p.r * VM_FMA_F64(p.r * (p.r + p.s), slope, value);

    double rest = first_low + second_low - log_u_low, high = vm_two_sum_f64(first, second, &lost);
    rest += lost;
    high = vm_two_sum_f64(high, -log_u, &lost);
    rest += lost;
    high = vm_two_sum_f64(high, third, &lost);
    rest += lost;
    high = vm_two_sum_f64(high, -offset, &lost);
    rest += lost;
    double result = high + rest;
    result = result == result ? result : high; /* the rest of an infinity is NaN */
    return result * (p.back / down);
}

/* digamma(x + d) - digamma(x): terms of one sign,
 *
 *     log(1 + d/X) + d r s (1/2 + (r + s) Q), and if X = x + 2  + d / (x (x + d)) + d / ((x + 1) (x + d + 1)),
 *
 * Q the divided difference of w D(w). Worst error: 1.65 ULP. */
SP_INLINE double sp_digamma_difference(double x, double d) {
    sp_pair p = sp_prepare(x, d);
    double log_low, log = vm_log1p_wide_f64(p.v, &log_low), lost;
    log_low += p.v_low * p.X * p.s;
    double rr = p.r * p.r, ss = p.s * p.s, value = -0x1.8871e6c942cd3p+10, slope = 0.0;
    SP_STEP(0x1.f9e8e689d70a0p+11); SP_STEP(-0x1.301515d776849p+12); SP_STEP(0x1.c5b1d85c416ecp+11);
    SP_STEP(-0x1.d83bb95793a5bp+10); SP_STEP(0x1.6e33673bf3a3fp+9); SP_STEP(-0x1.baeae3be76b04p+7);
    SP_STEP(0x1.b2c1db18cc517p+5); SP_STEP(-0x1.6a2f99e357be2p+3); SP_STEP(0x1.1046cbbe74989p+1);
    SP_STEP(-0x1.93f6990a6a187p-2); SP_STEP(0x1.4cc5ac3c9735cp-4); SP_STEP(-0x1.58717d2453623p-6);
    SP_STEP(0x1.f05f4287fa63fp-8); SP_STEP(-0x1.11109133bb358p-8); SP_STEP(0x1.04103f94564bdp-8);
    SP_STEP(-0x1.1111110fdf826p-7); SP_STEP(0x1.5555555555378p-4);
    double rest = p.part * p.r * VM_FMA_F64(p.r + p.s, VM_FMA_F64(rr, slope, value), 0.5);

    double q_low, q = sp_quotient(p.d, 0.0, p.a, p.a_low, &q_low);
    double first_low, first = sp_quotient(q, q_low, p.x, 0.0, &first_low);
    double second = p.d * (1.0 / (p.a + 1.0)) * (1.0 / (p.x + 1.0));
    rest += p.shift > 0.0 ? second + first_low : 0.0;
    double high = vm_two_sum_f64(log, p.shift > 0.0 ? first : 0.0, &lost);
    double result = high + (rest + (lost + log_low));
    result = result == result ? result : high;
    return result * p.back;
}

/* trigamma(x + d) - trigamma(x): terms of one sign,
 *
 *     -d r s (1 + (r + s)/2 + s^2 T(s^2) + r (r + s) Q), and if X = x + 2
 *     -d / (x (x + d)) (1/x + 1/(x + d)) - d / ((x + 1) (x + d + 1)) (1/(x + 1) + 1/(x + d + 1)),
 *
 * Q the divided difference of w T(w). Worst error: 1.95 ULP. */
SP_INLINE double sp_trigamma_difference(double x, double d) {
    sp_pair p = sp_prepare(x, d);
    double rr = p.r * p.r, ss = p.s * p.s, value = -0x1.638f84aa3135ep+19, slope = 0.0, lost;
    SP_STEP(0x1.f0b8c1eaf3748p+20); SP_STEP(-0x1.44c6c7408da5cp+21); SP_STEP(0x1.08670b269741dp+21);
    SP_STEP(-0x1.2ce42fb16cdc9p+20); SP_STEP(0x1.fdd507dd6d94ap+18); SP_STEP(-0x1.4ee5e8fd10828p+17);
    SP_STEP(0x1.5fa50265148a2p+15); SP_STEP(-0x1.2f3592a13b7aap+13); SP_STEP(0x1.ba80e2aa8506ep+10);
    SP_STEP(-0x1.1c8d09ef46781p+8); SP_STEP(0x1.56894dddfc8cfp+5); SP_STEP(-0x1.a5119fadcaad6p+2);
    SP_STEP(0x1.262d7544f2fdep+0); SP_STEP(-0x1.02b669cfc5a7fp-2); SP_STEP(0x1.36440a15383c3p-4);
    SP_STEP(-0x1.1110ce806cf72p-5); SP_STEP(0x1.8618605c7052cp-6); SP_STEP(-0x1.111111105701bp-5);
    SP_STEP(0x1.55555555553cfp-3);
    double q_low, q = sp_quotient(p.d, 0.0, p.A, p.A_low, &q_low);
    double high_low, high = sp_quotient(q, q_low, p.X, p.X_low, &high_low);
    double k = VM_FMA_F64(p.r * (p.r + p.s), VM_FMA_F64(rr, slope, value), ss * value) + 0.5 * (p.r + p.s);
    double rest = VM_FMA_F64(high, k, high_low);

    q = sp_quotient(p.d, 0.0, p.a, p.a_low, &q_low);
    double first_low, first = sp_quotient(q, q_low, p.x, 0.0, &first_low);
    double r_low, r = sp_quotient(1.0, 0.0, p.x, 0.0, &r_low), s_low, s = sp_quotient(1.0, 0.0, p.a, p.a_low, &s_low);
    double sum_low, sum = vm_two_sum_f64(r, s, &sum_low);
    double product_low, product = vm_two_product_f64(first, sum, &product_low);
    product = first == 0.0 ? 0.0 : product; /* even if the sum is infinite */
    product_low += VM_FMA_F64(first_low, sum, first * (sum_low + (r_low + s_low)));
    r = 1.0 / (p.x + 1.0);
    s = 1.0 / (p.a + 1.0);
    rest += p.shift > 0.0 ? p.d * s * r * (r + s) + product_low : 0.0;
    high = vm_two_sum_f64(high, p.shift > 0.0 ? product : 0.0, &lost);
    double result = high + (rest + lost);
    result = result == result ? result : high;
    return 0.0 - result * p.back;
}

/* log I_0(k) of the modified Bessel function, less k if it is scaled, for k >= 0; NaN below.
 *
 *     k < 12    log(1 + z + z^2 Q(z)),  z = k^2/4
 *     beyond    k - log(k)/2 - log(2 pi)/2 + L(1/k)/k
 *
 * Worst error: 1.55 ULP. */
SP_INLINE double sp_log_bessel(double k, int scaled) {
    int near = k < 12.0;
    double half = 0.5 * k, z_low, z = vm_two_product_f64(half, half, &z_low), r = 1.0 / k, lost;
    z_low = k > 0x1p-400 ? z_low : 0.0;
    double q = sp_polynomial_16(near ? z : r, near ? 0x1.ffffffffffff7p-3 : 0x1.ffffffffd5beep-4,
                                              near ? 0x1.c71c71c71c8b2p-6 : 0x1.0000004cfb53dp-4,
                                              near ? 0x1.c71c71c7198b0p-10 : 0x1.0aaa7833b055ep-4,
                                              near ? 0x1.23456789d497cp-14 : 0x1.a00dc761a5f75p-4,
                                              near ? 0x1.02e85c060c003p-19 : 0x1.ad24d23f4cb84p-3,
                                              near ? 0x1.522a44298db48p-25 : 0x1.e4c7ed635532ep-2,
                                              near ? 0x1.522a41471ed6dp-31 : 0x1.b518de1a713b2p+2,
                                              near ? 0x1.0b314b965043cp-37 : -0x1.ba0714585007fp+7,
                                              near ? 0x1.56003a7a27b73p-44 : 0x1.8be2cac99535ep+12,
                                              near ? 0x1.69d73a10b25a2p-51 : -0x1.c94e5bc07d184p+16,
                                              near ? 0x1.413e97467f7d6p-58 : 0x1.625ab200f60cap+20,
                                              near ? 0x1.eab8852871dc6p-66 : -0x1.5f4e781999011p+23,
                                              near ? 0x1.30f9c76dd267dp-73 : 0x1.93b6be77a0107p+25,
                                              near ? 0x1.ad2381b9dfd5cp-81 : -0x1.9512867b5c396p+26,
                                              near ? 0x1.16f22e0a44ecap-90 : 0.0, near ? 0x1.6ea45ba0c51e7p-96 : 0.0);
    double u_low, u = vm_two_sum_f64(z, z * z * q, &u_low);
    u_low += z_low;
    u = near ? u : k - 1.0;
    double log_low, log = vm_log1p_wide_f64(u, &log_low);
    log_low += near ? u_low / (1.0 + u) : 0.0;
    double high = vm_two_sum_f64(scaled ? 0.0 : k, -0.5 * log, &lost), rest = VM_FMA_F64(r, q, lost - 0.5 * log_low);
    high = vm_two_sum_f64(high, -0x1.d67f1c864beb5p-1, &lost);
    high += rest + (lost + 0x1.65b5a1b7ff5dfp-55);
    high = near ? (scaled ? (log - k) + log_low : log + log_low) : high;
    high = k < INFINITY ? high : (scaled ? -k : k);
    return k < 0.0 ? NAN : high;
}

SP_INLINE double sp_log_i0(double k) { return sp_log_bessel(k, 0); }
SP_INLINE double sp_log_i0_scaled(double k) { return sp_log_bessel(k, 1); }

/* A step of Horner's scheme in two parts, h + l: sums of positive terms to twice the precision, almost. */
SP_INLINE double sp_wide_step(double h, double v, double c, double *l) {
    double product_low, sum_low, product = vm_two_product_f64(h, v, &product_low);
    h = vm_two_sum_f64(product, c, &sum_low);
    *l = VM_FMA_F64(*l, v, product_low + sum_low);
    return h;
}

/* What the next two functions are made of: N(z) and D(z) with z = k^2/4, from k = 16 on E(r^2) and O(r^2) with
 * r = 1/k. N and D grow to 4e3 and 3e4, and each step of such a sum rounds: they come in two parts. */
typedef struct {
    double v, p, p_low, q, q_low; /* z, N and D, or r^2, E and O */
} sp_bessel;

SP_INLINE sp_bessel sp_bessel_parts(double k) {
    int near = k < 16.0;
    double half = 0.5 * k, r = 1.0 / k;
    sp_bessel b = {near ? half * half : r * r, 0.0, 0.0, 0.0, 0.0};
    b.p = near ? 0x1.885bb131c767cp-59 : 0.0;
    b.q = near ? 0x1.748373570c4cdp-52 : 0.0;
    b.p = sp_wide_step(b.p, b.v, near ? 0x1.5454471caa393p-46 : 0x1.1f3806a4df947p+43, &b.p_low);
    b.p = sp_wide_step(b.p, b.v, near ? 0x1.5502c03caa461p-36 : 0x1.771594d55dfeap+37, &b.p_low);
    b.p = sp_wide_step(b.p, b.v, near ? 0x1.d15c0879c4ac0p-28 : 0x1.35b218ce0ac93p+29, &b.p_low);
    b.p = sp_wide_step(b.p, b.v, near ? 0x1.195767f023bb0p-20 : 0x1.ea655c40758edp+17, &b.p_low);
    b.p = sp_wide_step(b.p, b.v, near ? 0x1.4ee97624695fdp-14 : -0x1.4f37a84642324p+6, &b.p_low);
    b.p = sp_wide_step(b.p, b.v, near ? 0x1.9230a4dc88601p-9 : 0x1.6b6f7c84bd384p+3, &b.p_low);
    b.p = sp_wide_step(b.p, b.v, near ? 0x1.d26cba21af67cp-5 : 0x1.0c3f971c2772ep+0, &b.p_low);
    b.p = sp_wide_step(b.p, b.v, near ? 0x1.c680f2e885ca7p-2 : 0x1.8ffffffe8b94ep-3, &b.p_low);
    b.p = sp_wide_step(b.p, b.v, near ? 0x1.0000000000000p+0 : 0x1.0000000000000p-3, &b.p_low);
    b.q = sp_wide_step(b.q, b.v, near ? 0x1.93845b27fd627p-41 : -0x1.54097ce02cc11p+44, &b.q_low);
    b.q = sp_wide_step(b.q, b.v, near ? 0x1.c355391617f8ap-32 : -0x1.adb315fa089cdp+40, &b.q_low);
    b.q = sp_wide_step(b.q, b.v, near ? 0x1.947b8fd7e9dbdp-24 : -0x1.a4249216b3041p+33, &b.q_low);
    b.q = sp_wide_step(b.q, b.v, near ? 0x1.57749452589dfp-17 : -0x1.1d085a0839d1dp+24, &b.q_low);
    b.q = sp_wide_step(b.q, b.v, near ? 0x1.25f956197e2bbp-11 : 0x1.4f8b0817d6c29p+12, &b.q_low);
    b.q = sp_wide_step(b.q, b.v, near ? 0x1.f80dc063c6cb9p-7 : 0x1.ae8169bca5fafp+5, &b.q_low);
    b.q = sp_wide_step(b.q, b.v, near ? 0x1.907176c646f9bp-3 : 0x1.9c220a53b6c17p+1, &b.q_low);
    b.q = sp_wide_step(b.q, b.v, near ? 0x1.e340797442e54p-1 : 0x1.a0000180be81bp-2, &b.q_low);
    b.q = sp_wide_step(b.q, b.v, near ? 0x1.0000000000000p+0 : 0x1.00000000004acp-3, &b.q_low);
    return b;
}

/* 1 - I_1(k) / I_0(k) for k >= 0, which is about 1/(2k) for a large k. */
SP_INLINE double sp_bessel_ratio_lack(double k) {
    sp_bessel b = sp_bessel_parts(k);
    double r = 1.0 / k, low, quotient = sp_quotient(b.p, b.p_low, b.q, b.q_low, &low), lost, rest;
    double near = vm_two_product_f64(0.5 * k, quotient, &lost);
    lost = k > 0x1p-900 ? VM_FMA_F64(0.5 * k, low, lost) : 0.0;
    near = vm_two_sum_f64(1.0, -near, &rest) + (rest - lost);
    double far = r * VM_FMA_F64(r, VM_FMA_F64(r, b.q, b.p), 0.5);
    far = k < 16.0 ? near : far;
    return k < 0.0 ? NAN : far;
}

/* I_1(k) / I_0(k), the derivative of log I_0, for k >= 0; NaN below.
 *
 *     k < 16    k/2 N(z) / D(z)
 *     beyond    1 - r/2 - r^2 C(r),  C(r) = E(r^2) + r O(r^2)
 *
 * Worst error: 1.25 ULP. */
SP_INLINE double sp_bessel_ratio(double k) {
    sp_bessel b = sp_bessel_parts(k);
    double r = 1.0 / k, low, quotient = sp_quotient(b.p, b.p_low, b.q, b.q_low, &low), lost;
    double near = vm_two_product_f64(0.5 * k, quotient, &lost);
    near += k > 0x1p-900 ? VM_FMA_F64(0.5 * k, low, lost) : 0.0;
    double far = 1.0 - r * VM_FMA_F64(r, VM_FMA_F64(r, b.q, b.p), 0.5);
    far = k < 16.0 ? near : far;
    return k < 0.0 ? NAN : far;
}

/* The derivative of bessel_ratio, which is 1 - ratio^2 - ratio/k, without the cancellation. For k >= 0; NaN below.
 *
 *     k < 16    M(z) / D(z)^2
 *     beyond    r^2 (1/4 + 2 C(r) - r^2 C(r)^2)
 *
 * Worst error: 1.75 ULP. */
SP_INLINE double sp_bessel_ratio_slope(double k) {
    sp_bessel b = sp_bessel_parts(k);
    double m = 0x1.20f92f1e4000fp-125, m_low = 0.0;
    m = sp_wide_step(m, b.v, -0x1.51b6a1f2c763bp-116, &m_low);
    m = sp_wide_step(m, b.v, 0x1.737005d4ada30p-108, &m_low);
    m = sp_wide_step(m, b.v, -0x1.faf157eeb57cap-101, &m_low);
    m = sp_wide_step(m, b.v, 0x1.93e757db61ff9p-93, &m_low);
    m = sp_wide_step(m, b.v, 0x1.b3d2cde85113fp-84, &m_low);
    m = sp_wide_step(m, b.v, 0x1.90431ee90ca47p-74, &m_low);
    m = sp_wide_step(m, b.v, 0x1.7229ddd950cf3p-65, &m_low);
    m = sp_wide_step(m, b.v, 0x1.b0daa2f6c07eap-57, &m_low);
    m = sp_wide_step(m, b.v, 0x1.4c38e5a31fed4p-49, &m_low);
    m = sp_wide_step(m, b.v, 0x1.5b7914587ecc1p-42, &m_low);
    m = sp_wide_step(m, b.v, 0x1.f96ffab2e7255p-36, &m_low);
    m = sp_wide_step(m, b.v, 0x1.02aa175369574p-29, &m_low);
    m = sp_wide_step(m, b.v, 0x1.75880429399b9p-24, &m_low);
    m = sp_wide_step(m, b.v, 0x1.7ab1b1bba5570p-19, &m_low);
    m = sp_wide_step(m, b.v, 0x1.09b5f28c20138p-14, &m_low);
    m = sp_wide_step(m, b.v, 0x1.f88ac20ccf201p-11, &m_low);
    m = sp_wide_step(m, b.v, 0x1.374c278b701a1p-7, &m_low);
    m = sp_wide_step(m, b.v, 0x1.df568d0421c71p-5, &m_low);
    m = sp_wide_step(m, b.v, 0x1.8d01e5d10b952p-3, &m_low);
    m = sp_wide_step(m, b.v, 0x1.0000000000000p-1, &m_low);
    double low, near = sp_quotient(m, m_low, b.q, b.q_low, &low);
    near = sp_quotient(near, low, b.q, b.q_low, &low);

    double r_low, r = sp_quotient(1.0, 0.0, k, 0.0, &r_low), c = VM_FMA_F64(r, b.q, b.p);
    double square_low, square = vm_two_product_f64(r, r, &square_low), far_low;
    double factor_low, factor = vm_two_sum_f64(0.25, 2.0 * b.p, &factor_low);
    factor_low += VM_FMA_F64(2.0 * r, b.q, VM_FMA_F64(-r * c, r * c, 2.0 * b.p_low));
    double far = vm_two_product_f64(square, factor, &far_low);
    far_low += VM_FMA_F64(VM_FMA_F64(2.0 * r, r_low, square_low), factor, square * factor_low);
    far += k < 0x1p400 ? far_low : square * factor_low;
    far = k < 16.0 ? near + low : far;
    return k < 0.0 ? NAN : far;
}

#endif
