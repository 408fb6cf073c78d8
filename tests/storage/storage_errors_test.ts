import assert from "node:assert/strict";
import { CamelliaError, type ErrorCode } from "../../core/model/errors.ts";
import { DecodeError } from "../../lib/msgpack.ts";
import { storageError } from "../../storage/storage_errors.ts";

const task = { doing: "store the post", path: "/data/users/alice.kv" };

Deno.test("Errors of disk and database get their code, as Deno words them", () => {
  const errno = (message: string, code: string) => Object.assign(new Error(message), { code });
  const cases: [Error, ErrorCode][] = [
    [new TypeError("database or disk is full"), "disk_full"],
    [errno("No space left on device (os error 28): writefile 'x'", "ENOSPC"), "disk_full"],
    [new Error("file is not a database"), "database_damaged"],
    [new Error("database disk image is malformed"), "database_damaged"],
    [new TypeError("database disk image is malformed"), "database_damaged"],
    [new DecodeError("feed state is not an array"), "database_damaged"],
    [new Error("attempt to write a readonly database"), "folder_read_only"],
    [new TypeError("Can not write to a read-only database."), "folder_read_only"],
    [new Error("unable to open database file: /proc/x.kv"), "folder_read_only"],
    [errno("Read-only file system (os error 30): mkdir 'keys'", "EROFS"), "folder_read_only"],
    [new Deno.errors.PermissionDenied("Permission denied (os error 13)"), "folder_read_only"],
    [new Error("database is locked"), "folder_in_use"],
    [new Deno.errors.BadResource("Bad resource ID"), "interrupted"],
    [new Error("disk I/O error"), "disk_failed"],
    [new Deno.errors.NotADirectory("Not a directory (os error 20)"), "disk_failed"],
  ];
  for (const [error, code] of cases) {
    const mapped = storageError(error, task);
    assert(mapped instanceof CamelliaError, error.message);
    assert.equal(mapped.code, code, error.message);
    assert(mapped.message.startsWith("Cannot store the post: "), mapped.message);
    assert(mapped.message.includes(task.path));
    assert.equal(mapped.cause, error);
  }
});

Deno.test("The message says what to do, without advice that is meant for Deno's users", () => {
  const { message } = storageError(
    new Deno.errors.NotCapable("Requires all access, run again with the --allow-all flag"),
    task,
  );
  assert.match(message, /cannot be written\..*--data\.$/);
  const file = new Deno.errors.AlreadyExists("File exists (os error 17): mkdir '/dev/null'");
  assert.match(storageError(file, task).message, /a file stands where .* needs a folder/);
});

Deno.test("Errors of programming pass as they are", () => {
  const known = new CamelliaError("disk_full", "Cannot");
  for (const error of [new TypeError("no number"), new RangeError("too long"), known]) {
    assert.equal(storageError(error, task), error);
  }
});
