/** Many seeds of the small networks under faults that tests/sim/dht_faults_test.ts runs few of. */
import { runDhtFaults } from "../../tests/sim/dht_faults.ts";
import type { Settings, Table } from "./report.ts";

/** `--seeds=1,1000`: the first and the last. */
export async function faults({ numbers, tell, row }: Settings): Promise<Table> {
  const [first = 1, last = 200] = numbers("seeds", [1, 200]);
  let failed = 0;
  let acknowledged = 0;
  let datagrams = 0;
  for (let seed = first; seed <= last; seed++) {
    try {
      const report = await runDhtFaults({ seed });
      acknowledged += report.acknowledged;
      datagrams += report.datagrams;
    } catch (error) {
      failed++;
      tell(String(error));
    }
  }
  const made = { seeds: `${first} to ${last}`, failed, acknowledged, datagrams };
  row(made);
  return {
    name: "faults",
    about: "Acknowledged values, all found where none failed.",
    rows: [made],
  };
}
