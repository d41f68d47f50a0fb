"""Rules that the Dockerfile and the compose files keep, and that no run of them would show to be broken."""

from __future__ import annotations

import fnmatch
import re
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadscout_assets.settings import Settings
from tests.docker.compose import DEVELOPMENT, DOCKER, PRODUCTION, ROOT, Refused, read

VARIABLES = {"LEADSCOUT_IMAGE": "leadscout:1.2.3"}
SERVICES = read(PRODUCTION, VARIABLES)["services"]
MONITORING = read("compose.monitoring.yaml", VARIABLES)["services"]
EVERY_SERVICE = SERVICES | MONITORING
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")
BUILDER, RUNTIME = DOCKERFILE.split("\nFROM ")[1:]

RESERVED_CONNECTIONS = 13
"""PostgreSQL keeps three for its superuser; ten are for people and backups."""

POOLS = {
    # How many processes of a service have a pool, and on how many databases.
    "code-location": [("the supervisor", 2), ("the code server", 2), ("a run", 2), ("another run", 2)],
    "webserver": [("the webserver", 1)],
    "daemon": [("the daemon", 1)],
    "exporter": [("the exporter", 2)],
    "typed commands": [("leadscout backfill", 2)],
}


def one_command(service: dict[str, Any]) -> bool:
    return isinstance(service["command"], list)


def no_new_privileges(service: dict[str, Any]) -> bool:
    return service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]


def not_root(service: dict[str, Any]) -> bool:
    user, group = service["user"].split(":")
    return int(user) > 0 and int(group) > 0


def image_with_a_version(service: dict[str, Any]) -> bool:
    version = service["image"].rpartition(":")[2]
    return version not in ("", "latest", service["image"]) and "build" not in service


def limited(service: dict[str, Any]) -> bool:
    limits = service["deploy"]["resources"]["limits"]
    return float(limits["cpus"]) > 0 and limits["memory"][-1] in "mg" and service["pids_limit"] > 0


def started_again(service: dict[str, Any]) -> bool:
    return service["restart"] == "unless-stopped" and service["stop_grace_period"].endswith("s")


def asked_for_its_health(service: dict[str, Any]) -> bool:
    check = service["healthcheck"]
    return check["test"][0] == "CMD" and {"interval", "timeout", "retries", "start_period"} <= set(check)


def read_only(service: dict[str, Any]) -> bool:
    return service["read_only"] is True and any(one.startswith("/tmp") for one in service["tmpfs"])


def logs_bounded(service: dict[str, Any]) -> bool:
    return {"max-size", "max-file"} <= set(service["logging"]["options"])


def published_on_this_machine_alone(service: dict[str, Any]) -> bool:
    return all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def nothing_from_the_host_but_named_places(service: dict[str, Any]) -> bool:
    privileged = {"privileged", "network_mode", "pid", "ipc", "devices", "cap_add", "env_file"} & set(service)
    return not privileged and not any("docker.sock" in volume for volume in service.get("volumes", []))


def secrets_only_as_files(service: dict[str, Any]) -> bool:
    secretive = {k: v for k, v in service["environment"].items() if re.search("PASS|SECRET|TOKEN|KEY", k)}
    return all(k.endswith("_FILE") and str(v).startswith("/run/secrets/") for k, v in secretive.items())


def no_password_in_a_url(service: dict[str, Any]) -> bool:
    return not any(re.search(r"://[^/@\s]*:[^/@\s]+@", str(value)) for value in service["environment"].values())


RULES = (
    one_command,
    no_new_privileges,
    not_root,
    image_with_a_version,
    limited,
    started_again,
    asked_for_its_health,
    read_only,
    logs_bounded,
    published_on_this_machine_alone,
    nothing_from_the_host_but_named_places,
    secrets_only_as_files,
    no_password_in_a_url,
)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("service", EVERY_SERVICE)
def test_in_production_each_service_keeps_the_rule(service, rule):
    assert rule(EVERY_SERVICE[service])


def test_monitoring_is_added_to_production_without_changing_it_and_mounts_what_is_there():
    assert set(MONITORING) == {"prometheus", "grafana"}
    assert not set(MONITORING) & set(SERVICES)
    for service in MONITORING.values():
        assert service["networks"] == ["outside"]
        sources = [volume.split(":")[0] for volume in service["volumes"] if volume.startswith("./")]
        assert all((DOCKER / source).is_dir() for source in sources)
    (target,) = yaml.safe_load((DOCKER / "prometheus" / "prometheus.yml").read_text())["scrape_configs"][0][
        "static_configs"
    ]
    assert target["targets"] == [f"exporter:{SERVICES['exporter']['environment']['LEADSCOUT_EXPORTER_PORT']}"]
    assert "outside" in SERVICES["exporter"]["networks"]
    provided = yaml.safe_load((DOCKER / "grafana/provisioning/dashboards/leadscout.yml").read_text())["providers"][0]
    assert f"./grafana/dashboards:{provided['options']['path']}:ro" in MONITORING["grafana"]["volumes"]
    published = [port for service in EVERY_SERVICE.values() for port in service.get("ports", [])]
    assert len(set(published)) == len(published)


def test_production_is_the_code_location_webserver_daemon_exporter_and_postgresql():
    assert set(SERVICES) == {"code-location", "webserver", "daemon", "exporter", "postgres"}
    ours = {service["image"] for name, service in SERVICES.items() if name != "postgres"}
    assert ours == {"leadscout:1.2.3"}
    assert all(SERVICES[name]["init"] for name in set(SERVICES) - {"postgres"})


def test_the_drill_has_a_database_of_its_own_where_its_runs_are_executed_and_the_owner_of_the_others_owns_it():
    statements = (DOCKER / "postgres" / "databases.sql").read_text(encoding="utf-8")
    made = dict(re.findall(r"^CREATE DATABASE (\w+) OWNER (\w+);$", statements, re.MULTILINE))
    development = read(DEVELOPMENT, {})["services"]["code-location"]
    for service in (SERVICES["code-location"], development):
        urls = {k: str(v) for k, v in service["environment"].items() if k.endswith("DATABASE_URL")}
        named = {key: url.rpartition("/")[2] for key, url in urls.items()}
        assert named.keys() == {f"LEADSCOUT_{kind}DATABASE_URL" for kind in ("", "DAGSTER_", "DRILL_")}
        assert sorted(named.values()) == sorted(made)
        assert {url.rpartition("/")[0] for url in urls.values()} == {"postgresql://leadscout@postgres:5432"}
    assert set(made.values()) == {"leadscout"}
    assert re.search(rf"^REVOKE ALL ON DATABASE {', '.join(made)} FROM PUBLIC;$", statements, re.MULTILINE)
    assert "`leadscout_drill`" in (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def test_the_database_is_reached_from_inside_only():
    networks = read(PRODUCTION, VARIABLES)["networks"]
    assert SERVICES["postgres"]["networks"] == SERVICES["code-location"]["networks"] == ["inside"]
    assert networks["inside"] == {"internal": True}
    assert "ports" not in SERVICES["postgres"]


def test_production_refuses_to_start_without_an_image_and_has_no_secret_that_is_not_a_file():
    with pytest.raises(Refused, match="version"):
        read(PRODUCTION, {})
    secrets = read(PRODUCTION, VARIABLES | {"LEADSCOUT_SECRETS_DIR": "/elsewhere"})["secrets"]
    assert secrets == {name: {"file": f"/elsewhere/{name}"} for name in ("database_password", "postgres_password")}


def test_no_secret_of_production_lies_in_the_repository_or_could_be_committed():
    assert not (DOCKER / "secrets").exists() or not any((DOCKER / "secrets").iterdir())
    assert "docker/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_postgresql_takes_as_many_connections_as_all_pools_together_may_open():
    pool = Settings.model_fields["database_pool_size"].default + Settings.model_fields["database_max_overflow"].default
    wanted = sum(pools * pool for processes in POOLS.values() for _, pools in processes)
    assert POOLS.keys() - {"typed commands"} == SERVICES.keys() - {"postgres"}
    most = int(
        next(word for word in SERVICES["postgres"]["command"] if word.startswith("max_connections")).split("=")[1]
    )
    assert most >= wanted + RESERVED_CONNECTIONS
    text = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")
    assert f"{wanted} connections" in text
    assert f"max_connections={most}" in text


def test_two_runs_at_a_time_are_what_the_count_of_connections_takes_for_granted():
    configuration = yaml.safe_load((DOCKER / "dagster.yaml").read_text(encoding="utf-8"))
    runs = configuration["run_coordinator"]["config"]["max_concurrent_runs"]
    assert runs == len([who for who, _ in POOLS["code-location"] if who.endswith("run")])


def test_development_builds_the_image_mounts_the_source_and_needs_nothing_set():
    services = read(DEVELOPMENT, {})["services"]
    assert "secrets" not in read(DEVELOPMENT, {})
    for name in ("code-location", "webserver", "daemon"):
        assert services[name]["build"] == {"context": "..", "dockerfile": "docker/Dockerfile"}
        assert "../leadscout_assets:/src/leadscout_assets:ro" in services[name]["volumes"]
        assert services[name]["environment"]["PYTHONPATH"] == "/src"
        assert published_on_this_machine_alone(services[name])
    generated = {one["environment"]["LEADSCOUT_DATABASE_PASSWORD_FILE"] for one in services.values() if "build" in one}
    assert generated == {services["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"]}
    assert generated.pop() in services["password"]["command"][0]


def test_development_asks_the_services_in_the_same_way_as_production():
    development = read(DEVELOPMENT, {})["services"]
    for name in set(development) & set(SERVICES):
        assert development[name]["healthcheck"]["test"] == SERVICES[name]["healthcheck"]["test"]


# --- the image ---


def test_the_image_has_two_stages_and_only_the_first_has_anything_to_build_with():
    assert BUILDER.startswith("${PYTHON_IMAGE} AS builder")
    assert RUNTIME.startswith("${PYTHON_IMAGE} AS runtime")
    installing = re.compile(r"\b(pip install|uv |uv=|apk |gcc|build-essential|curl|wget|git)\b")
    assert installing.search(BUILDER)
    assert not installing.search(RUNTIME)
    assert re.findall(r"apt-get install .* (\S+) ", RUNTIME) == ["postgresql-client-17"]


def test_the_image_dumps_with_programs_of_the_servers_version():
    images = {one["image"] for one in (SERVICES["postgres"], read(DEVELOPMENT, {})["services"]["postgres"])}
    assert images == {"postgres:17-trixie"}
    assert "postgresql-client-17" in RUNTIME
    assert re.search(r"^ARG PYTHON_IMAGE=\S+-trixie$", DOCKERFILE, re.MULTILINE)

    assert "pip uninstall" in RUNTIME
    assert "ensurepip" in RUNTIME


def test_the_image_is_installed_by_the_script_that_the_tests_run():
    assert "docker/install.sh /opt/leadscout" in BUILDER
    assert "COPY --from=builder /opt/leadscout /opt/leadscout" in RUNTIME
    assert (DOCKER / "install.sh").stat().st_mode & stat.S_IXUSR


def test_the_base_can_be_named_by_its_digest_and_is_not_whatever_is_newest():
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    assert re.fullmatch(r"python:3\.1[123]-slim-\w+", base)
    assert re.search(r"uv==\$\{UV_VERSION\}", BUILDER)


def test_the_image_runs_as_a_user_with_a_fixed_id_and_knows_its_health():
    assert "\nUSER 10001:10001\n" in RUNTIME
    assert RUNTIME.index("USER ") > RUNTIME.index("RUN ")
    check = re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", RUNTIME, re.MULTILINE)
    command = re.search(r"^CMD (\[.*\])$", RUNTIME, re.MULTILINE)
    assert check is not None
    assert command is not None
    own = SERVICES["code-location"]
    assert yaml.safe_load(check[1]) == own["healthcheck"]["test"][1:]
    assert yaml.safe_load(command[1]) == own["command"]


def test_no_secret_can_get_into_the_image():
    assert not re.search(r"^(ARG|ENV)\b.*(PASS|SECRET|TOKEN)", DOCKERFILE, re.MULTILINE)


def ignored(path: str) -> bool:
    """Say whether .dockerignore keeps a path out of the build; the last rule that fits decides."""
    out = False
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.removeprefix("!").removeprefix("**/")
        parts = Path(path).parts
        candidates = parts if rule.startswith("**/") else ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
        if any(fnmatch.fnmatch(candidate, pattern) for candidate in candidates):
            out = not rule.startswith("!")
    return out


@pytest.mark.parametrize(
    "path",
    ["docker/secrets/database_password", "var/database/leadscout.sqlite", ".git/HEAD", ".venv/bin/python", "tests/postgres.py",
     "leadscout_assets/cli/__pycache__/up.cpython-311.pyc", ".env"],
)  # fmt: skip
def test_no_data_no_secret_and_no_history_goes_into_the_build(path):
    assert ignored(path)


@pytest.mark.parametrize(
    "path",
    ["leadscout_assets/definitions.py", "leadscout_assets/dg.toml", "leadscout_assets/reports/templates/report.css", "pyproject.toml",
     "requirements.lock", "README.md", "LICENSE", "docker/install.sh", "docker/runtime_lock.py", "docker/dagster.yaml", "docker/workspace.yaml"],
)  # fmt: skip
def test_what_the_installation_reads_goes_into_the_build(path):
    assert not ignored(path)
    assert (ROOT / path).exists()


# --- the instance ---


def test_the_instance_on_postgresql_differs_from_the_embedded_one_in_its_storage_alone():
    embedded = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    on_postgres = yaml.safe_load((DOCKER / "dagster.yaml").read_text(encoding="utf-8"))
    assert {"event_log_storage", "run_storage", "schedule_storage"} <= set(embedded)
    assert set(on_postgres["storage"]) == {"custom"}
    own = {"storage", "event_log_storage", "run_storage", "schedule_storage"}
    assert {k: v for k, v in on_postgres.items() if k not in own} == {k: v for k, v in embedded.items() if k not in own}


def test_the_code_location_has_the_same_name_in_the_containers():
    (entry,) = yaml.safe_load((DOCKER / "workspace.yaml").read_text(encoding="utf-8"))["load_from"]
    assert entry["grpc_server"]["location_name"] == "leadscout"
    for name in ("webserver", "daemon"):
        own = SERVICES[name]["environment"]
        assert (own["CODE_LOCATION_HOST"], own["CODE_LOCATION_PORT"]) == ("code-location", "4000")
