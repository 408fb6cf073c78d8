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
 * One thread collects what lies there: for so little several only take up each other's time. An idle peer keeps
 * 1.9 MB less, and its first seconds take 0.1 s less of a processor.
 *
 * What the start left behind is collected after 5 seconds; V8 would do so after 30. An idle peer has 2 MB less until
 * then, and the same later.
 *
 * When a Worker ends, its pages are given back to the system. V8 would keep them for other Workers: the one that
 * judged the password of a registration then costs some 6 MB more.
 */
export const v8Flags =
  "--v8-flags=--memory-saver-mode,--max-semi-space-size=1,--no-parallel-scavenge,--gc-memory-reducer-start-delay-ms=5000,--no-memory-pool-share-memory-on-teardown";
