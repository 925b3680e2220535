"""Which libllama foretype computes with: found, checked and loaded when its first function is asked for.

In this order: the library that the user names ([model] library, or the variable LLAMA_CPP_LIB_PATH, which
llama-cpp-python reads as well), then the one that llama-cpp-python brings. The latter comes with declarations
of its own; the former is used with ours (`declared`) once `probe` has found them to be true. What is called
is the business of `llama`, `quantise` and `taps`.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...context.shared.problem import ModelProblem
from . import declared, probe
from .complaints import no_library

VARIABLE = "LLAMA_CPP_LIB_PATH"
"""Names a libllama, or the folder of one. Processes that this one starts go by it as well."""

_NAMES = {
    "win32": ("llama.dll", "libllama.dll"),
    "darwin": ("libllama.dylib", "libllama.so"),
}
_OTHER_NAMES = ("libllama.so", "libllama.so.0")


class EngineMissingProblem(ModelProblem):
    """There is no llama.cpp on this machine, so no model can run in foretype."""

    def __init__(self) -> None:
        super().__init__(
            "There is no llama.cpp here to run a model with. Install foretype's extra 'engine', which "
            "compiles it; or llama-cpp-python's compiled wheel, whose index its README names under "
            "'Pre-built Wheel'; or name a libllama that you have in [model] library. The editor's side "
            "works without it."
        )


class LibraryProblem(ModelProblem):
    """The llama.cpp that the user named can't be used."""


def choose_library(named: str) -> None:
    """Use the libllama that the configuration names ("" for none), here and in processes started from here.

    Raises:
        LibraryProblem: another one is loaded, and a process can't have two.
    """
    wanted = str(Path(named).expanduser()) if named else c.outside
    if c.loaded and os.environ.get(VARIABLE, "") != wanted:
        raise LibraryProblem(
            "[model] library was changed while another llama.cpp is loaded. 'foretype daemon stop' ends the "
            "daemon; it starts again with the new one."
        )
    if wanted:
        os.environ[VARIABLE] = wanted
    else:
        os.environ.pop(VARIABLE, None)


def check_present() -> None:
    """Find out without loading anything whether there is a llama.cpp.

    Raises:
        EngineMissingProblem: there is none.
        LibraryProblem: there is none where the user says.
    """
    if named_library() is None and not _is_installed():
        raise EngineMissingProblem


def named_library() -> Path | None:
    """The libllama that the user names; None for llama-cpp-python's own.

    Raises:
        LibraryProblem: there is none at the place that was named.
    """
    named = os.environ.get(VARIABLE, "")
    if not named:
        return None
    place = Path(named).expanduser()
    candidates = (
        [place / name for name in _NAMES.get(sys.platform, _OTHER_NAMES)] if place.is_dir() else [place]
    )
    found = next((path for path in candidates if path.is_file()), None)
    if found is None:
        raise LibraryProblem(
            f"There is no libllama at {place}, which [model] library or {VARIABLE} names. Name the file "
            "itself or the folder that it lies in, by its whole path."
        )
    return found


def library_folder() -> Path | None:
    """Where the files of the library lie that would be loaded; None where there is none."""
    named = named_library()
    if named is not None:
        return named.parent
    spec = importlib.util.find_spec("llama_cpp") if _is_installed() else None
    return Path(spec.origin).parent / "lib" if spec and spec.origin else None


def _is_installed() -> bool:
    try:
        return importlib.util.find_spec("llama_cpp") is not None
    except ValueError:
        return False  # somebody has put None in its place


class Binding:
    """llama.cpp's functions, structures, callbacks and constants, under the names of its header.

    Its state: what was loaded, and what wants to be told when something is. The first use of a name loads it.

    Attributes:
        loaded: whether there is something.
        outside: what the environment named when this process began.
    """

    def __init__(self) -> None:
        self.loaded = False
        self.outside = os.environ.get(VARIABLE, "")
        self._turn = threading.RLock()
        self._waiting: list[Callable[[], None]] = []

    def when_loaded(self, tell: Callable[[], None]) -> None:
        """Call back once the library is there, at once where it is already."""
        with self._turn:
            self._waiting.append(tell)
            if self.loaded:
                tell()

    def load(self) -> None:
        """Load the library, unless that is done.

        Raises:
            EngineMissingProblem: there is none.
            LibraryProblem: the one that the user named can't be used, or llama-cpp-python's is broken.
        """
        with self._turn:
            if self.loaded:
                return
            named = named_library()
            vars(self).update(_installed() if named is None else _own(named))
            self.loaded = True
            vars(self)["llama_backend_init"]()
            for tell in self._waiting:
                tell()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name != "__version__":
            raise AttributeError(name)
        self.load()
        try:
            return vars(self)[name]
        except KeyError:
            raise AttributeError(name) from None


def _installed() -> dict[str, Any]:
    """What llama-cpp-python declares."""
    if not _is_installed():
        raise EngineMissingProblem
    try:
        import llama_cpp
        from llama_cpp import _ggml  # pyright: ignore[reportPrivateUsage]
    except (ImportError, OSError, RuntimeError) as error:
        anew = "Install it anew: pip install --force-reinstall --no-cache-dir llama-cpp-python"
        raise LibraryProblem(no_library(error, anew)) from error
    brought: dict[str, Any] = {name: getattr(llama_cpp, name) for name in dir(llama_cpp) if name[0] != "_"}
    told = f"llama-cpp-python {llama_cpp.__version__}"
    return {**brought, "__version__": llama_cpp.__version__, "title": told, "ggml": _ggml.libggml}


def _own(path: Path) -> dict[str, Any]:
    """A libllama with our declarations, which were found to be true.

    Raises:
        LibraryProblem: they are not, or it can't be loaded.
    """
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        raise LibraryProblem(f"The libllama at {path} cannot be loaded ({error}).") from error
    if why := probe.why_unusable(library):
        raise LibraryProblem(
            f"The libllama at {path} cannot be used: {why}. Name another one in [model] library, or take out "
            "that line (and LLAMA_CPP_LIB_PATH) for the one that llama-cpp-python brings."
        )
    _load_backends(library, path)
    brought: dict[str, Any] = {**declared.TYPES, **declared.CONSTANTS}
    for name, (result, *arguments) in declared.FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
        brought[name] = function
    told = probe.version(library)
    return {**brought, "__version__": told, "title": f"libllama {told} at {path}", "ggml": library}


def _load_backends(library: Any, path: Path) -> None:
    """Have ggml load its backends where they are files of their own, as Homebrew's are.

    From the library's own places alone: by itself ggml looks into the current folder as well, which may be a
    workspace.

    Raises:
        LibraryProblem: there is nothing to compute with.
    """
    if not hasattr(library, "ggml_backend_reg_count") or not hasattr(
        library, "ggml_backend_load_all_from_path"
    ):
        return
    count = ctypes.CFUNCTYPE(ctypes.c_size_t)(("ggml_backend_reg_count", library))
    load = ctypes.CFUNCTYPE(None, ctypes.c_char_p)(("ggml_backend_load_all_from_path", library))
    for folder in (path.resolve().parent, path.resolve().parent.parent / "libexec"):
        if count() == 0 and folder.is_dir():
            load(os.fsencode(folder))
    if count() == 0:
        raise LibraryProblem(
            f"The libllama at {path} finds no backend to compute with: the files of ggml that belong to it "
            "are neither beside it nor in ../libexec."
        )


c: Any = Binding()
"""The one llama.cpp of this process."""
