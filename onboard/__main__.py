"""``python -m onboard`` is the ``onboard`` command."""

import sys

from onboard.cli import main

sys.exit(main())
