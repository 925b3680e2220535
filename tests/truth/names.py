"""The second oracle: holes whose names nothing else in the file can vouch for.

A name that stands elsewhere in the file is believed, so holes cut from finished files hide what is wrong with
the checks of names. Here names are of two kinds, and both have to be shown:

- introduced: what the hole itself binds for the first time (an assignment's target, an attribute that is
  made, a parameter, a type parameter, a definition). It becomes a name that the file has never had, in the
  hole alone.
- given: what comes from outside: imported by name, a member of what is imported, or one of the globals of
  `GLOBALS`. Its other mentions in the file become another name, those in imports apart.

What is bound is read with `bindings`. What that misses is not looked at.
"""

from __future__ import annotations

import re

import attrs
from foretype.tests.truth.bindings import BINDINGS, GLOBALS, PARAMETERS, TYPE_PARAMETERS
from foretype.tests.truth.code import Code, Token, read
from foretype.tests.truth.cuts import PLAIN
from foretype.tests.truth.holes import Hole

INTRODUCED, GIVEN = "introduced", "given"

_FRESH = ("plover", "quince", "osprey", "walnut", "heron", "sorrel", "bramble", "linnet", "teasel", "curlew")
_NEUTRAL = "zzyzx"
_PARAMETER_LIST = re.compile(r"\b(?:def|function|func|fn|lambda)\b[^({:]*\(([^)]*)\)")
_WORDS = frozenset({"import", "from", "as", "use", "using", "include", "type", "static", "function", "const"})
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


@attrs.frozen
class NameHole:
    """A hole with names of its own.

    Attributes:
        hole: the changed one, in the changed file.
        names: what was changed, with its kind.
    """

    hole: Hole
    names: tuple[tuple[str, str], ...]


def with_own_names(hole: Hole) -> NameHole | None:
    """The hole with names that nothing else vouches for; None where it has no such names."""
    if hole.kind not in PLAIN or hole.language not in BINDINGS:
        return None
    code, text = hole.code, hole.code.text
    tokens = [
        token
        for token in code.tokens
        if not token.prose and _IDENTIFIER.fullmatch(text, token.start, token.end)
    ]
    inside = [token for token in tokens if hole.start <= token.start and token.end <= hole.end]
    cut = {_said(text, token) for token in tokens if token.start < hole.start < token.end}
    mentioned = {_said(text, token) for token in tokens if token.end <= hole.start} | cut
    brought = {_said(text, token) for token in inside if code.imports_at(token.start)}
    changes: dict[int, tuple[Token, str]] = {}
    names: list[tuple[str, str]] = []
    known = {_said(text, token) for token in tokens}
    for name in _bound(hole, {_said(text, token) for token in inside}):
        if name in mentioned or name in brought:
            continue
        fresh = _fresh(name, known)
        known.add(fresh)
        names.append((fresh, INTRODUCED))
        changes.update({token.start: (token, fresh) for token in inside if _said(text, token) == name})
    bound = {_said(text, token) for token, _ in changes.values()}
    for name in _given(hole, inside, tokens) - bound - cut:
        others = [
            token
            for token in tokens
            if _said(text, token) == name
            and (token.end <= hole.start or token.start >= hole.end)
            and not code.imports_at(token.start)
        ]
        names.append((name, GIVEN))
        changes.update({token.start: (token, _NEUTRAL) for token in others})
    return _changed(hole, [changes[at] for at in sorted(changes)], tuple(names)) if names else None


def _said(text: str, token: Token) -> str:
    return text[token.start : token.end]


def _bound(hole: Hole, names: set[str]) -> list[str]:
    """The names that the hole binds, in order."""
    wanted = _without_prose(hole.code, hole.start, hole.end)
    # An assignment may have begun left of the cursor: only what the hole says from its own beginning counts.
    found: list[str] = []
    for pattern in (*BINDINGS[hole.language], *TYPE_PARAMETERS.get(hole.language, ())):
        for match in re.finditer(pattern, wanted, re.MULTILINE):
            begins = match.start(1) > 0 or hole.code.text[hole.start - 1 : hole.start].isspace()
            found += [match.group(1)] * begins
    for pattern in PARAMETERS.get(hole.language, ()):
        for match in re.finditer(pattern, wanted):
            for each in match.group(1).split(","):
                named = re.match(r"\s*(?:mut\s+)?\**(\w+)\s*(?:[:=?\s]|$)", each)
                found += [named.group(1)] if named else []
    skipped = {
        "self",
        "cls",
        "this",
        "_",
        "const",
        "static",
        "return",
        "new",
        "mut",
        "ref",
        "else",
        "if",
        "in",
    }
    return [name for name in dict.fromkeys(found) if name in names - skipped and not name.startswith("__")]


def _given(hole: Hole, inside: list[Token], tokens: list[Token]) -> set[str]:
    """The names of the hole that come from outside the file."""
    text, code = hole.code.text, hole.code
    imported = _imported(hole, tokens)
    bare = _without_prose(code, 0, len(text))
    assigned = {
        match.group(1)
        for pattern in BINDINGS[hole.language]
        for match in re.finditer(pattern, bare, re.MULTILINE)
    }
    for match in _PARAMETER_LIST.finditer(bare):
        assigned.update(re.findall(r"\w+", match.group(1)))
    found: set[str] = set()
    before: Token | None = None
    for token in inside:
        name = _said(text, token)
        joined = text[before.end : token.start] if before is not None else ""
        if not code.imports_at(token.start) and name not in assigned:
            member = (
                before is not None and joined in {".", "::"} and _said(text, before) in imported - assigned
            )
            if member or name in imported or name in GLOBALS.get(hole.language, frozenset()):
                found.add(name)
        before = token
    return found


def _imported(hole: Hole, tokens: list[Token]) -> set[str]:
    """The names that imports bind; of a path, the last part (of Python's `import a.b`, the first)."""
    text, code = hole.code.text, hole.code
    found: set[str] = set()
    for token in tokens:
        if not code.imports_at(token.start):
            continue
        line = text[text.rfind("\n", 0, token.start) + 1 : token.start]
        behind = text[token.end :].lstrip(" ")[:2]
        path = behind[:1] == "." or behind == "::"
        if hole.language == "python":
            # In `from a import b` only what follows `import` is bound.
            path = re.fullmatch(r"\s*from\s+[.\w]*", line) is not None or line.endswith(".")
        if not path and "require" not in line:
            found.add(_said(text, token))
    return found - _WORDS


def _without_prose(code: Code, start: int, end: int) -> str:
    """A stretch of the file, its strings and comments blank."""
    parts = list(code.text[start:end])
    for token in code.tokens:
        if token.prose and start <= token.start and token.end <= end:
            parts[token.start - start : token.end - start] = " " * (token.end - token.start)
    return "".join(parts)


def _fresh(name: str, known: set[str]) -> str:
    """A name like it that the file has never had."""
    first = sum(name.encode()) % len(_FRESH)
    for number in range(len(_FRESH) * 2):
        word = _FRESH[(first + number) % len(_FRESH)] + ("s" if number >= len(_FRESH) else "")
        styled = (
            word.upper() if name.isupper() and len(name) > 1 else word.title() if name[0].isupper() else word
        )
        styled = "_" + styled if name.startswith("_") else styled
        if styled not in known:
            return styled
    return name + "q"


def _changed(
    hole: Hole, changes: list[tuple[Token, str]], names: tuple[tuple[str, str], ...]
) -> NameHole | None:
    parts: list[str] = []
    at, start, end = 0, hole.start, hole.end
    for token, name in changes:
        parts += [hole.code.text[at : token.start], name]
        longer = len(name) - (token.end - token.start)
        start += longer if token.end <= hole.start else 0
        end += longer if token.end <= hole.end else 0
        at = token.end
    code = read("".join((*parts, hole.code.text[at:])), hole.language)
    if code is None or not code.sound:
        return None
    return NameHole(attrs.evolve(hole, code=code, start=start, end=end), names)
