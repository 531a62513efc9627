







export class Refused extends Error {
                    name = "Refused";

           status        ;

           detail        ;

           retryAfterMs               ;

           body         ;

  constructor(status        , detail        , retryAfterMs                = null, body          ) {
    super(`The server answered ${status}: ${detail}`);
    this.status = status;
    this.detail = detail;
    this.retryAfterMs = retryAfterMs;
    this.body = body;
  }


  get isPassing()          {
    return this.status >= 500 && this.status !== 501 || this.status === 429 || this.status === 408;
  }
}


export class Incomplete extends Error {
                    name = "Incomplete";
}


export async function refusalOf(response          )                   {
  const text = await response.text();
  const body = parse(text);
  const seconds = Number(response.headers.get("retry-after") ?? NaN);
  const retryAfterMs = Number.isFinite(seconds) ? seconds * 1000 : null;
  return new Refused(response.status, detailIn(body) ?? text, retryAfterMs, body);
}


export function detailIn(body         )                {
  const detail = (body                                           )?.detail;
  if (typeof detail === "string") return detail;
  if (!Array.isArray(detail)) return null;
  return detail.map((issue) => String((issue                     ).msg)).join("; ");
}

function parse(text        )          {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
