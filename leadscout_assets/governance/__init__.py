"""Whether, why and for how long something may be inferred about people, and the proof of what was done."""
