"""`foretype daemon …` and `foretype doctor` as a user calls them, with directories of their own."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from foretype.daemon.cli import doctor as doctor_module
from foretype.daemon.cli.daemon import daemon, doctor
from foretype.daemon.process import home as places
from foretype.daemon.process.home import DaemonHome
from foretype.models.llama.system import enabled, foreign, processor_features, system_info
from foretype.tests.support.fake_engine import until
from foretype.tests.support.tiny_gguf import tiny_model


@pytest.fixture
def home(place: DaemonHome, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All of the user's directories, empty."""
    home = place.directory.parent
    monkeypatch.setenv("HOME", str(home))
    for name in ("RUNTIME_DIR", "CONFIG_HOME", "STATE_HOME", "DATA_HOME", "CACHE_HOME"):
        monkeypatch.setenv(f"XDG_{name}", str(home))
    return home


def call(*arguments: str) -> Result:
    return CliRunner().invoke(daemon, arguments)


def test_start_status_and_stop(home: Path) -> None:
    try:
        started = call("start")
        assert started.exit_code == 0, started.output
        assert "is running" in started.output
        assert call("start").output == started.output  # the same process
        found = json.loads(call("status", "--json").output)
        assert found["running"] is True
        assert f"process {found['pid']}" in started.output
        assert found["sessions"] == 0
        assert found["model"]["state"] == "unloaded"
        assert found["memory_bytes"] > 1_000_000
        human = call("status").output
        assert str(found["pid"]) in human
        assert "none yet (unloaded)" in human
    finally:
        assert call("stop").output == "The daemon has ended.\n"
    assert not (home / "foretype" / "daemon.sock").exists()
    assert call("stop").output == "No daemon is running.\n"


def test_on_a_port_it_starts_answers_and_ends_as_well(home: Path) -> None:
    """The setting for places without Unix sockets, and for paths that are too long for one."""
    (home / "foretype").mkdir(mode=0o700)
    (home / "foretype" / "config.toml").write_text('[daemon]\ntransport = "tcp"\n', encoding="utf-8")
    try:
        assert "is running" in call("start").output
        assert json.loads(call("status", "--json").output)["running"] is True
        assert (home / "foretype" / "daemon.port").exists()
        assert not (home / "foretype" / "daemon.sock").exists()
    finally:
        assert call("stop").output == "The daemon has ended.\n"
    assert not (home / "foretype" / "daemon.port").exists()


@pytest.mark.usefixtures("home")
def test_without_a_daemon_status_says_so_and_fails() -> None:
    assert call("status").exit_code == 1
    assert call("status").output.startswith("No daemon is running")
    assert json.loads(call("status", "--json").output) == {"running": False}


@pytest.mark.usefixtures("home")
def test_stop_ends_a_daemon_that_does_not_answer() -> None:
    place = DaemonHome()
    place.prepare()
    child = subprocess.Popen([sys.executable, "-c", DEAF])
    asyncio.run(held(place, child.pid))
    assert call("stop").output == "The daemon has ended.\n"
    assert child.wait() == -signal.SIGTERM


DEAF = """
import signal
from foretype.daemon.process.lifecycle import Lock
from foretype.daemon.process.home import DaemonHome
Lock.take(DaemonHome().lock).sign()
signal.pause()
"""
"""Holds the lock and listens to nobody."""


async def held(place: DaemonHome, pid: int) -> None:
    await until(lambda: places.holder(place) == pid)


def test_mistakes_in_the_configuration_are_said_when_it_starts(home: Path) -> None:
    config = home / "foretype" / "config.toml"
    config.parent.mkdir(mode=0o700)
    config.write_text("[model]\nthreads = 'many'\n")
    try:
        assert call("start").exit_code == 0
        log = DaemonHome().log.read_text()
        assert f"{config}, line 2: 'model.threads' must be a whole number" in log
    finally:
        call("stop")


def check_doctor(*, exit_code: int, **expected: str) -> dict[str, doctor_module.Finding]:
    """Ask the doctor; compare the remedies of the named subjects ("" is well)."""
    result = CliRunner().invoke(doctor, ["--json"])
    assert result.exit_code == exit_code, result.output
    findings = {entry["subject"]: doctor_module.Finding(**entry) for entry in json.loads(result.output)}
    assert "check failed" not in result.output
    for subject, words in expected.items():
        remedy = findings[subject].remedy
        assert (words in remedy) if words else not remedy, f"{subject}: {remedy}"
    return findings


@pytest.mark.usefixtures("home")
def test_the_doctor_on_a_fresh_machine_misses_only_the_model() -> None:
    findings = check_doctor(
        exit_code=1, model="foretype models pull smollm2-135m", configuration="", runtime="", daemon=""
    )
    assert {"foretype", "llama.cpp", "memory", "languages", "data", "cache", "logs"} <= set(findings)
    assert "Python" in findings["languages"].found


def test_the_doctor_names_mistakes_links_and_damage(home: Path) -> None:
    folder = home / "foretype"
    (home / "elsewhere").mkdir()
    folder.symlink_to(home / "elsewhere")
    (folder / "models").mkdir()
    (folder / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"GGUF, or so it says")
    (folder / "config.toml").write_text("[modle]\n")
    check_doctor(exit_code=1, configuration="Correct it", runtime="symbolic link", model="GGUF")


def test_the_doctor_looks_at_the_model_for_edits(home: Path) -> None:
    config = home / "foretype" / "config.toml"
    config.parent.mkdir(mode=0o700)
    check_doctor(exit_code=1)
    for file, words in {"starcoder": "was not trained to predict edits", "missing": "no model file"}.items():
        config.write_text(f"[model]\nedits = '{home / file}.gguf'\n")
        if file == "starcoder":
            tiny_model(file, home).rename(home / f"{file}.gguf")
        check_doctor(exit_code=1, **{"model for edits": words})
    (home / "starcoder.gguf").rename(home / "zeta-2.gguf")
    config.write_text(f"[model]\nedits = '{home / 'zeta-2.gguf'}'\n")
    check_doctor(exit_code=1, **{"model for edits": ""})


@pytest.mark.usefixtures("home")
def test_the_doctor_speaks_plainly_in_a_pipe() -> None:
    lines = CliRunner().invoke(doctor).output.splitlines()
    assert lines[0].startswith("ok     foretype")
    assert lines[-1].endswith("to mend.")
    assert "\x1b" not in "".join(lines)


def test_the_processors_features_are_read_as_the_system_tells_them(tmp_path: Path) -> None:
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor : 0\nflags\t\t: fpu avx avx2 avx512f sse\n")
    assert processor_features(cpuinfo) == ("AVX", "AVX2", "AVX512")
    assert processor_features(tmp_path / "none") == ()


def test_what_llama_cpp_was_compiled_with() -> None:
    assert enabled("CPU : SSE3 = 1 | AVX2 = 1 | NEON = 0 | OPENMP = 1 | ") == ("SSE3", "AVX2", "OPENMP")
    assert system_info().binding


def test_a_llama_cpp_of_another_processor_is_refused_before_it_ends_the_process() -> None:
    compiled = ("AVX2", "AVX512", "AMX_INT8", "LLAMAFILE", "OPENMP")
    assert "lacks AVX512, AMX_INT8. Compile it here: pip" in foreign(compiled, ["AVX2", "FMA"])
    assert foreign(compiled, ["AVX2", "AVX512", "AMX_INT8"]) == ""
    assert foreign(compiled, []) == "", "a system that does not tell is believed"
    assert foreign(system_info().features, processor_features()) == ""


def test_sizes_are_for_people() -> None:
    assert [doctor_module.in_bytes(size) for size in (0, 999, 98_362_432, 2_100_000_000)] == [
        "0 bytes",
        "999 bytes",
        "98.4 MB",
        "2.1 GB",
    ]
