/**
 * Segments to be read.
 *
 * @module
 */
import { useEffect, useRef } from "preact/hooks";
import { duration, timeOfDay } from "../words.ts";
import type { Segment } from "../../client/records.ts";
import { chosen } from "./timeline.ts";

/** The newest first. */
export function SegmentList({ segments }: { readonly segments: readonly Segment[] }) {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (chosen.value === null) return;
    const item = list.current?.querySelector<HTMLElement>("[aria-current=true]");
    item?.scrollIntoView({ block: "center" });
    item?.focus({ preventScroll: true });
  }, [chosen.value]);
  return (
    <section aria-label="What was seen">
      <ol class="segments" ref={list}>
        {segments.toReversed().map(({ id, started_at, ended_at, caption }) => (
          <li key={id} tabIndex={-1} aria-current={chosen.value === id ? "true" : undefined}>
            <time dateTime={started_at}>{timeOfDay(started_at)}</time>
            <p>{caption}</p>
            <span class="fine">{duration(Date.parse(ended_at) - Date.parse(started_at))}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
