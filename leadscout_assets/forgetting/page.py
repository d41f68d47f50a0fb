"""What is held about a person as one page that a person can read: no script, nothing fetched, every value escaped."""

from __future__ import annotations

import html
from collections.abc import Mapping

TITLES: Mapping[str, str] = {
    "asked_at": "Asked at",
    "purposes": "Why anything was inferred from the name, on which ground, and until when it is kept",
    "leads": "Leads, with what was inferred and how they were scored",
    "rejected_rows": "Rows that did not become leads",
    "rows_as_delivered": "Rows as they were delivered",
    "deliveries": "Deliveries and the reports made of them",
    "known_leads": "What is known across batches",
    "reviews": "What people said about the name",
    "language_models": "Language models that the name was sent to, and what they answered",
    "consents": "Consents, objections and approaches",
    "may_be_contacted": "May the person be contacted?",
    "suppression_lists": "Lists that keep the person out",
    "audit": "Who did what",
    "rows_of_others_that_share_a_number_or_address": "Rows of other people that share a number or an address",
}

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "h2{margin-top:2rem;border-bottom:1px solid #ccc}table{border-collapse:collapse;margin:.5rem 0}"
    "td,th{border:1px solid #ccc;padding:.2rem .6rem;text-align:left;vertical-align:top}"
    "th{font-weight:600;white-space:nowrap;background:#f4f4f4}"
)


def page_of(held: Mapping[str, object]) -> str:
    """Return the page of what `held.held` gathered."""
    sections = "".join(
        f"<section><h2>{html.escape(TITLES.get(name, name))}</h2>{_shown(value)}</section>"
        for name, value in held.items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>What is held about a person</title>'
        f"<style>{STYLE}</style></head><body><h1>What is held about a person</h1>"
        "<p>Origins of names are estimates of linguistic and cultural origin, never a person's race, and decide nothing by "
        f"themselves.</p>{sections}</body></html>\n"
    )


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        rows = "".join(
            f"<tr><th>{html.escape(str(name).replace('_', ' '))}</th><td>{_shown(inner)}</td></tr>"
            for name, inner in value.items()
        )
        return f"<table>{rows}</table>" if rows else "<p>nothing</p>"
    if isinstance(value, list | tuple):
        if not value:
            return "<p>nothing</p>"
        if all(not isinstance(inner, Mapping | list | tuple) for inner in value):
            return html.escape(", ".join(str(inner) for inner in value))
        return "".join(map(_shown, value))
    return html.escape("-" if value is None else str(value))
