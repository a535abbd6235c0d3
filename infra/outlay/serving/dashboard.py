"""A Grafana dashboard over the recording rules: cost beside load and promise, for each workload."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

WIDTH, HEIGHT, COLUMNS = 12, 8, 2
_SERIES = '{outlay_workload=~"$workload"}'
# Title, expression, unit (a name of Grafana's).
PANELS: Sequence[tuple[str, str, str]] = (
    ("USD per hour", f"outlay:usd_per_hour{_SERIES}", "currencyUSD"),
    ("USD per million tokens", f"outlay:usd_per_million_tokens{_SERIES}", "currencyUSD"),
    ("Requests per USD", f"outlay:requests_per_usd{_SERIES}", "short"),
    ("Requests per hour", f"outlay:requests_per_hour{_SERIES}", "short"),
    ("Mean time to first token", f"outlay:ttft_mean_seconds{_SERIES}", "s"),
    ("Mean time per output token", f"outlay:tpot_mean_seconds{_SERIES}", "s"),
    ("Replicas ready", "sum by (namespace, pod) (llm_d_epp_ready_endpoints)", "short"),
    ("Waiting in the router", "sum by (service) (llm_d_epp_flow_control_queue_size)", "short"),
    ("KV cache in use", "avg by (llm_d_ai_guide) (vllm:kv_cache_usage_perc)", "percentunit"),
    ("GPU active", "avg by (pod) (DCGM_FI_PROF_GR_ENGINE_ACTIVE)", "percentunit"),
)


def dashboard(cluster: str) -> Mapping[str, object]:
    """Return the dashboard of a cluster as Grafana imports it."""
    return {
        "title": f"outlay: {cluster}",
        "uid": f"outlay-{cluster}"[:40],
        "schemaVersion": 39,
        "timezone": "utc",
        "refresh": "1m",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [_data_source(), _workload()]},
        "panels": list(_panels()),
    }


def _data_source() -> Mapping[str, object]:
    return {"name": "source", "type": "datasource", "query": "prometheus", "label": "Prometheus"}


def _workload() -> Mapping[str, object]:
    return {
        "name": "workload",
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "$source"},
        "query": "label_values(outlay:usd_per_hour, outlay_workload)",
        "includeAll": True,
        "multi": True,
        "refresh": 2,
    }


def _panels() -> Iterator[Mapping[str, object]]:
    for index, (title, expression, unit) in enumerate(PANELS):
        row, column = divmod(index, COLUMNS)
        yield {
            "id": index + 1,
            "title": title,
            "type": "timeseries",
            "datasource": {"type": "prometheus", "uid": "$source"},
            "gridPos": {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT},
            "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
            "targets": [{"refId": "A", "expr": expression}],
        }
