"""What every materialization leaves behind: its performance, as one typed record."""
