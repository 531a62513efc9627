/**
 * A model server for tests: speaks OpenAI's chat completions on loopback, and checks what it is asked
 * as strictly as the real ones do.
 *
 * @module
 */
import { z } from "zod";
import type { Asked, Behaviour } from "./_port_contract.ts";

const common = { model: z.literal("eyes"), max_tokens: z.number().int().positive() };

const format = {
  response_format: z.strictObject({
    type: z.literal("json_schema"),
    json_schema: z.strictObject({ name: z.string(), schema: z.looseObject({}) }),
  }).optional(),
};

const picturesSchema = z.strictObject({
  ...common,
  ...format,
  messages: z.tuple([z.strictObject({
    role: z.literal("user"),
    content: z.array(z.discriminatedUnion("type", [
      z.strictObject({ type: z.literal("text"), text: z.string().min(1) }),
      z.strictObject({
        type: z.literal("image_url"),
        image_url: z.strictObject({ url: z.string().regex(/^data:image\/(jpeg|png);base64,/) }),
      }),
    ])).min(2),
  })]),
});

const chatSchema = z.strictObject({
  ...common,
  ...format,
  messages: z.array(z.strictObject({ role: z.enum(["user", "assistant"]), content: z.string() })),
});

const requestSchema = z.union([picturesSchema, chatSchema]);

/** A running server. */
export interface OpenAiServer {
  /** What `OPENAI_BASE_URL` must be. */
  readonly baseUrl: string;
  /** Requests so far. */
  readonly seen: { calls: number; mediaTypes: string[] };
  behave(behaviour: Behaviour): void;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** Starts the server; who does not bring `apiKey` is refused. */
export function startOpenAiServer(apiKey: string): OpenAiServer {
  let behaviour: Behaviour = { kind: "answers", say: () => "seen" };
  const seen: OpenAiServer["seen"] = { calls: 0, mediaTypes: [] };
  const leaving = new Set<() => void>();

  const handle = async (request: Request): Promise<Response> => {
    seen.calls++;
    const { pathname } = new URL(request.url);
    if (request.method !== "POST" || pathname !== "/v1/chat/completions") return refuse(404, "no");
    if (request.headers.get("authorization") !== `Bearer ${apiKey}`) return refuse(401, "bad key");
    const body = requestSchema.safeParse(await request.json());
    if (!body.success) return refuse(422, z.prettifyError(body.error));
    const asked = askedOf(body.data, seen.mediaTypes);
    switch (behaviour.kind) {
      case "answers":
        return answerTo(behaviour, asked);
      case "refuses":
        return refuse(400, behaviour.reason);
      case "mumbles":
        return Response.json({ choices: [] });
      case "hangs":
        return await new Promise((resolve) =>
          leaving.add(() => resolve(refuse(503, "going away")))
        );
    }
  };
  const listen = (port: number) =>
    Deno.serve({ port, hostname: "127.0.0.1", onListen() {} }, handle);
  let server = listen(0);
  const { port } = server.addr;
  const stop = async () => {
    for (const leave of leaving) leave();
    await server.shutdown();
  };
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    seen,
    behave: (next) => void (behaviour = next),
    stop,
    restart: () => Promise.resolve(void (server = listen(port))),
  };
}

type Content = z.infer<typeof picturesSchema>["messages"][0]["content"];

function askedOf(request: z.infer<typeof requestSchema>, mediaTypes: string[]): Asked {
  const [first] = request.messages;
  if (first && typeof first.content !== "string") {
    return askedAbout(first.content, "response_format" in request, mediaTypes);
  }
  const { messages, max_tokens: maxTokens, response_format } = request as z.infer<
    typeof chatSchema
  >;
  const schema = response_format?.json_schema.schema ?? null;
  const written = { messages, schema, maxTokens };
  return { frames: [], prompt: "", history: [], questions: [], written };
}

/** What a model that reads well makes of the words. */
function askedAbout(content: Content, inJson: boolean, mediaTypes: string[]): Asked {
  const texts = content.flatMap((part) => part.type === "text" ? [part.text] : []);
  const urls = content.flatMap((part) => part.type === "image_url" ? [part.image_url.url] : []);
  const [words = "", earlier = ""] = texts.join("").split(/\n\nEarlier captions[^\n]*\n/);
  const lines = words.split("\n");
  const listed = inJson ? JSON.parse(lines.pop()!) as { number: number; text: string }[] : [];
  const prompt = lines.join("\n");
  mediaTypes.push(...urls.map((url) => url.slice("data:".length, url.indexOf(";"))));
  return {
    frames: urls.map((url) => Uint8Array.fromBase64(url.slice(url.indexOf(",") + 1))),
    prompt,
    history: earlier ? earlier.split("\n") : [],
    questions: listed.map(({ number, text }) => ({ id: String(number), text })),
  };
}

function answerTo({ say, judge, mostQuestions }: Says, asked: Asked): Response {
  const { questions, written } = asked;
  if (questions.length > (mostQuestions ?? Infinity)) {
    return refuse(400, "this grammar is too large");
  }
  const said = say(asked);
  if (written || !judge || questions.length === 0) return answer(said);
  return answer(JSON.stringify({ caption: said, answers: byNumber(judge(asked)) }));
}

/** As a model says it that was told of numbers; NaN is what JSON makes of it. */
function byNumber(judged: unknown): unknown {
  if (!Array.isArray(judged)) return judged;
  return judged.map((item) => {
    if (typeof item !== "object" || item === null || !("id" in item)) return item;
    const { id, ...rest } = item;
    return { number: Number(id), ...rest };
  });
}

type Says = Behaviour & { readonly kind: "answers" };

function answer(caption: string): Response {
  return Response.json({
    id: "chatcmpl-1",
    object: "chat.completion",
    model: "eyes-2026",
    choices: [{
      index: 0,
      message: { role: "assistant", content: caption },
      finish_reason: "stop",
    }],
    usage: { prompt_tokens: 9, completion_tokens: 4, total_tokens: 13 },
  });
}

function refuse(status: number, message: string): Response {
  return Response.json({ error: { message, type: "invalid_request_error" } }, { status });
}
