"""The configuration file: each mistake is named with its line and ignored alone."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from foretype.daemon.settings import file as config_file
from foretype.daemon.settings.file import load_settings
from foretype.daemon.settings.settings import Settings, apply
from hypothesis import given
from hypothesis import strategies as st


def check(text: str, *complaints: str, **expected: object) -> Settings:
    """Read `text`; compare the complaints' beginnings and the settings named `section__key`."""
    settings, found = config_file.parse_settings(text, "config.toml")
    assert len(found) == len(complaints), [str(complaint) for complaint in found]
    for complaint, start in zip(found, complaints, strict=True):
        assert str(complaint).startswith(f"config.toml, {start}"), str(complaint)
    for name, value in expected.items():
        section, _, key = name.partition("__")
        assert getattr(getattr(settings, section), key) == value
    return settings


def test_an_empty_file_means_the_defaults() -> None:
    assert check("") == Settings()


def test_every_setting_can_be_set_to_its_default() -> None:
    lines: list[str] = []
    for section, values in attrs.asdict(Settings()).items():
        lines.append(f"[{section}]")
        for key, value in values.items():
            shown = str(value).lower() if isinstance(value, bool) else repr(value)
            lines.append(f"{key} = {'[]' if value == () else shown}")
    assert check("\n".join(lines)) == Settings()


def test_what_is_right_is_taken() -> None:
    check(
        '[model]\npath = "/m.gguf"\n[daemon]\nidle_exit_minutes = 5\n'
        '[completion]\ndisabled_languages = ["c", "go"]\nmultiline = "never"\n',
        model__path="/m.gguf",
        daemon__idle_exit_minutes=5.0,
        completion__disabled_languages=("c", "go"),
        completion__multiline="never",
    )


def test_an_unknown_key_is_named_with_its_line_and_a_guess() -> None:
    check(
        "# mine\n[model]\nnaem = 'x'\nthreads = 3",
        "line 3: there is no setting 'model.naem'; did you mean 'model.name'?",
        model__threads=3,
    )


def test_an_unknown_section_too() -> None:
    check("\n[demon]\nidle_exit_minutes = 1", "line 2: there is no section 'demon'; did you mean 'daemon'?")


def test_a_key_outside_of_every_section() -> None:
    check("colour = 1", "line 1: there is no section 'colour'; it is ignored.")


def test_a_section_that_is_no_section() -> None:
    check("model = 'x'", "line 1: 'model' is a section, not \"x\"")


@pytest.mark.parametrize(
    ("section", "line", "wanted"),
    [
        ("model", 'threads = "5"', 'a whole number from 0 to 1024, not "5"'),
        ("model", "threads = true", "a whole number from 0 to 1024, not true"),
        ("model", "threads = 2.5", "a whole number from 0 to 1024, not 2.5"),
        ("model", "threads = -1", "a whole number from 0 to 1024, not -1"),
        ("model", "name = 3", "text in quotes, not 3"),
        ("completion", "enabled = 1", "true or false, not 1"),
        ("completion", "max_tokens = 0", "a whole number from 1 to 4096, not 0"),
        ("completion", "latency_budget_ms = nan", "a number from 10 to 60000, not nan"),
        ("completion", 'disabled_languages = "go"', 'a list of texts in quotes, not "go"'),
        ("completion", "disabled_languages = [1]", "a list of texts in quotes, not a list"),
        ("completion", 'multiline = "maybe"', 'one of "always", "auto", "never", not "maybe"'),
        ("log", 'level = "loud"', 'one of "debug", "error", "info", "warning", not "loud"'),
        ("daemon", "idle_exit_minutes = 2024-01-01", "a number from 0 to 527040, not 2024-01-01"),
    ],
)
def test_a_wrong_value_is_named_and_its_default_used(section: str, line: str, wanted: str) -> None:
    key = f"{section}.{line.split(maxsplit=1)[0]}"
    assert (
        check(f"[{section}]\n{line}\n", f"line 2: '{key}' must be {wanted}; the default is used.")
        == Settings()
    )


def test_several_mistakes_are_all_named_in_the_order_of_their_lines() -> None:
    check(
        "[log]\nlevel = 1\n[model]\ngpu_layers = 'all'\nthreads = 2\n",
        "line 2: 'log.level'",
        "line 4: 'model.gpu_layers'",
        model__threads=2,
    )


def test_a_line_that_is_not_toml_is_left_out_alone() -> None:
    check(
        "[model]\nthreads = \ncontext_tokens = 4096\nname = oops\n[log]\nlevel = 'info'",
        "line 2: this line is not TOML and is ignored",
        "line 4: this line is not TOML and is ignored",
        model__context_tokens=4096,
        log__level="info",
    )


def test_keys_below_a_broken_header_go_nowhere() -> None:
    check(
        "[model]\nthreads = 2\n[log\nlevel = 'debug'\n[daemon]\nidle_exit_minutes = 1",
        "line 3: this line is not TOML",
        model__threads=2,
        log__level="warning",
        daemon__idle_exit_minutes=1.0,
    )


def test_a_key_given_twice_keeps_the_first() -> None:
    check("[model]\nthreads = 2\nthreads = 3", "line 3: this line is not TOML", model__threads=2)


def test_text_that_never_ends() -> None:
    settings = check('[model]\nthreads = 2\nname = """x\n', "line 3: this line is not TOML")
    assert settings.model.threads == 2


def test_a_file_of_garbage_is_given_up_in_bounded_time() -> None:
    settings, complaints = config_file.parse_settings("= =\n" * 5000, "config.toml")
    assert settings == Settings()
    assert len(complaints) == config_file.MAX_BAD_LINES + 1


def test_windows_line_ends_and_dotted_keys() -> None:
    check(
        "\r\nmodel.threads = 2\r\nmodel.nmae = 1\r\n",
        "line 3: there is no setting 'model.nmae'",
        model__threads=2,
    )


def test_a_missing_file_is_no_mistake(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.toml") == (Settings(), [])


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    settings, (complaint,) = load_settings(tmp_path)
    assert settings == Settings()
    assert str(complaint).startswith(f"{tmp_path}: it cannot be read")


def test_a_file_that_is_not_utf8_is_a_sentence_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"[model]\nname = '\xff'\n")
    assert [str(complaint) for complaint in load_settings(file)[1]] == [
        f"{file}, line 2: it is not UTF-8; the defaults are used."
    ]


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes("\ufeff[model]\nthreads = 2\n".encode())
    settings, complaints = load_settings(file)
    assert (settings.model.threads, complaints) == (2, [])


def test_an_editors_settings_change_single_values() -> None:
    base, _ = apply(Settings(), {"model": {"threads": 7}})
    changed, flaws = apply(base, {"completion": {"max_tokens": 5, "enabled": "no"}})
    assert (changed.model.threads, changed.completion.max_tokens, changed.completion.enabled) == (7, 5, True)
    assert [flaw.path for flaw in flaws] == [("completion", "enabled")]


@given(st.text(st.sampled_from("[]='\"\n.#amodelnx1\\,{} "), max_size=60))
def test_no_text_makes_it_fail(text: str) -> None:
    settings, complaints = config_file.parse_settings(text, "config.toml")
    assert isinstance(settings, Settings)
    assert all(0 <= complaint.line <= text.count("\n") + 1 for complaint in complaints)
