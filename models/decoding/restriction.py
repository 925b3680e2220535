"""What may come next while an answer has to begin with a text and go on with one of some names: on bytes.

A token is allowed when its bytes go on with the text or with a name, or end a name with a byte that no name
could go on with. Where one name is the beginning of another, both stay possible. A guide follows one
generation and says no more about it once a name stands there. Choosing among what is allowed is `loop`'s.
"""

from __future__ import annotations

import bisect

import attrs
import numpy as np

from ...context.shared.values import Restriction
from ..llama.vocabulary import Ids, Vocabulary, to_bytes

_IN_NAMES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$") | frozenset(
    range(0x80, 0x100)
)
"""Bytes that may go on with a name. Of what isn't ASCII any character might be a letter."""

_APART = tuple(bytes([byte]) for byte in range(0x80) if byte not in _IN_NAMES)

_NOTHING: Ids = np.empty(0, np.int64)


@attrs.define
class NameGuide:
    """State: what has to be spelled before the name, what of the name is spelled, and how likely that was.

    Attributes:
        required: bytes that stand before the name and are not spelled yet.
        names: the names, in the order of their bytes.
        spelled: what of a name stands there.
        logprob: natural-log probability of the tokens that spell the name, as far as they were chosen.
        over: a name stands there, with something behind it that ends it, or no token could go on.
        failed: it is over because no token could go on.
    """

    required: bytes
    names: tuple[bytes, ...]
    spelled: bytes = b""
    logprob: float = 0.0
    over: bool = False
    failed: bool = False
    _known: frozenset[bytes] = frozenset()

    @classmethod
    def of(cls, restriction: Restriction | None, required: bytes = b"") -> NameGuide:
        """A guide from the beginning on; `required` is what healing wants to be spelled before that.

        Without a restriction it is over before it begins.
        """
        if restriction is None:
            return cls(b"", (), over=True, failed=True)
        names = frozenset(to_bytes(name) for name in restriction.names if name)
        guide = cls(required + to_bytes(restriction.beginning), tuple(sorted(names)))
        guide._known = names
        return guide

    @property
    def stands(self) -> bool:
        """Whether a name stands there, so that the answer may end here."""
        return not self.required and not self.failed and (self.over or self.spelled in self._known)

    def allows(self, piece: bytes) -> bool:
        """Whether a token with these bytes may come next."""
        if self.over:
            return True
        if not piece:
            return False
        if len(piece) <= len(self.required):
            return self.required.startswith(piece)
        if not piece.startswith(self.required):
            return False
        text = self.spelled + piece[len(self.required) :]
        return self._begins_a_name(text) or self._end_of_name(text, len(self.spelled)) >= 0

    def tokens(self, vocabulary: Vocabulary, ends: frozenset[int] = frozenset()) -> Ids:
        """The tokens that may come next, shape (n,), in no order. Only while it isn't over.

        Args:
            vocabulary: of the model. Where it can't spell what is wanted, nothing may come next.
            ends: tokens that end a generation; they may come where a name stands.
        """
        parts = [vocabulary.spelling(self.required[:length]) for length in range(1, len(self.required) + 1)]
        seen: set[bytes] = set()
        for name in self._reachable():
            rest = name[len(self.spelled) :]
            for length in range(1, len(rest) + 1):
                bytes_so_far = self.required + rest[:length]
                if bytes_so_far not in seen:
                    seen.add(bytes_so_far)
                    parts.append(vocabulary.spelling(bytes_so_far))
                if not vocabulary.extends(bytes_so_far):
                    break
            else:
                parts += self._ending(vocabulary, self.required + rest)
        if self.stands:
            parts += [*self._ending(vocabulary, b""), np.fromiter(ends, np.int64, len(ends))]
        return np.concatenate(parts) if parts else _NOTHING

    def add(self, piece: bytes, logprob: float) -> None:
        """A token that is allowed was chosen, with its log probability among all tokens."""
        if self.over:
            return
        if len(piece) <= len(self.required):
            self.required = self.required[len(piece) :]
            return
        begun = len(self.spelled)
        text = self.spelled + piece[len(self.required) :]
        self.required = b""
        if self._begins_a_name(text):
            self.logprob += logprob
            self.spelled = text
            return
        end = self._end_of_name(text, begun)
        if end > begun:
            self.logprob += logprob
        self.spelled, self.over = text[:end], True

    def give_up(self) -> None:
        """No token can go on: what comes next is free, and no name."""
        self.over = self.failed = True

    def _reachable(self) -> tuple[bytes, ...]:
        """The names that go on with what is spelled, in order, that itself left out."""
        first = bisect.bisect_right(self.names, self.spelled)
        last = first
        while last < len(self.names) and self.names[last].startswith(self.spelled):
            last += 1
        return self.names[first:last]

    def _begins_a_name(self, text: bytes) -> bool:
        at = bisect.bisect_left(self.names, text)
        return at < len(self.names) and self.names[at].startswith(text)

    def _end_of_name(self, text: bytes, begun: int) -> int:
        """Where in a text, from `begun` on, a name ends that nothing goes on with; -1 without one."""
        return next(
            (
                end
                for end in range(begun, len(text))
                if text[end] not in _IN_NAMES and text[:end] in self._known
            ),
            -1,
        )

    @staticmethod
    def _ending(vocabulary: Vocabulary, spelling: bytes) -> list[Ids]:
        """Tokens that spell something and then what no name goes on with."""
        return [vocabulary.beginning_with(spelling + byte) for byte in _APART]
