"""A language server whose event loop is watched; only the model is made up.

Run as `python watched_server.py REPORT`. At the end what the watchdog saw lies in the file REPORT. The model
says what `worst_files` has it say in the file it is asked about. What a language takes once, when the first
file of it is opened, is left out: no key can wait for it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from foretype.context.languages import grammars
from foretype.daemon.server.in_process import InProcess
from foretype.daemon.settings.settings import Settings
from foretype.lsp.server.server import ForetypeServer, TellModel, run_stdio
from foretype.tests.support.fake_engine import FakeEngine, FakeSource
from foretype.tests.support.loop_watch import watched
from foretype.tests.support.worst_files import said_at


def main() -> None:
    engine = FakeEngine(said_at)

    async def backend(on_model: TellModel) -> InProcess:
        return InProcess(FakeSource(engine), on_model=on_model)

    with watched() as watch:
        grammars.bring_in = watch.leave_out(grammars.bring_in)
        code = run_stdio(ForetypeServer(backend, Settings))
    watch.write(Path(sys.argv[1]))
    sys.exit(code)


if __name__ == "__main__":
    main()
