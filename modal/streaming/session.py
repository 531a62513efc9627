"""The class as it is deployed, without Modal's decorators: what any machine can host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from serving.session import ServedSession

from .settings import Settings, read_settings

if TYPE_CHECKING:
    from serving.placement import Placement

    from .service import StreamingService


class StreamingSession(ServedSession):
    """StreamingVLM in one container."""

    settings: Settings
    service: StreamingService

    def read_settings(self) -> Settings:
        """``STREAMINGVLM_*`` from the environment."""
        return read_settings(os.environ)

    def serve(self, placement: Placement) -> StreamingService:
        """Loads StreamingVLM."""
        from .loading import load
        from .service import StreamingService

        return StreamingService(load(self.settings, placement), self.settings, self.retire)
