"""What `foretype daemon status` and `foretype top` say of an engine elsewhere. It asks nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..wire.messages import RemoteStatus


def remote_rows(status: RemoteStatus | None) -> list[tuple[str, str]]:
    """Rows of a name and a text; none where no engine elsewhere is set."""
    if status is None:
        return []
    form = status.fim or "its own layout"
    known = f", {status.model} ({status.protocol}, {form})" if status.protocol else ""
    cached = share_of(status.cached_tokens, status.prompt_tokens)
    wasted = share_of(status.wasted_tokens, status.decode_tokens)
    answers = (
        f"{status.requests} answers: {status.answered} given, {status.late} of them late, "
        f"{status.aborted} taken back, {status.contradicted} not as typed"
    )
    tokens = (
        f"{cached} of {status.prompt_tokens} prompt tokens cached, "
        f"{status.decode_tokens} generated, {wasted} of them for nobody"
    )
    trouble = [("trouble there", status.trouble)] if status.trouble else []
    return [
        ("code goes to", f"{status.where}{known}, {_USES[status.use]}"),
        *trouble,
        ("asked there", answers),
        ("tokens there", tokens),
    ]


def share_of(part: int, whole: int) -> str:
    """A share in per cent; "-" of nothing."""
    return f"{100 * part / whole:.0f} %" if whole else "-"


_USES = {"race": "beside the engine here", "always": "before the engine here", "": "now and then"}
