"""What an editor asks for in one inlineCompletion or completion request, read from whatever it sent.

Reads the standard's parameters and the extensions that clients of other completion servers send along;
a missing or odd field gets the value that a careful client would have sent. Pure; decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from ..protocol.fields import as_int, as_map, read_position

if TYPE_CHECKING:
    from ...context.text.indentation import IndentOptions

_INVOKED = (0, 1)  # the protocol counts from 1, VS Code's own API from 0: automatic is 2 there and 1 here


@attrs.frozen
class Selected:
    """The entry of the popup menu that the editor would insert.

    Attributes:
        start: (line, character) where the range begins that it replaces, in the client's encoding.
        end: where that range ends.
        text: what it inserts.
    """

    start: tuple[int, int]
    end: tuple[int, int]
    text: str


@attrs.frozen
class InlineQuery:
    """One question for inline completions.

    Attributes:
        uri: the document.
        line: 0-based, as the client sent it; may lie outside.
        character: in the client's encoding; may lie outside.
        invoked: the user asked with a key, rather than by typing.
        selected: see `Selected`.
        version: the document version that the client asks about, where it says so.
        tab_width: columns of a tab, where the client says so; 0 otherwise.
        insert_spaces: whether the Tab key inserts blanks, where the client says so.
        indent_size: columns of one step, where the client tells it from those of a tab; 0 otherwise.
    """

    uri: str
    line: int
    character: int
    invoked: bool = False
    selected: Selected | None = None
    version: int | None = None
    tab_width: int = 0
    insert_spaces: bool | None = None
    indent_size: int = 0

    @property
    def indentation(self) -> IndentOptions:
        """What the client says about the document's indentation."""
        from ...context.text.indentation import IndentOptions

        return IndentOptions(self.insert_spaces, self.indent_size or self.tab_width, self.tab_width)


def read_query(params: Any) -> InlineQuery:
    """Read the parameters of a request; never raises."""
    fields = as_map(params)
    document = as_map(fields.get("textDocument"))
    context = as_map(fields.get("context"))
    options = as_map(fields.get("formattingOptions"))
    line, character = read_position(fields.get("position"))
    uri, version, spaces = document.get("uri"), document.get("version"), options.get("insertSpaces")
    return InlineQuery(
        uri=uri if isinstance(uri, str) else "",
        line=line,
        character=character,
        invoked=_invoked(context.get("triggerKind")),
        selected=_selected(context.get("selectedCompletionInfo")),
        version=version if isinstance(version, int) else None,
        tab_width=_columns(options.get("tabSize")),
        insert_spaces=spaces if isinstance(spaces, bool) else None,
        indent_size=_columns(options.get("indentSize")),
    )


def _columns(value: Any) -> int:
    return 0 if isinstance(value, bool) else max(0, min(as_int(value), 16))


def _invoked(kind: Any) -> bool:
    # A raw VS Code kind 1 (automatic) reads as the standard's 1 (invoked): asking once too often is
    # the milder mistake. 0 can only be VS Code's "invoked".
    return type(kind) is int and kind in _INVOKED


def _selected(value: Any) -> Selected | None:
    fields = as_map(value)
    span, text = as_map(fields.get("range")), fields.get("text")
    if not span or not isinstance(text, str):
        return None
    return Selected(read_position(span.get("start")), read_position(span.get("end")), text)
