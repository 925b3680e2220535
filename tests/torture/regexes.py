"""Every regular expression of the product, and texts that make careless ones take for ever.

The expressions are those that modules hold, as values or in tables, and those of the languages' files. The
texts repeat what an expression is made of: its characters, pairs of them, its words with what stands around.
"""

from __future__ import annotations

import importlib
import importlib.util
import itertools
import pkgutil
import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import attrs
import foretype.context
import foretype.daemon
import foretype.editors
import foretype.lsp
import foretype.models
from foretype.context.languages import all_languages

ROOMS: tuple[ModuleType, ...] = (
    foretype.context,
    foretype.daemon,
    foretype.editors,
    foretype.lsp,
    foretype.models,
)
LENGTHS = (100, 300, 1000, 2000)
"""Characters of the texts, shortest first: the last are longer than any line that people write."""

_SEARCHING = {"search", "finditer", "findall", "sub", "subn", "split"}

_DEEPEST = 4


def expressions() -> dict[str, re.Pattern[Any]]:
    """By where they stand; each once."""
    found: dict[Any, tuple[str, re.Pattern[Any]]] = {}
    for name, value in _holders():
        for expression in _in(value, 0):
            found.setdefault(expression.pattern, (name, expression))
    return dict(found.values())


def _holders() -> Iterator[tuple[str, Any]]:
    for room in ROOMS:
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if not module.name.endswith("__main__"):
                values = vars(importlib.import_module(module.name))
                yield from ((f"{module.name}.{name}", value) for name, value in list(values.items()))
    for language in all_languages():
        yield language.id, language


def _in(value: Any, depth: int) -> Iterator[re.Pattern[Any]]:
    """The expressions in a value, also as text in fields that are called patterns."""
    if isinstance(value, re.Pattern):
        yield cast("re.Pattern[Any]", value)
    elif depth > _DEEPEST:
        return
    elif isinstance(value, dict):
        for each in cast("dict[Any, Any]", value).values():
            yield from _in(each, depth + 1)
    elif isinstance(value, list | tuple | set | frozenset):
        for each in itertools.islice(cast("list[Any]", value), 400):
            yield from _in(each, depth + 1)
    elif attrs.has(kind := cast("type[Any]", type(value))):
        for field in attrs.fields(kind):
            inner = getattr(value, field.name, None)
            if isinstance(inner, str) and inner and field.name.endswith("pattern"):
                yield re.compile(inner)
            yield from _in(inner, depth + 1)


def texts(pattern: str, length: int) -> Iterator[str]:
    """What makes an expression with this source slow, if anything does; so many characters each."""
    characters = sorted({*re.sub(r"\\[a-zA-Z]", "", pattern), *"a0_ .\t\n\"'(-=/\\"})
    words = re.findall(r"[A-Za-z]{2,}", pattern)[:12]
    units = [*characters, *(a + b for a in characters[:22] for b in characters[:22])]
    units += [word + end for word in words for end in (" ", "{", "(", " {", ":", "")]
    chance = random.Random(len(pattern))
    units += ["".join(chance.choices([*characters, *words], k=chance.randint(3, 6))) for _ in range(40)]
    for unit in units:
        yield unit * (length // len(unit))
    for start, unit in itertools.product(("", *words[:6], "[", "{", "a"), (" ", "a", "\n", "[", "a.")):
        yield start + unit * (length // len(unit))


def is_searched(name: str) -> bool:
    """Whether the module that holds an expression looks for it anywhere in a text, not only at one place."""
    module, _, called = name.rpartition(".")
    found = importlib.util.find_spec(module) if module.startswith("foretype.") else None
    if found is None or found.origin is None:
        return True
    source = Path(found.origin).read_text("utf-8")
    uses = set(re.findall(rf"\b{re.escape(called)}\.(\w+)\(", source))
    return not uses or bool(uses & _SEARCHING)


def slowest(expression: re.Pattern[Any], limit_s: float, *, searched: bool = True) -> tuple[float, str]:
    """Processor time in seconds of the worst use, and the beginning of its text; ends beyond `limit_s`."""
    worst = 0.0, ""
    source = expression.pattern
    use = expression.search if searched else expression.match
    for length in LENGTHS:
        for text in texts(source if isinstance(source, str) else source.decode("latin-1"), length):
            subject: Any = text if isinstance(source, str) else text.encode("latin-1", "replace")
            began = time.thread_time()
            use(subject)
            worst = max(worst, (time.thread_time() - began, f"{text[:20]}, {length} characters"))
        if worst[0] > limit_s:
            break
    return worst
