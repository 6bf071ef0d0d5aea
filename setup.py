"""Map the top-level source folders onto one import package; the rest is in pyproject.toml."""

from setuptools import find_packages, setup

LAYOUT = {
    "graphembed": "graphembed",
    "graphembed.kernels": "kernels",
    "graphembed.datasets": "datasets",
}


def subpackages(name: str, folder: str) -> list[str]:
    """Return the package and everything below it, under its import name."""
    return [name, *(f"{name}.{child}" for child in find_packages(folder))]


setup(
    package_dir=LAYOUT,
    packages=[package for name, folder in LAYOUT.items() for package in subpackages(name, folder)],
)
