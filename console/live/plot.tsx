/**
 * How old captions were when they arrived, over the last minute.
 *
 * @module
 */
import { type Age, AGES_FOR_MS } from "./tally.ts";
import { duration } from "../words.ts";

const WIDTH = 600;
const HEIGHT = 120;
/** Tops that read well, in milliseconds. */
const TOPS = [200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 300_000];

/** A line that runs from right to left. */
export function AgePlot(
  { ages, nowMs }: { readonly ages: readonly Age[]; readonly nowMs: number },
) {
  const worst = Math.max(0, ...ages.map(({ ageMs }) => ageMs));
  const top = TOPS.find((each) => each >= worst) ?? worst;
  const points = ages.map(({ heardAtMs, ageMs }) => ({
    x: WIDTH * (1 - (nowMs - heardAtMs) / AGES_FOR_MS),
    y: HEIGHT * (1 - ageMs / top),
  }));
  const path = points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
  const last = points.at(-1);
  return (
    <figure class="plot">
      <figcaption>
        <span>From camera to caption</span>
        <strong>{ages.length === 0 ? "–" : duration(ages.at(-1)!.ageMs)}</strong>
      </figcaption>
      <div class="plot-field">
        <span class="plot-top" aria-hidden="true">{duration(top)}</span>
        <span class="plot-middle" aria-hidden="true">{duration(top / 2)}</span>
        <svg
          viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
          preserveAspectRatio="none"
          role="img"
          aria-label={labelOf(ages)}
        >
          {[0, 0.5, 1].map((share) => (
            <line
              key={share}
              class="plot-rule"
              x1="0"
              x2={WIDTH}
              y1={HEIGHT * share}
              y2={HEIGHT * share}
            />
          ))}
          <polyline class="plot-line" points={path} />
          {last && <line class="plot-dot" x1={last.x} x2={last.x} y1={last.y} y2={last.y} />}
        </svg>
      </div>
      <div class="plot-feet" aria-hidden="true">
        <span>a minute ago</span>
        <span>now</span>
      </div>
    </figure>
  );
}

function labelOf(ages: readonly Age[]): string {
  if (ages.length === 0) return "No caption in the last minute.";
  const sorted = ages.map(({ ageMs }) => ageMs).toSorted((a, b) => a - b);
  const median = duration(sorted[Math.floor(sorted.length / 2)]!);
  const worst = duration(sorted.at(-1)!);
  return `${ages.length} captions in the last minute: median ${median}, oldest ${worst}.`;
}
