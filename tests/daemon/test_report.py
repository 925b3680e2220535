"""The text for bug reports says what is installed and wrong, and nothing about whose machine it is."""

from __future__ import annotations

import getpass
from pathlib import Path

import attrs
import pytest
from click.testing import CliRunner
from foretype.daemon.cli.daemon import doctor
from foretype.daemon.cli.doctor import Finding
from foretype.daemon.cli.report import anonymous, bug_report, changed_settings
from foretype.daemon.settings.settings import Settings, apply
from hypothesis import given
from hypothesis import strategies as st


def check(text: str, without: str) -> None:
    assert anonymous(text, {"anna", "annas-laptop"}) == without


@pytest.mark.parametrize(
    "path",
    [
        "/home/anna/code/app.py",
        "~/code",
        "C:\\Users\\anna\\AppData",
        "c:/Users/anna",
        "\\\\server\\share\\app",
        "file:///home/anna/x.py",
        "/x",
    ],
)
def test_paths_are_gone_whatever_stands_around_them(path: str) -> None:
    check(f"The file {path} is missing.", "The file <path> is missing.")
    check(f"'{path}'", "'<path>'")
    check(f"at {path}, line 3", "at <path>, line 3")
    check(f"({path})", "(<path>)")


def test_names_are_gone() -> None:
    check("anna on annas-laptop", "<name> on <name>")
    check("hannah stays", "hannah stays")


@pytest.mark.parametrize(
    "text",
    [
        "98.4 MB available of 24.0 GB",
        "libllama 0.5.0",
        "'foretype models pull smollm2-135m' downloads it",
        "and/or",
    ],
)
def test_what_is_no_path_stays(text: str) -> None:
    check(text, text)


@given(
    st.lists(st.text("abcäXYZ_-.0 ", min_size=1).filter(lambda part: part.strip()), min_size=2, max_size=5)
)
def test_no_folder_of_a_path_is_left(parts: list[str]) -> None:
    path = "/" + "/".join(part.replace(" ", "_") for part in parts)
    assert path not in anonymous(f"cannot read {path} now", set())


def test_settings_are_named_and_texts_among_them_not_shown() -> None:
    settings, _ = apply(
        Settings(),
        {
            "model": {"path": "/home/anna/secret.gguf", "threads": 3},
            "completion": {"disabled_languages": ["cobol"], "imports": False},
        },
    )
    assert changed_settings(settings) == [
        "model.path",
        "model.threads = 3",
        "completion.disabled_languages",
        "completion.imports = False",
    ]
    assert changed_settings(Settings()) == []


def test_the_report_says_what_is_to_be_mended() -> None:
    report = bug_report(
        [Finding("model", "/m/x.gguf, 98 MB", "Pull it."), Finding("memory", "2 GB")],
        attrs.evolve(Settings()),
    )
    assert "- mend: model: <path>, 98 MB\n  - Pull it." in report
    assert "- ok: memory: 2 GB" in report
    assert report.endswith("- none")


def test_the_real_one_holds_nothing_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RUNTIME_DIR", "CONFIG_HOME", "STATE_HOME", "DATA_HOME", "CACHE_HOME"):
        monkeypatch.setenv(f"XDG_{name}", str(tmp_path))
    config = tmp_path / "foretype" / "config.toml"
    config.parent.mkdir(mode=0o700)
    config.write_text(f'[model]\npath = "{tmp_path}/secret-project.gguf"\n', encoding="utf-8")
    said = CliRunner().invoke(doctor, ["--report"])
    assert said.exit_code == 0
    assert str(tmp_path) not in said.output
    assert "secret-project" not in said.output
    assert str(Path.home()) not in said.output
    assert "model.path" in said.output
    if getpass.getuser() != "root":
        assert getpass.getuser() not in said.output
