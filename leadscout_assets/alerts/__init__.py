"""Alerts: rules as data, one engine that decides, an outbox that delivers. What is measured comes in through callables."""
