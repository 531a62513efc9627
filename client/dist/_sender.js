






import { Pace } from "./_pace.js";




const RATE_SHARE = 0.8;

const BUFFER_LOOK_MS = 20;










export class Sender {
           #clock       ;
           #book           ;
           #bounds            ;
           #sent                                         ;
  #line              = null;
  #pace      ;
  #maxBytes = 0;
  #isHeld = false;
  #cancelLook             = () => {};


  constructor(
    clock       ,
    book           ,
    bounds            ,
    sent                                         ,
  ) {
    this.#clock = clock;
    this.#book = book;
    this.#bounds = bounds;
    this.#sent = sent;
    this.#pace = new Pace(clock, 0, 0);
  }


  open(line      , { max_fps, max_frame_bytes }        )       {
    this.#line = line;
    this.#isHeld = false;
    this.#maxBytes = max_frame_bytes;
    this.#pace = new Pace(this.#clock, max_fps * RATE_SHARE, max_fps);
  }


  hold()       {
    this.#isHeld = true;
  }


  close()       {
    this.#line = null;
    this.#cancelLook();
  }


  pump()       {
    this.#cancelLook();
    const waitMs = this.#sendAll();
    if (waitMs > 0) this.#cancelLook = this.#clock.after(waitMs, () => this.pump());
    this.#book.trim();
  }


  #sendAll()         {
    const line = this.#line;
    if (!line?.isReady || this.#isHeld) return 0;
    for (let kept = this.#book.next(); kept; kept = this.#book.next()) {
      const bytes = kept.bytes ;
      if (this.#maxBytes > 0 && bytes.byteLength > this.#maxBytes) {
        this.#book.refuseNext();
        continue;
      }
      if (this.#book.unacked >= this.#bounds.maxUnacked) return 0;
      const buffered = line.bufferedBytes;
      if (buffered > 0 && buffered + bytes.byteLength > this.#bounds.maxBufferedBytes) {
        return BUFFER_LOOK_MS;
      }
      const waitMs = this.#pace.take();
      if (waitMs > 0) return waitMs;
      const { given, capturedAtMs } = kept;
      this.#sent(this.#book.take(this.#clock.monotonicMs()), given);
      line.send(JSON.stringify({ type: "frame", captured_at_ms: capturedAtMs }));
      line.send(bytes);
    }
    return 0;
  }
}
