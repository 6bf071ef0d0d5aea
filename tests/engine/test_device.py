import subprocess
import sys

import pytest
import torch

from graphembed.engine.device import check_device


@pytest.mark.parametrize("device", ["gpu", "meta", "", "warp:1", "cuda:99", "cpu:0:0"])
def test_what_torch_cannot_compute_on(device: str) -> None:
    with pytest.raises(ValueError, match=f"device must be .* got {device!r}.*pass 'cpu'"):
        check_device(device)


def test_a_gpu_is_there_or_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    if torch.cuda.is_available():
        check_device("cuda")
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    else:
        with pytest.raises(ValueError, match="torch finds no CUDA device here"):
            check_device("cuda")
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    with pytest.raises(ValueError, match="finds 4 CUDA devices here: pass 'cpu' or 'cuda:0' to"):
        check_device("cuda:99")


def test_the_processor_needs_no_torch() -> None:
    code = (
        "import sys; from graphembed.engine.device import check_device; check_device('cpu');"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "False\n"
    check_device("cpu:0")
