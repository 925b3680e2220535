"""Which names could stand where a completion was cut at one that exists nowhere."""

from __future__ import annotations

import attrs
import pytest
from foretype.context.checking.check import CheckRequest, check
from foretype.context.checking.facts import KnownNames, WorkspaceFacts
from foretype.context.checking.renaming import LEAST_LIKELY, MOST_NAMES, is_likely, restriction_at
from foretype.context.shared.values import Completion, Restriction, StopReason, StopRules
from foretype.tests.support.cursor import snapshot_at

FILE = WorkspaceFacts(KnownNames(defined=lambda _: False, named=lambda _: False, telling=False))


def asked(source: str, said: str, language: str = "python") -> Restriction | None:
    """What is asked for when `said` is the answer at the mark in `source`."""
    snapshot, offset = snapshot_at(source, language)
    completion = Completion(said, StopReason.END)
    checked = check(CheckRequest(completion, snapshot, offset, StopRules(multiline=True), FILE))
    return None if checked.unknown is None else restriction_at(checked.unknown, said)


@attrs.frozen
class Nearby:
    """Names by module."""

    files: dict[str, str]

    def offered(self, module: str) -> list[str]:
        """See `OffersNames`."""
        return self.files.get(module, "").split()


def asked_in_workspace(source: str, said: str, files: dict[str, str], language: str) -> tuple[str, ...]:
    """The names that are offered where files of a workspace define some; keys are modules, "" the folder."""
    snapshot, offset = snapshot_at(source, language)
    names = KnownNames(lambda _: False, lambda _: False, nearby=Nearby(files))
    completion = Completion(said, StopReason.END)
    request = CheckRequest(completion, snapshot, offset, StopRules(multiline=True), WorkspaceFacts(names))
    checked = check(request)
    assert checked.unknown is not None
    restriction = restriction_at(checked.unknown, said)
    return () if restriction is None else restriction.names


def check_names(source: str, said: str, there: str, absent: str, language: str = "python") -> Restriction:
    """Names that are there, and such that are not, both separated by blanks."""
    restriction = asked(source, said, language)
    assert restriction is not None
    names = set(restriction.names)
    assert set(there.split()) <= names
    assert not set(absent.split()) & names
    assert len(restriction.names) == len(names) <= MOST_NAMES
    return restriction


PYTHON = """import os
from pathlib import Path

LIMIT = 9

class Shop:
    rebate = 3

    def __init__(self, owner):
        self.owner = owner
        self.prices = []

    def total(self, prices, rebate=0):
        amount = sum(prices)
        ‸

    def other(self):
        hidden = 1
        return hidden
"""


def test_names_that_are_seen_there_may_stand_there_and_no_others() -> None:
    restriction = check_names(
        PYTHON,
        "return amount - rebated(prices)",
        there="amount prices rebate self LIMIT Shop os Path len None",
        absent="hidden total owner rebated return",
    )
    assert restriction.beginning == "return amount - "
    assert restriction.names[0] == "amount", "the nearest first"


def test_members_of_the_own_object_are_those_of_its_class() -> None:
    there, absent = "owner prices total other rebate", "amount LIMIT len hidden"
    assert check_names(PYTHON, "self.pricing(1)", there, absent).beginning == "self."


def test_what_the_completion_has_declared_before_may_stand_there_and_what_it_declares_just_now_may_not() -> (
    None
):
    said = "first = prices[0]\n        second = rebated(first)"
    restriction = check_names(PYTHON, said, there="first prices", absent="second")
    assert restriction.beginning == "first = prices[0]\n        second = "
    check_names(PYTHON.replace("‸", "third = ‸"), "rebated(amount)", there="amount", absent="third")


def test_a_name_that_the_user_has_begun_is_gone_on_with() -> None:
    restriction = asked(PYTHON.replace("‸", "return am‸"), "idst(1)")
    assert restriction is None or restriction.beginning == ""
    typed = attrs.evolve(FILE, names=KnownNames(lambda _: False, lambda _: False, telling=True))
    snapshot, offset = snapshot_at(PYTHON.replace("‸", "return am‸"), "python")
    rules = StopRules(multiline=True)
    checked = check(CheckRequest(Completion("idst(1)", StopReason.END), snapshot, offset, rules, typed))
    assert checked.unknown is not None
    assert restriction_at(checked.unknown, "idst(1)") == Restriction("", ("ount",))


def test_a_blank_that_trimming_took_or_put_is_as_the_model_said_it() -> None:
    restriction = asked(PYTHON, "  return rebated(prices)")
    assert restriction is not None
    assert restriction.beginning == "  return "
    restriction = asked(PYTHON, "  rebated(prices)")
    assert restriction is not None
    assert restriction.beginning == "  "


TYPESCRIPT = """import { read } from "./read";

type Price = { amount: number };

export function total(prices: Price[], rebate: number) {
  const list = prices.map((each) => each.amount);
  ‸
}

function other(list: string[]) {
  const hidden = 1;
  return hidden;
}
"""


def test_in_typescript_as_well() -> None:
    there = "list prices rebate total other read Math undefined"
    check_names(TYPESCRIPT, "return rebated(list);", there, "hidden each rebated", "typescript")
    restriction = check_names(TYPESCRIPT, "let x: Prize[] = [];", "Price", "hidden", "typescript")
    assert restriction.beginning == "let x: "


C = """#include <stdio.h>

static int limit = 3;

static int
sum_of(const int *prices, size_t count)
{
    int sum = 0;
    for (size_t at = 0; at < count; at++) {
        ‸
    }
    log_sum(sum);
    return sum;
}

static int
other(void)
{
    int hidden = 1;
    return hidden;
}
"""


def test_where_names_come_in_unseen_those_that_are_used_may_stand_there() -> None:
    check_names(C, "sum += pricez[at];", "prices sum at count limit log_sum", "hidden", "c")


GO = """package shop

func total(prices []int) int {
    sum := 0
    ‸
    return rounded(sum)
}

func other() int {
    hidden := made_up(1)
    return hidden
}
"""


def test_where_files_share_their_names_those_that_one_of_them_defines_may_stand_there() -> None:
    snapshot, offset = snapshot_at(GO, "go")
    shared = WorkspaceFacts(KnownNames(lambda name: name == "rounded", lambda _: False))
    said = Completion("sum = summed(prices)", StopReason.END)
    checked = check(CheckRequest(said, snapshot, offset, StopRules(multiline=True), shared))
    assert checked.unknown is not None
    restriction = restriction_at(checked.unknown, said.text)
    assert restriction is not None
    assert {"rounded", "prices", "total", "other", "len"} <= set(restriction.names)
    assert not {"hidden", "made_up", "summed"} & set(restriction.names)


@pytest.mark.parametrize(
    ("source", "said", "language"),
    [
        (PYTHON, "return amount - rebated(prices)", "python"),
        (PYTHON, "self.pricing(1)", "python"),
        (TYPESCRIPT, "return rebated(list);", "typescript"),
        (TYPESCRIPT, "let x: Prize[] = [];", "typescript"),
        (C, "sum += pricez[at];", "c"),
    ],
)
def test_whatever_is_chosen_is_never_cut_at_that_name_again(source: str, said: str, language: str) -> None:
    snapshot, offset = snapshot_at(source, language)
    rules = StopRules(multiline=True)
    checked = check(CheckRequest(Completion(said, StopReason.END), snapshot, offset, rules, FILE))
    assert checked.unknown is not None
    restriction = restriction_at(checked.unknown, said)
    assert restriction is not None
    rest = said[len(restriction.beginning) + len(checked.unknown.use.name) :]
    for name in restriction.names:
        other = Completion(restriction.beginning + name + rest, StopReason.END)
        again = check(CheckRequest(other, snapshot, offset, rules, FILE))
        assert name not in again.names, name


def test_a_name_is_kept_where_the_model_finds_it_likely_enough() -> None:
    said = Completion("x", StopReason.END)
    assert not is_likely(said)
    assert is_likely(attrs.evolve(said, name_logprob=LEAST_LIKELY))
    assert not is_likely(attrs.evolve(said, name_logprob=LEAST_LIKELY - 0.1))


@pytest.mark.parametrize(
    ("language", "source", "said"),
    [
        ("python", "import os\n\nfrom .prices import ‸\n", "rebated"),
        ("python", "from .prices import (\n    total,\n    ‸\n)\n", "rebated,"),
        ("typescript", 'import { ‸ } from "./prices";\n', "rebated"),
    ],
)
def test_what_the_file_imported_from_defines_may_stand_in_an_import(
    language: str, source: str, said: str
) -> None:
    module = ".prices" if language == "python" else "./prices"
    files = {module: "rebate_of lowest", "": "beside"}
    assert asked_in_workspace(source, said, files, language) == ("rebate_of", "lowest")


def test_what_files_beside_it_define_may_stand_where_a_name_is_used() -> None:
    names = asked_in_workspace(PYTHON, "return rebated(prices)", {"": "rebate_of lowest"}, "python")
    assert {"prices", "rebate_of", "lowest"} <= set(names)
    assert names.index("prices") < names.index("rebate_of") < names.index("len")
    assert "rebate_of" not in asked_in_workspace(PYTHON, "self.pricing(1)", {"": "rebate_of"}, "python")
