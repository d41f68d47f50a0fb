"""Saved columns: one per sender and per header, audited."""

from __future__ import annotations

import pytest

from leadscout_assets.database.audit import events
from leadscout_assets.database.column_mappings import all_mappings, remove_mapping, save_mapping
from leadscout_assets.errors import BadInput


def test_a_mapping_is_kept_and_replaced_by_sender_and_by_header(database):
    save_mapping(database, "Acme", "a" * 16, {"firma": "entity_name"}, actor="me")
    save_mapping(database, "Acme", "b" * 16, {"wie": "director_name"}, actor="me")
    save_mapping(database, "Other", "b" * 16, {"wie": "keyword"}, actor="me")
    (kept,) = all_mappings(database)
    assert (kept.sender, kept.columns, kept.actor) == ("Other", {"wie": "keyword"}, "me")
    assert [event.action for event in events(database)] == ["mapping.saved"] * 3


def test_a_removed_mapping_is_gone_and_one_that_there_is_not_is_said(database):
    save_mapping(database, "Acme", "a" * 16, {"firma": "entity_name"}, actor="me")
    remove_mapping(database, "Acme", actor="me")
    assert all_mappings(database) == []
    with pytest.raises(BadInput, match="leadscout mappings"):
        remove_mapping(database, "Acme", actor="me")


@pytest.mark.parametrize("sender", ["", " ", "x" * 101, "a\nb"])
def test_a_sender_has_a_name_that_can_be_shown(database, sender):
    with pytest.raises(BadInput, match="name"):
        save_mapping(database, sender, "a" * 16, {"firma": "entity_name"}, actor="me")
