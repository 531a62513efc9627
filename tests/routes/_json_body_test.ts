import { assertEquals } from "@std/assert";
import { withForesight } from "../_foresight.ts";

for (const transport of ["ws", "native"]) {
  Deno.test(`limitBody on ${transport}: a body whose length is not declared is read [H2]`, () =>
    withForesight({ SOCKET_TRANSPORT: transport }, async ({ fetch }) => {
      const sent = async (method: string, path: string, text: string) => {
        const body = new Blob([text]).stream();
        const response = await fetch(path, { method, body });
        await response.body?.cancel();
        return response.status;
      };
      assertEquals(await sent("POST", "/rules", '{"when": "a dog"}'), 201);
      assertEquals(await sent("POST", "/rules", '{"when": "a dog'), 422);
      assertEquals(await sent("PATCH", "/rules/none", "{}"), 404);
      assertEquals(await sent("POST", "/poke/send", '{"message": ""}'), 422);
    }));
}

Deno.test("limitBody: a body that turns out too long is refused [H2]", () =>
  withForesight({}, async ({ fetch }) => {
    const body = new Blob(["x".repeat(17_000)]).stream();
    const response = await fetch("/rules", { method: "POST", body });
    assertEquals(response.status, 413);
    assertEquals(await response.json(), { detail: "The body must be at most 16384 bytes" });
  }));
