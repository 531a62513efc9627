/**
 * Times and amounts as people read them.
 *
 * @module
 */

/** `420 ms`, `1.3 s`, `2 min`. */
export function duration(ms: number): string {
  if (ms < 10) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${Math.round(ms / 60_000)} min`;
}

/** `31 KB`, `4.2 MB`, of a thousand each. */
export function amount(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1_000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** `17:18:01`, here. */
export function timeOfDay(at: number | string): string {
  return new Date(at).toLocaleTimeString(undefined, { hourCycle: "h23" });
}

/** `17:18`. */
export function minuteOfDay(at: number): string {
  const options = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  return new Date(at).toLocaleTimeString(undefined, options);
}

/** `Fri, 20 Nov`. */
export function dayOf(at: number | string): string {
  const options = { weekday: "short", day: "numeric", month: "short" } as const;
  return new Date(at).toLocaleDateString(undefined, options);
}

/** `2026-11-20`, the day here. */
export function dateOf(at: number | string): string {
  const day = new Date(at);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}
