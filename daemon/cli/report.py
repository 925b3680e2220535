"""`foretype doctor --report`: what a bug report needs to say of an installation, and nothing of the user's.

Made from `doctor`'s findings: versions, what works, what is wrong, settings that differ from their defaults
by name. No path, no name of a user or a machine, no code, no text that a file holds: whatever looks like one
is replaced. What was looked at is `doctor`'s business; nothing is sent, the text is printed.
"""

from __future__ import annotations

import getpass
import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import attrs

from ..settings.settings import Settings
from .doctor import Finding

PATH = "<path>"

_PATH = re.compile(
    r"""(?<![\w.:/\\~<])            # at the beginning of a word
        (?:file:/+ | ~(?=[/\\]) | [A-Za-z]:(?=[/\\]) | \\\\(?=\w) | /(?=[^\s/]))
        [^\s'",;:()<>|]*""",
    re.VERBOSE,
)

_VALUES_THAT_MAY_BE_SHOWN = (bool, int, float)
"""Texts and lists are the user's: names of models, paths, languages. That they were set is said, no more."""


def bug_report(findings: Iterable[Finding], settings: Settings) -> str:
    """The text, in Markdown.

    Args:
        findings: everything that was looked at.
        settings: the user's.
    """
    lines = ["### foretype doctor", ""]
    for finding in findings:
        mark = "mend" if finding.remedy else "ok"
        lines.append(f"- {mark}: {finding.subject}: {anonymous(finding.found)}")
        if finding.remedy:
            lines.append(f"  - {anonymous(finding.remedy)}")
    lines += ["", "### Settings that are not the defaults", ""]
    lines += [f"- {line}" for line in changed_settings(settings)] or ["- none"]
    return "\n".join(lines)


def changed_settings(settings: Settings) -> list[str]:
    """Each setting that differs from its default, with its value where that says nothing of the user."""
    found: list[str] = []
    for section in attrs.fields(Settings):
        ours: Any = getattr(settings, section.name)
        default: Any = getattr(Settings(), section.name)
        kind = cast("type[Any]", type(ours))
        if not attrs.has(kind):
            found += [section.name] if ours != default else []
            continue
        for field in attrs.fields(kind):
            value = getattr(ours, field.name)
            if value != getattr(default, field.name):
                shown = f" = {value}" if isinstance(value, _VALUES_THAT_MAY_BE_SHOWN) else ""
                found.append(f"{section.name}.{field.name}{shown}")
    return found


def anonymous(text: str, private: Iterable[str] | None = None) -> str:
    """A text without paths and without the names of the user, the home folder and the machine.

    Args:
        text: what may hold some.
        private: the names; None asks the system.
    """
    text = _PATH.sub(PATH, text)
    for name in sorted(_names() if private is None else private, key=len, reverse=True):
        if len(name) > 1:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "<name>", text)
    return text


def _names() -> set[str]:
    found = {platform.node(), platform.node().split(".", maxsplit=1)[0], Path.home().name}
    found |= {os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME")}
    try:
        found.add(getpass.getuser())
    except (KeyError, OSError, ImportError):
        pass  # this user has no name
    return {name for name in found if name not in ("", "root", "localhost")}
