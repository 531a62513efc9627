/** Stands in for `jsr:@hono/hono` where only npm is reachable: the same package, published twice. */
export * from "hono";
