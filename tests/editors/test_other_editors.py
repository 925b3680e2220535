"""The snippets of `foretype setup`, in those editors that a Debian machine has, over the menu's fallback.

What is on PATH as `foretype` is a real language server with a scripted model. An editor that is not
installed is skipped; nothing is installed here.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from foretype.editors.setup import snippets

pytestmark = pytest.mark.editors

SERVER = Path(__file__).parents[1] / "support" / "scripted_server.py"
KAKOUNE_MENU = SERVER.with_name("kakoune_menu.py")

EGLOT = """
(package-initialize)
(setq eglot-sync-connect 30 eglot-connect-timeout 30)
(unless (require 'eglot nil t) (message "NO EGLOT") (kill-emacs 0))
(load-file "snippet.el")
(find-file "sample.py")
(python-mode)
(apply #'eglot (eglot--guess-contact))
(goto-char (point-max))
(insert "retu")
(let* ((found (eglot-completion-at-point))
       (table (nth 2 found))
       (label (car (all-completions "retu" table))))
  (delete-region (nth 0 found) (nth 1 found))
  (insert label)
  (funcall (plist-get (nthcdr 3 found) :exit-function) label 'finished))
(princ (buffer-string))
(eglot-shutdown (eglot-current-server))
"""


LSP_MODE = """
(package-initialize)
(unless (require 'lsp-mode nil t) (message "NO LSP-MODE") (kill-emacs 0))
(load-file "snippet.el")
(let ((client (gethash 'foretype lsp-clients)))
  (princ (format "%S %S" (lsp--client-add-on? client)
    (funcall (plist-get (lsp--client-new-connection client) :test?)))))
"""


def environment(home: Path, script: dict[str, str]) -> dict[str, str]:
    """A home with a `foretype` on PATH whose model says what the script says."""
    (home / "script.json").write_text(json.dumps(script))
    program = home / "bin" / "foretype"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -P "{SERVER}" "{home}/script.json" "{home}/journal.json"\n'
    )
    program.chmod(0o755)
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CONFIG", "DATA", "STATE", "CACHE")}
    return {**os.environ, **folders, "HOME": str(home), "PATH": f"{program.parent}:{os.environ['PATH']}"}


def run_emacs(emacs: str, folder: Path, surroundings: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Emacs without a screen, with the `smoke.el` that lies in the folder."""
    return subprocess.run(
        [emacs, "--batch", "--load", "smoke.el"],
        cwd=folder,
        env=surroundings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_emacs_with_eglot_takes_a_suggestion_from_its_menu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emacs = shutil.which("emacs")
    if emacs is None:
        pytest.skip("needs Emacs: Debian's packages emacs-nox and elpa-eglot")
    surroundings = environment(tmp_path, {"    retu": "rn b - a + 1"})
    monkeypatch.setenv("PATH", surroundings["PATH"])
    (tmp_path / "snippet.el").write_text(snippets.find_editor("emacs").snippet)
    (tmp_path / "smoke.el").write_text(EGLOT)
    (tmp_path / "sample.py").write_text("def add(a, b):\n    ")
    run = run_emacs(emacs, tmp_path, surroundings)
    if "NO EGLOT" in run.stderr:
        pytest.skip("needs eglot: Debian's package elpa-eglot, or Emacs 29")
    assert run.stdout == "def add(a, b):\n    return b - a + 1", run.stderr


EGLOT_CONTACT = """
(package-initialize)
(unless (require 'eglot nil t) (message "NO EGLOT") (kill-emacs 0))
(load-file "snippet.el")
(find-file "sample.py")
(python-mode)
(princ (format "%S" (nth 3 (eglot--guess-contact))))
"""

EGLOT_BOTH = """
(package-initialize)
(setq eglot-sync-connect 30 eglot-connect-timeout 30)
(unless (require 'eglot nil t) (message "NO EGLOT") (kill-emacs 0))
(load-file "snippet.el")
(find-file "sample.py")
(python-mode)
(apply #'eglot (eglot--guess-contact))
(with-timeout (30) (while (not (eglot-current-server)) (accept-process-output nil 0.1)))
(goto-char (point-max))
(insert "retu")
(princ (format "%S" (sort (all-completions "retu" (nth 2 (eglot-completion-at-point))) #'string<)))
(eglot-shutdown (eglot-current-server))
"""


def eglot_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, *, rass: bool) -> str:
    """What Emacs prints where a server of somebody else's is installed for Python as well."""
    emacs = shutil.which("emacs")
    if emacs is None:
        pytest.skip("needs Emacs: Debian's packages emacs-nox and elpa-eglot")
    tmp_path.mkdir(exist_ok=True)
    surroundings = environment(tmp_path, {"    retu": "rn b - a + 1"})
    monkeypatch.setenv("PATH", surroundings["PATH"])
    theirs = tmp_path / "bin" / "pylsp"
    theirs.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P "{SERVER.with_name("other_server.py")}"\n')
    theirs.chmod(0o755)
    if rass:
        (tmp_path / "bin" / "rass").symlink_to(Path(sys.executable).with_name("rass"))
    (tmp_path / "snippet.el").write_text(snippets.find_editor("emacs").snippet)
    (tmp_path / "smoke.el").write_text(code)
    (tmp_path / "sample.py").write_text("def add(a, b):\n    ")
    run = run_emacs(emacs, tmp_path, surroundings)
    if "NO EGLOT" in run.stderr:
        pytest.skip("needs eglot: Debian's package elpa-eglot, or Emacs 29")
    return f"{run.stdout}\n{run.stderr}"


def test_eglot_keeps_another_server_and_says_how_to_have_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = eglot_beside(tmp_path, monkeypatch, EGLOT_CONTACT, rass=False)
    assert said.startswith(f'("{tmp_path}/bin/pylsp")')
    assert "/bin/pylsp alone: install rass" in said


def test_eglot_runs_foretype_beside_another_server_where_rass_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = eglot_beside(tmp_path / "contact", monkeypatch, EGLOT_CONTACT, rass=True)
    assert contact.splitlines()[0] == f'("rass" "--" "{tmp_path}/contact/bin/pylsp" "--" "foretype" "lsp")'
    shown = eglot_beside(tmp_path / "shown", monkeypatch, EGLOT_BOTH, rass=True)
    assert "return b - a + 1" in shown
    assert "Server `theirs+foretype' now managing" in shown


def test_lsp_mode_takes_the_snippet_and_finds_the_program(tmp_path: Path) -> None:
    emacs = shutil.which("emacs")
    if emacs is None:
        pytest.skip("needs Emacs: Debian's packages emacs-nox and elpa-lsp-mode")
    surroundings = environment(tmp_path, {})
    (tmp_path / "snippet.el").write_text(snippets.find_editor("lsp-mode").snippet)
    (tmp_path / "smoke.el").write_text(LSP_MODE)
    run = run_emacs(emacs, tmp_path, surroundings)
    if "NO LSP-MODE" in run.stderr:
        pytest.skip("needs lsp-mode: Debian's package elpa-lsp-mode")
    assert run.stdout == "t t", run.stderr  # beside other servers, and its program is there


VIM = r"""
let s:server = {}
function! LspAddServer(servers)
  let s:server = a:servers[0]
endfunction
source snippet.vim
doautocmd User LspSetup
edit sample.py
call writefile([json_encode(s:server)], 'servers.json')
let s:job = job_start([s:server.path] + s:server.args, #{in_mode: 'lsp', out_mode: 'lsp', err_io: 'null'})
let s:channel = job_getchannel(s:job)
function! s:Ask(method, params)
  return ch_evalexpr(s:channel, #{method: a:method, params: a:params}, #{timeout: 30000}).result
endfunction
function! s:Tell(method, params)
  call ch_sendexpr(s:channel, #{method: a:method, params: a:params})
endfunction
let s:uri = 'file://' .. expand('%:p')
call s:Ask('initialize', #{processId: getpid(), rootUri: v:null, capabilities: {}})
call s:Tell('initialized', {})
call setline(2, '    retu')
let s:text = join(getline(1, '$'), "\n")
let s:document = #{uri: s:uri, languageId: &filetype, version: 1, text: s:text}
call s:Tell('textDocument/didOpen', #{textDocument: s:document})
let s:place = #{textDocument: #{uri: s:uri}, position: #{line: 1, character: 8}}
let s:found = s:Ask('textDocument/completion', s:place)
let s:edit = s:found.items[0].textEdit
let s:matches = [#{word: s:edit.newText, abbr: s:found.items[0].label}]
function! Offer()
  call complete(s:edit.range.start.character + 1, s:matches)
  return ''
endfunction
inoremap <F2> <C-R>=Offer()<CR>
call feedkeys("2GA\<F2>\<C-Y>\<Esc>", 'xt')
call writefile(getline(1, '$'), 'taken.py')
call s:Ask('shutdown', v:null)
call s:Tell('exit', v:null)
qa!
"""


def test_vim_takes_a_suggestion_from_its_menu_over_what_the_snippet_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """yegappan/lsp lies in no package registry: a stand-in speaks LSP with the server that it would start."""
    vim = shutil.which("vim")
    if vim is None or not _has_channels(vim):
        pytest.skip("needs Vim 9 with channels: Debian's package vim")
    surroundings = environment(tmp_path, {"    retu": "rn b - a + 1"})
    monkeypatch.setenv("PATH", surroundings["PATH"])
    (tmp_path / "snippet.vim").write_text(snippets.find_editor("vim").snippet)
    (tmp_path / "sample.py").write_text("def add(a, b):\n")
    script = tmp_path / "smoke.vim"
    script.write_text(VIM)
    run = subprocess.run(
        [vim, "-e", "-s", "-u", "NONE", "-N", "--cmd", "filetype on", "-S", str(script)],
        cwd=tmp_path,
        env=surroundings,
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    server = json.loads((tmp_path / "servers.json").read_text())
    assert (server["name"], server["path"], server["args"]) == ("foretype", snippets.command(), ["lsp"])
    assert "python" in server["filetype"]
    assert run.returncode == 0, run.stdout
    assert (tmp_path / "taken.py").read_text() == "def add(a, b):\n    return b - a + 1\n"


def _has_channels(vim: str) -> bool:
    said = subprocess.run([vim, "--version"], capture_output=True, text=True, check=False).stdout
    return "+channel" in said and "+job" in said


KAKOUNE = """
declare-option str lsp_servers
declare-option completions foretype_menu
source snippet.kak
edit sample.py
set-option buffer filetype python
set-option window completers option=foretype_menu
execute-keys gegl
evaluate-commands %sh{{
  "{python}" -P "{menu}" "$kak_opt_lsp_servers" sample.py $kak_cursor_line $kak_cursor_column
}}
execute-keys A<c-n><esc>
write
quit!
"""


def test_kakoune_takes_a_suggestion_from_its_menu_over_what_the_snippet_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """kakoune-lsp lies in no package registry: a stand-in asks the server that it would start."""
    kakoune = shutil.which("kak")
    if kakoune is None:
        pytest.skip("needs Kakoune: Debian's package kakoune")
    surroundings = environment(tmp_path, {"    retu": "rn b - a + 1"})
    monkeypatch.setenv("PATH", surroundings["PATH"])
    snippet = snippets.find_editor("kakoune").snippet
    assert f'command = "{snippets.command()}"' in snippet
    (tmp_path / "snippet.kak").write_text(snippet)
    (tmp_path / "sample.py").write_text("def add(a, b):\n    retu\n")
    (tmp_path / "smoke.kak").write_text(KAKOUNE.format(python=sys.executable, menu=KAKOUNE_MENU))
    run = subprocess.run(
        [
            kakoune,
            "-ui",
            "dummy",
            "-n",
            "-e",
            "try %{ source smoke.kak } catch %{ echo -to-file wrong %val{error}; quit! 1 }",
        ],
        cwd=tmp_path,
        env={**surroundings, "XDG_RUNTIME_DIR": str(tmp_path)},
        timeout=60,
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    wrong = tmp_path / "wrong"
    assert run.returncode == 0, wrong.read_text() if wrong.exists() else run.stderr
    assert (tmp_path / "sample.py").read_text() == "def add(a, b):\n    return b - a + 1\n"
