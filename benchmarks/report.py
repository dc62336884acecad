"""The speed part of `python -m benchmarks`, which see: the races, without accuracy and scaling."""

import sys

from benchmarks.__main__ import main

if __name__ == "__main__":
    main([*sys.argv[1:], "--parts", "speed"])
