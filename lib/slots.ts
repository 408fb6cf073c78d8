/**
 * Bounds on how many asynchronous tasks run at once.
 *
 * @module
 */

/** Runs asynchronous tasks, so many at a time, in the order in which they came. */
export class Slots {
  #places: number;
  /** Below 0 while more tasks run than there are places: there were more when they began. */
  #free: number;
  #size = 0;
  readonly #sizeMax: number;
  readonly #waiting: (() => void)[] = [];

  /**
   * All slots are free at first.
   *
   * @param places How many tasks run at once, 1 or more.
   * @param sizeMax How many may run or wait: more means that callers do not wait for what they ask for.
   */
  constructor(places: number, sizeMax = 100_000) {
    this.#places = places;
    this.#free = places;
    this.#sizeMax = sizeMax;
  }

  /** Tasks that run or wait. */
  get size(): number {
    return this.#size;
  }

  /** Changes how many tasks run at once, to 1 or more; those that run already go on. */
  resize(places: number): void {
    this.#free += places - this.#places;
    this.#places = places;
    this.#begin();
  }

  /**
   * Runs the task once there is a slot for it; settles as the task does.
   *
   * @throws {RangeError} When as many tasks run or wait already as may.
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#size >= this.#sizeMax) {
      throw new RangeError(`Cannot queue: ${this.#size} tasks wait already`);
    }
    this.#size++;
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await task();
    } finally {
      this.#size--;
      this.#free++;
      this.#begin();
    }
  }

  /** Begins those that wait, as long as there is a slot for them. */
  #begin(): void {
    while (this.#free > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#free--;
      next();
    }
  }
}

/** Runs asynchronous tasks one at a time, in the order in which they came. */
export class Mutex extends Slots {
  /** No task runs at first; at most 10,000 may wait. */
  constructor() {
    super(1, 10_000);
  }
}
