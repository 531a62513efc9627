





























const NORMAL = 1000;
const POLICY_VIOLATION = 1008;
const TOO_BIG = 1009;

const TOO_MANY = 429;
const TOO_MANY_WAIT_MS = 5_000;
const REQUEST_TIMEOUT = 408;


export function judge(ending        , saysBye         )          {
  switch (ending.kind) {
    case "given_up":
      return again(ending.reason);
    case "unreached":
      return judgeStatus(ending.status, ending.reason);
    case "closed":
      return judgeCode(ending.code, ending.reason, saysBye);
  }
}

function judgeStatus(status               , reason        )          {
  if (status === 401 || status === 403) return { kind: "renew", status, detail: reason };
  if (status === TOO_MANY) return again(reason, TOO_MANY_WAIT_MS);
  const isOurs = status !== null && status >= 400 && status < 500 && status !== REQUEST_TIMEOUT;
  if (!isOurs) return again(reason);
  return { kind: "over", why: { kind: "refused", status, detail: reason } };
}


function judgeCode(code        , reason        , saysBye         )          {
  if (code === NORMAL && saysBye) return { kind: "over", why: { kind: "left" } };
  if (code === TOO_BIG) return { kind: "too_large", reason };
  if (code === POLICY_VIOLATION) {
    if (/^the token\b/.test(reason)) return { kind: "renew", status: 403, detail: reason };
    if (/\bis erased$/.test(reason)) return { kind: "over", why: { kind: "erased" } };
    if (/^another connection\b/.test(reason)) return { kind: "taken_over", reason };
  }
  return again(reason || `the connection ended with ${code}`);
}

function again(reason        , atLeastMs = 0)          {
  return { kind: "again", atLeastMs, reason };
}
