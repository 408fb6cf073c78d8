import assert from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../tools/packages.ts";
import { portFileName } from "../../ui/peer/loopback_protocol.ts";
import { parseConfig } from "../../ui/settings/config.ts";

/** Exposure of the node's service at most, times ten, by systemd's count of 0 (confined) to 10. */
const exposureMax = 25;

const unit = join(root, "packaging/camellia-node.service");
const hasSystemd = Deno.build.os === "linux" &&
  await new Deno.Command("systemd-analyze", { args: ["--version"] }).output()
    .then(({ success }) => success, () => false);

function read(path: string): Promise<string> {
  return Deno.readTextFile(join(root, path));
}

Deno.test("Settings of a bare node are ones that the program knows, and relaying is on", async () => {
  const config = parseConfig(
    new TextEncoder().encode(await read("packaging/node.ini")),
    "node.ini",
  );
  assert.equal(config.relay, "yes");
  assert.equal(config.portMapping, false);
});

Deno.test({
  name: `Node's service is confined${hasSystemd ? "" : " (ignored: no systemd-analyze)"}`,
  ignore: !hasSystemd,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      const path = join(folder, "camellia-node.service");
      await Deno.copyFile(unit, path);
      const args = ["security", "--offline=yes", `--threshold=${exposureMax}`, path];
      const { code, stdout, stderr } = await new Deno.Command("systemd-analyze", { args }).output();
      const decoder = new TextDecoder();
      assert.equal(code, 0, decoder.decode(stdout).split("\n").at(-2) + decoder.decode(stderr));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("Service and container run the node with its settings, the container without rights", async () => {
  const service = await read("packaging/camellia-node.service");
  assert.match(
    service,
    /^ExecStart=\S+ --data %S\/camellia --config \/etc\/camellia\/node\.ini node$/m,
  );
  const image = await read("Dockerfile");
  assert.match(image, /^USER node$/m);
  assert.ok(image.includes(`test -e /data/${portFileName} && camellia --data /data`));
  for (const [, path = ""] of image.matchAll(/^COPY (\w\S+) /gm)) {
    assert.ok((await Deno.stat(join(root, path))).isFile, path);
  }
  const compose = await read("compose.yaml");
  for (const line of ["read_only: true", "cap_drop: [ALL]", "network_mode: host"]) {
    assert.ok(compose.includes(line), line);
  }
});

Deno.test("Where npm is to take the package from a folder, it cannot mistake that for a repository", async () => {
  // To npm, a/b without a dot before it is a repository on GitHub.
  for (const path of ["README.md", "Dockerfile", ".github/workflows/release.yml"]) {
    const text = await read(path);
    assert.match(text, / \.\/dist\/\S*camellia-timeline-\S+\.tgz/, path);
    assert.doesNotMatch(text, /npm (install|publish) .*(?<!\.\/)\bdist\//, path);
  }
});

Deno.test("The ports that hosting names are those of config.ini", async () => {
  const config = parseConfig(new TextEncoder().encode(await read("config.ini")), "config.ini");
  const udp = String(config.port);
  const tcp = String(config.listeningPort);
  assert.match(
    await read("Dockerfile"),
    new RegExp(`^EXPOSE ${udp}/udp ${udp}/tcp ${tcp}/tcp$`, "m"),
  );
  const hosting = await read("docs/HOSTING.md");
  for (const port of [`UDP ${udp}`, `TCP ${udp}`, `TCP ${tcp}`]) assert.ok(hosting.includes(port));
});
