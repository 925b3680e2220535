"""Which names could stand where a completion was cut at one that exists nowhere."""

from __future__ import annotations

from foretype.context.checking.check import CheckRequest, check
from foretype.context.checking.facts import KnownNames, WorkspaceFacts
from foretype.context.checking.renaming import MOST_NAMES, restriction_at
from foretype.context.shared.values import Completion, Restriction, StopReason, StopRules
from foretype.tests.support.cursor import snapshot_at

FILE = WorkspaceFacts(KnownNames(defined=lambda _: False, named=lambda _: False, telling=False))


def asked(source: str, said: str, language: str = "python") -> Restriction | None:
    """What is asked for when `said` is the answer at the mark in `source`."""
    snapshot, offset = snapshot_at(source, language)
    completion = Completion(said, StopReason.END)
    checked = check(CheckRequest(completion, snapshot, offset, StopRules(multiline=True), FILE))
    return None if checked.unknown is None else restriction_at(checked.unknown, said)


def check_names(source: str, said: str, there: str, absent: str, language: str = "python") -> Restriction:
    """Names that are there, and such that are not, both separated by blanks."""
    restriction = asked(source, said, language)
    assert restriction is not None
    names = set(restriction.names)
    assert set(there.split()) <= names
    assert not set(absent.split()) & names
    assert len(restriction.names) == len(names) <= MOST_NAMES
    return restriction
