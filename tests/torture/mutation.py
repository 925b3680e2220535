"""Broken bytes and broken values, from whole ones and a seed: what damage, bugs and malice make of them."""

from __future__ import annotations

import random
import struct
from typing import Any, cast

NUMBERS = (
    0,
    1,
    2,
    127,
    255,
    (1 << 15) - 1,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 53,
    1 << 63,
    (1 << 64) - 1,
)
"""Where counts and lengths go wrong."""

ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    1e308,
    2**31,
    2**53,
    -(2**63),
    "",
    "\0",
    "\ud800",
    "\udc00x",
    "e\u0301\u200d👩‍💻",
    "\r\n\u2028",
    "x" * 2000,
    [],
    {},
    [None],
    [[[[[]]]]],
    {"uri": None},
    {"line": -1, "character": 2**31},
)
"""Values that nobody expects."""


def broken_bytes(chance: random.Random, whole: bytes) -> bytes:
    """One to four kinds of damage to some bytes."""
    data = bytearray(whole)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        kind = chance.randrange(8)
        if kind == 0:
            del data[at:]
        elif kind == 1 and data:
            data[at % len(data)] ^= 1 << chance.randrange(8)
        elif kind == 2:
            size = chance.choice((1, 2, 4, 8))
            number = chance.choice(NUMBERS) & ((1 << (8 * size)) - 1)
            data[at : at + size] = number.to_bytes(size, "little")
        elif kind == 3:
            data[at:at] = chance.randbytes(chance.choice((1, 8, 100)))
        elif kind == 4:
            del data[at : at + chance.choice((1, 4, 8, 64))]
        elif kind == 5:
            data[at:at] = data[at : at + chance.choice((8, 64, 512))]
        elif kind == 6:
            data[at : at + 64] = bytes(min(64, len(data) - at))
        else:
            data[at : at + 8] = struct.pack("<d", chance.choice((float("nan"), float("inf"), -1.0)))
    return bytes(data)


def broken_value(chance: random.Random, whole: Any) -> Any:
    """A JSON value of which one part is odd, missing, doubled or where another one belongs."""
    if isinstance(whole, dict) and whole and chance.random() < 0.85:
        fields = dict(cast("dict[str, Any]", whole))
        key = chance.choice(list(fields))
        kind = chance.random()
        if kind < 0.1:
            del fields[key]
        elif kind < 0.15:
            fields[chance.choice(list(fields))] = fields[key]
        else:
            fields[key] = broken_value(chance, fields[key])
        return fields
    if isinstance(whole, list) and whole and chance.random() < 0.85:
        items = list(cast("list[Any]", whole))
        at = chance.randrange(len(items))
        if chance.random() < 0.2:
            items[at:at] = items[at : at + 1] * chance.choice((1, 20))
        else:
            items[at] = broken_value(chance, items[at])
        return items
    if isinstance(whole, int) and not isinstance(whole, bool) and chance.random() < 0.5:
        return whole + chance.choice((-1, 1, -1000, 1000))
    if isinstance(whole, str) and chance.random() < 0.5:
        at = chance.randrange(len(whole) + 1)
        return whole[:at] + chance.choice(("\ud83d", "\0", "\n", "é", "%2e%2e/", " ")) + whole[at:]
    return chance.choice(ODD)
