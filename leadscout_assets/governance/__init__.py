"""Who asked to be left alone or forgotten: keys, hashes, the ledger of such decisions, and the search for what is left."""
