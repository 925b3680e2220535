"""Names that one file of the workspace defines: the import that another file writes for it, or none."""

from __future__ import annotations

import attrs
import pytest
from foretype.context.imports import (
    Import,
    ImportSurroundings,
    Site,
    import_edit,
    statements_of,
    wanted_imports,
)
from foretype.context.languages import language, language_of
from foretype.context.syntax.includes import Includes
from foretype.context.syntax.origins import headers_in, is_included
from foretype.context.syntax.snapshot import Snapshot
from foretype.context.syntax.tree_work import parse
from foretype.context.workspace.symbols import Symbol, symbols_of
from foretype.tests.support.cursor import at_cursor


def surroundings(files: dict[str, str]) -> ImportSurroundings:
    symbols = [one for path, text in files.items() for one in symbols_of(text, language_of(path), path)]
    includes = Includes()
    for path, text in files.items():
        names = language(language_of(path)).names
        if is_included(path, names):
            includes.add(path, headers_in(text, names))
    workspace = Workspace(files, symbols, includes)
    return ImportSurroundings(workspace, workspace)


@attrs.frozen
class Workspace:
    """Files in memory, and what they define."""

    texts: dict[str, str]
    symbols: list[Symbol]
    includes: Includes

    def knows(self, name: str) -> bool:
        return bool(self.find(name))

    def find(self, name: str) -> tuple[Symbol, ...]:
        return tuple(one for one in self.symbols if one.name == name)

    def headers(self, header: str) -> tuple[str, ...] | None:
        return self.includes.of(header)

    def has(self, path: str) -> bool:
        return path in self.texts

    def read(self, path: str) -> str | None:
        return self.texts.get(path)


def found(path: str, source: str, model: str, files: dict[str, str]) -> tuple[str, list[Import]]:
    """The text with the completion and its imports in it, and those imports."""
    text, offset = at_cursor(source)
    language = language_of(path)
    before = Snapshot("", path, language, text, 1, parse(text, language))
    completed = text[:offset] + model + text[offset:]
    tree = parse(completed, language)
    assert tree is not None
    site = Site(tree, offset, offset + len(model), before, offset)
    imports = [one for _, one in wanted_imports(site, statements_of(before, offset), surroundings(files))]
    for one in imports:
        edit = import_edit(Snapshot("", path, language, completed, 1, parse(completed, language)), one)
        completed = completed if edit is None else edit.apply(completed)
    return completed, imports


def check(path: str, source: str, model: str, files: dict[str, str], line: str) -> None:
    """The completion brings this line, or nothing where it is empty."""
    text, imports = found(path, source, model, files)
    if not line:
        assert imports == []
    else:
        assert line in text.splitlines()
        assert len(imports) == 1


USE = "import sys\n\nx = ‸\n"
PACKAGE = {
    "app/__init__.py": "",
    "app/models/__init__.py": "",
    "app/models/user.py": "class User:\n    pass\n",
}
PYTHON = {
    "of its package": ("app/views.py", USE, "User()", PACKAGE, "from app.models.user import User"),
    "as the file does, with dots": (
        "app/views.py",
        "from . import forms\n\nx = ‸\n",
        "User()",
        PACKAGE,
        "from .models.user import User",
    ),
    "with dots from a folder beside": (
        "app/api/views.py",
        "from .forms import Form\n\nx = ‸\n",
        "User()",
        {**PACKAGE, "app/api/__init__.py": ""},
        "from ..models.user import User",
    ),
    "by its full name where the file has that as well": (
        "app/views.py",
        "from app import forms\nfrom . import urls\n\nx = ‸\n",
        "User()",
        PACKAGE,
        "from app.models.user import User",
    ),
    "below src": (
        "src/app/views.py",
        USE,
        "User()",
        {f"src/{path}": text for path, text in PACKAGE.items()},
        "from app.models.user import User",
    ),
    "beside what is imported already": (
        "main.py",
        "from tools.text import dedent\n\nx = ‸\n",
        "Shape()",
        {"tools/text.py": "def dedent(): ...\n", "tools/shapes.py": "class Shape: ...\n"},
        "from tools.shapes import Shape",
    ),
    "into the list that is there": (
        "app/views.py",
        "from app.models.user import Group\n\nx = ‸\n",
        "User()",
        {**PACKAGE, "app/models/user.py": "class User: ...\nclass Group: ...\n"},
        "from app.models.user import Group, User",
    ),
    "not where two files define it": (
        "app/views.py",
        USE,
        "User()",
        {**PACKAGE, "app/other.py": "class User: ...\n"},
        "",
    ),
    "not what is a method": (
        "app/views.py",
        USE,
        "load()",
        {**PACKAGE, "app/a.py": "class A:\n    def load(self): ...\n"},
        "",
    ),
    "not where nobody knows the path": (
        "a/main.py",
        USE,
        "Shape()",
        {"b/shapes.py": "class Shape: ...\n"},
        "",
    ),
    "not from the tests": (
        "app/views.py",
        USE,
        "Case()",
        {**PACKAGE, "app/tests/__init__.py": "", "app/tests/test_a.py": "class Case: ...\n"},
        "",
    ),
    "not what the library has, too": (
        "app/views.py",
        USE,
        "Path()",
        {**PACKAGE, "app/a.py": "class Path: ...\n"},
        "",
    ),
    "not what the file defines": ("app/views.py", "class User: ...\n\nx = ‸\n", "User()", PACKAGE, ""),
}

HELPERS = {"src/lib/helpers.ts": "export function slugify(text: string) {\n  return text;\n}\n"}
TYPESCRIPT = {
    "from file to file": (
        "src/app.ts",
        "import fs from 'fs';\n\nx(‸);\n",
        "slugify('a')",
        HELPERS,
        "import { slugify } from './lib/helpers';",
    ),
    "from a folder beside": (
        "src/views/home.ts",
        'import { a } from "../a"\n\nx(‸)\n',
        "slugify('a')",
        HELPERS,
        'import { slugify } from "../lib/helpers"',
    ),
    "with the suffix that the file writes": (
        "src/app.ts",
        "import { a } from './a.js';\n\nx(‸);\n",
        "slugify('a')",
        HELPERS,
        "import { slugify } from './lib/helpers.js';",
    ),
    "a folder's index": (
        "src/app.ts",
        "import { a } from './a';\n\nx(‸);\n",
        "slugify('a')",
        {"src/lib/index.ts": "export const slugify = (a: string) => a;\n"},
        "import { slugify } from './lib';",
    ),
    "by default": (
        "src/app.ts",
        "import { a } from './a';\n\nx(‸);\n",
        "Store.open()",
        {"src/store.ts": "export default class Store {}\n"},
        "import Store from './store';",
    ),
    "into the list that is there": (
        "src/app.ts",
        "import { a } from './lib/helpers';\n\nx(‸);\n",
        "slugify('a')",
        HELPERS,
        "import { a, slugify } from './lib/helpers';",
    ),
    "a type among types": (
        "src/app.ts",
        "import type { A } from './a';\n\nlet x: ‸;\n",
        "Shape",
        {"src/shape.ts": "export interface Shape {\n  a: number;\n}\n"},
        "import type { Shape } from './shape';",
    ),
    "exported in a list": (
        "src/app.ts",
        "import { a } from './a';\n\nx(‸);\n",
        "slugify('a')",
        {"src/b.ts": "function slugify(a) {}\n\nexport { other, slugify };\n"},
        "import { slugify } from './b';",
    ),
    "not what isn't exported": (
        "src/app.ts",
        "import { a } from './a';\n\nx(‸);\n",
        "slugify('a')",
        {"src/b.ts": "function slugify(a) {}\n"},
        "",
    ),
    "not across packages": (
        "a/src/app.ts",
        "import { a } from './a';\n\nx(‸);\n",
        "slugify('a')",
        {"a/package.json": "{}", "b/package.json": "{}", "b/src/b.ts": "export function slugify() {}\n"},
        "",
    ),
    "by require": (
        "app.js",
        "const a = require('./a');\n\nx(‸);\n",
        "slugify('a')",
        {"lib.js": "function slugify() {}\n\nmodule.exports = { slugify };\n"},
        "const { slugify } = require('./lib');",
    ),
    "not where a suffix may be needed": (
        "app.js",
        "import fs from 'fs';\n\nx(‸);\n",
        "slugify('a')",
        {"lib.js": "export function slugify() {}\n"},
        "",
    ),
}

MANIFEST = {"package.json": '{"dependencies": {"react": "19"}}'}
PACKAGES = {
    "what the package's manifest names": (
        "src/use.ts",
        "export function useX() {\n  ‸\n}\n",
        "useEffect(() => {});",
        MANIFEST,
        'import { useEffect } from "react";',
    ),
    "not what another package's names": (
        "b/src/use.ts",
        "export function useX() {\n  ‸\n}\n",
        "useEffect(() => {});",
        {**MANIFEST, "b/package.json": "{}"},
        "",
    ),
    "not where the manifest makes no sense": (
        "src/use.ts",
        "export function useX() {\n  ‸\n}\n",
        "useEffect(() => {});",
        {"package.json": "[3]"},
        "",
    ),
}

OTHERS = {
    "Rust, in the crate": (
        "src/main.rs",
        "mod shapes;\n\nfn main() {\n    ‸\n}\n",
        "let s = Shape::new();",
        {"src/main.rs": "mod shapes;\n", "src/shapes.rs": "pub struct Shape;\n"},
        "use crate::shapes::Shape;",
    ),
    "Rust, not what is private": (
        "src/main.rs",
        "mod shapes;\n\nfn main() {\n    ‸\n}\n",
        "let s = Shape::new();",
        {"src/main.rs": "mod shapes;\n", "src/shapes.rs": "struct Shape;\n"},
        "",
    ),
    "Rust, not what no module declares": (
        "src/main.rs",
        "fn main() {\n    ‸\n}\n",
        "let s = Shape::new();",
        {"src/main.rs": "fn main() {}\n", "src/shapes.rs": "pub struct Shape;\n"},
        "",
    ),
    "Java, from another package": (
        "src/a/b/Main.java",
        "package a.b;\n\nclass Main {\n    ‸\n}\n",
        "Shape s = new Shape();",
        {"src/a/c/Shape.java": "package a.c;\n\npublic class Shape {}\n"},
        "import a.c.Shape;",
    ),
    "Java, not from its own": (
        "src/a/b/Main.java",
        "package a.b;\n\nclass Main {\n    ‸\n}\n",
        "Shape s = new Shape();",
        {"src/a/b/Shape.java": "package a.b;\n\npublic class Shape {}\n"},
        "",
    ),
    "C#, from another namespace": (
        "Main.cs",
        "using System;\n\nnamespace A;\n\nclass Main\n{\n    ‸\n}\n",
        "private Shape shape = new Shape();",
        {"Shape.cs": "namespace B.C;\n\npublic class Shape {}\n"},
        "using B.C;",
    ),
    "C#, not from one around": (
        "Main.cs",
        "using System;\n\nnamespace A.B;\n\nclass Main\n{\n    ‸\n}\n",
        "private Shape shape = new Shape();",
        {"Shape.cs": "namespace A;\n\npublic class Shape {}\n"},
        "",
    ),
    "PHP, from another namespace": (
        "a.php",
        "<?php\n\nnamespace App;\n\nfunction f()\n{\n    ‸\n}\n",
        "return new User();",
        {"User.php": "<?php\n\nnamespace App\\Models;\n\nclass User {}\n"},
        "use App\\Models\\User;",
    ),
}

MODULE = {
    "go.mod": "module example.org/shop\n\ngo 1.22\n",
    "store/open.go": "package store\n\nfunc Open(path string) *Store { return nil }\n\ntype Store struct{}\n",
}
MAIN = 'package main\n\nimport "fmt"\n\nfunc main() {\n\t‸\n}\n'
GO = {
    "a package of the module": ("main.go", MAIN, "s := store.Open(p)", MODULE, '\t"example.org/shop/store"'),
    "in a nested module, by its own name": (
        "tools/main.go",
        MAIN,
        "s := store.Open(p)",
        {"tools/go.mod": "module example.org/tools\n", "tools/a/store/s.go": MODULE["store/open.go"]},
        '\t"example.org/tools/a/store"',
    ),
    "of a later major version": (
        "main.go",
        MAIN,
        "s := store.Open(p)",
        {"go.mod": "module x.org/y\n", "store/v2/open.go": MODULE["store/open.go"]},
        '\t"x.org/y/store/v2"',
    ),
    "one definition for each system is one package": (
        "main.go",
        MAIN,
        "s := store.Open(p)",
        {
            **MODULE,
            "store/open_windows.go": "package store\n\nfunc Open(path string) *Store { return nil }\n",
        },
        '\t"example.org/shop/store"',
    ),
    "not of another module": (
        "main.go",
        MAIN,
        "s := store.Open(p)",
        {**MODULE, "store/go.mod": "module b\n"},
        "",
    ),
    "not where two packages are called so": (
        "main.go",
        MAIN,
        "s := store.Open(p)",
        {**MODULE, "old/store/open.go": MODULE["store/open.go"]},
        "",
    ),
    "not what the package keeps to itself": ("main.go", MAIN, "s := store.open(p)", MODULE, ""),
    "not what lies below another's internal": (
        "cmd/main.go",
        MAIN,
        "s := store.Open(p)",
        {"go.mod": MODULE["go.mod"], "lib/internal/store/open.go": MODULE["store/open.go"]},
        "",
    ),
    "what lies below its own internal": (
        "lib/cmd/main.go",
        MAIN,
        "s := store.Open(p)",
        {"go.mod": MODULE["go.mod"], "lib/internal/store/open.go": MODULE["store/open.go"]},
        '\t"example.org/shop/lib/internal/store"',
    ),
    "not where the name is a variable": (
        "main.go",
        "package main\n\nfunc f(store *Store) {\n\t‸\n}\n",
        "s := store.Open(p)",
        MODULE,
        "",
    ),
    "not where the library has a package of that name too": (
        "main.go",
        MAIN,
        "b := bytes.NewReader(p)",
        {"go.mod": MODULE["go.mod"], "bytes/b.go": "package bytes\n\nfunc NewReader(p []byte) {}\n"},
        "",
    ),
    "not its own package": (
        "store/close.go",
        "package store\n\nfunc f() {\n\t‸\n}\n",
        "s := store.Open(p)",
        MODULE,
        "",
    ),
}


LIST = "#include <stddef.h>\nstruct list;\nsize_t list_length(const struct list *one);\n#define LIST_MAX 8\n"
IN_C = '#include "main.h"\n\nint main(void) {\n    ‸\n}\n'
BESIDE = {"src/main.h": "", "src/list.h": LIST}
HEADERS = {
    "C, beside the file": (
        "src/main.c",
        IN_C,
        "list_length(p);",
        {"src/main.h": "", "src/list.h": LIST},
        '#include "list.h"',
    ),
    "C, where it includes nothing yet": (
        "main.c",
        "int main(void) {\n    ‸\n}\n",
        "list_length(p);",
        {
            "list.h": LIST,
            "list.c": '#include "list.h"\nsize_t list_length(const struct list *one) { return 0; }\n',
        },
        '#include "list.h"',
    ),
    "C, a macro": (
        "src/main.c",
        IN_C,
        "int n = LIST_MAX;",
        {"src/main.h": "", "src/list.h": LIST},
        '#include "list.h"',
    ),
    "C, from the folder that others are found in": (
        "src/a/main.c",
        '#include "base/text.h"\n\nint main(void) {\n    ‸\n}\n',
        "list_length(p);",
        {"include/base/text.h": "", "include/data/list.h": LIST},
        '#include "data/list.h"',
    ),
    "C, in angles as the file's own are": (
        "src/a/main.c",
        "#include <base/text.h>\n\nint main(void) {\n    ‸\n}\n",
        "list_length(p);",
        {"include/base/text.h": "", "include/data/list.h": LIST},
        "#include <data/list.h>",
    ),
    "C, not what comes with another header": (
        "src/main.c",
        IN_C,
        "list_length(p);",
        {"src/main.h": '#include "list.h"\n', "src/list.h": LIST},
        "",
    ),
    "C, not where a header is nobody's": (
        "src/main.c",
        '#include "main.h"\n#include <openssl/ssl.h>\n\nint main(void) {\n    ‸\n}\n',
        "list_length(p);",
        {"src/main.h": "", "src/list.h": LIST},
        "",
    ),
    "C, not where two headers have it": (
        "src/main.c",
        IN_C,
        "list_length(p);",
        {"src/main.h": "", "src/list.h": LIST, "old/list.h": LIST},
        "",
    ),
    "C, the library's beside headers of its own": (
        "src/main.c",
        IN_C,
        "strlen(p);",
        {"src/main.h": "#include <stdio.h>\n"},
        "#include <string.h>",
    ),
    "C, not the library's that a header brings": (
        "src/main.c",
        IN_C,
        "strlen(p);",
        {"src/main.h": "#include <string.h>\n"},
        "",
    ),
    "C++, a class": (
        "src/main.cpp",
        '#include "main.hpp"\n\nint main() {\n    ‸\n}\n',
        "Shape shape;",
        {"src/main.hpp": "", "src/shape.hpp": "class Shape {};\n"},
        '#include "shape.hpp"',
    ),
    "C++, not one of a namespace": (
        "src/main.cpp",
        '#include "main.hpp"\n\nint main() {\n    ‸\n}\n',
        "Shape shape;",
        {"src/main.hpp": "", "src/shape.hpp": "namespace a {\nclass Shape {};\n}\n"},
        "",
    ),
    "C++, not what a class may have inherited": (
        "src/main.cpp",
        '#include "main.hpp"\n\nvoid B::f() {\n    ‸\n}\n',
        "reset();",
        {
            "src/main.hpp": "",
            "src/a.hpp": "void reset();\n",
            "src/b.hpp": "class A {\n  void reset() {}\n};\n",
        },
        "",
    ),
    "C++, of the library beside a header of its own": (
        "src/main.cpp",
        '#include "main.hpp"\n\nint main() {\n    ‸\n}\n',
        "std::vector<int> v;",
        {"src/main.hpp": ""},
        "#include <vector>",
    ),
}


@pytest.mark.parametrize("case", PYTHON)
def test_in_python(case: str) -> None:
    check(*PYTHON[case])


@pytest.mark.parametrize("case", TYPESCRIPT)
def test_in_javascript_and_typescript(case: str) -> None:
    check(*TYPESCRIPT[case])


@pytest.mark.parametrize("case", OTHERS)
def test_in_other_languages(case: str) -> None:
    check(*OTHERS[case])


@pytest.mark.parametrize("case", HEADERS)
def test_in_c_and_its_relatives(case: str) -> None:
    check(*HEADERS[case])


@pytest.mark.parametrize("case", GO)
def test_in_go(case: str) -> None:
    check(*GO[case])


@pytest.mark.parametrize("case", PACKAGES)
def test_from_packages_in_use(case: str) -> None:
    check(*PACKAGES[case])
