#!/usr/bin/env bash
# Build the kernels with AddressSanitizer and UndefinedBehaviorSanitizer in a folder of their own, and run the suite on
# them: what boundscheck(False) hides comes out here. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

git ls-files --cached --others --exclude-standard -z | xargs -0 cp --parents --target-directory="$folder"
python=$(pwd)/.venv/bin/python
[ -x "$python" ] || python=$(command -v python3)
cd "$folder"
FASTLOSS_SANITIZE=1 FASTLOSS_BUILD_ISA=${FASTLOSS_ISA:-v3} "$python" setup.py -q build_ext --inplace
ln -s ../reference fastloss/reference

# Python's own allocator hides overruns and never returns all it took; the runtime must come before Python's libraries.
export PYTHONPATH=$folder PYTHONMALLOC=malloc FASTLOSS_ISA=${FASTLOSS_ISA:-v3}
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
export LD_PRELOAD="$(cc -print-file-name=libasan.so) $(cc -print-file-name=libubsan.so)"
"$python" -c 'import fastloss; print("sanitized build of", fastloss.__file__)'
"$python" -m pytest -p no:cacheprovider "$@"
