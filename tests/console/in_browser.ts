/**
 * `deno task test:console`: the console in a real browser with a fake camera. Not among the other
 * tests, as it needs Chromium and Playwright needs all permissions.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { issueToken } from "../routes/_wearers.ts";
import type { Browser } from "playwright-core";
import {
  barriers,
  figure,
  figureOf,
  launch,
  moreCaptions,
  seeCaptions,
  signIn,
  type Visit,
  visit,
} from "./_browser.ts";

/** As much as is looked at of the page. */
declare const document: {
  querySelector(
    name: string,
  ): { readonly textContent: string; readonly currentTime: number } | null;
};

let browser: Browser;
Deno.test.beforeAll(async () => {
  browser = await launch();
});
Deno.test.afterAll(() => browser.close());

const PHONE = { viewport: { width: 390, height: 844 } };

const NAME_OF_FOCUSED = `(() => {
  const at = document.activeElement;
  return (at.ariaLabel ?? at.labels?.[0]?.textContent ?? at.textContent).trim();
})()`;

/** The browser stays open from test to test. */
function inBrowser(
  name: string,
  use: (visit: Visit) => Promise<void>,
  options: Parameters<typeof visit>[2] = {},
): void {
  const fn = () => visit(browser, use, options);
  Deno.test({ name, fn, sanitizeOps: false, sanitizeResources: false });
}

inBrowser("a wrong magic word is refused, and the right one is forgotten on leaving", async (
  { page },
) => {
  const field = page.getByLabel("Magic word or token");
  await field.fill("open-barley");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("That is not the magic word.").waitFor();
  await field.fill("fs1.x.y");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("token must be one that this server").waitFor();
  assertEquals(await page.evaluate(() => sessionStorage.length), 0);
  await signIn(page);
  await page.reload();
  await page.getByRole("navigation").waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await field.waitFor();
  assertEquals(await page.evaluate(() => [sessionStorage.length, localStorage.length]), [0, 0]);
});

inBrowser("live captions appear, with what the stream does", async ({ page, foresight }) => {
  await signIn(page);
  await page.getByLabel("15").check({ force: true });
  await seeCaptions(page, 2);
  const caption = await page.locator(".caption").textContent();
  assert(/green/.test(caption ?? ""), `the fake camera is green: ${caption}`);
  assert(await figureOf(page, "Queued") > 0);
  await page.getByLabel(/^Medium/).check({ force: true });
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused").waitFor();
  await figure(page, "Dropped", /[1-9]/).waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await moreCaptions(page, 1);
  await page.getByLabel("Ask about what is seen now").fill("is it green?");
  await page.getByRole("button", { name: "Ask" }).click();
  await page.locator(".talk .answer", { hasNotText: "…" }).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("The stream is over.").waitFor();
  const sessions = await (await foresight.fetch("/sessions")).json();
  assertEquals(sessions.items.length, 1);
});

inBrowser("a token that may not stream is told so, and is in no address but the stream's", async (
  { page, foresight },
) => {
  const { token } = await issueToken(foresight, "ann", ["read"]);
  await page.getByLabel("Magic word or token").fill(token);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Use the camera" }).click();
  await page.getByText("The stream was refused: The token's scopes must include stream").waitFor();
  await page.getByRole("button", { name: "Use the camera" }).waitFor();
  await page.getByRole("link", { name: "Timeline" }).click();
  await page.getByText("Nothing was seen on this day.").waitFor();
  const asked = foresight.logged.filter(({ event }) => event === "request").map(({ path }) => path);
  assertEquals(asked.filter((path) => String(path).includes("token=")).length > 0, true);
  for (const path of asked) {
    assert(
      !String(path).includes("token=") || String(path).startsWith("/vision/stream"),
      `${path}`,
    );
  }
});

inBrowser("the plug is pulled and put in, and nothing is missing", async ({ page, foresight }) => {
  await signIn(page);
  await seeCaptions(page, 2);
  await page.getByRole("button", { name: "Pull the plug" }).click();
  await page.getByText("No network").waitFor();
  await figure(page, "Waiting", /\d\d/).waitFor();
  await page.getByRole("button", { name: "Put the plug in" }).click();
  await page.getByRole("status").getByText("Live").waitFor();
  await moreCaptions(page, 3);
  await page.getByRole("button", { name: "Stop" }).click();
  await page.getByText("The stream is over.").waitFor();
  assertEquals(await figureOf(page, "Reconnects"), 1);
  assertEquals(await figureOf(page, "Lost"), 0);
  const shown = await page.locator("[data-cursor]").evaluateAll((items) =>
    items.map((item) => Number(item.getAttribute("data-cursor")))
  );
  assertEquals(shown.toReversed(), shown.map((_, at) => at + 1), "each result once");
  const { items: [session] } = await (await foresight.fetch("/sessions")).json();
  const { items } = await (await foresight.fetch(`/sessions/${session.id}/chunks?limit=500`))
    .json();
  assertEquals(items.length, shown.length, "all that is in the books, in one session");
});

inBrowser("what was seen is found as somebody types, and shown on its day", async ({ page }) => {
  await signIn(page);
  await seeCaptions(page, 3);
  await page.getByRole("link", { name: "Timeline" }).click();
  await page.locator(".segments li").first().waitFor();
  assert(await page.locator(".band-block").count() > 0);
  // The glasses see on, and the day grows.
  await page.waitForFunction(
    (before) => document.querySelector(".segments")!.textContent !== before,
    await page.locator(".segments").textContent(),
  );
  await page.getByLabel("Search what was seen").pressSequentially("gre");
  const mark = page.locator("mark").first();
  await mark.waitFor();
  assertEquals(await mark.textContent(), "green");
  await page.locator(".hits button").first().click();
  await page.locator(".segments li[aria-current=true]").waitFor();
  await page.getByLabel("Search what was seen").fill("zebra");
  await page.getByText("Nothing found.").waitFor();
  await page.getByLabel("Search what was seen").fill("");
  await page.getByLabel("Ask about this day").fill("What was green?");
  await page.getByRole("button", { name: "Ask" }).click();
  await page.locator(".asking .hits button").first().waitFor();
  await page.getByRole("link", { name: "Live" }).click();
  await page.locator("video").waitFor();
  await page.waitForFunction(
    (seen) => document.querySelector("video")!.currentTime > seen,
    await page.evaluate(() => document.querySelector("video")!.currentTime),
  );
  await moreCaptions(page, 1);
});

inBrowser("a video can be the glasses", async ({ page }) => {
  const clip = await Deno.makeTempFile({ suffix: ".webm" });
  const lavfi = "testsrc=size=320x240:rate=10:duration=2";
  const args = ["-y", "-v", "error", "-f", "lavfi", "-i", lavfi, "-c:v", "libvpx", clip];
  const { success } = await new Deno.Command("ffmpeg", { args }).output();
  assert(success);
  try {
    await signIn(page);
    await page.getByLabel("Choose a video").setInputFiles({
      name: "notes.mp4",
      mimeType: "video/mp4",
      buffer: Buffer.from("no video"),
    });
    await page.getByText("notes.mp4 is no video that this browser can play.").waitFor();
    await page.getByLabel("Choose a video").setInputFiles(clip);
    await moreCaptions(page, 1);
  } finally {
    await Deno.remove(clip);
  }
});

for (const colorScheme of ["light", "dark"] as const) {
  inBrowser(`nobody is kept out, ${colorScheme}`, async ({ page }) => {
    await page.getByLabel("Magic word or token").waitFor();
    assertEquals(await barriers(page), [], "the door");
    await signIn(page);
    assertEquals(await barriers(page), [], "live, before it begins");
    await seeCaptions(page, 2);
    assertEquals(await barriers(page), [], "live");
    await page.getByRole("link", { name: "Timeline" }).click();
    await page.locator(".segments li").first().waitFor();
    assertEquals(await barriers(page), [], "timeline");
    await page.getByLabel("Search what was seen").fill("green");
    await page.locator("mark").first().waitFor();
    assertEquals(await barriers(page), [], "search");
    const width = await page.evaluate("document.documentElement.scrollWidth");
    assertEquals(width, PHONE.viewport.width, "nothing stands out sideways");
  }, { ...PHONE, colorScheme });
}

inBrowser("the console works by keyboard, in the order in which it is read", async ({ page }) => {
  const focused = () => page.evaluate<string>(NAME_OF_FOCUSED);
  await page.getByLabel("Magic word or token").waitFor();
  assertEquals(await focused(), "Magic word or token");
  await page.keyboard.type("open-sesame");
  await page.keyboard.press("Enter");
  await page.getByRole("navigation").waitFor();
  const order: string[] = [];
  for (let at = 0; at < 7; at++) {
    await page.keyboard.press("Tab");
    order.push(await focused());
  }
  const [skip, ...rest] = order;
  assertEquals(skip, "Skip to the view");
  assertEquals(rest.slice(0, 5), [
    "Live",
    "Timeline",
    "Sign out",
    "Use the camera",
    "Choose a video",
  ]);
  assertEquals(rest[5], "7", "a group of choices is one stop");
  await page.keyboard.press("ArrowRight");
  assertEquals(await focused(), "15");
  await page.getByRole("link", { name: "Timeline" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("main:focus").waitFor();
  assertEquals(await page.title(), "Timeline · Foresight");
});
