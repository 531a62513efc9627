/**
 * What was said before.
 *
 * @module
 */
import { duration, timeOfDay } from "../words.ts";
import { captions } from "./live.ts";

/** The newest is not among them: it stands under the picture. */
export function Captured() {
  const earlier = captions.value.slice(1);
  if (earlier.length === 0) return null;
  return (
    <section class="earlier" aria-labelledby="earlier">
      <h2 id="earlier">Earlier</h2>
      <ol>
        {earlier.map(({ cursor, text, isFailure, heardAtMs, ageMs }) => (
          <li key={cursor} data-cursor={cursor}>
            <time>{timeOfDay(heardAtMs)}</time>
            <p data-failed={isFailure}>{text}</p>
            <span class="fine">{ageMs === null ? "" : duration(ageMs)}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
