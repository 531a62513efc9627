/**
 * Timeline: a day looked back at.
 *
 * @module
 */
import { useEffect } from "preact/hooks";
import { Asking } from "./asking.tsx";
import { Band } from "./band.tsx";
import { Search } from "./search.tsx";
import { SegmentList } from "./segment_list.tsx";
import { date, day, follow, readDay, words } from "./timeline.ts";

/** The view. */
export function TimelineView() {
  useEffect(follow, []);
  return (
    <div class="timeline">
      <h1 class="unseen">Timeline</h1>
      <div class="tools">
        <Search />
        <div class="day">
          <label for="date">Day</label>
          <input
            id="date"
            type="date"
            required
            value={date}
            onChange={({ currentTarget }) => {
              if (currentTarget.value) readDay(currentTarget.value);
            }}
          />
        </div>
      </div>
      {words.value.trim() === "" && <DayShown />}
    </div>
  );
}

function DayShown() {
  const now = day.value;
  switch (now.kind) {
    case "reading":
      return <p class="fine" role="status">Reading…</p>;
    case "failed":
      return <p class="trouble" role="alert">{now.reason}</p>;
    case "read":
      if (now.segments.length === 0) {
        return <p class="nothing" role="status">Nothing was seen on this day.</p>;
      }
      return (
        <>
          <Band key={date.value} segments={now.segments} />
          {now.hasMore && <p class="fine">The first {now.segments.length} of the day.</p>}
          <Asking />
          <SegmentList segments={now.segments} />
        </>
      );
  }
}
