import json
import os
import socket
import tomllib
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from leadscout_assets.settings import Settings, read_settings
from leadscout_assets.supervisor.instance import (
    LOCATION,
    MARK,
    Address,
    Instance,
    child_environment,
    configuration,
    prepare_instance,
    prepare_workspace,
)

ROOT = Path(__file__).parents[2]


def test_the_configuration_at_the_root_is_the_one_in_the_package():
    assert (ROOT / "dagster.yaml").resolve() == configuration().resolve()


def test_where_dagsters_database_is_set_the_instance_is_on_postgresql_and_docker_has_the_same_file(tmp_path):
    url = SecretStr("postgresql://u@h/d")
    instance = prepare_instance(Settings(home=tmp_path, dagster_database_url=url))
    assert (instance.folder / "dagster.yaml").read_text() == configuration(on_postgres=True).read_text()
    assert (ROOT / "docker" / "dagster.yaml").resolve() == configuration(on_postgres=True).resolve()


def test_the_configuration_is_one_that_dagster_accepts_and_obeys(tmp_path):
    from dagster import QueuedRunCoordinator

    from leadscout_assets.defs.orphans import open_instance

    with open_instance(prepare_instance(Settings(home=tmp_path)).folder) as instance:
        assert isinstance(instance.run_coordinator, QueuedRunCoordinator)
        assert instance.run_coordinator.dequeue_interval_seconds == 1
        assert instance.run_coordinator.get_run_queue_config().max_concurrent_runs == 2
        assert instance.run_monitoring_enabled
        assert instance.run_retries_enabled
        assert instance.run_retries_max_retries == 3
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert not instance.telemetry_enabled
        assert not instance.nux_enabled


def test_the_instance_lies_below_the_home_and_no_other_user_may_enter(tmp_path):
    instance = prepare_instance(Settings(home=tmp_path))
    assert instance.folder == tmp_path / "dagster"
    assert instance.folder.stat().st_mode & 0o077 == 0


def test_preparing_again_leaves_an_equal_file_alone_and_replaces_a_different_one(tmp_path):
    settings = Settings(home=tmp_path)
    file = prepare_instance(settings).folder / "dagster.yaml"
    os.utime(file, (1, 1))
    prepare_instance(settings)
    assert file.stat().st_mtime == 1
    file.write_text("telemetry: {enabled: true}\n")
    prepare_instance(settings)
    assert file.read_text() == configuration().read_text()
    assert list(file.parent.glob(".*")) == []


def test_the_workspace_names_the_code_server_by_a_socket_in_the_instance(tmp_path):
    workspace = prepare_workspace(prepare_instance(Settings(home=tmp_path)))
    server = {"socket": str(tmp_path / "dagster" / "code-server.sock"), "location_name": "leadscout"}
    assert yaml.safe_load(workspace.file.read_text()) == {"load_from": [{"grpc_server": server}]}


def test_where_the_path_is_too_long_for_a_socket_a_free_port_is_used(tmp_path):
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    workspace = prepare_workspace(Instance(folder))
    server = {"port": workspace.address.port, "host": "127.0.0.1", "location_name": "leadscout"}
    assert yaml.safe_load(workspace.file.read_text()) == {"load_from": [{"grpc_server": server}]}
    assert workspace.address.arguments == ["--host", "127.0.0.1", "--port", str(workspace.address.port)]


def test_the_location_has_the_same_name_everywhere():
    entry = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"][0]["python_module"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]
    assert entry["location_name"] == project["project"]["code_location_name"] == LOCATION
    # What Dagster's tools read in a checkout is what its loader reads in an installed package.
    assert tomllib.loads((ROOT / "leadscout_assets" / "dg.toml").read_text()) == project


def test_an_address_answers_only_while_something_listens_there(tmp_path):
    address = Address(socket=tmp_path / "s")
    assert not address.answers()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address.socket))
        server.listen()
        assert address.answers()
    assert not address.answers()


@pytest.mark.parametrize(
    "settings",
    [
        Settings(home=Path("/srv/leadscout")),
        Settings(
            home=Path("/srv/lead scout"),
            inbox=Path("/srv/in"),
            database_url=SecretStr("sqlite:///:memory:"),
            classification_purpose="demonstration",
            reveal_religion=True,
            batch_slug=False,
            max_reject_rate=0.25,
            port=3456,
        ),
    ],
)
def test_the_processes_see_the_settings_that_the_supervisor_has(settings, monkeypatch):
    environment = child_environment(settings, {"PATH": "/bin", "LEADSCOUT_SHEET": "left over"})
    for name in [name for name in os.environ if name.startswith("LEADSCOUT_")]:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings.model_copy(update={"home": settings.home.resolve()})


def test_the_processes_are_marked_and_know_their_instance_and_need_no_proxy_to_find_each_other():
    environment = child_environment(Settings(home=Path("/srv/h")), {"NO_PROXY": "intern", "LEADSCOUT_X": "kept"})
    expected = {
        MARK: "/srv/h",
        "DAGSTER_HOME": "/srv/h/dagster",
        "NO_PROXY": "intern,localhost,127.0.0.1",
        "LEADSCOUT_X": "kept",
    }
    assert {name: environment[name] for name in expected} == expected


def test_the_processes_have_few_heaps_unless_the_operator_says_otherwise():
    assert child_environment(Settings(), {})["MALLOC_ARENA_MAX"] == "2"
    assert child_environment(Settings(), {"MALLOC_ARENA_MAX": "8"})["MALLOC_ARENA_MAX"] == "8"


def test_the_workspace_survives_a_path_with_quotes(tmp_path):
    folder = tmp_path / """it's "odd" """
    folder.mkdir()
    text = prepare_workspace(Instance(folder)).file.read_text()
    assert yaml.safe_load(text) == json.loads(text)
