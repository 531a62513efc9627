/**
 * Structured logs: one JSON object a line. Secrets, captions and frames have no place in them;
 * callers pass what they name, never whole requests or environments.
 *
 * @module
 */

/** Levels from the most to the least talkative. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;

/** How serious a line is. */
export type LogLevel = typeof LOG_LEVELS[number];

/** What a line may carry beside its event name. */
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Writes one line for each event; `event` is a short fixed name such as `stream.opened`. */
export type Logger = Readonly<Record<LogLevel, (event: string, fields?: LogFields) => void>>;

/**
 * A logger that hands each finished line to `write`, dropping what is below `level`.
 *
 * @param level the least serious level that is written
 * @param write takes one line without its line end
 * @param epochMs wall time for the `at` field
 */
export function createLogger(
  level: LogLevel,
  write: (line: string) => void,
  epochMs: () => number = Date.now,
): Logger {
  const threshold = LOG_LEVELS.indexOf(level);
  const at = (lineLevel: LogLevel) =>
    LOG_LEVELS.indexOf(lineLevel) < threshold
      ? () => {}
      : (event: string, fields: LogFields = {}) =>
        write(JSON.stringify({
          at: new Date(epochMs()).toISOString(),
          level: lineLevel,
          event,
          ...fields,
        }));
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/**
 * Writes whole lines to a stream that may take less than it is given. A reader that has gone away (a
 * closed pipe, a full disk) must not take the process with it: what cannot be written is lost.
 */
export function lineWriter(
  stream: { writeSync(bytes: Uint8Array): number },
): (line: string) => void {
  const encoder = new TextEncoder();
  return (line) => {
    let rest = encoder.encode(`${line}\n`);
    try {
      while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
    } catch {
      // There is nobody left to tell.
    }
  };
}

/** A logger that writes nothing. */
export const silentLogger: Logger = createLogger("error", () => {});

/** The text of whatever was thrown, for a log line or an error answer. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
