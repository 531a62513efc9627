import { assertEquals } from "@std/assert";
import type { Environment } from "../../config.ts";
import { startLocalModal } from "../../modal/local/server.ts";
import { MAGIC_WORD, type TestForesight, withForesight } from "../_foresight.ts";
import { servedEyes } from "../inference/_eyes.ts";
import { startOpenAiServer } from "../inference/_openai_server.ts";
import type { Asked } from "../inference/_port_contract.ts";
import { frame } from "./_vision.ts";

type Message = Readonly<Record<string, unknown>>;

/** A client of `foresight.v2` that hears messages one after the other. */
class Client {
  readonly #socket: WebSocket;
  readonly #heard: Message[] = [];
  #wake = () => {};

  constructor(url: string) {
    const address = `${url.replace("http", "ws")}/vision/stream?magic_word=${MAGIC_WORD}`;
    this.#socket = new WebSocket(address, "foresight.v2");
    this.#socket.onmessage = ({ data }) => {
      this.#heard.push(JSON.parse(data));
      this.#wake();
    };
  }

  send(message: Message | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(message instanceof Uint8Array ? message : JSON.stringify(message));
  }

  /** The first message of that type. */
  async heard(type: string): Promise<Message> {
    for (;;) {
      const message = this.#heard.find((message) => message.type === type);
      if (message) return message;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }

  async leave(): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#socket.close();
    await closed;
  }
}

/** What a client hears of whether it is captioned, and what the log says. */
async function captionedBy(settings: Environment): Promise<[hello: unknown, logged: unknown]> {
  let told: [unknown, unknown] = [null, null];
  await withForesight(settings, async ({ url, logged }) => {
    const client = new Client(url);
    const { limits } = await client.heard("hello");
    const started = logged.find(({ event }) => event === "stream.started");
    told = [(limits as { captions: unknown }).captions, started?.captioned];
    await client.leave();
  });
  return told;
}

async function answerOf({ url }: TestForesight, question: string): Promise<Message> {
  const client = new Client(url);
  await client.heard("hello");
  client.send(new Uint8Array(frame(7)));
  await client.heard("result");
  client.send({ type: "ask", id: "q1", question });
  const answer = await client.heard("answer");
  await client.leave();
  return answer;
}

const say = ({ frames, prompt }: Asked) => `${prompt.slice(0, 4)} ${frames.map(([n]) => n)}`;
const OPENAI = { INFERENCE: "openai", OPENAI_API_KEY: "sk-local", OPENAI_MODEL: "eyes" };
const AT_ONCE = { VISION_CHUNK_SECONDS: "0" };

Deno.test("a stream says that it is captioned where there is a model, with an identity or without [V8]", async () => {
  const openai = { ...OPENAI, OPENAI_BASE_URL: "http://127.0.0.1:1/v1" };
  const http = { MODAL_TRANSPORT: "http", MODAL_ENDPOINT_URL: "http://127.0.0.1:1" };
  const token = { MODAL_PROXY_TOKEN_ID: "wk-1", MODAL_PROXY_TOKEN_SECRET: "ws-1" };
  assertEquals(await captionedBy(openai), [true, true]);
  assertEquals(await captionedBy({ ...openai, INFERENCE: "modal,openai" }), [true, true]);
  assertEquals(await captionedBy({ ...http, ...token }), [true, true]);
  assertEquals(await captionedBy(http), [false, false]);
  assertEquals(await captionedBy({}), [false, false]);
});

Deno.test("a question about what is seen is answered by a class on Modal, and by another model [M8]", async () => {
  const eyes = servedEyes();
  const modal = await startLocalModal({ classes: [eyes.served] });
  const server = startOpenAiServer("sk-local");
  const models = {
    modal: {
      MODAL_SERVER_URL: modal.url,
      MODAL_TOKEN_ID: "ak-1",
      MODAL_TOKEN_SECRET: "as-1",
      MODAL_APP_NAME: eyes.served.app,
      MODAL_CLASS_NAME: eyes.served.name,
    },
    openai: { ...OPENAI, OPENAI_BASE_URL: server.baseUrl },
  };
  for (const { behave } of [eyes, server]) behave({ kind: "answers", say });
  for (const settings of Object.values(models)) {
    await withForesight({ ...settings, ...AT_ONCE }, async (foresight) => {
      const { latency_ms, ...answer } = await answerOf(foresight, "Why is it red?");
      assertEquals(answer, { type: "answer", id: "q1", text: "Why  7" });
      assertEquals(typeof latency_ms, "number");
    });
  }
  await modal.close();
  await server.stop();
});
