"""Makes the quickstart's scripts importable by their own names, as they are when they run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
