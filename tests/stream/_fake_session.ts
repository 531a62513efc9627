import { QUEUED } from "../../stream/frame.ts";
import type { StreamSession } from "../../stream/stream_session.ts";

/** A session that takes every frame and does nothing, but for what the test says. */
export function createFakeSession(behaviour: Partial<StreamSession> = {}): StreamSession {
  return {
    admit: () => QUEUED,
    proceed() {},
    lookFor() {},
    pause() {},
    unpause() {},
    ask: () => Promise.resolve({ kind: "failed", reason: "not asked" }),
    look: () => Promise.resolve({ kind: "failed", reason: "not asked" }),
    settle: () => Promise.resolve(),
    abandon() {},
    end() {},
    ...behaviour,
  };
}
