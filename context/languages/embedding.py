"""How code of another language stands inside a language's own, as its file says: data and their patterns.

Not: where it stands in a document; `syntax/embedded` finds that in the tree.
"""

from __future__ import annotations

import attrs


@attrs.frozen
class Embedding:
    """Code of another language inside some nodes.

    Attributes:
        node: the node's type.
        before: a regular expression for what the text right before the node ends with; its group `language`,
            where there is one, names the language.
        opens: a regular expression for what the node itself begins with before its code (a string's quotes);
            it ends with its group `closing`, where there is one.
        begins: a regular expression for what the code has to begin with.
        ends: a regular expression for what ends the code in the outer language (`</script`).
        strict: whether a defect means a mistake; not where code is only quoted.
        language: the identifier of the language where none is named.
        called: languages by the names that stand for them there, beside identifiers and suffixes.
    """

    node: str
    before: str = ""
    opens: str = ""
    begins: str = ""
    ends: str = ""
    strict: bool = True
    language: str = ""
    called: dict[str, str] = attrs.field(factory=dict[str, str], hash=False)
