/** Whether this machine has IPv6, for the tests that need it. */

function hasIPv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/** A test's name and whether it is ignored, with the reason in the name. */
export function withIPv6(name: string): { readonly name: string; readonly ignore: boolean } {
  return hasIPv6() ? { name, ignore: false } : { name: `${name} (no ::1 here)`, ignore: true };
}
