"""Prometheus' rules and Grafana's dashboard against what a real exporter answers, judged by promtool where it is installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._daemon.types import DaemonHeartbeat
from prometheus_client.parser import text_string_to_metric_families

from leadscout_assets.alerts.rules import by_name
from leadscout_assets.defs.instance_metrics import InstanceMetrics
from leadscout_assets.exporter import make_server
from leadscout_assets.home_metrics import HomeMetrics
from leadscout_assets.leads.delivery import Delivery
from leadscout_assets.metrics.families import BY_NAME, HISTOGRAM, PREFIX
from leadscout_assets.runs.history import RUN_PERFORMANCE, Event, to_frame
from leadscout_assets.runs.record import RunRecord
from tests.defs.backlog import fail_many
from tests.defs.ground import small_list

ROOT = Path(__file__).parents[2]
RULES_FILE = ROOT / "docker" / "prometheus" / "alerts.rules.yml"
RULES = {rule["alert"]: rule for rule in yaml.safe_load(RULES_FILE.read_text(encoding="utf-8"))["groups"][0]["rules"]}
DASHBOARD = json.loads((ROOT / "docker" / "grafana" / "dashboards" / "leadscout.json").read_text(encoding="utf-8"))
OWN_PAGES = {"exporter_down", "source_unread", "availability_low"}

FROM_OUTSIDE = {"job", "instance"}
"""Labels that Prometheus sets: a metric's own of the same name would be renamed."""

FIGURES = {
    "run_stuck": 900,
    "tick_failing": 3,
    "daemon_silent": 120,
    "error_rate": 0.01,
    "slow_answers": 2,
    "disk_low": 0.2,
    "memory_high": 0.8,
    "connections_low": 2,
    "alert_lag": 60,
}
"""The figure in each expression that stands for the rule's own, in the unit of the metric."""

IN_RULES_UNIT = {"run_stuck": 60}


def expressions() -> list[str]:
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]
    return [*panels, *(rule["expr"] for rule in RULES.values())]


def family_of(name: str) -> str:
    plain = name.removeprefix(PREFIX)
    shorter = re.sub(r"_(bucket|count|sum)$", "", plain)
    return shorter if shorter in BY_NAME and BY_NAME[shorter].kind == HISTOGRAM else plain


def promtool(*arguments: object, given: str | None = None) -> subprocess.CompletedProcess[str]:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    return subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, input=given, check=False)


def test_every_metric_in_a_rule_or_on_the_dashboard_is_exported_with_the_labels_that_are_asked_for():
    for expression in expressions():
        found = re.findall(r"(leadscout_\w+)(?:\{([^}]*)\})?", expression)
        assert found or "up{" in expression, expression
        for name, selectors in found:
            family = BY_NAME[family_of(name)]
            assert set(re.findall(r"(\w+)\s*[=!]", selectors)) <= set(family.labels), expression
    labels = {label for family in BY_NAME.values() for label in family.labels}
    grouped = {label for e in expressions() for by in re.findall(r"by \(([^)]*)\)", e) for label in by.split(", ")}
    assert grouped <= labels | {"le"}
    assert not labels & FROM_OUTSIDE


def test_every_rule_of_leadscout_has_one_of_its_name_with_its_figure_and_its_page():
    own = by_name()
    assert set(RULES) == set(own) | OWN_PAGES
    monitoring = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    for name, rule in RULES.items():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]
        if name in OWN_PAGES:
            assert rule["annotations"]["runbook"] == f"docs/monitoring.md#{name}"
            assert f"\n### {name}\n" in monitoring
        else:
            assert rule["annotations"]["runbook"] == own[name].page
    for name, figure in FIGURES.items():
        assert own[name].warning * IN_RULES_UNIT.get(name, 1) == pytest.approx(figure, abs=1e-6), name
        assert re.search(rf"(?<![\w.]){re.escape(str(figure))}(?![\w.])", RULES[name]["expr"]), name


def test_every_panel_has_a_title_a_place_and_the_data_source_that_is_provided():
    sources = yaml.safe_load(
        (ROOT / "docker" / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )
    (source,) = sources["datasources"]
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in panels} == {source["uid"]}
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    places = [tuple(panel["gridPos"][axis] for axis in "xy") for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len(places)
    assert all(panel["title"] and panel["targets"] for panel in panels)


@pytest.fixture
def scraped(ground) -> str:
    """What an exporter answers on a home with a delivery, run records, verdicts, failed runs and a daemon that beats."""
    delivered: Delivery = ground.deliver("leads.csv", small_list(1))
    record = RunRecord("classifications", "r", 1, 100, 100, 2.0, 50.0, 200.0, machine_class="m", cold=False, answered=9)
    records = [RunRecord(**{**vars(record), "run_id": f"r{n}"}) for n in range(12)]
    at = datetime.now(UTC) - timedelta(hours=1)
    events = [Event(n, at, one, delivered.batch_id, 100) for n, one in enumerate(records, 1)]
    ground.home.tables.add_new(RUN_PERFORMANCE, to_frame(events))
    for daemon in ground.instance.get_required_daemon_types():
        ground.instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), daemon, "one"))
    instance, home = InstanceMetrics(ground.settings), HomeMetrics(ground.settings)
    sources = {**instance.sources(), **home.sources()}
    with make_server(ground.settings.model_copy(update={"exporter_port": 0}), sources=lambda _: sources) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            server.asked.reader.read()
            fail_many(ground.instance, 1)
            for passed in (True, False):
                ground.instance.report_runless_asset_event(
                    dg.AssetCheckEvaluation(asset_key=dg.AssetKey("leads"), check_name="conservation", passed=passed)
                )
            server.asked.reader.read()
            began = time.perf_counter()
            with urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}/metrics") as response:
                text = response.read().decode()
            # A bound against waiting for sources; what a scrape costs, the benchmark measures.
            assert time.perf_counter() - began < 30
        finally:
            server.shutdown()
            thread.join()
            server.asked.reader.stop()
            home.close()
            # Dagster remembers the instance that was opened last.
            instance.close()
    return text


def values(text: str) -> dict[str, float]:
    """Return each series as Prometheus writes it, with its value."""
    return {
        name + "{" + ",".join(f'{k}="{v}"' for k, v in sorted(sample.labels.items())) + "}": sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        for name in [sample.name]
    }


# What each alert fires on: series of a real scrape (a trailing * is any value of the labels left out), as promtool writes values.
BAD = {
    "run_failed": {'leadscout_runs_ended_total{dagster_job="lead_chain",outcome="failed"}': "0x20 1x40"},
    "run_stuck": {"leadscout_queue_oldest_seconds{}": "900x60"},
    "check_failed": {'leadscout_check_results_total{asset="leads",check="conservation",verdict="failed"}': "_x20 1x40"},
    "regression": {'leadscout_performance_verdict{asset="classifications",verdict="regression"}': "1x60"},
    "daemon_silent": {'leadscout_daemon_heartbeat_age_seconds{daemon="sensor"}': "200x60"},
    "error_rate": {
        'leadscout_runs_ended_total{dagster_job="lead_chain",outcome="failed"}': "0+1x60",
        'leadscout_runs_ended_total{dagster_job="lead_chain",outcome="succeeded"}': "0+9x60",
    },
    "slow_answers": {'leadscout_database_probe_seconds{database="application_database"}': "3x60"},
    "disk_low": {'leadscout_disk_bytes{kind="free"}': "100x60"},
    "memory_high": {'leadscout_memory_bytes{kind="available"}': "100x60"},
    "database_failing": {'leadscout_database_up{database="dagster_database"}': "0x60"},
    "alert_lag": {"leadscout_alert_lag_seconds{}": "61x60"},
    "deliveries_stale": {'leadscout_alerts_firing{level="warning",rule="deliveries_stale"}': "1x60"},
    "source_unread": {'leadscout_source_up{source="runs"}': "0x60"},
    "llm_failing": {'leadscout_alerts_firing{level="critical",rule="llm_failing"}': "1x60"},
}
NOT_IN_EVERY_SCRAPE = {
    "connections_low": {"leadscout_database_connections_free{}": "1x60"},
    "backup_failed": {"leadscout_backup_age_seconds{}": "90000x60"},
    "tick_failing": {'leadscout_ticks_failing{name="inbox"}': "3x60"},
    "availability_low": {
        "leadscout_availability_ratio{}": "0.9x60",
        "leadscout_availability_observed_seconds{}": "7200x60",
    },
    "exporter_down": {'up{job="leadscout"}': "0x60"},
}
WELL = {"leadscout_disk_bytes": "1000x60", "leadscout_memory_bytes": "1000x60", "leadscout_alerts_firing": "0x60"}
"""What this machine may make look bad, held well."""


def test_promtool_finds_each_rule_firing_on_its_own_series_of_a_real_scrape_and_none_on_the_rest(scraped, tmp_path):
    real = values(scraped)
    assert {series for bad in BAD.values() for series in bad} <= set(real)
    quiet = {series: f"{value:g}x60".replace("+Inf", "1e9").replace("inf", "1e9") for series, value in real.items()}
    quiet |= {series: held for series in quiet for name, held in WELL.items() if series.startswith(name)}
    tests = [_case(quiet, {}, None)]
    for alert, bad in (BAD | NOT_IN_EVERY_SCRAPE).items():
        tests.append(_case(quiet, bad, alert))
    file = tmp_path / "cases.yml"
    file.write_text(yaml.safe_dump({"rule_files": [str(RULES_FILE)], "evaluation_interval": "1m", "tests": tests}))
    done = promtool("test", "rules", file)
    assert done.returncode == 0, done.stdout + done.stderr


def _case(quiet: dict[str, str], bad: dict[str, str], alert: str | None) -> dict[str, object]:
    """Return promtool's test that exactly `alert` fires half an hour on; what else an expression gives is not compared."""
    series = [{"series": name, "values": held} for name, held in (quiet | bad).items()]
    fires = [
        {"expr": f'count(ALERTS{{alertstate="firing", alertname="{alert}"}}) > bool 0', "eval_time": "30m",
         "exp_samples": [{"labels": "{}", "value": 1}]}
    ]  # fmt: skip
    others = "|".join(sorted({alert or "", "run_failed" if alert == "error_rate" else ""}))
    silent = {"expr": f'ALERTS{{alertstate="firing", alertname!~"{others}"}}', "eval_time": "30m", "exp_samples": []}
    return {"interval": "1m", "input_series": series, "promql_expr_test": [*(fires if alert else []), silent]}


def test_promtool_finds_nothing_to_say_about_a_real_scrape_the_rules_or_the_configuration(scraped):
    lint = promtool("check", "metrics", given=scraped)
    assert (lint.returncode, lint.stdout + lint.stderr) == (0, "")
    done = promtool("check", "config", RULES_FILE.with_name("prometheus.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_real_scrape_has_what_every_part_of_the_home_tells(scraped):
    real = values(scraped)
    assert real["leadscout_batches{}"] == 1
    assert real['leadscout_runs_ended_total{dagster_job="lead_chain",outcome="failed"}'] == 1
    assert real['leadscout_check_results_total{asset="leads",check="conservation",verdict="failed"}'] == 1
    assert real['leadscout_steps_total{asset="classifications",outcome="succeeded"}'] == 12
    assert real['leadscout_leads_classified_total{answer="answered"}'] == 108
    assert all(value == 1 for series, value in real.items() if series.startswith("leadscout_source_up"))
