"""Files that are as bad for a language server as files get, and what a bad model says in them.

Made up, deterministic, and large: minified code, data in one line, brackets by the ten thousand, a hundred
thousand lines, deep nesting, characters of several bytes. Each has a place to type at.
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from foretype.context.shared.values import Prompt

KEYS = "const valueOf = helper(list, 1"
"""What is typed in each file: 30 keys."""


@attrs.frozen
class WorstFile:
    """One of them.

    Attributes:
        name: what is bad about it.
        language: the language identifier.
        text: its text.
        at: where to type, in code points.
        said: what the model says there.
    """

    name: str
    language: str
    text: str = attrs.field(repr=False)
    at: int
    said: str = attrs.field(repr=False)

    @property
    def uri(self) -> str:
        """Where it would lie."""
        return f"file:///nowhere/{self.path}"

    @property
    def path(self) -> str:
        """Its bare name."""
        return self.name.replace(" ", "-")

    @property
    def position(self) -> tuple[int, int]:
        """Line and character (UTF-16) of the place."""
        before = self.text[: self.at]
        line = before.count("\n")
        return line, len(before[before.rfind("\n") + 1 :].encode("utf-16-le")) // 2


def _functions(count: int) -> str:
    return "".join(
        f"function step{number}(list, done) {{\n"
        f"  const kept{number} = list.filter((each) => each.size > {number});\n"
        f"  if (kept{number}.length > 3) {{\n    return done(kept{number}, 'text {number}');\n  }}\n"
        f"  return {{ list, done, number: [1, 2, {number}] }};\n}}\n\n"
        for number in range(count)
    )


_BAD_CPP = (
    "template <typename T, typename = std::enable_if_t<a<b>::c<d>>> auto x<y<z>::w(int(&&q)[3] { "
    "if (a < b && c > (d { ]] } operator<< <int>(std::vector<std::map<int, >> f, "
    "[=](auto&& (x { return x< } ;\n"
) * 12
_BAD_JAVASCRIPT = "xs.map((a => { `${ [1, { b: (c ? d : /e( } ) ] => }} class { get [x( { \n" * 20
_BAD_PYTHON = "foo(bar[baz{x: lambda y: (z for w in [v if u else }) async def f(*, /, **k -> : \n" * 20


def _lines_of_code(count: int) -> str:
    return "".join(f"int v{number};\n" for number in range(count))


def _at_end_of(text: str, mark: str, occurrence: float = 0.5) -> int:
    """Behind a mark near a fraction of the text."""
    found = text.find(mark, int(len(text) * occurrence))
    return found + len(mark)


def _file(name: str, language: str, text: str, at: int, said: str) -> WorstFile:
    return WorstFile(name, language, text, at, said)


def _made() -> Sequence[WorstFile]:
    javascript = _functions(5600)
    cpp = "".join(
        f"template <typename T>\nstd::vector<T> get{n}(const std::map<int, T>& from) {{\n"
        f"  std::vector<T> found;\n  for (auto& [k, v] : from) {{ found.push_back(v); }}\n  \n"
        f"  return found;\n}}\n\n"
        for n in range(400)
    )
    long_function = "void all(std::vector<int>& v) {\n" + "".join(
        f"  if (v[{n}] < v[{n + 1}] && v.size() > {n}) {{ std::swap(v[{n}], v[{n + 1}]); }}\n"
        for n in range(90)
    )
    long_function += "  \n" + "  v.clear();\n" * 50 + "}\n"
    python = "".join(
        f"class Kind{n}(Base):\n    def run(self, value):\n        \n        return value + {n}\n\n"
        for n in range(900)
    )
    lines = _lines_of_code(100_000)
    flat = "const x = " + "[]" * 5000 + "\n" + "()" * 5000 + "\n"
    nested = "const x = " + "(" * 5000 + "\n" + ")" * 5000 + ";\n"
    minified = "".join(_functions(2000).split("\n")).replace("  ", "")
    data = "x = [" + ", ".join(str(number) for number in range(150_000)) + "];\n"
    deep = '{"a": [' * 5000 + "1" + "]}" * 5000 + "\n"
    wide = "".join(f"const größe{n} = '😀 über {n}';\n" for n in range(20_000))
    quoted = "const text = `" + "a line of text, not code\n" * 40_000 + "`;\n"
    blanks = "const a = 1;\n" + " " * 300_000 + "\n" + "\n" * 100_000 + "const b = 2;\n"
    words = "".join(f"a{n} = b{n} + c{n}\n" for n in range(60_000))
    return (
        _file(
            "large javascript",
            "javascript",
            javascript,
            _at_end_of(javascript, "done) {\n  "),
            _BAD_JAVASCRIPT,
        ),
        _file("bad cpp", "cpp", cpp, _at_end_of(cpp, "(v); }\n  "), _BAD_CPP),
        _file(
            "bad cpp in a long function",
            "cpp",
            long_function,
            _at_end_of(long_function, "}\n  \n") - 1,
            _BAD_CPP,
        ),
        _file("bad python", "python", python, _at_end_of(python, "value):\n        "), _BAD_PYTHON),
        _file("flat brackets", "javascript", flat, 10, "[][" * 200),
        _file("nested brackets", "javascript", nested, nested.index("\n"), "(((" * 200),
        _file("minified", "javascript", minified, len(minified) // 2, _BAD_JAVASCRIPT),
        _file("data in one line", "javascript", data, len(data) // 2, "1, 2, 3, " * 300),
        _file("deep json", "json", deep, len(deep) // 2, '{"a": ' * 300),
        _file("many lines", "cpp", lines, _at_end_of(lines, ";\n"), _BAD_CPP),
        _file("several bytes", "javascript", wide, _at_end_of(wide, ";\n"), "größe1 + größe2(" * 100),
        _file("one string", "javascript", quoted, _at_end_of(quoted, "code\n"), "more of the text (\n" * 200),
        _file("blanks", "javascript", blanks, 200_000, "    \n" * 400 + "x"),
        _file("many names", "python", words, _at_end_of(words, "\n"), "unknown_name = other(another, "),
        _file("a million characters", "python", "x = 1\n", 6, "value = compute(value)\n" * 45_000),
    )


FILES = _made()
"""All of them."""

_SAID = {file.path: file.said for file in FILES}
_TOKEN = 60


def said_at(prompt: Prompt) -> Sequence[str]:
    """What the model says for a prompt, in tokens of 60 code points; the largest answer is one token."""
    said = _SAID.get(prompt.path, "value = 1\n")
    return [said] if len(said) > 100_000 else [said[at : at + _TOKEN] for at in range(0, len(said), _TOKEN)]
