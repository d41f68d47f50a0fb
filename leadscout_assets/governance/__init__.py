"""Whether, why and for how long something may be inferred about people, who asked to be left alone or forgotten, and the proof of both."""
