"""Whether Python packages are here, found without importing them."""

from __future__ import annotations

import importlib.util


def missing(*packages: str) -> str | None:
    """The first of `packages` that is not installed, as a reason, or None."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            return f"the Python package {package} is not installed"
    return None
