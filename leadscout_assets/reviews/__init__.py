"""Review of classifications: who is asked what, whether what comes back is usable, whose word counts, how right the model is."""
