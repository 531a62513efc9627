/**
 * A day as a band: where something was seen, and when.
 *
 * @module
 */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { minuteOfDay, timeOfDay } from "../words.ts";
import { extentOf, MINUTE_MS, zoomFor, ZOOMS } from "./_extent.ts";
import type { Segment } from "../../client/records.ts";
import { chosen } from "./timeline.ts";

/** What is shorter could not be hit. */
const LEAST_PX = 4;

/** The list below it says the same to who cannot see it. */
export function Band({ segments }: { readonly segments: readonly Segment[] }) {
  const zoom = useSignal(zoomFor(segments));
  const field = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // A day is looked at from its end.
    if (field.current) field.current.scrollLeft = field.current.scrollWidth;
  }, [zoom.value]);
  useEffect(() => {
    const block = field.current?.querySelector("[data-chosen=true]");
    block?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [chosen.value]);
  return (
    <div class="band">
      <div class="row band-zoom">
        <ZoomButton name="Zoom out" sign="–" zoom={zoom} by={-1} />
        <ZoomButton name="Zoom in" sign="+" zoom={zoom} by={1} />
      </div>
      <div class="band-field" ref={field} tabIndex={0} role="group" aria-label="The day as a band">
        <Blocks segments={segments} pxPerMinute={ZOOMS[zoom.value]!} />
      </div>
    </div>
  );
}

function Blocks(
  { segments, pxPerMinute }: {
    readonly segments: readonly Segment[];
    readonly pxPerMinute: number;
  },
) {
  const { beginMs, endMs, stepMs } = extentOf(segments, pxPerMinute);
  const px = (ms: number) => (ms - beginMs) / MINUTE_MS * pxPerMinute;
  const count = Math.round((endMs - beginMs) / stepMs);
  const marks = Array.from({ length: count }, (_, at) => beginMs + at * stepMs);
  return (
    <div class="band-day" style={{ width: `${px(endMs)}px` }} aria-hidden="true">
      {marks.map((mark) => (
        <span key={mark} class="band-mark" style={{ left: `${px(mark)}px` }}>
          {stepMs < MINUTE_MS ? timeOfDay(mark) : minuteOfDay(mark)}
        </span>
      ))}
      {segments.map(({ id, started_at, ended_at, caption }) => {
        const left = px(Date.parse(started_at));
        const width = Math.max(LEAST_PX, px(Date.parse(ended_at)) - left);
        return (
          <div
            key={id}
            class="band-block"
            data-chosen={chosen.value === id}
            title={`${timeOfDay(started_at)} ${caption}`}
            style={{ left: `${left}px`, width: `${width}px` }}
            onClick={() => {
              chosen.value = id;
            }}
          />
        );
      })}
    </div>
  );
}

function ZoomButton(
  { name, sign, zoom, by }: {
    readonly name: string;
    readonly sign: string;
    readonly zoom: Signal<number>;
    readonly by: number;
  },
) {
  const next = zoom.value + by;
  return (
    <button
      type="button"
      class="quiet"
      aria-label={name}
      disabled={ZOOMS[next] === undefined}
      onClick={() => {
        zoom.value = next;
      }}
    >
      {sign}
    </button>
  );
}
