/* What the machine and the compiler offer. */
#ifndef FASTLOSS_SYSTEM_H
#define FASTLOSS_SYSTEM_H

#ifdef _OPENMP
#include <omp.h>
#define FL_OPENMP 1
static inline int fl_omp_threads(void) { return omp_get_max_threads(); }
#else
#define FL_OPENMP 0
static inline int fl_omp_threads(void) { return 1; }
#endif

static inline int fl_runs_v3(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi") &&
           __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt") && __builtin_cpu_supports("f16c") &&
           __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("movbe");
#else
    return 0;
#endif
}

static inline int fl_runs_v4(void) {
#if defined(__x86_64__)
    return fl_runs_v3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#else
    return 0;
#endif
}

#if defined(__clang__)
#define FL_COMPILER "clang " __clang_version__
#elif defined(__GNUC__)
#define FL_COMPILER "gcc " __VERSION__
#else
#define FL_COMPILER "unknown"
#endif

#endif
