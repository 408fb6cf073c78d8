/**
 * Waiting on a clock that is given, so that every wait can be aborted and simulated.
 *
 * @module
 */

import type { Time } from "./time.ts";

/** Resolves after `ms` milliseconds; rejects with the signal's reason when aborted before. */
export function delay(time: Pick<Time, "after">, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const aborted = () => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = time.after(ms, () => {
      signal?.removeEventListener("abort", aborted);
      resolve();
    });
    signal?.addEventListener("abort", aborted, { once: true });
  });
}

/** Resolves after `ms` milliseconds, or at once when the signal is aborted. Never rejects. */
export function pause(time: Pick<Time, "after">, ms: number, signal?: AbortSignal): Promise<void> {
  return delay(time, ms, signal).catch(() => {});
}

/** Resolves as soon as the promise settles, or after `ms` milliseconds; whether it has settled. */
export function settledWithin(
  time: Pick<Time, "after">,
  promise: Promise<unknown>,
  ms: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = time.after(ms, () => resolve(false));
    const end = () => {
      timer.cancel();
      resolve(true);
    };
    promise.then(end, end);
  });
}

/**
 * Runs a task with a signal that is aborted after `ms` milliseconds or with the outer signal.
 *
 * @returns What the task resolves to; undefined when the time was over first.
 * @throws What the task rejects with, or the outer signal's reason.
 */
export async function within<T>(
  limit: { readonly clock: Pick<Time, "after">; readonly ms: number },
  task: (signal: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): Promise<T | undefined> {
  signal?.throwIfAborted();
  const controller = new AbortController();
  const timer = limit.clock.after(limit.ms, () => controller.abort());
  const aborted = () => controller.abort(signal?.reason);
  signal?.addEventListener("abort", aborted, { once: true });
  try {
    return await abortable(task(controller.signal), controller.signal);
  } catch (error) {
    // Once the time is over, the task's error adds nothing.
    if (!controller.signal.aborted) throw error;
    signal?.throwIfAborted();
    return undefined;
  } finally {
    timer.cancel();
    signal?.removeEventListener("abort", aborted);
  }
}

/** Settles as the promise does, or rejects with the signal's reason if that comes first. */
export function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const aborted = () => reject(signal.reason);
    if (signal.aborted) aborted();
    signal.addEventListener("abort", aborted, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", aborted));
  });
}

/** Runs `task` over the items, at most `parallel` at a time, and resolves to the results in order. */
export async function mapBounded<T, R>(
  items: readonly T[],
  parallel: number,
  task: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const queue = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await task(item);
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, work));
  return results;
}
