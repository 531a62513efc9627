/**
 * What a run counted.
 *
 * @module
 */

/** Counts by name, in the order in which they first came. */
export class Figures {
  readonly #counts = new Map<string, number>();

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** As lines of a table, by name. */
  toString(): string {
    const rows = [...this.#counts].sort(([one], [other]) => one < other ? -1 : 1);
    const width = Math.max(...rows.map(([name]) => name.length));
    return rows.map(([name, count]) => `${name.padEnd(width)}  ${String(count).padStart(8)}`)
      .join("\n");
  }
}
