"""GGUF files that other programs keep: Ollama, LM Studio, llama.cpp, Hugging Face's cache and Jan.

A model there goes by the program and the name that it has in it (`ollama:qwen2.5-coder:1.5b`), and is used
where it lies: nothing is copied, changed or removed. Only names and small lists are read here; whether a file
can complete code is `describe`'s question.
"""

from __future__ import annotations

import itertools
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import attrs

from ...context.shared.paths import applications_dirs, caches_dir
from ...context.shared.problem import ModelProblem
from ..gguf.parts import part_of

_MOST_FILES = 2000
"""Files of one program that are looked at: a disk full of models has a few hundred."""

_DEEPEST = 6
_LARGEST_LIST = 1 << 20
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_MODEL_LAYER = "application/vnd.ollama.image.model"
_OLLAMA_HOSTS = {"registry.ollama.ai", "ollama.com"}


@attrs.frozen
class FoundModel:
    """A model file of another program.

    Attributes:
        name: what foretype calls it: the program, a colon, and the name it has there.
        path: the file; the first part of a split model.
        program: the program, for people.
    """

    name: str
    path: Path
    program: str


@attrs.frozen
class UserFolders:
    """Where programs may keep files: by default on this machine, for this user.

    Attributes:
        home: the user's home folder.
        caches: where the system has programs keep what can be made again.
        applications: where it has them keep what is the user's.
        services: home folders of services that run for everybody.
        environment: variables that move a program's folders.
    """

    home: Path = attrs.field(factory=Path.home)
    caches: Path = attrs.field(factory=caches_dir)
    applications: tuple[Path, ...] = attrs.field(factory=applications_dirs)
    services: tuple[Path, ...] = (Path("/usr/share"), Path("/var/lib"))
    environment: Mapping[str, str] = attrs.field(factory=lambda: os.environ)

    def named(self, variable: str, *below: str) -> list[Path]:
        """The folder that a variable names, and what is below; none where it isn't set."""
        value = self.environment.get(variable, "").strip()
        folder = self.home / value[2:] if value.startswith("~/") else Path(value)
        return [folder.joinpath(*below)] if value else []


def found_elsewhere(folders: UserFolders | None = None) -> list[FoundModel]:
    """Every model that other programs keep, each name once, by program and name. Never raises."""
    folders = folders or UserFolders()
    found: dict[str, FoundModel] = {}
    for prefix, (program, look) in _PROGRAMS.items():
        for name, path in itertools.islice(look(folders), _MOST_FILES):
            full = f"{prefix}:{name}"
            found.setdefault(full, FoundModel(full, path, program))
    return sorted(found.values(), key=lambda each: each.name.lower())


def is_elsewhere(name: str) -> bool:
    """Whether a name is that of a model of another program."""
    return name.partition(":")[0].lower() in _PROGRAMS and ":" in name


def resolve_elsewhere(name: str, folders: UserFolders | None = None) -> Path:
    """The file of a model that another program keeps.

    Of Hugging Face's models a repository is enough where it has one file here, and so is a part of the file's
    name (`hf:Qwen/Qwen2.5-Coder-1.5B-GGUF:q8_0`); of Ollama's, a name without a tag means `latest`.

    Raises:
        ModelProblem: there is none, or more than one; the sentence names what there is.
    """
    prefix, _, rest = name.partition(":")
    program, look = _PROGRAMS[prefix.lower()]
    here = dict(itertools.islice(look(folders or UserFolders()), _MOST_FILES))
    wanted = rest.strip().lower()
    exact = [path for known, path in here.items() if wanted in (known.lower(), _without_tag(known).lower())]
    if exact:
        return exact[0]
    fitting = [known for known in here if _fits(wanted, known.lower())]
    if len(fitting) == 1:
        return here[fitting[0]]
    if fitting:
        several = " or ".join(f"{prefix}:{known}" for known in sorted(fitting)[:4])
        raise ModelProblem(f"'{name}' may be {several}; name one of them.")
    raise ModelProblem(
        f"{program} has no model '{rest}' here, or no longer; 'foretype models list' shows what there is."
    )


def _without_tag(known: str) -> str:
    return known.removesuffix(":latest")


def _fits(wanted: str, known: str) -> bool:
    """Whether `owner/repository`, or that and a part of a file's name, means `owner/repository:file`."""
    repository, _, file = known.partition(":")
    said, _, part = wanted.partition(":")
    return bool(file) and said == repository and part.removesuffix(".gguf") in file


def _ollama(folders: UserFolders) -> Iterator[tuple[str, Path]]:
    """Models of Ollama: a list for each tag names the blob that is the model."""
    homes = [folders.home, *(service / "ollama" for service in folders.services)]
    for root in [*folders.named("OLLAMA_MODELS"), *(home / ".ollama" / "models" for home in homes)]:
        for lists in ("manifests", "manifests-v2", "manifest-v2"):
            for file in _files(root / lists, ""):
                blob = _model_blob(file, root)
                if blob is not None:
                    yield _ollama_name(file.relative_to(root / lists).parts), blob


def _ollama_name(parts: tuple[str, ...]) -> str:
    """`qwen2.5-coder:1.5b` of `registry.ollama.ai/library/qwen2.5-coder/1.5b`."""
    *where, model, tag = parts if len(parts) > 1 else ("", *parts)
    if where and where[0] in _OLLAMA_HOSTS:
        where = where[1:]
        where = where[1:] if where == ["library"] else where
    return f"{'/'.join((*where, model))}:{tag}"


def _model_blob(file: Path, root: Path) -> Path | None:
    """The blob that a list calls the model, if it is there."""
    said = _json_of(file)
    layers: Any = said.get("layers")
    for layer in layers if isinstance(layers, list) else ():  # pyright: ignore[reportUnknownVariableType]
        if isinstance(layer, dict) and layer.get("mediaType") == _MODEL_LAYER:  # pyright: ignore[reportUnknownMemberType]
            digest = _DIGEST.fullmatch(str(layer.get("digest", "")))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
            blob = root / "blobs" / f"sha256-{digest[1]}" if digest else None
            return blob if blob is not None and blob.is_file() else None
    return None


def _lm_studio(folders: UserFolders) -> Iterator[tuple[str, Path]]:
    """Models of LM Studio, in folders by publisher and repository."""
    home = folders.home / ".lmstudio"
    moved = _json_of(home / "settings.json").get("downloadsFolder")
    roots = [home / "models", folders.home / ".cache" / "lm-studio" / "models"]
    for root in [*([Path(moved)] if isinstance(moved, str) and moved else []), *roots]:
        yield from _named_by_path(root)


def _llama_cpp(folders: UserFolders) -> Iterator[tuple[str, Path]]:
    """What llama.cpp's own programs downloaded."""
    for root in [*folders.named("LLAMA_CACHE"), folders.caches / "llama.cpp"]:
        yield from _named_by_path(root)


def _hub_caches(folders: UserFolders) -> list[Path]:
    return [
        *folders.named("HF_HUB_CACHE"),
        *folders.named("HUGGINGFACE_HUB_CACHE"),
        *folders.named("HF_HOME", "hub"),
        (folders.named("XDG_CACHE_HOME") or [folders.home / ".cache"])[0] / "huggingface" / "hub",
    ]


def hub_cache(folders: UserFolders) -> Path:
    """Where Hugging Face's tools keep what they fetch."""
    return _hub_caches(folders)[0]


def _hugging_face(folders: UserFolders) -> Iterator[tuple[str, Path]]:
    """Files in Hugging Face's cache: of each repository the revision that `main` is, else the newest."""
    for root in _hub_caches(folders):
        for folder in _entries(root):
            kind, *name = folder.name.split("--")
            if kind != "models" or not name:
                continue
            snapshot = _snapshot(folder)
            for file in _files(snapshot, ".gguf") if snapshot is not None else ():
                if _model_name(file):
                    yield f"{'/'.join(name)}:{_model_name(file)}", file


def _snapshot(folder: Path) -> Path | None:
    try:
        revision = (folder / "refs" / "main").read_text("ascii").strip()
    except (OSError, ValueError):
        revision = ""
    if re.fullmatch(r"[0-9a-f]{6,64}", revision) and (folder / "snapshots" / revision).is_dir():
        return folder / "snapshots" / revision
    return max(
        (each for each in _entries(folder / "snapshots") if each.is_dir()), key=_modified, default=None
    )


def _jan(folders: UserFolders) -> Iterator[tuple[str, Path]]:
    """Models of Jan: a folder for each, the file in it often called `model.gguf`."""
    homes = [
        folders.home / "jan",
        *(folder / name for folder in folders.applications for name in ("Jan/data", "jan")),
    ]
    for home in homes:
        for root in (home / "llamacpp" / "models", home / "models"):
            yield from _named_by_path(root)


_PROGRAMS: dict[str, tuple[str, Callable[[UserFolders], Iterator[tuple[str, Path]]]]] = {
    "ollama": ("Ollama", _ollama),
    "lmstudio": ("LM Studio", _lm_studio),
    "llama.cpp": ("llama.cpp", _llama_cpp),
    "hf": ("Hugging Face's cache", _hugging_face),
    "jan": ("Jan", _jan),
}


def _named_by_path(root: Path) -> Iterator[tuple[str, Path]]:
    """GGUF files below a folder, called as they lie there; `model.gguf` by its folder."""
    for file in _files(root, ".gguf"):
        name = _model_name(file)
        inside = file.relative_to(root).parent
        if name:
            yield (inside if name == "model" and inside.parts else inside / name).as_posix(), file


def _model_name(file: Path) -> str:
    """What a file's model is called; "" for a later part of one, and for what is none."""
    part = part_of(file.name)
    return part.stem if part is not None and part.is_first else ""


def _files(root: Path, suffix: str) -> Iterator[Path]:
    """The files below a folder that end so, in order; a bounded number, not too deep, nothing unreadable."""
    waiting = [(root, 0)]
    seen = 0
    while waiting and seen < _MOST_FILES:
        folder, depth = waiting.pop()
        for entry in _entries(folder):
            seen += 1
            if entry.name.startswith("."):
                continue
            if entry.is_dir() and not entry.is_symlink():
                if depth < _DEEPEST:
                    waiting.append((entry, depth + 1))
            elif entry.name.lower().endswith(suffix) and entry.is_file():
                yield entry


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _json_of(file: Path) -> dict[str, Any]:
    """A small JSON object in a file; an empty one where there is none that can be read."""
    try:
        if file.stat().st_size > _LARGEST_LIST:
            return {}
        said = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}  # pyright: ignore[reportUnknownVariableType]
