"""Where several lines are suggested, and where they end. `‸` is the cursor, `‖` the end in an answer."""

from __future__ import annotations

import pytest
from foretype.context.checking.trim import trim
from foretype.context.prompt.blocks import Block, BlockKind, block_at
from foretype.context.prompt.rules import stop_rules
from foretype.context.syntax.cursor_lines import cursor_lines
from foretype.models.decoding.stops import StopWatch, cursor_line
from foretype.tests.support.cursor import snapshot_at

METHOD = 'class Cart:\n    """A cart."""\n\n    def total(self):\n        """Add it up."""\n        ‸\n'
PARAGRAPH = "def f(path):\n    text = path.read_text()\n    lines = text.split()\n\n    ‸\n"
TSX = "export function List({ items }) {\n  return (\n    <ul>\n      ‸\n    </ul>\n  );\n}\n"
STEPS = "steps:\n  - name: Build\n    run: make\n  - ‸\n"


def block(language: str, marked: str) -> Block | None:
    snapshot, offset = snapshot_at(marked, language)
    place = cursor_lines(snapshot, offset)
    return block_at(place, place.indent if not place.blank else place.enclosing_indent())


def check(language: str, marked: str, kind: BlockKind | None) -> None:
    """Several lines are suggested there, for this reason; with None, one line is."""
    found = block(language, marked)
    assert (found and found.kind) == kind
    snapshot, offset = snapshot_at(marked, language)
    assert stop_rules(snapshot, offset, 64, 0.0).multiline == (kind is not None)
    assert not stop_rules(snapshot, offset, 64, 0.0, "never").multiline
    if kind is not BlockKind.OPENED:
        assert not stop_rules(snapshot, offset, 64, 0.0, "opened").multiline


@pytest.mark.parametrize(
    ("language", "marked", "kind"),
    [
        ("python", METHOD, BlockKind.DOCUMENTED),
        ("python", METHOD.replace("‸", "total = 0\n        ‸"), None),
        ("python", 'class A:\n    """A."""\n\n    ‸\n', BlockKind.DOCUMENTED),
        ("python", '"""A module."""\n\n‸\n', None),
        ("python", PARAGRAPH, BlockKind.PARAGRAPH),
        ("python", PARAGRAPH.replace("‸\n", "‸\n    return lines\n"), None),
        ("python", PARAGRAPH.replace("‸\n", "‸\n\n    return lines\n"), BlockKind.PARAGRAPH),
        ("python", PARAGRAPH.replace("\n\n", "\n"), None),
        ("python", "text = 1\n\n‸\n", None),
        ("python", "def f(a):\n    b = a\n    # the largest one\n    ‸\n", BlockKind.PARAGRAPH),
        ("python", "def f(a):\n    b = [\n        1,\n\n        ‸\n    ]\n", None),
        ("python", "def f(a):\n    return a\n\n\n‸\n", BlockKind.DEFINITION),
        ("python", "def f(a):\n    return a\n\n\n‸\nx = 1\n", None),
        ("python", "class A:\n    def f(self):\n        return 1\n\n    ‸\n", BlockKind.DEFINITION),
        ("python", "def f(a):\n    return a\n\n\n@cache‸\n", None),
        ("typescriptreact", TSX, BlockKind.CHILDREN),
        ("typescriptreact", TSX.replace("    </ul>\n  );\n}\n", ""), BlockKind.CHILDREN),
        ("typescriptreact", TSX.replace("      ‸", "      <li />\n      ‸"), None),
        ("typescriptreact", TSX.replace("<ul>", '<ul className="a" onClick={() => b}>'), BlockKind.CHILDREN),
        ("javascriptreact", TSX, BlockKind.CHILDREN),
        ("html", "<body>\n  <ul>\n    ‸\n  </ul>\n</body>\n", BlockKind.CHILDREN),
        ("html", "<body>\n  <ul></ul>\n  ‸\n</body>\n", None),
        ("html", "<p>\n  a<br>\n  ‸\n</p>\n", None),
        ("vue", "<template>\n  <div>\n    ‸\n  </div>\n</template>\n", BlockKind.CHILDREN),
        ("yaml", STEPS, BlockKind.ENTRY),
        ("yaml", STEPS.replace("- ‸", "‸"), BlockKind.ENTRY),
        ("yaml", "on:\n  - push\n  - ‸\n", None),
        ("toml", "[project]\n‸\n", BlockKind.TABLE),
        ("toml", "[project]‸\n", BlockKind.TABLE),
        ("toml", "[[bin]]\n‸\n\n[project]\nname = 1\n", BlockKind.TABLE),
        ("toml", "[project]\nname = 1\n‸\n", None),
        ("toml", "[project]\nname = 1\n\n‸\n", BlockKind.DEFINITION),
        ("toml", "a = [‸]\n", BlockKind.OPENED),
        ("go", "func f() {\n\ta := 1\n\n\t‸\n}\n", BlockKind.PARAGRAPH),
        ("go", "func f() {\n\tfor {\n\t\ta()\n\t}\n\n\t‸\n}\n", BlockKind.PARAGRAPH),
        ("rust", "#[test]\nfn one() {\n    a();\n}\n\n‸\n", BlockKind.DEFINITION),
        ("java", "class A {\n  int a() {\n    return 1;\n  }\n\n  ‸\n}\n", BlockKind.DEFINITION),
        ("typescript", "function f() {\n  const a = 1\n\n  ‸\n}\n", BlockKind.PARAGRAPH),
        ("typescript", "/** It. */\n‸\n", None),
        ("kotlin", "fun f() {\n    val a = 1\n\n    ‸\n}\n", BlockKind.PARAGRAPH),
        ("unheard-of", "a\n\n‸\n", None),
    ],
)
def test_several_lines_are_suggested_where_they_belong_together(
    language: str, marked: str, kind: BlockKind | None
) -> None:
    check(language, marked, kind)


def ends(language: str, marked: str, answer: str) -> None:
    """An answer is shown up to its mark, by the stop rules and by what trims."""
    snapshot, offset = snapshot_at(marked, language)
    rules = stop_rules(snapshot, offset, 200, 0.0)
    said, wanted = answer.replace("‖", ""), answer.partition("‖")[0]
    watch = StopWatch(rules, cursor_line(snapshot.text[:offset]))
    stop = next((stop for letter in said if (stop := watch.feed(letter)) is not None), None)
    decoded = watch.text if stop is None else watch.text[: stop.keep]
    assert decoded.rstrip() == wanted
    assert trim(decoded, snapshot, offset, rules).text == wanted
    assert trim(said, snapshot, offset, rules).text == wanted


@pytest.mark.parametrize(
    ("language", "marked", "answer"),
    [
        ("python", METHOD, "total = 0\n        return total‖\n\n    def other(self):\n"),
        ("python", PARAGRAPH, "for line in lines:\n        print(line)‖\n\n    return lines\n"),
        (
            "go",
            "func f() {\n\ta := 1\n\n\t‸\n}\n",
            "if a > 1 {\n\t\tb()\n\n\t\tc()\n\t}\n\td()‖\n\n\treturn\n}\n",
        ),
        (
            "rust",
            "#[test]\nfn one() {\n    a();\n}\n\n‸\n",
            "#[test]\nfn two() {\n    b();\n\n    c();\n}‖\n\n#[test]\nfn three() {\n",
        ),
        ("typescriptreact", TSX, "{items.map((item) => (\n        <li>{item}</li>\n      ))}‖\n    </ul>\n"),
        ("html", "<ul>\n  ‸\n</ul>\n", "<li>\n    a\n  </li>\n  <li>b</li>‖\n</ul>\n"),
        ("html", "<ul>\n  ‸\n", "<li>a</li>‖\n</ul>\n<p>\n"),
        ("yaml", STEPS, "name: Test\n    run: make test‖\n  - name: Last\n"),
        ("toml", "[project]\n‸\n", 'name = "a"\nversion = "1"‖\n\n[other]\n'),
        ("toml", "[project]\nname = 1\n\n‸\n", '[tool]\na = "b"‖\n\n[other]\n'),
        (
            "javascript",
            'it("adds", () => {\n  expect(1).toBe(1);\n});\n\n‸\n',
            'it("takes", () => {\n  expect(2).toBe(2);\n});‖\n\nit("more", () => {\n',
        ),
        (
            "python",
            "def test_a():\n    assert a\n\n\n‸\n",
            "@pytest.mark.slow\ndef test_b():\n    assert b‖\n\n\ndef test_c():\n",
        ),
    ],
)
def test_they_end_where_what_belongs_together_does(language: str, marked: str, answer: str) -> None:
    ends(language, marked, answer)
