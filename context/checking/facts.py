"""What is known of the workspace around a document, as far as a check needs it. Values only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Protocol

import attrs

from ..imports import Importer
from ..syntax.includes import Headers

if TYPE_CHECKING:
    from ..workspace.index import Index

KnowsName = Callable[[str], bool]
"""Answers whether a name is known."""


class OffersNames(Protocol):
    """Knows names of other files."""

    def offered(self, module: str) -> Iterable[str]:
        """What could be imported from a module, as written; for "" what is defined beside the document."""
        ...


@attrs.frozen
class KnownNames:
    """Who knows a name of the workspace.

    Attributes:
        defined: whether a file of the workspace defines a name; None while nobody can say.
        named: whether another file so much as mentions a name; None while nobody can say.
        telling: there are so many files that a name which none of them mentions is an invention.
        nearby: names of other files that could be used here; None while nobody can say. It takes
            milliseconds, so it is asked only where a name is looked for.
    """

    defined: KnowsName | None = None
    named: KnowsName | None = None
    telling: bool = True
    nearby: OffersNames | None = None

    @property
    def mentioned(self) -> KnowsName | None:
        """Whether another file mentions a name; None where absence proves nothing."""
        return self.named if self.telling else None


@attrs.frozen
class WorkspaceFacts:
    """What is known of the workspace; None stands for what nobody can say.

    Attributes:
        names: who knows a name.
        imports: which names an import could bring; None where none can be added, so that such names count as
            unknown.
        headers: what the workspace's headers include; None where they may bring in anything.
    """

    names: KnownNames = attrs.field(factory=KnownNames)
    imports: Importer | None = None
    headers: Headers | None = None

    @classmethod
    def from_index(cls, index: Index, path: str) -> WorkspaceFacts:
        """What an index says beside the file at `path`; no imports are added."""
        named = partial(index.mentions, but=path)
        return cls(KnownNames(index.knows, named, index.absence_is_evidence), None, index.headers)


NOTHING_KNOWN = WorkspaceFacts()
"""Where there is no workspace, or nothing of it was read yet."""
