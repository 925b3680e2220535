"""Whether a piece of text is the value of a secret rather than a word, a name, a type or a placeholder.

Pure and bounded: every expression here is applied to a value of at most `LONGEST` characters. Where a value
stands and what it is assigned to is `lines`' business.
"""

from __future__ import annotations

import math
import re
from collections import Counter

LONGEST_SECRET = 512


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PLACEHOLDERS = _words(
    """
    change changeme changeit change_me your yours my mine the a an example examples sample placeholder
    dummy fake mock test tests testing todo fixme tbd insert replace replaceme redacted removed hidden
    masked none null nil undefined true false empty optional required secret secrets password passwords
    passwd passphrase pass pwd token tokens key keys apikey api access private public auth authorization
    bearer basic credential credentials value values string str text user username name id foo bar baz qux
    here goes put enter set me admin root default client server app service session refresh db
    database master field type header param url uri path file env var
    """
)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_MASKED = re.compile(r"^(.)\1*$|[*•]{3}|[xX]{4}|\.{3}|…|_{4}|-{4}")
_REFERENCE = re.compile(
    r"""
      ^[$%@&!][({\w]                     # a variable of a shell, a template, a cmd script, YAML
    | [$#%]\{ | \{\{ | \$\( | %\( | <[^<>]*> | \{\w*\} | %[sdr]\b | \\[\w.]
    | ^(?:arn|env|file|vault|ssm|sm|op|ref|secret|secrets|data|https?|kms|sops|var|process|self|this):
    | ^(?:~|\.{1,2})?/[\w.-]+(?:/|$)    # a path
    | ^[\w-]+(?:/[\w.-]+)*\.(?:json|ya?ml|toml|txt|pem|key|crt|py|js|ts|php|html?|env|conf|cfg|ini|xml|md)$
    """,
    re.VERBOSE,
)
_TYPE = re.compile(
    r"^(?:u?int|float|double|bytes?|bits?|str|string|char|vec|utf|sha|md|base|rs|hs|es|ps|aes|oauth|[uifsb])[-_]?\d+"
    r"(?:_?t|array|ptr)?$",
    re.IGNORECASE,
)
_DIGEST = re.compile(r"^(?:sha\d+|md5)[-:]|^[0-9a-fA-F]+$")
_SYMBOLS = re.compile(r"[^\w\s.:/\\-]")
_CLASSES = (re.compile(r"[a-z]"), re.compile(r"[A-Z]"), re.compile(r"[0-9]"))


def entropy(text: str) -> float:
    """Bits for each character, if each stood for itself."""
    total = len(text)
    return -sum(count / total * math.log2(count / total) for count in Counter(text).values())


def is_reference(value: str) -> bool:
    """Whether a value says where a secret comes from, or that one belongs here, and is none itself."""
    return not value or _MASKED.search(value) is not None or _REFERENCE.search(value) is not None


def is_random(value: str, least: int = 16, bits: float = 3.3) -> bool:
    """Whether a value looks randomly generated.

    Args:
        value: the text.
        least: the fewest characters that count.
        bits: the least entropy for each character.
    """
    if len(value) < least or any(character.isspace() for character in value) or entropy(value) < bits:
        return False
    letters = _CLASSES[0].search(value) is not None or _CLASSES[1].search(value) is not None
    words = _WORDS.findall(value)
    # Names are made of words and have few numbers; what is drawn changes between classes all the time.
    pieces = sum(len(word) >= 4 and word.isalpha() for word in words)
    longest = max((len(word) for word in words if word.isalpha()), default=0)
    changes = len(words) - 1
    return (
        letters
        and _CLASSES[2].search(value) is not None
        and (changes * 4 >= len(value) or (pieces <= 1 and longest < 12 and changes >= 3))
    )


def is_weak_secret(value: str) -> bool:
    """Whether a literal that is assigned to a password is one: no sentence, name or placeholder."""
    if len(value) < 4 or len(value) > LONGEST_SECRET or is_reference(value) or any(map(str.isspace, value)):
        return False
    if is_random(value):
        return True
    words = [word.lower() for word in _WORDS.findall(value)]
    if not words or _TYPE.match(value):
        return False
    if all(word in _PLACEHOLDERS or word.isdigit() for word in words) or _is_a_stock_phrase(words):
        return False
    if _CLASSES[2].search(value) or _SYMBOLS.search(value):
        return True
    # A single word of letters is a translation or a name as often as a password; several, as one writes none.
    return "-" in value and not any(word in _PLACEHOLDERS for word in words)


def _is_a_stock_phrase(words: list[str]) -> bool:
    """What documentation writes where a secret belongs: "your-…", "changeme", "example…", "my-secret"."""
    return bool(
        {*words[:2]} & {"your", "yours", "my", "changeme", "change", "replace", "insert", "enter", "put"}
    ) or bool(
        {*words} & {"example", "placeholder", "dummy", "fake", "mock", "redacted", "todo", "sample", "here"}
    )


def is_plain_secret(value: str) -> bool:
    """Whether a word of letters alone may be a password where nothing else could stand: no name, no type."""
    lowered = value.lower()
    if not 8 <= len(value) <= LONGEST_SECRET or not value.isalpha() or not value.islower():
        return lowered in _COMMON
    return lowered not in _PLACEHOLDERS and _NAMED.search(lowered) is None


def is_set_secret(value: str) -> bool:
    """Whether what a variable of the environment is set to may be a password: there, even plain words are."""
    words = [word.lower() for word in _WORDS.findall(value)]
    named = any(word in _PLACEHOLDERS for word in words)
    if len(value) < 4 or len(value) > LONGEST_SECRET or is_reference(value) or _is_a_stock_phrase(words):
        return False
    if any(map(str.isspace, value)) or value.isalpha():
        return not named
    return not all(word in _PLACEHOLDERS for word in words)


def is_strong_secret(value: str) -> bool:
    """Whether a literal that is assigned to a token or key is a secret: most with such names aren't."""
    if len(value) > LONGEST_SECRET or is_reference(value):
        return False
    if _UUID.fullmatch(value):
        return True
    if _DIGEST.match(value):
        return len(value) >= 20 and len(set(value)) > 6
    return is_random(value)


def is_secret_anywhere(value: str) -> bool:
    """Whether a literal is a secret whatever it is assigned to: long and random."""
    if not 32 <= len(value) <= 128 or is_reference(value) or _DIGEST.match(value) or _UUID.search(value):
        return False
    classes = all(each.search(value) for each in _CLASSES)
    return classes and is_random(value, 32, 4.2) and _GAP.search(value) is None


_COMMON = _words("letmein qwerty hunter iloveyou trustno welcome monkey dragon opensesame sesame swordfish")
"""Passwords that everybody knows, and that name nothing."""

_NAMED = re.compile(
    r"pass|pwd|token|key|hash|string|bytes|bool|value|input|field|plain|crypt|require|option|null|define|unknown"
    r"|object|number|double|integer|param|argument|config|setting|param|secretstr|readonly|default|private|public"
)
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_GAP = re.compile(r"[^A-Za-z0-9+/=_-]|[A-Za-z]{14}")
