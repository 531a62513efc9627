/**
 * Which ways out there are. A new one gets its name here.
 *
 * @module
 */
import type { Logger } from "../log.ts";
import { type KeyedChannel, withKey } from "./channel.ts";
import { type Channels, createChannels } from "./channels.ts";
import { createLogChannel } from "./log_channel.ts";
import { createWebhookChannel, type WebhookChannelOptions } from "./webhook.ts";

/** What they are made of. */
export interface WaysOutOptions {
  readonly poke: KeyedChannel;
  /** The house's key; null: Poke takes nothing that brings none. */
  readonly pokeKey: string | null;
  readonly webhook: WebhookChannelOptions;
  /** Whether the channel `log` shows texts. */
  readonly logsText: boolean;
  readonly log: Logger;
}

/** All channels that messages of the outbox may leave by. */
export function createWaysOut(
  { poke, pokeKey, webhook, logsText, log }: WaysOutOptions,
): Channels {
  return createChannels({
    poke: withKey(poke, pokeKey, "FORESIGHT_POKE_API_KEY must be set: it is unset"),
    webhook: createWebhookChannel(webhook),
    log: createLogChannel({ log, showsText: logsText }),
  });
}
