"""Files and lines that hold secrets are told from the code that deals with them."""

from __future__ import annotations

import time

import pytest
from foretype.context.secrets.lines import holds_secret, without_secrets
from foretype.context.secrets.paths import is_secret_folder, is_secret_path
from hypothesis import given
from hypothesis import strategies as st

SECRET_PATHS = """
    .env app/.env .env.local .env.production app/.env.qa .envrc prod.env .envs/.production/.django
    .env/prod server.key certs/site.pem A/SERVER.PEM store.jks release.keystore AuthKey_X.p8 vault.kdbx
    me.ovpn state/x.tfstate terraform.tfstate.backup prod.tfvars secrets.auto.tfvars id_rsa
    .ssh/id_ed25519 .ssh/config keys/id_rsa.bak id_rsa_work .netrc .npmrc .pypirc .pgpass .git-credentials
    a/.aws/credentials .aws/config .kube/config .docker/config.json kubeconfig kubeconfig.yaml
    .gnupg/pubring.kbx config/credentials.json credentials my-secrets.yaml clientSecrets.json
    CREDENTIALS.JSON secrets/db.yaml config/secrets/prod deploy/secrets/token.txt
    service-account-prod.json service_account.json client_secret_1.json x-firebase-adminsdk-a1.json
    auth.json packages/api/auth.json passwords.txt .psql_history private-key.asc config/master.key
    secrets.toml secrets\\prod.yaml
"""
ORDINARY_PATHS = """
    src/main.py environment.py env.d.ts .env.d.ts .env.example .env.sample .env.template app/.env.dist
    example.env id_rsa_test.go id_rsa.pub src/id_rsa.ts secrets.py src/secrets/rotate.py secrets/index.ts
    lib/secrets/README.md secrets/README locales/en/auth.json i18n/de/secrets.json
    public/locales/pt-BR/credentials.json lang/passwords.json keys.ts tokens.json a/tokens.go
    docs/credentials.md book/README.asc chapter.asc src/credentials/store.rs Secrets.java secret.tf
    secret_manager.cpp secretary.json schemas/credentials.json credentials.schema.json
    secrets.example.yaml credentials.sample.json tests/test_secrets.py passwords.go .docker/Dockerfile
    .aws/deploy.sh keyboard.ts monkey.py turkey.json src/auth/auth.ts .env.ts
"""


@pytest.mark.parametrize("path", SECRET_PATHS.split())
def test_a_file_of_keys_and_credentials_is_secret(path: str) -> None:
    assert is_secret_path(path)


@pytest.mark.parametrize("path", ORDINARY_PATHS.split())
def test_source_text_and_templates_are_not(path: str) -> None:
    assert not is_secret_path(path)


def test_a_folder_is_closed_only_where_everything_in_it_is_somebodys_key() -> None:
    assert is_secret_folder("home/.ssh")
    assert is_secret_folder(".gnupg")
    assert not is_secret_folder("src/secrets")
    assert not is_secret_folder(".aws")


SECRET_LINES = r"""
DB_PASSWORD=hunter
DB_PASSWORD=secret123
DB_PASSWORD="correct horse battery staple"
password: supersecret
password = "supersecret"
aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
spring.mail.password=correcthorse
setx DB_PASSWORD hunter22
heroku_api_key = "12345678-1234-1234-1234-123456789012"
DB_PASSWORD=hunter2
export AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY
export DB_PASS='correcthorse'
set PGPASSWORD=tr0ub4dor
ENV DB_PASSWORD hunter2
ENV DB_PASSWORD=hunter2
docker run -e MYSQL_ROOT_PASSWORD=s3cret99 mysql
DB_PASSWORD=hunter2 ./migrate.sh
    password: hunter2
  - password: "s3cr3t!"
smtp_password: Sup3r$ecret!
      POSTGRES_PASSWORD: correct-horse-9
db.password=hunter2
spring.datasource.password = p@ssw0rd
password = Sup3r!Secret
"password": "hunter2",
'password': 'tr0ub4dor&3',
"api_key": "0123456789abcdef"
"apiKey": "a8f5f167f44f4964e6c998dee827110c",
"clientSecret": "3f8G9sKd02LmNp4Q",
password = "correct-horse"
password: str = "hunter2"
let password: &str = "hunter2";
const char *password = "hunter2";
char password[] = "hunter2";
private static final String DB_PASSWORD = "hunter2";
var password string = "hunter2"
const dbPassword = 'hunter2'
password := "hunter2"
:password => 'hunter2',
$password = 'hunter2';
define('DB_PASSWORD', 'hunter2');
os.environ["DB_PASSWORD"] = "hunter2"
config['SECRET_KEY'] = 'k3J9x0pQm2Lr8Zt1'
def connect(user, password="hunter2"):
connect(user="me", password="hunter2")
if password == "hunter2":
dataSource.setPassword("hunter2");
os.Setenv("DB_PASSWORD", "hunter2")
<password>hunter2</password>
<add key="x" password="hunter2" />
#define WIFI_PASSWORD "hunter2"
String conn = "Server=db;User=sa;Password=hunter2;";
curl --token a8f5f167f44f4964e6c998dee827110c host
mysqldump --password=hunter2 shop
ALTER USER me IDENTIFIED BY 'hunter2';
machine example.org login me password hunter2
url = 'postgres://user:hunter2@db/x'
redis://:s3cr3tpw1@cache:6379
Authorization: Bearer a8f5f167f44f4964e6c998dee827110c
"Authorization": "Basic dXNlcjpodW50ZXIyMTIz"
"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abcdefgh"
AWS_KEY = "AKIAIOSFODNN7EXAMPLE"
token: ghp_abcdefghijklmnopqrstuvwxyz0123456789
x = "github_pat_11ABCDEFG0abcdefghijklmnopqrstuvwxyz"
slack("xoxb-123456789012-abcdefGHIJ")
https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX
stripe.api_key = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
key: AIzaSyA1234567890abcdefghijklmnopqrstuv
openai = "sk-proj-Ab1cD2eF3gH4iJ5kL6mN"
const anything = "q8Zr3xT0vK5mW9bN2cY7hJ4dF6gS1pLe";
SENTRY_TOKEN = 'b7d1f0a94c3e48d29a6f5e0c1b2a3d4e'
SECRET_KEY_BASE=3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b
jwt_secret = "9fK2mQ7x"
"""

ORDINARY_LINES = r"""
password: !vault |
password: hashedPassword
token: 4096
tokenizer = "cl100k_base"
TOKEN_URL = "https://example.com/oauth2/token"
password_regex = r"^(?=.*[A-Z]).{8,}$"
Password string `json:"password"`
password VARCHAR(255) NOT NULL,
primary_key = "user_id1"
"0000000000000000000000000000000000000000000000000000000000000001"
// ------------------------------------------------------------------------
password = get_password()
password = getpass("Password: ")
password: str
password: str | None = None
password: string;
    password: string
    readonly token: string
token: Token,
token: u64
password = os.environ["PASSWORD"]
password = os.environ.get("DB_PASSWORD", "")
token = tokens[i]
token = tokenizer.next()
token = next_token
PASSWORD_MIN_LENGTH = 8
MAX_TOKENS = 4096
max_tokens=4096
PASSWORD_RESET_TIMEOUT_DAYS = 3
"password": "Passwort"
"password": "Mot de passe",
"password": "Contraseña",
"forgotPassword": "Forgot your password?",
"passwordHint": "At least 8 characters",
password: 'Enter your password',
def login(user, password, token=None):
fn login(user: &str, password: &str) -> bool {
func Login(user, password string) error {
login(password=password, token=token)
self.password = password
this.token = token;
const { password, token } = req.body
password = "changeme"
password = "your-password"
password="password"
API_KEY=your_api_key_here
api_key = "<your-token>"
token = "YOUR_TOKEN_HERE"
SECRET_KEY = "${SECRET_KEY}"
password: ${DB_PASSWORD}
password: {{ .Values.password }}
DB_PASSWORD=$DB_PASSWORD
DB_PASSWORD=$(cat /run/secrets/db)
PASSWORD=****
password = "********"
passwordFile = "/run/secrets/db"
secret: /run/secrets/db1
secretName: my-app-secret
SECRET_KEY = config("SECRET_KEY")
secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db"
postgres://user:password@localhost/db
https://example.org/a:b@c
https://user:${PASSWORD}@host/
parser.add_argument("--api-key")
parser.add_argument("--token", help="the access token to use in 2024")
secret = getpass("Secret: ")
password = "${PASSWORD}"
key = 'a'
token_type = "bearer"
TOKEN_HEADER = "X-Auth-Token-2"
tokens = ["a1", "b2", "c3"]
token = "+="
if token == "end_of_line1":
class PasswordField(CharField):
import secrets, tokenize
from .token1 import Token2
<input type="password" name="password1">
<label for="password">Password</label>
input(type="password", id="password2")
hash = hashlib.sha256(password.encode()).hexdigest()
"integrity": "sha512-q8Zr3xT0vK5mW9bN2cY7hJ4dF6gS1pLeq8Zr3xT0vK5mW9bN2cY7hJ4dF6gS1pLeAA=="
sha256 = "3a7bd3e2360a3d29eea436fcfb7e44c735d117c42d1c1835420b6b9942dd4f1b"
id = "550e8400-e29b-41d4-a716-446655440000"
x = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
name = "application/vnd.openxmlformats-officedocument2"
const handleAuthenticationTokenRefreshForUser2 = 1
task-based-risk-assessment-2024-with-very-long-name
bypass = "v1.2.3"
compass = "north1"
author = "j0hn"
authors: "a1b2c3"
passes = "x1y2z3"
keyboard_key = "F12"
PRIMARY_KEY = "id2"
foreign_key="users.id1"
"""


@pytest.mark.parametrize("line", SECRET_LINES.strip().splitlines())
def test_a_line_that_gives_a_secret_its_value_is_left_out(line: str) -> None:
    assert holds_secret(line)
    assert without_secrets(f"a = 1\n{line}\nb = 2\n") == "a = 1\nb = 2\n"


@pytest.mark.parametrize("line", ORDINARY_LINES.strip().splitlines())
def test_code_and_prose_about_secrets_stay(line: str) -> None:
    assert not holds_secret(line)
    assert without_secrets(line + "\n") == line + "\n"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("config/db.yaml", "  password: mustang"),
        ("config/db.yml", "password: ottawa"),
        ("app.ini", "password = hunter2"),
        ("app.properties", "mail.password = correcthorse"),
        ("my.cnf", "password = hunter2"),
    ],
)
def test_in_files_of_settings_a_bare_word_behind_a_key_is_its_value(path: str, line: str) -> None:
    assert without_secrets(line + "\n", path) == ""
    assert without_secrets(line + "\n", "a.py") == line + "\n"


@pytest.mark.parametrize(
    "kind", ["RSA PRIVATE KEY", "PRIVATE KEY", "EC PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "CERTIFICATE"]
)
@pytest.mark.parametrize("indent", ["", "    ", "\t"])
def test_a_key_in_pem_form_is_left_out_whole(kind: str, indent: str) -> None:
    key = f"-----BEGIN {kind}-----\nMIIEow\n\nabc=\n-----END {kind}-----\n"
    key = "".join(indent + line for line in key.splitlines(keepends=True))
    assert without_secrets(f"a\n{key}b\n") == "a\nb\n"


def test_a_key_that_does_not_end_takes_the_rest_along() -> None:
    assert without_secrets("a\n-----BEGIN PRIVATE KEY-----\nMIIEow\n") == "a\n"


def test_the_middle_of_a_key_is_left_out_too() -> None:
    first = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2"
    body = f"{first}\nQyNTUxOQAAACC5YjhmOWE3ZDZlNGMzYjJhMTAwZDllOGY3YTZiNWM0ZDNlMmYxYTBi\n"
    assert without_secrets(body + "=x\n") == "=x\n"


def test_code_that_looks_for_keys_goes_on_after_their_name() -> None:
    code = 'HEADER = "-----BEGIN CERTIFICATE-----"\ndef read(file):\n    return file.read()\n'
    assert without_secrets(code) == code[code.index("def") :]


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "password=",
            "password = '",
            '"password": "',
            "token",
            "a-key_",
            "secret:",
            "eyJ",
            "eyJa.",
            "sk-",
            "://a:b",
        ),
        *(
            "-----BEGIN ",
            "AKIA",
            "bearer ",
            "identified by '",
            "a",
            '"',
            "'`\"",
            "pass ",
            " =",
            "(",
            ".",
            "A=",
            "_key ",
        ),
        *(
            "aA1",
            "password[",
            "<password>",
            "auth" * 9,
            "pass-",
            "\\",
            "ghp_a",
            "/api/webhooks/1",
            "=" * 40,
            "a " * 20,
        ),
    ],
)
def test_no_line_takes_long(piece: str) -> None:
    """The best of some tries: others use the processor, too; a bad expression takes seconds every time."""
    line = piece * (100_000 // len(piece))

    def seconds() -> float:
        before = time.thread_time()
        without_secrets(line)
        return time.thread_time() - before

    assert min(seconds() for _ in range(5)) < 0.010


@given(st.text())
def test_what_is_left_is_made_of_the_lines_that_were_there(text: str) -> None:
    lines = text.splitlines(keepends=True)
    left = without_secrets(text).splitlines(keepends=True)
    rest = iter(lines)
    assert all(line in rest for line in left)
