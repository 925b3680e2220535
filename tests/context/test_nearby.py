"""Which names of other files are offered: by the last word of a module's name, or by the folder."""

from __future__ import annotations

import attrs
import pytest
from foretype.context.workspace.nearby import MOST_NEIGHBOURS, names_beside, names_in_module
from foretype.context.workspace.symbols import Symbol

FILES = {
    "shop/cart.py": "Cart Cart.total",
    "shop/prices.py": "rebate_of LIMIT",
    "shop/text/__init__.py": "clean",
    "shop/text/lines.py": "line_start",
    "shop/__init__.py": "version",
    "old/prices.py": "old_rebate",
    "web/api.ts": "load",
    "web/store/index.ts": "store",
    "web/store/cells.ts": "Cell",
    "src/shared/mod.rs": "Shared",
    "top.py": "main",
}


@attrs.frozen
class Files:
    """An index of files, each with its names; `Cart.total` is defined inside `Cart`."""

    defined: dict[str, str]

    def paths(self) -> tuple[str, ...]:
        """See `NamesInFiles`."""
        return tuple(self.defined)

    def symbols_in(self, path: str) -> tuple[Symbol, ...]:
        """See `NamesInFiles`."""
        named = [name.rpartition(".") for name in self.defined[path].split()]
        return tuple(Symbol(name, "function", container, "", "", path, 1) for container, _, name in named)


@pytest.mark.parametrize(
    ("path", "module", "names"),
    [
        ("shop/cart.py", ".prices", "rebate_of LIMIT old_rebate"),
        ("old/cart.py", ".prices", "old_rebate rebate_of LIMIT"),
        ("shop/cart.py", "shop.prices", "rebate_of LIMIT old_rebate"),
        ("shop/cart.py", ".text", "clean lines"),
        ("shop/text/lines.py", "..", "version cart prices"),
        ("shop/cart.py", ".", "version prices"),
        ("top.py", ".", ""),
        ("web/page.ts", "./api.js", "load"),
        ("web/page.ts", "./api", "load"),
        ("web/page.ts", "./store", "store cells"),
        ("web/store/cells.ts", ".", "store"),
        ("web/store/cells.ts", "..", "api"),
        ("src/main.rs", "crate::shared", "Shared"),
        ("shop/cart.py", "os.path", ""),
    ],
)
def test_a_module_offers_what_the_files_of_its_name_define_the_nearest_first(
    path: str, module: str, names: str
) -> None:
    assert " ".join(names_in_module(Files(FILES), path, module)) == names


def test_a_folder_offers_what_its_other_files_of_the_same_kind_define() -> None:
    assert list(names_beside(Files(FILES), "shop/prices.py")) == ["Cart", "version"]
    assert list(names_beside(Files(FILES), "web/api.ts")) == []


def test_of_a_large_folder_a_part_is_looked_at() -> None:
    many = Files({f"a/f{number}.py": f"name{number}" for number in range(3 * MOST_NEIGHBOURS)})
    assert len(list(names_beside(many, "a/other.py"))) == MOST_NEIGHBOURS
