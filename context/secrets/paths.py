"""Which files hold keys or credentials, told by their paths alone.

Two kinds of names: those that nothing else has (`id_rsa`, `*.pem`, `.netrc`), and words that source code uses
as well (`secrets/`, `credentials.json`). The second kind counts only for files of data: `secrets/rotate.py`
is code, `locales/en/auth.json` a translation, `.env.example` a template. Pure; what stands in a file is
`lines`' business.
"""

from __future__ import annotations

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STORES = frozenset({".ssh", ".gnupg", ".password-store", ".secrets", ".vault"})
"""Folders in which everything is secret."""

_DATA_STORES = frozenset(
    {".aws", ".azure", ".gcloud", ".kube", ".env", ".envs", ".composer", "secrets", "secret", "credentials"}
)
"""Folders in which files of data are secret, and programs are not."""

_FILES = _words(
    """
    .env .envrc .netrc _netrc .npmrc .yarnrc.yml .pypirc .pgpass pgpass.conf .my.cnf .mylogin.cnf
    .htpasswd .git-credentials .dockercfg .dockerconfigjson .vault-token .vault_pass .boto .s3cfg
    .passwd-s3fs rclone.conf .terraformrc terraform.rc .databrickscfg .cargo/credentials
    .cargo/credentials.toml .gem/credentials .docker/config.json .config/gh/hosts.yml kubeconfig
    credentials master.key local.settings.json application_default_credentials.json token.json
    key.properties keystore.properties signing.properties wallet.dat
    """
)
"""Whole names, some with the folder that makes them telling."""

_ENDINGS = re.compile(
    r"""\.(?:
      pem | key | p8 | p12 | pfx | pkcs12 | jks | keystore | bks | kdbx? | crt | cer | der | csr | gpg | pgp
    | ppk | ovpn | agekey | jwk | keychain(?:-db)? | secrets? | kubeconfig
    | tfstate(?:\.[\w.-]+)? | (?:auto\.)?tfvars(?:\.json)?
    )$""",
    re.VERBOSE,
)
_PRIVATE_KEY = re.compile(r"^id_(?:rsa|dsa|ecdsa|ed25519|xmss)(?![a-z])")
_HISTORY = re.compile(r"^\.\w*_history$")
_ACCOUNT = re.compile(
    r"^(?:service[-_]account|client[-_]secret|gha-creds)[\w.-]*\.json$|firebase-adminsdk[\w.-]*\.json$"
)

_DATA = _words(
    """
    json json5 yaml yml toml ini cfg cnf conf config xml txt csv tsv properties plist env enc dat db
    sqlite log local prod production dev development staging old bak backup orig
    """
)
"""Endings of files that hold data; a name without an ending may as well."""

_CODE = _words(
    """
    ts tsx mts cts js jsx mjs cjs py pyi rb go rs java kt kts swift c h cc cpp hpp cs php lua sh bash zsh
    fish ps1 pl ex exs erl scala clj dart vue svelte md mdx rst adoc html css scss
    """
)
_TEMPLATES = _words("example sample template tmpl tpl dist schema dummy fake mock")
_SECRET_WORDS = frozenset(
    {"secret", "secrets", "credential", "credentials", "creds", "passwd", "password", "passwords"}
    | {"apikey", "apikeys", "kubeconfig"}
)
_TRANSLATIONS = frozenset(
    {"locale", "locales", "_locales", "i18n", "l10n", "lang", "langs", "language", "languages", "intl", "nls"}
    | {"translation", "translations", "messages", "schema", "schemas"}
)
_WORDS = re.compile(r"[A-Za-z][a-z]+|[A-Z]+(?![a-z])")


def is_secret_folder(path: str) -> bool:
    """Whether everything in a folder, relative to its workspace, is secret."""
    return any(part in _STORES for part in path.replace("\\", "/").lower().split("/"))


def is_secret_path(path: str) -> bool:
    """Whether a path relative to its workspace names a file that holds keys or credentials.

    What is said of folders holds for those in the path: so it must not begin above the workspace.
    """
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]
    if not parts:
        return False
    *folders, name = (part.lower() for part in parts)
    if any(folder in _STORES for folder in folders):
        return True
    words = {word.lower() for word in _WORDS.findall(parts[-1])}
    ending = name.rpartition(".")[2] if "." in name.lstrip(".") else ""
    if ending == "asc":  # also that of a text format: only what speaks of keys
        return bool(words & {"key", "keys", "private", "secret", "pgp", "gpg", "secring"})
    if (
        name in _FILES
        or "/".join((*folders[-1:], name)) in _FILES
        or "/".join((*folders[-2:], name)) in _FILES
    ):
        return True
    if _ENDINGS.search(name) or _HISTORY.match(name):
        return True
    if words & _TEMPLATES:
        return False
    if name.startswith(".env."):  # people name these after whatever they deploy
        return ending not in _CODE
    return (not ending or ending in _DATA) and _speaks_of_secrets(folders, name, words)


def _speaks_of_secrets(folders: list[str], name: str, words: set[str]) -> bool:
    if _PRIVATE_KEY.match(name) or name.endswith(".env") or _ACCOUNT.search(name):
        return True
    if any(folder in _TRANSLATIONS for folder in folders):
        return False
    if words & _SECRET_WORDS or name == "auth.json":
        return True
    return any(folder in _DATA_STORES for folder in folders) and not words & {"readme", "license", "makefile"}
