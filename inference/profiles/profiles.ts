/**
 * What a model can be asked to look for, by name. A profile is a file of its own; adding one is
 * adding it to this list.
 *
 * @module
 */
import { coach } from "./coach.ts";
import { fieldWork } from "./field_work.ts";
import { lowVision } from "./low_vision.ts";
import { narrate } from "./narrate.ts";

/** Every profile, the default first. */
export const PROFILES = [narrate, lowVision, coach, fieldWork] as const;

/** A way of looking. */
export interface Profile {
  /** As `VISION_PROFILE` and `?profile=` name it. */
  readonly name: string;
  /** One line for people who choose. */
  readonly about: string;
  /** What the model is told. */
  readonly prompt: string;
}

/** The names of all profiles. */
export const PROFILE_NAMES = PROFILES.map(({ name }) => name) as [ProfileName, ...ProfileName[]];

/** The name of a profile. */
export type ProfileName = typeof PROFILES[number]["name"];

/** The profile of that name, or null. */
export function profileNamed(name: string): Profile | null {
  return PROFILES.find((profile) => profile.name === name) ?? null;
}
