/**
 * A real browser with a fake camera, before a whole Foresight with the local describer.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import axe from "axe-core";
import {
  type Browser,
  type BrowserContextOptions,
  chromium,
  type Locator,
  type Page,
} from "playwright-core";
import { startSurroundings } from "../../dev/surroundings.ts";
import { MAGIC_WORD, type TestForesight, withForesight } from "../_foresight.ts";

/** For conditions; a machine that is busy takes its time. */
const PATIENCE_MS = 30_000;
const STREAM_PATH = "/vision/stream";
const CHROMIUM = "/usr/bin/chromium";
const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

/** Starts the browser; it must be closed. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

/** What a page did that it must not. */
interface Watch {
  /** Requests to any other host, by address. */
  readonly strayed: string[];
  /** Breaches of the page's policy, and scripts that failed. */
  readonly troubles: string[];
  /** Addresses that hold the magic word, but for the stream's: browsers can only say it there. */
  readonly told: string[];
}

/** A page of its own, before a Foresight of its own. */
export interface Visit {
  readonly page: Page;
  readonly foresight: TestForesight;
}

/**
 * Opens the console in a page of its own, runs `use`, and sees that the page kept to its policy.
 *
 * @param options such as the size of the window
 */
export async function visit(
  browser: Browser,
  use: (visit: Visit) => Promise<void>,
  options: BrowserContextOptions = {},
): Promise<void> {
  const surroundings = await startSurroundings({ pokeReceived() {}, model: null });
  try {
    await withForesight(surroundings.settings, async (foresight) => {
      const context = await browser.newContext({ locale: "en-GB", ...options });
      context.setDefaultTimeout(PATIENCE_MS);
      const page = await context.newPage();
      const watch = await watched(page, foresight.url);
      try {
        await page.goto(foresight.url);
        await use({ page, foresight });
      } finally {
        await context.close();
      }
      assertEquals(watch, { strayed: [], troubles: [], told: [] });
    });
  } finally {
    await surroundings.close();
  }
}

async function watched(page: Page, url: string): Promise<Watch> {
  const watch: Watch = { strayed: [], troubles: [], told: [] };
  const { host } = new URL(url);
  page.on("request", (request) => {
    const asked = new URL(request.url());
    if (asked.protocol.startsWith("http") && asked.host !== host) watch.strayed.push(asked.href);
    const isStream = asked.pathname === STREAM_PATH;
    if (asked.href.includes(MAGIC_WORD) && !isStream) watch.told.push(asked.href);
  });
  page.on("websocket", (socket) => {
    const asked = new URL(socket.url());
    if (asked.host !== host || asked.pathname !== STREAM_PATH) watch.strayed.push(asked.href);
  });
  page.on("framenavigated", (frame) => {
    if (frame.url().includes(MAGIC_WORD)) watch.told.push(frame.url());
  });
  page.on("pageerror", (error) => void watch.troubles.push(String(error)));
  await page.exposeFunction("tellBreach", (breach: string) => void watch.troubles.push(breach));
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => {
      const { violatedDirective, blockedURI, sample } = event as Event & Record<string, string>;
      const { tellBreach } = globalThis as unknown as { tellBreach(text: string): void };
      tellBreach(`${violatedDirective} ${blockedURI} ${sample}`);
    });
  });
  return watch;
}

/** Comes in with the magic word. */
export async function signIn(page: Page): Promise<void> {
  await page.getByLabel("Magic word or token").fill(MAGIC_WORD);
  await page.getByRole("button", { name: "Come in" }).click();
  await page.getByRole("navigation").waitFor();
}

/** Streams from the fake camera until `captions` captions are there. */
export async function seeCaptions(page: Page, captions: number): Promise<void> {
  await page.getByRole("button", { name: "Use the camera" }).click();
  await moreCaptions(page, captions);
}

/** Waits until so many have come beyond those that are there. */
export async function moreCaptions(page: Page, captions: number): Promise<void> {
  const there = await page.locator("[data-cursor]").count();
  await page.locator("[data-cursor]").nth(there + captions - 1).waitFor({ state: "attached" });
}

/** A figure of the live view, as soon as it reads so. */
export function figure(page: Page, name: string, reads: RegExp): Locator {
  return page.locator(`dt:text-is("${name}") + dd`, { hasText: reads });
}

/** A figure of the live view, as it reads now. */
export async function figureOf(page: Page, name: string): Promise<number> {
  return Number(await figure(page, name, /^\d+$/).textContent());
}

/** What axe-core finds that keeps people out, in words. */
export async function barriers(page: Page): Promise<string[]> {
  // Not as a script element, which the page's policy forbids.
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
    return (await axe.run()).violations;
  });
  return violations.flatMap(({ id, impact, nodes }) =>
    impact === "serious" || impact === "critical"
      ? nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`)
      : []
  );
}
