




import {             PROTOCOL, readMessage,                    } from "./messages.js";



















const STATUS = /(?:status code|server response): (\d{3})\b/;


export class Line {
           ended                 ;
           #socket              ;
           #end                          ;
           #cancelHandshake            ;
  #isOpen = false;
  #isGreeted = false;
  #isOver = false;
  #trouble = "";

  constructor(
    platform          ,
    address        ,
    handshakeTimeoutMs        ,
    listener              ,
  ) {
    const { promise, resolve } = Promise.withResolvers        ();
    this.ended = promise;
    this.#end = (ending) => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#cancelHandshake();
      resolve(ending);
    };
    const late = () => this.giveUp(`no hello within ${handshakeTimeoutMs} ms`);
    this.#cancelHandshake = platform.clock.after(handshakeTimeoutMs, late);
    const socket = this.#socket = new platform.WebSocket(address, [PROTOCOL]);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("open", () => this.#isOpen = true);
    socket.addEventListener("message", ({ data }) => this.#hear(data, listener));
    socket.addEventListener("error", ({ message }) => this.#trouble = message ?? "");
    socket.addEventListener("close", ({ code, reason }) => this.#closed(code ?? 0, reason ?? ""));
  }


  get isReady()          {
    return this.#isGreeted && !this.#isOver;
  }


  get bufferedBytes()         {
    return this.#socket.bufferedAmount;
  }

  send(data                                  )       {
    if (!this.#isOver) this.#socket.send(data);
  }


  giveUp(reason        )       {
    if (this.#isOver) return;
    this.#end({ kind: "given_up", reason });
    // A close handshake with who does not answer would only keep the socket.
    if (this.#socket.terminate) this.#socket.terminate();
    else this.#socket.close();
  }

  #hear(data         , listener              )       {
    const message = this.#isOver ? null : readMessage(data);
    if (!message) return;
    listener.heard(message);
    if (message.type !== "hello") return listener.message(message);
    this.#isGreeted = true;
    this.#cancelHandshake();
    listener.hello(message);
  }

  #closed(code        , said        )       {
    if (this.#isOpen) return this.#end({ kind: "closed", code, reason: said });
    const status = Number(STATUS.exec(this.#trouble)?.[1] ?? 0) || null;
    const reason = this.#trouble || "the server was not reached";
    this.#end({ kind: "unreached", status, reason });
  }
}
