





const STREAM_PATH = "/vision/stream";


export function streamAddress(base        , query                                  )         {
  const url = new URL(base.replace(/^http/, "ws"));
  if (url.pathname === "/") url.pathname = STREAM_PATH;
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
  return url.href;
}
