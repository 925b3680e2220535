"""What the daemon says of an engine elsewhere; a part of `messages.DaemonStatus`. A value."""

from __future__ import annotations

import attrs


@attrs.frozen
class RemoteStatus:
    """An engine elsewhere, as a part of `DaemonStatus`. Counts are since the start.

    Attributes:
        where: a host and a port.
        use: "race" or "always"; see the setting.
        protocol: how it is spoken to; "" before it was asked.
        model: its model's name.
        fim: the fill-in-the-middle format of its prompts.
        trouble: why it is not asked now, a sentence; "" when it is.
        requests: answers that were asked for.
        answered: how many came to their end.
        aborted: how many were taken back before.
        contradicted: how many said something else than was typed.
        late: how many came after the local engine's answer.
        prompt_tokens: of prompts of which it said how much it had cached.
        cached_tokens: of these.
        decode_tokens: generated.
        wasted_tokens: of these, in answers that nobody got.
    """

    where: str
    use: str = ""
    protocol: str = ""
    model: str = ""
    fim: str = ""
    trouble: str = ""
    requests: int = 0
    answered: int = 0
    aborted: int = 0
    contradicted: int = 0
    late: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    decode_tokens: int = 0
    wasted_tokens: int = 0
