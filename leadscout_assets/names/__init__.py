"""Names of people: taking them apart and estimating the likely origin of a name. No edge is imported here."""
