/**
 * The door.
 *
 * @module
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { apiFor, outcomeOf } from "./api.ts";
import { entry, entryOf } from "./entry.ts";

/** Asks for the magic word or a token, and tries it before it lets anybody in. */
export function SignIn() {
  const text = useSignal("");
  const trouble = useSignal("");
  const isBusy = useSignal(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    document.title = "Foresight";
  }, []);

  async function enter(event: Event) {
    event.preventDefault();
    if (isBusy.value) return;
    const given = entryOf(text.value);
    isBusy.value = true;
    trouble.value = "";
    const answer = await outcomeOf(apiFor(given).profiles());
    isBusy.value = false;
    if (answer.kind === "ok") {
      entry.value = given;
      return;
    }
    trouble.value = refusalOf(answer, given.kind);
    field.current?.focus();
  }

  return (
    <main class="door">
      <h1>Foresight</h1>
      <p class="lead">What the glasses see, in words.</p>
      <form onSubmit={enter}>
        <label for="entry">Magic word or token</label>
        <input
          id="entry"
          ref={field}
          type="password"
          autocomplete="current-password"
          required
          autofocus
          value={text}
          aria-invalid={trouble.value !== ""}
          aria-describedby="entry-trouble"
          onInput={(event) => {
            text.value = event.currentTarget.value;
          }}
        />
        <p id="entry-trouble" class="trouble" role="alert">{trouble}</p>
        <button type="submit" class="primary" disabled={isBusy}>Come in</button>
      </form>
      <p class="fine">It stays in this tab and is forgotten when the tab is closed.</p>
    </main>
  );
}

function refusalOf(
  { status, reason }: { readonly status: number; readonly reason: string },
  kind: "word" | "token",
): string {
  if (status === 403 && kind === "word") return "That is not the magic word.";
  return reason;
}
