"""What binds a name, by language, and names that are always there: the tables of the second oracle.

Regular expressions whose first group is the name; those of `PARAMETERS` have a list of parameters there. On
purpose none of foretype's own knowledge: an oracle that shared it would share its mistakes.
"""

from __future__ import annotations

_PLAIN_TARGET = r"^[ \t]*(\w+)(?:[ \t]*:[^=\n]+)?[ \t]*=(?![=>~])"
_TYPED = (
    r"\b(?:[A-Z]\w*(?:<[^;=()]*>)?|int|long|char|bool|auto|var|float|double|size_t)"
    r"(?:\[\])?[ *&]+(\w+)\s*[=;]"
)
_ECMA = (
    r"\bthis\.(\w+)\s*=(?![=>])",
    r"\b(?:const|let|var|function\*?|class|interface|type|enum)\s+(\w+)",
    r"\bcatch\s*\((\w+)\)",
)
BINDINGS: dict[str, tuple[str, ...]] = {
    "python": (
        r"\b(?:self|cls)\.(\w+)(?:\s*:[^=\n]+)?\s*=(?!=)",
        _PLAIN_TARGET,
        r"\bfor (\w+) in\b",
        r"\bas (\w+)\s*[:,)]",
        r"\bas (\w+)$",
        r"\b(?:def|class) (\w+)",
    ),
    "javascript": _ECMA,
    "typescript": _ECMA,
    "typescriptreact": _ECMA,
    "go": (r"(\w+)(?:, \w+)?\s*:=", r"\w+, (\w+)\s*:=", r"\bvar (\w+)", r"\bfunc (\w+)", r"\btype (\w+)"),
    "rust": (r"\blet (?:mut )?([a-z_]\w*)", r"\b(?:fn|struct|enum|trait|mod) (\w+)", r"\bfor (\w+) in\b"),
    "java": (_TYPED,),
    "csharp": (_TYPED,),
    "c": (_TYPED,),
    "cpp": (_TYPED,),
    "ruby": (
        r"@(\w+)\s*=(?![=~>])",
        r"^[ \t]*(\w+)\s*=(?![=~>])",
        r"\|(\w+)\|",
        r"\b(?:def|class|module) (\w+)",
    ),
    "php": (r"\$this->(\w+)\s*=(?![=>])", r"(?<!\$this->)\$(\w+)\s*=(?![=>])", r"\bfunction (\w+)"),
    "lua": (r"\blocal (?:function )?(\w+)", r"\bself\.(\w+)\s*=(?!=)"),
    "shellscript": (r"^[ \t]*(?:local |export |readonly )?(\w+)=",),
}
PARAMETERS: dict[str, tuple[str, ...]] = {
    "python": (r"\bdef \w+(?:\[\w+\])?\(([^()]*)\)", r"\blambda ([\w, ]+):"),
    "javascript": (r"\bfunction\*?\s*\w*\s*\(([\w, ]*)\)", r"\(([\w, ]*)\)\s*=>"),
    "typescript": (r"\bfunction\*?\s*\w*\s*\(([^(){}]*)\)", r"\(([^(){}]*)\)\s*(?::[^=(){}]+)?=>"),
    "typescriptreact": (r"\bfunction\*?\s*\w*\s*\(([^(){}]*)\)", r"\(([^(){}]*)\)\s*(?::[^=(){}]+)?=>"),
    "go": (r"\bfunc(?: \w+)?\(([^()]*)\)",),
    "rust": (r"\bfn \w+\(([^()]*)\)",),
    "lua": (r"\bfunction[ \w.:]*\(([\w, ]*)\)",),
    "ruby": (r"\bdef \w+\(([\w, ]*)\)",),
}
TYPE_PARAMETERS: dict[str, tuple[str, ...]] = {
    "python": (r"\b(?:def|class) \w+\[(\w+)\]",),
    "typescript": (r"\b(?:function|class|interface|type) \w+<(\w+)>",),
    "rust": (r"\b(?:fn|struct|enum|impl)(?: \w+)?<(\w+)>",),
    "java": (r"\b(?:class|interface) \w+<(\w+)>",),
    "csharp": (r"\b(?:class|interface|struct) \w+<(\w+)>",),
}
_BROWSER = """
document window console process Buffer setTimeout clearTimeout setInterval queueMicrotask structuredClone
fetch URL AbortController require module exports describe it test expect beforeEach afterEach jest vi cy
globalThis Symbol Reflect Proxy Promise Map Set WeakMap JSON Math Object Array Number String Error
"""
_PYTHON = """
len range print isinstance enumerate zip sorted sum min max any all str int list dict set tuple getattr
hasattr setattr open super property ValueError TypeError KeyError RuntimeError NotImplementedError
"""
_C = """
memcpy memset memcmp memmove strlen strcmp strncmp strcpy strncpy strchr strdup malloc calloc realloc free
printf fprintf snprintf sprintf fopen fclose fread fwrite errno abort exit getenv atoi qsort
"""
_GO = "len cap append make new panic recover error string int bool byte copy delete nil"
_RUST = "Option Some None Ok Err Result Vec String Box vec format println assert assert_eq Self"
GLOBALS: dict[str, frozenset[str]] = {
    "javascript": frozenset(_BROWSER.split()),
    "typescript": frozenset(_BROWSER.split()),
    "typescriptreact": frozenset(_BROWSER.split()),
    "python": frozenset(_PYTHON.split()),
    "c": frozenset(_C.split()),
    "cpp": frozenset(_C.split()) | {"std", "size_t"},
    "go": frozenset(_GO.split()),
    "rust": frozenset(_RUST.split()),
}
