/**
 * The machines that Camellia is built for.
 *
 * @module
 */

/** A kind of machine. */
export interface Target {
  /** As in the names of archives: system and processor in Node.js's words. */
  readonly name: string;
  /** As `deno compile --target` has it. */
  readonly triple: string;
  /** The system, in Node.js's words (`process.platform`). */
  readonly os: "linux" | "darwin" | "win32";
  /** The processor, in Node.js's words (`process.arch`). */
  readonly arch: "x64" | "arm64";
  /** The C library, in cmake-ts's words: its loader looks for an addon by system, processor and this. */
  readonly libc: "glibc" | "libc" | "msvc";
}

/** All of them. Deno has no build for other C libraries of Linux than glibc. */
export const targets: readonly Target[] = [
  {
    name: "linux-x64",
    triple: "x86_64-unknown-linux-gnu",
    os: "linux",
    arch: "x64",
    libc: "glibc",
  },
  {
    name: "linux-arm64",
    triple: "aarch64-unknown-linux-gnu",
    os: "linux",
    arch: "arm64",
    libc: "glibc",
  },
  { name: "macos-x64", triple: "x86_64-apple-darwin", os: "darwin", arch: "x64", libc: "libc" },
  {
    name: "macos-arm64",
    triple: "aarch64-apple-darwin",
    os: "darwin",
    arch: "arm64",
    libc: "libc",
  },
  { name: "windows-x64", triple: "x86_64-pc-windows-msvc", os: "win32", arch: "x64", libc: "msvc" },
];

/** The target by its name or its triple; undefined if there is none of that name. */
export function targetNamed(name: string): Target | undefined {
  return targets.find((target) => target.name === name || target.triple === name);
}

/** The target that this machine is; undefined if Camellia is not built for it. */
export function ownTarget(): Target | undefined {
  return targetNamed(Deno.build.target);
}
