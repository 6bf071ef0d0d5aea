"""Torch twins of the hot kernels, for a GPU: the same arithmetic and draws on tensors of a device.

Nothing here is imported before a ``device`` asks for it: ``import graphembed`` loads no torch.
"""
