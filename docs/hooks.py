"""Pages of the site that are made rather than written: the settings, from the classes that hold them.

mkdocs calls these functions. What the settings mean stands in the docstrings of `daemon/settings/settings.py`
alone.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import attrs
from foretype.daemon.settings.settings import Settings
from foretype.lsp.session.settings import schema
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]
PICTURES = {"images/demo.svg": ROOT / "editors" / "images" / "demo.svg"}

HEAD = """# Settings

foretype works without any. The file is `config.toml` in your configuration folder; `foretype doctor` says
where that is on your system. A mistake in it is named with its line, and the rest is honoured. Settings
marked *editor* can be given by your editor as well, which then wins. No repository can change any of them.
"""


def on_files(files: Any, config: Any) -> Any:
    """Add what is made."""
    files.append(File.generated(config, "settings.md", content=settings_page()))
    for name, path in PICTURES.items():
        files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def settings_page() -> str:
    """Every setting with its default and what it means, section by section."""
    parts = [HEAD]
    from_editor = schema()["properties"]
    for section in attrs.fields(attrs.resolve_types(Settings)):
        kind = section.type
        if not attrs.has(kind):
            continue
        said = explained(kind)
        parts.append(f"## [{section.name}]\n\n{(kind.__doc__ or '').splitlines()[0]}\n")
        parts.append("| setting | default | meaning |\n|---|---|---|")
        for field in attrs.fields(attrs.resolve_types(kind)):
            where = (
                " *(editor)*" if field.name in from_editor.get(section.name, {}).get("properties", {}) else ""
            )
            parts.append(f"| `{field.name}`{where} | `{as_toml(field.default)}` | {said[field.name]} |")
        parts.append("")
    fim = explained(Settings)["fim"]
    parts.append(f"## [fim]\n\n{sentence(fim)}\n")
    return "\n".join(parts)


def explained(kind: type[Any]) -> dict[str, str]:
    """What a class's docstring says of each of its fields."""
    found = re.findall(r"^ {8}(\w+): (.+(?:\n {12}.+)*)", kind.__doc__ or "", re.MULTILINE)
    return {name: sentence(re.sub(r"\s+", " ", text)) for name, text in found}


def sentence(text: str) -> str:
    """With a capital letter, and safe in a cell."""
    return (text[:1].upper() + text[1:]).replace("|", "\\|")


def as_toml(value: Any) -> str:
    """A default as the file has it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    return "[]" if value == () else f"{value:g}" if isinstance(value, float) else str(value)
