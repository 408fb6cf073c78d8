/**
 * A directory in memory that several processes share: what one stores is told to the others.
 *
 * @module
 */

import type { Directory, PutReport } from "../../core/ports.ts";
import type { SignedRecord } from "../../core/model/record.ts";
import { SystemClock } from "../../net/system/system_time.ts";
import { type SimDirectory, SimDirectoryNetwork } from "../../tests/sim/directory.ts";

/** How long each look-up and each store takes here: about what the real network needs on loopback. */
export const latencyMs = 5;

/** One process's copy of the records. */
export class SharedDirectory {
  readonly #network = new SimDirectoryNetwork(new SystemClock());
  readonly #entrance: SimDirectory;
  readonly #tell: (value: Uint8Array) => void;

  /** `tell` gets every value stored here, for the other processes. */
  constructor(tell: (value: Uint8Array) => void) {
    this.#tell = tell;
    this.#entrance = this.#network.directory();
  }

  /** A peer's view of it. */
  view(): Directory {
    const view = this.#network.directory();
    view.latencyMs = latencyMs;
    // It counts all records each time: asked by each of a thousand peers it would be measured as well.
    const status = view.status();
    return {
      ready: (signal) => view.ready(signal),
      get: (query, signal) => view.get(query, signal),
      put: async (record: SignedRecord, signal): Promise<PutReport> => {
        const report = await view.put(record, signal);
        if (report.accepted > 0) this.#tell(record.value);
        return report;
      },
      sample: (signal) => view.sample(signal),
      publicAddress: (family, signal) => view.publicAddress(family, signal),
      // Peers on one machine reach one another: otherwise hundreds of them ask again every second.
      isReachable: () => Promise.resolve(true),
      join: (nodes, signal) => view.join(nodes, signal),
      entrances: () => view.entrances(),
      status: () => status,
      onChange: (fn) => view.onChange(fn),
    };
  }

  /** Takes in what another process has stored. */
  take(value: Uint8Array): void {
    this.#network.put(this.#entrance.side, value);
  }
}
