/**
 * Search, as somebody types.
 *
 * @module
 */
import { dayOf, timeOfDay } from "../words.ts";
import type { SearchHit } from "../../client/records.ts";
import { found, search, show, words } from "./timeline.ts";

/** The field, and what it found. */
export function Search() {
  return (
    <search class="search">
      <label for="words">Search what was seen</label>
      <input
        id="words"
        type="search"
        autocomplete="off"
        placeholder="Where did I leave my keys?"
        value={words}
        onInput={({ currentTarget }) => {
          search(currentTarget.value);
        }}
      />
      <Results />
    </search>
  );
}

function Results() {
  const now = found.value;
  if (now.kind === "failed") return <p class="fine" role="status">{now.reason}</p>;
  // Here before it has anything to say, or screen readers would not hear of it.
  const hits = now.kind === "found" ? now.hits : [];
  return (
    <>
      <p class="fine" role="status">{now.kind === "found" ? countOf(hits.length) : ""}</p>
      {hits.length > 0 && (
        <ol class="hits">
          {hits.map((hit) => (
            <li key={`${hit.session} ${hit.chunks.first}`}>
              <button type="button" onClick={() => choose(hit)}>
                <span class="fine">{dayOf(hit.started_at)}, {timeOfDay(hit.started_at)}</span>
                <span>
                  <Marked hit={hit} />
                </span>
              </button>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** The day takes the place of what was found. */
async function choose(hit: SearchHit): Promise<void> {
  await search("");
  await show(hit);
}

function countOf(hits: number): string {
  if (hits === 0) return "Nothing found.";
  return hits === 1 ? "One found." : `${hits} found.`;
}

/** The caption with the words that matched. */
function Marked({ hit: { caption, matched } }: { readonly hit: SearchHit }) {
  let at = 0;
  const pieces = matched.toSorted((a, b) => a.from - b.from).flatMap(({ from, to }) => {
    if (from < at) return [];
    const before = caption.slice(at, from);
    at = to;
    return [before, <mark key={from}>{caption.slice(from, to)}</mark>];
  });
  return <>{pieces}{caption.slice(at)}</>;
}
