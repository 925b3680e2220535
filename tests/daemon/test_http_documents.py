"""Requests without a name, window edges that move and chunks that change: what becomes of them."""

from __future__ import annotations

import pytest
from foretype.context.shared.values import Prompt
from foretype.daemon.http.asked import Wanted, infill
from foretype.daemon.http.documents import ServedDocuments
from foretype.models.prompts.marked import parted
from foretype.tests.support.http_plugin import Chunk, llama_vim
from hypothesis import given, settings
from hypothesis import strategies as st

LONG = "".join(f"def function_{n}(argument):\n    return argument + {n}\n\n\n" for n in range(300))
OTHER = "".join(f"class Thing{n}:\n    value = {n}\n\n\n" for n in range(200))


def asked(text: str, offset: int, *chunks: Chunk) -> Wanted:
    return infill(llama_vim(text, offset, chunks))


def typed(text: str, offset: int, keys: str) -> list[tuple[str, int]]:
    """The document after each key."""
    return [
        (text[:offset] + keys[: count + 1] + text[offset:], offset + count + 1) for count in range(len(keys))
    ]


def common_end(one: Prompt, other: Prompt) -> bool:
    """Whether everything but the cursor's own line stayed as it was: what an anchor needs."""
    start = one.prefix.rfind("\n") + 1
    return (
        one.prefix[:start] == other.prefix[:start]
        and one.suffix == other.suffix
        and one.related == other.related
    )


def test_keys_on_one_line_change_nothing_else_whatever_the_ring_does() -> None:
    documents, place = ServedDocuments(), LONG.index("function_150")
    offset = LONG.index("\n", place) + 1
    before: tuple[str, Prompt] | None = None
    for number, (text, cursor) in enumerate(typed(LONG, offset, "    total = argument")):
        chunks = [Chunk(OTHER[40 * number : 40 * number + 400], "other.py")]
        session, prompt = documents.place(asked(text, cursor, *chunks))
        if before is not None:
            assert session == before[0]
            assert common_end(prompt, before[1])
        before = session, prompt


def test_the_window_keeps_its_upper_edge_while_the_cursor_goes_down() -> None:
    documents, offset = ServedDocuments(), LONG.index("function_200")
    edges: set[str] = set()
    for text, cursor in typed(LONG, LONG.index("\n", offset) + 1, "    a = 1\n    b = 2\n    c = 3\n"):
        _, prompt = documents.place(asked(text, cursor))
        edges.add(prompt.prefix[:100])
        assert prompt.prefix.endswith("\n" + text[text.rfind("\n", 0, cursor) + 1 : cursor])
    assert len(edges) == 1


def test_another_place_takes_the_chunks_that_are_new() -> None:
    documents = ServedDocuments()
    one, other = Chunk("first = 1\n" * 4, "a.py"), Chunk("second = 2\n" * 4, "b.py")
    documents.place(asked(LONG, LONG.index("argument + 250"), one))
    _, prompt = documents.place(asked(LONG, LONG.index("argument + 20\n"), other))
    assert [part.path for part in prompt.related] == ["b.py"]


def test_two_files_are_two_sessions_and_each_is_found_again() -> None:
    documents = ServedDocuments()
    here, there = LONG.index("argument + 100"), OTHER.index("value = 100")
    first, _ = documents.place(asked(LONG, here))
    second, _ = documents.place(asked(OTHER, there))
    assert first != second
    assert documents.place(asked(LONG[:here] + "x" + LONG[here:], here + 1))[0] == first
    assert documents.place(asked(OTHER[:there] + "x" + OTHER[there:], there + 1))[0] == second


def test_the_chunk_that_stands_in_the_file_says_what_it_is_called() -> None:
    found = asked(
        LONG, LONG.index("argument + 30"), Chunk(OTHER[:900], "other.rb"), Chunk(LONG[:900], "a.py")
    )
    assert (found.path, found.language) == ("a.py", "python")


@settings(max_examples=60, deadline=None)
@given(
    places=st.lists(
        st.tuples(st.sampled_from([LONG, OTHER, "", "x\ny\n"]), st.floats(0, 1)), min_size=1, max_size=6
    )
)
def test_what_stands_at_the_cursor_is_never_lost(places: list[tuple[str, float]]) -> None:
    documents = ServedDocuments()
    for text, where in places:
        offset = int(where * len(text))
        wanted = asked(text, offset)
        _, prompt = documents.place(wanted)
        assert prompt.prefix.endswith(wanted.prefix)
        rest = wanted.suffix.split("\n", 1)
        assert prompt.suffix.split("\n", 1)[0] == rest[0]
        below = rest[1].rstrip("\n") if len(rest) > 1 else ""
        assert prompt.suffix.partition("\n")[2].startswith(below)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>", ("a", "b")),
        ("<|fim_prefix|>a<|fim_suffix|>b<|fim_middle|>c", ("ac", "b")),
        ("<fim_suffix>b<fim_prefix>a<fim_middle>", ("a", "b")),
        ("[SUFFIX]b[PREFIX]a", ("a", "b")),
        ("a and b", None),
        ("<|fim_prefix|>a", None),
    ],
)
def test_markers_say_where_the_cursor_is(prompt: str, expected: tuple[str, str] | None) -> None:
    assert parted(prompt) == expected
