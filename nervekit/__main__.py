"""``python -m nervekit`` is the command line."""

import sys

from nervekit.cli import main

sys.exit(main())
