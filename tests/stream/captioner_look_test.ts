import { assertEquals } from "@std/assert";
import { createScriptedBudget, start } from "./_captioner.ts";

const OPEN_MS = 1_000;

/** A captioner whose model is there. */
async function begun(options: Parameters<typeof start>[2] = {}) {
  const all = start({}, undefined, options);
  all.captioner.ordered("open");
  all.model.open();
  await all.clock.tickAsync(0);
  return all;
}

Deno.test("Captioner looks again at frames that come from then on, and books a call [R6]", async () => {
  const budget = createScriptedBudget();
  const { captioner, model, offer, clock } = await begun({ budget: budget.account });
  offer();
  const looked = captioner.look("Is it?");
  await clock.tickAsync(0);
  for (let at = 0; at < 3; at++) {
    offer();
    await clock.tickAsync(300);
  }
  assertEquals((await looked).kind, "answered");
  assertEquals(model.questions.map(({ question, frames }) => [question, frames.length]), [
    ["Is it?", 3],
  ]);
  assertEquals(budget.spent.length, 1);
});

Deno.test("Captioner does not look again where it may not, cannot or sees nothing [R6]", async () => {
  const budget = createScriptedBudget();
  const { captioner, model, offer, clock } = await begun({ budget: budget.account });
  const looked = async (during: () => void) => {
    const answer = captioner.look("Is it?");
    await clock.tickAsync(0);
    during();
    await clock.tickAsync(10 * OPEN_MS);
    const told = await answer;
    return told.kind === "failed" ? told.reason : told.kind;
  };
  assertEquals(await looked(() => {}), "no fresh frame came");
  budget.answers({ kind: "exhausted", budget: "calls_per_minute", retryAfterMs: 60_000 });
  assertEquals(await looked(() => void offer()), "the budget is used up for now");
  budget.answers({ kind: "granted" });
  captioner.ordered("paused");
  assertEquals(await looked(() => {}), "the camera is paused");
  captioner.ordered("open");
  assertEquals(await looked(() => (offer(), captioner.ordered("paused"))), "the camera is paused");
  captioner.ordered("open");
  // The client's own pause lets no frame come.
  captioner.pause();
  assertEquals(await looked(() => void offer()), "no fresh frame came");
  assertEquals(model.questions, []);
});

Deno.test("Captioner lets second looks wait for each other, and gives them up as it ends [R6]", async () => {
  const { captioner, model, offer, clock } = await begun();
  const [one, other] = [captioner.look("One?"), captioner.look("Other?")];
  await clock.tickAsync(0);
  offer();
  await clock.tickAsync(OPEN_MS);
  assertEquals((await one).kind, "answered");
  await captioner.close("dropped");
  assertEquals((await other).kind, "failed");
  assertEquals(model.questions.map(({ question }) => question), ["One?"]);
});
