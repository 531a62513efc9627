import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  createDescriberContainer,
  type DescriberContainer,
  DescriberStoppedError,
} from "../../../../modal/local/describer/container.ts";
import {
  describeFrames,
  UndecodableFramesError,
} from "../../../../modal/local/describer/describer.ts";
import { film, ground, jpegOf, plain, square } from "./_pictures.ts";

async function withContainer(use: (container: DescriberContainer) => Promise<void>): Promise<void> {
  const container = createDescriberContainer();
  try {
    await use(container);
  } finally {
    container.close();
  }
}

function pause(delayMs: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, delayMs));
}

/** A Worker made of a line of JavaScript. */
function workerOf(script: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(script)}`);
}

Deno.test("DescriberContainer.describe answers as describeFrames does", async () => {
  const frames = await film(3, (i) => square(40 + 10 * i, 72, [215, 30, 30], ground));
  await withContainer(async (container) => {
    assertEquals(await container.describe(frames), await describeFrames(frames));
    assertEquals(await container.describe([]), { caption: "", measured: undefined });
    // Frames are lent, not given away.
    assert(frames.every(({ byteLength }) => byteLength > 0));
  });
});

Deno.test("DescriberContainer.describe gives each of many calls its own answer", async () => {
  const colours = ["red", "green", "blue"];
  const frames = await Promise.all([
    jpegOf(plain(200, 20, 20)),
    jpegOf(plain(40, 150, 50)),
    jpegOf(plain(40, 80, 210)),
  ]);
  await withContainer(async (container) => {
    const answers = await Promise.all(frames.map((frame) => container.describe([frame])));
    answers.forEach(({ caption }, i) => assertStringIncludes(caption, colours[i]!));
  });
});

Deno.test("DescriberContainer.describe rejects with the describer's own error and goes on [M2]", async () => {
  await withContainer(async (container) => {
    const error = await assertRejects(
      () => container.describe([new Uint8Array(3), new Uint8Array(4)]),
      UndecodableFramesError,
      "Cannot describe 2 frames",
    );
    assertEquals(error.name, "UndecodableFramesError");
    const { caption } = await container.describe([await jpegOf(plain(200, 20, 20))]);
    assertStringIncludes(caption, "red");
  });
});

Deno.test("DescriberContainer.close rejects what is pending and what comes later", async () => {
  const container = createDescriberContainer();
  const frame = await jpegOf(ground);
  const pending = [container.describe([frame]), container.describe([frame])];
  const rejections = pending.map((call) =>
    assertRejects(() => call, DescriberStoppedError, "the describer is closed")
  );
  container.close();
  await Promise.all(rejections);
  await assertRejects(
    () => container.describe([frame]),
    DescriberStoppedError,
    "Cannot describe frames as the describer is closed",
  );
  container.close();
});

Deno.test("DescriberContainer.close ends the Worker, whatever it is doing", async () => {
  const signs = new BroadcastChannel("describer_container_test");
  const container = createDescriberContainer(workerOf(
    `const signs = new BroadcastChannel("describer_container_test");
    setInterval(() => signs.postMessage("alive"), 2);`,
  ));
  const call = assertRejects(() => container.describe([]), DescriberStoppedError);
  await new Promise((seen) => signs.onmessage = seen);
  container.close();
  await call;
  // What was under way when the Worker ended may still arrive; then there is silence.
  await pause(50);
  let afterwards = 0;
  signs.onmessage = () => afterwards++;
  await pause(50);
  signs.close();
  assertEquals(afterwards, 0);
});

Deno.test("DescriberContainer needs no Worker to be closed", () => {
  createDescriberContainer().close();
});

Deno.test("DescriberContainer.describe rejects when its Worker dies, and starts another", async () => {
  const script = `let calls = 0;
    self.onmessage = ({ data }) => {
      if (data.frames.length === 0) throw new Error("dies on purpose, for this test");
      const description = { caption: String(++calls), measured: undefined };
      self.postMessage({ id: data.id, ok: true, description });
    };`;
  const container = createDescriberContainer(workerOf(script));
  try {
    const frame = new Uint8Array(1);
    assertEquals((await container.describe([frame])).caption, "1");
    assertEquals((await container.describe([frame])).caption, "2");
    await assertRejects(
      () => container.describe([]),
      DescriberStoppedError,
      "dies on purpose, for this test",
    );
    // Counting from one again: a new Worker.
    assertEquals((await container.describe([frame])).caption, "1");
  } finally {
    container.close();
  }
});
