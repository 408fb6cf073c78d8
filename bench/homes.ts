/**
 * An hour of peers at home with faults: `deno task bench homes [--minutes=60] [--seed=1]`.
 *
 * It makes network namespaces of its own and removes them at the end, also after Ctrl+C; nothing leaves
 * them. Needs root on Linux, iproute2 and nftables. Peers that were killed start anew all the time, so it runs
 * a copy of the program: what is edited meanwhile stays out of it.
 *
 * @module
 */

import { whyNot } from "../tests/nat/lab.ts";
import { note } from "./delivery/measure.ts";
import { inCopy, isCopy } from "./homes/copy.ts";
import { buildLab, soakOfHomes } from "./homes/soak.ts";

if (!isCopy) Deno.exit(await inCopy("bench/homes.ts", Deno.args));
const missing = await whyNot();
if (missing !== undefined) {
  note(`Cannot soak: this machine ${missing}.`);
  Deno.exit(2);
}
const lab = await buildLab();
const removed = Promise.withResolvers<void>();
let isRemoving = false;
const remove = async (): Promise<void> => {
  if (isRemoving) return await removed.promise;
  isRemoving = true;
  await lab[Symbol.asyncDispose]().finally(removed.resolve);
};
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => void remove().finally(() => Deno.exit(1)));
}
try {
  await soakOfHomes(lab);
} catch (error) {
  // What runs in the lab fails once it is being removed.
  if (!isRemoving) note(`Cannot go on: ${error instanceof Error ? error.stack : error}`);
  Deno.exitCode = 1;
} finally {
  await remove();
}
Deno.exit();
