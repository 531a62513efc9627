/**
 * A process of its own that adds rules, or enables them, as fast as it can. Started by
 * `store_processes_test.ts`.
 *
 * It says `ready` when the database is open, begins when its standard input has something to read,
 * and then prints how many of each outcome there were.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import { RULE_DRAFT } from "../../rules/rule.ts";
import { createRuleStore } from "../../rules/store.ts";

/** What the process is told. */
export interface AddMany {
  readonly path: string;
  readonly wearer: string;
  readonly count: number;
}

async function say(line: string): Promise<void> {
  const rest = new Blob([`${line}\n`]).stream();
  await rest.pipeTo(Deno.stdout.writable, { preventClose: true });
}

if (import.meta.main) {
  const { path, wearer, count }: AddMany = JSON.parse(Deno.args[0]!);
  const kv = await Deno.openKv(path);
  const store = createRuleStore({ kv, clock: systemClock, newId: () => crypto.randomUUID() });
  await say("ready");
  await Deno.stdin.read(new Uint8Array(16));
  const outcomes: Record<string, number> = {};
  for (let round = 0; round < count; round++) {
    const { kind } = await store.add(wearer, RULE_DRAFT.parse({ when: "a dog" }));
    outcomes[kind] = (outcomes[kind] ?? 0) + 1;
  }
  await say(JSON.stringify(outcomes));
  kv.close();
}
