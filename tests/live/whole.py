"""What the whole window gives where time doesn't matter: the yardstick of what early answers lose.

The document is opened as it is after the last key, the cursor where it stands then, in a language server that
knows nothing of it. When all of it has been read (server and daemon do nothing any more), it is asked as on a
key; and once more if the server says, within 2 s, that it has something better. What it answers has passed
trimming, checking and doubt as any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from foretype.lsp.replay.place import Place
from foretype.lsp.replay.screen import EditorScreen
from foretype.lsp.replay.typist import ReplayTypist, TypingClient
from foretype.tests.live.session import Played, look, say_focus

SETTLE_S = 0.4
QUIET = 0.08
"""The share of a processor below which nothing goes on any more."""
AT_MOST_S = 30.0
BETTER_S = 2.0


async def settled(processor_s: Callable[[], float], at_most_s: float = AT_MOST_S) -> bool:
    """Wait until nothing computes any more; False when it still does after `at_most_s`."""
    loop = asyncio.get_running_loop()
    until = loop.time() + at_most_s
    last = processor_s()
    while loop.time() < until:
        await asyncio.sleep(SETTLE_S)
        now = processor_s()
        if now - last < QUIET * SETTLE_S:
            return True
        last = now
    return False


async def whole_answer(client: TypingClient, place: Place, processor_s: Callable[[], float]) -> Played:
    """The answer for a place from everything that the model can be shown."""
    before = processor_s()
    text = place.text[: place.offset] + place.keys + place.text[place.offset :]
    offset = place.offset + len(place.keys)
    uri = place.path.as_uri()
    client.open(uri, text, place.language)
    typist = ReplayTypist(client, uri, EditorScreen(text, offset))
    say_focus(typist)
    await settled(processor_s)
    typist.ask()
    await asyncio.wait(typist.tasks, timeout=AT_MOST_S)
    await typist.wait(BETTER_S)
    return Played(text, offset, (look(typist.screen, 0.0),), processor_s=processor_s() - before)
