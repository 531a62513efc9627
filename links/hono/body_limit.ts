/** Stands in for `jsr:@hono/hono/body-limit` where only npm is reachable. */
export * from "hono/body-limit";
