/** For wearers at work on a task: what they do, and how far they are. */
export const coach = {
  name: "coach",
  about: "For wearers at work on a task: what they are doing and how far they are",
  prompt:
    "In one concise present-tense sentence, say what task the wearer is working on, what step " +
    "of it is visible now, and whether it goes on, has stopped or has changed since the recent " +
    "captions. Do not judge and do not advise.",
} as const;
