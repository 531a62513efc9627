"""The Modal app ``foresight-streamingvlm``: ``modal deploy modal/streaming_vlm_app.py``.

The way back from Gemma 3: the edge is pointed here by its app name and class name alone. What the
class does is in ``streaming/session.py``. The ``STREAMINGVLM_*`` settings of the machine that
deploys travel along.
"""

from __future__ import annotations

import os

import modal
import modal.experimental

from hosting import build_image, class_options, fetch, fetch_options
from streaming.session import StreamingSession
from streaming.settings import PREFIX, read_settings

APP_NAME = "foresight-streamingvlm"

settings = read_settings(os.environ)
app = modal.App(APP_NAME, image=build_image(PREFIX, os.environ, "streaming"))


@app.function(**fetch_options(settings))
def fetch_weights() -> None:
    """Puts the weights into the volume before anyone waits for them (``modal run``)."""
    fetch(settings)


@app.cls(**class_options(settings))
@modal.concurrent(max_inputs=settings.concurrent_inputs, target_inputs=settings.target_inputs)
class StreamingVLMSession(StreamingSession):
    """StreamingVLM for several wearers. Remembers streams, and can do without (WIRE M)."""

    load = modal.enter(snap=True)(StreamingSession.load)
    wake = modal.enter(snap=False)(StreamingSession.wake)
    infer_chunk = modal.method()(StreamingSession.infer_chunk)
    answer = modal.method()(StreamingSession.answer)
    generate = modal.method()(StreamingSession.generate)
    close = modal.method()(StreamingSession.close)
    # Who calls must bring a proxy token; Modal checks it before a container is woken.
    endpoint = modal.asgi_app(label=APP_NAME, requires_proxy_auth=True)(StreamingSession.endpoint)
    stop = modal.exit()(StreamingSession.stop)

    def retire(self) -> None:
        """Modal puts another container in the place of this one."""
        modal.experimental.stop_fetching_inputs()
