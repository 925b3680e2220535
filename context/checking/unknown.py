"""The name that `ground` cut a completion at, with what tells which other could stand there. A value."""

from __future__ import annotations

import attrs

from ..syntax.names import Use
from .name_checks import NameCheck


@attrs.frozen
class UnknownName:
    """Where a completion was cut, since a name in it is not known.

    Attributes:
        use: the name, in the text of the tree that it was found in.
        before: what of the completion stands in front of it; "" where the user has begun the name.
        typed: what of the name the user has typed.
        check: what decides whether another name could stand there.
    """

    use: Use
    before: str
    typed: str
    check: NameCheck
