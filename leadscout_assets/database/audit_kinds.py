"""The kinds of audit events, by action: what each says happened. A new kind is an entry here, and is written somewhere.

A test holds that every kind is written by the package, that nothing else is, and that docs/compliance.md explains each.
"""

from __future__ import annotations

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    # what came in
    "delivery.recorded": "a file was delivered, from a terminal or the inbox, and became a batch",
    "batch.taken_back": "the file of a batch that was undone was delivered again, and counts again",
    "mapping.saved": "a person saved which columns of a sender's lists are which fields",
    "mapping.removed": "a person removed such a mapping",
    # what was done with it
    "run.started": "a run over some batches began, or `leadscout run` on a file",
    "backfill.started": "a person asked for batches to be run again",
    "leads.classified": "the names of some batches were classified, for the purpose given as reason",
    "origin.weighed": "a known origin counted in the scores of some batches, for the purpose given as reason",
    "names.classified": "`leadscout classify` answered a file of names row by row, for the purpose given as reason",
    "row.viewed": "a person looked at one row of a batch",
    "leads.exported": "the leads of a batch were written to a file, with likely origins where `row_level` says so",
    "review.exported": "names of a batch were written to a file, for people to say what they know",
    "review.imported": "answers of people were taken from such a file",
    "review.forgotten": "everything that people said about a lead's name was deleted",
    "batch.undone": "a batch was taken out of everything",
    "inference.deleted": "what was inferred about a batch was deleted, the retention of its purpose being over",
    "retention.pruned": "what had been kept long enough of runs, logs and ticks was deleted",
    "home.restored": "this home was restored from a backup",
    "person.shown": "what is held about a person was gathered, for their request of access",
    "person.forgotten": "a person was taken out of every batch, file and report, or it was tried",
    # what was refused
    "purpose.refused": "names were not classified, because the purpose asked for does not hold",
    # what was decided
    "purpose.changed": "a batch was run again under another purpose, or under an entry that had changed",
    "settings.widened": "settings that decide on the use of names are others than before",
    "performance.accepted": "a person accepted what a step costs as the new normal",
    "performance.incident": "a person marked a run as an incident",
    "model.measured": "a language model, the one given as reason, was asked about the golden set, and passed or did not",
    "model.unmeasured": "names were sent to a language model, the one given as reason, that did not pass the golden set",
    "alerts.silenced": "a person silenced a rule of the alerts",
    "alerts.silence_ended": "a person ended the silences of a rule",
    "person.decided": "a person was put on a list or taken off it, what they said was recorded, or a list exchanged",
    "key.rotated": "a new key took the place of one of the platform's",
    # the trail itself
    "trail.anchored": "the end of this trail was written down outside the database",
}
