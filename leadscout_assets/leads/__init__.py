"""The lead list: reading, column names, cleaning, validation, duplicates. Knows no storage and no Dagster."""
