"""The Dagster shell: assets, checks, sensors and jobs over the library. Every module here is imported at load."""
