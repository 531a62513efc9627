"""The real ``modal deploy``, heard by a control plane on the loopback."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import hosting
from control_plane import ControlPlane

MODAL_FOLDER = Path(hosting.__file__).parent


def deploy(home: Path, app_file: str, **settings: str) -> ControlPlane:
    """Runs ``modal deploy`` from the repository's root. What Modal heard is in the result."""
    with ControlPlane() as plane:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "MODAL_SERVER_URL": plane.url,
            "MODAL_TOKEN_ID": "ak-test",
            "MODAL_TOKEN_SECRET": "as-test",
            **settings,
        }
        run = subprocess.run(
            [sys.executable, "-m", "modal", "deploy", f"modal/{app_file}"],
            cwd=MODAL_FOLDER.parent,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert run.returncode == 0, run.stdout + run.stderr
    return plane


def mounted(plane: ControlPlane) -> set[str]:
    """The modules that the container gets."""
    return {
        Path(file.filename).relative_to("/root").as_posix()
        for method in ("MountGetOrCreate", "MountBuild")
        for one in plane.calls_of(method)
        for file in one.files
        if file.filename.startswith("/root/")
    }


def modules_of(*folders: str) -> set[str]:
    """The modules of these packages of ours."""
    return {
        path.relative_to(MODAL_FOLDER).as_posix()
        for folder in folders
        for path in (MODAL_FOLDER / folder).glob("*.py")
    }
