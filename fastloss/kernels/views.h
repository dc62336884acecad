/* Arrays as the drivers see them: any NumPy layout and dtype, read and written block by block through buffers in L1.
 *
 * A block that already is what a kernel computes in (contiguous, aligned, native float or double) is not copied.
 * Everything else is collected (strides, byte order) and converted (dtype) into the caller's buffer, so no array is
 * ever widened or transposed as a whole. */
#ifndef FASTLOSS_VIEWS_H
#define FASTLOSS_VIEWS_H

#include "vecmath.h"

#if defined(__SSE2__)
#include <immintrin.h>
#endif

enum { FL_BLOCK = 1024, FL_MAX_DIMS = 64 };

typedef enum { FL_BOOL, FL_I8, FL_U8, FL_I16, FL_U16, FL_I32, FL_U32, FL_I64, FL_U64, FL_F16, FL_BF16, FL_F32, FL_F64 } fl_kind;

typedef struct {
    char *data;
    fl_kind kind;
    int itemsize, swapped, contiguous; /* contiguous: C order, aligned, native byte order */
    int ndim;
    ptrdiff_t size, shape[FL_MAX_DIMS], strides[FL_MAX_DIMS];
} fl_view;

/* ---- half precision, rounded to nearest even; branch-free, so that the loops vectorise without F16C ---- */

static inline float fl_from_f16(uint16_t h) {
    uint32_t magnitude = (uint32_t)(h & 0x7fffu) << 13;
    uint32_t bits = vm_bits_f32(vm_float(magnitude) * 0x1p112f);
    bits = magnitude >= 0x0f800000u ? bits | 0x7f800000u : bits; /* inf and NaN keep the largest exponent */
    return vm_float(bits | (uint32_t)(h & 0x8000u) << 16);
}

static inline uint16_t fl_to_f16(float x) {
    uint32_t bits = vm_bits_f32(x), sign = bits >> 16 & 0x8000u, u = bits & 0x7fffffffu;
    uint32_t normal = (u + 0xfffu + (u >> 13 & 1u) - 0x38000000u) >> 13;
    uint32_t tiny = vm_bits_f32(vm_float(u) + 0.5f) - 0x3f000000u; /* 0.5 has the ulp of the half denormals */
    uint32_t h = u < 0x38800000u ? tiny : normal;
    h = u >= 0x477ff000u ? 0x7c00u : h;
    h = u > 0x7f800000u ? 0x7e00u : h;
    return (uint16_t)(h | sign);
}

static inline float fl_from_bf16(uint16_t b) { return vm_float((uint32_t)b << 16); }

static inline uint16_t fl_to_bf16(float x) {
    uint32_t u = vm_bits_f32(x), rounded = (u + 0x7fffu + (u >> 16 & 1u)) >> 16;
    return (uint16_t)((u & 0x7fffffffu) > 0x7f800000u ? (u >> 16 | 0x40u) : rounded);
}

/* ---- contiguous conversions ---- */

#define FL_LOOP(type, expression)                                \
    {                                                            \
        const type *s = (const type *)source;                    \
        for (ptrdiff_t i = 0; i < n; i++) out[i] = (expression); \
        break;                                                   \
    }

#define FL_FROM(real, suffix)                                                                            \
    static inline void fl_convert_##suffix(fl_kind kind, const void *source, real *out, ptrdiff_t n) {   \
        switch (kind) {                                                                                  \
        case FL_BOOL: FL_LOOP(uint8_t, s[i] != 0)                                                        \
        case FL_I8: FL_LOOP(int8_t, (real)s[i])                                                          \
        case FL_U8: FL_LOOP(uint8_t, (real)s[i])                                                         \
        case FL_I16: FL_LOOP(int16_t, (real)s[i])                                                        \
        case FL_U16: FL_LOOP(uint16_t, (real)s[i])                                                       \
        case FL_I32: FL_LOOP(int32_t, (real)s[i])                                                        \
        case FL_U32: FL_LOOP(uint32_t, (real)s[i])                                                       \
        case FL_I64: FL_LOOP(int64_t, (real)s[i])                                                        \
        case FL_U64: FL_LOOP(uint64_t, (real)s[i])                                                       \
        case FL_F16: FL_LOOP(uint16_t, (real)fl_from_f16(s[i]))                                          \
        case FL_BF16: FL_LOOP(uint16_t, (real)fl_from_bf16(s[i]))                                        \
        case FL_F32: FL_LOOP(float, (real)s[i])                                                          \
        case FL_F64: FL_LOOP(double, (real)s[i])                                                         \
        }                                                                                                \
    }                                                                                                    \
    static inline void fl_store_##suffix(fl_kind kind, const real *s, void *target, ptrdiff_t n) {       \
        ptrdiff_t i;                                                                                     \
        switch (kind) {                                                                                  \
        case FL_F16: for (i = 0; i < n; i++) ((uint16_t *)target)[i] = fl_to_f16((float)s[i]); break;    \
        case FL_BF16: for (i = 0; i < n; i++) ((uint16_t *)target)[i] = fl_to_bf16((float)s[i]); break;  \
        case FL_F32: for (i = 0; i < n; i++) ((float *)target)[i] = (float)s[i]; break;                  \
        default: for (i = 0; i < n; i++) ((double *)target)[i] = (double)s[i];                           \
        }                                                                                                \
    }
FL_FROM(float, f32)
FL_FROM(double, f64)

/* Class labels: every integer kind. An unsigned label above INT64_MAX must not come out as a negative one. */
static inline void fl_convert_i64(fl_kind kind, const void *source, int64_t *out, ptrdiff_t n) {
    switch (kind) {
    case FL_BOOL: FL_LOOP(uint8_t, s[i] != 0)
    case FL_I8: FL_LOOP(int8_t, s[i])
    case FL_U8: FL_LOOP(uint8_t, s[i])
    case FL_I16: FL_LOOP(int16_t, s[i])
    case FL_U16: FL_LOOP(uint16_t, s[i])
    case FL_I32: FL_LOOP(int32_t, s[i])
    case FL_U32: FL_LOOP(uint32_t, s[i])
    case FL_U64: FL_LOOP(uint64_t, s[i] > (uint64_t)INT64_MAX ? INT64_MAX : (int64_t)s[i])
    default: FL_LOOP(int64_t, s[i])
    }
}

/* ---- strides and byte order ---- */

static inline void fl_copy_item(char *target, const char *source, int itemsize, int swapped) {
    if (swapped)
        for (int k = 0; k < itemsize; k++) target[k] = source[itemsize - 1 - k];
    else
        memcpy(target, source, itemsize);
}

static inline void fl_copy_run(char *target, ptrdiff_t target_stride, const char *source, ptrdiff_t source_stride,
                               ptrdiff_t n, int itemsize, int swapped) {
#define FL_RUN(size) \
    for (ptrdiff_t i = 0; i < n; i++) memcpy(target + i * target_stride, source + i * source_stride, size);
    if (swapped)
        for (ptrdiff_t i = 0; i < n; i++)
            fl_copy_item(target + i * target_stride, source + i * source_stride, itemsize, 1);
    else if (target_stride == itemsize && source_stride == itemsize)
        memcpy(target, source, n * itemsize);
    else
        switch (itemsize) {
        case 1: FL_RUN(1) break;
        case 2: FL_RUN(2) break;
        case 4: FL_RUN(4) break;
        default: FL_RUN(8)
        }
#undef FL_RUN
}

/* Copies elements start ... start + n of the view, in C order, to (write = 0) or from (write = 1) packed memory. */
static inline void fl_transfer(const fl_view *v, ptrdiff_t start, ptrdiff_t n, void *packed, int write) {
    ptrdiff_t index[FL_MAX_DIMS], rest = start;
    char *place = v->data, *item = (char *)packed;
    int last = v->ndim - 1;
    if (n <= 0) return;
    if (last < 0) { /* 0-d: one element */
        fl_copy_item(write ? place : item, write ? item : place, v->itemsize, v->swapped);
        return;
    }
    for (int d = last; d >= 0; d--) {
        index[d] = rest % v->shape[d];
        rest /= v->shape[d];
        place += index[d] * v->strides[d];
    }
    while (1) {
        ptrdiff_t stride = v->strides[last], run = v->shape[last] - index[last];
        if (run > n) run = n;
        if (write)
            fl_copy_run(place, stride, item, v->itemsize, run, v->itemsize, v->swapped);
        else
            fl_copy_run(item, v->itemsize, place, stride, run, v->itemsize, v->swapped);
        if ((n -= run) == 0) return;
        item += run * v->itemsize;
        place += run * stride;
        index[last] += run;
        for (int d = last; d > 0 && index[d] == v->shape[d]; d--) {
            place += v->strides[d - 1] - index[d] * v->strides[d];
            index[d] = 0;
            index[d - 1]++;
        }
    }
}

/* fl_read_*: elements start ... start + n as numbers, in place where they lie ready, else in `buffer` (n numbers).
 * fl_write_*: the way back. Both convert through FL_BLOCK items at a time, in a buffer of their own. */
#define FL_ACCESS(real, suffix, own_kind)                                                                              \
    static inline const real *fl_read_##suffix(const fl_view *v, ptrdiff_t start, ptrdiff_t n, real *buffer) {         \
        const char *place = v->data + start * v->itemsize;                                                             \
        if (v->kind == own_kind) {                                                                                     \
            if (v->contiguous) return (const real *)place;                                                             \
            if (v->ndim == 1 && v->strides[0] == 0) {                                                                  \
                fl_transfer(v, 0, 1, buffer, 0);                                                                       \
                for (ptrdiff_t i = 1; i < n; i++) buffer[i] = buffer[0];                                               \
            } else                                                                                                     \
                fl_transfer(v, start, n, buffer, 0);                                                                   \
        } else if (v->contiguous) {                                                                                    \
            fl_convert_##suffix(v->kind, place, buffer, n);                                                            \
        } else {                                                                                                       \
            uint64_t packed[FL_BLOCK];                                                                                 \
            for (ptrdiff_t i = 0; i < n; i += FL_BLOCK) {                                                              \
                ptrdiff_t m = n - i < FL_BLOCK ? n - i : FL_BLOCK;                                                     \
                fl_transfer(v, start + i, m, packed, 0);                                                               \
                fl_convert_##suffix(v->kind, packed, buffer + i, m);                                                   \
            }                                                                                                          \
        }                                                                                                              \
        return buffer;                                                                                                 \
    }
FL_ACCESS(float, f32, FL_F32)
FL_ACCESS(double, f64, FL_F64)
FL_ACCESS(int64_t, i64, FL_I64)

/* Stores that bypass the cache, for outputs that would not stay in it: they save reading each line before it is
 * overwritten, a third of the traffic (2048 x 32000 float32 softmax rows: 14.2 ms with, 18.6 ms without). */
#if defined(__AVX512F__)
enum { FL_LINE = 64 };
#define FL_STREAM(to, from) _mm512_stream_si512((__m512i *)(to), _mm512_loadu_si512(from))
#elif defined(__AVX__)
enum { FL_LINE = 32 };
#define FL_STREAM(to, from) _mm256_stream_si256((__m256i *)(to), _mm256_loadu_si256((const __m256i *)(from)))
#elif defined(__SSE2__)
enum { FL_LINE = 16 };
#define FL_STREAM(to, from) _mm_stream_si128((__m128i *)(to), _mm_loadu_si128((const __m128i *)(from)))
#endif

static inline void fl_stream(char *target, const char *source, ptrdiff_t bytes) {
#if defined(FL_STREAM)
    ptrdiff_t head = -(uintptr_t)target & (FL_LINE - 1), i;
    if (head > bytes) head = bytes;
    memcpy(target, source, head);
    for (i = head; i + FL_LINE <= bytes; i += FL_LINE) FL_STREAM(target + i, source + i);
    memcpy(target + i, source + i, bytes - i);
#else
    memcpy(target, source, bytes);
#endif
}

static inline void fl_stream_end(void) {
#if defined(__SSE2__)
    _mm_sfence();
#endif
}

#define FL_WRITE(real, suffix, own_kind)                                                                             \
    static inline void fl_write_##suffix(const fl_view *v, ptrdiff_t start, ptrdiff_t n, const real *source,         \
                                         int stream) {                                                              \
        uint64_t packed[FL_BLOCK];                                                                                   \
        for (ptrdiff_t i = 0; i < n; i += FL_BLOCK) {                                                                \
            ptrdiff_t m = n - i < FL_BLOCK ? n - i : FL_BLOCK;                                                       \
            char *place = v->data + (start + i) * v->itemsize;                                                       \
            const void *ready = source + i;                                                                          \
            if (v->kind != own_kind) {                                                                               \
                int direct = v->contiguous && !stream;                                                               \
                fl_store_##suffix(v->kind, source + i, direct ? (void *)place : (void *)packed, m);                  \
                if (direct) continue;                                                                                \
                ready = packed;                                                                                      \
            }                                                                                                        \
            if (!v->contiguous)                                                                                      \
                fl_transfer(v, start + i, m, (void *)ready, 1);                                                      \
            else if (stream)                                                                                         \
                fl_stream(place, (const char *)ready, m * v->itemsize);                                              \
            else                                                                                                     \
                memcpy(place, ready, m * v->itemsize);                                                               \
        }                                                                                                            \
    }
FL_WRITE(float, f32, FL_F32)
FL_WRITE(double, f64, FL_F64)

/* Turns n rows of float, classes side by side, into a tile, class by class, or back: 4 x 4 numbers at a time, the last
 * ones overlapping (softmax of 1,000,000 x 10 float32, one thread: 20.2 -> 16.9 ms). False if it has no way to. */
static inline int fl_turn_tile_f32(const fl_view *rows, ptrdiff_t step, ptrdiff_t first, ptrdiff_t n, ptrdiff_t classes,
                                   float *tile, ptrdiff_t width, int back) {
#if defined(__SSE2__)
    if (rows->kind != FL_F32 || rows->swapped || step != 4 || rows->ndim != 1 || n < 4 || classes < 4) return 0;
    ptrdiff_t stride = rows->strides[0];
    for (ptrdiff_t i = 0; i < n; i = i + 4 < n && i + 8 > n ? n - 4 : i + 4)
        for (ptrdiff_t c = 0; c < classes; c = c + 4 < classes && c + 8 > classes ? classes - 4 : c + 4) {
            char *from = rows->data + (first + i) * stride + c * 4;
            float *to = tile + c * width + i;
            __m128 a, b, d, e;
            if (back) {
                a = _mm_loadu_ps(to), b = _mm_loadu_ps(to + width);
                d = _mm_loadu_ps(to + 2 * width), e = _mm_loadu_ps(to + 3 * width);
                _MM_TRANSPOSE4_PS(a, b, d, e);
                _mm_storeu_ps((float *)from, a), _mm_storeu_ps((float *)(from + stride), b);
                _mm_storeu_ps((float *)(from + 2 * stride), d), _mm_storeu_ps((float *)(from + 3 * stride), e);
            } else {
                a = _mm_loadu_ps((float *)from), b = _mm_loadu_ps((float *)(from + stride));
                d = _mm_loadu_ps((float *)(from + 2 * stride)), e = _mm_loadu_ps((float *)(from + 3 * stride));
                _MM_TRANSPOSE4_PS(a, b, d, e);
                _mm_storeu_ps(to, a), _mm_storeu_ps(to + width, b);
                _mm_storeu_ps(to + 2 * width, d), _mm_storeu_ps(to + 3 * width, e);
            }
        }
    return 1;
#else
    return 0;
#endif
}

/* Fetches the memory of the next row while this one is computed: the two then overlap (3.05 ms -> 2.54 ms for
 * 8192 x 1000 float32 softmax rows). */
static inline void fl_prefetch(const char *place, ptrdiff_t bytes) {
    for (ptrdiff_t i = 0; i < bytes; i += 64) __builtin_prefetch(place + i, 0, 2);
}

#undef FL_LOOP
#undef FL_FROM
#undef FL_ACCESS
#undef FL_WRITE
#endif
