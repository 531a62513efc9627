/**
 * `GET /`: the console, static files that everyone may have (WIRE A1). What they show, they ask for
 * with the magic word or a token, as any client does.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { type Context, Hono } from "@hono/hono";

/** Written by `deno task console:build`, and in the repository. */
const FOLDER = new URL("../console/served/", import.meta.url);
const PAGE = "index.html";
const TYPES: Readonly<Record<string, string>> = {
  [PAGE]: "text/html; charset=utf-8",
  "console.js": "text/javascript; charset=utf-8",
  "console.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
  "LICENSES.txt": "text/plain; charset=utf-8",
};
const BASE = "/console/";
const ASSETS = Object.keys(TYPES).filter((name) => name !== PAGE);
const PATHS = new Set(["/", ...ASSETS.map((name) => BASE + name)]);
const YEAR_S = 31_536_000;

/** Nothing from elsewhere, nothing inline, nothing made from text. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' blob: data:",
  "media-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const HEADERS = {
  "Content-Security-Policy": POLICY,
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Vary": "Accept-Encoding",
};

/** A file as it is served. */
interface ServedFile {
  readonly type: string;
  readonly plain: Uint8Array<ArrayBuffer>;
  readonly gzipped: Uint8Array<ArrayBuffer>;
  /** What tells it from any other. */
  readonly version: string;
}

/** Whether the console is asked for, which is public. */
export function isConsole({ req }: Context): boolean {
  return (req.method === "GET" || req.method === "HEAD") && PATHS.has(req.path);
}

/** Serves `/` and what the page is made of. */
export function consoleRoutes(): Hono {
  let files: Promise<Map<string, ServedFile>> | null = null;
  // Read with the first request: a process that nobody looks at does without.
  const serve = async (context: Context, name: string) => {
    files ??= readAll();
    const file = (await files.catch((error) => {
      files = null;
      throw error;
    })).get(name)!;
    return answer(context, file);
  };
  const routes = new Hono().get("/", (context) => serve(context, PAGE));
  for (const name of ASSETS) routes.get(BASE + name, (context) => serve(context, name));
  return routes;
}

function answer({ req }: Context, file: ServedFile): Response {
  const isGzipped = /\bgzip\b/.test(req.header("accept-encoding") ?? "");
  const etag = `"${file.version}${isGzipped ? "-gzip" : ""}"`;
  // The page names its assets by version, so that these need not be asked for again.
  const isVersioned = req.query("v") === file.version;
  const headers = {
    ...HEADERS,
    "Content-Type": file.type,
    "ETag": etag,
    "Cache-Control": isVersioned ? `public, max-age=${YEAR_S}, immutable` : "no-cache",
    ...isGzipped && { "Content-Encoding": "gzip" },
  };
  const known = (req.header("if-none-match") ?? "").split(",").map((tag) => tag.trim());
  if (known.includes(etag)) return new Response(null, { status: 304, headers });
  return new Response(isGzipped ? file.gzipped : file.plain, { headers });
}

async function readAll(): Promise<Map<string, ServedFile>> {
  const files = new Map<string, ServedFile>();
  for (const name of ASSETS) {
    files.set(name, await served(name, await Deno.readFile(new URL(name, FOLDER))));
  }
  let page = await Deno.readTextFile(new URL(PAGE, FOLDER));
  for (const [name, { version }] of files) {
    page = page.replaceAll(`"${BASE}${name}"`, `"${BASE}${name}?v=${version}"`);
  }
  return files.set(PAGE, await served(PAGE, new TextEncoder().encode(page)));
}

async function served(name: string, plain: Uint8Array<ArrayBuffer>): Promise<ServedFile> {
  const squeezed = new Blob([plain]).stream().pipeThrough(new CompressionStream("gzip"));
  return {
    type: TYPES[name]!,
    plain,
    gzipped: await new Response(squeezed).bytes(),
    version: createHash("sha256").update(plain).digest("base64url").slice(0, 16),
  };
}
