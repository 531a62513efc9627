




import { Feed } from "./_feed.js";





const MAX_UNREAD = 1_000;


export class Feeds {
           results = new Feed        ();
           acks = new Feed          (MAX_UNREAD);
           notices = new Feed        (MAX_UNREAD);
           complaints = new Feed           (MAX_UNREAD);
           states = new Feed       (MAX_UNREAD);
           losses = new Feed      (MAX_UNREAD);


  end()       {
    for (const feed of Object.values(this)                   ) feed.end();
  }
}
