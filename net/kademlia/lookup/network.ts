/**
 * What the operations of a node work with, and how they end.
 *
 * @module
 */
import type { Scheduler } from "../../../lib/scheduler.ts";
import type { Time } from "../ports.ts";
import { FanOut, type FanOutOptions } from "../rpc/fan_out.ts";
import type { Arguments } from "../rpc/methods/method.ts";
import type { Rpc } from "../rpc/rpc.ts";
import type { NodeContact } from "../space/contact.ts";
import type { Id } from "../space/id.ts";
import type { Neighbours } from "../table/neighbours.ts";
import type { RoutingTables } from "../table/routing_tables.ts";
import type { DensityEstimate } from "./density.ts";

/** The parts of a node that its operations work with. */
export interface Network {
  /** The own node as a contact, under the address of its socket. */
  readonly self: NodeContact;
  readonly own: Id;
  readonly k: number;
  readonly alpha: number;
  readonly time: Time;
  readonly scheduler: Scheduler;
  readonly rpc: Rpc;
  readonly table: RoutingTables;
  readonly neighbours: Neighbours;
  readonly density: DensityEstimate;
  readonly operations: Operations;
}

/** Stops an operation's work. */
type Stop = () => void;

/** What belongs to an operation under way. */
interface Work<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (reason: unknown) => void;
  /** Called first when it is over. */
  readonly forget: () => void;
  /** Unset until it has started. */
  stop?: Stop;
}

/**
 * An operation under way. The tables that a `Set` has outgrown may keep it for long: so it lets go of all that
 * belongs to it as soon as it is over.
 */
class Operation<T> {
  #work: Work<T> | undefined;

  constructor(work: Work<T>) {
    this.#work = work;
  }

  /** Sets what stops the work, unless it is over already. */
  stopsBy(stop: Stop): void {
    if (this.#work !== undefined) this.#work.stop = stop;
  }

  done(value: T): void {
    this.#over()?.resolve(value);
  }

  end(reason: unknown): void {
    const work = this.#over();
    work?.stop?.();
    work?.reject(reason);
  }

  #over(): Work<T> | undefined {
    const work = this.#work;
    this.#work = undefined;
    work?.forget();
    return work;
  }
}

/** The operations that are under way: closing the node, or an abort, ends them. */
export class Operations {
  readonly #running = new Set<Pick<Operation<unknown>, "end">>();
  #closed = false;

  /** Whether {@link Operations.close} was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * A promise for work that reports by callback. `start` gets the way to resolve and returns the way to
   * stop; it is stopped when `signal` aborts or the node closes, and the promise rejects.
   */
  run<T>(signal: AbortSignal | undefined, start: (done: (value: T) => void) => Stop): Promise<T> {
    if (this.#closed) return Promise.reject(closedError());
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise<T>((resolve, reject) => {
      const aborted = (): void => operation.end(signal?.reason);
      const forget = (): void => {
        this.#running.delete(operation);
        signal?.removeEventListener("abort", aborted);
      };
      const operation = new Operation<T>({ resolve, reject, forget });
      this.#running.add(operation);
      signal?.addEventListener("abort", aborted);
      operation.stopsBy(start((value) => operation.done(value)));
    });
  }

  /** Ends all operations: their promises reject. */
  close(): void {
    this.#closed = true;
    for (const operation of [...this.#running]) operation.end(closedError());
  }
}

function closedError(): Error {
  return new Error("Cannot finish the operation: the node is closed");
}

/** Asks several nodes one question; resolves to how many were silent, once each answered or was. */
export function askAll<Args extends Arguments, Answer>(
  { rpc, operations }: Network,
  options: Omit<FanOutOptions<Args, Answer>, "onDone">,
  signal?: AbortSignal,
): Promise<number> {
  return operations.run<number>(signal, (done) => {
    const fanOut = new FanOut(rpc, { ...options, onDone: done });
    fanOut.start();
    return () => fanOut.stop();
  });
}
