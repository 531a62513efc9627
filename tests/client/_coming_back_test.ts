import { assert, assertEquals } from "@std/assert";
import { Keyring } from "../../client/access.ts";
import { ComingBack } from "../../client/_coming_back.ts";
import { backOffMs } from "../../client/_back_off.ts";
import { explain } from "../../client/_refusal.ts";
import { judge } from "../../client/_verdict.ts";
import { connect } from "../../client/glasses.ts";
import type { ClientSocket, SocketEvent } from "../../client/platform.ts";
import { createFakeClock } from "../_fake_clock.ts";
import { WORD } from "./_glasses.ts";

const closed = (code: number, reason = "") => judge({ kind: "closed", code, reason }, false);
const unreached = (status: number | null) =>
  judge({ kind: "unreached", status, reason: "why" }, false);

Deno.test("each close code and status has its verdict [V9, S4, A8, A12]", () => {
  const kinds = [
    [1012, "the server is going away: connect again", "again"],
    [1006, "", "again"],
    [1011, "", "again"],
    [1003, "messages must be of the protocol: 3 were not", "again"],
    [1009, "a frame must be at most 9 bytes: it was 10", "too_large"],
    [1008, "frames must be at most 60 per second", "again"],
    [1008, "another connection has the session now", "taken_over"],
    [1008, "the token has expired: connect with another", "renew"],
    [1008, "the token was revoked: connect with another", "renew"],
    [1008, "what was known of the wearer is erased", "over"],
    [1000, "", "again"],
  ] as const;
  for (const [code, reason, kind] of kinds) {
    assertEquals([code, reason, closed(code, reason).kind], [code, reason, kind]);
  }
  assertEquals(judge({ kind: "closed", code: 1000, reason: "bye" }, true), {
    kind: "over",
    why: { kind: "left" },
  });
  const statuses = [
    [null, "again"],
    [403, "renew"],
    [429, "again"],
    [503, "again"],
    [
      422,
      "over",
    ],
    [404, "over"],
    [408, "again"],
  ] as const;
  for (const [status, kind] of statuses) {
    assertEquals([status, unreached(status).kind], [status, kind]);
  }
});

Deno.test("waits double up to a bound, half of each by chance", () => {
  const backOff = { firstMs: 500, maxMs: 30_000 };
  const waits = (random: number) => [1, 2, 3, 7, 50].map((at) => backOffMs(backOff, at, random));
  assertEquals(waits(0), [250, 500, 1_000, 15_000, 15_000]);
  assertEquals(waits(1), [500, 1_000, 2_000, 30_000, 30_000]);
});

Deno.test("waits begin anew after a connection that stood, and not after one that broke at once", async () => {
  const options = { backOff: { firstMs: 100, maxMs: 10_000 }, maxTakeovers: 1 };
  const comingBack = new ComingBack(options, new Keyring(WORD), () => 1);
  const brought = { token: null, headers: {}, query: {} };
  const delays: number[] = [];
  for (const stoodMs of [null, 10, 4_999, 5_000, null]) {
    const next = await comingBack.after(closed(1006), stoodMs, brought);
    assert(next.kind === "wait");
    delays.push(next.delayMs);
  }
  assertEquals(delays, [100, 200, 400, 100, 200]);
});

Deno.test("a refusal that nobody explains may have been the network's: it is tried again", async () => {
  const clock = createFakeClock();
  const ending = { kind: "unreached", status: 403, reason: "status code: 403" } as const;
  const asked: string[] = [];
  const explained = async (answer: Promise<Response>) => {
    const fetchFrom = ((url: string) => (asked.push(url), answer)) as typeof fetch;
    const platform = { clock, fetch: fetchFrom };
    const url = "wss://host/vision/stream?session=s&resume=SECRET";
    const { status, reason } = await explain(ending, url, { token: "t" }, platform);
    return [status, reason];
  };
  const no = Response.json({ detail: "token must not be revoked: it is" }, { status: 403 });
  assertEquals(await explained(Promise.resolve(no)), [403, "token must not be revoked: it is"]);
  const fine = new Response("{}", { status: 426 });
  assertEquals(await explained(Promise.resolve(fine)), [null, ending.reason]);
  assertEquals(await explained(Promise.reject(new TypeError("no network"))), [null, ending.reason]);
  assertEquals(new Set(asked), new Set(["https://host/vision/stream?token=t"]), "without secrets");
  assertEquals(clock.pendingTimers, 0);
});

/** A socket that cannot be connected. */
class DeadSocket implements ClientSocket {
  static made = 0;
  binaryType = "";
  readonly bufferedAmount = 0;
  constructor() {
    DeadSocket.made++;
  }
  send(): void {}
  close(): void {}
  addEventListener(type: string, hear: (event: SocketEvent) => void): void {
    if (type === "close") queueMicrotask(() => hear({ type, code: 1006, reason: "" }));
  }
}

Deno.test("glasses in an hour without a network ask less and less, and hold one frame", async () => {
  const clock = createFakeClock();
  const unreachable = () => Promise.reject(new TypeError("no network"));
  const platform = { clock, WebSocket: DeadSocket, fetch: unreachable, random: () => 0 };
  const glasses = connect({ url: "http://host", access: WORD, platform });
  const HOUR_S = 3_600;
  for (let second = 0; second < HOUR_S; second++) {
    glasses.send(new Uint8Array(1));
    await clock.tickAsync(1_000);
  }
  // 15 s between two, once it waits its longest; five before.
  assert(DeadSocket.made >= 240 && DeadSocket.made <= 247, `${DeadSocket.made} attempts`);
  const { given, overtaken, waiting } = glasses.counts;
  assertEquals([given, overtaken, waiting], [HOUR_S, HOUR_S - 1, 1]);
  const closing = glasses.close();
  assertEquals(await clock.tickUntil(closing), { kind: "stopped" });
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("glasses that are told of a network ask at once, and wait again after that", async () => {
  const clock = createFakeClock();
  let asked = 0;
  const token = () => {
    asked++;
    throw new Error("no network");
  };
  const platform = { clock, WebSocket: DeadSocket, random: () => 0 };
  const glasses = connect({ url: "http://host", access: { kind: "token", token }, platform });
  await clock.tickAsync(100);
  assertEquals(asked, 1);
  glasses.reconnect();
  await clock.tickAsync(0);
  assertEquals(asked, 2);
  await clock.tickAsync(499);
  assertEquals(asked, 2);
  await clock.tickAsync(1);
  assertEquals(asked, 3);
  assertEquals(await clock.tickUntil(glasses.close()), { kind: "stopped" });
  assertEquals(clock.pendingTimers, 0);
});
