"""Fetches a GGUF file from a repository on the Hugging Face Hub, because the user asked for it by name.

`huggingface_hub` does the work: it honours mirrors (HF_ENDPOINT), proxies and the user's token, and its cache
is shared with other tools. So the file lies there, and foretype uses it there (`elsewhere`). Which file is
meant is decided here, and that what was broken off is gone on with. The catalogue's models come the same way,
but into the models folder (`download`).
"""

from __future__ import annotations

import errno
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import attrs

from ...context.shared.locks import lock
from ...context.shared.problem import ModelProblem
from ..gguf.parts import part_of
from .catalogue import Entry, HubSource
from .elsewhere import UserFolders, hub_cache
from .receiving import DownloadProblem, Progress, UnreachableProblem, need_space, sha256_of, wrong_size

_NAME = re.compile(r"hf:(?P<repository>\w[\w.-]*/\w[\w.-]*)(?::(?P<file>.+))?", re.IGNORECASE)
_PART = ".foretype-part"
_USUAL = ("q4_k_m", "q8_0", "q4_0")
"""Which file is taken where the user names none: the kind that most people run, then what is left."""


@attrs.frozen
class HubFile:
    """A file in a repository: its name, its size in bytes, and its SHA-256 where the Hub says it."""

    name: str
    size: int = 0
    sha256: str = ""


def is_hub_name(name: str) -> bool:
    """Whether a name asks for a file on the Hub, as `hf:OWNER/REPOSITORY` does."""
    return name.strip().lower().startswith("hf:")


def read_hub_name(name: str) -> tuple[str, str]:
    """(repository, file or part of its name, "" for none).

    Raises:
        DownloadProblem: the name is not of that form.
    """
    found = _NAME.fullmatch(name.strip())
    if found is None:
        raise DownloadProblem(
            f"'{name}' names no file on the Hub: it is hf:OWNER/REPOSITORY or hf:OWNER/REPOSITORY:FILE."
        )
    return found["repository"], found["file"] or ""


def chosen_files(files: Sequence[HubFile], wanted: str, repository: str) -> list[HubFile]:
    """The file that is meant, all parts of it in order.

    Args:
        files: all files of the repository.
        wanted: a file's name or a part of it, such as a quantisation; "" takes the usual one.
        repository: for the sentence.

    Raises:
        DownloadProblem: there is none, or more than one.
    """
    models = [each for each in files if part_of(each.name) is not None]
    if not models:
        raise DownloadProblem(f"{repository} has no GGUF file; such repositories often end in '-GGUF'.")
    said = wanted.lower().removesuffix(".gguf")
    if not said:  # "" is said of all of them
        said = next((kind for kind in _USUAL if any(kind in each.name.lower() for each in models)), "")
    named = [each for each in models if said in (_stem(each.name), each.name.lower().removesuffix(".gguf"))]
    fitting = named or [each for each in models if said in each.name.lower()]
    stems = {_stem(each.name) for each in fitting}
    if not stems:
        raise DownloadProblem(f"{repository} has no '{wanted}'; it has {_listed(models)}.")
    if len(stems) > 1:
        raise DownloadProblem(f"'{wanted or repository}' may be {_listed(fitting)}; name one of them.")
    return sorted(fitting, key=lambda each: each.name)


def _stem(name: str) -> str:
    """What a model is called, whichever folder and part it is; for comparing."""
    part = part_of(name.rpartition("/")[2])
    return part.stem.lower() if part is not None else ""


def _listed(files: Sequence[HubFile]) -> str:
    names = sorted({_stem(each.name) for each in files})
    return ", ".join(names[:8]) + (" …" if len(names) > 8 else "")


def pull_from_hub(name: str, progress: Progress, folders: UserFolders | None = None) -> tuple[str, Path]:
    """Fetch what a name asks for unless it is there: (the name by which foretype knows it, the file).

    Raises:
        DownloadProblem: no such repository or file, no access, no network, no space, a wrong checksum.
    """
    repository, wanted = read_hub_name(name)
    try:
        files, revision = _files_of(repository)
        chosen = chosen_files(files, wanted, repository)
        cache = hub_cache(folders or UserFolders())
        paths = [_cached(repository, revision, each, cache, progress) for each in chosen]
    except DownloadProblem:
        raise
    except Exception as error:  # noqa: BLE001 - whose HTTP client it is, and so its errors, differs by version
        raise _in_words(error, repository) from error
    _check(paths[0], repository)
    part = part_of(paths[0].name)
    return f"hf:{repository}:{part.stem if part is not None else paths[0].stem}", paths[0]


def fetch_from_hub(entry: Entry, source: HubSource, folder: Path, progress: Progress) -> tuple[Path, bool]:
    """Fetch a model of the catalogue into a folder: (the file, whether its SHA-256 was compared).

    What is there of it from an earlier time is gone on with.

    Raises:
        DownloadProblem: no such repository or file, no access, no network, no space, a wrong checksum.
    """
    try:
        known, revision = HubFile(entry.file, entry.size or 0, entry.sha256 or ""), source.revision
        if not (revision and known.sha256):
            known, revision = _published(entry, source)
        path = folder / f"{known.sha256 or entry.file}{_PART}"
        there = path.stat().st_size if path.exists() else 0
        need_space(entry, folder, max(0, known.size - there))
        _received(source.repository, revision, known, path, progress)
    except DownloadProblem:
        raise
    except Exception as error:  # noqa: BLE001 - whose HTTP client it is, and so its errors, differs by version
        raise _in_words(error, source.repository) from error
    if known.size and path.stat().st_size != known.size:
        size = path.stat().st_size
        path.unlink()
        raise wrong_size(entry, size)
    return path, bool(known.sha256)


def _published(entry: Entry, source: HubSource) -> tuple[HubFile, str]:
    """(the entry's file as the Hub has it, what the catalogue says of it first; the revision)."""
    files, revision = _files_of(source.repository, source.revision)
    found = next((each for each in files if each.name == entry.file), None)
    if found is None:
        raise DownloadProblem(f"{source.repository} has no {entry.file} any more.")
    return HubFile(entry.file, entry.size or found.size, entry.sha256 or found.sha256), revision


def _files_of(repository: str, revision: str = "") -> tuple[list[HubFile], str]:
    """(the files of a repository, the revision that they are of)."""
    _quiet()
    from huggingface_hub import HfApi

    api = HfApi(endpoint=_endpoint(), library_name="foretype")
    info = cast("Any", api.model_info(repository, revision=revision or None, files_metadata=True, timeout=30))
    files = [
        HubFile(each.rfilename, each.size or 0, (each.lfs.sha256 if each.lfs else "") or "")
        for each in info.siblings or ()
    ]
    return files, info.sha


def _cached(repository: str, revision: str, file: HubFile, cache: Path, progress: Progress) -> Path:
    """The file in the cache that other tools share, fetched unless it is there."""
    _quiet()
    import huggingface_hub
    from huggingface_hub.file_download import repo_folder_name

    blobs = cache / repo_folder_name(repo_id=repository, repo_type="model") / "blobs"
    if file.sha256 and not (blobs / file.sha256).exists():
        # The client itself begins anew where it was broken off; what lies here already it takes.
        blobs.mkdir(parents=True, exist_ok=True)
        part = blobs / f"{file.sha256}{_PART}"
        _received(repository, revision, file, part, progress)
        part.replace(blobs / file.sha256)
    download = cast("Any", huggingface_hub).hf_hub_download
    return Path(
        download(
            repository,
            file.name,
            revision=revision,
            cache_dir=cache,
            endpoint=_endpoint(),
            library_name="foretype",
            tqdm_class=_bar_of(progress),
        )
    )


def _received(repository: str, revision: str, file: HubFile, part: Path, progress: Progress) -> None:
    """Fetch the rest of a file into `part`, and compare its SHA-256 where it is known."""
    _quiet()
    import huggingface_hub
    from huggingface_hub import file_download, utils

    client, download, told_by = cast("Any", huggingface_hub), cast("Any", file_download), cast("Any", utils)
    progress.phase(f"Downloading {file.name}", file.size or None)
    with part.open("ab") as incoming:
        lock(incoming.fileno(), wait=True)  # somebody else may be fetching it
        there = incoming.seek(0, io.SEEK_END)
        if not file.size or there < file.size:
            url = client.hf_hub_url(repository, file.name, revision=revision, endpoint=_endpoint())
            headers = told_by.build_hf_headers(library_name="foretype")
            told = client.get_hf_file_metadata(url, endpoint=_endpoint(), headers=headers)
            if urlsplit(str(told.location)).netloc != urlsplit(str(url)).netloc:
                headers.pop("authorization", None)  # the token is the Hub's own business
            download.http_get(
                told.location,
                incoming,
                resume_size=there,
                headers=headers,
                expected_size=told.size,
                tqdm_class=_bar_of(progress),
            )
    if file.sha256:
        progress.phase(f"Checking {file.name}", file.size or None)
        if sha256_of(part, progress) != file.sha256:
            part.unlink(missing_ok=True)
            raise DownloadProblem(
                f"{file.name} of {repository} is not what was published: its SHA-256 is wrong. A mirror or "
                "proxy may have changed it; it was removed."
            )


def _endpoint() -> str | None:
    return os.environ.get("HF_ENDPOINT") or None


def _quiet() -> None:
    """The Hub's client reports nothing about its users, and leaves what is said of trouble to us."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_VERBOSITY", "error")


def _bar_of(progress: Progress) -> type[Any]:
    """A bar of tqdm's that draws nothing and tells a `Progress`."""
    from tqdm import tqdm  # pyright: ignore[reportMissingModuleSource, reportUnknownVariableType]

    base: Any = tqdm

    def begin(bar: Any, *arguments: Any, **options: Any) -> None:
        options.pop("name", None)
        base.__init__(bar, *arguments, **{**options, "file": io.StringIO(), "disable": False})

    def update(bar: Any, n: float | None = 1) -> Any:
        done = base.update(bar, n)
        progress.at(int(bar.n))
        return done

    return type("ToldBar", (base,), {"__init__": begin, "update": update})


def _in_words(error: Exception, repository: str) -> DownloadProblem:
    """What went wrong, as a sentence."""
    from huggingface_hub import errors

    number = error.errno if isinstance(error, OSError) else None
    if isinstance(error, errors.HFValidationError):
        return DownloadProblem(f"'{repository}' cannot be the name of a repository on the Hub.")
    if isinstance(error, errors.GatedRepoError):
        return DownloadProblem(
            f"{repository} is given out to those who accepted its terms: do that on its page, then let "
            "'hf auth login' keep your token."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return DownloadProblem(f"There is no repository {repository} on the Hub, or it is private.")
    if isinstance(error, errors.HfHubHTTPError):
        status = cast("Any", error).response.status_code
        return DownloadProblem(f"The Hub does not give out {repository} (HTTP {status}); try again later.")
    if number in {errno.ENOSPC, errno.EDQUOT}:
        return DownloadProblem(f"There is no space left for a file of {repository}; what is there is kept.")
    if number in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return DownloadProblem(f"The cache of the Hub's files may not be written to ({error}).")
    return UnreachableProblem(
        f"{repository} could not be reached: check the network, the proxy settings and HF_ENDPOINT, then try "
        "again; what was fetched is gone on with."
    )


def _check(path: Path, repository: str) -> None:
    from ..gguf import file as gguf

    try:
        gguf.check_architecture(gguf.read_gguf(path))
    except ModelProblem as problem:
        raise DownloadProblem(f"What {repository} gives out is no usable model: {problem}") from problem
