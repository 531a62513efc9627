/**
 * `deno task client`: writes what browsers load of the client into `client/dist/`.
 *
 * @module
 */
import { checkedInDist, clientDist, DIST } from "./client_dist.ts";
import { runCommand, say } from "./terminal.ts";

async function build(): Promise<number> {
  await Deno.mkdir(DIST, { recursive: true });
  const modules = await clientDist();
  for (const name of (await checkedInDist()).keys()) {
    if (!modules.has(name)) await Deno.remove(new URL(name, DIST));
  }
  for (const [name, text] of modules) await Deno.writeTextFile(new URL(name, DIST), text);
  say(`${modules.size} modules in client/dist`);
  return 0;
}

await runCommand(build);
