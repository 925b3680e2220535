"""Has pytest run the tests in the real VS Code: every test in a *.test.mjs file is a test of pytest's.

One `node --test` runs for a file, because its tests share a workbench; each test here waits for its own
result. What cannot be had on this machine is skipped, with the reason that tests/editors/vscode/install.sh
left. Nothing is installed or built here, and nothing is known of what the tests look at.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from foretype.tests.support.private_home import default_model

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
FOLDER = ROOT / "build" / "editors" / "vscode"
EXTENSION = ROOT / "editors" / "vscode"

LIFE_S = 840
"""How long the tests of one file may take, in seconds."""

_TEST = re.compile(r'^test\("((?:[^"\\]|\\.)*)"', re.MULTILINE)


class NodeFailure(Exception):
    """A test failed in Node; the message is what Node said."""


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    """Collect the files that Node runs."""
    if file_path.name.endswith(".test.mjs"):
        return cast("Any", NodeFile).from_parent(parent, path=file_path)
    return None


class NodeFile(pytest.File):
    """One file of tests. Its state: the process that runs them, and what it has reported so far."""

    process: subprocess.Popen[str] | None = None
    watchdog: threading.Timer | None = None

    def collect(self) -> Iterator[NodeTest]:
        for match in _TEST.finditer(self.path.read_text(encoding="utf-8")):
            test: NodeTest = cast("Any", NodeTest).from_parent(self, name=json.loads(f'"{match[1]}"'))
            test.add_marker(pytest.mark.editors)
            yield test

    def setup(self) -> None:
        environment = surroundings()
        wanted = [item.name for item in self.session.items if item.parent is self]
        patterns = [f"--test-name-pattern=^{re.escape(name)}$" for name in wanted]
        if len(wanted) == len(list(self.collect())):
            patterns = []
        reporter = (HERE / "reporter.mjs").as_uri()
        self.reported: dict[str, dict[str, Any]] = {}
        self.process = subprocess.Popen(
            ["node", "--test", f"--test-reporter={reporter}", *patterns, str(self.path)],
            env=environment,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self.watchdog = threading.Timer(LIFE_S, end, (self.process,))
        self.watchdog.daemon = True
        self.watchdog.start()

    def teardown(self) -> None:
        if self.process is None:
            return
        try:
            self.process.communicate(timeout=60)  # the last test's workbench and daemon are put away
        except subprocess.TimeoutExpired:
            end(self.process)
            self.process.communicate()
        finally:
            assert self.watchdog is not None
            self.watchdog.cancel()

    def result(self, name: str) -> dict[str, Any]:
        """What Node says of a test, once it has said it.

        Raises:
            NodeFailure: Node ended without a word about it.
        """
        assert self.process is not None
        assert self.process.stdout is not None
        while name not in self.reported:
            line = self.process.stdout.readline()
            if not line:
                said = "\n".join(one["reason"] for one in self.reported.values() if not one["passed"])
                raise NodeFailure(f"Node ended without a result of this test.\n{said}")
            if line.startswith("{"):
                one = json.loads(line)
                self.reported[one["name"]] = one
        return self.reported[name]


class NodeTest(pytest.Item):
    """One test of a file."""

    def runtest(self) -> None:
        assert isinstance(self.parent, NodeFile)
        result = self.parent.result(self.name)
        if result["skipped"] is not None:
            pytest.skip(result["skipped"])
        if not result["passed"]:
            raise NodeFailure(result["reason"])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, NodeFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name


def surroundings() -> dict[str, str]:
    """The environment for Node. Skips where something cannot be had, fails where the package is stale."""
    skipped, ready = FOLDER / "skipped", FOLDER / "ready"
    if skipped.exists():
        pytest.skip(skipped.read_text().strip())
    if not ready.exists():
        pytest.skip("needs VS Code under build/editors: 'make test-vscode' puts it there")
    package = EXTENSION / "dist" / "foretype.vsix"
    sources = [EXTENSION / "package.json", *(EXTENSION / "src").glob("*.ts")]
    if not package.exists() or any(one.stat().st_mtime > package.stat().st_mtime for one in sources):
        pytest.fail("the packed extension is older than its sources: run 'make test-vscode'", pytrace=False)
    programs = ready.read_text().strip()
    return {
        **os.environ,
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}" if programs else os.environ["PATH"],
        "FORETYPE": os.environ.get("FORETYPE") or str(Path(sys.executable).with_name("foretype")),
        "FORETYPE_PYTHON": sys.executable,
        "FORETYPE_VSCODE": str(FOLDER),
        "FORETYPE_MODEL": str(default_model()),
    }


def end(process: subprocess.Popen[str]) -> None:
    """End a run and all that it started: the workbench ends its own when it is told to."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        pass  # it has ended
