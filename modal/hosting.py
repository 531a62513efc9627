"""How Modal is to run a model class: image, GPU, volume, snapshot. The same for every class."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import modal

from serving.knobs import given
from serving.settings import ServingSettings

PYTHON_VERSION = "3.11"
WEIGHTS_FOLDER = "/weights"
SHARED_MODULES = ("hosting", "serving")
HERE = Path(__file__).parent


def build_image(prefix: str, environment: Mapping[str, str], *modules: str) -> modal.Image:
    """What the container runs: pinned packages, our modules, the settings of this deploy."""
    packages = modal.Image.debian_slim(python_version=PYTHON_VERSION)
    for requirements in ("requirements.txt", "requirements-torch.txt"):
        packages = packages.pip_install_from_requirements(str(HERE / requirements))
    return packages.env(
        {"HF_HOME": WEIGHTS_FOLDER, **given(prefix, environment)}
    ).add_local_python_source(*modules, *SHARED_MODULES)


def class_options(settings: ServingSettings) -> dict[str, Any]:
    """How Modal is to run the class."""
    snapshot = {"enable_gpu_snapshot": True} if settings.gpu_snapshot else {}
    return {
        "gpu": settings.gpu,
        "min_containers": settings.min_containers,
        "max_containers": settings.max_containers or None,
        "scaledown_window": settings.scaledown_window_seconds,
        "timeout": settings.timeout_seconds,
        "startup_timeout": settings.startup_timeout_seconds,
        "enable_memory_snapshot": settings.memory_snapshot,
        "experimental_options": snapshot if settings.memory_snapshot else {},
        **_weights(settings),
    }


def fetch_options(settings: ServingSettings) -> dict[str, Any]:
    """How Modal is to run the function that fetches the weights."""
    return {**_weights(settings), "timeout": settings.startup_timeout_seconds}


def fetch(settings: ServingSettings) -> None:
    """Puts the weights into the volume before anyone waits for them."""
    from huggingface_hub import snapshot_download

    snapshot_download(settings.model_id, revision=settings.model_revision or None)


def _weights(settings: ServingSettings) -> dict[str, Any]:
    secret = settings.hf_secret_name
    return {
        "secrets": [modal.Secret.from_name(secret)] if secret else [],
        "volumes": {
            WEIGHTS_FOLDER: modal.Volume.from_name(settings.volume_name, create_if_missing=True)
        },
    }
