/**
 * Live: this device as glasses.
 *
 * @module
 */
import { Stage } from "./stage.tsx";
import { Ask, LookFor } from "./words.tsx";
import { FiguresPanel } from "./figures.tsx";
import { Captured } from "./captured.tsx";
import { Settings } from "./settings.tsx";

/** The view. */
export function LiveView() {
  return (
    <div class="live">
      <h1 class="unseen">Live</h1>
      <Stage />
      <div class="side">
        <Settings />
        <FiguresPanel />
      </div>
      <div class="talk">
        <Ask />
        <LookFor />
      </div>
      <Captured />
    </div>
  );
}
