"""What the oracle has to know about an authors' file: its tokens, brackets, strings and comments.

Read from tree-sitter's grammars directly, of the finished file. Nothing of foretype's own judgement is used:
only the grammars, and from the language tables which node types are strings, comments, or another language.
"""

from __future__ import annotations

import re

import attrs
import tree_sitter
from foretype.context.languages import Language, language
from foretype.context.languages.grammars import load_grammar
from foretype.context.syntax.embedded import code_in
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree import Span

PAIRS = {"(": ")", "[": "]", "{": "}", "<": ">"}
_OPENING = re.compile(r"[$#@%]{0,2}[(\[{]+")
_CLOSING = re.compile(r"[)\]}]+")
_WORDS = re.compile(r"\w+|[^\w\s]")
_WORD = re.compile(r"\w+")
_QUOTES = frozenset("\"'`")
_IN_A_LEAF = re.compile(
    r"""(?:(?<=\s)|^)//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`|[()\[\]{}"'`]""",
    re.DOTALL | re.MULTILINE,
)
"""Comments, strings, brackets, and quotes that nothing closes, where the grammar says nothing about them."""
_ENDS = frozenset({"end", "fi", "done", "esac"})
_IMPORT = re.compile(
    r"(?:future_)?import_|import$|use_decl|preproc_include|using_|namespace_use|extern_crate"
)
_REQUIRE = re.compile(r"^.*\brequire\b.*$", re.MULTILINE)
_GENERIC = re.compile(r"type_|template_|generic")


@attrs.frozen
class Token:
    """A leaf of the tree, or a word or mark inside prose: code points, and where it stands."""

    start: int
    end: int
    prose: str = ""  # "string", "comment" or ""


@attrs.frozen
class Code:
    """One file.

    Attributes:
        text: the file.
        language: its language identifier.
        tokens: in order.
        closer_of: where each opening bracket's closing one stands.
        end_of: where the word stands that closes a block (`end`, `fi`, `done`), by where the block begins.
        strings: extents of single-line strings with one quote at either end.
        texts: extents of all strings.
        imports: extents of what brings names in from elsewhere.
        sound: it parses without a defect, and its brackets match.
    """

    text: str
    language: str
    tokens: tuple[Token, ...]
    closer_of: dict[int, int]
    end_of: dict[int, int]
    strings: tuple[tuple[int, int], ...]
    texts: tuple[tuple[int, int], ...]
    imports: tuple[tuple[int, int], ...]
    sound: bool

    def imports_at(self, offset: int) -> bool:
        """Whether a place lies in an import."""
        return any(start <= offset < end for start, end in self.imports)

    def left_open(self, start: int, end: int, closed: frozenset[int] = frozenset()) -> list[str]:
        """The closers, innermost first, of what begins in a stretch and ends behind it, but for `closed`."""
        opened = [
            (opener, closer, self.text[closer])
            for opener, closer in self.closer_of.items()
            if start <= opener < end <= closer and closer not in closed
        ]
        for opener, closer in self.end_of.items():
            if start <= opener < end <= closer:
                word = _WORD.match(self.text, closer)
                opened.append((opener, closer, word.group() if word else ""))
        for first, last in self.strings:
            if start <= first < end < last and last - 1 not in closed:
                opened.append((first, last - 1, self.text[last - 1]))
        return [closer for _, _, closer in sorted(opened, reverse=True)]

    def leaves_open(self, start: int, end: int, closed: frozenset[int] = frozenset()) -> bool:
        """Whether brackets, blocks or strings that begin in a stretch end behind it."""
        return bool(self.left_open(start, end, closed))


@attrs.define
class _Reader:
    text: str
    offsets: list[int] | None
    tokens: list[Token] = attrs.field(factory=list[Token])
    closer_of: dict[int, int] = attrs.field(factory=dict[int, int])
    end_of: dict[int, int] = attrs.field(factory=dict[int, int])
    strings: list[tuple[int, int]] = attrs.field(factory=list[tuple[int, int]])
    texts: list[tuple[int, int]] = attrs.field(factory=list[tuple[int, int]])
    imports: list[tuple[int, int]] = attrs.field(factory=list[tuple[int, int]])
    opened: list[tuple[int, str]] = attrs.field(factory=list[tuple[int, str]])
    matched: bool = True

    def span(self, node: tree_sitter.Node) -> tuple[int, int]:
        if self.offsets is None:
            return node.start_byte, node.end_byte
        return self.offsets[node.start_byte], self.offsets[node.end_byte]

    def string(self, start: int, end: int) -> None:
        said = self.text[start:end]
        self.texts.append((start, end))
        if len(said) > 2 and said[0] in _QUOTES and said[-1] == said[0] != said[1] and "\n" not in said:
            self.strings.append((start, end))

    def leaf(self, node: tree_sitter.Node, prose: str) -> None:
        start, end = self.span(node)
        said = self.text[start:end]
        if prose:
            self.tokens += [
                Token(start + found.start(), start + found.end(), prose) for found in _WORDS.finditer(said)
            ]
            return
        if said.strip() and "\n" not in said:
            self.tokens.append(Token(start, end))
        if node.is_named:
            self.inside_leaf(start, said, quoted=node.type.endswith("raw_text"))
            return
        parent = node.parent.type if node.parent is not None else ""
        if said in _ENDS and node.parent is not None:
            self.end_of[self.span(node.parent)[0]] = start
        elif _OPENING.fullmatch(said) or (said == "<" and _GENERIC.search(parent)):
            first = start + len(said) - len(said.lstrip("$#@%"))
            self.opened += [(at, self.text[at]) for at in range(first, end)]
        elif _CLOSING.fullmatch(said) or (said == ">" and _GENERIC.search(parent)):
            for at in range(start, end):
                self.close(at)

    def inside_leaf(self, start: int, said: str, *, quoted: bool) -> None:
        """Match the brackets in a leaf that the grammar doesn't look into, as code in Svelte."""
        if not quoted and not _QUOTES.isdisjoint(said):
            return
        opened: list[int] = []
        found: dict[int, int] = {}
        for piece in _IN_A_LEAF.finditer(said):
            character, at = piece.group(), piece.start()
            if character in _QUOTES:
                return  # one that nothing closes: what is a bracket there nobody knows
            if character in "([{":
                opened.append(at)
            elif character in ")]}":
                if not opened or PAIRS[said[opened[-1]]] != character:
                    return
                found[start + opened.pop()] = start + at
        if not opened:
            self.closer_of |= found

    def close(self, at: int) -> None:
        if not self.opened or PAIRS[self.opened[-1][1]] != self.text[at]:
            self.matched = False
            return
        self.closer_of[self.opened.pop()[0]] = at


def read(text: str, language_id: str) -> Code | None:
    """Read a finished file; None where there is no grammar."""
    described = language(language_id)
    grammar = load_grammar(described.grammar)
    if grammar is None:
        return None
    data = text.encode()
    tree = tree_sitter.Parser(grammar).parse(data)
    reader = _Reader(text, _offsets(text, data))
    inner = _walk(tree, reader, described)
    for node in inner:
        _read_inside(node, data, reader, Snapshot("", "", language_id, text))
    reader.tokens.sort(key=lambda token: token.start)
    reader.imports += [found.span() for found in _REQUIRE.finditer(text)]
    sound = not tree.root_node.has_error and reader.matched and not reader.opened
    return Code(
        text,
        language_id,
        tuple(reader.tokens),
        reader.closer_of,
        reader.end_of,
        tuple(reader.strings),
        tuple(reader.texts),
        tuple(reader.imports),
        sound,
    )


def _read_inside(node: tree_sitter.Node, data: bytes, reader: _Reader, document: Snapshot) -> None:
    """Read a leaf that is another language's code by its grammar; as a leaf where that doesn't parse."""
    span = Span(*reader.span(node), node.type)
    embeddings = (each for each in document.described.embeddings if each.node == node.type)
    code = next((found for each in embeddings if (found := code_in(document, span, each))), None)
    inner = language(code.language) if code is not None else None
    grammar = load_grammar(inner.grammar) if inner is not None else None
    if inner is None or grammar is None:
        reader.leaf(node, "")
        return
    within = tree_sitter.Range(node.start_point, node.end_point, node.start_byte, node.end_byte)
    tree = tree_sitter.Parser(grammar, included_ranges=[within]).parse(data)
    if tree.root_node.has_error:
        reader.leaf(node, "")
    else:
        _walk(tree, reader, attrs.evolve(inner, embeddings=()))


def _walk(tree: tree_sitter.Tree, reader: _Reader, described: Language) -> list[tree_sitter.Node]:
    """Read the leaves of a tree; those that may be code of another language are left for later."""
    strings, comments = set(described.nodes.strings), set(described.nodes.comments)
    code, embedded = set(described.nodes.code_in_strings), {each.node for each in described.embeddings}
    left: list[tree_sitter.Node] = []
    cursor = tree.walk()
    prose = [""]
    while True:
        node = cursor.node
        assert node is not None
        inside = prose[-1]
        if node.is_named and node.type in comments:
            inside = "comment"
        elif node.is_named and node.type in strings and inside != "comment":
            inside = "string"
            reader.string(*reader.span(node))
        elif node.type in code and inside == "string":
            inside = ""
        elif node.is_named and _IMPORT.match(node.type):
            reader.imports.append(reader.span(node))
        if cursor.goto_first_child():
            prose.append(inside)
            continue
        if node.type in embedded and not inside:
            left.append(node)
        else:
            reader.leaf(node, inside)
        while not cursor.goto_next_sibling():
            if not cursor.goto_parent():
                return left
            prose.pop()


def _offsets(text: str, data: bytes) -> list[int] | None:
    """The code point offset of every byte; None where both are the same."""
    if len(text) == len(data):
        return None
    found: list[int] = []
    for number, character in enumerate(text):
        found += [number] * len(character.encode())
    return [*found, len(text)]
