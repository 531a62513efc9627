/**
 * Where the pictures come from: this device's camera, or a video file.
 *
 * @module
 */

/** Pictures that run. */
export interface Source {
  readonly kind: "camera" | "file";
  readonly name: string;
  /** Plays, muted. */
  readonly video: HTMLVideoElement;
  /** Lets go of the camera or the file. */
  release(): void;
}

/** What came of opening one. */
export type Opened =
  | { readonly kind: "open"; readonly source: Source }
  | { readonly kind: "failed"; readonly reason: string };

/** Asks the person for the camera; on a phone, for the one that looks ahead. */
export async function openCamera(): Promise<Opened> {
  if (!navigator.mediaDevices) {
    return { kind: "failed", reason: "Browsers give the camera to pages over https only." };
  }
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      video: { facingMode: "environment", width: { ideal: 1280 }, height: { ideal: 720 } },
    });
    const video = newVideo();
    video.srcObject = stream;
    await video.play();
    const tracks = stream.getVideoTracks();
    const letGo = keepPlaying(video);
    const release = () => {
      letGo();
      tracks.forEach((track) => track.stop());
    };
    return { kind: "open", source: { kind: "camera", name: "This camera", video, release } };
  } catch (error) {
    return { kind: "failed", reason: cameraTrouble(error) };
  }
}

/** Plays it over and over, as glasses see on. */
export async function openFile(file: File): Promise<Opened> {
  const address = URL.createObjectURL(file);
  const video = newVideo();
  video.loop = true;
  video.src = address;
  const letGo = keepPlaying(video);
  const release = () => {
    letGo();
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  };
  try {
    await video.play();
    return { kind: "open", source: { kind: "file", name: file.name, video, release } };
  } catch {
    release();
    return { kind: "failed", reason: `${file.name} is no video that this browser can play.` };
  }
}

function newVideo(): HTMLVideoElement {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  return video;
}

/** Browsers stop a video that leaves the page, as on the way to another view; glasses see on. */
function keepPlaying(video: HTMLVideoElement): () => void {
  const play = () => void video.play().catch(() => {});
  video.addEventListener("pause", play);
  return () => video.removeEventListener("pause", play);
}

function cameraTrouble(error: unknown): string {
  const name = error instanceof DOMException ? error.name : "";
  switch (name) {
    case "NotAllowedError":
      return "The camera was not allowed. The browser's settings for this page can change that.";
    case "NotFoundError":
    case "OverconstrainedError":
      return "This device has no camera.";
    case "NotReadableError":
      return "Something else has the camera.";
    default:
      return "The camera could not be opened.";
  }
}
