"""The user's settings: classes with a sound default and a range for every value.

Settings come from the user's own TOML file, and for a language server also from its client. Nothing in
a workspace is ever read here (invariant 9). Invalid values are named and ignored one by one; the rest
is honoured. How the file is read, with the line of everything that is wrong, is `file`'s.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_origin

import attrs
from cattrs import Converter

from ...context.prompt.size import AUTOMATIC

_T = TypeVar("_T")


def _number(default: float, least: float, most: float) -> Any:
    validator = attrs.validators.and_(attrs.validators.ge(least), attrs.validators.le(most))
    kind = "a whole number" if isinstance(default, int) else "a number"
    return attrs.field(
        default=default, validator=validator, metadata={"wanted": f"{kind} from {least} to {most}"}
    )


def _choice(default: str, *others: str) -> Any:
    choices = (default, *others)
    wanted = "one of " + ", ".join(f'"{choice}"' for choice in sorted(choices))
    return attrs.field(default=default, validator=attrs.validators.in_(choices), metadata={"wanted": wanted})


@attrs.frozen
class ModelSettings:
    """Which model, and how it is run.

    Attributes:
        name: a catalogue name; see `foretype models list`.
        path: a GGUF file; wins over `name` when set.
        context_tokens: size of the KV cache in tokens, shared by all documents; 0 lets the engine choose.
        threads: threads for decoding; 0 uses the physical cores.
        gpu_layers: layers to put on a GPU where llama.cpp was built for one; -1 all, 0 none.
        speculation: draft tokens and verify them in batches: "auto" where that was measured to save time with
            this model on this machine, "never", or "always".
        draft: a small model with the same vocabulary, a name or a GGUF file, that drafts as well where
            `speculation` is "always"; "" for none.
        meanwhile: a small model that answers until a large one that is slow here has read the file: a name, a
            GGUF file, "auto" for the default model where it was pulled and memory is not short, or "never".
        edits: a model that was trained to predict edits (Zeta, Sweep Next-Edit), a name or a GGUF file, that
            is asked for next edits in place of the main one; "" for none.
        tune: look for the fastest form of the model on this machine while nobody needs it, once; see
            `foretype tune`. The form it finds is used from the daemon's next start on.
        library: a libllama of your own, the file or the folder that it lies in, such as Homebrew's; "" takes
            what LLAMA_CPP_LIB_PATH names, else the one that llama-cpp-python brings.
    """

    name: str = "smollm2-135m"
    path: str = ""
    context_tokens: int = _number(0, 0, 1 << 20)
    threads: int = _number(0, 0, 1024)
    gpu_layers: int = _number(-1, -1, 1000)
    speculation: str = _choice("auto", "never", "always")
    draft: str = ""
    meanwhile: str = "auto"
    edits: str = ""
    tune: bool = True
    library: str = ""


@attrs.frozen
class DaemonSettings:
    """The daemon's life.

    Attributes:
        idle_exit_minutes: minutes without a request after which the daemon ends; 0 never.
        transport: how language servers reach it. "unix" is a socket in a directory of yours, "tcp" a port of
            this machine with a secret in a file that only you can read, "auto" the first where there is one.
        metrics_port: port on 127.0.0.1 where the daemon's figures can be read in Prometheus' text format,
            from its next start on; 0 none. Whoever uses this machine can read them: counts and times.
    """

    idle_exit_minutes: float = _number(30.0, 0, 527040)
    transport: str = _choice("auto", "unix", "tcp")
    metrics_port: int = _number(0, 0, 65535)


@attrs.frozen
class CompletionSettings:
    """What is suggested, and when.

    Attributes:
        enabled: suggestions at all.
        disabled_languages: language identifiers without suggestions.
        max_tokens: upper bound of generated tokens of one suggestion.
        latency_budget_ms: time in ms in which a first answer should appear. It may see less than later ones,
            and a better one takes its place.
        prefix_characters: code points of the file before the cursor that the model sees, at most; -1, like
            the two below, shows what the machine evaluates in about three seconds of rest, at most 6000.
        suffix_characters: code points after the cursor, at most; -1 at most 2000.
        related_characters: code points of related code that the model sees, at most, from other files and
            from what its window doesn't show of the file; -1 at most 2000, 0 shows it the window alone.
        multiline: "auto", "never" or "always".
        imports: suggest names that the file has to import, from the language's standard library or the
            workspace; accepting such a suggestion adds the import.
    """

    enabled: bool = True
    disabled_languages: tuple[str, ...] = ()
    max_tokens: int = _number(64, 1, 4096)
    latency_budget_ms: float = _number(400.0, 10, 60000)
    prefix_characters: int = _number(AUTOMATIC, AUTOMATIC, 1_000_000)
    suffix_characters: int = _number(AUTOMATIC, AUTOMATIC, 1_000_000)
    related_characters: int = _number(AUTOMATIC, AUTOMATIC, 1_000_000)
    multiline: str = _choice("auto", "never", "always")
    imports: bool = True


@attrs.frozen
class WorkspaceSettings:
    """What is read of the workspace.

    Attributes:
        index: read the workspace's files in the background, so that definitions elsewhere are known. What
            .gitignore and .foretypeignore name is never read, nor are files of keys and credentials.
    """

    index: bool = True


@attrs.frozen
class EditsSettings:
    """What is proposed to be edited next, after the user's own edits; no model is needed.

    Attributes:
        enabled: propose next edits at all.
        model: where patterns say nothing, "auto" asks the model if it was trained to predict edits (Zeta,
            Sweep Next-Edit; `model.edits` names one beside the main model), "line" has any other one write
            the cursor's line anew as well, "never" asks none.
        disabled_languages: language identifiers without them.
        across_files: look in the workspace's other files as well, open or not.
    """

    enabled: bool = True
    model: str = _choice("auto", "line", "never")
    disabled_languages: tuple[str, ...] = ()
    across_files: bool = True


@attrs.frozen
class StatisticsSettings:
    """What is counted on this machine, for `foretype stats`. Nothing of it ever leaves the machine.

    Attributes:
        enabled: count suggestions, latencies and accepted characters; never code.
        keep_days: days after which single answers are forgotten; 0 keeps them for ever.
    """

    enabled: bool = True
    keep_days: int = _number(90, 0, 36500)


_KEY_REFERENCE = re.compile(r"(env:\w+|file:.+|keyring:.+)?", re.ASCII)


def _key_reference(default: str) -> Any:
    return attrs.field(
        default=default,
        validator=attrs.validators.matches_re(_KEY_REFERENCE),
        metadata={"wanted": '"env:VARIABLE", "file:PATH" or "keyring:NAME"', "secret": True},
    )


@attrs.frozen
class RemoteSettings:
    """An engine elsewhere that answers beside the local one. No workspace and no editor can set any of it.

    Attributes:
        url: where it is asked, such as "https://gpu.example.org"; "" for none. Plain http only to addresses
            of this machine or of a private network, written as numbers.
        use: "race" asks both, and the local engine answers where the other is late; "always" asks the local
            engine only where the other fails or is late; "never" leaves code on this machine.
        protocol: "auto" finds out; else "llama-server", "openai", "ollama" or "mistral".
        model: which of the server's models; "" takes the only one, or the first.
        key: where the key is kept: "env:VARIABLE", "file:PATH" (readable by you alone) or "keyring:NAME".
        headers: further headers of each request.
        ca_file: a file of certificates (PEM) that vouch for the server in place of the system's.
        proxy: what requests go through, an address; "" for what the environment says, "none" for none.
        connect_timeout_s: seconds to wait for a connection.
        timeout_s: seconds after which an answer is given up.
        parallel: requests at a time; 0 takes what the server says.
    """

    url: str = ""
    use: str = _choice("race", "always", "never")
    protocol: str = _choice("auto", "llama-server", "openai", "ollama", "mistral")
    model: str = ""
    key: str = _key_reference("env:FORETYPE_REMOTE_KEY")
    headers: dict[str, str] = attrs.field(factory=dict[str, str])
    ca_file: str = ""
    proxy: str = ""
    connect_timeout_s: float = _number(2.0, 0.05, 60)
    timeout_s: float = _number(10.0, 0.1, 300)
    parallel: int = _number(0, 0, 256)


@attrs.frozen
class LogSettings:
    """The log files.

    Attributes:
        level: "debug", "info", "warning" or "error".
        include_code: write prompts and the model's answers into the language server's log, whatever its
            level. Off: logs never hold source code.
    """

    level: str = _choice("warning", "debug", "info", "error")
    include_code: bool = False


@attrs.frozen
class Settings:
    """All of it.

    Attributes:
        fim: fill-in-the-middle formats by model name; `models.prompts.user_formats` explains them.
            Its contents are checked where the model is loaded.
    """

    model: ModelSettings = attrs.field(factory=ModelSettings)
    daemon: DaemonSettings = attrs.field(factory=DaemonSettings)
    completion: CompletionSettings = attrs.field(factory=CompletionSettings)
    workspace: WorkspaceSettings = attrs.field(factory=WorkspaceSettings)
    edits: EditsSettings = attrs.field(factory=EditsSettings)
    statistics: StatisticsSettings = attrs.field(factory=StatisticsSettings)
    remote: RemoteSettings = attrs.field(factory=RemoteSettings)
    log: LogSettings = attrs.field(factory=LogSettings)
    fim: dict[str, Any] = attrs.field(factory=dict[str, Any])


@attrs.frozen
class ConfigComplaint:
    """One thing that was wrong and has been ignored. As text it is one sentence.

    Attributes:
        source: the file, or who sent the settings.
        line: in the file, from 1; 0 where there is none.
        key: the dotted key, or "" when it is about no key.
        what: the rest of the sentence.
    """

    source: str
    line: int
    key: str
    what: str

    def __str__(self) -> str:
        where = f"{self.source}, line {self.line}" if self.line else self.source
        return f"{where}: {self.what}"


@attrs.frozen
class Flaw:
    """What is wrong at one place of a nested map: the path of keys to it, and the sentence."""

    path: tuple[str, ...]
    what: str


def apply(base: _T, values: Mapping[str, Any]) -> tuple[_T, list[Flaw]]:
    """Settings changed by a nested map as TOML or JSON gives it, and what of it was ignored.

    Args:
        base: the settings that hold where `values` says nothing; `Settings` or one of its parts.
        values: section and key as the classes name them.
    """
    return _apply(base, values, ())


def _apply(base: _T, values: Mapping[str, Any], path: tuple[str, ...]) -> tuple[_T, list[Flaw]]:
    fields = attrs.fields_dict(attrs.resolve_types(cast("type[attrs.AttrsInstance]", type(base))))
    changes: dict[str, Any] = {}
    flaws: list[Flaw] = []
    for key, value in values.items():
        here = (*path, key)
        field = fields.get(key)
        if field is None:
            flaws.append(Flaw(here, _unknown(here, tuple(fields))))
        elif attrs.has(cast("type[Any]", field.type)):
            if isinstance(value, Mapping):
                section = cast("Mapping[str, Any]", value)
                changes[key], inner = _apply(getattr(base, key), section, here)
                flaws += inner
            else:
                flaws.append(
                    Flaw(here, f"'{'.'.join(here)}' is a section, not {_shown(value)}; it is ignored.")
                )
        else:
            try:
                structured = _converter.structure(value, cast("type[Any]", field.type))
                if field.validator is not None:
                    field.validator(base, field, structured)
                changes[key] = structured
            except (ValueError, TypeError):
                flaws.append(Flaw(here, _wrong(here, field, value)))
    return attrs.evolve(cast("Any", base), **changes), flaws


def _unknown(path: tuple[str, ...], known: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(path[-1], known, n=1)
    kind = "section" if len(path) == 1 else "setting"
    hint = f"did you mean '{'.'.join((*path[:-1], close[0]))}'?" if close else "it is ignored."
    return f"there is no {kind} '{'.'.join(path)}'; {hint}"


def _wrong(path: tuple[str, ...], field: attrs.Attribute[Any], value: object) -> str:
    wanted = field.metadata.get("wanted") or _WANTED.get(
        get_origin(field.type) or field.type, "another value"
    )
    shown = "what stands there" if field.metadata.get("secret") else _shown(value)
    return f"'{'.'.join(path)}' must be {wanted}, not {shown}; the default is used."


def _shown(value: object) -> str:
    """A value as TOML would have it, cut short."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + (value if len(value) <= 40 else value[:40] + "…") + '"'
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return str(value)[:40]


_WANTED: dict[Any, str] = {
    bool: "true or false",
    str: "text in quotes",
    int: "a whole number",
    float: "a number",
    tuple: "a list of texts in quotes",
    dict: "a table",
}


def _strictly(kind: type[_T], *accepted: type) -> Any:
    """A cattrs hook that takes values of just these types: no "5" for 5, no true for 1."""

    def structure(value: object, _type: object) -> _T:
        if type(value) not in accepted:
            raise TypeError
        return cast("Any", kind)(value)

    return structure


def _texts(value: object, _type: object) -> tuple[str, ...]:
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    if any(type(item) is not str for item in items):
        raise TypeError
    return tuple(cast("list[str]", items))


def _table_of_texts(value: object, _type: object) -> dict[str, str]:
    items = cast("dict[object, object]", value) if isinstance(value, dict) else {None: None}
    if any(type(each) is not str for pair in items.items() for each in pair):
        raise TypeError
    return cast("dict[str, str]", dict(items))


_converter = Converter()
_converter.register_structure_hook(bool, _strictly(bool, bool))
_converter.register_structure_hook(int, _strictly(int, int))
_converter.register_structure_hook(float, _strictly(float, float, int))
_converter.register_structure_hook(str, _strictly(str, str))
_converter.register_structure_hook_func(lambda kind: kind == dict[str, Any], _strictly(dict, dict))
_converter.register_structure_hook_func(lambda kind: kind == tuple[str, ...], _texts)
_converter.register_structure_hook_func(lambda kind: kind == dict[str, str], _table_of_texts)
