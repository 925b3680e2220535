"""What is never read, and never shown to a model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from foretype.context.workspace.ignore import Rules, is_left_out, is_secret_path, read_text, without_secrets


@pytest.mark.parametrize(
    "path",
    [
        *(
            ".env",
            "app/.env.production",
            "deploy.pem",
            "a/server.key",
            "home/.ssh/id_ed25519",
            "id_rsa",
            ".netrc",
        ),
        *(
            "a/.aws/credentials",
            "config/credentials.json",
            "my-secrets.yaml",
            ".npmrc",
            "prod.tfvars",
            "a/.kube/config",
        ),
        *(
            "x.p12",
            "A/SERVER.PEM",
            ".git-credentials",
            "service-account-prod.json",
            "terraform.tfstate.backup",
        ),
    ],
)
def test_files_with_keys_and_credentials_are_secret(path: str) -> None:
    assert is_secret_path(path)


@pytest.mark.parametrize(
    "path", ["src/main.py", "environment.py", "keys.ts", "secrets.py", "a/tokens.go", "env.d.ts"]
)
def test_source_is_not_secret(path: str) -> None:
    assert not is_secret_path(path)


@pytest.mark.parametrize(
    "line",
    [
        'AWS_KEY = "AKIAIOSFODNN7EXAMPLE"',
        "token: ghp_abcdefghijklmnopqrstuvwxyz0123456789",
        'password = "correct-horse"',
        '"api_key": "0123456789abcdef"',
        "url = 'postgres://user:hunter2@db/x'",
        "Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh",
    ],
)
def test_lines_that_look_like_secrets_are_left_out(line: str) -> None:
    assert without_secrets(f"a = 1\n{line}\nb = 2\n") == "a = 1\nb = 2\n"


def test_a_private_key_is_left_out_whole() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabc\n-----END RSA PRIVATE KEY-----\n"
    assert without_secrets(f"a\n{key}b\n") == "a\nb\n"


@pytest.mark.parametrize(
    "line",
    [
        'password = os.environ["PASSWORD"]',
        "token = tokenizer.next()",
        'secret = getpass("Secret: ")',
        'parser.add_argument("--api-key")',
        'password = "${PASSWORD}"',
        "https://example.org/a:b@c",
        "key = 'a'",
    ],
)
def test_code_about_secrets_stays(line: str) -> None:
    assert without_secrets(line + "\n") == line + "\n"


def rules(**files: str) -> Rules:
    found = Rules()
    for folder, text in files.items():
        found = found.entered(folder.replace("root", "").replace("__", "/"), text.splitlines())
    return found


def test_patterns_are_those_of_git() -> None:
    found = rules(root="*.log\nbuild/\n!keep.log\n/top.txt\n# comment\n")
    assert found.ignores("a/x.log")
    assert not found.ignores("a/keep.log")
    assert found.ignores("build", is_folder=True)
    assert found.ignores("top.txt")
    assert not found.ignores("a/top.txt")


def test_a_deeper_file_overrules_the_one_above() -> None:
    found = rules(root="*.gen.py\n", a="!special.gen.py\n")
    assert found.ignores("b/special.gen.py")
    assert not found.ignores("a/special.gen.py")
    assert found.ignores("a/other.gen.py")


def test_patterns_that_make_no_sense_cost_nothing() -> None:
    found = rules(root="!\n***[\n*.log\n\\\n")
    assert found.ignores("x.log")


def test_one_file_is_decided_with_all_folders_above(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "out").mkdir()
    (tmp_path / "a" / "b" / "x.py").write_text("x")
    (tmp_path / "out" / "y.py").write_text("y")
    (tmp_path / ".gitignore").write_text("out/\n")
    (tmp_path / "a" / ".foretypeignore").write_text("b/secretive.py\n")
    assert not is_left_out(tmp_path, "a/b/x.py")
    assert is_left_out(tmp_path, "out/y.py")
    assert is_left_out(tmp_path, "a/b/secretive.py")
    assert is_left_out(tmp_path, "a/.env")
    assert is_left_out(tmp_path, "node_modules/x/index.js")
    assert is_left_out(tmp_path, "../elsewhere.py")
    assert is_left_out(tmp_path, "/etc/passwd")


def test_a_link_out_of_the_workspace_is_left_out(tmp_path: Path) -> None:
    inside = tmp_path / "work"
    inside.mkdir()
    (tmp_path / "outside.py").write_text("x")
    (inside / "link.py").symlink_to(tmp_path / "outside.py")
    assert is_left_out(inside, "link.py")


def test_only_plain_text_of_a_bounded_size_is_read(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes("é\r\nß".encode())
    (tmp_path / "latin").write_bytes("é".encode("latin-1"))
    (tmp_path / "binary").write_bytes(b"MZ\0\0")
    (tmp_path / "large").write_bytes(b"x" * 2000)
    os.mkfifo(tmp_path / "pipe")
    assert read_text(tmp_path / "text") == "é\r\nß"
    assert read_text(tmp_path / "latin") == "\ufffd"
    assert read_text(tmp_path / "binary") is None
    assert read_text(tmp_path / "large", max_bytes=1000) is None
    assert read_text(tmp_path / "pipe") is None
    assert read_text(tmp_path) is None
    assert read_text(tmp_path / "missing") is None
