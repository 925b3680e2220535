"""`python -m foretype.lsp` is `foretype lsp`: for editors and for the demo, without searching PATH."""

from __future__ import annotations

import sys

from ..daemon.cli.main import main

if __name__ == "__main__":
    sys.argv[1:1] = ["lsp"]
    main()
