"""The shapes of tokens that services hand out: they begin in a way that nothing else does.

Data about other people's formats, and one bounded search. Pure.
"""

from __future__ import annotations

import re

_MOST = 200

_SHAPES: dict[str, str] = {
    # Amazon
    **dict.fromkeys(("AKIA", "ASIA", "ABIA", "ACCA"), r"[0-9A-Z]{16}(?![0-9A-Za-z])"),
    # GitHub, GitLab
    **dict.fromkeys(("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), r"[A-Za-z0-9]{30}"),
    "github_pat_": r"\w{30}",
    **dict.fromkeys(("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "glsoat-"), r"[\w-]{18}"),
    # Slack, Discord, Telegram
    **dict.fromkeys(
        ("xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-", "xapp-"), r"[A-Za-z0-9-]{10}"
    ),
    "hooks.slack.com/services/": r"T\w{6,}/B\w{6,}/\w{16}",
    "/api/webhooks/": r"\d{16,20}/[\w-]{40}",
    # Stripe, Square, PayPal, Shopify
    **dict.fromkeys(("sk_live_", "sk_test_", "pk_live_", "rk_live_", "rk_test_"), r"[A-Za-z0-9]{16}"),
    "pk_test_": r"[A-Za-z0-9]{16}",
    "whsec_": r"[A-Za-z0-9+/]{24}",
    **dict.fromkeys(("sq0atp-", "sq0csp-"), r"[\w-]{20}"),
    **dict.fromkeys(("shpat_", "shpca_", "shppa_", "shpss_"), r"[0-9a-fA-F]{32}"),
    # Google
    "AIza": r"[\w-]{30}",
    "ya29.": r"[\w-]{20}",
    "GOCSPX-": r"[\w-]{24}",
    # models
    "sk-": r"(?=[\w-]{0,60}\d)(?=[\w-]{0,60}[A-Z])[\w-]{20}",
    "hf_": r"[A-Za-z0-9]{30}",
    "gsk_": r"[A-Za-z0-9]{40}",
    # packages
    "npm_": r"[A-Za-z0-9]{30}",
    "pypi-": r"(?=[\w-]{0,60}[A-Z])[\w-]{30}",
    "rubygems_": r"[0-9a-f]{40}",
    "dckr_pat_": r"[\w-]{20}",
    # clouds and services
    **dict.fromkeys(("dop_v1_", "doo_v1_", "dor_v1_"), r"[0-9a-f]{40}"),
    "SG.": r"[\w-]{16,32}\.[\w-]{30}",
    "xkeysib-": r"[0-9a-f]{40}",
    "dapi": r"[0-9a-f]{32}",
    "hvs.": r"[\w-]{24}",
    "glsa_": r"\w{30}",
    "sntrys_": r"\w{20}",
    "lin_api_": r"[A-Za-z0-9]{30}",
    "ATATT3": r"[\w=-]{40}",
    "pscale_": r"(?:tkn|pw|oauth)_[\w.-]{30}",
    "tskey-": r"[a-z]+-\w{10}",
    "AccountKey=": r"[A-Za-z0-9+/]{40}",
    "SharedAccessKey=": r"[A-Za-z0-9+/]{30}",
    "EAACEdEose0cBA": r"\w{10}",
    # formats
    "AGE-SECRET-KEY-1": r"[0-9A-Z]{40}",
    "eyJ": r"[\w-]{10,2000}\.[\w-]{10,4000}\.[\w-]{5}",
    "-----BEGIN ": r"[A-Z0-9 ]{0,40}(?:PRIVATE KEY|CERTIFICATE)",
}
_COMPILED = {beginning: re.compile(rest) for beginning, rest in _SHAPES.items()}


_LONG_LINE = 2000
"""Code points from which a line is rather data than code."""


def holds_token(text: str) -> bool:
    """Whether a token of a known shape stands in a text; True for too many candidates to examine."""
    wanted = _COMPILED
    if len(text) > _LONG_LINE:  # one look at its characters saves most of the searches
        present = frozenset(text)
        wanted = {beginning: rest for beginning, rest in _COMPILED.items() if present.issuperset(beginning)}
    return any(_stands_in(text, beginning, rest) for beginning, rest in wanted.items() if beginning in text)


def _stands_in(text: str, beginning: str, rest: re.Pattern[str]) -> bool:
    at = text.find(beginning)
    for _ in range(_MOST):
        if at < 0:
            return False
        # Not in the middle of a word: "task-", "Risk-Free".
        if not (at and text[at - 1].isalnum()) and rest.match(text, at + len(beginning)):
            return True
        at = text.find(beginning, at + 1)
    return True
