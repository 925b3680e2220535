"""Related code: the definitions that are needed, in an order that lasts, within a budget, without secrets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs
import pytest
from foretype.context.related.choose import Choice, explain, fuse, select_related
from foretype.context.related.retrievers import Candidate, Query, query_at, same_file
from foretype.context.related.sources import OpenFile, RecentEdit, Sources
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from foretype.context.text.lines import split_lines
from foretype.context.workspace.index import Index
from foretype.tests.support.cursor import snapshot_at
from hypothesis import given
from hypothesis import strategies as st

WORKSPACE = {
    "shop/money.py": 'class Money:\n    """An amount in cents."""\n\n'
    "    def __init__(self, cents: int): ...\n"
    "    def plus(self, other): ...\n\n\ndef parse_money(text: str) -> Money:\n    return Money(int(text))\n",
    "shop/cart.py": "from .money import Money\n\n\ndef total(items):\n    ...\n",
    "other/money.py": "class Money:\n    pass\n",
    "tests/test_cart.py": "def test_the_total_of_nothing_is_nothing():\n    pass\n",
    "shop/tax.py": "RATE = 19\n\ndef with_tax(amount, rate=RATE):\n    "
    "return amount.plus(amount.times(rate))\n",
    "web/money.ts": "export class Money {}\n",
}


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    for path, text in WORKSPACE.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    index = Index(tmp_path)
    for _ in index.steps():
        pass
    return Sources(index=index, paths=index.paths(), read=WORKSPACE.get)


def chosen(marked: str, sources: Sources, budget: int = 4000, path: str = "shop/cart.py") -> Choice:
    snapshot, offset = snapshot_at(marked, "python", path)
    return select_related(snapshot, offset, sources, budget)


CART = "from .money import Money, parse_money\n\n\ndef total(items):\n    result = Money(0)\n    ‸\n"


def test_definitions_come_from_where_the_file_imports(sources: Sources) -> None:
    parts = chosen(CART, sources).parts
    money = next(part for part in parts if part.origin == "definition")
    assert money.path == "shop/money.py"
    assert money.text.startswith(
        "class Money:  # An amount in cents.\n    def __init__(self, cents: int): ...\n"
    )
    assert "def parse_money(text: str) -> Money:" in money.text


def test_a_variable_is_no_definition_of_other_files(sources: Sources) -> None:
    rows = explain(chosen("def total(items):\n    with_tax = 1\n    return with_tax + ‸\n", sources))
    assert not any("definition" in row.origins for row in rows)


def test_a_value_of_a_file_that_is_not_imported_is_no_definition(sources: Sources) -> None:
    def definitions(head: str) -> bool:
        marked = head + "def fee(amount):\n    return amount * RATE * ‸\n"
        return any("definition" in row.origins for row in explain(chosen(marked, sources)))

    assert definitions("from .tax import RATE\n\n\n")
    assert not definitions("")


def test_other_languages_do_not_help(sources: Sources) -> None:
    assert not any(row.path.endswith(".ts") for row in explain(chosen(CART, sources)))


def test_the_tests_of_the_file_are_outlined(sources: Sources) -> None:
    choice = chosen(CART, sources)
    assert [part.path for part in choice.parts if part.origin == "tests"] == ["tests/test_cart.py"]
    back = chosen("from shop.cart import total\n\ndef test_x():\n    ‸\n", sources, path="tests/test_cart.py")
    assert any("tests" in row.origins and row.path == "shop/cart.py" for row in explain(back))


def test_neighbours_that_share_names_are_found(sources: Sources) -> None:
    choice = chosen("def total(amount, rate):\n    return amount.plus(‸)\n", sources)
    assert any(part.path == "shop/tax.py" and "with_tax" in part.text for part in choice.parts)


def test_what_the_model_sees_anyway_is_not_said_again(sources: Sources) -> None:
    text = WORKSPACE["shop/tax.py"] + "\nwith_tax(amount, ‸)\n"
    rows = explain(chosen(text, sources, path="shop/new.py"))
    assert [row.verdict for row in rows if row.path == "shop/tax.py"] == ["seen"]


MANY_HANDLERS = "".join(
    f"def handle_{name}(request):\n    {name}_id = request.args['{name}_id']\n"
    f"    return render('{name}.html', database.load_{name}({name}_id))\n\n\n"
    for name in ("order", "parcel", "refund", "address", "customer", "voucher", "invoice", "return", "stock")
)


def excerpts(marked: str, seen: Callable[[int, int], tuple[int, int]], budget: int = 400) -> list[str]:
    """What is shown of the file itself to a model that sees it from where to where."""
    snapshot, offset = snapshot_at(marked, "python", "shop/handlers.py")
    choice = select_related(snapshot, offset, Sources(), budget, seen=seen(offset, len(snapshot.text)))
    assert all(part.path == "shop/handlers.py" for part in choice.parts if part.origin == "same-file")
    return [part.text for part in choice.parts if part.origin == "same-file"]


def test_the_file_itself_is_shown_where_the_model_does_not_see_it() -> None:
    marked = MANY_HANDLERS + "\n\n" + "x = 1\n" * 40 + "def handle_parcels(request):\n    parcel_id = ‸\n"
    shown = "".join(excerpts(marked, lambda offset, _end: (offset - 60, offset)))
    assert "database.load_parcel(parcel_id)" in shown
    assert excerpts(marked, lambda _offset, end: (0, end)) == []


def test_what_a_model_without_suffix_is_not_shown_may_stand_behind_the_cursor() -> None:
    marked = "def handle_parcels(request):\n    parcel_id = ‸\n\n\n" + MANY_HANDLERS
    assert "load_parcel" in "".join(excerpts(marked, lambda offset, _end: (0, offset)))
    assert excerpts(marked, lambda _offset, end: (0, end)) == []


@given(
    text=st.text(st.sampled_from("ab_ \n\r"), max_size=400).map(lambda text: text.replace("a", "alpha")),
    data=st.data(),
)
def test_excerpts_of_the_file_are_its_lines_and_none_that_are_seen(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    snapshot = Snapshot("", "a.py", "python", text, 1, parse(text, "python"))
    lines = split_lines(text)
    for found in same_file(query_at(snapshot, end, (start, end)), Sources()):
        at = sum(len(line) for line in lines[: found.line - 1])
        there = "".join(lines[found.line - 1 : found.end_line])
        assert found.text in (there, there + "\n")
        assert at + len(there) <= start or at >= end


def open_file(path: str, text: str) -> OpenFile:
    return OpenFile(Snapshot("", path, "python", text, 1, parse(text, "python")), 0)


def test_open_files_and_recent_edits_are_shown_last(sources: Sources) -> None:
    more = attrs.evolve(
        sources,
        open_files=[open_file("shop/orders.py", "def order_everything(cart):\n    return cart.items\n")],
        edits=[RecentEdit("shop/stock.py", "def take_from_stock(item):\n    item.count -= 1\n", 10)],
    )
    origins = [part.origin for part in chosen(CART, more).parts]
    assert origins[0] == "definition"
    assert origins[-1] == "recent-edit"
    assert "open-file" in origins


def test_secrets_are_never_shown(sources: Sources) -> None:
    more = attrs.evolve(
        sources,
        open_files=[
            open_file("settings.py", 'DEBUG_EVERYTHING = True\nPASSWORD = "correct-horse-battery"\n'),
            open_file(".env", "TOKEN_OF_THE_SHOP=1\n"),
        ],
    )
    shown = "".join(part.text for part in chosen(CART, more).parts)
    assert "DEBUG_EVERYTHING" in shown
    assert "correct-horse" not in shown
    assert "TOKEN_OF_THE_SHOP" not in shown


@pytest.mark.parametrize("budget", [0, 60, 200, 1000])
def test_the_budget_holds(sources: Sources, budget: int) -> None:
    choice = chosen(CART, sources, budget)
    assert sum(len(part.text) for part in choice.parts) <= budget


def test_the_choice_stays_while_one_types_in_a_declaration(sources: Sources) -> None:
    snapshot, offset = snapshot_at(CART, "python", "shop/cart.py")
    first = select_related(snapshot, offset, sources, 4000)
    for typed in ("with_tax", "with_tax(", "with_tax((]", 'with_tax("'):
        text = snapshot.text[:offset] + typed + snapshot.text[offset:]
        there = attrs.evolve(snapshot, text=text, tree=parse(text, "python"))
        assert select_related(there, offset + len(typed), sources, 4000, first) is first


def test_another_declaration_is_another_choice(sources: Sources) -> None:
    text = CART.replace("‸", "pass\n\n\ndef other(amount):\n    return with_tax(amount)\n")
    snapshot = Snapshot("", "shop/cart.py", "python", text, 1, parse(text, "python"))
    first = select_related(snapshot, text.index("result"), sources, 4000)
    second = select_related(snapshot, text.index("with_tax"), sources, 4000, first)
    assert second.declaration != first.declaration
    assert select_related(snapshot, text.index("with_tax"), sources, 4000, second) is second
    assert select_related(snapshot, text.index("with_tax"), sources, 4000, second, anew=True) == second


def test_the_order_does_not_follow_the_scores(sources: Sources) -> None:
    def ranked(*order: Candidate) -> list[str]:
        def retriever(_query: Query, _sources: Sources) -> list[Candidate]:
            return list(order)

        snapshot = Snapshot("", "x.py", "python", "x = 1\n")
        return [
            part.path for part in select_related(snapshot, 0, sources, 1000, retrievers=[retriever]).parts
        ]

    one = Candidate("a.py", 1, 2, "def something_a(): ...\n", "overlap")
    two = Candidate("b.py", 1, 2, "def something_b(): ...\n", "overlap")
    assert ranked(one, two) == ranked(two, one) == ["a.py", "b.py"]


def test_agreement_of_retrievers_counts() -> None:
    shared = Candidate("a.py", 1, 10, "a\n", "definition")
    also = Candidate("a.py", 5, 20, "a\n", "overlap")
    alone = Candidate("b.py", 1, 10, "b\n", "overlap")
    best, second = fuse([[shared], [alone, also]])
    assert best.candidate is shared
    assert best.origins == ("definition", "overlap")
    assert best.score == pytest.approx(1 / 61 + 1 / 62)
    assert second.candidate is alone


def test_names_near_the_cursor_come_first() -> None:
    snapshot, offset = snapshot_at("import far_away\nnearer = first\nreturn closest(‸\n", "python")
    assert query_at(snapshot, offset).names == ("closest", "first", "nearer", "far_away")


@given(text=st.text(st.sampled_from("ab \n\r\t(){}:é🦊\0"), max_size=80), data=st.data())
def test_every_place_has_a_choice(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    snapshot = Snapshot("", "a.py", "python", text, 1, parse(text, "python"))
    others = Sources(open_files=[OpenFile(Snapshot("", "b.py", "python", text), offset)])
    choice = select_related(snapshot, offset, others, 500)
    assert sum(len(part.text) for part in choice.parts) <= 500
    assert select_related(snapshot, offset, others, 500, choice) is choice
