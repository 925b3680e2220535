"""What of `[remote]` the user's environment says: it holds over the file, as in a shell or a service's unit.

Nothing else can be set there, and no workspace has a say in it: the variables are those of the daemon's
process.
"""

from __future__ import annotations

from collections.abc import Mapping

from .settings import ConfigComplaint, Settings, apply

VARIABLES = {
    "FORETYPE_REMOTE_URL": "url",
    "FORETYPE_REMOTE_USE": "use",
    "FORETYPE_REMOTE_PROTOCOL": "protocol",
    "FORETYPE_REMOTE_MODEL": "model",
    "FORETYPE_REMOTE_CA_FILE": "ca_file",
}
"""Variables of the environment, and the settings of `[remote]` that they are."""


def with_environment(
    settings: Settings, environment: Mapping[str, str]
) -> tuple[Settings, list[ConfigComplaint]]:
    """The settings with what the environment says of `[remote]`, and what of that was ignored."""
    values = {key: environment[name] for name, key in VARIABLES.items() if environment.get(name)}
    changed, flaws = apply(settings, {"remote": values})
    return changed, [ConfigComplaint("the environment", 0, ".".join(flaw.path), flaw.what) for flaw in flaws]
