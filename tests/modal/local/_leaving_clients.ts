/**
 * Lets clients come and go, idle and mid-call, while the stand-in also sends GOAWAYs. A program of
 * its own: what it guards against kills the process. Prints `done`.
 *
 * @module
 */
import { counter, heldMethod, until, withModal } from "./_fixture.ts";
import { RawClient } from "./_raw_client.ts";

const ROUNDS = 20;

async function comeAndGo(): Promise<void> {
  const held = heldMethod();
  await withModal(
    { classes: [counter({ held }, { maxConcurrent: 100 })] },
    async (modal, stays) => {
      const functionId = await stays.open();
      for (let round = 0; round < ROUNDS; round++) {
        const guest = new RawClient(modal.url);
        await guest.open();
        const call = round % 2 === 0 ? guest.call(functionId, "held", { args: [round] }) : null;
        const broken = call?.catch(() => {});
        if (round % 3 === 0) modal.goaway();
        await stays.look("app", "Counter").catch(() => {});
        guest[Symbol.dispose]();
        held.release(round);
        await broken;
      }
      await until(() => modal.seen.openConnections <= 1);
      for (let round = 0; round < ROUNDS; round++) held.release(round);
    },
  );
}

if (import.meta.main) {
  await comeAndGo();
  await Deno.stdout.write(new TextEncoder().encode("done"));
}
