/** A worker for tests: speaks the lines of `modal/worker.py`, and does what its method's name says. */
const encoder = new TextEncoder();
const say = (message: unknown) =>
  void Deno.stdout.writeSync(encoder.encode(`${JSON.stringify(message)}\n`));

say({ ready: true });
let rest = "";
for await (const text of Deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + text).split("\n");
  rest = lines.pop()!;
  for (const line of lines) {
    const { id, method, args, cancel } = JSON.parse(line);
    if (cancel) say({ id, error: { name: "CancelledError", message: "given up" } });
    else if (method === "echo") say({ id, result: args });
    else if (method === "answer") say({ id, result: { text: JSON.stringify(args) } });
    else if (method === "generate") say({ id, result: args.schema ? args : JSON.stringify(args) });
    else if (method === "raise") say({ id, error: { name: "ValueError", message: "no" } });
    else if (method === "die") Deno.exit(1);
  }
}
