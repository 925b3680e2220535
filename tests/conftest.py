"""What the whole run of tests needs: a heap that garbage collections don't look through again and again."""

from __future__ import annotations

import gc


def pytest_collection_finish() -> None:
    """Leave what was collected out of further garbage collections, as the language server leaves its imports.

    Six thousand tests and what they import take a full collection 0.16 s and more, which falls on any line. A
    completion that it falls on has run out of processor time, and is not shown.
    """
    gc.collect()
    gc.freeze()
