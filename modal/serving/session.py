"""A model class as it is deployed, without Modal's decorators: any machine can host it.

Every class that the edge may be pointed at inherits its methods from here, so that going from one
model to another, and back, is a matter of names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .settings import ServingSettings

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from .placement import Placement


class ServedSession:
    """One container's life: ``load``, ``wake``, any number of calls at once, ``stop``.

    Loading torch takes seconds and is not needed to deploy, so it waits for :meth:`load`.
    """

    settings: ServingSettings
    service: Any
    """What the methods hand their arguments to."""

    def read_settings(self) -> ServingSettings:
        """The settings that this container was deployed with. For the class that inherits."""
        raise NotImplementedError

    def serve(self, placement: Placement) -> Any:
        """Loads the model to where it is to be. For the class that inherits."""
        raise NotImplementedError

    def load(self) -> None:
        """Loads the weights and warms up; Modal takes its snapshot behind this.

        Where the snapshot is taken without the GPU, the weights wait in memory for :meth:`wake`.
        """
        from .placement import placement_of, waiting_placement

        self.settings = self.read_settings()
        waits = self._waits_for_gpu()
        self.service = self.serve((waiting_placement if waits else placement_of)(self.settings))
        if not waits:
            self.service.warm_up()

    def wake(self) -> None:
        """Brings the weights to the GPU, where they are not there yet."""
        from .placement import placement_of

        if self._waits_for_gpu():
            self.service.engine.move(placement_of(self.settings).device)
            self.service.warm_up()

    async def infer_chunk(
        self,
        frames: list[bytes],
        start_ts_s: float,
        end_ts_s: float,
        prompt: str,
        history: list[str] | None = None,
        session_id: str = "",
        questions: list[dict[str, str]] | None = None,
    ) -> dict[str, Any]:
        """One sentence about a chunk of frames, and yes or no for each question (M1, M2)."""
        return await self.service.infer_chunk(
            frames, start_ts_s, end_ts_s, prompt, history, session_id, questions
        )

    async def answer(
        self, frames: list[bytes], question: str, history: list[str] | None = None
    ) -> dict[str, Any]:
        """A question about frames, answered in words."""
        return await self.service.answer(frames, question, history)

    async def generate(
        self,
        messages: list[dict[str, str]],
        schema: dict[str, Any] | None = None,
        max_tokens: int | None = None,
    ) -> Any:
        """A chat continued: text, or JSON of the schema."""
        return await self.service.generate(messages, schema, max_tokens)

    async def close(self) -> None:
        """There for older callers. It ends no session's state (M4)."""

    def endpoint(self) -> Starlette:
        """The methods over HTTP (M5), for callers that cannot speak Modal's gRPC."""
        from .encoding import PromptTooLong
        from .endpoint import create_endpoint

        return create_endpoint(
            [self.infer_chunk, self.answer, self.generate],
            max_body_bytes=self.settings.max_body_bytes,
            refusals=(PromptTooLong,),
        )

    def retire(self) -> None:
        """The GPU has failed for good: the host is to take no more calls here, and start anew."""

    async def stop(self) -> None:
        """The container ends."""
        await self.service.close()

    def _waits_for_gpu(self) -> bool:
        wants = self.settings
        return wants.memory_snapshot and not wants.gpu_snapshot and wants.device != "cpu"
