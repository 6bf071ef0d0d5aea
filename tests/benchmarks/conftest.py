import sys
from pathlib import Path

# The benchmarks are scripts, not a package: their folder is what `python benchmarks/run.py` puts
# on the module search path.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
