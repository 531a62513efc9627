/**
 * Who may import whom.
 *
 * @module
 */

/** A source file, its path relative to the project. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Files of the top level that everyone may import: they know nothing of the product. */
const LEAVES = ["clock.ts", "counters.ts", "log.ts", "redact.ts", "zones.ts"];

/** For each folder (or file of the top level), the folders and files that it may import. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "main.ts": [
    "app.ts",
    "parts.ts",
    "config.ts",
    "settings.ts",
    "inference",
    "kv",
    "serve",
    "stream",
  ],
  "parts.ts": [
    "app.ts",
    "models.ts",
    "config.ts",
    "kv",
    "messaging",
    "rules",
    "stream",
    "timeline",
    "wearers",
  ],
  "models.ts": ["config.ts", "inference", "wearers"],
  "app.ts": [
    "config.ts",
    "routes",
    "stream",
    "inference",
    "messaging",
    "rules",
    "timeline",
    "wearers",
    "kv",
  ],
  "config.ts": ["settings.ts", "inference", "kv"],
  "settings.ts": ["_setting.ts", "inference", "kv"],
  "_setting.ts": [],
  "routes": ["assistant", "rules", "stream", "inference", "messaging", "timeline", "wearers", "kv"],
  "assistant": ["rules", "timeline", "wearers", "kv"],
  "serve": ["stream"],
  "stream": ["config.ts", "inference", "kv"],
  "inference": ["kv"],
  "messaging": ["kv"],
  "rules": ["messaging", "inference", "kv"],
  "wearers": ["kv"],
  "timeline": ["inference", "kv"],
  "kv": [],
  "console": ["client"],
  "modal": ["inference"],
  "dev": ["main.ts", "config.ts", "modal", "kv", "client"],
  // Given away: it runs where nothing else of ours is.
  "client": [],
  ...Object.fromEntries(LEAVES.map((leaf) => [leaf, []])),
};

/** Packages that only some places may import. */
const PACKAGES: Readonly<Record<string, RegExp>> = {
  "@hono/hono": /^(app\.ts|routes\/)/,
  "modal": /^inference\/modal\.ts/,
  "protobufjs": /^inference\//,
  "stemmer": /^timeline\/search\//,
  "ws": /^(dev\/|stream\/ws_socket\.ts)/,
  "@hono/node-server": /^serve\/ws\.ts/,
  "@modelcontextprotocol": /^assistant\//,
  "preact": /^console\//,
  "@preact": /^console\//,
};

/** What is reached for in one place, and passed everywhere else. */
const PLATFORM = /\bDeno\s*\.\s*(env|openKv|cron)\b/g;
const MAY_REACH_FOR_PLATFORM = /^main\.ts$/;

/** Not even leaves, nor packages. */
const STANDS_ALONE = "client";

const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)"([^"]+)"/g;

/** One sentence for each import that the rules forbid. */
export function forbiddenImports(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) => {
    const place = placeOf(path);
    if (!(place in MAY_IMPORT)) return [`${path} is in no folder that the design knows`];
    const imports = [...text.matchAll(IMPORT)].map(([, specifier]) => specifier!);
    const reached = MAY_REACH_FOR_PLATFORM.test(path) ? [] : [...text.matchAll(PLATFORM)];
    return [
      ...imports.flatMap((specifier) => problemWith(path, place, specifier)),
      ...reached.map(([name]) => `${path} reaches for ${name}, which main.ts must pass`),
    ];
  });
}

function problemWith(path: string, place: string, specifier: string): string[] {
  if (!specifier.startsWith(".")) {
    if (place === STANDS_ALONE) return [`${path} must not import ${specifier}: it stands alone`];
    const [, only] = Object.entries(PACKAGES).find(([name]) =>
      specifier === name || specifier.startsWith(`${name}/`)
    ) ?? [];
    return only && !only.test(path) ? [`${path} must not import ${specifier}`] : [];
  }
  const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
  const targetPlace = placeOf(target);
  const isPrivate = /(^|\/)_[^/]*$/.test(target);
  if (isPrivate && folderOf(target) !== folderOf(path)) {
    return [`${path} must not import ${target}, which is private to its folder`];
  }
  if (targetPlace === place) return [];
  if (LEAVES.includes(targetPlace) && place !== STANDS_ALONE) return [];
  return MAY_IMPORT[place]!.includes(targetPlace) ? [] : [`${path} must not import ${target}`];
}

function placeOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path;
}

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}
