"""Lines that hold the values of secrets, in any language: they are left out of what a model is shown.

A line holds one when a literal is assigned to something that is called a secret, when a text has the shape of
a known kind of token, when a literal is long and was drawn by a machine, or when it belongs to a key in PEM
form. Code that deals with secrets stays: `password = get_password()`, `token: str`. Without a path it is
unclear whether `password: hunter2` is YAML or a type, and the value decides. Pure. The time is bounded by the
length: expressions are applied only where a cue stands, to a bounded stretch behind it, and a line with very
many cues is left out unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .tokens import holds_token
from .values import (
    LONGEST_SECRET,
    is_plain_secret,
    is_reference,
    is_secret_anywhere,
    is_set_secret,
    is_strong_secret,
    is_weak_secret,
)

_MOST_CUES = 40
"""A line with more cues than this is data, and not worth the time to read."""

_PASSWORDS = r"pass(?:word|wd|wort|phrase|code)?|pwd|secret|client_secret"
_KEYS = (
    r"(?:api|access|secret|private|auth|account|master|encryption|signing|shared|session|storage|license|service"
    r"|app|application|admin|root|ssh|deploy|webhook|crypto|cipher|aes|hmac|jwt|db|database)_?key(?:_id)?|credentials?"
)
_TOKENS = r"token|bearer|jwt|pat|auth|authorization|salt|cookie|session_?id|dsn|connection_?string"
_TAILS = (
    r"(?:_(?:\d+|value|prod|production|dev|development|staging|local|default|old|new|current|base|base64|b64|hash|plain"
    r"|plaintext|text|str|string|raw|live|main|primary|secondary|backup|root|admin))*"
)
_PASSWORD_KEY = re.compile(rf"(?:.*_)?(?:{_PASSWORDS}){_TAILS}$|.*(?:password|passwd|passphrase){_TAILS}$")
_KEY_KEY = re.compile(rf"(?:.*_)?(?:{_KEYS}){_TAILS}$|.*apikey{_TAILS}$")
_TOKEN_KEY = re.compile(rf"(?:.*_)?(?:{_TOKENS}){_TAILS}$")
_CUES = (
    *("pass", "pwd", "secret", "token", "credential", "_key", "-key", "apikey", "accesskey", "privatekey"),
    *("authkey", "accountkey", "masterkey", "encryptionkey", "signingkey", "sharedkey", "sessionkey", "jwt"),
    *("auth", "dsn", "salt", "connectionstring", "connection_string"),
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_KEY_BEFORE = re.compile(r"[\w.-]{0,48}$")
_KEY_AFTER = re.compile(r"[\w-]{0,40}")

_CLOSED = r"\\?[\"'`]?\]?"
_TYPED = r"(?:\s{0,4}[:!?]{0,2}\s{0,4}[\w&*.<>\[\]|? ]{0,40}(?==)|\[\w{0,8}\])?"
_QUOTED = re.compile(
    rf"(?P<closed>{_CLOSED}){_TYPED}\s{{0,20}}"
    r"(?P<operator>:=|=>|->|[!=]==?|\?=|\|\|=|[=:,(>]|(?<=\s))\s{0,20}"
    r"[rbfuRBFUL@$]{0,2}\\?(?:"
    rf"\"(?P<double>[^\"\n]{{1,{LONGEST_SECRET}}})\"|'(?P<single>[^'\n]{{1,{LONGEST_SECRET}}})'|`(?P<back>[^`\n]{{1,{LONGEST_SECRET}}})`)"
)
_BARE = re.compile(
    rf"(?P<closed>{_CLOSED})(?P<before>[ \t]{{0,20}})(?P<operator>:=|[=:>]|(?<=[ \t]))"
    rf"(?P<after>[ \t]{{0,20}})(?P<value>[^\s\"'`;&,<>()\[\]{{}}]{{1,{LONGEST_SECRET}}})(?P<next>.?)"
)
_CODE_VALUE = re.compile(r"[A-Za-z_$][\w$]*(?:(?:\.|->|::|\?\.)[\w$]+)*[!?]?$")
_PUNCTUATED = re.compile(r"\w+(?:[!@#$^~%&*+-]+\w*)+$")
_ENVIRONMENT_BEFORE = re.compile(r"(?:^|[\s\"'])(?:-[DeEv])?$")
_SETTING_BEFORE = re.compile(r"(?:^|[\s\"';&?])-{0,2}$")
_LINE_BEFORE = re.compile(r"^\s*(?:-\s+)?[\"']?$")
_SETTER = re.compile(r"(?:set|with|use)_|(?:password|secret|api_?key|token)$")

_URL = re.compile(r"[^/\s:@\"'<>]{0,64}:(?P<password>[^/\s:@\"'`{}$<>]{3,128})@[\w\[]")
_HEADER = re.compile(r"(?:bearer|basic)\s+(?P<value>[\w.~+/-]{12,512}=*)", re.IGNORECASE)
_IDENTIFIED = re.compile(
    r"identified\s{1,8}by\s{1,8}(?:password\s{1,8})?'(?P<value>[^'\n]{1,128})'", re.IGNORECASE
)
_LITERAL = re.compile(r"[\"'`]([A-Za-z0-9+/=_-]{32,128})[\"'`]")
_HASHED = re.compile(r"integrity|sha\d|checksum|digest|hash|md5|base64|fingerprint|etag|uuid", re.IGNORECASE)
_ALONE = re.compile(r"\s*(?:export\s+)?[A-Z][A-Z0-9_]{0,60}=[\"']?(?P<value>[\w+/=-]{32,128})[\"']?\s*$")

_SETTINGS = frozenset(
    {"yaml", "yml", "ini", "cfg", "cnf", "conf", "properties", "env", "toml", "config", "tfvars"}
)
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE KEY|CERTIFICATE|PRIVATE KEY BLOCK)")
_KEY_ENDS = re.compile(r"-----END ")
_KEY_BODY = re.compile(
    r"\W{0,80}+[\w+/=]{0,200}+\W{0,80}$|\W{0,80}?(?:-----END |(?:Proc-Type|DEK-Info|Version|Comment|Hash): )"
)
_KEY_LINE = re.compile(r"\W{0,80}(?P<value>[A-Za-z0-9+/]{56,128}={0,2})\W{0,20}$")
"""A line from the middle of a key: an excerpt may begin there."""


def without_secrets(text: str, path: str = "") -> str:
    """A text without the lines that hold secrets.

    Args:
        text: any text, however broken.
        path: where it stands, if known: in files of settings, what follows a key is a value and never code.
    """
    settings = path.rpartition(".")[2].lower() in _SETTINGS
    kept: list[str] = []
    in_key = False
    for line in text.splitlines(keepends=True):
        begins = "-----BEGIN " in line and _KEY_BEGINS.search(line) is not None
        # Code that only looks for keys names how they begin, and goes on with something else.
        in_key = begins or (in_key and _KEY_BODY.match(line) is not None)
        if not in_key and not holds_secret(line, settings=settings):
            kept.append(line)
        in_key = in_key and _KEY_ENDS.search(line) is None
    return text if "".join(kept) == text else "".join(kept)


def holds_secret(line: str, *, settings: bool = False) -> bool:
    """Whether one line holds the value of a secret.

    Args:
        line: without what stands above and below.
        settings: the line is of a file of settings.
    """
    if len(line) < 8:
        return False
    if holds_token(line) or _in_a_url(line) or _in_a_header(line):
        return True
    lowered = line.lower()
    for count, (start, end) in enumerate(_keys(line, lowered)):
        if count == _MOST_CUES or _is_assigned(line, start, end, settings):
            return True
    return _is_alone(line)


def _keys(line: str, lowered: str) -> Iterator[tuple[int, int]]:
    """Where names stand that speak of secrets; each once, from left to right for each cue."""
    seen: set[int] = set()
    for cue in _CUES:
        at = lowered.find(cue)
        while at >= 0:
            before = _KEY_BEFORE.search(line, max(0, at - 48), at)
            start = at if before is None else before.start()
            after = _KEY_AFTER.match(line, at + len(cue))
            end = at + len(cue) if after is None else after.end()
            if end not in seen:
                seen.add(end)
                yield start, end
            at = lowered.find(cue, max(end, at + 1))


def _kind(key: str) -> str:
    """What a name says about its value: "password", "key" or "token"; "" where it is no secret's name."""
    bare = key.strip(".-").rpartition(".")[2].replace("-", "_")
    name = _CAMEL.sub("_", bare).lower().strip("_")
    if _PASSWORD_KEY.match(name):
        return "password"
    if _KEY_KEY.match(name):
        return "key"
    return "token" if _TOKEN_KEY.match(name) else ""


def _is_value(kind: str, value: str) -> bool:
    """Whether a literal is the secret that a name of that kind speaks of."""
    if kind == "password":
        return is_weak_secret(value)
    if is_strong_secret(value):
        return True
    number = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return (
        kind == "key"
        and len(value) >= 8
        and number
        and not set(value) & set(".:/ ")
        and is_weak_secret(value)
    )


def _is_assigned(line: str, start: int, end: int, settings: bool) -> bool:
    key = line[start:end]
    kind = _kind(key)
    if not kind:
        return False
    found = _QUOTED.match(line, end)
    if found is not None:
        value = found["double"] or found["single"] or found["back"]
        if _may_assign(line, start, key, found) and _is_value(kind, value.rstrip("\\")):
            return True
        if found["operator"] == "=" and kind == "password" and is_plain_secret(value):
            return True
        adjacent = found["operator"] == "=" and found.end("closed") == found.start("operator")
        return adjacent and key.isupper() and _is_set(kind, value)
    bare = _BARE.match(line, end)
    return bare is not None and _is_bare_secret(line, start, kind, bare, settings)


def _may_assign(line: str, start: int, key: str, found: re.Match[str]) -> bool:
    """Whether what stands between a name and a literal gives the one to the other."""
    operator = found["operator"]
    if operator == "(":
        called = _CAMEL.sub("_", key.strip(".").rpartition(".")[2]).lower()
        return _SETTER.match(called.strip("_")) is not None
    if operator == ",":
        return start > 0 and line[start - 1] in "\"'`" and bool(found["closed"])
    if not operator:
        return line.lstrip().startswith("#define") or line[found.end() - 1] == "'" or key.startswith("--")
    return operator != ">" or line[start - 1 : start] == "<"


def _is_bare_secret(line: str, start: int, kind: str, found: re.Match[str], settings: bool) -> bool:
    """Whether a value without quotes is a secret; in code it would be a name or an expression."""
    value, following, operator = found["value"], found["next"], found["operator"]
    key = line[start : found.start()]
    before = line[max(0, start - 8) : start]
    adjacent = operator == "=" and not found["before"] and not found["after"]
    if operator == ">":
        return line[start - 1 : start] == "<" and following == "<" and _is_value(kind, value)
    if following in ("(", "[", "{"):
        return False
    if adjacent and key.strip("-").isupper() and _ENVIRONMENT_BEFORE.search(before):
        return following not in ("(", ")", ",") and _is_set(kind, value)
    if not operator:
        named = key.startswith("--") or line.lstrip().startswith(("ENV ", "setx ")) or "login " in line
        return named and _is_value(kind, value)
    alone = _LINE_BEFORE.search(line[:start] if start < 80 else "x") is not None and not following.strip()
    if settings and alone:
        return _is_value(kind, value) or (kind == "password" and _is_set(kind, value))
    if following in (")", ",") or is_reference(value):
        return False
    if operator == ":" and not found["before"] and found["after"] and alone:
        return _is_plain(kind, value) if _is_letters(value) else _is_value(kind, value)
    if adjacent and (_SETTING_BEFORE.search(before) or key.startswith("--")):
        return alone and _is_plain(kind, value) if _is_letters(value) else _is_value(kind, value)
    punctuated = _CODE_VALUE.match(value) is None and _PUNCTUATED.match(value) is not None
    if alone and operator == "=" and punctuated and any(map(str.isdigit, value)):
        return _is_value(kind, value)
    return alone and operator == "=" and is_strong_secret(value)


def _is_letters(value: str) -> bool:
    """Whether a value may be a name or a path of names, as types and variables are."""
    return _CODE_VALUE.match(value) is not None and not any(map(str.isdigit, value))


def _is_plain(kind: str, value: str) -> bool:
    return kind == "password" and is_plain_secret(value)


def _is_set(kind: str, value: str) -> bool:
    """Whether a variable of the environment, called that way, is set to a secret."""
    if kind == "password":
        return is_set_secret(value)
    number = any(map(str.isdigit, value)) and any(map(str.isalpha, value))
    return is_strong_secret(value) or (number and len(value) >= 8 and is_weak_secret(value))


def _in_a_url(line: str) -> bool:
    at = line.find("://")
    for _ in range(_MOST_CUES):
        if at < 0:
            return False
        found = _URL.match(line, at + 3)
        if found is not None and is_set_secret(found["password"]):
            return True
        at = line.find("://", at + 3)
    return True


def _in_a_header(line: str) -> bool:
    lowered = line.lower()
    for cue in ("bearer ", "basic ", "identified by"):
        at, count = lowered.find(cue), 0
        while at >= 0 and (count := count + 1) <= _MOST_CUES:
            found = (_IDENTIFIED if cue.startswith("i") else _HEADER).match(line, at)
            if found is not None:
                value = found["value"]
                if is_weak_secret(value) if cue.startswith("i") else is_strong_secret(value):
                    return True
            at = lowered.find(cue, at + 1)
        if count > _MOST_CUES:
            return True
    return False


def _is_alone(line: str) -> bool:
    """Whether a long drawn literal stands in a line, whatever it is called."""
    if len(line) < 34 or _HASHED.search(line[:LONGEST_SECRET]):
        return False
    alone = _ALONE.match(line)
    if alone is not None and is_secret_anywhere(alone["value"]):
        return True
    data = _KEY_LINE.match(line)
    if data is not None and all(
        any(map(kind, data["value"])) for kind in (str.islower, str.isupper, str.isdigit)
    ):
        return True
    return any(is_secret_anywhere(found[1]) for found in _LITERAL.finditer(line[: 8 * LONGEST_SECRET]))
