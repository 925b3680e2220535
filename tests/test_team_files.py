"""The compose file and the manifests that people take from the site: well-formed, and fit to each other."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

TEAM = Path(__file__).resolve().parents[1] / "docs" / "pages" / "team"
VLLM = "vllm/vllm-openai:v0.32.0"


@pytest.fixture
def compose() -> dict[str, Any]:
    return yaml.safe_load((TEAM / "compose.yaml").read_text())


@pytest.fixture
def manifests() -> dict[str, Any]:
    """By kind; each kind stands there once."""
    found = [
        cast("dict[str, Any]", one) for one in yaml.safe_load_all((TEAM / "kubernetes.yaml").read_text())
    ]
    assert len({one["kind"] for one in found}) == len(found)
    return {one["kind"]: one for one in found}


def test_the_compose_file_names_what_it_uses(compose: dict[str, Any]) -> None:
    assert set(compose) == {"services", "volumes"}
    services = compose["services"]
    known = {"image", "command", "environment", "volumes", "ipc", "restart", "healthcheck", "deploy", "ports"}
    for name, service in services.items():
        assert set(service) <= {*known, "depends_on"}, name
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= set(compose["volumes"])
        assert set(service.get("depends_on", ())) <= set(services)
    assert services["vllm"]["image"] == VLLM
    assert "ports" not in services["vllm"], "it is reached through the proxy alone"
    assert services["proxy"]["command"].endswith("--to vllm:8000")


def test_what_has_to_be_set_is_asked_for(compose: dict[str, Any]) -> None:
    text = (TEAM / "compose.yaml").read_text()
    assert (
        set(re.findall(r"\$\{(\w+):\?[^}]+\}", text))
        == set(re.findall(r"\$\{(\w+)", text))
        == {"KEY", "NAME"}
    )
    assert compose["services"]["vllm"]["environment"]["VLLM_API_KEY"].startswith("${KEY:?")


def test_docker_reads_the_compose_file() -> None:
    asked = ["docker", "compose", "version"]
    if not shutil.which("docker") or subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("there is no docker with compose")
    command = ["docker", "compose", "-f", str(TEAM / "compose.yaml"), "config", "--quiet"]
    read = subprocess.run(
        command,
        env={**os.environ, "KEY": "k", "NAME": "n"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert read.returncode == 0, read.stderr


def test_the_manifests_fit_each_other(manifests: dict[str, Any]) -> None:
    apis = {kind: one["apiVersion"] for kind, one in manifests.items()}
    assert apis == {
        "PersistentVolumeClaim": "v1",
        "Deployment": "apps/v1",
        "Service": "v1",
        "Ingress": "networking.k8s.io/v1",
    }
    assert all(one["metadata"]["name"] for one in manifests.values())
    spec = manifests["Deployment"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert manifests["Service"]["spec"]["selector"].items() <= labels.items()
    (container,) = spec["template"]["spec"]["containers"]
    assert container["image"] == VLLM
    ports = {port["name"] for port in container["ports"]}
    assert manifests["Service"]["spec"]["ports"][0]["targetPort"] in ports
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["port"] in ports
    volumes = spec["template"]["spec"]["volumes"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in volumes}
    claims = {v["persistentVolumeClaim"]["claimName"] for v in volumes if "persistentVolumeClaim" in v}
    assert claims == {manifests["PersistentVolumeClaim"]["metadata"]["name"]}
    (rule,) = manifests["Ingress"]["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend["name"] == manifests["Service"]["metadata"]["name"]
    assert backend["port"]["name"] == manifests["Service"]["spec"]["ports"][0]["name"]
    assert rule["host"] in manifests["Ingress"]["spec"]["tls"][0]["hosts"]
    assert manifests["Service"]["spec"]["sessionAffinity"] == "ClientIP"


def test_both_start_vllm_alike_and_with_what_foretype_needs(
    compose: dict[str, Any], manifests: dict[str, Any]
) -> None:
    here = set(compose["services"]["vllm"]["command"])
    there = set(manifests["Deployment"]["spec"]["template"]["spec"]["containers"][0]["args"])
    needed = {"--enable-prefix-caching", "--enable-prompt-tokens-details", "--scheduling-policy=priority"}
    assert needed <= here & there
    assert there <= here


def test_no_key_stands_in_either() -> None:
    for path in TEAM.iterdir():
        text = path.read_text()
        assert not re.search(r"(?i)(api[_-]?key|token|password)\s*[:=]\s*[\"']?[A-Za-z0-9]{8}", text), (
            path.name
        )
