/** The default: what is happening, in one sentence. */
export const narrate = {
  name: "narrate",
  about: "What is happening, in one sentence",
  prompt: "Describe what is happening in one concise present-tense sentence. " +
    "Say only what is visible in these frames.",
} as const;
