"""`python -m sandbox`: see sandbox/ctl.py."""

import sys

from sandbox.ctl import main

sys.exit(main())
