"""The base model: finding, loading, lending it, and what it takes of memory."""
