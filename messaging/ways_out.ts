/**
 * Which ways out there are. A new one gets its name here.
 *
 * @module
 */
import type { Logger } from "../log.ts";
import { type KeyAnswer, type KeyedChannel, withKey } from "./channel.ts";
import { type Channels, createChannels } from "./channels.ts";
import { createLogChannel } from "./log_channel.ts";
import { createWebhookChannel, type WebhookChannelOptions } from "./webhook.ts";

/** What they are made of. */
export interface WaysOutOptions {
  readonly poke: KeyedChannel;
  /** The Poke key that sends for a wearer. Resolves always. */
  readonly pokeKeyOf: (wearer: string) => Promise<KeyAnswer>;
  readonly webhook: WebhookChannelOptions;
  /** Whether the channel `log` shows texts. */
  readonly logsText: boolean;
  readonly log: Logger;
}

/** All channels that messages of the outbox may leave by. */
export function createWaysOut(
  { poke, pokeKeyOf, webhook, logsText, log }: WaysOutOptions,
): Channels {
  return createChannels({
    poke: withKey(poke, pokeKeyOf),
    webhook: createWebhookChannel(webhook),
    log: createLogChannel({ log, showsText: logsText }),
  });
}
