import subprocess
import sys

import graphembed


def test_python_m_graphembed_is_the_command():
    command = [sys.executable, "-m", "graphembed", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"graphembed {graphembed.__version__}\n"
    assert done.stderr == ""
