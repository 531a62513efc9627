




import {              isTokenTrouble, Keyring } from "./access.js";
import {                platformWith } from "./platform.js";
import { refusalOf, Refused } from "./refused.js";

const FORBIDDEN = 403;






















export class Requests {
           platform          ;
           #base        ;
           #keyring         ;

  constructor({ url, access, platform }                 ) {
    this.platform = platformWith(platform);
    this.#base = url.replace(/^ws/, "http");
    this.#keyring = new Keyring(access);
  }






  async send(method        , path        , options                 = {})                    {
    for (let tries = 1;; tries++) {
      const brought = await this.#keyring.forRequest();
      if (brought === null) throw new Refused(0, "there is no token to bring");
      const response = await this.#fetch(method, path, options, brought);
      if (response.ok) return response;
      const refusal = await refusalOf(response);
      const mayRenew = tries === 1 && refusal.status === FORBIDDEN &&
        isTokenTrouble(refusal.detail);
      if (!mayRenew || !await this.#keyring.renew(brought)) throw refusal;
    }
  }


  async json   (method        , path        , options                 )             {
    return await (await this.send(method, path, options)).json();
  }


  async done(method        , path        )                {
    await (await this.send(method, path)).body?.cancel();
  }

  #fetch(
    method        ,
    path        ,
    { query, headers, body, signal }                ,
    brought                                                                                        ,
  )                    {
    const url = new URL(path, this.#base);
    for (const [name, value] of Object.entries({ ...query, ...brought.query })) {
      if (value !== undefined && value !== null) url.searchParams.set(name, String(value));
    }
    return this.platform.fetch(url.href, {
      method,
      headers: {
        ...brought.headers,
        ...headers,
        ...body !== undefined && { "content-type": "application/json" },
      },
      ...body !== undefined && { body: JSON.stringify(body) },
      ...signal && { signal },
    });
  }
}


export function at(...parts                   )         {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}
