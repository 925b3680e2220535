"""What pyproject.toml cannot say to setuptools: tests stay at home, and the same commit makes the same bytes.

Everything else about the package stands in pyproject.toml. Only setuptools runs this.
"""

from __future__ import annotations

import gzip
import os
import tarfile
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "1704067200"))
"""When everything in an archive was changed, in seconds since 1970; `make wheel` says the commit's time."""

os.environ["SOURCE_DATE_EPOCH"] = str(EPOCH)  # setuptools' wheels go by it
os.umask(0o022)  # whatever the builder's is, it is not the package's business


class BuildModules(build_py):
    """The modules, without tests unless they are installed to be worked on."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if not self.editable_mode:
            self.packages = [name for name in self.packages if f"{name}.".find("foretype.tests.") < 0]

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for path in map(Path, self.get_outputs(include_bytecode=False)):
                path.chmod(0o644)


class SourceArchive(sdist):
    """The sources, archived without hours, owners and permissions of the folder that they lay in."""

    def make_archive(
        self,
        base_name: str,
        _format: str,
        root_dir: str | None = None,
        base_dir: str | None = None,
        **_: object,
    ) -> str:
        target, source = Path(f"{base_name}.tar.gz"), Path(root_dir or ".") / (base_dir or ".")
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            target.open("wb") as raw,
            gzip.GzipFile("", "wb", fileobj=raw, mtime=EPOCH) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for path in (source, *sorted(source.rglob("*"))):
                archive.add(path, path.relative_to(source.parent), recursive=False, filter=_impersonal)
        return str(target)


def _impersonal(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.mtime, entry.mode = EPOCH, 0o755 if entry.isdir() else 0o644
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


setup(cmdclass={"build_py": BuildModules, "sdist": SourceArchive})
