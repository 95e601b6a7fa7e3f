"""What the image is made of is there, and lets nothing heavy or private in."""

import ipaddress
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import yaml

from scene_model.config import ENVIRONMENT_PREFIX, PROJECT_DIR, Settings

# Of the composition itself, for the proxy; the app never sees them.
PROXY_VARIABLES = {"SCENE_DOMAIN"}


def text(name: str) -> str:
    return (PROJECT_DIR / name).read_text(encoding="utf-8")


def test_what_the_image_copies_is_there_and_let_through() -> None:
    let_through = [line[1:] for line in text(".dockerignore").splitlines() if line.startswith("!")]
    for line in re.findall(r"^COPY (?!--from)(.+)$", text("Dockerfile"), re.MULTILINE):
        for source in line.split()[:-1]:
            assert (PROJECT_DIR / source).exists(), source
            assert any(name == source or name.startswith(f"{source}/") for name in let_through)


def test_the_image_needs_no_training_and_no_rights() -> None:
    steps = text("Dockerfile")
    assert "requirements.txt" not in steps  # it names TensorFlow
    assert "--require-hashes -r requirements-serving.txt" in steps
    assert re.search(r"^USER (?!root)", steps, re.MULTILINE)


def test_variables_are_settings() -> None:
    names = {ENVIRONMENT_PREFIX + name.upper() for name in Settings.model_fields}
    pages = [f"docs/{page.name}" for page in (PROJECT_DIR / "docs").glob("*.md")]
    for name in ("Dockerfile", "compose.yaml", "render.yaml", "README.md", *pages):
        used = set(re.findall(r"SCENE_[A-Z_]+", text(name))) - PROXY_VARIABLES - {"SCENE_URL"}
        assert used <= names, (name, used - names)


def test_secrets_stay_out_of_the_image_and_the_repository() -> None:
    ignored = text(".dockerignore").splitlines()
    assert ignored.index(".streamlit/secrets.toml") > ignored.index("!.streamlit")
    assert "/.streamlit/secrets.toml" in text(".gitignore").splitlines()


def test_base_images_actions_and_tools_have_exact_versions() -> None:
    images = re.findall(r"^FROM (\S+)", text("Dockerfile"), re.MULTILINE)
    images += re.findall(r"^ +image: (\S+)", text("compose.yaml"), re.MULTILINE)
    images.remove("scene-gallery")
    assert len(images) == 3
    assert all(re.search(r":\d+\.\d+\.\d+(-\w+)?$", image) for image in images), images
    workflow = text(".github/workflows/check.yml")
    used = re.findall(r"uses: \S+@(.*)$", workflow, re.MULTILINE)
    assert used
    assert all(re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+|v\d+\.\d+\.\d+", u) for u in used), used
    assert re.search(r"pip install pip-audit==\d+\.\d+\.\d+$", workflow, re.MULTILINE)
    assert "--strict --require-hashes --disable-pip -r requirements-serving.txt" in workflow


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(text("compose.yaml")))


def test_containers_have_limits() -> None:
    services = compose()["services"]
    assert sorted(services) == ["app", "proxy"]
    for name, service in services.items():
        assert service["mem_limit"], name
        assert service["pids_limit"] > 0, name
        assert service["ulimits"]["nofile"] >= 65_536, name
        assert service["logging"]["options"]["max-size"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_only_the_proxy_is_trusted_and_no_container_can_take_its_address() -> None:
    described = compose()
    app, proxy = described["services"]["app"], described["services"]["proxy"]
    assert "ports" not in app
    address = proxy["networks"]["default"]["ipv4_address"]
    assert app["environment"]["SCENE_TRUSTED_PROXIES"] == address
    (network,) = described["networks"]["default"]["ipam"]["config"]
    subnet, taken = (ipaddress.IPv4Network(network[name]) for name in ("subnet", "ip_range"))
    assert ipaddress.IPv4Address(address) in subnet
    assert taken.subnet_of(subnet)
    assert ipaddress.IPv4Address(address) not in taken
    assert network["gateway"] != address


def health_check() -> list[str]:
    (command,) = re.findall(r"^    CMD (\[.*\])$", text("Dockerfile"), re.MULTILINE)
    program, *arguments = json.loads(command)
    assert program == "python"
    return [sys.executable, *arguments]


@pytest.mark.parametrize("status", [200, 503])
def test_the_health_check_asks_at_the_configured_port(status: int) -> None:
    requested_paths = list[str]()

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested_paths.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = os.environ | {"SCENE_PORT": str(server.server_port)}
        done = subprocess.run(health_check(), env=environment, capture_output=True, check=False)
        server.shutdown()
    assert requested_paths == ["/api/health"]
    assert (done.returncode == 0) is (status == 200)
