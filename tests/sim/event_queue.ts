/**
 * A queue of timed events: a binary heap ordered by time, then by order of entry.
 *
 * @module
 */

/** One event. `fn` is undefined once it has run or was cancelled. */
export interface QueuedEvent {
  /** When it is due, in virtual milliseconds. */
  readonly at: number;
  /** Order of entry: breaks ties, so that equal times run first come, first served. */
  readonly order: number;
  /** What to do. */
  fn: (() => void) | undefined;
}

function before(a: QueuedEvent, b: QueuedEvent): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Below this many cancelled events it isn't worth sweeping them out. */
const sweepEventsMin = 1024;

/** Events by time. Cancelled ones are skipped, and swept out when they are the majority. */
export class EventQueue {
  #heap: QueuedEvent[] = [];
  #order = 0;
  #cancelled = 0;

  /** Events that wait. */
  get size(): number {
    return this.#heap.length - this.#cancelled;
  }

  /** Adds an event. */
  push(at: number, fn: () => void): QueuedEvent {
    const event: QueuedEvent = { at, order: this.#order++, fn };
    this.#heap.push(event);
    this.#up(this.#heap.length - 1);
    return event;
  }

  /** Takes an event out; harmless when it has run. */
  cancel(event: QueuedEvent): void {
    if (event.fn === undefined) return;
    event.fn = undefined;
    this.#cancelled++;
    if (this.#cancelled > sweepEventsMin && this.#cancelled * 2 > this.#heap.length) this.#sweep();
  }

  /** When the next event is due. */
  nextAt(): number | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.at;
  }

  /** Takes the next event's function, together with its time. */
  pop(): { at: number; fn: () => void } | undefined {
    this.#dropCancelled();
    const event = this.#takeFirst();
    if (event?.fn === undefined) return undefined;
    const fn = event.fn;
    event.fn = undefined;
    return { at: event.at, fn };
  }

  #dropCancelled(): void {
    while (this.#heap[0] !== undefined && this.#heap[0].fn === undefined) {
      this.#takeFirst();
      this.#cancelled--;
    }
  }

  #takeFirst(): QueuedEvent | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (first !== last) {
      this.#heap[0] = last;
      this.#down(0);
    }
    return first;
  }

  #sweep(): void {
    this.#heap = this.#heap.filter((event) => event.fn !== undefined);
    this.#heap.sort((a, b) => before(a, b) ? -1 : 1);
    this.#cancelled = 0;
  }

  #up(start: number): void {
    let index = start;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#swapIfBefore(index, parent)) return;
      index = parent;
    }
  }

  #down(start: number): void {
    let index = start;
    for (;;) {
      const left = 2 * index + 1;
      const right = left + 1;
      let child = left;
      const a = this.#heap[left];
      const b = this.#heap[right];
      if (a === undefined) return;
      if (b !== undefined && before(b, a)) child = right;
      if (!this.#swapIfBefore(child, index)) return;
      index = child;
    }
  }

  /** Swaps the two if the event at `lower` belongs before the one at `upper`. */
  #swapIfBefore(lower: number, upper: number): boolean {
    const a = this.#heap[lower];
    const b = this.#heap[upper];
    if (a === undefined || b === undefined || !before(a, b)) return false;
    this.#heap[lower] = b;
    this.#heap[upper] = a;
    return true;
  }
}
