/**
 * What kind of machine an executable is for, read from its first bytes.
 *
 * @module
 */

import type { Target } from "./targets.ts";

/** So many bytes of a file are enough: Windows puts the machine behind a small program for DOS. */
export const headBytes = 4096;

/** ELF's numbers for processors (`e_machine`): x86-64 and AArch64. */
const elfMachines: Readonly<Record<number, string>> = { 62: "x64", 183: "arm64" };

/** Mach-O's numbers for processors (`cputype`). */
const machMachines: Readonly<Record<number, string>> = {
  0x01000007: "x64",
  0x0100000c: "arm64",
};

/** The numbers in the header of Windows' PE files (`Machine`). */
const peMachines: Readonly<Record<number, string>> = { 0x8664: "x64", 0xaa64: "arm64" };

/**
 * The system and processor that an executable is for, such as `linux-x64`, in Node.js's words.
 *
 * @param head The first {@linkcode headBytes} of the file, or all of a shorter one.
 * @returns Undefined if it is none of ELF, Mach-O and PE, or for another processor.
 */
export function machineOf(head: Uint8Array): string | undefined {
  if (head.length < 64) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.byteLength);
  const named = (system: string, arch: string | undefined) =>
    arch === undefined ? undefined : `${system}-${arch}`;
  // "\x7fELF"; the machine is the 16-bit number at 18.
  if (view.getUint32(0) === 0x7f454c46) {
    return named("linux", elfMachines[view.getUint16(18, true)]);
  }
  if (view.getUint32(0, true) === 0xfeedfacf) {
    return named("darwin", machMachines[view.getUint32(4, true)]);
  }
  // "MZ"; at 60 stands where "PE\0\0" is, and the machine follows.
  if (view.getUint16(0) !== 0x4d5a) return undefined;
  const at = view.getUint32(60, true);
  if (at + 6 > head.length || view.getUint32(at) !== 0x50450000) return undefined;
  return named("win32", peMachines[view.getUint16(at + 4, true)]);
}

/** Why an executable is not one for the target, or undefined when it is. */
export function targetProblem(head: Uint8Array, target: Target): string | undefined {
  const machine = machineOf(head);
  if (machine === `${target.os}-${target.arch}`) return undefined;
  return `it is ${
    machine === undefined ? "no executable" : `for ${machine}`
  }, not for ${target.name}`;
}
