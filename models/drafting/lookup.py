"""Prompt lookup: where the last tokens occurred before, and what followed them. An index, no scanning.

Source code repeats itself, and a model that completes it repeats it as well: what followed the same few
tokens last time is a good draft (prompt lookup decoding, Saxena 2023). Here the occurrences are found as
LZ77 compressors find them (RFC 1951, section 4): a table from the hash of a token pair to its newest
position, and for each position the one before it, so that a look-up follows a short chain, newest first.

The index is a stack. `sync` takes back what differs at the end and adds what is new, so following a
document costs what was typed. How much of a draft is worth verifying is decided in `draft_length`.
"""

from __future__ import annotations

from collections.abc import Container, Sequence

import attrs

from ..cache.kv_cache import common_prefix

SHORTEST = 2
"""Tokens that must agree at least: one alone says next to nothing."""

LONGEST_MATCH = 24
"""Tokens that are compared at most."""

MAX_CANDIDATES = 12
"""Occurrences that are looked at, newest first."""

_HIGH = 32  # bits that a token id is shifted by in the key of a pair


@attrs.frozen
class _Found:
    """An occurrence of the context.

    Attributes:
        position: index of the token that followed it.
        matched: how many tokens agreed, `SHORTEST` to `LONGEST`.
        agreeing: occurrences followed by the same token, this one included, however long their match.
        opposing: occurrences with the same match that were followed by another.
        differing: occurrences with a shorter match that were followed by another.
    """

    position: int
    matched: int
    agreeing: int
    opposing: int
    differing: int


class TokenIndex:
    """All pairs of neighbouring tokens in one row, by hash, newest first. State: the row and its chains.

    Attributes:
        tokens: the row. Change it through the methods only.
    """

    def __init__(self, barriers: Container[int] = ()) -> None:
        """Start empty.

        Args:
            barriers: tokens that no match and no draft crosses: markers.
        """
        self.tokens: list[int] = []
        self._barriers = barriers
        self._newest: dict[int, int] = {}
        self._before: list[int] = []  # for each position that one with the same pair; 0 ends a chain

    def __len__(self) -> int:
        return len(self.tokens)

    def sync(self, tokens: list[int]) -> None:
        """Make the row equal to `tokens`: what differs at its end goes, what is new comes."""
        common = common_prefix(self.tokens, tokens)
        if common < len(self.tokens) - common:
            self.clear()  # taking back so much would cost more than beginning anew
            common = 0
        self.truncate(common)
        self.extend(tokens[common:])

    def extend(self, tokens: Sequence[int]) -> None:
        """Add tokens at the end."""
        row, before, newest, barriers = self.tokens, self._before, self._newest, self._barriers
        one, two = row[-2:] if len(row) > 1 else (-1, row[-1] if row else -1)
        position = len(row)
        for token in tokens:
            link = -1  # not in any chain
            if one >= 0 and two >= 0 and token not in barriers:
                key = one << _HIGH | two
                link = newest.get(key, 0)
                newest[key] = position
            before.append(link)
            one, two = two, -1 if token in barriers else token
            row.append(-1 if token in barriers else token)
            position += 1

    def truncate(self, length: int) -> None:
        """Keep the first `length` tokens."""
        row, before, newest = self.tokens, self._before, self._newest
        for position in range(len(row) - 1, length - 1, -1):
            link = before[position]
            if link >= 0:
                key = row[position - 2] << _HIGH | row[position - 1]
                if link:
                    newest[key] = link
                else:
                    del newest[key]
        del row[length:], before[length:]

    def clear(self) -> None:
        """Empty the row."""
        self.tokens.clear()
        self._before.clear()
        self._newest.clear()

    def find(self, context: Sequence[int]) -> _Found | None:
        """The longest occurrence of the end of `context`, the newest among equals; None without one.

        Args:
            context: text left of the place to be continued, without markers.
        """
        if len(context) < SHORTEST:
            return None
        position = self._newest.get(context[-2] << _HIGH | context[-1], 0)
        if not position:
            return None
        row, before = self.tokens, self._before
        limit = min(LONGEST_MATCH, len(context))
        best, matched, opposing = 0, 0, 0
        followers: list[int] = []
        for _ in range(MAX_CANDIDATES):
            length = SHORTEST
            while length < limit and length < position and row[position - 1 - length] == context[-1 - length]:
                length += 1
            if length > matched:
                best, matched, opposing = position, length, 0
            elif length == matched and row[position] != row[best]:
                opposing += 1
            followers.append(row[position])
            position = before[position]
            if position <= 0:
                break
        agreeing = followers.count(row[best])
        return _Found(best, matched, agreeing, opposing, len(followers) - agreeing - opposing)

    def following(self, position: int, limit: int, *, at_end: bool) -> list[int]:
        """Up to `limit` tokens from `position` on, none beyond a barrier.

        Args:
            position: of the first.
            limit: how many at most.
            at_end: the row's end is what is being continued: a draft that reaches it goes on with itself,
                as a text that repeats does (an overlapping copy, in terms of LZ77).
        """
        tokens = self.tokens[position : position + limit]
        if -1 in tokens:
            return tokens[: tokens.index(-1)]
        if at_end and tokens:
            period = len(self.tokens) - position
            while len(tokens) < limit:
                tokens.append(tokens[len(tokens) - period])
        return tokens
