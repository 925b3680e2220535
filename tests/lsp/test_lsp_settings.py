"""Settings in layers, the switches, the schema, and the one file that foretype itself changes."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import attrs
import pytest
from foretype.context.shared.problem import Problem
from foretype.daemon.settings.settings import CompletionSettings, Settings
from foretype.daemon.settings.user_config import with_model, write_model
from foretype.lsp.session.settings import Switches, received, resolve_settings, schema
from foretype.tests.support.lsp_inside import EchoBackend, InsideServer


def test_layers_apply_in_order_and_leave_the_rest() -> None:
    settings, complaints = resolve_settings(
        Settings(),
        received({"completion": {"maxTokens": 10, "multiline": "never"}}),
        received({"foretype": {"completion": {"max_tokens": 20}}}),
    )
    assert complaints == []
    assert settings.completion == CompletionSettings(max_tokens=20, multiline="never")


@pytest.mark.parametrize(
    ("sent", "key"),
    [
        ({"completion": {"max_tokens": "many"}}, "completion.max_tokens"),
        ({"completion": {"max_tokens": -1}}, "completion.max_tokens"),
        ({"completion": {"multiline": "maybe"}}, "completion.multiline"),
        ({"completion": {"maxtokens": 3}}, "completion.maxtokens"),
        ({"completion": 3}, "completion"),
        ({"colour": {}}, "colour"),
    ],
)
def test_what_is_wrong_is_named_and_ignored_alone(sent: dict[str, Any], key: str) -> None:
    merged: dict[str, Any] = {"statistics": {"enabled": False}, **sent}
    settings, complaints = resolve_settings(Settings(), received(merged))
    assert settings == attrs.evolve(Settings(), statistics=settings.statistics)
    assert not settings.statistics.enabled
    assert [complaint.key for complaint in complaints] == [key]


@pytest.mark.parametrize("section", ["model", "daemon", "log", "fim"])
def test_an_editor_chooses_no_model_no_log_and_no_daemon(section: str) -> None:
    settings, complaints = resolve_settings(Settings(), received({section: {"path": "/tmp/evil.gguf"}}))
    assert settings == Settings()
    assert "own configuration" in str(complaints[0])


@pytest.mark.parametrize(
    ("mine", "theirs", "after"),
    [
        ({}, {"completion": {"enabled": False}}, {"completion": {"enabled": False}}),
        (
            {"completion": {"enabled": False}},
            {"completion": {"enabled": True}},
            {"completion": {"enabled": False}},
        ),
        ({"workspace": {"index": False}}, {"workspace": {"index": True}}, {"workspace": {"index": False}}),
        ({}, {"workspace": {"index": False}}, {"workspace": {"index": False}}),
        (
            {"completion": {"disabledLanguages": ["go"]}},
            {"completion": {"disabledLanguages": ["c"]}},
            {"completion": {"disabledLanguages": ["go", "c"]}},
        ),
        (
            {"completion": {"disabledLanguages": ["go"]}},
            {"completion": {"disabledLanguages": []}},
            {"completion": {"disabledLanguages": ["go"]}},
        ),
        (
            {},
            {"completion": {"maxTokens": 4096}, "statistics": {"enabled": False}, "model": {"path": "/x"}},
            {},
        ),
        ({}, {"completion": 3, "workspace": None, "x": {"y": 1}}, {}),
        ({}, {"completion": {"enabled": "no", "disabledLanguages": "go"}, "workspace": {"index": 0}}, {}),
    ],
)
def test_what_a_workspace_wants_makes_nothing_wider(
    mine: dict[str, Any], theirs: dict[str, Any], after: dict[str, Any]
) -> None:
    """Wherever it stands, and whatever the user's own file says."""
    expected = resolve_settings(Settings(), received(after))[0]
    for layers in (
        [{**mine, "restrictions": theirs}],
        [mine, {"restrictions": theirs}],
        [{"restrictions": theirs}, mine],
    ):
        assert resolve_settings(Settings(), *(received(layer) for layer in layers))[0] == expected


def test_a_workspace_keeps_what_the_users_file_switches_off_off() -> None:
    own = attrs.evolve(Settings(), completion=CompletionSettings(disabled_languages=("markdown",)))
    settings, _ = resolve_settings(
        own, received({"restrictions": {"completion": {"disabledLanguages": ["go"]}}})
    )
    assert settings.completion.disabled_languages == ("markdown", "go")


def test_options_about_the_client_are_no_settings() -> None:
    sent = {"status": True, "completion": True, "editorInfo": {"name": "x"}}
    assert resolve_settings(Settings(), received(sent)) == (Settings(), [])


@pytest.mark.parametrize("odd", [None, 3, [], "x", {"foretype": None}, {"foretype": {"completion": None}}])
def test_odd_settings_are_survived(odd: Any) -> None:
    assert resolve_settings(Settings(), received(odd))[0] == Settings()


def test_switches_reach_as_far_as_they_say() -> None:
    switches = Switches(languages=frozenset({"python"}), folders=frozenset({"/srv/one"}))
    assert not switches.allows("python", "/elsewhere/x.py")
    assert not switches.allows("go", "/srv/one/x.go")
    assert switches.allows("go", "/srv/one-more/x.go")
    assert not Switches(everywhere=True).allows("go", "")


def test_the_schema_says_what_the_classes_say() -> None:
    properties = schema()["properties"]["completion"]["properties"]
    assert set(properties) == {field.name for field in attrs.fields(CompletionSettings)}
    assert properties["max_tokens"] == {
        "type": "integer",
        "default": 64,
        "minimum": 1,
        "maximum": 4096,
        "description": "upper bound of generated tokens of one suggestion.",
    }
    assert properties["multiline"]["enum"] == ["always", "auto", "never"]
    assert all("description" in described for described in properties.values())


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '[model]\nname = "new"\n'),
        ('[model]\nname = "old"\n', '[model]\nname = "new"\n'),
        ("# mine\n[model] # here\nthreads = 2\n", '# mine\n[model] # here\nname = "new"\nthreads = 2\n'),
        ('[model]\npath = "/x.gguf"\n[log]\nlevel = "info"\n', None),
        ('[log]\nlevel = "info"\n', '[log]\nlevel = "info"\n\n[model]\nname = "new"\n'),
    ],
)
def test_choosing_a_model_changes_nothing_else(before: str, after: str | None) -> None:
    changed = with_model(before, "new")
    if after is not None:
        assert changed == after
    parsed = tomllib.loads(changed)
    assert parsed.pop("model")["name"] == "new"
    assert {key: value for key, value in tomllib.loads(before).items() if key != "model"} == parsed


def test_a_configuration_that_cannot_be_changed_safely_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    for text in ("model = { name = 'x' }\n", "[model\n"):
        file.write_text(text)
        with pytest.raises(Problem):
            write_model(file, "new")
        assert file.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


async def test_a_model_that_is_not_here_is_not_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    inside = InsideServer(EchoBackend(str))
    inside.begin()
    inside.feed(
        {
            "jsonrpc": "2.0",
            "id": "choose",
            "method": "workspace/executeCommand",
            "params": {"command": "foretype.chooseModel", "arguments": ["qwen2.5-coder-0.5b-q8_0"]},
        }
    )
    await inside.settle()
    await inside.end()
    assert "foretype models pull" in inside.answers["choose"][0]["result"]
    assert not (tmp_path / "XDG_CONFIG_HOME" / "foretype" / "config.toml").exists()


def test_a_model_is_chosen_whatever_its_name_is_made_of() -> None:
    for name in ("ollama:qwen2.5-coder:1.5b", "C:\\models\\a.gguf", 'a"b', "/home/jürgen/a.gguf"):
        assert tomllib.loads(with_model("", name))["model"]["name"] == name
