/**
 * How V8 is told to run the program, however it is started.
 *
 * @module
 */

/**
 * Garbage is collected while there is little of it. Left alone, V8 hardly looks for any in a peer's first
 * hour. While 4,000 posts came in, a peer's memory outside of code and stacks went from 33 to 43 MB, and
 * stayed between 24 and 31 MB like this; to take in 10,000 missed posts took 0.98 in place of 0.77 s.
 *
 * What was just made lies in two halves of 1 MB: without the bound they grow while a peer starts, and an idle
 * peer keeps 2.6 MB more. To take in 10,000 missed posts takes 5 % more of a processor, and no more time.
 *
 * When a Worker ends, its pages are given back to the system. V8 would keep them for other Workers: the one that
 * asked for the time, which has done its work seconds after the start, then costs an idle peer 6.5 MB more.
 */
export const v8Flags =
  "--v8-flags=--memory-saver-mode,--max-semi-space-size=1,--no-memory-pool-share-memory-on-teardown";
