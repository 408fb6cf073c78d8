/** Many seeds of the accounts under loss of datagrams that tests/sim/dht_loss_test.ts runs few of. */
import { runLoss } from "../../tests/sim/dht_loss.ts";
import { quantile, type Row, type Settings, type Table } from "./report.ts";

/** `--seeds=1,200`: the first and the last; `--reachable=1,3`; `--loss=0,5,20`, in percent. */
export async function loss({ numbers, row }: Settings): Promise<Table> {
  const [first = 1, last = 200] = numbers("seeds", [1, 200]);
  const rows: Row[] = [];
  for (const reachable of numbers("reachable", [1, 3])) {
    for (const percent of numbers("loss", [0, 5, 20])) {
      const sums = { registered: 0, "logged in": 0, found: 0, absent: 0, unanswered: 0 };
      const slowest: number[] = [];
      for (let seed = first; seed <= last; seed++) {
        const outcome = await runLoss({ seed, reachable, loss: percent / 100 });
        if (outcome.registration === "done") sums.registered++;
        if (outcome.login === "done") sums["logged in"]++;
        for (const name of ["found", "absent", "unanswered"] as const) sums[name] += outcome[name];
        slowest.push(outcome.slowestMs);
      }
      const of = { "reachable nodes": reachable, loss: `${percent} %`, runs: last - first + 1 };
      const made = {
        ...of,
        ...sums,
        "slowest ms p50": Math.round(quantile(slowest, 0.5)),
        "slowest ms p95": Math.round(quantile(slowest, 0.95)),
      };
      row(made);
      rows.push(made);
    }
  }
  return {
    name: "loss",
    about: "In each run a user registers at home, logs in elsewhere, and is looked for four times.",
    rows,
  };
}
