"""Requests go through the rendered router: real Envoy, a real endpoint picker, simulated engines.

The picker is that of the Gateway API inference extension, the last that can be built from public modules;
llm-d's own has other plugins, whose configuration is checked by a table. It takes the arguments that are
rendered, but for the configuration file.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from openai import OpenAI

from outlay.catalog import load_catalog
from tests.cluster.api import Api, refusals, wait_until
from tests.cluster.definitions import establish
from tests.cluster.nodes import nodes
from tests.cluster.plane import LAYOUT, ControlPlane
from tests.cluster.world import World
from tests.serving import builders, find, patterns
from tools.cluster import build
from tools.cluster.pins import PICKER, SIMULATOR

pytestmark = pytest.mark.datapath
NAME = builders.LLAMA
MODEL = load_catalog().model("llama-3.1-8b").hf_id
PORTS = (18001, 18002)
URL = "http://127.0.0.1:8081"
CONFIG = """\
apiVersion: inference.networking.x-k8s.io/v1alpha1
kind: EndpointPickerConfig
plugins:
- type: queue-scorer
- type: kv-cache-utilization-scorer
- type: prefix-cache-scorer
schedulingProfiles:
- name: default
  plugins:
  - {pluginRef: queue-scorer, weight: 2}
  - {pluginRef: kv-cache-utilization-scorer, weight: 2}
  - {pluginRef: prefix-cache-scorer, weight: 3}
"""


def on_loopback(stage: str) -> str:
    """Return a stage of KWOK in which pods have the address where the engines really are."""
    return stage.replace("podIP: {{ index . 0 | Quote }}", 'podIP: "127.0.0.1"').replace(
        "- ip: {{ . | Quote }}", '- ip: "127.0.0.1"'
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """The whole path, running; every part is stopped although a test fails."""
    plane = ControlPlane(tmp_path_factory.mktemp("path"), stage=on_loopback)
    plane.start()
    try:
        declare(plane)
        start_engines(plane)
        start_router(plane)
        wait_until(lambda: is_answering(plane), what="the first answer", timeout_s=60)
        yield plane
    finally:
        plane.stop()


def declare(plane: ControlPlane) -> None:
    """Apply the rendered objects: one replica, whose two ports are the two engines."""
    api = Api(plane.login)
    establish(api)
    extra = [
        yaml.safe_load((build.folder(PICKER, LAYOUT) / Path(name).name).read_text("utf-8"))
        for name in PICKER.files
    ]
    assert not list(refusals(api, extra, dry_run=False))
    made = patterns.pattern("plain", "aws")
    world = World(api)
    world.add_nodes(nodes(made.plan.clusters[0]))
    bodies = [item.body() for item in made.render().objects]
    for body in bodies:
        if body["kind"] == "InferencePool":
            body["spec"]["targetPorts"] = [{"number": port} for port in PORTS]
        if body["kind"] == "Deployment" and find.is_engine(body):
            body["spec"]["replicas"] = 1
    world.apply(bodies)
    world.settled("llm-d", pods=2, all_run=True)
    api.close()


def start_engines(plane: ControlPlane) -> None:
    """Start one simulated vLLM on each port, the second slower."""
    for port, token_ms in zip(PORTS, (5, 20), strict=True):
        plane.processes.start(
            build.program(SIMULATOR, "llm-d-inference-sim", LAYOUT),
            f"--port={port}",
            f"--model={MODEL}",
            "--force-dummy-tokenizer",
            "--latency-calculator=constant",
            "--time-to-first-token=50ms",
            f"--inter-token-latency={token_ms}ms",
            "--max-num-seqs=8",
            "--max-model-len=4096",
        )


def start_router(plane: ControlPlane) -> None:
    """Start picker and Envoy with the rendered arguments; only their files lie elsewhere."""
    manifests = [patterns.pattern("plain", "aws").render()]
    config = find.one(manifests, "ConfigMap", f"{NAME}-envoy")["data"]["envoy.yaml"]
    files = {"/config/epp-config.yaml": CONFIG, "/etc/envoy/envoy.yaml": config}
    places = {name: plane.folder / Path(name).name for name in files}
    for name, text in files.items():
        places[name].write_text(text, encoding="utf-8")
    (router,) = find.routers(manifests)
    picker, proxy = (
        [str(places.get(arg, arg)) for arg in container["args"]]
        for container in find.pod(router)["containers"]
    )
    identity = {"NAMESPACE": "llm-d", "POD_NAME": f"{NAME}-epp-1-1"}
    plane.processes.start(
        build.program(PICKER, "epp", LAYOUT),
        *picker,
        env=identity | {"KUBECONFIG": str(plane.kubeconfig)},
    )
    plane.processes.start(Path(sys.executable).parent / "envoy", *proxy)


def is_answering(plane: ControlPlane) -> bool:
    """Whether a request gets through to an engine."""
    plane.processes.check()
    try:
        with urllib.request.urlopen(f"{URL}/v1/models", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def served(port: int) -> int:
    """Return the requests that an engine says it has answered."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    counts = [
        line.rpartition(" ")[2] for line in lines if line.startswith("vllm:request_success_total")
    ]
    return int(sum(map(float, counts)))


def client(*, retries: int = 0) -> OpenAI:
    """Return the official client of the API that engines offer."""
    return OpenAI(base_url=f"{URL}/v1", api_key="none", max_retries=retries, timeout=60)


def ask(text: str, *, retries: int = 0) -> str:
    """Return the answer to one prompt."""
    answer = client(retries=retries).chat.completions.create(
        model=MODEL, messages=[{"role": "user", "content": text}], max_tokens=16
    )
    return answer.choices[0].message.content or ""


def test_a_plain_answer(path: ControlPlane) -> None:
    assert ask("What is the cheapest GPU?")


def test_a_streamed_answer(path: ControlPlane) -> None:
    """Token by token, with the usage at its end, as billing by tokens needs."""
    stream = client().chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Count."}],
        max_tokens=16,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    assert len(chunks) > 2
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 0


def test_both_engines_work_and_count_what_was_sent(path: ControlPlane) -> None:
    """The picker spreads; no request is lost or sent twice."""
    before = [served(port) for port in PORTS]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, [f"Prompt number {n} of many." for n in range(40)]))
    assert all(answers)
    after = [served(port) for port in PORTS]
    shares = [now - then for now, then in zip(after, before, strict=True)]
    assert sum(shares) == 40
    assert min(shares) > 0


def test_a_client_cannot_name_the_replica(path: ControlPlane) -> None:
    """Else it could reach any address in the network: the rendered proxy drops the header."""
    answer = client().chat.completions.with_raw_response.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Hello."}],
        max_tokens=4,
        extra_headers={"x-gateway-destination-endpoint": "127.0.0.1:1"},
    )
    assert answer.status_code == 200


def test_a_lost_engine_loses_nothing_that_can_be_retried(path: ControlPlane) -> None:
    """The last test of the path: one engine ends, and every request is answered by the other."""
    engines = [r for r in path.processes.started if "llm-d-inference-sim" in str(r.process.args)]
    engines[1].process.kill()
    engines[1].process.wait()
    assert all(ask(f"Still there? {n}", retries=8) for n in range(20))
