/**
 * A KV that writes nothing of a wearer who is being erased.
 *
 * Each commit that sets something of a wearer checks that its {@link erasingKey} is empty. So no
 * feature can forget to ask, and what a process still has in hand as an erasure begins, here or
 * elsewhere, does not come into the books behind it.
 *
 * @module
 */
import { erasingKey } from "./erasing_keys.ts";
import { wearerPrefix } from "./keys.ts";

/** A write that came too late: nothing is written. */
export class WearerErasingError extends Error {
  override readonly name = "WearerErasingError";
  constructor() {
    super("The wearer is being erased");
  }
}

const SETS: ReadonlySet<PropertyKey> = new Set(["set", "sum", "min", "max"]);
const [ROOT] = wearerPrefix("");

/**
 * The same KV; only that a commit, or a `set`, rejects with {@link WearerErasingError} where a wearer
 * whose records it sets is being erased. Deletions go through.
 */
export function fencedKv(kv: Deno.Kv): Deno.Kv {
  const set: Deno.Kv["set"] = async (...args) => {
    while (true) {
      const written = await fenced(kv).set(...args).commit();
      // Else the erasure has ended this very moment.
      if (written.ok) return written;
    }
  };
  const replaced: Readonly<Record<PropertyKey, unknown>> = { set, atomic: () => fenced(kv) };
  return new Proxy(kv, {
    get(target, name) {
      if (Object.hasOwn(replaced, name)) return replaced[name];
      const member = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

function fenced(kv: Deno.Kv): Deno.AtomicOperation {
  const operation = kv.atomic();
  const wearers = new Set<string>();
  const note = (key: Deno.KvKey) => {
    const [root, wearer] = key;
    // The mark itself is its writer's business.
    const isMark = key.length === 3 && key[2] === erasingKey("")[2];
    if (root === ROOT && !isMark) wearers.add(String(wearer));
  };
  const commit = async () => {
    const marks = [...wearers].map(erasingKey);
    for (const key of marks) operation.check({ key, versionstamp: null });
    const answer = await operation.commit();
    if (answer.ok) return answer;
    for (const key of marks) {
      if ((await kv.get(key)).value !== null) throw new WearerErasingError();
    }
    return answer;
  };
  const proxy: Deno.AtomicOperation = new Proxy(operation, {
    get(target, name) {
      if (name === "commit") return commit;
      const member = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      // deno-lint-ignore no-explicit-any
      return (...args: any[]) => {
        if (SETS.has(name)) note(args[0]);
        if (name === "mutate") args.forEach(({ type, key }) => type === "delete" || note(key));
        member.apply(target, args);
        return proxy;
      };
    },
  });
  return proxy;
}
