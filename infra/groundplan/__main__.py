"""`python -m groundplan` is the command `groundplan`, for checkouts that aren't installed."""

import sys

from groundplan.cli import main

sys.exit(main())
