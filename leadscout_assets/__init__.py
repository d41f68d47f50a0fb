"""LeadScout: a lead list in, a checked, classified, scored and reported batch out.

Read the package from the inside out: terms and contracts, then leads, names, scoring and reports,
then the edges (tables, inbox, database), then pipeline, and last the shells (defs for Dagster, cli).
"""
