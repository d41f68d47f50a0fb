"""Alembic's history of the schema; `engine.upgrade` goes along it. The tables themselves stand in `models`.

A change of schema is one new file in `versions/`, its revision as `engine.HEAD`, and the change in `models`.
"""
