/**
 * A day as a wearer may see it, one chunk a second, and what must be found of it.
 *
 * Some hundred scenes come back again and again. While one lasts the model says the same in other
 * words, as models do: case, punctuation and small words differ, so that its chunks are one segment
 * and many captions. Now and then something happens that is worth looking for.
 *
 * @module
 */
import { captionsOf, seeded, vocabularyOf } from "./_captions.ts";

const VOCABULARY = 3100;
const SCENES = 300;
/** How long the glasses stay connected, as a share of the day: from a minute to three hours. */
const SESSION_SHARES: readonly number[] = [1 / 1440, 1 / 288, 1 / 96, 1 / 24, 1 / 8];
const SHORTEST_SESSION_S = 10;
/** How long a scene lasts: from seconds to a quarter of an hour. */
const SHORTEST_SCENE_S = 5;
const LONGEST_SCENE_S = 900;
/** So many chunks fail. */
const FAILED_SHARE = 0.005;
/** Each thing is seen so often, for as many seconds as that is its turn. */
const SIGHTINGS = 3;
const THINGS = `passport thermos violin stapler medicine receipt scarf compass corkscrew postcard
  hammer ticket`.split(/\s+/);
const MAX_GAP_S = 30;
const MAX_SEGMENT_S = 3600;

/** One chunk: what the model said of it; null: it failed. */
export interface DayChunk {
  readonly sessionId: string;
  readonly index: number;
  /** Seconds since the day began. */
  readonly atS: number;
  readonly caption: string | null;
}

/** A session of the day. */
export interface DaySession {
  readonly id: string;
  /** Seconds since the day began. */
  readonly atS: number;
  readonly chunks: readonly DayChunk[];
}

/** Where a thing was seen: one hit of a search for it. */
export interface Sighting {
  readonly session: string;
  readonly first: number;
  readonly last: number;
}

/** The day, and what it comes to by counting. */
export interface DayScript {
  readonly sessions: readonly DaySession[];
  readonly chunkCount: number;
  readonly captionCount: number;
  readonly segmentCount: number;
  /** Thing that is worth looking for -> where it was seen. */
  readonly sightings: ReadonlyMap<string, readonly Sighting[]>;
  /** Of the scenes, the most frequent words first. */
  readonly vocabulary: readonly string[];
}

/** What is seen in one second. */
interface Moment {
  /** Which scene; things are scenes of their own. */
  readonly scene: string;
  readonly caption: string | null;
}

/** Writes the script of so many seconds, the same each time. */
export function scriptOf(chunkCount: number): DayScript {
  const random = seeded(3);
  const vocabulary = vocabularyOf(VOCABULARY, random);
  const nextCaption = captionsOf(vocabulary, random);
  const scenes = Array.from({ length: SCENES }, nextCaption);
  const moments = momentsOf(chunkCount, scenes, random);
  showThings(moments);
  const sessions = sessionsOf(moments, random);
  return {
    sessions,
    chunkCount,
    captionCount: moments.filter(({ caption }) => caption !== null).length,
    segmentCount: countSegments(sessions, moments),
    sightings: new Map(THINGS.map((thing) => [thing, sightingsOf(sessions, thing)])),
    vocabulary,
  };
}

function momentsOf(count: number, scenes: readonly string[], random: () => number): Moment[] {
  const moments: Moment[] = [];
  let scene = "";
  while (moments.length < count) {
    const others = scenes.filter((other) => other !== scene);
    scene = others[Math.floor(random() * others.length)]!;
    const lasts = SHORTEST_SCENE_S * (LONGEST_SCENE_S / SHORTEST_SCENE_S) ** random();
    for (let left = Math.min(lasts, count - moments.length); left > 0; left--) {
      const caption = random() < FAILED_SHARE ? null : inOtherWords(scene, random);
      moments.push({ scene, caption });
    }
  }
  return moments.slice(0, count);
}

/** Says the same as SPEC T1 has it. */
function inOtherWords(caption: string, random: () => number): string {
  const lower = caption[0]!.toLowerCase() + caption.slice(1);
  const ways = [caption, `There is ${lower}`, caption.replaceAll(",", ""), caption.toUpperCase()];
  return ways[Math.floor(random() * ways.length)]!;
}

/** Puts each thing into the day a few times, evenly spread, over what else is seen there. */
function showThings(moments: Moment[]): void {
  const turns = SIGHTINGS * THINGS.length;
  for (let turn = 0; turn < turns; turn++) {
    const thing = THINGS[turn % THINGS.length]!;
    const from = Math.floor(((turn + 0.5) / turns) * moments.length);
    const lasts = 1 + Math.floor(turn / THINGS.length);
    const caption = `A hand puts the ${thing} into drawer ${turn}.`;
    for (let at = from; at < Math.min(from + lasts, moments.length); at++) {
      moments[at] = { scene: caption, caption };
    }
  }
}

function sessionsOf(moments: readonly Moment[], random: () => number): DaySession[] {
  const sessions: DaySession[] = [];
  for (let atS = 0; atS < moments.length;) {
    const id = `day-${String(sessions.length).padStart(4, "0")}-0000-0000-000000000000`;
    const share = SESSION_SHARES[Math.floor(random() * SESSION_SHARES.length)]!;
    const length = Math.max(SHORTEST_SESSION_S, Math.round(share * moments.length));
    const seen = moments.slice(atS, atS + length);
    const from = atS;
    const chunks = seen.map(({ caption }, index) => {
      return { sessionId: id, index, atS: from + index, caption };
    });
    sessions.push({ id, atS, chunks });
    atS += seen.length;
  }
  return sessions;
}

/** By the rule of SPEC T1, from what was meant and not from the words. */
function countSegments(sessions: readonly DaySession[], moments: readonly Moment[]): number {
  let count = 0;
  for (const { chunks } of sessions) {
    let open: { readonly scene: string; readonly beganS: number; endS: number } | null = null;
    for (const { atS, caption } of chunks) {
      if (caption === null) continue;
      const { scene } = moments[atS]!;
      const goesOn = open && open.scene === scene && atS - open.endS <= MAX_GAP_S &&
        atS + 1 - open.beganS <= MAX_SEGMENT_S;
      if (!goesOn) count++;
      if (goesOn) open!.endS = atS + 1;
      else open = { scene, beganS: atS, endS: atS + 1 };
    }
  }
  return count;
}

/** Chunks in a row with the same caption are one hit. */
function sightingsOf(sessions: readonly DaySession[], thing: string): Sighting[] {
  const word = new RegExp(`\\b${thing}\\b`);
  const found: (Sighting & { readonly caption: string })[] = [];
  for (const { id, chunks } of sessions) {
    for (const { index, caption } of chunks) {
      if (caption === null || !word.test(caption)) continue;
      const newest = found.at(-1);
      const goesOn = newest?.session === id && newest.caption === caption;
      const first = goesOn ? found.pop()!.first : index;
      found.push({ session: id, first, last: index, caption });
    }
  }
  return found.map(({ session, first, last }) => ({ session, first, last }));
}
