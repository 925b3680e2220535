"""One editor's session: what the language server knows beside the protocol.

Brings together the documents, the inline completions, the backend, the settings in force, the status and
the statistics. Decides who gets suggestions at all; everything else is decided in the parts. It knows the
protocol only as two functions, one that sends a notification and one that asks the client something.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import attrs

from .documents import Document, DocumentStore, as_map, path_of
from .ledger import Ledger
from .status import COMMON_STATUS, STATUS, ModelProgress, StatusBoard

if TYPE_CHECKING:
    from ..daemon.backend import Backend
    from ..daemon.config import Settings
    from ..daemon.protocol import ModelStatus
    from .inline import InlineCompletions, Report
    from .ledger import Settled
    from .options import Switches
    from .statistics import Statistics

log = logging.getLogger(__name__)

OnModel = Callable[["ModelStatus"], None]
BackendFactory = Callable[[OnModel], Awaitable["Backend"]]
SettingsLoader = Callable[[], "Settings"]


class Session:
    """Its state: the parts named above, made when first needed, and the layers of settings."""

    def __init__(
        self,
        backend: BackendFactory,
        settings: SettingsLoader,
        *,
        notify: Callable[[str, Any], None],
        ask: Callable[[str, Any], Any],
    ) -> None:
        self.documents = DocumentStore()
        self.client: dict[str, Any] = {}
        self.board = StatusBoard(notify)
        self.ledger = Ledger(self._settled)
        self._progress = ModelProgress(ask, notify)
        self._make_backend = backend
        self._load_settings = settings
        self._backend: asyncio.Future[Backend] | None = None
        self._inline: InlineCompletions | None = None
        self._statistics: Statistics | None = None
        self._file: Settings | None = None
        self._layers: list[dict[str, Any]] = [{}, {}]
        self._resolved: Settings | None = None
        self._switches: Switches | None = None
        self._model = ""

    # -- settings

    def begin(self, client: dict[str, Any], options: dict[str, Any], roots: tuple[str, ...]) -> None:
        """What `initialize` brought: the client's capabilities, its options, the workspace's folders."""
        self.client = client
        self._layers[0] = options
        self.documents.roots = roots
        wants = [STATUS] if options.get("status") is True else []
        if "editorInfo" in options:
            wants.append(COMMON_STATUS)
        self.board.tell(*wants)

    def change_settings(self, sent: Any) -> None:
        """What `workspace/didChangeConfiguration` or an answer to `workspace/configuration` brought."""
        self._layers[1] = as_map(sent)
        self.reload()

    def reload(self) -> None:
        """Take the user's file and every layer anew."""
        self._file = self._resolved = None
        self._show_whether_off()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        if self._resolved is None:
            from .options import received, resolve

            if self._file is None:
                self._file = self._load_settings()
            self._resolved, complaints = resolve(self._file, *(received(layer) for layer in self._layers))
            for complaint in complaints:
                log.warning("%s", complaint)
        return self._resolved

    @property
    def switches(self) -> Switches:
        """What was switched off by command."""
        if self._switches is None:
            from .options import Switches

            self._switches = Switches()
        return self._switches

    @switches.setter
    def switches(self, switches: Switches) -> None:
        self._switches = switches
        self._show_whether_off()

    def refused(self, document: Document) -> str:
        """Why a document gets no suggestions now; "" when it does."""
        settings = self.settings.completion
        if not settings.enabled:
            return "Suggestions are switched off in the settings."
        if document.language in settings.disabled_languages:
            return f"Suggestions are switched off for {document.language} in the settings."
        if not self.switches.allows(document.language, path_of(document.uri)):
            return "Suggestions are switched off for this session."
        return ""

    def _show_whether_off(self) -> None:
        if not self.settings.completion.enabled:
            self.board.off("Suggestions are switched off in the settings.")
        elif self.switches.everywhere:
            self.board.off("Suggestions are switched off for this session.")
        else:
            self.board.off("")

    # -- parts

    @property
    def inline(self) -> InlineCompletions:
        """The inline completions."""
        if self._inline is None:
            from .inline import InlineCompletions

            self._inline = InlineCompletions(
                self.documents,
                self.backend,
                lambda: self.settings,
                refused=self.refused,
                on_report=self._reported,
                on_running=self.board.running,
                on_trouble=self.board.trouble,
            )
        return self._inline

    async def backend(self) -> Backend:
        """The one backend; made by the first caller."""
        if self._backend is None:
            self._backend = asyncio.ensure_future(self._make_backend(self._model_changed))
        return await asyncio.shield(self._backend)

    @property
    def statistics(self) -> Statistics | None:
        """Where to count; None when the user does not want that."""
        settings = self.settings.statistics
        if not settings.enabled:
            return None
        if self._statistics is None:
            from .statistics import Statistics, statistics_file

            self._statistics = Statistics(statistics_file(), settings.keep_days)
        return self._statistics

    async def aclose(self) -> None:
        """End what runs, write what was counted, let the backend go."""
        if self._inline is not None:
            await self._inline.aclose()
        self.ledger.close_all()
        if self._statistics is not None:
            self._statistics.close()
        backend, self._backend = self._backend, None
        if backend is not None and backend.done() and not backend.cancelled() and not backend.exception():
            await backend.result().aclose()

    # -- documents

    def open(self, item: Any) -> None:
        """A document was opened."""
        document = self.documents.open(item)
        if document is not None:
            self.focus(document.uri)

    def focus(self, uri: str) -> None:
        """The user looks at a document: have the model ready."""
        document = self.documents.get(uri)
        if document is not None and not self.refused(document):
            self.inline.opened(uri)

    def close(self, uri: str) -> None:
        """A document was closed."""
        if self.documents.close(uri) is not None:
            self.ledger.closed(uri)
            self.inline.closed(uri)

    # -- news

    def _model_changed(self, status: ModelStatus) -> None:
        self._model = status.name
        self.board.model(status)
        if as_map(self.client.get("window")).get("workDoneProgress"):
            self._progress.update(status)

    def _reported(self, report: Report) -> None:
        if report.suggestion:
            self.ledger.answered(
                report.uri, report.suggestion, report.language, report.characters, report.total_ms
            )
        statistics = self.statistics
        if statistics is None:
            return
        statistics.outcome(report.outcome)
        if report.completion is not None and report.completion.timings.decode_tokens:
            from .statistics import Answer

            statistics.answered(
                Answer(
                    time=time.time(),
                    language=report.language,
                    model=self._model,
                    total_ms=report.total_ms,
                    context_ms=report.context_ms,
                    **attrs.asdict(report.completion.timings),
                )
            )

    def _settled(self, suggestion: Settled) -> None:
        if self.statistics is not None:
            self.statistics.settled(suggestion)
