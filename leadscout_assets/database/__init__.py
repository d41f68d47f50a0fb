"""The application database: what is small, transactional and not a batch. Batches live in `tables`.

Importing this package loads nothing; SQLAlchemy comes with its modules, Alembic only where a schema must change.
"""
