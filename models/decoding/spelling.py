"""From the bytes of tokens to text: bytes to be spelled first, and characters that are not whole yet."""

from __future__ import annotations

import attrs


@attrs.define
class Spelling:
    """Bytes that grow into text. State: the required bytes not yet spelled, and an unfinished character."""

    required: bytes
    completes_character: bool = False
    _pending: bytes = b""
    _started: bool = False

    def add(self, piece: bytes) -> str | None:
        """The text that `piece` adds; None when it is no UTF-8, which models that are lost produce."""
        if self.required:
            spelled = min(len(piece), len(self.required))
            self.required, piece = self.required[spelled:], piece[spelled:]
        data = self._pending + piece
        whole = ""
        if self.completes_character and not self._started:
            head = 0
            while head < len(data) and data[head] & 0xC0 == 0x80:
                head += 1
            whole, data = data[:head].decode("utf-8", "surrogateescape"), data[head:]
            self._started = bool(data)
        try:
            text = data.decode()
            self._pending = b""
        except UnicodeDecodeError as error:
            if error.end < len(data) or error.reason != "unexpected end of data":
                return None
            text = data[: error.start].decode()
            self._pending = data[error.start :]
        return whole + text


def token_ends(begins: list[int], length: int) -> tuple[int, ...]:
    """Where the text of each token ends, from where each begins; what a stop cut off ends with the text.

    Args:
        begins: code points of the text in front of each token.
        length: code points of the text.
    """
    return tuple(min(begin, length) for begin in (*begins[1:], length)) if begins else ()
