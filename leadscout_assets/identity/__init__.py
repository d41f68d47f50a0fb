"""The same business and director in several batches: found, weighed, and made one known lead. Frames in, frames out."""
