/* Elementary functions for loops that vectorise, and the row sums and maxima that a plain loop may not reorder.
 *
 * Branch-free C for float (_f32) and double (_f64): a compiler vectorises a loop that calls them, which no call of
 * libm allows. Every fused multiply-add is written out and contraction is off (setup.py), so an element gets the
 * same bits wherever it stands in a loop, in the vector body or in the rest, with or without its gradient.
 *
 * The worst errors below, over all three instruction sets, are measured again by tests/test_vecmath.py: float32 over
 * tens of millions of values, float64 over two million. Polynomials are summed in pairs (Estrin), which keeps the
 * chain of dependent operations short: two iterations then overlap (BCE with logits 12.5 -> 11.7 ms for 10 M). Coefficients: weighted minimax fits, made with mpmath at 60 digits.
 */
#ifndef FASTLOSS_VECMATH_H
#define FASTLOSS_VECMATH_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__FMA__) || defined(__aarch64__)
#define VM_FMA_F32(a, b, c) __builtin_fmaf(a, b, c)
#define VM_FMA_F64(a, b, c) __builtin_fma(a, b, c)
#else /* a call of libm's software fma would cost a hundred times more */
#define VM_FMA_F32(a, b, c) ((a) * (b) + (c))
#define VM_FMA_F64(a, b, c) ((a) * (b) + (c))
#endif

static inline float vm_float(uint32_t bits) { float x; memcpy(&x, &bits, 4); return x; }
static inline uint32_t vm_bits_f32(float x) { uint32_t bits; memcpy(&bits, &x, 4); return bits; }
static inline double vm_double(uint64_t bits) { double x; memcpy(&x, &bits, 8); return x; }
static inline uint64_t vm_bits_f64(double x) { uint64_t bits; memcpy(&bits, &x, 8); return bits; }

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
static inline float vm_exp_scaled_f32(float x, float k, float *expm1) {
    const float magic = 12582912.0f + 30.0f - k;
    const float lowest = (k - 155.0f) * 0.693147181f; /* 2^-155 rounds to 0; -inf must not reach the reduction */
    x = x < lowest ? lowest : x;
    float t = VM_FMA_F32(x, 1.44269504f, magic);
    float n = t - magic;
    float r = VM_FMA_F32(n, -0.693359375f, x); /* 9 bits: exact for |n| < 2^15 */
    r = VM_FMA_F32(n, 2.12194440e-4f, r);
    float r2 = r * r;
    float q = VM_FMA_F32(r2, 0x1.6a23cp-10f, VM_FMA_F32(r, 0x1.123a22p-7f, 0x1.5558f4p-5f));
    q = VM_FMA_F32(r2, q, VM_FMA_F32(r, 0x1.555492p-3f, 0x1.fffffcp-2f));
    float p = VM_FMA_F32(r2, q, r);
    float e = (1.0f + p) * vm_float((vm_bits_f32(t) << 23) + 0x3f800000u) * 0x1p-30f;
    *expm1 = n == 0.0f ? p : e - 1.0f;
    return e;
}

static inline double vm_exp_scaled_f64(double x, double k, double *expm1) {
    const double magic = 6755399441055744.0 + 100.0 - k;
    const double lowest = (k - 1080.0) * 0.6931471805599453;
    x = x < lowest ? lowest : x;
    double t = VM_FMA_F64(x, 1.4426950408889634, magic);
    double n = t - magic;
    double r = VM_FMA_F64(n, -0x1.62e42fee00000p-1, x); /* 32 bits: exact for |n| < 2^20 */
    double r_high = r;
    r = VM_FMA_F64(n, -0x1.a39ef35793c76p-33, r_high);
    double r_low = VM_FMA_F64(n, -0x1.a39ef35793c76p-33, r_high - r); /* what r rounded off */
    double r2 = r * r, r4 = r2 * r2;
    double high = VM_FMA_F64(r2, VM_FMA_F64(r, 0x1.ad7f50c2b963ap-26, 0x1.28ad9cfad3a56p-22),
                             VM_FMA_F64(r, 0x1.71df25aa5584cp-19, 0x1.a01999e0a4696p-16));
    double middle = VM_FMA_F64(r2, VM_FMA_F64(r, 0x1.a01a012a1181fp-13, 0x1.6c16c18439694p-10),
                               VM_FMA_F64(r, 0x1.1111111127d0fp-7, 0x1.555555555083bp-5));
    double low = VM_FMA_F64(r, 0x1.55555555554f9p-3, 0x1.000000000000ap-1);
    double q = VM_FMA_F64(r2, VM_FMA_F64(r4, high, middle), low);
    double p = VM_FMA_F64(r2, q, r), sum = 1.0 + r;
    double rest = VM_FMA_F64(r2, q, (r - (sum - 1.0)) + r_low);
    double e = (sum + rest) * vm_double((vm_bits_f64(t) << 52) + 0x3ff0000000000000u) * 0x1p-100;
    *expm1 = n == 0.0 ? p : e - 1.0;
    return e;
}

/* log(1 + f) = f + k ln 2 for 1 + f in [sqrt(1/2), sqrt(2)], with k ln 2 added in two parts: f - f^2/2 + f^3 P(f)
 * (float32), or fdlibm's e_log.c form in s = f/(2 + f) (float64). */
static inline float vm_log_near_1_f32(float f, float k) {
    float f2 = f * f, f4 = f2 * f2;
    float high = VM_FMA_F32(f2, VM_FMA_F32(f, -0x1.de3be6p-4f, 0x1.e6f0fep-4f),
                            VM_FMA_F32(f, -0x1.fc2218p-4f, 0x1.23375ep-3f));
    float low = VM_FMA_F32(f2, VM_FMA_F32(f, -0x1.555c4cp-3f, 0x1.99a4b6p-3f),
                           VM_FMA_F32(f, -0x1.000006p-2f, 0x1.555548p-2f));
    float p = VM_FMA_F32(f4, VM_FMA_F32(f4, 0x1.14563p-4f, high), low);
    float small = VM_FMA_F32(f2, VM_FMA_F32(f, p, -0.5f), k * -2.12194440e-4f);
    return VM_FMA_F32(k, 0.693359375f, f + small);
}

static inline double vm_log_near_1_f64(double f, double k) {
    double s = f / (2.0 + f), z = s * s, z2 = z * z, half = 0.5 * f * f;
    double w = VM_FMA_F64(z2, VM_FMA_F64(z, 1.479819860511658591e-01, 1.531383769920937332e-01),
                          VM_FMA_F64(z, 1.818357216161805012e-01, 2.222219843214978396e-01));
    w = VM_FMA_F64(z2, w, VM_FMA_F64(z, 2.857142874366239149e-01, 3.999999999940941908e-01));
    w = VM_FMA_F64(w, z, 6.666666666666735130e-01);
    double small = VM_FMA_F64(s, half + w * z, k * 1.90821492927058770002e-10);
    return k * 6.93147180369123816490e-01 - ((half - small) - f);
}

/* log1p(x) for x >= 0: 1 + x = 2^k (1 + f), and what 1 + x rounded off is put back into f. inf gives inf, NaN gives
 * NaN. Worst error: float32 1.50 ULP, float64 1.31 ULP. */
static inline float vm_log1p_f32(float x) {
    float high = x > 1.0f ? x : 1.0f, low = x > 1.0f ? 1.0f : x;
    float u = high + low, lost = low - (u - high);
    int32_t k = (int32_t)(vm_bits_f32(u) - 0x3f3504f3u) >> 23;
    float scale = vm_float((uint32_t)(k < 127 ? 127 - k : 0) << 23);
    float f = (vm_float(vm_bits_f32(u) - ((uint32_t)k << 23)) - 1.0f) + lost * scale;
    float y = vm_log_near_1_f32(f, (float)k);
    return x < INFINITY ? y : x;
}

static inline double vm_log1p_f64(double x) {
    double high = x > 1.0 ? x : 1.0, low = x > 1.0 ? 1.0 : x;
    double u = high + low, lost = low - (u - high);
    int64_t k = (int64_t)((vm_bits_f64(u) - 0x3fe6a09e667f3bcdu) >> 52); /* u >= 1: never negative */
    double scale = vm_double((uint64_t)(k < 1023 ? 1023 - k : 0) << 52);
    double f = (vm_double(vm_bits_f64(u) - ((uint64_t)k << 52)) - 1.0) + lost * scale;
    double n = vm_double(0x4330000000000000u | (uint64_t)k) - 4503599627370496.0; /* v3 cannot cast k to double */
    double y = vm_log_near_1_f64(f, n);
    return x < INFINITY ? y : x;
}

/* log1p(x) for 0 <= x <= 1, as of e^-|x|: k is 0, or 1 with f = (x - 1)/2. NaN gives NaN.
 * Worst error: float32 1.50 ULP, float64 1.35 ULP. */
static inline float vm_log1p_unit_f32(float x) {
    float f = x > 0.414213562f ? (x - 1.0f) * 0.5f : x;
    return vm_log_near_1_f32(f, x > 0.414213562f ? 1.0f : 0.0f);
}

static inline double vm_log1p_unit_f64(double x) {
    double f = x > 0.41421356237309503 ? (x - 1.0) * 0.5 : x;
    return vm_log_near_1_f64(f, x > 0.41421356237309503 ? 1.0 : 0.0);
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
