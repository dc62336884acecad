"""`python -m fastloss`, the same as the command `fastloss`."""

import sys

from fastloss.cli import main

if __name__ == "__main__":
    sys.exit(main())
