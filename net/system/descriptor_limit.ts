/**
 * How many file descriptors this process may have open.
 *
 * @module
 */

/** Where the C library is, and the number of `RLIMIT_NOFILE` (getrlimit(2)) there. */
const places: Readonly<Record<string, { readonly library: string; readonly resource: number }>> = {
  linux: { library: "libc.so.6", resource: 7 },
  darwin: { library: "libSystem.dylib", resource: 8 },
};

/** What is assumed where the system does not tell: POSIX systems rarely allow fewer by default. */
export const descriptorsAssumed = 1_024;

/**
 * The number of descriptors that this process may have open. Deno has raised the soft limit to the hard
 * one at its start.
 */
export function descriptorLimit(): number {
  const place = places[Deno.build.os];
  if (place === undefined) return descriptorsAssumed;
  try {
    const library = Deno.dlopen(place.library, {
      getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
    });
    try {
      // `struct rlimit`: the soft and the hard limit, 64 bits each.
      const limits = new BigUint64Array(2);
      if (library.symbols.getrlimit(place.resource, limits) !== 0) return descriptorsAssumed;
      return Number(limits[0] ?? descriptorsAssumed);
    } finally {
      library.close();
    }
  } catch {
    // No such library, or no permission to load it.
    return descriptorsAssumed;
  }
}
