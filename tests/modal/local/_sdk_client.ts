/**
 * Calls a class of the stand-in with the real SDK over its own channel, and prints what came of it
 * as one line of JSON. A program of its own: grpc-js leaves timers behind.
 *
 * Argument: a JSON list of {@link SdkJob}. Environment: `MODAL_SERVER_URL`.
 *
 * @module
 */
import { ModalClient } from "modal";

/** What to call. */
export interface SdkJob {
  readonly app: string;
  readonly className: string;
  readonly method: string;
  readonly environment: string;
  readonly args: readonly unknown[];
  readonly kwargs: Record<string, unknown>;
  /** Zero bytes to add as last positional argument. */
  readonly paddingBytes: number;
}

/** What came of it. */
export type SdkOutcome =
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly name: string; readonly message: string };

async function run(client: ModalClient, job: SdkJob): Promise<SdkOutcome> {
  const { environment, app, className, method, args, kwargs, paddingBytes } = job;
  try {
    const cls = await client.cls.fromName(app, className, { environment });
    const instance = await cls.instance();
    const padding = paddingBytes > 0 ? [new Uint8Array(paddingBytes)] : [];
    const value = await instance.method(method).remote([...args, ...padding], kwargs);
    return { kind: "value", value };
  } catch (error) {
    const { name, message } = error as Error;
    return { kind: "error", name, message };
  }
}

if (import.meta.main) {
  const jobs: SdkJob[] = JSON.parse(Deno.args[0] ?? "[]");
  const client = new ModalClient({ tokenId: "ak-sdk", tokenSecret: "as-sdk" });
  const outcomes: SdkOutcome[] = [];
  for (const job of jobs) outcomes.push(await run(client, job));
  const line = new TextEncoder().encode(JSON.stringify(outcomes));
  await new Blob([line]).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
  Deno.exit(0);
}
