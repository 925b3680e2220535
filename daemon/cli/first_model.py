"""The model of somebody who has just installed foretype: it is offered, and pulled once the user agreed.

Commands that show foretype at work ask here before they begin. Which models there are is `models/library`'s
business, and so is fetching one.
"""

from __future__ import annotations

import sys

import click

from ...context.shared import paths
from ...context.shared.problem import ModelProblem
from ..server.model_source import model_path, use_library
from ..settings.file import load_settings


def offer_model(*, agreed: bool = False) -> None:
    """Have the user's model on this machine: ask whether it may be downloaded, and do so.

    Nobody is asked in a pipe, and nothing is fetched that the catalogue does not know.

    Args:
        agreed: the user has agreed already.

    Raises:
        ModelProblem: it is missing still, and what to do; or there is no engine that could run it.
    """
    from ...models.cli.models import pull
    from ...models.library import catalogue
    from ...models.llama.library import check_present

    found = load_settings(paths.config_file())[0]
    if found.remote.url and found.remote.use != "never":
        return  # an engine elsewhere answers
    settings = found.model
    use_library(settings)
    check_present()
    try:
        model_path(settings)
        return
    except ModelProblem:
        entry = None if settings.path else catalogue.find_model(settings.name)
        if entry is None or not (agreed or sys.stdin.isatty()):
            raise
        size, licence = catalogue.size_text(entry.size), entry.licence
        said = f"The model {entry.title} ({size}, {licence}) is not on this machine yet. Download it now?"
        if not agreed and not click.confirm(said, default=True):
            raise
    click.get_current_context().invoke(pull, name=entry.name, force=False, no_tune=False)
