"""The commands of `workspace/executeCommand`, each a function from a session and its arguments to a value.

An argument that makes no sense gives null; a command never fails with an error, because editors show
those in dialogs. What a command has to say to the user is its value.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

import attrs

from ...context.shared.problem import Problem
from ..documents.document import Document
from ..documents.query import read_query
from ..documents.target import target_of
from ..protocol.fields import as_map
from .session import Session

log = logging.getLogger(__name__)

Command = Callable[[Session, list[Any]], Coroutine[Any, Any, Any]]


async def accepted(session: Session, arguments: list[Any]) -> None:
    """[id, imports]: the user took a suggestion or a next edit; the client is asked to add its imports."""
    if arguments and isinstance(arguments[0], str):
        session.books.ledger.accepted(arguments[0])
        session.edits.accepted(arguments[0])
    if len(arguments) > 1:
        session.imports.add(arguments[1])


async def import_edits(session: Session, arguments: list[Any]) -> dict[str, Any] | None:
    """[imports]: the edits that add what a suggestion imports, for a client that applies them itself."""
    return await session.imports.edits(arguments[0]) if arguments else None


async def dismissed(session: Session, arguments: list[Any]) -> None:
    """[id]: the user sent a suggestion away: it doesn't come again there, nor a next edit's pattern."""
    if arguments and isinstance(arguments[0], str):
        session.books.ledger.dismissed(arguments[0])
        session.edits.dismissed(arguments[0])
        session.inline.better.dismissed(arguments[0])


async def enable(session: Session, arguments: list[Any]) -> str:
    """[scope, uri]: switch suggestions on; see `disable`."""
    return _switch(session, arguments, off=False)


async def disable(session: Session, arguments: list[Any]) -> str:
    """[scope, uri]: switch suggestions off until the editor ends; answers with a sentence.

    The scope is "everywhere" (also when it is left out), or "language" or "workspace" of the document `uri`.
    """
    said = _switch(session, arguments, off=True)
    session.inline.stop_all()
    return said


def _switch(session: Session, arguments: list[Any], *, off: bool) -> str:
    scope = str(arguments[0]) if arguments else "everywhere"
    document = _document(session, arguments[1:2])
    switches = session.switches
    word = "off" if off else "on"
    if scope == "language" and document is not None:
        languages = switches.languages | {document.language}
        session.switches = attrs.evolve(
            switches, languages=languages if off else switches.languages - {document.language}
        )
        return f"Suggestions are {word} for {document.language}."
    if scope == "workspace" and document is not None:
        folders = {_folder(session, document)}
        session.switches = attrs.evolve(
            switches, folders=switches.folders | folders if off else switches.folders - folders
        )
        return f"Suggestions are {word} for this workspace."
    session.switches = attrs.evolve(switches, everywhere=off)
    return f"Suggestions are {word}."


async def restart(session: Session, _arguments: list[Any]) -> str:
    """Read the settings anew, end the daemon and have the model loaded again; answers with a sentence."""
    session.reload()
    session.inline.stop_all()
    backend = await session.backend()
    stop = getattr(backend, "stop", None)
    if stop is not None:
        try:
            await stop()
        except Problem as problem:
            log.warning("%s", problem)
    status = await session.inline.load()
    return status.detail or f"The model {status.name} is ready."


async def choose_model(session: Session, arguments: list[Any]) -> str:
    """[name]: write the model's name into the user's configuration; answers with a sentence.

    A model that is not here yet is not chosen: until it was, nothing would be suggested.
    """
    from ...context.shared import paths
    from ...daemon.server.model_source import model_path
    from ...daemon.settings.settings import ModelSettings
    from ...daemon.settings.user_config import write_model

    if not arguments or not isinstance(arguments[0], str):
        return f"The model is {session.settings.model.path or session.settings.model.name}."
    try:
        model_path(ModelSettings(name=arguments[0]))
        write_model(paths.config_file(), arguments[0])
    except Problem as problem:
        return str(problem)
    session.reload()
    status = await (await session.backend()).load()
    return status.detail or f"The model is now {arguments[0]}; it takes over with the next suggestion."


async def show_context(session: Session, arguments: list[Any]) -> str | None:
    """[uri, position]: what the model sees for a cursor, as Markdown."""
    document = _document(session, arguments[:1])
    if document is None:
        return None
    position = as_map(arguments[1]) if len(arguments) > 1 else {}
    query = read_query({"textDocument": {"uri": document.uri}, "position": position})
    place = target_of(document, query, session.documents.encoding)
    prompt = await session.inline.prompt_at(document, place)
    parts = [f"# What the model sees\n\nPath: `{prompt.path}`, language: `{prompt.language}`"]
    parts += [
        f"## {part.path} ({part.origin} {part.score:.4f})\n\n{_fenced(part.text)}" for part in prompt.related
    ]
    parts.append(f"## Before the cursor\n\n{_fenced(prompt.prefix)}")
    parts.append(f"## Behind the cursor\n\n{_fenced(prompt.suffix)}")
    return "\n\n".join(parts) + "\n"


def _fenced(code: str) -> str:
    fence = "```"
    while fence in code:
        fence += "`"
    return f"{fence}\n{code}\n{fence}"


async def show_statistics(session: Session, _arguments: list[Any]) -> str:
    """The counts of `foretype stats`, as text."""
    from ..statistics.store import statistics_file
    from ..statistics.summary import as_text, summarize

    if session.books.statistics is not None:
        session.books.statistics.flush()
    return as_text(summarize(statistics_file()))


async def show_log(_session: Session, _arguments: list[Any]) -> dict[str, str]:
    """Where the logs lie."""
    from ...context.shared import paths

    return {"server": str(paths.log_dir() / "lsp.log"), "daemon": str(paths.log_dir() / "daemon.log")}


async def show_status(session: Session, _arguments: list[Any]) -> dict[str, Any]:
    """What `foretype/status` would say now."""
    return session.board.status.for_editors()


def _document(session: Session, arguments: list[Any]) -> Document | None:
    uri = arguments[0] if arguments else None
    return session.documents.get(uri) if isinstance(uri, str) else None


def _folder(session: Session, document: Document) -> str:
    return session.documents.root(document.uri) or document.file.rsplit("/", 1)[0]


ACCEPTED = "foretype.accepted"
"""The command that runs when the user accepts a suggestion; see `InlineItem.arguments`."""

COMMANDS: dict[str, Command] = {
    ACCEPTED: accepted,
    "foretype.importEdits": import_edits,
    "foretype.dismissed": dismissed,
    "foretype.enable": enable,
    "foretype.disable": disable,
    "foretype.restart": restart,
    "foretype.chooseModel": choose_model,
    "foretype.showContext": show_context,
    "foretype.statistics": show_statistics,
    "foretype.log": show_log,
    "foretype.status": show_status,
}
