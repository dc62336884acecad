/* Elementary functions for loops that vectorise, and the row sums and maxima that a plain loop may not reorder.
 *
 * Branch-free C for float (_f32) and double (_f64): a compiler vectorises a loop that calls them, which no call of
 * libm allows. Every fused multiply-add is written out and contraction is off (setup.py), so an element gets the
 * same bits wherever it stands in a loop, in the vector body or in the rest, with or without its gradient.
 *
 * The worst errors below, over all three instruction sets, are measured again by tests/test_vecmath.py: float32 over
 * tens of millions of values, float64 over two million. Polynomials are summed in pairs (Estrin), which keeps the
 * chain of dependent operations short: two iterations then overlap (BCE with logits 12.5 -> 11.7 ms for 10 M).
 * Coefficients: weighted minimax fits, made with mpmath at 60 digits.
 *
 * A name ending in _wide takes or gives a number in two parts, high + low, of which low is what high rounded off. What
 * is amplified needs it: an exponent of 700 turns half an ulp of its own into 350 ULP of the result.
 */
#ifndef FASTLOSS_VECMATH_H
#define FASTLOSS_VECMATH_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__GNUC__)
#define VM_INLINE static inline __attribute__((always_inline)) /* a call would end the vectors of a loop */
#else
#define VM_INLINE static inline
#endif

#if defined(__FMA__) || defined(__aarch64__)
#define VM_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#define VM_FMA_F64(a, b, c) __builtin_fma(a, b, c)
#else /* a call of libm's software fma would cost a hundred times more */
#define VM_FMA_F32(a, b, c) ((a) * (b) + (c))
#define VM_FMA_F64(a, b, c) ((a) * (b) + (c))
#endif

VM_INLINE float vm_float(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
VM_INLINE uint32_t vm_bits_f32(float x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }
VM_INLINE double vm_double(uint64_t bits) { double x; memcpy(&x, &bits, 8); return x; }
VM_INLINE uint64_t vm_bits_f64(double x) { uint64_t bits; memcpy(&bits, &x, 8); return bits; }

/* a + b, a b and a / b in two parts: the return value is what C gives, *low what it rounded off (of the quotient to
 * 2^-53 of itself, of the others exactly). *low is NaN or wrong where the result is not finite, where the product or
 * its factors are above 2^996, and below 2^-969, where what is rounded off would be denormal. */
VM_INLINE double vm_two_sum_f64(double a, double b, double *low) {
    double sum = a + b, part = sum - a;
    *low = (a - (sum - part)) + (b - part);
    return sum;
}

VM_INLINE double vm_two_product_f64(double a, double b, double *low) {
    double product = a * b;
#if defined(__FMA__) || defined(__aarch64__)
    *low = VM_FMA_F64(a, b, -product);
#else /* Veltkamp and Dekker: halves of 26 bits, whose products are exact */
    double a_shifted = 134217729.0 * a, b_shifted = 134217729.0 * b;
    double a_high = a_shifted - (a_shifted - a), b_high = b_shifted - (b_shifted - b);
    double a_low = a - a_high, b_low = b - b_high;
    *low = a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low);
#endif
    return product;
}

VM_INLINE double vm_two_quotient_f64(double a, double b, double *low) {
    double quotient = a / b, rest, product = vm_two_product_f64(quotient, b, &rest);
    *low = ((a - product) - rest) / b;
    return quotient;
}

/* q(r) of e^r = 1 + r + r^2 q(r), |r| <= ln(2)/2. */
VM_INLINE float vm_exp_q_f32(float r) {
    float r2 = r * r;
    float q = VM_FMA_F32(r2, 0x1.6a23cp-10f, VM_FMA_F32(r, 0x1.123a22p-7f, 0x1.5558f4p-5f));
    return VM_FMA_F32(r2, q, VM_FMA_F32(r, 0x1.555492p-3f, 0x1.fffffcp-2f));
}

VM_INLINE double vm_exp_q_f64(double r) {
    double r2 = r * r, r4 = r2 * r2;
    double high = VM_FMA_F64(r2, VM_FMA_F64(r, 0x1.ad7f50c2b963ap-26, 0x1.28ad9cfad3a56p-22),
                             VM_FMA_F64(r, 0x1.71df25aa5584cp-19, 0x1.a01999e0a4696p-16));
    double middle = VM_FMA_F64(r2, VM_FMA_F64(r, 0x1.a01a012a1181fp-13, 0x1.6c16c18439694p-10),
                               VM_FMA_F64(r, 0x1.1111111127d0fp-7, 0x1.555555555083bp-5));
    double low = VM_FMA_F64(r, 0x1.55555555554f9p-3, 0x1.000000000000ap-1);
    return VM_FMA_F64(r2, VM_FMA_F64(r4, high, middle), low);
}

/* exp_scaled(x, k) = e^x / 2^k, for an integer k and a result of at most 2^30; *expm1 gets the result minus 1,
 * which for k = 0 keeps its digits near x = 0 where the subtraction would lose them.
 *
 *   e^x = 2^n e^r,  n = round(x / ln 2),  r = x - n ln 2 (in two parts),  e^r = 1 + r + r^2 q(r).
 *
 * Taking the power of two off the exponent n, instead of a maximum off x, is what keeps softmax rows exact:
 * x - max rounds, and exp turns an error of half an ulp of -26 into 16 ulps of the result. n is rounded by adding
 * 1.5 * 2^23 (1.5 * 2^52), which leaves it in the low bits, ready to be shifted into the exponent. It is kept 30
 * (100) too high until the last multiplication, so that denormal results are rounded once, as they should be.
 *
 * Worst error for k = 0, x <= 0: float32 1.02 ULP, float64 0.76 ULP; of *expm1 less than 2. */
VM_INLINE float vm_exp_scaled_f32(float x, float k, float *expm1) {
    const float magic = 12582912.0f + 30.0f - k;
    const float lowest = (k - 155.0f) * 0.693147181f; /* 2^-155 rounds to 0; -inf must not reach the reduction */
    x = x < lowest ? lowest : x;
    float t = VM_FMA_F32(x, 1.44269504f, magic);
    float n = t - magic;
    float r = VM_FMA_F32(n, -0.693359375f, x); /* 9 bits: exact for |n| < 2^15 */
    r = VM_FMA_F32(n, 2.12194440e-4f, r);
    float p = VM_FMA_F32(r * r, vm_exp_q_f32(r), r);
    float e = (1.0f + p) * vm_float((vm_bits_f32(t) << 23) + 0x3f800000u) * 0x1p-30f;
    *expm1 = n == 0.0f ? p : e - 1.0f;
    return e;
}

VM_INLINE double vm_exp_scaled_f64(double x, double k, double *expm1) {
    const double magic = 6755399441055744.0 + 100.0 - k;
    const double lowest = (k - 1080.0) * 0.6931471805599453;
    x = x < lowest ? lowest : x;
    double t = VM_FMA_F64(x, 1.4426950408889634, magic);
    double n = t - magic;
    double r = VM_FMA_F64(n, -0x1.62e42fee00000p-1, x); /* 32 bits: exact for |n| < 2^20 */
    double r_high = r;
    r = VM_FMA_F64(n, -0x1.a39ef35793c76p-33, r_high);
    double r_low = VM_FMA_F64(n, -0x1.a39ef35793c76p-33, r_high - r); /* what r rounded off */
    double r2 = r * r, q = vm_exp_q_f64(r);
    double p = VM_FMA_F64(r2, q, r), sum = 1.0 + r;
    double rest = VM_FMA_F64(r2, q, (r - (sum - 1.0)) + r_low);
    double e = (sum + rest) * vm_double((vm_bits_f64(t) << 52) + 0x3ff0000000000000u) * 0x1p-100;
    *expm1 = n == 0.0 ? p : e - 1.0;
    return e;
}

/* The parts of e^(high + low) = 2^n e^r: n, as the low bits of the number 1.5 * 2^52 + n that is returned, and
 * e^r = 1 + r + r^2 q(r) = *sum + *rest. */
VM_INLINE double vm_exp_parts_f64(double high, double low, double *sum, double *rest) {
    const double magic = 6755399441055744.0;
    double t = VM_FMA_F64(high, 1.4426950408889634, magic), n = t - magic;
    double first = VM_FMA_F64(n, -0x1.62e42fee00000p-1, high);
    double second = VM_FMA_F64(n, -0x1.a39ef35793c76p-33, first);
    double lost = VM_FMA_F64(n, -0x1.a39ef35793c76p-33, first - second) + low;
    double r = second + lost, r_low = (second - r) + lost;
    *sum = 1.0 + r;
    *rest = VM_FMA_F64(r * r, vm_exp_q_f64(r), (r - (*sum - 1.0)) + VM_FMA_F64(r_low, r, r_low));
    return t;
}

/* 2^n for the n in the low bits of t, -1022 to 1023. */
VM_INLINE double vm_exp2_f64(double t) { return vm_double((vm_bits_f64(t) << 52) + 0x3ff0000000000000u); }

/* exp_wide(high, low) = e^(high + low) for |low| up to 1/1000, over the whole range: denormal results are rounded once,
 * what is smaller gives 0, what is larger inf, NaN gives NaN. low is not looked at where high is that far out or
 * infinite. 2^n is multiplied in two factors, of which the second is 2^100 or 2^-100. Worst error: float64 0.78 ULP. */
VM_INLINE double vm_exp_wide_f64(double high, double low) {
    low = fabs(high) < 750.0 ? low : 0.0;
    high = high < -750.0 ? -750.0 : high;
    high = high > 710.0 ? 710.0 : high;
    double sum, rest, t = vm_exp_parts_f64(high, low, &sum, &rest);
    t += high > 0.0 ? -100.0 : 100.0;
    return (sum + rest) * vm_exp2_f64(t) * (high > 0.0 ? 0x1p100 : 0x1p-100);
}

/* exp_times(a, high, low) = a e^(high + low), which overflows or underflows only if the result does: up to 2^1000 or
 * 2^-1000 of 2^n is multiplied before a, so that a denormal a keeps its digits, the rest after it, in two halves.
 * Worst error: float64 1.48 ULP. */
VM_INLINE double vm_exp_times_f64(double a, double high, double low) {
    const double magic = 6755399441055744.0;
    low = fabs(high) < 1500.0 ? low : 0.0;
    high = high < -1500.0 ? -1500.0 : high;
    high = high > 1500.0 ? 1500.0 : high;
    double sum, rest, n = vm_exp_parts_f64(high, low, &sum, &rest) - magic;
    double before = n > 1000.0 ? 1000.0 : n;
    before = before < -1000.0 ? -1000.0 : before;
    double half = VM_FMA_F64(0.5, n - before, magic), other = (n - before) - (half - magic) + magic;
    return (sum + rest) * vm_exp2_f64(before + magic) * a * vm_exp2_f64(half) * vm_exp2_f64(other);
}

/* e^x over the whole range, as exp_wide. Worst error: float32 1.01 ULP, float64 0.78 ULP. */
VM_INLINE float vm_exp_f32(float x) {
    const float magic = 12582912.0f;
    x = x < -108.0f ? -108.0f : x;
    x = x > 89.0f ? 89.0f : x;
    float shift = x > 0.0f ? -30.0f : 30.0f, back = x > 0.0f ? 0x1p30f : 0x1p-30f;
    float t = VM_FMA_F32(x, 1.44269504f, magic);
    float n = t - magic;
    float r = VM_FMA_F32(n, -0.693359375f, x);
    r = VM_FMA_F32(n, 2.12194440e-4f, r);
    float p = VM_FMA_F32(r * r, vm_exp_q_f32(r), r);
    return (1.0f + p) * vm_float((vm_bits_f32(t + shift) << 23) + 0x3f800000u) * back;
}

VM_INLINE double vm_exp_f64(double x) { return vm_exp_wide_f64(x, 0.0); }

/* e^x - 1 over the whole range, in two parts: 1 is taken off 2^n e^r before that is rounded, and what the difference
 * rounds off is kept. For x > 1 everything is 2^30 (2^100) smaller until the last multiplication. */
VM_INLINE float vm_expm1_parts_f32(float x, float *low) {
    const float magic = 12582912.0f;
    x = x < -20.0f ? -20.0f : x;
    x = x > 89.0f ? 89.0f : x;
    float shift = x > 1.0f ? -30.0f : 0.0f, one = x > 1.0f ? 0x1p-30f : 1.0f, back = x > 1.0f ? 0x1p30f : 1.0f;
    float t = VM_FMA_F32(x, 1.44269504f, magic);
    float n = t - magic;
    float r_high = VM_FMA_F32(n, -0.693359375f, x);
    float r = VM_FMA_F32(n, 2.12194440e-4f, r_high);
    float r_low = VM_FMA_F32(n, 2.12194440e-4f, r_high - r);
    float sum = 1.0f + r, scale = vm_float((vm_bits_f32(t + shift) << 23) + 0x3f800000u);
    float rest = VM_FMA_F32(r * r, vm_exp_q_f32(r), (r - (sum - 1.0f)) + r_low);
    float power = sum * scale, high = power - one, part = high - power;
    *low = VM_FMA_F32(rest, scale, (power - (high - part)) - (one + part)) * back;
    return high * back;
}

VM_INLINE double vm_expm1_parts_f64(double x, double x_low, double *low) {
    x_low = fabs(x) < 750.0 ? x_low : 0.0;
    x = x < -50.0 ? -50.0 : x;
    x = x > 710.0 ? 710.0 : x;
    double one = x > 1.0 ? 0x1p-100 : 1.0, back = x > 1.0 ? 0x1p100 : 1.0;
    double sum, rest, lost, t = vm_exp_parts_f64(x, x_low, &sum, &rest);
    double scale = vm_exp2_f64(t + (x > 1.0 ? -100.0 : 0.0));
    double high = vm_two_sum_f64(sum * scale, -one, &lost);
    *low = VM_FMA_F64(rest, scale, lost) * back;
    return high * back;
}

/* expm1_wide(high, low) = e^(high + low) - 1 for |low| up to 1/1000. Worst error: float64 1.22 ULP. */
VM_INLINE double vm_expm1_wide_f64(double high, double low) {
    double rest, first = vm_expm1_parts_f64(high, low, &rest);
    return first + rest;
}

/* e^x - 1 over the whole range; x for a tiny x, also -0. Worst error: float32 1.19 ULP, float64 1.22 ULP. */
VM_INLINE float vm_expm1_f32(float x) {
    float rest, first = vm_expm1_parts_f32(x, &rest);
    return x == 0.0f ? x : first + rest;
}

VM_INLINE double vm_expm1_f64(double x) {
    double rest, first = vm_expm1_parts_f64(x, 0.0, &rest);
    return x == 0.0 ? x : first + rest;
}

/* exp_tail(high, low) = e^x - 1 - x for x = high + low, |low| up to half an ulp of high: x^2/2 + x^3 R(x) up to 1,
 * beyond from the parts of e^x - 1. Worst error: float64 2.35 ULP. */
VM_INLINE double vm_exp_tail_f64(double high, double low) {
    double x = high, x2 = x * x, x4 = x2 * x2, half = 0.5 * x2, rest, first = vm_expm1_parts_f64(x, low, &rest);
    double r = VM_FMA_F64(x4, 0x1.b054618edf4c8p-41,
                          VM_FMA_F64(x2, VM_FMA_F64(x, 0x1.997e1ffb95450p-37, 0x1.6128d428a2e76p-33),
                                     VM_FMA_F64(x, 0x1.1ee577464c1d4p-29, 0x1.ae6442c041125p-26)));
    double middle = VM_FMA_F64(x2, VM_FMA_F64(x, 0x1.27e50672c0020p-22, 0x1.71de3a72387a9p-19),
                               VM_FMA_F64(x, 0x1.a01a0190d4cd2p-16, 0x1.a01a019ff4f05p-13));
    double start = VM_FMA_F64(x2, VM_FMA_F64(x, 0x1.6c16c16c20d89p-10, 0x1.111111111124bp-7),
                              VM_FMA_F64(x, 0x1.5555555555506p-5, 0x1.5555555555555p-3));
    r = x * VM_FMA_F64(x4, VM_FMA_F64(x4, r, middle), start);
    double beside = x > 100.0 ? 0.0 : x;
    low = fabs(x) < 100.0 ? low : 0.0;
    double near = half + VM_FMA_F64(x2, r, VM_FMA_F64(half, low, x * low)), far = (first - beside) + (rest - low);
    return fabs(x) <= 1.0 ? near : far;
}

/* tanh(x) = E / (E + 2) with E = e^2|x| - 1 in two parts: odd, x for a tiny x, 1 from 19.1 (9.1) on. What E and E + 2
 * round off is given back to first order: 2.5 ULP without that.
 * Worst error: float32 1.34 ULP, float64 1.36 ULP. */
VM_INLINE float vm_tanh_f32(float x) {
    float a = fabsf(x);
    a = a > 20.0f ? 20.0f : a;
    float rest, first = vm_expm1_parts_f32(2.0f * a, &rest);
    float e = first + rest, e_low = rest - (e - first);
    float d = e + 2.0f, part = d - e, d_low = (e - (d - part)) + (2.0f - part) + e_low;
    float quotient = e / d;
    return copysignf(quotient + (e_low - quotient * d_low) / d, x);
}

VM_INLINE double vm_tanh_f64(double x) {
    double a = fabs(x);
    a = a > 40.0 ? 40.0 : a;
    double rest, first = vm_expm1_parts_f64(2.0 * a, 0.0, &rest);
    double e = first + rest, e_low = rest - (e - first);
    double d_low, d = vm_two_sum_f64(e, 2.0, &d_low), quotient = e / d;
    return copysign(quotient + (e_low - quotient * (d_low + e_low)) / d, x);
}

/* log(1 + f) = f + k ln 2 for 1 + f in [sqrt(1/2), sqrt(2)], with k ln 2 added in two parts: f - f^2/2 + f^3 P(f)
 * (float32), or fdlibm's e_log.c form in s = f/(2 + f) (float64). */
VM_INLINE float vm_log_near_1_f32(float f, float k) {
    float f2 = f * f, f4 = f2 * f2;
    float high = VM_FMA_F32(f2, VM_FMA_F32(f, -0x1.de3be6p-4f, 0x1.e6f0fep-4f),
                            VM_FMA_F32(f, -0x1.fc2218p-4f, 0x1.23375ep-3f));
    float low = VM_FMA_F32(f2, VM_FMA_F32(f, -0x1.555c4cp-3f, 0x1.99a4b6p-3f),
                           VM_FMA_F32(f, -0x1.000006p-2f, 0x1.555548p-2f));
    float p = VM_FMA_F32(f4, VM_FMA_F32(f4, 0x1.14563p-4f, high), low);
    float small = VM_FMA_F32(f2, VM_FMA_F32(f, p, -0.5f), k * -2.12194440e-4f);
    return VM_FMA_F32(k, 0.693359375f, f + small);
}

VM_INLINE double vm_log_near_1_f64(double f, double k) {
    double s = f / (2.0 + f), z = s * s, z2 = z * z, half = 0.5 * f * f;
    double w = VM_FMA_F64(z2, VM_FMA_F64(z, 1.479819860511658591e-01, 1.531383769920937332e-01),
                          VM_FMA_F64(z, 1.818357216161805012e-01, 2.222219843214978396e-01));
    w = VM_FMA_F64(z2, w, VM_FMA_F64(z, 2.857142874366239149e-01, 3.999999999940941908e-01));
    w = VM_FMA_F64(w, z, 6.666666666666735130e-01);
    double small = VM_FMA_F64(s, half + w * z, k * 1.90821492927058770002e-10);
    return k * 6.93147180369123816490e-01 - ((half - small) - f);
}

/* log((1 + f + f_low) 2^k) in two parts, for 1 + f in [sqrt(1/2), sqrt(2)]. With g = 2f/(2 + f), which is f for a tiny
 * f and keeps its denormals,
 *
 *     log(1 + f) = 2 artanh(g/2) = g + g (g^2/12 + g^4 R(g^2)),
 *
 * all in two parts but g^4 R, which is less than 2^-12 of the whole; k ln 2 is added in two parts, the first exact. */
VM_INLINE double vm_log_core_f64(double f, double f_low, double k, double *low) {
    double h = 0.5 * f, d = 1.0 + h, d_low = (h - (d - 1.0)) + 0.5 * f_low, inverse = 1.0 / d, lost;
    double g = f * inverse, gd = vm_two_product_f64(g, d, &lost);
    double g_low = ((((f - gd) - lost) + f_low) - g * d_low) * inverse;
    double y_low, y = vm_two_product_f64(g, g, &y_low), y2 = y * y;
    y_low = VM_FMA_F64(2.0 * g, g_low, y_low);
    double r = VM_FMA_F64(y2, VM_FMA_F64(y, 0x1.e49d8533c27f3p-23, 0x1.deff678ecc78bp-21),
                          VM_FMA_F64(y, 0x1.111b8c5c16c56p-18, 0x1.3b1385ec72112p-16));
    r = VM_FMA_F64(y2, r, VM_FMA_F64(y, 0x1.745d17ab48856p-14, 0x1.c71c71c69ed95p-12));
    r = VM_FMA_F64(y2, r, VM_FMA_F64(y, 0x1.24924924926b5p-9, 0x1.9999999999999p-7)) * y2;
    r = VM_FMA_F64(0.025 * y_low, y, r); /* y_low is up to 3 ulps of y */
    double t_low, t = vm_two_product_f64(y, 0x1.5555555555555p-4, &t_low), sum = t + r;
    t_low = VM_FMA_F64(y_low, 0x1.5555555555555p-4, VM_FMA_F64(y, 0x1.5555555555555p-58, t_low)) + (r - (sum - t));
    double u_low, u = vm_two_product_f64(g, sum, &u_low);
    u_low += VM_FMA_F64(g, t_low, g_low * sum);
    double kln2 = k * 0x1.62e42fefa3800p-1, first = kln2 + g, second = first + u; /* 42 bits: k ln 2 is exact */
    double small = VM_FMA_F64(k, 0x1.ef35793c76730p-45, u_low) + g_low;
    small += (g - (first - kln2)) + (u - (second - first));
    double high = second + small;
    *low = small - (high - second);
    return high;
}

/* log(x) = high + *low for every x, to 2^-64 of itself: the low part is what an exponent needs. Denormal numbers are
 * made normal first. 0 gives -inf, less than 0 NaN, inf inf, NaN NaN, each with a low part of 0. */
VM_INLINE double vm_log_wide_f64(double x, double *low) {
    double u = x < 0x1p-1022 ? x * 0x1p54 : x, bias = x < 0x1p-1022 ? 4503599627371574.0 : 4503599627371520.0;
    uint64_t k = (vm_bits_f64(u) + (0x4000000000000000u - 0x3fe6a09e667f3bcdu)) >> 52; /* 1024 too large: >= 0 */
    double n = vm_double(0x4330000000000000u | k) - bias;                              /* v3 cannot cast k to double */
    double m = vm_double(vm_bits_f64(u) - (k << 52) + 0x4000000000000000u), rest;
    double high = vm_log_core_f64(m - 1.0, 0.0, n, &rest);
    high = x > 0.0 ? high : (x == 0.0 ? -INFINITY : NAN);
    rest = x > 0.0 ? rest : 0.0;
    *low = x < INFINITY ? rest : 0.0;
    return x < INFINITY ? high : x;
}

/* log(x) for every x, as log_wide. Worst error: float32 0.88 ULP, float64 0.51 ULP. */
VM_INLINE float vm_log_f32(float x) {
    float u = x < 0x1p-126f ? x * 0x1p24f : x;
    int32_t k = (int32_t)(vm_bits_f32(u) - 0x3f3504f3u) >> 23;
    float n = (float)k - (x < 0x1p-126f ? 24.0f : 0.0f);
    float y = vm_log_near_1_f32(vm_float(vm_bits_f32(u) - ((uint32_t)k << 23)) - 1.0f, n);
    y = x > 0.0f ? y : (x == 0.0f ? -INFINITY : NAN);
    return x < INFINITY ? y : x;
}

VM_INLINE double vm_log_f64(double x) {
    double low;
    return vm_log_wide_f64(x, &low);
}

/* log1p(x) = high + *low, to 2^-64 of itself, with what 1 + x rounds off. -1 gives -inf, less than that NaN. */
VM_INLINE double vm_log1p_wide_f64(double x, double *low) {
    double lost, u = vm_two_sum_f64(1.0, x, &lost);
    uint64_t k = (vm_bits_f64(u) + (0x4000000000000000u - 0x3fe6a09e667f3bcdu)) >> 52;
    double n = vm_double(0x4330000000000000u | k) - 4503599627371520.0;
    double m = vm_double(vm_bits_f64(u) - (k << 52) + 0x4000000000000000u);
    lost = x < 0x1p200 ? lost * vm_double((2047 - k) << 52) : 0.0; /* by 2^-k */
    double f = (m - 1.0) + lost, f_low = lost - (f - (m - 1.0)), rest; /* k = 0: f = x */
    double high = vm_log_core_f64(f, f_low, n, &rest);
    high = u > 0.0 ? high : (u == 0.0 ? -INFINITY : NAN);
    rest = u > 0.0 ? rest : 0.0;
    *low = x < INFINITY ? rest : 0.0;
    return x < INFINITY ? high : x;
}

/* log1p(x) for x >= -1: 1 + x = 2^k (1 + f), and what 1 + x rounded off is put back into f. -1 gives -inf, less than
 * that NaN, inf inf, NaN NaN. Worst error: float32 1.50 ULP, float64 1.34 ULP. */
VM_INLINE float vm_log1p_f32(float x) {
    float high = x > 1.0f ? x : 1.0f, low = x > 1.0f ? 1.0f : x;
    float u = high + low, lost = low - (u - high);
    int32_t k = (int32_t)(vm_bits_f32(u) - 0x3f3504f3u) >> 23;
    float scale = vm_float((uint32_t)(k < 127 ? 127 - k : 0) << 23);
    float f = (vm_float(vm_bits_f32(u) - ((uint32_t)k << 23)) - 1.0f) + lost * scale;
    float y = vm_log_near_1_f32(f, (float)k);
    y = u > 0.0f ? y : (u == 0.0f ? -INFINITY : NAN);
    return x < INFINITY ? y : x;
}

VM_INLINE double vm_log1p_f64(double x) {
    double high = x > 1.0 ? x : 1.0, low = x > 1.0 ? 1.0 : x;
    double u = high + low, lost = low - (u - high);
    uint64_t k = (vm_bits_f64(u) + (0x4000000000000000u - 0x3fe6a09e667f3bcdu)) >> 52;
    double scale = vm_double((2047 - k) << 52);
    double f = (vm_double(vm_bits_f64(u) - (k << 52) + 0x4000000000000000u) - 1.0) + (x < 0x1p200 ? lost * scale : 0.0);
    double y = vm_log_near_1_f64(f, vm_double(0x4330000000000000u | k) - 4503599627371520.0);
    y = u > 0.0 ? y : (u == 0.0 ? -INFINITY : NAN);
    return x < INFINITY ? y : x;
}

/* log1p(x) for 0 <= x <= 1, as of e^-|x|: k is 0, or 1 with f = (x - 1)/2. NaN gives NaN.
 * Worst error: float32 1.50 ULP, float64 1.35 ULP. */
VM_INLINE float vm_log1p_unit_f32(float x) {
    float f = x > 0.414213562f ? (x - 1.0f) * 0.5f : x;
    return vm_log_near_1_f32(f, x > 0.414213562f ? 1.0f : 0.0f);
}

VM_INLINE double vm_log1p_unit_f64(double x) {
    double f = x > 0.41421356237309503 ? (x - 1.0) * 0.5 : x;
    return vm_log_near_1_f64(f, x > 0.41421356237309503 ? 1.0 : 0.0);
}

/* x^y for x >= 0, as e^(y log x) with the exponent in two parts. x^0 = 1, 0^y = 0 or inf, 1^y = 1, also for an infinite
 * y; NaN in x or y gives NaN. An exponent beyond 2^100 is cut there, where all powers but those of 1 are 0 or inf.
 * Worst error: float32 0.51 ULP (by way of double), float64 0.78 ULP. */
VM_INLINE double vm_power_f64(double x, double y) {
    double log_low, low, exponent = y > 0x1p100 ? 0x1p100 : y;
    exponent = exponent < -0x1p100 ? -0x1p100 : exponent;
    double log = vm_log_wide_f64(x, &log_low), high = vm_two_product_f64(exponent, log, &low);
    double power = vm_exp_wide_f64(high, VM_FMA_F64(exponent, log_low, low));
    power = y == 0.0 ? 1.0 : power;
    return x == x ? power : x;
}

VM_INLINE float vm_power_f32(float x, float y) {
    double exponent = y > 0x1p100f ? 0x1p100 : (double)y;
    exponent = exponent < -0x1p100 ? -0x1p100 : exponent;
    double power = vm_exp_f64(exponent * vm_log_f64((double)x));
    power = y == 0.0f ? 1.0 : power;
    return x == x ? (float)power : x;
}

/* The _quick functions are for a float32 kernel that computes in double. They give 36 bits (exp_tail_quick 31), a
 * thousandth of a float32's ULP, for a third of the work; results below 2^-1022 are 0, above 2^1023.5 inf.
 *
 * exp_quick(x) = e^x; *expm1 gets e^x - 1, with its digits near x = 0. 0 and inf come of the exponents that stand for
 * them. Worst error: 2^-39.5 of e^x, 2^-36.5 of e^x - 1. */
VM_INLINE double vm_exp_quick_f64(double x, double *expm1) {
    const double magic = 6755399441055744.0;
    x = x < -709.3 ? -709.3 : x;
    x = x > 709.6 ? 709.6 : x;
    double t = VM_FMA_F64(x, 1.4426950408889634, magic), n = t - magic, r = VM_FMA_F64(n, -0.6931471805599453, x);
    double r2 = r * r;
    double high = VM_FMA_F64(r2, 0x1.9e8981ef5fe36p-16, VM_FMA_F64(r, 0x1.a1855f0f1794dp-13, 0x1.6c18d2ef69297p-10));
    double low = VM_FMA_F64(r, 0x1.5555557dd2b9dp-3, 0x1.000000005de60p-1);
    low = VM_FMA_F64(r2, VM_FMA_F64(r, 0x1.1110a26019079p-7, 0x1.5555541e70f83p-5), low);
    double p = VM_FMA_F64(r2, VM_FMA_F64(r2 * r2, high, low), r);
    double e = (1.0 + p) * vm_exp2_f64(t);
    *expm1 = n == 0.0 ? p : e - 1.0;
    return e;
}

/* e^x - 1 - x, given e^x - 1; the series where the difference cancels. Worst error: 2^-31 of itself. */
VM_INLINE double vm_exp_tail_quick_f64(double x, double expm1) {
    double series = VM_FMA_F64(x, VM_FMA_F64(x, 1.0 / 720, 1.0 / 120), 1.0 / 24);
    series = VM_FMA_F64(x, VM_FMA_F64(x, series, 1.0 / 6), 0.5) * x * x;
    return fabs(x) < 0.0625 ? series : (x > 100.0 ? expm1 : expm1 - x);
}

/* log(1 + f) + k ln 2 for 1 + f in [sqrt(1/2), sqrt(2)]. */
VM_INLINE double vm_log_quick_near_1_f64(double f, double k) {
    double f2 = f * f, f4 = f2 * f2;
    double high = VM_FMA_F64(f2, VM_FMA_F64(f, -0x1.8b09bc4dfa7f2p-5, 0x1.755e0f04d9088p-4),
                             VM_FMA_F64(f, -0x1.7c64acb4d6595p-4, 0x1.724a1fe8e90c6p-4));
    double middle = VM_FMA_F64(f2, VM_FMA_F64(f, -0x1.9511d7ce9e2afp-4, 0x1.c6e13edc0a405p-4),
                               VM_FMA_F64(f, -0x1.001df2f6deeb1p-3, 0x1.2494b9491a8c4p-3));
    double low = VM_FMA_F64(f2, VM_FMA_F64(f, -0x1.5554a1426f934p-3, 0x1.99998b2ea5e1dp-3),
                            VM_FMA_F64(f, -0x1.000000c151e06p-2, 0x1.55555560a60a8p-2));
    double p = VM_FMA_F64(f4, VM_FMA_F64(f4, high, middle), low);
    return VM_FMA_F64(k, 0.6931471805599453, VM_FMA_F64(f2, VM_FMA_F64(f, p, -0.5), f));
}

/* log(x) for x >= 0, at least 2^-1022 or 0; else NaN. Worst error: 2^-38.1 of itself. */
VM_INLINE double vm_log_quick_f64(double x) {
    uint64_t k = (vm_bits_f64(x) + (0x4000000000000000u - 0x3fe6a09e667f3bcdu)) >> 52;
    double m = vm_double(vm_bits_f64(x) - (k << 52) + 0x4000000000000000u);
    double y = vm_log_quick_near_1_f64(m - 1.0, vm_double(0x4330000000000000u | k) - 4503599627371520.0);
    y = x > 0.0 ? y : (x == 0.0 ? -INFINITY : NAN);
    return x < INFINITY ? y : x;
}

/* log(1 + x) for x >= -1; else NaN. Worst error: 2^-38.1 of itself. */
VM_INLINE double vm_log1p_quick_f64(double x) {
    double u = 1.0 + x;
    uint64_t k = (vm_bits_f64(u) + (0x4000000000000000u - 0x3fe6a09e667f3bcdu)) >> 52;
    double n = vm_double(0x4330000000000000u | k) - 4503599627371520.0;
    double m = vm_double(vm_bits_f64(u) - (k << 52) + 0x4000000000000000u);
    double y = vm_log_quick_near_1_f64(n == 0.0 ? x : m - 1.0, n);
    y = u > 0.0 ? y : (u == 0.0 ? -INFINITY : NAN);
    return x < INFINITY ? y : x;
}

/* The same for 0 <= x <= 1. Worst error: 2^-38.1 of itself. */
VM_INLINE double vm_log1p_unit_quick_f64(double x) {
    double f = x > 0.41421356237309503 ? (x - 1.0) * 0.5 : x;
    return vm_log_quick_near_1_f64(f, x > 0.41421356237309503 ? 1.0 : 0.0);
}

/* Sums in 32 lanes, which are then added in pairs: no chain of additions is longer than n/32 + 5, which keeps both the
 * error and the time down, and the order is the same for every instruction set. */
#define VM_SUM(name, real, wide)                                                      \
    static inline wide name(const real *x, ptrdiff_t n) {                             \
        wide lanes[32] = {0};                                                         \
        ptrdiff_t i = 0;                                                              \
        for (; i + 32 <= n; i += 32)                                                  \
            for (int k = 0; k < 32; k++) lanes[k] += (wide)x[i + k];                  \
        for (int k = 0; i < n; i++, k++) lanes[k] += (wide)x[i];                      \
        for (int half = 16; half; half /= 2)                                          \
            for (int k = 0; k < half; k++) lanes[k] += lanes[k + half];               \
        return lanes[0];                                                              \
    }
VM_SUM(vm_sum_f32, float, float)
VM_SUM(vm_sum_f64, double, double)
VM_SUM(vm_sum_wide_f32, float, double)

/* The same sum as if in twice the precision (Ogita, Rump and Oishi 2005): what each addition rounds off is summed too.
 * For rows of double, whose sum would else cost 2 of the 4 ULP that a probability may be off. */
static inline double vm_sum_twice_f64(const double *x, ptrdiff_t n) {
    double lanes[32] = {0}, lost[32] = {0};
    for (ptrdiff_t i = 0; i < n; i += 32)
        for (int k = 0; k < (n - i < 32 ? (int)(n - i) : 32); k++) {
            double before = lanes[k], after = before + x[i + k], part = after - before;
            lost[k] += (before - (after - part)) + (x[i + k] - part);
            lanes[k] = after;
        }
    for (int half = 16; half; half /= 2)
        for (int k = 0; k < half; k++) {
            double before = lanes[k], after = before + lanes[k + half], part = after - before;
            lost[k] += lost[k + half] + ((before - (after - part)) + (lanes[k + half] - part));
            lanes[k] = after;
        }
    return lanes[0] + lost[0];
}

/* Maxima. The pragma lets these loops run in vector lanes. A maximum passes over NaN: the sum that follows it does
 * not. */
#define VM_REDUCTIONS(real, suffix)                                                   \
    static inline real vm_max_##suffix(const real *x, ptrdiff_t n) {                  \
        real highest = -INFINITY;                                                     \
        _Pragma("omp simd reduction(max : highest)")                                  \
        for (ptrdiff_t i = 0; i < n; i++) highest = x[i] > highest ? x[i] : highest;  \
        return highest;                                                               \
    }                                                                                 \
    /* the first place of a value, or n */                                            \
    static inline int vm_find_##suffix(const real *x, int n, real value) {            \
        int first = n;                                                                \
        _Pragma("omp simd reduction(min : first)")                                    \
        for (int i = 0; i < n; i++) {                                                 \
            int place = x[i] == value ? i : n;                                        \
            first = place < first ? place : first;                                    \
        }                                                                             \
        return first;                                                                 \
    }                                                                                 \
    /* running maxima of n rows, and the classes they came from: GCC vectorises two loops, not one */ \
    static inline void vm_keep_larger_##suffix(const real *x, int c, ptrdiff_t n, real *highest, int *top) { \
        for (ptrdiff_t i = 0; i < n; i++) top[i] = x[i] > highest[i] ? c : top[i];    \
        for (ptrdiff_t i = 0; i < n; i++) highest[i] = x[i] > highest[i] ? x[i] : highest[i]; \
    }
VM_REDUCTIONS(float, f32)
VM_REDUCTIONS(double, f64)

#endif
