/**
 * What a person says to the glasses: what to look for, and questions.
 *
 * @module
 */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Profile } from "../../client/records.ts";
import { apiFor, outcomeOf } from "../api.ts";
import { entry } from "../entry.ts";
import { asked, askNow, lookFor, source, wanted } from "./live.ts";

/** A profile of the server's, or words of one's own. */
export function LookFor() {
  const profiles = useSignal<readonly Profile[]>([]);
  const prompt = useSignal("");
  const said = useSignal("");
  useEffect(() => {
    outcomeOf(apiFor(entry.value!).profiles()).then((answer) => {
      if (answer.kind === "ok") profiles.value = answer.value;
    });
  }, []);
  const chosen = wanted.value && "profile" in wanted.value ? wanted.value.profile : "";
  return (
    <div class="panel">
      <label for="profile">Look for</label>
      <select
        id="profile"
        value={chosen}
        onChange={({ currentTarget }) => {
          if (currentTarget.value) lookFor({ profile: currentTarget.value });
          said.value = currentTarget.value ? "From the next caption on." : "";
        }}
      >
        <option value="" disabled>as the server is set</option>
        {profiles.value.map(({ name }) => (
          <option key={name} value={name}>{name.replaceAll("_", " ")}</option>
        ))}
      </select>
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault();
          if (!prompt.value.trim()) return;
          lookFor({ prompt: prompt.value.trim() });
          said.value = "From the next caption on.";
        }}
      >
        <input
          aria-label="In words of your own"
          placeholder="in words of your own"
          value={prompt}
          onInput={({ currentTarget }) => {
            prompt.value = currentTarget.value;
          }}
        />
        <button type="submit">Set</button>
      </form>
      <p class="fine" role="status">{said}</p>
    </div>
  );
}

/** A question about what is seen now. */
export function Ask() {
  const question = useSignal("");
  const now = asked.value;
  return (
    <div class="panel">
      <label for="ask-now">Ask about what is seen now</label>
      <form
        class="line"
        onSubmit={(event) => {
          event.preventDefault();
          if (question.value.trim()) askNow(question.value.trim());
        }}
      >
        <input
          id="ask-now"
          value={question}
          placeholder="Is the door open?"
          onInput={({ currentTarget }) => {
            question.value = currentTarget.value;
          }}
        />
        <button type="submit" disabled={source.value === null}>Ask</button>
      </form>
      <div aria-live="polite">
        {now && <p class="answer">{now.answer ?? now.trouble ?? "…"}</p>}
      </div>
    </div>
  );
}
