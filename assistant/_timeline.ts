/**
 * `timeline` and `search_sight`: what was seen.
 *
 * @module
 */
import { z } from "zod";
import {
  CAPTIONS_ARE_DATA,
  FOUND,
  FROM_ARGUMENT,
  limitArgument,
  lineOf,
  NOTICE,
  SCENE,
  textOf,
  TO_ARGUMENT,
  ZONE_ARGUMENT,
} from "./_scenes.ts";
import { defineTool, READS } from "./_tool.ts";

const USUAL_SCENES = 20;
const MAX_SCENES = 100;
const MAX_QUERY_CHARS = 500;

/** What was seen in a stretch of time. */
export const timeline = defineTool({
  name: "timeline",
  title: "What was seen when",
  description:
    "Lists what the wearer's glasses saw in a stretch of time, scene by scene. Use it for questions " +
    "about a time (what happened this morning, what did I do before lunch). To find a thing or a " +
    "person, use search_sight. If next_cursor is not null there is more: call again with the same " +
    "arguments and it as cursor.",
  scopes: ["read"],
  annotations: READS,
  input: z.strictObject({
    from: FROM_ARGUMENT,
    to: TO_ARGUMENT,
    limit: limitArgument(USUAL_SCENES, MAX_SCENES),
    order: z.enum(["newest", "oldest"], "must be newest or oldest").default("newest")
      .describe("Which come first"),
    zone: ZONE_ARGUMENT,
    cursor: z.string("must be a text").describe("next_cursor of the page before").optional(),
  }),
  output: z.object({
    notice: NOTICE,
    items: z.array(SCENE),
    next_cursor: z.string().nullable().describe("null: this was all"),
  }),
  async call({ books }, query) {
    const page = await books.scenes(query);
    if (page.kind === "refused") return page;
    const { next_cursor } = page;
    const more = next_cursor === null ? "" : " There are more: go on with next_cursor.";
    const said = page.items.length === 0
      ? "Nothing was seen in that time."
      : `${count(page.items.length, "scene")}, ${query.order} first.${more}`;
    return {
      kind: "answered",
      text: textOf(said, page.items.map(lineOf)),
      data: { notice: CAPTIONS_ARE_DATA, items: [...page.items], next_cursor },
    };
  },
});

/** What was seen, by words. */
export const searchSight = defineTool({
  name: "search_sight",
  title: "Find what was seen",
  description:
    "Searches everything the wearer's glasses saw by the words of the captions, best match first. " +
    "Use it for questions such as where did I leave my keys, or when did I last see the dog. Give " +
    "the words that matter: stems, beginnings of words and typos are found too, synonyms are not, " +
    "so try another word if nothing is found.",
  scopes: ["read"],
  annotations: READS,
  input: z.strictObject({
    query: z.string("must be a text").max(
      MAX_QUERY_CHARS,
      `must be at most ${MAX_QUERY_CHARS} characters`,
    ).describe("Words to look for, such as: red umbrella"),
    from: FROM_ARGUMENT,
    to: TO_ARGUMENT,
    limit: limitArgument(USUAL_SCENES, MAX_SCENES),
    zone: ZONE_ARGUMENT,
  }),
  output: z.object({ notice: NOTICE, hits: z.array(FOUND) }),
  async call({ books }, query) {
    const found = await books.find(query);
    if (found.kind === "refused") return found;
    const said = found.hits.length === 0
      ? "Nothing was found."
      : `${count(found.hits.length, "scene")}, best first.`;
    return {
      kind: "answered",
      text: textOf(said, found.hits.map(lineOf)),
      data: {
        notice: CAPTIONS_ARE_DATA,
        hits: found.hits.map((hit) => ({ ...hit, matched: [...hit.matched] })),
      },
    };
  },
});

function count(many: number, thing: string): string {
  return `${many} ${thing}${many === 1 ? "" : "s"}`;
}
