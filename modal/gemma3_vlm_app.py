"""The Modal app ``foresight-gemma3-vlm``: ``modal deploy modal/gemma3_vlm_app.py``.

Only what is Modal's is here and in ``hosting.py``. What the class does is in
``gemma3/session.py``. The ``GEMMA3_*`` settings of the machine that deploys travel along.
"""

from __future__ import annotations

import os

import modal
import modal.experimental

from gemma3.session import Gemma3Session
from gemma3.settings import PREFIX, read_settings
from hosting import build_image, class_options, fetch, fetch_options

APP_NAME = "foresight-gemma3-vlm"

settings = read_settings(os.environ)
app = modal.App(APP_NAME, image=build_image(PREFIX, os.environ, "gemma3"))


@app.function(**fetch_options(settings))
def fetch_weights() -> None:
    """Puts the weights into the volume before anyone waits for them (``modal run``)."""
    fetch(settings)


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
    # Who calls must bring a proxy token; Modal checks it before a container is woken.
    endpoint = modal.asgi_app(label=APP_NAME, requires_proxy_auth=True)(Gemma3Session.endpoint)
    stop = modal.exit()(Gemma3Session.stop)

    def retire(self) -> None:
        """Modal puts another container in the place of this one."""
        modal.experimental.stop_fetching_inputs()
