import { assertEquals, assertRejects } from "@std/assert";
import { GRPC_STATUS } from "../../../modal/local/server.ts";
import { createFakeClock } from "../../_fake_clock.ts";
import { withModal } from "./_fixture.ts";
import { type RawClient, StatusError } from "./_raw_client.ts";

async function assertUnauthenticated(call: () => Promise<unknown>): Promise<void> {
  const error = await assertRejects(call, StatusError);
  assertEquals(error.code, GRPC_STATUS.unauthenticated);
}

const lookUp = (client: RawClient) => () => client.look("app", "Counter");

Deno.test("AuthTokenGet accepts any pair of two non-empty strings by default", () =>
  withModal({}, async (_modal, client) => {
    await client.login();
    client.metadata = { "x-modal-token-id": "ak-1" };
    await assertUnauthenticated(() => client.login());
    client.metadata = {};
    await assertUnauthenticated(() => client.login());
  }));

Deno.test("AuthTokenGet refuses a pair that is not among the accepted ones", () =>
  withModal({ tokens: { "ak-1": "as-1" } }, async (_modal, client) => {
    await client.login();
    for (const [id, secret] of [["ak-1", "wrong"], ["ak-2", "as-1"], ["constructor", "x"]]) {
      client.metadata = { "x-modal-token-id": id!, "x-modal-token-secret": secret! };
      await assertUnauthenticated(() => client.login());
    }
  }));

Deno.test("every other RPC needs a JWT of the same token", () =>
  withModal({}, async (_modal, client) => {
    await assertUnauthenticated(lookUp(client));
    const jwt = await client.login();
    await client.look("app", "Counter");
    const pair = client.metadata;
    const [header, , signature] = jwt.split(".");
    const forged = btoa(JSON.stringify({ sub: "ak-1", exp: 9e9 })).replaceAll("=", "");
    for (const wrong of ["x", `${header}.${forged}.${signature}`, `${jwt}x`]) {
      client.metadata = { ...pair, "x-modal-auth-token": wrong };
      await assertUnauthenticated(lookUp(client));
    }
    client.metadata = { ...pair, "x-modal-token-id": "ak-2" };
    await assertUnauthenticated(lookUp(client));
  }));

Deno.test("a JWT is good for tokenLifetimeS and says so in exp", async () => {
  const clock = createFakeClock();
  await withModal({ clock, tokenLifetimeS: 60 }, async (_modal, client) => {
    const jwt = await client.login();
    const claims = JSON.parse(atob(jwt.split(".")[1]!));
    assertEquals(claims.exp, Math.floor(clock.epochMs() / 1000) + 60);
    clock.tick(59_000);
    await client.look("app", "Counter");
    clock.tick(1000);
    await assertUnauthenticated(lookUp(client));
    await client.login();
    await client.look("app", "Counter");
  });
});

Deno.test("faults.refuseLogins refuses logins until taken back; JWTs stay good", () =>
  withModal({}, async (modal, client) => {
    await client.login();
    modal.faults.refuseLogins(true);
    await assertUnauthenticated(() => client.login());
    await client.look("app", "Counter");
    modal.faults.refuseLogins(false);
    await client.login();
  }));

Deno.test("faults.revokeLogins makes JWTs invalid until the next login", () =>
  withModal({}, async (modal, client) => {
    await client.login();
    modal.faults.revokeLogins();
    await assertUnauthenticated(lookUp(client));
    await client.login();
    await client.look("app", "Counter");
  }));
