import { assertEquals } from "@std/assert";
import type { Access, TokenSource } from "../../client/access.ts";
import type { State } from "../../client/glasses.ts";
import { frame, withModal } from "../routes/_vision.ts";
import { issueToken } from "../routes/_wearers.ts";
import { first, withGlasses } from "./_glasses.ts";

const isOpen = ({ kind }: State) => kind === "open";
const bringing = (token: TokenSource): Access => ({ kind: "token", token });

Deno.test("glasses whose token expires bring a fresh one, and the session goes on [A8, S4]", () =>
  withModal({}, async (foresight) => {
    const asked: (string | null)[] = [];
    const short = await issueToken(foresight, "ann", ["stream"], { expires_in_s: 1 });
    const long = await issueToken(foresight, "ann", ["stream"]);
    const token = (refused: string | null) => {
      asked.push(refused);
      return refused === null ? short.token : long.token;
    };
    await withGlasses({ url: foresight.url, access: bringing(token) }, async (glasses) => {
      const [states, results] = [glasses.states(), glasses.results()];
      glasses.send(frame(1));
      await results.next();
      const { session } = glasses.remembered!;
      await first(states, ({ kind }) => kind === "waiting");
      await first(states, isOpen);
      glasses.send(frame(2));
      assertEquals((await results.next()).value?.caption, "saw 2 after 1");
      assertEquals(glasses.remembered!.session, session);
      assertEquals(asked, [null, short.token]);
    });
  }));

Deno.test("glasses whose token is revoked stop where there is no other, and say why [A8]", () =>
  withModal({}, async (foresight) => {
    const { token, id } = await issueToken(foresight, "ann", ["stream"]);
    for (const source of [token, (refused: string | null) => refused === null ? token : null]) {
      await withGlasses(
        { url: foresight.url, access: bringing(source) },
        async (glasses, sockets) => {
          if (sockets.made === 0 && source === token) await first(glasses.states(), isOpen);
          await (await foresight.fetch(`/wearers/ann/tokens/${id}`, { method: "DELETE" })).body
            ?.cancel();
          const closed = await glasses.closed;
          assertEquals([closed.kind, closed.kind === "refused" && closed.status], ["refused", 403]);
          assertEquals(sockets.made, 1, "it asks no further");
        },
      );
    }
  }));

Deno.test("glasses ask again for a token that could not be had, and not for one without scope [A6]", () =>
  withModal({}, async (foresight) => {
    const { token } = await issueToken(foresight, "ann", ["stream"]);
    let asked = 0;
    const sometimes = () => {
      if (++asked < 3) throw new Error("no network");
      return token;
    };
    await withGlasses({ url: foresight.url, access: bringing(sometimes) }, async (glasses) => {
      await first(glasses.states(), isOpen);
      assertEquals(asked, 3);
    });
    const reader = await issueToken(foresight, "ann", ["read"]);
    let given = 0;
    const reading = () => (given++, reader.token);
    await withGlasses({ url: foresight.url, access: bringing(reading) }, async (glasses) => {
      const closed = await glasses.closed;
      const detail = closed.kind === "refused" ? closed.detail : "";
      assertEquals(detail.includes("scopes must include stream"), true, detail);
      assertEquals(given, 1);
    });
  }));

Deno.test("glasses that are given bad tokens only do not go on forever [A7]", () =>
  withModal({}, async (foresight) => {
    let given = 0;
    const bad = () => `fs1.bad${++given}`;
    await withGlasses({ url: foresight.url, access: bringing(bad) }, async (glasses) => {
      const closed = await glasses.closed;
      assertEquals([closed.kind === "refused" && closed.status, given], [403, 3]);
    });
  }));

Deno.test("glasses of a wearer who is erased stop, and begin nothing anew [A12]", () =>
  withModal({}, async (foresight) => {
    await withGlasses({ url: foresight.url }, async (glasses, sockets) => {
      const results = glasses.results();
      glasses.send(frame(1));
      await results.next();
      await (await foresight.fetch("/wearers/default", { method: "DELETE" })).body?.cancel();
      assertEquals(await glasses.closed, { kind: "erased" });
      assertEquals(sockets.made, 1);
    });
  }));
