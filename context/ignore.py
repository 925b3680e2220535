"""What may be read: .gitignore and .foretypeignore honoured, secrets and oversized or binary files left out.

Decisions about paths are pure, given the ignore files of a folder and those above it; reading is bounded.
What this module lets through goes into prompts, so it errs on the side of leaving out. It walks nothing:
that is `index`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Sequence
from pathlib import Path

import attrs
import pathspec

from . import narrowing

IGNORE_FILES = (".gitignore", ".foretypeignore")
MAX_BYTES = 1_000_000
_SNIFFED = 8192

_DATA_FORMATS = (
    "json",
    "yaml",
    "yml",
    "toml",
    "ini",
    "cfg",
    "conf",
    "xml",
    "txt",
    "csv",
    "properties",
    "enc",
)
_NEVER_SHOWN = """
    .env .env.* *.env .envrc *.pem *.key *.p12 *.pfx *.pkcs12 *.jks *.keystore *.kdbx *.crt *.cer *.der
    *.csr *.gpg *.asc *.ppk *.ovpn *.tfstate *.tfvars *.tfvars.json id_rsa* id_dsa* id_ecdsa*
    id_ed25519* .netrc _netrc .npmrc .yarnrc.yml .pypirc .pgpass .my.cnf .htpasswd .git-credentials
    .dockercfg .docker/ .vault-token .aws/ .azure/ .gcloud/ .gnupg/ .kube/ .ssh/ .password-store/
    kubeconfig service-account*.json service_account*.json client_secret*.json *.secret *.secrets
    secrets/ auth.json *.tfstate.* credentials
"""


def _as_expression(pattern: str) -> str:
    """A pattern of names as an expression for one part of a path; with a slash at its end, of a folder."""
    folder = pattern.endswith("/")
    return re.escape(pattern.rstrip("/")).replace(r"\*", "[^/]*") + ("/" if folder else "(?:/|$)")


_SECRET_PATH = re.compile(
    "(?:^|/)(?:"
    + "|".join(
        _as_expression(pattern)
        for pattern in (
            *_NEVER_SHOWN.split(),
            *(f"*{word}*.{suffix}" for word in ("credential", "secret") for suffix in _DATA_FORMATS),
        )
    )
    + ")"
)

_NEVER_WALKED = frozenset(
    {".git", ".hg", ".svn", ".jj", "node_modules", "__pycache__", ".venv", "venv", ".tox", ".mypy_cache"}
    | {
        ".pytest_cache",
        ".ruff_cache",
        ".gradle",
        ".idea",
        ".cache",
        "bower_components",
        ".terraform",
        ".next",
    }
)

_SECRET_LINE = re.compile(
    r"""
      -----BEGIN[ ][A-Z ]*(PRIVATE[ ]KEY|CERTIFICATE)
    | \b(AKIA|ASIA)[0-9A-Z]{16}\b
    | \bgh[pousr]_[A-Za-z0-9]{30,}
    | \bgithub_pat_[A-Za-z0-9_]{30,}
    | \bglpat-[A-Za-z0-9_-]{18,}
    | \bxox[abpors]-[A-Za-z0-9-]{10,}
    | \b(sk|pk|rk)_(live|test)_[A-Za-z0-9]{16,}
    | \bsk-[A-Za-z0-9_-]{20,}
    | \bhf_[A-Za-z0-9]{30,}
    | \bnpm_[A-Za-z0-9]{30,}
    | \bpypi-[A-Za-z0-9_-]{30,}
    | \bAIza[0-9A-Za-z_-]{30,}
    | \beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}
    | ://[^/\s:@]+:[^/\s:@{}$<>]{3,}@
    | (?i:(password|passwd|pwd|secret|token|api_?key|access_?key|private_?key|credential)s?)["']?
      \s*[:=]+>?\s*["'][^"'\s${}<>]{8,}["']
    """,
    re.VERBOSE,
)
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z ]*(PRIVATE KEY|CERTIFICATE)")
_KEY_ENDS = re.compile(r"-----END ")


def is_secret_path(path: str) -> bool:
    """Whether a path, relative or absolute, names a file that holds keys or credentials."""
    return _SECRET_PATH.search(path.replace("\\", "/").lower()) is not None


def without_secrets(text: str) -> str:
    """A text without the lines that look like tokens, passwords or keys."""
    if _SECRET_LINE.search(text) is None:
        return text
    kept: list[str] = []
    in_key = False
    for line in text.splitlines(keepends=True):
        in_key = in_key or _KEY_BEGINS.search(line) is not None
        if not in_key and _SECRET_LINE.search(line) is None:
            kept.append(line)
        in_key = in_key and _KEY_ENDS.search(line) is None
    return "".join(kept)


@attrs.frozen
class Rules:
    """The ignore files of one folder and of those above it, as far as the workspace's root.

    Attributes:
        levels: pairs of a folder, relative to the root with a slash at its end ("" for the root), and its
            patterns; outermost first.
    """

    levels: tuple[tuple[str, pathspec.GitIgnoreSpec], ...] = ()

    def entered(self, folder: str, lines: Iterable[str]) -> Rules:
        """The rules inside `folder`, relative to the root, whose own ignore files hold `lines`."""
        cleaned = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
        if not cleaned:
            return self
        prefix = f"{folder}/" if folder else ""
        return Rules((*self.levels, (prefix, _spec(cleaned))))

    def ignores(self, path: str, is_folder: bool = False) -> bool:
        """Whether the patterns leave out a path relative to the root. Its folders are not looked at."""
        name = f"{path}/" if is_folder else path
        for prefix, spec in reversed(self.levels):
            if not name.startswith(prefix):
                continue
            decided = spec.check_file(name[len(prefix) :]).include
            if decided is not None:
                return decided
        return False


def _spec(lines: Sequence[str]) -> pathspec.GitIgnoreSpec:
    """Patterns, those that can't be understood left out one by one."""
    try:
        return pathspec.GitIgnoreSpec.from_lines(lines)
    except ValueError:
        sound: list[str] = []
        for line in lines:
            try:
                pathspec.GitIgnoreSpec.from_lines([line])
            except ValueError:
                continue
            sound.append(line)
        return pathspec.GitIgnoreSpec.from_lines(sound)


def read_rules(root: Path, folder: str, above: Rules) -> Rules:
    """The rules inside one folder: those above it, and its own ignore files; unreadable ones are empty."""
    names = (*IGNORE_FILES, ".git/info/exclude") if not folder else IGNORE_FILES
    lines = _lines(root, folder, names)
    return above.entered(folder, lines)


def _lines(root: Path, folder: str, names: Iterable[str]) -> list[str]:
    """The lines of one folder's ignore files; at the root also what `.foretype.toml` excludes."""
    lines: list[str] = []
    for name in names:
        text = read_text(root / folder / name)
        if text is not None:
            lines.extend(text.splitlines())
    return lines if folder else [*lines, *read_narrowing(root).exclude]


def read_narrowing(root: Path) -> narrowing.Narrowing:
    """What a workspace's `.foretype.toml` says; without one, nothing is left out."""
    file = root / narrowing.FILE
    text = read_text(file)
    if text is not None:
        return narrowing.parse(text)
    return narrowing.unreadable("can't be read") if os.path.lexists(file) else narrowing.Narrowing()


def is_kept_back(root: Path, path: str) -> bool:
    """Whether foretype was told not to look at a file, relative to the root, that the user has open.

    Only `.foretypeignore` and `.foretype.toml` count: what .gitignore leaves out, people still edit.
    """
    rules, folder = Rules(), ""
    for part in path.split("/"):
        rules = rules.entered(folder, _lines(root, folder, IGNORE_FILES[1:]))
        folder = f"{folder}/{part}" if folder else part
        if rules.ignores(folder, is_folder=folder != path):
            return True
    return False


def rules_for(root: Path, path: str) -> Rules | None:
    """The rules that decide about one path, relative to the root; None when a folder above it is left out."""
    rules = read_rules(root, "", Rules())
    folders = path.split("/")[:-1]
    for depth in range(1, len(folders) + 1):
        folder = "/".join(folders[:depth])
        if (
            never_walked(folders[depth - 1])
            or rules.ignores(folder, is_folder=True)
            or is_secret_path(f"{folder}/")
        ):
            return None
        rules = read_rules(root, folder, rules)
    return rules


def is_left_out(root: Path, path: str) -> bool:
    """Whether a file of a workspace must not be read. For one file; a walk carries its `Rules` along."""
    if not path or path.startswith(("/", "../")) or "/../" in path:
        return True
    rules = rules_for(root, path)
    return rules is None or rules.ignores(path) or is_secret_path(path) or _leaves(root, path)


def _leaves(root: Path, path: str) -> bool:
    """Whether a path leads out of the workspace through a symbolic link."""
    try:
        return not os.path.realpath(root / path).startswith(os.path.realpath(root) + os.sep)
    except OSError:
        return True


def never_walked(folder_name: str) -> bool:
    """Whether a folder holds no source of the workspace's own, whatever its ignore files say."""
    return folder_name in _NEVER_WALKED


def read_text(path: Path, max_bytes: int = MAX_BYTES) -> str | None:
    """A file's text; None when it is missing, unreadable, binary, no plain file, or larger than `max_bytes`.

    Invalid UTF-8 is replaced, not refused.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError):
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > max_bytes:
            return None
        data = os.read(descriptor, max_bytes + 1)
        while len(data) < status.st_size and (more := os.read(descriptor, max_bytes + 1 - len(data))):
            data += more
    except OSError:
        return None
    finally:
        os.close(descriptor)
    if len(data) > max_bytes or b"\0" in data[:_SNIFFED]:
        return None
    return data.decode("utf-8", "replace")
