"""Entry point of `python -m tools.setup`. Parses on any Python 3, to say which one is needed."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python must be told so
    sys.exit(
        "setup: Python {}.{} runs this, but 3.11 or newer is needed.\n"
        "  Fix: install it (Debian, Ubuntu: sudo apt-get install python3.11 python3.11-venv;"
        " macOS: brew install python@3.12),\n"
        "  then name it: make PYTHON=python3.12 setup".format(*sys.version_info)
    )

from tools.setup.main import main

sys.exit(main())
