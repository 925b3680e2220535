"""What an unfinished tuning has measured so far, so that the next one goes on where it was ended.

Background tuning is ended by any request. Without a memory it would begin anew each time, and write each form
of a large model to the disk again: gigabytes for nothing. A journal lies beside the choices, for one model
file on one machine, and goes when there is a choice. It only saves time: one that cannot be read or written
is ignored. What is measured, and what is chosen, is `tune`'s business.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from pathlib import Path

import attrs
import cattrs

from . import record as tuned
from .record import Measured

log = logging.getLogger(__name__)

_FORMAT = 2
"""1 was measured behind 256 tokens."""

_OLD_S = 14 * 86400.0
"""Seconds after which the machine may have changed in ways that nobody noticed."""


@attrs.define
class Journal:
    """State: what was measured, how often, and how often that was begun.

    Attributes:
        measured: the best figures of each form, in the order in which they were first measured.
        turns: how often each was measured, by `key`.
        quality: mean log probability of the sample with the original file, or None.
        starts: how often tuning was begun in the background.
        version: of this record.
    """

    measured: list[Measured] = attrs.field(factory=list[Measured])
    turns: dict[str, int] = attrs.field(factory=dict[str, int])
    quality: float | None = None
    starts: int = 0
    version: int = _FORMAT

    def known(self, form: Measured, turns: int) -> Measured | None:
        """The figures of a form that was measured so often already, or None."""
        if self.turns.get(key(form), 0) < turns:
            return None
        return next((one for one in self.measured if key(one) == key(form)), None)

    def note(self, result: Measured, quality: float | None) -> None:
        """A form was measured once more; `result` is the best of it."""
        self.turns[key(result)] = self.turns.get(key(result), 0) + 1
        self.measured = [one for one in self.measured if key(one) != key(result)] + [result]
        self.quality = quality


def key(form: Measured) -> str:
    """What tells one form from another."""
    return f"{form.file_type} {form.flash_attention} {form.threads} {form.micro_batch}"


def journal_path(model: str, directory: Path | None = None) -> Path:
    """Where the journal of a model lies; `model` is its `record.identity`."""
    return tuned.record_path(model, directory).with_suffix(".journal")


def read_journal(model: str, directory: Path | None = None) -> Journal:
    """The journal of a model; an empty one where there is none that can be used."""
    file = journal_path(model, directory)
    try:
        if time.time() - file.stat().st_mtime < _OLD_S:
            found = cattrs.structure(json.loads(file.read_text(encoding="utf-8")), Journal)
            if found.version == _FORMAT:
                return found
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, KeyError, cattrs.BaseValidationError) as error:
        log.info("what was measured before cannot be read: %s", type(error).__name__)
    return Journal()


def write_journal(journal: Journal, model: str, directory: Path | None = None) -> None:
    """Keep a journal, in place of the earlier one; without one where that cannot be done."""
    with contextlib.suppress(OSError):
        tuned.write_json(attrs.asdict(journal), journal_path(model, directory))


def remove_journal(model: str, directory: Path | None = None) -> None:
    """Forget what was measured: there is a choice now."""
    with contextlib.suppress(OSError):
        journal_path(model, directory).unlink(missing_ok=True)
