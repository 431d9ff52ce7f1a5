"""The trainer contract: the trial document, events, orders, and how a run ends."""
