"""Forgetting a person: found everywhere, taken out, proven gone. What makes two rows one person is decided in `governance`."""
