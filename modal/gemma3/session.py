"""The class as it is deployed, without Modal's decorators: what any machine can host."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from serving.session import ServedSession

from .settings import Settings, read_settings

if TYPE_CHECKING:
    from serving.placement import Placement

    from .service import Gemma3Service


class Gemma3Session(ServedSession):
    """Gemma 3 in one container."""

    settings: Settings
    service: Gemma3Service

    def read_settings(self) -> Settings:
        """``GEMMA3_*`` from the environment."""
        return read_settings(os.environ)

    def serve(self, placement: Placement) -> Gemma3Service:
        """Loads Gemma 3."""
        from .loading import load
        from .service import Gemma3Service

        return Gemma3Service(load(self.settings, placement), self.settings, self.retire)
