/**
 * What will happen in a soak with homes, drawn from a seed before it starts.
 *
 * @module
 */

import type { SeededRandom } from "../../tests/sim/random.ts";

/** How the lying relay treats the circuits of senders. */
export const manners = ["honest", "nothing", "half", "slow", "garbage"] as const;

/** One of {@linkcode manners}: `nothing` joins nothing, `half` loses every other piece. */
export type Manner = (typeof manners)[number];

/** Whether a word is a manner. */
export function isManner(word: string): word is Manner {
  return manners.some((manner) => manner === word);
}

/** What happens, apart from when; relays and homes are told by their numbers. */
export type Fault =
  /** A public peer is killed, and started anew after so many seconds. */
  | { readonly kind: "kill"; readonly relay: number; readonly forS: number }
  /** A public peer hangs for so many seconds: its connections stay, and nothing comes of them. */
  | { readonly kind: "hang"; readonly relay: number; readonly forS: number }
  /** A home's router is off for so many seconds, and forgets its mappings. */
  | { readonly kind: "restart"; readonly home: number; readonly forS: number }
  /** A home gets another outer address. */
  | { readonly kind: "renumber"; readonly home: number }
  /** The lying relay changes its manner. */
  | { readonly kind: "lie"; readonly manner: Manner };

/** A fault, in seconds from the start. */
export interface Planned {
  readonly atS: number;
  readonly fault: Fault;
}

/** Seconds from one fault to the next. */
const gapS = { min: 10, max: 40 } as const;

/** Seconds for which a peer or a router is away. */
const awayS = { min: 3, max: 20 } as const;

/** How often each kind comes, in parts of the sum. */
const parts: readonly Fault["kind"][] = [
  "kill",
  "kill",
  "hang",
  "restart",
  "restart",
  "renumber",
  "lie",
  "lie",
];

/** How many there are of each. */
export interface Sizes {
  /** Public peers that relay. */
  readonly relays: number;
  /** Homes whose routers have faults. */
  readonly homes: number;
  /** How long the plan goes on. */
  readonly seconds: number;
}

/**
 * Draws the plan. A relay or router that is away is left alone until it is back, and all relays but one may
 * be away at once.
 */
export function drawPlan(random: SeededRandom, { relays, homes, seconds }: Sizes): Planned[] {
  const plan: Planned[] = [];
  const backS = new Map<string, number>();
  const draw = ({ min, max }: { min: number; max: number }) => random.between(min, max);
  for (let atS = draw(gapS); atS < seconds; atS += draw(gapS)) {
    const free = (what: string, count: number) =>
      Array.from({ length: count }, (_, i) => i).filter((i) =>
        (backS.get(`${what} ${i}`) ?? 0) <= atS
      );
    const kind = random.pick(parts);
    const isRelay = kind === "kill" || kind === "hang";
    const idle = isRelay ? free("relay", relays) : free("home", homes);
    const forS = draw(awayS);
    if (kind === "lie") {
      plan.push({ atS, fault: { kind, manner: random.pick(manners) } });
      continue;
    }
    if (idle.length < (isRelay ? 2 : 1)) continue;
    const chosen = random.pick(idle);
    // What comes back needs some seconds to be of use again.
    backS.set(`${isRelay ? "relay" : "home"} ${chosen}`, atS + 2 * forS);
    if (kind === "renumber") plan.push({ atS, fault: { kind, home: chosen } });
    else if (kind === "restart") plan.push({ atS, fault: { kind, home: chosen, forS } });
    else plan.push({ atS, fault: { kind, relay: chosen, forS } });
  }
  return plan;
}

/** Whom each of so many peers follows: so many others, drawn. */
export function drawFollows(random: SeededRandom, peers: number, followed: number): number[][] {
  return Array.from({ length: peers }, (_, i) => {
    const others = Array.from({ length: peers }, (_, n) => n).filter((n) => n !== i);
    return random.shuffle(others).slice(0, followed);
  });
}
