"""Builds the kernels, once per instruction set; everything else about the package stands in pyproject.toml."""

import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

KERNELS = Path("fastloss/kernels")
SHARED = {"system"}  # one build serves every instruction set
FAMILIES = sorted(path.stem for path in KERNELS.glob("*.pyx") if path.stem not in SHARED)
HEADERS = [str(path) for path in sorted(KERNELS.glob("*.h"))]  # cythonize itself follows the .pxd files

X86_64 = platform.machine().lower() in ("x86_64", "amd64")
ISAS = {
    "baseline": [],
    # GCC would use half of AVX-512's width by default
    "v3": ["-march=x86-64-v3"],
    "v4": ["-march=x86-64-v4", "-mprefer-vector-width=512"],
}
if not X86_64:
    ISAS = {"baseline": []}
if chosen := os.environ.get("FASTLOSS_BUILD_ISA"):  # one build only, while developing
    ISAS = {isa: flags for isa, flags in ISAS.items() if isa in chosen.split(",")}

# No contraction: an expression must round alike in every loop it is compiled into. No -ffast-math, ever: it breaks
# NaN, infinities and the exact differences of vecmath.h. No debug information: Python asks for it, and its price is a
# third of the time that compiling takes.
FLAGS = [
    "-O3",
    "-g0",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=off",
    "-fopenmp-simd",
    "-Wno-unused-function",
]
SANITIZE = [
    "-fsanitize=address,undefined",
    "-fno-sanitize-recover=undefined",
    "-fno-omit-frame-pointer",
    "-g",
]


OPENMP_PROGRAM = "#include <omp.h>\nint main(void) { return omp_get_max_threads() < 1; }\n"


def supports(flag: str, program: str = "int main(void) { return 0; }\n") -> bool:
    """Whether the C compiler takes the flag, and builds the program with it."""
    compiler = os.environ.get("CC", "cc").split()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text(program)
        command = [*compiler, flag, str(source), "-o", str(Path(folder, "probe"))]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except FileNotFoundError:
            return False


def extension(module: str, source: str, flags: list[str]) -> Extension:
    return Extension(
        module,
        [source],
        include_dirs=[str(KERNELS), numpy.get_include()],
        define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
        extra_compile_args=[*FLAGS, *flags, *THREADS],
        extra_link_args=THREADS,
        depends=HEADERS,
    )


class BuildInParallel(build_ext):
    def finalize_options(self):
        super().finalize_options()
        self.parallel = self.parallel or os.cpu_count()


# GCC lifts `if grad:` out of a loop of up to 50 instructions only; block functions are longer. Without it no
# gradient loop is vectorised for plain x86-64, which has no masked stores (BCE with logits: 19 times slower).
UNSWITCH = "--param=max-unswitch-insns=2000"
# It gives up on a loop in which more than ten pairs of arrays might overlap: three inputs and two gradients have more.
OVERLAPS = "--param=vect-max-version-for-alias-checks=100"
FLAGS += [flag for flag in (UNSWITCH, OVERLAPS) if supports(flag)]
THREADS = ["-fopenmp"] if supports("-fopenmp", OPENMP_PROGRAM) else []
if not THREADS:
    print("fastloss: the C compiler has no OpenMP, so the kernels will run on one thread", file=sys.stderr)
if os.environ.get("FASTLOSS_SANITIZE"):
    FLAGS += SANITIZE
    THREADS += SANITIZE

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "freethreading_compatible": True,
}
modules = []
for isa, flags in ISAS.items():
    modules += cythonize(
        [extension(f"fastloss.kernels.{isa}.{name}", str(KERNELS / f"{name}.pyx"), flags) for name in FAMILIES],
        build_dir=f"build/cython/{isa}",
        compiler_directives=DIRECTIVES,
    )
modules += cythonize(
    [extension("fastloss.kernels.system", str(KERNELS / "system.pyx"), [])],
    build_dir="build/cython/shared",
    compiler_directives=DIRECTIVES,
)

setup(ext_modules=modules, cmdclass={"build_ext": BuildInParallel})
