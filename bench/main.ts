/**
 * `deno task bench NAME [arguments]`: runs one of the measurements in this folder.
 *
 * @module
 */

const folder = new URL(".", import.meta.url);

const names: string[] = [];
for await (const entry of Deno.readDir(folder)) {
  if (entry.name.endsWith(".ts") && entry.name !== "main.ts") names.push(entry.name.slice(0, -3));
}
names.sort();

const [name, ...args] = Deno.args;
if (name === undefined || !names.includes(name)) {
  const text = `Usage: deno task bench NAME [arguments]\n\nNAME is one of: ${names.join(", ")}\n`;
  await Deno.stderr.write(new TextEncoder().encode(text));
  Deno.exit(2);
}
const child = new Deno.Command(Deno.execPath(), {
  args: [
    "run",
    "-q",
    "-A",
    `--v8-flags=--expose-gc`,
    new URL(`${name}.ts`, folder).pathname,
    ...args,
  ],
}).spawn();
Deno.exit((await child.status).code);
