/**
 * Citations in comments and documents: of sections, files, folders, tests and tasks, and Markdown
 * links. A citation is checked against the files of the repository. Papers and RFCs are not checked.
 *
 * @module
 */

/** What citations are checked against. */
export interface Library {
  /** The path of every file, relative to the repository. */
  readonly paths: ReadonlySet<string>;
  /** The documents (Markdown) by path. */
  readonly documents: ReadonlyMap<string, string>;
  /** The names of all tests. */
  readonly tests: ReadonlySet<string>;
  /** The names of the tasks in deno.json. */
  readonly tasks: ReadonlySet<string>;
}

/** The document that "design, section N" means. */
const designPath = "docs/DESIGN.md";

/** Files that citations name: source, documents, workflows. */
const fileName = /(?<![\w./*<-])(?:[\w.*<>-]+\/)*[\w.*<>-]*[\w*>]\.(?:ts|md|yml)(?![\w/])/g;

/** Folders below the repository, as they are written in documents: with a slash at the end. */
const folderName =
  /(?<![\w./*<-])(?:bench|core|docs|lib|net|storage|tests|tools|ui)\/[\w/-]*(?<=\/)(?![\w.*<])/g;

/** Links to elsewhere: what looks like a path in them is none of ours. */
const url = /\b(?:https?|mailto|npm|jsr):[^\s)>\]]+/g;

/** What a bare "section N" in a document may belong to instead of to the document itself. */
const foreign = /(?:RFC \d+|paper|Kademlia|Web Crypto|UAX #\d+|design|\.md`?\)?),? $/i;

/** The comments of a source file, each as one line of text, blocks of line comments joined. */
export function commentsOf(source: string): string[] {
  const comments: string[] = [];
  const pattern = /^[ \t]*\/\*[\s\S]*?\*\/|(?:(?:^|(?<=\s))\/\/ [^\n]*(?:\n\s*(?=\/\/ ))?)+/gm;
  for (const [comment] of source.matchAll(pattern)) {
    const text = comment.replace(/^\s*(?:\/\*\*?|\*\/|\*(?=\s)|\/\/)/gm, " ").replace(/\*\/$/, "");
    comments.push(text.replace(/\s+/g, " ").trim());
  }
  return comments;
}

/** The number of a numbered heading such as `## 4. Records` or `### 1.1 Datagrams`. */
function headingNumbers(document: string): Set<string> {
  return new Set(
    [...document.matchAll(/^#+ (\d+(?:\.\d+)*)\.? /gm)].map((match) => match[1] ?? ""),
  );
}

/** The text between a numbered heading and the next heading. */
function sectionOf(document: string, number: string): string {
  const heading = new RegExp(`^#+ ${number.replaceAll(".", "\\.")}\\.? `, "m");
  return document.split(/^(?=#+ )/m).find((part) => heading.test(part)) ?? "";
}

/** The anchor that GitHub makes of each heading. */
function anchorsOf(document: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, title = ""] of document.matchAll(/^#+ (.+)$/gm)) {
    const plain = title.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-");
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** A path taken relative to the folder of the file that names it, without `.` and `..`. */
function relativeTo(from: string, path: string): string {
  return decodeURIComponent(new URL(path, `file:///${from}`).pathname).slice(1);
}

/** Whether a file has this path, or ends with it: a neighbour is cited by its name alone. */
function hasFile({ paths }: Library, from: string, cited: string): boolean {
  // A name in capitals, such as NAME.ts, stands for any.
  if (/(?:^|\/)[A-Z_]+\.ts$/.test(cited)) return true;
  if (cited.startsWith(".")) return paths.has(relativeTo(from, cited));
  if (cited.includes("<")) return true;
  if (!cited.includes("*")) {
    return paths.has(cited) || [...paths].some((path) => path.endsWith(`/${cited}`));
  }
  const escaped = cited.replace(/[.]/g, "\\.").replace(/\*+/g, "[^/]*");
  const pattern = new RegExp(`(?:^|/)${escaped}$`);
  return [...paths].some((path) => pattern.test(path));
}

/** The numbers of "sections 4, 5 to 7 and 9". */
function numbersOf(list: string): string[] {
  const numbers: string[] = [];
  for (const [, first = "", last] of list.matchAll(/(\d+(?:\.\d+)*)(?: to (\d+))?/g)) {
    numbers.push(first);
    for (let n = Number(first) + 1; n <= Number(last); n++) numbers.push(String(n));
  }
  return numbers;
}

const sections =
  /sections? (\d+(?:\.\d+)*(?:(?:, | and |, and | to )\d+(?:\.\d+)*)*)(?:, behaviours? (\d+))?/
    .source;

/** Citations of sections that do not exist. */
function* badSections(library: Library, from: string, text: string): Generator<string> {
  const check = function* (path: string, list: string, item: string | undefined) {
    const document = library.documents.get(path);
    if (document === undefined) return;
    for (const number of numbersOf(list)) {
      if (!headingNumbers(document).has(number)) yield `${path} has no section ${number}`;
    }
    if (item === undefined) return;
    const number = numbersOf(list).at(-1) ?? "";
    if (!new RegExp(`^${item}\\. `, "m").test(sectionOf(document, number))) {
      yield `section ${number} of ${path} has no item ${item}`;
    }
  };
  for (const [, list = "", item] of text.matchAll(new RegExp(`\\bdesign,? ${sections}`, "gi"))) {
    yield* check(designPath, list, item);
  }
  for (
    const [, name = "", list = "", item] of text.matchAll(
      new RegExp(`([\\w./-]+\\.md)[\`)]*,? ${sections}`, "g"),
    )
  ) {
    const [path] = [...library.documents.keys()].filter((known) =>
      known === name || known.endsWith(`/${name}`)
    );
    if (path !== undefined) yield* check(path, list, item);
  }
  if (!library.documents.has(from)) return;
  for (const match of text.matchAll(new RegExp(sections, "g"))) {
    if (foreign.test(text.slice(0, match.index))) continue;
    yield* check(from, match[1] ?? "", match[2]);
  }
}

/** Markdown links that lead nowhere. */
function* badLinks(library: Library, from: string, text: string): Generator<string> {
  for (const [, target = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^[a-z]+:/.test(target)) continue;
    const [path = "", anchor] = target.split("#");
    const resolved = path === "" ? from : relativeTo(from, path);
    const isFolder = [...library.paths].some((known) =>
      known.startsWith(`${resolved.replace(/\/$/, "")}/`)
    );
    if (!library.paths.has(resolved) && !isFolder) yield `the link to ${target} leads nowhere`;
    else if (anchor !== undefined) {
      const document = library.documents.get(resolved);
      if (document === undefined || !anchorsOf(document).has(anchor)) {
        yield `the link to ${target} has no such heading`;
      }
    }
  }
}

/**
 * What is wrong with the citations of one piece of text: a document, or a comment of a source file.
 *
 * @param from The path of the file with the text, relative to the repository.
 */
export function problemsOf(library: Library, from: string, text: string): string[] {
  const problems: string[] = [];
  const joined = text.replace(url, " ").replace(/\s+/g, " ");
  problems.push(...badSections(library, from, joined));
  if (library.documents.has(from)) problems.push(...badLinks(library, from, text));
  // What a link leads to was checked above; its target is no citation of its own. A file that an
  // example adds is marked: `path` (new).
  const plain = joined.replace(/\]\([^)]*\)/g, "]").replace(/`[^`]+` \(new\)/g, "");
  for (const [path] of plain.matchAll(fileName)) {
    if (!hasFile(library, from, path)) problems.push(`there is no file ${path}`);
  }
  for (const [path] of plain.matchAll(folderName)) {
    if (![...library.paths].some((known) => known.startsWith(path))) {
      problems.push(`there is no folder ${path}`);
    }
  }
  for (const [, name = ""] of plain.matchAll(/\btests? “([^”]+)”/g)) {
    if (!library.tests.has(name)) problems.push(`there is no test “${name}”`);
  }
  for (const [, name = ""] of plain.matchAll(/\b(?:deno(?:@[\d.]+)?) task ([a-z]+)/g)) {
    if (!library.tasks.has(name)) problems.push(`there is no task ${name}`);
  }
  for (const [issue] of plain.matchAll(/\bissue \d+/g)) {
    problems.push(`${issue} cannot be read here: cite a document`);
  }
  return problems;
}
