"""A language server with the engine inside, as `foretype lsp --in-process`; only the model is made up.

Run as `python in_process_server.py [hold]`. With "hold" no completion ever ends by itself.
"""

from __future__ import annotations

import sys

from foretype.daemon.server.in_process import InProcess
from foretype.daemon.settings.settings import Settings, StatisticsSettings
from foretype.lsp.server.server import ForetypeServer, TellModel, run_stdio
from foretype.tests.support.fake_engine import FakeEngine, FakeSource


def main() -> None:
    engine = FakeEngine(lambda _: ("4", "2", "\n"))
    if "hold" in sys.argv[1:]:
        engine.hold()

    async def backend(on_model: TellModel) -> InProcess:
        return InProcess(FakeSource(engine), on_model=on_model)

    sys.exit(
        run_stdio(ForetypeServer(backend, lambda: Settings(statistics=StatisticsSettings(enabled=False))))
    )


if __name__ == "__main__":
    main()
