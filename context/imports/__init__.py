"""Names that need an import: which module brings a name, and the edit that adds it in the file's own style.

`library` holds what the languages' standard libraries define, `wanted` decides what a piece of code needs,
`layout` where a new line belongs; one module for each family of languages reads and writes its statements.
Pure functions over snapshots. It never changes an import that is there, beyond adding a name to its list, and
adds nothing where a tree is missing.
"""

from __future__ import annotations

from collections.abc import Callable

from .surroundings import ImportSurroundings
from .values import Import, ImportEdit, Mention, Site, Statement
from .wanted import wanted_imports
from .writing import import_edit, imports_edit, statements_of

Importer = Callable[[Site], tuple[tuple[Mention, Import], ...]]
"""Which imports a piece of code needs, each with the name it is for."""


def importer(around: ImportSurroundings | None = None) -> Importer:
    """What finds the imports of code, in the language's library and, where it is known, in the workspace."""
    return lambda site: wanted_imports(site, statements_of(site.snapshot, site.offset), around)


__all__ = [
    "Import",
    "ImportEdit",
    "ImportSurroundings",
    "Importer",
    "Mention",
    "Site",
    "Statement",
    "import_edit",
    "importer",
    "imports_edit",
    "statements_of",
    "wanted_imports",
]
