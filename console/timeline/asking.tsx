/**
 * Questions about a day.
 *
 * @module
 */
import { useSignal } from "@preact/signals";
import { timeOfDay } from "../words.ts";
import type { AskReply } from "../../client/records.ts";
import { ask, chosen, told } from "./timeline.ts";

/** Answered from what was seen, with what it rests on. */
export function Asking() {
  const question = useSignal("");
  return (
    <div class="panel asking">
      <label for="question">Ask about this day</label>
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault();
          if (question.value.trim()) ask(question.value.trim());
        }}
      >
        <input
          id="question"
          value={question}
          placeholder="What did I do this morning?"
          onInput={({ currentTarget }) => {
            question.value = currentTarget.value;
          }}
        />
        <button type="submit">Ask</button>
      </form>
      <div aria-live="polite">
        <ToldOf />
      </div>
    </div>
  );
}

function ToldOf() {
  const now = told.value;
  switch (now?.kind) {
    case undefined:
      return null;
    case "asking":
      return <p class="answer">…</p>;
    case "failed":
      return <p class="trouble">{now.reason}</p>;
    case "told":
      return <Reply reply={now.reply} />;
  }
}

function Reply({ reply }: { readonly reply: AskReply }) {
  const { segments } = reply;
  const cited = reply.outcome === "answered" ? reply.citations : [];
  const isCited = cited.length > 0;
  const shown = isCited ? segments.filter(({ id }) => cited.includes(id)) : segments;
  return (
    <>
      <p class="answer">{reply.answer ?? `No answer: ${reply.reason}`}</p>
      {shown.length > 0 && <p class="fine">{isCited ? "It rests on:" : "What was seen:"}</p>}
      <ol class="hits">
        {shown.map(({ id, started_at, caption }) => (
          <li key={id}>
            <button
              type="button"
              onClick={() => {
                chosen.value = id;
              }}
            >
              <span class="fine">{timeOfDay(started_at)}</span>
              <span>{caption}</span>
            </button>
          </li>
        ))}
      </ol>
    </>
  );
}
