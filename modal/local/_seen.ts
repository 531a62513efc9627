/**
 * What happened, for assertions.
 *
 * @module
 */
import { MODAL_METHODS, type ModalMethod } from "../../inference/modal_messages.ts";
import type { GrpcServerEvents } from "./_grpc_server.ts";

/** One run of a method; a call that Modal was asked to run again counts again. */
export interface SeenCall {
  readonly app: string;
  readonly className: string;
  readonly method: string;
  /** As bound to the parameters. */
  readonly args: Readonly<Record<string, unknown>>;
  /** Who called. */
  readonly tokenId: string;
}

/** Counters since the start, and the newest calls. */
export interface Seen {
  /** HTTP/2 connections accepted so far, on both planes. */
  readonly connections: number;
  /** HTTP/2 connections open now, on both planes. */
  readonly openConnections: number;
  /** Requests by RPC, refused and failed ones included. */
  readonly rpcs: Readonly<Record<ModalMethod, number>>;
  /** Runs of methods begun so far. */
  readonly callCount: number;
  /** The newest runs, oldest first; `keepCalls` of them. */
  readonly calls: readonly SeenCall[];
  /** Calls ended by `FunctionCallCancel`, queued ones included. */
  readonly cancelledCalls: number;
  /** Runs going on now. */
  readonly runningCalls: number;
  /** The most runs at one time so far, over all classes. */
  readonly maxConcurrent: number;
  /** Blobs held now, uploaded or not. */
  readonly blobs: number;
}

/** Keeps the counters. */
export class SeenLog implements Seen, GrpcServerEvents {
  connections = 0;
  openConnections = 0;
  callCount = 0;
  cancelledCalls = 0;
  runningCalls = 0;
  maxConcurrent = 0;
  readonly rpcs: Record<ModalMethod, number> = zeroForEachRpc();
  readonly calls: SeenCall[] = [];
  readonly #keepCalls: number;

  readonly #countBlobs: () => number;

  /** @param keepCalls how many calls stay listed with their arguments */
  constructor(keepCalls: number, countBlobs: () => number) {
    this.#keepCalls = keepCalls;
    this.#countBlobs = countBlobs;
  }

  get blobs(): number {
    return this.#countBlobs();
  }

  /** A client has connected. */
  connected(): void {
    this.connections++;
    this.openConnections++;
  }

  /** A connection has ended. */
  disconnected(): void {
    this.openConnections--;
  }

  /** A run has begun. */
  runBegan(): void {
    this.callCount++;
    this.runningCalls++;
    this.maxConcurrent = Math.max(this.maxConcurrent, this.runningCalls);
  }

  /** A run's arguments are known. */
  runCalled(call: SeenCall): void {
    this.calls.push(call);
    if (this.calls.length > this.#keepCalls) this.calls.shift();
  }

  /** A run has ended, one way or another. */
  runEnded(): void {
    this.runningCalls--;
  }
}

function zeroForEachRpc(): Record<ModalMethod, number> {
  const methods = Object.keys(MODAL_METHODS) as ModalMethod[];
  return Object.fromEntries(methods.map((method) => [method, 0])) as Record<ModalMethod, number>;
}
