






export async function* linesOf(
  bytes                            ,
  arrived             = () => {},
)                                     {
  const decoder = new TextDecoder();
  const reader = bytes.getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      arrived();
      rest += decoder.decode(value, { stream: true });
      // A return at the end may be half of one end of a line.
      const isSplit = rest.endsWith("\r");
      const lines = (isSplit ? rest.slice(0, -1) : rest).split(/\r\n|\n|\r/);
      rest = lines.pop()  + (isSplit ? "\r" : "");
      yield* lines;
    }
    rest += decoder.decode();
    if (rest !== "") yield rest.replace(/\r$/, "");
  } finally {
    // Whoever stops reading lets the connection go.
    await reader.cancel().catch(() => {});
  }
}
