"""The imports that a suggestion needs, as an item's command carries them to the client and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..protocol.fields import as_map

if TYPE_CHECKING:
    from ...context.imports import Import

_FORMS = ("module", "member", "type", "default")


def as_argument(uri: str, imports: tuple[Import, ...]) -> dict[str, Any]:
    """What an item's command carries besides the suggestion's id."""
    listed = [{"name": one.name, "module": one.module, "form": one.form} for one in imports]
    return {"uri": uri, "imports": listed}


def read_argument(value: Any) -> tuple[str, tuple[Import, ...]]:
    """The same, read back; anything odd in it is left out."""
    from ...context.imports import Import

    fields = as_map(value)
    uri, listed = fields.get("uri"), fields.get("imports")
    found: list[Import] = []
    for each in map(as_map, listed if isinstance(listed, list) else []):  # pyright: ignore[reportUnknownArgumentType] - the client's
        name, module, form = each.get("name"), each.get("module"), each.get("form")
        if isinstance(name, str) and isinstance(module, str) and form in _FORMS and _is_line(name + module):
            found.append(Import(name, module, str(form)))
    return uri if isinstance(uri, str) else "", tuple(found)


def _is_line(text: str) -> bool:
    return text.isprintable() and not set(text) & set("\"'`{};")
