"""Backups of a home, restoring them, and the proof that they can be restored. Knows files and databases, no lead."""
