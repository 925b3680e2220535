"""`python -m foretype.daemon` is `foretype daemon`: how a client starts a daemon without searching PATH."""

from __future__ import annotations

import sys

from .cli.main import main

if __name__ == "__main__":
    sys.argv[1:1] = ["daemon"]
    main()
