"""A flag that stops the engine from any thread, in the middle of a llama_decode, without Python.

llama.cpp asks its abort callback after every graph node, hundreds of times a token. A Python callback
would take the interpreter lock that often, so the callback is libc's `strlen` and its data is the
two-byte buffer held here: the string is empty (false) until the first byte is set (true).
"""

from __future__ import annotations

import ctypes


class Cancellation:
    """One request's flag. Its state is one byte that only ever goes from 0 to 1. Safe from any thread."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(2)

    def cancel(self) -> None:
        """Ask the work that carries this flag to end as soon as it can."""
        self._buffer[0] = b"\x01"

    @property
    def cancelled(self) -> bool:
        """Whether `cancel` was called."""
        return self._buffer[0] != b"\x00"

    @property
    def address(self) -> int:
        """Where the flag lies in memory, for the native callback. Valid as long as this object lives."""
        return ctypes.addressof(self._buffer)

    def __repr__(self) -> str:
        return f"<Cancellation {'cancelled' if self.cancelled else 'clear'}>"
