/**
 * What stands around the views: who is in, and where.
 *
 * @module
 */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { entry } from "./entry.ts";
import { forgetLive, wanted } from "./live/live.ts";
import { LiveView } from "./live/view.tsx";
import { SignIn } from "./sign_in.tsx";
import { forgetTimeline } from "./timeline/timeline.ts";
import { TimelineView } from "./timeline/view.tsx";

const VIEWS = {
  live: { name: "Live", show: () => <LiveView /> },
  timeline: { name: "Timeline", show: () => <TimelineView /> },
};
type ViewName = keyof typeof VIEWS;

const view = signal<ViewName>(viewOf(location.hash));
addEventListener("hashchange", () => {
  view.value = viewOf(location.hash);
});

function viewOf(hash: string): ViewName {
  const name = hash.slice(1);
  return Object.hasOwn(VIEWS, name) ? name as ViewName : "live";
}

/** The whole page. */
export function Shell() {
  if (entry.value === null) return <SignIn />;
  return <SignedIn />;
}

function SignedIn() {
  const { name, show } = VIEWS[view.value];
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${name} · Foresight`;
    // Who comes from the navigation goes on reading in the view, not behind the link.
    if (!isFirst.current) {
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true });
    }
    isFirst.current = false;
  }, [name]);
  return (
    <>
      <a class="skip" href={`#${view.value}`} onClick={() => main.current?.focus()}>
        Skip to the view
      </a>
      <header class="bar">
        <p class="wordmark">Foresight</p>
        <nav aria-label="Views">
          {Object.entries(VIEWS).map(([key, { name }]) => (
            <a key={key} href={`#${key}`} aria-current={view.value === key ? "page" : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <button type="button" class="quiet" onClick={signOut}>Sign out</button>
      </header>
      <main ref={main} tabIndex={-1}>{show()}</main>
    </>
  );
}

function signOut(): void {
  forgetLive();
  forgetTimeline();
  wanted.value = null;
  entry.value = null;
}
