import assert from "node:assert/strict";
import { join } from "node:path";
import denoConfig from "../../deno.json" with { type: "json" };
import { readLock, root, runtimePackages } from "../../tools/packages.ts";
import { denoVersion } from "../../tools/pack/stage.ts";
import {
  archive,
  archiveName,
  installScript,
  readReleaseArguments,
  sbomText,
} from "../../tools/release.ts";
import { makeSbom, packageUrl } from "../../tools/release/sbom.ts";
import { sha256, sumsOf } from "../../tools/release/sums.ts";
import { ownTarget, targets } from "../../tools/targets.ts";

Deno.test("Bill of materials has every package of the lock file, with hash, licence and needs", async () => {
  const bill = JSON.parse(await sbomText());
  assert.equal(bill.bomFormat, "CycloneDX");
  const locked = runtimePackages(await readLock());
  const urls = locked.map(({ name, version }) => packageUrl(name, version));
  const named = bill.components.map(({ purl }: { purl: string }) => purl);
  assert.deepEqual(named, [packageUrl("deno", denoVersion), ...urls]);
  for (const { name, licenses, hashes } of bill.components.slice(1)) {
    // Identifiers and expressions of them stand in different places.
    const [{ license, expression }] = licenses;
    if (name === "zeromq") assert.equal(expression, "MIT AND MPL-2.0");
    else assert.match(license.id, /^[\w.-]+$/, name);
    assert.match(hashes[0].content, /^[0-9a-f]{128}$/, name);
  }
  const references = new Set([bill.metadata.component["bom-ref"], ...named]);
  for (const { ref, dependsOn } of bill.dependencies) {
    for (const each of [ref, ...dependsOn]) assert.ok(references.has(each), each);
  }
  assert.equal(await sbomText(), `${JSON.stringify(bill, null, 2)}\n`);
});

Deno.test("Bill of materials writes hashes and scopes as CycloneDX and purl have them", () => {
  const bill = makeSbom({ name: "x", version: "1.0.0", license: "MIT", deno: "2.0.0" }, [{
    name: "@a/b",
    version: "1.2.3",
    integrity: "sha512-AP8=",
    dependencies: ["c"],
    license: undefined,
  }]) as { components: unknown[]; dependencies: unknown[] };
  assert.deepEqual(bill.components[1], {
    type: "library",
    "bom-ref": "pkg:npm/%40a/b@1.2.3",
    name: "@a/b",
    version: "1.2.3",
    purl: "pkg:npm/%40a/b@1.2.3",
    hashes: [{ alg: "SHA-512", content: "00ff" }],
  });
  assert.deepEqual(bill.dependencies[1], { ref: "pkg:npm/%40a/b@1.2.3", dependsOn: [] });
});

Deno.test("Sums are those of sha256sum, in the order of names", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const [b, a] = [join(folder, "b"), join(folder, "a")];
    await Deno.writeTextFile(a, "abc");
    await Deno.writeTextFile(b, "");
    // FIPS 180-2, appendix B.1, and the sum of nothing.
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert.equal(await sha256(a), abc);
    assert.equal(await sumsOf([b, a]), `${abc}  a\n${nothing}  b\n`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("Release builds for this machine, one target, all, or none", () => {
  const read = (...args: string[]) => {
    const wish = readReleaseArguments(args);
    return wish instanceof Error ? wish.message : [wish.targets.length, wish.collects];
  };
  if (ownTarget() !== undefined) assert.deepEqual(read(), [1, true]);
  assert.deepEqual(read("--target", "macos-arm64"), [1, false]);
  assert.deepEqual(read("--all"), [targets.length, true]);
  assert.deepEqual(read("--collect"), [0, true]);
  assert.match(String(read("--all", "--collect")), /exclude one another/);
  assert.match(String(read("--target=amiga")), /no target amiga/);
});

Deno.test("Release workflow builds every target on a machine of its kind", async () => {
  const workflow = await Deno.readTextFile(join(root, ".github/workflows/release.yml"));
  const built = [...workflow.matchAll(/target: ([a-z0-9-]+)/g)].map(([, name]) => name);
  assert.deepEqual(built, targets.map(({ name }) => name));
});

/** A release on loopback: what each path answers. */
interface Release extends AsyncDisposable {
  readonly url: string;
  readonly files: Map<string, () => Response>;
}

function serve(): Release {
  const files = new Map<string, () => Response>();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    ({ url }) =>
      files.get(new URL(url).pathname.slice(1))?.() ?? new Response(null, { status: 404 }),
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    files,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** The names in a folder. */
async function namesIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

/** A folder to install into, a release that has an archive for this machine, and the script. */
async function place() {
  const target = ownTarget();
  assert.ok(target);
  const folder = await Deno.makeTempDir();
  const bin = join(folder, "bin");
  const release = serve();
  const program = join(folder, "program");
  await Deno.writeTextFile(program, "#!/bin/sh\necho 1.2.3\n");
  const path = await archive(program, target, folder);
  const bytes = await Deno.readFile(path);
  const line = `${await sha256(path)}  ${archiveName(target)}\n`;
  release.files.set("SHA256SUMS", () => new Response(`${"0".repeat(64)}  other\n${line}`));
  release.files.set(archiveName(target), () => new Response(bytes));
  const template = await Deno.readTextFile(join(root, "packaging/install.sh"));
  const start = (script = installScript(template, undefined)) => {
    const command = new Deno.Command("sh", {
      args: ["-c", script],
      env: { CAMELLIA_URL: release.url, CAMELLIA_BIN: bin, HOME: folder },
      stdout: "piped",
      stderr: "piped",
    });
    return command.spawn();
  };
  return {
    ...release,
    bin,
    bytes,
    archive: archiveName(target),
    template,
    start,
    async install(script?: string) {
      const { code, stdout, stderr } = await start(script).output();
      const decoder = new TextDecoder();
      return { code, said: decoder.decode(stdout) + decoder.decode(stderr) };
    },
    async [Symbol.asyncDispose]() {
      await release[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

const canInstall = Deno.build.os !== "windows" && ownTarget() !== undefined;

Deno.test({
  name: "install.sh installs what the sums say, and leaves nothing else",
  ignore: !canInstall,
  fn: async () => {
    await using at = await place();
    const { code, said } = await at.install();
    assert.equal(code, 0, said);
    assert.match(said, /^Installed Camellia 1\.2\.3 as .*\/bin\/camellia\n/);
    assert.deepEqual(await namesIn(at.bin), ["camellia"]);
    // Once more, over the first.
    assert.equal((await at.install()).code, 0);
    assert.deepEqual(await namesIn(at.bin), ["camellia"]);
  },
});

Deno.test({
  name: "install.sh refuses what the sums do not say, and keeps what was there",
  ignore: !canInstall,
  fn: async () => {
    await using at = await place();
    await Deno.mkdir(at.bin);
    await Deno.writeTextFile(join(at.bin, "camellia"), "before");
    const cases: [RegExp, () => void][] = [
      [/is not what SHA256SUMS says/, () => {
        const other = at.bytes.slice();
        other[20] = (other[20] ?? 0) ^ 1;
        at.files.set(at.archive, () => new Response(other));
      }],
      [/is not what SHA256SUMS says/, () => {
        at.files.set(at.archive, () => new Response(at.bytes.subarray(0, 100)));
      }],
      [/cannot be fetched/, () => at.files.delete(at.archive)],
      [/the release has nothing for/, () => at.files.set("SHA256SUMS", () => new Response("x\n"))],
      [/cannot be fetched/, () => at.files.delete("SHA256SUMS")],
    ];
    for (const [reason, change] of cases) {
      change();
      const { code, said } = await at.install();
      assert.equal(code, 1, said);
      assert.match(said, reason);
      assert.deepEqual(await namesIn(at.bin), ["camellia"]);
      assert.equal(await Deno.readTextFile(join(at.bin, "camellia")), "before");
    }
  },
});

Deno.test({
  name: "install.sh leaves nothing half when it is interrupted, or is only half there itself",
  ignore: !canInstall,
  fn: async () => {
    await using at = await place();
    const asked = Promise.withResolvers<void>();
    const body = new TransformStream<Uint8Array, Uint8Array>();
    at.files.set(at.archive, () => {
      asked.resolve();
      return new Response(body.readable);
    });
    const writer = body.writable.getWriter();
    writer.write(at.bytes.subarray(0, 50)).catch(() => {});
    const child = at.start();
    await asked.promise;
    // A shell acts on a signal once the program that it waits for has ended.
    child.kill("SIGTERM");
    await writer.close().catch(() => {});
    assert.notEqual((await child.output()).code, 0);
    assert.deepEqual(await namesIn(at.bin), []);
    const half = at.template.slice(0, at.template.lastIndexOf("main"));
    assert.equal((await at.install(half)).code, 0);
    assert.deepEqual(await namesIn(at.bin), []);
  },
});

Deno.test("install.sh of a release knows the release's address", async () => {
  const template = await Deno.readTextFile(join(root, "packaging/install.sh"));
  const url = `https://example.org/releases/v${denoConfig.version}`;
  assert.ok(installScript(template, url).includes(`url=\${CAMELLIA_URL:-${url}}`));
  assert.equal(installScript(template, undefined), template);
});
