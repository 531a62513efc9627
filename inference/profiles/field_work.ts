/** For inspections and repairs: objects, labels, readings and states, exactly. */
export const fieldWork = {
  name: "field-work",
  about: "For inspections and repairs: objects, labels, readings and their states",
  prompt:
    "The wearer inspects or repairs something. In one or two concise present-tense sentences, " +
    "name the equipment in view, read labels, numbers and gauges exactly as they stand, and say " +
    "the visible state (open, closed, lit, damaged, leaking). Say when a reading is not legible.",
} as const;
