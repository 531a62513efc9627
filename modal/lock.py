"""Writes the requirements files, pinned and with hashes, from ``pyproject.toml``: needs ``uv``.

Three files that add up, without addresses: what runs always, torch with its CUDA, what tests need.
Torch stands apart because a machine that has a torch of its own must not fetch 2.5 GB for nothing.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
PACKAGE = re.compile(r"^(?=\S)", re.MULTILINE)
FILES = {
    "requirements.txt": [],
    "requirements-torch.txt": ["--extra", "torch"],
    "requirements-test.txt": ["--extra", "test"],
}


def main() -> None:
    """Compiles all three; the later two keep only what the first does not have."""
    constraints = compiled(["--extra", "torch", "--extra", "test"])
    always = packages(compiled([], constraints))
    for name, extras in FILES.items():
        wanted = packages(compiled(extras, constraints))
        kept = [
            package for package in wanted if name == "requirements.txt" or package not in always
        ]
        (HERE / name).write_text("".join(kept))


def compiled(extras: list[str], constraints: str = "") -> str:
    """The packages that the project needs with these extras, of the versions in ``constraints``."""
    command = ["uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11"]
    form = ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-find-links"]
    bound = ["--constraints", "-"] if constraints else []
    return subprocess.run(
        [*command, *form, *bound, *extras, "pyproject.toml"],
        cwd=HERE,
        input=constraints,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def packages(requirements: str) -> list[str]:
    """One text for each package, its hashes included."""
    return [part for part in PACKAGE.split(requirements) if part.strip()]


if __name__ == "__main__":
    main()
