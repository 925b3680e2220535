"""The sections, in the order in which they are reported."""

from __future__ import annotations

from foretype.tests.torture import faults, fuzz_files, fuzz_gguf, fuzz_lsp, fuzz_wire, hours, kills, memory

SECTIONS = {
    each.name: each
    for each in (
        fuzz_lsp.SECTION,
        fuzz_wire.SECTION,
        fuzz_gguf.SECTION,
        fuzz_files.SECTION,
        kills.SECTION,
        faults.SECTION,
        memory.SECTION,
        hours.SECTION,
        hours.REAL,
    )
}

USUAL = tuple(name for name, section in SECTIONS.items() if section.usual)
"""Those that are played where none is named."""
