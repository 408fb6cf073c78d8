import assert from "node:assert/strict";
import { defaultDataFolder } from "../../../ui/settings/places.ts";
import { FakeIo } from "../fake_io.ts";

function folderOn(os: string, variables: Record<string, string>): string {
  const io = new FakeIo();
  io.os = os;
  io.variables = variables;
  return defaultDataFolder(io);
}

Deno.test("Data goes where the platform keeps it", () => {
  const home = { HOME: "/home/alice" };
  assert.equal(folderOn("linux", home), "/home/alice/.local/share/camellia");
  assert.equal(folderOn("linux", { ...home, XDG_DATA_HOME: "/data" }), "/data/camellia");
  // The specification says that relative paths are to be ignored.
  const relative = { ...home, XDG_DATA_HOME: "data" };
  assert.equal(folderOn("linux", relative), "/home/alice/.local/share/camellia");
  assert.equal(folderOn("darwin", home), "/home/alice/Library/Application Support/camellia");
  assert.match(folderOn("windows", { LOCALAPPDATA: "C:\\Data" }), /^C:\\Data.camellia$/);
});

Deno.test("Without a home the data folder has to be named", () => {
  for (const os of ["linux", "darwin", "windows"]) {
    assert.throws(() => folderOn(os, {}), { code: "invalid_argument", message: /--data DIR/ });
  }
});
