































































export class FrameBook {
           #bounds             ;
           #tell                      ;
           #ends                      = {
    accounted: 0,
    skipped: 0,
    dropped: 0,
    overtaken: 0,
    too_large: 0,
    lost: 0,
  };

  #sent         = [];
  #again         = [];
  #fresh         = [];
  #given = 0;
  #sends = 0;
  #next = 1;
  #unacked = 0;

  constructor(bounds             , tell                      ) {
    this.#bounds = bounds;
    this.#tell = tell;
  }


  get unacked()         {
    return this.#unacked;
  }

  get hasWaiting()          {
    return this.next() !== null;
  }

  get counts()              {
    return {
      sent: this.#sends,
      given: this.#given,
      ...this.#ends,
      waiting: this.#again.length + this.#fresh.length,
      unaccounted: this.#sent.length,
    };
  }


  give(bytes                         , capturedAtMs        )         {
    const given = ++this.#given;
    this.#fresh.push({ given, bytes, capturedAtMs, number: null, sentAtMs: 0, isAcked: false });
    return given;
  }


  loseNewest()       {
    const newest = this.#fresh.pop();
    if (newest) this.#lose("lost", newest);
  }


  next()              {
    return this.#again[0] ?? this.#fresh[0] ?? null;
  }


  take(nowMs        )         {
    const kept = (this.#again.length > 0 ? this.#again : this.#fresh).shift() ;
    this.#sent.push(Object.assign(kept, { number: this.#next, sentAtMs: nowMs, isAcked: false }));
    this.#sends++;
    this.#unacked++;
    this.#forgetBytes();
    return this.#next++;
  }


  refuseNext()       {
    this.#lose("too_large", (this.#again.length > 0 ? this.#again : this.#fresh).shift() );
  }


  refuseUnacked()       {
    const at = this.#sent.findIndex(({ isAcked }) => !isAcked);
    if (at !== -1) this.#lose("too_large", ...this.#sent.splice(at, 1));
  }


  trim()       {
    const over = this.#fresh.length - this.#bounds.maxWaiting;
    if (over > 0) this.#lose("overtaken", ...this.#fresh.splice(0, over));
  }


  ack({ frame, status }     )              {
    this.#unacked = Math.max(0, this.#unacked - 1);
    const at = this.#sent.findIndex(({ number }) => number === frame);
    const kept = this.#sent[at];
    if (!kept) return null;
    kept.isAcked = true;
    // Told honestly, so there is nothing to be made good.
    if (status !== "queued") {
      this.#sent.splice(at, 1);
      this.#ends[status]++;
    }
    return kept;
  }


  account(frame        )       {
    while (this.#sent[0] && this.#sent[0].number  <= frame) {
      this.#sent.shift();
      this.#ends.accounted++;
    }
  }





  greet(frame        , isNewSession         )       {
    const isKnown = ({ number }      ) => !isNewSession && number  <= frame;
    const missing = this.#sent.filter((kept) => !isKnown(kept));
    this.#sent = this.#sent.filter(isKnown);
    for (const kept of this.#sent) kept.isAcked = true;
    const mayAgain = this.#bounds.lostFrames === "again";
    const again = missing.filter(({ bytes }) => mayAgain && bytes !== null);
    this.#lose("lost", ...missing.filter((kept) => !again.includes(kept)));
    for (const kept of again) kept.number = null;
    this.#again = [...again, ...this.#again];
    this.#next = frame + 1;
    this.#unacked = 0;
  }


  close()       {
    this.#lose("lost", ...this.#sent, ...this.#again, ...this.#fresh);
    this.#sent = [];
    this.#again = [];
    this.#fresh = [];
  }

  #lose(kind              , ...frames        )       {
    for (const { given, capturedAtMs } of frames) {
      this.#ends[kind]++;
      this.#tell({ kind, given, capturedAtMs });
    }
  }


  #forgetBytes()       {
    const held = this.#sent.filter(({ bytes }) => bytes !== null);
    let bytes = held.reduce((sum, kept) => sum + kept.bytes .byteLength, 0);
    let count = held.length + this.#again.length;
    bytes += this.#again.reduce((sum, kept) => sum + kept.bytes .byteLength, 0);
    for (const kept of held) {
      if (count <= this.#bounds.maxKept && bytes <= this.#bounds.maxKeptBytes) return;
      bytes -= kept.bytes .byteLength;
      count--;
      kept.bytes = null;
    }
  }
}
