"""The benchmarks behind `make bench`: measured side by side with what one would use instead."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))  # plain files that import each other
