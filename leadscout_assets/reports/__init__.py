"""The reports of a batch: its numbers once (`numbers`), its sections once (`document`), then one renderer per file."""
