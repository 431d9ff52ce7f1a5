"""The process: the warm host, its environment, and what it can do here."""
