import { assertEquals } from "@std/assert";
import { IdlePeers } from "../../stream/_idle_peers.ts";
import { createFakeClock } from "../_fake_clock.ts";

/** A peer that answers a ping, or not. */
function createPeer(answers: boolean) {
  return {
    receivedBytes: 0,
    pings: 0,
    terminated: 0,
    ping() {
      this.pings++;
      if (answers) this.receivedBytes += 6;
    },
    terminate() {
      this.terminated++;
    },
  };
}

Deno.test("IdlePeers terminates who answers no ping, after thirty seconds of silence", () => {
  const clock = createFakeClock();
  const peers = new IdlePeers(clock);
  const peer = createPeer(false);
  peers.add(peer);
  clock.tick(14_999);
  assertEquals([peer.pings, peer.terminated], [0, 0]);
  clock.tick(1);
  assertEquals([peer.pings, peer.terminated], [1, 0]);
  clock.tick(14_999);
  assertEquals([peer.pings, peer.terminated], [1, 0]);
  clock.tick(1);
  assertEquals([peer.pings, peer.terminated], [1, 1]);
  peers.remove(peer);
  assertEquals(clock.pendingTimers, 0);
});

Deno.test("IdlePeers leaves who answers alone, and asks again", () => {
  const clock = createFakeClock();
  const peers = new IdlePeers(clock);
  const peer = createPeer(true);
  peers.add(peer);
  clock.tick(120_000);
  assertEquals([peer.pings, peer.terminated], [6, 0]);
  peers.remove(peer);
});

Deno.test("IdlePeers does not ask who sends, though no message is complete", () => {
  const clock = createFakeClock();
  const peers = new IdlePeers(clock);
  const peer = createPeer(false);
  peers.add(peer);
  for (let at = 0; at < 20; at++) {
    clock.tick(10_000);
    peer.receivedBytes++;
  }
  assertEquals([peer.pings, peer.terminated], [0, 0]);
  peers.remove(peer);
});

Deno.test("IdlePeers watches all with one timer, and none with none", () => {
  const clock = createFakeClock();
  const peers = new IdlePeers(clock);
  const all = Array.from({ length: 100 }, () => createPeer(false));
  all.forEach((peer) => peers.add(peer));
  assertEquals(clock.pendingTimers, 1);
  all.slice(1).forEach((peer) => peers.remove(peer));
  clock.tick(30_000);
  assertEquals(all.map((peer) => peer.terminated), [1, ...all.slice(1).map(() => 0)]);
  peers.remove(all[0]!);
  peers.remove(all[0]!);
  assertEquals(clock.pendingTimers, 0);
});
