"""What a language's file says about its code in notebooks. Hiding what is no code is `syntax.cells`'s."""

from __future__ import annotations

import attrs


@attrs.frozen
class Magic:
    """A command of a notebook's kernel that isn't code of the language.

    Attributes:
        pattern: a regular expression for the lines that hold one; its first group is the command. `^` and `$`
            stand for the edges of lines.
        value: what may stand at the command's beginning instead, where there has to be something.
        end: what stands at its end, before code.
    """

    pattern: str
    value: str = ""
    end: str = ""


@attrs.frozen
class NotebookCells:
    """What is different where the code stands in the cells of a notebook.

    Attributes:
        magics: commands of the kernel.
        foreign: names of commands that hand a whole cell to another program (`%%bash`), each with the
            language that the cell then has; "file" stands for that of the file which the command names.
        builtins: names that are always there, beside those of the language.
        opaque: texts after which names may come from anywhere, beside those of the language (`%run `).
    """

    magics: tuple[Magic, ...] = ()
    foreign: tuple[tuple[str, str], ...] = ()
    builtins: str = ""
    opaque: tuple[str, ...] = ()
