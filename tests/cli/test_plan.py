"""`leadscout plan` and `leadscout mappings`: what a list would do, found out without doing it."""

from __future__ import annotations

from datetime import UTC, datetime

from leadscout_assets.contracts import LEADS, RAW_LEADS
from leadscout_assets.delivery_plan import masked
from leadscout_assets.home import Home
from leadscout_assets.known_leads import join
from leadscout_assets.pipeline import read, validate
from tests import scenario
from tests.purposes import REGISTER

FOREIGN = "Koper,Wie,Sel\nBaobab Plumbing,Thandi Nkosi,0850000001\nKudu Transport,Petrus Botha,\nKudu Transport,Petrus Botha,\n"


def take_in(home, path) -> None:
    """Put a delivered list's leads where the chain puts them."""
    opened = Home(home)
    delivery = opened.deliver(path, now=datetime.now(UTC)).delivery
    leads, _, _ = validate(read([delivery], opened.store.path, home, opened.column_maps()).raw, opened.lead_id_key)
    opened.tables.replace(LEADS, leads, [delivery.batch_id])
    join(opened.tables, leads, {delivery.batch_id: delivery.delivered_at})


def test_it_tells_columns_leads_and_reasons_and_delivers_nothing(leadscout, leads, home):
    found = leadscout("plan", leads, "--json").json
    assert (found["rows"], found["leads"]) == (scenario.delivered_rows(), scenario.lead_rows())
    assert found["rows"] == found["leads"] + found["rejected"]
    assert found["reasons"]["duplicate"]["rows"] == 2
    assert found["new"] == found["leads"]
    assert found["classification_usd"] == 0.0
    assert found["state"] is None
    columns = {column["header"]: column for column in found["columns"]}
    assert columns["EntityName"]["field"] == "entity_name"
    assert columns["Notes"]["field"] is None
    assert 0.9 < columns["DirectorName"]["filled"] < 1.0
    assert Home(home).records.all() == []
    assert not home.deliveries_dir.exists()


def test_no_value_of_the_list_is_shown(leadscout, leads):
    found = leadscout("plan", leads)
    assert found.code == 0
    for value in ("BAOBAB", "NKOSI", "0850000001", "example.co.za", "PROTEA"):
        assert value not in found.out
    assert "9999999999" in found.out
    assert masked("Jo-Ann 12 é") == "Xx-Xxx 99 x"


def test_it_says_what_of_a_list_is_known_from_another_batch(leadscout, home, tmp_path):
    first, second = tmp_path / "one.csv", tmp_path / "two.csv"
    first.write_text(FOREIGN.replace("Koper,Wie,Sel", "EntityName,DirectorName,DirectorCell"))
    second.write_text(
        "EntityName,DirectorName,DirectorCell\nBaobab Plumbing,Thandi Nkosi,0850000009\nKudu Transport,Petrus Botha,\nNew,Sipho Dube,\n"
    )
    take_in(home, first)
    found = leadscout("plan", second, "--json").json
    assert (found["new"], found["changed"], found["unchanged"]) == (1, 1, 1)
    assert found["changed_fields"] == {"director_cell": 1}
    again = leadscout("plan", first, "--json").json
    assert (again["state"], again["new"]) == ("waiting", 2)


def test_a_list_whose_columns_have_other_names_is_read_as_a_person_names_them(leadscout, home, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(FOREIGN)
    assert leadscout("plan", path).code == 2
    named = ("--map", "Koper=EntityName", "--map", "Wie=DirectorName", "--map", "Sel=DirectorCell")
    found = leadscout("plan", path, *named, "--sender", "Acme", "--json").json
    assert (found["leads"], found["mapping"]) == (2, "given")
    assert found["reasons"] == {"duplicate": {"rows": 1, "first": [4]}}
    saved = leadscout("plan", path, "--json").json
    assert (saved["leads"], saved["mapping"]) == (2, "Acme")
    assert "koper=entity_name" in leadscout("mappings").out
    opened = Home(home)
    delivery = opened.deliver(path, now=datetime.now(UTC)).delivery
    raw = read([delivery], opened.store.path, home, opened.column_maps()).raw
    assert RAW_LEADS.fit(raw)["entity_name"].to_pylist()[0] == "Baobab Plumbing"
    assert leadscout("mappings", "remove", "Acme").code == 0
    assert "no column was named" in leadscout("mappings").out
    assert leadscout("plan", path).code == 2


def test_a_named_column_that_the_file_lacks_is_the_users_mistake(leadscout, leads):
    found = leadscout("plan", leads, "--map", "Nowhere=EntityName")
    assert found.code == 2
    assert "nowhere" in found.err


def test_deliver_keeps_what_is_named_and_needs_a_sender(leadscout, home, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(FOREIGN)
    named = ("--map", "Koper=EntityName", "--map", "Wie=DirectorName")
    assert "--sender" in leadscout("deliver", path, *named).err
    assert leadscout("deliver", path, "--sender", "Acme").code == 2
    assert leadscout("deliver", path, *named, "--sender", "Acme").code == 0
    assert [row["sender"] for row in leadscout("mappings", "--json").json] == ["Acme"]


def test_run_takes_named_columns(leadscout, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(FOREIGN)
    named = ("--map", "Koper=EntityName", "--map", "Wie=DirectorName")
    found = leadscout("run", path, "--out", tmp_path / "out", *named, "--json")
    assert found.json["leads"] == 2


def test_run_takes_the_mapping_that_is_kept_for_such_a_list(leadscout, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(FOREIGN)
    named = ("--map", "Koper=EntityName", "--map", "Wie=DirectorName")
    assert leadscout("plan", path, *named, "--sender", "Acme").code == 0
    found = leadscout("run", path, "--out", tmp_path / "out", "--json")
    assert found.json["leads"] == 2
    assert leadscout("mappings", "remove", "Acme").code == 0
    assert leadscout("run", path, "--out", tmp_path / "out", "--json").code == 2


def test_a_file_that_there_is_not_exits_2(leadscout, tmp_path):
    assert leadscout("plan", tmp_path / "none.csv").code == 2


def test_who_is_on_a_list_or_erased_is_rejected_in_the_plan_as_in_the_delivery(leadscout, home, tmp_path):
    path, person = tmp_path / "list.csv", tmp_path / "person.txt"
    rows = ["Baobab,Thandi Nkosi,0850000001", "Kudu,Petrus Botha,0850000002", "Ibis,Sipho Dube,0850000003"]
    path.write_text("\n".join(["EntityName,DirectorName,DirectorCell", *rows, ""]))
    person.write_text("name: Thandi Nkosi\ncell: 0850000001\n")
    assert leadscout("suppress", "add", "number", "0850000002").code == 0
    assert leadscout("forget", "--person", person).code == 0
    found = leadscout("plan", path, "--json").json
    assert {code: why["first"] for code, why in found["reasons"].items()} == {"erased": [2], "suppressed": [3]}
    assert (found["rows"], found["leads"], found["rejected"], found["new"]) == (3, 1, 2, 1)


def test_what_a_language_model_would_cost_is_told_where_it_would_be_asked_and_nobody_is(
    leadscout, home, tmp_path, monkeypatch
):
    path, register = tmp_path / "list.csv", tmp_path / "purposes.toml"
    path.write_text("EntityName,DirectorName\nBaobab,Jo Ux\nKudu,Thandi Nkosi\n")
    text = REGISTER.read_text()
    register.write_text(text + text.replace("[tests]", "[asking]") + "llm = true\n")
    monkeypatch.setenv("LEADSCOUT_PURPOSES", str(register))
    monkeypatch.setenv("LEADSCOUT_LLM_PROVIDERS", "stub/stub-small")
    # Nobody listens there.
    monkeypatch.setenv("LEADSCOUT_LLM_STUB_URL", "http://127.0.0.1:9")
    for purpose, costs in (("asking", True), ("tests", False)):
        monkeypatch.setenv("LEADSCOUT_CLASSIFICATION_PURPOSE", purpose)
        assert (leadscout("plan", path, "--json").json["classification_usd"] > 0) == costs
    monkeypatch.setenv("LEADSCOUT_CLASSIFICATION_PURPOSE", "asking")
    assert "at most 0.0" in leadscout("plan", path).out
