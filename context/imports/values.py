"""What the parts of `imports` hand each other. Values only; they decide nothing."""

from __future__ import annotations

import attrs

from ..syntax.snapshot import Snapshot
from ..syntax.tree import SyntaxTree


@attrs.frozen
class Import:
    """A name that code uses and that its file has to bring in.

    Attributes:
        name: the identifier, as the code uses it.
        module: where it comes from, as the language writes it: "collections", "./api", "net/http".
        form: what the name is there: "module" (the name stands for the module itself), "member", "type" (a
            member that is used as a type only), or "default" (what ECMAScript calls so).
    """

    name: str
    module: str
    form: str = "member"


@attrs.frozen
class ImportEdit:
    """One replacement in a text: code points from `start` to before `end` become `text`."""

    start: int
    end: int
    text: str

    def apply(self, to: str) -> str:
        """The text after it."""
        return to[: self.start] + self.text + to[self.end :]


@attrs.frozen
class Mention:
    """A name in a stretch of code, with what tells what it stands for.

    Attributes:
        name: the identifier.
        start: its offset in the text that was asked about.
        member: the word behind the dot or the colons that follow it; "" where there is none.
        called: whether brackets follow, or it decorates something.
        is_type: whether it stands where a type does.
        scope: what is written before it with colons (`std` of `std::vector`).
    """

    name: str
    start: int
    member: str = ""
    called: bool = False
    is_type: bool = False
    scope: str = ""


@attrs.frozen
class ImportedItem:
    """One name in a list of imported ones, and where it stands.

    Attributes:
        name: as its module calls it.
        start, end: the item's extent in code points, with what renames it or marks it as a type.
        local: as the file calls it.
    """

    name: str
    start: int
    end: int
    local: str


@attrs.frozen
class Statement:
    """One import statement of a file.

    Attributes:
        start, end: its extent in code points, without line ends and comments behind it.
        module: what it names, as written.
        form: the language's kind of statement; see the module that reads it.
        items: the names it lists.
        opened, closed: offsets of the inside of the brackets around the list; -1 without brackets.
        default: the name that ECMAScript calls the default, or the one that stands for the module.
    """

    start: int
    end: int
    module: str
    form: str
    items: tuple[ImportedItem, ...] = ()
    opened: int = -1
    closed: int = -1
    default: str = ""


@attrs.frozen
class Site:
    """A piece of code in its place.

    Attributes:
        tree: the tree of a text in which the code stands, the whole document or the part around it.
        start: where the code begins there.
        end: where it ends.
        snapshot: the document without the code.
        offset: where the code goes into it.
    """

    tree: SyntaxTree
    start: int
    end: int
    snapshot: Snapshot
    offset: int
