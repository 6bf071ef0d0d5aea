"""Which devices torch can compute on."""

import warnings


def check_device(device: str) -> None:
    """Find out whether torch can compute on a device; torch is not loaded for ``"cpu"``.

    Parameters
    ----------
    device : str
        As torch names them: ``"cpu"``, ``"cuda"``, ``"cuda:1"``.

    Raises
    ------
    ValueError
        If it cannot.

    Examples
    --------
    >>> from graphembed.engine.device import check_device
    >>> check_device("cpu")
    """
    if device == "cpu":
        return
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a GPU that cannot be used: the error says so
        try:
            torch.ones(1, device=device).add(1).item()
        except (RuntimeError, AssertionError) as error:
            n_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
            if n_gpus:
                remedy = "pass 'cpu' or 'cuda:0'" + f" to 'cuda:{n_gpus - 1}'" * (n_gpus > 1)
            else:
                remedy = "pass 'cpu', or install a driver and a build of torch with CUDA"
            raise ValueError(
                f"device must be one that torch can compute on; got {device!r}, and torch finds "
                f"{n_gpus or 'no'} CUDA device{'s' * (n_gpus > 1)} here: {remedy}."
            ) from error
