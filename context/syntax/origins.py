"""Where names come from that nobody can see: libraries' headers, `import *`, and what looks like them.

A workspace can list its own names, not those of the libraries it includes. So a name that it never mentions
is an invention only where nothing unlisted comes in, or where it begins as only the workspace's own names
do (`PyArray_…` in NumPy). Pure functions of texts and of what a language says about itself.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

from ..languages import Names
from ..languages.lists import headers, in_headers
from .includes import Headers
from .names import words_like

_HUMP = re.compile(r"[a-z0-9](?=[A-Z])")
_LEAST_LIKE = 2
_LEAST_LISTED = 5
_ONE_MISSED_IN = 8
_LEAST_PREFIX = 2
_LEAST_PACKAGE = 5
_MOST_HEADERS = 500


def brings_unlisted(text: str, path: str, names: Names, inside: Headers | None) -> bool:
    """Whether a text, or a header of its, brings in names from outside the workspace that no table lists.

    Args:
        text: the document.
        path: its path.
        names: what its language says.
        inside: what the workspace's headers include; None where that is unknown.
    """
    if is_included(path, names) or brings_values(text, names):
        return True
    listed = headers(names.headers)
    waiting = [header for header in headers_in(text, names) if header not in listed]
    seen = set(waiting)
    while waiting:
        found = None if inside is None else inside(waiting.pop())
        if found is None or len(seen) > _MOST_HEADERS:
            return True
        more = [header for header in found if header not in listed and header not in seen]
        seen.update(more)
        waiting += more
    return False


def is_included(path: str, names: Names) -> bool:
    """Whether a file is a part of those that include it, so that names come in which it doesn't include."""
    return bool(names.included) and re.search(names.included, path) is not None


def headers_in(text: str, names: Names) -> tuple[str, ...]:
    """The headers that a text includes, each once."""
    return tuple(
        dict.fromkeys(found.group(found.lastindex) for found in _brought(text, names) if found.lastindex)
    )


def brings_values(text: str, names: Names) -> bool:
    """Whether a text brings in names that may be variables: not those of a library by its name."""
    return any(not found.lastindex for found in _brought(text, names))


def _brought(text: str, names: Names) -> Iterator[re.Match[str]]:
    return _unseen(names.unseen).finditer(text) if names.unseen else iter(())


def is_package(name: str, text: str, names: Names) -> bool:
    """Whether a name may be that of a package that a text imports by its path: it reads like a part of it."""
    if not names.packages or len(name) < _LEAST_PACKAGE or name.casefold() != name:
        return False
    return any(
        name in re.sub(r"[^a-z0-9]", "", found.group(1).casefold())
        for found in re.finditer(names.packages, text, re.MULTILINE)
    )


@functools.cache
def _unseen(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.MULTILINE)


def prefix_of(name: str) -> str:
    """What names of one library begin with: `list_` of `list_length`, `Py` of `PyObject`."""
    lead = len(name) - len(name.lstrip("_"))
    found = name.find("_", lead)
    if found > 0:
        return name[: found + 1]
    hump = _HUMP.search(name, lead)
    return name[: hump.end()] if hump else ""


def has_own_prefix(name: str, text: str, names: Names, symbols: Callable[[str], bool] | None) -> bool:
    """Whether a name begins as names do that are all known: the workspace defines or a table lists them.

    Args:
        name: the name in question.
        text: where others like it are looked for.
        names: what the text's language says.
        symbols: whether the workspace defines a name.
    """
    prefix = prefix_of(name)
    if symbols is None or len(prefix.strip("_")) < _LEAST_PREFIX:
        return False
    listed = in_headers(names.headers)
    like = words_like(text, prefix) - {name}
    if len(like) < _LEAST_LIKE and sum(each.startswith(prefix) for each in listed) < _LEAST_LISTED:
        return False
    # No index finds all that a file defines.
    return sum(each not in listed and not symbols(each) for each in like) <= len(like) // _ONE_MISSED_IN


def has_foreign_prefix(name: str, text: str, symbols: Callable[[str], bool] | None) -> bool:
    """Whether a name begins as functions do that the text calls and the workspace lacks (`g_free`)."""
    prefix = prefix_of(name)
    if symbols is None or not prefix.endswith("_"):
        return False
    like = words_like(text, prefix, r"\s*\(") - {name}
    return not all(map(symbols, like))
