"""What `make bench` runs: each promise of speed, measured with the real processes. `python -m benchmarks --help`."""
