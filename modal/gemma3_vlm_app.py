"""The Modal app ``foresight-gemma3-vlm``: ``modal deploy modal/gemma3_vlm_app.py``.

Only what is Modal's is here: the image, the GPU, the volume, the snapshot. What the class does is
in ``gemma3/session.py``. The ``GEMMA3_*`` settings of the machine that deploys travel along.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import modal
import modal.experimental

from gemma3.session import Gemma3Session
from gemma3.settings import PREFIX, Settings, read_settings
from serving.knobs import given

APP_NAME = "foresight-gemma3-vlm"
PYTHON_VERSION = "3.11"
WEIGHTS_FOLDER = "/weights"
HERE = Path(__file__).parent


def build_image(environment: dict[str, str]) -> modal.Image:
    """What the container runs: pinned packages, our modules, the settings of this deploy."""
    packages = modal.Image.debian_slim(python_version=PYTHON_VERSION)
    for requirements in ("requirements.txt", "requirements-torch.txt"):
        packages = packages.pip_install_from_requirements(str(HERE / requirements))
    return packages.env({"HF_HOME": WEIGHTS_FOLDER, **environment}).add_local_python_source(
        "gemma3", "serving"
    )


def class_options(settings: Settings) -> dict[str, Any]:
    """How Modal is to run the class."""
    snapshot = {"enable_gpu_snapshot": True} if settings.gpu_snapshot else {}
    secret = settings.hf_secret_name
    return {
        "gpu": settings.gpu,
        "min_containers": settings.min_containers,
        "max_containers": settings.max_containers or None,
        "scaledown_window": settings.scaledown_window_seconds,
        "timeout": settings.timeout_seconds,
        "startup_timeout": settings.startup_timeout_seconds,
        "enable_memory_snapshot": settings.memory_snapshot,
        "experimental_options": snapshot if settings.memory_snapshot else {},
        "secrets": [modal.Secret.from_name(secret)] if secret else [],
        "volumes": {
            WEIGHTS_FOLDER: modal.Volume.from_name(settings.volume_name, create_if_missing=True)
        },
    }


settings = read_settings(os.environ)
app = modal.App(APP_NAME, image=build_image(given(PREFIX, os.environ)))


@app.function(
    volumes=class_options(settings)["volumes"],
    secrets=class_options(settings)["secrets"],
    timeout=settings.startup_timeout_seconds,
)
def fetch_weights() -> None:
    """Puts the weights into the volume before anyone waits for them (``modal run``)."""
    from huggingface_hub import snapshot_download

    snapshot_download(settings.model_id, revision=settings.model_revision or None)


@app.cls(**class_options(settings))
@modal.concurrent(max_inputs=settings.concurrent_inputs, target_inputs=settings.target_inputs)
class Gemma3VLMSession(Gemma3Session):
    """Gemma 3 for many wearers at once. Keeps nothing between calls (WIRE M)."""

    load = modal.enter(snap=True)(Gemma3Session.load)
    wake = modal.enter(snap=False)(Gemma3Session.wake)
    infer_chunk = modal.method()(Gemma3Session.infer_chunk)
    answer = modal.method()(Gemma3Session.answer)
    generate = modal.method()(Gemma3Session.generate)
    close = modal.method()(Gemma3Session.close)
    stop = modal.exit()(Gemma3Session.stop)

    def retire(self) -> None:
        """Modal puts another container in the place of this one."""
        modal.experimental.stop_fetching_inputs()
