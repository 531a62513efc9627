/**
 * What the stream does, in figures.
 *
 * @module
 */
import type { ComponentChildren } from "preact";
import { amount, duration } from "../words.ts";
import { figures } from "./live.ts";
import { AgePlot } from "./plot.tsx";

/** Four times a second. */
export function FiguresPanel() {
  const now = figures.value;
  const { counts, ackMs } = now;
  const lost = counts ? counts.lost + counts.overtaken + counts.too_large : 0;
  return (
    <section class="panel" aria-label="Figures">
      <AgePlot ages={now.ages} nowMs={now.atMs} />
      <dl class="figures">
        <Figure name="Frames sent">{counts?.sent ?? 0}</Figure>
        <Figure name="Captions">{now.results}</Figure>
        <Figure name="Reconnects">{now.reconnects}</Figure>
        <Figure name="Queued">{now.queued}</Figure>
        <Figure name="Skipped">{now.skipped}</Figure>
        <Figure name="Dropped">{now.dropped}</Figure>
        <Figure name="Waiting">{counts?.waiting ?? 0}</Figure>
        <Figure name="Held back">{now.heldBack}</Figure>
        <Figure name="Lost">{lost}</Figure>
        <Figure name="Ack">
          {ackMs ? duration(ackMs.median) : "–"}
          {ackMs && <small>to {duration(ackMs.worst)}</small>}
        </Figure>
        <Figure name="Sent">{amount(now.bytes)}</Figure>
        <Figure name="A second">{amount(now.bytesPerSecond)}</Figure>
      </dl>
    </section>
  );
}

function Figure(
  { name, children }: { readonly name: string; readonly children: ComponentChildren },
) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
