"""What Prometheus is told: the families there are, counting, reading in the background, and the text that is served.

Where the figures come from is not here: of the home, see `home_metrics`; of Dagster's instance, `defs/instance_metrics`.
"""
