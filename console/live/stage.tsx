/**
 * The picture, what is said of it, and what to do about it.
 *
 * @module
 */
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { State } from "../../client/glasses_options.ts";
import { duration } from "../words.ts";
import {
  beginCamera,
  beginFile,
  captions,
  endLive,
  isPaused,
  isUnplugged,
  notice,
  source,
  state,
  togglePause,
  togglePlug,
  trouble,
} from "./live.ts";

/** Takes a dropped file, too. */
export function Stage() {
  const isOver = useSignal(false);
  return (
    <section
      class={isOver.value ? "stage over" : "stage"}
      aria-label="Picture and caption"
      onDragOver={(event) => {
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={() => {
        isOver.value = false;
      }}
      onDrop={(event) => {
        event.preventDefault();
        isOver.value = false;
        const file = event.dataTransfer?.files[0];
        if (file) beginFile(file);
      }}
    >
      <div class="frame">
        {source.value ? <Picture video={source.value.video} /> : <Beginning />}
        {source.value && <StateChip />}
      </div>
      {source.value && <Actions />}
      <NewestCaption />
      <p class="trouble" role="alert">{trouble}</p>
    </section>
  );
}

/** The video element that the frames are taken from, itself. */
function Picture({ video }: { readonly video: HTMLVideoElement }) {
  const place = useRef<HTMLDivElement>(null);
  const isUpright = useSignal(false);
  useEffect(() => {
    // A phone may be turned.
    const look = () => {
      isUpright.value = video.videoHeight > video.videoWidth;
    };
    look();
    video.addEventListener("resize", look);
    place.current?.replaceChildren(video);
    return () => video.removeEventListener("resize", look);
  }, [video]);
  return (
    <div
      class="picture"
      data-upright={isUpright}
      ref={place}
      role="img"
      aria-label="What is being sent"
    />
  );
}

function Beginning() {
  const isOpening = useSignal(false);
  const open = async (opening: Promise<void>) => {
    isOpening.value = true;
    await opening;
    isOpening.value = false;
  };
  return (
    <div class="beginning">
      <p>Let this device be the glasses.</p>
      <div class="row">
        <button
          type="button"
          class="primary"
          disabled={isOpening}
          onClick={() => open(beginCamera())}
        >
          Use the camera
        </button>
        <label class="button">
          Choose a video
          <input
            type="file"
            class="unseen"
            accept="video/*"
            onChange={({ currentTarget }) => {
              const file = currentTarget.files?.[0];
              if (file) open(beginFile(file));
            }}
          />
        </label>
      </div>
      <p class="fine">Or drop a video here. Pictures go to this server and are not kept.</p>
    </div>
  );
}

function Actions() {
  return (
    <div class="row actions">
      <button type="button" aria-pressed={isPaused} onClick={togglePause}>
        {isPaused.value ? "Go on" : "Pause"}
      </button>
      <button type="button" aria-pressed={isUnplugged} onClick={togglePlug}>
        {isUnplugged.value ? "Put the plug in" : "Pull the plug"}
      </button>
      <button type="button" class="last" onClick={endLive}>Stop</button>
    </div>
  );
}

function StateChip() {
  const [kind, text] = chipOf(state.value, isPaused.value, isUnplugged.value);
  return <p class="chip" data-kind={kind} role="status">{text}</p>;
}

function chipOf(now: State | null, isPaused: boolean, isUnplugged: boolean): [string, string] {
  if (isUnplugged) return ["off", "No network"];
  if (now?.kind === "open") return isPaused ? ["off", "Paused"] : ["on", "Live"];
  if (now?.kind === "closed") return ["off", "Over"];
  return ["wait", now?.kind === "waiting" ? "Connecting again" : "Connecting"];
}

/** Read out as it comes, and no faster than it can be. */
function NewestCaption() {
  const newest = captions.value[0];
  const isEmpty = state.value?.kind === "open" && !state.value.limits.captions;
  return (
    <div class="newest">
      <p
        class="caption"
        aria-live="polite"
        data-cursor={newest?.cursor}
        data-failed={newest?.isFailure}
      >
        {newest?.text ??
          (isEmpty ? "There is no model: frames are acknowledged, and that is all." : "")}
      </p>
      {newest && (
        <p class="fine">
          {newest.ageMs !== null && <>{duration(newest.ageMs)} after it was seen ·{" "}</>}
          {newest.frames === 1 ? "one frame" : `${newest.frames} frames`}
        </p>
      )}
      {state.value?.kind === "closed" && <p class="fine">{overBecause(state.value)}</p>}
      <p class="fine" role="status">{notice}</p>
    </div>
  );
}

function overBecause({ why }: Extract<State, { kind: "closed" }>): string {
  switch (why.kind) {
    case "left":
    case "stopped":
      return "The stream is over.";
    case "refused":
      return `The stream was refused: ${why.detail}`;
    case "taken_over":
      return "Another page has taken the stream over.";
    case "erased":
      return "What was known of this wearer has been erased.";
  }
}
