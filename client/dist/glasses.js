





import { Keyring } from "./access.js";
import { streamAddress } from "./_address.js";
import { AnswerWatch } from "./_answer_watch.js";
import { ComingBack } from "./_coming_back.js";
import { Farewell } from "./_farewell.js";
import { Feeds } from "./_feeds.js";
import { FrameBook,                             } from "./_frames.js";
import {              Line } from "./_line.js";
import { Place } from "./_place.js";
import { explain } from "./_refusal.js";
import { Sender } from "./_sender.js";
import {              judge } from "./_verdict.js";
import {                                Wishes } from "./_wishes.js";
import { complete,                      } from "./glasses_options.js";


import { pause,                platformWith } from "./platform.js";





const BYE_TIMEOUT_MS = 30_000;


export function connect(options                )          {
  return new Glasses(options);
}


export class Glasses {

           closed                 ;
           #options                 ;
           #platform          ;
           #keyring         ;
           #comingBack            ;
           #book           ;
           #sender        ;
           #wishes        ;
           #feeds = new Feeds();
  #state        = { kind: "connecting", attempt: 1 };
           #place       ;
  #line              = null;
  #watch                     = null;
  #stoodSinceMs                = null;
  #connections = 0;
           #farewell = new Farewell();
  #waiting = new AbortController();
  #isStopped = false;

  constructor(options                ) {
    this.#options = complete(options);
    this.#platform = platformWith(options.platform);
    this.#keyring = new Keyring(options.access);
    this.#comingBack = new ComingBack(this.#options, this.#keyring, this.#platform.random);
    this.#place = new Place(options.resumeFrom ?? null);
    const { clock } = this.#platform;
    this.#book = new FrameBook(this.#options, (loss) => this.#feeds.losses.say(loss));
    this.#sender = new Sender(clock, this.#book, this.#options, (number, given) => {
      this.#options.trace?.({ kind: "sent", connection: this.#connections, number, given });
      this.#watch?.expect();
    });
    this.#wishes = new Wishes(clock);
    // Whoever made it listens before anything is said.
    this.closed = Promise.resolve().then(() => this.#run()).catch((error) =>
      // No such address, or none that this page may connect to.
      this.#finish({ kind: "refused", status: 0, detail: String(error) })
    );
  }

  get state()        {
    return this.#state;
  }


  get remembered()                    {
    return this.#place.remembered;
  }


  get counts()              {
    return this.#book.counts;
  }


  results = ()                                => this.#feeds.results.listen();
  acks = ()                                  => this.#feeds.acks.listen();
  notices = ()                                => this.#feeds.notices.listen();

  complaints = ()                                   => this.#feeds.complaints.listen();

  states = ()                               => this.#feeds.states.listen();

  losses = ()                              => this.#feeds.losses.listen();








  send(bytes            , capturedAtMs         )         {
    const atMs = capturedAtMs ?? this.#platform.clock.epochMs();
    // Sockets take no shared memory, and say so.
    const given = this.#book.give(bytes                           , atMs);
    if (this.#state.kind === "closed" || this.#farewell.isWished) this.#book.loseNewest();
    else this.#sender.pump();
    return given;
  }


  ask(question        )                      {
    return this.#wishes.ask(question);
  }


  lookFor(wanted         )       {
    this.#wishes.lookFor(wanted);
  }


  pause()       {
    this.#wishes.pause(true);
  }

  unpause()       {
    this.#wishes.pause(false);
  }


  reconnect()       {
    this.#line?.giveUp("the client connects again");
    this.#waiting.abort();
  }


  bye()                  {
    this.#farewell.wish();
    this.#sender.pump();
    this.#sayBye();
    return this.closed;
  }


  close()                  {
    this.#isStopped = true;
    this.reconnect();
    return this.closed;
  }

  async #run()                  {
    for (;;) {
      this.#waiting = new AbortController();
      const next = this.#isStopped ? STOPPED : await this.#connectOnce();
      if (next.kind === "over") return this.#finish(next.why);
      const { delayMs, reason } = next;
      this.#become({ kind: "waiting", failures: this.#comingBack.failures, delayMs, reason });
      await pause(this.#platform.clock, delayMs, this.#waiting.signal);
    }
  }


  async #connectOnce() {
    const brought = await this.#keyring.forAddress().catch((error) => ({ error }));
    if (brought !== null && "error" in brought) return this.#comingBack.withoutToken(brought.error);
    if (brought === null) {
      const detail = "there is no token to bring";
      return { kind: "over", why: { kind: "refused", status: 0, detail } }         ;
    }
    if (this.#isStopped) return STOPPED;
    const connection = ++this.#connections;
    const ending = await this.#converse(connection, brought.query);
    this.#options.trace?.({ kind: "ended", connection, ending });
    const sinceMs = this.#stoodSinceMs;
    const stoodMs = sinceMs === null ? null : this.#platform.clock.monotonicMs() - sinceMs;
    this.#stoodSinceMs = null;
    const verdict = judge(ending, this.#farewell.isSaid);
    this.#farewell.again();
    if (verdict.kind === "too_large") this.#book.refuseUnacked();
    return await this.#comingBack.after(verdict, stoodMs, brought);
  }

  async #converse(connection        , access                                  )                  {
    const { url, profile, trace, handshakeTimeoutMs, answerTimeoutMs } = this.#options;
    const base = typeof url === "string" ? url : url();
    const address = streamAddress(base, {
      ...access,
      ...this.#place.claim,
      ...profile !== undefined && !this.#wishes.hasLook && { profile },
    });
    trace?.({ kind: "connecting", connection, claim: this.#place.remembered });
    this.#become({ kind: "connecting", attempt: this.#comingBack.failures + 1 });
    const line = this.#line = new Line(this.#platform, address, handshakeTimeoutMs, {
      hello: (hello) => this.#greeted(line, hello),
      message: (message) => this.#heard(message),
      heard: (message) => {
        this.#watch?.heard();
        trace?.({ kind: "heard", connection, message });
      },
    });
    this.#watch = new AnswerWatch(this.#platform.clock, line, answerTimeoutMs);
    const ending = await line.ended;
    this.#watch.heard();
    this.#line = this.#watch = null;
    this.#sender.close();
    this.#wishes.close("the connection was lost");
    if (ending.kind !== "unreached") return ending;
    return await explain(ending, streamAddress(base, {}), access, this.#platform);
  }


  #greeted(line      , hello       )       {
    const isNew = this.#place.greet(hello);
    this.#stoodSinceMs = this.#platform.clock.monotonicMs();
    this.#book.greet(hello.frame, isNew);
    const { session, limits } = hello;
    this.#become({ kind: "open", session, isResumed: !isNew, limits });
    this.#wishes.open(line);
    this.#sender.open(line, limits);
    this.#sender.pump();
    this.#sayBye();
  }

  #heard(message                               )       {
    const { acks, notices, complaints } = this.#feeds;
    switch (message.type) {
      case "ack": {
        const kept = this.#book.ack(message);
        const latencyMs = kept && this.#platform.clock.monotonicMs() - kept.sentAtMs;
        acks.say({ ...message, given: kept?.given ?? null, latencyMs });
        break;
      }
      case "result":
        this.#result(message);
        break;
      case "notice":
        if (message.code === "draining") this.#sender.hold();
        notices.say(message);
        break;
      case "answer":
        this.#wishes.answered(message);
        break;
      case "error":
        if (message.id !== undefined) this.#wishes.answered(message);
        else complaints.say(message);
    }
    this.#sender.pump();
    this.#sayBye();
    if (this.#book.unacked > 0) this.#watch?.expect();
  }

  #result(result        )       {
    switch (this.#place.hear(result)) {
      case "next":
        this.#book.account(result.frame);
        return this.#feeds.results.say(result);
      case "too far":
        return this.#line?.giveUp(`result ${result.cursor} came too early`);
      case "known":
    }
  }

  #sayBye()       {
    if (this.#book.hasWaiting || !this.#wishes.areSaid) return;
    if (this.#farewell.say(this.#line)) this.#watch?.expect(BYE_TIMEOUT_MS);
  }

  #become(state       )       {
    this.#state = state;
    this.#feeds.states.say(state);
  }

  #finish(why        )         {
    this.#book.close();
    this.#become({ kind: "closed", why });
    this.#feeds.end();
    return why;
  }
}

const STOPPED = { kind: "over", why: { kind: "stopped" } }         ;
