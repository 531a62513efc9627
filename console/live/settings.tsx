/**
 * How the glasses see.
 *
 * @module
 */
import { FRAME_RATES, type Resolution, RESOLUTIONS } from "./capture.ts";
import { fps, resolution } from "./live.ts";

/** They take effect with the next frame. */
export function Settings() {
  return (
    <div class="panel">
      <fieldset class="choice">
        <legend>Frames a second</legend>
        {FRAME_RATES.map((rate) => (
          <label key={rate}>
            <input
              type="radio"
              name="fps"
              checked={fps.value === rate}
              onChange={() => {
                fps.value = rate;
              }}
            />
            <span>{rate}</span>
          </label>
        ))}
      </fieldset>
      <fieldset class="choice">
        <legend>Resolution</legend>
        {Object.entries(RESOLUTIONS).map(([name, { short, long }]) => (
          <label key={name}>
            <input
              type="radio"
              name="resolution"
              checked={resolution.value === name}
              onChange={() => {
                resolution.value = name as Resolution;
              }}
            />
            <span>
              {name[0]!.toUpperCase() + name.slice(1)} <small>{short} × {long}</small>
            </span>
          </label>
        ))}
      </fieldset>
    </div>
  );
}
